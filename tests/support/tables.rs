//! Tables as text, the same whether they come from Parquet or from SQLite.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rusqlite::types::ValueRef;

/// A table as text.
#[derive(Debug, PartialEq)]
pub struct Table {
    /// Names and types of the columns.
    pub columns: Vec<(String, String)>,
    /// Rows, cells apart by tabs.
    pub rows: Vec<String>,
}

/// The Parquet files below a folder, by name.
pub fn parquet_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let below = |path: PathBuf| if path.is_dir() { parquet_files(&path) } else { vec![path] };
    let files = paths.into_iter().flat_map(below);
    files.filter(|path| path.extension().is_some_and(|e| e == "parquet")).collect()
}

/// All rows of the Parquet files below a folder, in the order of the files.
pub fn read_parquet(folder: &Path) -> Table {
    let files = parquet_files(folder);
    assert!(!files.is_empty(), "no Parquet file below {}", folder.display());
    let mut table = Table { columns: Vec::new(), rows: Vec::new() };
    for path in files {
        let file = File::open(&path).expect("a file");
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("a Parquet file");
        let fields = reader.schema().fields().iter();
        let columns = fields.map(|f| (f.name().clone(), type_name(f.data_type()))).collect();
        assert!(table.columns.is_empty() || table.columns == columns, "{}", path.display());
        table.columns = columns;
        for batch in reader.build().expect("readable") {
            let batch = batch.expect("readable");
            table.rows.extend((0..batch.num_rows()).map(|row| row_text(&batch, row)));
        }
    }
    table
}

/// The rows of an SQLite table, in the order of another's rows.
pub fn read_sqlite(path: &Path, table: &str, like: &Table) -> Vec<String> {
    let database = rusqlite::Connection::open(path).expect("a database");
    let names: Vec<String> = like.columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let sql = format!("SELECT {} FROM \"{table}\"", names.join(", "));
    let mut query = database.prepare(&sql).expect("the table has the columns");
    let rows = query.query_map([], |row| {
        let cells = like.columns.iter().enumerate();
        let cells: Vec<String> =
            cells.map(|(at, (_, ty))| sqlite_cell(row.get_ref_unwrap(at), ty)).collect();
        Ok(cells.join("\t"))
    });
    let rows: rusqlite::Result<Vec<String>> = rows.expect("rows").collect();
    let mut rows = rows.expect("rows");
    let place: std::collections::HashMap<&String, usize> = like.rows.iter().zip(0..).collect();
    rows.sort_by_key(|row| place.get(row).copied().unwrap_or(usize::MAX));
    rows
}

/// The names that job files know.
fn type_name(ty: &DataType) -> String {
    match ty {
        DataType::Int64 => "int".into(),
        DataType::Float64 => "float".into(),
        DataType::Boolean => "bool".into(),
        DataType::Utf8 | DataType::Utf8View => "text".into(),
        DataType::Decimal128(_, scale) => format!("decimal({scale})"),
        DataType::Timestamp(..) => "timestamp".into(),
        other => other.to_string(),
    }
}

fn row_text(batch: &RecordBatch, row: usize) -> String {
    let cells: Vec<String> =
        batch.columns().iter().map(|column| parquet_cell(column.as_ref(), row)).collect();
    cells.join("\t")
}

fn parquet_cell(array: &dyn Array, row: usize) -> String {
    if array.is_null(row) {
        return "NULL".into();
    }
    match array.data_type() {
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float64 => array.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Utf8 => text(array.as_string::<i32>().value(row)),
        DataType::Utf8View => text(array.as_string_view().value(row)),
        DataType::Decimal128(..) => {
            plain(&array.as_primitive::<Decimal128Type>().value_as_string(row))
        }
        DataType::Timestamp(..) => {
            time(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        other => panic!("no text for {other}"),
    }
}

fn sqlite_cell(value: ValueRef<'_>, ty: &str) -> String {
    match value {
        ValueRef::Null => "NULL".into(),
        ValueRef::Integer(n) if ty == "bool" => (n != 0).to_string(),
        ValueRef::Integer(n) => n.to_string(),
        ValueRef::Real(x) => x.to_string(),
        ValueRef::Text(bytes) => {
            let value = std::str::from_utf8(bytes).expect("UTF-8");
            match ty {
                "timestamp" => plain(value),
                _ if ty.starts_with("decimal") => plain(value),
                _ => text(value),
            }
        }
        ValueRef::Blob(_) => panic!("a blob"),
    }
}

/// Text in one cell of one line, and never the same as NULL.
fn text(value: &str) -> String {
    let escaped = value.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n");
    if escaped == "NULL" { "\\NULL".into() } else { escaped }
}

/// Without zeros that say nothing: 1.50, and 00:00:00.000.
fn plain(value: &str) -> String {
    match value.contains('.') {
        true => value.trim_end_matches('0').trim_end_matches('.').into(),
        false => value.into(),
    }
}

/// Microseconds since the epoch as SQLite has them.
fn time(time_us: i64) -> String {
    let time = jiff::Timestamp::from_microsecond(time_us).expect("a time");
    plain(&time.strftime("%Y-%m-%d %H:%M:%S.%6f").to_string())
}
