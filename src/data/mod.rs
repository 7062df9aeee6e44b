//! Types and columns: what flows between the layers. No I/O and no policy here.
//!
//! A [`Column`] holds one value a record of a block. Text is a view (`&'a str`) into the chunk that was read or into
//! the arena of that chunk, so that no value is copied before a group key or an output needs it.

mod arrow;
pub mod read;
mod scalar;
mod types;

pub use scalar::Scalar;
pub use types::{DECIMAL_DIGITS_MAX, DataType};

/// The values of one column, one a row. What stands in a NULL's place is unspecified.
#[derive(Debug, Clone)]
pub enum Values<'a> {
    /// 64-bit integers.
    Int(Vec<i64>),
    /// Unscaled decimals: 1.25 with scale 2 is 125. The scale stands in the column's type.
    Decimal(Vec<i128>),
    /// 64-bit floats.
    Float(Vec<f64>),
    /// UTF-8 text; also the canonical text of an `ip`.
    Text(Vec<&'a str>),
    /// Truth values.
    Bool(Vec<bool>),
    /// Microseconds since the Unix epoch, UTC.
    Timestamp(Vec<i64>),
}

/// A typed column of a block of records.
#[derive(Debug, Clone)]
pub struct Column<'a> {
    /// The type, which fits the variant of `values` (`Ip` is stored as `Text`).
    pub ty: DataType,
    /// One value a row.
    pub values: Values<'a>,
    /// `None`: no NULL in it. Else one flag a row: `true` where there is a value.
    pub valid: Option<Vec<bool>>,
}

impl<'a> Column<'a> {
    /// A column of `len` rows, all NULL.
    pub fn nulls(ty: DataType, len: usize) -> Self {
        Column { ty, values: Values::zeroed(ty, len), valid: Some(vec![false; len]) }
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        match &self.values {
            Values::Int(v) | Values::Timestamp(v) => v.len(),
            Values::Decimal(v) => v.len(),
            Values::Float(v) => v.len(),
            Values::Text(v) => v.len(),
            Values::Bool(v) => v.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the row holds a value, rather than NULL.
    #[inline]
    pub fn is_valid(&self, row: usize) -> bool {
        self.valid.as_ref().is_none_or(|v| v[row])
    }

    /// Makes the row NULL.
    pub fn set_null(&mut self, row: usize) {
        let len = self.len();
        self.valid.get_or_insert_with(|| vec![true; len])[row] = false;
    }

    /// The value of one row, owned. Not for hot loops.
    pub fn scalar(&self, row: usize) -> Scalar {
        if !self.is_valid(row) {
            return Scalar::Null;
        }
        match &self.values {
            Values::Int(v) => Scalar::Int(v[row]),
            Values::Decimal(v) => Scalar::Decimal(v[row], self.ty.scale()),
            Values::Float(v) => Scalar::Float(v[row]),
            Values::Text(v) => Scalar::Text(v[row].into()),
            Values::Bool(v) => Scalar::Bool(v[row]),
            Values::Timestamp(v) => Scalar::Timestamp(v[row]),
        }
    }
}

impl Values<'_> {
    /// `len` zero values (0, "", false) in the storage of the type.
    pub fn zeroed(ty: DataType, len: usize) -> Self {
        match ty {
            DataType::Int => Values::Int(vec![0; len]),
            DataType::Decimal(_) => Values::Decimal(vec![0; len]),
            DataType::Float => Values::Float(vec![0.0; len]),
            DataType::Text | DataType::Ip => Values::Text(vec![""; len]),
            DataType::Bool => Values::Bool(vec![false; len]),
            DataType::Timestamp => Values::Timestamp(vec![0; len]),
        }
    }
}

/// A record that can't be mapped: the row in its block, and why, in words for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Row in the block.
    pub row: u32,
    /// Such as `division by zero` or `status: not an int`. Holds no data of the line, so that reasons can be grouped.
    pub reason: std::borrow::Cow<'static, str>,
}
