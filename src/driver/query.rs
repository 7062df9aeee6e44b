//! A first look at the result: the busiest groups.

use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, SchemaRef};

use super::RunError;
use super::layout::Layout;
use crate::catalog::Catalog;
use crate::engine::summary_reader::SummaryReader;
use crate::plan::Plan;

/// Groups beyond which a look would take longer than a person waits.
const GROUPS_MAX: u64 = 500_000;

/// The groups with the largest value of the first whole-number measure, the largest first.
pub struct Busiest {
    /// The summary's columns.
    pub schema: SchemaRef,
    /// One row each, with its rank value.
    pub rows: Vec<(i64, RecordBatch)>,
    /// The measure that ranks them.
    pub by: String,
    /// Groups in all.
    pub groups: u64,
}

/// The `count` busiest groups of a job; `None` where it has no whole-number measure, no groups or very many.
pub fn busiest(plan: &Plan, state_dir: &Path, count: usize) -> Result<Option<Busiest>, RunError> {
    let layout = Layout::new(state_dir, plan);
    let (Some(reduce), Some(catalog)) = (&plan.reduce, Catalog::open_existing(&layout.state)?)
    else {
        return Ok(None);
    };
    let schema = reduce.schema();
    let keys = reduce.key_types().len();
    let measure =
        (keys..schema.fields().len()).find(|&at| *schema.field(at).data_type() == DataType::Int64);
    let runs = catalog.runs()?;
    let groups = runs.iter().map(|run| run.groups).sum();
    let Some(measure) = measure.filter(|_| groups > 0 && groups <= GROUPS_MAX) else {
        return Ok(None);
    };
    let mut rows: Vec<(i64, RecordBatch)> = Vec::new();
    for of_one in runs.chunk_by(|a, b| a.partition_us == b.partition_us) {
        let files: Vec<_> = of_one.iter().map(|run| layout.stores().join(&run.file)).collect();
        let mut reader = SummaryReader::open(reduce, &files, 0)?;
        while let Some(found) = reader.next_rows()? {
            collect(&found.rows, measure, count, &mut rows);
        }
    }
    let by = schema.field(measure).name().clone();
    Ok(Some(Busiest { schema, rows, by, groups }))
}

/// Keeps the first `count` rows by descending value; equal ones in the order of their keys.
fn collect(batch: &RecordBatch, measure: usize, count: usize, rows: &mut Vec<(i64, RecordBatch)>) {
    let values = batch.column(measure).as_primitive::<Int64Type>();
    for row in 0..batch.num_rows() {
        let value = if values.is_null(row) { continue } else { values.value(row) };
        if rows.len() < count || rows.last().is_some_and(|(least, _)| value > *least) {
            let at = rows.partition_point(|(other, _)| *other >= value);
            rows.insert(at, (value, batch.slice(row, 1)));
            rows.truncate(count);
        }
    }
}
