//! Sets of (group, text): the bytes lie one after the other in one buffer, the table holds the places of entries.

use std::cmp::Ordering;
use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::Input;
use super::count_distinct::DistinctSet;
use super::encode::{self, Reader};
use super::grouped::{argument, each_value};
use super::value::{Text, Value};

/// A set of (group, text).
#[derive(Default)]
pub(super) struct TextSet {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// Places in `entries`.
    table: HashTable<u32>,
}

struct Entry {
    /// Of the text alone, so that a merge, which renames groups, need not read the text again.
    hash: u64,
    start: usize,
    len: u32,
    group: u32,
}

impl Entry {
    fn key(&self) -> u64 {
        in_group(self.hash, self.group)
    }

    fn text<'s>(&self, bytes: &'s [u8]) -> &'s [u8] {
        &bytes[self.start..self.start + self.len as usize]
    }
}

/// The hash of text in a group.
#[inline]
fn in_group(hash: u64, group: u32) -> u64 {
    hash ^ u64::from(group).wrapping_mul(0x9e37_79b9_7f4a_7c15) // the golden ratio spreads small ids
}

#[inline]
fn hash(text: &[u8]) -> u64 {
    FixedState::default().hash_one(text)
}

impl TextSet {
    fn text(&self, at: u32) -> &[u8] {
        self.entries[at as usize].text(&self.bytes)
    }

    #[inline]
    fn insert(&mut self, group: u32, hash: u64, text: &[u8], counts: &mut [u64]) {
        let (entries, bytes) = (&self.entries, &self.bytes);
        let same = |&at: &u32| {
            let entry = &entries[at as usize];
            entry.hash == hash && entry.group == group && entry.text(bytes) == text
        };
        let key = in_group(hash, group);
        if self.table.find(key, same).is_some() {
            return;
        }
        let entry = Entry {
            hash,
            start: bytes.len(),
            len: u32::try_from(text.len()).expect("a line is shorter than 4 GiB"),
            group,
        };
        let at = u32::try_from(entries.len()).expect("memory ends before 2^32 entries");
        self.table.insert_unique(key, at, |&at| entries[at as usize].key());
        self.entries.push(entry);
        self.bytes.extend_from_slice(text);
        counts[group as usize] += 1;
    }
}

impl DistinctSet for TextSet {
    type Entry = u32;
    const CODE: u8 = Text::CODE;

    fn update(&mut self, input: &Input<'_, '_>, counts: &mut [u64]) {
        let items = Text::items(argument(input));
        each_value(input, |group, row| {
            let text = items[row].as_bytes();
            self.insert(group as u32, hash(text), text, counts);
        });
    }

    fn merge(&mut self, other: &Self, mapping: &[u32], counts: &mut [u64]) {
        let taken = |entry: &&Entry| mapping[entry.group as usize] != u32::MAX;
        for entry in other.entries.iter().filter(taken) {
            self.insert(
                mapping[entry.group as usize],
                entry.hash,
                entry.text(&other.bytes),
                counts,
            );
        }
    }

    fn entries(&self) -> impl Iterator<Item = (u32, u32)> {
        (0..).zip(&self.entries).map(|(at, entry)| (entry.group, at))
    }

    fn compare(&self, a: u32, b: u32) -> Ordering {
        self.text(a).cmp(self.text(b))
    }

    fn write(&self, sorted: &[u32], out: &mut Vec<u8>) {
        encode::put_varint(out, sorted.len() as u64);
        for &at in sorted {
            encode::put_bytes(out, self.text(at));
        }
    }

    fn read(&mut self, group: u32, reader: &mut Reader<'_>, counts: &mut [u64]) -> Option<()> {
        let len = reader.length().filter(|len| *len > 0)?;
        let mut texts = Vec::with_capacity(len);
        for _ in 0..len {
            let text = reader.bytes()?;
            if texts.last().is_some_and(|last: &&[u8]| *last >= text) {
                return None;
            }
            texts.push(text);
        }
        reader.is_at_end().then_some(())?;
        texts.into_iter().for_each(|text| self.insert(group, hash(text), text, counts));
        Some(())
    }

    fn heap(&self) -> usize {
        self.bytes.capacity()
            + self.entries.capacity() * size_of::<Entry>()
            + self.table.allocation_size()
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.table.clear();
    }
}
