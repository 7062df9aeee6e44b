//! Numeric functions. Decimals round half away from zero, floats half to even, as in PostgreSQL.

use crate::data::DataType;
use crate::expr::decimal::{self, DECIMAL_DIGITS_MAX, POW10, divide_rounded, fitting};
use crate::expr::kernel::{Kernel, Reason};
use crate::expr::op::arithmetic::{DECIMAL_OVERFLOW, INTEGER_OVERFLOW};

use super::{Args, Function, Made, Param, refuse};

const NUMBER: Param = Param::Number;
const FLOAT: Param = Param::Float;

pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("abs", &[NUMBER], abs),
    Function::new("sign", &[NUMBER], sign),
    Function::new("round", &[NUMBER, Param::Int], round).optional(1),
    Function::new("trunc", &[NUMBER], |args| whole(args, |v, power| v / power, f64::trunc)),
    Function::new("floor", &[NUMBER], |args| whole(args, i128::div_euclid, f64::floor)),
    Function::new("ceil", &[NUMBER], |args| whole(args, ceil, f64::ceil)),
    Function::new("ceiling", &[NUMBER], |args| whole(args, ceil, f64::ceil)),
    Function::new("power", &[FLOAT, FLOAT], |_| Ok((DataType::Float, Kernel::try_zip(power)))),
    Function::new("sqrt", &[FLOAT], |_| Ok((DataType::Float, Kernel::try_map(square_root)))),
    Function::new("ln", &[FLOAT], |_| {
        Ok((DataType::Float, Kernel::try_map(|x| logarithm(x, f64::ln))))
    }),
    Function::new("log10", &[FLOAT], |_| {
        Ok((DataType::Float, Kernel::try_map(|x| logarithm(x, f64::log10))))
    }),
];

fn abs(args: &Args<'_>) -> Made {
    let ty = args.ty(0);
    let kernel = match ty {
        DataType::Int => Kernel::try_map(|v: i64| v.checked_abs().ok_or(INTEGER_OVERFLOW)),
        DataType::Decimal(_) => Kernel::map(i128::wrapping_abs),
        _ => Kernel::map(|v: f64| v.abs()),
    };
    Ok((ty, kernel))
}

/// -1, 0 or 1, of the argument's kind: an int, a whole decimal (PostgreSQL's is numeric, too), or a float.
fn sign(args: &Args<'_>) -> Made {
    Ok(match args.ty(0) {
        DataType::Int => (DataType::Int, Kernel::map(|v: i64| v.signum())),
        DataType::Decimal(_) => (DataType::Decimal(0), Kernel::map(|v: i128| v.signum())),
        _ => (
            DataType::Float,
            Kernel::map(|v: f64| {
                if v > 0.0 {
                    1.0
                } else if v < 0.0 {
                    -1.0
                } else {
                    0.0
                }
            }),
        ),
    })
}

fn ceil(value: i128, power: i128) -> i128 {
    value.div_euclid(power) + i128::from(value.rem_euclid(power) != 0)
}

/// To a whole number: an int stays, a decimal becomes a decimal(0), a float stays a float.
fn whole(args: &Args<'_>, of_decimal: fn(i128, i128) -> i128, of_float: fn(f64) -> f64) -> Made {
    Ok(match args.ty(0) {
        DataType::Int => (DataType::Int, Kernel::map(|v: i64| v)),
        DataType::Decimal(scale) => {
            let power = POW10[usize::from(scale)];
            (DataType::Decimal(0), Kernel::map(move |v: i128| of_decimal(v, power)))
        }
        _ => (DataType::Float, Kernel::map(of_float)),
    })
}

/// `round(x)` is whole; `round(x, n)` is a decimal(n), or a float of a float. A negative n rounds before the point.
fn round(args: &Args<'_>) -> Made {
    let Some(digits) = args.constant_int(1)? else {
        return whole(args, divide_rounded, f64::round_ties_even);
    };
    let most = i64::from(DECIMAL_DIGITS_MAX);
    if !(-most..=most).contains(&digits) {
        return Err(refuse(1, "digits must be from -38 to 38"));
    }
    let power = POW10[digits.unsigned_abs() as usize];
    let to = u8::try_from(digits.max(0)).unwrap_or(0);
    Ok(match args.ty(0) {
        DataType::Int => (
            DataType::Decimal(to),
            Kernel::try_map(move |v: i64| {
                round_decimal(v.into(), 0, digits).ok_or(DECIMAL_OVERFLOW)
            }),
        ),
        DataType::Decimal(from) => (
            DataType::Decimal(to),
            Kernel::try_map(move |v: i128| round_decimal(v, from, digits).ok_or(DECIMAL_OVERFLOW)),
        ),
        _ => (DataType::Float, Kernel::map(move |v: f64| round_float(v, digits, power as f64))),
    })
}

/// Rounds a value of scale `from` at `digits`; the result has the scale `max(digits, 0)`.
fn round_decimal(value: i128, from: u8, digits: i64) -> Option<i128> {
    if let Ok(to) = u8::try_from(digits) {
        return decimal::rescale(value, from, to);
    }
    let dropped = usize::try_from(i64::from(from) - digits).ok()?;
    // More digits than a decimal has: nothing is left.
    let Some(power) = POW10.get(dropped) else {
        return Some(0);
    };
    divide_rounded(value, *power)
        .checked_mul(POW10[digits.unsigned_abs() as usize])
        .and_then(fitting)
}

/// As DuckDB: scaled, rounded half away from zero, scaled back. Too large to have such digits: unchanged.
fn round_float(value: f64, digits: i64, power: f64) -> f64 {
    let rounded =
        if digits >= 0 { (value * power).round() / power } else { (value / power).round() * power };
    if rounded.is_finite() { rounded } else { value }
}

/// The domain errors of PostgreSQL.
fn power(base: f64, exponent: f64) -> Result<f64, Reason> {
    if base == 0.0 && exponent < 0.0 {
        return Err("zero raised to a negative power is undefined");
    }
    if base < 0.0 && exponent.is_finite() && exponent.fract() != 0.0 {
        return Err("a negative number raised to a non-integer power yields a complex result");
    }
    let result = base.powf(exponent);
    match base.is_finite() && exponent.is_finite() {
        true if result.is_infinite() => Err("float overflow"),
        true if result == 0.0 && base != 0.0 => Err("float underflow"),
        _ => Ok(result),
    }
}

fn square_root(value: f64) -> Result<f64, Reason> {
    if value < 0.0 { Err("square root of a negative number") } else { Ok(value.sqrt()) }
}

fn logarithm(value: f64, f: fn(f64) -> f64) -> Result<f64, Reason> {
    if value == 0.0 {
        return Err("logarithm of zero");
    }
    if value < 0.0 { Err("logarithm of a negative number") } else { Ok(f(value)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_that_no_float_holds_is_an_error_as_in_postgresql() {
        assert_eq!(power(0.05, 499.0), Err("float underflow"));
        assert_eq!(power(10.0, 400.0), Err("float overflow"));
        assert_eq!(power(0.0, 499.0), Ok(0.0));
        assert_eq!(power(0.05, f64::INFINITY), Ok(0.0));
        assert_eq!(power(f64::NEG_INFINITY, -3.0).map(f64::abs), Ok(0.0));
    }
}
