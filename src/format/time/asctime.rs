//! `Sat Aug 12 04:05:51 2006`, the time of C's asctime and of Apache's error log (there with a fraction too).

use super::scan::{Scan, utc_micros};
use super::{TimeCache, Zone};

/// The name of the day is not checked against the date.
pub(super) fn parse(raw: &[u8], zone: &Zone, cache: &mut TimeCache) -> Option<i64> {
    let (weekday, rest) = raw.split_at_checked(3)?;
    if !weekday.iter().all(u8::is_ascii_alphabetic) {
        return None;
    }
    let mut scan = Scan(rest);
    scan.one_of(b" ")?;
    let month = scan.month()?;
    scan.one_of(b" ")?;
    let day = if scan.skip(b' ') { scan.digits(1)? } else { scan.digits(2)? };
    scan.one_of(b" ")?;
    let clock = scan.clock()?;
    scan.one_of(b" ")?;
    let year = scan.digits(4)?;
    scan.end()?;
    utc_micros((year, month, day), clock, None, zone, cache)
}

#[cfg(test)]
mod tests {
    use crate::format::time::tests::{berlin, micros};

    #[test]
    fn days_are_padded_with_a_space_or_a_zero() {
        let expected = Some(micros("2006-08-02T02:05:51.25Z"));
        assert_eq!(berlin("Wed Aug  2 04:05:51.25 2006"), expected);
        assert_eq!(berlin("Wed Aug 02 04:05:51.25 2006"), expected);
        assert_eq!(berlin("Wed Aug 2 04:05:51 2006"), None);
        assert_eq!(berlin("Wed Aug 02 04:05:51 2006 "), None);
    }
}
