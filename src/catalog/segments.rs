//! What is known of each segment.

use rusqlite::{Transaction, params};

use super::batches::{bytes_of, path_of};
use super::{Catalog, CatalogError};
use crate::source::{Compression, Fingerprint, Marks, SegmentState};

/// What a batch learnt of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentChange {
    /// Its state from now on; id 0 is a new one.
    pub state: SegmentState,
    /// Its bytes that were read.
    pub read: SegmentLedger,
    /// Marks of them.
    pub marks: Marks,
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

/// Segments whose files are gone for so long that they were forgotten, together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FormerSegments {
    /// How many.
    pub segments: u64,
    /// Their bytes that were consumed.
    pub bytes: u64,
    /// What became of them.
    pub ledger: SegmentLedger,
}

impl From<SegmentState> for SegmentChange {
    fn from(state: SegmentState) -> Self {
        SegmentChange { state, read: SegmentLedger::default(), marks: Marks::default() }
    }
}

const COLUMNS: &str =
    "id, path, first_path, device, inode, size, mtime_ns, compression, head_len, head_hash, rank,
    origin, offset, anchor_len, anchor_hash, complete, gone_us";

impl Catalog {
    /// All segments that were ever read.
    pub fn segments(&self) -> Result<Vec<SegmentState>, CatalogError> {
        let sql = format!("SELECT {COLUMNS} FROM segments ORDER BY id");
        self.rows(&sql, [], segment)
    }

