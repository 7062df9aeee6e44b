//! Dictionaries of one column chunk: each distinct value once, in the order of first appearance, already encoded as the
//! dictionary page has them. That order depends on the rows alone, so a file's bytes do, although the hashes are seeded anew
//! in each process: the values come from whoever writes to the logs.

use std::hash::BuildHasher;

use foldhash::quality::RandomState;

/// Slots of an empty table: small, since a split with many time partitions has many dictionaries.
const SLOTS_MIN: usize = 64;
/// An index that marks a free slot.
const FREE: u32 = u32::MAX;

/// Distinct texts.
#[derive(Debug)]
pub(super) struct TextDictionary {
    slots: Vec<TextSlot>,
    len: u32,
    /// Each value behind its length in four bytes.
    page: Vec<u8>,
    seed: RandomState,
}

/// All of a value that can be compared without looking at its bytes.
#[derive(Debug, Clone, Copy)]
struct TextSlot {
    hash: u32,
    index: u32,
    start: u32,
    length: u32,
}

const FREE_TEXT: TextSlot = TextSlot { hash: 0, index: FREE, start: 0, length: 0 };

impl Default for TextDictionary {
    fn default() -> Self {
        let slots = vec![FREE_TEXT; SLOTS_MIN];
        TextDictionary { slots, len: 0, page: Vec::new(), seed: RandomState::default() }
    }
}

impl TextDictionary {
    /// The index of a value, and whether it is new.
    #[inline]
    pub(super) fn intern(&mut self, value: &[u8]) -> (u32, bool) {
        let hash = self.seed.hash_one(value) as u32;
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot.index == FREE {
                return (self.add(at, hash, value), true);
            }
            if slot.hash == hash && slot.length as usize == value.len() {
                let start = slot.start as usize;
                if same(&self.page[start..start + value.len()], value) {
                    return (slot.index, false);
                }
            }
            at = (at + 1) & mask;
        }
    }

    #[cold]
    fn add(&mut self, at: usize, hash: u32, value: &[u8]) -> u32 {
        let (index, length) = (self.len, value.len() as u32);
        self.page.extend_from_slice(&length.to_le_bytes());
        self.slots[at] = TextSlot { hash, index, start: self.page.len() as u32, length };
        self.page.extend_from_slice(value);
        self.len += 1;
        if self.len as usize * 2 > self.slots.len() {
            let slots = vec![FREE_TEXT; self.slots.len() * 4];
            let former = std::mem::replace(&mut self.slots, slots);
            let mask = self.slots.len() - 1;
            for slot in former.into_iter().filter(|slot| slot.index != FREE) {
                let mut at = slot.hash as usize & mask;
                while self.slots[at].index != FREE {
                    at = (at + 1) & mask;
                }
                self.slots[at] = slot;
            }
        }
        index
    }

    /// How many values.
    pub(super) fn len(&self) -> usize {
        self.len as usize
    }

    /// The dictionary page, uncompressed.
    pub(super) fn page(&self) -> &[u8] {
        &self.page
    }

    /// Forgets the values, and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.slots.fill(FREE_TEXT);
        self.page.clear();
        self.len = 0;
    }
}

/// Whether texts of equal length are equal. Most are short, where a call costs more than the comparison.
#[inline]
fn same(a: &[u8], b: &[u8]) -> bool {
    debug_assert_eq!(a.len(), b.len());
    if let (Some(a_first), Some(b_first)) = (a.first_chunk::<16>(), b.first_chunk::<16>()) {
        return a_first == b_first
            && if a.len() <= 32 { a.last_chunk::<16>() == b.last_chunk() } else { a == b };
    }
    if let (Some(a_first), Some(b_first)) = (a.first_chunk::<8>(), b.first_chunk::<8>()) {
        return a_first == b_first && a.last_chunk::<8>() == b.last_chunk();
    }
    if let (Some(a_first), Some(b_first)) = (a.first_chunk::<4>(), b.first_chunk::<4>()) {
        return a_first == b_first && a.last_chunk::<4>() == b.last_chunk();
    }
    a.iter().eq(b)
}

/// A value of fixed width.
pub(super) trait Word: Copy + PartialEq + Default {
    /// Its bytes in a page.
    type Bytes: AsRef<[u8]>;
    /// Encodes it.
    fn plain(self) -> Self::Bytes;
    /// Both halves of it.
    fn halves(self) -> (u64, u64);
}

impl Word for i64 {
    type Bytes = [u8; 8];
    #[inline]
    fn plain(self) -> [u8; 8] {
        self.to_le_bytes()
    }
    #[inline]
    fn halves(self) -> (u64, u64) {
        (self as u64, 0)
    }
}

