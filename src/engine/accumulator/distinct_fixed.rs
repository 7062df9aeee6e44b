//! Sets of (group, value) for values of fixed width: the value is its own entry.

use std::cmp::Ordering;
use std::hash::Hash;

use foldhash::fast::FixedState;
use hashbrown::HashSet;

use super::Input;
use super::count_distinct::DistinctSet;
use super::encode::{self, Reader};
use super::grouped::{argument, each_value};
use super::value::{Value, canonical};

/// A value type with a one-to-one map of its canonical values to unsigned integers.
pub(super) trait Keyed: Value {
    /// The integer.
    type Key: Sync + Copy + Ord + Hash + Send + Into<u128> + TryFrom<u128> + 'static;
    /// Maps a value; near values should be near, for short states.
    fn key(item: Self::Item<'_>) -> Self::Key;
}

impl Keyed for i64 {
    type Key = u64;
    #[inline]
    fn key(item: i64) -> u64 {
        item as u64 ^ 1 << 63
    }
}

impl Keyed for f64 {
    type Key = u64;
    #[inline]
    fn key(item: f64) -> u64 {
        canonical(item).to_bits()
    }
}

impl Keyed for bool {
    type Key = u64;
    #[inline]
    fn key(item: bool) -> u64 {
        u64::from(item)
    }
}

impl Keyed for i128 {
    type Key = u128;
    #[inline]
    fn key(item: i128) -> u128 {
        item as u128 ^ 1 << 127
    }
}

/// A set of (group, key).
pub(super) struct FixedSet<V: Keyed> {
    set: HashSet<(u32, V::Key), FixedState>,
}

impl<V: Keyed> Default for FixedSet<V> {
    fn default() -> Self {
        FixedSet { set: HashSet::default() }
    }
}

impl<V: Keyed> FixedSet<V> {
    #[inline]
    fn insert(&mut self, group: u32, key: V::Key, counts: &mut [u64]) {
        counts[group as usize] += u64::from(self.set.insert((group, key)));
    }
}

impl<V: Keyed> DistinctSet for FixedSet<V> {
    type Entry = V::Key;
    const CODE: u8 = V::CODE;

    fn update(&mut self, input: &Input<'_, '_>, counts: &mut [u64]) {
        let items = V::items(argument(input));
        each_value(input, |group, row| self.insert(group as u32, V::key(items[row]), counts));
    }

    fn merge(&mut self, other: &Self, mapping: &[u32], counts: &mut [u64]) {
        let taken = |entry: &&(u32, V::Key)| mapping[entry.0 as usize] != u32::MAX;
        for &(group, key) in other.set.iter().filter(taken) {
            self.insert(mapping[group as usize], key, counts);
        }
    }

    fn entries(&self) -> impl Iterator<Item = (u32, V::Key)> {
        self.set.iter().copied()
    }

    fn compare(&self, a: V::Key, b: V::Key) -> Ordering {
        a.cmp(&b)
    }

    fn write(&self, sorted: &[V::Key], out: &mut Vec<u8>) {
        encode::put_varint(out, sorted.len() as u64);
        let mut last = 0u128;
        for &key in sorted {
            encode::put_varint_wide(out, key.into() - last);
            last = key.into();
        }
    }

    fn read(&mut self, group: u32, reader: &mut Reader<'_>, counts: &mut [u64]) -> Option<()> {
        let len = reader.length().filter(|len| *len > 0)?;
        let mut keys = Vec::with_capacity(len);
        let mut last = 0u128;
        for i in 0..len {
            let step = reader.varint_wide().filter(|step| i == 0 || *step > 0)?;
            last = last.checked_add(step)?;
            keys.push(V::Key::try_from(last).ok()?);
        }
        reader.is_at_end().then_some(())?;
        keys.into_iter().for_each(|key| self.insert(group, key, counts));
        Some(())
    }

    fn heap(&self) -> usize {
        self.set.allocation_size()
    }

    fn clear(&mut self) {
        self.set.clear();
    }
}
