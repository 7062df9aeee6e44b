//! A pasted pattern, compiled: literals with a field between each two. Shared by nginx and Apache.
//!
//! A value ends where the literal behind its field begins. Between quotes it ends at the first quote that no
//! backslash escapes. The whole line must match.

mod compile;
mod cutter;
mod fast;
mod fault;

use std::ops::Range;

use bumpalo::Bump;

use compile::{inner_ends, is_padded, offered, pair, type_msec};
use cutter::PatternCutter;
pub(super) use fast::{Fast, Places, Value};

use super::access::closing_quote;
use super::apache::TimePiece;
use super::literal::Literal;
use super::marks;
use super::request::Request;
use super::walk::{Unfit, Walk};
use super::{FieldDef, Format, FormatError, RawBlock, TimeLayout, Tokenizer, text};
use crate::data::DataType;

/// Fields that can be the event time, best first.
const TIMES: [&str; 3] = ["time_local", "time_iso8601", "msec"];

/// A part of a pattern, in the order of the text.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    /// Text that must stand there.
    Literal(Vec<u8>),
    /// A value.
    Field(Variable),
}

/// A value in a pattern.
#[derive(Debug, Clone)]
pub(super) struct Variable {
    /// Name and type.
    pub(super) field: FieldDef,
    /// Whether it may be a comma-separated list, with a space behind each comma.
    pub(super) list: bool,
    /// The value is an integer of a smaller unit: the decimal point goes before so many digits.
    pub(super) shift: usize,
    /// How its time is written, where the pattern says so.
    pub(super) layout: Option<TimeLayout>,
    /// What of Apache's times it is.
    pub(super) time: Option<TimePiece>,
    /// Where it stands in what was pasted.
    pub(super) span: Range<usize>,
}

/// A time of several values, which are read together.
#[derive(Debug, Clone)]
pub(super) struct Joined {
    pub(super) field: FieldDef,
    /// Numbers of the values, in the order of reading.
    pub(super) steps: Vec<usize>,
    /// Stands between two of them.
    pub(super) between: u8,
    pub(super) layout: Option<TimeLayout>,
}

/// A compiled pattern.
#[derive(Clone)]
pub(super) struct Pattern {
    prefix: Literal,
    steps: Vec<Step>,
    fields: Vec<FieldDef>,
    /// Where each of `fields` comes from.
    sources: Vec<Source>,
    times: Vec<Joined>,
    walk: Walk,
    /// For batches of lines, where the pattern allows it.
    fast: Option<Fast>,
}

/// A field and the literal behind it.
#[derive(Clone)]
struct Step {
    variable: Variable,
    end: Literal,
    quoted: bool,
    /// How often the literal occurs within the value itself, as a space does in a time.
    inner: usize,
    /// Whether spaces may stand where one does, in front of a day of one digit.
    padded: bool,
}

#[derive(Clone, Copy)]
enum Source {
    /// The value of a step.
    Step(usize),
    /// The values of several.
    Joined(usize),
    /// A part of the request that a step holds.
    Part(usize, usize),
}

impl Pattern {
    /// Compiles the pieces. `escapes`: a quote within a value in quotes has a backslash before it. Two fields with nothing between them, or no field at all, are an error.
    pub(super) fn compile(
        pieces: Vec<Piece>,
        times: Vec<Joined>,
        escapes: bool,
        line_bytes_max: usize,
    ) -> Result<Self, FormatError> {
        let (prefix, pairs) = pair(pieces)?;
        let mut before = prefix.clone();
        let mut steps: Vec<Step> = Vec::new();
        for (variable, end) in pairs {
            let quoted = escapes && before.ends_with(b"\"") && end.starts_with(b"\"");
            let padded = is_padded(&variable, &end) && !quoted;
            let inner = if quoted { 0 } else { inner_ends(&variable, &end, padded) };
            before.clone_from(&end);
            steps.push(Step { variable, end: Literal::new(end), quoted, inner, padded });
        }
        if steps.is_empty() {
            return Err(FormatError::new(
                "the pattern has no field",
                "paste the whole format string",
            ));
        }
        let (mut fields, sources) = offered(&steps, &times);
        type_msec(&mut fields);
        let prefix = Literal::new(prefix);
        let fast = Fast::compile(&prefix, &steps);
        Ok(Pattern { prefix, steps, fields, sources, times, walk: Walk::new(line_bytes_max), fast })
    }

