//! A server that is busy, read-only, full, oddly set up, or restored from a backup.

use std::time::Duration;

use logmill::deliver::sql::{
    BoxError, DeliverError, Delivered, Delivery, Patience, SqlOutput, SummaryBlock, mysql,
    mysql_with_patience,
};
use mysql_async::prelude::Queryable;

use crate::fixture::{Place, batch, deliver, every_type, hits, hits_in, mysql_url, sql_table};
use crate::server::Server;

/// An account that may write to the database, and nothing else.
const ACCOUNT: [&str; 2] = [
    "CREATE USER 'writer'@'127.0.0.1' IDENTIFIED BY 'writer'",
    "GRANT CREATE, SELECT, INSERT, UPDATE, DELETE ON logmill.* TO 'writer'@'127.0.0.1'",
];

fn writer(server: &Server, table: &str) -> Box<dyn SqlOutput> {
    let url = server.url.replace("logmill:logmill@", "writer:writer@");
    mysql(&url, sql_table(table, &hits(&[]).rows.schema())).expect("a valid url")
}

fn one(count: i64) -> [SummaryBlock; 1] {
    [hits(&[(Some("a"), count)])]
}

fn assert_waits(result: Result<Delivered, DeliverError>, code: &str) {
    let error = result.expect_err(code);
    assert!(matches!(error, DeliverError::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains(code), "{error}");
}

#[test]
fn a_failover_to_a_read_only_server_is_waited_out() {
    let server = Server::start();
    server.root(&ACCOUNT);
    let place = Place::Mysql { url: server.url.clone(), table: "failover".into() };
    let mut output = writer(&server, "failover");
    deliver(&mut *output, &batch(1), &one(1)).expect("batch 1");
    server.root(&["SET GLOBAL read_only = 1"]);
    // On the connection that was kept, and on a new one.
    for _ in 0..2 {
        assert_waits(deliver(&mut *output, &batch(2), &one(2)), "error 1290");
    }
    output.position().expect_err("a position is read under lock");
    server.root(&["SET GLOBAL read_only = 0"]);
    deliver(&mut *output, &batch(2), &one(2)).expect("batch 2");
    assert_eq!(hits_in(&place), [(Some("a".into()), 2)]);
}

#[test]
fn a_server_without_a_free_connection_is_waited_out() {
    let server = Server::start();
    server.root(&ACCOUNT);
    server.root(&["SET GLOBAL max_connections = 10"]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let url = server.url.replace("logmill:logmill@", "writer:writer@");
    let mut others: Vec<mysql_async::Conn> = Vec::new();
    while let Ok(other) = runtime.block_on(mysql_async::Conn::from_url(&url)) {
        others.push(other);
    }
    let mut output = writer(&server, "full");
    assert_waits(deliver(&mut *output, &batch(1), &one(1)), "error 1040");
    for other in others {
        runtime.block_on(other.disconnect()).expect("the end of the connection");
    }
    deliver(&mut *output, &batch(1), &one(1)).expect("batch 1");
}

#[test]
fn a_hostile_writer_makes_the_whole_transaction_start_again() {
    let place = Place::mysql();
    let patience = Patience { statement: Duration::from_secs(3), ..Patience::default() };
    let table = sql_table(place.table(), &hits(&[]).rows.schema());
    let mut output = mysql_with_patience(&mysql_url(), patience, table).expect("a valid url");
    // Of several statements' length.
    let names: Vec<String> = (0..30_000).map(|n| format!("{n:0>60}")).collect();
    let rows = |count: i64| -> Vec<SummaryBlock> {
        let row = |name: &String| (name.clone(), count);
        let rows: Vec<(String, i64)> = names.iter().map(row).collect();
        let block = |rows: &[(String, i64)]| {
            hits(
                &rows.iter().map(|(name, count)| (Some(name.as_str()), *count)).collect::<Vec<_>>(),
            )
        };
        rows.chunks(5_000).map(block).collect()
    };
    deliver(&mut *output, &batch(1), &rows(1)).expect("batch 1");

    // A lock on the last row alone, for longer than the server lets a statement wait: 1205.
    let last = names.last().expect("a name");
    let hostile = [
        "START TRANSACTION".to_string(),
        format!("UPDATE {} SET hits = -1 WHERE name = '{last}'", place.table()),
        "SELECT SLEEP(1.6)".into(),
        "ROLLBACK".into(),
    ];
    let (locked, is_locked) = std::sync::mpsc::channel();
    let other = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let mut other = mysql_async::Conn::from_url(mysql_url()).await.expect("a connection");
            for statement in hostile {
                if statement.contains("SLEEP") {
                    locked.send(()).expect("the test waits");
                }
                other.query_drop(statement).await.expect("a statement");
            }
            other.disconnect().await.expect("the end of the connection");
        });
    });
    is_locked.recv().expect("the lock");
    let (second, mut attempts) = (rows(2), 0);
    let delivered = output.deliver(&batch(2), &mut || {
        attempts += 1;
        Box::new(second.iter().cloned().map(Ok::<_, BoxError>))
    });
    assert_eq!(delivered.expect("batch 2").rows, 30_000);
    assert!(attempts > 1, "the lock was never met");
    other.join().expect("the other session ends well");
    let found = place.query("SELECT COUNT(*), MIN(hits), MAX(hits) FROM {t}");
    assert_eq!(found, [["30000", "2", "2"].map(|text| Some(text.to_string()))]);
}

