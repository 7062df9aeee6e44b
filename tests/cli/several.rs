//! Several jobs in one run: as if each had been run by itself, whether or not their lines are read in one pass.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use rusqlite::types::Value;

use crate::support::{Done, World, line, lines};

/// Jobs over one log that agree in little else: fields, types, filters, rejects, order, memory, outputs.
const JOBS: [(&str, &str); 7] = [
    (
        "status",
        r#"[map.let]
visitor = "concat(remote_addr, '|', http_user_agent)"
[reduce]
by = ["status"]
[reduce.measures]
hits = "count(*)"
visitors = "approx_distinct(visitor) FILTER (WHERE status < 400)"
bytes = "sum(body_bytes_sent)"
[output.sqlite]
path = "status.db"
"#,
    ),
    (
        "missing",
        r#"[map]
where = "status = 404"
[map.let]
visitor = "concat(remote_addr, '|', http_user_agent)"
[reduce]
by = ["path"]
[reduce.measures]
hits = "count(*)"
visitors = "count(distinct visitor)"
"#,
    ),
    (
        "sizes",
        r#"[reduce]
window = "1m"
by = ["method"]
[reduce.measures]
first = "first(body_bytes_sent)"
last = "last(path)"
mean = "avg(body_bytes_sent)"
[limits]
earliest = "2026-11-22T07:01:00Z"
"#,
    ),
    (
        "words",
        r#"[map.let]
visitor = "concat(remote_addr, '|', status)"
day = "strftime(event_time, '%d %H')"
[reduce]
by = ["visitor", "day"]
[reduce.measures]
hits = "count(*)"
longest = "max(body_bytes_sent)"
[limits]
memory = "16MiB"
"#,
    ),
    (
        "failing",
        r#"[map.let]
share = "1000 / (status - 404)"
day = "strftime(event_time, '%d %H')"
[reduce]
by = ["share", "day"]
[reduce.measures]
hits = "count(*)"
bytes = "sum(body_bytes_sent)"
"#,
    ),
    (
        "raw",
        r#"[map]
where = "length(raw) % 3 <> 0"
[reduce]
by = ["source_file"]
[reduce.measures]
lines = "count(*)"
bytes = "sum(body_bytes_sent)"
"#,
    ),
    (
        "events",
        r#"[output.events]
path = "records"
columns = ["event_time", "status", "path"]
"#,
    ),
];

/// Types that a job gives fields, instead of the format's.
fn fields(name: &str) -> &'static str {
    match name {
        "sizes" => "fields = { body_bytes_sent = \"decimal(2)\" }\n",
        "words" => "fields = { status = \"text\", body_bytes_sent = \"float\" }\n",
        _ => "",
    }
}

fn write_jobs(world: &World) {
    for (name, rest) in JOBS {
        let source = "[source]\npaths = [\"logs/*\"]\nformat = \"combined\"\n";
        let summary = match name {
            "events" => String::new(),
            _ => format!("[output.summary]\npath = \"{name}\"\n"),
        };
        let text = format!("name = \"{name}\"\n{source}{}{rest}{summary}", fields(name));
        world.write(&format!("{name}.toml"), text);
    }
}

/// Lines of all kinds: some are none, some have odd ends.
fn odd_lines(from: usize, count: usize) -> String {
    let odd = |n: usize| match n % 23 {
        0 => "no line\n".to_owned(),
        1 => "\n".to_owned(),
        2 => line(n, 200).replace('\n', "\r\n"),
        3 => line(n, 200).replace("] \"GET", "9] \"GET"),
        4 => line(n, 500).replace(" 500 ", " 500 9"),
        _ => line(n, [200, 304, 404][n % 3]),
    };
    (from..from + count).map(odd).collect()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).expect("in memory");
    encoder.finish().expect("in memory")
}

