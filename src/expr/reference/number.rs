//! Arithmetic and casts among numbers, in numbers that have room for everything; then it is seen whether the result fits.

use num_bigint::BigInt;

use super::{Applied, Outcome};
use crate::data::{DECIMAL_DIGITS_MAX, DataType, Scalar};

const DIVISION_BY_ZERO: &str = "division by zero";

pub(super) fn value(call: &Applied<'_>) -> Option<Outcome> {
    let made = match (call.name(), call.operands) {
        ("+" | "-" | "*" | "/" | "%", [_, _]) if call.has_null() => Ok(Scalar::Null),
        ("+" | "-" | "*" | "/" | "%", [Scalar::Int(a), Scalar::Int(b)]) => {
            whole(call.name(), &BigInt::from(*a), &BigInt::from(*b)).and_then(int)
        }
        ("+" | "-" | "*" | "/" | "%", [Scalar::Decimal(a, of_a), Scalar::Decimal(b, of_b)]) => {
            decimals(call.name(), (*a, *of_a), (*b, *of_b), call.ty.scale())
        }
        ("+" | "-" | "*" | "/", [Scalar::Float(a), Scalar::Float(b)]) => {
            floats(call.name(), *a, *b).map(Scalar::Float)
        }
        ("-", [Scalar::Timestamp(a), Scalar::Timestamp(b)]) => {
            Ok(Scalar::Decimal(i128::from(*a) - i128::from(*b), 6))
        }
        ("negate", [value]) => negate(value),
        ("shift", [Scalar::Timestamp(at)]) => {
            let [Scalar::Int(micros)] = call.parameters() else { return None };
            at.checked_add(*micros).map(Scalar::Timestamp).ok_or("timestamp out of range")
        }
        ("cast", [value]) => return cast(value, call.ty),
        _ => return None,
    };
    Some(made.map_err(Into::into))
}

/// Truncating, as PostgreSQL; the rest has the sign of the dividend.
fn whole(operator: &str, a: &BigInt, b: &BigInt) -> Result<BigInt, &'static str> {
    Ok(match operator {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        _ if *b == BigInt::ZERO => return Err(DIVISION_BY_ZERO),
        "/" => a / b,
        _ => a % b,
    })
}

fn int(value: BigInt) -> Result<Scalar, &'static str> {
    i64::try_from(value).map(Scalar::Int).map_err(|_| "integer overflow")
}

/// A decimal of so many digits after the point, if it has no more than a decimal holds in all.
fn decimal(value: BigInt, scale: u8) -> Result<Scalar, &'static str> {
    let fits = value.magnitude() < power(DECIMAL_DIGITS_MAX).magnitude();
    let value = i128::try_from(value).ok().filter(|_| fits);
    value.map(|value| Scalar::Decimal(value, scale)).ok_or("decimal overflow")
}

fn power(exponent: u8) -> BigInt {
    BigInt::from(10).pow(exponent.into())
}

fn decimals(
    operator: &str,
    (a, of_a): (i128, u8),
    (b, of_b): (i128, u8),
    scale: u8,
) -> Result<Scalar, &'static str> {
    let (a, b) = (BigInt::from(a), BigInt::from(b));
    match operator {
        // The product of the numbers has the sum of their scales, which is that of the result.
        "*" => decimal(a * b, scale),
        "/" if b == BigInt::ZERO => Err(DIVISION_BY_ZERO),
        "/" => decimal(rounded(a * power(scale + of_b), b * power(of_a)), scale),
        _ => whole(operator, &a, &b).and_then(|value| decimal(value, scale)),
    }
}

/// The quotient, half away from zero.
fn rounded(a: BigInt, b: BigInt) -> BigInt {
    let is_negative = (a < BigInt::ZERO) != (b < BigInt::ZERO);
    let (a, b) = (BigInt::from(a.magnitude().clone()), BigInt::from(b.magnitude().clone()));
    let quotient = (&a + &a + &b) / (&b + &b);
    if is_negative { -quotient } else { quotient }
}

fn floats(operator: &str, a: f64, b: f64) -> Result<f64, &'static str> {
    if operator == "/" && b == 0.0 && !a.is_nan() {
        return Err(DIVISION_BY_ZERO);
    }
    let value = match operator {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        _ => a / b,
    };
    let is_product = operator == "*";
    let is_finite = a.is_finite() && (b.is_finite() || operator == "/");
    if value.is_infinite() && is_finite {
        return Err("float overflow");
    }
    let vanishes = match operator {
        "*" | "/" => value == 0.0 && a != 0.0,
        _ => false,
    };
    if vanishes && (if is_product { b != 0.0 } else { b.is_finite() }) {
        return Err("float underflow");
    }
    Ok(value)
}

fn negate(value: &Scalar) -> Result<Scalar, &'static str> {
    match value {
        Scalar::Int(value) => int(-BigInt::from(*value)),
        Scalar::Decimal(value, scale) => decimal(-BigInt::from(*value), *scale),
        Scalar::Float(value) => Ok(Scalar::Float(-value)),
        _ => Ok(Scalar::Null),
    }
}

/// A cast from one kind of number to another.
fn cast(value: &Scalar, ty: DataType) -> Option<Outcome> {
    let made = match (value, ty) {
        (Scalar::Null, _) => Ok(Scalar::Null),
        (Scalar::Int(value), DataType::Decimal(scale)) => {
            decimal(BigInt::from(*value) * power(scale), scale)
        }
        (Scalar::Int(value), DataType::Float) => Ok(Scalar::Float(*value as f64)),
        (Scalar::Int(value), DataType::Bool) => Ok(Scalar::Bool(*value != 0)),
        (Scalar::Bool(value), DataType::Int) => Ok(Scalar::Int(i64::from(*value))),
        (Scalar::Decimal(value, from), DataType::Int) => {
            int(rounded(BigInt::from(*value), power(*from)))
        }
        (Scalar::Decimal(value, from), DataType::Decimal(to)) => {
            decimal(rounded(BigInt::from(*value) * power(to), power(*from)), to)
        }
        (Scalar::Decimal(value, scale), DataType::Float) => {
            // The shortest way to the nearest float is through text.
            let text = format!("{value}e-{scale}");
            Ok(text.parse().map_or(Scalar::Null, Scalar::Float))
        }
        (Scalar::Int(value), DataType::Text) => Ok(Scalar::Text(value.to_string().into())),
        _ => return None,
    };
    Some(made.map_err(Into::into))
}
