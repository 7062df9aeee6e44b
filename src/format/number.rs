//! Numbers from their text: integers, exact decimals, floats. The meaning is PostgreSQL's.

use super::word::Word;
use crate::data::read;

/// Why a text is not a value of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Misfit {
    /// Another kind of text.
    Unreadable,
    /// Beyond the type's range.
    Range,
    /// A decimal with more digits after the point than its type has.
    Scale,
    /// A sign or an exponent, or a point in an int, where the writer of the log has none.
    Unsigned,
}

/// Digits that an i64 surely holds.
const SAFE_DIGITS: usize = 18;

/// An integer with an optional sign.
#[inline]
pub(super) fn int(raw: &[u8]) -> Result<i64, Misfit> {
    let (negative, digits) = sign(raw);
    if digits.is_empty() {
        return Err(Misfit::Unreadable);
    }
    if let Some(word) = Word::load(digits) {
        let value = word.digits().ok_or(Misfit::Unreadable)? as i64;
        return Ok(if negative { -value } else { value });
    }
    if digits.len() > SAFE_DIGITS {
        return long_int(raw, digits);
    }
    let mut value = 0;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Err(Misfit::Unreadable);
        }
        value = value * 10 + i64::from(digit);
    }
    Ok(if negative { -value } else { value })
}

#[cold]
fn long_int(raw: &[u8], digits: &[u8]) -> Result<i64, Misfit> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(Misfit::Unreadable);
    }
    let text = std::str::from_utf8(raw).map_err(|_| Misfit::Unreadable)?;
    text.parse().map_err(|_| Misfit::Range)
}

#[inline]
fn sign(raw: &[u8]) -> (bool, &[u8]) {
    match raw {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, raw),
    }
}

/// A decimal as an unscaled integer: `1.25` with scale 3 is 1250. Exact, or an error; `1.5e3` is read where it is exact.
#[inline]
pub(super) fn decimal(raw: &[u8], scale: u8) -> Result<i128, Misfit> {
    let (negative, unsigned) = sign(raw);
    match short_decimal(unsigned, scale) {
        Some(value) if negative => Ok(-value),
        Some(value) => Ok(value),
        None => long_decimal(negative, unsigned, scale),
    }
}

/// The usual case: digits with at most one point, which 64 bits hold, and no more behind it than the scale.
#[inline]
fn short_decimal(text: &[u8], scale: u8) -> Option<i128> {
    if let Some(word) = Word::load(text) {
        let (value, fraction, digits) = word.decimal()?;
        let missing = usize::from(scale).checked_sub(fraction)?;
        // Both are below 10^9, or the scale is large.
        let power = POWERS.get(missing)?;
        return (digits > 0).then(|| match i64::try_from(value).ok()?.checked_mul(*power) {
            Some(product) => Some(i128::from(product)),
            None => Some(i128::from(value) * i128::from(*power)),
        })?;
    }
    if text.len() > SAFE_DIGITS {
        return None;
    }
    let (mut value, mut point) = (0_i64, None);
    for (at, byte) in text.iter().enumerate() {
        match byte.wrapping_sub(b'0') {
            digit @ 0..=9 => value = value * 10 + i64::from(digit),
            _ if *byte == b'.' && point.is_none() => point = Some(at),
            _ => return None,
        }
    }
    let fraction = point.map_or(0, |point| text.len() - point - 1);
    let digits = text.len() - usize::from(point.is_some());
    let missing = usize::from(scale).checked_sub(fraction)?;
    let power = POWERS.get(missing)?;
    (digits > 0).then(|| i128::from(value) * i128::from(*power))
}

/// Powers of ten that an i64 holds.
const POWERS: [i64; SAFE_DIGITS + 1] = {
    let mut powers = [1; SAFE_DIGITS + 1];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

#[cold]
fn long_decimal(negative: bool, unsigned: &[u8], scale: u8) -> Result<i128, Misfit> {
    let (number, exponent) = exponent(unsigned)?;
    let point = number.iter().position(|&byte| byte == b'.');
    let (whole, fraction) = match point {
        Some(point) => (&number[..point], &number[point + 1..]),
        None => (number, &b""[..]),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err(Misfit::Unreadable);
    }
    // Zeros at the end say nothing, however many there are.
    let kept = fraction.iter().rposition(|&byte| byte != b'0').map_or(0, |last| last + 1);
    let fraction = &fraction[..kept];
    let value = digits(digits(0, whole)?, fraction)?;
    let value = rescale(value, exponent - fraction.len() as i64 + i64::from(scale))?;
    Ok(if negative { -value } else { value })
}

/// Splits `1.5e3` into its number and its exponent.
#[inline]
fn exponent(text: &[u8]) -> Result<(&[u8], i64), Misfit> {
    let Some(at) = text.iter().position(|byte| matches!(byte, b'e' | b'E')) else {
        return Ok((text, 0));
    };
    // An exponent beyond any decimal stays beyond it when cut to this.
    let exponent = int(&text[at + 1..])?.clamp(-1_000_000, 1_000_000);
    Ok((&text[..at], exponent))
}

/// Appends digits to a number.
#[inline]
fn digits(start: i128, text: &[u8]) -> Result<i128, Misfit> {
    text.iter().try_fold(start, |value, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Err(Misfit::Unreadable);
        }
        value.checked_mul(10).and_then(|value| value.checked_add(digit.into())).ok_or(Misfit::Range)
    })
}

