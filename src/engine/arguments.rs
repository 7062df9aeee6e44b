//! What a block contributes to groups: keys, and the arguments of the aggregates.

use std::rc::Rc;

use super::records::{Records, keep_true};
use crate::data::Column;
use crate::plan::ReducePlan;

/// The keys and the aggregates' arguments of a block.
pub(super) struct Evaluated<'a> {
    pub(super) keys: Vec<Rc<Column<'a>>>,
    pub(super) aggregates: Vec<Aggregate<'a>>,
}

/// One aggregate call's part.
pub(super) struct Aggregate<'a> {
    /// Its argument; `None` for `count(*)`.
    pub(super) arg: Option<Rc<Column<'a>>>,
    /// Rows that pass its own filter: true for rows of the block; `None` where it has none.
    pub(super) keep: Option<Vec<bool>>,
}

impl<'a> Evaluated<'a> {
    /// Evaluates all for the rows that are in; rows that fail are out afterwards.
    pub(super) fn new(reduce: &'a ReducePlan, records: &mut Records<'_, 'a>) -> Self {
        let keys = reduce.keys.iter().map(|key| records.evaluate(&key.expr)).collect();
        let aggregates = reduce.aggregates.iter().map(|aggregate| {
            let passing = aggregate.filter.as_ref().map(|filter| {
                let column = records.evaluate(filter);
                let mut rows = records.rows.clone();
                keep_true(&column, &mut rows);
                rows
            });
            let arg = aggregate.arg.as_ref().map(|arg| match &passing {
                Some(rows) => records.evaluate_some(arg, rows),
                None => records.evaluate(arg),
            });
            let keep = passing.map(|rows| flags(&rows, records));
            Aggregate { arg, keep }
        });
        let aggregates = aggregates.collect();
        Evaluated { keys, aggregates }
    }
}

fn flags(rows: &[u32], records: &Records<'_, '_>) -> Vec<bool> {
    let mut keep = vec![false; records.len()];
    rows.iter().for_each(|&row| keep[row as usize] = true);
    keep
}
