//! Values as literals of MySQL's SQL. Literals rather than parameters: a statement is then bounded by its bytes alone, not by
//! 65,535 parameters, and needs no allocation per value.
//!
//! Sound for the session that connect.rs sets up: utf8mb4, in which no byte of a character is a quote or a backslash, and an
//! sql_mode with backslash escapes.

use std::io::Write as _;

use super::super::value::{Cell, TimestampText, push_decimal};

/// A name of a table or column, in backticks.
pub(super) fn quote(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// Appends a value. -0 is 0, which MariaDB makes of it and MySQL does not. NaN, the infinities, and timestamps outside of the years 1 to 9999, which the server does not have, are
/// NULL.
pub(super) fn push(out: &mut Vec<u8>, cell: Cell<'_>) {
    match cell {
        Cell::Int(value) => push_display(out, value),
        Cell::Decimal(unscaled, scale) => push_decimal(out, unscaled, scale),
        // The exponent makes it a float; without one it would be read as a decimal.
        Cell::Float(value) if value.is_finite() => {
            push_display(out, format_args!("{:e}", value + 0.0));
        }
        Cell::Text(text) => push_text(out, text),
        Cell::Bool(value) => push_display(out, u8::from(value)),
        Cell::Timestamp(micros) => match TimestampText::new(micros) {
            Some(text) => push_text(out, text.as_str()),
            None => out.extend_from_slice(b"NULL"),
        },
        Cell::Null | Cell::Float(_) => out.extend_from_slice(b"NULL"),
    }
}

/// Appends bytes as a hexadecimal literal.
pub(super) fn push_binary(out: &mut Vec<u8>, bytes: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.extend_from_slice(b"x'");
    for byte in bytes {
        out.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    }
    out.push(b'\'');
}

/// A text's literal.
pub(super) fn of_text(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 2);
    push_text(&mut out, text);
    String::from_utf8_lossy(&out).into_owned()
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'\'');
    let mut rest = text.as_bytes();
    while let Some(at) = memchr::memchr3(b'\'', b'\\', 0, rest) {
        out.extend_from_slice(&rest[..at]);
        out.extend([b'\\', if rest[at] == 0 { b'0' } else { rest[at] }]);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'\'');
}

fn push_display(out: &mut Vec<u8>, value: impl std::fmt::Display) {
    write!(out, "{value}").expect("writing to a Vec does not fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(cell: Cell<'_>) -> String {
        let mut out = Vec::new();
        push(&mut out, cell);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn quotes_backslashes_and_nul_are_escaped() {
        assert_eq!(literal(Cell::Text(r"O'Neil\")), r"'O\'Neil\\'");
        assert_eq!(literal(Cell::Text("\0'")), r"'\0\''");
        assert_eq!(literal(Cell::Text("")), "''");
    }

    #[test]
    fn floats_have_an_exponent_and_no_special_values() {
        assert_eq!(literal(Cell::Float(1.5)), "1.5e0");
        assert_eq!(literal(Cell::Float(-1e300)), "-1e300");
        assert_eq!(literal(Cell::Float(-0.0)), "0e0");
        assert_eq!(literal(Cell::Float(f64::NAN)), "NULL");
        assert_eq!(literal(Cell::Float(f64::NEG_INFINITY)), "NULL");
    }

    #[test]
    fn bytes_are_hexadecimal() {
        let mut out = Vec::new();
        push_binary(&mut out, &[0, 0xaf, 0x10]);
        assert_eq!(out, b"x'00af10'");
    }
}
