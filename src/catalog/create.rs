//! A new catalog.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::CatalogError;
use crate::engine::parquet_file::{FileError, sync_folder};

/// Begin of the names of catalogs that are being made.
const NEW: &str = "catalog.db.new-";

/// The version of a catalog's tables.
pub(super) const VERSION: i64 = 4;

const SCHEMA: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE segments (
    id INTEGER PRIMARY KEY, path BLOB NOT NULL, first_path BLOB NOT NULL, device INTEGER NOT NULL, inode INTEGER NOT NULL,
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, compression TEXT NOT NULL,
    head_len INTEGER NOT NULL, head_hash INTEGER NOT NULL, rank INTEGER NOT NULL, origin INTEGER NOT NULL,
    offset INTEGER NOT NULL, anchor_len INTEGER NOT NULL, anchor_hash INTEGER NOT NULL, complete INTEGER NOT NULL,
    gone_us INTEGER, mapped_bytes INTEGER NOT NULL DEFAULT 0, filtered_bytes INTEGER NOT NULL DEFAULT 0,
    rejected_bytes INTEGER NOT NULL DEFAULT 0, lost_bytes INTEGER NOT NULL DEFAULT 0);
CREATE TABLE marks (segment INTEGER PRIMARY KEY, marks BLOB NOT NULL);
CREATE TABLE copies (
    device INTEGER NOT NULL, inode INTEGER NOT NULL, path BLOB NOT NULL, size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL, settled INTEGER NOT NULL, segment INTEGER NOT NULL, original BLOB NOT NULL,
    bytes INTEGER NOT NULL, told INTEGER NOT NULL, PRIMARY KEY (device, inode)) WITHOUT ROWID;
CREATE TABLE batches (
    batch INTEGER PRIMARY KEY, fence INTEGER NOT NULL, token INTEGER NOT NULL, decided_us INTEGER NOT NULL,
    seconds REAL NOT NULL, mapped INTEGER NOT NULL, filtered INTEGER NOT NULL, rejected INTEGER NOT NULL,
    late INTEGER NOT NULL, retried INTEGER NOT NULL, bytes INTEGER NOT NULL, groups INTEGER NOT NULL,
    lost_bytes INTEGER NOT NULL, segments INTEGER NOT NULL, gaps INTEGER NOT NULL);
CREATE TABLE former_batches (
    id INTEGER PRIMARY KEY CHECK (id = 1), batches INTEGER NOT NULL, mapped INTEGER NOT NULL,
    filtered INTEGER NOT NULL, rejected INTEGER NOT NULL, late INTEGER NOT NULL, retried INTEGER NOT NULL,
    bytes INTEGER NOT NULL, lost_bytes INTEGER NOT NULL, gaps INTEGER NOT NULL);
INSERT INTO former_batches VALUES (1, 0, 0, 0, 0, 0, 0, 0, 0, 0);
CREATE TABLE former_segments (
    id INTEGER PRIMARY KEY CHECK (id = 1), segments INTEGER NOT NULL, bytes INTEGER NOT NULL,
    mapped_bytes INTEGER NOT NULL, filtered_bytes INTEGER NOT NULL, rejected_bytes INTEGER NOT NULL,
    lost_bytes INTEGER NOT NULL);
INSERT INTO former_segments VALUES (1, 0, 0, 0, 0, 0, 0);
CREATE TABLE renames (
    batch INTEGER NOT NULL, staged BLOB NOT NULL, final BLOB NOT NULL, bytes INTEGER NOT NULL,
    checksum INTEGER NOT NULL, PRIMARY KEY (batch, staged)) WITHOUT ROWID;
