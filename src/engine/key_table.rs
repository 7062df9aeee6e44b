//! Byte strings to gapless numbers: an arena of keys, and slots that point into it.

#[cfg(target_arch = "x86_64")]
mod x86;

use super::hash::{self, HEAD_BYTES, Hasher, Head};
use super::key;
use super::keys::KeyList;
use super::order;
use super::prefetch::prefetch;
use super::slots::{Probe, Slots};

/// Keys that are hashed and prefetched together: their cache lines are on the way at once, and are still there when read.
const BATCH: usize = 64;
/// Half of a cache line.
const HALF_LINE_BYTES: usize = 32;
/// Slots don't tell the lengths of keys from here on.
const LONG_KEY_BYTES: usize = u16::MAX as usize;

/// Keys by number, and numbers by key.
#[derive(Default)]
pub(in crate::engine) struct KeyTable {
    hasher: Hasher,
    /// Whether the keys are group keys, as [`key`] encodes them: then the hash of a single text is that of the text alone.
    encoded: bool,
    slots: Slots,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl KeyTable {
    /// For group keys, as [`key`] encodes them.
    pub(in crate::engine) fn encoded() -> Self {
        KeyTable { encoded: true, ..KeyTable::default() }
    }

    /// How many keys.
    #[inline]
    pub(in crate::engine) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A key by its number.
    #[inline]
    pub(in crate::engine) fn key(&self, number: u32) -> &[u8] {
        &self.bytes[self.start(number)..self.ends[number as usize]]
    }

    #[inline]
    fn start(&self, number: u32) -> usize {
        number.checked_sub(1).map_or(0, |before| self.ends[before as usize])
    }

    /// Appends the number of each key; those that were not known get new ones.
    pub(in crate::engine) fn intern_all(&mut self, keys: &impl KeyList, numbers: &mut Vec<u32>) {
        let mut hashes = [0; BATCH];
        for from in (0..keys.len()).step_by(BATCH) {
            let hashes = &mut hashes[..BATCH.min(keys.len() - from)];
            for (at, hash) in hashes.iter_mut().enumerate() {
                *hash = self.hash(keys.key(from + at));
            }
            if self.slots.is_large() {
                self.prefetch(hashes);
            }
            let probes = hashes.iter().enumerate();
            numbers.extend(probes.map(|(at, &hash)| self.probe(hash, keys.key(from + at))));
        }
    }

    /// Appends the number of the key of each of these rows' texts, in a table of encoded keys. Texts are encoded only where
    /// they are not known yet.
    pub(in crate::engine) fn intern_texts(
        &mut self,
        texts: &[&str],
        rows: &[u32],
        numbers: &mut Vec<u32>,
    ) {
        debug_assert!(self.encoded);
        #[cfg(target_arch = "x86_64")]
        if x86::intern_texts(self, texts, rows, numbers) {
            return;
        }
        self.intern_texts_by(hash::head, texts, rows, numbers);
    }

    /// The same where `head` gives the head of a text.
    #[inline(always)]
    fn intern_texts_by(
        &mut self,
        head: impl Fn(&[u8]) -> Head + Copy,
        texts: &[&str],
        rows: &[u32],
        numbers: &mut Vec<u32>,
    ) {
        let mut probes = [TextProbe::default(); BATCH];
        for rows in rows.chunks(BATCH) {
            let probes = &mut probes[..rows.len()];
            for (probe, &row) in probes.iter_mut().zip(rows) {
                let text = texts[row as usize].as_bytes();
                let head = head(text);
                *probe = TextProbe { hash: self.hasher.text(head, text), head, text };
            }
            if self.slots.is_large() {
                let mut hashes = [0; BATCH];
                hashes.iter_mut().zip(probes.iter()).for_each(|(hash, probe)| *hash = probe.hash);
                self.prefetch(&hashes[..probes.len()]);
            }
            let mut done = 0;
            while done < probes.len() {
                done += self.known_texts(head, &probes[done..], numbers);
                if let Some(probe) = probes.get(done) {
                    numbers.push(self.intern_text(probe));
                    done += 1;
                }
            }
        }
    }

    /// Appends the numbers of texts, up to the first that is not known: answers how many.
    #[inline(always)]
    fn known_texts(
        &self,
        head: impl Fn(&[u8]) -> Head + Copy,
        probes: &[TextProbe<'_>],
        numbers: &mut Vec<u32>,
    ) -> usize {
        let bytes = self.bytes.as_slice();
        let mut found = [0; BATCH];
        let mut count = 0;
        for (probe, found) in probes.iter().zip(&mut found) {
            let len = probe.text.len() + key::TEXT_EXTRA_BYTES;
            // A key whose bytes between its tag and its end are those of the text is that text's: in a key there is a byte
            // behind each 0 that no text has.
            let same =
                |_, start: usize| probe.is(head, &bytes[start + 1..start + 1 + probe.text.len()]);
            match self.slots.find(Probe { hash: probe.hash, len }, same) {
                Some(number) if len < LONG_KEY_BYTES => *found = number,
                _ => break,
            }
            count += 1;
        }
        numbers.extend_from_slice(&found[..count]);
        count
    }

    /// The number of a text that is not known, or long.
    #[inline(never)]
    fn intern_text(&mut self, probe: &TextProbe<'_>) -> u32 {
        let key = key::of_text(probe.text);
        let len = probe.text.len() + key::TEXT_EXTRA_BYTES;
        // A text with a zero byte has another hash once it is encoded, and may be known by that.
        if key.len() == len && len < LONG_KEY_BYTES {
            self.insert(Probe { hash: probe.hash, len }, &key)
        } else {
            self.intern(&key)
        }
    }

    /// The number of a key; a new one where it was not known.
    #[inline]
    pub(in crate::engine) fn intern(&mut self, key: &[u8]) -> u32 {
        self.probe(self.hash(key), key)
    }

    #[inline]
    fn hash(&self, key: &[u8]) -> u64 {
        match key::single_text(key).filter(|_| self.encoded) {
            Some(text) => self.hasher.text(hash::head(text), text),
            None => self.hasher.bytes(key),
        }
    }

    /// The number of a key whose hash is known.
    #[inline]
    pub(in crate::engine) fn intern_hashed(&mut self, hash: u64, key: &[u8]) -> u32 {
        self.probe(hash, key)
    }

    /// Asks for the cache line that a look for a hash reads first.
    #[inline]
    pub(in crate::engine) fn prefetch_slot(&self, hash: u64) {
        self.slots.prefetch(hash);
    }

    /// Slots first, all of a batch; then, as soon as those are there, the keys that they point to.
    fn prefetch(&self, hashes: &[u64]) {
        hashes.iter().for_each(|&hash| self.slots.prefetch(hash));
        for start in hashes.iter().filter_map(|&hash| self.slots.guess(hash)) {
            // Half of the keys of usual length reach into the next line.
            prefetch(&self.bytes, start);
            prefetch(&self.bytes, start + HALF_LINE_BYTES);
        }
    }

    #[inline]
    fn probe(&mut self, hash: u64, key: &[u8]) -> u32 {
        let probe = Probe { hash, len: key.len() };
        let (bytes, ends) = (&self.bytes, &self.ends);
        let same = |number: u32, start: usize| {
            let end = start + key.len();
            (key.len() < LONG_KEY_BYTES || ends[number as usize] == end)
                && same_bytes(&bytes[start..end], key)
        };
        self.slots.find(probe, same).unwrap_or_else(|| self.insert(probe, key))
    }

    fn insert(&mut self, probe: Probe, key: &[u8]) -> u32 {
        let number = self.ends.len() as u32;
        self.slots.insert(probe, number, self.bytes.len());
        self.push(key);
        number
    }

    /// Appends a key without making it findable: for what is only read from then on.
    pub(in crate::engine) fn push(&mut self, key: &[u8]) {
        self.bytes.extend_from_slice(key);
        self.ends.push(self.bytes.len());
    }

    /// Asks for what says where a key begins.
    #[inline]
    pub(in crate::engine) fn prefetch_place(&self, number: u32) {
        prefetch(&self.ends, number as usize);
    }

    /// Asks for the cache line that a key begins in.
    #[inline]
    pub(in crate::engine) fn prefetch_key(&self, number: u32) {
        prefetch(&self.bytes, self.start(number));
    }

    /// The numbers in the order of their keys.
    pub(in crate::engine) fn order(&self) -> Vec<u32> {
        order::by_key(self.len(), |number| self.key(number))
    }

    /// Gives back what only interning needs.
    pub(in crate::engine) fn forget_slots(&mut self) {
        self.slots = Slots::default();
    }

    /// Bytes on the heap; with those that the next doubling takes, once it is near.
    pub(in crate::engine) fn heap_bytes(&self) -> usize {
        let ends = self.ends.capacity() * size_of::<usize>();
        self.bytes.capacity() + ends + self.slots.heap_bytes()
    }

    /// Forgets all, keeping the buffers.
    pub(in crate::engine) fn clear(&mut self) {
        self.slots.clear();
        self.bytes.clear();
        self.ends.clear();
    }
}

/// A text that is looked up.
#[derive(Clone, Copy, Default)]
struct TextProbe<'t> {
    hash: u64,
    head: Head,
    text: &'t [u8],
}

impl TextProbe<'_> {
    /// Whether a text of the same length is the same.
    #[inline(always)]
    fn is(&self, head: impl Fn(&[u8]) -> Head, known: &[u8]) -> bool {
        head(known) == self.head && (known.len() <= HEAD_BYTES || same_bytes(known, self.text))
    }
}

