//! A look into one file: its compression, its first bytes, and whether it continues what is known.

use std::fs::File;
use std::sync::Arc;
use std::time::SystemTime;

use memchr::{memchr, memrchr};
use xxhash_rust::xxh3::xxh3_64;

use super::compression::MAGIC_BYTES;
use super::decoder::Decoder;
use super::fingerprint::{FINGERPRINT_BYTES_MAX, covered};
use super::magic::no_log;
use super::positioned::{Holes, read_exact};
use super::{Aside, Compression, Fingerprint, Found, Records, Rows, SourceError};

/// Bytes looked through at a time for the last newline.
const STEP_BYTES: usize = 64 * 1024;
/// What a line may have besides its content: a byte order mark, and a carriage return.
const LINE_END_BYTES_MAX: u64 = 4;

/// An open file of which the first bytes are read.
pub(crate) struct Probe {
    file: Arc<File>,
    holes: Holes,
    /// As the open descriptor describes it.
    pub(crate) found: Found,
    /// When it was created, where the file system says.
    pub(crate) born: Option<SystemTime>,
    pub(crate) compression: Compression,
    /// The first decompressed bytes, up to [`FINGERPRINT_BYTES_MAX`].
    pub(crate) head: Vec<u8>,
}

/// Where reading goes on in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) offset: u64,
    /// The bytes before it.
    pub(crate) anchor: Fingerprint,
    /// Whether the byte before it is not a newline.
    pub(crate) mid_line: bool,
    /// Whether nothing follows.
    pub(crate) at_end: bool,
}

impl Place {
    /// A file's first byte.
    pub(crate) fn start() -> Self {
        Place { offset: 0, anchor: Fingerprint::of(b""), mid_line: false, at_end: false }
    }
}

impl Probe {
    /// Opens the file and reads its head.
    ///
    /// Errors: `Io`, `Changed` when the path is another file by now, and the decoder's.
    pub(crate) fn open(found: &Found) -> Result<Self, SourceError> {
        let path = &found.path;
        let file = found.open()?;
        let meta = file.metadata().map_err(SourceError::io("look at", path))?;
        let now = Found { held: found.held.clone(), ..Found::new(path, &meta) };
        if now.key() != found.key() {
            let what = "another file took its place";
            return Err(SourceError::Changed { path: path.clone(), what });
        }
        let mut probe = Probe {
            file: Arc::new(file),
            holes: Holes::of(&meta),
            found: now,
            born: meta.created().ok(),
            compression: Compression::Plain,
            head: Vec::new(),
        };
        let magic = probe.bytes(0, probe.found.size.min(MAGIC_BYTES as u64) as usize)?;
        probe.compression = Compression::of(&magic);
        probe.head = probe.first_bytes(FINGERPRINT_BYTES_MAX)?;
        Ok(probe)
    }

    /// The first decompressed bytes, at most `len`.
    pub(crate) fn first_bytes(&self, len: usize) -> Result<Vec<u8>, SourceError> {
        if self.compression == Compression::Plain {
            return self.bytes(0, self.found.size.min(len as u64) as usize);
        }
        let mut head = vec![0; len];
        let filled = self.decoder()?.fill(&mut head)?;
        head.truncate(filled);
        Ok(head)
    }

    /// What the file is, if it is no log.
    pub(crate) fn no_log(&self) -> Option<Aside> {
        let what = no_log(&self.head, self.compression)?;
        Some(Aside { path: self.found.path.clone(), what })
    }

    pub(crate) fn decoder(&self) -> Result<Decoder, SourceError> {
        Decoder::new(self.file.clone(), self.compression, &self.found.path)
    }

    /// Bytes of the file as it lies on the disk.
    fn bytes(&self, offset: u64, len: usize) -> Result<Vec<u8>, SourceError> {
        let mut bytes = vec![0; len];
        read_exact(&self.file, &self.found.path, &mut bytes, offset)?;
        Ok(bytes)
    }

    /// Bytes of a plain file, which it had when it was opened.
    pub(crate) fn read(&self, into: &mut [u8], offset: u64) -> Result<(), SourceError> {
        read_exact(&self.file, &self.found.path, into, offset)
    }

    /// See [`SegmentState::rank`](super::SegmentState::rank).
    pub(crate) fn rank(&self) -> u64 {
        rank(&self.head)
    }

    /// The bytes before `offset` of a plain file, as many as an anchor covers.
    pub(crate) fn before(&self, offset: u64) -> Result<Vec<u8>, SourceError> {
        let len = covered(offset);
        self.bytes(offset - len as u64, len)
    }

    /// Behind the last whole record of a plain file's `start..`, where a record begins; `start` if there is none.
    pub(crate) fn records_end(&self, rows: Rows, start: u64) -> Result<u64, SourceError> {
        let lines_end = self.lines_end(start)?;
        let (mut records, mut text) = (Records::new(rows), Vec::new());
        let (mut from, mut read) = (start, start);
        while read < lines_end {
            let len = (lines_end - read).min(STEP_BYTES as u64) as usize;
            let kept = text.len();
            text.resize(kept + len, 0);
            self.holes.read_exact(&self.file, &self.found.path, &mut text[kept..], read)?;
            read += len as u64;
            let whole = records.whole(&text, from, 0, false);
            text.drain(..whole);
            from += whole as u64;
            if whole == 0
                && text.len() as u64 > rows.line_bytes_max.saturating_add(LINE_END_BYTES_MAX)
            {
                // No record is that long, but for a line alone.
                text.clear();
                (from, read) = self.newline(read, &mut text).map(|at| (at, at))?;
                text.clear();
            }
        }
        Ok(from)
    }

    /// Behind the first newline at or behind `at`, or the file's end.
    fn newline(&self, mut at: u64, block: &mut Vec<u8>) -> Result<u64, SourceError> {
        while at < self.found.size {
            let len = (self.found.size - at).min(STEP_BYTES as u64);
            block.resize(len as usize, 0);
            self.holes.read_exact(&self.file, &self.found.path, block, at)?;
            if let Some(found) = memchr(b'\n', block) {
                return Ok(at + found as u64 + 1);
            }
            at += len;
        }
        Ok(at)
    }

    /// Behind the last newline of a plain file's `start..`; `start` if there is none.
    pub(crate) fn lines_end(&self, start: u64) -> Result<u64, SourceError> {
        let mut end = self.found.size;
        let mut block = vec![0; STEP_BYTES];
        while end > start {
            let len = (end - start).min(STEP_BYTES as u64) as usize;
            let from = end - len as u64;
            self.holes.read_exact(&self.file, &self.found.path, &mut block[..len], from)?;
            if let Some(at) = memrchr(b'\n', &block[..len]) {
                return Ok(from + at as u64 + 1);
            }
            end = from;
        }
        Ok(start)
    }
}

fn rank(head: &[u8]) -> u64 {
    let line = memchr(b'\n', head).map_or(head, |at| &head[..at]);
    xxh3_64(line)
}
