//! Formats of times: PostgreSQL's `to_char` patterns and C's `strftime` ones, compiled to the same pieces.

use std::fmt::Write;

use crate::expr::civil::{Civil, DAY, SECOND};

use super::{Refusal, refuse};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A number of a time, such as its year.
type NumberOf = fn(Civil) -> i64;
/// A name of a time, such as its weekday's.
type NameOf = fn(Civil) -> &'static str;

/// A compiled format.
pub(super) struct Format {
    pieces: Vec<Piece>,
    unit_us: i64,
}

/// A piece of a format.
enum Piece {
    Literal(String),
    /// A number, padded with zeros to a width (0: not padded).
    Number(NumberOf, usize),
    /// A name, its case, the most characters of it, and the width that spaces fill.
    Name {
        of: fn(Civil) -> &'static str,
        case: Case,
        characters: usize,
        width: usize,
    },
}

const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

impl Format {
    fn empty() -> Self {
        Format { pieces: Vec::new(), unit_us: DAY }
    }

    /// `unit_us`: a time within the same unit, counted from midnight, makes the same piece.
    fn push(&mut self, piece: Piece, unit_us: i64) {
        self.pieces.push(piece);
        self.unit_us = self.unit_us.min(unit_us);
    }

    fn append(&mut self, more: Format) {
        self.pieces.extend(more.pieces);
        self.unit_us = self.unit_us.min(more.unit_us);
    }

    /// All times within such a unit, µs from midnight, are written alike. A day is a multiple of it.
    pub(super) fn unit_us(&self) -> i64 {
        self.unit_us
    }

    /// Writes a time.
    pub(super) fn write(&self, out: &mut impl Write, at: Civil) -> std::fmt::Result {
        self.pieces.iter().try_for_each(|piece| piece.write(out, at))
    }
}

/// Case of a name.
#[derive(Debug, Clone, Copy)]
enum Case {
    Upper,
    Title,
    Lower,
}

impl Piece {
    /// Writes the piece of a time.
    fn write(&self, out: &mut impl Write, at: Civil) -> std::fmt::Result {
        match self {
            Piece::Literal(text) => out.write_str(text),
            Piece::Number(of, width) => write_number(out, of(at), *width),
            Piece::Name { of, case, characters, width } => {
                let name = of(at);
                let name = &name[..name.len().min(*characters)];
                for c in name.chars() {
                    out.write_char(match case {
                        Case::Upper => c.to_ascii_uppercase(),
                        Case::Title => c,
                        Case::Lower => c.to_ascii_lowercase(),
                    })?;
                }
                (name.len()..*width).try_for_each(|_| out.write_char(' '))
            }
        }
    }
}

/// Writes a number, padded with zeros to a width.
fn write_number(out: &mut impl Write, number: i64, width: usize) -> std::fmt::Result {
    // Nearly all have two digits.
    if width == 2 && (0..100).contains(&number) {
        let digit = |digit: i64| char::from(b'0' + digit as u8);
        out.write_char(digit(number / 10))?;
        return out.write_char(digit(number % 10));
    }
    write!(out, "{number:0width$}")
}

fn month_name(at: Civil) -> &'static str {
    MONTHS[(at.month - 1) as usize]
}

fn day_name(at: Civil) -> &'static str {
    DAYS[(at.iso_weekday() - 1) as usize]
}

fn half_day(at: Civil) -> &'static str {
    if at.hour() < 12 { "AM" } else { "PM" }
}

fn dotted_half_day(at: Civil) -> &'static str {
    if at.hour() < 12 { "A.M." } else { "P.M." }
}

fn hour_of_twelve(at: Civil) -> i64 {
    (at.hour() + 11) % 12 + 1
}

/// Numeric patterns of `to_char`: name, value, width. A longer name stands before its own prefix.
#[rustfmt::skip]
const NUMBERS: [(&str, NumberOf, usize); 24] = [
    ("YYYY", |c| c.year, 4), ("YYY", |c| c.year.rem_euclid(1000), 3), ("YY", |c| c.year.rem_euclid(100), 2),
    ("Y", |c| c.year.rem_euclid(10), 1), ("IYYY", |c| c.iso_week().0, 4), ("IYY", |c| c.iso_week().0.rem_euclid(1000), 3),
    ("IY", |c| c.iso_week().0.rem_euclid(100), 2), ("IDDD", |c| (c.iso_week().1 - 1) * 7 + c.iso_weekday(), 3),
    ("ID", Civil::iso_weekday, 1), ("IW", |c| c.iso_week().1, 2),
    ("MM", |c| c.month, 2), ("MI", Civil::minute, 2), ("MS", |c| c.micros() / 1000, 3), ("US", Civil::micros, 6),
    ("DDD", Civil::day_of_year, 3), ("DD", |c| c.day, 2), ("D", |c| c.iso_weekday() % 7 + 1, 1),
    ("HH24", Civil::hour, 2), ("HH12", hour_of_twelve, 2), ("HH", hour_of_twelve, 2),
    ("SSSS", |c| c.of_day / SECOND, 1), ("SS", Civil::second, 2),
    ("WW", |c| (c.day_of_year() - 1) / 7 + 1, 2), ("Q", |c| (c.month - 1) / 3 + 1, 1),
];

