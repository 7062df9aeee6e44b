//! ISO 8601 text to a timestamp.

use crate::data::read::trimmed;
use crate::expr::civil::{DAY, SECOND, days_from_date, days_in_month};
use crate::expr::kernel::Reason;

const NO_TIMESTAMP: Reason = "not a timestamp";

/// Reads `2026-11-22[ T][07:00[:00[.123456]]][Z|+01[:][30]]`; without an offset it is UTC. Digits beyond the
/// microsecond round.
pub(crate) fn to_timestamp(text: &str) -> Result<i64, Reason> {
    let mut cursor = Cursor { rest: trimmed(text).as_bytes() };
    cursor.timestamp().ok_or(NO_TIMESTAMP)
}

struct Cursor<'t> {
    rest: &'t [u8],
}

impl Cursor<'_> {
    fn timestamp(&mut self) -> Option<i64> {
        let days = self.date()?;
        let mut of_day = 0;
        let mut offset = 0;
        if self.eat(b'T') || self.eat(b't') || self.eat(b' ') {
            of_day = self.time()?;
            offset = self.offset()?;
        }
        if !self.rest.is_empty() {
            return None;
        }
        days.checked_mul(DAY)?.checked_add(of_day)?.checked_sub(offset)
    }

    fn date(&mut self) -> Option<i64> {
        let year = self.number(4, 6)?;
        let month = self.then(b'-', 12)?;
        let day = self.then(b'-', 31)?;
        (month >= 1 && day >= 1 && day <= days_in_month(year, month))
            .then(|| days_from_date(year, month, day))
    }

    /// Microseconds of `HH:MM[:SS[.fraction]]`; 24:00:00 and second 60 are the start of what follows.
    fn time(&mut self) -> Option<i64> {
        let hour = self.number(1, 2)?;
        let minute = self.then(b':', 59)?;
        let mut micros = 0;
        if self.rest.first() == Some(&b':') {
            micros = self.then(b':', 60)? * SECOND;
            if self.eat(b'.') || self.eat(b',') {
                micros += self.fraction()?;
            }
        }
        let of_day = (hour * 60 + minute) * 60 * SECOND + micros;
        (of_day <= DAY).then_some(of_day)
    }

    /// Microseconds of the digits behind the point, rounded.
    fn fraction(&mut self) -> Option<i64> {
        let digits = self.rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let (text, rest) = self.rest.split_at(digits);
        self.rest = rest;
        let value =
            text.iter().chain(b"0000000").take(7).fold(0, |v, b| v * 10 + i64::from(b - b'0'));
        (digits > 0).then_some((value + 5) / 10)
    }

    /// Microseconds east of UTC.
    fn offset(&mut self) -> Option<i64> {
        self.eat(b' ');
        if self.rest.is_empty()
            || self.rest.eq_ignore_ascii_case(b"z")
            || self.rest.eq_ignore_ascii_case(b"utc")
        {
            self.rest = &[];
            return Some(0);
        }
        let sign = if self.eat(b'+') { 1 } else { -1 };
        if sign < 0 && !self.eat(b'-') {
            return None;
        }
        let hours = self.number(2, 2)?;
        self.eat(b':');
        let minutes = if self.rest.is_empty() { 0 } else { self.number(2, 2)? };
        (hours <= 15 && minutes <= 59).then_some(sign * (hours * 60 + minutes) * 60 * SECOND)
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.rest.first() == Some(&byte);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    /// A separator and one or two digits.
    fn then(&mut self, separator: u8, max: i64) -> Option<i64> {
        if !self.eat(separator) {
            return None;
        }
        self.number(1, 2).filter(|n| *n <= max)
    }

    fn number(&mut self, digits_min: usize, digits_max: usize) -> Option<i64> {
        let digits = self.rest.iter().take(digits_max).take_while(|b| b.is_ascii_digit()).count();
        let (text, rest) = self.rest.split_at(digits);
        self.rest = rest;
        (digits >= digits_min).then(|| text.iter().fold(0, |v, b| v * 10 + i64::from(b - b'0')))
    }
}

#[cfg(test)]
mod tests {
    use super::to_timestamp;

    #[test]
    fn iso_forms_are_read_and_others_are_not() {
        let at = 1_795_330_800_000_000;
        for text in [
            "2026-11-22 07:00:00",
            "2026-11-22T07:00Z",
            " 2026-11-22T08:00:00.0000001+01 ",
            "2026-11-22 08:30:00 +0130",
            "2026-11-22T06:00:00-01:00",
        ] {
            assert_eq!(to_timestamp(text), Ok(at), "{text}");
        }
        assert_eq!(to_timestamp("2026-11-22T07:00:00.1234567"), Ok(at + 123_457));
        for text in [
            "",
            "2026",
            "2026-13-01",
            "2026-02-29",
            "22/11/2026",
            "2026-11-22 25:00",
            "2026-11-22 07:00 CET",
        ] {
            assert!(to_timestamp(text).is_err(), "{text}");
        }
    }
}
