//! Cuts a line into the values between its delimiters, with the quoting of RFC 4180.

use bumpalo::Bump;
use memchr::{memchr, memchr_iter};

use super::CsvOptions;

/// Lines up to here are short.
const SHORT_BYTES: usize = 48;

/// Why a line can't be split. It has one value more than were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::format) enum Bad {
    /// There is no closing quote.
    Open,
    /// Something stands behind a closing quote.
    Behind,
}

impl Bad {
    /// In words.
    pub(in crate::format) fn what(self) -> &'static str {
        match self {
            Bad::Open => "a quote is open at the line's end",
            Bad::Behind => "text behind the closing quote (a quote within quotes is doubled)",
        }
    }
}

/// Splits a line into its values.
#[inline]
pub(in crate::format) fn split<'a>(
    line: &'a [u8],
    options: &CsvOptions,
    arena: &'a Bump,
    cells: &mut Vec<&'a [u8]>,
) -> Result<(), Bad> {
    if line.len() <= SHORT_BYTES {
        return split_short(line, options, arena, cells);
    }
    match options.quote {
        Some(quote) if memchr(quote, line).is_some() => {
            split_quoted(line, options.delimiter, quote, arena, cells)
        }
        _ => {
            let mut start = 0;
            for end in memchr_iter(options.delimiter, line) {
                cells.push(&line[start..end]);
                start = end + 1;
            }
            cells.push(&line[start..]);
            Ok(())
        }
    }
}

/// The same for a line so short that a plain loop beats memchr, which pays for each call.
#[inline]
fn split_short<'a>(
    line: &'a [u8],
    options: &CsvOptions,
    arena: &'a Bump,
    cells: &mut Vec<&'a [u8]>,
) -> Result<(), Bad> {
    let mut start = 0;
    for (at, &byte) in line.iter().enumerate() {
        if byte == options.delimiter {
            cells.push(&line[start..at]);
            start = at + 1;
        } else if let Some(quote) = options.quote
            && byte == quote
        {
            return split_quoted(&line[start..], options.delimiter, quote, arena, cells);
        }
    }
    cells.push(&line[start..]);
    Ok(())
}

/// The same for a line with a quote somewhere. A quote within an unquoted value is a plain character.
fn split_quoted<'a>(
    mut line: &'a [u8],
    delimiter: u8,
    quote: u8,
    arena: &'a Bump,
    cells: &mut Vec<&'a [u8]>,
) -> Result<(), Bad> {
    loop {
        let end = if line.first() == Some(&quote) {
            let (cell, end) = quoted(line, quote, arena)?;
            if line.get(end).is_some_and(|byte| *byte != delimiter) {
                return Err(Bad::Behind);
            }
            cells.push(cell);
            end
        } else {
            let end = memchr(delimiter, line).unwrap_or(line.len());
            cells.push(&line[..end]);
            end
        };
        match line.get(end..) {
            Some([_, rest @ ..]) => line = rest,
            _ => return Ok(()),
        }
    }
}

/// The value in quotes at the start of `line`, and the length of both; doubled quotes are made single.
fn quoted<'a>(line: &'a [u8], quote: u8, arena: &'a Bump) -> Result<(&'a [u8], usize), Bad> {
    let mut doubled = 0;
    let mut at = 1;
    loop {
        at += memchr(quote, &line[at..]).ok_or(Bad::Open)?;
        if line.get(at + 1) != Some(&quote) {
            break;
        }
        doubled += 1;
        at += 2;
    }
    let content = &line[1..at];
    if doubled == 0 {
        return Ok((content, at + 1));
    }
    // Every quote within the content is the first or the second of a pair: keep the first.
    let mut second = false;
    let kept = content.iter().copied().filter(|&byte| {
        second = byte == quote && !second;
        byte != quote || second
    });
    let decoded = arena.alloc_slice_fill_copy(content.len() - doubled, 0);
    decoded.iter_mut().zip(kept).for_each(|(to, from)| *to = from);
    Ok((decoded, at + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cells(line: &[u8]) -> Result<Vec<Vec<u8>>, Bad> {
        let (arena, mut cells) = (Bump::new(), Vec::new());
        split(line, &CsvOptions::csv(), &arena, &mut cells)?;
        Ok(cells.iter().map(|cell| cell.to_vec()).collect())
    }

    proptest! {
        #[test]
        fn short_and_long_lines_are_split_alike(line in "[a,\"]{0,20}") {
            let behind = "x".repeat(SHORT_BYTES);
            let long = cells(format!("{line},{behind}").as_bytes());
            let short = cells(format!("{line},").as_bytes());
            let drop_last = |mut cells: Vec<Vec<u8>>| { cells.pop(); cells };
            // Within an open quote the tail is no cell of its own, and both are errors.
            prop_assert_eq!(long.map(drop_last), short.map(drop_last));
        }

        #[test]
        fn what_is_quoted_comes_back(values in prop::collection::vec("[a,\" ]{0,30}", 1..5)) {
            let quoted: Vec<String> = values.iter().map(|value| format!("\"{}\"", value.replace('"', "\"\""))).collect();
            let expected: Vec<Vec<u8>> = values.iter().map(|value| value.as_bytes().to_vec()).collect();
            prop_assert_eq!(cells(quoted.join(",").as_bytes()), Ok(expected));
        }
    }
}
