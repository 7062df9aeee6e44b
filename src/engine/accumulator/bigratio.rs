//! Quotients of big integers, and their square roots, as the nearest `f64` (ties to even).

use num_bigint::{BigInt, BigUint, Sign};

/// Bits of the integer quotient to round from: more than 53 and a guard, few enough for a `u128`.
const QUOTIENT_BITS: i64 = 66;

/// The nearest `f64` to `numerator / denominator * 2^exponent`. The denominator is not zero.
pub(super) fn ratio_to_f64(numerator: &BigInt, denominator: &BigUint, exponent: i64) -> f64 {
    if numerator.sign() == Sign::NoSign {
        return 0.0;
    }
    let shift = shift_to(QUOTIENT_BITS, numerator.magnitude(), denominator);
    let (quotient, inexact) = divide(numerator.magnitude(), denominator, shift);
    let rounded = round(small(quotient) | u128::from(inexact), exponent - shift);
    if numerator.sign() == Sign::Minus { -rounded } else { rounded }
}

/// The nearest `f64` to the square root of `numerator / denominator * 2^exponent`.
pub(super) fn sqrt_ratio_to_f64(numerator: &BigUint, denominator: &BigUint, exponent: i64) -> f64 {
    if *numerator == BigUint::ZERO {
        return 0.0;
    }
    let mut shift = shift_to(2 * QUOTIENT_BITS, numerator, denominator);
    shift += (exponent - shift) & 1; // an even exponent has a root
    let (quotient, inexact) = divide(numerator, denominator, shift);
    let root = quotient.sqrt();
    let inexact = inexact || &root * &root != quotient;
    round(small(root) | u128::from(inexact), (exponent - shift) / 2)
}

/// By how much to shift the numerator left so that the quotient has `bits` bits or one more.
fn shift_to(bits: i64, numerator: &BigUint, denominator: &BigUint) -> i64 {
    bits - (numerator.bits() as i64 - denominator.bits() as i64)
}

/// The whole part of `numerator * 2^shift / denominator`, and whether something was left.
fn divide(numerator: &BigUint, denominator: &BigUint, shift: i64) -> (BigUint, bool) {
    let distance = shift.unsigned_abs();
    let (scaled, divisor) = if shift >= 0 {
        (numerator << distance, denominator.clone())
    } else {
        (numerator.clone(), denominator << distance)
    };
    let quotient = &scaled / &divisor;
    let inexact = &quotient * &divisor != scaled;
    (quotient, inexact)
}

fn small(value: BigUint) -> u128 {
    u128::try_from(value).expect("scaled to fewer than 128 bits")
}

/// The nearest `f64` to `value * 2^exponent`. The value has over 55 bits; its lowest bit may stand for "and a bit more".
fn round(value: u128, exponent: i64) -> f64 {
    let bits = i64::from(u128::BITS - value.leading_zeros());
    // The place of the result's last bit; below -1074 there is nothing, not even for subnormals.
    let last = (exponent + bits - 53).max(-1074);
    if last > 1023 - 52 {
        return f64::INFINITY;
    }
    let drop = last - exponent;
    if drop > bits {
        return 0.0;
    }
    let kept = value >> drop;
    let rest = value & ((1 << drop) - 1);
    let half = 1 << (drop - 1);
    let up = rest > half || (rest == half && kept & 1 == 1);
    // The leading bit of `kept` adds one to the exponent field, as does a carry out of the fraction.
    f64::from_bits((((last + 1074) as u64) << 52) + kept as u64 + u64::from(up))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The integer and the power of two that make up a finite float.
    fn parts(x: f64) -> (BigInt, i64) {
        let (field, fraction) = ((x.to_bits() >> 52 & 0x7ff) as i64, x.to_bits() & ((1 << 52) - 1));
        let mantissa = if field == 0 { fraction } else { fraction | 1 << 52 } as i64;
        (BigInt::from(if x < 0.0 { -mantissa } else { mantissa }), field.max(1) - 1075)
    }

    proptest! {
        #[test]
        fn quotients_of_floats_are_those_of_the_processor(a in proptest::num::f64::ANY, b in proptest::num::f64::ANY) {
            prop_assume!(a.is_finite() && b.is_finite() && a != 0.0 && b != 0.0);
            let ((n, e), (d, f)) = (parts(a.abs()), parts(b.abs()));
            prop_assert_eq!(ratio_to_f64(&n, d.magnitude(), e - f), (a / b).abs());
        }

        #[test]
        fn roots_are_those_of_the_processor(a in proptest::num::f64::POSITIVE | proptest::num::f64::SUBNORMAL) {
            prop_assume!(a.is_finite() && a > 0.0);
            let (n, e) = parts(a);
            prop_assert_eq!(sqrt_ratio_to_f64(n.magnitude(), &BigUint::from(1u32), e), a.sqrt());
        }

        #[test]
        fn integers_round_as_casts_do(a: i128) {
            prop_assert_eq!(ratio_to_f64(&BigInt::from(a), &BigUint::from(1u32), 0), a as f64);
        }
    }

    #[test]
    fn the_ends_of_the_range_round_to_even() {
        let one = BigUint::from(1u32);
        let half_of_least = ratio_to_f64(&BigInt::from(1), &one, -1075);
        assert_eq!(half_of_least, 0.0);
        assert_eq!(ratio_to_f64(&BigInt::from(3), &one, -1076), f64::from_bits(1));
        assert_eq!(ratio_to_f64(&BigInt::from((1u64 << 54) - 1), &one, 1024 - 54), f64::INFINITY);
        assert_eq!(ratio_to_f64(&BigInt::from(-((1i64 << 53) - 1)), &one, 1024 - 53), f64::MIN);
    }
}
