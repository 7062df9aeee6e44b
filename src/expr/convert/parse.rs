//! Text to numbers, truth values and addresses. Surrounding white space does not count.

use std::net::IpAddr;

use crate::data::read::{float_fits, trimmed};
use crate::expr::decimal;
use crate::expr::kernel::Reason;

/// Reads a 64-bit integer.
pub(crate) fn to_int(text: &str) -> Result<i64, Reason> {
    let text = trimmed(text);
    text.parse().map_err(|e: std::num::ParseIntError| match e.kind() {
        std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => {
            "integer overflow"
        }
        _ => "not an int",
    })
}

/// Reads a decimal, rounded half away from zero to the scale.
pub(crate) fn to_decimal(text: &str, scale: u8) -> Result<i128, Reason> {
    decimal::parse(text, scale).map_err(
        |large| {
            if large { "decimal overflow" } else { "not a decimal" }
        },
    )
}

/// Reads a float; also `NaN` and `Infinity`.
pub(crate) fn to_float(text: &str) -> Result<f64, Reason> {
    let text = trimmed(text);
    let value: f64 = text.parse().map_err(|_| "not a float")?;
    match float_fits(text, value) {
        true => Ok(value),
        false if value == 0.0 => Err("float underflow"),
        false => Err("float overflow"),
    }
}

/// Reads a truth value: `true`, `yes`, `on`, `1` and their opposites, and prefixes that tell them apart.
pub(crate) fn to_bool(text: &str) -> Result<bool, Reason> {
    let text = trimmed(text);
    let is = |word: &str, least: usize| {
        text.len() >= least
            && word.get(..text.len()).is_some_and(|head| head.eq_ignore_ascii_case(text))
    };
    if is("true", 1) || is("yes", 1) || is("on", 2) || text == "1" {
        Ok(true)
    } else if is("false", 1) || is("no", 1) || is("off", 2) || text == "0" {
        Ok(false)
    } else {
        Err("not a bool")
    }
}

/// Reads an address.
pub(crate) fn to_ip(text: &str) -> Result<IpAddr, Reason> {
    trimmed(text).parse().map_err(|_| "not an ip")
}
