//! The group table of one worker and one partition: keys to gapless group ids, and columnar accumulators.

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

use super::accumulator::Accumulator;

/// Hash of a group key. It decides partitions and slots only, never results.
#[inline]
pub fn hash_key(key: &[u8]) -> u64 {
    FixedState::with_seed(0x6c6f_676d_696c_6c31).hash_one(key)
}

/// Where a key stands, in the hash table's own slot: a probe touches the slot and the key, nothing else.
#[derive(Clone, Copy)]
struct Slot {
    start: usize,
    len: u32,
    group: u32,
}

/// Keys, in an arena of their own, and the states of their groups.
pub struct GroupTable {
    slots: HashTable<Slot>,
    hashes: Vec<u64>,
    keys: Vec<u8>,
    ends: Vec<usize>,
    /// One a distinct aggregate call of the plan, indexed by group id.
    pub accumulators: Vec<Box<dyn Accumulator>>,
}

impl GroupTable {
    /// An empty table over these (empty) accumulators.
    pub fn new(accumulators: Vec<Box<dyn Accumulator>>) -> Self {
        GroupTable {
            slots: HashTable::new(),
            hashes: Vec::new(),
            keys: Vec::new(),
            ends: Vec::new(),
            accumulators,
        }
    }

    /// How many groups.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether there is no group.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// The key of a group.
    #[inline]
    pub fn key(&self, group: u32) -> &[u8] {
        let group = group as usize;
        let start = if group == 0 { 0 } else { self.ends[group - 1] };
        &self.keys[start..self.ends[group]]
    }

    /// The group of a key; a new one where it was not known. Accumulators are resized by [`GroupTable::grow`].
    #[inline]
    pub fn intern(&mut self, hash: u64, key: &[u8]) -> u32 {
        let (keys, hashes) = (&self.keys, &self.hashes);
        let same = |slot: &Slot| {
            slot.len as usize == key.len()
                && same_bytes(&keys[slot.start..slot.start + slot.len as usize], key)
        };
        if let Some(slot) = self.slots.find(hash, same) {
            return slot.group;
        }
        let slot = Slot { start: keys.len(), len: key.len() as u32, group: hashes.len() as u32 };
        self.slots.insert_unique(hash, slot, |slot| hashes[slot.group as usize]);
        self.hashes.push(hash);
        self.keys.extend_from_slice(key);
        self.ends.push(self.keys.len());
        slot.group
    }

    /// Makes room for every group in the accumulators.
    pub fn grow(&mut self) {
        let groups = self.len();
        self.accumulators.iter_mut().for_each(|a| a.resize(groups));
    }

    /// Folds another table in.
    pub fn merge(&mut self, other: &GroupTable) {
        let mapping: Vec<u32> = (0..other.len() as u32)
            .map(|group| self.intern(other.hashes[group as usize], other.key(group)))
            .collect();
        self.grow();
        for (mine, theirs) in self.accumulators.iter_mut().zip(&other.accumulators) {
            mine.merge(theirs.as_ref(), &mapping);
        }
    }

    /// Group ids in the order of their keys, ready to be read out.
    pub fn sorted(&mut self) -> Vec<u32> {
        self.accumulators.iter_mut().for_each(|a| a.seal());
        // Most keys differ in their first bytes behind the tag: comparing a copied prefix spares two cache misses.
        let mut order: Vec<(u64, u32)> =
            (0..self.len() as u32).map(|group| (prefix(self.key(group)), group)).collect();
        order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| self.key(a.1).cmp(self.key(b.1))));
        order.into_iter().map(|(_, group)| group).collect()
    }

    /// Appends the states of a group: each with its length before it.
    pub fn state(&self, group: u32, scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
        for accumulator in &self.accumulators {
            scratch.clear();
            accumulator.state(group as usize, scratch);
            super::state::append(scratch, out);
        }
    }

    /// Bytes on the heap, roughly.
    pub fn heap_bytes(&self) -> usize {
        let states: usize = self.accumulators.iter().map(|a| a.heap_bytes()).sum();
        let index =
            self.hashes.capacity() * 8 + self.ends.capacity() * 8 + self.slots.capacity() * 17;
        self.keys.capacity() + index + states
    }

    /// Forgets all groups.
    pub fn clear(&mut self) {
        self.slots.clear();
        self.hashes.clear();
        self.keys.clear();
        self.ends.clear();
        self.accumulators.iter_mut().for_each(|a| a.clear());
    }
}

/// Equality of two keys of one length, by words, inline: keys are short, and a call of `memcmp` costs more than comparing them.
#[inline]
fn same_bytes(a: &[u8], b: &[u8]) -> bool {
    let (words_a, rest_a) = a.as_chunks::<8>();
    let (words_b, rest_b) = b.as_chunks::<8>();
    let word = |bytes: &[u8; 8]| u64::from_ne_bytes(*bytes);
    words_a.iter().zip(words_b).all(|(x, y)| word(x) == word(y))
        && rest_a.iter().zip(rest_b).all(|(x, y)| x == y)
}

/// The first eight bytes behind the tag of a key, as a number that sorts as they do.
fn prefix(key: &[u8]) -> u64 {
    let mut head = [0; 8];
    let len = key.len().min(9);
    head[..len.saturating_sub(1)].copy_from_slice(key.get(1..len).unwrap_or_default());
    // The tag is kept in the top bit, so that NULL stays first.
    let tag = u64::from(key.first().copied().unwrap_or(0) != 0) << 63;
    (u64::from_be_bytes(head) >> 1) | tag
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_come_out_once_each_and_sorted(keys in prop::collection::vec(prop::collection::vec(0u8..3, 0..12), 0..200)) {
            let mut table = GroupTable::new(Vec::new());
            for key in &keys {
                table.intern(hash_key(key), key);
            }
            let sorted: Vec<Vec<u8>> = table.sorted().iter().map(|&g| table.key(g).to_vec()).collect();
            let expected: std::collections::BTreeSet<Vec<u8>> = keys.iter().cloned().collect();
            // Only keys that begin with a tag 0 or 1 occur; others sort by the rest alone.
            if keys.iter().all(|k| k.first().is_none_or(|&t| t < 2)) {
                prop_assert_eq!(sorted, expected.into_iter().collect::<Vec<_>>());
            } else {
                prop_assert_eq!(sorted.len(), expected.len());
            }
        }
    }
}
