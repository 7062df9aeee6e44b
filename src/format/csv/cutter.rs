//! Rows by their delimiters, where they are written as usual; all others are cut with care.

use std::cell::Cell;
use std::ops::Range;

use bumpalo::Bump;

use super::CsvTokenizer;
use super::cells::{Bad, split};
use crate::format::marks::{Batch, Column, Cutter, LINES_MAX};
use crate::format::walk::Unfit;
use crate::source::{Part, Rows};

/// What the reason of a line begins with that is a part of a value. Catalogs hold it.
pub(crate) const WITHIN_QUOTES: &str = "within a quote that a line before it left open";
/// The reason of such a line.
pub(super) const IN_QUOTES: &str = "within a quote that a line before it left open: format = { csv = { multiline = true } } reads values of several lines";
const OPEN: &str = "its quote is open at the line's end: format = { csv = { multiline = true } } reads values of several lines";
/// The reason where values may have several lines.
const NEVER_CLOSED: &str =
    "nothing closes its quote, within limits.line and before the file's end: the line counts alone";

/// Cuts rows for a tokenizer.
pub(super) struct CsvCutter<'t, 'a> {
    tokenizer: &'t CsvTokenizer,
    rows: Rows,
    input: &'a [u8],
    /// Where the line begins that opened a quote which is open now; negative: before the input.
    open: &'t Cell<Option<i64>>,
    /// The delimiters of the lines looked at last.
    delimiters: Vec<Column>,
    cells: Vec<&'a [u8]>,
    arena: &'a Bump,
}

impl<'t, 'a> CsvCutter<'t, 'a> {
    pub(super) fn new(
        tokenizer: &'t CsvTokenizer,
        input: &'a [u8],
        open: &'t Cell<Option<i64>>,
        arena: &'a Bump,
    ) -> Self {
        let delimiters = vec![[0; LINES_MAX]; tokenizer.names.len().saturating_sub(1)];
        let rows = tokenizer.rows;
        CsvCutter { tokenizer, rows, input, open, delimiters, cells: Vec::new(), arena }
    }

    /// Notes whether a quote is open at the end of a line, which begins at a place; false if it is no row for that.
    fn is_row(&self, line: &[u8], at: i64) -> bool {
        let is_open = |open: i64| self.rows.reaches(at.abs_diff(open));
        let open = self.open.take().filter(|open| is_open(*open));
        let part = match open {
            Some(_) => self.rows.part(line, true),
            None => Part::Whole,
        };
        if part == Part::GoesOn {
            self.open.set(open);
        }
        !matches!(part, Part::GoesOn | Part::Closes)
    }

    /// Cuts a row into its cells.
    fn split(&mut self, line: &'a [u8], at: i64) -> Result<(), Unfit> {
        self.cells.clear();
        let cut = split(line, &self.tokenizer.options, self.arena, &mut self.cells);
        let column = || column(&self.tokenizer.names, self.cells.len());
        match cut {
            Err(Bad::Open) if self.rows.multiline => {
                Err(format!("{}: {NEVER_CLOSED}", column()).into())
            }
            Err(Bad::Open) => {
                self.open.set(Some(at));
                Err(format!("{}: {OPEN}", column()).into())
            }
            Err(bad) => Err(format!("{}: {}", column(), bad.what()).into()),
            Ok(()) if self.cells.len() != self.tokenizer.names.len() => {
                Err(miscounted(&self.tokenizer.names, self.cells.len()).into())
            }
            Ok(()) => Ok(()),
        }
    }
}

/// How a column is called.
fn column(names: &[String], at: usize) -> String {
    match names.get(at) {
        Some(name) if !name.is_empty() => format!("column `{name}`"),
        _ => format!("column {}", at + 1),
    }
}

/// What is missing, or where there is too much.
fn miscounted(names: &[String], cells: usize) -> String {
    let plural = if cells == 1 { "" } else { "s" };
    let what = match cells < names.len() {
        true => format!("none for {}", column(names, cells)),
        false => "more than there are columns".to_owned(),
    };
    format!("{cells} value{plural} where {} are expected: {what}", names.len())
}

impl<'a> Cutter<'a> for CsvCutter<'_, 'a> {
    #[inline(always)]
    fn check(&mut self, batch: Batch<'_, 'a>, faults: &mut [u64]) {
        if self.tokenizer.names.is_empty() || self.tokenizer.foreign.is_some() {
            faults.fill(1);
            return;
        }
        let delimiter = self.tokenizer.options.delimiter;
        for (number, places) in self.delimiters.iter_mut().enumerate() {
            batch.marks(number, places);
            for (&place, fault) in places.iter().zip(faults.iter_mut()) {
                *fault |= u64::from(batch.text.word(place as usize) as u8 ^ delimiter);
            }
        }
        let Some(repeated) = &self.tokenizer.repeated else { return };
        for ((&start, &end), fault) in batch.starts.iter().zip(batch.ends).zip(faults) {
            let is_header = (end - start == repeated.bytes)
                & ((batch.text.word(start as usize) ^ repeated.word) & repeated.mask == 0);
            *fault |= u64::from(is_header);
        }
    }

    #[inline(always)]
    fn push(&mut self, batch: Batch<'_, 'a>, lines: Range<usize>, columns: &mut [Vec<&'a [u8]>]) {
        for (column, wanted) in columns.iter_mut().zip(&self.tokenizer.wanted) {
            let Some(at) = *wanted else {
                column.resize(column.len() + lines.len(), b"");
                continue;
            };
            let before = at.checked_sub(1).and_then(|before| self.delimiters.get(before));
            let behind = self.delimiters.get(at);
            let from = before.map_or((&batch.starts[lines.clone()], 0), |d| (&d[lines.clone()], 1));
            let to = behind.map_or(&batch.ends[lines.clone()], |d| &d[lines.clone()]);
            batch.text.slices(from, (to, 0), column);
        }
    }

    fn line(&mut self, line: &'a [u8], columns: &mut [Vec<&'a [u8]>]) -> Result<(), Unfit> {
        let at = (line.as_ptr() as usize).wrapping_sub(self.input.as_ptr() as usize) as i64;
        if !self.is_row(line, at) {
            return Err(IN_QUOTES.into());
        }
        self.row(line, at, columns)
    }

    fn is_open(&self) -> bool {
        self.open.get().is_some()
    }
}

impl<'a> CsvCutter<'_, 'a> {
    /// Cuts a row, which may have several lines: pushes one value a column, or says why it is no record.
    pub(super) fn row(
        &mut self,
        line: &'a [u8],
        at: i64,
        columns: &mut [Vec<&'a [u8]>],
    ) -> Result<(), Unfit> {
        if let Some(reason) = &self.tokenizer.foreign {
            return Err(Unfit::Reject(reason.clone()));
        }
        if self.tokenizer.repeated.as_ref().is_some_and(|repeated| repeated.line == line) {
            return Err(Unfit::Skip);
        }
        self.split(line, at)?;
        for (column, wanted) in columns.iter_mut().zip(&self.tokenizer.wanted) {
            column.push(wanted.map_or(b"", |at| self.cells[at]));
        }
        Ok(())
    }
}
