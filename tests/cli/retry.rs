//! `rejects --retry`: rejected lines that can be read by now are merged once, as though they had been read at first.

use logmill::catalog::{Catalog, Totals};

use crate::support::faults::{self, Saved};
use crate::support::{Done, World, tables};

/// Lines are `minute number word`; the word is looked at by the pattern.
const JOB: &str = r#"name = "words"
[source]
paths = ["logs/*.log*"]
format = { regex = '^(?P<at>\S+) (?P<n>\d+) (?P<word>[a-z]+)$' }
time = "at"
[source.fields]
at = "timestamp"
n = "int"
[map]
where = "word <> 'skip'"
[reduce]
window = "1m"
by = ["word"]
[reduce.measures]
lines = "count(*)"
total = "sum(n)"
newest = "last(n)"
oldest = "first(n)"
[output.summary]
path = "out/hits"
[output.events]
path = "out/events"
columns = ["event_time", "n", "word"]
partition = "hour"
[output.sqlite]
path = "out/hits.db"
table = "hits"
[limits]
line = "8KiB"
reject_ratio = 1.0
"#;

/// The same, for words in capitals too.
fn mended() -> String {
    JOB.replace("[a-z]+", "[A-Za-z]+")
}

fn line(minute: usize, n: usize, word: &str) -> String {
    format!("2026-11-22T{:02}:{:02}:00Z {n} {word}\n", minute / 60, minute % 60)
}

/// Two files of 20 times six lines: three are records, one of them dropped by the filter; two are for later, one for never.
fn world() -> World {
    let world = World::new();
    world.job(JOB);
    for (file, from) in [("logs/a.log", 0), ("logs/b.log", 100)] {
        let words = ["one", "LATER", "two", "skip", "no word", "Later"];
        let lines: String =
            words.iter().enumerate().map(|(n, word)| line(n / 2, from + n, word)).collect();
        world.write(file, lines.repeat(20));
    }
    world.run(&[]).expect(0);
    world
}

fn catalog(world: &World) -> Catalog {
    Catalog::open_existing(&world.path(".logmill/words")).expect("a catalog").expect("it ran")
}

fn totals(world: &World) -> Totals {
    catalog(world).totals().expect("totals")
}

fn retry(world: &World) -> Done {
    world.logmill(&["rejects", "job.toml", "--retry", "--json"])
}

/// What readers see.
fn outputs(world: &World) -> (Vec<String>, Vec<String>, Vec<String>) {
    let mut events = tables::read_parquet(&world.path("out/events")).rows;
    events.sort();
    (world.summary(), world.sqlite(), events)
}

/// The outputs of a job that meets the same logs for the first time.
fn fresh(world: &World, job: &str) -> World {
    let fresh = World::new();
    fresh.job(job);
    for name in ["logs/a.log", "logs/b.log"] {
        fresh.write(name, std::fs::read(world.path(name)).expect("readable"));
    }
    fresh.run(&[]).expect(0);
    fresh
}

#[test]
fn lines_that_can_be_read_by_now_are_merged_once() {
    let world = world();
    let job = mended();
    world.job(&job);
    world.run(&[]).expect(1).says(&["logmill rejects job.toml --retry"]);
    let before = totals(&world).counters;
    let report = retry(&world).expect(0).json();
    let number = |name: &str| report[name].as_u64().expect("a number");
    assert_eq!((number("batch"), number("retried"), number("mapped")), (2, 80, 80));
    assert_eq!((number("left"), number("unreadable"), number("not_kept")), (40, 0, 0));
    let fresh = fresh(&world, &job);
    assert_eq!(outputs(&world), outputs(&fresh));
    assert_eq!(totals(&world).counters, totals(&fresh).counters);
    assert_eq!(totals(&world).counters.lines(), before.lines());
    assert_eq!(catalog(&world).rejects(1000).expect("rejects").len(), 40);
    assert_eq!(catalog(&world).history(1).expect("history")[0].retried, 80);
    let again = retry(&world).expect(0).json();
    assert_eq!((&again["retried"], &again["decided"]), (&0.into(), &false.into()));
    assert_eq!(outputs(&world), outputs(&fresh));
    world.append("logs/a.log", line(9, 9, "ONE"));
    assert_eq!(world.run_json(&[])["mapped"], 1, "the job goes on with its new pattern");
}

#[test]
fn lines_that_the_filter_drops_are_no_rejects_any_more() {
    let world = world();
    world.write("logs/b.log", "");
    world.append("logs/a.log", line(7, 7, "skip;"));
    world.run(&[]);
    world.job(&JOB.replace("(?P<word>[a-z]+)$", "(?P<word>[a-z]+);?$"));
    let report = retry(&world).expect(0).json();
    assert_eq!((&report["mapped"], &report["filtered"]), (&0.into(), &1.into()));
    let text = world.logmill(&["rejects", "job.toml", "--retry"]).expect(0).out;
    assert!(text.starts_with("words: 0 of 120 rejected lines merged"), "{text}");
}

