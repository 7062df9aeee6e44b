//! A cursor over the text of a timestamp.

use super::{MICROS, TimeCache, Zone, days};

/// Names of months, as logs write them.
const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// What is left of a text.
#[derive(Clone, Copy)]
pub(super) struct Scan<'t>(pub(super) &'t [u8]);

impl Scan<'_> {
    /// Exactly `count` digits, whose number fits.
    #[inline]
    pub(super) fn digits(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        digits.iter().try_fold(0_i64, |value, byte| {
            let digit = byte.is_ascii_digit().then(|| i64::from(byte - b'0'))?;
            value.checked_mul(10)?.checked_add(digit)
        })
    }

    /// Passes over a byte that must be one of these.
    #[inline]
    pub(super) fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        bytes.contains(first).then_some(*first)
    }

    /// Passes over a byte if it is the next one.
    #[inline]
    pub(super) fn skip(&mut self, byte: u8) -> bool {
        let rest = self.0.strip_prefix(&[byte]);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// `Jan` is 1.
    pub(super) fn month(&mut self) -> Option<i64> {
        let (name, rest) = self.0.split_at_checked(3)?;
        self.0 = rest;
        (1..)
            .zip(MONTHS)
            .find(|(_, month)| month.eq_ignore_ascii_case(name))
            .map(|(number, _)| number)
    }

    /// `hh:mm:ss` (or `hh:mm`) with an optional fraction, as microseconds of the day. Second 60 is a leap second.
    pub(super) fn clock(&mut self) -> Option<i64> {
        let hour = self.digits(2)?;
        self.one_of(b":")?;
        let minute = self.digits(2)?;
        let (second, fraction) =
            if self.skip(b':') { (self.digits(2)?, self.fraction()?) } else { (0, 0) };
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        Some((hour * 3600 + minute * 60 + second) * MICROS + fraction)
    }

    /// An optional `.` or `,` with 1 to 9 digits, as microseconds; finer digits are cut off.
    pub(super) fn fraction(&mut self) -> Option<i64> {
        if !matches!(self.0.first(), Some(b'.' | b',')) {
            return Some(0);
        }
        let digits = self.0[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (text, rest) = self.0.split_at(digits + 1);
        self.0 = rest;
        let value = |at: usize| i64::from(text.get(at).map_or(0, |byte| byte - b'0'));
        (1..=9).contains(&digits).then(|| (1..=6).fold(0, |micros, at| micros * 10 + value(at)))
    }

    /// `Z`, `UTC`, `GMT`, `+hh`, `+hhmm`, `+hh:mm` in seconds east, perhaps behind a space; `None` inside: nothing there.
    pub(super) fn offset(&mut self) -> Option<Option<i64>> {
        self.skip(b' ');
        if matches!(self.0, b"" | b"Z" | b"z" | b"UTC" | b"GMT") {
            let none = self.0.is_empty();
            self.0 = b"";
            return Some((!none).then_some(0));
        }
        let sign = if self.one_of(b"+-")? == b'-' { -1 } else { 1 };
        let hours = self.digits(2)?;
        let colon = self.skip(b':');
        let minutes = if colon || !self.0.is_empty() { self.digits(2)? } else { 0 };
        (hours < 24 && minutes < 60).then_some(Some(sign * (hours * 3600 + minutes * 60)))
    }

    /// The text's end must be here.
    pub(super) fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// A date and microseconds of that day, in the zone unless there is an offset, as microseconds UTC.
pub(super) fn utc_micros(
    (year, month, day): (i64, i64, i64),
    clock: i64,
    offset: Option<i64>,
    zone: &Zone,
    cache: &mut TimeCache,
) -> Option<i64> {
    let local = days(year, month, day)? * 86_400 + clock / MICROS;
    let seconds = match offset {
        Some(east) => local - east,
        None => zone.utc_seconds(local, &mut cache.zone)?,
    };
    Some(seconds * MICROS + clock % MICROS)
}
