//! Signed integers of a fixed number of 64-bit limbs, for exact sums: `N` limbs hold `2^64` terms of `N - 1` limbs.

use num_bigint::BigInt;

use super::encode::{self, Reader};

/// Two's complement, least significant limb first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fixed<const N: usize>([u64; N]);

impl<const N: usize> Default for Fixed<N> {
    fn default() -> Self {
        Fixed([0; N])
    }
}

impl<const N: usize> Fixed<N> {
    /// Adds, modulo `2^(64 N)`.
    #[inline]
    pub(super) fn add(&mut self, other: &Self) {
        let mut carry = false;
        for (limb, &term) in self.0.iter_mut().zip(&other.0) {
            (*limb, carry) = carrying_add(*limb, term, carry);
        }
    }

    /// Adds a small number, modulo `2^(64 N)`.
    #[inline]
    pub(super) fn add_number(&mut self, number: i128) {
        let (fill, mut carry) = ((number >> 127) as u64, false);
        for (at, limb) in self.0.iter_mut().enumerate() {
            let term = if at < 2 { (number >> (64 * at)) as u64 } else { fill };
            (*limb, carry) = carrying_add(*limb, term, carry);
        }
    }

    /// The square of a number.
    #[inline]
    pub(super) fn square(value: i128) -> Self {
        match i64::try_from(value) {
            Ok(value) => Fixed::from(i128::from(value) * i128::from(value)),
            Err(_) => Fixed::square_wide(value),
        }
    }

    fn square_wide(value: i128) -> Self {
        let (high, low) = halves(value.unsigned_abs());
        let mut sum = Fixed::shifted(low * low, 0);
        let cross = high * low;
        sum.add(&Fixed::shifted(cross, 1));
        sum.add(&Fixed::shifted(cross, 1));
        sum.add(&Fixed::shifted(high * high, 2));
        sum
    }

    /// `value * 2^(64 limbs)`; limbs above `N` fall away.
    fn shifted(value: u128, limbs: usize) -> Self {
        let (high, low) = halves(value);
        let mut at = [0; N];
        for (place, half) in at.iter_mut().skip(limbs).zip([low, high]) {
            *place = half as u64;
        }
        Fixed(at)
    }

    /// The number, if an `i128` holds it.
    pub(super) fn to_i128(self) -> Option<i128> {
        let low = u128::from(self.0[0]) | u128::from(self.0.get(1).copied().unwrap_or(0)) << 64;
        (Fixed::from(low as i128) == self).then_some(low as i128)
    }

    /// The number, whatever its size.
    pub(super) fn to_bigint(self) -> BigInt {
        BigInt::from_signed_bytes_le(&self.bytes())
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|limb| limb.to_le_bytes()).collect()
    }

    /// Appends a length and the fewest bytes that hold the number with its sign.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let bytes = self.bytes();
        encode::put_bytes(out, &bytes[..minimal_len(&bytes)]);
    }

    /// Reads what [`Fixed::write`] wrote; other forms of the same number are refused.
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let bytes = reader.bytes()?;
        if bytes.is_empty() || bytes.len() > 8 * N || minimal_len(bytes) != bytes.len() {
            return None;
        }
        let fill = if bytes[bytes.len() - 1] >= 0x80 { 0xff } else { 0 };
        let mut limbs = [0; N];
        for (i, limb) in limbs.iter_mut().enumerate() {
            let byte = |j| bytes.get(8 * i + j).copied().unwrap_or(fill);
            *limb = u64::from_le_bytes(std::array::from_fn(byte));
        }
        Some(Fixed(limbs))
    }
}

impl<const N: usize> From<i128> for Fixed<N> {
    #[inline]
    fn from(value: i128) -> Self {
        let mut limbs = [(value >> 127) as u64; N];
        limbs[0] = value as u64;
        if N > 1 {
            limbs[1] = (value >> 64) as u64;
        }
        Fixed(limbs)
    }
}

/// The sum of two limbs and a carry, and the carry.
#[inline]
fn carrying_add(limb: u64, term: u64, carry: bool) -> (u64, bool) {
    let (sum, over) = limb.overflowing_add(term);
    let (sum, over_by_carry) = sum.overflowing_add(u64::from(carry));
    (sum, over | over_by_carry)
}

fn halves(value: u128) -> (u128, u128) {
    (value >> 64, value & u128::from(u64::MAX))
}

/// How many of the bytes are needed: the rest only repeats the sign.
fn minimal_len(bytes: &[u8]) -> usize {
    let mut len = bytes.len();
    while len > 1 {
        let sign = if bytes[len - 2] >= 0x80 { 0xff } else { 0 };
        if bytes[len - 1] != sign {
            break;
        }
        len -= 1;
    }
    len
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trip<const N: usize>(value: Fixed<N>) -> Option<Fixed<N>> {
        let mut out = Vec::new();
        value.write(&mut out);
        Fixed::read(&mut Reader::new(&out))
    }

    proptest! {
        #[test]
        fn sums_and_squares_are_those_of_bigints(values in proptest::collection::vec(any::<i128>(), 0..20)) {
            let (mut sum, mut squares) = (Fixed::<3>::default(), Fixed::<5>::default());
            let (mut exact, mut exact_squares) = (BigInt::ZERO, BigInt::ZERO);
            for (i, &value) in values.iter().enumerate() {
                match i % 2 {
                    0 => sum.add(&Fixed::from(value)),
                    _ => sum.add_number(value),
                }
                squares.add(&Fixed::square(value));
                exact += value;
                exact_squares += BigInt::from(value) * value;
            }
            prop_assert_eq!(sum.to_bigint(), exact.clone());
            prop_assert_eq!(squares.to_bigint(), exact_squares);
            prop_assert_eq!(sum.to_i128(), i128::try_from(&exact).ok());
            prop_assert_eq!(round_trip(sum), Some(sum));
            prop_assert_eq!(round_trip(squares), Some(squares));
        }
    }

    #[test]
    fn small_numbers_take_few_bytes() {
        for (value, len) in [(0, 1), (-1, 1), (127, 1), (128, 2), (-128, 1), (-129, 2)] {
            let mut out = Vec::new();
            Fixed::<2>::from(value).write(&mut out);
            assert_eq!(out.len(), 1 + len, "{value}");
        }
    }

    #[test]
    fn padded_and_oversized_numbers_are_refused() {
        for bytes in [&[2, 1, 0][..], &[2, 0xff, 0xff], &[0], &[17, 1, 1]] {
            assert_eq!(Fixed::<2>::read(&mut Reader::new(bytes)), None);
        }
    }
}
