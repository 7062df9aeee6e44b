//! The source layer: which files there are, which bytes of them are new, and how to read those.
//!
//! - [`discover`] turns globs into [`Found`] files, oldest first.
//! - [`plan`] compares them with what the catalog knows and says which bytes are to be read.
//! - [`Held`] keeps files open for a process that stays, so that what is deleted unread is read all the same.
//! - [`PlainReader`] and [`StreamReader`] hand those bytes out as [`Chunk`]s of whole lines.
//! - [`validate_plain`] and [`validate_stream`] look again, after the reading, whether it was all of one piece.
//!
//! A segment is known by its content (head, offset, anchor), never by its name: DESIGN.md, "Segments". Nothing here knows
//! of jobs, SQLite or formats.
//!
//! What content cannot tell, and what is done then:
//!
//! - A log that begins with the few bytes that all of a vanished one had (a banner, a header) is a new log, unless its
//!   time, its inode or its name says that it is the old one. From 4 KiB on, equal bytes are proof.
//! - A rotated name with the bytes of its live file is a copytruncate between its two steps, and `x.gz` with the bytes
//!   of `x` is a compressor at work: both are left alone while the original lives. A copy under any other name is a
//!   log of its own.
//! - A file that grows after its last line was sealed goes on behind that: the rest of the line is a line of its own
//!   ([`SegmentTask::resumes_mid_line`]).
//! - What was written and cut away between two runs was never seen, and is not counted as lost.

mod again;
mod ahead;
mod chunk;
mod compression;
mod decoder;
mod discover;
mod error;
mod fingerprint;
mod glob;
mod held;
mod known;
mod map;
mod peek;
mod placed;
mod plain;
mod plan;
mod positioned;
mod probe;
mod rotation;
mod segment;
mod siblings;
mod split;
mod stream;
mod validate;

#[cfg(test)]
mod held_tests;
#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod plan_tests;
#[cfg(test)]
mod race_tests;
#[cfg(test)]
mod read_tests;
#[cfg(test)]
mod test_world;
#[cfg(test)]
mod trial_tests;

pub use again::LineReader;
pub use ahead::read_ahead;
pub use chunk::{Chunk, ChunkBuffer, Oversize};
pub use compression::Compression;
pub use discover::{Discovery, discover};
pub use error::SourceError;
pub use fingerprint::{FINGERPRINT_BYTES_MAX, Fingerprint};
pub use held::Held;
pub use peek::{PEEK_BYTES_MAX, first_line, read_head, task_head};
pub use plain::{IoMode, PlainReader};
pub use plan::plan;
pub use segment::{
    Found, Lost, Problem, SealRules, SegmentState, SegmentTask, SourcePlan, Waiting,
};
pub use split::{Split, splits};
pub use stream::{StreamEnd, StreamReader};
pub use validate::{validate_plain, validate_stream};
