//! Opening a catalog, and the words about the job itself.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::CatalogError;
use super::create::{self, VERSION};

/// The catalog of one job.
pub struct Catalog {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    /// The fence under which this process writes; none until it does.
    pub(super) fence: Option<u64>,
    /// Whether it is in WAL mode.
    pub(super) is_log: bool,
    /// Whether a COMMIT waits for the disk, as the connection is set now.
    pub(super) is_durable: bool,
}

impl Catalog {
    /// Opens the catalog in a job's state folder; makes it when missing.
    pub fn open(dir: &Path) -> Result<Catalog, CatalogError> {
        let path = dir.join("catalog.db");
        let fail = |action| {
            let path = path.clone();
            move |source| CatalogError::Sql { action, path, source }
        };
        if !path.exists() {
            create::make_beside(dir, &path)?;
        }
        let connection = Connection::open(&path).map_err(fail("open"))?;
        let mut catalog = Catalog::of(connection, &path);
        catalog.is_log = catalog.configure().map_err(fail("open"))?;
        let version = catalog.version().map_err(fail("read"))?;
        match version {
            0 => create::create(&catalog.connection).map_err(fail("write"))?,
            VERSION => {}
            found => return Err(CatalogError::Version { path, found, expected: VERSION }),
        }
        Ok(catalog)
    }

    /// Opens a catalog to look at, which takes no permission to write; `None` where the job never ran.
    pub fn open_existing(dir: &Path) -> Result<Option<Catalog>, CatalogError> {
        let path = dir.join("catalog.db");
        if !path.exists() {
            return Ok(None);
        }
        let catalog = look_at(&path).map_err(|source| CatalogError::Sql {
            action: "open",
            path: path.clone(),
            source,
        })?;
        match catalog.version().map_err(catalog.fail("read"))? {
            0 => Ok(None),
            VERSION => Ok(Some(catalog)),
            found => Err(CatalogError::Version { path, found, expected: VERSION }),
        }
    }

    fn of(connection: Connection, path: &Path) -> Catalog {
        Catalog { connection, path: path.to_owned(), fence: None, is_log: false, is_durable: true }
    }

    /// Whether the catalog is in WAL mode then.
    fn configure(&self) -> rusqlite::Result<bool> {
        self.connection.busy_timeout(std::time::Duration::from_secs(10))?;
        let mode: String =
            self.connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        // A file system without shared memory (some network ones) answers "delete", which is as safe, only slower.
        tracing::debug!(mode, "catalog");
        self.connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")?;
        Ok(mode == "wal")
    }

    fn version(&self) -> rusqlite::Result<i64> {
        self.connection.query_row("PRAGMA user_version", [], |row| row.get(0))
    }

    /// Several looks at one moment, whoever writes meanwhile.
    pub fn at_once<T, E: From<CatalogError>>(
        &self,
        look: impl FnOnce(&Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.connection.execute_batch("BEGIN").map_err(self.fail("read"))?;
        let found = look(self);
        self.connection.execute_batch("COMMIT").map_err(self.fail("read"))?;
        found
    }

    /// The job's state folder.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    /// The rows of a query.
    pub(super) fn rows<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, CatalogError> {
        let query = || {
            self.connection
                .prepare(sql)?
                .query_map(params, read)?
                .collect::<rusqlite::Result<Vec<T>>>()
        };
        query().map_err(self.fail("read"))
    }

    /// For `map_err`: what was tried.
    pub(super) fn fail(
        &self,
        action: &'static str,
    ) -> impl FnOnce(rusqlite::Error) -> CatalogError {
        let path = self.path.clone();
        move |source| CatalogError::Sql { action, path, source }
    }

    /// The identity of this state: a table that another state wrote is refused.
    pub fn state_id(&self) -> Result<String, CatalogError> {
        self.connection
            .query_row("SELECT value FROM meta WHERE key = 'state_id'", [], |row| row.get(0))
            .map_err(self.fail("read"))
    }

    /// What the stored groups mean ([`crate::plan::Plan::meaning`]).
    pub fn meaning(&self) -> Result<Option<String>, CatalogError> {
        self.meta("meaning")
    }

    /// The newest event time of all batches, microseconds.
    pub fn watermark_us(&self) -> Result<Option<i64>, CatalogError> {
        self.meta("watermark_us")
    }

    /// The last batch that computed everything anew; 0 for none.
    pub fn rebuilt_batch(&self) -> Result<u64, CatalogError> {
        Ok(self.meta::<i64>("rebuilt_batch")?.unwrap_or(0) as u64)
    }

    fn meta<T: rusqlite::types::FromSql>(&self, key: &str) -> Result<Option<T>, CatalogError> {
        self.connection
            .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0))
            .optional()
            .map_err(self.fail("read"))
    }
}

/// A read-only connection. SQLite's WAL wants to write even for that (its shared memory); where the folder forbids it and
/// no run is going on, the file can't change under us and may be read as it is.
fn look_at(path: &Path) -> rusqlite::Result<Catalog> {
    let open = |name: &str| {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(name, flags)?;
        connection.busy_timeout(std::time::Duration::from_secs(10))?;
        let catalog = Catalog::of(connection, path);
        catalog.version().map(|_| catalog)
    };
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(char::from(*byte))
            }
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    open(&uri).or_else(|_| open(&format!("{uri}?immutable=1")))
}
