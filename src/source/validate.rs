//! After the reading: was it one file, unchanged, from beginning to end? Only then does its state count.

use super::fingerprint::covered;
use super::positioned::read_exact;
use super::{
    Fingerprint, Found, Marks, PlainReader, SegmentState, SegmentTask, SourceError, StreamEnd,
};

/// What a segment is once it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validated {
    /// Its new state.
    pub state: SegmentState,
    /// Marks of what was read.
    pub marks: Marks,
}

/// Looks at a plain segment again. The state has the task's number, or 0 for a new segment.
///
/// # Errors
///
/// `Changed` when somebody wanted to write while it was mapped, when it became shorter, or when its head or the bytes
/// before the start or the end are others than when it was planned. Drop what came from it.
pub fn validate_plain(task: &SegmentTask, reader: &PlainReader) -> Result<Validated, SourceError> {
    let path = &task.found.path;
    let changed = |what| Err(SourceError::Changed { path: path.clone(), what });
    let end = reader.range().end;
    let meta = reader.file().metadata().map_err(SourceError::io("look at", path))?;
    if Found::new(path, &meta).size < end {
        return changed("it became shorter");
    }
    let bytes = |range: std::ops::Range<u64>| -> Result<Vec<u8>, SourceError> {
        let mut bytes = vec![0; (range.end - range.start) as usize];
        read_exact(reader.file(), path, &mut bytes, range.start)?;
        Ok(bytes)
    };
    let before = |offset: u64| -> Result<Fingerprint, SourceError> {
        Ok(Fingerprint::of(&bytes(offset - covered(offset) as u64..offset)?))
    };
    let head = bytes(0..u64::from(task.head.len))?;
    let anchor = before(end)?;
    if Fingerprint::of(&head) != task.head
        || before(task.start)? != task.anchor
        || task.end_anchor.is_some_and(|planned| planned != anchor)
    {
        return changed("its bytes are not those that were planned");
    }
    let marks = Marks::of_file(reader.file(), path, task.start.min(end)..end)?;
    // Last, so that a writer who came during the checks above is seen too.
    if reader.lease_was_broken() {
        return changed("somebody opened it for writing");
    }
    let head = Fingerprint::of(&head[..covered(end).min(head.len())]);
    let state = state(task, end, head, anchor, end == task.found.size);
    Ok(Validated { state, marks })
}

/// Looks at a compressed segment again, once it was read to its end.
///
/// # Errors
///
/// `Changed` when the file was written to while it was read. Drop what came from it.
pub fn validate_stream(task: &SegmentTask, end: StreamEnd) -> Result<Validated, SourceError> {
    let path = &task.found.path;
    if end.found != task.found {
        return Err(SourceError::Changed { path: path.clone(), what: "it was written to" });
    }
    let state = state(task, end.length, end.head, end.anchor, true);
    Ok(Validated { state, marks: end.marks })
}

fn state(
    task: &SegmentTask,
    offset: u64,
    head: Fingerprint,
    anchor: Fingerprint,
    complete: bool,
) -> SegmentState {
    SegmentState {
        id: task.known.unwrap_or(0),
        path: task.found.path.clone(),
        first_path: task.first_path.clone(),
        device: task.found.device,
        inode: task.found.inode,
        size: task.found.size,
        mtime_ns: task.found.mtime_ns,
        compression: task.compression,
        head,
        rank: task.rank,
        origin: task.origin,
        offset,
        anchor,
        complete: complete && task.settled,
        gone_us: None,
    }
}
