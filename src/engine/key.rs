//! Group keys as bytes: equal keys have equal bytes, and the order of the bytes is the order of the output (NULL
//! first, then by value; text byte by byte). Version 1 of the encoding; stores and SQL tables keep it.
//!
//! A part is a tag (0 NULL, 1 value), then: int, timestamp 8 bytes big-endian with the sign flipped; decimal 16 bytes
//! likewise; float 8 bytes in IEEE total order, one NaN, no -0; bool one byte; text with 0x00 written as 0x00 0xFF and
//! 0x00 0x00 behind it.

use bumpalo::Bump;

use crate::data::{Column, DataType, Values};

const NULL: u8 = 0;
const VALUE: u8 = 1;

/// A stored key that this program can't read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored group key is damaged or of another version")]
pub struct KeyError;

/// Appends one part of a key: the row's value.
pub fn encode(column: &Column<'_>, row: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + part_bytes_max(column, row), 0);
    let len = put_part(column, row, &mut out[start..]);
    out.truncate(start + len);
}

/// Bytes of one row's part, at most.
#[inline]
pub(super) fn part_bytes_max(column: &Column<'_>, row: usize) -> usize {
    match &column.values {
        Values::Text(v) if column.is_valid(row) => text_bytes_max(v[row]),
        _ => DECIMAL_BYTES,
    }
}

/// Writes one row's part; answers how many bytes.
#[inline]
pub(super) fn put_part(column: &Column<'_>, row: usize, out: &mut [u8]) -> usize {
    if !column.is_valid(row) {
        return put(&NULL_PART, out);
    }
    match &column.values {
        Values::Int(v) | Values::Timestamp(v) => put(&int_part(v[row]), out),
        Values::Decimal(v) => put(&decimal_part(v[row]), out),
        Values::Float(v) => put(&float_part(v[row]), out),
        Values::Bool(v) => put(&bool_part(v[row]), out),
        Values::Text(v) => put_text(v[row], out),
    }
}

/// Writes bytes to the front of `out`; answers how many.
#[inline]
pub(super) fn put(part: &[u8], out: &mut [u8]) -> usize {
    out[..part.len()].copy_from_slice(part);
    part.len()
}

/// Bytes of an int or a timestamp with its tag.
pub(super) const INT_BYTES: usize = 9;
/// Bytes of a decimal with its tag.
pub(super) const DECIMAL_BYTES: usize = 17;

/// An int or a timestamp that is not NULL.
#[inline]
pub(super) fn int_part(value: i64) -> [u8; INT_BYTES] {
    let mut part = [VALUE; INT_BYTES];
    part[1..].copy_from_slice(&(value ^ i64::MIN).to_be_bytes());
    part
}

/// A decimal that is not NULL.
#[inline]
pub(super) fn decimal_part(value: i128) -> [u8; DECIMAL_BYTES] {
    let mut part = [VALUE; DECIMAL_BYTES];
    part[1..].copy_from_slice(&(value ^ i128::MIN).to_be_bytes());
    part
}

/// A float that is not NULL.
#[inline]
pub(super) fn float_part(value: f64) -> [u8; INT_BYTES] {
    let mut part = [VALUE; INT_BYTES];
    part[1..].copy_from_slice(&float_order(value).to_be_bytes());
    part
}

/// A truth value that is not NULL.
#[inline]
pub(super) fn bool_part(value: bool) -> [u8; 2] {
    [VALUE, u8::from(value)]
}

/// A part that is NULL.
pub(super) const NULL_PART: [u8; 1] = [NULL];

/// Bytes of a text's part besides the text's own, if that has no zero byte.
pub(super) const TEXT_EXTRA_BYTES: usize = 3;

/// Bytes that a text takes at most.
#[inline]
pub(super) fn text_bytes_max(text: &str) -> usize {
    2 * text.len() + TEXT_EXTRA_BYTES
}

/// The key that is a text alone.
pub(super) fn of_text(text: &[u8]) -> Vec<u8> {
    let mut key = vec![VALUE];
    for &byte in text {
        key.push(byte);
        if byte == 0 {
            key.push(0xFF);
        }
    }
    key.extend([0, 0]);
    key
}

/// What stands between tag and end of a key that may be a text alone; the text, if it is one without a zero byte.
#[inline]
pub(super) fn single_text(key: &[u8]) -> Option<&[u8]> {
    key.strip_prefix(&[VALUE])?.strip_suffix(&[0, 0])
}

