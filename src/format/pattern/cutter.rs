//! Lines by a pattern: values to columns.

use super::super::marks::{Cutter, Regular};
use super::super::request::Request;
use super::fast::{Fast, Ranges, STEPS_MAX};
use super::{Careful, Source, shift_point};

/// Cuts lines by the compiled steps, and where these do not fit with care.
pub(super) struct PatternCutter<'t, 'a> {
    careful: Careful<'t, 'a>,
    fast: &'t Fast,
    ranges: Ranges,
    wanted: Vec<Wanted>,
    /// The step of the request, where parts of it are wanted.
    request: Option<usize>,
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
        let wanted = wanted.collect();
        PatternCutter { careful, fast, ranges: [(0, 0); STEPS_MAX], wanted, request }
    }

    /// The parts of the request, which must be one where they are wanted.
    #[inline(always)]
    fn split_request(&self, line: &Regular<'_, 'a>) -> Request<'a> {
        let Some(step) = self.request else { return Request::default() };
        let (from, to) = self.ranges[step];
        let spaced = self.fast.shape.needles.anchor == b' ';
        let quick = if spaced { Request::split_at_spaces(line, from, to) } else { None };
        quick.unwrap_or_else(|| Request::split(&line.text[from as usize..to as usize]))
    }
}

impl<'a> Cutter<'a> for PatternCutter<'_, 'a> {
    #[inline(always)]
    fn regular(&mut self, line: Regular<'_, 'a>, columns: &mut [Vec<&'a [u8]>]) -> bool {
        if self.fast.cut(&line, &mut self.ranges).is_none() {
            return false;
        }
        let request = self.split_request(&line);
        for (column, wanted) in columns.iter_mut().zip(&self.wanted) {
            let value = |step: usize| {
                let (from, to) = self.ranges[step];
                &line.text[from as usize..to as usize]
            };
            column.push(match *wanted {
                Wanted::Step(step) => value(step),
                Wanted::Shifted(step, digits) => {
                    shift_point(value(step), digits, self.careful.arena)
                }
                Wanted::Part(part) => request.part(part),
            });
        }
        true
    }

    fn line(&mut self, line: &'a [u8], columns: &mut [Vec<&'a [u8]>]) -> Result<(), &'static str> {
        self.careful.line(line, columns)
    }
}
