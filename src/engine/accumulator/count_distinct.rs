//! `count(DISTINCT x)`, exact: one set of (group, value) for all groups, so that small groups cost no table each.

use std::any::Any;
use std::cmp::Ordering;

use bumpalo::Bump;

use super::count::counts;
use super::encode::{Layout, Reader};
use super::{Accumulator, Input, MeasureError};
use crate::data::{Column, DataType};

const NAME: &str = "count(DISTINCT)";

/// A set of (group, value). `counts` holds the number of values of each group and is kept up by every insertion.
pub(super) trait DistinctSet: Sync + Default + Send + 'static {
    /// Finds a value again.
    type Entry: Sync + Copy + Send + 'static;
    /// Names the storage in the tag of a state.
    const CODE: u8;

    /// Inserts the rows that have a value.
    fn update(&mut self, input: &Input<'_, '_>, counts: &mut [u64]);
    /// Inserts another set's values, their groups mapped; those mapped to `u32::MAX` stay out.
    fn merge(&mut self, other: &Self, mapping: &[u32], counts: &mut [u64]);
    /// Group and entry of every value.
    fn entries(&self) -> impl Iterator<Item = (u32, Self::Entry)>;
    /// The order of values in a state.
    fn compare(&self, a: Self::Entry, b: Self::Entry) -> Ordering;
    /// Appends a group's sorted values.
    fn write(&self, sorted: &[Self::Entry], out: &mut Vec<u8>);
    /// Inserts what `write` wrote; `None`, and nothing inserted, if it is damaged.
    fn read(&mut self, group: u32, reader: &mut Reader<'_>, counts: &mut [u64]) -> Option<()>;
    /// Bytes on the heap.
    fn heap(&self) -> usize;
    /// Forgets all, keeping the buffers.
    fn clear(&mut self);
}

/// Exact distinct counts over a set.
pub(super) struct CountDistinct<S: DistinctSet> {
    set: S,
    counts: Vec<u64>,
    index: Index<S::Entry>,
}

/// The entries by group, sorted within; made by `seal`.
struct Index<E> {
    /// Where each group's entries end; group 0 starts at 0.
    ends: Vec<usize>,
    entries: Vec<E>,
    /// Whether nothing changed since.
    fresh: bool,
}

impl<S: DistinctSet> CountDistinct<S> {
    pub(super) fn boxed() -> Box<dyn Accumulator> {
        let index = Index { ends: Vec::new(), entries: Vec::new(), fresh: false };
        Box::new(CountDistinct { set: S::default(), counts: Vec::new(), index })
    }

    /// Sorts the entries by group with a counting sort, then within each group.
    fn build_index(&mut self) {
        let Some((group, first)) = self.set.entries().next() else {
            self.index =
                Index { ends: vec![0; self.counts.len()], entries: Vec::new(), fresh: true };
            return;
        };
        debug_assert!((group as usize) < self.counts.len());
        let mut places = starts(&self.counts);
        let mut entries = vec![first; self.counts.iter().sum::<u64>() as usize];
        for (group, entry) in self.set.entries() {
            entries[places[group as usize]] = entry;
            places[group as usize] += 1;
        }
        let mut rest = entries.as_mut_slice();
        for &count in &self.counts {
            let (of_group, others) = rest.split_at_mut(count as usize);
            of_group.sort_unstable_by(|&a, &b| self.set.compare(a, b));
            rest = others;
        }
        self.index = Index { ends: places, entries, fresh: true };
    }
}

/// Where each group's entries start.
fn starts(counts: &[u64]) -> Vec<usize> {
    let mut next = 0;
    let start = |&count: &u64| {
        let start = next;
        next += count as usize;
        start
    };
    counts.iter().map(start).collect()
}

impl<S: DistinctSet> Accumulator for CountDistinct<S> {
    fn resize(&mut self, groups: usize) {
        self.counts.resize(groups, 0);
        self.index.fresh = false;
    }

    fn update(&mut self, input: &Input<'_, '_>) {
        self.index.fresh = false;
        self.set.update(input, &mut self.counts);
    }

    fn fresh(&self) -> Box<dyn Accumulator> {
        CountDistinct::<S>::boxed()
    }

    fn merge(&mut self, other: &dyn Accumulator, pairs: &[(u32, u32)]) {
        let other: &Self =
            other.as_any().downcast_ref().expect("accumulators of one measure are of one kind");
        self.index.fresh = false;
        let mut mapping = vec![u32::MAX; other.counts.len()];
        pairs.iter().for_each(|&(from, into)| mapping[from as usize] = into);
        self.set.merge(&other.set, &mapping, &mut self.counts);
    }

    fn state(&self, group: usize, out: &mut Vec<u8>) {
        assert!(self.index.fresh, "seal() comes before state()");
        if self.counts[group] > 0 {
            let end = self.index.ends[group];
            out.push(Layout::CountDistinct.tag(S::CODE));
            self.set.write(&self.index.entries[end - self.counts[group] as usize..end], out);
        }
    }

    fn seal(&mut self) {
        if !self.index.fresh {
            self.build_index();
        }
    }

    fn merge_state(&mut self, group: usize, state: &[u8]) -> Result<(), MeasureError> {
        if state.is_empty() {
            return Ok(());
        }
        self.index.fresh = false;
        let damaged = MeasureError::State(NAME);
        let mut reader = Reader::new(state);
        if reader.byte() != Some(Layout::CountDistinct.tag(S::CODE)) {
            return Err(damaged);
        }
        self.set.read(group as u32, &mut reader, &mut self.counts).ok_or(damaged)
    }

    fn evaluate<'a>(
        &self,
        from: usize,
        to: usize,
        _: &'a Bump,
    ) -> Result<Column<'a>, MeasureError> {
        counts(&self.counts[from..to], NAME)
    }

    fn data_type(&self) -> DataType {
        DataType::Int
    }

    fn heap_bytes(&self) -> usize {
        self.set.heap()
            + self.counts.capacity() * size_of::<u64>()
            + self.index.ends.capacity() * size_of::<usize>()
            + self.index.entries.capacity() * size_of::<S::Entry>()
    }

    fn clear(&mut self) {
        self.set.clear();
        self.counts.clear();
        self.index.ends.clear();
        self.index.entries.clear();
        self.index.fresh = false;
    }

    fn as_any(&self) -> &dyn Any {
        self
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
}
