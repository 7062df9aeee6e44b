//! What is known of each segment.

use rusqlite::{Transaction, params};

use super::batches::{bytes_of, path_of};
use super::{Catalog, CatalogError};
use crate::source::{Compression, Fingerprint, SegmentState};

impl Catalog {
    /// All segments that were ever read.
    pub fn segments(&self) -> Result<Vec<SegmentState>, CatalogError> {
        let sql = "SELECT id, path, device, inode, size, mtime_ns, compression, head_len, head_hash, rank, offset,
                       anchor_len, anchor_hash, complete, gone_us FROM segments ORDER BY id";
        self.rows(sql, [], segment)
    }

    /// Stores what was learnt of segments with nothing to read: new names, new times.
    pub fn update_segments(&mut self, segments: &[SegmentState]) -> Result<(), CatalogError> {
        let path = self.path.clone();
        let fail = |source| CatalogError::Sql { action: "write", path, source };
        let mut work = || {
            let transaction = self.connection.transaction()?;
            write(&transaction, segments)?;
            transaction.commit()
        };
        work().map_err(fail)
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
        gone_us: row.get(14)?,
    })
}

/// Inserts new segments (id 0) and replaces known ones.
pub(super) fn write(
    transaction: &Transaction<'_>,
    segments: &[SegmentState],
) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO segments VALUES (nullif(?1, 0), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";
    let mut statement = transaction.prepare(sql)?;
    for s in segments {
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
            s.gone_us,
        ])?;
    }
    Ok(())
}
