//! Exact sums of floats, whatever their order, after Radford Neal, "Fast exact summation using small and large
//! superaccumulators" (2015): a long fixed-point number in 32-bit steps, each in an `i64` with room for late carries.
//! Only the window of limbs that the terms touched is kept.

use num_bigint::{BigInt, BigUint, Sign};

use super::encode::{self, Reader};
use super::summand::{Exact, Real};

/// Bits from one limb to the next.
const STEP: usize = 32;
/// Terms until carries must move up: each adds less than `2^32` to a limb, which holds `2^63`, so that two sums that
/// are due soon can still be merged.
const TERMS_MAX: u32 = 1 << 30;
/// Limbs of the widest number: the square of the greatest float in units of the least square, and room for `2^64` of them.
const LIMBS_MAX: usize = (2 * (2046 + 53) + 64) / STEP + 2;

/// An exact sum in units of `2^UNIT`.
#[derive(Debug, Clone, Default)]
pub(super) struct Superaccumulator<const UNIT: i64> {
    /// The window's first limb, counted from the unit.
    low: usize,
    limbs: Vec<i64>,
    /// Terms since the carries moved.
    terms: u32,
    specials: Option<Box<Specials>>,
}

/// Terms that are not numbers. Counted, so that equal content has equal states.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Specials {
    nan: u64,
    infinite: u64,
    negative_infinite: u64,
}

/// A float sum: the unit is the least subnormal.
pub(super) type FloatSum = Superaccumulator<-1074>;
/// A sum of squares of floats: the unit is the square of the least subnormal.
pub(super) type SquareSum = Superaccumulator<{ 2 * -1074 }>;

impl FloatSum {
    /// Adds a term.
    #[inline]
    pub(super) fn add(&mut self, term: f64) {
        match split(term) {
            Some((mantissa, place)) => self.add_bits(mantissa, place, term.is_sign_negative()),
            None => self.add_special(term),
        }
    }
}

impl SquareSum {
    /// Adds the exact square of a term.
    #[inline]
    pub(super) fn add_square(&mut self, term: f64) {
        match split(term) {
            Some((mantissa, place)) => {
                let square = u128::from(mantissa) * u128::from(mantissa);
                self.add_bits(square as u64, 2 * place, false);
                self.add_bits((square >> 64) as u64, 2 * place + 64, false);
            }
            None => self.add_special(term * term),
        }
    }
}

/// A finite float's magnitude: an integer, and its place in bits above the least subnormal.
#[inline]
fn split(term: f64) -> Option<(u64, usize)> {
    let field = (term.to_bits() >> 52 & 0x7ff) as usize;
    let fraction = term.to_bits() & ((1 << 52) - 1);
    match field {
        0 => Some((fraction, 0)),
        0x7ff => None,
        _ => Some((fraction | 1 << 52, field - 1)),
    }
}

impl<const UNIT: i64> Superaccumulator<UNIT> {
    #[inline]
    fn add_bits(&mut self, bits: u64, place: usize, negative: bool) {
        if bits == 0 {
            return;
        }
        let wide = u128::from(bits) << (place % STEP);
        let digits = [wide as u32, (wide >> 32) as u32, (wide >> 64) as u32].map(i64::from);
        let at = self.cover(place / STEP, digits.len());
        for (limb, digit) in self.limbs[at..at + digits.len()].iter_mut().zip(digits) {
            *limb += if negative { -digit } else { digit };
        }
        self.count_terms(1);
    }

    /// Makes the window hold `len` limbs from limb `first` on, and gives their place in it.
    #[inline]
    fn cover(&mut self, first: usize, len: usize) -> usize {
        let at = first.wrapping_sub(self.low);
        if at < self.limbs.len() && at + len <= self.limbs.len() {
            at
        } else {
            self.widen(first, len)
        }
    }

    #[cold]
    fn widen(&mut self, first: usize, len: usize) -> usize {
        if self.limbs.is_empty() {
            self.low = first;
        }
        if first < self.low {
            let below = std::iter::repeat_n(0, self.low - first);
            self.limbs.splice(0..0, below);
            self.low = first;
        }
        let at = first - self.low;
        if self.limbs.len() < at + len {
            self.limbs.resize(at + len, 0);
        }
        at
    }

