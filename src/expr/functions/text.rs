//! Text functions. Positions and lengths count characters, from 1, as in PostgreSQL.

use std::fmt::Write;

use memchr::memmem;

use crate::data::DataType::{Bool, Int, Text};
use crate::expr::kernel::{Kernel, Outcome, Row, TEXT_BYTES_MAX, text_length};
use crate::expr::op::cast::written;
use crate::expr::op::pattern;

use super::Function;
use super::Param;

const TEXT: Param = Param::Text;
const INT: Param = Param::Int;

pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("lower", &[TEXT], |_| Ok((Text, Kernel::text(lower)))),
    Function::new("upper", &[TEXT], |_| Ok((Text, Kernel::text(upper)))),
    Function::new("trim", &[TEXT, TEXT], |_| Ok((Text, Kernel::text(|row| trim(row, true, true)))))
        .optional(1),
    Function::new("btrim", &[TEXT, TEXT], |_| {
        Ok((Text, Kernel::text(|row| trim(row, true, true))))
    })
    .optional(1),
    Function::new("ltrim", &[TEXT, TEXT], |_| {
        Ok((Text, Kernel::text(|row| trim(row, true, false))))
    })
    .optional(1),
    Function::new("rtrim", &[TEXT, TEXT], |_| {
        Ok((Text, Kernel::text(|row| trim(row, false, true))))
    })
    .optional(1),
    Function::new("length", &[TEXT], |_| Ok((Int, length()))),
    Function::new("char_length", &[TEXT], |_| Ok((Int, length()))),
    Function::new("octet_length", &[TEXT], |_| {
        Ok((Int, Kernel::value(|row| Ok(Some(row.text(0).len() as i64)))))
    }),
    Function::new("substring", &[TEXT, INT, INT], |_| Ok((Text, Kernel::text(substring))))
        .optional(1),
    Function::new("substr", &[TEXT, INT, INT], |_| Ok((Text, Kernel::text(substring)))).optional(1),
    Function::new("left", &[TEXT, INT], |_| Ok((Text, Kernel::text(left)))),
    Function::new("right", &[TEXT, INT], |_| Ok((Text, Kernel::text(right)))),
    Function::new("split_part", &[TEXT, TEXT, INT], |_| Ok((Text, Kernel::text(split_part)))),
    Function::new("replace", &[TEXT, TEXT, TEXT], |_| Ok((Text, Kernel::text(replace)))),
    Function::new("starts_with", &[TEXT, TEXT], |_| {
        Ok((Bool, Kernel::text_pair_test(|a, b| a.starts_with(b))))
    }),
    Function::new("ends_with", &[TEXT, TEXT], |args| {
        let any = || Kernel::text_pair_test(|a, b| a.ends_with(b));
        Ok((Bool, args.constant_text(1).map_or_else(any, pattern::ends_with)))
    }),
    Function::new("contains", &[TEXT, TEXT], |args| {
        let any = |a: &str, b: &str| memmem::find(a.as_bytes(), b.as_bytes()).is_some();
        let any = || Kernel::text_pair_test(any);
        Ok((Bool, args.constant_text(1).map_or_else(any, pattern::contains)))
    }),
    Function::new("strpos", &[TEXT, TEXT], |_| Ok((Int, Kernel::value(strpos)))),
    Function::new("reverse", &[TEXT], |_| Ok((Text, Kernel::text(reverse)))),
    Function::new("unescape", &[TEXT], |_| Ok((Text, Kernel::text(unescape)))),
];

fn length() -> Kernel {
    Kernel::value(|row| Ok(Some(row.text(0).chars().count() as i64)))
}

fn reverse<'a>(row: &Row<'_, 'a>) -> Outcome<&'a str> {
    let mut backwards = row.text(0).chars().rev();
    Ok(Some(written(row.arena, |out| backwards.try_for_each(|c| out.write_char(c)))))
}

/// Text that is in lower case already is no copy.
fn lower<'a>(row: &Row<'_, 'a>) -> Outcome<&'a str> {
    let text = row.text(0);
    if text.is_ascii() {
        if !text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Ok(Some(text));
        }
        let copy = row.arena.alloc_str(text);
        copy.make_ascii_lowercase();
        return Ok(Some(copy));
    }
    Ok(Some(written(row.arena, |out| {
        text.chars().flat_map(char::to_lowercase).try_for_each(|c| out.write_char(c))
    })))
}

fn upper<'a>(row: &Row<'_, 'a>) -> Outcome<&'a str> {
    let text = row.text(0);
    if text.is_ascii() {
        let copy = row.arena.alloc_str(text);
        copy.make_ascii_uppercase();
        return Ok(Some(copy));
    }
    Ok(Some(written(row.arena, |out| {
        text.chars().try_for_each(|c| {
            // PostgreSQL maps one character to one; `ß` has no such upper case and stays.
            let mut upper = c.to_uppercase();
            out.write_char(if upper.len() == 1 { upper.next().unwrap_or(c) } else { c })
        })
    })))
}

/// Takes the characters of the second argument (a space, if there is none) off the ends.
fn trim<'a>(row: &Row<'_, 'a>, start: bool, end: bool) -> Outcome<&'a str> {
    let set = if row.has(1) { row.text(1) } else { " " };
    let within = |c: char| set.contains(c);
    let mut text = row.text(0);
    if start {
        text = text.trim_start_matches(within);
    }
    if end {
        text = text.trim_end_matches(within);
    }
    Ok(Some(text))
}

