//! Every shipped job on the samples, against what it is known to give: `tests/golden/JOB.tsv`.
//!
//! `LOGMILL_BLESS=1 cargo test --test cli golden` writes these files anew; look at the difference before committing it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use crate::support::tables::{Table, read_parquet, read_sqlite};
use crate::support::{Done, binary, program, repo};

/// A longer table is kept as its first rows, their number, and a hash of all.
const ROWS_MAX: usize = 2000;
const ROWS_SHOWN: usize = 200;

fn jobs() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(repo().join("jobs")).expect("the job files");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut jobs: Vec<PathBuf> =
        paths.filter(|p| p.extension().is_some_and(|e| e == "toml")).collect();
    jobs.sort();
    jobs
}

/// Runs a job into a folder; its output paths begin with `../out/`.
fn run(job: &Path, folder: &Path) -> serde_json::Value {
    let mut command = program(binary());
    command.arg("run").arg(job).args(["--json", "--final", "--output"]).arg(folder.join("jobs"));
    command.arg("--state-dir").arg(folder.join("state"));
    Done::of(&mut command).expect(0).json()
}

/// What a job gave, as the golden files have it. The SQLite table must hold the same rows as the Parquet.
fn outcome(job: &Path) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let report = run(job, folder.path());
    let name = report["job"].as_str().expect("a name");
    let mut text = String::new();
    for counter in ["lines", "mapped", "filtered", "rejected", "groups", "bytes"] {
        writeln!(text, "# {counter} {}", report[counter]).expect("text");
    }
    let out = folder.path().join("out").join(name);
    for what in ["summary", "events"].into_iter().filter(|what| out.join(what).exists()) {
        let mut table = read_parquet(&out.join(what));
        if what == "events" {
            // Their order is that of files and splits.
            table.rows.sort();
        } else {
            let rows = read_sqlite(&out.join(format!("{name}.db")), name, &table);
            assert!(rows == table.rows, "{name}: the SQLite table differs from the Parquet");
        }
        show(&mut text, what, &table);
    }
    text.replace(&format!("{}/", repo().display()), "")
}

fn show(text: &mut String, what: &str, table: &Table) {
    let columns: Vec<String> =
        table.columns.iter().map(|(name, ty)| format!("{name}:{ty}")).collect();
    writeln!(text, "# {what}: {} rows", table.rows.len()).expect("text");
    writeln!(text, "{}", columns.join("\t")).expect("text");
    let long = table.rows.len() > ROWS_MAX;
    let shown = if long { &table.rows[..ROWS_SHOWN] } else { &table.rows };
    shown.iter().for_each(|row| writeln!(text, "{row}").expect("text"));
    if long {
        let all = table.rows.join("\n").replace(&format!("{}/", repo().display()), "");
        writeln!(text, "# xxh3 of all rows: {:016x}", xxh3_64(all.as_bytes())).expect("text");
    }
}

/// Where two texts first differ.
fn difference(expected: &str, found: &str) -> String {
    let mut pairs = expected.lines().zip(found.lines()).enumerate();
    match pairs.find(|(_, (a, b))| a != b) {
        Some((at, (a, b))) => format!("line {}\n expected {a}\n found    {b}", at + 1),
        None => format!("{} lines instead of {}", found.lines().count(), expected.lines().count()),
    }
}

#[test]
fn every_shipped_job_gives_its_golden_output() {
    let jobs = jobs();
    assert!(jobs.len() >= 6, "only {} jobs", jobs.len());
    let mut wrong = Vec::new();
    for job in jobs {
        let name = job.file_stem().expect("a name").to_string_lossy().into_owned();
        let golden = repo().join(format!("tests/golden/{name}.tsv"));
        let found = outcome(&job);
        if std::env::var_os("LOGMILL_BLESS").is_some() {
            std::fs::write(&golden, &found).expect("written");
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        if expected != found {
            wrong.push(format!("{}: {}", golden.display(), difference(&expected, &found)));
        }
    }
    assert!(wrong.is_empty(), "{}\n(LOGMILL_BLESS=1 takes what was found)", wrong.join("\n"));
}
