//! Texts as lists of characters: positions and lengths count characters, from 1.

use super::{Applied, Outcome};
use crate::data::Scalar;
use crate::expr::kernel::text_length;

pub(super) fn value(call: &Applied<'_>) -> Option<Outcome> {
    match call.name() {
        "concat" => return Some(joined("", call.operands).map_err(Into::into)),
        "concat_ws" => return Some(concat_ws(call.operands).map_err(Into::into)),
        name if !KNOWN.contains(&name) => return None,
        _ if call.has_null() => return Some(Ok(Scalar::Null)),
        _ => {}
    }
    let made = match call.operands {
        [Scalar::Text(a)] => one(call, a),
        [Scalar::Text(a), Scalar::Text(b)] => two(call.name(), a, b),
        [Scalar::Text(a), Scalar::Int(n)] => by_number(call.name(), a, *n),
        [Scalar::Text(a), Scalar::Int(from), Scalar::Int(length)] => {
            substring(a, *from, Some(*length))
        }
        [Scalar::Text(a), Scalar::Text(b), Scalar::Int(n)] => split_part(a, b, *n),
        [Scalar::Text(a), Scalar::Text(b), Scalar::Text(c)] => replace(a, b, c),
        [Scalar::Bool(truth)] => Ok(text(if *truth { "t" } else { "f" })),
        _ => return None,
    };
    Some(made.map_err(Into::into))
}

/// What is written anew here, of functions that are NULL where an operand is.
const KNOWN: &[&str] = &[
    "||",
    "short_bool",
    "like",
    "lower",
    "upper",
    "reverse",
    "length",
    "char_length",
    "octet_length",
    "trim",
    "btrim",
    "ltrim",
    "rtrim",
    "starts_with",
    "ends_with",
    "contains",
    "strpos",
    "substr",
    "substring",
    "left",
    "right",
    "split_part",
    "replace",
];

fn text(text: impl Into<String>) -> Scalar {
    Scalar::Text(text.into().into())
}

fn one(call: &Applied<'_>, a: &str) -> Result<Scalar, &'static str> {
    Ok(match call.name() {
        "lower" => text(a.chars().flat_map(char::to_lowercase).collect::<String>()),
        // One character stays one: `ß` has no such upper case.
        "upper" => text(
            a.chars()
                .map(|c| {
                    let mut upper = c.to_uppercase();
                    if upper.len() == 1 { upper.next().unwrap_or(c) } else { c }
                })
                .collect::<String>(),
        ),
        "reverse" => text(a.chars().rev().collect::<String>()),
        "length" | "char_length" => Scalar::Int(a.chars().count() as i64),
        "octet_length" => Scalar::Int(a.len() as i64),
        "like" => {
            let [escape, Scalar::Text(pattern)] = call.parameters() else {
                return Ok(Scalar::Null);
            };
            let escape = match escape {
                Scalar::Text(escape) => escape.chars().next(),
                _ => None,
            };
            let text: Vec<char> = a.chars().collect();
            Scalar::Bool(like(&text, &pieces(pattern, escape)))
        }
        name => text(trimmed(name, a, " ")),
    })
}

fn two(name: &str, a: &str, b: &str) -> Result<Scalar, &'static str> {
    Ok(match name {
        "||" => joined_texts("", &[a, b])?,
        "starts_with" => {
            Scalar::Bool(a.len() >= b.len() && a.as_bytes()[..b.len()] == *b.as_bytes())
        }
        "ends_with" => {
            Scalar::Bool(a.len() >= b.len() && a.as_bytes()[a.len() - b.len()..] == *b.as_bytes())
        }
        "contains" => Scalar::Bool(position(a, b).is_some()),
        "strpos" => Scalar::Int(position(a, b).map_or(0, |at| a[..at].chars().count() as i64 + 1)),
        name => text(trimmed(name, a, b)),
    })
}

/// The first place of one text in another, in bytes.
fn position(a: &str, b: &str) -> Option<usize> {
    (0..=a.len()).filter(|&at| a.is_char_boundary(at)).find(|&at| a[at..].starts_with(b))
}

fn trimmed(name: &str, text: &str, set: &str) -> String {
    let mut rest: Vec<char> = text.chars().collect();
    let is_in_set = |c: Option<&char>| c.is_some_and(|c| set.contains(*c));
    while name != "rtrim" && is_in_set(rest.first()) {
        rest.remove(0);
    }
    while name != "ltrim" && is_in_set(rest.last()) {
        rest.pop();
    }
    rest.into_iter().collect()
}

