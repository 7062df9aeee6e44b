//! Delivery to the SQL outputs: what each lacks, in one transaction of its own. One that is down waits; it never stops the
//! reading of logs.

use std::path::PathBuf;

use super::pins::Pinned;
use super::{Options, RunError};
use crate::catalog::{Catalog, CatalogError, OutputRow, Run};
use crate::deliver::sql::{
    self, BlockIter, BoxError, DeliverError, Delivery, SortSpace, SqlOutput, SqlTable, SummaryBlock,
};
use crate::engine::groups::GroupError;
use crate::engine::summary_reader::SummaryReader;
use crate::fault;
use crate::plan::{Plan, ReducePlan};

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

/// The store as of a batch.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) job: String,
    pub(super) batch: u64,
    /// The random number of that batch.
    pub(super) token: u64,
    /// The last batch that computed everything anew; 0 for none.
    pub(super) rebuilt: u64,
    pub(super) state_id: String,
    pub(super) fence: u64,
    /// Where the runs are.
    pub(super) folder: PathBuf,
    pub(super) runs: Vec<Run>,
    pub(super) sort: SortSpace,
    pub(super) _pinned: Pinned,
}

/// The token of a batch, if the catalog still knows it.
pub(super) type TokenOf<'t> = &'t dyn Fn(u64) -> Result<Option<u64>, CatalogError>;

/// The SQL outputs of a job, and what each has.
pub(super) struct Outbox<'p> {
    plan: &'p Plan,
    entries: Vec<Entry>,
}

/// One output.
struct Entry {
    output: MaybeOutput,
    row: OutputRow,
    /// What the catalog knows of it.
    stored: OutputRow,
    place: String,
    rows: u64,
    /// Take over a table of another state; once is enough.
    adopt: bool,
}

impl<'p> Outbox<'p> {
    /// What the catalog knows of a job's outputs. Connects to none.
    pub(super) fn open(
        plan: &'p Plan,
        options: &Options,
        catalog: &Catalog,
    ) -> Result<Self, RunError> {
        let mut entries = Vec::new();
        for (name, output) in sql_outputs(plan) {
            let stored = catalog.output(&name)?;
            let mut row = stored.clone();
            let place = output.as_ref().map_or(String::new(), |output| output.describe());
            if output.is_ok() && row.place != place {
                // What it has, if anything, is not known: the delivery looks.
                row.delivered = 0;
            }
            entries.push(Entry { output, row, stored, place, rows: 0, adopt: options.adopt });
        }
        Ok(Outbox { plan, entries })
    }

    /// Whether any output lacks something.
    pub(super) fn has_work(&mut self, batch: u64) -> bool {
        let plan = self.plan;
        self.entries.iter_mut().any(|entry| {
            entry.look_for_file(plan);
            entry.lacks(batch)
        })
    }

    /// Brings each output that lacks something up to the snapshot.
    pub(super) fn deliver(&mut self, snapshot: &Snapshot, token_of: TokenOf<'_>) {
        for at in 0..self.entries.len() {
            self.deliver_one(at, snapshot, token_of);
        }
    }

    /// Brings one output up to the snapshot. Whether it is.
    pub(super) fn deliver_one(
        &mut self,
        at: usize,
        snapshot: &Snapshot,
        token_of: TokenOf<'_>,
    ) -> bool {
        let entry = &mut self.entries[at];
        entry.look_for_file(self.plan);
        if !entry.lacks(snapshot.batch) {
            return true;
        }
        fault::point("deliver.before");
        let delivered = match (&mut entry.output, &self.plan.reduce) {
            (Ok(output), Some(reduce)) => {
                deliver(reduce, output.as_mut(), snapshot, token_of, entry.adopt)
                    .map_err(|error| error.to_string())
            }
            (Err(error), _) => Err(error.to_string()),
            (Ok(_), None) => Ok(0),
        };
        fault::point("deliver.after");
        entry.row.tried_us = jiff::Timestamp::now().as_microsecond();
        match delivered {
            Ok(rows) => {
                entry.rows += rows;
                entry.row.delivered = snapshot.batch;
                entry.row.place.clone_from(&entry.place);
                entry.row.error = None;
                entry.adopt = false;
                true
            }
            Err(error) => {
                entry.row.error = Some(error);
                false
            }
        }
    }

