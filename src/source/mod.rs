//! The source layer: which files there are, which bytes of them are new, and how to read those.
//!
//! - [`discover`] turns globs into [`Found`] files, oldest first.
//! - [`plan`] compares them with what the catalog knows and says which bytes are to be read.
//! - [`Held`] keeps files open for a process that stays, so that what is deleted unread is read all the same.
//! - [`PlainReader`] and [`StreamReader`] hand those bytes out as [`Chunk`]s of whole lines.
//! - [`validate_plain`] and [`validate_stream`] look again, after the reading, whether it was all of one piece.
//!
//! A segment is known by its content (head, offset, anchor, and marks between), never by its name: docs/ARCHITECTURE.md,
//! "Which bytes have been seen?". Nothing here knows of jobs, SQLite or formats.
//!
//! What content cannot tell, and what is done then:
//!
//! - A file that has all that was consumed of a log which is gone is that log, moved or copied, however little that is:
//!   a banner that a new log begins with is taken for read, unless the new log has the old one's name and came later.
//! - A file whose whole content is the beginning of what is known is a copy, which is told: `plan/copies.rs`.
//! - A file that grows after its last line was sealed goes on behind that: the rest of the line is a line of its own
//!   ([`SegmentTask::resumes_mid_line`]).
//! - What was written and cut away between two runs was never seen. That something may have been is told as a gap:
//!   `plan/gone.rs`.

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
mod magic;
mod map;
mod marks;
mod peek;
mod placed;
mod plain;
mod plan;
mod positioned;
mod probe;
mod records;
mod relation;
mod rotation;
mod rows;
mod segment;
mod siblings;
mod split;
mod stream;
mod validate;

#[cfg(test)]
mod copy_tests;
#[cfg(test)]
mod held_tests;
#[cfg(test)]
mod match_tests;
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
pub use glob::escape_glob;
pub use held::{Held, is_at, opened};
pub use known::{Knowledge, RowsOf};
pub use marks::Marks;
pub use peek::{PEEK_BYTES_MAX, first_line, read_head, task_head, whole_heads};
pub use plain::{IoMode, PlainReader};
pub use plan::plan;
pub use records::{Record, Records};
pub use rows::{Before, Part, Rows};
pub use segment::{
    Aside, Copy, Found, Lost, Problem, SealRules, SegmentState, SegmentTask, SourcePlan, Waiting,
};
pub use split::{Split, splits};
pub use stream::{StreamEnd, StreamReader};
pub use validate::{Validated, validate_plain, validate_stream};
