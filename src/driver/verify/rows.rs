//! Rows as bytes: equal rows have equal bytes, and bytes sort by the group's key first. Keys are written as the store
//! writes them; of other floats each bit counts, except that all NaN are one.

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch, RecordBatchOptions};
use bumpalo::Bump;

use super::super::RunError;
use crate::data::{Column, DataType, Scalar, Values};
use crate::engine::key::{self, KeyDecoder};
use crate::engine::reference::put_value;
use crate::plan::{EventsOutput, ReducePlan, arrow_schema};

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    pub(super) bytes: Vec<u8>,
    /// How many of them are the key.
    pub(super) key: usize,
}

impl Row {
    pub(super) fn key(&self) -> &[u8] {
        &self.bytes[..self.key]
    }
}

/// Rows one after the other, ascending unless said otherwise.
pub(super) type Rows<'r> = Box<dyn Iterator<Item = Result<Row, RunError>> + 'r>;

/// Writes and reads the rows of one table.
pub(super) struct Codec {
    columns: Vec<(String, DataType)>,
    keys: usize,
    /// As they are written.
    types: Vec<DataType>,
}

impl Codec {
    /// For a table with these columns, of which the first so many are the key.
    pub(super) fn new(columns: Vec<(String, DataType)>, keys: usize) -> Self {
        let written = |(at, (_, ty)): (usize, &(String, DataType))| match ty {
            DataType::Float if at >= keys => DataType::Int,
            ty => *ty,
        };
        let types = columns.iter().enumerate().map(written).collect();
        Codec { columns, keys, types }
    }

    /// For the groups of a job.
    pub(super) fn of_groups(reduce: &ReducePlan) -> Self {
        Codec::new(reduce.columns(), reduce.key_types().len())
    }

    /// For the records that a job writes.
    pub(super) fn of_events(output: &EventsOutput) -> Self {
        let columns = output.columns.iter().map(|c| (c.name.clone(), c.expr.ty()));
        Codec::new(columns.collect(), 0)
    }

    /// A row of these values behind a key that is encoded.
    pub(super) fn row(&self, key: Vec<u8>, values: &[Scalar]) -> Row {
        let (len, mut bytes) = (key.len(), key);
        for value in values {
            match value {
                Scalar::Float(value) => put_value(&Scalar::Int(bits(*value)), &mut bytes),
                value => put_value(value, &mut bytes),
            }
        }
        Row { bytes, key: len }
    }

    /// Rows as a batch.
    pub(super) fn batch(&self, rows: &[Row]) -> Result<RecordBatch, RunError> {
        let arena = Bump::new();
        let mut decoder = KeyDecoder::new(&self.types, rows.len(), &arena);
        for row in rows {
            decoder.push(&row.bytes).map_err(|e| RunError::Other(e.to_string()))?;
        }
        let all: Vec<u32> = (0..rows.len() as u32).collect();
        let array = |(column, (_, ty)): (Column<'_>, &(String, DataType))| {
            let values = match (column.values, ty) {
                (Values::Int(v), DataType::Float) => {
                    Values::Float(v.into_iter().map(|bits| f64::from_bits(bits as u64)).collect())
                }
                (values, _) => values,
            };
            Column { ty: *ty, values, valid: column.valid }.to_array(&all)
        };
        let arrays = decoder.finish().into_iter().zip(&self.columns).map(array).collect();
        let schema = arrow_schema(&self.columns);
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        RecordBatch::try_new_with_options(schema, arrays, &options)
            .map_err(|e| RunError::Other(e.to_string()))
    }

    /// The rows of a batch; the error names a column that is not the table's.
    pub(super) fn rows(&self, batch: &RecordBatch) -> Result<Vec<Row>, String> {
        let columns = self.read(batch)?;
        let row = |row: usize| {
            let mut bytes = Vec::with_capacity(16 * columns.len());
            let mut key = 0;
            for (at, column) in columns.iter().enumerate() {
                key::encode(column, row, &mut bytes);
                if at + 1 == self.keys {
                    key = bytes.len();
                }
            }
            Row { bytes, key }
        };
        Ok((0..batch.num_rows()).map(row).collect())
    }

