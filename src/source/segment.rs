//! What the source layer hands around: files found, segments known, and what is to be read of them.

use std::fmt;
use std::fs::{File, Metadata};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustix::fs::Stat;

use super::{Compression, Fingerprint, SourceError};
use crate::limits::QUIET_SECONDS;

/// How long a file that was rotated or deleted must be quiet before its last line counts as it is, and nothing more is
/// expected of it.
pub(crate) const QUIET: Duration = Duration::from_secs(QUIET_SECONDS);

/// A file that a glob found, as the file system described it. Two are equal if the descriptions are.
#[derive(Debug, Clone)]
pub struct Found {
    /// The path as found; of a held file the last one known.
    pub path: PathBuf,
    /// Device number.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// Bytes, compressed ones if it is compressed.
    pub size: u64,
    /// Time of the last write, nanoseconds since the Unix epoch.
    pub mtime_ns: i64,
    /// The file itself, where no path leads to it any more: see [`super::Held`].
    pub held: Option<Arc<File>>,
}

impl PartialEq for Found {
    fn eq(&self, other: &Self) -> bool {
        let all = |f: &Self| (f.device, f.inode, f.size, f.mtime_ns);
        all(self) == all(other) && self.path == other.path
    }
}

impl Eq for Found {}

impl Found {
    /// From what `stat` or `fstat` says.
    pub fn new(path: &Path, meta: &Metadata) -> Self {
        Found::at(path.to_owned(), meta)
    }

    /// The same of a path that is not needed any more.
    pub(crate) fn at(path: PathBuf, meta: &Metadata) -> Self {
        Found {
            path,
            device: meta.dev(),
            inode: meta.ino(),
            size: meta.size(),
            mtime_ns: meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec()),
            held: None,
        }
    }

    /// The same, as `fstatat` tells it.
    pub(crate) fn of_stat(path: PathBuf, stat: &Stat) -> Self {
        // The types of these fields differ from platform to platform.
        #[allow(clippy::unnecessary_cast)]
        let (seconds, nanoseconds) = (stat.st_mtime as i64, stat.st_mtime_nsec as i64);
        Found {
            path,
            device: stat.st_dev,
            inode: stat.st_ino,
            size: stat.st_size as u64,
            mtime_ns: seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds),
            held: None,
        }
    }

    /// Opens the file for reading, by its handle if it is held.
    pub(crate) fn open(&self) -> Result<File, SourceError> {
        let opened = match &self.held {
            None => File::open(&self.path),
            // A cursor and a lease of its own, where `/proc` is there; readers need no cursor.
            Some(held) => File::open(format!("/proc/self/fd/{}", held.as_raw_fd()))
                .or_else(|_| held.try_clone()),
        };
        opened.map_err(SourceError::io("open", &self.path))
    }

    /// Device and inode.
    pub(crate) fn key(&self) -> (u64, u64) {
        (self.device, self.inode)
    }

    /// How long ago it was written to; `None` when its time lies in the future.
    pub(crate) fn quiet(&self, now: SystemTime) -> Option<Duration> {
        let written = Duration::from_nanos(u64::try_from(self.mtime_ns).unwrap_or(0));
        now.duration_since(SystemTime::UNIX_EPOCH + written).ok()
    }
}

/// What the catalog stores of a segment. Head, offset and anchor are its identity; the rest are hints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentState {
    /// The catalog's number; 0 for one that is not stored yet.
    pub id: u64,
    /// Where it was last seen.
    pub path: PathBuf,
    /// Where it was first read: its log's name.
    pub first_path: PathBuf,
    /// Device number; 0 with `inode` 0: no file of the file system is this segment any more.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// Bytes of the file when it was last seen, compressed ones if it is compressed.
    pub size: u64,
    /// Its time when it was last seen, nanoseconds since the Unix epoch.
    pub mtime_ns: i64,
    /// How it was compressed when it was last seen.
    pub compression: Compression,
    /// Its first decompressed bytes, as far as they are consumed.
    pub head: Fingerprint,
    /// Hash of its first line (of at most 4 KiB of it): an order of segments that renames don't change.
    pub rank: u64,
    /// The first decompressed byte that is its own; those before it were read as another segment's. Nearly always 0: see
    /// [`SegmentTask::origin`].
    pub origin: u64,
    /// Where reading goes on: behind the last decompressed byte consumed.
    pub offset: u64,
    /// The bytes right before `offset`.
    pub anchor: Fingerprint,
    /// Whether it was consumed to its end as of `size` and `mtime_ns`.
    pub complete: bool,
    /// When its file was first found to be gone, microseconds since the Unix epoch; `None` while it is there. One that
    /// comes back is still recognised.
    pub gone_us: Option<i64>,
}

