//! `count(DISTINCT x)`, exact: a set of values a group.

use std::marker::PhantomData;

use bumpalo::Bump;

use super::count::counts;
use super::encode::{Layout, Reader};
use super::grouped::{Aggregate, Groups, argument, each_batch};
use super::value::Value;
use super::{Input, MeasureError};
use crate::data::{Column, DataType};
use crate::engine::hash::Hasher;

const NAME: &str = "count(DISTINCT)";

/// A set of values.
pub(super) trait DistinctSet: Default + Send + Sync + 'static {
    /// The type of the values.
    type Value: Value;
    /// What is known of a value before its set is looked at.
    type Probe: Copy;

    /// A value's probe.
    fn probe(item: <Self::Value as Value>::Item<'_>, hasher: Hasher) -> Self::Probe;
    /// Asks for the memory that `insert` will read.
    fn prefetch(&self, probe: Self::Probe);
    /// Adds a value; answers by how many bytes the set grew on the heap, as [`ValueSet::insert`] does.
    ///
    /// [`ValueSet::insert`]: super::value_set::ValueSet::insert
    fn insert(
        &mut self,
        item: <Self::Value as Value>::Item<'_>,
        probe: Self::Probe,
        hasher: Hasher,
    ) -> usize;
    /// Adds another set's values.
    fn merge(&mut self, other: &Self, hasher: Hasher);
    /// How many values.
    fn len(&self) -> usize;
    /// Sorts the values, for `write`.
    fn sort(&mut self);
    /// Appends the sorted values.
    fn write(&self, out: &mut Vec<u8>);
    /// Reads what `write` wrote.
    fn read(reader: &mut Reader<'_>) -> Option<Self>;
    /// Bytes on the heap.
    fn heap(&self) -> usize;
}

/// Exact distinct counts over sets.
pub(super) struct CountDistinct<S> {
    hasher: Hasher,
    sets: PhantomData<fn(S)>,
}

impl<S: DistinctSet> CountDistinct<S> {
    pub(super) fn new() -> Self {
        CountDistinct { hasher: Hasher::default(), sets: PhantomData }
    }
}

impl<S: DistinctSet> Aggregate for CountDistinct<S> {
    type State = S;

    fn name(&self) -> &'static str {
        NAME
    }

    fn tag(&self) -> u8 {
        Layout::CountDistinct.tag(S::Value::CODE)
    }

    fn data_type(&self) -> DataType {
        DataType::Int
    }

    fn update(&self, groups: &mut Groups<S>, input: &Input<'_, '_>) {
        let items = S::Value::items(argument(input));
        let mut probes = Vec::new();
        each_batch(input, |batch| {
            probes.clear();
            probes.extend(batch.iter().map(|&(_, row)| S::probe(items[row as usize], self.hasher)));
            for (&(group, _), &probe) in batch.iter().zip(&probes) {
                groups.states[group as usize].prefetch(probe);
            }
            for (&(group, row), &probe) in batch.iter().zip(&probes) {
                let set = &mut groups.states[group as usize];
                let grown = set.insert(items[row as usize], probe, self.hasher);
                groups.heap = groups.heap.wrapping_add(grown);
            }
        });
    }

    fn merge(&self, into: &mut S, from: &S) {
        into.merge(from, self.hasher);
    }

    fn is_empty(&self, state: &S) -> bool {
        state.len() == 0
    }

    fn heap(&self, state: &S) -> usize {
        state.heap()
    }

    fn seal(&self, state: &mut S) {
        state.sort();
    }

    fn write(&self, state: &S, out: &mut Vec<u8>) {
        state.write(out);
    }

    fn read(&self, reader: &mut Reader<'_>) -> Option<S> {
        S::read(reader)
    }

    fn evaluate<'a>(&self, states: &[S], _: &'a Bump) -> Result<Column<'a>, MeasureError> {
        let sizes: Vec<u64> = states.iter().map(|set| set.len() as u64).collect();
        counts(&sizes, NAME)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::super::testing::{
        self, Case, bools, cases, decimals, floats, ints, small_ints, texts, timestamps,
    };
    use crate::data::Scalar;
    use crate::expr::AggregateFn::CountDistinct;

    proptest! {
        #[test]
        fn counts_are_the_sizes_of_the_sets(
            a in cases(ints()), b in cases(decimals()), c in cases(floats()), d in cases(texts()),
            e in cases(bools()), f in cases(timestamps()), h in cases(small_ints()),
        ) {
            for case in [a, b, c, d, e, f, h] {
                let distinct = |g| {
                    let values = case.values(g).into_iter().map(|v| format!("{:?}", testing::canonical(v)));
                    Scalar::Int(values.collect::<BTreeSet<_>>().len() as i64)
                };
                let model: Vec<_> = (0..Case::GROUPS).map(distinct).collect();
                prop_assert_eq!(case.check(CountDistinct), model);
            }
        }
    }

    #[test]
    fn a_set_of_long_texts_says_by_how_much_it_grows() {
        use super::super::distinct_text::TextSet;
        use super::DistinctSet;
        use crate::engine::hash::Hasher;

        let (mut set, hasher) = (TextSet::default(), Hasher::default());
        let mut heap = set.heap();
        for n in 0..120_000u32 {
            let text = format!("a text of more than fifteen bytes, {n}");
            heap = heap.wrapping_add(set.insert(&text, TextSet::probe(&text, hasher), hasher));
            assert_eq!(heap, set.heap(), "{n}");
        }
    }
}