    /// Puts the value of each step into `values`.
    #[inline]
    fn cut<'a>(&self, line: &'a [u8], values: &mut Vec<&'a [u8]>) -> Option<()> {
        values.clear();
        let mut rest = self.prefix.strip(line)?;
        let (last, inner) = self.steps.split_last()?;
        for step in inner {
            let end = step.find_end(rest)?;
            values.push(&rest[..end]);
            rest = &rest[end + step.end.len()..];
        }
        values.push(last.whole(rest)?);
        Some(())
    }
}

impl Step {
    /// Where the value ends, and its literal begins.
    #[inline]
    fn find_end(&self, rest: &[u8]) -> Option<usize> {
        if self.quoted {
            let end = closing_quote(rest)?;
            return self.end.begins(&rest[end..]).then_some(end);
        }
        if self.variable.list {
            return self.find_list_end(rest);
        }
        let spaces = |from: usize| match self.padded {
            true => rest[from..].iter().take_while(|&&byte| byte == b' ').count(),
            false => 0,
        };
        let mut from = spaces(0);
        for _ in 0..self.inner {
            from += self.end.find(&rest[from..])? + self.end.len();
            from += spaces(from);
        }
        Some(from + self.end.find(&rest[from..])?)
    }

    /// The same for a list, whose commas and colons have a space behind them.
    fn find_list_end(&self, rest: &[u8]) -> Option<usize> {
        let mut from = 0;
        loop {
            let end = from + self.end.find(rest.get(from..)?)?;
            let spaced = rest[end] == b' ';
            let inside = end > 0 && matches!(rest[end - 1], b',' | b':');
            if !(spaced && (inside || rest[end..].starts_with(b" : "))) {
                return Some(end);
            }
            from = end + 1;
        }
    }

    /// The value of the last step, which takes all but its literal.
    #[inline]
    fn whole<'a>(&self, rest: &'a [u8]) -> Option<&'a [u8]> {
        let value = self.end.strip_end(rest)?;
        (!self.quoted || closing_quote(rest) == Some(value.len())).then_some(value)
    }
}

impl Format for Pattern {
    fn fields(&self) -> &[FieldDef] {
        &self.fields
    }

    fn default_time(&self) -> Option<&str> {
        TIMES.into_iter().find(|name| self.fields.iter().any(|field| field.name == *name))
    }

    fn time_layout(&self, field: &str) -> Option<TimeLayout> {
        if let Some(time) = self.times.iter().find(|time| time.field.name == field) {
            return time.layout.clone();
        }
        let named = |step: &&Step| step.variable.field.name == field;
        self.steps.iter().find(named).and_then(|step| step.variable.layout.clone())
    }

    fn is_unsigned(&self, field: &str) -> bool {
        let number = |of: &&FieldDef| matches!(of.ty, DataType::Int | DataType::Decimal(_));
        self.fields.iter().find(|of| of.name == field).as_ref().is_some_and(number)
    }

    fn tokenizer(&self, wanted: &[&str], _head: &[u8]) -> Result<Box<dyn Tokenizer>, FormatError> {
        let wanted = text::positions(wanted, &self.fields)?;
        let wanted = wanted.into_iter().map(|at| self.sources[at]).collect();
        Ok(Box::new(PatternTokenizer { pattern: self.clone(), wanted }))
    }
}

struct PatternTokenizer {
    pattern: Pattern,
    wanted: Vec<Source>,
}

impl PatternTokenizer {
    #[inline]
    fn value<'a>(&self, source: Source, values: &[&'a [u8]], arena: &'a Bump) -> &'a [u8] {
        match source {
            Source::Part(step, part) => Request::split(values[step]).part(part),
            Source::Joined(time) => {
                let time = &self.pattern.times[time];
                join(time.steps.iter().map(|&step| values[step]), time.between, arena)
            }
            Source::Step(step) => match self.pattern.steps[step].variable.shift {
                0 => values[step],
                digits => shift_point(values[step], digits, arena),
            },
        }
    }
}