    #[inline]
    fn count_terms(&mut self, terms: u32) {
        self.terms += terms;
        if self.terms >= TERMS_MAX {
            self.carry();
        }
    }

    /// Brings every limb but the last back to 32 bits.
    fn carry(&mut self) {
        let carry = carry_up(&mut self.limbs);
        if carry != 0 {
            self.limbs.push(carry);
        }
        self.terms = 1;
    }

    #[cold]
    fn add_special(&mut self, term: f64) {
        let specials = self.specials.get_or_insert_default();
        let count = if term.is_nan() {
            &mut specials.nan
        } else if term > 0.0 {
            &mut specials.infinite
        } else {
            &mut specials.negative_infinite
        };
        *count += 1;
    }

    /// The one form of the finite part: sign, first limb, and 32-bit digits with no zero at either end.
    fn digits(&self) -> (Sign, usize, Vec<u32>) {
        let mut limbs = self.limbs.clone();
        let mut carry = carry_up(&mut limbs);
        let negative = carry < 0;
        if negative {
            limbs = self.limbs.iter().map(|limb| -limb).collect();
            carry = carry_up(&mut limbs);
        }
        limbs.push(carry);
        let Some(first) = limbs.iter().position(|&limb| limb != 0) else {
            return (Sign::NoSign, 0, Vec::new());
        };
        let end = limbs.iter().rposition(|&limb| limb != 0).map_or(0, |last| last + 1);
        let digits = limbs[first..end].iter().map(|&limb| limb as u32).collect();
        (if negative { Sign::Minus } else { Sign::Plus }, self.low + first, digits)
    }
}

/// Moves what is beyond 32 bits up by one limb each, and gives what leaves at the top.
fn carry_up(limbs: &mut [i64]) -> i64 {
    let mut carry = 0;
    for limb in limbs {
        let sum = *limb + carry;
        *limb = sum & 0xffff_ffff;
        carry = sum >> STEP;
    }
    carry
}

const NEGATIVE: u8 = 1;
const SPECIAL: u8 = 2;

