//! The rows of docs/RELIABILITY.md about segments, through whole runs: what is lost is told, and nothing else is.
//!
//! `LOGMILL_SEGMENT_TRIALS`, `LOGMILL_SEGMENT_FILES` and `LOGMILL_SEGMENT_HOLE_GIB` make them longer.

#[path = "segments/bounds.rs"]
mod bounds;
#[path = "segments/losses.rs"]
mod losses;
#[path = "segments/odd_bytes.rs"]
mod odd_bytes;
#[path = "segments/site.rs"]
mod site;
mod support;
#[path = "segments/truncation.rs"]
mod truncation;
