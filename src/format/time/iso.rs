//! ISO 8601 and RFC 3339: `2018-05-06T17:44:05.866769Z` and its many relatives.

use super::scan::{Scan, utc_micros};
use super::{TimeCache, Zone};

/// A date with `-` or `/`, and a clock behind `T`, `t` or a space; a date alone is its midnight.
pub(super) fn parse(raw: &[u8], zone: &Zone, cache: &mut TimeCache) -> Option<i64> {
    let mut scan = Scan(raw);
    let year = scan.digits(4)?;
    let dash = scan.one_of(b"-/")?;
    let month = scan.digits(2)?;
    scan.one_of(&[dash])?;
    let day = scan.digits(2)?;
    if scan.end().is_some() {
        return utc_micros((year, month, day), 0, None, zone, cache);
    }
    scan.one_of(b"Tt ")?;
    let clock = scan.clock()?;
    let offset = scan.offset()?;
    scan.end()?;
    utc_micros((year, month, day), clock, offset, zone, cache)
}

#[cfg(test)]
mod tests {
    use crate::format::time::tests::{berlin, micros};

    #[test]
    fn the_common_shapes_are_read() {
        let expected = Some(micros("2020-02-29T00:00:01.041456Z"));
        let shapes = [
            "2020-02-29T00:00:01.041456+0000",
            "2020-02-29 01:00:01.041456",
            "2020-02-29t00:00:01,041456z",
            "2020-02-29T02:00:01.041456999+02",
            "2020-02-28 23:30:01.041456 -00:30",
            "2020/02/29 00:00:01.041456 UTC",
        ];
        for shape in shapes {
            assert_eq!(berlin(shape), expected, "{shape}");
        }
        assert_eq!(berlin("2020-02-29"), Some(micros("2020-02-28T23:00:00Z")));
        assert_eq!(berlin("2020-02-29T12:30Z"), Some(micros("2020-02-29T12:30:00Z")));
        assert_eq!(berlin("2016-12-31T23:59:60.5Z"), Some(micros("2017-01-01T00:00:00.5Z")));
    }

    #[test]
    fn no_other_text_is_a_time() {
        let bad = [
            "2020-02-30",
            "2021-02-29",
            "2020-13-01",
            "2020-00-01",
            "2020-1-1",
            "2020-02/29",
            "2020-02-29T",
            "2020-02-29T1:00",
            "2020-02-29T00:60:00",
            "2020-02-29T00:00:61",
            "2020-02-29T00:00:01.",
            "2020-02-29T00:00:01.1234567890",
            "2020-02-29T00:00:01+1",
            "2020-02-29T00:00:01+24:00",
            "2020-02-29T00:00:01+01:",
            "2020-02-29 00:00:01 CET",
        ];
        for text in bad {
            assert_eq!(berlin(text), None, "{text}");
        }
    }
}
