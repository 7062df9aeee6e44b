//! A segment's first bytes and first line: for detecting formats, and for formats with a header line.

use std::path::Path;

use memchr::{memchr, memrchr};

use super::probe::Probe;
use super::siblings::Siblings;
use super::{Found, SealRules, SegmentTask, SourceError};

/// The most that is read of a segment to learn its format, in bytes.
pub const PEEK_BYTES_MAX: usize = 64 * 1024;

/// The first decompressed bytes of a file, at most [`PEEK_BYTES_MAX`].
///
/// # Errors
///
/// `Io`, `Damaged`, `Truncated` when the compressed file ends before that, and `NoLog` for what is none.
pub fn read_head(path: &Path) -> Result<Vec<u8>, SourceError> {
    let meta = std::fs::metadata(path).map_err(SourceError::io("look at", path))?;
    head_of_log(&Probe::open(&Found::new(path, &meta))?)
}

fn head_of_log(probe: &Probe) -> Result<Vec<u8>, SourceError> {
    match probe.no_log() {
        Some(aside) => Err(SourceError::NoLog(aside)),
        None => probe.first_bytes(PEEK_BYTES_MAX),
    }
}

/// The first bytes of each file that has some and can be read. Of one that is still being written they end with a whole line:
/// a header that isn't all there yet is none.
pub fn whole_heads<'f>(
    found: &'f [Found],
    rules: &'f SealRules,
) -> impl Iterator<Item = Vec<u8>> + use<'f> {
    let siblings = Siblings::new(found);
    found.iter().filter(|file| file.size > 0).filter_map(move |file| {
        let probe = Probe::open(file).ok()?;
        let mut head = head_of_log(&probe).ok()?;
        let is_all = head.len() < PEEK_BYTES_MAX;
        if is_all && !probe.compression.is_compressed() && !siblings.is_sealed(file, rules) {
            head.truncate(memrchr(b'\n', &head).map_or(0, |newline| newline + 1));
        }
        Some(head)
    })
}

/// As [`read_head`], of the task's segment, and no further than it is read: what follows may still be written.
///
/// # Errors
///
/// As [`read_head`], and `Changed` when another file took the path.
pub fn task_head(task: &SegmentTask) -> Result<Vec<u8>, SourceError> {
    let mut head = Probe::open(&task.found)?.first_bytes(PEEK_BYTES_MAX)?;
    let end = task.end.and_then(|end| usize::try_from(end).ok());
    head.truncate(end.unwrap_or(usize::MAX));
    Ok(head)
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