fn by_number(name: &str, a: &str, n: i64) -> Result<Scalar, &'static str> {
    let count = a.chars().count() as i64;
    match name {
        "left" => {
            let to = if n >= 0 { n } else { n.saturating_add(count) };
            Ok(text(cut(a, 0, to)))
        }
        "right" => {
            let from = if n >= 0 { count.saturating_sub(n) } else { n.saturating_neg() };
            Ok(text(cut(a, from, i64::MAX)))
        }
        _ => substring(a, n, None),
    }
}

/// The characters from one place to before another, from 0; either may lie outside.
fn cut(text: &str, from: i64, to: i64) -> String {
    let is_within = |at: i64| from <= at && at < to;
    text.chars().zip(0..).filter(|(_, at)| is_within(*at)).map(|(c, _)| c).collect()
}

fn substring(a: &str, from: i64, length: Option<i64>) -> Result<Scalar, &'static str> {
    let from = from.saturating_sub(1);
    let to = match length {
        Some(length) if length < 0 => return Err("negative substring length not allowed"),
        Some(length) => from.saturating_add(length),
        None => i64::MAX,
    };
    Ok(text(cut(a, from, to)))
}

fn split_part(a: &str, delimiter: &str, n: i64) -> Result<Scalar, &'static str> {
    if n == 0 {
        return Err("split_part position must not be zero");
    }
    let parts = if delimiter.is_empty() { vec![a.to_owned()] } else { split(a, delimiter) };
    // From the end, delimiters are found from the end.
    let parts = match n < 0 && !delimiter.is_empty() {
        true => a.rsplit(delimiter).map(str::to_owned).collect(),
        false => parts,
    };
    let nth = usize::try_from(n.unsigned_abs() - 1).unwrap_or(usize::MAX);
    Ok(text(parts.get(nth).cloned().unwrap_or_default()))
}

fn split(a: &str, delimiter: &str) -> Vec<String> {
    let (mut parts, mut rest) = (Vec::new(), a);
    while let Some(at) = position(rest, delimiter) {
        parts.push(rest[..at].to_owned());
        rest = &rest[at + delimiter.len()..];
    }
    parts.push(rest.to_owned());
    parts
}

fn replace(a: &str, from: &str, to: &str) -> Result<Scalar, &'static str> {
    let parts = if from.is_empty() { vec![a.to_owned()] } else { split(a, from) };
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    // A text that nothing is replaced in may have any length.
    if parts.len() == 1 { Ok(text(a)) } else { joined_texts(to, &parts) }
}

/// The texts that are not NULL, with another one between them.
fn joined(between: &str, values: &[Scalar]) -> Result<Scalar, &'static str> {
    let texts = values.iter().filter_map(|value| match value {
        Scalar::Text(text) => Some(&**text),
        _ => None,
    });
    joined_texts(between, &texts.collect::<Vec<_>>())
}

fn joined_texts(between: &str, texts: &[&str]) -> Result<Scalar, &'static str> {
    let between_bytes = between.len() * texts.len().saturating_sub(1);
    text_length(between_bytes + texts.iter().map(|text| text.len()).sum::<usize>())?;
    Ok(text(texts.join(between)))
}

fn concat_ws(values: &[Scalar]) -> Result<Scalar, &'static str> {
    match values {
        [Scalar::Text(between), rest @ ..] => joined(between, rest),
        _ => Ok(Scalar::Null),
    }
}

/// One piece of a LIKE pattern.
#[derive(Clone, Copy, PartialEq)]
enum Piece {
    One(Option<char>),
    Many,
}

fn pieces(pattern: &str, escape: Option<char>) -> Vec<Piece> {
    let (mut pieces, mut chars) = (Vec::new(), pattern.chars());
    while let Some(c) = chars.next() {
        pieces.push(match c {
            c if Some(c) == escape => Piece::One(chars.next()),
            '%' => Piece::Many,
            '_' => Piece::One(None),
            c => Piece::One(Some(c)),
        });
    }
    pieces
}

/// Whether a pattern fits: which of its beginnings fit the text so far is kept from character to character.
fn like(text: &[char], pieces: &[Piece]) -> bool {
    let closure = |fits: &mut Vec<bool>| {
        for at in 0..pieces.len() {
            fits[at + 1] |= fits[at] && pieces[at] == Piece::Many;
        }
    };
    let mut fits = vec![false; pieces.len() + 1];
    fits[0] = true;
    closure(&mut fits);
    for c in text {
        let mut next = vec![false; pieces.len() + 1];
        for (at, piece) in pieces.iter().enumerate().filter(|(at, _)| fits[*at]) {
            match piece {
                Piece::Many => next[at] = true,
                Piece::One(wanted) => next[at + 1] = wanted.is_none_or(|wanted| wanted == *c),
            }
        }
        closure(&mut next);
        fits = next;
    }
    fits[pieces.len()]
}