    /// How many outputs there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// What the catalog does not know yet.
    pub(super) fn news(&mut self) -> Vec<OutputRow> {
        let mut news = Vec::new();
        for entry in &mut self.entries {
            let (row, stored) = (&entry.row, &entry.stored);
            if (row.delivered, &row.error, &row.place)
                != (stored.delivered, &stored.error, &stored.place)
            {
                news.push(entry.row.clone());
                entry.stored = entry.row.clone();
            }
        }
        news
    }

    /// How it stands, with the rows that were delivered since the last report.
    pub(super) fn reports(&mut self) -> Vec<OutputReport> {
        let report = |entry: &mut Entry| OutputReport {
            name: entry.row.name.clone(),
            place: entry.place.clone(),
            rows: std::mem::take(&mut entry.rows),
            batch: entry.row.delivered,
            error: entry.row.error.clone(),
        };
        self.entries.iter_mut().map(report).collect()
    }
}

impl Entry {
    fn lacks(&self, batch: u64) -> bool {
        batch > 0 && (self.adopt || self.row.delivered < batch || self.row.error.is_some())
    }

    /// An SQLite file that was removed has nothing any more. Of a server's table that is found by its next delivery: asking
    /// costs a connection.
    fn look_for_file(&mut self, plan: &Plan) {
        let file = plan.outputs.sqlite.as_ref().filter(|_| self.row.name.starts_with("sqlite:"));
        if self.row.delivered > 0 && file.is_some_and(|output| !output.path.exists()) {
            self.row.delivered = 0;
        }
    }
}

/// One delivery.
fn deliver(
    reduce: &ReducePlan,
    output: &mut dyn SqlOutput,
    snapshot: &Snapshot,
    token_of: TokenOf<'_>,
    adopt: bool,
) -> Result<u64, DeliverError> {
    let position = output.position()?;
    let since = match position.filter(|p| p.state_id == snapshot.state_id) {
        // A table that was restored from a backup knows less than the catalog thinks; one whose batch has another token
        // was written in another life of this state, which ended when it was restored from a copy: its rows are not
        // those of this history, and all are replaced.
        Some(known) => {
            match token_of(known.batch).map_err(|e| DeliverError::Source(Box::new(e)))? {
                // What was delivered before all was computed anew may hold groups that are no more.
                Some(token) if token == known.token && known.batch >= snapshot.rebuilt => {
                    known.batch
                }
                _ => 0,
            }
        }
        None => 0,
    };
    let delivery = Delivery {
        job: snapshot.job.clone(),
        state_id: snapshot.state_id.clone(),
        batch: snapshot.batch,
        token: snapshot.token,
        fence: snapshot.fence,
        adopt,
        replace_all: since == 0,
        reshape: since == 0 && snapshot.rebuilt > 0,
        sort: snapshot.sort.clone(),
    };
    let mut blocks = || blocks(reduce, snapshot, since);
    Ok(output.deliver(&delivery, &mut blocks)?.rows)
}

/// The groups that were changed by a later batch than `since`.
fn blocks<'b>(reduce: &'b ReducePlan, snapshot: &Snapshot, since: u64) -> BlockIter<'b> {
    let of_partition = snapshot.runs.chunk_by(|a, b| a.partition_us == b.partition_us);
    let changed = of_partition.filter(|runs| runs.iter().any(|run| run.batch > since));
    let file = |run: &Run| snapshot.folder.join(&run.file);
    let partitions: Vec<Vec<PathBuf>> =
        changed.map(|runs| runs.iter().map(file).collect()).collect();
    Box::new(partitions.into_iter().flat_map(move |files| {
        let mut reader = Some(SummaryReader::open(reduce, &files, since));
        std::iter::from_fn(move || next_block(&mut reader))
    }))
}

/// The next block of a partition; behind the last, and behind an error, there is none.
fn next_block(
    reader: &mut Option<Result<SummaryReader<'_>, GroupError>>,
) -> Option<Result<SummaryBlock, BoxError>> {
    let next = match reader.as_mut()? {
        Ok(open) => open.next_rows().map_err(BoxError::from),
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
