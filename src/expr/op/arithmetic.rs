//! `+ - * / %` over operands of one type, and negation.

use crate::data::DataType;
use crate::expr::decimal::{self, fitting};
use crate::expr::kernel::{Kernel, Reason};
use crate::expr::parse::BinaryOp;

/// A record divides by zero.
pub(crate) const DIVISION_BY_ZERO: Reason = "division by zero";
/// A result does not fit 64 bits.
pub(crate) const INTEGER_OVERFLOW: Reason = "integer overflow";
/// A result has more than 38 digits.
pub(crate) const DECIMAL_OVERFLOW: Reason = "decimal overflow";
const FLOAT_OVERFLOW: Reason = "float overflow";
const FLOAT_UNDERFLOW: Reason = "float underflow";
/// A time is out of what microseconds in 64 bits hold.
pub(crate) const TIMESTAMP_OVERFLOW: Reason = "timestamp out of range";

/// `int op int`; truncating, as PostgreSQL.
pub(crate) fn int(op: BinaryOp) -> Option<Kernel> {
    let checked = |f: fn(i64, i64) -> Option<i64>| {
        Kernel::try_zip(move |a: i64, b: i64| f(a, b).ok_or(INTEGER_OVERFLOW))
    };
    Some(match op {
        BinaryOp::Add => Kernel::try_zip(|a: i64, b: i64| a.checked_add(b).ok_or(INTEGER_OVERFLOW)),
        BinaryOp::Subtract => checked(i64::checked_sub),
        BinaryOp::Multiply => checked(i64::checked_mul),
        BinaryOp::Divide => Kernel::try_zip(|a: i64, b: i64| {
            if b == 0 { Err(DIVISION_BY_ZERO) } else { a.checked_div(b).ok_or(INTEGER_OVERFLOW) }
        }),
        BinaryOp::Modulo => {
            Kernel::try_zip(
                |a: i64, b: i64| {
                    if b == 0 { Err(DIVISION_BY_ZERO) } else { Ok(a.wrapping_rem(b)) }
                },
            )
        }
        BinaryOp::Concat | BinaryOp::Compare(_) => return None,
    })
}

/// `decimal op decimal`. For `+ - %` both have the scale of the result; for `/`, `shift` is the power of ten that
/// makes the quotient one of the result's scale.
pub(crate) fn decimal(op: BinaryOp, shift: u8) -> Option<Kernel> {
    let sum = |f: fn(i128, i128) -> Option<i128>| {
        Kernel::try_zip(move |a: i128, b: i128| f(a, b).and_then(fitting).ok_or(DECIMAL_OVERFLOW))
    };
    Some(match op {
        BinaryOp::Add => sum(i128::checked_add),
        BinaryOp::Subtract => sum(i128::checked_sub),
        BinaryOp::Multiply => {
            Kernel::try_zip(|a, b| decimal::multiply(a, b).ok_or(DECIMAL_OVERFLOW))
        }
        BinaryOp::Divide => Kernel::try_zip(move |a: i128, b: i128| {
            if b == 0 {
                Err(DIVISION_BY_ZERO)
            } else {
                decimal::divide(a, b, shift).ok_or(DECIMAL_OVERFLOW)
            }
        }),
        BinaryOp::Modulo => Kernel::try_zip(
            |a: i128, b: i128| {
                if b == 0 { Err(DIVISION_BY_ZERO) } else { Ok(a % b) }
            },
        ),
        BinaryOp::Concat | BinaryOp::Compare(_) => return None,
    })
}

/// `float op float`: overflow and underflow fail as in PostgreSQL. There is no `%`.
pub(crate) fn float(op: BinaryOp) -> Option<Kernel> {
    Some(match op {
        BinaryOp::Add => {
            Kernel::try_zip(|a: f64, b: f64| bounded(a + b, a.is_finite() && b.is_finite()))
        }
        BinaryOp::Subtract => {
            Kernel::try_zip(|a: f64, b: f64| bounded(a - b, a.is_finite() && b.is_finite()))
        }
        BinaryOp::Multiply => Kernel::try_zip(|a: f64, b: f64| {
            let product = bounded(a * b, a.is_finite() && b.is_finite())?;
            if product == 0.0 && a != 0.0 && b != 0.0 { Err(FLOAT_UNDERFLOW) } else { Ok(product) }
        }),
        BinaryOp::Divide => Kernel::try_zip(|a: f64, b: f64| {
            if b == 0.0 && !a.is_nan() {
                return Err(DIVISION_BY_ZERO);
            }
            let quotient = bounded(a / b, a.is_finite())?;
            if quotient == 0.0 && a != 0.0 && b.is_finite() {
                Err(FLOAT_UNDERFLOW)
            } else {
                Ok(quotient)
            }
        }),
        BinaryOp::Modulo | BinaryOp::Concat | BinaryOp::Compare(_) => return None,
    })
}

/// Refuses an infinity that came from finite numbers.
#[inline]
fn bounded(value: f64, from_finite: bool) -> Result<f64, Reason> {
    if value.is_infinite() && from_finite { Err(FLOAT_OVERFLOW) } else { Ok(value) }
}

/// Unary minus.
pub(crate) fn negate(ty: DataType) -> Option<Kernel> {
    Some(match ty {
        DataType::Int => Kernel::try_map(|a: i64| a.checked_neg().ok_or(INTEGER_OVERFLOW)),
        DataType::Decimal(_) => Kernel::map(i128::wrapping_neg),
        DataType::Float => Kernel::map(|a: f64| -a),
        _ => return None,
    })
}

/// `timestamp + micros`, `timestamp - micros`.
pub(crate) fn shift_timestamp(micros: i64) -> Kernel {
    Kernel::try_map(move |at: i64| at.checked_add(micros).ok_or(TIMESTAMP_OVERFLOW))
}

/// `timestamp - timestamp`, in seconds as decimal(6).
pub(crate) fn timestamp_difference() -> Kernel {
    Kernel::zip(|a: i64, b: i64| i128::from(a) - i128::from(b))
}
