//! Row by row: for functions whose own work outweighs the fetching of their arguments.

use bumpalo::Bump;

use crate::data::Column;

use super::{Arg, Native, Operand, Reason, Rows, validity};

/// `Ok(None)` is NULL.
pub(crate) type Outcome<T> = Result<Option<T>, Reason>;

/// One row of the arguments; all have a value.
pub(crate) struct Row<'r, 'a> {
    args: &'r [Arg<'a>],
    row: usize,
    /// For computed text.
    pub(crate) arena: &'a Bump,
}

impl<'a> Row<'_, 'a> {
    pub(crate) fn get<T: Native<'a>>(&self, arg: usize) -> T {
        Operand::<T>::of(&self.args[arg]).at(self.row)
    }

    /// An argument of type text or ip.
    #[inline]
    pub(crate) fn text(&self, arg: usize) -> &'a str {
        self.get(arg)
    }

    /// An argument of type int or timestamp.
    #[inline]
    pub(crate) fn int(&self, arg: usize) -> i64 {
        self.get(arg)
    }

    /// Whether the call has that argument.
    pub(crate) fn has(&self, arg: usize) -> bool {
        arg < self.args.len()
    }
}

/// Strict, row by row.
pub(super) fn rowwise<'a, R: Native<'a>>(
    rows: &mut Rows<'_, 'a>,
    args: &[Arg<'a>],
    zero: R,
    f: impl Fn(&Row<'_, 'a>) -> Outcome<R>,
) -> Column<'a> {
    let Ok(mut valid) = validity(args) else {
        return Column::nulls(rows.ty, rows.len);
    };
    let len = rows.len;
    let mut out = vec![zero; len];
    let mut failed: Vec<(usize, Reason)> = Vec::new();
    rows.each(|row| {
        if !valid.as_ref().is_none_or(|v| v[row]) {
            return;
        }
        let outcome = f(&Row { args, row, arena: rows.arena });
        if let Ok(Some(value)) = outcome {
            out[row] = value;
            return;
        }
        valid.get_or_insert_with(|| vec![true; len])[row] = false;
        if let Err(reason) = outcome {
            failed.push((row, reason));
        }
    });
    for (row, reason) in failed {
        rows.fail(row, reason);
    }
    Column { ty: rows.ty, values: R::values(rows.ty, out), valid }
}