impl SegmentState {
    /// The same segment, seen in another place or at another time.
    pub(crate) fn seen_as(&self, found: &Found, compression: Compression, complete: bool) -> Self {
        SegmentState {
            path: found.path.clone(),
            device: found.device,
            inode: found.inode,
            size: found.size,
            mtime_ns: found.mtime_ns,
            compression,
            complete,
            gone_us: None,
            ..self.clone()
        }
    }

    /// Decompressed bytes consumed.
    pub fn consumed(&self) -> u64 {
        self.offset.saturating_sub(self.origin)
    }

    /// Whether it is a compressed file of nothing: that says nothing of what is in its inode next.
    pub(crate) fn is_empty_compressed(&self) -> bool {
        self.offset == 0 && self.compression.is_compressed()
    }

    /// Bytes of a plain file that were seen and never consumed.
    pub(crate) fn unread(&self) -> u64 {
        match self.compression {
            Compression::Plain => self.size.saturating_sub(self.offset),
            _ => 0,
        }
    }
}

/// When the last line counts although no newline ends it.
#[derive(Debug, Clone, Copy)]
pub struct SealRules {
    /// `--final`: everything is sealed.
    pub final_: bool,
    /// Seal a file that was not written to for so long.
    pub seal_after: Option<Duration>,
    /// The process ends, and with it what only it holds: files that nobody else can read any more are read to their last byte.
    pub leaving: bool,
    /// The present.
    pub now: SystemTime,
}

/// What is to be read of one segment in this batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentTask {
    /// The catalog's number of the segment; `None` for a new one.
    pub known: Option<u64>,
    /// The file, as it was when it was planned.
    pub found: Found,
    /// By content.
    pub compression: Compression,
    /// The first decompressed bytes of the file when it was planned.
    pub head: Fingerprint,
    /// The bytes right before `start`.
    pub anchor: Fingerprint,
    /// See [`SegmentState::rank`].
    pub rank: u64,
    /// See [`SegmentState::first_path`].
    pub first_path: PathBuf,
    /// See [`SegmentState::origin`]. Not 0 for the tail that only a held file has, while another file stands for the log up to
    /// there.
    pub origin: u64,
    /// The first decompressed byte to read; the origin, or where the last batch stopped.
    pub start: u64,
    /// Plain: behind the last newline, or the file's end when it is sealed. Compressed: `None`, its end, unless what
    /// follows is of no concern.
    pub end: Option<u64>,
    /// Plain: the bytes right before `end` when it was planned.
    pub end_anchor: Option<Fingerprint>,
    /// Bytes of an unfinished last line that are left for later.
    pub waiting_bytes: u64,
    /// The byte before `start` is no newline: the file grew after its last line was taken for sealed, and the rest
    /// of that line becomes a line of its own.
    pub resumes_mid_line: bool,
    /// Whether the file was quiet for a while when it was planned, so that its size and time prove from now on that
    /// it did not change. File systems' clocks are coarse.
    pub settled: bool,
}

impl SegmentTask {
    /// Whether both are the same bytes of the same file, whatever number each catalog gave the segment.
    pub fn is_same(&self, other: &SegmentTask) -> bool {
        SegmentTask { known: other.known, ..self.clone() } == *other
    }
}

