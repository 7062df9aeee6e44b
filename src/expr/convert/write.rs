//! Floats and timestamps to text.

use std::fmt::Write;

use crate::expr::civil::Civil;
use crate::expr::stack_text::StackText;

/// PostgreSQL's form: the fewest digits that read back the same, with an exponent below 1e-4 and from 1e15 on.
pub(crate) fn write_float(out: &mut impl Write, value: f64) -> std::fmt::Result {
    if value.is_nan() {
        return out.write_str("NaN");
    }
    if value.is_infinite() {
        return out.write_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    }
    let magnitude = value.abs();
    if magnitude == 0.0 || (1e-4..1e15).contains(&magnitude) {
        return write!(out, "{value}");
    }
    // Rust writes `1.5e20` and `1e-7`; PostgreSQL `1.5e+20` and `1e-07`.
    let mut short = StackText::default();
    write!(short, "{value:e}")?;
    let (mantissa, exponent) = short.text().split_once('e').unwrap_or((short.text(), "0"));
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    write!(out, "{mantissa}e{sign}{digits:0>2}")
}

/// `2026-11-22 07:00:00`, with a fraction only where there is one.
pub(crate) fn write_timestamp(out: &mut impl Write, micros: i64) -> std::fmt::Result {
    let at = Civil::of(micros);
    let (year, era) = if at.year > 0 { (at.year, "") } else { (1 - at.year, " BC") };
    write!(out, "{year:04}-{:02}-{:02} ", at.month, at.day)?;
    write!(out, "{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second())?;
    let mut fraction = at.micros();
    if fraction != 0 {
        let mut digits = 6;
        while fraction % 10 == 0 {
            fraction /= 10;
            digits -= 1;
        }
        write!(out, ".{fraction:0digits$}")?;
    }
    out.write_str(era)
}

#[cfg(test)]
mod tests {
    use super::write_float;

    #[test]
    fn floats_look_as_in_postgresql() {
        for (value, text) in [
            (0.1 + 0.2, "0.30000000000000004"),
            (-0.0, "-0"),
            (1e15, "1e+15"),
            (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
            (0.0001, "0.0001"),
            (0.000_012, "1.2e-05"),
            (5e-324, "5e-324"),
            (100_000_000_000_000.0, "100000000000000"),
        ] {
            let mut out = String::new();
            write_float(&mut out, value).expect("writing to a String");
            assert_eq!(out, text);
        }
    }
}
