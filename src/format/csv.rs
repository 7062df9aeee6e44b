//! `csv` and `tsv`: separated values with the quoting of RFC 4180, one record a line.

mod cells;
mod cutter;
mod head;
mod records;

pub(super) use cells::split;
pub(crate) use cutter::WITHIN_QUOTES;
pub(super) use head::{head, names, record};

use std::cell::Cell;

use bumpalo::Bump;

use cutter::CsvCutter;
use head::Head;

use super::marks::{self, Shape};
use super::scan::Needles;
use super::view::WORD;
use super::walk::Walk;
use super::{FieldDef, Format, FormatError, RawBlock, Reason, Tokenizer, text};
use crate::data::DataType;
use crate::source::Rows;

/// Of the names of a header, a message shows so many bytes.
const SHOWN_BYTES_MAX: usize = 200;

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
    /// Whether values in quotes may hold line breaks.
    pub multiline: bool,
}

impl CsvOptions {
    /// Comma, `"`, and a header.
    pub fn csv() -> Self {
        CsvOptions {
            delimiter: b',',
            header: true,
            columns: Vec::new(),
            quote: Some(b'"'),
            multiline: false,
        }
    }

    /// How rows are written.
    fn rows(&self, line_bytes_max: u64, preamble_bytes: u64) -> Rows {
        let CsvOptions { delimiter, quote, multiline, .. } = *self;
        Rows { quote, delimiter, multiline, line_bytes_max, preamble_bytes }
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
    /// What the job uses, where it was compiled without a header.
    expected: Vec<String>,
    line_bytes_max: usize,
}

impl Csv {
    /// `head` is that of any of the files, and names the columns where the options don't.
    pub(super) fn new(
        options: &CsvOptions,
        line_bytes_max: usize,
        bytes: Option<&[u8]>,
    ) -> Result<Self, FormatError> {
        check(options)?;
        let names = match bytes {
            Some(bytes) if options.columns.is_empty() => {
                names(options, head(options, bytes)?.line)?
            }
            _ => options.columns.clone(),
        };
        let field = |name| FieldDef { name, ty: DataType::Text };
        let fields = names.into_iter().map(field).collect();
        Ok(Csv { options: options.clone(), fields, expected: Vec::new(), line_bytes_max })
    }

    /// The head of a file, and the names of its columns.
    fn read_head<'h>(&self, bytes: &'h [u8]) -> Result<(Head<'h>, Vec<String>), FormatError> {
        let head = match self.options.header {
            true => head(&self.options, bytes)?,
            false => Head::default(),
        };
        let own = match self.needs_head() {
            true => names(&self.options, head.line)?,
            false => self.options.columns.clone(),
        };
        Ok((head, own))
    }

    /// Why a file's own names are not those that the job knows: these in any order, and perhaps others besides. A job that was
    /// compiled before there was a header knows those it uses.
    fn missing(&self, own: &[String]) -> Option<Reason> {
        let fields = self.fields.iter().map(|field| &field.name).chain(&self.expected);
        let known: Vec<&str> = fields.map(String::as_str).collect();
        let lacks = |name: &&&str| !name.is_empty() && !own.iter().any(|own| own == **name);
        let missing = known.iter().find(lacks)?;
        let delimiter = char::from(self.options.delimiter).to_string();
        let mut header = known.join(&delimiter);
        if header.len() > SHOWN_BYTES_MAX {
            header.truncate(header.floor_char_boundary(SHOWN_BYTES_MAX));
            header.push('…');
        }
        Some(
            format!(
                "the file's first line is not the header `{header}`: it lacks `{missing}` (with columns = [...] in the job, each line is a row)"
            )
            .into(),
        )
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
    if options.multiline && options.quote.is_none() {
        return Err(FormatError::new(
            "values of several lines need quotes",
            "name the quote: quote = '\"'",
        ));
    }
    if options.quote == Some(options.delimiter) {
        return Err(FormatError::new("delimiter and quote are the same", "use two characters"));
    }
    Ok(())
}

impl Format for Csv {
    fn fields(&self) -> &[FieldDef] {
        &self.fields
    }

    fn open_ended(&self) -> bool {
        self.fields.is_empty()
    }