#[test]
fn a_server_with_other_settings_gets_the_same_rows() {
    let server = Server::start();
    let read = |table: &str| {
        let place = Place::Mysql { url: server.url.clone(), table: table.into() };
        let names: Vec<String> = (0..12_000).map(|n| format!("{n:0>80}")).collect();
        // More than 65,535 values, and many times 64 KiB.
        let many: Vec<_> = names.iter().map(|name| (Some(name.as_str()), 1)).collect();
        let mut output = place.output(&hits(&[]).rows.schema(), 1);
        let blocks = [hits(&many), hits(&[(Some("it's \\ \"q\" \u{1a}\n"), 7)])];
        assert_eq!(deliver(&mut *output, &batch(1), &blocks).expect("batch 1").rows, 12_001);
        let rows = hits_in(&place);
        let typed = Place::Mysql { url: server.url.clone(), table: format!("{table}_typed") };
        let mut output = typed.output(&every_type().rows.schema(), 2);
        deliver(&mut *output, &batch(1), &[every_type()]).expect("every type");
        (rows, typed.query("SELECT window_start, id, n, d, f, b, s FROM {t} ORDER BY id"))
    };
    let expected = read("plain");
    for settings in [
        &["SET GLOBAL sql_mode = ''", "SET GLOBAL max_allowed_packet = 65536"][..],
        &["SET GLOBAL sql_mode = 'ANSI,NO_BACKSLASH_ESCAPES,TRADITIONAL,PAD_CHAR_TO_FULL_LENGTH'"],
        &[
            "SET GLOBAL sql_mode = 'ORACLE'",
            "SET GLOBAL time_zone = '-07:00'",
            "SET GLOBAL character_set_server = latin1",
            "SET GLOBAL init_connect = 'SET NAMES latin1'",
            "SET GLOBAL autocommit = 0",
            "SET GLOBAL tx_isolation = 'SERIALIZABLE'",
        ],
    ] {
        server.root(settings);
        assert_eq!(read("odd"), expected, "{settings:?}");
    }
}

#[test]
fn a_table_restored_from_a_backup_is_seen_and_brought_up_to_date() {
    let server = Server::start();
    let place = Place::Mysql { url: server.url.clone(), table: "restored".into() };
    let mut output = place.output(&hits(&[]).rows.schema(), 1);
    deliver(&mut *output, &batch(1), &[hits(&[(Some("a"), 1), (None, 10)])]).expect("batch 1");
    deliver(&mut *output, &batch(2), &[hits(&[(Some("a"), 2), (Some("b"), 2)])]).expect("batch 2");
    let dump = server.dump(&["restored", "restored_batches"]);
    deliver(&mut *output, &batch(3), &[hits(&[(Some("b"), 3), (Some("c"), 3)])]).expect("batch 3");
    deliver(&mut *output, &batch(4), &[hits(&[(Some("c"), 4)])]).expect("batch 4");
    let expected = hits_in(&place);
    server.restore(&dump);
    assert_eq!(hits_in(&place).len(), 3, "the backup's rows are back");
    // On the connection that was kept: what changed since the batch that it tells.
    let known = output.position().expect("a position").expect("a batch");
    assert_eq!((known.batch, known.token), (2, batch(2).token));
    let since = [hits(&[(Some("b"), 3)]), hits(&[(Some("c"), 4)])];
    deliver(&mut *output, &batch(4), &since).expect("batches 3 and 4 again");
    assert_eq!(hits_in(&place), expected);

    // And by all rows.
    let whole = Delivery { replace_all: true, ..batch(4) };
    server.restore(&dump);
    let rows = [hits(&[(Some("a"), 2), (None, 10), (Some("b"), 3), (Some("c"), 4)])];
    deliver(&mut *output, &whole, &rows).expect("all rows");
    assert_eq!(hits_in(&place), expected);
}
