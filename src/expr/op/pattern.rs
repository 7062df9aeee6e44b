//! LIKE and regular expressions. Patterns are constants, compiled once; the common shapes of LIKE need no engine.

use std::fmt::Write;

use memchr::memmem::Finder;
use regex::{Regex, RegexBuilder};

use crate::expr::kernel::Kernel;

/// Compiled program of a pattern, in bytes: a bound on memory.
const REGEX_BYTES_MAX: usize = 16 << 20;

/// What a regular expression costs, in searches for a literal text.
const REGEX_SEARCHES: u32 = 3;

/// A pattern, in the cheapest form that decides it.
enum Shape {
    Exact(String),
    Prefix(String),
    Suffix(String),
    Contains(String),
    Any(Regex),
}

/// One piece of a LIKE pattern.
#[derive(PartialEq)]
enum Piece {
    Literal(char),
    /// `_`
    One,
    /// `%`
    Many,
}

/// `LIKE`; with `insensitive`, `ILIKE`. An error is a message for the user.
pub(crate) fn like(
    pattern: &str,
    escape: Option<char>,
    insensitive: bool,
) -> Result<Kernel, String> {
    let pieces = pieces(pattern, escape)?;
    let kernel = match shape(&pieces, insensitive)? {
        Shape::Exact(text) => Kernel::text_test(move |x| *x == *text),
        Shape::Prefix(text) => Kernel::text_test(move |x| x.starts_with(&*text)),
        Shape::Suffix(text) => ends_with(&text),
        Shape::Contains(text) => contains(&text),
        Shape::Any(regex) => matches(regex),
    };
    Ok(kernel)
}

/// Whether a text ends with this one.
pub(crate) fn ends_with(end: &str) -> Kernel {
    let suffix = Suffix::new(end.as_bytes());
    Kernel::text_test(move |text| suffix.ends(text.as_bytes()))
}

/// Whether a text has this one in it.
pub(crate) fn contains(part: &str) -> Kernel {
    let finder = Finder::new(part.as_bytes()).into_owned();
    let test = Kernel::text_test(move |text| finder.find(text.as_bytes()).is_some());
    test.searching(1)
}

/// The end of a text. The last eight bytes are compared as one number: most ends, such as `.css`, are no longer.
struct Suffix {
    bytes: Box<[u8]>,
    word: u64,
    /// Of the last eight bytes, those that count.
    mask: u64,
}

impl Suffix {
    fn new(bytes: &[u8]) -> Self {
        let bits = 8 * bytes.len().min(8) as u32;
        let word = |word, &byte: &u8| word << 8 | u64::from(byte);
        let mask = u64::MAX.checked_shr(u64::BITS - bits).unwrap_or(0);
        Suffix { bytes: bytes.into(), word: bytes.iter().fold(0, word), mask }
    }

    #[inline]
    fn ends(&self, text: &[u8]) -> bool {
        let Some(last) = text.last_chunk::<8>() else { return text.ends_with(&self.bytes) };
        let is_near = u64::from_be_bytes(*last) & self.mask == self.word;
        is_near && (self.bytes.len() <= last.len() || text.ends_with(&self.bytes))
    }
}

fn pieces(pattern: &str, escape: Option<char>) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        pieces.push(match c {
            _ if Some(c) == escape => Piece::Literal(
                chars.next().ok_or("LIKE pattern must not end with the escape character")?,
            ),
            '%' => Piece::Many,
            '_' => Piece::One,
            _ => Piece::Literal(c),
        });
    }
    Ok(pieces)
}

fn shape(pieces: &[Piece], insensitive: bool) -> Result<Shape, String> {
    let (open_start, rest) = match pieces {
        [Piece::Many, rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let (open_end, rest) = match rest {
        [rest @ .., Piece::Many] => (true, rest),
        rest => (open_start && rest.is_empty(), rest),
    };
    let literal: Option<String> = rest
        .iter()
        .map(|piece| if let Piece::Literal(c) = piece { Some(*c) } else { None })
        .collect();
    Ok(match literal {
        Some(text) if !insensitive => match (open_start, open_end) {
            (false, false) => Shape::Exact(text),
            (false, true) => Shape::Prefix(text),
            (true, false) => Shape::Suffix(text),
            (true, true) => Shape::Contains(text),
        },
        _ => Shape::Any(like_regex(pieces, insensitive)?),
    })
}

fn like_regex(pieces: &[Piece], insensitive: bool) -> Result<Regex, String> {
    let mut source = String::from(r"(?s)\A");
    let mut literal = [0; 4];
    for piece in pieces {
        match piece {
            Piece::Many => source.push_str(".*"),
            Piece::One => source.push('.'),
            Piece::Literal(c) => source.push_str(&regex::escape(c.encode_utf8(&mut literal))),
        }
    }
    write!(source, r"\z").map_err(|e| e.to_string())?;
    regex(&source, insensitive)
}

/// A regular expression in the syntax of the regex crate.
pub(crate) fn regex(source: &str, insensitive: bool) -> Result<Regex, String> {
    RegexBuilder::new(source)
        .case_insensitive(insensitive)
        .size_limit(REGEX_BYTES_MAX)
        .build()
        .map_err(|e| match e {
            regex::Error::CompiledTooBig(_) => "regular expression is too large".to_owned(),
            // The last line of a syntax error says what is wrong; those above draw the pattern.
            other => {
                let text = other.to_string();
                let words = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
                format!("bad regular expression: {words}")
            }
        })
}

/// `~`, `~*`, `regexp_matches`.
pub(crate) fn matches(regex: Regex) -> Kernel {
    Kernel::text_test(move |x| regex.is_match(x)).searching(REGEX_SEARCHES)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_end_is_one_of_any_length(text in "[a\u{0}]{0,20}", end in "[a\u{0}]{0,12}") {
            for text in [text.clone(), text + &end] {
                let suffix = Suffix::new(end.as_bytes());
                prop_assert_eq!(suffix.ends(text.as_bytes()), text.ends_with(&end));
            }
        }
    }
}
