//! The source layer: which files there are, which bytes of them are new, and how to read those.
//!
//! - [`discover`] turns globs into [`Found`] files, oldest first.
//! - [`plan`] compares them with what the catalog knows and says which bytes are to be read.
//! - [`PlainReader`] and [`StreamReader`] hand those bytes out as [`Chunk`]s of whole lines.
//! - [`validate`] looks again, after the reading, whether it was all of one piece.
//!
//! A segment is known by its content (head, offset, anchor), never by its name: DESIGN.md, "Segments". Nothing here knows
//! of jobs, SQLite or formats.

mod chunk;
mod compression;
mod decoder;
mod discover;
mod error;
mod fingerprint;
mod glob;
mod known;
mod map;
mod peek;
mod plain;
mod plan;
mod probe;
mod rotation;
mod segment;
mod siblings;
mod split;
mod stream;
mod validate;

#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod plan_tests;
#[cfg(test)]
mod read_tests;
#[cfg(test)]
mod test_world;

pub use chunk::{Chunk, ChunkBuffer, Oversize};
pub use compression::Compression;
pub use discover::{Discovery, discover};
pub use error::SourceError;
pub use fingerprint::{FINGERPRINT_BYTES_MAX, Fingerprint};
pub use peek::{PEEK_BYTES_MAX, first_line, read_head};
pub use plain::{IoMode, PlainReader};
pub use plan::plan;
pub use segment::{
    Found, Lost, Problem, SealRules, SegmentState, SegmentTask, SourcePlan, Waiting,
};
pub use split::{Split, splits};
pub use stream::{StreamEnd, StreamReader};
pub use validate::{validate_plain, validate_stream};
