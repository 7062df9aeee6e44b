//! Merging of sorted sequences of groups.

use super::cursor::Cursor;
use super::groups::{GroupBlock, GroupError};
use super::merged::Merged;
use super::tournament::Tournament;
use crate::limits::FOLDED_BYTES;
use crate::plan::ReducePlan;

/// Sorted sequences, merged: equal keys become one group.
pub struct Merge<'c> {
    cursors: Vec<Box<dyn Cursor + 'c>>,
    tournament: Tournament,
    merged: Merged,
    folder: Option<Folder>,
}

impl<'c> Merge<'c> {
    /// Over these sequences.
    pub fn new(cursors: Vec<Box<dyn Cursor + 'c>>) -> Self {
        let tournament = Tournament::new(cursors.len(), |a, b| before(&cursors, a, b));
        Merge { cursors, tournament, merged: Merged::default(), folder: None }
    }

    /// Folds the states of a group as soon as they are many bytes: else a block of sketches would have as many of each as
    /// there are sequences.
    pub fn folding(mut self, reduce: &ReducePlan) -> Self {
        self.folder = Some(Folder::new(reduce));
        self
    }

    /// Fills the block with the next groups; false behind the last.
    pub fn next(&mut self, block: &mut GroupBlock) -> Result<bool, GroupError> {
        let mut merged = std::mem::take(&mut self.merged);
        self.next_merged(block.rows_max(), &mut merged)?;
        block.fill(&merged)?;
        self.merged = merged;
        Ok(!block.is_empty())
    }

    /// The same as bytes: so many groups, or fewer if they are the last.
    pub fn next_merged(&mut self, rows_max: usize, merged: &mut Merged) -> Result<(), GroupError> {
        merged.clear();
        while let Some(winner) = self.tournament.winner() {
            let cursor = &mut self.cursors[winner];
            let Some(key) = cursor.key() else { break };
            if merged.last_key() != Some(key) {
                if merged.len() == rows_max {
                    break;
                }
                merged.push_key(key);
            }
            merged.push_state(cursor.batch(), |states| cursor.state(states));
            cursor.advance()?;
            if let Some(folder) = self.folder.as_mut().filter(|_| merged.is_heavy(FOLDED_BYTES)) {
                folder.fold_last(merged)?;
            }
            let cursors = &self.cursors;
            self.tournament.replay(|a, b| before(cursors, a, b));
        }
        Ok(())
    }
}

/// Folds the states of single groups.
pub struct Folder {
    block: GroupBlock,
    scratch: Vec<u8>,
    state: Vec<u8>,
}

impl Folder {
    /// For a plan.
    pub fn new(reduce: &ReducePlan) -> Self {
        Folder { block: GroupBlock::new(reduce), scratch: Vec::new(), state: Vec::new() }
    }

    /// The merge of a group's states.
    pub fn fold(&mut self, merged: &Merged, group: usize) -> Result<&[u8], GroupError> {
        self.block.fill_with(merged, group..group + 1)?;
        self.state.clear();
        self.block.state(0, &mut self.scratch, &mut self.state);
        Ok(&self.state)
    }

    fn fold_last(&mut self, merged: &mut Merged) -> Result<(), GroupError> {
        self.fold(merged, merged.len() - 1)?;
        merged.replace_states(&self.state);
        Ok(())
    }
}

/// Whether the cursor `a` stands before `b`. Those that are at their end stand last, and equal keys in the order of the
/// cursors.
#[inline]
fn before(cursors: &[Box<dyn Cursor + '_>], a: usize, b: usize) -> bool {
    match (cursors[a].key(), cursors[b].key()) {
        (Some(left), Some(right)) => left.cmp(right).then(a.cmp(&b)).is_lt(),
        (Some(_), None) => true,
        (None, Some(_)) => false,
        (None, None) => a < b,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::parquet_file::FileError;
    use super::*;
    use crate::plan::{Overrides, Plan, compile};

    /// One group, with the same state again and again.
    struct Same(Vec<u8>, usize);

    impl Cursor for Same {
        fn key(&self) -> Option<&[u8]> {
            (self.1 > 0).then_some(&[1, 2, 3])
        }

        fn state(&self, out: &mut Vec<u8>) {
            out.extend_from_slice(&self.0);
        }

        fn batch(&self) -> u64 {
            self.1 as u64
        }

        fn advance(&mut self) -> Result<(), FileError> {
            self.1 -= 1;
            Ok(())
        }
    }

    fn plan() -> Plan {
        let text = "name = \"m\"\n[source]\npaths = [\"x\"]\nformat = \"lines\"\n[reduce]\nby = [\"line\"]\n[reduce.measures]\nm = \"max(line)\"\n[output.summary]\npath = \"out\"\n";
        let file =
            crate::job::parse(Path::new("m.toml"), text.into(), &|_| None).expect("a good job");
        compile(&file, &Overrides::default(), None).expect("a good job")
    }

    /// A state of `max` over texts, of so many bytes or more: taken from a block, so that it is one.
    fn state(plan: &Plan, bytes: usize) -> Vec<u8> {
        use super::super::common::Common;
        use super::super::map::{Lines, SegmentContext};
        use super::super::mappers::Mappers;
        let common = Common::new(vec![plan]);
        let tokenizer = plan.format.tokenizer(&["line"], &[]).expect("a known field");
        let tokenizer = tokenizer.as_ref();
        let segment = SegmentContext { index: 0, source_file: "x", rank: (0, 0), tokenizer };
        let mut mappers = Mappers::new(&common);
        let line = [vec![b'a'; bytes], vec![b'\n']].concat();
        let lines = Lines { bytes: &line, ..Lines::default() };
        mappers.chunk(&[segment], &lines, &mut [None]).expect("no panic");
        let delta = super::super::reduce::Delta::reduce(vec![mappers.each[0].take_tables()]);
        let mut state = Vec::new();
        delta.cursors(crate::job::Partition::None, 0, 1)[0].state(&mut state);
        state
    }

    #[test]
    fn many_large_states_of_a_group_are_never_in_memory_together() {
        let plan = plan();
        let reduce = plan.reduce.as_ref().expect("it has one");
        for bytes in [10, FOLDED_BYTES / 3, FOLDED_BYTES] {
            let state = state(&plan, bytes);
            let merge = |folds: bool| {
                let merge = Merge::new(vec![Box::new(Same(state.clone(), 100)) as Box<dyn Cursor>]);
                let mut merge = if folds { merge.folding(reduce) } else { merge };
                let mut merged = Merged::default();
                merge.next_merged(10, &mut merged).expect("states");
                merged
            };
            let (plain, folded) = (merge(false), merge(true));
            assert_eq!((folded.len(), folded.batch(0)), (1, 100));
            assert!(folded.bytes() <= 2 * FOLDED_BYTES + state.len(), "{}", folded.bytes());
            assert_eq!(plain.states(0).len(), 100);
            let mut folder = Folder::new(reduce);
            let expected = folder.fold(&plain, 0).expect("states").to_vec();
            assert_eq!(folder.fold(&folded, 0).expect("states"), expected);
        }
    }
}
