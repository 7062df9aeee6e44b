//! Rows that are read back from a table, gathered into batches of the job's schema.

use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Decimal128Builder, Float64Builder, Int64Builder, StringBuilder,
    StringViewBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType as ArrowType, SchemaRef};

use super::value::{Cell, Cells, ColumnDef, TimestampText};
use crate::data::DataType;

/// Rows of a batch.
const BATCH_ROWS: usize = 8192;

/// Rows on their way into a batch.
pub(super) struct Gather<'t> {
    schema: &'t SchemaRef,
    columns: &'t [ColumnDef],
    builders: Vec<Builder>,
    rows: usize,
}

enum Builder {
    Int(Int64Builder),
    Decimal(Decimal128Builder),
    Float(Float64Builder),
    Text(StringBuilder),
    TextView(StringViewBuilder),
    Bool(BooleanBuilder),
    Timestamp(TimestampMicrosecondBuilder),
}

impl<'t> Gather<'t> {
    pub(super) fn new(schema: &'t SchemaRef, columns: &'t [ColumnDef]) -> Self {
        let fields = schema.fields().iter().zip(columns);
        let builders = fields.map(|(field, def)| Builder::of(def.ty, field.data_type())).collect();
        Gather { schema, columns, builders, rows: 0 }
    }

    /// Adds a row; `next` gives its cells one after the other. The error names a column whose cell is not of its type.
    pub(super) fn add<'c>(
        &mut self,
        mut next: impl FnMut(DataType) -> Option<Cell<'c>>,
    ) -> Result<(), String> {
        for (def, builder) in self.columns.iter().zip(&mut self.builders) {
            let added = next(def.ty).is_some_and(|cell| builder.add(cell));
            if !added {
                let ColumnDef { name, ty } = def;
                return Err(format!("a value of the column {name} is no {ty}"));
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// The rows so far, if they fill a batch.
    pub(super) fn full(&mut self) -> Option<RecordBatch> {
        if self.rows < BATCH_ROWS { None } else { self.rest() }
    }

    /// The rows so far, if there are any.
    pub(super) fn rest(&mut self) -> Option<RecordBatch> {
        if std::mem::take(&mut self.rows) == 0 {
            return None;
        }
        let fields = self.schema.fields().iter();
        let columns = self.builders.iter_mut().zip(fields);
        let columns = columns.map(|(builder, field)| builder.finish(field.data_type())).collect();
        Some(
            RecordBatch::try_new(self.schema.clone(), columns)
                .expect("columns of one length with the schema's types"),
        )
    }
}

impl Builder {
    fn of(ty: DataType, arrow: &ArrowType) -> Builder {
        match ty {
            DataType::Int => Builder::Int(Int64Builder::new()),
            DataType::Decimal(_) => Builder::Decimal(Decimal128Builder::new()),
            DataType::Float => Builder::Float(Float64Builder::new()),
            DataType::Text | DataType::Ip if *arrow == ArrowType::Utf8View => {
                Builder::TextView(StringViewBuilder::new())
            }
            DataType::Text | DataType::Ip => Builder::Text(StringBuilder::new()),
            DataType::Bool => Builder::Bool(BooleanBuilder::new()),
            DataType::Timestamp => Builder::Timestamp(TimestampMicrosecondBuilder::new()),
        }
    }

    /// Whether the cell has the builder's type.
    fn add(&mut self, cell: Cell<'_>) -> bool {
        match (self, cell) {
            (Builder::Int(builder), Cell::Int(value)) => builder.append_value(value),
            (Builder::Decimal(builder), Cell::Decimal(value, _)) => builder.append_value(value),
            (Builder::Float(builder), Cell::Float(value)) => builder.append_value(value),
            (Builder::Text(builder), Cell::Text(value)) => builder.append_value(value),
            (Builder::TextView(builder), Cell::Text(value)) => builder.append_value(value),
            (Builder::Bool(builder), Cell::Bool(value)) => builder.append_value(value),
            (Builder::Timestamp(builder), Cell::Timestamp(value)) => builder.append_value(value),
            (builder, Cell::Null) => builder.add_null(),
            _ => return false,
        }
        true
    }

    fn add_null(&mut self) {
        match self {
            Builder::Int(builder) => builder.append_null(),
            Builder::Decimal(builder) => builder.append_null(),
            Builder::Float(builder) => builder.append_null(),
            Builder::Text(builder) => builder.append_null(),
            Builder::TextView(builder) => builder.append_null(),
            Builder::Bool(builder) => builder.append_null(),
            Builder::Timestamp(builder) => builder.append_null(),
        }
    }

    /// The column so far, with the schema's scale or time zone.
    fn finish(&mut self, ty: &ArrowType) -> ArrayRef {
        match self {
            Builder::Int(builder) => Arc::new(builder.finish()),
            Builder::Decimal(builder) => Arc::new(builder.finish().with_data_type(ty.clone())),
            Builder::Float(builder) => Arc::new(builder.finish()),
            Builder::Text(builder) => Arc::new(builder.finish()),
            Builder::TextView(builder) => Arc::new(builder.finish()),
            Builder::Bool(builder) => Arc::new(builder.finish()),
            Builder::Timestamp(builder) => Arc::new(builder.finish().with_data_type(ty.clone())),
        }
    }
}

/// Rows as a database gives them back, by what it makes of a cell in the column of a number.
pub(super) fn stored(
    rows: &RecordBatch,
    schema: &SchemaRef,
    columns: &[ColumnDef],
    stored_cell: impl Fn(usize, Cell<'_>) -> Cell<'_>,
) -> Result<RecordBatch, String> {
    let cells = Cells::of(rows, columns)?;
    let mut gather = Gather::new(schema, columns);
    for row in 0..rows.num_rows() {
        let mut columns = cells.iter().enumerate();
        gather.add(|_| columns.next().map(|(at, column)| stored_cell(at, column.cell(row))))?;
    }
    Ok(gather.rest().unwrap_or_else(|| RecordBatch::new_empty(schema.clone())))
}

/// SQL for `from <= column < to`, in microseconds. Beyond the years that a database holds there are no rows.
pub(super) fn window_condition(column: &str, (from, to): (i64, i64)) -> String {
    let bound = |sign: &str, micros: i64, all: bool| match TimestampText::new(micros) {
        Some(text) => format!("{column} {sign} '{}'", text.as_str()),
        None if all => "1 = 1".into(),
        None => "1 = 0".into(),
    };
    format!("{} AND {}", bound(">=", from, from < 0), bound("<", to, to > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_beyond_the_years_of_a_database_is_open_there() {
        assert_eq!(
            window_condition("w", (0, 1_500_000)),
            "w >= '1970-01-01 00:00:00' AND w < '1970-01-01 00:00:01.500000'"
        );
        assert_eq!(window_condition("w", (i64::MIN, i64::MAX)), "1 = 1 AND 1 = 1");
        assert_eq!(window_condition("w", (i64::MIN, i64::MIN)), "1 = 1 AND 1 = 0");
        assert_eq!(window_condition("w", (i64::MAX, i64::MAX)), "1 = 0 AND 1 = 1");
    }
}