/// Writes a text that is not NULL to the front of `out`, which has room for [`text_bytes_max`]; answers how many bytes.
#[inline]
pub(super) fn put_text(text: &str, out: &mut [u8]) -> usize {
    let text = text.as_bytes();
    out[0] = VALUE;
    let body = &mut out[1..];
    let len = match copy(text, &mut body[..text.len()]) {
        true => text.len(),
        false => escape(text, body),
    };
    body[len..len + 2].copy_from_slice(&[0, 0]);
    len + 3
}

/// Copies a text by words, the last of which overlaps the one before, since texts are short; false if it has a zero byte.
#[inline]
fn copy(text: &[u8], to: &mut [u8]) -> bool {
    match (text.last_chunk::<8>(), to.last_chunk_mut::<8>()) {
        (Some(last), Some(end)) => {
            *end = *last;
            let mut zero = has_zero(last);
            for (word, to) in text.as_chunks::<8>().0.iter().zip(to.as_chunks_mut::<8>().0) {
                zero |= has_zero(word);
                *to = *word;
            }
            zero == 0
        }
        _ => copy_short(text, to),
    }
}

/// The same for less than eight bytes: two halves of a word that overlap, or one byte after the other.
#[inline]
fn copy_short(text: &[u8], to: &mut [u8]) -> bool {
    if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>())
        && let Some(start) = to.first_chunk_mut::<4>()
    {
        *start = *first;
        if let Some(end) = to.last_chunk_mut::<4>() {
            *end = *last;
        }
        let mut both = [0; 8];
        both[..4].copy_from_slice(first);
        both[4..].copy_from_slice(last);
        return has_zero(&both) == 0;
    }
    to.iter_mut().zip(text).for_each(|(to, &byte)| *to = byte);
    !text.contains(&0)
}

/// Not 0 if one of the bytes is zero.
#[inline]
fn has_zero(word: &[u8; 8]) -> u64 {
    const LOW: u64 = u64::MAX / 255;
    let word = u64::from_ne_bytes(*word);
    word.wrapping_sub(LOW) & !word & LOW << 7
}

/// Writes a text with its zero bytes escaped; answers how many bytes.
#[cold]
fn escape(text: &[u8], out: &mut [u8]) -> usize {
    let mut len = 0;
    for &byte in text {
        out[len] = byte;
        len += 1;
        if byte == 0 {
            out[len] = 0xFF;
            len += 1;
        }
    }
    len
}

/// Maps floats to integers in the order NaN last; -0 becomes 0.
fn float_order(value: f64) -> u64 {
    let value = if value.is_nan() { f64::NAN } else { value + 0.0 };
    let bits = value.to_bits();
    if bits >> 63 == 1 { !bits } else { bits | (1 << 63) }
}

fn float_value(order: u64) -> f64 {
    f64::from_bits(if order >> 63 == 1 { order & !(1 << 63) } else { !order })
}

/// Reads whole keys back into columns.
pub struct KeyDecoder<'t, 'a> {
    columns: Vec<Column<'a>>,
    types: &'t [DataType],
    arena: &'a Bump,
    rows: usize,
}

impl<'t, 'a> KeyDecoder<'t, 'a> {
    /// For `len` keys whose parts have these types.
    pub fn new(types: &'t [DataType], len: usize, arena: &'a Bump) -> Self {
        let columns = types
            .iter()
            .map(|&ty| Column { ty, values: Values::zeroed(ty, len), valid: None })
            .collect();
        KeyDecoder { columns, types, arena, rows: 0 }
    }

    /// Reads one key into the next row.
    pub fn push(&mut self, key: &[u8]) -> Result<(), KeyError> {
        let mut rest = key;
        for part in 0..self.types.len() {
            rest = self.part(part, rest)?;
        }
        self.rows += 1;
        if rest.is_empty() { Ok(()) } else { Err(KeyError) }
    }

