//! Separated values: a delimiter that cuts nearly all lines into the same number of columns.

use std::collections::HashSet;

use bumpalo::Bump;

use super::{Detected, guess, of_values};
use crate::data::DataType;
use crate::format::FormatSpec;
use crate::format::csv::{CsvOptions, head, names, record, split};

const DELIMITERS: [u8; 4] = [b'\t', b',', b';', b'|'];

/// Of the delimiters that fit, the one with most columns. A file that begins with `#` has a header of its own kind.
pub(super) fn detect(sample: &[u8]) -> Option<Detected> {
    if sample.starts_with(b"#") {
        return None;
    }
    let fits = DELIMITERS.into_iter().filter_map(|delimiter| fitting(delimiter, sample));
    let (columns, options) =
        fits.reduce(|best, other| if other.0 > best.0 { other } else { best })?;
    propose(options, columns, sample)
}

/// The columns with a delimiter; of several lines a record where that fits, and some has several.
fn fitting(delimiter: u8, sample: &[u8]) -> Option<(usize, CsvOptions)> {
    let single = options(delimiter);
    let whole = CsvOptions { multiline: single.quote.is_some(), ..single.clone() };
    let has_breaks = |options: &CsvOptions| {
        rows(options, sample).iter().flatten().any(|cell| cell.contains(&b'\n'))
    };
    let of = |options: CsvOptions| Some((columns(&options, sample)?, options));
    of(whole).filter(|(_, options)| has_breaks(options)).or_else(|| of(single))
}

/// The columns of the first line, if 95 % of the lines have as many; at least two columns, and two lines.
fn columns(options: &CsvOptions, sample: &[u8]) -> Option<usize> {
    let rows = rows(options, sample);
    let columns = rows.first()?.len();
    let fits = |row: &&Vec<Vec<u8>>| row.len() == columns && !is_prose(options.delimiter, row);
    let same = rows.iter().filter(fits).count();
    (columns >= 2 && rows.len() >= 2 && same * 20 >= rows.len() * 19).then_some(columns)
}

fn options(delimiter: u8) -> CsvOptions {
    if delimiter == b'\t' {
        CsvOptions::tsv()
    } else {
        CsvOptions { delimiter, ..CsvOptions::csv() }
    }
}

/// All lines or records as cells; one that can't be read has none.
fn rows(options: &CsvOptions, sample: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let (arena, mut at, mut rows) = (Bump::new(), 0, Vec::new());
    while at < sample.len() {
        // What is cut off may go on.
        let Some((line, next)) = record(options, sample, at) else { break };
        at = next;
        let mut cells = Vec::new();
        if !line.is_empty() {
            let read = split(line, options, &arena, &mut cells);
            rows.push(
                read.map_or(Vec::new(), |()| cells.iter().map(|cell| cell.to_vec()).collect()),
            );
        }
    }
    rows
}

/// Whether the delimiter is punctuation: a space behind each, or in `17:41:44,747`, a time as Java writes it.
fn is_prose(delimiter: u8, row: &[Vec<u8>]) -> bool {
    if row.len() > 1 && row[1..].iter().all(|cell| cell.starts_with(b" ")) {
        return true;
    }
    let clock = |cell: &[u8]| matches!(cell, [.., b':', b'0'..=b'9', b'0'..=b'9']);
    let fraction = |cell: &[u8]| cell.len() >= 3 && cell[..3].iter().all(u8::is_ascii_digit);
    delimiter == b',' && row.windows(2).any(|pair| clock(&pair[0]) && fraction(&pair[1]))
}

fn propose(mut options: CsvOptions, columns: usize, sample: &[u8]) -> Option<Detected> {
    let rows = rows(&options, sample);
    let first: Vec<String> =
        rows.first()?.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect();
    options.header = is_header(&first, &rows[1..]);
    let names = if options.header {
        header_names(sample, &options)?
    } else {
        (1..=columns).map(|at| format!("column{at}")).collect()
    };
    if !options.header {
        options.columns.clone_from(&names);
    }
    let toml = toml(&options);
    let spec = if options.delimiter == b'\t' {
        FormatSpec::Tsv(options)
    } else {
        FormatSpec::Csv(options)
    };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    of_values(spec, toml, &names, sample)
}

/// The header's names, read as the format reads them (without a byte order mark).
fn header_names(sample: &[u8], options: &CsvOptions) -> Option<Vec<String>> {
    names(options, head(options, sample).ok()?.line).ok()
}

/// Whether the first line names the columns: all different words, above at least one column that is not text.
fn is_header(first: &[String], rest: &[Vec<Vec<u8>>]) -> bool {
    let word = |cell: &String| {
        cell.trim_start_matches('\u{feff}').starts_with(|c: char| c.is_alphabetic() || c == '_')
    };
    let distinct: HashSet<&String> = first.iter().collect();
    let typed = |at: usize| {
        let values: Vec<Vec<u8>> = rest.iter().filter_map(|row| row.get(at).cloned()).collect();
        guess::type_of("", &values) != DataType::Text
    };
    first.iter().all(word) && distinct.len() == first.len() && (0..first.len()).any(typed)
}

/// As a job file writes it. JSON's strings are TOML's.
fn toml(options: &CsvOptions) -> String {
    let (name, delimiter) = match options.delimiter {
        b'\t' => ("tsv", String::new()),
        delimiter => ("csv", format!("delimiter = \"{}\", ", char::from(delimiter))),
    };
    let columns = match &options.columns[..] {
        [] => String::new(),
        names => format!(
            ", columns = [{}]",
            names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
        ),
    };
    let multiline = if options.multiline { ", multiline = true" } else { "" };
    format!("{{ {name} = {{ {delimiter}header = {}{columns}{multiline} }} }}", options.header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_known_by_the_types_below_it() {
        let found =
            detect(b"\xEF\xBB\xBFname,at,n\nx,2024-01-01,1\n\"y,z\",2024-01-02,2\n").expect("csv");
        assert_eq!(found.toml, "{ csv = { delimiter = \",\", header = true } }");
        let types = [("name", DataType::Text), ("at", DataType::Timestamp), ("n", DataType::Int)];
        assert_eq!(found.fields, types.map(|(name, ty)| (name.to_owned(), ty)));
        assert_eq!((found.time.as_deref(), found.matched, found.lines), (Some("at"), 2, 2));
    }

    #[test]
    fn values_of_several_lines_are_told() {
        let found = detect(b"id,msg\n1,\"two\nlines\"\n2,x\n3,\"cut").expect("csv");
        assert_eq!(found.toml, "{ csv = { delimiter = \",\", header = true, multiline = true } }");
        assert_eq!((found.matched, found.lines), (2, 3));
        assert!(!detect(b"id,msg\n1,\"two\"\n2,x\n").expect("csv").toml.contains("multiline"));
    }

    #[test]
    fn columns_without_a_header_get_numbers() {
        let found = detect(b"Oslo;-3.4\nNew York;12.0\n").expect("csv");
        assert_eq!(
            found.toml,
            "{ csv = { delimiter = \";\", header = false, columns = [\"column1\", \"column2\"] } }"
        );
        assert_eq!(found.fields[1], ("column2".to_owned(), DataType::Decimal(1)));
        let found = detect(b"a\tb\"\nc\td\n").expect("tsv");
        assert_eq!(
            found.toml,
            "{ tsv = { header = false, columns = [\"column1\", \"column2\"] } }"
        );
        assert_eq!(detect(b"#Fields\ta\n1\t2\n"), None);
    }
}
