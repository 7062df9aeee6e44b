//! Delivery to the SQL outputs: what each lacks, in one transaction of its own. One that is down waits; it never stops the
//! reading of logs.

use std::path::PathBuf;

use super::layout::Layout;
use super::{Options, RunError};
use crate::catalog::{Catalog, OutputRow, StoreFile};
use crate::deliver::sql::{
    self, BlockIter, BoxError, DeliverError, Delivery, SqlOutput, SqlTable, SummaryBlock,
};
use crate::engine::groups::GroupError;
use crate::engine::summary_reader::SummaryReader;
use crate::plan::Plan;

/// What an output got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputReport {
    /// Such as `mysql:http_traffic`.
    pub name: String,
    /// Where it is.
    pub place: String,
    /// Rows delivered by this run.
    pub rows: u64,
    /// The last batch that it has.
    pub batch: u64,
    /// Why it waits.
    pub error: Option<String>,
}

/// An SQL output, or why it can't be used.
pub type MaybeOutput = Result<Box<dyn SqlOutput>, DeliverError>;

/// The SQL outputs of a job, by name.
pub fn sql_outputs(plan: &Plan) -> Vec<(String, MaybeOutput)> {
    let Some(reduce) = &plan.reduce else { return Vec::new() };
    let table = |table: &str| SqlTable {
        job: plan.name.clone(),
        table: table.to_owned(),
        schema: reduce.schema(),
        key_columns: reduce.key_types().len(),
    };
    let sqlite = plan.outputs.sqlite.iter().map(|output| {
        let name = format!("sqlite:{}", output.table);
        (name, Ok(sql::sqlite(&output.path, table(&output.table))))
    });
    let mysql = plan.outputs.mysql.iter().map(|output| {
        (format!("mysql:{}", output.table), sql::mysql(&output.url, table(&output.table)))
    });
    sqlite.chain(mysql).collect()
}

/// Brings every SQL output up to the given batch.
pub(super) fn deliver(
    plan: &Plan,
    options: &Options,
    layout: &Layout,
    catalog: &Catalog,
    batch: u64,
) -> Result<Vec<OutputReport>, RunError> {
    let mut reports = Vec::new();
    for (name, output) in sql_outputs(plan) {
        let mut row = catalog.output(&name)?;
        let mut report =
            OutputReport { name, place: String::new(), rows: 0, batch: row.delivered, error: None };
        match output {
            Err(error) => report.error = Some(error.to_string()),
            Ok(mut output) => {
                report.place = output.describe();
                if row.place != report.place || is_gone(plan, &row) {
                    // What it has, if anything, is not known: the delivery looks.
                    (row.delivered, report.batch) = (0, 0);
                }
                if row.delivered < batch || options.adopt {
                    let one = One { plan, options, layout, catalog, batch };
                    match one.deliver(output.as_mut(), &row) {
                        Ok(rows) => (report.rows, report.batch) = (rows, batch),
                        Err(error) => report.error = Some(error.to_string()),
                    }
                }
            }
        }
        note(catalog, &mut row, &report)?;
        reports.push(report);
    }
    Ok(reports)
}

/// Whether an SQLite file was removed since it was written. Of a server's table that is found by its next delivery: asking
/// costs a connection.
fn is_gone(plan: &Plan, row: &OutputRow) -> bool {
    let file = plan.outputs.sqlite.as_ref().filter(|_| row.name.starts_with("sqlite:"));
    row.delivered > 0 && file.is_some_and(|output| !output.path.exists())
}

/// Stores how it went, where that is news.
fn note(catalog: &Catalog, row: &mut OutputRow, report: &OutputReport) -> Result<(), RunError> {
    let moved = row.place != report.place && report.error.is_none();
    if row.delivered != report.batch || row.error != report.error || moved {
        row.delivered = report.batch;
        if moved {
            row.place.clone_from(&report.place);
        }
        row.error.clone_from(&report.error);
        row.tried_us = jiff::Timestamp::now().as_microsecond();
        catalog.set_output(row)?;
    }
    Ok(())
}

/// One delivery.
struct One<'d> {
    plan: &'d Plan,
    options: &'d Options,
    layout: &'d Layout,
    catalog: &'d Catalog,
    batch: u64,
}

impl One<'_> {
    fn deliver(&self, output: &mut dyn SqlOutput, row: &OutputRow) -> Result<u64, DeliverError> {
        let source = |e: crate::catalog::CatalogError| DeliverError::Source(Box::new(e));
        let state_id = self.catalog.state_id().map_err(source)?;
        let position = output.position()?;
        // A table that was restored from a backup, or made anew, knows less than the catalog thinks.
        let known = position.filter(|p| p.state_id == state_id).map_or(0, |p| p.batch);
        // One that knows more than was noted got it from a crashed run, or from a later life of this state before it was
        // restored from a copy: then its rows are not those of this history, and all are replaced.
        let since = if known > row.delivered { 0 } else { known };
        let delivery = Delivery {
            job: self.plan.name.clone(),
            state_id,
            batch: self.batch,
            fence: self.catalog.fence().map_err(source)?,
            token: 0,
            adopt: self.options.adopt,
            replace_all: since == 0,
            reshape: false,
        };
        let stores = self.catalog.stores().map_err(source)?;
        let folder = self.layout.stores();
        let mut blocks = || blocks(self.plan, &folder, &stores, since);
        Ok(output.deliver(&delivery, &mut blocks)?.rows)
    }
}

/// The groups that were changed by a later batch than `since`.
fn blocks<'b>(
    plan: &'b Plan,
    folder: &std::path::Path,
    stores: &[StoreFile],
    since: u64,
) -> BlockIter<'b> {
    let Some(reduce) = &plan.reduce else { return Box::new(std::iter::empty()) };
    let changed = stores.iter().filter(|store| store.batch > since);
    let paths: Vec<PathBuf> = changed.map(|store| folder.join(&store.file)).collect();
    Box::new(paths.into_iter().flat_map(move |path| {
        let mut reader = Some(SummaryReader::open(reduce, &path));
        std::iter::from_fn(move || next_block(&mut reader, since))
    }))
}

/// The next block of a file; behind the last, and behind an error, there is none.
fn next_block(
    reader: &mut Option<Result<SummaryReader<'_>, GroupError>>,
    since: u64,
) -> Option<Result<SummaryBlock, BoxError>> {
    let next = match reader.as_mut()? {
        Ok(open) => open.next(since).map_err(BoxError::from),
        Err(error) => Err(error.to_string().into()),
    };
    match next {
        Ok(Some(found)) => Some(Ok(SummaryBlock { rows: found.rows, keys: found.keys })),
        Ok(None) => None,
        Err(error) => {
            *reader = None;
            Some(Err(error))
        }
    }
}
