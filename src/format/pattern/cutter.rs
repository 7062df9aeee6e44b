//! Batches of lines by a pattern: values to columns.

use super::super::marks::{Batch, Cutter};
use super::super::request::Request;
use super::super::scan::Index;
use super::fast::{Fast, Ranges};
use super::{Careful, Source, shift_point};

/// Cuts batches by the compiled steps, and single lines with care.
pub(super) struct PatternCutter<'t, 'a> {
    careful: Careful<'t, 'a>,
    fast: &'t Fast,
    ranges: Ranges,
    /// The step of the request, where parts of it are wanted.
    request: Option<usize>,
    requests: Vec<Request<'a>>,
}

impl<'t, 'a> PatternCutter<'t, 'a> {
    pub(super) fn new(careful: Careful<'t, 'a>, fast: &'t Fast) -> Self {
        let request = careful.tokenizer.wanted.iter().find_map(|source| match source {
            Source::Part(step, _) => Some(*step),
            Source::Step(_) => None,
        });
        PatternCutter { careful, fast, ranges: Ranges::default(), request, requests: Vec::new() }
    }

    #[inline]
    fn value(&self, source: Source, text: &'a [u8], line: usize) -> &'a [u8] {
        match source {
            Source::Part(_, part) => self.requests[line].part(part),
            Source::Step(step) => {
                let value = self.ranges.value(text, step, line);
                match self.careful.tokenizer.pattern.steps[step].variable.shift {
                    0 => value,
                    digits => shift_point(value, digits, self.careful.arena),
                }
            }
        }
    }
}

impl<'a> Cutter<'a> for PatternCutter<'_, 'a> {
    fn batch(&mut self, text: &'a [u8], index: &Index, batch: &mut Batch) {
        self.fast.cut(text, index, batch, &mut self.ranges);
        let Some(step) = self.request else { return };
        let spaced = self.fast.shape.needles.anchor == b' ';
        self.requests.clear();
        let split = |line| {
            let (from, to) = self.ranges.range(step, line);
            let quick = if spaced { Request::split_at_spaces(text, index, from, to) } else { None };
            quick.unwrap_or_else(|| Request::split(self.ranges.value(text, step, line)))
        };
        self.requests.extend((0..batch.len).map(split));
    }

    fn push_all(&mut self, text: &'a [u8], batch: &Batch, columns: &mut [Vec<&'a [u8]>]) {
        for (column, &source) in columns.iter_mut().zip(&self.careful.tokenizer.wanted) {
            match source {
                Source::Step(step)
                    if self.careful.tokenizer.pattern.steps[step].variable.shift == 0 =>
                {
                    column.extend((0..batch.len).map(|line| self.ranges.value(text, step, line)));
                }
                _ => column.extend((0..batch.len).map(|line| self.value(source, text, line))),
            }
        }
    }

    fn push(&mut self, text: &'a [u8], _: &Batch, line: usize, columns: &mut [Vec<&'a [u8]>]) {
        for (column, &source) in columns.iter_mut().zip(&self.careful.tokenizer.wanted) {
            column.push(self.value(source, text, line));
        }
    }

    fn line(&mut self, line: &'a [u8], columns: &mut [Vec<&'a [u8]>]) -> Result<(), &'static str> {
        self.careful.line(line, columns)
    }
}