    fn expect(&mut self, names: &[String]) {
        if self.open_ended() {
            self.expected = names.to_vec();
        }
    }

    fn default_time(&self) -> Option<&str> {
        None
    }

    fn needs_head(&self) -> bool {
        self.options.columns.is_empty()
    }

    fn looks_at_head(&self) -> bool {
        self.options.header
    }

    fn tokenizer(&self, wanted: &[&str], bytes: &[u8]) -> Result<Box<dyn Tokenizer>, FormatError> {
        if !self.open_ended() {
            text::positions(wanted, &self.fields)?;
        }
        // What a file begins with is no error of the job: its lines are rejects.
        let reason = |error: FormatError| Reason::from(error.to_string());
        let (head, own, foreign) = match self.read_head(bytes) {
            Ok((head, _)) if head.is_open => (head, Vec::new(), Some(head::OPEN.into())),
            Ok((head, own)) => (head, own, None),
            Err(error) => (Head::default(), Vec::new(), Some(reason(error))),
        };
        let has_header = self.needs_head() && !head.line.is_empty();
        let foreign = foreign.or_else(|| if has_header { self.missing(&own) } else { None });
        let preamble = if foreign.is_some() { head.start } else { head.end };
        let mut rows = self.options.rows(self.line_bytes_max as u64, preamble as u64);
        // A header that is open may be closed by what is still being written.
        rows.quote = rows.quote.filter(|_| foreign.is_none() || head.is_open);
        let place = |name: &&str| own.iter().position(|column| column == name);
        Ok(Box::new(CsvTokenizer {
            wanted: wanted.iter().map(place).collect(),
            repeated: Repeated::of(&head, &own, self.options.delimiter),
            options: self.options.clone(),
            names: own,
            walk: Walk::new(self.line_bytes_max),
            rows,
            foreign,
        }))
    }
}

struct CsvTokenizer {
    options: CsvOptions,
    /// The columns of this segment's lines.
    names: Vec<String>,
    /// Position of each wanted column among them.
    wanted: Vec<Option<usize>>,
    walk: Walk,
    rows: Rows,
    /// Why no line of this segment can be read.
    foreign: Option<Reason>,
    repeated: Option<Repeated>,
}

/// A header that stands between the rows once more: a program that begins anew writes it, and so does who joins files.
struct Repeated {
    line: Vec<u8>,
    /// Its bytes, and its first eight with those that are its own.
    bytes: u32,
    word: u64,
    mask: u64,
}

impl Repeated {
    /// The header's line, or the names as a header would have them. A single name may be a value as well.
    fn of(head: &Head<'_>, names: &[String], delimiter: u8) -> Option<Self> {
        let line = match head.line {
            [] => names.join(&char::from(delimiter).to_string()).into_bytes(),
            line => line.to_vec(),
        };
        let mut word = [0; WORD];
        word.iter_mut().zip(&line).for_each(|(to, byte)| *to = *byte);
        let own = line.len().min(WORD);
        let mask = if own == WORD { u64::MAX } else { (1 << (8 * own)) - 1 };
        let (bytes, word) = (u32::try_from(line.len()).ok()?, u64::from_le_bytes(word));
        (names.len() > 1).then_some(Repeated { line, bytes, word, mask })
    }
}

impl Tokenizer for CsvTokenizer {
    fn rows(&self) -> Option<Rows> {
        Some(self.rows)
    }

