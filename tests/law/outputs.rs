//! What a job has put out, as plain values.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use logmill::catalog::Catalog;
use logmill::engine::reject::Counters;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// A row, one text a column; floats in Rust's shortest form that reads back the same.
pub type Row = Vec<String>;
/// How NULL is shown.
pub const NULL: &str = "NULL";

/// A rejected line: where in its file, how long, why, how it begins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rejected {
    pub offset: u64,
    pub length: u64,
    pub reason: String,
    pub sample: Vec<u8>,
}

/// Everything.
#[derive(Debug)]
pub struct Outputs {
    /// Bytes of the summary's files, by path below the output.
    pub files: BTreeMap<PathBuf, Vec<u8>>,
    /// Rows of these, in the order of files and rows.
    pub summary: Vec<Row>,
    /// Rows of SQLite, sorted.
    pub sqlite: Vec<Row>,
    /// Records, sorted.
    pub events: Vec<Row>,
    /// Rejected lines, sorted.
    pub rejects: Vec<Rejected>,
    /// All batches together.
    pub counters: Counters,
}

/// A reason without the place in the line.
fn kind(reason: String) -> String {
    let reason = reason.replace("1 value where", "1 values where");
    let shapes = ["does not match the pattern", "not a JSON object", "values where 8 are expected"];
    let shape = shapes.into_iter().find(|shape| reason.contains(shape));
    shape.map_or(reason, str::to_owned)
}

/// Reads what the job `law` put out in a folder.
pub fn read(folder: &Path) -> Outputs {
    let summary = parquet_files(&folder.join("out/summary"));
    let events = parquet_files(&folder.join("out/events"));
    let catalog = Catalog::open(&folder.join("state/law")).expect("a catalog");
    let rejects = catalog.rejects(u64::MAX).expect("rejects").into_iter().map(|row| Rejected {
        offset: row.offset,
        length: row.length,
        reason: kind(row.reason),
        sample: row.sample,
    });
    let relative = |path: &PathBuf| path.strip_prefix(folder).expect("below it").to_owned();
    let bytes = |path: &PathBuf| (relative(path), fs::read(path).expect("a file"));
    Outputs {
        files: summary.iter().map(bytes).collect(),
        summary: summary.iter().flat_map(|path| rows(path)).collect(),
        sqlite: sqlite(&folder.join("out/law.db")),
        events: sorted(events.iter().flat_map(|path| rows(path)).collect()),
        rejects: sorted(rejects.collect()),
        counters: catalog.totals().expect("totals").counters,
    }
}

/// Sorts, for comparing as sets with repetitions.
pub fn sorted<T: Ord>(mut all: Vec<T>) -> Vec<T> {
    all.sort();
    all
}

fn parquet_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(parquet_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "parquet") {
            found.push(path);
        }
    }
    sorted(found)
}

fn rows(path: &Path) -> Vec<Row> {
    let file = File::open(path).expect("a file");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).and_then(|b| b.build());
    let batches = reader.expect("a Parquet file").map(|batch| batch.expect("rows"));
    batches.flat_map(|batch| (0..batch.num_rows()).map(move |row| cells(&batch, row))).collect()
}

fn cells(batch: &RecordBatch, row: usize) -> Row {
    batch.columns().iter().map(|column| cell(column.as_ref(), row)).collect()
}

fn cell(column: &dyn Array, row: usize) -> String {
    if column.is_null(row) {
        return NULL.to_owned();
    }
    match column.data_type() {
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float64 => format!("{:?}", column.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(38, 3) => {
            format!("{}m", column.as_primitive::<Decimal128Type>().value(row))
        }
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        DataType::Utf8 => format!("{:?}", column.as_string::<i32>().value(row)),
        DataType::Timestamp(_, zone) => {
            assert_eq!(zone.as_deref(), Some("UTC"));
            format!("{}us", column.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        other => panic!("a column of type {other}"),
    }
}

fn sqlite(path: &Path) -> Vec<Row> {
    if !path.exists() {
        return Vec::new();
    }
    let connection = rusqlite::Connection::open(path).expect("a database");
    let mut statement = connection.prepare("SELECT * FROM law").expect("the table");
    let columns = statement.column_count();
    let read = |row: &rusqlite::Row<'_>| -> rusqlite::Result<Row> {
        (0..columns)
            .map(|at| row.get::<_, rusqlite::types::Value>(at).map(|v| format!("{v:?}")))
            .collect()
    };
    let rows = statement.query_map([], read).expect("rows");
    sorted(rows.collect::<rusqlite::Result<_>>().expect("rows"))
}
