//! Functions with regular expressions, in the syntax of the regex crate.

use bumpalo::collections::String as ArenaString;
use regex::{Match, Regex};

use crate::data::DataType::{Bool, Text};
use crate::expr::kernel::{Kernel, Reason, text_length};
use crate::expr::op::pattern;

use super::{Args, Function, Made, Param, Refusal, refuse};

const TEXT: Param = Param::Text;
const PATTERN: Param = Param::Pattern;

pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("regexp_matches", &[TEXT, PATTERN, PATTERN], matches).optional(1),
    Function::new("regexp_extract", &[TEXT, PATTERN, Param::Int], extract).optional(1),
    Function::new("regexp_replace", &[TEXT, PATTERN, PATTERN, PATTERN], replace).optional(1),
];

/// The regular expression in argument 1, with the flags in another one; `g` is only read, and told.
fn compiled(args: &Args<'_>, flags: usize) -> Result<(Regex, bool), Refusal> {
    let (mut insensitive, mut global) = (false, false);
    for flag in args.pattern(flags).chars() {
        match flag {
            'i' => insensitive = true,
            'c' => insensitive = false,
            'g' => global = true,
            _ => {
                return Err(refuse(flags, format!("unknown flag {flag}; there are i, c and g")));
            }
        }
    }
    let regex =
        pattern::regex(args.pattern(1), insensitive).map_err(|message| refuse(1, message))?;
    Ok((regex, global))
}

/// Whether the pattern is found somewhere.
fn matches(args: &Args<'_>) -> Made {
    let (regex, _) = compiled(args, 2)?;
    Ok((Bool, pattern::matches(regex)))
}

/// The match, or a group of it; empty where there is none.
fn extract(args: &Args<'_>) -> Made {
    let group = args.constant_int(2)?.unwrap_or(0);
    let regex = pattern::regex(args.pattern(1), false).map_err(|message| refuse(1, message))?;
    let group =
        usize::try_from(group).ok().filter(|group| *group < regex.captures_len()).ok_or_else(
            || refuse(2, format!("the pattern has groups up to {}", regex.captures_len() - 1)),
        )?;
    let kernel = Kernel::text(move |row| {
        let text = row.text(0);
        if group == 0 {
            return Ok(Some(regex.find(text).map_or("", |found| found.as_str())));
        }
        Ok(Some(regex.captures(text).and_then(|c| c.get(group)).map_or("", |found| found.as_str())))
    });
    Ok((Text, kernel))
}

/// One piece of a replacement.
enum Piece {
    Literal(String),
    /// `\1` to `\9`, and `\&` for all of the match.
    Group(usize),
}

/// Replaces the first match, or all with the flag `g`.
fn replace(args: &Args<'_>) -> Made {
    let (regex, global) = compiled(args, 3)?;
    let pieces = pieces(args.pattern(2));
    if let Some(group) = pieces.iter().find_map(|p| match p {
        Piece::Group(group) if *group >= regex.captures_len() => Some(*group),
        _ => None,
    }) {
        return Err(refuse(
            2,
            format!(r"\{group}: the pattern has groups up to {}", regex.captures_len() - 1),
        ));
    }
    let most = if global { usize::MAX } else { 1 };
    Ok((Text, replacing(regex, pieces, most)))
}

/// Replaces the first `most` matches. Groups are looked for only if the replacement has some: that is much slower.
fn replacing(regex: Regex, pieces: Vec<Piece>, most: usize) -> Kernel {
    let grouped = pieces.iter().any(|piece| matches!(piece, Piece::Group(group) if *group > 0));
    Kernel::text(move |row| {
        let text = row.text(0);
        let Some(first) = regex.find(text) else {
            return Ok(Some(text));
        };
        let out = ArenaString::with_capacity_in(text.len(), row.arena);
        let mut copy = Rewrite { text, out, behind: 0 };
        if grouped {
            for captures in regex.captures_iter(text).take(most) {
                let group = |number| captures.get(number).map_or("", |found| found.as_str());
                copy.replace(captures.get_match(), &pieces, group)?;
            }
        } else if most == 1 {
            copy.replace(first, &pieces, |_| "")?;
        } else {
            for found in regex.find_iter(text).take(most) {
                copy.replace(found, &pieces, |_| "")?;
            }
        }
        copy.out.push_str(&text[copy.behind..]);
        text_length(copy.out.len())?;
        Ok(Some(copy.out.into_bump_str()))
    })
}

/// A text on its way into a copy with replacements.
struct Rewrite<'t, 'a> {
    text: &'t str,
    out: ArenaString<'a>,
    /// Where the rest begins that is not copied yet.
    behind: usize,
}

impl<'t> Rewrite<'t, '_> {
    /// Copies up to the match, and writes the replacement for it.
    fn replace(
        &mut self,
        found: Match<'t>,
        pieces: &[Piece],
        group: impl Fn(usize) -> &'t str,
    ) -> Result<(), Reason> {
        self.out.push_str(&self.text[self.behind..found.start()]);
        self.behind = found.end();
        for piece in pieces {
            self.out.push_str(match piece {
                Piece::Literal(literal) => literal,
                Piece::Group(0) => found.as_str(),
                Piece::Group(number) => group(*number),
            });
            text_length(self.out.len())?;
        }
        Ok(())
    }
}

/// Reads a replacement as PostgreSQL writes it; a backslash before anything else is itself.
fn pieces(replacement: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut chars = replacement.chars().peekable();
    while let Some(c) = chars.next() {
        let group = match (c, chars.peek()) {
            ('\\', Some('&')) => Some(0),
            ('\\', Some(digit)) => digit.to_digit(10).filter(|digit| *digit > 0),
            _ => None,
        };
        if let Some(group) = group {
            chars.next();
            pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            pieces.push(Piece::Group(group as usize));
        } else {
            if c == '\\' && chars.peek() == Some(&'\\') {
                chars.next();
            }
            literal.push(c);
        }
    }
    pieces.push(Piece::Literal(literal));
    pieces
}
