//! Event times: which moment the n-th line has, and how logs write it.

use crate::text::{push_number, push_padded};

/// Midnight of 2026-11-20, UTC, in seconds since the Unix epoch.
pub(crate) const START: u64 = 1_795_132_800;

/// How much traffic each hour of a day (UTC) gets, relative to the others.
const HOUR_WEIGHTS: [u64; 24] =
    [5, 4, 3, 3, 3, 4, 6, 9, 12, 14, 15, 15, 14, 14, 15, 15, 15, 16, 17, 18, 17, 14, 10, 7];

/// Spreads a number of lines over hours, so that days have their rush hours and nights are quiet.
pub(crate) struct Clock {
    start: u64,
    lines: u64,
    hours: u64,
    weight_total: u64,
    weight_done: u64,
    hour: u64,
    in_hour: u64,
    lines_in_hour: u64,
    lines_done: u64,
}

impl Clock {
    /// A clock that starts at a full hour (seconds since the epoch) and gives `lines` moments over `hours`.
    pub(crate) fn new(start: u64, hours: u64, lines: u64) -> Self {
        let hours = hours.max(1);
        let weight_total = (0..hours).map(|hour| weight(start, hour)).sum();
        let mut clock = Clock {
            start,
            lines,
            hours,
            weight_total,
            weight_done: 0,
            hour: 0,
            in_hour: 0,
            lines_in_hour: 0,
            lines_done: 0,
        };
        clock.open_hour();
        clock
    }

    /// The next moment, in milliseconds since the epoch; never before the one before.
    #[inline]
    pub(crate) fn next_ms(&mut self) -> u64 {
        while self.in_hour == self.lines_in_hour && self.hour + 1 < self.hours {
            self.hour += 1;
            self.open_hour();
        }
        let within = self.in_hour * 3_600_000 / self.lines_in_hour.max(1);
        self.in_hour += 1;
        (self.start + self.hour * 3600) * 1000 + within.min(3_599_999)
    }

    /// Gives the current hour its share of the lines.
    fn open_hour(&mut self) {
        self.weight_done += weight(self.start, self.hour);
        let due =
            u128::from(self.lines) * u128::from(self.weight_done) / u128::from(self.weight_total);
        self.lines_in_hour = due as u64 - self.lines_done;
        self.lines_done = due as u64;
        self.in_hour = 0;
    }
}

/// Weight of the `hour`-th hour after `start`.
fn weight(start: u64, hour: u64) -> u64 {
    HOUR_WEIGHTS[((start / 3600 + hour) % 24) as usize]
}

/// `22/Nov/2026:10:00:00 +0000`, as nginx's `$time_local` and Apache's `%t` write it. Remembers the last second.
pub(crate) struct LocalTime {
    second: u64,
    text: Vec<u8>,
}

impl LocalTime {
    /// Nothing remembered yet.
    pub(crate) fn new() -> Self {
        LocalTime { second: u64::MAX, text: Vec::new() }
    }

    /// The text of a second since the epoch.
    #[inline]
    pub(crate) fn text(&mut self, second: u64) -> &[u8] {
        if second != self.second {
            self.second = second;
            self.format(second);
        }
        &self.text
    }

    fn format(&mut self, second: u64) {
        const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
        let (year, month, day) = civil_from_days(second / 86_400);
        let out = &mut self.text;
        out.clear();
        push_padded(out, day, 2);
        out.push(b'/');
        let name = (month as usize - 1) * 3;
        out.extend_from_slice(&MONTHS[name..name + 3]);
        out.push(b'/');
        push_number(out, year);
        out.push(b':');
        push_clock(out, second);
        out.extend_from_slice(b" +0000");
    }
}

/// Appends `2026-11-22T10:00:00.123Z` (RFC 3339) of milliseconds since the epoch.
pub(crate) fn push_rfc3339(out: &mut Vec<u8>, ms: u64) {
    let (year, month, day) = civil_from_days(ms / 86_400_000);
    push_padded(out, year, 4);
    out.push(b'-');
    push_padded(out, month, 2);
    out.push(b'-');
    push_padded(out, day, 2);
    out.push(b'T');
    push_clock(out, ms / 1000);
    out.push(b'.');
    push_padded(out, ms % 1000, 3);
    out.push(b'Z');
}

/// Appends `10:00:00`.
fn push_clock(out: &mut Vec<u8>, second: u64) {
    push_padded(out, second / 3600 % 24, 2);
    out.push(b':');
    push_padded(out, second / 60 % 60, 2);
    out.push(b':');
    push_padded(out, second % 60, 2);
}

/// Year, month and day of a day since 1970-01-01. Hinnant, "chrono-compatible low-level date algorithms".
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}
