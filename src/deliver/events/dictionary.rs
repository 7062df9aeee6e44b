//! Dictionaries of one column chunk: each distinct value once, in the order of first appearance, already encoded as the
//! dictionary page has them. That order depends on the rows alone, so a file's bytes do, although the hashes are seeded anew
//! in each process: the values come from whoever writes to the logs.

use std::hash::{BuildHasher, Hasher};

use foldhash::quality::RandomState;

/// Slots of an empty table: small, since a split with many time partitions has many dictionaries.
const SLOTS_MIN: usize = 64;
/// Numbers below it have a slot of their own: status codes, durations, most sizes.
const SMALL: usize = 1 << 16;
/// An index that marks a free slot.
const FREE: u32 = u32::MAX;

/// Values that are looked up together, so that they wait for memory together.
pub(super) const BATCH: usize = 64;

/// Distinct texts.
#[derive(Debug)]
pub(super) struct TextDictionary {
    /// Hash and index of a value, or of none.
    slots: Vec<(u32, u32)>,
    /// Where each value ends in the page; it begins four bytes behind the end of the one before.
    ends: Vec<u32>,
    /// Each value behind its length in four bytes.
    page: Vec<u8>,
    seed: RandomState,
    /// Of the values that are looked up together: hash, and what stands in its slot.
    batch: Box<[(u32, (u32, u32)); BATCH]>,
}

impl Default for TextDictionary {
    fn default() -> Self {
        TextDictionary {
            slots: vec![(0, FREE); SLOTS_MIN],
            ends: Vec::new(),
            page: Vec::new(),
            seed: RandomState::default(),
            batch: Box::new([(0, (0, FREE)); BATCH]),
        }
    }
}

impl TextDictionary {
    /// Begins to look up values: at most [`BATCH`].
    #[inline]
    pub(super) fn prepare<'v>(&mut self, values: impl Iterator<Item = &'v [u8]>) {
        for (entry, value) in self.batch.iter_mut().zip(values) {
            let mut hasher = self.seed.build_hasher();
            hasher.write(value);
            entry.0 = hasher.finish() as u32;
        }
        let mask = self.slots.len() - 1;
        for (hash, slot) in self.batch.iter_mut() {
            *slot = self.slots[*hash as usize & mask];
        }
    }

    /// The index of the `nth` value that was prepared, and whether it is new.
    #[inline]
    pub(super) fn intern(&mut self, nth: usize, value: &[u8]) -> (u32, bool) {
        let (hash, (found, index)) = self.batch[nth];
        // What stood there then has the same index now.
        if found == hash && index != FREE && self.is(index, value) {
            return (index, false);
        }
        self.search(hash, value)
    }

    #[inline]
    fn is(&self, index: u32, value: &[u8]) -> bool {
        let end = self.ends[index as usize] as usize;
        let length = (value.len() as u32).to_le_bytes();
        end.checked_sub(value.len() + 4).is_some_and(|start| {
            let (prefix, bytes) = self.page[start..end].split_at(4);
            prefix == length && same(bytes, value)
        })
    }

    fn search(&mut self, hash: u32, value: &[u8]) -> (u32, bool) {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let (found, index) = self.slots[at];
            if index == FREE {
                return (self.add(at, hash, value), true);
            }
            if found == hash && self.is(index, value) {
                return (index, false);
            }
            at = (at + 1) & mask;
        }
    }

    fn add(&mut self, at: usize, hash: u32, value: &[u8]) -> u32 {
        let index = self.ends.len() as u32;
        self.page.extend_from_slice(&(value.len() as u32).to_le_bytes());
        self.page.extend_from_slice(value);
        self.ends.push(self.page.len() as u32);
        self.slots[at] = (hash, index);
        if is_crowded(self.ends.len(), self.slots.len()) {
            let slots = vec![(0, FREE); self.slots.len() * 2];
            let former = std::mem::replace(&mut self.slots, slots);
            let mask = self.slots.len() - 1;
            for slot in former.into_iter().filter(|slot| slot.1 != FREE) {
                let mut at = slot.0 as usize & mask;
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
        self.ends.len()
    }

    /// The dictionary page, uncompressed.
    pub(super) fn page(&self) -> &[u8] {
        &self.page
    }

    /// Forgets the values, and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.slots.fill((0, FREE));
        self.page.clear();
        self.ends.clear();
    }
}

