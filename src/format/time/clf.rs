//! `10/Oct/2000:13:55:36 -0700`, the time of Apache's and nginx's access logs.

use super::scan::{Scan, utc_micros};
use super::{MICROS, TimeCache, Zone};

/// Bytes up to the minute, and of the whole.
const MINUTE_BYTES: usize = 17;
const FULL_BYTES: usize = 26;
/// Where the offset begins.
const OFFSET_AT: usize = 20;

/// The minute and offset read last, and their microseconds UTC.
#[derive(Debug, Clone, Default)]
pub(super) struct Minute {
    minute: [u8; MINUTE_BYTES],
    offset: [u8; FULL_BYTES - OFFSET_AT],
    micros: i64,
}

/// A minute as words: see [`Minute::words`].
#[derive(Debug, Clone, Copy)]
pub(in crate::format) struct Words {
    words: [u64; 4],
    micros: i64,
}

/// Bytes of each of the words that are not the second's.
const BUT_SECOND: [u64; 4] = [!0, !0, !(0xFFFF << 16), !0xFFFF];

#[inline(always)]
fn words(full: &[u8; FULL_BYTES]) -> [u64; 4] {
    let mut words = [0; 4];
    for (word, at) in words.iter_mut().zip([0, 8, 16, FULL_BYTES - 8]) {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&full[at..at + 8]);
        *word = u64::from_le_bytes(bytes);
    }
    words
}

impl Minute {
    /// The minute and offset read last, to be compared by words; none that any text has before the first.
    pub(super) fn words(&self) -> Words {
        let mut full = [0; FULL_BYTES];
        full[..MINUTE_BYTES].copy_from_slice(&self.minute);
        full[MINUTE_BYTES] = b':';
        full[OFFSET_AT..].copy_from_slice(&self.offset);
        Words { words: words(&full), micros: self.micros }
    }
}

impl Words {
    /// A time in this minute; `None` for any other.
    #[inline(always)]
    pub(in crate::format) fn micros(&self, raw: &[u8]) -> Option<i64> {
        let full = <&[u8; FULL_BYTES]>::try_from(raw).ok()?;
        let read = words(full);
        let differing = |at: usize| (read[at] ^ self.words[at]) & BUT_SECOND[at];
        if differing(0) | differing(1) | differing(2) | differing(3) != 0 {
            return None;
        }
        let digit = |at: usize| i64::from(full[at].wrapping_sub(b'0'));
        let (tens, ones) = (digit(MINUTE_BYTES + 1), digit(MINUTE_BYTES + 2));
        (tens < 6 && ones < 10).then(|| self.micros + (tens * 10 + ones) * MICROS)
    }
}

#[inline]
pub(super) fn parse(raw: &[u8], zone: &Zone, cache: &mut TimeCache) -> Option<i64> {
    let Ok(full) = <&[u8; FULL_BYTES]>::try_from(raw) else {
        return parse_any(raw, zone, cache);
    };
    if full[..MINUTE_BYTES] == cache.clf.minute && full[OFFSET_AT..] == cache.clf.offset {
        return Some(cache.clf.micros + second(full)? * MICROS);
    }
    let micros = parse_any(raw, zone, cache)?;
    if let Some(second) = second(full) {
        cache.clf.minute.copy_from_slice(&full[..MINUTE_BYTES]);
        cache.clf.offset.copy_from_slice(&full[OFFSET_AT..]);
        cache.clf.micros = micros - second * MICROS;
    }
    Some(micros)
}

/// The second, with the colon before it.
#[inline]
fn second(full: &[u8; FULL_BYTES]) -> Option<i64> {
    let [b':', tens @ b'0'..=b'6', ones @ b'0'..=b'9'] = full[MINUTE_BYTES..OFFSET_AT] else {
        return None;
    };
    let second = i64::from((tens - b'0') * 10 + (ones - b'0'));
    (second <= 60).then_some(second)
}

fn parse_any(raw: &[u8], zone: &Zone, cache: &mut TimeCache) -> Option<i64> {
    let mut scan = Scan(raw);
    let day = scan.digits(2)?;
    scan.one_of(b"/")?;
    let month = scan.month()?;
    scan.one_of(b"/")?;
    let year = scan.digits(4)?;
    scan.one_of(b":")?;
    let clock = scan.clock()?;
    let offset = scan.offset()?;
    scan.end()?;
    utc_micros((year, month, day), clock, offset, zone, cache)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::time::tests::{berlin, micros};

    #[test]
    fn the_cache_gives_what_the_parser_gives() {
        let zone = Zone::new(&jiff::tz::TimeZone::UTC);
        let mut cache = TimeCache::default();
        let times = [
            "10/Oct/2000:13:55:36 -0700",
            "10/Oct/2000:13:55:59 -0700",
            "10/Oct/2000:13:55:00 +0700",
            "10/Oct/2000:13:55:60 +0700",
            "10/Oct/2000:13:55:61 +0700",
            "10/Oct/2000:13:55.36 +0700",
            "10/Oct/2000:13:55:3x +0700",
            "11/Oct/2000:13:55:01 +0700",
            "31/Feb/2000:13:55:01 +0700",
        ];
        for time in times {
            let fresh = parse(time.as_bytes(), &zone, &mut TimeCache::default());
            assert_eq!(parse(time.as_bytes(), &zone, &mut cache), fresh, "{time}");
        }
    }

    #[test]
    fn offsets_and_leap_seconds_count() {
        assert_eq!(berlin("10/Oct/2000:13:55:36 -0730"), Some(micros("2000-10-10T21:25:36Z")));
        assert_eq!(berlin("31/Dec/2016:23:59:60 +0000"), Some(micros("2017-01-01T00:00:00Z")));
        assert_eq!(
            berlin("10/Oct/2000:13:55:36.25 +0000"),
            Some(micros("2000-10-10T13:55:36.25Z"))
        );
    }

    #[test]
    fn no_other_text_is_a_time() {
        for text in [
            "10/Okt/2000:13:55:36 -0700",
            "10/Oct/2000:24:55:36 -0700",
            "10/Oct/2000:13:55:36 -07000",
            "30/Feb/2000:13:55:36 -0700",
        ] {
            assert_eq!(berlin(text), None, "{text}");
        }
    }
}
