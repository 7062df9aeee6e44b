//! Rows into an SQLite table.
//!
//! A decimal becomes INTEGER (scale 0) or REAL where that holds each of its digits, so that SQL can calculate with it, else
//! TEXT: exact, if less handy. NaN is NULL, which is all that SQLite has for it; but in a key, where NULL is another group, it is
//! a text. Timestamps are texts of any year.

use rusqlite::{Connection, Statement};

use super::super::value::{Cell, Cells, DEFECT, TimestampText, push_decimal};
use super::super::{BlockIter, DeliverError, SummaryBlock};
use super::{SqliteOutput, ddl};
use crate::expr::write_timestamp;

/// Digits that a float holds whatever they are (C's DBL_DIG).
const FLOAT_DIGITS: u32 = 15;
/// 10^22 is the greatest power of ten that is a float; a quotient of two exact floats is rounded once, so correctly.
const FLOAT_SCALE_MAX: u8 = 22;

/// NaN in a key.
pub(super) const NAN: &str = "NaN";

impl SqliteOutput {
    pub(super) fn write(
        &self,
        connection: &Connection,
        blocks: BlockIter<'_>,
    ) -> Result<u64, DeliverError> {
        let prepared = connection.prepare(&self.upsert());
        let mut statement = prepared.map_err(|error| self.fault(error))?;
        let mut rows = 0;
        for block in blocks {
            let block = block.map_err(DeliverError::Source)?;
            if self.table.key_columns == 0 && block.rows.num_rows() > 0 {
                self.run(connection, &ddl::empty_table(&self.table))?;
            }
            self.write_block(&mut statement, &block)?;
            rows += block.rows.num_rows() as u64;
        }
        Ok(rows)
    }

    fn write_block(
        &self,
        statement: &mut Statement<'_>,
        block: &SummaryBlock,
    ) -> Result<(), DeliverError> {
        let columns = Cells::of(&block.rows, &self.columns)
            .map_err(|problem| DeliverError::refused(&self.place, problem, DEFECT))?;
        (0..block.rows.num_rows())
            .try_for_each(|row| write_row(statement, &columns, self.table.key_columns, row))
            .map_err(|error| self.fault(error))
    }

    fn upsert(&self) -> String {
        let names: Vec<String> = self.columns.iter().map(|def| ddl::quote(&def.name)).collect();
        let insert = format!(
            "INSERT INTO {} ({}) VALUES ({})",
            ddl::quote(&self.table.table),
            names.join(", "),
            vec!["?"; names.len()].join(", ")
        );
        let Some(key) = ddl::key_expressions(&self.table, &self.columns) else {
            return insert;
        };
        let measures = names.iter().skip(self.table.key_columns);
        let set: Vec<String> = measures.map(|name| format!("{name} = excluded.{name}")).collect();
        match set.is_empty() {
            true => format!("{insert} ON CONFLICT ({key}) DO NOTHING"),
            false => format!("{insert} ON CONFLICT ({key}) DO UPDATE SET {}", set.join(", ")),
        }
    }
}

fn write_row(
    statement: &mut Statement<'_>,
    columns: &[Cells<'_>],
    keys: usize,
    row: usize,
) -> rusqlite::Result<()> {
    for (index, column) in columns.iter().enumerate() {
        match column.cell(row) {
            Cell::Float(value) if value.is_nan() && index < keys => {
                bind(statement, index + 1, Cell::Text(NAN))?;
            }
            cell => bind(statement, index + 1, cell)?,
        }
    }
    statement.raw_execute().map(drop)
}

fn bind(statement: &mut Statement<'_>, index: usize, cell: Cell<'_>) -> rusqlite::Result<()> {
    match cell {
        Cell::Null => statement.raw_bind_parameter(index, rusqlite::types::Null),
        Cell::Int(value) => statement.raw_bind_parameter(index, value),
        Cell::Float(value) => statement.raw_bind_parameter(index, value),
        Cell::Text(value) => statement.raw_bind_parameter(index, value),
        Cell::Bool(value) => statement.raw_bind_parameter(index, value),
        Cell::Timestamp(micros) => match TimestampText::new(micros) {
            Some(text) => statement.raw_bind_parameter(index, text.as_str()),
            None => statement.raw_bind_parameter(index, distant(micros)),
        },
        Cell::Decimal(unscaled, scale) => match Number::of(unscaled, scale) {
            Number::Integer(value) => statement.raw_bind_parameter(index, value),
            Number::Real(value) => statement.raw_bind_parameter(index, value),
            Number::Text(value) => statement.raw_bind_parameter(index, value),
        },
    }
}

/// A time outside of the years that SQLite's date functions know, as `x::text` has it.
fn distant(micros: i64) -> String {
    let mut text = String::new();
    // A String takes whatever is written.
    let _ = write_timestamp(&mut text, micros);
    text
}

/// A decimal as SQLite holds it without loss.
#[derive(Debug, PartialEq)]
enum Number {
    Integer(i64),
    Real(f64),
    Text(String),
}

impl Number {
    fn of(unscaled: i128, scale: u8) -> Number {
        if let (0, Ok(value)) = (scale, i64::try_from(unscaled)) {
            return Number::Integer(value);
        }
        let (digits, short_scale) = without_zeros(unscaled, scale);
        let fits = digits.unsigned_abs() < 10u128.pow(FLOAT_DIGITS);
        if scale > 0 && fits && short_scale <= FLOAT_SCALE_MAX {
            return Number::Real(digits as f64 / 10f64.powi(i32::from(short_scale)));
        }
        let mut text = Vec::new();
        push_decimal(&mut text, unscaled, scale);
        Number::Text(String::from_utf8_lossy(&text).into_owned())
    }
}

/// Drops zeros at the end of the fraction: 1.500 is 1.5.
fn without_zeros(mut unscaled: i128, mut scale: u8) -> (i128, u8) {
    while scale > 0 && unscaled % 10 == 0 {
        unscaled /= 10;
        scale -= 1;
    }
    (unscaled, scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn whole_decimals_are_integers_as_long_as_they_fit() {
        assert_eq!(Number::of(i128::from(i64::MAX), 0), Number::Integer(i64::MAX));
        let beyond = i128::from(i64::MAX) + 1;
        assert_eq!(Number::of(beyond, 0), Number::Text("9223372036854775808".into()));
    }

    #[test]
    fn fractions_of_fifteen_digits_are_floats_and_longer_ones_text() {
        assert_eq!(Number::of(123_456_789_012_345, 3), Number::Real(123_456_789_012.345));
        assert_eq!(Number::of(1_234_567_890_123_456, 3), Number::Text("1234567890123.456".into()));
        assert_eq!(Number::of(1_500_000_000_000_000_000, 18), Number::Real(1.5));
        assert_eq!(Number::of(200, 2), Number::Real(2.0));
    }

    proptest! {
        #[test]
        fn a_float_is_the_one_nearest_to_the_decimal(
            unscaled in -999_999_999_999_999i128..=999_999_999_999_999, scale in 1u8..=22
        ) {
            let mut text = Vec::new();
            push_decimal(&mut text, unscaled, scale);
            let nearest: f64 = String::from_utf8_lossy(&text).parse().expect("a number");
            prop_assert_eq!(Number::of(unscaled, scale), Number::Real(nearest));
        }
    }
}