/// Whether a table needs more slots.
fn is_crowded(len: usize, slots: usize) -> bool {
    len * 3 > slots * 2
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
    /// Its hash.
    fn hash(self, seed: &RandomState) -> u64;
    /// A number below [`SMALL`].
    fn small(self) -> Option<usize>;
}

impl Word for i64 {
    type Bytes = [u8; 8];
    #[inline]
    fn plain(self) -> [u8; 8] {
        self.to_le_bytes()
    }
    #[inline]
    fn hash(self, seed: &RandomState) -> u64 {
        seed.hash_one(self as u64)
    }
    #[inline]
    fn small(self) -> Option<usize> {
        ((self as u64) < SMALL as u64).then_some(self as usize)
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
    fn hash(self, seed: &RandomState) -> u64 {
        seed.hash_one(self as u128)
    }
    #[inline]
    fn small(self) -> Option<usize> {
        ((self as u128) < SMALL as u128).then_some(self as usize)
    }
}

/// Distinct values of fixed width.
#[derive(Debug)]
pub(super) struct WordDictionary<T> {
    slots: Vec<(T, u32)>,
    /// Indices of small numbers, by the number; `FREE` where it was not seen.
    small: Vec<u32>,
    len: u32,
    /// Values that are in a slot.
    hashed: usize,
    page: Vec<u8>,
    seed: RandomState,
    /// Neighbours are often equal: times above all.
    last: Option<(T, u32)>,
}

impl<T: Word> Default for WordDictionary<T> {
    fn default() -> Self {
        WordDictionary {
            slots: vec![(T::default(), FREE); SLOTS_MIN],
            small: Vec::new(),
            len: 0,
            hashed: 0,
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
        let index = match value.small().and_then(|at| self.small.get(at)) {
            Some(&index) if index != FREE => index,
            _ => self.search(value),
        };
        self.last = Some((value, index));
        index
    }

    fn search(&mut self, value: T) -> u32 {
        if let Some(at) = value.small() {
            if at >= self.small.len() {
                self.small.resize((at + 1).next_power_of_two(), FREE);
            }
            if self.small[at] == FREE {
                self.small[at] = self.push(value);
            }
            return self.small[at];
        }
        let mask = self.slots.len() - 1;
        let mut at = self.place(value);
        loop {
            let (found, index) = self.slots[at];
            if index == FREE {
                return self.add(at, value);
            }
            if found == value {
                return index;
            }
            at = (at + 1) & mask;
        }
    }

    fn push(&mut self, value: T) -> u32 {
        self.page.extend_from_slice(value.plain().as_ref());
        self.len += 1;
        self.len - 1
    }

    #[inline]
    fn place(&self, value: T) -> usize {
        value.hash(&self.seed) as usize & (self.slots.len() - 1)
    }

    fn add(&mut self, at: usize, value: T) -> u32 {
        let index = self.push(value);
        self.slots[at] = (value, index);
        self.hashed += 1;
        if is_crowded(self.hashed, self.slots.len()) {
            let slots = vec![(T::default(), FREE); self.slots.len() * 2];
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
        self.small.clear();
        self.page.clear();
        self.last = None;
        (self.len, self.hashed) = (0, 0);
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
                dictionary.prepare(std::iter::once(value.as_bytes()));
                let (index, new) = dictionary.intern(0, value.as_bytes());
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
            values in prop::collection::vec(prop_oneof![-100_i128..100, 65_500_i128..65_600], 0..400),
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
