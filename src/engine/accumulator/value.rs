//! The storage types of columns, as the accumulators see them: order, ownership and canonical encoding.

use std::cmp::Ordering;

use bumpalo::Bump;
use xxhash_rust::xxh3::xxh3_64;

use super::encode::{self, Reader};
use crate::data::{Column, DataType, Values};

/// A storage type. Equal values (0.0 and -0.0, any two NaN) have one encoding.
pub(super) trait Value: Send + 'static {
    /// A value in a column.
    type Item<'a>: Copy;
    /// A value that a state holds.
    type Owned: Sync + Send + 'static;
    /// Names the storage in the tag of a state, below 8.
    const CODE: u8;

    /// The values of a column of this storage.
    fn items<'c, 'a>(column: &'c Column<'a>) -> &'c [Self::Item<'a>];
    /// PostgreSQL's order: NaN is the greatest and equals itself, text goes byte by byte.
    fn compare(a: Self::Item<'_>, b: Self::Item<'_>) -> Ordering;
    /// A copy in its canonical form.
    fn own(item: Self::Item<'_>) -> Self::Owned;
    /// A view of an owned value.
    fn item(owned: &Self::Owned) -> Self::Item<'_>;
    /// Bytes on the heap of an owned value.
    fn heap(_owned: &Self::Owned) -> usize {
        0
    }
    /// Appends the canonical encoding.
    fn write(owned: &Self::Owned, out: &mut Vec<u8>);
    /// Reads what `write` wrote.
    fn read(reader: &mut Reader<'_>) -> Option<Self::Owned>;
    /// A hash of the canonical value, the same in every run and version (XXH3).
    fn hash(item: Self::Item<'_>) -> u64;
    /// A copy that lives in the arena.
    fn store<'a>(owned: &Self::Owned, arena: &'a Bump) -> Self::Item<'a>;
    /// What stands in a NULL's place.
    fn blank(arena: &Bump) -> Self::Item<'_>;
    /// A column's values.
    fn values<'a>(ty: DataType, items: Vec<Self::Item<'a>>) -> Values<'a>;

    /// A column of owned values, with NULL for `None`.
    fn column<'a, 's>(
        ty: DataType,
        owned: impl ExactSizeIterator<Item = Option<&'s Self::Owned>>,
        arena: &'a Bump,
    ) -> Column<'a> {
        let mut items = Vec::with_capacity(owned.len());
        let mut valid = Vec::with_capacity(owned.len());
        for owned in owned {
            valid.push(owned.is_some());
            items.push(owned.map_or_else(|| Self::blank(arena), |owned| Self::store(owned, arena)));
        }
        let valid = valid.contains(&false).then_some(valid);
        Column { ty, values: Self::values(ty, items), valid }
    }
}

/// Text, and addresses where their order is no matter.
pub(super) struct Text;

#[cold]
fn wrong_storage() -> ! {
    unreachable!("a column has the type that its accumulator was made for")
}

impl Value for i64 {
    type Item<'a> = i64;
    type Owned = i64;
    const CODE: u8 = 0;

    fn items<'c, 'a>(column: &'c Column<'a>) -> &'c [i64] {
        let (Values::Int(items) | Values::Timestamp(items)) = &column.values else {
            wrong_storage()
        };
        items
    }

    #[inline]
    fn compare(a: i64, b: i64) -> Ordering {
        a.cmp(&b)
    }

    #[inline]
    fn own(item: i64) -> i64 {
        item
    }

    #[inline]
    fn item(owned: &i64) -> i64 {
        *owned
    }

    fn write(owned: &i64, out: &mut Vec<u8>) {
        encode::put_varint(out, encode::zigzag(*owned));
    }

    fn read(reader: &mut Reader<'_>) -> Option<i64> {
        reader.varint().map(encode::unzigzag)
    }

    #[inline]
    fn hash(item: i64) -> u64 {
        xxh3_64(&item.to_le_bytes())
    }

    fn store(owned: &i64, _: &Bump) -> i64 {
        *owned
    }

    fn blank(_: &Bump) -> i64 {
        0
    }

    fn values<'a>(ty: DataType, items: Vec<i64>) -> Values<'a> {
        if ty == DataType::Timestamp { Values::Timestamp(items) } else { Values::Int(items) }
    }
}

impl Value for i128 {
    type Item<'a> = i128;
    type Owned = i128;
    const CODE: u8 = 1;

