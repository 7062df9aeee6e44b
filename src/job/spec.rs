//! The job file's keys, as serde sees them. Meaning is given in `plan`.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::At;

/// A job file.
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JobSpec {
    /// Name of the job: `[a-z][a-z0-9_]*`, unique in a state directory.
    pub name: At<String>,
    /// One line for people.
    pub description: Option<String>,
    /// Which files, and how their lines are read.
    pub source: SourceSpec,
    /// Which records count, and values computed of them.
    #[serde(default)]
    pub map: MapSpec,
    /// Groups and what is measured in them. Without it the job is map-only.
    pub reduce: Option<ReduceSpec>,
    /// Where results go; at least one.
    #[serde(default)]
    pub output: OutputSpec,
    /// Bounds.
    #[serde(default)]
    pub limits: LimitSpec,
}

/// `[source]`
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceSpec {
    /// Globs; rotated and compressed siblings belong in them.
    pub paths: At<Vec<At<String>>>,
    /// A built-in format's name, or a table such as `{ nginx = '...' }`.
    pub format: At<FormatChoice>,
    /// Types of fields, over the format's defaults: `{ request_time = "decimal(3)" }`.
    #[serde(default)]
    pub fields: Pairs,
    /// Which field is the event time.
    pub time: Option<At<String>>,
    /// IANA time zone of times without an offset; default UTC.
    pub zone: Option<At<String>>,
    /// An unfinished last line counts once its file is unchanged for this long.
    pub seal_after: Option<At<String>>,
}

/// `[map]`
#[derive(Debug, Clone, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MapSpec {
    /// Keeps the records for which this SQL condition is true.
    #[serde(rename = "where")]
    pub filter: Option<At<String>>,
    /// Names for SQL expressions, in order; a later one may use an earlier one.
    #[serde(rename = "let", default)]
    pub lets: Pairs,
}

/// `[reduce]`
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReduceSpec {
    /// Length of a tumbling window on event time: `1m`, `1h`. Without it: one group over all time.
    pub window: Option<At<String>>,
    /// Group keys: names, or `expression AS name`.
    #[serde(default)]
    pub by: Vec<At<String>>,
    /// Measures: name = aggregate expression.
    #[serde(default)]
    pub measures: Pairs,
}

/// `[output]`
#[derive(Debug, Clone, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutputSpec {
    /// Parquet of the groups.
    pub summary: Option<At<SummarySpec>>,
    /// Parquet of the mapped records.
    pub events: Option<At<EventsSpec>>,
    /// A SQLite table of the groups.
    pub sqlite: Option<At<SqliteSpec>>,
    /// A MySQL or MariaDB table of the groups.
    pub mysql: Option<At<MysqlSpec>>,
}

/// `[output.summary]`
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SummarySpec {
    /// Folder.
    pub path: At<String>,
    /// `none`, `hour`, `day` or `month`, by window_start in UTC.
    pub partition: Option<At<Partition>>,
}

/// `[output.events]`
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventsSpec {
    /// Folder.
    pub path: At<String>,
    /// Columns: names, or `expression AS name`.
    pub columns: At<Vec<At<String>>>,
    /// `none`, `hour`, `day` or `month`, by event_time in UTC.
    pub partition: Option<At<Partition>>,
}

/// `[output.sqlite]`
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SqliteSpec {
    /// The database file; made when missing.
    pub path: At<String>,
    /// Table; made when missing. Default: the job's name.
    pub table: Option<At<String>>,
}

/// `[output.mysql]`
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MysqlSpec {
    /// `mysql://user:password@host:port/database`
    pub url: Option<At<String>>,
    /// A file that holds the URL, such as a systemd credential.
    pub url_file: Option<At<String>>,
    /// Table; made when missing. Default: the job's name.
    pub table: Option<At<String>>,
    /// Skip this output with a notice while a variable in it is unset.
    #[serde(default)]
    pub optional: bool,
}

/// `[limits]`
#[derive(Debug, Clone, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitSpec {
    /// Memory for groups: `1GiB`.
    pub memory: Option<At<Size>>,
    /// Longest line: `1MiB`. A longer line is a reject.
    pub line: Option<At<Size>>,
    /// Share of rejected lines above which a run ends with exit status 3.
    pub reject_ratio: Option<At<f64>>,
    /// A line with an event time before it is a reject: `2020-01-01` (UTC) or `2020-01-01T00:00:00Z`. Default 1970-01-01.
    pub earliest: Option<At<String>>,
    /// A line with an event time at it or later is a reject. Default 2200-01-01.
    pub latest: Option<At<String>>,
    /// Partitions by time that the job may have; more end the run. Default 10000.
    pub partitions: Option<At<u64>>,
}

