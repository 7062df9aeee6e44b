//! Typed access to columns and constants, and the tight loops over them.

use crate::data::{DataType, Scalar, Values};

use super::{Arg, Rows};

/// A value as columns store it.
pub(crate) trait Native<'a>: Copy {
    /// Stands where there is no value.
    const ZERO: Self;
    /// The values, if the column stores this type.
    fn slice<'c>(values: &'c Values<'a>) -> Option<&'c [Self]>;
    /// The constant, if it is of this type.
    fn scalar(value: &'a Scalar) -> Option<Self>;
    /// Wraps results of type `ty`.
    fn values(ty: DataType, out: Vec<Self>) -> Values<'a>;
}

macro_rules! native {
    ($native:ty, $zero:expr, $($variant:ident)|+, $scalar:pat => $value:expr, $wrap:expr) => {
        impl<'a> Native<'a> for $native {
            const ZERO: Self = $zero;
            fn slice<'c>(values: &'c Values<'a>) -> Option<&'c [Self]> {
                match values {
                    $(Values::$variant(v))|+ => Some(v),
                    _ => None,
                }
            }
            fn scalar(value: &'a Scalar) -> Option<Self> {
                match value {
                    $scalar => Some($value),
                    _ => None,
                }
            }
            fn values(ty: DataType, out: Vec<Self>) -> Values<'a> {
                $wrap(ty, out)
            }
        }
    };
}

native!(i64, 0, Int | Timestamp, Scalar::Int(v) | Scalar::Timestamp(v) => *v, |ty, out| {
    if ty == DataType::Timestamp { Values::Timestamp(out) } else { Values::Int(out) }
});
native!(i128, 0, Decimal, Scalar::Decimal(v, _) => *v, |_, out| Values::Decimal(out));
native!(f64, 0.0, Float, Scalar::Float(v) => *v, |_, out| Values::Float(out));
native!(bool, false, Bool, Scalar::Bool(v) => *v, |_, out| Values::Bool(out));
native!(&'a str, "", Text, Scalar::Text(v) => v.as_ref(), |_, out| Values::Text(out));

/// An argument, typed.
#[derive(Clone, Copy)]
pub(crate) enum Operand<'c, T> {
    Slice(&'c [T]),
    One(T),
}

impl<'c, T: Copy> Operand<'c, T> {
    /// The argument's values. A NULL constant becomes the zero value, which nobody looks at.
    pub(crate) fn of<'a>(arg: &'c Arg<'a>) -> Operand<'c, T>
    where
        T: Native<'a>,
    {
        match arg {
            Arg::Column(column) => Operand::Slice(
                T::slice(&column.values).expect("the checker gave each kernel its types"),
            ),
            Arg::Const(Scalar::Null) => Operand::One(T::ZERO),
            Arg::Const(value) => {
                Operand::One(T::scalar(value).expect("the checker gave each kernel its types"))
            }
        }
    }

    #[inline]
    pub(crate) fn at(&self, row: usize) -> T {
        match self {
            Operand::Slice(values) => values[row],
            Operand::One(value) => *value,
        }
    }
}

/// `f` over one operand.
pub(super) fn map<A: Copy, R: Copy>(
    rows: &Rows<'_, '_>,
    a: Operand<'_, A>,
    zero: R,
    f: impl Fn(A) -> R,
) -> Vec<R> {
    let mut out = vec![zero; rows.len];
    match a {
        Operand::Slice(a) => rows.each(|row| out[row] = f(a[row])),
        Operand::One(a) => out.fill(f(a)),
    }
    out
}

/// `f` over two operands; one loop a shape, so that a constant stays in a register.
pub(super) fn zip<A: Copy, B: Copy, R: Copy>(
    rows: &Rows<'_, '_>,
    a: Operand<'_, A>,
    b: Operand<'_, B>,
    zero: R,
    f: impl Fn(A, B) -> R,
) -> Vec<R> {
    use Operand::{One, Slice};
    let mut out = vec![zero; rows.len];
    match (a, b) {
        (Slice(a), Slice(b)) => rows.each(|row| out[row] = f(a[row], b[row])),
        (Slice(a), One(b)) => rows.each(|row| out[row] = f(a[row], b)),
        (One(a), Slice(b)) => rows.each(|row| out[row] = f(a, b[row])),
        (One(a), One(b)) => out.fill(f(a, b)),
    }
    out
}
