//! The rows of a table, back in Arrow.

use arrow_array::RecordBatch;
use mysql_async::Value;

use super::super::parse::{micros_of, parse_decimal};
use super::super::rows::{Gather, window_condition};
use super::super::value::{Cell, TimestampText};
use super::super::{BoxError, DeliverError};
use super::errors::Fault;
use super::literal::quote;
use super::{MysqlOutput, ddl};
use crate::data::DataType;

impl MysqlOutput {
    /// In one statement, so that the rows are those of one moment.
    pub(super) fn read_rows(
        &mut self,
        window: Option<(i64, i64)>,
        each: &mut dyn FnMut(RecordBatch) -> Result<(), BoxError>,
    ) -> Result<(), Fault> {
        let mut session = self.begin()?;
        // A slow caller holds up the server, which gives up after this many seconds.
        session.run("SET SESSION net_write_timeout = 3600")?;
        let mut gather = Gather::new(&self.table.schema, &self.columns);
        session.stream(&self.select(window), &mut |values| {
            let mut values = values.iter();
            gather
                .add(|ty| values.next().and_then(|value| cell(value, ty)))
                .map_err(|problem| self.unreadable(problem))?;
            match gather.full() {
                Some(batch) => each(batch).map_err(DeliverError::Source),
                None => Ok(()),
            }
        })?;
        if let Some(batch) = gather.rest() {
            each(batch).map_err(|error| Fault::Final(DeliverError::Source(error)))?;
        }
        self.end(session)
    }

    fn select(&self, window: Option<(i64, i64)>) -> String {
        let names: Vec<String> = self.columns.iter().map(|def| quote(&def.name)).collect();
        let select = format!("SELECT {} FROM {}", names.join(", "), quote(&self.table.table));
        let key = self.columns.first().filter(|def| def.is_window());
        match window.zip(key) {
            Some((window, def)) => {
                format!("{select} WHERE {}", window_condition(&quote(&def.name), window))
            }
            // The order of the clustered index costs nothing.
            None => format!("{select} ORDER BY {}", quote(ddl::KEY)),
        }
    }

    fn unreadable(&self, problem: String) -> DeliverError {
        DeliverError::refused(
            &self.target.place,
            problem,
            "if another program changed the table, drop or rename it",
        )
    }
}

/// A value of the binary protocol; `None` if it is not of the type.
fn cell(value: &Value, ty: DataType) -> Option<Cell<'_>> {
    Some(match (ty, value) {
        (_, Value::NULL) => Cell::Null,
        (DataType::Int, Value::Int(value)) => Cell::Int(*value),
        (DataType::Bool, Value::Int(value)) => Cell::Bool(*value != 0),
        (DataType::Float, Value::Double(value)) => Cell::Float(*value),
        (DataType::Decimal(scale), Value::Bytes(text)) => {
            Cell::Decimal(parse_decimal(std::str::from_utf8(text).ok()?, scale)?, scale)
        }
        (DataType::Text | DataType::Ip, Value::Bytes(text)) => {
            Cell::Text(std::str::from_utf8(text).ok()?)
        }
        (DataType::Timestamp, &Value::Date(year, month, day, hour, minute, second, micro)) => {
            let date = [i64::from(year), i64::from(month), i64::from(day)];
            let time = [i64::from(hour), i64::from(minute), i64::from(second)];
            Cell::Timestamp(micros_of(date, time, i64::from(micro))?)
        }
        _ => return None,
    })
}

/// A value as the server holds it: what it does not have is NULL.
pub(super) fn stored_cell(cell: Cell<'_>) -> Cell<'_> {
    match cell {
        Cell::Float(value) if !value.is_finite() => Cell::Null,
        Cell::Float(value) => Cell::Float(value + 0.0),
        Cell::Timestamp(micros) if TimestampText::new(micros).is_none() => Cell::Null,
        other => other,
    }
}
