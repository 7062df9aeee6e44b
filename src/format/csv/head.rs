//! What a file of separated values begins with, before its rows: blank lines, comments, a header.

use bumpalo::Bump;

use super::CsvOptions;
use super::cells::split;
use crate::format::FormatError;
use crate::format::walk::{BYTE_ORDER_MARK, line_at, without_end};
use crate::source::{Record, Records};

/// A head of so many bytes may be cut off.
const HEAD_BYTES: usize = 64 << 10;
/// Such as `sep=;`, which Excel writes and reads.
const SEPARATOR: &[u8] = b"sep=";

/// The head of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::format) struct Head<'h> {
    /// The header line; empty where there is none yet.
    pub(in crate::format) line: &'h [u8],
    /// Where the header begins, or would.
    pub(in crate::format) start: usize,
    /// Where the rows begin.
    pub(in crate::format) end: usize,
    /// Whether a quote of the header is not closed within the bytes.
    pub(in crate::format) is_open: bool,
}

/// Why a file whose header is open has no rows.
pub(super) const OPEN: &str = "the header can't be read: nothing closes one of its quotes";

/// Reads the head: the first line that is neither blank nor a comment is the header.
pub(in crate::format) fn head<'h>(
    options: &CsvOptions,
    bytes: &'h [u8],
) -> Result<Head<'h>, FormatError> {
    let mark = if bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    let (mut at, mut comment) = (mark, None);
    while at < bytes.len() {
        let (line, next) = line_at(bytes, at);
        if line.starts_with(b"#") {
            comment = Some((line, at, next));
        } else if line.trim_ascii().is_empty() || is_separator(options, line)? {
            comment = None;
        } else {
            let (line, next) = match record(options, bytes, at) {
                Some(record) => record,
                None if bytes.len() >= HEAD_BYTES => return Err(unreadable("it is too long")),
                None => return Ok(Head { start: at, end: at, is_open: true, ..Head::default() }),
            };
            let is_cut_off = next == bytes.len() && bytes.len() >= HEAD_BYTES;
            if is_cut_off && bytes.last() != Some(&b'\n') {
                return Err(unreadable("it is too long"));
            }
            // A header may begin with `#` itself, if it has as many names as the line below has values.
            let (line, start, end) = comment
                .filter(|(names, ..)| is_header(options, names, line))
                .unwrap_or((line, at, next));
            return Ok(Head { line, start, end, is_open: false });
        }
        at = next;
    }
    if bytes.len() >= HEAD_BYTES {
        return Err(unreadable("there is none in the first 64 KiB"));
    }
    Ok(Head { start: at, end: at, ..Head::default() })
}

/// The record at a place, without its line end, and where the next one begins; `None` if a quote stays open.
pub(in crate::format) fn record<'h>(
    options: &CsvOptions,
    bytes: &'h [u8],
    at: usize,
) -> Option<(&'h [u8], usize)> {
    if !options.multiline {
        return Some(line_at(bytes, at));
    }
    let rows = options.rows(HEAD_BYTES as u64, 0);
    match Records::new(rows).at(bytes, 0, at, true) {
        Record::Whole(end) | Record::Torn(end) => Some((without_end(&bytes[at..end]), end)),
        Record::Open => None,
    }
}

fn unreadable(why: &str) -> FormatError {
    FormatError::new(
        format!("the header line can't be read: {why}"),
        "name the columns: columns = [...]",
    )
}

/// Whether a line only says what the delimiter is.
fn is_separator(options: &CsvOptions, line: &[u8]) -> Result<bool, FormatError> {
    match line.split_at_checked(SEPARATOR.len()) {
        Some((word, [delimiter])) if word.eq_ignore_ascii_case(SEPARATOR) => {
            if *delimiter == options.delimiter {
                return Ok(true);
            }
            let delimiter = char::from(*delimiter);
            Err(FormatError::new(
                format!("the first line says that `{delimiter}` stands between the values"),
                format!("write format = {{ csv = {{ delimiter = \"{delimiter}\" }} }}"),
            ))
        }
        _ => Ok(false),
    }
}

/// Whether a line that begins with `#` names the values of the line below. With a space behind it, it is a comment.
fn is_header(options: &CsvOptions, comment: &[u8], below: &[u8]) -> bool {
    let is_word = comment.get(1).is_some_and(|byte| !byte.is_ascii_whitespace());
    let count = |line| {
        let (arena, mut cells) = (Bump::new(), Vec::new());
        split(line, options, &arena, &mut cells).map_or(0, |()| cells.len())
    };
    is_word && count(comment) > 1 && count(comment) == count(below)
}

/// The names of a header, all different: of equal ones the second gets a number, as in DuckDB.
pub(in crate::format) fn names(
    options: &CsvOptions,
    line: &[u8],
) -> Result<Vec<String>, FormatError> {
    let (arena, mut cells) = (Bump::new(), Vec::new());
    if !line.is_empty() {
        split(line, options, &arena, &mut cells).map_err(|bad| unreadable(bad.what()))?;
    }
    let trimmed = |cell: &&[u8]| String::from_utf8_lossy(cell).trim().to_owned();
    let all: Vec<String> = cells.iter().map(trimmed).collect();
    let mut names: Vec<String> = Vec::new();
    for name in &all {
        let numbered = || (1..).map(|number| format!("{name}_{number}"));
        let other = (!name.is_empty() && names.contains(name))
            .then(|| numbered().find(|other| !all.contains(other) && !names.contains(other)));
        names.push(other.flatten().unwrap_or_else(|| name.clone()));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, usize, usize) {
        let options = CsvOptions::csv();
        let head = head(&options, text.as_bytes()).expect(text);
        (names(&options, head.line).expect(text), head.start, head.end)
    }

    #[test]
    fn blank_lines_and_comments_come_before_a_header() {
        let names =
            |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        for (text, expected, start) in [
            ("id,name\n1,2\n", &["id", "name"][..], 0),
            ("\u{feff}id , name\r\n1,2\n", &["id", "name"], 3),
            ("\n \r\n\nid,name\n", &["id", "name"], 5),
            ("# by x, at y\n#\nid,name\n", &["id", "name"], 15),
            ("sep=,\nid,name\n", &["id", "name"], 6),
            ("# by x\n#id,name\n1,2\n", &["#id", "name"], 7),
            ("#a\nid,name\n", &["id", "name"], 3),
            ("id,id,id_1,,\n", &["id", "id_2", "id_1", "", ""], 0),
        ] {
            let (got, at, end) = read(text);
            assert_eq!((got, at), (names(expected), start), "{text}");
            assert_eq!(end, start + text[start..].find('\n').expect("a line") + 1);
        }
        assert_eq!(read("# so far\n\n"), (vec![], 10, 10));
        assert_eq!(read(""), (vec![], 0, 0));
    }

    #[test]
    fn a_header_that_can_t_be_read_says_why() {
        let options = CsvOptions::csv();
        let read = |text: &str| names(&options, head(&options, text.as_bytes())?.line);
        let message = |text: &str| read(text).expect_err(text).message;
        assert!(message("sep=;\na;b\n").contains("`;` stands between"));
        assert!(message("a,\"b\n").contains("a quote is open"));
        assert!(message(&"x".repeat(HEAD_BYTES)).contains("too long"));
        assert!(message(&"#\n".repeat(HEAD_BYTES / 2)).contains("none in the first 64 KiB"));
    }
}
