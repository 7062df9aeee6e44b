//! A large delivery: all of a summary, as for a new table.

use std::sync::Arc;
use std::time::Instant;

use arrow_array::{
    ArrayRef, Decimal128Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use logmill::deliver::sql::{BoxError, DeliverError, Delivery, SortSpace, SummaryBlock, mysql};

use crate::count;
use crate::fixture::{Place, batch, block, deliver, deliver_results, mysql_url, sql_table};
use crate::proxy::{At, Fault, Proxy, Side, Then};
use crate::server::{address_of, through};

/// Rows `begin..end` of a summary by minute, route and status.
fn rows(begin: i64, end: i64) -> SummaryBlock {
    let minute = |n: i64| (1_790_000_000 + n / 500 * 60) * 1_000_000;
    let numbers = || begin..end;
    let times = TimestampMicrosecondArray::from_iter_values(numbers().map(minute));
    let routes = numbers().map(|n| format!("/api/v1/items/{}", n % 100));
    let sums = numbers().map(|n| i128::from(n) * 12_345);
    let sums = Decimal128Array::from_iter_values(sums).with_precision_and_scale(38, 3);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("window_start", Arc::new(times.with_timezone("UTC"))),
        ("route", Arc::new(StringArray::from_iter_values(routes))),
        ("status", Arc::new(Int64Array::from_iter_values(numbers().map(|n| 200 + n / 100 % 5)))),
        ("hits", Arc::new(Int64Array::from_iter_values(numbers().map(|n| n * 7919 % 100_003)))),
        ("bytes", Arc::new(Int64Array::from_iter_values(numbers().map(|n| n * 1_000_003)))),
        ("mean", Arc::new(Float64Array::from_iter_values(numbers().map(|n| n as f64 / 7.0)))),
        ("sum", Arc::new(sums.expect("38 digits"))),
        ("visitors", Arc::new(Int64Array::from_iter_values(numbers().map(|n| n % 977)))),
    ];
    block(columns, numbers().map(|n| n.to_be_bytes().to_vec()).collect())
}

/// With LOGMILL_BULK_ROWS=600000 a measurement.
#[test]
fn a_large_delivery_is_whole_and_its_speed_is_shown() {
    let count = count("LOGMILL_BULK_ROWS", 40_000) as i64;
    let blocks: Vec<SummaryBlock> =
        (0..count).step_by(8_192).map(|begin| rows(begin, (begin + 8_192).min(count))).collect();
    let place = Place::mysql();
    let mut output = place.output(&blocks[0].rows.schema(), 3);
    for (what, number) in [("a new table", 1), ("the same keys", 2), ("all anew", 3)] {
        let delivery = Delivery { replace_all: number == 3, ..batch(number) };
        let begin = Instant::now();
        let delivered = deliver(&mut *output, &delivery, &blocks).expect("a batch");
        let time = begin.elapsed();
        assert_eq!(delivered.rows, count as u64);
        println!("{what}: {:.0} rows/s ({time:?})", count as f64 / time.as_secs_f64());
    }
    let sums = "SELECT COUNT(*), SUM(bytes), SUM(sum), SUM(visitors), MAX(route) FROM {t}";
    let bytes: i128 = (0..i128::from(count)).map(|n| n * 1_000_003).sum();
    let found = place.query(sums);
    assert_eq!(found[0][..2], [count.to_string(), bytes.to_string()].map(Some));
}

/// Rows that memory can't hold are put aside, sorted, and merged, in one round or in several; where there is no room for them
/// they are sent run by run.
#[test]
fn the_rows_are_the_same_however_little_room_there_is_to_sort_them() {
    let count = 60_000;
    let blocks: Vec<SummaryBlock> =
        (0..count).step_by(8_192).map(|begin| rows(begin, (begin + 8_192).min(count))).collect();
    let all = "SELECT * FROM {t} ORDER BY 1";
    let mut expected = Vec::new();
    for memory_bytes in [1 << 30, 16 << 20, 0] {
        for folder in [std::env::temp_dir(), "/nonexistent".into()] {
            let place = Place::mysql();
            let mut output = place.output(&blocks[0].rows.schema(), 3);
            for number in [1, 2] {
                let file = folder.join(format!("logmill-{}-{memory_bytes}", std::process::id()));
                let sort = SortSpace { memory_bytes, file: file.clone() };
                let delivery = Delivery { sort, ..batch(number) };
                let delivered = deliver(&mut *output, &delivery, &blocks).expect("a batch");
                assert_eq!(delivered.rows, count as u64);
                assert!(!file.exists());
            }
            let found = place.query(all);
            assert_eq!(found.len(), count as usize);
            if expected.is_empty() {
                expected.clone_from(&found);
            }
            assert!(found == expected, "{memory_bytes} {}", folder.display());
        }
    }
}

/// Rows that are put aside: an error of the source, while they are gathered, and one of the connection, while they are merged.
#[test]
fn an_error_amid_a_large_delivery_leaves_nothing() {
    let place = Place::mysql();
    let proxy = Proxy::new(&address_of(&mysql_url()));
    let blocks: Vec<SummaryBlock> = (0..20).map(|n| rows(n * 10_000, (n + 1) * 10_000)).collect();
    let table = sql_table(place.table(), &blocks[0].rows.schema());
    let mut output = mysql(&through(&mysql_url(), proxy.port), table).expect("a valid url");
    deliver(&mut *output, &batch(1), &blocks[..1]).expect("batch 1");
    let rows_in = || place.query("SELECT COUNT(*), SUM(hits) FROM {t}");
    let before = rows_in();

    let sort = SortSpace { memory_bytes: 64 << 20, ..batch(2).sort };
    let second = Delivery { sort, ..batch(2) };
    let broken = deliver_results(&mut *output, &second, || {
        let gone: BoxError = "the store is gone".into();
        Box::new(blocks.iter().cloned().map(Ok).chain([Err(gone)]))
    });
    assert!(matches!(broken, Err(DeliverError::Source(_))), "{broken:?}");
    assert_eq!(rows_in(), before);

    // Amid the statements of rows.
    proxy.arm(Fault { at: At::Packet(Side::Client, 30), then: Then::Cut });
    let cut = deliver(&mut *output, &second, &blocks);
    assert!(matches!(cut, Err(DeliverError::Unavailable { .. })), "{cut:?}");
    assert!(proxy.disarm());
    assert_eq!(rows_in(), before);

    deliver(&mut *output, &second, &blocks).expect("batch 2");
    assert_eq!(rows_in()[0][0].as_deref(), Some("200000"));
}