/// `value` × 10^`shift`, if that is an integer of the digits that a decimal holds.
#[inline]
fn rescale(value: i128, shift: i64) -> Result<i128, Misfit> {
    let limit = 10_i128.pow(u32::from(crate::data::DECIMAL_DIGITS_MAX));
    let power = 10_i128.checked_pow(u32::try_from(shift.unsigned_abs()).unwrap_or(u32::MAX));
    let scaled = match power {
        _ if value == 0 => 0,
        Some(power) if shift >= 0 => value.checked_mul(power).ok_or(Misfit::Range)?,
        Some(power) if value % power == 0 => value / power,
        None if shift >= 0 => return Err(Misfit::Range),
        _ => return Err(Misfit::Scale),
    };
    if scaled < limit { Ok(scaled) } else { Err(Misfit::Range) }
}

/// A float, also `nan` and `infinity`. A number too large for a float is out of range, not infinite; nor is one too small
/// zero.
#[inline]
pub(super) fn float(raw: &[u8]) -> Result<f64, Misfit> {
    let text = std::str::from_utf8(raw).map_err(|_| Misfit::Unreadable)?;
    let value: f64 = text.parse().map_err(|_| Misfit::Unreadable)?;
    if read::float_fits(text, value) { Ok(value) } else { Err(Misfit::Range) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn integers_have_a_sign_and_64_bits() {
        assert_eq!(int(b"-12"), Ok(-12));
        assert_eq!(int(b"+0012"), Ok(12));
        assert_eq!(int(b"9223372036854775807"), Ok(i64::MAX));
        assert_eq!(int(b"-9223372036854775808"), Ok(i64::MIN));
        assert_eq!(int(b"9223372036854775808"), Err(Misfit::Range));
        for text in ["", "-", "1.0", "1e3", " 1", "0x1", "99999999999999999999x", "+-1"] {
            assert_eq!(int(text.as_bytes()), Err(Misfit::Unreadable), "{text}");
        }
    }

    #[test]
    fn decimals_are_exact_or_an_error() {
        let good = [
            ("1.25", 2, 125),
            ("-0.5", 3, -500),
            (".5", 1, 5),
            ("5.", 0, 5),
            ("1.500", 1, 15),
            ("1.50000000000000000000000000000000000000000", 1, 15),
            ("0.00000000000000000000000000000000000000000", 1, 0),
            ("1.5e3", 0, 1500),
            ("125e-2", 2, 125),
            ("1E+2", 0, 100),
            ("0e999999999", 2, 0),
            ("007", 0, 7),
        ];
        for (text, scale, value) in good {
            assert_eq!(decimal(text.as_bytes(), scale), Ok(value), "{text}");
        }
        let bad = [
            ("0.125", 2, Misfit::Scale),
            ("1e-3", 2, Misfit::Scale),
            ("1e-99", 2, Misfit::Scale),
            ("1e38", 0, Misfit::Range),
            ("1", 38, Misfit::Range),
            ("1e99", 0, Misfit::Range),
            ("", 0, Misfit::Unreadable),
            (".", 0, Misfit::Unreadable),
            ("1.2.3", 3, Misfit::Unreadable),
            ("1e", 0, Misfit::Unreadable),
            ("1,5", 1, Misfit::Unreadable),
            ("nan", 1, Misfit::Unreadable),
        ];
        for (text, scale, misfit) in bad {
            assert_eq!(decimal(text.as_bytes(), scale), Err(misfit), "{text}");
        }
        assert_eq!(decimal(b"99999999999999999999999999999999999999", 0), Ok(10_i128.pow(38) - 1));
    }

    #[test]
    fn floats_know_nan_and_infinity_but_no_overflow() {
        assert_eq!(float(b"-1.5e3"), Ok(-1500.0));
        assert!(float(b"NaN").is_ok_and(f64::is_nan));
        assert_eq!(float(b"-Infinity"), Ok(f64::NEG_INFINITY));
        assert_eq!(float(b"1e400"), Err(Misfit::Range));
        assert_eq!(float(b"1e-400"), Err(Misfit::Range));
        assert_eq!(float(b"0e-400"), Ok(0.0));
        assert_eq!(float(b"1.5x"), Err(Misfit::Unreadable));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(value in prop_oneof![any::<i64>(), -99_999_i64..99_999], scale in 0_u8..18) {
            prop_assert_eq!(int(value.to_string().as_bytes()), Ok(value));
            let unit = 10_u64.pow(scale.into());
            let magnitude = value.unsigned_abs();
            let sign = if value < 0 { "-" } else { "" };
            let text = format!("{sign}{}.{:0width$}", magnitude / unit, magnitude % unit, width = usize::from(scale));
            prop_assert_eq!(decimal(text.as_bytes(), scale.max(1)), Ok(i128::from(value) * if scale == 0 { 10 } else { 1 }));
        }
    }
}
