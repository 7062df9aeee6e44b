//! MySQL as an output: away, refusing, and back again. Needs LOGMILL_TEST_MYSQL_URL (scripts/test sets it).

use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};

use mysql_async::prelude::Queryable;

use crate::support::{Done, JOB, World, lines};

pub fn server() -> String {
    std::env::var("LOGMILL_TEST_MYSQL_URL").expect(
        "LOGMILL_TEST_MYSQL_URL is not set: run scripts/test, which starts a MariaDB server, or set it to \
         mysql://user:password@host:port/database",
    )
}

/// A table of one's own on the server, dropped in the end.
pub struct Place {
    pub world: World,
    pub table: String,
}

impl Place {
    pub fn new() -> Place {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let place = Place {
            world: World::with_lines(3),
            table: format!("cli_{}_{number}", std::process::id()),
        };
        let mysql =
            format!("[output.mysql]\nurl = \"${{DATABASE}}\"\ntable = \"{}\"\n", place.table);
        place.world.job(&format!("{JOB}{mysql}"));
        place
    }

    pub fn run(&self, url: &str) -> Done {
        Done::of(self.world.command(&["run", "job.toml"]).env("DATABASE", url))
    }

    pub fn query(&self, sql: &str) -> Vec<(i64, i64)> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let pool = mysql_async::Pool::new(server().as_str());
            let mut connection = pool.get_conn().await.expect("the test server answers");
            let rows = connection.query(sql.replace("{t}", &self.table)).await.expect(sql);
            drop(connection);
            pool.disconnect().await.expect("disconnected");
            rows
        })
    }

    fn text(&self, sql: &str) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let url = server();
            let mut connection = mysql_async::Conn::from_url(&url).await.expect("it answers");
            let text = connection.query_first(sql).await.expect(sql).expect("a row");
            connection.disconnect().await.expect("disconnected");
            text
        })
    }

    fn rows(&self) -> Vec<(i64, i64)> {
        self.query("SELECT status, hits FROM {t} ORDER BY status")
    }

    /// The first run waits with these words, and shows no password; the next one, with the server, delivers.
    fn waits(&self, url: &str, words: &[&str]) {
        let done = self.run(url).expect(4).says(words).says(&["the next run tries again"]);
        done.hides("sesame").hides("logmill:logmill@");
        assert_eq!(self.world.summary(), ["200\t3\t303"], "the Parquet is written");
        assert_eq!(self.world.sqlite(), ["200\t3\t303"], "so is the other table");
        let status = self.world.command(&["status", "job.toml"]).env("DATABASE", url).output();
        let status = String::from_utf8(status.expect("runs").stdout).expect("text");
        assert!(status.contains("waits: ") && !status.contains("sesame"), "{status}");
        self.run(&server()).expect(0).quiet();
        assert_eq!(self.rows(), [(200, 3)]);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.query("DROP TABLE IF EXISTS {t}, {t}_batches");
        }
    }
}

/// The server's URL with another user, password, address or database.
fn url(login: Option<&str>, database: Option<&str>) -> String {
    let url = server();
    let (own, rest) = url["mysql://".len()..].split_once('@').expect("a login");
    let (host, own_database) = rest.split_once('/').expect("a database");
    format!("mysql://{}@{host}/{}", login.unwrap_or(own), database.unwrap_or(own_database))
}

#[test]
fn a_server_that_is_away_makes_the_output_wait_and_gets_all_when_it_is_back() {
    let port =
        TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port();
    let place = Place::new();
    place.waits(&format!("mysql://u:sesame@127.0.0.1:{port}/d"), &["127.0.0.1", "refused"]);
}

#[test]
fn a_wrong_password_is_told_without_the_password() {
    let login = server()["mysql://".len()..].split(':').next().map(|user| format!("{user}:sesame"));
    Place::new().waits(&url(login.as_deref(), None), &["Access denied"]);
}

#[test]
fn an_unknown_database_is_named() {
    Place::new().waits(&url(None, Some("no_such_database")), &["no_such_database"]);
}

