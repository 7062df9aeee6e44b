//! Reading a plain segment: by all workers at once, from a map or by position.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use memchr::memchr;

use super::chunk::{self, Chunk, ChunkBuffer, Window};
use super::map::Map;
use super::placed::Placed;
use super::positioned::{Holes, read_exact};
use super::records::RecordChunks;
use super::rows::{Before, Rows};
use super::split::Split;
use super::{Found, SegmentTask, SourceError};

/// How much is looked through at a time for the end of a line that is not kept.
const SCAN_BYTES: usize = 1024 * 1024;

/// How plain segments are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IoMode {
    /// Reads into a buffer that stays in the cache. Two threads read 1.75 GB of cached pages in 65 ms so; through a map it
    /// is 100 ms, and another 160 ms of one thread for taking the map down.
    #[default]
    Read,
    /// A map where nobody wrote lately and the kernel grants a lease that makes it safe, else reads.
    Mmap,
}

/// An open plain segment, shared by the workers.
#[derive(Debug)]
pub struct PlainReader {
    file: Arc<File>,
    holes: Holes,
    path: PathBuf,
    range: Range<u64>,
    line_bytes_max: u64,
    rows: Option<Rows>,
    map: Mutex<Option<Arc<Map>>>,
    lease_was_broken: AtomicBool,
}

impl PlainReader {
    /// Opens the task's file; `line_bytes_max` as in [`Chunk`]. Open it just before it is read, and drop it when it is
    /// validated: while it is mapped and nobody asks for chunks, a writer who comes has to wait.
    ///
    /// # Errors
    ///
    /// `Io`, and `Changed` when another file took its place or it is shorter than planned.
    pub fn open(task: &SegmentTask, io: IoMode, line_bytes_max: u64) -> Result<Self, SourceError> {
        let path = task.found.path.clone();
        let file = task.found.open()?;
        let meta = file.metadata().map_err(SourceError::io("look at", &path))?;
        let now = Found::new(&path, &meta);
        let end = task.end.unwrap_or(task.found.size);
        if now.key() != task.found.key() {
            return Err(SourceError::Changed { path, what: "another file took its place" });
        }
        if now.size < end {
            return Err(SourceError::Changed { path, what: "it became shorter" });
        }
        let file = Arc::new(file);
        let range = task.start..end;
        let holes = Holes::of(&meta);
        let io = match io {
            // Whoever writes to it will do so again, and each time the lease is broken nothing of the file is kept.
            IoMode::Mmap if !task.settled => IoMode::Read,
            io => io,
        };
        let map = map(&file, &range, io, holes);
        Ok(PlainReader {
            file,
            holes,
            path,
            range,
            line_bytes_max,
            rows: None,
            map: Mutex::new(map.map(Arc::new)),
            lease_was_broken: AtomicBool::new(false),
        })
    }

    /// Chunks are to say what comes before them.
    pub fn with_rows(mut self, rows: Option<Rows>) -> Self {
        self.rows = rows;
        self
    }

    /// The bytes to read.
    pub fn range(&self) -> Range<u64> {
        self.range.clone()
    }

