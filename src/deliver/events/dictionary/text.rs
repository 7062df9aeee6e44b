//! Texts.

use std::hash::{BuildHasher, Hasher};

use foldhash::quality::RandomState;

use super::{FREE, SLOTS_MIN, is_crowded};
use crate::engine::prefetch::prefetch;

/// Values that are looked up together, so that they wait for memory together.
pub(in super::super) const BATCH: usize = 64;

/// Where a value is.
#[derive(Debug, Clone, Copy)]
struct Slot {
    hash: u32,
    /// [`FREE`] where there is no value.
    index: u32,
    /// Of the value itself, in the page.
    start: u32,
    len: u32,
}

const NOTHING: Slot = Slot { hash: 0, index: FREE, start: 0, len: 0 };

/// Distinct texts.
#[derive(Debug)]
pub(in super::super) struct TextDictionary {
    slots: Vec<Slot>,
    len: usize,
    /// Each value behind its length in four bytes.
    page: Vec<u8>,
    seed: RandomState,
    /// Of the values that are looked up together: hash, and what stands in its slot.
    batch: Box<[(u32, Slot); BATCH]>,
}

impl Default for TextDictionary {
    fn default() -> Self {
        TextDictionary {
            slots: vec![NOTHING; SLOTS_MIN],
            len: 0,
            page: Vec::new(),
            seed: RandomState::default(),
            batch: Box::new([(0, NOTHING); BATCH]),
        }
    }
}

impl TextDictionary {
    /// Begins to look up values: at most [`BATCH`].
    #[inline]
    pub(in super::super) fn prepare<'v>(&mut self, values: impl Iterator<Item = &'v [u8]>) {
        for (entry, value) in self.batch.iter_mut().zip(values) {
            let mut hasher = self.seed.build_hasher();
            hasher.write(value);
            entry.0 = hasher.finish() as u32;
        }
        let mask = self.slots.len() - 1;
        for (hash, slot) in self.batch.iter_mut() {
            *slot = self.slots[*hash as usize & mask];
        }
        for (_, slot) in self.batch.iter() {
            prefetch(&self.page, slot.start as usize);
        }
    }

    /// The index of the `nth` value that was prepared, and whether it is new.
    #[inline]
    pub(in super::super) fn intern(&mut self, nth: usize, value: &[u8]) -> (u32, bool) {
        let (hash, slot) = self.batch[nth];
        // What stood there then has the same index now.
        if slot.hash == hash && slot.index != FREE && self.is(slot, value) {
            return (slot.index, false);
        }
        self.search(hash, value)
    }

    #[inline]
    fn is(&self, slot: Slot, value: &[u8]) -> bool {
        let start = slot.start as usize;
        slot.len as usize == value.len() && same(&self.page[start..start + value.len()], value)
    }

    fn search(&mut self, hash: u32, value: &[u8]) -> (u32, bool) {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot.index == FREE {
                return (self.add(at, hash, value), true);
            }
            if slot.hash == hash && self.is(slot, value) {
                return (slot.index, false);
            }
            at = (at + 1) & mask;
        }
    }

    fn add(&mut self, at: usize, hash: u32, value: &[u8]) -> u32 {
        let (index, len) = (self.len as u32, value.len() as u32);
        self.page.extend_from_slice(&len.to_le_bytes());
        self.slots[at] = Slot { hash, index, start: self.page.len() as u32, len };
        self.page.extend_from_slice(value);
        self.len += 1;
        if is_crowded(self.len, self.slots.len()) {
            let slots = vec![NOTHING; self.slots.len() * 2];
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
    pub(in super::super) fn len(&self) -> usize {
        self.len
    }

    /// The dictionary page, uncompressed.
    pub(in super::super) fn page(&self) -> &[u8] {
        &self.page
    }

    /// Forgets the values, and keeps the memory.
    pub(in super::super) fn clear(&mut self) {
        self.slots.fill(NOTHING);
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
    }
}
