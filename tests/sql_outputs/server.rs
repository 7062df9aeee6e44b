//! What only a server can do: refuse, be away, break off, and have limits.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use logmill::deliver::sql::{DeliverError, Delivered, Delivery, SqlOutput, mysql};
use mysql_async::prelude::Queryable;

use crate::fixture::{Place, batch, deliver, hits, hits_in, mysql_url, query_mysql, sql_table};
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
    mysql(url, sql_table("never_created", &hits(&[]).rows.schema())).expect("a valid url")
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
        (format!("mysql://{name}:wr0ng@{host}/{database}"), "error 1045", "user and password"),
        (format!("mysql://{user}@{host}/no_such_base"), "error 10", "database"),
    ] {
        let (error, time) = error_of(&url);
        let text = error.to_string();
        assert!(matches!(error, DeliverError::Refused { .. }), "{text}");
        assert!(text.contains(code) && text.contains(help) && text.contains(&host), "{text}");
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
    assert!(error.to_string().contains(&format!("{address}/d.never_created")), "{error}");
    assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
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
fn a_certificate_that_no_known_authority_signed_is_refused() {
    let (user, host, database) = parts();
    let (error, _) = error_of(&format!("mysql://{user}@{host}/{database}?require_ssl=true"));
    assert!(matches!(error, DeliverError::Refused { .. }), "{error}");
    assert!(error.to_string().contains("no secure connection: invalid peer"), "{error}");
}

#[test]
fn tls_works_with_the_authority_that_the_url_names() {
    let place = Place::mysql();
    let authority = place.query("SELECT @@ssl_ca")[0][0].clone().unwrap_or_default();
    assert!(std::path::Path::new(&authority).is_file(), "test against scripts/mariadb's server");
    let url = format!("{}?ssl_ca={authority}", mysql_url());
    let rows = [hits(&[(Some("a"), 1)])];
    let table = sql_table(place.table(), &rows[0].rows.schema());
    let mut output = mysql(&url, table).expect("a valid url");
    deliver(&mut *output, &batch(1), &rows).expect("batch 1");
    assert_eq!(hits_in(&place).len(), 1);
}

#[test]
fn a_server_without_tls_is_refused_when_the_url_requires_it() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        let (mut client, _) = listener.accept().expect("a client");
        client.write_all(GREETING_WITHOUT_TLS).expect("a greeting");
        // Whatever the client sends instead of leaving, a password for instance, is an error.
        client.read(&mut [0; 64]).unwrap_or(0)
    });
    let (error, _) = error_of(&format!("mysql://u:p@{address}/d?require_ssl=true"));
    assert!(matches!(error, DeliverError::Refused { .. }), "{error}");
    assert!(error.to_string().contains("the server offers no TLS"), "{error}");
}

/// A packet of protocol version 10: header, version, name, thread, salt, capabilities (4.1 protocol, secure connection, plugin
/// authentication; not 0x0800, TLS), character set, status, length and rest of the salt, plugin.
const GREETING_WITHOUT_TLS: &[u8] =
    b"\x48\0\0\0\x0a8.0.30\0\x01\0\0\0abcdefgh\0\x00\x82\x2d\x02\0\x08\0\x15\
    \0\0\0\0\0\0\0\0\0\0abcdefghijkl\0mysql_native_password\0";