/// Names: pattern in upper case, value, most characters, width.
#[rustfmt::skip]
const NAMES: [(&str, NameOf, usize, usize); 8] = [
    ("MONTH", month_name, 9, 9), ("MON", month_name, 3, 0), ("DAY", day_name, 9, 9), ("DY", day_name, 3, 0),
    ("A.M.", dotted_half_day, 4, 0), ("P.M.", dotted_half_day, 4, 0), ("AM", half_day, 2, 0), ("PM", half_day, 2, 0),
];

/// Compiles PostgreSQL's patterns. Letters that are none of them must stand in double quotes.
pub(super) fn to_char(format: &str) -> Result<Format, Refusal> {
    let mut compiled = Format::empty();
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        let filled = !rest.starts_with("FM");
        let pattern = if filled { rest } else { &rest[2..] };
        if first == '"' {
            let text = rest[1..].split('"').next().unwrap_or_default();
            compiled.push(Piece::Literal(text.to_owned()), DAY);
            rest = rest.get(text.len() + 2..).unwrap_or_default();
        } else if let Some((piece, length)) =
            name(pattern, filled).or_else(|| number(pattern, filled))
        {
            compiled.push(piece, unit_of_pattern(&pattern[..length]));
            rest = &pattern[length..];
        } else if first.is_alphabetic() {
            return Err(Refusal {
                arg: 1,
                message: format!("unknown pattern at '{rest}'"),
                help: Some(format!("literal letters stand in double quotes: \"{first}\"")),
            });
        } else {
            compiled.push(Piece::Literal(first.to_string()), DAY);
            rest = &rest[first.len_utf8()..];
        }
    }
    Ok(compiled)
}

/// The unit that a pattern of `to_char` tells, µs.
fn unit_of_pattern(pattern: &str) -> i64 {
    match pattern.to_ascii_uppercase().as_str() {
        "US" => 1,
        "MS" => SECOND / 1000,
        "SS" | "SSSS" => SECOND,
        "MI" => MINUTE,
        "HH24" | "HH12" | "HH" | "AM" | "PM" | "A.M." | "P.M." => HOUR,
        _ => DAY,
    }
}

fn name(rest: &str, filled: bool) -> Option<(Piece, usize)> {
    let begins = |pattern: &str| {
        rest.get(..pattern.len()).is_some_and(|head| head.eq_ignore_ascii_case(pattern))
    };
    let (pattern, of, characters, width) =
        NAMES.into_iter().find(|(pattern, ..)| begins(pattern))?;
    let mut letters = rest[..pattern.len()]
        .chars()
        .filter(char::is_ascii_alphabetic)
        .map(|c| c.is_ascii_uppercase());
    let case = match (letters.next(), letters.next()) {
        (Some(true), Some(true)) => Case::Upper,
        (Some(true), _) => Case::Title,
        _ => Case::Lower,
    };
    Some((
        Piece::Name { of, case, characters, width: if filled { width } else { 0 } },
        pattern.len(),
    ))
}

fn number(rest: &str, filled: bool) -> Option<(Piece, usize)> {
    let (found, of, width) = NUMBERS.into_iter().find(|(wanted, ..)| {
        rest.get(..wanted.len()).is_some_and(|head| head.eq_ignore_ascii_case(wanted))
    })?;
    Some((Piece::Number(of, if filled { width } else { 0 }), found.len()))
}

/// Compiles `%Y-%m-%d`; `%-d` leaves out the padding.
pub(super) fn strftime(format: &str) -> Result<Format, Refusal> {
    let mut compiled = Format::empty();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            compiled.push(Piece::Literal(c.to_string()), DAY);
            continue;
        }
        let mut code = chars.next();
        let filled = code != Some('-');
        if !filled {
            code = chars.next();
        }
        let code = code.ok_or_else(|| refuse(1, "the format ends within a pattern"))?;
        match code {
            'F' => compiled.append(strftime("%Y-%m-%d")?),
            'T' => compiled.append(strftime("%H:%M:%S")?),
            _ => compiled.push(conversion(code, filled)?, unit_of_conversion(code)),
        }
    }
    Ok(compiled)
}

