//! Sets of texts. Those of up to 15 bytes, such as IPv4 addresses, are integers; longer ones lie in a key table.

use std::iter::Peekable;

use super::count_distinct::DistinctSet;
use super::encode::{self, Reader};
use super::value::Text;
use super::value_set::{Element, ValueSet};
use crate::engine::hash::Hasher;
use crate::engine::key_table::KeyTable;

/// Bytes of a text that an integer holds.
const SHORT_BYTES: usize = 15;

/// A set of texts.
#[derive(Default)]
pub(super) struct TextSet {
    short: ValueSet<u128>,
    long: Option<Box<Long>>,
}

/// Texts that no integer holds.
#[derive(Default)]
struct Long {
    texts: KeyTable,
    /// Their numbers in the order of the texts; of use while it is as long as the table.
    order: Vec<u32>,
}

/// A short text as an integer that sorts as it does, and is never 0: the bytes, filled up with zeros, and the length above
/// 0. Of texts that differ in zeros at the end only, the shorter is the smaller.
#[inline]
fn pack(text: &[u8]) -> Option<u128> {
    let len = text.len();
    let word = |bytes: &[u8; 8]| u64::from_be_bytes(*bytes);
    let bytes = match text.first_chunk::<8>() {
        Some(first) if len <= SHORT_BYTES => {
            // The last word overlaps the first; shifted, it has only what stands behind that.
            let last = u128::from(word(text.last_chunk()?)) << (8 * (16 - len));
            u128::from(word(first)) << 64 | last & u128::from(u64::MAX)
        }
        None => {
            let number = text.iter().fold(0u64, |number, &byte| number << 8 | u64::from(byte));
            // The empty text is 0 wherever it is shifted to.
            u128::from(number) << (8 * (16 - len.max(1)))
        }
        Some(_) => return None,
    };
    Some(bytes | (len as u128 + 1))
}

/// The text of an integer: its bytes, and how many of them.
#[inline]
fn unpack(packed: u128) -> ([u8; 16], usize) {
    (packed.to_be_bytes(), (packed as u8 - 1) as usize)
}

impl TextSet {
    fn long(&mut self) -> &mut Long {
        self.long.get_or_insert_default()
    }

    /// Calls `visit` with each text, ascending: the sorted short ones and the sorted long ones merged.
    fn each(&self, mut visit: impl FnMut(&[u8])) {
        let mut long = self.long.as_deref().into_iter().flat_map(Long::sorted).peekable();
        for &packed in self.short.sorted() {
            let (bytes, len) = unpack(packed);
            visit_below(&mut long, &bytes[..len], &mut visit);
            visit(&bytes[..len]);
        }
        long.for_each(visit);
    }
}

fn visit_below<'t>(
    texts: &mut Peekable<impl Iterator<Item = &'t [u8]>>,
    bound: &[u8],
    visit: &mut impl FnMut(&[u8]),
) {
    while let Some(text) = texts.next_if(|text| *text < bound) {
        visit(text);
    }
}

impl Long {
    fn sorted(&self) -> impl Iterator<Item = &[u8]> {
        assert_eq!(self.order.len(), self.texts.len(), "seal() comes before state()");
        self.order.iter().map(|&number| self.texts.key(number))
    }
}

impl DistinctSet for TextSet {
    type Value = Text;
    /// The text as an integer, if it is short, and its hash. A key table hashes as all others of the process do.
    type Probe = (Option<u128>, u64);

    #[inline]
    fn probe(item: &str, hasher: Hasher) -> Self::Probe {
        let packed = pack(item.as_bytes());
        let hash = match packed {
            Some(packed) => packed.hash(hasher),
            None => hasher.bytes(item.as_bytes()),
        };
        (packed, hash)
    }

    #[inline]
    fn prefetch(&self, probe: Self::Probe) {
        match (probe, &self.long) {
            ((Some(_), hash), _) => self.short.prefetch(hash),
            ((None, hash), Some(long)) => long.texts.prefetch_slot(hash),
            ((None, _), None) => {}
        }
    }

    #[inline]
    fn insert(&mut self, item: &str, probe: Self::Probe, hasher: Hasher) {
        match probe {
            (Some(packed), hash) => self.short.insert(packed, hash, hasher),
            (None, hash) => {
                self.long().texts.intern_hashed(hash, item.as_bytes());
            }
        }
    }

    fn merge(&mut self, other: &Self, hasher: Hasher) {
        self.short.merge(&other.short, hasher);
        if let Some(theirs) = &other.long {
            let mine = self.long();
            (0..theirs.texts.len() as u32).for_each(|number| {
                mine.texts.intern(theirs.texts.key(number));
            });
        }
    }

    #[inline]
    fn len(&self) -> usize {
        self.short.len() + self.long.as_ref().map_or(0, |long| long.texts.len())
    }

    fn sort(&mut self) {
        self.short.sort();
        if let Some(long) = &mut self.long
            && long.order.len() != long.texts.len()
        {
            long.order = long.texts.order();
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        encode::put_varint(out, self.len() as u64);
        self.each(|text| encode::put_bytes(out, text));
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let len = reader.length().filter(|len| *len > 0)?;
        let (mut set, mut short, mut last) = (TextSet::default(), Vec::new(), None);
        for _ in 0..len {
            let text = reader.bytes()?;
            if last.replace(text).is_some_and(|last| last >= text) {
                return None;
            }
            match pack(text) {
                Some(packed) => short.push(packed),
                None => {
                    let long = set.long();
                    long.order.push(long.texts.intern(text));
                }
            }
        }
        set.short = ValueSet::from_sorted(short);
        Some(set)
    }

    #[inline]
    fn heap(&self) -> usize {
        let of_long = |long: &Long| {
            size_of::<Long>() + long.texts.heap_bytes() + long.order.capacity() * size_of::<u32>()
        };
        self.short.heap() + self.long.as_deref().map_or(0, of_long)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn packed_texts_sort_as_texts_and_read_back(
            a in prop::collection::vec(prop_oneof![Just(0u8), Just(1), Just(254)], 0..=SHORT_BYTES),
            b in prop::collection::vec(prop_oneof![Just(0u8), Just(1), Just(254)], 0..=SHORT_BYTES),
        ) {
            let packed = |text: &[u8]| pack(text).expect("short");
            prop_assert_eq!(packed(&a).cmp(&packed(&b)), a.cmp(&b));
            let (bytes, len) = unpack(packed(&a));
            prop_assert_eq!(&bytes[..len], &a);
        }
    }

    #[test]
    fn the_shortest_and_the_longest_packed_text() {
        assert_eq!(pack(b""), Some(1));
        assert_eq!(pack(&[255; SHORT_BYTES]), Some(u128::MAX - 255 + 16));
        assert_eq!(pack(&[255; SHORT_BYTES + 1]), None);
    }
}
