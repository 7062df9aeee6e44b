//! Lines by a pattern: values to columns.

use super::super::marks::{Batch, Cutter, PENDING_MAX, Regular};
use super::super::request::Request;
use super::fast::{Fast, Places, Value};
use super::{Careful, Source, shift_point};

/// Cuts lines by the compiled steps, and where these do not fit with care.
pub(super) struct PatternCutter<'t, 'a> {
    careful: Careful<'t, 'a>,
    fast: &'t Fast,
    places: Places,
    wanted: Vec<Wanted>,
    /// Those of them that are whole values.
    values: Vec<Cut>,
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
    Part(usize),
}

/// A value of the pending lines: from where to where.
struct Cut {
    value: Value,
    ranges: [(u32, u32); PENDING_MAX],
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
                Source::Step(step) => {
                    let value = fast.value(step)?;
                    values.push(Cut { value, ranges: [(0, 0); PENDING_MAX] });
                    match steps[step].variable.shift {
                        0 => Wanted::Value(values.len() - 1),
                        digits => Wanted::Shifted(values.len() - 1, digits),
                    }
                }
            });
        }
        let (places, requests) = (Places::default(), Vec::new());
        Some(PatternCutter { careful, fast, places, wanted, values, request, requests })
    }

    /// The parts of the request.
    #[inline(always)]
    fn split_request(&self, line: &Regular<'_, 'a>, request: Value) -> Request<'a> {
        let (from, to) = self.places.range(request);
        let spaced = self.fast.shape.needles.anchor == b' ';
        let quick = if spaced { Request::split_at_spaces(line, from, to) } else { None };
        quick.unwrap_or_else(|| Request::split(&line.text[from as usize..to as usize]))
    }
}

impl<'a> Cutter<'a> for PatternCutter<'_, 'a> {
    #[inline(always)]
    fn check(&mut self, line: Regular<'_, 'a>, at: usize) -> bool {
        if self.fast.cut(&line, &mut self.places).is_none() {
            return false;
        }
        for cut in &mut self.values {
            cut.ranges[at % PENDING_MAX] = self.places.range(cut.value);
        }
        if let Some(request) = self.request {
            // Lines that were looked at and are not pending left theirs.
            self.requests.truncate(at);
            self.requests.push(self.split_request(&line, request));
        }
        true
    }

    fn push(&mut self, batch: Batch<'_, 'a>, columns: &mut [Vec<&'a [u8]>]) {
        let arena = self.careful.arena;
        let values = |at: usize| {
            let ranges = self.values[at].ranges[..batch.len()].iter();
            ranges.map(|&(from, to)| batch.slice(from, to))
        };
        for (column, wanted) in columns.iter_mut().zip(&self.wanted) {
            match *wanted {
                Wanted::Value(at) => column.extend(values(at)),
                Wanted::Shifted(at, digits) => {
                    column.extend(values(at).map(|value| shift_point(value, digits, arena)))
                }
                Wanted::Part(part) => {
                    column.extend(self.requests.iter().take(batch.len()).map(|r| r.part(part)))
                }
            }
        }
        self.requests.clear();
    }

    fn line(&mut self, line: &'a [u8], columns: &mut [Vec<&'a [u8]>]) -> Result<(), &'static str> {
        self.careful.line(line, columns)
    }
}