/// The characters `from..to`, from 0; either may lie outside.
fn characters(text: &str, from: i64, to: i64) -> &str {
    let (from, to) = (from.max(0) as usize, to.max(0) as usize);
    if from >= to {
        return "";
    }
    if text.is_ascii() {
        return &text[from.min(text.len())..to.min(text.len())];
    }
    let mut starts = text.char_indices().map(|(at, _)| at).skip(from);
    let start = starts.next().unwrap_or(text.len());
    let end = starts.nth(to - from - 1).unwrap_or(text.len());
    &text[start..end]
}

/// A start before 1 eats from the length: `substring('abcdef', -1, 4)` is `ab`.
fn substring<'a>(row: &Row<'_, 'a>) -> Outcome<&'a str> {
    let from = row.int(1).saturating_sub(1);
    let mut to = i64::MAX;
    if row.has(2) {
        let length = row.int(2);
        if length < 0 {
            return Err("negative substring length not allowed");
        }
        to = from.saturating_add(length);
    }
    Ok(Some(characters(row.text(0), from, to)))
}

/// The first n characters; all but the last -n for a negative n.
fn left<'a>(row: &Row<'_, 'a>) -> Outcome<&'a str> {
    let (text, n) = (row.text(0), row.int(1));
    let to = if n >= 0 { n } else { n.saturating_add(text.chars().count() as i64) };
    Ok(Some(characters(text, 0, to)))
}

fn right<'a>(row: &Row<'_, 'a>) -> Outcome<&'a str> {
    let (text, n) = (row.text(0), row.int(1));
    let count = text.chars().count() as i64;
    let from = if n >= 0 { count.saturating_sub(n) } else { n.saturating_neg() };
    Ok(Some(characters(text, from, i64::MAX)))
}

/// The nth part between delimiters, from 1; from the end if negative; empty where there is none.
fn split_part<'a>(row: &Row<'_, 'a>) -> Outcome<&'a str> {
    let (text, delimiter, n) = (row.text(0), row.text(1), row.int(2));
    if n == 0 {
        return Err("split_part position must not be zero");
    }
    if delimiter.is_empty() {
        return Ok(Some(if n == 1 || n == -1 { text } else { "" }));
    }
    let nth = usize::try_from(n.unsigned_abs() - 1).unwrap_or(usize::MAX);
    let part = if n > 0 { text.split(delimiter).nth(nth) } else { text.rsplit(delimiter).nth(nth) };
    Ok(Some(part.unwrap_or("")))
}

fn replace<'a>(row: &Row<'_, 'a>) -> Outcome<&'a str> {
    let (text, from, to) = (row.text(0), row.text(1), row.text(2));
    if from.is_empty() || !text.contains(from) {
        return Ok(Some(text));
    }
    if to.len() > from.len() || text.len() > TEXT_BYTES_MAX {
        let count = text.matches(from).count();
        text_length(text.len() - count * from.len() + count * to.len())?;
    }
    Ok(Some(written(row.arena, |out| {
        for (i, part) in text.split(from).enumerate() {
            if i > 0 {
                out.push_str(to);
            }
            out.push_str(part);
        }
        Ok(())
    })))
}

/// Where the second stands in the first, from 1; 0 if nowhere.
fn strpos(row: &Row<'_, '_>) -> Outcome<i64> {
    let (text, part) = (row.text(0), row.text(1));
    Ok(Some(text.find(part).map_or(0, |at| text[..at].chars().count() as i64 + 1)))
}

/// Decodes `\"`, `\\`, `\/`, `\xHH`, `\t`, `\n`, `\r`, as nginx, Apache and JSON-like logs write them. Other escapes
/// stay as they are; bytes that are not UTF-8 become U+FFFD.
fn unescape<'a>(row: &Row<'_, 'a>) -> Outcome<&'a str> {
    let text = row.text(0);
    if !text.contains('\\') {
        return Ok(Some(text));
    }
    let mut bytes = bumpalo::collections::Vec::with_capacity_in(text.len(), row.arena);
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let (byte, taken) = if *first == b'\\' { escape(tail) } else { (*first, 0) };
        bytes.push(byte);
        rest = &tail[taken..];
    }
    let bytes = bytes.into_bump_slice();
    Ok(Some(match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => row.arena.alloc_str(&String::from_utf8_lossy(bytes)),
    }))
}

/// The byte that stands behind a backslash, and how many bytes say so; an unknown escape is a backslash.
fn escape(tail: &[u8]) -> (u8, usize) {
    let hex = |b: &u8| char::from(*b).to_digit(16).map(|d| d as u8);
    match tail {
        [b'"', ..] => (b'"', 1),
        [b'\\', ..] => (b'\\', 1),
        [b't', ..] => (b'\t', 1),
        [b'n', ..] => (b'\n', 1),
        [b'r', ..] => (b'\r', 1),
        [b'x', high, low, ..] => match (hex(high), hex(low)) {
            (Some(high), Some(low)) => (high << 4 | low, 3),
            _ => (b'\\', 0),
        },
        _ => (b'\\', 0),
    }
}