    /// The columns, one a part.
    pub fn finish(self) -> Vec<Column<'a>> {
        self.columns
    }

    fn part<'k>(&mut self, part: usize, bytes: &'k [u8]) -> Result<&'k [u8], KeyError> {
        let (&tag, rest) = bytes.split_first().ok_or(KeyError)?;
        let row = self.rows;
        let column = &mut self.columns[part];
        match tag {
            NULL => {
                column.set_null(row);
                return Ok(rest);
            }
            VALUE => {}
            _ => return Err(KeyError),
        }
        match &mut column.values {
            Values::Int(v) | Values::Timestamp(v) => {
                let (head, rest) = rest.split_first_chunk::<8>().ok_or(KeyError)?;
                v[row] = i64::from_be_bytes(*head) ^ i64::MIN;
                Ok(rest)
            }
            Values::Decimal(v) => {
                let (head, rest) = rest.split_first_chunk::<16>().ok_or(KeyError)?;
                v[row] = i128::from_be_bytes(*head) ^ i128::MIN;
                Ok(rest)
            }
            Values::Float(v) => {
                let (head, rest) = rest.split_first_chunk::<8>().ok_or(KeyError)?;
                v[row] = float_value(u64::from_be_bytes(*head));
                Ok(rest)
            }
            Values::Bool(v) => {
                let (&head, rest) = rest.split_first().ok_or(KeyError)?;
                v[row] = head == 1;
                Ok(rest)
            }
            Values::Text(v) => {
                let (text, rest) = decode_text(rest, self.arena)?;
                v[row] = text;
                Ok(rest)
            }
        }
    }
}

fn decode_text<'k, 'a>(bytes: &'k [u8], arena: &'a Bump) -> Result<(&'a str, &'k [u8]), KeyError> {
    let mut text = bumpalo::collections::Vec::new_in(arena);
    let mut rest = bytes;
    loop {
        let at = memchr::memchr(0, rest).ok_or(KeyError)?;
        text.extend_from_slice(&rest[..at]);
        let mark = *rest.get(at + 1).ok_or(KeyError)?;
        rest = &rest[at + 2..];
        match mark {
            0 => break,
            0xFF => text.push(0),
            _ => return Err(KeyError),
        }
    }
    let text = std::str::from_utf8(text.into_bump_slice()).map_err(|_| KeyError)?;
    Ok((text, rest))
}

/// The window (or any leading timestamp) that a key begins with.
pub fn leading_int(key: &[u8]) -> Option<i64> {
    let (&tag, rest) = key.split_first()?;
    let head = rest.first_chunk::<8>()?;
    (tag == VALUE).then(|| i64::from_be_bytes(*head) ^ i64::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Scalar;
    use proptest::prelude::*;

    fn encoded(ty: DataType, scalar: &Scalar) -> Vec<u8> {
        let mut out = Vec::new();
        encode(&scalar.broadcast(ty, 1), 0, &mut out);
        out
    }

    #[test]
    fn null_sorts_before_every_value_and_nan_last() {
        let order = [f64::NEG_INFINITY, -1.5, 0.0, 1e-300, 2.0, f64::INFINITY, f64::NAN];
        let mut last = encoded(DataType::Float, &Scalar::Null);
        for value in order {
            let next = encoded(DataType::Float, &Scalar::Float(value));
            assert!(last < next, "{value}");
            last = next;
        }
        assert_eq!(
            encoded(DataType::Float, &Scalar::Float(-0.0)),
            encoded(DataType::Float, &Scalar::Float(0.0))
        );
    }

    proptest! {
        #[test]
        fn text_keys_sort_as_their_bytes_and_read_back(a in "\\PC*|[\u{0}-\u{3}]*", b in "[\u{0}-\u{3}]*") {
            let key = |t: &str| encoded(DataType::Text, &Scalar::Text(t.into()));
            prop_assert_eq!(key(&a).cmp(&key(&b)), a.as_bytes().cmp(b.as_bytes()));
            let mut two = key(&a);
            two.extend(key(&b));
            let arena = Bump::new();
            let types = [DataType::Text, DataType::Text];
            let mut decoder = KeyDecoder::new(&types, 1, &arena);
            decoder.push(&two).expect("own encoding");
            let columns = decoder.finish();
            prop_assert_eq!(columns[0].scalar(0), Scalar::Text(a.into()));
            prop_assert_eq!(columns[1].scalar(0), Scalar::Text(b.into()));
        }

        #[test]
        fn numbers_sort_as_their_values(a: i64, b: i64, c: i128, d: i128) {
            let int = |v| encoded(DataType::Int, &Scalar::Int(v));
            prop_assert_eq!(int(a).cmp(&int(b)), a.cmp(&b));
            prop_assert_eq!(leading_int(&int(a)), Some(a));
            let decimal = |v| encoded(DataType::Decimal(2), &Scalar::Decimal(v, 2));
            prop_assert_eq!(decimal(c).cmp(&decimal(d)), c.cmp(&d));
        }

        #[test]
        fn damaged_keys_are_errors_and_never_panics(bytes: Vec<u8>) {
            let arena = Bump::new();
            let types = [DataType::Text, DataType::Decimal(1), DataType::Float, DataType::Bool];
            let _ = KeyDecoder::new(&types, 1, &arena).push(&bytes);
        }
    }
}
