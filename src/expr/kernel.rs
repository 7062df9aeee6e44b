//! Kernels: what computes a column from columns, and the loops that they share.
//!
//! All are strict (a NULL argument makes a NULL) unless they are made with [`Kernel::new`] and do otherwise.

mod native;
mod row;

use std::borrow::Cow;
use std::rc::Rc;

use bumpalo::Bump;

use crate::data::{Column, DataType, Failure, Scalar, Values};

pub(crate) use native::{Native, Operand};
pub(crate) use row::{Outcome, Row};

/// Why a record has no value.
pub(crate) type Reason = &'static str;

/// The longest text that is computed, in bytes: repeated joining would make one that takes all memory.
pub(crate) const TEXT_BYTES_MAX: usize = 1 << 20;

/// Whether a text of so many bytes may be computed.
pub(crate) fn text_length(bytes: usize) -> Result<(), Reason> {
    if bytes > TEXT_BYTES_MAX { Err("a computed text is longer than 1 MiB") } else { Ok(()) }
}

/// An evaluated argument; constants are not spread over columns.
#[derive(Debug, Clone)]
pub(crate) enum Arg<'a> {
    Column(Rc<Column<'a>>),
    Const(&'a Scalar),
}

/// Which rows to compute, and where results go.
pub(crate) struct Rows<'r, 'a> {
    /// Rows to compute, ascending.
    pub(crate) sel: &'r [u32],
    /// Rows of the block.
    pub(crate) len: usize,
    /// Type of the result.
    pub(crate) ty: DataType,
    pub(crate) arena: &'a Bump,
    pub(crate) failures: &'r mut Vec<Failure>,
}

type Run = Box<dyn for<'a> Fn(&mut Rows<'_, 'a>, &[Arg<'a>]) -> Column<'a> + Send + Sync>;

/// A computation over columns. What it computes is said by the [`Operation`](super::operation::Operation) beside it.
pub(crate) struct Kernel {
    run: Run,
    /// What a row costs, in searches of a text for a literal one; 0 for what costs much less.
    searches: u32,
    /// Failures are NULL and no more (`try_cast`).
    tolerant: bool,
    /// The fingerprint of what it computes from beside the expression, such as a key.
    beside: Option<String>,
}