    fn read<'a>(&self, batch: &'a RecordBatch) -> Result<Vec<Column<'a>>, String> {
        let schema = batch.schema();
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        if !names.iter().copied().eq(self.columns.iter().map(|(name, _)| name.as_str())) {
            return Err(format!("its columns are {}", names.join(", ")));
        }
        let one = |(at, (name, ty)): (usize, &(String, DataType))| {
            let values = values(batch.column(at), *ty, at < self.keys);
            let values = values.ok_or_else(|| {
                format!("its column {name} is {} and not {ty}", batch.column(at).data_type())
            })?;
            Ok(Column { ty: self.types[at], values, valid: validity(batch.column(at)) })
        };
        self.columns.iter().enumerate().map(one).collect()
    }

    /// The values of a row, one a column.
    pub(super) fn values(&self, row: &Row) -> Result<Vec<Scalar>, RunError> {
        let arena = Bump::new();
        let mut decoder = KeyDecoder::new(&self.types, 1, &arena);
        decoder.push(&row.bytes).map_err(|e| RunError::Other(e.to_string()))?;
        let value =
            |(column, (_, ty)): (Column<'_>, &(String, DataType))| match (column.scalar(0), ty) {
                (Scalar::Int(bits), DataType::Float) => Scalar::Float(f64::from_bits(bits as u64)),
                (value, _) => value,
            };
        Ok(decoder.finish().into_iter().zip(&self.columns).map(value).collect())
    }

    /// The table's columns.
    pub(super) fn columns(&self) -> &[(String, DataType)] {
        &self.columns
    }

    /// How many of them are the key.
    pub(super) fn keys(&self) -> usize {
        self.keys
    }
}

fn values(array: &dyn Array, ty: DataType, is_key: bool) -> Option<Values<'_>> {
    Some(match ty {
        DataType::Int => Values::Int(array.as_primitive_opt::<Int64Type>()?.values().to_vec()),
        DataType::Timestamp => {
            let times = array.as_primitive_opt::<TimestampMicrosecondType>()?;
            Values::Timestamp(times.values().to_vec())
        }
        DataType::Decimal(scale) => {
            let decimals = array.as_primitive_opt::<Decimal128Type>()?;
            if decimals.scale() != scale as i8 {
                return None;
            }
            Values::Decimal(decimals.values().to_vec())
        }
        DataType::Float => {
            let floats = array.as_primitive_opt::<Float64Type>()?.values();
            if is_key {
                return Some(Values::Float(floats.to_vec()));
            }
            Values::Int(floats.iter().map(|value| bits(*value)).collect())
        }
        DataType::Bool => Values::Bool(array.as_boolean_opt()?.values().iter().collect()),
        DataType::Text | DataType::Ip => Values::Text(match array.as_string_opt::<i32>() {
            Some(text) => (0..text.len()).map(|row| text.value(row)).collect(),
            None => {
                let text = array.as_string_view_opt()?;
                (0..text.len()).map(|row| text.value(row)).collect()
            }
        }),
    })
}

fn bits(value: f64) -> i64 {
    let one = if value.is_nan() { f64::NAN } else { value };
    one.to_bits() as i64
}

fn validity(array: &dyn Array) -> Option<Vec<bool>> {
    (array.null_count() > 0).then(|| (0..array.len()).map(|row| array.is_valid(row)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use arrow_array::{Float64Array, StringArray};

    fn codec() -> Codec {
        Codec::new(vec![("k".into(), DataType::Text), ("x".into(), DataType::Float)], 1)
    }

    fn batch(keys: Vec<Option<&str>>, floats: Vec<Option<f64>>) -> RecordBatch {
        let columns: Vec<arrow_array::ArrayRef> =
            vec![Arc::new(StringArray::from(keys)), Arc::new(Float64Array::from(floats))];
        RecordBatch::try_new(crate::plan::arrow_schema(codec().columns()), columns)
            .expect("a batch")
    }

    #[test]
    fn a_row_comes_back_as_it_was_and_every_bit_of_a_float_counts() {
        let nan = f64::from_bits(f64::NAN.to_bits() | 1);
        let keys = vec![None, Some("a"), Some("a"), Some("a\0"), Some("b"), Some("b")];
        let floats = vec![None, Some(0.0), Some(-0.0), Some(1.5), Some(nan), Some(f64::NAN)];
        let rows = codec().rows(&batch(keys, floats)).expect("the table's columns");
        assert_ne!(rows[1].bytes, rows[2].bytes);
        assert_eq!(rows[1].key(), rows[2].key());
        assert_eq!(rows[4].bytes, rows[5].bytes);
        let mut keys: Vec<&[u8]> = rows.iter().map(Row::key).collect();
        let before = keys.clone();
        keys.sort();
        assert_eq!(keys, before);
        let values = codec().values(&rows[3]).expect("a row");
        assert_eq!(values, [Scalar::Text("a\0".into()), Scalar::Float(1.5)]);
        assert_eq!(codec().values(&rows[0]).expect("a row"), [Scalar::Null, Scalar::Null]);
    }

    #[test]
    fn other_columns_are_named() {
        let other = Codec::new(vec![("k".into(), DataType::Text), ("x".into(), DataType::Int)], 1);
        let error = other.rows(&batch(vec![Some("a")], vec![Some(1.0)])).expect_err("a float");
        assert_eq!(error, "its column x is Float64 and not int");
    }
}
