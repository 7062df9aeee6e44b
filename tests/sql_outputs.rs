//! The SQL outputs against a real SQLite and a real MySQL or MariaDB server (LOGMILL_TEST_MYSQL_URL).

/// Runs each case on both databases, as two tests.
macro_rules! on_both {
    ($($case:ident),+ $(,)?) => {
        mod on_sqlite { $(#[test] fn $case() { super::$case(&crate::fixture::Place::sqlite()); })+ }
        mod on_mysql { $(#[test] fn $case() { super::$case(&crate::fixture::Place::mysql()); })+ }
    };
}

#[path = "sql_outputs/fixture.rs"]
mod fixture;
#[path = "sql_outputs/proxy.rs"]
mod proxy;
#[path = "sql_outputs/reading.rs"]
mod reading;
#[path = "sql_outputs/reshaping.rs"]
mod reshaping;
#[path = "sql_outputs/server.rs"]
mod server;

use std::cell::Cell;

use fixture::{
    Place, batch, deliver, deliver_results, every_type, hits, hits_in, sql_table, token_of,
};
use logmill::deliver::sql::{BoxError, DeliverError, Delivery};

on_both!(
    tables_are_created_and_a_second_batch_replaces_values,
    null_is_a_group_of_its_own,
    keys_are_compared_byte_by_byte_whatever_their_length,
    a_repeated_delivery_changes_nothing,
    a_foreign_state_is_refused_until_it_adopts,
    a_later_batch_in_the_table_is_refused,
    an_error_in_the_rows_rolls_everything_back,
    another_connection_sees_no_half_batch,
    a_whole_summary_empties_the_table_first,
    a_table_of_another_shape_is_refused_and_left_alone,
    a_dropped_table_is_delivered_anew,
    a_summary_without_groups_is_one_row,
    only_the_newest_thousand_batches_are_remembered,
    the_statements_shown_are_the_statements_run,
);

fn some(name: &str, count: i64) -> (Option<String>, i64) {
    (Some(name.into()), count)
}

fn tables_are_created_and_a_second_batch_replaces_values(place: &Place) {
    let first = hits(&[(Some("a"), 1), (Some("b"), 2)]);
    let mut output = place.output(&first.rows.schema(), 1);
    assert_eq!(output.position().expect("no table yet"), None);
    assert_eq!(deliver(&mut *output, &batch(1), &[first]).expect("batch 1").rows, 2);
    let second = [hits(&[(Some("b"), 20)]), hits(&[(Some("c"), 3)])];
    assert_eq!(deliver(&mut *output, &batch(2), &second).expect("batch 2").rows, 2);
    assert_eq!(hits_in(place), [some("a", 1), some("b", 20), some("c", 3)]);
    let known = output.position().expect("a position").expect("a batch");
    assert_eq!((known.state_id.as_str(), known.batch, known.fence), ("ours", 2, 2));
    assert_eq!(known.token, token_of(2));
    assert_eq!(place.query("SELECT * FROM {t}")[0].len(), 2, "only the summary's columns show");
}

fn null_is_a_group_of_its_own(place: &Place) {
    let rows = hits(&[(None, 1), (Some(""), 2), (Some("NULL"), 3)]);
    let mut output = place.output(&rows.rows.schema(), 1);
    deliver(&mut *output, &batch(1), &[rows]).expect("batch 1");
    deliver(&mut *output, &batch(2), &[hits(&[(None, 10)])]).expect("batch 2");
    assert_eq!(hits_in(place), [(None, 10), some("", 2), some("NULL", 3)]);
}

fn keys_are_compared_byte_by_byte_whatever_their_length(place: &Place) {
    let long = "k".repeat(4096);
    let longer = format!("{long}!");
    let names = ["A", "a", "a ", "e\u{301}", &long, &longer, "\u{e9}", "😀", "😁"];
    let rows: Vec<_> = names.iter().zip(1..).map(|(name, n)| (Some(*name), n)).collect();
    let mut output = place.output(&hits(&rows).rows.schema(), 1);
    deliver(&mut *output, &batch(1), &[hits(&rows)]).expect("batch 1");
    deliver(&mut *output, &batch(2), &[hits(&rows)]).expect("batch 2");
    let expected: Vec<_> = rows.iter().map(|(name, n)| some(name.expect("a name"), *n)).collect();
    assert_eq!(hits_in(place), expected);
    for name in ["a", "a ", "e\u{301}"] {
        let query = format!("SELECT count(*) FROM {{t}} WHERE name = '{name}'");
        assert_eq!(place.query(&query), [[Some("1".to_string())]], "{name:?}");
    }
}

fn a_repeated_delivery_changes_nothing(place: &Place) {
    let rows = [hits(&[(Some("a"), 1)])];
    let mut output = place.output(&rows[0].rows.schema(), 1);
    assert_eq!(deliver(&mut *output, &batch(1), &rows).expect("batch 1").rows, 1);
    let again = Delivery { fence: 5, ..batch(1) };
    let other = [hits(&[(Some("a"), 99)])];
    assert_eq!(deliver(&mut *output, &again, &other).expect("again").rows, 0);
    assert_eq!(hits_in(place), [some("a", 1)]);
    // The same number in another history, of a state that was restored from a copy.
    let another = Delivery { token: 5, ..again };
    assert_eq!(deliver(&mut *output, &another, &other).expect("another batch").rows, 1);
    assert_eq!(hits_in(place), [some("a", 99)]);
    assert_eq!(output.position().expect("a position").expect("a batch").token, 5);
}

fn a_foreign_state_is_refused_until_it_adopts(place: &Place) {
    let rows = [hits(&[(Some("a"), 1)])];
    let mut output = place.output(&rows[0].rows.schema(), 1);
    deliver(&mut *output, &batch(7), &rows).expect("batch 7");
    let foreign = Delivery { state_id: "theirs".into(), ..batch(1) };
    let other = [hits(&[(Some("z"), 26)])];
    let error = deliver(&mut *output, &foreign, &other).expect_err("a foreign state");
    assert!(matches!(error, DeliverError::Refused { .. }), "{error}");
    assert!(error.to_string().contains("--adopt"), "{error}");
    assert_eq!(hits_in(place), [some("a", 1)]);

    let adopting = Delivery { adopt: true, replace_all: true, ..foreign };
    deliver(&mut *output, &adopting, &other).expect("the table is taken over");
    assert_eq!(hits_in(place), [some("z", 26)]);
    let known = output.position().expect("a position").expect("a batch");
    assert_eq!((known.state_id.as_str(), known.batch), ("theirs", 1));
    deliver(&mut *output, &batch(8), &rows).expect_err("the former owner");
}

fn a_later_batch_in_the_table_is_refused(place: &Place) {
    let rows = [hits(&[(Some("a"), 1)])];
    let mut output = place.output(&rows[0].rows.schema(), 1);
    deliver(&mut *output, &batch(7), &rows).expect("batch 7");
    let error = deliver(&mut *output, &batch(6), &rows).expect_err("an earlier batch");
    assert!(matches!(error, DeliverError::Refused { .. }), "{error}");
    assert!(error.to_string().contains("knows batch 7"), "{error}");
}

fn an_error_in_the_rows_rolls_everything_back(place: &Place) {
    let rows = hits(&[(Some("a"), 1)]);
    let mut output = place.output(&rows.rows.schema(), 1);
    deliver(&mut *output, &batch(1), &[rows]).expect("batch 1");
    let many: Vec<_> = (0..50_000).map(|n| (format!("name {n}"), n)).collect();
    let many: Vec<_> = many.iter().map(|(name, n)| (Some(name.as_str()), *n)).collect();
    let error = deliver_results(&mut *output, &batch(2), || {
        let broken: BoxError = "the spill file is gone".into();
        Box::new([Ok(hits(&[(Some("a"), 2)])), Ok(hits(&many)), Err(broken)].into_iter())
    });
    let error = error.expect_err("the iterator's error");
    assert!(matches!(error, DeliverError::Source(_)), "{error}");
    assert!(error.to_string().contains("the spill file is gone"), "{error}");
    assert_eq!(hits_in(place), [some("a", 1)]);
    assert_eq!(output.position().expect("a position").expect("a batch").batch, 1);
}

fn another_connection_sees_no_half_batch(place: &Place) {
    let first = hits(&[(Some("a"), 1)]);
    let mut output = place.output(&first.rows.schema(), 1);
    deliver(&mut *output, &batch(1), &[first]).expect("batch 1");
    let looks = Cell::new(0);
    let many: Vec<_> = (0..50_000).map(|n| (format!("name {n}"), n)).collect();
    let (seen, parts) = (&looks, &many);
    deliver_results(&mut *output, &batch(2), move || {
        Box::new(parts.chunks(10_000).map(move |part| {
            assert_eq!(hits_in(place), [some("a", 1)]);
            seen.set(seen.get() + 1);
            let part: Vec<_> = part.iter().map(|(name, n)| (Some(name.as_str()), *n)).collect();
            Ok(hits(&part))
        }))
    })
    .expect("batch 2");
    assert_eq!((looks.get(), hits_in(place).len()), (5, 50_001));
}

fn a_whole_summary_empties_the_table_first(place: &Place) {
    let rows = hits(&[(Some("a"), 1), (Some("b"), 2)]);
    let mut output = place.output(&rows.rows.schema(), 1);
    deliver(&mut *output, &batch(1), &[rows]).expect("batch 1");
    let whole = Delivery { replace_all: true, ..batch(1) };
    deliver(&mut *output, &whole, &[hits(&[(Some("b"), 3)])]).expect("the same batch, whole");
    assert_eq!(hits_in(place), [some("b", 3)]);
}

fn a_table_of_another_shape_is_refused_and_left_alone(place: &Place) {
    let rows = [hits(&[(Some("a"), 1)])];
    deliver(&mut *place.output(&rows[0].rows.schema(), 1), &batch(1), &rows).expect("batch 1");
    let other = [every_type()];
    let mut output = place.output(&other[0].rows.schema(), 2);
    let error = deliver(&mut *output, &batch(2), &other).expect_err("other columns");
    assert!(matches!(error, DeliverError::Refused { .. }), "{error}");
    assert!(error.to_string().contains("no column window_start; drop or rename"), "{error}");
    assert_eq!(hits_in(place), [some("a", 1)]);
}

fn a_dropped_table_is_delivered_anew(place: &Place) {
    let rows = [hits(&[(Some("a"), 1)])];
    let mut output = place.output(&rows[0].rows.schema(), 1);
    deliver(&mut *output, &batch(3), &rows).expect("batch 3");
    place.query("DROP TABLE {t}");
    assert_eq!(output.position().expect("a position"), None);
    assert_eq!(deliver(&mut *output, &batch(3), &rows).expect("batch 3 again").rows, 1);
    assert_eq!(hits_in(place), [some("a", 1)]);
}

fn a_summary_without_groups_is_one_row(place: &Place) {
    let total = |n: i64| {
        let mut block = hits(&[(Some("all"), n)]);
        block.keys = arrow_array::BinaryArray::from_iter_values([b""]);
        [block]
    };
    let mut output = place.output(&total(1)[0].rows.schema(), 0);
    for n in 1..=3 {
        deliver(&mut *output, &batch(n), &total(n as i64)).expect("a batch");
    }
    assert_eq!(hits_in(place), [some("all", 3)]);
}

fn only_the_newest_thousand_batches_are_remembered(place: &Place) {
    let rows = [hits(&[(Some("a"), 1)])];
    let mut output = place.output(&rows[0].rows.schema(), 1);
    for number in [1, 2, 1001, 1002] {
        deliver(&mut *output, &batch(number), &rows).expect("a batch");
    }
    let kept = place.query("SELECT batch, changed_rows, job FROM {t}_batches ORDER BY batch");
    let row = |batch: &str| [batch, "1", "job"].map(|text| Some(text.to_string())).to_vec();
    assert_eq!(kept, [row("1001"), row("1002")]);
}

fn the_statements_shown_are_the_statements_run(place: &Place) {
    let rows = [every_type()];
    let mut output = place.output(&rows[0].rows.schema(), 2);
    let statements = output.ddl();
    if let Place::Sqlite(folder) = place {
        std::fs::create_dir(folder.path().join("new")).expect("a folder");
    }
    for statement in statements.split(";\n").filter(|text| !text.trim().is_empty()) {
        place.query(statement);
    }
    let delivered = deliver(&mut *output, &batch(1), &rows).expect("the tables fit");
    assert_eq!(delivered.rows, 5);
}

/// Without the zeros that one database shows and the other does not: 1.50 and 00:00:00.000000.
fn without_zeros(text: &str) -> String {
    match text.contains('.') && text.ends_with('0') {
        true => text.trim_end_matches('0').trim_end_matches('.').into(),
        false => text.into(),
    }
}

#[test]
fn every_type_reads_back_the_same_from_both_databases() {
    let read = |place: &Place| -> fixture::Rows {
        let rows = [every_type()];
        deliver(&mut *place.output(&rows[0].rows.schema(), 2), &batch(1), &rows).expect("batch 1");
        let read = place.query("SELECT window_start, n, d, f, b, s FROM {t} ORDER BY id");
        let plain = |text: Option<String>| text.map(|text| without_zeros(&text));
        read.into_iter().map(|row| row.into_iter().map(plain).collect()).collect()
    };
    let expected = [
        [
            "1970-01-01 00:00:00",
            "-9223372036854775808",
            "-1.5",
            "0.1",
            "1",
            "it's 100% \\ \"quoted\"\n\t\r\u{1a}`; --",
        ],
        [
            "1969-12-31 23:59:59.999999",
            "9223372036854775807",
            "999999999999999999999999999999999999.99",
            "-1.5",
            "0",
            "😀 e\u{301}",
        ],
        ["2026-09-21 14:13:20.123456", "0", "0.07", "1048576.25", "1", ""],
        ["9999-12-31 23:59:59", "-1", "0", "NULL", "0", "nul\0inside"],
        ["NULL", "NULL", "NULL", "NULL", "NULL", "NULL"],
    ];
    let text = |rows: fixture::Rows| -> Vec<Vec<String>> {
        let cell = |cell: Option<String>| cell.unwrap_or_else(|| "NULL".into());
        rows.into_iter().map(|row| row.into_iter().map(cell).collect()).collect()
    };
    assert_eq!(text(read(&Place::sqlite())), expected);
    assert_eq!(text(read(&Place::mysql())), expected);
}

#[test]
fn what_is_not_a_writable_sqlite_file_is_named() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "no database, but long enough to be looked at as one".repeat(100))
        .expect("a file");
    let rows = [hits(&[(Some("a"), 1)])];
    for (path, word) in [
        (text.clone(), "not a database"),
        (folder.path().to_path_buf(), "is a folder"),
        (text.join("below/hits.db"), "cannot create the folder"),
    ] {
        let table = sql_table("hits", &rows[0].rows.schema());
        let mut output = logmill::deliver::sql::sqlite(&path, table);
        let error = deliver(&mut *output, &batch(1), &rows).expect_err(word);
        assert!(matches!(error, DeliverError::Refused { .. }), "{error}");
        assert!(error.to_string().contains(word), "{error}");
    }
}
