//! What was delivered comes back as it was.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray, StringViewArray,
    TimestampMicrosecondArray,
};
use logmill::deliver::sql::{DeliverError, SqlOutput};

use crate::fixture::{Place, batch, block, deliver, every_type};

on_both!(
    every_value_comes_back_as_the_database_holds_it,
    floats_keep_their_bits_and_decimals_their_digits,
    a_window_restricts_the_rows,
    many_rows_come_in_batches_and_an_error_of_the_reader_is_handed_on,
    a_table_that_is_missing_cannot_be_read,
    a_value_of_another_type_is_named,
);

/// All rows, in one batch, by the number in their column `id`.
fn read(output: &mut dyn SqlOutput, window: Option<(i64, i64)>) -> Vec<RecordBatch> {
    let mut batches = Vec::new();
    let mut each = |batch| {
        batches.push(batch);
        Ok(())
    };
    output.read(window, &mut each).expect("the table is read");
    batches
}

fn numbers(batches: &[RecordBatch], column: usize) -> Vec<i64> {
    let column = |batch: &RecordBatch| -> Vec<i64> {
        let array = batch.column(column).as_any().downcast_ref::<Int64Array>();
        array.expect("integers").iter().map(|number| number.expect("no NULL")).collect()
    };
    let mut numbers: Vec<i64> = batches.iter().flat_map(column).collect();
    numbers.sort_unstable();
    numbers
}

/// The rows one by one, by the integer in column `by`.
fn sorted(batches: &[RecordBatch], by: usize) -> Vec<RecordBatch> {
    let mut rows: Vec<RecordBatch> = batches
        .iter()
        .flat_map(|batch| (0..batch.num_rows()).map(|row| batch.slice(row, 1)))
        .collect();
    rows.sort_by_key(|row| numbers(std::slice::from_ref(row), by));
    rows
}

fn every_value_comes_back_as_the_database_holds_it(place: &Place) {
    let rows = every_type();
    let mut output = place.output(&rows.rows.schema(), 2);
    deliver(&mut *output, &batch(1), std::slice::from_ref(&rows)).expect("batch 1");
    let expected = output.stored(&rows.rows).expect("the table's schema");
    assert_eq!(sorted(&read(&mut *output, None), 1), sorted(&[expected], 1));
    // NaN is all that was lost.
    let stored = output.stored(&rows.rows).expect("the table's schema");
    let nulls: usize = stored.columns().iter().map(|column| column.null_count()).sum();
    let before: usize = rows.rows.columns().iter().map(|column| column.null_count()).sum();
    assert_eq!(nulls, before + 1);
}

/// Numbers that look random, the same in each run.
fn random(count: usize) -> impl Iterator<Item = u64> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    })
    .take(count)
}

fn floats_keep_their_bits_and_decimals_their_digits(place: &Place) {
    let edges = [0.1, 1e22, 1e23, 5e-324, f64::MIN_POSITIVE, f64::MAX, f64::MIN, 1.0 / 3.0, 2.0];
    let mut floats: Vec<f64> = edges.to_vec();
    floats.extend(random(5_000).map(f64::from_bits).filter(|float| float.is_finite()));
    let whole = |n: i64| (n as f64 * 0.01).trunc();
    floats.extend((-500..500).map(whole));
    let count = floats.len();
    // Of each length, so that SQLite gets integers, floats and texts.
    let decimals: Vec<i128> = random(count)
        .enumerate()
        .map(|(n, bits)| {
            let wide = i128::from(bits) * i128::from(bits >> 1) * if n % 2 == 0 { 1 } else { -1 };
            wide % 10i128.pow(n as u32 % 39)
        })
        .collect();
    let scaled = |scale| {
        let decimals = Decimal128Array::from_iter_values(decimals.iter().copied());
        Arc::new(decimals.with_precision_and_scale(38, scale).expect("38 digits"))
    };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from_iter_values(0..count as i64))),
        ("f", Arc::new(Float64Array::from(floats.clone()))),
        ("d0", scaled(0)),
        ("d9", scaled(9)),
        ("d30", scaled(30)),
    ];
    let rows = block(columns, (0..count).map(|id| id.to_be_bytes().to_vec()).collect());
    let mut output = place.output(&rows.rows.schema(), 1);
    deliver(&mut *output, &batch(1), std::slice::from_ref(&rows)).expect("batch 1");
    let found = sorted(&read(&mut *output, None), 0);
    // That differs by the -0 only, which is 0.
    let stored = output.stored(&rows.rows).expect("the table's schema");
    let expected = sorted(&[stored], 0);
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        let bits = |row: &RecordBatch| {
            let floats = row.column(1).as_any().downcast_ref::<Float64Array>().expect("floats");
            floats.value(0).to_bits()
        };
        assert_eq!(found, expected);
        assert_eq!(bits(found), bits(expected), "{found:?} {expected:?}");
    }
}

