//! Lines of an access log by their quotes, where they are written as usual; all others are cut with care.

use super::super::FormatError;
use std::ops::Range;

use super::super::marks::{Batch, Cutter};
use super::super::pattern::{Fast, Places, Value};
use super::super::request::Request;
use super::super::walk::Unfit;
use super::cut::{TIME_BYTES, cut};
use super::host::are_usual;
use super::{AccessTokenizer, LOGGED, REQUEST};

/// Steps of a line: those of [`LOGGED`], with the identity behind the host.
const HOST: usize = 0;
const IDENTITY: usize = 1;
const USER: usize = 2;
const TIME: usize = 3;
const STATUS: usize = 5;
const BYTES: usize = 6;

/// What stands behind each value of a usual line.
const ENDS: [&[u8]; 9] = [b" ", b" ", b" [", b"] \"", b"\" ", b" ", b" \"", b"\" \"", b"\""];

/// The steps for usual lines.
pub(super) fn fast(combined: bool) -> Result<Fast, FormatError> {
    let ends: Vec<(&[u8], usize)> = match combined {
        true => ENDS.iter().map(|end| (*end, 0)).collect(),
        // The size is the last, and ends with the line.
        false => ENDS[..BYTES].iter().copied().chain([&b""[..]]).map(|end| (end, 0)).collect(),
    };
    let unlikely = || FormatError::new("the format can't be compiled", "report this as a bug");
    Fast::new(b"", &ends, !combined).ok_or_else(unlikely)
}

/// Cuts lines for a tokenizer.
pub(super) struct AccessCutter<'t, 'a> {
    tokenizer: &'t AccessTokenizer,
    places: Places,
    /// All values of a line, by step.
    steps: Vec<Value>,
    requests: Vec<Request<'a>>,
}

impl<'t, 'a> AccessCutter<'t, 'a> {
    pub(super) fn new(tokenizer: &'t AccessTokenizer) -> Self {
        let steps = (0..).map_while(|step| tokenizer.fast.value(step)).collect();
        let places = Places::new(&tokenizer.fast);
        AccessCutter { tokenizer, places, steps, requests: Vec::new() }
    }

    /// Whether the careful way would find the same values: it is strict where the steps are not.
    #[inline(always)]
    fn is_usual(&self, text: &[u8], line: usize) -> bool {
        let value = |step: usize| {
            let (from, to) = self.places.range(self.steps[step], line);
            &text[from as usize..to as usize]
        };
        let digits = |value: &[u8]| value == b"-" || value.iter().all(u8::is_ascii_digit);
        let (status, bytes) = (value(STATUS), value(BYTES));
        are_usual(value(HOST), value(IDENTITY), value(USER))
            && value(TIME).len() == TIME_BYTES
            && (status == b"-" || (status.len() == 3 && status.iter().all(u8::is_ascii_digit)))
            && !bytes.is_empty()
            && digits(bytes)
    }

    #[inline(always)]
    fn request(&self, batch: &Batch<'_, 'a>, line: usize) -> Request<'a> {
        let range = self.places.range(self.steps[step(REQUEST)], line);
        let quick = Request::split_at_spaces(batch, range);
        quick.unwrap_or_else(|| Request::split_range(batch, range))
    }
}

/// The step of a slot of [`LOGGED`].
fn step(slot: usize) -> usize {
    if slot == 0 { HOST } else { slot + 1 }
}

impl<'a> Cutter<'a> for AccessCutter<'_, 'a> {
    #[inline(always)]
    fn check(&mut self, batch: Batch<'_, 'a>, faults: &mut [u64]) {
        self.tokenizer.fast.cut(&batch, &mut self.places, faults);
        self.requests.clear();
        for (line, fault) in faults.iter_mut().enumerate() {
            if *fault == 0 {
                *fault = u64::from(!self.is_usual(batch.text.text(), line));
            }
            if self.tokenizer.split_request {
                let usual = *fault == 0;
                let request = if usual { self.request(&batch, line) } else { Request::default() };
                self.requests.push(request);
            }
        }
    }

