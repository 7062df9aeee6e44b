//! A reader who looks at all outputs every 10 ms while watches come and go.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::site::{self, Site};
use crate::writer::Writer;

/// The reader's thread.
pub struct Looks {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<u64, String>>,
}

impl Looks {
    /// Starts to look.
    pub fn start(site: &Site, writer: &Writer) -> Looks {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        let mut view = View {
            out: site.path().join("out"),
            server: site.table.clone(),
            written: Arc::clone(&writer.lines),
            files: BTreeMap::new(),
            most: BTreeMap::new(),
        };
        let thread = std::thread::spawn(move || {
            let mut looks = 0;
            while !flag.load(Ordering::Relaxed) {
                view.look()?;
                looks += 1;
                std::thread::sleep(Duration::from_millis(10));
            }
            Ok(looks)
        });
        Looks { stop, thread }
    }

    /// How often it looked, or what it saw that must not be.
    pub fn stop(self) -> Result<u64, String> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| "the reader panicked".to_owned())?
    }
}

struct View {
    out: PathBuf,
    server: Option<(String, String)>,
    written: Arc<AtomicU64>,
    /// Files of the summary, and the hits that each had.
    files: BTreeMap<PathBuf, i64>,
    /// The most lines that each output has shown.
    most: BTreeMap<&'static str, i64>,
}

impl View {
    fn look(&mut self) -> Result<(), String> {
        self.summary()?;
        let events = self.events()?;
        self.grows("events", events)?;
        if let Some(hits) = site::sqlite_hits(&self.out.join("watched.db")) {
            self.grows("SQLite", hits)?;
        }
        if let Some((url, name)) = &self.server {
            let sql = format!("SELECT CAST(coalesce(sum(hits), 0) AS SIGNED) FROM {name}");
            // Before the first batch there is no table.
            let rows = site::query(url, &sql).unwrap_or_default();
            if let Some(hits) = rows.first().and_then(|row| row.first()?.parse().ok()) {
                self.grows("the server", hits)?;
            }
        }
        Ok(())
    }

    /// An output never shows less than before, and never more than was written.
    fn grows(&mut self, output: &'static str, lines: i64) -> Result<(), String> {
        let written = self.written.load(Ordering::SeqCst) as i64;
        let before = self.most.insert(output, lines).unwrap_or(0);
        if lines < before || lines > written {
            return Err(format!(
                "{output} shows {lines} lines after {before}, of {written} written"
            ));
        }
        Ok(())
    }

    fn summary(&mut self) -> Result<(), String> {
        let files = parquet_files(&self.out.join("summary"));
        if let Some((gone, _)) = self.files.iter().find(|(path, _)| !files.contains(path)) {
            return Err(format!("{} was there and is gone", gone.display()));
        }
        for path in files {
            let hits = batches(&path)?.iter().map(hits).sum();
            let before = self.files.insert(path.clone(), hits).unwrap_or(0);
            if hits < before {
                return Err(format!("{} went from {before} to {hits}", path.display()));
            }
        }
        Ok(())
    }

    /// The rows of all files; a folder that is exchanged between the listing and the opening is listed again.
    fn events(&self) -> Result<i64, String> {
        'listing: for _ in 0..20 {
            let mut rows = 0;
            for path in parquet_files(&self.out.join("events")) {
                match batches(&path) {
                    Ok(batches) => rows += batches.iter().map(RecordBatch::num_rows).sum::<usize>(),
                    Err(_) if !path.exists() => continue 'listing,
                    Err(error) => return Err(error),
                }
            }
            return Ok(rows as i64);
        }
        Err("the files of events change all the time".to_owned())
    }
}

fn hits(batch: &RecordBatch) -> i64 {
    let column = batch.column_by_name("hits").expect("hits").as_primitive::<Int64Type>();
    column.values().iter().sum()
}

/// All `*.parquet` below a folder, as a reader's glob finds them.
pub fn parquet_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(parquet_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "parquet") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// All rows of a Parquet file, or what is wrong with it.
pub fn batches(path: &Path) -> Result<Vec<RecordBatch>, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let file = File::open(path).map_err(|e| wrong(&e))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).and_then(|builder| builder.build());
    reader.map_err(|e| wrong(&e))?.collect::<Result<_, _>>().map_err(|e| wrong(&e))
}