/// An unfinished last line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The file.
    pub path: PathBuf,
    /// The line's bytes so far.
    pub bytes: u64,
    /// Whether it ends with a newline, and a quote is open there.
    pub is_open: bool,
    /// Whether nothing waited there at the last look.
    pub is_news: bool,
}

/// A gap: what followed the consumed bytes of a log is gone, if there was anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// The catalog's number of that segment.
    pub segment: u64,
    /// The segment they belonged to.
    pub path: PathBuf,
    /// How many bytes were seen and never read; what nobody saw can't be counted.
    pub bytes: u64,
    /// What happened.
    pub why: &'static str,
}

/// A file of which nothing counts, since all of its content was read as the beginning of a segment. What the catalog stores
/// of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// The file.
    pub path: PathBuf,
    /// Device number.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// Bytes of the file, compressed ones if it is compressed.
    pub size: u64,
    /// Its time, nanoseconds since the Unix epoch.
    pub mtime_ns: i64,
    /// Whether it was quiet for a while when it was looked at: its size and time prove that it did not change.
    pub settled: bool,
    /// The catalog's number of the segment; 0 for one that is read for the first time in this batch.
    pub segment: u64,
    /// Where that segment was when this was found out.
    pub original: PathBuf,
    /// Decompressed bytes of the copy; 0 for a file that was emptied, and may be filled with its first lines again.
    pub bytes: u64,
    /// Whether anybody was told.
    pub told: bool,
}

impl Copy {
    /// Device and inode.
    pub(crate) fn key(&self) -> (u64, u64) {
        (self.device, self.inode)
    }

    /// Whether it is that file, whatever that is called by now.
    pub fn is_file(&self, found: &Found) -> bool {
        self.key() == found.key()
    }
}

/// A file that was taken for a log that is gone, by few bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assumed {
    /// The file.
    pub path: PathBuf,
    /// Where the log was.
    pub original: PathBuf,
    /// The bytes that were read there, and are not read again.
    pub bytes: u64,
}

/// A file that could not be read, planned or trusted this time.
#[derive(Debug)]
pub struct Problem {
    /// The file or folder.
    pub path: PathBuf,
    /// When it was last written to, in nanoseconds since 1970, where that was looked at.
    pub mtime_ns: Option<i64>,
    /// Why.
    pub error: SourceError,
}

/// What a glob matches and is no log: it is left out and told once, and nothing is missing without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// The path as found.
    pub path: PathBuf,
    /// What it is, with its article, and what to do about it.
    pub what: String,
}

impl fmt::Display for Aside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}", self.path.display(), self.what)
    }
}

/// What a batch has to read, and what it learnt on the way.
#[derive(Debug, Default)]
pub struct SourcePlan {
    /// A file was renamed, removed or truncated while all were looked at, and what can't be told from such a picture was
    /// left out: look again.
    pub unsettled: bool,
    /// What to read, in the order of the files given.
    pub tasks: Vec<SegmentTask>,
    /// Known segments with nothing to read whose hints changed: store them as they are.
    pub updates: Vec<SegmentState>,
    /// What nobody can read any more. Each loss is told once, if the `updates` are stored.
    pub lost: Vec<Lost>,
    /// Files that are left out this time.
    pub problems: Vec<Problem>,
    /// Files that are no logs by their content: archives, images, programs, databases.
    pub asides: Vec<Aside>,
    /// Unfinished last lines, which the next batches look at again.
    pub waiting: Vec<Waiting>,
    /// Files that hold nothing but the beginning of a segment, of which nothing counts. They are looked at again when they
    /// change.
    pub copies: Vec<Copy>,
    /// Whether `copies` differ from those that were known.
    pub copies_changed: bool,
    /// What was decided by few bytes, and should be known.
    pub assumed: Vec<Assumed>,
    /// Files that a rotation moves about, left for the next look.
    pub put_off: Vec<PathBuf>,
    /// The catalog's numbers of known segments that no file is any more.
    pub absent: Vec<u64>,
    /// Held files of which nothing is left to be read: [`super::Held::release`] them.
    pub spent: Vec<Found>,
}
