//! `csv` and `tsv`: separated values with the quoting of RFC 4180, one record a line.

mod cells;

pub(super) use cells::split;

use std::ops::Range;

use bumpalo::Bump;
use memchr::memchr;

use super::marks::{self, Batch, Column, Cutter, LINES_MAX, Shape};
use super::scan::Needles;
use super::walk::{Walk, first_line};
use super::{FieldDef, Format, FormatError, RawBlock, Tokenizer, text};
use crate::data::DataType;

/// A head of so many bytes may be cut off.
const HEAD_BYTES: usize = 64 << 10;

/// How separated values are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvOptions {
    /// Between two values.
    pub delimiter: u8,
    /// Whether the first line of each file names the columns.
    pub header: bool,
    /// The columns' names; empty: those of the header.
    pub columns: Vec<String>,
    /// Around values with delimiters in them; `None`: nothing is special.
    pub quote: Option<u8>,
}

impl CsvOptions {
    /// Comma, `"`, and a header.
    pub fn csv() -> Self {
        CsvOptions { delimiter: b',', header: true, columns: Vec::new(), quote: Some(b'"') }
    }

    /// Tab, no quoting, and a header.
    pub fn tsv() -> Self {
        CsvOptions { delimiter: b'\t', quote: None, ..Self::csv() }
    }
}

/// The formats `csv` and `tsv`.
pub(super) struct Csv {
    options: CsvOptions,
    fields: Vec<FieldDef>,
    line_bytes_max: usize,
}

impl Csv {
    /// `head` is that of any of the files, and names the columns where the options don't.
    pub(super) fn new(
        options: &CsvOptions,
        line_bytes_max: usize,
        head: Option<&[u8]>,
    ) -> Result<Self, FormatError> {
        check(options)?;
        let names = match head {
            Some(head) if options.columns.is_empty() => header(options, head)?,
            _ => options.columns.clone(),
        };
        let field = |name| FieldDef { name, ty: DataType::Text };
        let fields = names.into_iter().map(field).collect();
        Ok(Csv { options: options.clone(), fields, line_bytes_max })
    }
}

fn check(options: &CsvOptions) -> Result<(), FormatError> {
    if options.columns.is_empty() && !options.header {
        return Err(FormatError::new(
            "the columns have no names",
            "set header = true, or name them: columns = [\"a\", \"b\"]",
        ));
    }
    let reserved = |byte: u8| matches!(byte, b'\n' | b'\r');
    if reserved(options.delimiter) || options.quote.is_some_and(reserved) {
        return Err(FormatError::new(
            "a line end can't be a delimiter or a quote",
            "use another character",
        ));
    }
    if options.quote == Some(options.delimiter) {
        return Err(FormatError::new("delimiter and quote are the same", "use two characters"));
    }
    Ok(())
}

/// The names in the first line of a segment.
fn header(options: &CsvOptions, head: &[u8]) -> Result<Vec<String>, FormatError> {
    let Some(line) = first_line(head) else {
        return Ok(Vec::new());
    };
    if head.len() >= HEAD_BYTES && memchr(b'\n', head).is_none() {
        return Err(FormatError::new(
            "the header line is too long",
            "name the columns: columns = [...]",
        ));
    }
    let (arena, mut cells) = (Bump::new(), Vec::new());
    split(line, options, &arena, &mut cells).map_err(|reason| {
        FormatError::new(
            format!("the header line can't be read: {reason}"),
            "name the columns: columns = [...]",
        )
    })?;
    Ok(cells.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect())
}

impl Format for Csv {
    fn fields(&self) -> &[FieldDef] {
        &self.fields
    }

    fn open_ended(&self) -> bool {
        self.fields.is_empty()
    }

    fn default_time(&self) -> Option<&str> {
        None
    }

    fn needs_head(&self) -> bool {
        self.options.columns.is_empty()
    }

    fn tokenizer(&self, wanted: &[&str], head: &[u8]) -> Result<Box<dyn Tokenizer>, FormatError> {
        if !self.open_ended() {
            text::positions(wanted, &self.fields)?;
        }
        let own = if self.needs_head() {
            header(&self.options, head)?
        } else {
            self.options.columns.clone()
        };
        // A column that this file lacks is NULL in it: columns come and go between releases.
        let wanted =
            wanted.iter().map(|name| own.iter().position(|column| column == name)).collect();
        let walk = Walk { line_bytes_max: self.line_bytes_max, header: self.options.header };
        Ok(Box::new(CsvTokenizer {
            options: self.options.clone(),
            wanted,
            columns: own.len(),
            walk,
        }))
    }
}

