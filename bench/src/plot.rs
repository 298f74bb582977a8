//! Draws the ratios: a point for each, with its spread and its target.

use anyhow::Result;
use askama::Template;

use crate::row::Row;

/// The picture. All numbers are positions in it.
#[derive(Template)]
#[template(path = "ratios.svg")]
struct Picture {
    bottom: i32,
    ticks: [(f64, i32); 6],
    points: Vec<Point>,
}

/// A row.
struct Point {
    y: i32,
    label: String,
    colour: &'static str,
    ratio: [i32; 3],
    target: Option<i32>,
}

const TOP: i32 = 40;
const ROW_HEIGHT: i32 = 22;

/// The range of ratios that is shown, and where it is; others are drawn at the edge.
const SHOWN: [f64; 2] = [0.5, 2.0];
const BETWEEN: [i32; 2] = [430, 870];

/// The picture of these rows, as SVG.
pub fn drawn(rows: &[Row]) -> Result<String> {
    let bottom = TOP + ROW_HEIGHT * i32::try_from(rows.len())?;
    let points = rows.iter().zip(0..).map(|(row, index)| Point {
        y: TOP + ROW_HEIGHT * index + ROW_HEIGHT / 2,
        label: format!("{}: {} / {}", row.group, row.name, row.floor),
        colour: match row.is_kept() {
            Some(true) => "#006e5a",
            Some(false) => "#c83c1e",
            None => "#282828",
        },
        ratio: [row.ratio.least, row.ratio.value, row.ratio.most].map(across),
        target: row.targets.first().map(|(_, most)| across(*most)),
    });
    let picture = Picture {
        bottom,
        ticks: [0.5, 0.75, 1.0, 1.25, 1.5, 2.0].map(|ratio| (ratio, across(ratio))),
        points: points.collect(),
    };
    Ok(picture.render()?)
}

/// The position of a ratio, on a logarithmic scale: half as fast is as far from 1
/// as twice as fast.
fn across(ratio: f64) -> i32 {
    let [least, most] = SHOWN;
    let share = (ratio.clamp(least, most) / least).ln() / (most / least).ln();
    let [left, right] = BETWEEN;
    left + (share * f64::from(right - left)).round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::tests::row;

    #[test]
    fn one_is_in_the_middle_and_what_is_beyond_at_the_edge() {
        let [left, right] = BETWEEN;
        assert_eq!(across(1.0), (left + right) / 2);
        for (ratio, edge) in [(2.0, right), (9.0, right), (0.1, left)] {
            assert_eq!(across(ratio), edge, "{ratio}");
        }
    }

    #[test]
    fn a_row_is_a_point_with_its_target() {
        let svg = drawn(&[row(100, 100).within(&[(0.5, 2.0)])]).expect("a picture");
        assert!(svg.contains(r#"<circle cx="650" cy="51""#), "{svg}");
        assert!(svg.contains(r#"<path d="M870 43v16""#), "{svg}");
    }
}
