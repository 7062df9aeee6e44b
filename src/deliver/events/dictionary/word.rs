//! Values of fixed width.

use std::hash::BuildHasher;

use foldhash::quality::RandomState;

use super::{FREE, SLOTS_MIN, is_crowded};

/// Numbers below it have a slot of their own: status codes, durations, most sizes.
const SMALL: usize = 1 << 16;

/// A value of fixed width.
pub(in super::super) trait Word: Copy + PartialEq + Default {
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
pub(in super::super) struct WordDictionary<T> {
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
    pub(in super::super) fn intern(&mut self, value: T) -> u32 {
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
    pub(in super::super) fn len(&self) -> usize {
        self.len as usize
    }

    /// The dictionary page, uncompressed.
    pub(in super::super) fn page(&self) -> &[u8] {
        &self.page
    }

    /// Forgets the values, and keeps the memory.
    pub(in super::super) fn clear(&mut self) {
        self.slots.fill((T::default(), FREE));
        self.small.clear();
        self.page.clear();
        self.last = None;
        (self.len, self.hashed) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
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
