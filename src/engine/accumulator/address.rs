//! Addresses, which are stored as text and have an order of their own.

use std::cmp::Ordering;

use bumpalo::Bump;

use super::encode::Reader;
use super::value::{Text, Value};
use crate::data::{Column, DataType, Values};
use crate::expr::address_order;

/// An address in its canonical text.
pub(super) struct Address;

impl Value for Address {
    type Item<'a> = &'a str;
    type Owned = Box<str>;
    // Not that of text: a state that kept the least text is none that keeps the least address.
    const CODE: u8 = 5;

    fn items<'c, 'a>(column: &'c Column<'a>) -> &'c [&'a str] {
        Text::items(column)
    }

    #[inline]
    fn compare(a: &str, b: &str) -> Ordering {
        // Most addresses of a group are one: equal texts need no parser.
        if a == b { Ordering::Equal } else { address_order(a, b) }
    }

    fn own(item: &str) -> Box<str> {
        Text::own(item)
    }

    #[inline]
    fn item(owned: &Box<str>) -> &str {
        Text::item(owned)
    }

    fn heap(owned: &Box<str>) -> usize {
        Text::heap(owned)
    }

    fn write(owned: &Box<str>, out: &mut Vec<u8>) {
        Text::write(owned, out);
    }

    fn read(reader: &mut Reader<'_>) -> Option<Box<str>> {
        Text::read(reader)
    }

    #[inline]
    fn hash(item: &str) -> u64 {
        Text::hash(item)
    }

    fn store<'a>(owned: &Box<str>, arena: &'a Bump) -> &'a str {
        Text::store(owned, arena)
    }

    fn blank(arena: &Bump) -> &str {
        Text::blank(arena)
    }

    fn values<'a>(ty: DataType, items: Vec<Self::Item<'a>>) -> Values<'a> {
        Text::values(ty, items)
    }
}
