//! What only a server can do: refuse, be away, break off, and have limits.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use logmill::deliver::sql::{DeliverError, SqlOutput, SqlTable, mysql};

use crate::fixture::{Place, batch, deliver, hits, hits_in, mysql_url, query_mysql};
use crate::proxy::{Cut, cutting_proxy};

/// `user:password`, `host:port` and database of the test server.
fn parts() -> (String, String, String) {
    let url = mysql_url();
    let rest = url.strip_prefix("mysql://").expect("a mysql url");
    let (user, rest) = rest.split_once('@').expect("a user");
    let (host, database) = rest.split_once('/').expect("a database");
    (user.into(), host.into(), database.into())
}

fn output(url: &str) -> Box<dyn SqlOutput> {
    let table = SqlTable {
        job: "job".into(),
        table: "never_created".into(),
        schema: hits(&[]).rows.schema(),
        key_columns: 1,
    };
    mysql(url, table).expect("a valid url")
}

/// The error of a delivery there, and how long it took.
fn error_of(url: &str) -> (DeliverError, Duration) {
    let begin = Instant::now();
    let error = deliver(&mut *output(url), &batch(1), &[]).expect_err(url);
    (error, begin.elapsed())
}

#[test]
fn a_wrong_password_and_an_unknown_database_are_refused_at_once() {
    let (user, host, database) = parts();
    let name = user.split(':').next().expect("a name");
    for (url, code, help) in [
        (
            format!("mysql://{name}:wr0ng@{host}/{database}"),
            "error 1045",
            "user and password",
        ),
        (
            format!("mysql://{user}@{host}/no_such_base"),
            "error 10",
            "database",
        ),
    ] {
        let (error, time) = error_of(&url);
        let text = error.to_string();
        assert!(matches!(error, DeliverError::Refused { .. }), "{text}");
        assert!(
            text.contains(code) && text.contains(help) && text.contains(&host),
            "{text}"
        );
        assert!(!text.contains("wr0ng"), "{text}");
        assert!(time < Duration::from_secs(2), "{time:?}");
    }
}

#[test]
fn a_server_that_is_down_is_tried_later_and_said_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let (error, time) = error_of(&format!("mysql://u:s3cret@{address}/d"));
    assert!(matches!(error, DeliverError::Unavailable { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains(&format!("{address}/d.never_created")),
        "{error}"
    );
    assert!(
        !format!("{error} {error:?}").contains("s3cret"),
        "{error:?}"
    );
    assert!(time < Duration::from_secs(2), "{time:?}");
}

#[test]
fn a_server_that_does_not_answer_is_given_up_after_five_seconds() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (error, time) = error_of(&format!("mysql://u:p@{address}/d"));
    assert!(matches!(error, DeliverError::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains("within 5 s"), "{error}");
    assert!((4..8).contains(&time.as_secs()), "{time:?}");
}

#[test]
fn a_server_without_the_wanted_tls_is_refused() {
    let (user, host, database) = parts();
    let (error, _) = error_of(&format!(
        "mysql://{user}@{host}/{database}?require_ssl=true"
    ));
    assert!(matches!(error, DeliverError::Refused { .. }), "{error}");
    assert!(
        error.to_string().contains("no secure connection"),
        "{error}"
    );
}

#[test]
fn a_commit_that_is_cut_off_is_applied_exactly_once() {
    for cut in [Cut::BeforeCommit, Cut::BeforeAnswer] {
        let place = Place::mysql();
        let (user, host, database) = parts();
        let port = cutting_proxy(host, cut);
        let rows = [hits(&[(Some("a"), 1), (Some("b"), 2)])];
        let table = SqlTable {
            job: "job".into(),
            table: place.table().into(),
            schema: rows[0].rows.schema(),
            key_columns: 1,
        };
        let url = format!("mysql://{user}@127.0.0.1:{port}/{database}");
        let mut output = mysql(&url, table).expect("a valid url");
        assert_eq!(
            deliver(&mut *output, &batch(1), &rows)
                .expect("settled")
                .rows,
            2
        );
        assert_eq!(hits_in(&place).len(), 2);
        let batches = place.query("SELECT batch, changed_rows FROM {t}_batches");
        assert_eq!(batches, [["1", "2"].map(|text| Some(text.to_string()))]);
    }
}

#[test]
fn rows_are_cut_by_the_servers_packet_and_a_longer_row_is_refused() {
    let place = Place::mysql();
    let url = mysql_url();
    let before = query_mysql(&url, "SELECT @@GLOBAL.max_allowed_packet")[0][0].clone();
    query_mysql(&url, "SET GLOBAL max_allowed_packet = 65536");
    let names: Vec<String> = (0..2_000).map(|n| format!("{n:0>300}")).collect();
    let rows: Vec<_> = names.iter().map(|name| (Some(name.as_str()), 1)).collect();
    let long = "x".repeat(70_000);
    let mut output = place.output(&hits(&rows).rows.schema(), 1);
    let many = deliver(&mut *output, &batch(1), &[hits(&rows)]);
    let too_long = deliver(
        &mut *output,
        &batch(2),
        &[hits(&[(Some(long.as_str()), 1)])],
    );
    query_mysql(
        &url,
        &format!(
            "SET GLOBAL max_allowed_packet = {}",
            before.expect("a number")
        ),
    );
    assert_eq!(many.expect("many rows").rows, 2_000);
    let error = too_long.expect_err("a row of 70,000 bytes");
    assert!(matches!(error, DeliverError::Refused { .. }), "{error}");
    assert!(
        error.to_string().contains("raise max_allowed_packet"),
        "{error}"
    );
    assert_eq!(hits_in(&place).len(), 2_000);
}

#[test]
fn a_delivery_waits_for_another_session_on_the_table_and_then_goes_on() {
    let place = Place::mysql();
    let rows = [hits(&[(Some("a"), 1)])];
    let mut output = place.output(&rows[0].rows.schema(), 1);
    deliver(&mut *output, &batch(1), &rows).expect("batch 1");
    let (table, url) = (place.table().to_string(), mysql_url());
    let (locked, is_locked) = std::sync::mpsc::channel();
    let other = std::thread::spawn(move || hold_newest_batch(&url, &table, &locked));
    is_locked.recv().expect("the other session holds the row");
    let begin = Instant::now();
    deliver(&mut *output, &batch(2), &rows).expect("batch 2");
    assert!(
        begin.elapsed() > Duration::from_millis(500),
        "{:?}",
        begin.elapsed()
    );
    other.join().expect("the other session ends");
}

/// Locks the newest row of the table of batches for a second.
fn hold_newest_batch(url: &str, table: &str, locked: &std::sync::mpsc::Sender<()>) {
    use mysql_async::prelude::Queryable;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        let mut connection = mysql_async::Conn::from_url(url)
            .await
            .expect("a connection");
        connection
            .query_drop("START TRANSACTION")
            .await
            .expect("a transaction");
        let lock = format!("SELECT batch FROM {table}_batches FOR UPDATE");
        connection.query_drop(lock).await.expect("a lock");
        locked.send(()).expect("the test waits");
        connection
            .query_drop("SELECT SLEEP(1)")
            .await
            .expect("a second");
        connection.query_drop("COMMIT").await.expect("the end");
        connection
            .disconnect()
            .await
            .expect("the end of the connection");
    });
}
