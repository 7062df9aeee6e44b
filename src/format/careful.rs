//! One raw value read as its type by plain means: no words, no lanes, no memory of what was read before. `verify` reads
//! with it; what comes out is what [`Converter::convert`] makes of the same value.

use std::borrow::Cow;

use bumpalo::Bump;
use num_bigint::BigInt;

use super::Converter;
use super::number::{self, Misfit};
use super::text::utf8_lossy;
use super::time::{self, TimeCache};
use crate::data::{DECIMAL_DIGITS_MAX, DataType, Scalar, read};

impl Converter {
    /// The value; NULL where that is what the raw value means. An error is the reason of a reject.
    pub fn value_of(&self, raw: &[u8]) -> Result<Scalar, Cow<'static, str>> {
        if self.is_null(raw) {
            return Ok(Scalar::Null);
        }
        // Without the white space around it, where it can't be read with that.
        let read = self.read(raw).or_else(|misfit| match read::trimmed_bytes(raw) {
            trimmed if trimmed.len() < raw.len() && self.ty != DataType::Text => self.read(trimmed),
            _ => Err(misfit),
        });
        read.map_err(|misfit| self.failure(0, misfit).reason)
    }

    fn read(&self, raw: &[u8]) -> Result<Scalar, Misfit> {
        let value = self.any(raw)?;
        if self.is_written_well(raw) { Ok(value) } else { Err(Misfit::Unsigned) }
    }

    fn any(&self, raw: &[u8]) -> Result<Scalar, Misfit> {
        match self.ty {
            DataType::Int => int(raw).map(Scalar::Int),
            DataType::Decimal(scale) => decimal(raw, scale).map(|v| Scalar::Decimal(v, scale)),
            DataType::Float => number::float(raw).map(Scalar::Float),
            DataType::Bool => truth(raw).map(Scalar::Bool).ok_or(Misfit::Unreadable),
            DataType::Text => Ok(Scalar::Text(utf8_lossy(raw, &Bump::new()).into())),
            DataType::Ip => address(raw).ok_or(Misfit::Unreadable),
            DataType::Timestamp => {
                let nothing = &mut TimeCache::default();
                let micros = time::parse(raw, &self.zone, self.layout.as_ref(), nothing);
                micros.map(Scalar::Timestamp).ok_or(Misfit::Unreadable)
            }
        }
    }
}

fn text(raw: &[u8]) -> Result<&str, Misfit> {
    std::str::from_utf8(raw).map_err(|_| Misfit::Unreadable)
}

/// A sign and digits.
fn int(raw: &[u8]) -> Result<i64, Misfit> {
    let text = text(raw)?;
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Misfit::Unreadable);
    }
    text.parse().map_err(|_| Misfit::Range)
}

/// A sign, digits with at most one point, and an exponent: the unscaled number, if it is a whole one of few enough digits.
fn decimal(raw: &[u8], scale: u8) -> Result<i128, Misfit> {
    let text = text(raw)?;
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (number, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], int(&unsigned.as_bytes()[at + 1..])?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Misfit::Unreadable);
    }
    let fraction = fraction.trim_end_matches('0');
    let digits = format!("0{whole}{fraction}");
    let value: i128 = digits.parse().map_err(|_| Misfit::Range)?;
    let shift = exponent.saturating_sub(fraction.len() as i64).saturating_add(scale.into());
    let value = shifted(value, shift)?;
    Ok(if text.starts_with('-') { -value } else { value })
}

/// `value` × 10^`shift`.
fn shifted(value: i128, shift: i64) -> Result<i128, Misfit> {
    // Beyond this, nothing but 0 fits.
    const FAR: u32 = 100;
    let power = BigInt::from(10).pow(FAR.min(u32::try_from(shift.unsigned_abs()).unwrap_or(FAR)));
    let value = BigInt::from(value);
    let shifted = match shift < 0 {
        false => value * power,
        true if &value % &power == BigInt::ZERO => value / power,
        true => return Err(Misfit::Scale),
    };
    let fits = shifted < BigInt::from(10).pow(DECIMAL_DIGITS_MAX.into());
    i128::try_from(shifted).ok().filter(|_| fits).ok_or(Misfit::Range)
}

fn truth(raw: &[u8]) -> Option<bool> {
    match text(raw).ok()?.to_ascii_lowercase().as_str() {
        "true" | "t" | "1" | "yes" | "y" | "on" => Some(true),
        "false" | "f" | "0" | "no" | "n" | "off" => Some(false),
        _ => None,
    }
}

/// In canonical text.
fn address(raw: &[u8]) -> Option<Scalar> {
    let address: std::net::IpAddr = text(raw).ok()?.parse().ok()?;
    Some(Scalar::Text(address.to_string().into()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::format::RawColumn;

    /// What a conversion of the whole column says, and what this one does.
    fn both(
        (ty, unsigned): (DataType, bool),
        raw: &[u8],
    ) -> [Result<Scalar, Cow<'static, str>>; 2] {
        let converter = Converter::new("f", ty, &jiff::tz::TimeZone::UTC, None).unsigned(unsigned);
        let (arena, mut failures) = (Bump::new(), Vec::new());
        let (values, mut cache) =
            (RawColumn::new(std::slice::from_ref(&raw)), TimeCache::default());
        let column = converter.convert(&mut cache, values, &[0], &arena, &mut failures);
        let usual = failures.pop().map_or(Ok(column.scalar(0)), |failure| Err(failure.reason));
        [usual, converter.value_of(raw)]
    }

    const TYPES: [DataType; 8] = [
        DataType::Int,
        DataType::Decimal(0),
        DataType::Decimal(3),
        DataType::Float,
        DataType::Bool,
        DataType::Text,
        DataType::Ip,
        DataType::Timestamp,
    ];

    proptest! {
        #[test]
        fn a_value_is_read_alike_either_way(
            of in 0..TYPES.len(), unsigned: bool,
            raw in "[-+0-9.eE \\x0b]{0,12}|[1-9]\\.[0-9]{0,3}0{30,50}|[0-9]e-?[0-9]{1,3}|[0-9]{17,42}(\\.[0-9]{0,5})?|0{0,40}[0-9.]{1,9}(e[-+]?[0-9]{1,9})?|\\PC{0,9}| ?(true|NO|t|On) ?|[0-9a-f:.]{2,20}|2026-1[12]-2[0-9]T00:00:0[0-9]Z?",
        ) {
            let [usual, careful] = both((TYPES[of], unsigned), raw.as_bytes());
            prop_assert_eq!(format!("{usual:?}"), format!("{careful:?}"));
        }

        #[test]
        fn bytes_are_read_alike_either_way(of in 0..TYPES.len(), unsigned: bool, raw: Vec<u8>) {
            let [usual, careful] = both((TYPES[of], unsigned), &raw);
            prop_assert_eq!(format!("{usual:?}"), format!("{careful:?}"));
        }
    }
}