impl Tokenizer for PatternTokenizer {
    fn tokenize<'a>(
        &self,
        input: &'a [u8],
        at_start: bool,
        records_max: usize,
        arena: &'a Bump,
        block: &mut RawBlock<'a>,
    ) -> usize {
        let sizes = (self.wanted.len(), records_max);
        let walk = self.pattern.walk;
        let careful = || Careful { tokenizer: self, values: Vec::new(), arena };
        if let Some(fast) = &self.pattern.fast
            && let Some(cutter) = PatternCutter::new(careful(), fast)
        {
            return marks::run(walk, fast.shape, cutter, (input, at_start), sizes, block);
        }
        let mut careful = careful();
        walk.run((input, at_start), sizes, block, |line, columns| careful.line(line, columns))
    }
}

/// Cuts line by line.
struct Careful<'t, 'a> {
    tokenizer: &'t PatternTokenizer,
    values: Vec<&'a [u8]>,
    arena: &'a Bump,
}

impl<'a> Careful<'_, 'a> {
    fn line(&mut self, line: &'a [u8], columns: &mut [Vec<&'a [u8]>]) -> Result<(), Unfit> {
        let PatternTokenizer { pattern, wanted } = self.tokenizer;
        pattern.cut(line, &mut self.values).ok_or_else(|| pattern.fault(line))?;
        for (column, &source) in columns.iter_mut().zip(wanted) {
            column.push(self.tokenizer.value(source, &self.values, self.arena));
        }
        Ok(())
    }
}

/// Values, one behind the other.
fn join<'a>(values: impl Iterator<Item = &'a [u8]>, between: u8, arena: &'a Bump) -> &'a [u8] {
    let mut all = bumpalo::collections::Vec::new_in(arena);
    for value in values {
        if !all.is_empty() {
            all.push(between);
        }
        all.extend_from_slice(value);
    }
    all.into_bump_slice()
}

