//! From what a job file says of its format to the format.

use super::access::Access;
use super::csv::{Csv, CsvOptions};
use super::json::Json;
use super::lines::Lines;
use super::regex::Groups;
use super::{Format, FormatError, apache, nginx};

/// Formats that a plain name selects.
const NAMES: [&str; 6] = ["common", "combined", "json", "csv", "tsv", "lines"];
/// Formats that need a value: `{ nginx = '...' }`.
const TABLES: [&str; 3] = ["nginx", "apache", "regex"];
/// Formats of the contract that are not there yet.
const PLANNED: [&str; 9] =
    ["logfmt", "syslog", "w3c", "zeek", "haproxy", "elb", "alb", "s3_access", "cloudfront"];

/// What a job file says of its format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormatSpec {
    /// A built-in name.
    Name(String),
    /// A pasted nginx `log_format`.
    Nginx(String),
    /// A pasted Apache `LogFormat`.
    Apache(String),
    /// Separated values.
    Csv(CsvOptions),
    /// The same with the defaults of `tsv`.
    Tsv(CsvOptions),
    /// A regular expression with named groups.
    Regex(String),
}

impl FormatSpec {
    /// Whether a record may have several lines.
    pub fn is_multiline(&self) -> bool {
        matches!(self, FormatSpec::Csv(options) | FormatSpec::Tsv(options) if options.multiline)
    }
}

/// Makes the format. Lines above `line_bytes_max` bytes are rejects. `head`: the first 64 KiB of any of the segments, from
/// which `csv` takes the names of its columns where the options have none; without it such a format is open-ended.
pub fn build(
    spec: &FormatSpec,
    line_bytes_max: usize,
    head: Option<&[u8]>,
) -> Result<Box<dyn Format>, FormatError> {
    Ok(match spec {
        FormatSpec::Name(name) => return by_name(name, line_bytes_max, head),
        FormatSpec::Nginx(pasted) => Box::new(nginx::compile(pasted, line_bytes_max)?),
        FormatSpec::Apache(pasted) => Box::new(apache::compile(pasted, line_bytes_max)?),
        FormatSpec::Csv(options) | FormatSpec::Tsv(options) => {
            Box::new(Csv::new(options, line_bytes_max, head)?)
        }
        FormatSpec::Regex(pattern) => Box::new(Groups::new(pattern, line_bytes_max)?),
    })
}

fn by_name(
    name: &str,
    line_bytes_max: usize,
    head: Option<&[u8]>,
) -> Result<Box<dyn Format>, FormatError> {
    Ok(match name {
        "common" => Box::new(Access::new(false, line_bytes_max)),
        "combined" => Box::new(Access::new(true, line_bytes_max)),
        "json" => Box::new(Json::new(line_bytes_max)),
        "csv" => Box::new(Csv::new(&CsvOptions::csv(), line_bytes_max, head)?),
        "tsv" => Box::new(Csv::new(&CsvOptions::tsv(), line_bytes_max, head)?),
        "lines" => Box::new(Lines::new(line_bytes_max)),
        _ => return Err(refuse(name)),
    })
}

/// Why there is no format of this name, and which there are.
fn refuse(name: &str) -> FormatError {
    if TABLES.contains(&name) {
        let help = format!("write it as a table: format = {{ {name} = '...' }}");
        return FormatError::new(format!("the format `{name}` needs a pattern"), help);
    }
    let built = format!("built are {}, and the tables {}", NAMES.join(", "), TABLES.join(", "));
    if PLANNED.contains(&name) {
        return FormatError::new(format!("the format `{name}` is not built yet"), built);
    }
    FormatError::new(format!("there is no format `{name}`"), built)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_name_builds_and_the_others_say_why_not() {
        let build = |name: &str| build(&FormatSpec::Name(name.into()), 9, None);
        for name in NAMES {
            assert!(build(name).is_ok(), "{name}");
        }
        for (name, message) in [
            ("zeek", "the format `zeek` is not built yet"),
            ("nginx", "the format `nginx` needs a pattern"),
            ("xml", "there is no format `xml`"),
        ] {
            assert_eq!(build(name).err().map(|error| error.message).as_deref(), Some(message));
        }
        assert!(refuse("zeek").help.is_some_and(|help| help.contains("combined")));
    }
}
