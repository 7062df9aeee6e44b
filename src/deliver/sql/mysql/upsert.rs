//! Rows into a table: INSERTs of many rows, cut by the server's limit for a statement.

use sha2::{Digest, Sha256};

use super::super::value::{Cells, ColumnDef, DEFECT};
use super::super::{BlockIter, DeliverError, SqlTable, SummaryBlock};
use super::connect::Session;
use super::errors::{Fault, too_large};
use super::{ddl, literal};

/// A statement grows to this many bytes if the server takes them; larger ones gain no speed.
const STATEMENT_BYTES_MAX: usize = 1 << 20;
/// What a packet holds besides the statement, generously.
const PACKET_OVERHEAD_BYTES: usize = 64;

/// Writes all rows; returns how many.
pub(super) fn write(
    session: &mut Session,
    table: &SqlTable,
    columns: &[ColumnDef],
    blocks: BlockIter<'_>,
) -> Result<u64, Fault> {
    let mut upsert = Upsert::new(session, table, columns);
    for block in blocks {
        let block = block.map_err(|error| Fault::Final(DeliverError::Source(error)))?;
        upsert.add(&block, columns)?;
    }
    upsert.flush()?;
    Ok(upsert.rows)
}

struct Upsert<'s> {
    session: &'s mut Session,
    /// `INSERT INTO t (columns) VALUES `
    head: String,
    /// ` ON DUPLICATE KEY UPDATE …`
    tail: String,
    /// The statement so far, without its tail; empty between statements.
    statement: Vec<u8>,
    /// The row that is being written.
    row: Vec<u8>,
    bytes_max: usize,
    rows: u64,
}

impl<'s> Upsert<'s> {
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
        Upsert {
            session,
            head: format!("INSERT INTO {name} ({key}, {}) VALUES ", names.join(", ")),
            tail: format!(" ON DUPLICATE KEY UPDATE {}", set.join(", ")),
            statement: Vec::new(),
            row: Vec::new(),
            bytes_max: packet.min(STATEMENT_BYTES_MAX),
            rows: 0,
        }
    }

    fn add(&mut self, block: &SummaryBlock, columns: &[ColumnDef]) -> Result<(), Fault> {
        let cells = Cells::of(&block.rows, columns).map_err(|problem| {
            Fault::Final(DeliverError::refused(self.session.place(), problem, DEFECT))
        })?;
        for row in 0..block.rows.num_rows() {
            self.row.clear();
            self.row.push(b'(');
            literal::push_binary(&mut self.row, &Sha256::digest(block.keys.value(row)));
            for column in &cells {
                self.row.push(b',');
                literal::push(&mut self.row, column.cell(row));
            }
            self.row.push(b')');
            self.append_row()?;
        }
        Ok(())
    }

    fn append_row(&mut self) -> Result<(), Fault> {
        let row_bytes = self.row.len() + self.tail.len() + 1;
        if self.statement.len() + row_bytes > self.bytes_max {
            self.flush()?;
        }
        if self.statement.is_empty() {
            self.statement.extend_from_slice(self.head.as_bytes());
        } else {
            self.statement.push(b',');
        }
        self.statement.extend_from_slice(&self.row);
        self.rows += 1;
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