fn a_window_restricts_the_rows(place: &Place) {
    let hour = 3_600_000_000i64;
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "window_start",
            Arc::new(
                TimestampMicrosecondArray::from_iter_values((-3..7).map(|n| n * hour))
                    .with_timezone("UTC"),
            ),
        ),
        ("id", Arc::new(Int64Array::from_iter_values(-3..7))),
    ];
    let rows = block(columns, (0..10u8).map(|id| vec![id]).collect());
    let mut output = place.output(&rows.rows.schema(), 1);
    deliver(&mut *output, &batch(1), std::slice::from_ref(&rows)).expect("batch 1");
    for (window, expected) in [
        ((0, 2 * hour), vec![0, 1]),
        ((1, 2 * hour + 1), vec![1, 2]),
        ((-hour, hour), vec![-1, 0]),
        ((5 * hour, i64::MAX), vec![5, 6]),
        ((i64::MIN, -hour), vec![-3, -2]),
        ((hour, hour), vec![]),
        ((i64::MIN, i64::MAX), (-3..7).collect()),
    ] {
        assert_eq!(numbers(&read(&mut *output, Some(window)), 1), expected, "{window:?}");
    }
}

fn many_rows_come_in_batches_and_an_error_of_the_reader_is_handed_on(place: &Place) {
    let count = 20_000;
    let names: Vec<String> = (0..count).map(|n| format!("name {n}")).collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from_iter_values(0..count))),
        ("name", Arc::new(StringViewArray::from_iter_values(&names))),
        ("text", Arc::new(StringArray::from_iter_values(&names))),
    ];
    let rows = block(columns, names.iter().map(|name| name.as_bytes().to_vec()).collect());
    let mut output = place.output(&rows.rows.schema(), 1);
    deliver(&mut *output, &batch(1), std::slice::from_ref(&rows)).expect("batch 1");
    let batches = read(&mut *output, None);
    assert!(batches.len() > 1);
    assert_eq!(batches[0].schema(), rows.rows.schema());
    assert_eq!(sorted(&batches, 0), sorted(std::slice::from_ref(&rows.rows), 0));

    let mut calls = 0;
    let stop = output.read(None, &mut |_| {
        calls += 1;
        Err("the disk is full".into())
    });
    assert!(matches!(stop, Err(DeliverError::Source(_))), "{stop:?}");
    assert_eq!(calls, 1);
    assert_eq!(read(&mut *output, None).iter().map(RecordBatch::num_rows).sum::<usize>(), 20_000);
}

fn a_table_that_is_missing_cannot_be_read(place: &Place) {
    let mut output = place.output(&every_type().rows.schema(), 2);
    output.read(None, &mut |_| panic!("no rows")).expect_err("no table");
}

fn a_value_of_another_type_is_named(place: &Place) {
    let rows = every_type();
    let mut output = place.output(&rows.rows.schema(), 2);
    deliver(&mut *output, &batch(1), &[rows]).expect("batch 1");
    match place {
        Place::Sqlite(_) => place.query("UPDATE {t} SET n = 'many'"),
        Place::Mysql { .. } => place.query("ALTER TABLE {t} MODIFY n VARCHAR(100)"),
    };
    let error = output.read(None, &mut |_| Ok(())).expect_err("n is not a number");
    assert!(error.to_string().contains("a value of the column n is no int"), "{error}");
}
