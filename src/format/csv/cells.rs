//! Cuts a line into the values between its delimiters, with the quoting of RFC 4180.

use bumpalo::Bump;
use memchr::{memchr, memchr_iter};

use super::CsvOptions;

/// Splits a line into its values.
#[inline]
pub(in crate::format) fn split<'a>(
    line: &'a [u8],
    options: &CsvOptions,
    arena: &'a Bump,
    cells: &mut Vec<&'a [u8]>,
) -> Result<(), &'static str> {
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

/// The same for a line with a quote somewhere. A quote within an unquoted value is a plain character.
fn split_quoted<'a>(
    mut line: &'a [u8],
    delimiter: u8,
    quote: u8,
    arena: &'a Bump,
    cells: &mut Vec<&'a [u8]>,
) -> Result<(), &'static str> {
    loop {
        let end = if line.first() == Some(&quote) {
            let (cell, end) = quoted(line, quote, arena)?;
            cells.push(cell);
            end
        } else {
            let end = memchr(delimiter, line).unwrap_or(line.len());
            cells.push(&line[..end]);
            end
        };
        match line.get(end) {
            None => return Ok(()),
            Some(byte) if *byte == delimiter => line = &line[end + 1..],
            Some(_) => return Err("text behind a closing quote"),
        }
    }
}

/// The value in quotes at the start of `line`, and the length of both; doubled quotes are made single.
fn quoted<'a>(
    line: &'a [u8],
    quote: u8,
    arena: &'a Bump,
) -> Result<(&'a [u8], usize), &'static str> {
    let mut doubled = 0;
    let mut at = 1;
    loop {
        at += memchr(quote, &line[at..]).ok_or("no closing quote")?;
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
    decoded
        .iter_mut()
        .zip(kept)
        .for_each(|(to, from)| *to = from);
    Ok((decoded, at + 1))
}