/// A decimal's unscaled value, which Parquet has big-endian.
impl Word for i128 {
    type Bytes = [u8; 16];
    #[inline]
    fn plain(self) -> [u8; 16] {
        self.to_be_bytes()
    }
    #[inline]
    fn halves(self) -> (u64, u64) {
        (self as u64, (self >> 64) as u64)
    }
}

/// Distinct values of fixed width.
#[derive(Debug)]
pub(super) struct WordDictionary<T> {
    slots: Vec<(T, u32)>,
    len: u32,
    page: Vec<u8>,
    seed: RandomState,
    /// Neighbours are often equal: times above all.
    last: Option<(T, u32)>,
}

impl<T: Word> Default for WordDictionary<T> {
    fn default() -> Self {
        WordDictionary {
            slots: vec![(T::default(), FREE); SLOTS_MIN],
            len: 0,
            page: Vec::new(),
            seed: RandomState::default(),
            last: None,
        }
    }
}

impl<T: Word> WordDictionary<T> {
    /// The index of a value.
    #[inline]
    pub(super) fn intern(&mut self, value: T) -> u32 {
        if let Some((last, index)) = self.last
            && last == value
        {
            return index;
        }
        let mut at = self.place(value);
        let mask = self.slots.len() - 1;
        let index = loop {
            let (found, index) = self.slots[at];
            if index == FREE {
                break self.add(at, value);
            }
            if found == value {
                break index;
            }
            at = (at + 1) & mask;
        };
        self.last = Some((value, index));
        index
    }

    #[inline]
    fn place(&self, value: T) -> usize {
        self.seed.hash_one(value.halves()) as usize & (self.slots.len() - 1)
    }

    #[cold]
    fn add(&mut self, at: usize, value: T) -> u32 {
        let index = self.len;
        self.page.extend_from_slice(value.plain().as_ref());
        self.slots[at] = (value, index);
        self.len += 1;
        if self.len as usize * 2 > self.slots.len() {
            let slots = vec![(T::default(), FREE); self.slots.len() * 4];
            let former = std::mem::replace(&mut self.slots, slots);
            let mask = self.slots.len() - 1;
            for slot in former.into_iter().filter(|slot| slot.1 != FREE) {
                let mut at = self.place(slot.0);
                while self.slots[at].1 != FREE {
                    at = (at + 1) & mask;
                }
                self.slots[at] = slot;
            }
        }
        index
    }

    /// How many values.
    pub(super) fn len(&self) -> usize {
        self.len as usize
    }

    /// The dictionary page, uncompressed.
    pub(super) fn page(&self) -> &[u8] {
        &self.page
    }

    /// Forgets the values, and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.slots.fill((T::default(), FREE));
        self.page.clear();
        self.last = None;
        self.len = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn equal_texts_and_only_they_have_the_same_index(
            values in prop::collection::vec("[ab]{0,40}", 0..400),
        ) {
            let mut dictionary = TextDictionary::default();
            let mut known: HashMap<&str, u32> = HashMap::new();
            let mut page = Vec::new();
            for value in &values {
                let (index, new) = dictionary.intern(value.as_bytes());
                prop_assert_eq!(new, !known.contains_key(value.as_str()));
                if new {
                    page.extend_from_slice(&(value.len() as u32).to_le_bytes());
                    page.extend_from_slice(value.as_bytes());
                }
                let next = known.len() as u32;
                prop_assert_eq!(*known.entry(value).or_insert(next), index);
            }
            prop_assert_eq!(dictionary.page(), page);
            prop_assert_eq!(dictionary.len(), known.len());
        }

        #[test]
        fn texts_that_differ_in_one_byte_differ(
            text in prop::collection::vec(any::<u8>(), 1..70),
            at in any::<prop::sample::Index>(),
        ) {
            let mut other = text.clone();
            prop_assert!(same(&text, &other));
            other[at.index(text.len())] ^= 1;
            prop_assert!(!same(&text, &other));
        }

        #[test]
        fn equal_numbers_and_only_they_have_the_same_index(
            values in prop::collection::vec(-100_i128..100, 0..400),
        ) {
            let mut dictionary = WordDictionary::default();
            let mut known: Vec<i128> = Vec::new();
            for &value in &values {
                let index = dictionary.intern(value) as usize;
                match known.iter().position(|&k| k == value) {
                    Some(at) => prop_assert_eq!(at, index),
                    None => {
                        prop_assert_eq!(known.len(), index);
                        known.push(value);
                    }
                }
            }
            let page: Vec<u8> = known.iter().flat_map(|k| k.to_be_bytes()).collect();
            prop_assert_eq!(dictionary.page(), page);
        }
    }
}
