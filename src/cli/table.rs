//! Plain tables for a terminal, and cells of Arrow rows.

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;

/// Widest cell; a longer one is cut with an ellipsis.
const CELL_CHARS_MAX: usize = 48;

/// Rows of cells under a header; numbers to the right.
pub(super) struct Table {
    header: Vec<(String, bool)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Columns by name; `true`: to the right.
    pub(super) fn new(header: impl IntoIterator<Item = (String, bool)>) -> Self {
        Table { header: header.into_iter().collect(), rows: Vec::new() }
    }

    /// Appends a row.
    pub(super) fn push(&mut self, cells: Vec<String>) {
        self.rows.push(cells.iter().map(|cell| cut(cell)).collect());
    }

    /// The table as text.
    pub(super) fn render(&self) -> String {
        let width = |at: usize| {
            let cells = self.rows.iter().map(|row| row[at].chars().count());
            cells.chain([self.header[at].0.chars().count()]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.header.len()).map(width).collect();
        let header: Vec<String> = self.header.iter().map(|(name, _)| name.clone()).collect();
        let mut out = String::new();
        for row in std::iter::once(&header).chain(&self.rows) {
            out.push_str(self.line(row, &widths).trim_end());
            out.push('\n');
        }
        out
    }

    fn line(&self, row: &[String], widths: &[usize]) -> String {
        let cell = |((text, width), (_, right)): ((&String, &usize), &(String, bool))| {
            let pad = " ".repeat(width.saturating_sub(text.chars().count()));
            if *right { format!("{pad}{text}") } else { format!("{text}{pad}") }
        };
        let cells: Vec<String> = row.iter().zip(widths).zip(&self.header).map(cell).collect();
        format!("  {}", cells.join("  "))
    }
}

fn cut(cell: &str) -> String {
    // Control characters of a log line must not reach the terminal.
    let clean = cell.chars().map(|c| if c.is_control() { '·' } else { c });
    if cell.chars().count() <= CELL_CHARS_MAX {
        return clean.collect();
    }
    clean.take(CELL_CHARS_MAX - 1).chain(['…']).collect()
}

/// Whether a column's cells stand to the right.
pub(super) fn is_number(ty: &DataType) -> bool {
    matches!(ty, DataType::Int64 | DataType::Float64 | DataType::Decimal128(..))
}

/// One cell of an Arrow row, as a person writes it.
pub(super) fn cell(rows: &RecordBatch, column: usize, row: usize) -> String {
    let array = rows.column(column);
    if array.is_null(row) {
        return "NULL".to_owned();
    }
    match array.data_type() {
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float64 => float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Decimal128(..) => array.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::Timestamp(..) => {
            super::output::time(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        _ => {
            array.as_string_opt::<i32>().map_or_else(String::new, |text| text.value(row).to_owned())
        }
    }
}

fn float(value: f64) -> String {
    if value != 0.0 && (value.abs() < 0.001 || value.abs() >= 1e12) {
        format!("{value:.3e}")
    } else {
        format!("{value:.3}")
    }
}
