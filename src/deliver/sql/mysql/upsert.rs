//! Rows into a table: INSERTs of many rows, in the order of the primary key, cut by the server's limit for a statement.
//!
//! The keys are hashes. So each sorted run of a delivery goes once through all pages of the table, and the fewer runs there are,
//! the less the server reads and writes: 1,000,000 rows took 34 s as ten runs, and 20 s as one. What fits into the delivery's
//! share of the memory is one run. Of more, sorted runs are put aside in a file, and merged into one.

use std::io;

use super::super::value::{ColumnDef, DEFECT};
use super::super::{BlockIter, DeliverError, SortSpace, SqlTable};
use super::connect::Session;
use super::ddl;
use super::errors::{Fault, too_large};
use super::literal::quote;
use super::run::Run;
use super::spill::{READ_BYTES, Spill};
use crate::limits::{DELIVERY_RUN_BYTES_MIN, RUNS_MERGED_MAX, RUNS_MERGED_MIN};

/// A statement grows to this many bytes if the server takes them; larger ones gain no speed.
const STATEMENT_BYTES_MAX: usize = 1 << 20;
/// What a packet holds besides the statement, generously.
const PACKET_OVERHEAD_BYTES: usize = 64;

/// Writes all rows; returns how many.
pub(super) fn write(
    session: &mut Session,
    table: &SqlTable,
    columns: &[ColumnDef],
    mut blocks: BlockIter<'_>,
    space: &SortSpace,
) -> Result<u64, Fault> {
    let place = session.place().to_owned();
    let mut insert = Insert::new(session, table, columns);
    let (mut run, mut spill, mut rows) = (Run::default(), Spill::new(space.file.clone()), 0);
    loop {
        let is_last = !fill(&mut run, space.run_bytes(), &place, columns, &mut blocks)?;
        if is_last && spill.is_empty() {
            return Ok(rows + insert.write(&run)?);
        }
        let aside = spill.add(&run);
        if is_last || aside.is_err() || spill.len() == space.runs_max() {
            rows += insert.merge(&mut spill)?;
        } else {
            insert.keep_alive()?;
        }
        if let Err(error) = aside {
            // It takes longer so, and no room.
            tracing::warn!("{}: {error}; rows are sent without it", space.file.display());
            rows += insert.write(&run)?;
        }
        if is_last {
            return Ok(rows);
        }
    }
}

/// Takes blocks until the run is full, and sorts it. Whether there may be more of them.
fn fill(
    run: &mut Run,
    bytes: usize,
    place: &str,
    columns: &[ColumnDef],
    blocks: &mut BlockIter<'_>,
) -> Result<bool, Fault> {
    run.clear();
    while run.heap_bytes() < bytes {
        let Some(block) = blocks.next() else {
            run.sort();
            return Ok(false);
        };
        let block = block.map_err(|error| Fault::Final(DeliverError::Source(error)))?;
        run.add(&block, columns)
            .map_err(|problem| Fault::Final(DeliverError::refused(place, problem, DEFECT)))?;
    }
    run.sort();
    Ok(true)
}

impl SortSpace {
    /// A run is this long, and so is what its memory grows by at most while it is filled.
    fn run_bytes(&self) -> usize {
        (self.memory_bytes / 8).max(DELIVERY_RUN_BYTES_MIN)
    }

    /// So many runs are read at once.
    fn runs_max(&self) -> usize {
        (self.memory_bytes / 8 / READ_BYTES).clamp(RUNS_MERGED_MIN, RUNS_MERGED_MAX)
    }
}

impl From<io::Error> for Fault {
    /// Of rows that were put aside.
    fn from(error: io::Error) -> Self {
        Fault::Final(DeliverError::Source(error.into()))
    }
}

/// The statement, but for its rows.
struct Insert<'s> {
    session: &'s mut Session,
    /// `INSERT INTO t (columns) VALUES `
    head: String,
    /// ` ON DUPLICATE KEY UPDATE …`
    tail: String,
    /// The statement so far, without its tail; empty between statements.
    statement: Vec<u8>,
    bytes_max: usize,
}

impl<'s> Insert<'s> {
    fn new(session: &'s mut Session, table: &SqlTable, columns: &[ColumnDef]) -> Self {
        let names: Vec<String> = columns.iter().map(|def| quote(&def.name)).collect();
        let (key, name) = (quote(ddl::KEY), quote(&table.table));
        // The group's own columns are the same already. VALUES(c) is the one form that both servers know.
        let mut set: Vec<String> =
            names.iter().skip(table.key_columns).map(|c| format!("{c}=VALUES({c})")).collect();
        if set.is_empty() {
            set.push(format!("{key}={key}"));
        }
        let packet = session.packet_bytes_max.saturating_sub(PACKET_OVERHEAD_BYTES);
        Insert {
            session,
            head: format!("INSERT INTO {name} ({key}, {}) VALUES ", names.join(", ")),
            tail: format!(" ON DUPLICATE KEY UPDATE {}", set.join(", ")),
            statement: Vec::new(),
            bytes_max: packet.min(STATEMENT_BYTES_MAX),
        }
    }

    /// Writes the rows of a run; returns how many.
    fn write(&mut self, run: &Run) -> Result<u64, Fault> {
        run.rows().try_for_each(|row| self.append(row))?;
        self.flush()?;
        Ok(run.rows().len() as u64)
    }

    /// Writes the rows that were put aside; returns how many.
    fn merge(&mut self, spill: &mut Spill) -> Result<u64, Fault> {
        let rows = spill.merge(|row| self.append(row))?;
        self.flush()?;
        Ok(rows)
    }

    /// Whoever stands between us and the server cuts off what is silent for long.
    fn keep_alive(&mut self) -> Result<(), Fault> {
        self.session.run("DO 0").map(drop)
    }

    fn append(&mut self, row: &[u8]) -> Result<(), Fault> {
        if self.statement.len() + row.len() + self.tail.len() + 1 > self.bytes_max {
            self.flush()?;
        }
        if self.statement.is_empty() {
            self.statement.extend_from_slice(self.head.as_bytes());
        } else {
            self.statement.push(b',');
        }
        self.statement.extend_from_slice(row);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Fault> {
        if self.statement.is_empty() {
            return Ok(());
        }
        self.statement.extend_from_slice(self.tail.as_bytes());
        // A single row may be longer than a statement should be, but not longer than the server allows.
        if self.statement.len() + PACKET_OVERHEAD_BYTES > self.session.packet_bytes_max {
            return Err(Fault::Final(too_large(self.session.place())));
        }
        self.session.run(&self.statement)?;
        self.statement.clear();
        Ok(())
    }
}
