//! Values as bytes that sort as the values do, NULL first: what [`key`](crate::engine::key) says of keys, written down
//! again.

use crate::data::{DataType, Scalar};

/// Appends a value.
pub fn put(value: &Scalar, out: &mut Vec<u8>) {
    out.push(u8::from(*value != Scalar::Null));
    match value {
        Scalar::Null => {}
        Scalar::Int(v) | Scalar::Timestamp(v) => {
            out.extend_from_slice(&v.wrapping_sub(i64::MIN).to_be_bytes());
        }
        Scalar::Decimal(v, _) => out.extend_from_slice(&v.wrapping_sub(i128::MIN).to_be_bytes()),
        Scalar::Bool(v) => out.push(u8::from(*v)),
        Scalar::Float(v) => {
            let bits = canonical(*v).to_bits();
            let is_negative = bits >> 63 == 1;
            let order = if is_negative { !bits } else { bits | 1 << 63 };
            out.extend_from_slice(&order.to_be_bytes());
        }
        Scalar::Text(text) => {
            for byte in text.bytes() {
                out.push(byte);
                if byte == 0 {
                    out.push(0xFF);
                }
            }
            out.extend_from_slice(&[0, 0]);
        }
    }
}

/// One zero, and one NaN.
pub(super) fn canonical(value: f64) -> f64 {
    if value.is_nan() {
        f64::NAN
    } else if value == 0.0 {
        0.0
    } else {
        value
    }
}

/// Takes a value of a type off the front; `None` where the bytes are none.
pub(super) fn take(bytes: &mut &[u8], ty: DataType) -> Option<Scalar> {
    if take_bytes::<1>(bytes)? == [0] {
        return Some(Scalar::Null);
    }
    let int =
        |bytes: &mut &[u8]| Some(i64::from_be_bytes(take_bytes(bytes)?).wrapping_add(i64::MIN));
    Some(match ty {
        DataType::Int => Scalar::Int(int(bytes)?),
        DataType::Timestamp => Scalar::Timestamp(int(bytes)?),
        DataType::Decimal(scale) => {
            let value = i128::from_be_bytes(take_bytes(bytes)?).wrapping_add(i128::MIN);
            Scalar::Decimal(value, scale)
        }
        DataType::Bool => Scalar::Bool(take_bytes::<1>(bytes)? == [1]),
        DataType::Float => {
            let order = u64::from_be_bytes(take_bytes(bytes)?);
            let bits = if order >> 63 == 1 { order & !(1 << 63) } else { !order };
            Scalar::Float(f64::from_bits(bits))
        }
        DataType::Text | DataType::Ip => Scalar::Text(take_text(bytes)?.into()),
    })
}

fn take_text(bytes: &mut &[u8]) -> Option<String> {
    let mut text = Vec::new();
    loop {
        match (take_bytes::<1>(bytes)?, &mut *bytes) {
            ([0], rest) => match take_bytes::<1>(rest)? {
                [0] => return String::from_utf8(text).ok(),
                _ => text.push(0),
            },
            ([byte], _) => text.push(byte),
        }
    }
}

/// Takes so many bytes off the front.
pub(super) fn take_bytes<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*head)
}