/// A size as the job file has it: `"64KiB"`, or a number of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Size(pub String);

impl<'de> serde::Deserialize<'de> for Size {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SizeVisitor)
    }
}

struct SizeVisitor;

impl serde::de::Visitor<'_> for SizeVisitor {
    type Value = Size;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("a size such as \"64KiB\", or a number of bytes")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Size, E> {
        Ok(Size(text.to_owned()))
    }

    fn visit_i64<E: serde::de::Error>(self, bytes: i64) -> Result<Size, E> {
        Ok(Size(bytes.to_string()))
    }
}

impl JsonSchema for Size {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": ["string", "integer"] })
    }

    fn inline_schema() -> bool {
        true
    }
}

/// How an output is cut into files by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Partition {
    /// One file.
    None,
    /// `date=2026-11-22/hour=07`
    Hour,
    /// `date=2026-11-22`
    Day,
    /// `month=2026-11`
    Month,
}

/// A format: a name, or a table with one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormatChoice {
    /// `"combined"`
    Name(String),
    /// `{ nginx = '...' }`
    Nginx(At<String>),
    /// `{ apache = '...' }`
    Apache(At<String>),
    /// `{ regex = '...' }`
    Regex(At<String>),
    /// `{ csv = { delimiter = ";" } }`
    Csv(CsvSpec),
    /// `{ tsv = { header = true } }`
    Tsv(CsvSpec),
}

/// `{ csv = { … } }`
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CsvSpec {
    /// One ASCII character; default `,` (a tab for `tsv`).
    pub delimiter: Option<At<String>>,
    /// Whether the first line of each file names the columns; default true, or false where `columns` is given.
    pub header: Option<bool>,
    /// Column names, in order, for files without a header.
    #[serde(default)]
    pub columns: Vec<String>,
    /// One ASCII character, or "" for none; default `"` (none for `tsv`).
    pub quote: Option<At<String>>,
    /// Whether values in quotes may hold line breaks; default false. Each file is read by one thread then.
    pub multiline: Option<bool>,
}

const FORMAT_TABLES: &[&str] = &["nginx", "apache", "regex", "csv", "tsv"];

impl<'de> Deserialize<'de> for FormatChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FormatVisitor)
    }
}

struct FormatVisitor;

impl<'de> Visitor<'de> for FormatVisitor {
    type Value = FormatChoice;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a format's name, or a table such as { nginx = '...' }")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<FormatChoice, E> {
        Ok(FormatChoice::Name(name.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FormatChoice, A::Error> {
        use serde::de::Error;
        let Some(key) = map.next_key::<String>()? else {
            return Err(A::Error::custom("an empty format table: write { nginx = '...' }"));
        };
        let choice = match key.as_str() {
            "nginx" => FormatChoice::Nginx(map.next_value()?),
            "apache" => FormatChoice::Apache(map.next_value()?),
            "regex" => FormatChoice::Regex(map.next_value()?),
            "csv" => FormatChoice::Csv(map.next_value()?),
            "tsv" => FormatChoice::Tsv(map.next_value()?),
            other => return Err(A::Error::unknown_field(other, FORMAT_TABLES)),
        };
        match map.next_key::<String>()? {
            None => Ok(choice),
            Some(more) => Err(A::Error::custom(format!(
                "a format is one thing: `{key}` or `{more}`, not both"
            ))),
        }
    }
}

impl JsonSchema for FormatChoice {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Format".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let csv = generator.subschema_for::<CsvSpec>();
        let table = |key: &str, value: &Schema| {
            serde_json::json!({"type": "object", "properties": {key: value}, "required": [key],
                "additionalProperties": false})
        };
        let text = json_schema!({"type": "string"});
        let mut choices = vec![serde_json::json!({"type": "string"})];
        choices.extend(["nginx", "apache", "regex"].map(|key| table(key, &text)));
        choices.extend(["csv", "tsv"].map(|key| table(key, &csv)));
        json_schema!({ "anyOf": choices })
    }
}

/// A table of names and texts, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pairs(pub Vec<(At<String>, At<String>)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of names and texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
        let mut pairs = Vec::new();
        while let Some(key) = map.next_key()? {
            pairs.push((key, map.next_value()?));
        }
        Ok(Pairs(pairs))
    }
}

impl JsonSchema for Pairs {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Pairs".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "object", "additionalProperties": {"type": "string"}})
    }
}
