//! Groups as rows of the summary: keys decoded, measures evaluated.

use std::rc::Rc;
use std::sync::Arc;

use arrow_array::{BinaryArray, RecordBatch};
use arrow_schema::SchemaRef;
use bumpalo::Bump;

use super::groups::{GroupBlock, GroupError};
use super::key::KeyDecoder;
use crate::data::{Column, DataType};
use crate::expr::Env;
use crate::plan::{MeasurePlan, ReducePlan};

/// Rows of the summary, and the canonical key of each.
pub struct SummaryRows {
    /// One column a column of the summary.
    pub rows: RecordBatch,
    /// The groups' keys.
    pub keys: BinaryArray,
}

/// Makes rows of groups.
pub struct Summarizer<'p> {
    reduce: &'p ReducePlan,
    key_types: Vec<DataType>,
    schema: SchemaRef,
}

impl<'p> Summarizer<'p> {
    /// For a plan.
    pub fn new(reduce: &'p ReducePlan) -> Self {
        Summarizer { reduce, key_types: reduce.key_types(), schema: reduce.schema() }
    }

    /// The columns.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The groups of a block as rows.
    pub fn rows(&self, block: &GroupBlock) -> Result<SummaryRows, GroupError> {
        let arena = &Bump::new();
        let groups: Vec<u32> = (0..block.len() as u32).collect();
        let mut columns = self.keys(block, arena)?;
        let aggregates = self.aggregates(block, arena)?;
        for measure in &self.reduce.measures {
            columns.push(evaluate(measure, &aggregates, &groups, block.len(), arena)?);
        }
        let arrays = columns.iter().map(|column| column.to_array(&groups)).collect();
        let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(groups.len()));
        let rows = RecordBatch::try_new_with_options(self.schema(), arrays, &options)
            .map_err(|e| GroupError::Stored(e.to_string()))?;
        Ok(SummaryRows { rows, keys: block.keys() })
    }

    fn keys<'a>(
        &self,
        block: &GroupBlock,
        arena: &'a Bump,
    ) -> Result<Vec<Rc<Column<'a>>>, GroupError> {
        let mut decoder = KeyDecoder::new(&self.key_types, block.len(), arena);
        for group in 0..block.len() {
            decoder.push(block.key(group)).map_err(|e| GroupError::Stored(e.to_string()))?;
        }
        Ok(decoder.finish().into_iter().map(Rc::new).collect())
    }

    fn aggregates<'a>(
        &self,
        block: &GroupBlock,
        arena: &'a Bump,
    ) -> Result<Vec<Rc<Column<'a>>>, GroupError> {
        let evaluated = block.accumulators.iter().enumerate().map(|(index, accumulator)| {
            accumulator.evaluate(0, block.len(), arena).map(Rc::new).map_err(|e| {
                GroupError::Measure {
                    measure: self.measure_of(index),
                    what: e.to_string(),
                    help: "use a narrower window or fewer records, or sum a smaller unit",
                }
            })
        });
        evaluated.collect()
    }

    /// The first measure that uses an aggregate.
    fn measure_of(&self, aggregate: usize) -> String {
        let measure = self.reduce.measures.iter().find(|m| m.inputs.contains(&aggregate));
        measure.map_or_else(String::new, |m| m.name.clone())
    }
}

/// A measure over the aggregates of a block.
fn evaluate<'a>(
    measure: &'a MeasurePlan,
    aggregates: &[Rc<Column<'a>>],
    groups: &[u32],
    len: usize,
    arena: &'a Bump,
) -> Result<Rc<Column<'a>>, GroupError> {
    let slots: Vec<_> =
        measure.inputs.iter().map(|&input| Some(Rc::clone(&aggregates[input]))).collect();
    let mut failures = Vec::new();
    let mut env = Env { slots: &slots, arena, len, failures: &mut failures };
    let column = measure.value.eval(&mut env, groups);
    match failures.first() {
        None => Ok(column),
        Some(failure) => Err(GroupError::Measure {
            measure: measure.name.clone(),
            what: format!("{} in a group", failure.reason),
            help: "guard it, for example with nullif(…, 0)",
        }),
    }
}