/// With logs, plain and compressed.
fn world() -> World {
    let world = World::new();
    write_jobs(&world);
    world.write("logs/a.log", odd_lines(0, 700));
    world.write("logs/b.log", String::from("\u{FEFF}") + &odd_lines(5_000, 400));
    world.write("logs/old.log.gz", gzip(&odd_lines(9_000, 600)));
    for log in ["logs/a.log", "logs/b.log", "logs/old.log.gz"] {
        world.age(log);
    }
    world
}

/// Runs jobs with their state and outputs in a folder of that name.
fn run(world: &World, folder: &str, jobs: &[&str], more: &[&str]) -> Done {
    let files: Vec<String> = jobs.iter().map(|job| format!("{job}.toml")).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let state = format!("{folder}/state");
    let places = ["--output", folder, "--state-dir", &state, "--split", "4KiB", "--threads", "3"];
    let log = world.path(folder).with_extension("passed");
    let mut command = world.command(&[&["run"], &files[..], &places, more].concat());
    Done::of(command.env("LOGMILL_FAULT_LOG", log))
}

/// How often lines were read for several jobs at once so far.
fn passes(world: &World, folder: &str) -> usize {
    let log = world.path(folder).with_extension("passed");
    let passed = std::fs::read_to_string(log).unwrap_or_default();
    passed.lines().filter(|point| *point == "map.together").count()
}

/// Runs the jobs in one command, and again each in a command of its own; all that is told must be the same. Answers the
/// status.
#[track_caller]
fn both(world: &World, jobs: &[&str], more: &[&str]) -> i32 {
    let together = run(world, "together", jobs, more);
    let (mut out, mut err, mut status) = (String::new(), String::new(), 0);
    for job in jobs {
        let alone = run(world, "alone", &[job], more);
        out += &alone.out;
        err += &alone.err;
        status = status.max(alone.status);
    }
    let here = |text: &str| text.replace("alone/", "together/");
    assert_eq!(here(&together.err), here(&err));
    assert_eq!(reports(&together.out), reports(&here(&out)));
    assert_eq!(together.status, status, "{}", together.err);
    status
}

/// The JSON reports, without what is never the same.
fn reports(out: &str) -> Vec<serde_json::Value> {
    let mut reports = Vec::new();
    for report in serde_json::Deserializer::from_str(out).into_iter::<serde_json::Value>() {
        let mut report = report.expect("JSON");
        report["seconds"] = 0.into();
        reports.push(report);
    }
    reports
}

/// All Parquet files below a folder (outputs, and runs of the store), and the rows of each catalog and database.
fn content(world: &World, folder: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    let root = world.path(folder);
    let (mut found, mut open) = (BTreeMap::new(), vec![root.clone()]);
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                std::fs::read_dir(&path).expect("a folder").map(|e| e.expect("one").path()),
            );
            continue;
        }
        let name = path.strip_prefix(&root).expect("below").to_owned();
        match path.extension().and_then(|end| end.to_str()) {
            Some("parquet") => drop(found.insert(name, std::fs::read(&path).expect("a file"))),
            Some("db") => drop(found.insert(name, rows(&path, folder).into_bytes())),
            _ => {}
        }
    }
    found
}

/// The rows of a database, without what is random or a time of ours.
fn rows(path: &Path, folder: &str) -> String {
    const OURS: [&str; 9] = [
        "decided_us",
        "seconds",
        "token",
        "tried_us",
        "delivered_at",
        "state_id",
        "gone_us",
        "staged",
        "value",
    ];
    let database = rusqlite::Connection::open(path).expect("a database");
    let mut tables = database
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        .expect("SQL");
    let tables: Vec<String> = tables
        .query_map([], |row| row.get(0))
        .expect("rows")
        .map(|row| row.expect("one"))
        .collect();
    let mut text = String::new();
    for table in tables {
        let mut query = database.prepare(&format!("SELECT * FROM \"{table}\"")).expect("SQL");
        let names: Vec<String> = query.column_names().map(str::to_owned).collect();
        let mut lines = Vec::new();
        let mut rows = query.query([]).expect("rows");
        while let Some(row) = rows.next().expect("one") {
            let cell = |(at, name): (usize, &String)| match row.get_unwrap::<_, Value>(at) {
                _ if OURS.contains(&name.as_str()) => String::new(),
                Value::Blob(bytes) => String::from_utf8_lossy(&bytes).replace(folder, "."),
                Value::Text(text) => text.replace(folder, "."),
                other => format!("{other:?}"),
            };
            let cells: Vec<String> = names.iter().enumerate().map(cell).collect();
            lines.push(cells.join("|"));
        }
        lines.sort();
        text += &format!("{table} {names:?}\n{}\n", lines.join("\n"));
    }
    text
}

