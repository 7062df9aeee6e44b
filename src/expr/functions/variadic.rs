//! Functions of any number of arguments, which skip NULLs: greatest, least, concat, concat_ws.

use std::cmp::Ordering;

use bumpalo::collections::String as ArenaString;

use crate::data::{Column, DataType};
use crate::expr::kernel::{Arg, Kernel, Native, Operand, Rows, scatter};
use crate::expr::op::compare::{address_order, float_order};

/// `greatest` or `least` of arguments of one type; NULL only if all are.
pub(crate) fn extreme(ty: DataType, greatest: bool) -> Kernel {
    let wanted = if greatest { Ordering::Greater } else { Ordering::Less };
    let kernel = match ty {
        DataType::Int | DataType::Timestamp => extreme_of::<i64>(wanted, |a, b| a.cmp(&b)),
        DataType::Decimal(_) => extreme_of::<i128>(wanted, |a, b| a.cmp(&b)),
        DataType::Bool => extreme_of::<bool>(wanted, |a, b| a.cmp(&b)),
        DataType::Float => extreme_of::<f64>(wanted, float_order),
        DataType::Text => {
            Kernel::new(move |rows, args| fold(rows, args, wanted, |a: &str, b: &str| a.cmp(b)))
        }
        DataType::Ip => Kernel::new(move |rows, args| {
            fold(rows, args, wanted, |a: &str, b: &str| address_order(a, b))
        }),
    };
    kernel.named("extreme")
}

fn extreme_of<T>(wanted: Ordering, order: fn(T, T) -> Ordering) -> Kernel
where
    T: for<'a> Native<'a> + 'static,
{
    Kernel::new(move |rows, args| fold(rows, args, wanted, order))
}

/// Keeps, row by row, the first value that no other beats.
fn fold<'a, T: Native<'a>>(
    rows: &mut Rows<'_, 'a>,
    args: &[Arg<'a>],
    wanted: Ordering,
    order: impl Fn(T, T) -> Ordering,
) -> Column<'a> {
    let mut out = Column::nulls(rows.ty, rows.len);
    let mut best = Vec::with_capacity(rows.sel.len());
    for arg in args {
        best.clear();
        let values = Operand::<T>::of(arg);
        let current = T::slice(&out.values).unwrap_or_default();
        let better =
            |row: usize| !out.is_valid(row) || order(values.at(row), current[row]) == wanted;
        best.extend(
            rows.sel.iter().filter(|&&row| arg.is_valid(row as usize) && better(row as usize)),
        );
        scatter(&mut out, arg, &best);
    }
    out
}

/// All arguments as text, one after the other. `with_separator`: the first argument stands between the others, and
/// if it is NULL, so is the result.
pub(crate) fn concat(with_separator: bool) -> Kernel {
    Kernel::new(move |rows, args| {
        let (separator, args) =
            if with_separator { (Some(&args[0]), &args[1..]) } else { (None, args) };
        let mut valid = vec![true; rows.len];
        let mut out = vec![""; rows.len];
        rows.each(|row| {
            match separator.map(|s| (s.is_valid(row), Operand::<&str>::of(s).at(row))) {
                Some((false, _)) => valid[row] = false,
                Some((true, separator)) => out[row] = join(rows, args, row, separator),
                None => out[row] = join(rows, args, row, ""),
            }
        });
        Column {
            ty: DataType::Text,
            values: <&str>::values(DataType::Text, out),
            valid: Some(valid),
        }
    })
    .named("concat")
}

/// A bool as `concat` writes it.
pub(crate) fn short_bool() -> Kernel {
    Kernel::text(|row| Ok(Some(if row.get(0) { "t" } else { "f" })))
}

fn join<'a>(rows: &Rows<'_, 'a>, args: &[Arg<'a>], row: usize, separator: &str) -> &'a str {
    let mut text = ArenaString::new_in(rows.arena);
    let mut first = true;
    for arg in args.iter().filter(|arg| arg.is_valid(row)) {
        if !first {
            text.push_str(separator);
        }
        first = false;
        text.push_str(Operand::<&str>::of(arg).at(row));
    }
    text.into_bump_str()
}
