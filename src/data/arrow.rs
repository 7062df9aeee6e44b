//! Columns to Arrow arrays.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int64Array,
    TimestampMicrosecondArray,
};
use arrow_schema::{DataType as ArrowType, Field, TimeUnit};

use super::types::DECIMAL_DIGITS_MAX;
use super::{Column, DataType, Values};

impl DataType {
    /// The Arrow type that carries it to Parquet. All readers know these without options.
    pub fn to_arrow(self) -> ArrowType {
        match self {
            DataType::Int => ArrowType::Int64,
            DataType::Decimal(scale) => ArrowType::Decimal128(DECIMAL_DIGITS_MAX, scale as i8),
            DataType::Float => ArrowType::Float64,
            DataType::Text | DataType::Ip => ArrowType::Utf8,
            DataType::Bool => ArrowType::Boolean,
            DataType::Timestamp => ArrowType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }

    /// A nullable Arrow field of this type.
    pub fn to_field(self, name: &str) -> Field {
        Field::new(name, self.to_arrow(), true)
    }
}

impl<'a> Column<'a> {
    /// An Arrow array as a column of the type; `None` where it is of another one.
    pub fn from_array(array: &'a dyn Array, ty: DataType) -> Option<Self> {
        if *array.data_type() != ty.to_arrow() {
            return None;
        }
        let values = match ty {
            DataType::Int => Values::Int(array.as_primitive::<Int64Type>().values().to_vec()),
            DataType::Float => Values::Float(array.as_primitive::<Float64Type>().values().to_vec()),
            DataType::Timestamp => {
                let times = array.as_primitive::<TimestampMicrosecondType>();
                Values::Timestamp(times.values().to_vec())
            }
            DataType::Decimal(_) => {
                Values::Decimal(array.as_primitive::<Decimal128Type>().values().to_vec())
            }
            DataType::Bool => Values::Bool(array.as_boolean().values().iter().collect()),
            DataType::Text | DataType::Ip => {
                let texts = array.as_string::<i32>();
                Values::Text((0..texts.len()).map(|row| texts.value(row)).collect())
            }
        };
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
        Some(Column { ty, values, valid: nulls.map(|nulls| nulls.iter().collect()) })
    }

    /// The listed rows as an Arrow array.
    pub fn to_array(&self, rows: &[u32]) -> ArrayRef {
        let valid = |row: u32| self.is_valid(row as usize);
        macro_rules! gather {
            ($values:expr) => {
                rows.iter().map(|&row| valid(row).then(|| $values[row as usize]))
            };
        }
        match &self.values {
            Values::Int(v) => Arc::new(gather!(v).collect::<Int64Array>()),
            Values::Float(v) => Arc::new(gather!(v).collect::<Float64Array>()),
            Values::Bool(v) => Arc::new(gather!(v).collect::<BooleanArray>()),
            Values::Timestamp(v) => {
                let array = gather!(v).collect::<TimestampMicrosecondArray>();
                Arc::new(array.with_timezone("UTC"))
            }
            Values::Decimal(v) => {
                let array = gather!(v).collect::<Decimal128Array>();
                Arc::new(array.with_data_type(self.ty.to_arrow()))
            }
            Values::Text(v) => {
                let bytes = rows.iter().map(|&row| v[row as usize].len()).sum();
                let mut builder = StringBuilder::with_capacity(rows.len(), bytes);
                gather!(v).for_each(|value| builder.append_option(value));
                Arc::new(builder.finish())
            }
        }
    }
}