#[track_caller]
fn same(world: &World) {
    let (together, alone) = (content(world, "together"), content(world, "alone"));
    assert!(together.len() >= 10, "{:?}", together.keys());
    assert_eq!(together.keys().collect::<Vec<_>>(), alone.keys().collect::<Vec<_>>());
    for (path, bytes) in &together {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(
            *bytes == alone[path],
            "{}:\n{}\n{}",
            path.display(),
            text(bytes),
            text(&alone[path])
        );
    }
}

fn names() -> Vec<&'static str> {
    JOBS.iter().map(|(name, _)| *name).collect()
}

#[test]
fn jobs_that_read_the_same_lines_give_what_each_gives_alone() {
    let world = world();
    let more = ["--json"];
    assert_eq!(both(&world, &names(), &more), 3, "many rejects");
    assert_eq!(passes(&world, "together"), 1);
    same(&world);
    // Nothing new.
    both(&world, &names(), &more);
    assert_eq!(passes(&world, "together"), 1);
    // Files that were read in part, one that came, one that was compressed meanwhile.
    world.append("logs/a.log", odd_lines(700, 90));
    world.write("logs/c.log", odd_lines(20_000, 50));
    let old = std::fs::read(world.path("logs/b.log")).expect("a log");
    std::fs::remove_file(world.path("logs/b.log")).expect("removed");
    world.write("logs/b.log.1.gz", gzip(&String::from_utf8(old).expect("text")));
    ["logs/a.log", "logs/c.log", "logs/b.log.1.gz"].iter().for_each(|log| world.age(log));
    both(&world, &names(), &["--final", "--json"]);
    assert_eq!(passes(&world, "together"), 2);
    same(&world);
}

#[test]
fn jobs_that_are_ahead_of_others_read_what_is_new_to_them() {
    let world = world();
    both(&world, &["sizes", "failing"], &[]);
    world.append("logs/a.log", odd_lines(700, 90));
    world.age("logs/a.log");
    both(&world, &["missing"], &[]);
    both(&world, &names(), &["--json"]);
    // Those that have read nothing yet.
    assert_eq!(passes(&world, "together"), 2);
    same(&world);
    // Their catalogs number the segments differently by now.
    world.append("logs/b.log", odd_lines(70, 90));
    world.age("logs/b.log");
    both(&world, &names(), &["--json"]);
    assert_eq!(passes(&world, "together"), 3);
    same(&world);
}

#[test]
fn a_job_that_is_there_twice_finds_nothing_new_the_second_time() {
    let world = world();
    both(&world, &["status", "words", "status", "raw", "words"], &["--json"]);
    same_of(&world);
}

#[track_caller]
fn same_of(world: &World) {
    assert_eq!(content(world, "together"), content(world, "alone"));
}

#[test]
fn one_bar_shows_the_pass_and_each_job_is_told_of_by_its_own_line() {
    let world = world();
    let done = run(&world, "together", &["status", "raw"], &["--progress", "always", "-v"]);
    let done = done.expect(0).says(&["status and 1 more [", "status: batch 1: ", "raw: batch 1: "]);
    // The second is drawn when the first has been told of.
    let (first, _) = done.err.split_once("raw [").expect("its bar");
    assert!(first.contains("status: batch 1: "), "{}", done.err);
}