    fn tokenize<'a>(
        &self,
        input: &'a [u8],
        at_start: bool,
        records_max: usize,
        arena: &'a Bump,
        block: &mut RawBlock<'a>,
    ) -> usize {
        if self.options.multiline {
            return self.tokenize_records((input, at_start), records_max, arena, block);
        }
        let open = Cell::new(block.before.open.map(|bytes| -(bytes as i64)));
        let cutter = CsvCutter::new(self, input, &open, arena);
        let sizes = (self.wanted.len(), records_max);
        let used = marks::run(self.walk, self.shape(), cutter, (input, at_start), sizes, block);
        block.before.open = open.get().map(|open| (used as i64).abs_diff(open));
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
        let regular = if self.foreign.is_some() { 0 } else { self.names.len() };
        Shape { needles, per_line: regular.saturating_sub(1) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cpu;
    use crate::format::csv::cutter::IN_QUOTES;
    use crate::format::testing::cut;
    use crate::source::Part;

    fn csv(options: CsvOptions) -> Csv {
        Csv::new(&options, 99, None).expect("good options")
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
        let reasons = [
            "1 value where 2 are expected: none for column `b`",
            "3 values where 2 are expected: more than there are columns",
            "column `a`: its quote is open at the line's end: format = { csv = { multiline = true } } reads values of several lines",
            "column `a`: text behind the closing quote (a quote within quotes is doubled)",
        ];
        assert_eq!(got.reasons, reasons);
        assert_eq!(got.skipped, 2);
    }

    #[test]
    fn lines_within_a_quote_that_is_open_are_no_rows() {
        let text = b"id,msg,n\n1,one,10\n2,\"two\nlines\",20\n3,\"three\n33,more,31\n\nlines\",30\n4,\"ends\n\",40\n5,five,50\n6,\"torn\n7,\"x\",70\n";
        let got = cut(&csv(CsvOptions::csv()), &["id", "n"], text);
        assert_eq!(got.records, [["1", "10"], ["5", "50"], ["7", "70"]]);
        let opens = "column `msg`: its quote is open at the line's end";
        let count = |start: &str| got.reasons.iter().filter(|r| r.starts_with(start)).count();
        assert_eq!((count(opens), count(IN_QUOTES)), (4, 4));
        assert!(got.reasons.iter().all(|reason| reason.contains("multiline = true")));
    }

    #[test]
    fn a_torn_line_does_not_take_all_those_behind_it_along() {
        let text = format!("a,b\n\"torn,1\n{}", "1,2\n".repeat(20_000));
        let got = cut(
            &Csv::new(&CsvOptions::csv(), 1 << 20, None).expect("good"),
            &["a"],
            text.as_bytes(),
        );
        assert_eq!(got.records.len() + got.reasons.len(), 20_001);
        assert_eq!(got.reasons.len(), (64 << 10) / 4);
    }

    #[test]
    fn a_file_without_the_header_of_the_job_has_no_rows() {
        let format = Csv::new(&CsvOptions::csv(), 999, Some(b"id,name,v\n")).expect("good");
        let cut = |text: &str| cut(&format, &["v", "id"], text.as_bytes());
        assert_eq!(cut("v,name,id\n1,x,2\n").records, [["1", "2"]]);
        assert_eq!(cut("\n# c\nid,name,w,v\n1,x,2,3\n").records, [["3", "1"]]);
        for (text, lines) in
            [("3,y,30\n4,y,40\n", 2), ("# c\nid,name\n1,2\n\n", 2), ("id,Name,v\n1,2,3", 2)]
        {
            let got = cut(text);
            assert_eq!((got.records.len(), got.reasons.len()), (0, lines), "{text}");
            assert!(
                got.reasons[0]
                    .starts_with("the file's first line is not the header `id,name,v`: it lacks")
            );
        }
        let got = cut("id,\"name,v\n1,2,3\n");
        assert!(
            got.records.is_empty()
                && got.reasons[0].starts_with("the header line can't be read: a quote")
        );
    }

    #[test]
    fn a_header_that_comes_again_is_no_row() {
        let got = cut(&csv(CsvOptions::csv()), &["b"], b"a,b\r\n1,2\r\na,b\r\nA,b\n\"a\",b\n");
        assert_eq!((got.records.len(), got.skipped), (3, 2));
        // One column: it may be a value.
        let got = cut(&csv(CsvOptions::csv()), &["a"], b"a\nx\na\n");
        assert_eq!((got.records.len(), got.skipped), (2, 1));
    }

    #[test]
    fn columns_may_be_named_by_the_job() {
        let columns = vec!["station".to_owned(), "temperature".to_owned()];
        let options = CsvOptions { delimiter: b';', header: false, columns, ..CsvOptions::csv() };
        assert_eq!(
            cut(&csv(options.clone()), &["temperature"], b"Oslo;-3.4\n").records,
            [["-3.4"]]
        );
        let got = cut(&csv(options.clone()), &["station"], b"station;temperature\nOslo;1\n");
        assert_eq!((got.records, got.skipped), (vec![vec!["Oslo".to_owned()]], 1));
        let with_header = CsvOptions { header: true, ..options };
        assert_eq!(cut(&csv(with_header), &["station"], b"#\nx;y\nOslo;1").records, [["Oslo"]]);
    }

    #[test]
    fn tabs_quote_nothing_and_each_file_has_its_own_header() {
        let format = csv(CsvOptions::tsv());
        assert!(format.needs_head() && format.open_ended());
        assert_eq!(cut(&format, &["b"], b"a\tb\n\"x\t\"y\n").records, [["\"y"]]);
        assert_eq!(cut(&format, &["b", "c"], b"b\ta\n1\t2\n").records, [["1", ""]]);
    }

    #[test]
    fn a_job_that_was_compiled_without_a_header_asks_for_what_it_uses() {
        let mut format = csv(CsvOptions::csv());
        format.expect(&["b".to_owned(), "c".to_owned()]);
        assert_eq!(cut(&format, &["b"], b"c,a,b\n1,2,3\n").records, [["3"]]);
        let got = cut(&format, &["b"], b"b,a\n1,2\n");
        assert!(got.records.is_empty() && got.reasons[1].contains("it lacks `c`"));
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
        let options = CsvOptions::csv();
        let head = Head { line: b"a,b", ..Head::default() };
        let tokenizer = CsvTokenizer {
            wanted: vec![Some(1)],
            repeated: Repeated::of(&head, &["a".into(), "b".into()], b','),
            options,
            names: vec!["a".into(), "b".into()],
            walk: Walk::new(99),
            rows: Rows {
                quote: Some(b'"'),
                delimiter: b',',
                multiline: false,
                line_bytes_max: 99,
                preamble_bytes: 0,
            },
            foreign: None,
        };
        let (arena, open) = (Bump::new(), Cell::new(None));
        let takes = |line: &str| {
            let padded = arena.alloc_str(&format!("{line}{}", marks::PADDING));
            let mut cutter = CsvCutter::new(&tokenizer, padded.as_bytes(), &open, &arena);
            marks::takes(&mut cutter, tokenizer.shape(), padded.as_bytes())
        };
        assert!(takes("1,é") && takes(","));
        assert!(!takes("a,b") && takes("a,c"));
        assert!(!takes("1") && !takes("1,2,3") && !takes("1\"2") && !takes("\"1\",2"));
    }

    proptest! {
        #[test]
        fn lines_are_cut_by_their_marks_as_they_are_with_care(
            words in prop::collection::vec(prop::sample::select(vec!["a", "1,2", "b,c\n", "1,2,3\n", "a,b\n", "1,\"x\n", "z\",2\n", "\"x\",y\n", "\"", ",", "\n", "\r\n", "é,\u{0}\n", "\t"]), 0..60),
            records_max in 1_usize..100,
        ) {
            let input = words.concat().into_bytes();
            let columns = vec!["a".to_owned(), "b".to_owned()];
            let format = csv(CsvOptions { header: false, columns, ..CsvOptions::csv() });
            let tokenizer = format.tokenizer(&["b", "a"], b"").expect("its own columns");
            let arena = Bump::new();
            let rows = tokenizer.rows().expect("rows");
            let (mut model, mut cells, mut open) = (Vec::new(), Vec::new(), None);
            for line in input.split_inclusive(|&byte| byte == b'\n') {
                let at = line.as_ptr() as usize;
                let line = line.strip_suffix(b"\n").unwrap_or(line);
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                let is_open = open.is_some_and(|from| rows.reaches((at - from) as u64));
                let part = if line.len() > 99 { Part::Whole } else { rows.part(line, is_open) };
                open = match part {
                    Part::Whole | Part::Closes => None,
                    Part::Opens => Some(at),
                    Part::GoesOn => open,
                };
                cells.clear();
                if part == Part::Whole && line.len() < 100 && !line.is_empty() && split(line, &format.options, &arena, &mut cells).is_ok() && cells.len() == 2 && line != b"a,b" {
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
