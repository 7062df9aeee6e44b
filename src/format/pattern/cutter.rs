//! Lines by a pattern: values to columns.

use std::ops::Range;

use super::super::marks::{Batch, Cutter};
use super::super::request::Request;
use super::super::walk::Unfit;
use super::fast::{Fast, Places, Value};
use super::{Careful, Joined, Source, join, shift_point};

/// Cuts lines by the compiled steps, and where these do not fit with care.
pub(super) struct PatternCutter<'t, 'a> {
    careful: Careful<'t, 'a>,
    fast: &'t Fast,
    places: Places,
    wanted: Vec<Wanted>,
    /// Those of them that are whole values.
    values: Vec<Value>,
    /// The request, where parts of it are wanted.
    request: Option<Value>,
    requests: Vec<Request<'a>>,
}

/// A wanted value.
#[derive(Clone, Copy)]
enum Wanted {
    /// Of this number among the values.
    Value(usize),
    /// The same with a decimal point before so many digits.
    Shifted(usize, usize),
    /// Those from one number to another, with a byte between two.
    Joined(usize, usize, u8),
    Part(usize),
}

impl<'t, 'a> PatternCutter<'t, 'a> {
    /// `None` where the pattern has no such step, which can't be.
    pub(super) fn new(careful: Careful<'t, 'a>, fast: &'t Fast) -> Option<Self> {
        let steps = &careful.tokenizer.pattern.steps;
        let (mut request, mut wanted, mut values) = (None, Vec::new(), Vec::new());
        for source in &careful.tokenizer.wanted {
            wanted.push(match *source {
                Source::Part(step, part) => {
                    request = Some(fast.value(step)?);
                    Wanted::Part(part)
                }
                Source::Joined(time) => {
                    let Joined { steps, between, .. } = &careful.tokenizer.pattern.times[time];
                    let first = values.len();
                    for &step in steps {
                        values.push(fast.value(step)?);
                    }
                    Wanted::Joined(first, values.len(), *between)
                }
                Source::Step(step) => {
                    let value = fast.value(step)?;
                    values.push(value);
                    match steps[step].variable.shift {
                        0 => Wanted::Value(values.len() - 1),
                        digits => Wanted::Shifted(values.len() - 1, digits),
                    }
                }
            });
        }
        let (places, requests) = (Places::new(fast), Vec::new());
        Some(PatternCutter { careful, fast, places, wanted, values, request, requests })
    }

    /// The parts of each line's request.
    fn split_requests(&mut self, batch: Batch<'_, 'a>, request: Value, faults: &[u64]) {
        let (places, spaced) = (&self.places, self.fast.shape.needles.anchor == b' ');
        self.requests.clear();
        self.requests.extend(faults.iter().enumerate().map(|(line, &fault)| {
            if fault != 0 {
                return Request::default();
            }
            let range = places.range(request, line);
            let quick = if spaced { Request::split_at_spaces(&batch, range) } else { None };
            quick.unwrap_or_else(|| Request::split_range(&batch, range))
        }));
    }
}

impl<'a> Cutter<'a> for PatternCutter<'_, 'a> {
    #[inline(always)]
    fn check(&mut self, batch: Batch<'_, 'a>, faults: &mut [u64]) {
        self.fast.cut(&batch, &mut self.places, faults);
        if let Some(request) = self.request {
            self.split_requests(batch, request, faults);
        }
    }

    #[inline(always)]
    fn push(&mut self, batch: Batch<'_, 'a>, lines: Range<usize>, columns: &mut [Vec<&'a [u8]>]) {
        let arena = self.careful.arena;
        for (column, wanted) in columns.iter_mut().zip(&self.wanted) {
            let whole = (batch.text, lines.clone());
            match *wanted {
                Wanted::Value(at) => self.places.push(self.values[at], whole, column),
                Wanted::Shifted(at, digits) => {
                    let first = column.len();
                    self.places.push(self.values[at], whole, column);
                    let values = column[first..].iter_mut();
                    values.for_each(|value| *value = shift_point(value, digits, arena));
                }
                Wanted::Joined(first, end, between) => {
                    let mut pieces = vec![Vec::new(); end - first];
                    for (piece, &value) in pieces.iter_mut().zip(&self.values[first..end]) {
                        self.places.push(value, (batch.text, lines.clone()), piece);
                    }
                    let row =
                        |row: usize| join(pieces.iter().map(|piece| piece[row]), between, arena);
                    column.extend((0..lines.len()).map(row));
                }
                Wanted::Part(part) => {
                    column.extend(self.requests[lines.clone()].iter().map(|r| r.part(part)))
                }
            }
        }
    }

    fn line(&mut self, line: &'a [u8], columns: &mut [Vec<&'a [u8]>]) -> Result<(), Unfit> {
        self.careful.line(line, columns)
    }
}
