//! kill -9 at random moments of runs that are started again until they succeed: all outputs are those of an undisturbed
//! run, and whoever watches them meanwhile never sees an invalid file, a missing one, or half a batch.
//!
//! `LOGMILL_KILL_TRIALS` says how many trials there are (25); `scripts/test --long` sets 100.

#[path = "kill/figures.rs"]
mod figures;
#[path = "kill/input.rs"]
mod input;
#[path = "kill/killer.rs"]
mod killer;
#[path = "kill/mariadb.rs"]
mod mariadb;
#[path = "kill/site.rs"]
mod site;
#[path = "kill/watcher.rs"]
mod watcher;

use std::sync::Arc;
use std::time::{Duration, Instant};

use figures::Figures;
use input::PHASES;
use killer::Killer;
use mariadb::Table;
use site::{Contents, Site};
use watcher::Watcher;

fn trials() -> u64 {
    let trials = std::env::var("LOGMILL_KILL_TRIALS").ok().and_then(|n| n.parse().ok());
    trials.unwrap_or(25)
}

/// What must come out: after each phase the records of the summary so far, and at the end everything.
struct Expected {
    hits: Vec<i64>,
    contents: Contents,
    /// The longest of these runs.
    whole_run: Duration,
}

/// One run a phase that nobody disturbs.
fn undisturbed() -> Expected {
    let site = Site::new(None);
    let (mut hits, mut whole_run) = (vec![0], Duration::ZERO);
    for phase in 0..PHASES {
        input::write(&site.logs(), phase);
        let started = Instant::now();
        site.run_in_peace();
        whole_run = whole_run.max(started.elapsed());
        hits.push(site.hits());
    }
    // In one batch it is the same.
    let whole = Site::new(None);
    (0..PHASES).for_each(|phase| input::write(&whole.logs(), phase));
    whole.run_in_peace();
    let contents = site.contents();
    assert_eq!(whole.contents(), contents, "three batches and one");
    assert!(contents.counters.rejected > 0 && contents.counters.filtered > 0);
    Expected { hits, contents, whole_run }
}

/// Goes through all phases with a killer at work.
fn trial(number: u64, expected: &Arc<Expected>, table: Option<&Table>, figures: &mut Figures) {
    let site = Site::new(table);
    let mut killer = Killer::new(number, expected.whole_run);
    let watcher = Watcher::start(&site, expected.hits.clone());
    for phase in 0..PHASES {
        input::write(&site.logs(), phase);
        killer.run_until_it_succeeds(&site, figures);
        assert_eq!(site.hits(), expected.hits[phase + 1], "trial {number}, phase {phase}");
    }
    let seen = watcher.stop().unwrap_or_else(|wrong| panic!("trial {number}: {wrong}"));
    figures.looks += seen;
    figures.trials += 1;
    let contents = site.contents();
    assert!(
        contents == expected.contents,
        "trial {number}:\n{}",
        contents.diff(&expected.contents)
    );
    site.has_no_leftovers();
}

#[test]
fn killed_runs_leave_the_outputs_of_an_undisturbed_one() {
    let expected = Arc::new(undisturbed());
    let mut figures = Figures::default();
    (0..trials()).for_each(|number| trial(number, &expected, None, &mut figures));
    println!("{figures}");
    assert!(figures.kills() >= trials(), "too few kills to prove anything: {figures}");
}

#[test]
fn killed_runs_leave_the_rows_of_an_undisturbed_one_in_mariadb() {
    let expected = Arc::new(undisturbed());
    let mut figures = Figures::default();
    for number in 0..trials().div_ceil(4) {
        let table = Table::new(number);
        trial(1_000_000 + number, &expected, Some(&table), &mut figures);
        assert_eq!(table.rows(), expected.contents.mysql_rows(), "trial {number}");
    }
    println!("{figures}");
    assert!(figures.kills() > 0, "no kill: {figures}");
}