#[test]
fn a_job_that_changed_in_more_than_parsing_is_refused() {
    let world = world();
    let before = outputs(&world);
    world.job(&mended().replace("sum(n)", "max(n)"));
    retry(&world).expect(1).says(&["reduce.measures.total was sum(n) and is max(n)", "--rebuild"]);
    world.job(&mended().replace("n = \"int\"", "n = \"decimal(2)\""));
    retry(&world).expect(1).says(&["source.fields.n", "reduce.aggregates", "--rebuild"]);
    assert_eq!(outputs(&world), before);
}

#[test]
fn long_lines_are_read_again_where_the_file_still_has_them() {
    let world = world();
    let long = |n: usize| line(3, n, &"long".repeat(2500 + n));
    let log = world.path("logs/a.log");
    world.append("logs/a.log", long(1) + &line(4, 4, "four") + &long(2));
    world.append("logs/b.log", long(3));
    assert_eq!(world.run_json(&[])["rejected"], 3);
    let none = retry(&world).expect(0).json();
    assert_eq!(
        (&none["retried"], &none["unreadable"], &none["left"]),
        (&0.into(), &0.into(), &123.into())
    );
    let job = JOB.replace("8KiB", "64KiB");
    world.job(&job);
    let fresh = fresh(&world, &job);
    let gzip = std::process::Command::new("gzip").arg(&log).status().expect("gzip starts");
    assert!(gzip.success());
    let b = std::fs::read(world.path("logs/b.log")).expect("readable");
    world.rename("logs/b.log", "b.away");
    let report = retry(&world).expect(0).json();
    assert_eq!((&report["retried"], &report["unreadable"]), (&2.into(), &1.into()), "{report}");
    world.write("logs/b.log", b);
    let report = retry(&world).expect(0).json();
    assert_eq!((&report["retried"], &report["unreadable"]), (&1.into(), &0.into()), "{report}");
    assert_eq!(outputs(&world), outputs(&fresh));
    assert_eq!(totals(&world).counters, totals(&fresh).counters);
}

#[test]
fn formats_with_a_header_need_the_file_that_has_it() {
    let world = World::new();
    let job = r#"name = "words"
[source]
paths = ["logs/*.csv"]
format = "csv"
[source.fields]
n = "int"
[reduce]
by = ["word"]
[reduce.measures]
total = "sum(n)"
[output.summary]
path = "out/hits"
[limits]
line = "1KiB"
reject_ratio = 1.0
"#;
    world.job(job);
    let long = "long".repeat(500);
    world.write("logs/a.csv", format!("n,word\n1,one\n20,{long}\n"));
    world.write("logs/b.csv", format!("word,n\none,100\n{long},2000\n"));
    assert_eq!(world.run(&["--json"]).expect(0).json()["rejected"], 2);
    let job = job.replace("1KiB", "4KiB");
    world.job(&job);
    world.rename("logs/b.csv", "b.away");
    let report = retry(&world).expect(0).json();
    assert_eq!((&report["retried"], &report["unreadable"]), (&1.into(), &1.into()), "{report}");
    world.rename("b.away", "logs/b.csv");
    let report = retry(&world).expect(0).json();
    assert_eq!((&report["retried"], &report["unreadable"]), (&1.into(), &0.into()), "{report}");
    assert_eq!(world.summary(), [format!("{long}\t2020"), "one\t101".into()]);
}

#[test]
fn a_held_job_is_left_alone_and_that_is_a_failure() {
    let world = world();
    let lock = logmill::catalog::JobLock::acquire(&world.path(".logmill/words")).expect("free");
    retry(&world).expect(1).says(&["another run holds this job"]);
    drop(lock);
    retry(&world).expect(0);
}

#[test]
fn a_killed_retry_merges_each_line_once_all_the_same() {
    let world = world();
    let job = mended();
    world.job(&job);
    let (saved, fresh) = (Saved::of(&world), fresh(&world, &job));
    let (expected, counted) = (outputs(&fresh), totals(&fresh).counters);
    let args = ["rejects", "job.toml", "--retry"];
    let points = faults::points(&world, &args);
    for (name, pass) in &points {
        saved.restore(&world);
        faults::kill(&world, &args, name, *pass);
        retry(&world).expect(0);
        world.run(&[]).expect(0);
        assert_eq!(outputs(&world), expected, "killed at {name}, pass {pass}");
        assert_eq!(totals(&world).counters, counted, "killed at {name}, pass {pass}");
    }
    println!("killed at {} points", points.len());
}