/// An integer of a smaller unit as a decimal: `1234` with 6 digits is `0.001234`. Anything else but NULL gets a question mark
/// behind it, so that no type but text can read it in the wrong unit.
fn shift_point<'a>(raw: &'a [u8], digits: usize, arena: &'a Bump) -> &'a [u8] {
    if matches!(raw, b"" | b"-") {
        return raw;
    }
    if !raw.iter().all(u8::is_ascii_digit) {
        return arena.alloc_slice_copy(&[raw, b"?"].concat());
    }
    let len = raw.len().max(digits + 1) + 1;
    let out = arena.alloc_slice_fill_copy(len, b'0');
    let (whole, fraction) = raw.split_at(raw.len().saturating_sub(digits));
    let point = len - digits - 1;
    out[point] = b'.';
    out[point - whole.len()..point].copy_from_slice(whole);
    out[len - fraction.len()..].copy_from_slice(fraction);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cpu;

    #[test]
    fn a_decimal_point_goes_into_integers_only() {
        let arena = Bump::new();
        let shifted = |raw: &'static str| {
            String::from_utf8_lossy(shift_point(raw.as_bytes(), 3, &arena)).into_owned()
        };
        let got: Vec<_> = ["0", "12", "999", "1000", "123456", "-", "", "x1"].map(shifted).into();
        assert_eq!(got, ["0.000", "0.012", "0.999", "1.000", "123.456", "-", "", "x1?"]);
    }

    /// Patterns with quotes, without, with words in front, with inner spaces, and some that only the careful way knows.
    const PATTERNS: [&str; 8] = [
        r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_time"#,
        r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent""#,
        "$remote_addr $time_local $status $request_time ms",
        r#"<"$request"> $status"#,
        r#"$a x="$b" y=$c z="$d""#,
        "$status|$request|$a",
        r#"$a "b $c" d"#,
        r#""$time_local","$request",$upstream_addr"#,
    ];

    const LINES: [&str; 8] = [
        r#"1.2.3.4 - u [10/Oct/2000:13:55:36 -0700] "GET /a?b HTTP/1.0" 200 12 "-" "x y" 0.123"#,
        r#"1.2.3.4 - u [10/Oct/2000:13:55:36 -0700] "POST /a HTTP/1.0" 200 12 "-" "x""#,
        "1.2.3.4 10/Oct/2000:13:55:36 -0700 200 0.123 ms",
        r#"<"GET / HTTP/1.1"> 200"#,
        r#"1 x="2" y=3 z="4""#,
        "200|GET / HTTP/1.1|x",
        r#"1 "b 2" d"#,
        r#""10/Oct/2000:13:55:36 -0700","GET / HTTP/1.1",a, b"#,
    ];

    const SCRAPS: [&str; 14] = [
        "\"",
        "\\",
        " ",
        "-",
        "[",
        "\r",
        "é",
        "|",
        "\u{0}",
        "GET",
        " \"",
        "] \"",
        ",",
        "a word that is longer than what is looked at in one piece, 64 bytes",
    ];

    fn lines() -> impl Strategy<Value = Vec<u8>> {
        let word = prop_oneof![
            6 => prop::sample::select(LINES.to_vec()),
            1 => prop::sample::select(SCRAPS.to_vec()),
            5 => Just("\n"),
        ];
        prop::collection::vec(word, 0..60).prop_map(|words| words.concat().into_bytes())
    }

    fn cut<'a>(
        pattern: &Pattern,
        input: &'a [u8],
        records_max: usize,
        arena: &'a Bump,
    ) -> RawBlock<'a> {
        let names: Vec<&str> = pattern.fields.iter().map(|field| field.name.as_str()).collect();
        let tokenizer = pattern.tokenizer(&names, b"").expect("its own fields");
        let (mut all, mut at) = (RawBlock::default(), 0);
        while at < input.len() {
            at += tokenizer.tokenize(&input[at..], at == 0, records_max, arena, &mut all);
        }
        all
    }

    proptest! {
        #[test]
        fn batches_are_cut_as_single_lines_are(input in lines(), which in 0..PATTERNS.len(), records_max in 1_usize..300, line_max in 60_usize..200) {
            let pattern = super::super::nginx::compile(PATTERNS[which], line_max).expect("a good pattern");
            let careful = Pattern { fast: None, ..pattern.clone() };
            let arena = Bump::new();
            let slow = cut(&careful, &input, records_max, &arena);
            let rejects = |block: &RawBlock<'_>| block.rejects.iter().map(|r| (r.line.to_vec(), r.reason.clone())).collect::<Vec<_>>();
            for _ in cpu::each_level() {
                let fast = cut(&pattern, &input, records_max, &arena);
                prop_assert_eq!(&fast.lines, &slow.lines);
                prop_assert_eq!(&fast.fields, &slow.fields);
                prop_assert_eq!(rejects(&fast), rejects(&slow));
                prop_assert_eq!((fast.skipped, fast.skipped_bytes, fast.crlf), (slow.skipped, slow.skipped_bytes, slow.crlf));
                prop_assert!(!fast.utf8 || fast.fields.iter().flatten().all(|value| std::str::from_utf8(value).is_ok()));
            }
        }
    }

    #[test]
    fn lines_with_the_quotes_of_the_pattern_are_cut_by_their_marks() {
        for (text, line) in PATTERNS.iter().zip(LINES).take(6) {
            let pattern = super::super::nginx::compile(text, 999).expect("good");
            let fast = pattern.fast.clone().expect("no lists");
            let tokenizer = PatternTokenizer { pattern, wanted: vec![Source::Step(0)] };
            let arena = Bump::new();
            let careful = Careful { tokenizer: &tokenizer, values: Vec::new(), arena: &arena };
            let mut cutter = PatternCutter::new(careful, &fast).expect("has the step");
            let line = format!("{line}{}", marks::PADDING);
            assert!(marks::takes(&mut cutter, fast.shape, line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn what_only_the_careful_way_knows_is_left_to_it() {
        let is_fast = |text| super::super::nginx::compile(text, 99).expect("good").fast.is_some();
        assert_eq!(PATTERNS.map(is_fast), [true, true, true, true, true, true, true, false]);
        assert!(!is_fast("$upstream_addr $status"));
    }
}
