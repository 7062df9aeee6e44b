//! A connection is kept between calls, but never one that anything went wrong on.

use std::time::{Duration, Instant};

use logmill::deliver::sql::{DeliverError, Delivery, SqlOutput, mysql};

use crate::fixture::{Place, batch, deliver, deliver_results, hits, hits_in, mysql_url, sql_table};
use crate::proxy::{At, Fault, Proxy, Side, Then};
use crate::server::{Server, address_of, through};

/// A table, a proxy before its server, and an output by way of it that has delivered batch 1.
fn begin() -> (Place, Proxy, Box<dyn SqlOutput>) {
    let place = Place::mysql();
    let proxy = Proxy::new(&address_of(&mysql_url()));
    let rows = [hits(&[(Some("a"), 1)])];
    let table = sql_table(place.table(), &rows[0].rows.schema());
    let mut output = mysql(&through(&mysql_url(), proxy.port), table).expect("a valid url");
    deliver(&mut *output, &batch(1), &rows).expect("batch 1");
    (place, proxy, output)
}

fn one(count: i64) -> [logmill::deliver::sql::SummaryBlock; 1] {
    [hits(&[(Some("a"), count)])]
}

#[test]
fn calls_that_go_well_share_one_connection() {
    let (place, proxy, mut output) = begin();
    for number in 2..20 {
        assert_eq!(output.position().expect("a position").expect("a batch").batch, number - 1);
        deliver(&mut *output, &batch(number), &one(number as i64)).expect("a batch");
        deliver(&mut *output, &batch(number), &one(-1)).expect("the same batch again");
        output.read(None, &mut |_| Ok(())).expect("the table");
    }
    assert_eq!(proxy.connections(), 1);
    assert_eq!(hits_in(&place), [(Some("a".into()), 19)]);
}

#[test]
fn a_call_that_failed_leaves_no_connection_and_no_rows_behind() {
    let (place, proxy, mut output) = begin();
    let broken = deliver_results(&mut *output, &batch(2), || {
        Box::new([Ok(hits(&[(Some("b"), 2)])), Err("the store is gone".into())].into_iter())
    });
    assert!(matches!(broken, Err(DeliverError::Source(_))), "{broken:?}");
    let foreign = Delivery { state_id: "theirs".into(), ..batch(9) };
    deliver(&mut *output, &foreign, &one(9)).expect_err("a foreign state");
    let stopped = output.read(None, &mut |_| Err("enough".into()));
    assert!(matches!(stopped, Err(DeliverError::Source(_))), "{stopped:?}");
    deliver(&mut *output, &batch(2), &one(2)).expect("batch 2");
    assert_eq!(proxy.connections(), 4);
    assert_eq!(hits_in(&place), [(Some("a".into()), 2)]);
}

#[test]
fn a_connection_that_the_server_ended_is_opened_again_without_a_word() {
    let (place, proxy, mut output) = begin();
    // The next statement meets a closed socket, or gets no answer.
    proxy.arm(Fault { at: At::Packet(Side::Client, 1), then: Then::Cut });
    let delivered = deliver(&mut *output, &batch(2), &one(2)).expect("batch 2, the first time");
    assert_eq!((delivered.rows, proxy.connections()), (1, 2));
    proxy.arm(Fault { at: At::Packet(Side::Server, 1), then: Then::Cut });
    output.position().expect("a position").expect("a batch");
    assert_eq!(proxy.connections(), 3);
    assert_eq!(hits_in(&place), [(Some("a".into()), 2)]);
}

#[test]
fn a_table_dropped_between_two_calls_is_noticed() {
    for tables in ["{t}, {t}_batches", "{t}", "{t}_batches"] {
        let (place, _, mut output) = begin();
        place.query(&format!("DROP TABLE {tables}"));
        assert_eq!(output.position().expect("no error"), None, "{tables}");
        place.query("DROP TABLE IF EXISTS {t}, {t}_batches");
        deliver(&mut *output, &batch(2), &one(2)).expect("batch 2");
        // No row is written, which would have met the error.
        place.query(&format!("DROP TABLE {tables}"));
        deliver(&mut *output, &batch(3), &[hits(&[])]).expect("batch 3");
        deliver(&mut *output, &batch(4), &one(4)).expect("batch 4");
        assert_eq!(hits_in(&place), [(Some("a".into()), 4)], "{tables}");
    }
}

#[test]
fn a_server_that_was_restarted_between_two_calls_is_found_again() {
    let mut server = Server::start();
    let proxy = Proxy::new(&server.address());
    let url = through(&server.url, proxy.port);
    let place = Place::Mysql { url: url.clone(), table: "restarted".into() };
    let table = sql_table(place.table(), &hits(&[]).rows.schema());
    let mut output = mysql(&url, table).expect("a valid url");
    deliver(&mut *output, &batch(1), &one(1)).expect("batch 1");
    server.stop();
    let error = deliver(&mut *output, &batch(2), &one(2)).expect_err("the server is away");
    assert!(matches!(error, DeliverError::Unavailable { .. }), "{error}");
    server.restart();
    proxy.lead_to(&server.address());
    deliver(&mut *output, &batch(2), &one(2)).expect("batch 2");
    server.stop();
    server.restart();
    proxy.lead_to(&server.address());
    deliver(&mut *output, &batch(3), &one(3)).expect("batch 3, the first time");
    // The server ends connections that idle.
    server.root(&["SET GLOBAL wait_timeout = 1"]);
    let mut output =
        mysql(&url, sql_table(place.table(), &hits(&[]).rows.schema())).expect("valid");
    deliver(&mut *output, &batch(4), &one(4)).expect("batch 4");
    std::thread::sleep(Duration::from_millis(2_500));
    deliver(&mut *output, &batch(5), &one(5)).expect("batch 5, the first time");
    assert_eq!(hits_in(&place), [(Some("a".into()), 5)]);
}

#[test]
fn ten_rows_on_a_kept_connection() {
    let place = Place::mysql();
    let names: Vec<String> = (0..10).map(|n| format!("name {n}")).collect();
    let rows: Vec<_> = names.iter().map(|name| (Some(name.as_str()), 1)).collect();
    let rows = [hits(&rows)];
    let time = |keep: bool, first: u64| {
        let mut output = place.output(&rows[0].rows.schema(), 1);
        let begin = Instant::now();
        for number in first..first + 100 {
            if !keep {
                output = place.output(&rows[0].rows.schema(), 1);
            }
            deliver(&mut *output, &batch(number), &rows).expect("a batch");
        }
        begin.elapsed() / 100
    };
    time(true, 1);
    let (kept, fresh) = (time(true, 101), time(false, 201));
    println!("10 rows: {kept:?} on a kept connection, {fresh:?} on a new one");
    assert!(kept < fresh, "{kept:?} {fresh:?}");
}
