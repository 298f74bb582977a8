//! Draws the ratios: a point for each, with its spread and its target.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::row::{Row, Target};

const WIDTH: u32 = 900;
const ROW_HEIGHT: u32 = 22;
const MARGIN_TOP: i32 = 40;
const MARGIN_BOTTOM: i32 = 44;
const LABELS: i32 = 430;
const MARGIN_RIGHT: i32 = 30;

/// The range of ratios that is shown; others are drawn at the edge.
const LEAST: f64 = 0.5;
const MOST: f64 = 2.0;

/// Readable on light and dark pages.
const PAPER: RGBColor = RGBColor(255, 255, 255);
const INK: RGBColor = RGBColor(40, 40, 40);
const FAINT: RGBColor = RGBColor(200, 200, 200);
const KEPT: RGBColor = RGBColor(0, 110, 90);
const MISSED: RGBColor = RGBColor(200, 60, 30);

/// Draws the rows into the file at `path`.
pub fn draw(path: &Path, rows: &[Row]) -> Result<()> {
    let mut svg = String::new();
    let height = MARGIN_TOP as u32 + MARGIN_BOTTOM as u32 + ROW_HEIGHT * rows.len() as u32;
    draw_into(&mut svg, height, rows).map_err(|error| anyhow!("the plot: {error}"))?;
    std::fs::write(path, svg)?;
    Ok(())
}

fn draw_into(
    svg: &mut String,
    height: u32,
    rows: &[Row],
) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::with_string(svg, (WIDTH, height)).into_drawing_area();
    area.fill(&PAPER)?;
    let bottom = height as i32 - MARGIN_BOTTOM;
    let title = ("sans-serif", 15).into_font().color(&INK);
    let heading = "time divided by the floor's: 1 is as fast, less is better";
    area.draw(&Text::new(heading, (16, 12), title))?;
    let small = TextStyle::from(("sans-serif", 12).into_font()).color(&INK);
    for ratio in [0.5, 0.75, 1.0, 1.25, 1.5, 2.0] {
        let x = across(ratio);
        let line = if ratio == 1.0 { INK } else { FAINT };
        let ends = vec![(x, MARGIN_TOP - 4), (x, bottom + 4)];
        area.draw(&PathElement::new(ends, line.stroke_width(1)))?;
        let centred = small.pos(Pos::new(HPos::Center, VPos::Top));
        area.draw(&Text::new(format!("{ratio}"), (x, bottom + 8), centred))?;
    }
    let legend = "point: ratio of the medians; line: its 95% interval; bar: the target";
    area.draw(&Text::new(legend, (16, bottom + 26), small.clone()))?;
    for (index, row) in rows.iter().enumerate() {
        let y = MARGIN_TOP + (index as u32 * ROW_HEIGHT + ROW_HEIGHT / 2) as i32;
        let label = format!("{}: {} / {}", row.group, row.name, row.floor);
        let right = small.pos(Pos::new(HPos::Right, VPos::Center));
        area.draw(&Text::new(label, (LABELS - 12, y), right))?;
        draw_ratio(&area, row, y)?;
    }
    area.present()?;
    Ok(())
}

fn draw_ratio<DB: DrawingBackend>(
    area: &DrawingArea<DB, plotters::coord::Shift>,
    row: &Row,
    y: i32,
) -> Result<(), DrawingAreaErrorKind<DB::ErrorType>> {
    let colour = match row.is_kept() {
        Some(true) => KEPT,
        Some(false) => MISSED,
        None => INK,
    };
    if let Some(Target::Median(most) | Target::MedianAndP95(most, _)) = row.target {
        let x = across(most);
        let ends = vec![(x, y - 8), (x, y + 8)];
        area.draw(&PathElement::new(ends, FAINT.stroke_width(4)))?;
    }
    let ratio = row.ratio();
    let ends = vec![(across(ratio.least), y), (across(ratio.most), y)];
    area.draw(&PathElement::new(ends, colour.stroke_width(2)))?;
    area.draw(&Circle::new((across(ratio.value), y), 4, colour.filled()))
}

/// The position of a ratio, on a logarithmic scale: half as fast is as far from 1
/// as twice as fast.
fn across(ratio: f64) -> i32 {
    let share = (ratio.clamp(LEAST, MOST) / LEAST).ln() / (MOST / LEAST).ln();
    let width = f64::from(WIDTH as i32 - LABELS - MARGIN_RIGHT);
    LABELS + (share * width).round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_in_the_middle_and_what_is_beyond_at_the_edge() {
        let width = WIDTH as i32 - LABELS - MARGIN_RIGHT;
        assert_eq!(across(1.0), LABELS + width / 2);
        assert_eq!(across(2.0), LABELS + width);
        assert_eq!(across(9.0), across(2.0));
        assert_eq!(across(0.1), LABELS);
    }
}
