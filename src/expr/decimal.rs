//! Exact decimals: unscaled `i128` with a scale that the type holds, at most 38 digits in all.
//!
//! Rounding is half away from zero, as PostgreSQL's numeric. `None` means that a result has more than 38 digits.

use crate::data::read::trimmed;
use std::fmt::Write;

use num_bigint::BigInt;

use super::stack_text::StackText;

/// Digits that a decimal holds in all.
pub(crate) use crate::data::DECIMAL_DIGITS_MAX;

/// Powers of ten up to 10^38.
pub(crate) const POW10: [i128; 39] = {
    let mut powers = [1i128; 39];
    let mut i = 1;
    while i < powers.len() {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

/// The value, if it has at most 38 digits.
#[inline]
pub(crate) fn fitting(value: i128) -> Option<i128> {
    (value.unsigned_abs() < POW10[DECIMAL_DIGITS_MAX as usize].unsigned_abs()).then_some(value)
}

/// The quotient, rounded half away from zero. `divisor` must not be 0.
pub(crate) fn divide_rounded(value: i128, divisor: i128) -> i128 {
    let (quotient, rest) = (value / divisor, value % divisor);
    let away = if (value < 0) == (divisor < 0) { 1 } else { -1 };
    // |rest| >= |divisor| - |rest|, written so that it can't overflow.
    let half = rest != 0 && rest.unsigned_abs() >= divisor.unsigned_abs() - rest.unsigned_abs();
    if half { quotient + away } else { quotient }
}

/// The value at another scale.
#[inline]
pub(crate) fn rescale(value: i128, from: u8, to: u8) -> Option<i128> {
    if to >= from {
        return value.checked_mul(POW10[usize::from(to - from)]).and_then(fitting);
    }
    Some(divide_rounded(value, POW10[usize::from(from - to)]))
}

/// `a * b`, whose scale is the sum of both.
#[inline]
pub(crate) fn multiply(a: i128, b: i128) -> Option<i128> {
    a.checked_mul(b).and_then(fitting)
}

/// `a / b * 10^shift`, rounded: with `shift = result scale + scale of b - scale of a`. `b` must not be 0.
pub(crate) fn divide(a: i128, b: i128, shift: u8) -> Option<i128> {
    let power = POW10.get(usize::from(shift));
    if let Some(scaled) = power.and_then(|p| a.checked_mul(*p)) {
        return fitting(divide_rounded(scaled, b));
    }
    let scaled = BigInt::from(a) * BigInt::from(10).pow(shift.into());
    let b = BigInt::from(b);
    // Half away from zero: (2·|a| + |b|) / (2·|b|), with the sign put back.
    let negative = (scaled < BigInt::ZERO) != (b < BigInt::ZERO);
    let (a, b) = (BigInt::from(scaled.magnitude().clone()), BigInt::from(b.magnitude().clone()));
    let quotient = i128::try_from((a * 2 + &b) / (b * 2)).ok()?;
    fitting(if negative { -quotient } else { quotient })
}

/// Reads `[+-]digits[.digits][e[+-]digits]`, rounded to `scale`. `Err(false)`: not a number; `Err(true)`: too large.
pub(crate) fn parse(text: &str, scale: u8) -> Result<i128, bool> {
    let text = trimmed(text);
    let (negative, text) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| false)?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.len() + fraction.len() == 0 {
        return Err(false);
    }
    // Digits before this place count, the next one rounds.
    let kept = whole.len() as i64 + i64::from(exponent) + i64::from(scale);
    let value = magnitude(whole.bytes().chain(fraction.bytes()), kept)?;
    Ok(if negative { -value } else { value })
}

/// The first `kept` digits as a number, rounded by the next one; zeros where there are fewer digits.
fn magnitude(text: impl Iterator<Item = u8>, kept: i64) -> Result<i128, bool> {
    let mut value = 0i128;
    let mut digits = 0i64;
    let mut round_up = false;
    for byte in text {
        if !byte.is_ascii_digit() {
            return Err(false);
        }
        if digits < kept {
            let shifted = value.checked_mul(10).ok_or(true)?;
            value = shifted.checked_add(i128::from(byte - b'0')).ok_or(true)?;
        } else if digits == kept {
            round_up = byte >= b'5';
        }
        digits += 1;
    }
    if value != 0 && kept > digits {
        let missing = usize::try_from(kept - digits).unwrap_or(usize::MAX);
        value = POW10.get(missing).and_then(|power| value.checked_mul(*power)).ok_or(true)?;
    }
    value.checked_add(i128::from(round_up)).and_then(fitting).ok_or(true)
}

/// Writes all digits of the scale: `1.50`.
pub(crate) fn write(out: &mut impl Write, value: i128, scale: u8) -> std::fmt::Result {
    let sign = if value < 0 { "-" } else { "" };
    let magnitude = value.unsigned_abs();
    if scale == 0 {
        return write!(out, "{sign}{magnitude}");
    }
    let power = POW10[usize::from(scale)].unsigned_abs();
    write!(
        out,
        "{sign}{}.{:0width$}",
        magnitude / power,
        magnitude % power,
        width = usize::from(scale)
    )
}

/// The nearest float.
pub(crate) fn to_float(value: i128, scale: u8) -> f64 {
    // Both exact in 53 bits (10^22 is the largest such power), so the quotient is rounded once.
    if value.unsigned_abs() <= 1 << 53 && scale <= 22 {
        return value as f64 / POW10[usize::from(scale)] as f64;
    }
    let mut text = StackText::default();
    let written = write(&mut text, value, scale);
    written.ok().and_then(|()| text.text().parse().ok()).unwrap_or(f64::NAN)
}

/// The decimal nearest to the float's first 15 significant digits, as PostgreSQL casts them.
pub(crate) fn from_float(value: f64, scale: u8) -> Option<i128> {
    let mut text = StackText::default();
    write!(text, "{value:.14e}").ok()?;
    value.is_finite().then(|| parse(text.text(), scale).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parsing_rounds_half_away_from_zero_at_the_scale() {
        for (text, scale, value) in [
            ("1.005", 2, 101),
            ("-1.005", 2, -101),
            ("1.0049", 2, 100),
            (" 5e2 ", 1, 5000),
            (".5", 0, 1),
            ("1e-3", 2, 0),
        ] {
            assert_eq!(parse(text, scale), Ok(value), "{text}");
        }
        assert_eq!(parse("1e38", 0), Err(true));
        assert_eq!(parse("0e999", 0), Ok(0));
        for text in ["", ".", "1.2.3", "abc", "1e", "--1", "NaN"] {
            assert_eq!(parse(text, 2), Err(false), "{text}");
        }
    }

    #[test]
    fn division_beyond_128_bits_is_exact() {
        let big = POW10[37];
        assert_eq!(divide(big, big, 30), Some(POW10[30]));
        assert_eq!(divide(-big, 3, 1), divide(big, -3, 1));
        assert_eq!(divide(big, 1, 2), None);
        assert_eq!(divide(1, -2, 0), Some(-1));
    }

    #[test]
    fn floats_and_decimals_of_any_size_convert() {
        assert_eq!(to_float(-POW10[37], 38), -0.1);
        assert_eq!(to_float(-(POW10[38] - 1), 38), -1.0);
        assert_eq!(to_float(9_007_199_254_740_993, 0), 9_007_199_254_740_992.0);
        assert_eq!(from_float(-1.797e308, 2), None);
        assert_eq!(from_float(f64::NAN, 2), None);
        assert_eq!(from_float(2.675, 2), Some(268));
        assert_eq!(from_float(5e-324, 38), Some(0));
    }

    #[test]
    fn written_decimals_read_back() {
        for (value, scale) in [(0, 0), (-5, 2), (123_456, 3), (-POW10[37], 38), (7, 38)] {
            let mut text = String::new();
            write(&mut text, value, scale).expect("writing to a String");
            assert_eq!(parse(&text, scale), Ok(value), "{text}");
        }
    }
}
