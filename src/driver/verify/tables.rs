//! The SQL tables. They are read first: the longer one waits, the more a job that goes on has changed in them.

use super::super::RunError;
use super::super::outbox::{MaybeOutput, sql_outputs};
use super::Groups;
use super::compare::Range;
use super::report::{Tally, Verified, VerifiedOutput};
use super::rows::{Codec, Rows};
use super::scratch::Scratch;
use super::sorter::Sorter;
use super::store::Store;
use crate::catalog::Catalog;
use crate::deliver::sql::{BoxError, DeliverError, SqlOutput};
use crate::plan::Plan;

/// A table whose rows were read.
pub(super) struct Table {
    name: String,
    output: Box<dyn SqlOutput>,
    /// The batch that the table itself says it has. The catalog is told of deliveries a little later.
    has: u64,
    /// Taken once.
    rows: Option<Rows<'static>>,
    /// Why there are none.
    error: Option<String>,
}

/// The SQL outputs of a job.
pub(super) fn of(plan: &Plan) -> Vec<(String, MaybeOutput)> {
    sql_outputs(plan)
}

/// Reads the rows of all tables.
pub(super) fn read(
    tables: Vec<(String, MaybeOutput)>,
    codec: Option<&Codec>,
    plan: &Plan,
    range: Option<Range>,
    scratch: &Scratch,
    catalog: &Catalog,
) -> Result<Vec<Table>, RunError> {
    let Some(codec) = codec else { return Ok(Vec::new()) };
    let memory = usize::try_from(plan.limits.memory_bytes / 4).unwrap_or(usize::MAX);
    tables
        .into_iter()
        .map(|(name, output)| {
            let mut output = output.map_err(|e| RunError::Other(e.to_string()))?;
            let sorter = Sorter::new(scratch.folder(), memory);
            let has = position(output.as_mut(), catalog)?;
            let (rows, error) = match rows(output.as_mut(), codec, range, sorter) {
                Ok(rows) => (Some(rows), None),
                Err(error) => (None, Some(error.to_string())),
            };
            Ok(Table { name, output, has, rows, error })
        })
        .collect()
}

/// The batch that a table says it has, if it is one of this state's; 0 for none. What is wrong with it the reading tells.
fn position(output: &mut dyn SqlOutput, catalog: &Catalog) -> Result<u64, RunError> {
    let Ok(Some(position)) = output.position() else { return Ok(0) };
    let is_ours = position.state_id == catalog.state_id()?
        && catalog.token(position.batch)? == Some(position.token);
    Ok(if is_ours { position.batch } else { 0 })
}

fn rows(
    output: &mut dyn SqlOutput,
    codec: &Codec,
    range: Option<Range>,
    mut sorter: Sorter,
) -> Result<Rows<'static>, DeliverError> {
    let source = |error: RunError| Box::new(error) as BoxError;
    output.read(range, &mut |batch| {
        let rows = codec.rows(&batch).map_err(|what| source(RunError::Other(what)))?;
        sorter.extend(rows).map_err(source)
    })?;
    sorter.finish().map_err(|error| DeliverError::Source(source(error)))
}

/// Compares a table. `later`: the store, at a moment after the table was read. `None` where there is nothing to compare.
pub(super) fn compare(
    groups: &Groups<'_>,
    table: &mut Table,
    later: &Store,
    scratch: &Scratch,
    memory: usize,
    verified: &mut Verified,
) -> Result<Option<VerifiedOutput>, RunError> {
    let facts = &groups.snapshot.facts;
    let noted = facts.outputs.get(&table.name);
    let place = table.output.describe();
    let noted_batch = noted.filter(|row| row.place == place).map_or(0, |row| row.delivered);
    let delivered = noted_batch.max(table.has);
    if delivered == 0 {
        verified.notices.push(format!("{}: nothing was delivered yet", table.name));
        return Ok(None);
    }
    if delivered < facts.rebuilt {
        let (name, rebuilt) = (&table.name, facts.rebuilt);
        verified
            .notices
            .push(format!("{name}: it waits for batch {rebuilt}, which computed everything anew"));
        return Ok(None);
    }
    if let Some(error) = noted.and_then(|row| row.error.as_ref()) {
        verified.notices.push(format!("{}: it waits since batch {delivered}: {error}", table.name));
    }
    let Some(found) = table.rows.take() else {
        verified.problems.extend(table.error.take());
        return Ok(None);
    };
    let (reduce, codec) = (groups.reduce, groups.comparison.codec);
    let shape = |block| table.output.stored(&block).map_err(|e| RunError::Other(e.to_string()));
    let sorter = || Sorter::new(scratch.folder(), memory);
    let expected = groups.expected.shaped(codec, &shape, sorter())?;
    let since = delivered.min(facts.batch);
    let skip = later.shaped(reduce, codec, since, &shape, sorter())?;
    let mut tally = Tally::default();
    groups.comparison.run(expected, found, skip, &mut tally)?;
    Ok(Some(VerifiedOutput { name: table.name.clone(), place, tally }))
}