#[test]
fn a_url_that_is_none_is_told_without_the_password() {
    let place = Place::new();
    let done = place.run("mysql://u:sesame@:::bad");
    assert!([2, 4].contains(&done.status), "{} {}", done.status, done.err);
    done.hides("sesame");
}

#[test]
fn several_batches_that_wait_arrive_as_one() {
    let place = Place::new();
    let away = "mysql://u:sesame@127.0.0.1:1/d";
    for batch in 0..3 {
        place.world.append("logs/a.log", lines(3 + batch, 1));
        place.run(away).expect(4);
    }
    place.run(&server()).expect(0).quiet();
    assert_eq!(place.rows(), [(200, 6)]);
    let batches = place.query("SELECT batch, 0 FROM {t}_batches ORDER BY batch");
    assert_eq!(batches, [(3, 0)]);
}

#[test]
fn a_table_of_another_state_is_refused_until_adopt() {
    let place = Place::new();
    place.run(&server()).expect(0);
    std::fs::remove_dir_all(place.world.path(".logmill")).expect("the state is lost");
    place.world.append("logs/a.log", lines(3, 1));
    place.run(&server()).expect(1).says(&["out/hits is the output of the job hits", "--adopt"]);
    // The table by itself.
    std::fs::remove_dir_all(place.world.path("out")).expect("the outputs are lost, too");
    place.run(&server()).expect(4).says(&["--adopt"]);
    assert_eq!(place.rows(), [(200, 3)]);
    let mut command = place.world.command(&["run", "job.toml", "--adopt"]);
    Done::of(command.env("DATABASE", server())).expect(0);
    assert_eq!(place.rows(), [(200, 4)]);
}

/// Keys and measures with names that need quotes in one place or another.
const QUOTED: [&str; 9] = [
    "order",
    "select",
    "Group",
    "a`b'c",
    "say \"hi\"",
    "http.status",
    "hits per hour",
    "%s;--",
    "é％",
];

#[test]
fn awkward_names_of_columns_work_in_every_output() {
    let place = Place::new();
    let job = std::fs::read_to_string(place.world.path("job.toml")).expect("the job");
    let toml = |name: &str| name.replace('\\', "\\\\").replace('"', "\\\"");
    let keys =
        QUOTED.map(|name| format!("\"status AS \\\"{}\\\"\"", toml(&name.replace('"', "\"\""))));
    let measures = QUOTED.map(|name| format!("\"{}2\" = \"count(*)\"", toml(name)));
    let job = job
        .replace("by = [\"status\"]", &format!("by = [\"status\", {}]", keys.join(", ")))
        .replace("hits = \"count(*)\"", &format!("hits = \"count(*)\"\n{}", measures.join("\n")));
    let job = job.replace(
        &format!("table = \"{}\"", place.table),
        &format!("table = \"{}_order\"", place.table),
    );
    place.world.job(&job.replace("out/hits.db\"", "out/hits.db\"\ntable = \"order\""));
    place.run(&server()).expect(0).quiet();
    place.world.append("logs/a.log", lines(3, 1));
    place.run(&server()).expect(0).quiet();
    let sql = "SELECT `a``b'c`, `hits per hour2` FROM {t}_order";
    assert_eq!(place.query(sql), [(200, 4)]);
    assert_eq!(place.query("SELECT `say \"hi\"`, `é％2` FROM {t}_order"), [(200, 4)]);
    let database = rusqlite::Connection::open(place.world.path("out/hits.db")).expect("opened");
    let sql = "SELECT \"http.status\" || \"order2\" || \"say \"\"hi\"\"2\" FROM \"order\"";
    let row = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
    assert_eq!(database.query_row(sql, [], row).expect("a row"), "20044");
    Done::of(place.world.command(&["verify", "job.toml"]).env("DATABASE", server())).expect(0);
    place.query("DROP TABLE {t}_order, {t}_order_batches");
}