struct CsvTokenizer {
    options: CsvOptions,
    /// Position of each wanted column in this segment's lines.
    wanted: Vec<Option<usize>>,
    columns: usize,
    walk: Walk,
}

impl Tokenizer for CsvTokenizer {
    fn tokenize<'a>(
        &self,
        input: &'a [u8],
        at_start: bool,
        records_max: usize,
        arena: &'a Bump,
        block: &mut RawBlock<'a>,
    ) -> usize {
        let cutter = CsvCutter::new(self, arena);
        let sizes = (self.wanted.len(), records_max);
        let used = marks::run(self.walk, self.shape(), cutter, (input, at_start), sizes, block);
        // What is cut elsewhere than at ASCII is no text.
        block.utf8 &= self.options.delimiter.is_ascii();
        used
    }
}

impl CsvTokenizer {
    /// Regular lines have no quote, and one delimiter less than columns.
    fn shape(&self) -> Shape {
        let CsvOptions { delimiter, quote, .. } = self.options;
        let marks = [b'\n', delimiter, quote.unwrap_or(b'\n')];
        let needles = Needles { marks, anchor: delimiter };
        Shape { needles, per_line: self.columns.saturating_sub(1) }
    }
}

struct CsvCutter<'t, 'a> {
    tokenizer: &'t CsvTokenizer,
    /// The delimiters of the lines looked at last.
    delimiters: Vec<Column>,
    cells: Vec<&'a [u8]>,
    arena: &'a Bump,
}

impl<'t, 'a> CsvCutter<'t, 'a> {
    fn new(tokenizer: &'t CsvTokenizer, arena: &'a Bump) -> Self {
        let delimiters = vec![[0; LINES_MAX]; tokenizer.columns.saturating_sub(1)];
        CsvCutter { tokenizer, delimiters, cells: Vec::new(), arena }
    }
}

