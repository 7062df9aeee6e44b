//! Texts of decimals and timestamps, back to values.

use crate::expr::civil::{DAY, SECOND, days_from_date, days_in_month};

/// The unscaled value of `-1.50` at a scale. `None` if the text is no number, or has digits that the scale cuts off.
pub(super) fn parse_decimal(text: &str, scale: u8) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let fraction_digits = fraction.trim_end_matches('0');
    let zeros = usize::from(scale).checked_sub(fraction_digits.len())?;
    // Downwards, since the least value has no positive twin.
    let mut value = 0i128;
    for byte in whole.bytes().chain(fraction_digits.bytes()) {
        let digit = byte.is_ascii_digit().then(|| i128::from(byte - b'0'))?;
        value = value.checked_mul(10)?.checked_sub(digit)?;
    }
    let unit = 10i128.checked_pow(u32::try_from(zeros).ok()?);
    let value = if value == 0 { 0 } else { value.checked_mul(unit?)? };
    if negative { Some(value) } else { value.checked_neg() }
}

/// Microseconds since the epoch of `YYYY-MM-DD HH:MM:SS[.f…]`, with up to six digits of fraction. The year may have more
/// digits, and ` BC` may follow, as [`write_timestamp`](crate::expr::write_timestamp) has it.
pub(super) fn parse_timestamp(text: &str) -> Option<i64> {
    let (text, is_bc) = text.strip_suffix(" BC").map_or((text, false), |text| (text, true));
    let (time, fraction) = text.split_once('.').unwrap_or((text, ""));
    let (year, time) = time.split_once('-').filter(|(year, _)| year.len() >= 4)?;
    let bytes = time.as_bytes();
    let signs = [(2, b'-'), (5, b' '), (8, b':'), (11, b':')];
    if bytes.len() != 14 || signs.iter().any(|&(at, sign)| bytes[at] != sign) {
        return None;
    }
    let year = number(year)?;
    let year = if is_bc { 1 - year } else { year };
    let date = [year, number(time.get(0..2)?)?, number(time.get(3..5)?)?];
    let clock = [number(time.get(6..8)?)?, number(time.get(9..11)?)?, number(time.get(12..14)?)?];
    if fraction.len() > 6 {
        return None;
    }
    let micro = if fraction.is_empty() { 0 } else { number(&format!("{fraction:0<6}"))? };
    micros_of(date, clock, micro)
}

fn number(digits: &str) -> Option<i64> {
    let is_number = digits.len() <= 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok())?
}

/// Microseconds since the epoch of year, month, day and hour, minute, second; `None` if there is no such time.
pub(super) fn micros_of(
    [year, month, day]: [i64; 3],
    [hour, minute, second]: [i64; 3],
    micro: i64,
) -> Option<i64> {
    let is_date = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
    let is_time = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..60).contains(&second);
    if !is_date || !is_time {
        return None;
    }
    let of_day = ((hour * 60 + minute) * 60 + second) * SECOND + micro;
    // The first day of what 64 bits hold begins before them.
    let micros = i128::from(days_from_date(year, month, day)) * i128::from(DAY);
    i64::try_from(micros + i128::from(of_day)).ok()
}

#[cfg(test)]
mod tests {
    use super::super::value::{TimestampText, push_decimal};
    use super::*;
    use crate::expr::write_timestamp;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_decimal_or_too_long_is_none() {
        for text in ["", "-", ".", "1.5x", "+1", "1e3", "--1", "1.234"] {
            assert_eq!(parse_decimal(text, 2), None, "{text}");
        }
        assert_eq!(parse_decimal("170141183460469231731687303715884105728", 0), None);
        assert_eq!(parse_decimal("1.2300", 2), Some(123));
        assert_eq!(parse_decimal("0", 38), Some(0));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "2026-13-01 00:00:00",
            "2026-02-29 00:00:00",
            "2026-01-01T00:00:00",
            "2026-01-01 24:00:00",
            "2026-01-01 00:00:00.1234567",
            "2026-01-01 00:00:0é",
            "999999-01-01 00:00:00",
            "026-01-01 00:00:00",
            "-2026-01-01 00:00:00",
        ] {
            assert_eq!(parse_timestamp(text), None, "{text}");
        }
        assert_eq!(parse_timestamp("1970-01-01 00:00:01.5"), Some(1_500_000));
    }

    proptest! {
        #[test]
        fn a_decimal_comes_back(unscaled: i128, scale in 0u8..=38) {
            let mut text = Vec::new();
            push_decimal(&mut text, unscaled, scale);
            let text = String::from_utf8(text).expect("digits");
            prop_assert_eq!(parse_decimal(&text, scale), Some(unscaled));
        }

        #[test]
        fn a_timestamp_of_any_year_comes_back(micros: i64) {
            for micros in [micros, i64::MIN, i64::MAX, micros / 150] {
                let mut text = String::new();
                write_timestamp(&mut text, micros).expect("writing to a String");
                prop_assert_eq!(parse_timestamp(&text), Some(micros));
            }
        }

        #[test]
        fn a_timestamp_comes_back(micros in -62_135_596_800_000_000i64..253_402_300_800_000_000) {
            let text = TimestampText::new(micros).expect("within the years");
            prop_assert_eq!(parse_timestamp(text.as_str()), Some(micros));
        }
    }
}