impl Kernel {
    /// A kernel that does its own loop and its own NULL logic.
    pub(crate) fn new<F>(run: F) -> Kernel
    where
        F: for<'a> Fn(&mut Rows<'_, 'a>, &[Arg<'a>]) -> Column<'a> + Send + Sync + 'static,
    {
        Kernel { run: Box::new(run), searches: 0, tolerant: false, beside: None }
    }

    /// Row by row, to text.
    pub(crate) fn text<F>(f: F) -> Kernel
    where
        F: for<'a> Fn(&Row<'_, 'a>) -> Outcome<&'a str> + Send + Sync + 'static,
    {
        Kernel::new(move |rows, args| row::rowwise(rows, args, "", |row| f(row)))
    }

    /// Row by row, to a plain value.
    pub(crate) fn value<R, F>(f: F) -> Kernel
    where
        R: for<'a> Native<'a> + 'static,
        F: for<'a> Fn(&Row<'_, 'a>) -> Outcome<R> + Send + Sync + 'static,
    {
        Kernel::new(move |rows, args| row::rowwise(rows, args, R::ZERO, |row| f(row)))
    }

    /// One argument, and a function that can't fail, whatever stands in a NULL's place.
    pub(crate) fn map<A, R>(f: impl Fn(A) -> R + Send + Sync + 'static) -> Kernel
    where
        A: for<'a> Native<'a> + 'static,
        R: for<'a> Native<'a> + 'static,
    {
        Kernel::new(move |rows, args| {
            let a = Operand::<A>::of(&args[0]);
            strict(rows, args, |rows| native::map(rows, a, R::ZERO, &f))
        })
    }

    /// Two arguments, and a function that can't fail, whatever stands in a NULL's place.
    pub(crate) fn zip<A, B, R>(f: impl Fn(A, B) -> R + Send + Sync + 'static) -> Kernel
    where
        A: for<'a> Native<'a> + 'static,
        B: for<'a> Native<'a> + 'static,
        R: for<'a> Native<'a> + 'static,
    {
        Kernel::new(move |rows, args| {
            let (a, b) = (Operand::<A>::of(&args[0]), Operand::<B>::of(&args[1]));
            strict(rows, args, |rows| native::zip(rows, a, b, R::ZERO, &f))
        })
    }

    /// One argument; a failure makes the record one.
    pub(crate) fn try_map<A, R>(
        f: impl Fn(A) -> Result<R, Reason> + Send + Sync + 'static,
    ) -> Kernel
    where
        A: for<'a> Native<'a> + 'static,
        R: for<'a> Native<'a> + 'static,
    {
        Kernel::new(move |rows, args| {
            let a = Operand::<A>::of(&args[0]);
            fallible(rows, args, |row| f(a.at(row)))
        })
    }

    /// Two arguments; a failure makes the record one.
    pub(crate) fn try_zip<A, B, R>(
        f: impl Fn(A, B) -> Result<R, Reason> + Send + Sync + 'static,
    ) -> Kernel
    where
        A: for<'a> Native<'a> + 'static,
        B: for<'a> Native<'a> + 'static,
        R: for<'a> Native<'a> + 'static,
    {
        Kernel::new(move |rows, args| {
            let (a, b) = (Operand::<A>::of(&args[0]), Operand::<B>::of(&args[1]));
            // One loop a shape, as in `native::zip`.
            match (a, b) {
                (Operand::Slice(a), Operand::Slice(b)) => {
                    fallible(rows, args, |row| f(a[row], b[row]))
                }
                (Operand::Slice(a), Operand::One(b)) => fallible(rows, args, |row| f(a[row], b)),
                (Operand::One(a), Operand::Slice(b)) => fallible(rows, args, |row| f(a, b[row])),
                (Operand::One(a), Operand::One(b)) => fallible(rows, args, |_| f(a, b)),
            }
        })
    }

    /// A test of one text.
    pub(crate) fn text_test(f: impl for<'a> Fn(&'a str) -> bool + Send + Sync + 'static) -> Kernel {
        Kernel::new(move |rows, args| {
            let a = Operand::<&str>::of(&args[0]);
            strict(rows, args, |rows| native::map(rows, a, false, &f))
        })
    }

    /// A test of two texts.
    pub(crate) fn text_pair_test(
        f: impl for<'a> Fn(&'a str, &'a str) -> bool + Send + Sync + 'static,
    ) -> Kernel {
        Kernel::new(move |rows, args| {
            let (a, b) = (Operand::<&str>::of(&args[0]), Operand::<&str>::of(&args[1]));
            strict(rows, args, |rows| native::zip(rows, a, b, false, &f))
        })
    }

    /// The same, which computes from something that stands nowhere in the expression: a fingerprint of that.
    #[must_use]
    pub(crate) fn beside(mut self, fingerprint: String) -> Kernel {
        self.beside = Some(fingerprint);
        self
    }

    /// The same, as dear as so many searches of a text.
    #[must_use]
    pub(crate) fn searching(mut self, searches: u32) -> Kernel {
        self.searches = searches;
        self
    }

    /// The same, where a failure is a NULL and nothing else.
    #[must_use]
    pub(crate) fn tolerant(mut self) -> Kernel {
        self.tolerant = true;
        self
    }

    /// The fingerprint of what it computes from beside the expression.
    pub(crate) fn takes_beside(&self) -> Option<&str> {
        self.beside.as_deref()
    }

    /// What a row costs, in searches of a text for a literal one.
    pub(crate) fn searches(&self) -> u32 {
        self.searches
    }

    /// Computes the rows; the others are unspecified.
    pub(crate) fn run<'a>(&self, rows: &mut Rows<'_, 'a>, args: &[Arg<'a>]) -> Column<'a> {
        if !self.tolerant {
            return (self.run)(rows, args);
        }
        let mut ignored = Vec::new();
        let Rows { sel, len, ty, arena, .. } = *rows;
        (self.run)(&mut Rows { sel, len, ty, arena, failures: &mut ignored }, args)
    }
}

