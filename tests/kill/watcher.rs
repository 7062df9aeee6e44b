//! A reader who looks at all outputs again and again while runs come and go.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::site::{self, Site};

/// The reader's thread.
pub struct Watcher {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<u64, String>>,
}

impl Watcher {
    /// Starts to look. `hits`: the sums that a whole number of batches can have.
    pub fn start(site: &Site, hits: Vec<i64>) -> Watcher {
        let stop = Arc::new(AtomicBool::new(false));
        let (flag, out, database) =
            (Arc::clone(&stop), site.path().join("out"), site.sqlite_path());
        let thread = std::thread::spawn(move || {
            let mut view = View { out, database, hits, seen: BTreeMap::new(), events: 0 };
            let mut looks = 0;
            while !flag.load(Ordering::Relaxed) {
                view.look()?;
                looks += 1;
                std::thread::sleep(Duration::from_millis(5));
            }
            Ok(looks)
        });
        Watcher { stop, thread }
    }

    /// How often it looked, or what it saw that must not be.
    pub fn stop(self) -> Result<u64, String> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| "the watcher panicked".to_owned())?
    }
}

struct View {
    out: PathBuf,
    database: PathBuf,
    hits: Vec<i64>,
    /// Files of the summary seen before, and what they had counted.
    seen: BTreeMap<PathBuf, i64>,
    /// Records seen among the events.
    events: i64,
}

impl View {
    fn look(&mut self) -> Result<(), String> {
        self.look_at_events()?;
        let files = site::parquet_files(&self.out.join("summary"));
        if let Some((gone, _)) = self.seen.iter().find(|(path, _)| !files.contains(path)) {
            return Err(format!("{} was there and is gone", gone.display()));
        }
        for path in files {
            let batches = site::batches(&path)?;
            let counted = site::hits(&batches);
            let before = self.seen.insert(path.clone(), counted).unwrap_or(0);
            if counted < before {
                return Err(format!("{} went from {before} to {counted}", path.display()));
            }
        }
        self.look_at_sqlite()
    }

    /// Files may be merged into others, but the records of a look are never fewer than those of the one before, nor more
    /// than there are.
    fn look_at_events(&mut self) -> Result<(), String> {
        let mut counted = 0;
        for path in site::parquet_files(&self.out.join("events")) {
            match site::batches(&path) {
                Ok(batches) => counted += batches.iter().map(|b| b.num_rows() as i64).sum::<i64>(),
                // Merged between the look and the reading: it is looked at again.
                Err(_) if !path.exists() => return Ok(()),
                Err(wrong) => return Err(wrong),
            }
        }
        let before = std::mem::replace(&mut self.events, counted);
        let most = self.hits.iter().copied().max().unwrap_or(0);
        match counted < before || counted > most {
            true => Err(format!("the events went from {before} to {counted} of {most}")),
            false => Ok(()),
        }
    }

    /// A batch is one transaction: no sum in between is ever seen.
    fn look_at_sqlite(&self) -> Result<(), String> {
        match sqlite_hits(&self.database) {
            Some(sum) if !self.hits.contains(&sum) => {
                Err(format!("SQLite shows {sum} hits, whole batches have {:?}", self.hits))
            }
            _ => Ok(()),
        }
    }
}

/// The sum, if there is a table yet and nobody holds the file.
fn sqlite_hits(path: &Path) -> Option<i64> {
    if !path.exists() {
        return None;
    }
    let connection = rusqlite::Connection::open(path).ok()?;
    connection.query_row("SELECT coalesce(sum(hits), 0) FROM killed", [], |row| row.get(0)).ok()
}
