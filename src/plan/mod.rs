//! From the job file's words to a typed plan: [`JobSpec`](crate::job::JobSpec) -> [`Plan`]. Nothing below knows TOML,
//! nothing here opens a log file (formats whose columns stand in the files get the head of one as bytes).

mod columns;
mod compile;
mod computed;
mod format;
mod limits;
mod meaning;
mod names;
mod outputs;

pub use compile::{compile, seal_after, source_globs};
pub use format::{columns_stand_in_files, format_spec};
pub use limits::Limits;
pub use meaning::{Change, changes};
pub use outputs::{EventsOutput, MysqlOutput, Outputs, SqliteOutput, SummaryOutput};

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arrow_schema::{Schema, SchemaRef};
use jiff::tz::TimeZone;

use crate::data::DataType;
use crate::expr::{AggregateFn, Expr, Identity, word};
use crate::format::{Converter, FieldDef, Format, FormatError, FormatSpec, Tokenizer};
use crate::job::Partition;

/// What the command line changes of a job file.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--input`: takes the place of `source.paths`; relative to the working directory.
    pub inputs: Vec<String>,
    /// `--output`: takes the place of the job file's folder for relative output paths.
    pub output_dir: Option<PathBuf>,
    /// `--memory`, bytes.
    pub memory_bytes: Option<u64>,
    /// `--final`: a header without a newline is all of it.
    pub final_: bool,
}

/// A job, typed and resolved. Immutable, shared by all workers.
pub struct Plan {
    /// Name of the job.
    pub name: String,
    /// One line for people.
    pub description: Option<String>,
    /// The job file.
    pub path: PathBuf,
    /// Where the lines are.
    pub source: SourcePlan,
    /// How lines are read.
    pub format: Box<dyn Format>,
    /// What a record is made of.
    pub map: MapPlan,
    /// Groups and measures; `None`: map-only.
    pub reduce: Option<ReducePlan>,
    /// Where results go.
    pub outputs: Outputs,
    /// Bounds.
    pub limits: Limits,
    /// Things a user should know, one line each (skipped outputs).
    pub notices: Vec<String>,
    /// What stored groups and events of this job mean; [`changes`] compares two.
    pub meaning: String,
}

/// `[source]`, resolved. Two that are equal find the same files, and cut them alike.
#[derive(Debug, Clone, PartialEq)]
pub struct SourcePlan {
    /// Globs.
    pub globs: Vec<String>,
    /// What relative globs are relative to.
    pub base: PathBuf,
    /// An unfinished last line counts once its file was quiet this long.
    pub seal_after: Option<Duration>,
    /// Zone of times without an offset.
    pub zone: TimeZone,
    /// What the job says of the format.
    pub format: FormatSpec,
    /// A longer line is a reject.
    pub line_bytes_max: u64,
}

/// The columns that a record may need, in an order in which each needs earlier ones only.
pub struct MapPlan {
    /// All slots that something uses.
    pub slots: Vec<Slot>,
    /// Names of the raw fields, as the tokenizer is asked for them.
    pub fields: Vec<String>,
    /// Keeps records for which it is true.
    pub filter: Option<Expr>,
    /// Slots that the filter needs, ascending.
    pub filter_slots: Vec<usize>,
    /// Slots that the rest needs beside those, ascending.
    pub rest_slots: Vec<usize>,
    /// The slot of the event time, where the job needs it.
    pub event_time: Option<usize>,
    /// What the format offers, with the job's types: for `check`.
    pub known_fields: Vec<FieldDef>,
}

/// One column of a block of records.
pub struct Slot {
    /// Its name in expressions.
    pub name: String,
    /// Its type.
    pub ty: DataType,
    /// Where its values come from.
    pub kind: SlotKind,
}

/// Where a slot's values come from.
pub enum SlotKind {
    /// A field of the line: index into [`MapPlan::fields`].
    Field(usize),
    /// The event time: the values of this slot, checked to be there and to be sane.
    EventTime(usize),
    /// Path of the file.
    SourceFile,
    /// The whole line.
    Raw,
    /// A `let`.
    Let(Expr),
}

/// A group key: its name, and the expression.
pub struct KeyPlan {
    /// Column name.
    pub name: String,
    /// Over the record's slots.
    pub expr: Expr,
}

