//! No table loses a group because of what its key holds. MariaDB: needs LOGMILL_TEST_MYSQL_URL (scripts/test sets it).

use mysql_async::prelude::Queryable;
use serde_json::Value;

use crate::databases::server;
use crate::support::{Done, World};

/// The values of one key that others could be taken for, as JSON; `""` is NULL.
const FLOATS: [&str; 8] = [
    "null",
    "\"NaN\"",
    "\"Infinity\"",
    "\"-Infinity\"",
    "0",
    "5e-324",
    "9007199254740992",
    "9007199254740994",
];
/// Seconds: the last second of the year 9999 and those behind it, the first of the year 1 and those before it.
const TIMES: [&str; 8] = [
    "253402300799",
    "253402300800",
    "253402300801",
    "9000000000000",
    "-62135596800",
    "-62135596801",
    "-62135596802",
    "-9000000000000",
];
const TEXTS: [&str; 9] = [
    r#""a""#,
    r#""A""#,
    r#""a ""#,
    r#""a\u0000""#,
    r#""a\u0000b""#,
    r#""NaN""#,
    r#""NULL""#,
    r#""\u00e9""#,
    r#""e\u0301""#,
];
const DECIMALS: [&str; 4] = [
    "99999999999999999999999999999999999.998",
    "99999999999999999999999999999999999.999",
    "-0.001",
    "0.000",
];

/// One line for each value, the other keys NULL; the sum of their `id` names the group. Two more lines, with -0 and "", belong to
/// groups that are there.
fn log() -> (String, Vec<i64>) {
    let values = [("f", &FLOATS[..]), ("t", &TIMES), ("s", &TEXTS), ("d", &DECIMALS)];
    let values = values.iter().flat_map(|(key, all)| all.iter().map(move |value| (key, value)));
    let mut ids = Vec::new();
    let mut text = String::new();
    for (at, (key, value)) in values.enumerate() {
        let id = 1i64 << at;
        text += &format!("{{\"id\":{id},\"{key}\":{value}}}\n");
        ids.push(id);
    }
    let (minus_zero, empty) = (1 << 40, 1 << 41);
    text += &format!("{{\"id\":{minus_zero},\"f\":\"-0\"}}\n{{\"id\":{empty},\"s\":\"\"}}\n");
    ids[FLOATS.iter().position(|float| *float == "0").expect("a zero")] += minus_zero;
    ids[0] += empty;
    ids.sort_unstable();
    (text, ids)
}

/// The same lines in another log: a mere copy would count nothing.
fn backwards(text: &str) -> String {
    text.lines().rev().map(|line| format!("{line}\n")).collect()
}

const ODD: &str = r#"name = "odd"
[source]
paths = ["logs/*.log*"]
format = "json"
fields = { id = "int", f = "float", t = "int", s = "text", d = "decimal(3)" }
[reduce]
by = ["f", "to_timestamp(t) AS at", "s", "d"]
[reduce.measures]
n = "count(*)"
ids = "sum(id)"
most = "max(f)"
latest = "max(to_timestamp(t))"
[output.summary]
path = "out/odd"
[output.sqlite]
path = "out/odd.db"
"#;

fn world(more: &str) -> (World, Vec<i64>) {
    let world = World::new();
    world.job(&format!("{ODD}{more}"));
    let (text, ids) = log();
    world.write("logs/a.log", text);
    (world, ids)
}

fn open(world: &World) -> rusqlite::Connection {
    rusqlite::Connection::open(world.path("out/odd.db")).expect("a database")
}

/// The groups in SQLite by the sum of their ids, and how many lines the one without any key has.
fn sqlite(world: &World) -> Vec<i64> {
    let database = open(world);
    let mut ids = database.prepare("SELECT ids FROM odd ORDER BY ids").expect("the table");
    ids.query_map((), |row| row.get(0)).expect("rows").map(|id| id.expect("a sum")).collect()
}

/// What `verify` says of the table in this kind of database: missing rows, and rows that are only there.
fn counts(report: &Value, kind: &str) -> [u64; 2] {
    let outputs = report["outputs"].as_array().expect("outputs");
    let is_it = |name: &Value| name.as_str().is_some_and(|name| name.starts_with(kind));
    let output = outputs.iter().find(|output| is_it(&output["name"])).expect(kind);
    ["missing", "only_there"].map(|name| output[name].as_u64().expect("a count"))
}