    fn items<'c, 'a>(column: &'c Column<'a>) -> &'c [i128] {
        let Values::Decimal(items) = &column.values else { wrong_storage() };
        items
    }

    #[inline]
    fn compare(a: i128, b: i128) -> Ordering {
        a.cmp(&b)
    }

    #[inline]
    fn own(item: i128) -> i128 {
        item
    }

    #[inline]
    fn item(owned: &i128) -> i128 {
        *owned
    }

    fn write(owned: &i128, out: &mut Vec<u8>) {
        encode::put_varint_wide(out, (owned << 1 ^ owned >> 127) as u128);
    }

    fn read(reader: &mut Reader<'_>) -> Option<i128> {
        let value = reader.varint_wide()?;
        Some((value >> 1) as i128 ^ -((value & 1) as i128))
    }

    #[inline]
    fn hash(item: i128) -> u64 {
        xxh3_64(&item.to_le_bytes())
    }

    fn store(owned: &i128, _: &Bump) -> i128 {
        *owned
    }

    fn blank(_: &Bump) -> i128 {
        0
    }

    fn values<'a>(_: DataType, items: Vec<i128>) -> Values<'a> {
        Values::Decimal(items)
    }
}

/// -0.0 as 0.0, and every NaN as the same one.
#[inline]
pub(super) fn canonical(value: f64) -> f64 {
    if value.is_nan() { f64::NAN } else { value + 0.0 }
}

impl Value for f64 {
    type Item<'a> = f64;
    type Owned = f64;
    const CODE: u8 = 2;

    fn items<'c, 'a>(column: &'c Column<'a>) -> &'c [f64] {
        let Values::Float(items) = &column.values else { wrong_storage() };
        items
    }

    #[inline]
    fn compare(a: f64, b: f64) -> Ordering {
        a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
    }

    #[inline]
    fn own(item: f64) -> f64 {
        canonical(item)
    }

    #[inline]
    fn item(owned: &f64) -> f64 {
        *owned
    }

    fn write(owned: &f64, out: &mut Vec<u8>) {
        out.extend_from_slice(&owned.to_bits().to_le_bytes());
    }

    fn read(reader: &mut Reader<'_>) -> Option<f64> {
        let value = f64::from_le_bytes(reader.array()?);
        (canonical(value).to_bits() == value.to_bits()).then_some(value)
    }

    #[inline]
    fn hash(item: f64) -> u64 {
        xxh3_64(&canonical(item).to_bits().to_le_bytes())
    }

    fn store(owned: &f64, _: &Bump) -> f64 {
        *owned
    }

    fn blank(_: &Bump) -> f64 {
        0.0
    }

    fn values<'a>(_: DataType, items: Vec<f64>) -> Values<'a> {
        Values::Float(items)
    }
}

impl Value for bool {
    type Item<'a> = bool;
    type Owned = bool;
    const CODE: u8 = 3;

    fn items<'c, 'a>(column: &'c Column<'a>) -> &'c [bool] {
        let Values::Bool(items) = &column.values else { wrong_storage() };
        items
    }

    #[inline]
    fn compare(a: bool, b: bool) -> Ordering {
        a.cmp(&b)
    }

    #[inline]
    fn own(item: bool) -> bool {
        item
    }

    #[inline]
    fn item(owned: &bool) -> bool {
        *owned
    }

    fn write(owned: &bool, out: &mut Vec<u8>) {
        out.push(u8::from(*owned));
    }

    fn read(reader: &mut Reader<'_>) -> Option<bool> {
        reader.byte().filter(|byte| *byte <= 1).map(|byte| byte == 1)
    }

    #[inline]
    fn hash(item: bool) -> u64 {
        xxh3_64(&[u8::from(item)])
    }

    fn store(owned: &bool, _: &Bump) -> bool {
        *owned
    }

    fn blank(_: &Bump) -> bool {
        false
    }

    fn values<'a>(_: DataType, items: Vec<bool>) -> Values<'a> {
        Values::Bool(items)
    }
}

impl Value for Text {
    type Item<'a> = &'a str;
    type Owned = Box<str>;
    const CODE: u8 = 4;

    fn items<'c, 'a>(column: &'c Column<'a>) -> &'c [&'a str] {
        let Values::Text(items) = &column.values else { wrong_storage() };
        items
    }

    #[inline]
    fn compare(a: &str, b: &str) -> Ordering {
        a.cmp(b)
    }

    fn own(item: &str) -> Box<str> {
        item.into()
    }

    #[inline]
    fn item(owned: &Box<str>) -> &str {
        owned
    }

    fn heap(owned: &Box<str>) -> usize {
        owned.len()
    }

    fn write(owned: &Box<str>, out: &mut Vec<u8>) {
        encode::put_bytes(out, owned.as_bytes());
    }

    fn read(reader: &mut Reader<'_>) -> Option<Box<str>> {
        std::str::from_utf8(reader.bytes()?).ok().map(Box::from)
    }

    #[inline]
    fn hash(item: &str) -> u64 {
        xxh3_64(item.as_bytes())
    }

    fn store<'a>(owned: &Box<str>, arena: &'a Bump) -> &'a str {
        arena.alloc_str(owned)
    }

    fn blank(_: &Bump) -> &str {
        ""
    }

    fn values<'a>(_: DataType, items: Vec<Self::Item<'a>>) -> Values<'a> {
        Values::Text(items)
    }
}
