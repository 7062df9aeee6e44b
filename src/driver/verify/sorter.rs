//! Sorting of rows that may be more than memory holds: sorted runs in the scratch folder, merged.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::RunError;
use super::rows::{Row, Rows};
use crate::engine::parquet_file::FileError;
use crate::limits::RUNS_MERGED_MAX;

/// Takes rows in any order.
pub(super) struct Sorter {
    folder: PathBuf,
    bytes_max: usize,
    bytes: usize,
    rows: Vec<Row>,
    runs: Vec<RowFile>,
}

/// Names runs; unique within the process.
static NEXT: AtomicU64 = AtomicU64::new(0);

impl Sorter {
    /// Keeps so many bytes in memory, and the rest in the folder.
    pub(super) fn new(folder: &Path, bytes_max: usize) -> Self {
        Sorter {
            folder: folder.to_owned(),
            bytes_max,
            bytes: 0,
            rows: Vec::new(),
            runs: Vec::new(),
        }
    }

    /// Adds rows.
    pub(super) fn extend(&mut self, rows: Vec<Row>) -> Result<(), RunError> {
        let bytes = rows.iter().map(|row| row.bytes.capacity() + size_of::<Row>());
        self.bytes += bytes.sum::<usize>();
        self.rows.extend(rows);
        if self.bytes > self.bytes_max { self.spill() } else { Ok(()) }
    }

    /// Adds rows that come sorted, without a stay in memory.
    pub(super) fn run(&mut self, rows: impl Iterator<Item = Row>) -> Result<(), RunError> {
        let mut file = RowFile::create(&self.folder)?;
        for row in rows {
            file.push(&row)?;
        }
        file.finish()?;
        self.runs.push(file);
        if self.runs.len() < RUNS_MERGED_MAX { Ok(()) } else { self.merge_runs() }
    }

    /// Makes one run of all there are, so that never more files are open at once.
    fn merge_runs(&mut self) -> Result<(), RunError> {
        let mut merged = RowFile::create(&self.folder)?;
        for row in Merge::of(&self.runs)? {
            merged.push(&row?)?;
        }
        merged.finish()?;
        for run in std::mem::replace(&mut self.runs, vec![merged]) {
            fs::remove_file(&run.path).map_err(FileError::io("remove", &run.path))?;
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<(), RunError> {
        let mut rows = std::mem::take(&mut self.rows);
        rows.sort_unstable();
        self.bytes = 0;
        self.run(rows.into_iter())
    }

    /// The rows, ascending.
    pub(super) fn finish(mut self) -> Result<Rows<'static>, RunError> {
        if self.runs.is_empty() {
            self.rows.sort_unstable();
            return Ok(Box::new(self.rows.into_iter().map(Ok)));
        }
        self.spill()?;
        Ok(Box::new(Merge::of(&self.runs)?))
    }
}

/// Sorted rows in a file of the scratch folder, which is removed with that.
pub(super) struct RowFile {
    path: PathBuf,
    /// Until it is finished.
    file: Option<BufWriter<File>>,
}

impl RowFile {
    /// An empty one.
    pub(super) fn create(folder: &Path) -> Result<Self, RunError> {
        let path = folder.join(format!("rows-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        let file = File::create(&path).map_err(FileError::io("create", &path))?;
        Ok(RowFile { path, file: Some(BufWriter::new(file)) })
    }

    /// Appends a row.
    pub(super) fn push(&mut self, row: &Row) -> Result<(), RunError> {
        let mut write = || {
            let Some(file) = &mut self.file else { return Ok(()) };
            file.write_all(&(row.bytes.len() as u64).to_le_bytes())?;
            file.write_all(&(row.key as u64).to_le_bytes())?;
            file.write_all(&row.bytes)
        };
        Ok(write().map_err(FileError::io("write", &self.path))?)
    }

    /// Makes all rows readable.
    pub(super) fn finish(&mut self) -> Result<(), RunError> {
        let file = self.file.take();
        let flushed = file.map_or(Ok(()), |mut file| file.flush());
        Ok(flushed.map_err(FileError::io("write", &self.path))?)
    }

    /// The rows.
    pub(super) fn rows(&self) -> Result<Rows<'static>, RunError> {
        Ok(Box::new(Merge::of(std::slice::from_ref(self))?))
    }
}

struct Run {
    path: PathBuf,
    file: BufReader<File>,
}

impl Run {
    fn open(path: &Path) -> Result<Self, RunError> {
        let file = File::open(path).map_err(FileError::io("open", path))?;
        Ok(Run { path: path.to_owned(), file: BufReader::new(file) })
    }

    fn next(&mut self) -> Result<Option<Row>, RunError> {
        Ok(self.read().map_err(FileError::io("read", &self.path))?)
    }

    fn read(&mut self) -> io::Result<Option<Row>> {
        let mut head = [0; 16];
        match self.file.read_exact(&mut head) {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        let (len, key) =
            (u64::from_le_bytes(part(&head[..8])), u64::from_le_bytes(part(&head[8..])));
        let mut bytes = vec![0; len as usize];
        self.file.read_exact(&mut bytes)?;
        Ok(Some(Row { bytes, key: key as usize }))
    }
}

fn part(bytes: &[u8]) -> [u8; 8] {
    let mut part = [0; 8];
    part.copy_from_slice(bytes);
    part
}

/// Runs, and the next row of each with its place among them.
struct Merge {
    runs: Vec<Run>,
    heads: BinaryHeap<Reverse<(Row, usize)>>,
    failed: bool,
}

impl Merge {
    fn of(files: &[RowFile]) -> Result<Self, RunError> {
        let runs = files.iter().map(|file| Run::open(&file.path)).collect::<Result<Vec<_>, _>>()?;
        let mut merge = Merge { heads: BinaryHeap::with_capacity(runs.len()), runs, failed: false };
        (0..merge.runs.len()).try_for_each(|at| merge.advance(at))?;
        Ok(merge)
    }

    fn advance(&mut self, at: usize) -> Result<(), RunError> {
        self.heads.extend(self.runs[at].next()?.map(|row| Reverse((row, at))));
        Ok(())
    }
}

impl Iterator for Merge {
    type Item = Result<Row, RunError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let Reverse((row, at)) = self.heads.pop()?;
        if let Err(error) = self.advance(at) {
            self.failed = true;
            return Some(Err(error));
        }
        Some(Ok(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rows_come_sorted_whether_memory_holds_them_or_not(
            input in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..9), 0..300),
            bytes_max in prop_oneof![Just(0usize), Just(300), Just(1 << 20)],
        ) {
            let folder = tempfile::tempdir().expect("a folder");
            let mut sorter = Sorter::new(folder.path(), bytes_max);
            for bytes in &input {
                let row = Row { key: bytes.len() / 2, bytes: bytes.clone() };
                sorter.extend(vec![row]).expect("room");
            }
            let rows: Result<Vec<Row>, _> = sorter.finish().expect("runs").collect();
            let found: Vec<Vec<u8>> = rows.expect("rows").into_iter().map(|row| row.bytes).collect();
            let mut expected = input;
            expected.sort();
            prop_assert_eq!(found, expected);
        }
    }
}
