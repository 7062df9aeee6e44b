//! The one law: the outputs depend on the job and on the set of input lines only.
//!
//! A case is a set of logs and a history: how they were appended to, rotated and compressed between runs, and with how
//! many threads, what memory and which reads each run went. Its outputs must be those of one undisturbed single-threaded
//! run (bytes of the summary, rows of SQLite and events), and those of a model that is a few loops over plain values.
//!
//! `PROPTEST_CASES` says how many cases each job gets.

#[path = "law/check.rs"]
mod check;
#[path = "law/history.rs"]
mod history;
#[path = "law/line.rs"]
mod line;
#[path = "law/model.rs"]
mod model;
#[path = "law/outputs.rs"]
mod outputs;
#[path = "law/repair.rs"]
mod repair;
#[path = "law/world.rs"]
mod world;

use history::{Case, case};
use line::Dialect;
use proptest::prelude::*;

/// Few enough for the ordinary test run: four jobs, five runs a case or so.
const CASES: u32 = 100;

fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok());
    ProptestConfig {
        cases: cases.unwrap_or(CASES),
        failure_persistence: None,
        max_shrink_iters: 600,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn access_logs_give_the_same_tables_however_they_are_read(case in case(Dialect::Nginx)) {
        check::holds(&case)?;
    }

    #[test]
    fn json_logs_give_the_same_tables_however_they_are_read(case in case(Dialect::Json)) {
        check::holds(&case)?;
    }

    #[test]
    fn csv_files_give_the_same_tables_however_they_are_read(case in case(Dialect::Csv)) {
        check::holds(&case)?;
    }

    #[test]
    fn records_of_several_lines_give_the_same_tables_however_they_are_read(case in case(Dialect::Records)) {
        check::holds(&case)?;
    }
}

#[test]
fn a_first_line_above_the_limit_is_the_same_reject_for_every_split() {
    for length in [300, 301, 304, 305, 4_096, 5_000] {
        for split in [1, 5, 299, 303, 310, 100_000] {
            let compressed = split % 2 == 0 || split == 5;
            let case = Case::long_first_line(Dialect::Nginx, length, split, compressed);
            check::holds(&case).unwrap_or_else(|e| panic!("{length} {split}: {e}"));
        }
    }
}

/// A history that a person might write down: half a line, a rotation, the other half, compression.
#[test]
fn a_line_cut_by_a_rotation_is_counted_once() {
    check::holds(&Case::rotation_in_mid_line()).unwrap_or_else(|e| panic!("{e}"));
}