impl Rows<'_, '_> {
    /// Records that a row has no value.
    pub(crate) fn fail(&mut self, row: usize, reason: Reason) {
        self.failures.push(Failure { row: row as u32, reason: Cow::Borrowed(reason) });
    }

    /// Calls with each row to compute.
    #[inline]
    pub(crate) fn each(&self, mut f: impl FnMut(usize)) {
        if self.sel.len() == self.len {
            (0..self.len).for_each(f);
        } else {
            self.sel.iter().for_each(|&row| f(row as usize));
        }
    }
}

impl<'a> Arg<'a> {
    /// Whether the row holds a value.
    #[inline]
    pub(crate) fn is_valid(&self, row: usize) -> bool {
        match self {
            Arg::Column(column) => column.is_valid(row),
            Arg::Const(value) => **value != Scalar::Null,
        }
    }

    fn mask(&self) -> Option<&[bool]> {
        match self {
            Arg::Column(column) => column.valid.as_deref(),
            Arg::Const(_) => None,
        }
    }
}

/// Rows where all arguments have a value: `Err` for none at all, `Ok(None)` for all.
fn validity(args: &[Arg<'_>]) -> Result<Option<Vec<bool>>, ()> {
    let mut all: Option<Vec<bool>> = None;
    for arg in args {
        if matches!(arg, Arg::Const(Scalar::Null)) {
            return Err(());
        }
        let Some(mask) = arg.mask() else { continue };
        match &mut all {
            None => all = Some(mask.to_vec()),
            Some(all) => all.iter_mut().zip(mask).for_each(|(a, m)| *a &= m),
        }
    }
    Ok(all)
}

/// A strict kernel that can't fail: computes NULL rows too, which is cheaper than asking.
fn strict<'a, R: Native<'a>>(
    rows: &mut Rows<'_, 'a>,
    args: &[Arg<'a>],
    compute: impl FnOnce(&Rows<'_, 'a>) -> Vec<R>,
) -> Column<'a> {
    match validity(args) {
        Err(()) => Column::nulls(rows.ty, rows.len),
        Ok(valid) => Column { ty: rows.ty, values: R::values(rows.ty, compute(rows)), valid },
    }
}

/// A strict kernel that may fail, row by row.
fn fallible<'a, R: Native<'a>>(
    rows: &mut Rows<'_, 'a>,
    args: &[Arg<'a>],
    compute: impl Fn(usize) -> Result<R, Reason>,
) -> Column<'a> {
    let Ok(mut valid) = validity(args) else {
        return Column::nulls(rows.ty, rows.len);
    };
    let mut out = vec![R::ZERO; rows.len];
    let mut failed: Vec<(usize, Reason)> = Vec::new();
    rows.each(|row| {
        if valid.as_ref().is_none_or(|v| v[row]) {
            match compute(row) {
                Ok(value) => out[row] = value,
                Err(reason) => failed.push((row, reason)),
            }
        }
    });
    for (row, reason) in failed {
        valid.get_or_insert_with(|| vec![true; rows.len])[row] = false;
        rows.fail(row, reason);
    }
    Column { ty: rows.ty, values: R::values(rows.ty, out), valid }
}

/// Copies rows of an argument into a column of the same type.
pub(crate) fn scatter<'a>(out: &mut Column<'a>, from: &Arg<'a>, rows: &[u32]) {
    fn copy<'a, T: Native<'a>>(out: &mut [T], from: &Arg<'a>, rows: &[u32]) {
        let from = Operand::<T>::of(from);
        rows.iter().for_each(|&row| out[row as usize] = from.at(row as usize));
    }
    if matches!(from, Arg::Const(Scalar::Null)) {
        return;
    }
    match &mut out.values {
        Values::Int(v) | Values::Timestamp(v) => copy(v, from, rows),
        Values::Decimal(v) => copy(v, from, rows),
        Values::Float(v) => copy(v, from, rows),
        Values::Text(v) => copy(v, from, rows),
        Values::Bool(v) => copy(v, from, rows),
    }
    if let Some(valid) = &mut out.valid {
        rows.iter().for_each(|&row| valid[row as usize] = from.is_valid(row as usize));
    }
}
