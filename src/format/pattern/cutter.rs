//! Lines by a pattern: values to columns.

use super::super::marks::{Batch, Cutter, PENDING_MAX, Regular};
use super::super::request::Request;
use super::fast::{Fast, Ranges, STEPS_MAX};
use super::{Careful, Source, shift_point};

/// Cuts lines by the compiled steps, and where these do not fit with care.
pub(super) struct PatternCutter<'t, 'a> {
    careful: Careful<'t, 'a>,
    fast: &'t Fast,
    ranges: Ranges,
    wanted: Vec<Wanted>,
    /// The values of the pending lines: from where to where, by wanted value.
    cut: Vec<[(u32, u32); PENDING_MAX]>,
    /// The step of the request, where parts of it are wanted.
    request: Option<usize>,
    requests: Vec<Request<'a>>,
}

/// A wanted value.
#[derive(Clone, Copy)]
enum Wanted {
    Step(usize),
    Shifted(usize, usize),
    Part(usize),
}

impl<'t, 'a> PatternCutter<'t, 'a> {
    pub(super) fn new(careful: Careful<'t, 'a>, fast: &'t Fast) -> Self {
        let steps = &careful.tokenizer.pattern.steps;
        let mut request = None;
        let wanted = careful.tokenizer.wanted.iter().map(|source| match *source {
            Source::Part(step, part) => {
                request = Some(step);
                Wanted::Part(part)
            }
            Source::Step(step) => match steps[step].variable.shift {
                0 => Wanted::Step(step),
                digits => Wanted::Shifted(step, digits),
            },
        });
        let wanted: Vec<_> = wanted.collect();
        let cut = vec![[(0, 0); PENDING_MAX]; wanted.len()];
        let (ranges, requests) = ([(0, 0); STEPS_MAX], Vec::new());
        PatternCutter { careful, fast, ranges, wanted, cut, request, requests }
    }

    /// The parts of the request.
    #[inline(always)]
    fn split_request(&self, line: &Regular<'_, 'a>, step: usize) -> Request<'a> {
        let (from, to) = self.ranges[step];
        let spaced = self.fast.shape.needles.anchor == b' ';
        let quick = if spaced { Request::split_at_spaces(line, from, to) } else { None };
        quick.unwrap_or_else(|| Request::split(&line.text[from as usize..to as usize]))
    }
}

impl<'a> Cutter<'a> for PatternCutter<'_, 'a> {
    #[inline(always)]
    fn check(&mut self, line: Regular<'_, 'a>, at: usize) -> bool {
        if self.fast.cut(&line, &mut self.ranges).is_none() {
            return false;
        }
        for (cut, wanted) in self.cut.iter_mut().zip(&self.wanted) {
            if let Wanted::Step(step) | Wanted::Shifted(step, _) = *wanted {
                cut[at % PENDING_MAX] = self.ranges[step % STEPS_MAX];
            }
        }
        if let Some(step) = self.request {
            // Lines that were looked at and are not pending left theirs.
            self.requests.truncate(at);
            self.requests.push(self.split_request(&line, step));
        }
        true
    }

    fn push(&mut self, batch: Batch<'_, 'a>, columns: &mut [Vec<&'a [u8]>]) {
        let arena = self.careful.arena;
        for (column, (wanted, cut)) in columns.iter_mut().zip(self.wanted.iter().zip(&self.cut)) {
            let values = cut[..batch.len()].iter().map(|&(from, to)| batch.slice(from, to));
            match *wanted {
                Wanted::Step(_) => column.extend(values),
                Wanted::Shifted(_, digits) => {
                    column.extend(values.map(|value| shift_point(value, digits, arena)))
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
