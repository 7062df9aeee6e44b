//! The rows of a table, back in Arrow.

use arrow_array::RecordBatch;
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::super::parse::{parse_decimal, parse_timestamp};
use super::super::rows::{Gather, window_condition};
use super::super::value::Cell;
use super::super::{BoxError, DeliverError};
use super::write::NAN;
use super::{SqliteOutput, ddl};
use crate::data::DataType;

impl SqliteOutput {
    /// In one statement, so that the rows are those of one moment.
    pub(super) fn read_rows(
        &self,
        connection: &Connection,
        window: Option<(i64, i64)>,
        each: &mut dyn FnMut(RecordBatch) -> Result<(), BoxError>,
    ) -> Result<(), DeliverError> {
        let fault = |error| self.fault(error);
        let mut statement = connection.prepare(&self.select(window)).map_err(fault)?;
        let mut rows = statement.query(()).map_err(fault)?;
        let mut gather = Gather::new(&self.table.schema, &self.columns);
        while let Some(row) = rows.next().map_err(fault)? {
            let mut columns = 0..self.columns.len();
            gather.add(|ty| cell(row.get_ref(columns.next()?).ok()?, ty)).map_err(|problem| {
                self.refused(problem, "if another program changed the table, drop or rename it")
            })?;
            if let Some(batch) = gather.full() {
                each(batch).map_err(DeliverError::Source)?;
            }
        }
        match gather.rest() {
            Some(batch) => each(batch).map_err(DeliverError::Source),
            None => Ok(()),
        }
    }

    fn select(&self, window: Option<(i64, i64)>) -> String {
        let names: Vec<String> = self.columns.iter().map(|def| ddl::quote(&def.name)).collect();
        let select = format!("SELECT {} FROM {}", names.join(", "), ddl::quote(&self.table.table));
        let key = self.columns.first().filter(|def| def.is_window());
        match window.zip(key) {
            // The expression of the unique index, which a search can use; an empty blob is beyond each text.
            Some((window, def)) => {
                format!("{select} WHERE {}", window_condition(&ddl::key_expression(def), window))
            }
            None => format!("{select} ORDER BY rowid"),
        }
    }
}

/// A value of the file; `None` if it is not of the type.
fn cell(value: ValueRef<'_>, ty: DataType) -> Option<Cell<'_>> {
    Some(match (ty, value) {
        (_, ValueRef::Null) => Cell::Null,
        (DataType::Int, ValueRef::Integer(value)) => Cell::Int(value),
        (DataType::Bool, ValueRef::Integer(value)) => Cell::Bool(value != 0),
        (DataType::Float, ValueRef::Real(value)) => Cell::Float(value),
        (DataType::Float, ValueRef::Text(text)) if text == NAN.as_bytes() => Cell::Float(f64::NAN),
        (DataType::Decimal(scale), value) => Cell::Decimal(decimal(value, scale)?, scale),
        (DataType::Text | DataType::Ip, ValueRef::Text(text)) => {
            Cell::Text(std::str::from_utf8(text).ok()?)
        }
        (DataType::Timestamp, ValueRef::Text(text)) => {
            Cell::Timestamp(parse_timestamp(std::str::from_utf8(text).ok()?)?)
        }
        _ => return None,
    })
}

/// A decimal from any of the forms that write.rs chooses. A float that stands for one of at most 15 digits is shown with
/// those digits.
fn decimal(value: ValueRef<'_>, scale: u8) -> Option<i128> {
    match value {
        ValueRef::Integer(value) => parse_decimal(&value.to_string(), scale),
        ValueRef::Real(value) => parse_decimal(&value.to_string(), scale),
        ValueRef::Text(text) => parse_decimal(std::str::from_utf8(text).ok()?, scale),
        ValueRef::Null | ValueRef::Blob(_) => None,
    }
}

/// A value as SQLite holds it: NaN, which it does not have, is NULL but in a key.
pub(super) fn stored_cell(cell: Cell<'_>, is_key: bool) -> Cell<'_> {
    match cell {
        Cell::Float(value) if value.is_nan() && !is_key => Cell::Null,
        Cell::Float(value) => Cell::Float(value + 0.0),
        other => other,
    }
}