CREATE TABLE runs (
    file TEXT PRIMARY KEY, partition_us INTEGER NOT NULL, batch INTEGER NOT NULL, groups INTEGER NOT NULL,
    bytes INTEGER NOT NULL, checksum INTEGER NOT NULL, sequence INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX runs_by_partition ON runs (partition_us, sequence);
CREATE TABLE event_parts (
    staged BLOB PRIMARY KEY, partition_us INTEGER NOT NULL, sequence INTEGER NOT NULL,
    bytes INTEGER NOT NULL, checksum INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE rejects (
    id INTEGER PRIMARY KEY, batch INTEGER NOT NULL, segment INTEGER NOT NULL, path BLOB NOT NULL,
    rank_time INTEGER NOT NULL, rank INTEGER NOT NULL, offset INTEGER NOT NULL, length INTEGER NOT NULL,
    reason TEXT NOT NULL, sample BLOB NOT NULL);
CREATE INDEX rejects_with_sample ON rejects (id) WHERE sample <> x'';
CREATE TABLE event_files (
    path BLOB PRIMARY KEY, partition_us INTEGER NOT NULL, batch INTEGER NOT NULL, bytes INTEGER NOT NULL,
    checksum INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX event_files_by_partition ON event_files (partition_us, bytes);
CREATE TABLE told (notice TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE removals (path BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE vanishing (path BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE swaps (
    staged BLOB PRIMARY KEY, published BLOB NOT NULL, marker BLOB NOT NULL, done INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE outputs (
    name TEXT PRIMARY KEY, place TEXT NOT NULL, delivered INTEGER NOT NULL, tried_us INTEGER NOT NULL,
    error TEXT) WITHOUT ROWID;
CREATE TABLE visible (
    path BLOB PRIMARY KEY, batch INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID;
";

/// Makes the tables.
pub(super) fn create(connection: &Connection) -> rusqlite::Result<()> {
    let state_id = new_state_id();
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {SCHEMA}
         INSERT INTO meta VALUES ('state_id', '{state_id}'), ('fence', 0);
         PRAGMA user_version = {VERSION}; COMMIT;"
    ))
}

/// Makes a whole catalog under another name and gives it its own, so that two waits for the disk do in place of nine. Where
/// that is not to be had, nothing is there afterwards: SQLite makes it then, step by step.
pub(super) fn make_beside(dir: &Path, path: &Path) -> Result<(), CatalogError> {
    remove_unfinished(dir).map_err(cant_create(path))?;
    let new = dir.join(format!("{NEW}{:016x}", super::random()));
    let made = make(&new, path);
    if !matches!(made, Ok(true)) {
        // What led here is the one to tell, and the next one who makes a catalog removes it too.
        let _ = std::fs::remove_file(&new);
    }
    match made? {
        false => Ok(()),
        true => sync_folder(dir).map_err(|error| match error {
            FileError::Io { action, path, source } => CatalogError::Io { action, path, source },
            other => cant_create(path)(io::Error::other(other)),
        }),
    }
}

fn cant_create(path: &Path) -> impl FnOnce(io::Error) -> CatalogError {
    move |source| CatalogError::Io { action: "create", path: path.to_owned(), source }
}

/// Whether there is a new catalog at `path` then.
fn make(new: &Path, path: &Path) -> Result<bool, CatalogError> {
    let failed = |source| CatalogError::Sql { action: "create", path: path.to_owned(), source };
    write(new).map_err(failed)?;
    let synced = File::open(new).and_then(|file| file.sync_all());
    synced.and_then(|()| name(new, path)).map_err(cant_create(path))
}

/// Nobody sees it before it is whole: a journal would be for nothing, and what is durable is cared for afterwards.
fn write(new: &Path) -> rusqlite::Result<()> {
    let connection = Connection::open(new)?;
    connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF;")?;
    create(&connection)?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.close().map_err(|(_, error)| error)
}

/// Gives a new catalog its name, unless there is one meanwhile, or the file system can't tell.
fn name(new: &Path, path: &Path) -> io::Result<bool> {
    match renameat_with(CWD, new, CWD, path, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(true),
        Err(Errno::EXIST | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Removes what a run left that died over it.
fn remove_unfinished(dir: &Path) -> io::Result<()> {
    let is_unfinished = |entry: &std::fs::DirEntry| {
        entry.file_name().as_encoded_bytes().starts_with(NEW.as_bytes())
    };
    let entries: Vec<PathBuf> = std::fs::read_dir(dir)?
        .filter_map(|entry| entry.ok().filter(is_unfinished).map(|entry| entry.path()))
        .collect();
    entries.iter().try_for_each(|path| match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    })
}

/// 128 bits that no other state has.
fn new_state_id() -> String {
    format!("{:016x}{:016x}", super::random(), super::random())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    fn names(dir: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(dir).expect("a folder");
        let name = |entry: io::Result<std::fs::DirEntry>| entry.expect("an entry").file_name();
        entries.map(|entry| name(entry).into_string().expect("text")).collect()
    }

    #[test]
    fn a_catalog_that_was_made_beside_is_one_in_wal_mode_and_nothing_else_is_left() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join(format!("{NEW}0")), "half of one").expect("written");
        let path = dir.path().join("catalog.db");
        make_beside(dir.path(), &path).expect("made");
        assert_eq!(names(dir.path()), ["catalog.db"]);
        let connection = Connection::open(&path).expect("opened");
        let mode = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
        assert_eq!(connection.query_row("PRAGMA journal_mode", [], mode).expect("a mode"), "wal");
    }

    #[test]
    fn a_catalog_that_is_there_already_is_never_replaced() {
        let dir = tempfile::tempdir().expect("a folder");
        let first = Catalog::open(dir.path()).expect("made").state_id().expect("read");
        make_beside(dir.path(), &dir.path().join("catalog.db")).expect("left alone");
        assert_eq!(names(dir.path()), ["catalog.db"]);
        assert_eq!(Catalog::open(dir.path()).expect("opened").state_id().expect("read"), first);
    }
}