    #[inline(always)]
    fn push(&mut self, batch: Batch<'_, 'a>, lines: Range<usize>, columns: &mut [Vec<&'a [u8]>]) {
        for (column, &slot) in columns.iter_mut().zip(&self.tokenizer.wanted) {
            match slot.checked_sub(LOGGED.len()) {
                Some(part) => {
                    column.extend(self.requests[lines.clone()].iter().map(|r| r.part(part)))
                }
                None => {
                    let value = self.steps[step(slot)];
                    self.places.push(value, (batch.text, lines.clone()), column)
                }
            }
        }
    }

    fn line(&mut self, line: &'a [u8], columns: &mut [Vec<&'a [u8]>]) -> Result<(), Unfit> {
        let tokenizer = self.tokenizer;
        let logged = cut(line, tokenizer.combined)?;
        let split = tokenizer.split_request;
        let request = if split { Request::split(logged[REQUEST]) } else { Request::default() };
        for (column, &slot) in columns.iter_mut().zip(&tokenizer.wanted) {
            column.push(match logged.get(slot) {
                Some(field) => field,
                None => request.part(slot - LOGGED.len()),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use bumpalo::Bump;

    use super::*;
    use crate::cpu;
    use crate::format::testing::named;
    use crate::format::{RawBlock, marks};

    const USUAL: &str =
        r#"1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] "GET /a?b HTTP/1.0" 200 12 "-" "x y""#;
    #[test]
    fn usual_lines_are_cut_by_their_marks_and_odd_ones_are_not() {
        for (combined, usual) in [(true, USUAL), (false, &USUAL[..66])] {
            let tokenizer = AccessTokenizer {
                wanted: vec![0, STATUS - 1, LOGGED.len()],
                split_request: true,
                combined,
                walk: super::super::Walk::new(999),
                fast: fast(combined).expect("compiles"),
            };
            let shape = tokenizer.fast.shape;
            let takes = |line: &str| {
                let padded = format!("{line}{}", marks::PADDING);
                marks::takes(&mut AccessCutter::new(&tokenizer), shape, padded.as_bytes())
            };
            assert!(takes(usual), "{usual}");
            assert!(!takes(&usual.replace(" 200 ", " 2000 ")));
            assert!(!takes(&usual.replace("/a?b", "/\\a")));
            assert!(!takes(&usual.replace(" - - ", ":80 - - ")));
            assert!(!takes(&usual.replace(" - - ", " - - - ")));
            assert!(
                takes(&usual.replace("1.2.3.4", "::1")) && takes(&usual.replace(" - - ", " - u "))
            );
        }
    }

    const SCRAPS: [&str; 21] = [
        "\n",
        "\n",
        "\n",
        "\r\n",
        "\"",
        "\\",
        " ",
        "  ",
        "-",
        "[",
        "] ",
        ":",
        "é",
        "200",
        " 12",
        "GET / HTTP/1.1",
        "1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] ",
        "\"-\" ",
        " - x y [",
        "[10/Oct/2000:13:55:36",
        "]",
    ];

    fn line() -> impl Strategy<Value = String> {
        let cut = (0..=USUAL.len(), 0..=USUAL.len(), prop::sample::select(SCRAPS.to_vec()));
        prop_oneof![
            3 => Just(format!("{USUAL}\n")),
            2 => Just(format!("{}\n", &USUAL[..66])),
            // A scrap in place of a part of a usual line.
            4 => cut.prop_map(|(a, b, scrap)| format!("{}{scrap}{}\n", &USUAL[..a.min(b)], &USUAL[a.max(b)..])),
            1 => prop::collection::vec(prop::sample::select(SCRAPS.to_vec()), 0..12).prop_map(|scraps| scraps.concat()),
        ]
    }

    proptest! {
        #[test]
        fn usual_lines_are_cut_as_they_are_with_care(lines in prop::collection::vec(line(), 0..30), combined: bool) {
            let input = lines.concat().into_bytes();
            let format = named(if combined { "combined" } else { "common" });
            let names: Vec<&str> = format.fields().iter().map(|field| field.name.as_str()).collect();
            let tokenizer = format.tokenizer(&names, b"").expect("its own fields");
            let (mut records, mut rejects) = (Vec::new(), Vec::new());
            for line in input.split_inclusive(|&byte| byte == b'\n') {
                let line = line.strip_suffix(b"\n").unwrap_or(line);
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                match cut(line, combined) {
                    _ if line.is_empty() => {}
                    Ok(values) => records.push(values[..if combined { 8 } else { 6 }].to_vec()),
                    Err(reason) => rejects.push((line, reason.into())),
                }
            }
            for _ in cpu::each_level() {
                let (arena, mut all) = (Bump::new(), RawBlock::default());
                let used = tokenizer.tokenize(&input, true, 10_000, &arena, &mut all);
                prop_assert_eq!(used, input.len());
                let logged = all.fields.len() - super::super::PARTS.len();
                let got = (0..all.lines.len()).map(|row| all.fields[..logged].iter().map(|column| column[row]).collect::<Vec<_>>());
                prop_assert_eq!(&got.collect::<Vec<_>>(), &records);
                prop_assert_eq!(&all.rejects.iter().map(|reject| (reject.line, reject.reason.clone())).collect::<Vec<_>>(), &rejects);
            }
        }
    }
}