    /// The lines of a split of [`PlainReader::range`]; no bytes if none begins in it.
    ///
    /// # Errors
    ///
    /// `Io`, and `Changed` when the file became shorter.
    pub fn chunk<'c>(
        &'c self,
        split: Split,
        buffer: &'c mut ChunkBuffer,
    ) -> Result<Chunk<'c>, SourceError> {
        // The map of the chunk before is let go first, so that a writer who waits does not wait for this one too.
        buffer.map = None;
        buffer.map = self.mapping();
        let ChunkBuffer { bytes, map, scan } = buffer;
        let base = chunk::base(split, &self.range);
        if let Some(map) = map {
            let window = &mut Mapped { bytes: map.bytes(), base };
            let cut = chunk::cut(window, split, &self.range, self.line_bytes_max)?;
            let lines = &map.bytes()[cut.lines.start as usize..cut.lines.end as usize];
            let (offset, before) = (cut.lines.start, self.before(cut.lines.start)?);
            return Ok(Chunk { bytes: lines, offset, oversize: cut.oversize, before });
        }
        let mut window = Reads {
            file: &self.file,
            holes: self.holes,
            path: &self.path,
            base,
            filled: 0,
            bytes: Placed::new(bytes, base),
            scan,
        };
        let cut = chunk::cut(&mut window, split, &self.range, self.line_bytes_max)?;
        let lines = (cut.lines.start - base) as usize..(cut.lines.end - base) as usize;
        let bytes = &window.bytes.into_bytes()[lines];
        let (offset, before) = (cut.lines.start, self.before(cut.lines.start)?);
        Ok(Chunk { bytes, offset, oversize: cut.oversize, before })
    }

    /// Hands out the records of [`PlainReader::range`], which may have several lines, in order, until `each` answers false.
    /// Answers whether that were all.
    ///
    /// # Errors
    ///
    /// As [`PlainReader::chunk`], and those of `each`.
    pub fn records<E: From<SourceError>>(
        &self,
        (rows, step): (Rows, u64),
        buffer: &mut ChunkBuffer,
        mut each: impl FnMut(&Chunk<'_>) -> Result<bool, E>,
    ) -> Result<bool, E> {
        let Range { start: mut at, end } = self.range();
        let mut chunks = RecordChunks::new(rows, at, step, self.line_bytes_max);
        let mut read = |into: &mut [u8]| {
            let n = into.len().min(usize::try_from(end - at).unwrap_or(usize::MAX));
            self.holes.read_exact(&self.file, &self.path, &mut into[..n], at)?;
            at += n as u64;
            Ok(n)
        };
        while let Some(chunk) = chunks.next(buffer, &mut read)? {
            if !each(&chunk)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// See [`Chunk::before`]. What was consumed before the range is still there.
    fn before(&self, at: u64) -> Result<Before, SourceError> {
        let Some(rows) = self.rows else { return Ok(Before::default()) };
        rows.before(at, |from, to| {
            let mut bytes = vec![0; (to - from) as usize];
            self.holes.read_exact(&self.file, &self.path, &mut bytes, from)?;
            Ok(bytes)
        })
    }

    /// The map, unless there is none or somebody waits to write: then it is given up for good.
    fn mapping(&self) -> Option<Arc<Map>> {
        let mut slot = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.as_ref().is_some_and(|map| map.lease_is_broken()) {
            self.lease_was_broken.store(true, Ordering::Relaxed);
            *slot = None;
        }
        slot.clone()
    }

    /// Whether the lease was broken at any time since the file was opened.
    pub(crate) fn lease_was_broken(&self) -> bool {
        self.mapping();
        self.lease_was_broken.load(Ordering::Relaxed)
    }

    /// Whether it is read through a map (still).
    pub fn is_mapped(&self) -> bool {
        self.mapping().is_some()
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }
}

impl Drop for PlainReader {
    fn drop(&mut self) {
        // A chunk borrows its reader, so nobody looks at the map any more, but idle buffers may still hold it.
        let slot = self.map.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(map) = slot {
            map.release_lease();
        }
    }
}

fn map(file: &Arc<File>, range: &Range<u64>, io: IoMode, holes: Holes) -> Option<Map> {
    match io {
        IoMode::Read => None,
        // A map's holes are pages of zeros that the kernel makes one by one; reads skip them.
        IoMode::Mmap if holes.are_possible() => None,
        // A file that cannot be mapped (a special file system) can still be read.
        IoMode::Mmap => Map::new(file, range.end).unwrap_or(None),
    }
}

struct Mapped<'m> {
    bytes: &'m [u8],
    base: u64,
}

impl Window for Mapped<'_> {
    fn to(&mut self, end: u64) -> Result<&[u8], SourceError> {
        Ok(&self.bytes[self.base as usize..end as usize])
    }

    fn newline(&mut self, stretch: Range<u64>) -> Result<Option<u64>, SourceError> {
        let bytes = &self.bytes[stretch.start as usize..stretch.end as usize];
        Ok(memchr(b'\n', bytes).map(|at| stretch.start + at as u64))
    }

    fn byte(&mut self, at: u64) -> Result<u8, SourceError> {
        Ok(self.bytes[at as usize])
    }
}

struct Reads<'r> {
    file: &'r File,
    holes: Holes,
    path: &'r Path,
    base: u64,
    filled: usize,
    bytes: Placed<'r>,
    scan: &'r mut Vec<u8>,
}

impl Window for Reads<'_> {
    fn to(&mut self, end: u64) -> Result<&[u8], SourceError> {
        let wanted = (end - self.base) as usize;
        let bytes = self.bytes.hold(self.filled, wanted);
        if self.filled < wanted {
            let at = self.base + self.filled as u64;
            self.holes.read_exact(self.file, self.path, &mut bytes[self.filled..], at)?;
            self.filled = wanted;
        }
        Ok(bytes)
    }

    fn newline(&mut self, stretch: Range<u64>) -> Result<Option<u64>, SourceError> {
        let mut at = stretch.start;
        while at < stretch.end {
            // A hole holds zeros and no newline.
            at = self.holes.skip(self.file, &(at..stretch.end));
            let len = (stretch.end - at).min(SCAN_BYTES as u64) as usize;
            let mut scan = Placed::new(self.scan, at);
            let bytes = scan.hold(0, len);
            read_exact(self.file, self.path, bytes, at)?;
            if let Some(found) = memchr(b'\n', bytes) {
                return Ok(Some(at + found as u64));
            }
            at += len as u64;
        }
        Ok(None)
    }

    fn byte(&mut self, at: u64) -> Result<u8, SourceError> {
        let mut byte = [0];
        read_exact(self.file, self.path, &mut byte, at)?;
        Ok(byte[0])
    }
}
