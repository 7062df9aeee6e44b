//! One value, owned: constants of expressions and single results.

use super::{Column, DataType, Values};

/// A value of any type, or NULL.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// No value.
    Null,
    /// Integer.
    Int(i64),
    /// Unscaled decimal and its scale.
    Decimal(i128, u8),
    /// Float.
    Float(f64),
    /// Text, or an address' canonical text.
    Text(Box<str>),
    /// Truth value.
    Bool(bool),
    /// Microseconds since the Unix epoch, UTC.
    Timestamp(i64),
}

impl Scalar {
    /// A column that holds this value in each of its rows. `ty` types a NULL; else it must fit the value.
    pub fn broadcast(&self, ty: DataType, len: usize) -> Column<'_> {
        let values = match self {
            Scalar::Null => return Column::nulls(ty, len),
            Scalar::Int(v) => Values::Int(vec![*v; len]),
            Scalar::Decimal(v, _) => Values::Decimal(vec![*v; len]),
            Scalar::Float(v) => Values::Float(vec![*v; len]),
            Scalar::Text(v) => Values::Text(vec![v.as_ref(); len]),
            Scalar::Bool(v) => Values::Bool(vec![*v; len]),
            Scalar::Timestamp(v) => Values::Timestamp(vec![*v; len]),
        };
        Column { ty, values, valid: None }
    }
}
