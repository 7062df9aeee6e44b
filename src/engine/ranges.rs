//! The reducer: the workers' tables, each sorted by its keys, become tables of ascending ranges of keys. Each range is
//! merged by one thread, from all tables at once, without locks; behind it the groups stand in the order of their keys.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use rayon::prelude::*;

use super::table::{GroupTable, Piece};

/// A table, and its groups' ids by ascending key.
pub(super) type Sorted = (GroupTable, Vec<u32>);

/// Ranges a thread, so that an uneven one can be made up for.
const RANGES_A_THREAD: usize = 4;
/// Groups that are worth a range of their own.
const RANGE_GROUPS: usize = 4096;
/// Bytes of states that are.
const RANGE_BYTES: usize = 1 << 20;
/// Keys looked at for a bound between ranges.
const SAMPLES_A_BOUND: usize = 16;
/// How far ahead of the merge keys are prefetched.
const AHEAD: usize = 8;

/// Merges tables with groups in them.
pub(super) fn merge(tables: Vec<GroupTable>) -> Vec<Sorted> {
    let mut sorted: Vec<Sorted> = tables.into_par_iter().map(sort).collect();
    if sorted.len() <= 1 {
        return sorted;
    }
    let cuts = cuts(&sorted);
    // What is dear to copy is moved: each worker's states of a range are that range's own.
    let cut = |((table, order), cuts): (&mut Sorted, &Vec<usize>)| {
        let parts: Vec<&[u32]> = cuts.windows(2).map(|cut| &order[cut[0]..cut[1]]).collect();
        table.cut(&parts)
    };
    let pieces: Vec<Vec<Piece>> = sorted.par_iter_mut().zip(&cuts).map(cut).collect();
    let ranges: Vec<Vec<Piece>> = transposed(pieces);
    let merged = ranges.into_par_iter().enumerate().map(|(range, pieces)| {
        let parts =
            sorted.iter().zip(&cuts).map(|((_, order), cuts)| &order[cuts[range]..cuts[range + 1]]);
        merge_range(&sorted, parts.collect(), pieces)
    });
    let merged = merged.filter(|(table, _)| !table.is_empty()).collect();
    sorted.into_par_iter().for_each(drop);
    merged
}

/// For each table, where the ranges begin and end in its order.
fn cuts(sorted: &[Sorted]) -> Vec<Vec<usize>> {
    let bounds = bounds(sorted, ranges(sorted));
    let cuts = sorted.iter().map(|(table, order)| {
        let cut = |bound: &&[u8]| order.partition_point(|&group| table.key(group) < *bound);
        let inner = bounds.iter().map(cut);
        std::iter::once(0).chain(inner).chain([order.len()]).collect()
    });
    cuts.collect()
}

/// The first of all, the second of all, and so on.
fn transposed<T>(rows: Vec<Vec<T>>) -> Vec<Vec<T>> {
    let mut rows: Vec<_> = rows.into_iter().map(Vec::into_iter).collect();
    let column = || rows.iter_mut().map(Iterator::next).collect::<Option<Vec<T>>>();
    std::iter::from_fn(column).collect()
}

fn sort(mut table: GroupTable) -> Sorted {
    let order = table.sorted();
    (table, order)
}

/// How many ranges are worth their trouble.
fn ranges(sorted: &[Sorted]) -> usize {
    let groups: usize = sorted.iter().map(|(table, _)| table.len()).sum();
    let bytes: usize = sorted.iter().map(|(table, _)| table.heap_bytes()).sum();
    let worth = (groups / RANGE_GROUPS).max(bytes / RANGE_BYTES).min(groups);
    worth.clamp(1, RANGES_A_THREAD * rayon::current_num_threads())
}

/// The first keys of all ranges but the first, from a sample of each table.
fn bounds(sorted: &[Sorted], ranges: usize) -> Vec<&[u8]> {
    let mut samples: Vec<&[u8]> = Vec::new();
    for (table, order) in sorted {
        let step = (order.len() / (ranges * SAMPLES_A_BOUND)).max(1);
        samples.extend(order.iter().step_by(step).map(|&group| table.key(group)));
    }
    samples.sort_unstable();
    let mut bounds: Vec<&[u8]> =
        (1..ranges).map(|range| samples[range * samples.len() / ranges]).collect();
    bounds.dedup();
    bounds
}

/// Merges one range of each table's order.
fn merge_range(sorted: &[Sorted], parts: Vec<&[u32]>, pieces: Vec<Piece>) -> Sorted {
    let mut into = sorted[0].0.fresh();
    let pairs = pairs(sorted, parts, &mut into);
    into.grow();
    for (((table, _), pairs), piece) in sorted.iter().zip(&pairs).zip(pieces) {
        into.merge(table, piece, pairs);
    }
    into.seal();
    let order = (0..into.len() as u32).collect();
    (into, order)
}