#[test]
fn a_name_of_64_letters_is_as_long_as_the_server_takes() {
    let place = Place::new();
    let job = std::fs::read_to_string(place.world.path("job.toml")).expect("the job");
    let named = |name: &str| place.world.job(&job.replace("hits = ", &format!("\"{name}\" = ")));
    named(&"é".repeat(64));
    place.run(&server()).expect(0).quiet();
    assert_eq!(place.query(&format!("SELECT status, `{}` FROM {{t}}", "é".repeat(64))), [(200, 3)]);
    named(&"é".repeat(65));
    place.run(&server()).expect(2).says(&["is too long a column name for [output.mysql]"]);
}

#[test]
fn a_url_with_an_address_of_ipv6_or_a_socket_says_what_it_tried() {
    let place = Place::new();
    place.run("mysql://u:sesame@[::1]:1/d").expect(4).says(&["mysql [::1]:1/d", "refused"]);
    let done = place.run("mysql://u:sesame@/d?socket=/nowhere.sock").expect(4);
    done.says(&["mysql /nowhere.sock d.", "No such file"]).hides("sesame");
    let done = place.run("mysql://u:sesame@h/d?ssl-mode=REQUIRED").expect(2);
    done.says(&["unknown option ssl-mode"]).hides("sesame");
}

/// A way to the server from an address of IPv6, on which it need not listen itself.
fn through_ipv6() -> String {
    let own = server();
    let (login, rest) = own.split_once('@').expect("a login");
    let (address, rest) = rest.split_once('/').expect("a database");
    let listener = TcpListener::bind("[::1]:0").expect("the loopback address of IPv6");
    let port = listener.local_addr().expect("bound").port();
    let address = address.to_owned();
    std::thread::spawn(move || {
        for inner in listener.incoming().flatten() {
            let outer = TcpStream::connect(&address).expect("the server");
            let pairs = [(&inner, &outer), (&outer, &inner)];
            for (from, to) in pairs.map(|(a, b)| (a.try_clone(), b.try_clone())) {
                let (mut from, mut to) = (from.expect("a socket"), to.expect("a socket"));
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(std::net::Shutdown::Write);
                });
            }
        }
    });
    format!("{login}@[::1]:{port}/{rest}")
}

#[test]
fn an_address_of_ipv6_is_a_way_to_the_server() {
    let place = Place::new();
    place.run(&through_ipv6()).expect(0).quiet();
    assert_eq!(place.rows(), [(200, 3)]);
}

#[test]
fn the_servers_own_socket_is_a_way_to_it() {
    let place = Place::new();
    let socket = place.text("SELECT @@socket");
    let base = server();
    let base = base.split('?').next().expect("a url");
    place.run(&format!("{base}?socket={socket}")).expect(0).quiet();
    assert_eq!(place.rows(), [(200, 3)]);
}

#[test]
fn a_rebuilt_job_with_other_columns_gets_a_table_of_them_also_later() {
    let place = Place::new();
    place.run(&server()).expect(0);
    let job = std::fs::read_to_string(place.world.path("job.toml")).expect("the job");
    place
        .world
        .job(&job.replace("bytes = \"sum(body_bytes_sent)\"", "most = \"max(body_bytes_sent)\""));
    place.world.append("logs/a.log", lines(3, 1));
    let rebuild = |url: &str| {
        Done::of(place.world.command(&["run", "job.toml", "--rebuild"]).env("DATABASE", url))
    };
    rebuild("mysql://u:sesame@127.0.0.1:1/d").expect(4);
    assert_eq!(place.query("SELECT hits, bytes FROM {t}"), [(3, 303)], "the former table");
    place.run(&server()).expect(0);
    assert_eq!(place.query("SELECT hits, most FROM {t}"), [(4, 103)]);
    place.world.append("logs/a.log", lines(4, 1));
    place.run(&server()).expect(0).quiet();
    assert_eq!(place.query("SELECT hits, most FROM {t}"), [(5, 104)]);
}