#[test]
fn a_job_that_fails_before_stops_no_other() {
    let world = world();
    both(&world, &names(), &[]);
    world.append("logs/a.log", odd_lines(700, 90));
    world.age("logs/a.log");
    // One was changed, the catalog of one is no catalog, one is locked.
    for folder in ["together", "alone"] {
        world.write(&format!("{folder}/state/words/catalog.db"), "no database");
    }
    let raw = std::fs::read_to_string(world.path("raw.toml")).expect("a job");
    world.write("raw.toml", raw.replace("count(*)", "max(status)"));
    let locks: Vec<_> = ["together", "alone"]
        .map(|folder| world.path(folder).join("state/failing"))
        .iter()
        .map(|state| logmill::catalog::JobLock::acquire(state).expect("free"))
        .collect();
    let together = run(&world, "together", &names(), &[]);
    let mut err = String::new();
    for job in names() {
        err += &run(&world, "alone", &[job], &[]).err;
    }
    drop(locks);
    let same_time = |text: &str| -> Vec<String> {
        let lines = text.replace("alone/", "together/");
        lines.lines().map(|line| line.split(" since ").next().unwrap_or_default().into()).collect()
    };
    assert_eq!(same_time(&together.err), same_time(&err));
    together.expect(1).says(&["logmill: failing: another run", "raw.toml: the job was changed"]);
    assert_eq!(passes(&world, "together"), 2);
    for folder in ["together", "alone"] {
        std::fs::remove_file(world.path(folder).join("state/words/catalog.db")).expect("removed");
    }
    same(&world);
}

#[test]
fn a_log_that_cant_be_read_is_told_by_each_job_and_the_others_are_read() {
    let world = world();
    let mut cut = gzip(&odd_lines(30_000, 3_000));
    cut.truncate(cut.len() / 2);
    world.write("logs/cut.log.gz", cut);
    world.age("logs/cut.log.gz");
    assert_eq!(both(&world, &names(), &["--json"]), 1);
    same(&world);
}

#[test]
fn jobs_with_little_memory_together_spill_and_give_the_same() {
    let world = world();
    world.write("logs/many.log", lines(0, 30_000));
    world.age("logs/many.log");
    let many = "name = \"many\"\n[source]\npaths = [\"logs/*\"]\nformat = \"combined\"\n[reduce]\nby = [\"path\", \"remote_addr\"]\n[reduce.measures]\nhits = \"count(*)\"\n[output.summary]\npath = \"many\"\n";
    world.write("many.toml", many);
    world.write(
        "more.toml",
        many.replace("\"many\"", "\"more\"").replace("remote_addr", "event_time"),
    );
    both(&world, &["many", "more", "status"], &["--memory", "4MiB", "--json"]);
    assert_eq!(passes(&world, "together"), 1);
    same(&world);
}

#[test]
fn a_run_that_is_killed_between_the_decisions_of_its_jobs_is_finished_by_the_next() {
    let world = world();
    for job in names() {
        run(&world, "alone", &[job], &[]);
    }
    for (point, pass) in [
        ("map.together", 1),
        ("batch.mapped", 1),
        ("batch.mapped", 3),
        ("batch.staged", 2),
        ("batch.decided", 1),
        ("batch.decided", 6),
    ] {
        let _ = std::fs::remove_dir_all(world.path("together"));
        let state = ["--output", "together", "--state-dir", "together/state"];
        let files = names().iter().map(|job| format!("{job}.toml")).collect::<Vec<_>>();
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let mut command = world.command(&[&["run"], &files[..], &state].concat());
        let killed = Done::of(command.env("LOGMILL_FAULT", format!("{point}:{pass}:abort")));
        assert_eq!(killed.status, -1, "{point} {pass}: {}", killed.err);
        run(&world, "together", &names(), &[]);
        let files = |folder: &str| {
            let mut files = content(&world, folder);
            // Batches and fences are counted on.
            files.retain(|path, _| {
                !path.starts_with("state") && path.extension().is_none_or(|e| e != "db")
            });
            files
        };
        assert_eq!(files("together"), files("alone"), "{point} {pass}");
    }
}
