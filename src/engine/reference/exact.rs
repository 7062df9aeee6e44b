//! Exact sums of floats, and the float that is nearest to a ratio.

use num_bigint::{BigInt, BigUint, Sign};

/// The least float above 0 is two to this power; every float is a whole number of it.
const UNIT_EXPONENT: i32 = -1074;

/// A sum of floats as a whole number of units, and which of those that are no numbers are in it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct FloatSum {
    pub(super) units: BigInt,
    pub(super) has_nan: bool,
    pub(super) has_infinity: [bool; 2],
}

impl FloatSum {
    pub(super) fn add(&mut self, value: f64) {
        if value.is_nan() {
            self.has_nan = true;
        } else if value.is_infinite() {
            self.has_infinity[usize::from(value > 0.0)] = true;
        } else {
            self.units += units(value);
        }
    }

    pub(super) fn merge(&mut self, other: &FloatSum) {
        self.units += &other.units;
        self.has_nan |= other.has_nan;
        self.has_infinity[0] |= other.has_infinity[0];
        self.has_infinity[1] |= other.has_infinity[1];
    }

    /// The sum over a count, rounded once.
    pub(super) fn over(&self, count: u64) -> f64 {
        match (self.has_nan, self.has_infinity) {
            (true, _) | (_, [true, true]) => f64::NAN,
            (_, [true, false]) => f64::NEG_INFINITY,
            (_, [false, true]) => f64::INFINITY,
            _ => nearest(&self.units, &(BigUint::from(count) << UNIT_EXPONENT.unsigned_abs())),
        }
    }
}

/// A finite float in units: bit by bit as IEEE 754 lays it out.
fn units(value: f64) -> BigInt {
    let bits = value.to_bits();
    let (exponent, fraction) = (bits >> 52 & 0x7FF, bits & ((1 << 52) - 1));
    let magnitude = match exponent {
        0 => BigInt::from(fraction),
        _ => BigInt::from(fraction | 1 << 52) << (exponent - 1),
    };
    if value < 0.0 { -magnitude } else { magnitude }
}

/// The float nearest to a ratio, half to even; beyond the greatest float it is infinite.
pub(super) fn nearest(numerator: &BigInt, denominator: &BigUint) -> f64 {
    let magnitude = nearest_magnitude(numerator.magnitude(), denominator);
    if numerator.sign() == Sign::Minus { -magnitude } else { magnitude }
}

fn nearest_magnitude(numerator: &BigUint, denominator: &BigUint) -> f64 {
    let whole_units = (numerator << UNIT_EXPONENT.unsigned_abs()) / denominator;
    // Up to here, floats lie a unit apart, and their bits count the units.
    if whole_units.bits() <= 53 {
        let units = halved_to_even(&(numerator << UNIT_EXPONENT.unsigned_abs()), denominator);
        return f64::from_bits(units);
    }
    // As many bits as a float has, and one that says whether more follow.
    let shift = whole_units.bits() - 53;
    let mantissa =
        halved_to_even(&(numerator << UNIT_EXPONENT.unsigned_abs()), &(denominator << shift));
    // A mantissa that was rounded up to 54 bits is the next power of two, which the sum below makes of it.
    match shift + (mantissa >> 53) {
        exponent if exponent > 2045 => f64::INFINITY,
        _ => f64::from_bits((shift << 52) + mantissa),
    }
}

/// A ratio as a whole number, half to even. It must have 54 bits at most.
fn halved_to_even(numerator: &BigUint, denominator: &BigUint) -> u64 {
    let (quotient, rest) = (numerator / denominator, numerator % denominator);
    let quotient = quotient.iter_u64_digits().next().unwrap_or(0);
    match (&rest + &rest).cmp(denominator) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Equal => quotient + (quotient & 1),
        std::cmp::Ordering::Greater => quotient + 1,
    }
}
