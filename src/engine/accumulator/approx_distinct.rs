//! `approx_distinct(x)`: a HyperLogLog a group, over XXH3 of the canonical values.

use std::marker::PhantomData;

use bumpalo::Bump;

use super::Input;
use super::MeasureError;
use super::count::counts;
use super::encode::{Layout, Reader};
use super::grouped::{Aggregate, BATCH, Groups, argument, each_batch};
use super::hyperloglog::Sketch;
use super::value::Value;
use crate::data::{Column, DataType};
use crate::engine::prefetch::prefetch;

/// Estimates the number of distinct values of type `V`; 0 without values.
pub(super) struct ApproxDistinct<V>(PhantomData<fn(V)>);

impl<V: Value> ApproxDistinct<V> {
    pub(super) fn new() -> Self {
        ApproxDistinct(PhantomData)
    }
}

impl<V: Value> Aggregate for ApproxDistinct<V> {
    type State = Sketch;

    fn name(&self) -> &'static str {
        "approx_distinct"
    }

    fn tag(&self) -> u8 {
        Layout::ApproxDistinct.tag(V::CODE)
    }

    fn data_type(&self) -> DataType {
        DataType::Int
    }

    fn update(&self, groups: &mut Groups<Sketch>, input: &Input<'_, '_>) {
        let items = V::items(argument(input));
        let mut hashes = [0; BATCH];
        each_batch(input, |pairs| {
            for (hash, &(group, row)) in hashes.iter_mut().zip(pairs) {
                prefetch(&groups.states, group as usize);
                *hash = V::hash(items[row as usize]);
            }
            for (&hash, &(group, _)) in hashes.iter().zip(pairs) {
                groups.states[group as usize].prefetch(hash);
            }
            for (&hash, &(group, _)) in hashes.iter().zip(pairs) {
                let sketch = &mut groups.states[group as usize];
                let before = sketch.heap();
                sketch.insert(hash);
                groups.heap = groups.heap + sketch.heap() - before;
            }
        });
    }

    fn merge(&self, into: &mut Sketch, from: &Sketch) {
        into.merge(from);
    }

    fn seal(&self, state: &mut Sketch) {
        state.compact();
    }

    fn is_empty(&self, state: &Sketch) -> bool {
        state.is_empty()
    }

    fn heap(&self, state: &Sketch) -> usize {
        state.heap()
    }

    fn write(&self, state: &Sketch, out: &mut Vec<u8>) {
        state.write(out);
    }

    fn read(&self, reader: &mut Reader<'_>) -> Option<Sketch> {
        Sketch::read(reader)
    }

    fn evaluate<'a>(&self, states: &[Sketch], _: &'a Bump) -> Result<Column<'a>, MeasureError> {
        let estimates: Vec<u64> = states.iter().map(Sketch::estimate).collect();
        counts(&estimates, "approx_distinct")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{cases, decimals, floats, ints, texts};
    use crate::expr::AggregateFn::{ApproxDistinct, CountDistinct};

    proptest! {
        #[test]
        fn small_sets_are_counted_exactly(
            a in cases(ints()), b in cases(decimals()), c in cases(floats()), d in cases(texts()),
        ) {
            for case in [a, b, c, d] {
                prop_assert_eq!(case.check(ApproxDistinct), case.check(CountDistinct));
            }
        }
    }
}