#[test]
fn a_commit_that_is_cut_off_is_applied_exactly_once() {
    for cut in [Cut::BeforeCommit, Cut::BeforeAnswer] {
        let place = Place::mysql();
        let (user, host, database) = parts();
        let port = cutting_proxy(host, cut);
        let rows = [hits(&[(Some("a"), 1), (Some("b"), 2)])];
        let table = sql_table(place.table(), &rows[0].rows.schema());
        let url = format!("mysql://{user}@127.0.0.1:{port}/{database}");
        let mut output = mysql(&url, table).expect("a valid url");
        assert_eq!(deliver(&mut *output, &batch(1), &rows).expect("settled").rows, 2);
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
    let too_long = deliver(&mut *output, &batch(2), &[hits(&[(Some(long.as_str()), 1)])]);
    query_mysql(&url, &format!("SET GLOBAL max_allowed_packet = {}", before.expect("a number")));
    assert_eq!(many.expect("many rows").rows, 2_000);
    let error = too_long.expect_err("a row of 70,000 bytes");
    assert!(matches!(error, DeliverError::Refused { .. }), "{error}");
    assert!(error.to_string().contains("raise max_allowed_packet"), "{error}");
    assert_eq!(hits_in(&place).len(), 2_000);
}

#[test]
fn a_delivery_waits_for_another_session_on_the_table_and_then_goes_on() {
    let place = Place::mysql();
    let rows = [hits(&[(Some("a"), 1)])];
    let mut output = place.output(&rows[0].rows.schema(), 1);
    deliver(&mut *output, &batch(1), &rows).expect("batch 1");
    let other = OtherSession::begin(
        &place,
        "SELECT batch FROM {t}_batches FOR UPDATE",
        &["SELECT SLEEP(1)", "COMMIT"],
    );
    let begin = Instant::now();
    deliver(&mut *output, &batch(2), &rows).expect("batch 2");
    assert!(begin.elapsed() > Duration::from_millis(500), "{:?}", begin.elapsed());
    other.end();
}

#[test]
fn a_delivery_that_loses_a_deadlock_starts_again() {
    let place = Place::mysql();
    let names: Vec<String> = (0..5_000).map(|n| format!("name {n}")).collect();
    let rows: Vec<_> = names.iter().map(|name| (Some(name.as_str()), 1)).collect();
    let mut output = place.output(&hits(&rows).rows.schema(), 1);
    deliver(&mut *output, &batch(1), &[hits(&rows)]).expect("batch 1");
    // The server ends the transaction that changed fewer rows: ours.
    let other = OtherSession::begin(
        &place,
        "UPDATE {t} SET hits = -1",
        &["SELECT SLEEP(1)", "SELECT batch FROM {t}_batches FOR UPDATE", "COMMIT"],
    );
    let mut attempts = 0;
    let delivered = output.deliver(&batch(2), &mut || {
        attempts += 1;
        Box::new(std::iter::once(Ok(hits(&[(Some("name 7"), 2)]))))
    });
    assert_eq!((delivered.expect("batch 2").rows, attempts), (1, 2));
    other.end();
    let sum: i64 = hits_in(&place).iter().map(|(_, hits)| hits).sum();
    assert_eq!(sum, 2 - 4_999);
}

#[test]
fn of_two_states_that_begin_a_table_at_once_one_is_refused() {
    let place = Place::mysql();
    let both_write = AtomicU32::new(0);
    let results = std::thread::scope(|scope| {
        let states = [("ours", 1), ("theirs", 7)].map(|(state_id, number)| {
            let (place, both_write) = (&place, &both_write);
            scope.spawn(move || begin_table(place, state_id, number, both_write))
        });
        states.map(|state| state.join().expect("an answer"))
    });
    let refused: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).collect();
    assert_eq!(refused.len(), 1, "{results:?}");
    assert!(matches!(refused[0], DeliverError::Refused { .. }), "{results:?}");
    assert_eq!((hits_in(&place).len(), place.query("SELECT batch FROM {t}_batches").len()), (1, 1));
}

/// Delivers a first batch, and waits amid its first attempt until the other one is there too.
fn begin_table(
    place: &Place,
    state_id: &str,
    number: u64,
    both_write: &AtomicU32,
) -> Result<Delivered, DeliverError> {
    let mut output = place.output(&hits(&[]).rows.schema(), 1);
    let delivery = Delivery { state_id: state_id.into(), ..batch(number) };
    let mut waited = false;
    output.deliver(&delivery, &mut || {
        if !std::mem::replace(&mut waited, true) {
            both_write.fetch_add(1, Ordering::SeqCst);
            let begin = Instant::now();
            while both_write.load(Ordering::SeqCst) < 2 {
                assert!(begin.elapsed() < Duration::from_secs(10), "the other one never wrote");
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        Box::new(std::iter::once(Ok(hits(&[(Some(state_id), 1)]))))
    })
}

/// A session that gets in the way.
struct OtherSession(JoinHandle<()>);

impl OtherSession {
    /// Returns when `first` has run in a transaction; `then` goes on in a thread.
    fn begin(place: &Place, first: &str, then: &[&str]) -> Self {
        let statement = |text: &&str| text.replace("{t}", place.table());
        let first = vec!["START TRANSACTION".to_string(), statement(&first)];
        let then: Vec<String> = then.iter().map(statement).collect();
        let (sender, receiver) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || run_in_two_parts(&first, &sender, &then));
        receiver.recv().expect("the first statement runs");
        OtherSession(thread)
    }

    fn end(self) {
        self.0.join().expect("the other session ends well");
    }
}

fn run_in_two_parts(first: &[String], between: &Sender<()>, then: &[String]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let mut connection = mysql_async::Conn::from_url(mysql_url()).await.expect("a connection");
        for statement in first {
            connection.query_drop(statement).await.expect(statement);
        }
        between.send(()).expect("the test waits");
        for statement in then {
            connection.query_drop(statement).await.expect(statement);
        }
        connection.disconnect().await.expect("the end of the connection");
    });
}
