//! Columns and cells of a summary, as both dialects write them: what a type is called here, and the texts of decimals and
//! timestamps.

use std::io::Write as _;

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, BooleanArray, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    StringViewArray, TimestampMicrosecondArray,
};
use arrow_schema::{DataType as ArrowType, Schema, TimeUnit};

use crate::data::DataType;
use crate::expr::civil::Civil;

/// A column of the table.
#[derive(Debug, Clone)]
pub(super) struct ColumnDef {
    pub(super) name: String,
    pub(super) ty: DataType,
}

/// What to do about a block that does not have the table's columns.
pub(super) const DEFECT: &str = "this is a defect of logmill: please report it";
/// The first column if the summary is windowed.
const WINDOW: &str = "window_start";

impl ColumnDef {
    /// Whether this, being the first column, is the start of a window.
    pub(super) fn is_window(&self) -> bool {
        self.name == WINDOW && self.ty == DataType::Timestamp
    }
}

/// The table's columns. An Arrow type that no summary has counts as text here; [`Cells::of`] refuses it.
pub(super) fn columns(schema: &Schema) -> Vec<ColumnDef> {
    let column = |field: &std::sync::Arc<arrow_schema::Field>| ColumnDef {
        name: field.name().clone(),
        ty: data_type(field.data_type()).unwrap_or(DataType::Text),
    };
    schema.fields().iter().map(column).collect()
}

fn data_type(ty: &ArrowType) -> Option<DataType> {
    Some(match ty {
        ArrowType::Int64 => DataType::Int,
        ArrowType::Decimal128(_, scale) => DataType::Decimal(u8::try_from(*scale).ok()?),
        ArrowType::Float64 => DataType::Float,
        ArrowType::Utf8 | ArrowType::Utf8View => DataType::Text,
        ArrowType::Boolean => DataType::Bool,
        ArrowType::Timestamp(TimeUnit::Microsecond, _) => DataType::Timestamp,
        _ => return None,
    })
}

/// One value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell<'a> {
    Null,
    Int(i64),
    /// Unscaled, and the digits after its point.
    Decimal(i128, u8),
    Float(f64),
    Text(&'a str),
    Bool(bool),
    /// Microseconds since the Unix epoch.
    Timestamp(i64),
}