    /// The ledger of all segments, for `audit`.
    pub fn ledger(&self) -> Result<Vec<(SegmentState, SegmentLedger)>, CatalogError> {
        let sql = format!(
            "SELECT {COLUMNS}, mapped_bytes, filtered_bytes, rejected_bytes, lost_bytes FROM segments ORDER BY id"
        );
        self.rows(&sql, [], |row| {
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

    /// The sums of the segments that were forgotten.
    pub fn former_segments(&self) -> Result<FormerSegments, CatalogError> {
        let sql = "SELECT segments, bytes, mapped_bytes, filtered_bytes, rejected_bytes, lost_bytes FROM former_segments";
        let read = |row: &rusqlite::Row<'_>| {
            let number = |at| row.get::<_, i64>(at).map(|n| n as u64);
            let ledger = SegmentLedger {
                mapped_bytes: number(2)?,
                filtered_bytes: number(3)?,
                rejected_bytes: number(4)?,
                lost_bytes: number(5)?,
            };
            Ok(FormerSegments { segments: number(0)?, bytes: number(1)?, ledger })
        };
        self.connection.query_row(sql, [], read).map_err(self.fail("read"))
    }

    /// Stores what was learnt of segments with nothing to read: new names, new times.
    pub fn update_segments(&mut self, segments: &[SegmentChange]) -> Result<(), CatalogError> {
        self.note(|transaction, _| write(transaction, segments).map(drop))
    }
}

fn segment(row: &rusqlite::Row<'_>) -> rusqlite::Result<SegmentState> {
    let number = |at| row.get::<_, i64>(at).map(|n| n as u64);
    let print = |at| {
        Ok::<_, rusqlite::Error>(Fingerprint { len: number(at)? as u32, hash: number(at + 1)? })
    };
    let compression = row.get_ref(7)?.as_str()?;
    Ok(SegmentState {
        id: number(0)?,
        path: path_of(row.get_ref(1)?.as_blob()?),
        first_path: path_of(row.get_ref(2)?.as_blob()?),
        device: number(3)?,
        inode: number(4)?,
        size: number(5)?,
        mtime_ns: row.get(6)?,
        compression: Compression::from_name(compression)
            .ok_or_else(|| rusqlite::Error::InvalidColumnName(compression.to_owned()))?,
        head: print(8)?,
        rank: number(10)?,
        origin: number(11)?,
        offset: number(12)?,
        anchor: print(13)?,
        complete: row.get(15)?,
        gone_us: row.get(16)?,
    })
}

/// Inserts new segments (id 0) and replaces known ones; what was read of them is added up. Answers their numbers.
pub(super) fn write(
    transaction: &Transaction<'_>,
    segments: &[SegmentChange],
) -> rusqlite::Result<Vec<i64>> {
    let sql = "INSERT INTO segments VALUES
                   (nullif(?1, 0), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)
               ON CONFLICT (id) DO UPDATE SET
                   path = excluded.path, first_path = excluded.first_path, device = excluded.device, inode = excluded.inode, size = excluded.size,
                   mtime_ns = excluded.mtime_ns, compression = excluded.compression, head_len = excluded.head_len,
                   head_hash = excluded.head_hash, rank = excluded.rank, offset = excluded.offset,
                   anchor_len = excluded.anchor_len, anchor_hash = excluded.anchor_hash, complete = excluded.complete,
                   gone_us = excluded.gone_us,
                   mapped_bytes = mapped_bytes + excluded.mapped_bytes,
                   filtered_bytes = filtered_bytes + excluded.filtered_bytes,
                   rejected_bytes = rejected_bytes + excluded.rejected_bytes,
                   lost_bytes = lost_bytes + excluded.lost_bytes";
    let mut statement = transaction.prepare(sql)?;
    let mut ids = Vec::with_capacity(segments.len());
    for SegmentChange { state: s, read, marks } in segments {
        statement.execute(params![
            s.id as i64,
            bytes_of(&s.path),
            bytes_of(&s.first_path),
            s.device as i64,
            s.inode as i64,
            s.size as i64,
            s.mtime_ns,
            s.compression.name(),
            i64::from(s.head.len),
            s.head.hash as i64,
            s.rank as i64,
            s.origin as i64,
            s.offset as i64,
            i64::from(s.anchor.len),
            s.anchor.hash as i64,
            s.complete,
            s.gone_us,
            read.mapped_bytes as i64,
            read.filtered_bytes as i64,
            read.rejected_bytes as i64,
            read.lost_bytes as i64,
        ])?;
        let id = if s.id == 0 { transaction.last_insert_rowid() } else { s.id as i64 };
        super::marks::append(transaction, id, marks)?;
        ids.push(id);
    }
    Ok(ids)
}

/// How long a segment whose file is gone is recognised when it comes back.
const GONE_KEPT_US: i64 = 90 * 86_400 * 1_000_000;

/// What is forgotten. Not a segment of which a copy lies there: that would be a log of its own without it.
const FORGOTTEN: &str = "gone_us < ?1 AND id NOT IN (SELECT segment FROM copies)";

/// Forgets segments whose files are gone for long. Now and then: it need not be in every transaction.
pub(super) fn prune(transaction: &Transaction<'_>, batch: u64) -> rusqlite::Result<()> {
    if !batch.is_multiple_of(100) {
        return Ok(());
    }
    let before = jiff::Timestamp::now().as_microsecond() - GONE_KEPT_US;
    let sums = format!(
        "UPDATE former_segments SET
            segments = former_segments.segments + o.segments, bytes = former_segments.bytes + o.bytes,
            mapped_bytes = former_segments.mapped_bytes + o.mapped_bytes,
            filtered_bytes = former_segments.filtered_bytes + o.filtered_bytes,
            rejected_bytes = former_segments.rejected_bytes + o.rejected_bytes,
            lost_bytes = former_segments.lost_bytes + o.lost_bytes
         FROM (SELECT count(*) AS segments, coalesce(sum(offset - origin), 0) AS bytes,
                      coalesce(sum(mapped_bytes), 0) AS mapped_bytes, coalesce(sum(filtered_bytes), 0) AS filtered_bytes,
                      coalesce(sum(rejected_bytes), 0) AS rejected_bytes, coalesce(sum(lost_bytes), 0) AS lost_bytes
               FROM segments WHERE {FORGOTTEN}) AS o"
    );
    transaction.execute(&sums, [before])?;
    let marks =
        format!("DELETE FROM marks WHERE segment IN (SELECT id FROM segments WHERE {FORGOTTEN})");
    transaction.execute(&marks, [before])?;
    transaction.execute(&format!("DELETE FROM segments WHERE {FORGOTTEN}"), [before]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Copy;

    #[test]
    fn forgotten_segments_become_sums() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut catalog = Catalog::open(dir.path()).expect("a catalog");
        let print = Fingerprint::of(b"");
        let segment = |gone_us| SegmentState {
            id: 0,
            path: "x".into(),
            first_path: "x".into(),
            device: 0,
            inode: 0,
            size: 10,
            mtime_ns: 0,
            compression: Compression::Plain,
            head: print,
            rank: 0,
            origin: 0,
            offset: 7,
            anchor: print,
            complete: false,
            gone_us,
        };
        let read =
            SegmentLedger { mapped_bytes: 4, filtered_bytes: 2, rejected_bytes: 1, lost_bytes: 3 };
        let now = jiff::Timestamp::now().as_microsecond();
        let changes = [None, Some(now), Some(1), Some(2)]
            .map(|gone_us| SegmentChange { read, ..SegmentChange::from(segment(gone_us)) });
        catalog.update_segments(&changes).expect("stored");
        // A copy of the third keeps it.
        let copy = Copy {
            path: "y".into(),
            device: 1,
            inode: 1,
            size: 7,
            mtime_ns: 0,
            settled: true,
            segment: 5,
            original: "x".into(),
            bytes: 7,
            told: true,
        };
        catalog.update_segments(&[changes[2].clone()]).expect("stored");
        catalog.set_copies(std::slice::from_ref(&copy)).expect("stored");
        assert_eq!(catalog.copies().expect("read"), [copy]);
        for batch in [99, 100, 200] {
            catalog.write(|transaction, _| prune(transaction, batch)).expect("pruned");
            let former = catalog.former_segments().expect("sums");
            let expected = if batch < 100 { (0, 0, 0) } else { (2, 14, 6) };
            assert_eq!((former.segments, former.bytes, former.ledger.lost_bytes), expected);
        }
        let left: Vec<u64> = catalog.segments().expect("the others").iter().map(|s| s.id).collect();
        assert_eq!(left, [1, 2, 5]);
    }
}
