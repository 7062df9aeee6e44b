//! Groups in the order of their keys.

use std::collections::BTreeMap;

use super::lines::Record;
use super::states::{Call, State};
use crate::data::Scalar;
use crate::plan::ReducePlan;

/// What a group takes in the map beside its key and what its states have on the heap.
const NODE_BYTES: usize = 64;

/// The groups of the records so far.
pub struct Groups<'p> {
    reduce: &'p ReducePlan,
    calls: Vec<Call>,
    groups: BTreeMap<Vec<u8>, Vec<State>>,
    bytes: usize,
}

/// A group, done.
pub struct Group {
    /// Its key.
    pub key: Vec<u8>,
    /// One value a measure.
    pub values: Vec<Scalar>,
}

impl<'p> Groups<'p> {
    /// None.
    pub fn new(reduce: &'p ReducePlan) -> Self {
        let calls = reduce.call_types().into_iter().map(|(function, ty)| Call { function, ty });
        Groups { reduce, calls: calls.collect(), groups: BTreeMap::new(), bytes: 0 }
    }

    /// Bytes in memory, roughly.
    pub fn heap_bytes(&self) -> usize {
        self.bytes
    }

    /// Takes a record in.
    pub fn add(&mut self, record: &Record) {
        let Groups { calls, groups, bytes, .. } = self;
        let states = groups.entry(record.key.clone()).or_insert_with(|| {
            *bytes += record.key.len() + NODE_BYTES + calls.len() * size_of::<State>();
            calls.iter().map(|call| call.empty()).collect()
        });
        for ((call, state), input) in calls.iter().zip(states).zip(&record.inputs) {
            if let Some(value) = input {
                let before = state.heap_bytes();
                call.add(state, value.as_ref(), record.place);
                *bytes = *bytes + state.heap_bytes() - before;
            }
        }
    }

    /// Takes all groups out, ascending: each with its states as bytes behind its key, which has so many bytes.
    pub fn drain(&mut self) -> impl Iterator<Item = (Vec<u8>, usize)> + use<'_, 'p> {
        self.bytes = 0;
        let calls = &self.calls;
        std::mem::take(&mut self.groups).into_iter().map(move |(mut bytes, mut states)| {
            let key = bytes.len();
            calls.iter().zip(&mut states).for_each(|(call, state)| call.write(state, &mut bytes));
            (bytes, key)
        })
    }

    /// The group of some that [`Groups::drain`] gave, all of one key. An error says what is wrong with a measure.
    pub fn finish(&self, key: &[u8], parts: &[&[u8]]) -> Result<Group, String> {
        let mut states: Vec<State> = self.calls.iter().map(|call| call.empty()).collect();
        for part in parts {
            let mut rest = *part;
            for (call, state) in self.calls.iter().zip(&mut states) {
                let from = call.read(&mut rest);
                let merged = from.and_then(|from| call.merge(state, from));
                merged.ok_or("a state in the scratch folder can't be read")?;
            }
        }
        Ok(Group { key: key.to_vec(), values: self.values(&states)? })
    }

    fn values(&self, states: &[State]) -> Result<Vec<Scalar>, String> {
        let values = self.calls.iter().zip(states).map(|(call, state)| call.value(state));
        let mut values = values.collect::<Result<Vec<_>, _>>()?.into_iter();
        let of_measure = self.reduce.measures.iter().map(|measure| {
            let slots: Vec<Scalar> = values.by_ref().take(measure.calls.len()).collect();
            let value = measure.value.value_of(&slots);
            value.map_err(|reason| format!("measure `{}`: {reason} in a group", measure.name))
        });
        of_measure.collect()
    }
}