/// A column of a block, ready to be read cell by cell.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cells<'a> {
    Int(&'a Int64Array),
    Decimal(&'a Decimal128Array, u8),
    Float(&'a Float64Array),
    Text(&'a StringArray),
    TextView(&'a StringViewArray),
    Bool(&'a BooleanArray),
    Timestamp(&'a TimestampMicrosecondArray),
}

impl<'a> Cells<'a> {
    /// The columns of a block. The error says which column does not have the table's type.
    pub(super) fn of(rows: &'a RecordBatch, table: &[ColumnDef]) -> Result<Vec<Self>, String> {
        if rows.num_columns() != table.len() {
            let (found, wanted) = (rows.num_columns(), table.len());
            return Err(format!("a block has {found} columns, the table {wanted}"));
        }
        let column = |(array, def): (&'a arrow_array::ArrayRef, &ColumnDef)| {
            Cells::of_column(array, def.ty).ok_or_else(|| {
                let (name, ty) = (&def.name, def.ty);
                format!(
                    "column {name} of a block is {}, in the table it is {ty}",
                    array.data_type()
                )
            })
        };
        rows.columns().iter().zip(table).map(column).collect()
    }

    fn of_column(array: &'a dyn Array, ty: DataType) -> Option<Self> {
        if data_type(array.data_type()) != Some(ty) {
            return None;
        }
        Some(match ty {
            DataType::Int => Cells::Int(array.as_primitive_opt::<Int64Type>()?),
            DataType::Decimal(scale) => {
                Cells::Decimal(array.as_primitive_opt::<Decimal128Type>()?, scale)
            }
            DataType::Float => Cells::Float(array.as_primitive_opt::<Float64Type>()?),
            DataType::Text | DataType::Ip => match array.as_string_opt::<i32>() {
                Some(text) => Cells::Text(text),
                None => Cells::TextView(array.as_string_view_opt()?),
            },
            DataType::Bool => Cells::Bool(array.as_boolean_opt()?),
            DataType::Timestamp => {
                Cells::Timestamp(array.as_primitive_opt::<TimestampMicrosecondType>()?)
            }
        })
    }

    /// The value of one row.
    pub(super) fn cell(&self, row: usize) -> Cell<'a> {
        match self {
            Cells::Int(a) => some(*a, row, |a| Cell::Int(a.value(row))),
            Cells::Decimal(a, scale) => some(*a, row, |a| Cell::Decimal(a.value(row), *scale)),
            Cells::Float(a) => some(*a, row, |a| Cell::Float(a.value(row))),
            Cells::Text(a) => some(*a, row, |a| Cell::Text(a.value(row))),
            Cells::TextView(a) => some(*a, row, |a| Cell::Text(a.value(row))),
            Cells::Bool(a) => some(*a, row, |a| Cell::Bool(a.value(row))),
            Cells::Timestamp(a) => some(*a, row, |a| Cell::Timestamp(a.value(row))),
        }
    }
}

fn some<'a, A: Array>(array: &'a A, row: usize, cell: impl FnOnce(&'a A) -> Cell<'a>) -> Cell<'a> {
    if array.is_null(row) { Cell::Null } else { cell(array) }
}

/// Appends a decimal's digits: -1.50 for (-150, 2).
pub(super) fn push_decimal(out: &mut Vec<u8>, unscaled: i128, scale: u8) {
    let sign = if unscaled < 0 { "-" } else { "" };
    let digits = unscaled.unsigned_abs();
    let written = if scale == 0 {
        write!(out, "{sign}{digits}")
    } else {
        let unit = 10u128.pow(u32::from(scale));
        let width = usize::from(scale);
        write!(out, "{sign}{}.{:0width$}", digits / unit, digits % unit)
    };
    written.expect("writing to a Vec does not fail");
}

/// A timestamp as `YYYY-MM-DD HH:MM:SS`, with `.ffffff` if that is not zero.
pub(super) struct TimestampText {
    bytes: [u8; 26],
    len: usize,
}

impl TimestampText {
    /// `None` outside of the years 1 to 9999, which MySQL does not have, and SQLite's date functions neither.
    pub(super) fn new(micros: i64) -> Option<Self> {
        let time = Civil::of(micros);
        if !(1..=9_999).contains(&time.year) {
            return None;
        }
        let micro = micros.rem_euclid(1_000_000);
        let mut bytes = *b"0000-00-00 00:00:00.000000";
        put_digits(&mut bytes[0..4], time.year);
        put_digits(&mut bytes[5..7], time.month);
        put_digits(&mut bytes[8..10], time.day);
        put_digits(&mut bytes[11..13], time.hour());
        put_digits(&mut bytes[14..16], time.minute());
        put_digits(&mut bytes[17..19], time.second());
        put_digits(&mut bytes[20..26], micro);
        Some(TimestampText { bytes, len: if micro == 0 { 19 } else { 26 } })
    }

    /// The time now.
    pub(super) fn now() -> String {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let micros = since.map_or(0, |since| since.as_micros());
        let text = i64::try_from(micros).ok().and_then(TimestampText::new);
        text.map_or_else(String::new, |text| text.as_str().into())
    }

    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).expect("digits and punctuation are ASCII")
    }
}

fn put_digits(place: &mut [u8], mut number: i64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(micros: i64) -> Option<String> {
        TimestampText::new(micros).map(|text| text.as_str().to_string())
    }

    fn decimal(unscaled: i128, scale: u8) -> String {
        let mut out = Vec::new();
        push_decimal(&mut out, unscaled, scale);
        String::from_utf8(out).expect("digits")
    }

    #[test]
    fn timestamps_have_a_fraction_only_when_it_is_not_zero() {
        assert_eq!(text(0).as_deref(), Some("1970-01-01 00:00:00"));
        assert_eq!(text(-1).as_deref(), Some("1969-12-31 23:59:59.999999"));
        assert_eq!(text(951_782_400_000_001).as_deref(), Some("2000-02-29 00:00:00.000001"));
    }

    #[test]
    fn only_the_years_1_to_9999_have_a_text() {
        assert_eq!(text(-62_135_596_800_000_000).as_deref(), Some("0001-01-01 00:00:00"));
        assert_eq!(text(-62_135_596_800_000_001), None);
        assert_eq!(text(253_402_300_799_999_999).as_deref(), Some("9999-12-31 23:59:59.999999"));
        assert_eq!(text(253_402_300_800_000_000), None);
        assert_eq!((text(i64::MIN), text(i64::MAX)), (None, None));
    }

    #[test]
    fn decimals_keep_their_scale_and_sign() {
        assert_eq!(decimal(-150, 2), "-1.50");
        assert_eq!(decimal(-5, 3), "-0.005");
        assert_eq!(decimal(i128::MIN, 0), i128::MIN.to_string());
        assert_eq!(decimal(1, 38), format!("0.{:0>38}", 1));
    }

    proptest! {
        #[test]
        fn timestamps_agree_with_jiff(micros in -62_135_596_800_000_000i64..253_402_000_000_000_000) {
            let expected = jiff::Timestamp::from_microsecond(micros).expect("in jiff's range")
                .to_zoned(jiff::tz::TimeZone::UTC)
                .strftime(if micros % 1_000_000 == 0 { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M:%S%.6f" })
                .to_string();
            prop_assert_eq!(text(micros), Some(expected));
        }
    }
}
