//! Sets of texts. Those of up to 15 bytes are integers, of half the width where they are made of digits and what stands
//! between digits, such as IPv4 addresses; longer ones lie in a key table.

use std::iter::Peekable;

use super::count_distinct::DistinctSet;
use super::encode::{self, Reader};
use super::packed::{self, Packed, pack};
use super::value::Text;
use super::value_set::{Element, ValueSet};
use crate::engine::hash::Hasher;
use crate::engine::key_table::KeyTable;

/// A set of texts.
#[derive(Default)]
pub(super) struct TextSet {
    digits: ValueSet<u64>,
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

impl TextSet {
    fn long(&mut self) -> &mut Long {
        self.long.get_or_insert_default()
    }

    /// Calls `visit` with each text, ascending: the sorted ones of each kind, merged.
    fn each(&self, mut visit: impl FnMut(&[u8])) {
        let short = self.short.sorted().iter().map(|&packed| packed::short_text(packed));
        let (mut short, mut long) =
            (short.peekable(), self.long.as_deref().into_iter().flat_map(Long::sorted).peekable());
        for &packed in self.digits.sorted() {
            let text = packed::digits_text(packed);
            while let Some(other) = short.next_if(|other| other.bytes() < text.bytes()) {
                visit_below(&mut long, other.bytes(), &mut visit);
                visit(other.bytes());
            }
            visit_below(&mut long, text.bytes(), &mut visit);
            visit(text.bytes());
        }
        for other in short {
            visit_below(&mut long, other.bytes(), &mut visit);
            visit(other.bytes());
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
    type Probe = (Packed, u64);

    #[inline]
    fn probe(item: &str, hasher: Hasher) -> Self::Probe {
        let packed = pack(item.as_bytes());
        let hash = match packed {
            Packed::Digits(packed) => packed.hash(hasher),
            Packed::Short(packed) => packed.hash(hasher),
            Packed::Long => hasher.bytes(item.as_bytes()),
        };
        (packed, hash)
    }

    #[inline]
    fn prefetch(&self, (packed, hash): Self::Probe) {
        match (packed, &self.long) {
            (Packed::Digits(_), _) => self.digits.prefetch(hash),
            (Packed::Short(_), _) => self.short.prefetch(hash),
            (Packed::Long, Some(long)) => long.texts.prefetch_slot(hash),
            (Packed::Long, None) => {}
        }
    }

    #[inline]
    fn insert(&mut self, item: &str, (packed, hash): Self::Probe, hasher: Hasher) -> usize {
        match packed {
            Packed::Digits(packed) => self.digits.insert(packed, hash, hasher),
            Packed::Short(packed) => self.short.insert(packed, hash, hasher),
            Packed::Long => {
                let before = self.heap();
                self.long().texts.intern_hashed(hash, item.as_bytes());
                // What a table tells shrinks once a doubling, which it had told before, is done.
                self.heap().wrapping_sub(before)
            }
        }
    }

    fn merge(&mut self, other: &Self, hasher: Hasher) {
        self.digits.merge(&other.digits, hasher);
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
        let long = self.long.as_ref().map_or(0, |long| long.texts.len());
        self.digits.len() + self.short.len() + long
    }

    fn sort(&mut self) {
        self.digits.sort();
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
        let (mut set, mut last) = (TextSet::default(), None);
        let (mut digits, mut short) = (Vec::new(), Vec::new());
        for _ in 0..len {
            let text = reader.bytes()?;
            if last.replace(text).is_some_and(|last| last >= text) {
                return None;
            }
            match pack(text) {
                Packed::Digits(packed) => digits.push(packed),
                Packed::Short(packed) => short.push(packed),
                Packed::Long => {
                    let long = set.long();
                    long.order.push(long.texts.intern(text));
                }
            }
        }
        set.digits = ValueSet::from_sorted(digits);
        set.short = ValueSet::from_sorted(short);
        Some(set)
    }

    #[inline]
    fn heap(&self) -> usize {
        let of_long = |long: &Long| {
            size_of::<Long>() + long.texts.heap_bytes() + long.order.capacity() * size_of::<u32>()
        };
        self.digits.heap() + self.short.heap() + self.long.as_deref().map_or(0, of_long)
    }
}