/// Equality of two keys of one length, by words, inline: keys are short, and a call of `memcmp` costs more than comparing
/// them. The last word overlaps the one before.
#[inline]
fn same_bytes(a: &[u8], b: &[u8]) -> bool {
    let word = |bytes: &[u8; 8]| u64::from_ne_bytes(*bytes);
    match (a.last_chunk(), b.last_chunk()) {
        (Some(last_a), Some(last_b)) => {
            let pairs = a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0);
            word(last_a) == word(last_b) && pairs.into_iter().all(|(a, b)| word(a) == word(b))
        }
        _ => same_halves(a, b),
    }
}

/// The same for less than eight bytes.
#[inline]
fn same_halves(a: &[u8], b: &[u8]) -> bool {
    match (a.first_chunk::<4>(), b.first_chunk::<4>()) {
        (Some(first_a), Some(first_b)) => {
            first_a == first_b && a.last_chunk::<4>() == b.last_chunk::<4>()
        }
        _ => a.iter().zip(b).all(|(a, b)| a == b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu;
    use crate::engine::keys::{EndedKeys, FixedKeys};
    use proptest::prelude::*;
    use std::collections::{BTreeSet, HashMap};

    fn ended(keys: &[Vec<u8>]) -> (Vec<u8>, Vec<usize>) {
        let ends = keys.iter().scan(0, |end, key| {
            *end += key.len();
            Some(*end)
        });
        (keys.concat(), ends.collect())
    }

    /// The groups that a map gives.
    fn model(keys: &[Vec<u8>]) -> Vec<u32> {
        let mut groups = HashMap::new();
        keys.iter()
            .map(|key| {
                let next = groups.len() as u32;
                *groups.entry(key).or_insert(next)
            })
            .collect()
    }

    proptest! {
        #[test]
        fn batches_of_keys_get_the_groups_that_a_map_gives(
            keys in prop::collection::vec(prop::collection::vec(0u8..3, 0..20), 0..600),
            cut in 0usize..600,
        ) {
            let mut table = KeyTable::default();
            let mut groups = Vec::new();
            let cut = cut.min(keys.len());
            for part in [&keys[..cut], &keys[cut..]] {
                let (bytes, ends) = ended(part);
                table.intern_all(&EndedKeys { bytes: &bytes, ends: &ends }, &mut groups);
            }
            prop_assert_eq!(&groups, &model(&keys));
            let singly: Vec<u32> = keys.iter().map(|key| table.intern(key)).collect();
            prop_assert_eq!(&groups, &singly);
            let sorted: Vec<Vec<u8>> = table.order().iter().map(|&g| table.key(g).to_vec()).collect();
            let expected: BTreeSet<Vec<u8>> = keys.iter().cloned().collect();
            prop_assert_eq!(sorted, expected.into_iter().collect::<Vec<_>>());
        }

        // However a text comes, it is one group, and its key is what `key` makes of it.
        #[test]
        fn texts_get_the_groups_that_their_keys_get(
            texts in prop::collection::vec("[ab\u{0}\u{1}é]{0,24}|[a-c]{0,2}|a{65530,65540}", 0..200), singly in 0usize..200,
            level in 0..cpu::Level::ALL.len(),
        ) {
            let keys: Vec<Vec<u8>> = texts.iter().map(|text| key::of_text(text.as_bytes())).collect();
            let rows: Vec<u32> = (0..texts.len() as u32).skip(singly).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            // At one level a case: the long texts take their time.
            let mut levels = cpu::each_level();
            levels.nth(level);
            let (mut table, mut groups) = (KeyTable::encoded(), Vec::new());
            for key in keys.iter().take(singly) {
                groups.push(table.intern(key));
            }
            table.intern_texts(&texts, &rows, &mut groups);
            prop_assert_eq!(&groups, &model(&keys));
            prop_assert!(groups.iter().zip(&keys).all(|(&group, key)| table.key(group) == key));
            let again: Vec<u32> = keys.iter().map(|key| table.intern(key)).collect();
            prop_assert_eq!(groups, again);
        }

        #[test]
        fn equality_by_words_is_equality(a in prop::collection::vec(0u8..2, 0..40), at in 0usize..40, flip in any::<bool>()) {
            let mut b = a.clone();
            if flip && at < b.len() {
                b[at] ^= 1;
            }
            prop_assert_eq!(same_bytes(&a, &b), a == b);
        }
    }

    #[test]
    fn a_table_that_outgrows_the_caches_gives_the_same_groups() {
        let keys: Vec<Vec<u8>> = (0..120_000u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) % 50_000).to_be_bytes().to_vec())
            .collect();
        let bytes = keys.concat();
        let (mut table, mut groups) = (KeyTable::default(), Vec::new());
        table.intern_all(&FixedKeys { bytes: &bytes, stride: 4 }, &mut groups);
        assert_eq!(groups, model(&keys));
        assert!(table.slots.is_large());
        table.clear();
        assert_eq!(table.intern(&keys[7]), 0);
    }

    #[test]
    fn keys_longer_than_a_slot_can_say_are_told_apart() {
        let long = |len: usize| vec![1u8; len];
        let keys =
            [long(65_534), long(65_535), long(65_536), long(200_000), long(65_535), long(65_534)];
        let mut table = KeyTable::default();
        let groups: Vec<u32> = keys.iter().map(|key| table.intern(key)).collect();
        assert_eq!(groups, [0, 1, 2, 3, 1, 0]);
    }
}