impl<const UNIT: i64> Exact for Superaccumulator<UNIT> {
    fn merge(&mut self, other: &Self) {
        if !other.limbs.is_empty() {
            let at = self.cover(other.low, other.limbs.len());
            for (limb, &more) in self.limbs[at..].iter_mut().zip(&other.limbs) {
                *limb += more;
            }
        }
        self.count_terms(other.terms);
        if let Some(more) = &other.specials {
            let specials = self.specials.get_or_insert_default();
            specials.nan = specials.nan.wrapping_add(more.nan);
            specials.infinite = specials.infinite.wrapping_add(more.infinite);
            specials.negative_infinite =
                specials.negative_infinite.wrapping_add(more.negative_infinite);
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        let (sign, low, digits) = self.digits();
        let negative = if sign == Sign::Minus { NEGATIVE } else { 0 };
        out.push(negative | if self.specials.is_some() { SPECIAL } else { 0 });
        encode::put_varint(out, low as u64);
        encode::put_varint(out, digits.len() as u64);
        out.extend(digits.iter().flat_map(|digit| digit.to_le_bytes()));
        if let Some(specials) = &self.specials {
            encode::put_varint(out, specials.nan);
            encode::put_varint(out, specials.infinite);
            encode::put_varint(out, specials.negative_infinite);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let flags = reader.byte().filter(|flags| *flags <= NEGATIVE | SPECIAL)?;
        let low = usize::try_from(reader.varint()?).ok().filter(|low| *low <= LIMBS_MAX)?;
        let len = reader.length().filter(|len| low + len <= LIMBS_MAX)?;
        let mut limbs = Vec::with_capacity(len);
        for _ in 0..len {
            let digit = i64::from(u32::from_le_bytes(reader.array()?));
            limbs.push(if flags & NEGATIVE != 0 { -digit } else { digit });
        }
        let trimmed = limbs.first() != Some(&0) && limbs.last() != Some(&0);
        let zero_is_plain = !limbs.is_empty() || (low == 0 && flags & NEGATIVE == 0);
        let specials =
            if flags & SPECIAL != 0 { Some(Box::new(Specials::read(reader)?)) } else { None };
        (trimmed && zero_is_plain).then_some(Superaccumulator { low, limbs, terms: 1, specials })
    }

    fn heap(&self) -> usize {
        self.limbs.capacity() * size_of::<i64>()
            + self.specials.as_ref().map_or(0, |_| size_of::<Specials>())
    }

    fn real(&self) -> Real {
        if let Some(specials) = &self.specials {
            return Real::Special(specials.sum());
        }
        let (sign, low, digits) = self.digits();
        let exponent = (low * STEP) as i64 + UNIT;
        Real::Finite(BigInt::from_biguint(sign, BigUint::new(digits)), exponent)
    }
}

impl Specials {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let specials = Specials {
            nan: reader.varint()?,
            infinite: reader.varint()?,
            negative_infinite: reader.varint()?,
        };
        (specials != Specials::default()).then_some(specials)
    }

    /// What IEEE 754 makes of them.
    fn sum(&self) -> f64 {
        match (self.nan, self.infinite, self.negative_infinite) {
            (0, _, 0) => f64::INFINITY,
            (0, 0, _) => f64::NEG_INFINITY,
            _ => f64::NAN,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::bigratio::ratio_to_f64;
    use super::*;

    fn value<const UNIT: i64>(sum: &Superaccumulator<UNIT>) -> f64 {
        match sum.real() {
            Real::Finite(numerator, exponent) => {
                ratio_to_f64(&numerator, &BigUint::from(1u32), exponent)
            }
            Real::Special(value) => value,
        }
    }

    fn sum(terms: &[f64]) -> FloatSum {
        let mut sum = FloatSum::default();
        terms.iter().for_each(|&term| sum.add(term));
        sum
    }

    proptest! {
        #[test]
        fn two_terms_sum_as_the_processor_does(a: f64, b: f64) {
            prop_assert_eq!(value(&sum(&[a, b])), a + b);
        }

        #[test]
        fn one_square_is_that_of_the_processor(a: f64) {
            let mut squares = SquareSum::default();
            squares.add_square(a);
            prop_assert_eq!(value(&squares), a * a);
        }
    }

    #[test]
    fn great_terms_that_cancel_leave_the_small_one() {
        assert_eq!(value(&sum(&[1e308, 1e308, 1e-308, -1e308, -1e308])), 1e-308);
        assert_eq!(value(&sum(&[1e16, 1.0, -1e16])), 1.0);
        assert_eq!(value(&sum(&[f64::MAX, f64::MAX])), f64::INFINITY);
    }

    #[test]
    fn negative_zeros_sum_to_plain_zero() {
        assert!(value(&sum(&[-0.0, -0.0])).is_sign_positive());
    }

    #[test]
    fn infinities_and_nan_follow_ieee() {
        assert_eq!(value(&sum(&[f64::INFINITY, 1.0])), f64::INFINITY);
        assert_eq!(value(&sum(&[f64::NEG_INFINITY, 1.0])), f64::NEG_INFINITY);
        assert!(value(&sum(&[f64::NEG_INFINITY, f64::INFINITY])).is_nan());
        assert!(value(&sum(&[f64::NAN, f64::INFINITY])).is_nan());
    }

    #[test]
    fn carries_that_moved_early_change_nothing() {
        for terms in [[-1.0, 3.5, 1e300], [-7e9, -1e-9, 2.0]] {
            let late = sum(&terms);
            let mut early = FloatSum::default();
            for term in terms {
                early.add(term);
                early.carry();
            }
            let (mut a, mut b) = (Vec::new(), Vec::new());
            late.write(&mut a);
            early.write(&mut b);
            assert_eq!(a, b);
        }
    }

    #[test]
    fn merging_near_the_term_limit_keeps_the_sum() {
        let mut a = sum(&[1.5]);
        a.terms = TERMS_MAX - 1;
        let mut b = sum(&[2.5]);
        b.terms = TERMS_MAX - 1;
        a.merge(&b);
        assert_eq!(value(&a), 4.0);
        assert!(a.terms <= TERMS_MAX);
    }
}