#[test]
fn sqlite_has_a_row_for_each_group_whatever_its_key() {
    let (world, ids) = world("");
    world.run(&[]).expect(0);
    assert_eq!(sqlite(&world), ids);
    // A second batch finds each of them.
    world.write("logs/b.log", backwards(&log().0));
    world.run(&[]).expect(0);
    let doubled: Vec<i64> = ids.iter().map(|id| 2 * id).collect();
    assert_eq!(sqlite(&world), doubled);
    let shown = |of: &str| -> Vec<String> {
        let database = open(&world);
        let sql = format!("SELECT {of} AS shown FROM odd WHERE shown IS NOT NULL ORDER BY ids");
        let mut rows = database.prepare(&sql).expect("the table");
        rows.query_map((), |row| row.get(0)).expect("rows").map(|text| text.expect(of)).collect()
    };
    assert_eq!(shown("CASE WHEN typeof(f) = 'text' THEN f END"), ["NaN"]);
    assert_eq!(
        shown("at"),
        [
            "9999-12-31 23:59:59",
            "10000-01-01 00:00:00",
            "10000-01-01 00:00:01",
            "287168-08-24 16:00:00",
            "0001-01-01 00:00:00",
            "0001-12-31 23:59:59 BC",
            "0001-12-31 23:59:58 BC",
            "283230-05-10 08:00:00 BC"
        ]
    );
    assert_eq!(shown("latest"), shown("at"));
    world.logmill(&["verify", "job.toml"]).expect(0);
}

#[test]
fn verify_notices_each_row_that_is_missing_in_sqlite() {
    let (world, ids) = world("");
    world.run(&[]).expect(0);
    // Among them NaN, and NULL with everything.
    for id in ids.into_iter().rev().step_by(4) {
        let database = open(&world);
        database
            .execute_batch("DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT * FROM odd")
            .expect("a copy");
        assert_eq!(database.execute("DELETE FROM odd WHERE ids = ?1", [id]).expect("deleted"), 1);
        let report = world.logmill(&["verify", "job.toml", "--json"]).expect(1).json();
        assert_eq!(counts(&report, "sqlite"), [1, 0], "{id}: {report}");
        database
            .execute_batch("DELETE FROM odd; INSERT INTO odd SELECT * FROM kept")
            .expect("as it was");
    }
    world.logmill(&["verify", "job.toml"]).expect(0);
}

/// Asks the server, with `{t}` for the table.
fn ask(table: &str, sql: &str) -> Vec<i64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let pool = mysql_async::Pool::new(server().as_str());
        let mut connection = pool.get_conn().await.expect("the test server answers");
        let rows = connection.query(sql.replace("{t}", table)).await.expect(sql);
        drop(connection);
        pool.disconnect().await.expect("disconnected");
        rows
    })
}

#[test]
fn mariadb_has_a_row_for_each_group_whatever_its_key_and_verify_notices_a_missing_one() {
    let table = format!("odd_{}", std::process::id());
    let (world, ids) =
        world(&format!("[output.mysql]\nurl = \"${{DATABASE}}\"\ntable = \"{table}\"\n"));
    let logmill = |args: &[&str]| Done::of(world.command(args).env("DATABASE", server()));
    logmill(&["run", "job.toml"]).expect(0);
    let all = "SELECT ids FROM {t} ORDER BY ids";
    assert_eq!(ask(&table, all), ids);
    world.write("logs/b.log", backwards(&log().0));
    logmill(&["run", "job.toml"]).expect(0);
    let doubled: Vec<i64> = ids.iter().map(|id| 2 * id).collect();
    assert_eq!(ask(&table, all), doubled);
    logmill(&["verify", "job.toml"]).expect(0);
    // NULL, NaN and the infinities show the same key there.
    let alike = ask(
        &table,
        "SELECT ids FROM {t} WHERE f IS NULL AND at IS NULL AND s IS NULL AND d IS NULL ORDER BY ids",
    );
    assert!(alike.len() >= 4, "{alike:?}");
    for (gone, id) in alike.iter().enumerate() {
        ask(&table, &format!("DELETE FROM {{t}} WHERE ids = {id}"));
        let report = logmill(&["verify", "job.toml", "--json"]).expect(1).json();
        assert_eq!(counts(&report, "mysql"), [gone as u64 + 1, 0], "{id}: {report}");
    }
    ask(&table, "DROP TABLE {t}, {t}_batches");
}
