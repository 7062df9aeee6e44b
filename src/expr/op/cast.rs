//! Casts, as PostgreSQL does them: float to int rounds half to even, decimal to int half away from zero.

use std::fmt::Write;

use bumpalo::Bump;
use bumpalo::collections::String as ArenaString;

use crate::data::DataType;
use crate::expr::convert;
use crate::expr::decimal::{self, POW10};
use crate::expr::kernel::{Kernel, Reason};

use super::arithmetic::{DECIMAL_OVERFLOW, INTEGER_OVERFLOW};

/// The kernel of a cast; `None` where there is none. Equal types need none either, and the caller knows.
pub(crate) fn kernel(from: DataType, to: DataType) -> Option<Kernel> {
    use DataType::{Bool, Decimal, Float, Int, Ip, Text, Timestamp};
    Some(match (from, to) {
        (_, Text) => to_text(from),
        (Text, _) => from_text(to)?,
        (Int, Decimal(scale)) => {
            let power = POW10[usize::from(scale)];
            Kernel::try_map(move |v: i64| {
                decimal::multiply(v.into(), power).ok_or(DECIMAL_OVERFLOW)
            })
        }
        (Int, Float) => Kernel::map(|v: i64| v as f64),
        (Int, Bool) => Kernel::map(|v: i64| v != 0),
        (Bool, Int) => Kernel::map(|v: bool| i64::from(v)),
        (Decimal(scale), Int) => Kernel::try_map(move |v: i128| {
            decimal::rescale(v, scale, 0)
                .and_then(|v| i64::try_from(v).ok())
                .ok_or(INTEGER_OVERFLOW)
        }),
        (Decimal(from), Decimal(to)) => {
            Kernel::try_map(move |v: i128| decimal::rescale(v, from, to).ok_or(DECIMAL_OVERFLOW))
        }
        (Decimal(scale), Float) => Kernel::map(move |v: i128| decimal::to_float(v, scale)),
        (Float, Int) => Kernel::try_map(float_to_int),
        (Float, Decimal(scale)) => {
            Kernel::try_map(move |v: f64| decimal::from_float(v, scale).ok_or(DECIMAL_OVERFLOW))
        }
        (Timestamp | Ip | Bool | Int | Decimal(_) | Float, _) => return None,
    })
}

/// The kernel that brings a number to a larger scale to be compared: what has more digits there than a decimal holds is beyond
/// every decimal, and compares so. `None` where nothing has to be widened like that.
pub(crate) fn widening(from: DataType, to: DataType) -> Option<Kernel> {
    let beyond = |is_negative: bool| if is_negative { i128::MIN } else { i128::MAX };
    Some(match (from, to) {
        (DataType::Int, DataType::Decimal(scale)) => {
            let power = POW10[usize::from(scale)];
            Kernel::map(move |v: i64| decimal::multiply(v.into(), power).unwrap_or(beyond(v < 0)))
        }
        (DataType::Decimal(from), DataType::Decimal(to)) if from < to => {
            Kernel::map(move |v: i128| decimal::rescale(v, from, to).unwrap_or(beyond(v < 0)))
        }
        _ => return None,
    })
}

fn from_text(to: DataType) -> Option<Kernel> {
    Some(match to {
        DataType::Int => parsing(convert::to_int),
        DataType::Decimal(scale) => parsing(move |text| convert::to_decimal(text, scale)),
        DataType::Float => parsing(convert::to_float),
        DataType::Bool => parsing(convert::to_bool),
        DataType::Timestamp => parsing(convert::to_timestamp),
        DataType::Ip => Kernel::text(|row| {
            let (text, address) = (row.text(0), convert::to_ip(row.text(0))?);
            let canonical = written(row.arena, |out| write!(out, "{address}"));
            Ok(Some(if canonical == text { text } else { canonical }))
        }),
        DataType::Text => return None,
    })
}

fn parsing<R>(parse: impl Fn(&str) -> Result<R, Reason> + Send + Sync + 'static) -> Kernel
where
    R: for<'a> crate::expr::kernel::Native<'a> + 'static,
{
    Kernel::value(move |row| parse(row.text(0)).map(Some))
}

/// To int: out of range is an overflow, and so are NaN and the infinities.
pub(crate) fn float_to_int(value: f64) -> Result<i64, Reason> {
    // 2^63 is a float, i64::MAX is not.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    let rounded = value.round_ties_even();
    if (-LIMIT..LIMIT).contains(&rounded) { Ok(rounded as i64) } else { Err(INTEGER_OVERFLOW) }
}

fn to_text(from: DataType) -> Kernel {
    fn writing<V>(
        write: impl Fn(&mut ArenaString<'_>, V) -> std::fmt::Result + Send + Sync + 'static,
    ) -> Kernel
    where
        V: for<'a> crate::expr::kernel::Native<'a> + 'static,
    {
        Kernel::text(move |row| {
            let value: V = row.get(0);
            Ok(Some(written(row.arena, |out| write(out, value))))
        })
    }
    match from {
        DataType::Int => writing(|out, v: i64| write!(out, "{v}")),
        DataType::Decimal(scale) => writing(move |out, v: i128| decimal::write(out, v, scale)),
        DataType::Float => writing(|out, v: f64| convert::write_float(out, v)),
        DataType::Timestamp => writing(|out, v: i64| convert::write_timestamp(out, v)),
        DataType::Bool => Kernel::text(|row| Ok(Some(if row.get(0) { "true" } else { "false" }))),
        DataType::Text | DataType::Ip => Kernel::text(|row| Ok(Some(row.text(0)))),
    }
}

/// Text that `write` writes, in the arena.
pub(crate) fn written<'a>(
    arena: &'a Bump,
    write: impl FnOnce(&mut ArenaString<'a>) -> std::fmt::Result,
) -> &'a str {
    let mut out = ArenaString::new_in(arena);
    // Writing to a string in memory does not fail; what is there is the whole text.
    let _ = write(&mut out);
    out.into_bump_str()
}

/// Checks `decimal(precision, _)`: at most so many digits.
pub(crate) fn limit_digits(precision: u8) -> Kernel {
    let limit = POW10[usize::from(precision)];
    Kernel::try_map(move |v: i128| if v.abs() < limit { Ok(v) } else { Err(DECIMAL_OVERFLOW) })
}
