//! Seconds, milliseconds, microseconds or nanoseconds since the Unix epoch, told apart by their digits.

use super::scan::{Scan, utc_micros};
use super::{MICROS, TimeCache, Zone};

/// 1 to 11 digits are seconds, 13 milliseconds, 16 microseconds, 19 nanoseconds, each with an optional fraction;
/// 8 digits are a date (`20180324`), and 14 a date and a clock, as PostgreSQL and ISO 8601 have it.
pub(super) fn parse(raw: &[u8], zone: &Zone, cache: &mut TimeCache) -> Option<i64> {
    let (negative, unsigned) = match raw {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, raw),
    };
    let digits = unsigned.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if matches!(digits, 8 | 14) {
        return basic(raw, zone, cache);
    }
    let mut scan = Scan(unsigned);
    let whole = scan.digits(if digits < 20 { digits } else { return None })?;
    let (micros, fraction) = match digits {
        1..=11 => (whole * MICROS, scan.fraction()?),
        13 => (whole * 1000, scan.fraction()? / 1000),
        16 => (whole, scan.fraction()? / MICROS),
        19 => (whole / 1000, scan.fraction()? / MICROS),
        _ => return None,
    };
    scan.end()?;
    let micros = micros + fraction;
    Some(if negative { -micros } else { micros })
}

/// `20180324` or `20180324181520`.
fn basic(raw: &[u8], zone: &Zone, cache: &mut TimeCache) -> Option<i64> {
    let mut scan = Scan(raw);
    let date = (scan.digits(4)?, scan.digits(2)?, scan.digits(2)?);
    let mut clock = 0;
    if scan.end().is_none() {
        let (hour, minute, second) = (scan.digits(2)?, scan.digits(2)?, scan.digits(2)?);
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        clock = (hour * 3600 + minute * 60 + second) * MICROS;
    }
    scan.end()?;
    utc_micros(date, clock, None, zone, cache)
}

#[cfg(test)]
mod tests {
    use crate::format::time::tests::{berlin, micros};

    #[test]
    fn the_number_of_digits_tells_the_unit() {
        assert_eq!(berlin("1521911720.865716"), Some(1_521_911_720_865_716));
        assert_eq!(berlin("1521911720865.7165"), Some(1_521_911_720_865_716));
        assert_eq!(berlin("1521911720865716"), Some(1_521_911_720_865_716));
        assert_eq!(berlin("1521911720865716999"), Some(1_521_911_720_865_716));
        assert_eq!(berlin("-1.5"), Some(-1_500_000));
        assert_eq!(berlin("0"), Some(0));
        assert_eq!(berlin("20180324"), Some(micros("2018-03-23T23:00:00Z")));
        for text in [
            "152191172086",
            "152191172086571",
            "9999999999999999999",
            "99999999999999999999",
            "1.",
            "-",
            "20181324",
            "1e9",
        ] {
            assert_eq!(berlin(text), None, "{text}");
        }
    }
}
