//! The hash table of a group table: open addressing over slots of 16 bytes, four to a cache line, in the order of the
//! hashes. A slot holds enough to pass over nearly all other keys, and where its own key stands.

use super::prefetch::prefetch;

/// Slots of an empty table that is about to get its first key, as a power of two.
const BITS_MIN: u32 = 3;
/// A position takes so many bits of the hash at most, since a slot keeps 32 of them.
const BITS_MAX: u32 = 32;
/// Bits of a slot's place that say how long the key is; longer ones say all ones.
const LEN_BITS: u32 = 16;
const LEN_MAX: u64 = (1 << LEN_BITS) - 1;
/// Tables above so many bytes are worth a prefetch: they outgrow the second-level cache.
const PREFETCH_BYTES: usize = 256 << 10;

/// Tables of up to so many slots, 64 KiB, are kept sparse.
const SPARSE_MAX: usize = 8192;

/// Upper half of the hash, then the group above 0; and where the key starts, then its length. All zero: free. Words, so
/// that a new table is zeroed pages that nobody has touched.
type Slot = [u64; 2];

/// What a probe looks for.
#[derive(Clone, Copy)]
pub(super) struct Probe {
    /// The hash of the key.
    pub(super) hash: u64,
    /// Its length in bytes.
    pub(super) len: usize,
}

/// Where keys are, by their hash.
#[derive(Default)]
pub(super) struct Slots {
    slots: Vec<Slot>,
    bits: u32,
    used: usize,
}

impl Probe {
    #[inline]
    fn tag(self) -> u64 {
        self.hash >> 32
    }

    #[inline]
    fn short_len(self) -> u64 {
        (self.len as u64).min(LEN_MAX)
    }
}

impl Slots {
    /// Whether a probe is likely to miss the caches, so that batches of them should be prefetched.
    #[inline]
    pub(super) fn is_large(&self) -> bool {
        size_of_val(self.slots.as_slice()) > PREFETCH_BYTES
    }

    /// Where a key's slot is, or would be were there no other: the upper bits of the hash.
    #[inline]
    fn home(&self, tag: u64) -> usize {
        (tag >> (32 - self.bits)) as usize
    }

    /// Asks for the cache line that [`Slots::find`] will read first.
    #[inline]
    pub(super) fn prefetch(&self, hash: u64) {
        prefetch(&self.slots, self.home(hash >> 32));
    }

    /// Where the key of the first slot with this tag starts, if that is near: for prefetching it.
    #[inline]
    pub(super) fn guess(&self, hash: u64) -> Option<usize> {
        let slot = self.slots.get(self.home(hash >> 32))?;
        (slot[0] >> 32 == hash >> 32).then_some((slot[1] >> LEN_BITS) as usize)
    }

    /// The group of a key, where `same` says whether the key of a group, which starts at a place, is the wanted one. It is
    /// asked for keys of the same length, or for all above 64 KiB.
    #[inline]
    pub(super) fn find(&self, probe: Probe, same: impl Fn(u32, usize) -> bool) -> Option<u32> {
        let mask = self.slots.len().checked_sub(1)?;
        let (tag, len) = (probe.tag(), probe.short_len());
        let mut at = self.home(tag);
        loop {
            let [head, place] = self.slots[at & mask];
            let group = (head as u32).checked_sub(1)?;
            if head >> 32 == tag
                && place & LEN_MAX == len
                && same(group, (place >> LEN_BITS) as usize)
            {
                return Some(group);
            }
            at += 1;
        }
    }

    /// Notes a key that is not there yet, and starts at this place.
    #[inline]
    pub(super) fn insert(&mut self, probe: Probe, group: u32, start: usize) {
        // In a small table a second look costs more than memory: it is one more jump that nobody can predict.
        let crowded = if self.slots.len() <= SPARSE_MAX { 1 } else { 10 };
        if self.used * 16 >= self.slots.len() * crowded {
            self.grow();
        }
        self.used += 1;
        let head = probe.tag() << 32 | (u64::from(group) + 1);
        self.put([head, (start as u64) << LEN_BITS | probe.short_len()]);
    }

    #[inline]
    fn put(&mut self, slot: Slot) {
        let mask = self.slots.len() - 1;
        let mut at = self.home(slot[0] >> 32);
        while self.slots[at & mask] != [0; 2] {
            at += 1;
        }
        self.slots[at & mask] = slot;
    }

    /// Doubles the table. The slots are in the order of their hashes, but for neighbours: both tables are walked once from
    /// front to back.
    #[cold]
    fn grow(&mut self) {
        self.bits = if self.slots.is_empty() { BITS_MIN } else { self.bits + 1 };
        assert!(self.bits <= BITS_MAX, "memory ends before 2^31 groups");
        let old = std::mem::replace(&mut self.slots, vec![[0; 2]; 1 << self.bits]);
        old.into_iter().filter(|slot| *slot != [0; 2]).for_each(|slot| self.put(slot));
    }

    /// Bytes on the heap; with those of the next doubling, once it is near.
    pub(super) fn heap_bytes(&self) -> usize {
        let now = self.slots.capacity() * size_of::<Slot>();
        // A sixteenth of the table is more than what comes between two looks at the memory of a large table.
        let is_near = self.slots.len() > 1 << 16 && self.used * 16 >= self.slots.len() * 9;
        if is_near { 3 * now } else { now }
    }

    /// Forgets all, keeping the buffer.
    pub(super) fn clear(&mut self) {
        self.slots.fill([0; 2]);
        self.used = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        // Few tags and lengths, so that slots collide, wrap around the end and are told apart by `same` alone.
        #[test]
        fn a_key_is_found_among_others_with_its_hash(keys in prop::collection::vec((0u64..4, 65_534usize..65_538), 0..300)) {
            let mut slots = Slots::default();
            let mut model: Vec<(u64, usize)> = Vec::new();
            for (tag, len) in keys {
                let probe = Probe { hash: (u64::MAX - tag) << 32 | tag, len };
                let same = |group: u32, start: usize| {
                    assert_eq!(start, group as usize * 100);
                    model[group as usize] == (tag, len)
                };
                let found = slots.find(probe, same);
                let expected = model.iter().position(|&known| known == (tag, len));
                prop_assert_eq!(found.map(|group| group as usize), expected);
                if expected.is_none() {
                    slots.insert(probe, model.len() as u32, model.len() * 100);
                    model.push((tag, len));
                }
            }
        }
    }

    #[test]
    fn a_table_that_is_about_to_double_counts_what_that_takes() {
        let mut slots = Slots::default();
        let (mut most, mut next) = (0, 0);
        for group in 0..1_000_000u32 {
            let hash = u64::from(group).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let before = slots.slots.len();
            let told = slots.heap_bytes();
            slots.insert(Probe { hash, len: 9 }, group, 0);
            if slots.slots.len() > before && before > 1 << 16 {
                assert!(told >= (before + slots.slots.len()) * size_of::<Slot>());
                next += 1;
            }
            most = most.max(told);
        }
        assert!(next > 2 && most > 0);
    }
}