impl<'a> Cutter<'a> for CsvCutter<'_, 'a> {
    #[inline(always)]
    fn check(&mut self, batch: Batch<'_, 'a>, faults: &mut [u64]) {
        if self.tokenizer.columns == 0 {
            faults.fill(1);
        }
        let delimiter = self.tokenizer.options.delimiter;
        for (number, places) in self.delimiters.iter_mut().enumerate() {
            batch.marks(number, places);
            for (&place, fault) in places.iter().zip(faults.iter_mut()) {
                *fault |= u64::from(batch.text.word(place as usize) as u8 ^ delimiter);
            }
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

    fn line(&mut self, line: &'a [u8], columns: &mut [Vec<&'a [u8]>]) -> Result<(), &'static str> {
        self.cells.clear();
        split(line, &self.tokenizer.options, self.arena, &mut self.cells)?;
        if self.cells.len() != self.tokenizer.columns {
            return Err("more or fewer values than columns");
        }
        for (column, at) in columns.iter_mut().zip(&self.tokenizer.wanted) {
            column.push(at.map_or(b"", |at| self.cells[at]));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cpu;
    use crate::format::testing::cut;

    fn csv(options: CsvOptions) -> Csv {
        Csv::new(&options, 999, None).expect("good options")
    }

    #[test]
    fn quotes_are_those_of_rfc_4180() {
        let input = b"\xEF\xBB\xBFa, b,c\r\n1,\"x,\"\"y\"\"\",z\"q\r\n\"\",,\"\"\"\"\n";
        let got = cut(&csv(CsvOptions::csv()), &["b", "c", "a"], input);
        assert_eq!(got.records, [["x,\"y\"", "z\"q", "1"], ["", "\"", ""]]);
        assert_eq!(got.skipped, 1);
    }

    #[test]
    fn rows_that_do_not_fit_are_rejects() {
        let got = cut(&csv(CsvOptions::csv()), &["a"], b"a,b\n1\n1,2,3\n\"1,2\n\"1\"x,2\n1,2\n\n");
        assert_eq!(got.records, [["1"]]);
        let count = "more or fewer values than columns";
        assert_eq!(got.reasons, [count, count, "no closing quote", "text behind a closing quote"]);
        assert_eq!(got.skipped, 2);
    }

    #[test]
    fn columns_may_be_named_by_the_job() {
        let columns = vec!["station".to_owned(), "temperature".to_owned()];
        let options = CsvOptions { delimiter: b';', header: false, columns, quote: Some(b'"') };
        assert_eq!(
            cut(&csv(options.clone()), &["temperature"], b"Oslo;-3.4\n").records,
            [["-3.4"]]
        );
        let with_header = CsvOptions { header: true, ..options };
        assert_eq!(cut(&csv(with_header), &["station"], b"x;y\nOslo;1").records, [["Oslo"]]);
    }

    #[test]
    fn tabs_quote_nothing_and_each_file_has_its_own_header() {
        let format = csv(CsvOptions::tsv());
        assert!(format.needs_head() && format.open_ended());
        assert_eq!(cut(&format, &["b"], b"a\tb\n\"x\t\"y\n").records, [["\"y"]]);
        assert_eq!(cut(&format, &["b", "c"], b"b\ta\n1\t2\n").records, [["1", ""]]);
    }

    #[test]
    fn the_head_of_a_file_names_the_fields() {
        let format = Csv::new(&CsvOptions::csv(), 999, Some(b"a,\"b c\"\n1,2\n")).expect("good");
        let names: Vec<_> = format.fields().iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["a", "b c"]);
        assert!(format.tokenizer(&["x"], b"a,b c\n").is_err());
        assert!(Csv::new(&CsvOptions { header: false, ..CsvOptions::csv() }, 9, None).is_err());
        assert!(Csv::new(&CsvOptions { quote: Some(b','), ..CsvOptions::csv() }, 9, None).is_err());
    }

    #[test]
    fn lines_without_quotes_are_cut_by_their_marks_and_others_are_not() {
        let tokenizer = CsvTokenizer {
            options: CsvOptions::csv(),
            wanted: vec![Some(1)],
            columns: 2,
            walk: Walk { line_bytes_max: 99, header: false },
        };
        let arena = Bump::new();
        let takes = |line: &str| {
            let padded = arena.alloc_str(&format!("{line}{}", marks::PADDING));
            let mut cutter = CsvCutter::new(&tokenizer, &arena);
            marks::takes(&mut cutter, tokenizer.shape(), padded.as_bytes())
        };
        assert!(takes("1,é") && takes(","));
        assert!(!takes("1") && !takes("1,2,3") && !takes("1\"2") && !takes("\"1\",2"));
    }

    proptest! {
        #[test]
        fn lines_are_cut_by_their_marks_as_they_are_with_care(
            words in prop::collection::vec(prop::sample::select(vec!["a", "1,2", "b,c\n", "1,2,3\n", "\"x\",y\n", "\"", ",", "\n", "\r\n", "é,\u{0}\n", "\t"]), 0..60),
            records_max in 1_usize..100,
        ) {
            let input = words.concat().into_bytes();
            let columns = vec!["a".to_owned(), "b".to_owned()];
            let format = csv(CsvOptions { header: false, columns, ..CsvOptions::csv() });
            let tokenizer = format.tokenizer(&["b", "a"], b"").expect("its own columns");
            let arena = Bump::new();
            let (mut model, mut cells) = (Vec::new(), Vec::new());
            for line in input.split_inclusive(|&byte| byte == b'\n') {
                let line = line.strip_suffix(b"\n").unwrap_or(line);
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                cells.clear();
                if !line.is_empty() && split(line, &format.options, &arena, &mut cells).is_ok() && cells.len() == 2 {
                    model.push((line, cells[1], cells[0]));
                }
            }
            for _ in cpu::each_level() {
                let (mut all, mut at) = (RawBlock::default(), 0);
                while at < input.len() {
                    at += tokenizer.tokenize(&input[at..], false, records_max, &arena, &mut all);
                }
                let got = (0..all.lines.len()).map(|row| (all.lines[row], all.fields[0][row], all.fields[1][row]));
                prop_assert_eq!(&got.collect::<Vec<_>>(), &model);
                prop_assert!(!all.utf8 || all.fields.iter().flatten().all(|value| std::str::from_utf8(value).is_ok()));
            }
        }
    }
}