/// `[reduce]`, compiled.
pub struct ReducePlan {
    /// Window length in microseconds.
    pub window_us: Option<i64>,
    /// Group keys behind the window.
    pub keys: Vec<KeyPlan>,
    /// The distinct aggregate calls of all measures.
    pub aggregates: Vec<Arc<AggregatePlan>>,
    /// The output columns behind the keys.
    pub measures: Vec<MeasurePlan>,
    /// How the store of the groups is cut by time.
    pub partition: Partition,
}

/// One aggregate call.
pub struct AggregatePlan {
    /// The function.
    pub function: AggregateFn,
    /// Over the record's slots.
    pub arg: Option<Expr>,
    /// Only records for which this is true.
    pub filter: Option<Expr>,
    /// Which records it sees, and what it takes from each: calls of one input may share a state.
    pub input: Identity,
}

/// One measure: an expression over aggregates.
pub struct MeasurePlan {
    /// Column name.
    pub name: String,
    /// Slot i is `inputs[i]`.
    pub value: Expr,
    /// Indexes into [`ReducePlan::aggregates`].
    pub inputs: Vec<usize>,
    /// The calls themselves, as this measure has them: for `verify`, which shares nothing.
    pub calls: Vec<Arc<AggregatePlan>>,
}

impl Slot {
    /// How identities name it. What a `let` computes stands beside, once.
    fn identity(&self) -> String {
        format!("{}:{}", word(&self.name), self.ty)
    }

    /// The expression of a `let`.
    fn as_let(&self) -> Option<&Expr> {
        if let SlotKind::Let(expr) = &self.kind { Some(expr) } else { None }
    }
}

impl AggregatePlan {
    /// What it computes.
    pub fn identity(&self) -> Identity {
        Identity::of_aggregate(self.function, self.arg.as_ref(), &self.input)
    }
}

/// Column of the window's start.
pub const WINDOW_COLUMN: &str = "window_start";

impl Plan {
    /// What cuts the lines of a segment with this head into [`MapPlan::fields`].
    ///
    /// # Errors
    ///
    /// The head does not fit.
    pub fn tokenizer(&self, head: &[u8]) -> Result<Box<dyn Tokenizer>, FormatError> {
        let wanted: Vec<&str> = self.map.fields.iter().map(String::as_str).collect();
        self.format.tokenizer(&wanted, head)
    }

    /// Whether a record may have several lines: then a segment is read from its begin to its end by one thread.
    pub fn is_multiline(&self) -> bool {
        self.source.format.is_multiline()
    }

    /// What reads the raw values of each of [`MapPlan::fields`], in their order.
    pub fn converters(&self) -> Vec<Converter> {
        let slot = |field: usize| {
            self.map
                .slots
                .iter()
                .find(|slot| matches!(slot.kind, SlotKind::Field(of) if of == field))
        };
        let converter = |(field, name): (usize, &String)| {
            // Every field was asked for by a slot; text is what a field is unless something says otherwise.
            let ty = slot(field).map_or(DataType::Text, |slot| slot.ty);
            let layout = self.format.time_layout(name);
            Converter::new(name, ty, &self.source.zone, layout)
                .dash_is_null(self.format.dash_is_null())
                .unsigned(self.format.is_unsigned(name))
        };
        self.map.fields.iter().enumerate().map(converter).collect()
    }
}

impl ReducePlan {
    /// Types of the parts of a group key, the window first.
    pub fn key_types(&self) -> Vec<DataType> {
        let window = self.window_us.map(|_| DataType::Timestamp);
        window.into_iter().chain(self.keys.iter().map(|key| key.expr.ty())).collect()
    }

    /// The summary's columns: `window_start` if windowed, keys, measures.
    pub fn columns(&self) -> Vec<(String, DataType)> {
        let window = self.window_us.map(|_| (WINDOW_COLUMN.to_owned(), DataType::Timestamp));
        let keys = self.keys.iter().map(|key| (key.name.clone(), key.expr.ty()));
        let measures = self.measures.iter().map(|m| (m.name.clone(), m.value.ty()));
        window.into_iter().chain(keys).chain(measures).collect()
    }

    /// The same as an Arrow schema.
    pub fn schema(&self) -> SchemaRef {
        arrow_schema(&self.columns())
    }

    /// Whether a measure asks which line came first.
    pub fn needs_order(&self) -> bool {
        self.aggregates.iter().any(|a| a.function.needs_order())
    }
}

/// An Arrow schema of nullable columns.
pub fn arrow_schema(columns: &[(String, DataType)]) -> SchemaRef {
    let fields: Vec<_> = columns.iter().map(|(name, ty)| ty.to_field(name)).collect();
    Schema::new(fields).into()
}
