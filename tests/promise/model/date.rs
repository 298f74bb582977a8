//! The two ways in which an Engine writes a moment.

/// The moment of the virtual clock's zero, in Unix seconds.
const EPOCH: u64 = 1_790_000_000;

const SECONDS_A_DAY: u64 = 24 * 60 * 60;

const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The Unix seconds of a moment of the virtual clock.
pub fn unix(now: std::time::Duration) -> u64 {
    EPOCH + now.as_secs()
}

/// The form of the `Date` header: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub fn imf_fixdate(unix: u64) -> String {
    let (year, month, day) = civil(unix / SECONDS_A_DAY);
    let weekday = WEEKDAYS[(unix / SECONDS_A_DAY % 7) as usize];
    let month = MONTHS[month as usize - 1];
    format!("{weekday}, {day:02} {month} {year} {} GMT", clock(unix))
}

/// The form of the moments in an Engine's bodies.
pub fn rfc3339(unix: u64) -> String {
    let (year, month, day) = civil(unix / SECONDS_A_DAY);
    format!("{year:04}-{month:02}-{day:02}T{}.25Z", clock(unix))
}

fn clock(unix: u64) -> String {
    let second = unix % SECONDS_A_DAY;
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{hour:02}:{minute:02}:{:02}", second % 60)
}

/// Year, month and day of a day since 1970, counted in years from March so
/// that the leap day comes last.
fn civil(day: u64) -> (u64, u64, u64) {
    let day = day + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let shifted = (5 * day + 2) / 153;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = era * 400 + year + u64::from(month <= 2);
    (year, month, day - (153 * shifted + 2) / 5 + 1)
}

#[test]
fn a_date_is_written_as_the_standards_write_it() {
    assert_eq!(imf_fixdate(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(imf_fixdate(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
    assert_eq!(rfc3339(784_111_777), "1994-11-06T08:49:37.25Z");
}
