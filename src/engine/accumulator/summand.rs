//! What can be summed exactly: the contract of exact sums, and which of them each number type uses.

use num_bigint::BigInt;

use super::encode::Reader;
use super::fixed::Fixed;
use super::superaccumulator::{FloatSum, SquareSum};
use super::value::Value;

/// An exact value: rational numbers come later, by a count or a scale.
pub(super) enum Real {
    /// `numerator * 2^exponent`.
    Finite(BigInt, i64),
    /// NaN or an infinity.
    Special(f64),
}

/// An exact sum: commutes, associates, and has one encoding for one value.
pub(super) trait Exact: Default + Send + 'static {
    /// Adds another sum.
    fn merge(&mut self, other: &Self);
    /// Appends the canonical encoding.
    fn write(&self, out: &mut Vec<u8>);
    /// Reads what `write` wrote.
    fn read(reader: &mut Reader<'_>) -> Option<Self>;
    /// Bytes on the heap.
    fn heap(&self) -> usize {
        0
    }
    /// The sum.
    fn real(&self) -> Real;
    /// The sum, if it is an integer held cheaply. For fast paths.
    fn integer(&self) -> Option<i128> {
        None
    }
}

/// A number type with exact sums of its values and of their squares.
pub(super) trait Summand: Value {
    /// Holds a sum of `2^64` values.
    type Sum: Sync + Exact;
    /// Holds a sum of `2^64` squares.
    type Squares: Sync + Exact;
    /// Adds a value.
    fn add(sum: &mut Self::Sum, item: Self::Item<'_>);
    /// Adds a value's square.
    fn add_square(squares: &mut Self::Squares, item: Self::Item<'_>);
}

impl<const N: usize> Exact for Fixed<N> {
    #[inline]
    fn merge(&mut self, other: &Self) {
        self.add(other);
    }

    fn write(&self, out: &mut Vec<u8>) {
        Fixed::write(self, out);
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Fixed::read(reader)
    }

    fn real(&self) -> Real {
        Real::Finite(self.to_bigint(), 0)
    }

    fn integer(&self) -> Option<i128> {
        self.to_i128()
    }
}

impl Summand for i64 {
    type Sum = Fixed<2>;
    type Squares = Fixed<3>;

    #[inline]
    fn add(sum: &mut Fixed<2>, item: i64) {
        sum.add_number(i128::from(item));
    }

    #[inline]
    fn add_square(squares: &mut Fixed<3>, item: i64) {
        squares.add(&Fixed::from(i128::from(item) * i128::from(item)));
    }
}

impl Summand for i128 {
    type Sum = Fixed<3>;
    type Squares = Fixed<5>;

    #[inline]
    fn add(sum: &mut Fixed<3>, item: i128) {
        sum.add_number(item);
    }

    #[inline]
    fn add_square(squares: &mut Fixed<5>, item: i128) {
        squares.add(&Fixed::square(item));
    }
}

impl Summand for f64 {
    type Sum = FloatSum;
    type Squares = SquareSum;

    #[inline]
    fn add(sum: &mut FloatSum, item: f64) {
        sum.add(item);
    }

    #[inline]
    fn add_square(squares: &mut SquareSum, item: f64) {
        squares.add_square(item);
    }
}
