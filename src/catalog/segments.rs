//! What is known of each segment.

use rusqlite::{Transaction, params};

use super::batches::{bytes_of, path_of};
use super::{Catalog, CatalogError};
use crate::source::{Compression, Fingerprint, SegmentState};

/// What a batch learnt of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentChange {
    /// Its state from now on; id 0 is a new one.
    pub state: SegmentState,
    /// Its bytes that were read.
    pub read: SegmentLedger,
}

/// What became of the bytes of a segment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SegmentLedger {
    /// Of lines that were mapped.
    pub mapped_bytes: u64,
    /// Of lines that were filtered, empty or headers.
    pub filtered_bytes: u64,
    /// Of rejected lines.
    pub rejected_bytes: u64,
    /// That were gone before they could be read.
    pub lost_bytes: u64,
}

impl From<SegmentState> for SegmentChange {
    fn from(state: SegmentState) -> Self {
        SegmentChange { state, read: SegmentLedger::default() }
    }
}

impl Catalog {
    /// All segments that were ever read.
    pub fn segments(&self) -> Result<Vec<SegmentState>, CatalogError> {
        let sql = "SELECT id, path, device, inode, size, mtime_ns, compression, head_len, head_hash, rank, offset,
                       anchor_len, anchor_hash, complete FROM segments ORDER BY id";
        self.rows(sql, [], segment)
    }

    /// The ledger of all segments, for `audit`.
    pub fn ledger(&self) -> Result<Vec<(SegmentState, SegmentLedger)>, CatalogError> {
        let sql = "SELECT id, path, device, inode, size, mtime_ns, compression, head_len, head_hash, rank, offset,
                       anchor_len, anchor_hash, complete, mapped_bytes, filtered_bytes, rejected_bytes, lost_bytes
                   FROM segments ORDER BY id";
        self.rows(sql, [], |row| {
            let number = |name| row.get::<_, i64>(name).map(|n| n as u64);
            let ledger = SegmentLedger {
                mapped_bytes: number("mapped_bytes")?,
                filtered_bytes: number("filtered_bytes")?,
                rejected_bytes: number("rejected_bytes")?,
                lost_bytes: number("lost_bytes")?,
            };
            Ok((segment(row)?, ledger))
        })
    }

    /// Stores what was learnt of segments with nothing to read: new names, new times.
    pub fn update_segments(&mut self, segments: &[SegmentChange]) -> Result<(), CatalogError> {
        self.write(|transaction, _| write(transaction, segments).map(drop))
    }
}

fn segment(row: &rusqlite::Row<'_>) -> rusqlite::Result<SegmentState> {
    let number = |at| row.get::<_, i64>(at).map(|n| n as u64);
    let print = |at| {
        Ok::<_, rusqlite::Error>(Fingerprint { len: number(at)? as u32, hash: number(at + 1)? })
    };
    let compression: String = row.get(6)?;
    Ok(SegmentState {
        id: number(0)?,
        path: path_of(&row.get::<_, Vec<u8>>(1)?),
        device: number(2)?,
        inode: number(3)?,
        size: number(4)?,
        mtime_ns: row.get(5)?,
        compression: Compression::from_name(&compression)
            .ok_or_else(|| rusqlite::Error::InvalidColumnName(compression))?,
        head: print(7)?,
        rank: number(9)?,
        offset: number(10)?,
        anchor: print(11)?,
        complete: row.get(13)?,
    })
}

/// Inserts new segments (id 0) and replaces known ones; what was read of them is added up. Answers their numbers.
pub(super) fn write(
    transaction: &Transaction<'_>,
    segments: &[SegmentChange],
) -> rusqlite::Result<Vec<i64>> {
    let sql = "INSERT INTO segments VALUES
                   (nullif(?1, 0), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
               ON CONFLICT (id) DO UPDATE SET
                   path = excluded.path, device = excluded.device, inode = excluded.inode, size = excluded.size,
                   mtime_ns = excluded.mtime_ns, compression = excluded.compression, head_len = excluded.head_len,
                   head_hash = excluded.head_hash, rank = excluded.rank, offset = excluded.offset,
                   anchor_len = excluded.anchor_len, anchor_hash = excluded.anchor_hash, complete = excluded.complete,
                   mapped_bytes = mapped_bytes + excluded.mapped_bytes,
                   filtered_bytes = filtered_bytes + excluded.filtered_bytes,
                   rejected_bytes = rejected_bytes + excluded.rejected_bytes,
                   lost_bytes = lost_bytes + excluded.lost_bytes";
    let mut statement = transaction.prepare(sql)?;
    let mut ids = Vec::with_capacity(segments.len());
    for SegmentChange { state: s, read } in segments {
        statement.execute(params![
            s.id as i64,
            bytes_of(&s.path),
            s.device as i64,
            s.inode as i64,
            s.size as i64,
            s.mtime_ns,
            s.compression.name(),
            i64::from(s.head.len),
            s.head.hash as i64,
            s.rank as i64,
            s.offset as i64,
            i64::from(s.anchor.len),
            s.anchor.hash as i64,
            s.complete,
            read.mapped_bytes as i64,
            read.filtered_bytes as i64,
            read.rejected_bytes as i64,
            read.lost_bytes as i64,
        ])?;
        ids.push(if s.id == 0 { transaction.last_insert_rowid() } else { s.id as i64 });
    }
    Ok(ids)
}