/// The unit that a conversion of `strftime` tells, µs.
fn unit_of_conversion(code: char) -> i64 {
    match code {
        'f' => 1,
        'g' => SECOND / 1000,
        'S' | 's' => SECOND,
        'M' => MINUTE,
        'H' | 'I' | 'p' => HOUR,
        _ => DAY,
    }
}

fn conversion(code: char, filled: bool) -> Result<Piece, Refusal> {
    let number =
        |of: fn(Civil) -> i64, width: usize| Piece::Number(of, if filled { width } else { 0 });
    let name = |of: fn(Civil) -> &'static str, characters: usize| Piece::Name {
        of,
        case: Case::Title,
        characters,
        width: 0,
    };
    Ok(match code {
        'Y' => number(|c| c.year, 4),
        'y' => number(|c| c.year.rem_euclid(100), 2),
        'm' => number(|c| c.month, 2),
        'd' => number(|c| c.day, 2),
        'H' => number(Civil::hour, 2),
        'I' => number(hour_of_twelve, 2),
        'M' => number(Civil::minute, 2),
        'S' => number(Civil::second, 2),
        'f' => number(Civil::micros, 6),
        'g' => number(|c| c.micros() / 1000, 3),
        'j' => number(Civil::day_of_year, 3),
        'u' => number(Civil::iso_weekday, 1),
        'w' => number(|c| c.iso_weekday() % 7, 1),
        'G' => number(|c| c.iso_week().0, 4),
        'V' => number(|c| c.iso_week().1, 2),
        's' => number(|c| c.days * 86_400 + c.of_day / SECOND, 0),
        'B' => name(month_name, 9),
        'b' | 'h' => name(month_name, 3),
        'A' => name(day_name, 9),
        'a' => name(day_name, 3),
        'p' => name(half_day, 2),
        'Z' => Piece::Literal("UTC".to_owned()),
        'z' => Piece::Literal("+00".to_owned()),
        '%' => Piece::Literal("%".to_owned()),
        _ => return Err(refuse(1, format!("unknown conversion %{code}"))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(format: &Format, at: i64) -> String {
        let mut text = String::new();
        format.write(&mut text, Civil::of(at)).expect("a string takes everything");
        text
    }

    /// Moments next to the ends of units, far and near, before and after 1970.
    fn moments() -> impl Iterator<Item = i64> {
        let bases = [0, -DAY * 400, 1_795_000_000 * SECOND, 13 * HOUR + 59 * MINUTE];
        let steps = [0, 1, SECOND / 1000, SECOND, MINUTE, HOUR, 12 * HOUR, DAY, 31 * DAY];
        bases.into_iter().flat_map(move |base| {
            steps.into_iter().flat_map(move |step| [-1, 0, 1].map(|by| base + step + by))
        })
    }

    fn is_one_text_a_unit(format: &Format) -> bool {
        moments().all(|at| {
            let start = at - at.rem_euclid(format.unit_us());
            text(format, at) == text(format, start)
        })
    }

    #[test]
    fn times_of_one_unit_are_written_alike() {
        for (pattern, ..) in NUMBERS {
            let format = to_char(pattern).unwrap_or_else(|_| panic!("{pattern}"));
            assert!(is_one_text_a_unit(&format), "{pattern}");
        }
        for (pattern, ..) in NAMES {
            for pattern in [pattern.to_owned(), pattern.to_ascii_lowercase()] {
                let format = to_char(&pattern).unwrap_or_else(|_| panic!("{pattern}"));
                assert!(is_one_text_a_unit(&format), "{pattern}");
            }
        }
        let codes = ('A'..='z').chain(['%']).filter_map(|code| strftime(&format!("%{code}")).ok());
        let formats: Vec<Format> = codes.collect();
        assert_eq!(formats.len(), 27);
        assert!(formats.iter().all(is_one_text_a_unit));
    }

    #[test]
    fn numbers_are_padded() {
        for number in [-100, -10, -1, 0, 1, 9, 10, 99, 100, 12_345] {
            for width in 0..7 {
                let mut text = String::new();
                write_number(&mut text, number, width).expect("a string takes everything");
                assert_eq!(text, format!("{number:0width$}"));
            }
        }
    }

    #[test]
    fn a_format_is_of_the_unit_of_its_finest_piece() {
        let unit = |format| strftime(format).map(|format| format.unit_us()).ok();
        for (format, unit_us) in
            [("", DAY), ("%d.%m.", DAY), ("%H, %d", HOUR), ("%F %T", SECOND), ("%f%d", 1)]
        {
            assert_eq!(unit(format), Some(unit_us), "{format}");
        }
        assert_eq!(to_char("DD HH24:MI").map(|format| format.unit_us()).ok(), Some(MINUTE));
    }
}
