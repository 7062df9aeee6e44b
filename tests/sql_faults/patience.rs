//! A way to the server that swallows packets: each wait ends, and nothing is applied twice.

use std::time::{Duration, Instant};

use logmill::deliver::sql::{DeliverError, Patience, SqlOutput, mysql_with_patience};

use crate::fixture::{Place, batch, hits, hits_in, mysql_url, sql_table};
use crate::proxy::{At, Fault, Proxy, Side, Then};
use crate::server::{address_of, through};

const MILLIS: fn(u64) -> Duration = Duration::from_millis;

fn begin(patience: Patience) -> (Place, Proxy, Box<dyn SqlOutput>) {
    let place = Place::mysql();
    let proxy = Proxy::new(&address_of(&mysql_url()));
    let table = sql_table(place.table(), &hits(&[]).rows.schema());
    let url = through(&mysql_url(), proxy.port);
    let output = mysql_with_patience(&url, patience, table).expect("a valid url");
    (place, proxy, output)
}

/// Delivers one row; returns what came of it, after how long, and how often the rows were asked for.
fn deliver(
    output: &mut dyn SqlOutput,
    number: u64,
    count: i64,
) -> (Result<u64, DeliverError>, Duration, u32) {
    let (begin, mut asked) = (Instant::now(), 0);
    let result = output.deliver(&batch(number), &mut || {
        asked += 1;
        Box::new(std::iter::once(Ok(hits(&[(Some("a"), count)]))))
    });
    (result.map(|delivered| delivered.rows), begin.elapsed(), asked)
}

fn batches_in(place: &Place) -> Vec<Vec<Option<String>>> {
    place.query("SELECT batch, changed_rows FROM {t}_batches ORDER BY batch")
}

fn row(batch: u64) -> Vec<Option<String>> {
    vec![Some(batch.to_string()), Some("1".into())]
}

#[test]
fn a_connection_that_is_not_answered_is_given_up() {
    let patience = Patience { connect: MILLIS(400), ..Patience::default() };
    // The greeting; and the answer to the login.
    for packet in [1, 2] {
        let (_, proxy, mut output) = begin(patience);
        let at = At::Packet(Side::Server, packet);
        proxy.arm(Fault { at, then: Then::Hold(MILLIS(3_000)) });
        let (result, time, _) = deliver(&mut *output, 1, 1);
        let error = result.expect_err("no answer");
        assert!(matches!(error, DeliverError::Unavailable { .. }), "{error}");
        assert!(error.to_string().contains("no answer to the connection within 0.4 s"), "{error}");
        assert!(time < MILLIS(1_500), "{time:?}");
        assert_eq!(deliver(&mut *output, 1, 1).0.expect("the way is free again"), 1);
    }
}

#[test]
fn a_kept_connection_that_is_not_answered_is_replaced() {
    let patience = Patience { connect: MILLIS(400), ..Patience::default() };
    let (place, proxy, mut output) = begin(patience);
    deliver(&mut *output, 1, 1).0.expect("batch 1");
    proxy.arm(Fault { at: At::Packet(Side::Client, 1), then: Then::Hold(MILLIS(3_000)) });
    let (result, time, _) = deliver(&mut *output, 2, 2);
    assert_eq!(result.expect("batch 2, by a new connection"), 1);
    assert!((400..1_500).contains(&time.as_millis()), "{time:?}");
    assert_eq!(hits_in(&place), [(Some("a".into()), 2)]);
}

#[test]
fn a_statement_that_is_not_answered_is_given_up_and_leaves_nothing() {
    let patience = Patience { statement: MILLIS(700), ..Patience::default() };
    // Of a delivery on a kept connection: the lock, the row, the batch's row.
    for (statement, side) in
        [(2, Side::Client), (3, Side::Client), (5, Side::Client), (4, Side::Server)]
    {
        let (place, proxy, mut output) = begin(patience);
        deliver(&mut *output, 1, 1).0.expect("batch 1");
        proxy.arm(Fault { at: At::Packet(side, statement), then: Then::Hold(MILLIS(1_500)) });
        let (result, time, _) = deliver(&mut *output, 2, 2);
        let error = result.expect_err("no answer");
        assert!(matches!(error, DeliverError::Unavailable { .. }), "{error}");
        assert!(error.to_string().contains("within 0.7 s"), "{error}");
        assert!(time < MILLIS(1_400), "{time:?}");
        assert_eq!(hits_in(&place), [(Some("a".into()), 1)]);
        // The server may still hold the locks of the first attempt.
        while deliver(&mut *output, 2, 2).0.is_err() {}
        assert_eq!(hits_in(&place), [(Some("a".into()), 2)]);
        assert_eq!(batches_in(&place), [row(1), row(2)]);
    }
}

#[test]
fn a_commit_that_arrives_after_it_was_given_up_is_found_and_not_repeated() {
    let patience =
        Patience { commit: MILLIS(500), statement: MILLIS(9_000), ..Patience::default() };
    for side in [Side::Client, Side::Server] {
        let (place, proxy, mut output) = begin(patience);
        deliver(&mut *output, 1, 1).0.expect("batch 1");
        proxy.arm(Fault { at: At::Commit(side), then: Then::Hold(MILLIS(2_000)) });
        let (result, time, asked) = deliver(&mut *output, 2, 2);
        assert_eq!(result.expect("settled"), 1);
        // Waits for the end of the transaction in doubt, if it has not come yet.
        let least = if side == Side::Client { 1_900 } else { 500 };
        assert!((least..6_000).contains(&time.as_millis()), "{time:?}");
        assert_eq!(asked, 1, "the rows are not sent again");
        assert_eq!(hits_in(&place), [(Some("a".into()), 2)]);
        assert_eq!(batches_in(&place), [row(1), row(2)]);
    }
}

#[test]
fn a_first_commit_that_arrives_late_is_applied_once() {
    let patience =
        Patience { commit: MILLIS(500), statement: MILLIS(9_000), ..Patience::default() };
    for side in [Side::Client, Side::Server] {
        // No row of a batch is there yet that a second look could wait for.
        let (place, proxy, mut output) = begin(patience);
        proxy.arm(Fault { at: At::Commit(side), then: Then::Hold(MILLIS(1_500)) });
        let (result, _, _) = deliver(&mut *output, 1, 1);
        assert_eq!(result.expect("settled"), 1);
        assert_eq!(hits_in(&place), [(Some("a".into()), 1)]);
        assert_eq!(batches_in(&place), [row(1)]);
    }
}