/// Appends each key to `into` once, in their order; for each table, its groups and those that they become.
fn pairs(sorted: &[Sorted], mut parts: Vec<&[u32]>, into: &mut GroupTable) -> Vec<Vec<(u32, u32)>> {
    let mut pairs: Vec<Vec<(u32, u32)>> =
        parts.iter().map(|part| Vec::with_capacity(part.len())).collect();
    let head =
        |part: &[u32], of: usize| part.first().map(|&group| Reverse((sorted[of].0.key(group), of)));
    let mut heads: BinaryHeap<_> =
        parts.iter().enumerate().filter_map(|(of, part)| head(part, of)).collect();
    while let Some(mut first) = heads.peek_mut() {
        let Reverse((key, of)) = *first;
        if into.is_empty() || into.key(into.len() as u32 - 1) != key {
            into.push(key);
        }
        pairs[of].push((parts[of][0], into.len() as u32 - 1));
        parts[of] = &parts[of][1..];
        if let Some(&group) = parts[of].get(2 * AHEAD) {
            sorted[of].0.prefetch_place(group);
        }
        if let Some(&group) = parts[of].get(AHEAD) {
            sorted[of].0.prefetch_key(group);
        }
        match head(parts[of], of) {
            Some(next) => *first = next,
            None => drop(PeekMut::pop(first)),
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Column, DataType, Values};
    use crate::engine::accumulator::{self, Input};
    use crate::expr::AggregateFn;
    use proptest::prelude::*;

    const FUNCTIONS: [AggregateFn; 4] = [
        AggregateFn::Count,
        AggregateFn::Sum,
        AggregateFn::CountDistinct,
        AggregateFn::ApproxQuantile(0.5),
    ];

    fn table(rows: &[(u64, i64)]) -> GroupTable {
        let new = |&function| accumulator::new(function, Some(DataType::Int));
        let mut table = GroupTable::new(FUNCTIONS.iter().map(new).collect());
        // Most keys begin alike, some are short.
        let key = |key: u64| {
            [&[1, 0, 0, 0, 0, 0, 0, 0][..(key % 9) as usize], &key.to_be_bytes()].concat()
        };
        let groups: Vec<u32> = rows.iter().map(|row| table.intern(&key(row.0))).collect();
        let rows_in: Vec<u32> = (0..rows.len() as u32).collect();
        let values = Values::Int(rows.iter().map(|row| row.1).collect());
        let column = Column { ty: DataType::Int, values, valid: None };
        table.grow();
        for (_, accumulator) in table.updates() {
            accumulator.update(&Input {
                groups: &groups,
                rows: &rows_in,
                column: Some(&column),
                order: None,
            });
        }
        table
    }

    fn groups(merged: &[Sorted]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let group = |table: &GroupTable, group: u32| {
            let mut state = Vec::new();
            table.state(group, &mut Vec::new(), &mut state);
            (table.key(group).to_vec(), state)
        };
        merged.iter().flat_map(|(table, order)| order.iter().map(|&at| group(table, at))).collect()
    }

    fn workers(rows: &[(u64, i64)], count: usize) -> Vec<GroupTable> {
        let part = |worker| rows.iter().skip(worker).step_by(count).copied().collect::<Vec<_>>();
        (0..count).map(|worker| table(&part(worker))).filter(|table| !table.is_empty()).collect()
    }

    proptest! {
        #[test]
        fn some_tables_merged_are_the_one_table_of_all_rows(
            rows in prop::collection::vec((0u64..50, -5i64..5), 1..200), count in 2usize..6, ranges in 1usize..9,
        ) {
            let expected = groups(&[sort(table(&rows))]);
            prop_assert_eq!(&groups(&merge(workers(&rows, count))), &expected);
            // However the keys are cut.
            let sorted: Vec<Sorted> = workers(&rows, count).into_iter().map(sort).collect();
            let bounds: Vec<Vec<u8>> = bounds(&sorted, ranges).into_iter().map(<[u8]>::to_vec).collect();
            prop_assert!(bounds.is_sorted() && bounds.len() < ranges.max(1) + 1);
        }
    }

    #[test]
    fn sets_and_sketches_are_moved_and_numbers_are_not() {
        let mut table = table(&[(1, 2), (2, 3)]);
        let moved: Vec<bool> = table.cut(&[&[0]])[0].0.iter().map(Option::is_some).collect();
        // As in `FUNCTIONS`.
        assert_eq!(moved, [false, false, true, true]);
    }

    #[test]
    fn many_groups_are_merged_by_ranges_in_parallel() {
        let rows: Vec<(u64, i64)> = (0..60_000u64).map(|n| (n * 7919 % 30_011, n as i64)).collect();
        let merged = merge(workers(&rows, 3));
        assert!(merged.len() > 1, "one range only");
        assert_eq!(groups(&merged), groups(&[sort(table(&rows))]));
    }
}
