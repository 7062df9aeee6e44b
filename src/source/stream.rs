//! Reading a compressed segment: decoded in order, handed out in chunks of whole lines.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memchr::{memchr, memrchr};

use super::chunk::{Chunk, ChunkBuffer, Oversize, SAMPLE_BYTES_MAX};
use super::decoder::Decoder;
use super::fingerprint::{Fingerprint, Trace, covered};
use super::marks::MarksOfStream;
use super::records::RecordChunks;
use super::rows::{Follower, Rows};
use super::{Found, Marks, SegmentTask, SourceError};

/// Decompressed bytes that are decoded at a time where they are not kept.
const SKIP_BYTES: usize = 256 * 1024;

/// An open compressed segment. Any error spoils the whole segment: drop what came from it in this batch.
pub struct StreamReader {
    decoder: Decoder,
    file: Arc<File>,
    path: PathBuf,
    trace: Trace,
    marks: MarksOfStream,
    /// Bytes decoded behind the last newline handed out.
    carry: Vec<u8>,
    /// Where the next chunk begins.
    offset: u64,
    split_bytes: usize,
    line_bytes_max: u64,
    /// The task's end: what follows is not looked at.
    end: u64,
    at_end: bool,
    /// Knows what comes before a chunk, where that matters.
    follower: Option<Follower>,
    /// Where a record may have several lines.
    records: Option<RecordChunks>,
}

/// What a stream was, once it is read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamEnd {
    /// Decompressed bytes from the segment's first.
    pub length: u64,
    /// Its first bytes.
    pub head: Fingerprint,
    /// Its last bytes.
    pub anchor: Fingerprint,
    /// Marks of all of it.
    pub marks: Marks,
    /// The file after the reading.
    pub found: Found,
}

impl StreamReader {
    /// Opens the task's file and goes to its start. Chunks have about `split_bytes`; `line_bytes_max` as in [`Chunk`].
    ///
    /// # Errors
    ///
    /// `Io`, `Damaged`, `Truncated`, and `Changed` when what comes before the start is not what was consumed.
    pub fn open(
        task: &SegmentTask,
        split_bytes: u64,
        line_bytes_max: u64,
    ) -> Result<Self, SourceError> {
        Self::with_rows(task, split_bytes, line_bytes_max, None)
    }

    /// The same where chunks are to say what comes before them.
    ///
    /// # Errors
    ///
    /// As [`StreamReader::open`].
    pub fn with_rows(
        task: &SegmentTask,
        split_bytes: u64,
        line_bytes_max: u64,
        rows: Option<Rows>,
    ) -> Result<Self, SourceError> {
        let path = task.found.path.clone();
        let file = Arc::new(task.found.open()?);
        let decoder = Decoder::new(file.clone(), task.compression, &path)?;
        let mut reader = StreamReader {
            decoder,
            file,
            path,
            trace: Trace::default(),
            marks: MarksOfStream::default(),
            carry: Vec::new(),
            offset: task.start,
            split_bytes: usize::try_from(split_bytes.max(1)).unwrap_or(usize::MAX),
            line_bytes_max,
            end: task.end.unwrap_or(u64::MAX),
            at_end: false,
            follower: rows.filter(|rows| !rows.multiline).map(Follower::new),
            records: rows
                .filter(|rows| rows.multiline)
                .map(|rows| RecordChunks::new(rows, task.start, split_bytes, line_bytes_max)),
        };
        reader.skip_to(task.start)?;
        if reader.trace.length() != task.start || reader.trace.anchor() != task.anchor {
            return Err(reader.changed("it is not the file that was planned"));
        }
        Ok(reader)
    }

