//! A segment's first bytes and first line: for detecting formats, and for formats with a header line.

use std::path::Path;

use memchr::memchr;

use super::probe::Probe;
use super::{Found, SegmentTask, SourceError};

/// The most that is read of a segment to learn its format, in bytes.
pub const PEEK_BYTES_MAX: usize = 64 * 1024;

/// The first decompressed bytes of a file, at most [`PEEK_BYTES_MAX`].
///
/// # Errors
///
/// `Io`, `Damaged`, `Truncated` when the compressed file ends before that, and `NoLog` for what is none.
pub fn read_head(path: &Path) -> Result<Vec<u8>, SourceError> {
    let meta = std::fs::metadata(path).map_err(SourceError::io("look at", path))?;
    let probe = Probe::open(&Found::new(path, &meta))?;
    match probe.no_log() {
        Some(aside) => Err(SourceError::NoLog(aside)),
        None => probe.first_bytes(PEEK_BYTES_MAX),
    }
}

/// As [`read_head`], of the task's segment.
///
/// # Errors
///
/// As [`read_head`], and `Changed` when another file took the path.
pub fn task_head(task: &SegmentTask) -> Result<Vec<u8>, SourceError> {
    Probe::open(&task.found)?.first_bytes(PEEK_BYTES_MAX)
}

/// The first line of the task's segment, even if the task starts behind it: without its newline, and without a
/// carriage return before that; at most [`PEEK_BYTES_MAX`] of it.
///
/// # Errors
///
/// As [`task_head`].
pub fn first_line(task: &SegmentTask) -> Result<Vec<u8>, SourceError> {
    let mut head = task_head(task)?;
    head.truncate(memchr(b'\n', &head).unwrap_or(head.len()));
    if head.last() == Some(&b'\r') {
        head.pop();
    }
    Ok(head)
}
