//! Random histories of logs, and a model of what a run over them must count (docs/RELIABILITY.md, row 1).
//!
//! A history is a sequence of steps: lines and halves of lines are written, logs are rotated, copied and truncated,
//! compressed, deleted once they are read; logmill runs in this process, and is killed at its fault points. At its end,
//! however it went: each line was counted once (the rows of SQLite, the counters, and the ledger of each segment's
//! bytes), as by a model that is a loop over the lines written.
//!
//! `LOGMILL_MODEL_SEQUENCES` says how many histories there are. Steps are listed in `model/step.rs`.

#[path = "model/lines.rs"]
mod lines;
#[path = "model/site.rs"]
mod site;
#[path = "model/step.rs"]
mod step;

use proptest::prelude::*;
use site::Site;
use step::{Step, steps};

/// Histories in the ordinary test run.
const SEQUENCES: u32 = 2_000;

fn config() -> ProptestConfig {
    let sequences = std::env::var("LOGMILL_MODEL_SEQUENCES").ok().and_then(|n| n.parse().ok());
    ProptestConfig {
        cases: sequences.unwrap_or(SEQUENCES),
        failure_persistence: None,
        max_shrink_iters: 4_000,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_happens_every_line_is_counted_once(steps in steps()) {
        let mut site = Site::new();
        for step in &steps {
            site.happen(step).map_err(TestCaseError::fail)?;
        }
        site.check().map_err(TestCaseError::fail)?;
    }
}

/// A history that a person might write down.
#[test]
fn a_log_is_copied_truncated_compressed_and_its_reader_killed() {
    let steps = [
        Step::Append { log: 0, lines: 3 },
        Step::Partial { log: 0, percent: 40 },
        Step::Run { threads: 2, split_bytes: 7, final_: false },
        Step::CopyTruncate { log: 0, run_between: true },
        Step::Append { log: 0, lines: 2 },
        Step::Kill { point: "catalog.committed", pass: 2 },
        Step::Pack { log: 0, nth: 0, zstd: true, keep_time: false },
        Step::Rotate { log: 0, late_lines: 2 },
        Step::Run { threads: 1, split_bytes: 1_000, final_: true },
        Step::DeleteOldest { log: 0 },
    ];
    let mut site = Site::new();
    steps.iter().for_each(|step| site.happen(step).unwrap_or_else(|e| panic!("{step:?}: {e}")));
    site.check().unwrap_or_else(|e| panic!("{e}"));
}

/// Found by chance: half a line was read, and it goes on in another file.
#[test]
fn half_a_line_goes_on_wherever_its_log_does() {
    let moves = [
        vec![Step::Replace { log: 1, nth: 0 }, Step::Append { log: 1, lines: 1 }],
        vec![
            Step::Rotate { log: 1, late_lines: 1 },
            Step::Pack { log: 1, nth: 0, zstd: false, keep_time: false },
        ],
        vec![
            Step::Partial { log: 1, percent: 50 },
            Step::CopyTruncate { log: 1, run_between: false },
        ],
    ];
    for moves in moves {
        let mut site = Site::new();
        site.happen(&Step::Partial { log: 1, percent: 0 }).expect("written");
        let run = Step::Run { threads: 1, split_bytes: 1, final_: true };
        site.happen(&run).expect("read");
        moves.iter().for_each(|step| site.happen(step).expect("the step works"));
        site.check().unwrap_or_else(|wrong| panic!("{moves:?}: {wrong}"));
    }
}