    /// The file's.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn changed(&self, what: &'static str) -> SourceError {
        SourceError::Changed { path: self.path.clone(), what }
    }

    fn skip_to(&mut self, start: u64) -> Result<(), SourceError> {
        let mut scratch = vec![0; start.min(SKIP_BYTES as u64) as usize];
        while self.trace.length() < start {
            let len = (start - self.trace.length()).min(scratch.len() as u64) as usize;
            let passed = self.decode(&mut scratch[..len])?;
            if passed == 0 {
                break;
            }
            self.follow(&scratch[..passed]);
        }
        Ok(())
    }

    /// The next lines; `None` at the end. A chunk may have no bytes but an oversize line.
    ///
    /// # Errors
    ///
    /// `Io`, `Damaged`, `Truncated`.
    pub fn next_chunk<'c>(
        &mut self,
        buffer: &'c mut ChunkBuffer,
    ) -> Result<Option<Chunk<'c>>, SourceError> {
        if let Some(mut records) = self.records.take() {
            let chunk = records.next(buffer, |into| self.decode(into));
            self.records = Some(records);
            return chunk;
        }
        buffer.map = None;
        buffer.bytes.clear();
        buffer.bytes.append(&mut self.carry);
        let whole = self.fill(&mut buffer.bytes)?;
        let offset = self.offset;
        let before = self.follower.as_mut().map(Follower::before).unwrap_or_default();
        self.follow(&buffer.bytes[..whole]);
        let rest = (buffer.bytes.len() - whole) as u64;
        self.offset += whole as u64;
        let oversize = match rest > self.line_bytes_max {
            true => Some(self.pass_over(&buffer.bytes[whole..], &mut buffer.scan)?),
            false => {
                self.carry.extend_from_slice(&buffer.bytes[whole..]);
                None
            }
        };
        if whole == 0 && oversize.is_none() {
            return Ok(None);
        }
        Ok(Some(Chunk { bytes: &buffer.bytes[..whole], offset, oversize, before }))
    }

    fn follow(&mut self, bytes: &[u8]) {
        if let Some(follower) = &mut self.follower {
            follower.feed(bytes);
        }
    }

    /// Decodes until there is a split of bytes, and in it a whole line, or one that is too long, or the end. Returns
    /// how many of the bytes are lines to hand out.
    fn fill(&mut self, bytes: &mut Vec<u8>) -> Result<usize, SourceError> {
        // Behind a line that was too long, whole lines may have been carried over.
        let mut searched = 0;
        let mut step = self.split_bytes;
        loop {
            let from = bytes.len();
            bytes.resize(from + step, 0);
            let n = self.decode(&mut bytes[from..])?;
            bytes.truncate(from + n);
            if let Some(at) = memrchr(b'\n', &bytes[searched..]) {
                return Ok(self.without_long_last_line(bytes, searched + at + 1));
            }
            searched = bytes.len();
            if bytes.len() as u64 > self.line_bytes_max {
                return Ok(0);
            }
            if self.at_end {
                return Ok(bytes.len());
            }
            step = step.max(4096);
        }
    }

    /// At the end the line without a newline is handed out with the others, unless it is too long.
    fn without_long_last_line(&self, bytes: &[u8], whole: usize) -> usize {
        let rest = (bytes.len() - whole) as u64;
        if self.at_end && rest <= self.line_bytes_max { bytes.len() } else { whole }
    }

    /// Decodes to the end of a line that begins with `start` and is not kept.
    fn pass_over(&mut self, start: &[u8], scan: &mut Vec<u8>) -> Result<Oversize, SourceError> {
        let mut oversize = Oversize {
            offset: self.offset,
            length: start.len() as u64,
            terminated: false,
            ends_in_cr: start.last() == Some(&b'\r'),
            sample: start[..start.len().min(SAMPLE_BYTES_MAX)].to_vec(),
        };
        self.follow(start);
        scan.resize(SKIP_BYTES, 0);
        while !self.at_end && !oversize.terminated {
            let n = self.decode(scan)?;
            let newline = memchr(b'\n', &scan[..n]);
            oversize.add(&scan[..newline.unwrap_or(n)]);
            oversize.terminated = newline.is_some();
            self.follow(&scan[..newline.map_or(n, |at| at + 1)]);
            if let Some(at) = newline {
                self.carry.extend_from_slice(&scan[at + 1..n]);
            }
        }
        self.offset += oversize.length + u64::from(oversize.terminated);
        Ok(oversize)
    }

    fn decode(&mut self, into: &mut [u8]) -> Result<usize, SourceError> {
        let left = usize::try_from(self.end - self.trace.length()).unwrap_or(usize::MAX);
        let wanted = into.len().min(left);
        let n = self.decoder.fill(&mut into[..wanted])?;
        self.at_end = n < wanted || wanted == left;
        self.trace.feed(&into[..n]);
        self.marks.feed(&into[..n]);
        Ok(n)
    }

    /// Reads what was not asked for, to check it, and says what the stream was.
    ///
    /// # Errors
    ///
    /// `Io`, `Damaged`, `Truncated`.
    pub fn finish(mut self) -> Result<StreamEnd, SourceError> {
        let mut scratch = vec![0; SKIP_BYTES];
        while !self.at_end {
            self.decode(&mut scratch)?;
        }
        let meta = self.file.metadata().map_err(SourceError::io("look at", &self.path))?;
        Ok(StreamEnd {
            length: self.trace.length(),
            head: Fingerprint::of(&self.trace.head()[..covered(self.trace.length())]),
            anchor: self.trace.anchor(),
            marks: self.marks.finish(),
            found: Found::new(&self.path, &meta),
        })
    }
}
