//! Rows into a table: INSERTs of many rows, in the order of the primary key, cut by the server's limit for a statement.
//!
//! The rows are gathered into runs and sorted within each, since the server inserts neighbours faster than hashes at random.
//! While it works on one run, a second thread waits for it, and this one writes the next.

use std::sync::mpsc::{SyncSender, sync_channel};

use super::super::value::{ColumnDef, DEFECT};
use super::super::{BlockIter, DeliverError, SqlTable};
use super::connect::Session;
use super::ddl;
use super::errors::{Fault, too_large};
use super::run::Run;

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
) -> Result<u64, Fault> {
    let place = session.place().to_owned();
    let mut insert = Insert::new(session, table, columns);
    let mut runs = std::iter::from_fn(|| next_run(&place, columns, &mut blocks).transpose());
    let Some(first) = runs.next().transpose()? else { return Ok(0) };
    // Most deliveries end here.
    let Some(second) = runs.next().transpose()? else { return insert.write(&first) };
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel::<Run>(1);
        let writer = scope.spawn(move || {
            receiver.iter().try_fold(0, |rows, run| Ok::<_, Fault>(rows + insert.write(&run)?))
        });
        let fed = feed(sender, [Ok(first), Ok(second)].into_iter().chain(runs));
        let rows = writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        fed.map(|()| rows)
    })
}

/// Hands the runs over, until there are no more, or the writer has failed and says why.
fn feed(
    sender: SyncSender<Run>,
    runs: impl Iterator<Item = Result<Run, Fault>>,
) -> Result<(), Fault> {
    for run in runs {
        if sender.send(run?).is_err() {
            break;
        }
    }
    Ok(())
}

/// Blocks up to a full run; `None` if there are no more.
fn next_run(
    place: &str,
    columns: &[ColumnDef],
    blocks: &mut BlockIter<'_>,
) -> Result<Option<Run>, Fault> {
    let mut run = Run::default();
    while !run.is_full() {
        let Some(block) = blocks.next() else { break };
        let block = block.map_err(|error| Fault::Final(DeliverError::Source(error)))?;
        run.add(&block, columns)
            .map_err(|problem| Fault::Final(DeliverError::refused(place, problem, DEFECT)))?;
    }
    run.sort();
    Ok((!run.is_empty()).then_some(run))
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
        let names: Vec<String> = columns.iter().map(|def| ddl::quote(&def.name)).collect();
        let (key, name) = (ddl::quote(ddl::KEY), ddl::quote(&table.table));
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
