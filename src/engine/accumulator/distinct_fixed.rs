//! Sets of values of fixed width: the value is its own element.

use super::count_distinct::DistinctSet;
use super::encode::{self, Reader};
use super::value::{Value, canonical};
use super::value_set::{Element, ValueSet};
use crate::engine::hash::Hasher;

/// A value type with a one-to-one map of its canonical values to unsigned integers.
pub(super) trait Keyed: Value {
    /// The integer.
    type Key: Element + Into<u128> + TryFrom<u128>;
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

/// A set of values of type `V`.
pub(super) struct FixedSet<V: Keyed> {
    set: ValueSet<V::Key>,
}

impl<V: Keyed> Default for FixedSet<V> {
    fn default() -> Self {
        FixedSet { set: ValueSet::default() }
    }
}

impl<V: Keyed> DistinctSet for FixedSet<V> {
    type Value = V;
    type Probe = (V::Key, u64);

    #[inline]
    fn probe(item: V::Item<'_>, hasher: Hasher) -> Self::Probe {
        let key = V::key(item);
        (key, key.hash(hasher))
    }

    #[inline]
    fn prefetch(&self, probe: Self::Probe) {
        self.set.prefetch(probe.1);
    }

    #[inline]
    fn insert(&mut self, _: V::Item<'_>, (key, hash): Self::Probe, hasher: Hasher) -> usize {
        self.set.insert(key, hash, hasher)
    }

    fn merge(&mut self, other: &Self, hasher: Hasher) {
        self.set.merge(&other.set, hasher);
    }

    #[inline]
    fn len(&self) -> usize {
        self.set.len()
    }

    fn sort(&mut self) {
        self.set.sort();
    }

    fn write(&self, out: &mut Vec<u8>) {
        encode::put_varint(out, self.len() as u64);
        let mut last = 0u128;
        for &key in self.set.sorted() {
            encode::put_varint_wide(out, key.into() - last);
            last = key.into();
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let len = reader.length().filter(|len| *len > 0)?;
        let mut keys = Vec::with_capacity(len);
        let mut last = 0u128;
        for i in 0..len {
            let step = reader.varint_wide().filter(|step| i == 0 || *step > 0)?;
            last = last.checked_add(step)?;
            keys.push(V::Key::try_from(last).ok()?);
        }
        Some(FixedSet { set: ValueSet::from_sorted(keys) })
    }

    #[inline]
    fn heap(&self) -> usize {
        self.set.heap()
    }
}
