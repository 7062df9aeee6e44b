//! What a job file says: TOML text to [`JobSpec`], with the place of each word. No I/O beyond reading the file.

mod at;
mod interpolate;
mod load;
mod paths;
mod spec;
mod units;

pub use at::At;
pub use load::{JobFile, Locate, json_schema, load, parse};
pub use paths::normalize_path;
pub use spec::*;
pub use units::{UnitError, parse_duration, parse_size};
