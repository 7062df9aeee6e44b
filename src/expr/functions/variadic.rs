//! Functions of any number of arguments, which skip NULLs: greatest, least, concat, concat_ws.

use std::cmp::Ordering;

use bumpalo::collections::String as ArenaString;

use crate::data::{Column, DataType, Scalar};
use crate::expr::kernel::{
    Arg, Kernel, Native, Operand, Reason, Rows, TEXT_BYTES_MAX, scatter, text_length,
};
use crate::expr::op::compare::{address_order, float_order};

/// `greatest` or `least` of arguments of one type; NULL only if all are.
pub(crate) fn extreme(ty: DataType, greatest: bool) -> Kernel {
    let wanted = if greatest { Ordering::Greater } else { Ordering::Less };
    match ty {
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
    }
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
        // A NULL constant is skipped in every row, unless it is the separator.
        let is_null = |arg: &&Arg<'_>| matches!(arg, Arg::Const(Scalar::Null));
        if separator.as_ref().is_some_and(is_null) {
            return Column::nulls(rows.ty, rows.len);
        }
        let parts = args.iter().filter(|arg| !is_null(arg)).map(Part::of).collect();
        Joined { separator: separator.map(Part::of), parts }.column(rows)
    })
}

/// An argument of a concatenation.
struct Part<'c, 'a> {
    texts: Operand<'c, &'a str>,
    valid: Option<&'c [bool]>,
}

impl<'c, 'a> Part<'c, 'a> {
    /// Of any argument but a NULL constant.
    fn of(arg: &'c Arg<'a>) -> Self {
        let valid = match arg {
            Arg::Column(column) => column.valid.as_deref(),
            Arg::Const(_) => None,
        };
        Part { texts: Operand::of(arg), valid }
    }

    #[inline]
    fn at(&self, row: usize) -> Option<&'a str> {
        self.valid.is_none_or(|valid| valid[row]).then(|| self.texts.at(row))
    }

    /// Bytes of the rows' texts, at least.
    fn bytes(&self, rows: &Rows<'_, 'a>) -> usize {
        let mut bytes = 0;
        match self.texts {
            Operand::One(text) => bytes = rows.sel.len() * text.len(),
            Operand::Slice(texts) => {
                rows.each(|row| {
                    bytes += self.valid.map_or(1, |v| usize::from(v[row])) * texts[row].len()
                });
            }
        }
        bytes
    }
}

/// Arguments, and what stands between them.
struct Joined<'c, 'a> {
    separator: Option<Part<'c, 'a>>,
    parts: Vec<Part<'c, 'a>>,
}

impl<'a> Joined<'_, 'a> {
    /// The texts of all rows lie in one piece of memory: it is asked for once, and nothing is moved.
    fn column(&self, rows: &mut Rows<'_, 'a>) -> Column<'a> {
        let between = self.separator.as_ref().map_or(0, |part| part.bytes(rows) * self.parts.len());
        let bytes = between + self.parts.iter().map(|part| part.bytes(rows)).sum::<usize>();
        // Mostly all rows together are shorter than one may be.
        let refused = if bytes > TEXT_BYTES_MAX { self.refused(rows) } else { Vec::new() };
        let bytes = if refused.is_empty() { bytes } else { 0 };
        let mut all = ArenaString::with_capacity_in(bytes, rows.arena);
        let (mut ranges, mut valid) = (vec![0..0; rows.len], None);
        rows.each(|row| {
            let start = all.len();
            let is_refused = refused.binary_search_by_key(&row, |(row, _)| *row).is_ok();
            if !is_refused && self.join(row, &mut all) {
                ranges[row] = start..all.len();
            } else {
                valid.get_or_insert_with(|| vec![true; rows.len])[row] = false;
            }
        });
        refused.into_iter().for_each(|(row, reason)| rows.fail(row, reason));
        let all = all.into_bump_str();
        let out = ranges.into_iter().map(|range| &all[range]).collect();
        Column { ty: DataType::Text, values: <&str>::values(DataType::Text, out), valid }
    }

    /// Rows whose texts are too long to be joined, ascending.
    fn refused(&self, rows: &Rows<'_, 'a>) -> Vec<(usize, Reason)> {
        let mut refused = Vec::new();
        rows.each(|row| {
            let between = self.separator.as_ref().map(|part| part.at(row));
            let parts = self.parts.iter().filter_map(|part| part.at(row));
            let (count, bytes) =
                parts.fold((0usize, 0), |(n, bytes), text| (n + 1, bytes + text.len()));
            let between = match between {
                None => 0,
                Some(Some(text)) => text.len() * count.saturating_sub(1),
                // It is NULL.
                Some(None) => return,
            };
            if let Err(reason) = text_length(bytes + between) {
                refused.push((row, reason));
            }
        });
        refused
    }

    /// Appends the text of a row; false if that is NULL.
    #[inline]
    fn join(&self, row: usize, out: &mut ArenaString<'a>) -> bool {
        let between = match &self.separator {
            None => "",
            Some(part) => match part.at(row) {
                Some(text) => text,
                None => return false,
            },
        };
        let mut first = true;
        for text in self.parts.iter().filter_map(|part| part.at(row)) {
            if !first {
                push(out, between);
            }
            first = false;
            push(out, text);
        }
        true
    }
}

/// Appends a text. What often is one character takes no call.
#[inline]
fn push(out: &mut ArenaString<'_>, text: &str) {
    match text.as_bytes() {
        [] => {}
        &[byte] if byte.is_ascii() => out.push(char::from(byte)),
        _ => out.push_str(text),
    }
}

/// A bool as `concat` writes it.
pub(crate) fn short_bool() -> Kernel {
    Kernel::text(|row| Ok(Some(if row.get(0) { "t" } else { "f" })))
}
