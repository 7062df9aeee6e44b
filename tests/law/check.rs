//! One case: its history, the undisturbed run, the model, and the comparison.

use logmill::engine::reject::Counters;
use logmill::source::IoMode;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use crate::history::{Case, Event, Mode};
use crate::model::{self, Expected, Group};
use crate::outputs::{self, Outputs, Row};
use crate::world::World;

/// Exact columns of the summary; the approximate ones stand behind them.
const EXACT: usize = 21;
/// Place of `dev_n`.
const DEVIATION: usize = 11;

/// Checks a case.
pub fn holds(case: &Case) -> Result<(), TestCaseError> {
    let mut world = World::new(case.dialect, &case.families);
    let counters = live(case, &mut world)?;
    let mut calm = World::new(case.dialect, &case.families);
    calm.write_all();
    let mode = Mode { split_bytes: None, threads: 1, io: IoMode::Read, memory_bytes: 1 << 30 };
    run(&calm, mode, true)?;

    let (found, reference) = (outputs::read(world.path()), outputs::read(calm.path()));
    let logs: Vec<_> = case.families.iter().flatten().cloned().collect();
    let expected = model::expect(case.dialect, &logs);
    agrees(&reference, &expected)?;
    // What is late depends on how the input was cut into batches.
    let counters = Counters { late: 0, newest_us: None, ..counters };
    prop_assert_eq!(counters, expected.counters, "counters of the runs");
    let stored = Counters { late: 0, ..found.counters };
    prop_assert_eq!(stored, lines(&expected.counters), "counters of the catalog");
    prop_assert_eq!(&found.rejects, &expected.rejects, "rejects");
    prop_assert_eq!(&found.summary, &reference.summary, "rows of the summary");
    let names = |outputs: &Outputs| outputs.files.keys().cloned().collect::<Vec<_>>();
    prop_assert_eq!(names(&found), names(&reference), "files of the summary");
    prop_assert!(found.files == reference.files, "bytes of the summary's files");
    prop_assert_eq!(&found.sqlite, &reference.sqlite, "rows of SQLite");
    prop_assert_eq!(&found.events, &expected.events, "events");
    Ok(())
}

/// Goes through the case's history; answers the counters of all runs together.
fn live(case: &Case, world: &mut World) -> Result<Counters, TestCaseError> {
    let mut counters = Counters::default();
    for event in &case.events {
        match *event {
            Event::Append(family, bytes) => world.append(family, bytes),
            Event::Rotate(family) => world.rotate(family),
            Event::Compress(family) => world.compress(family),
            Event::Run(mode) if world.has_logs() => counters.add(&run(world, mode, false)?),
            Event::Run(_) => {}
        }
    }
    world.finish();
    counters.add(&run(world, case.last, true)?);
    Ok(counters)
}

/// What the catalog keeps of the counters.
fn lines(all: &Counters) -> Counters {
    let Counters { mapped, filtered, rejected, bytes, .. } = *all;
    Counters { mapped, filtered, rejected, bytes, ..Counters::default() }
}

fn run(world: &World, mode: Mode, final_: bool) -> Result<Counters, TestCaseError> {
    let outcome = world.run(mode, final_).map_err(TestCaseError::fail)?;
    prop_assert!(outcome.problems.is_empty(), "{:?}", outcome.problems);
    prop_assert!(outcome.busy.is_none() && !outcome.waits(), "{outcome:?}");
    Ok(outcome.counters)
}

/// The undisturbed run against the model.
fn agrees(found: &Outputs, expected: &Expected) -> Result<(), TestCaseError> {
    prop_assert_eq!(found.counters, lines(&expected.counters), "counters, undisturbed");
    prop_assert_eq!(&found.rejects, &expected.rejects, "rejects, undisturbed");
    prop_assert_eq!(&found.events, &expected.events, "events, undisturbed");
    prop_assert_eq!(found.summary.len(), expected.summary.len(), "groups");
    prop_assert_eq!(found.sqlite.len(), expected.summary.len(), "rows of SQLite");
    for ((row, wanted), group) in found.summary.iter().zip(&expected.summary).zip(&expected.groups)
    {
        let mut exact = row[..EXACT].to_vec();
        if is_close(&row[DEVIATION], &wanted[DEVIATION]) {
            exact[DEVIATION].clone_from(&wanted[DEVIATION]);
        }
        prop_assert_eq!(&exact, wanted, "a group against the model");
        approximate(&row[EXACT..], group)?;
    }
    Ok(())
}

/// The model's deviation is rounded twice: it may be off by the last digit.
fn is_close(found: &str, wanted: &str) -> bool {
    match (found.parse::<f64>(), wanted.parse::<f64>()) {
        (Ok(a), Ok(b)) => (a - b).abs() <= b.abs() * f64::EPSILON,
        _ => false,
    }
}

/// `any`, `approx_distinct`, `approx_quantile(d, 0.9)`.
fn approximate(cells: &[String], group: &Group) -> Result<(), TestCaseError> {
    let row: &Row = &cells.to_vec();
    let some = group.texts.iter().any(|text| format!("{text:?}") == cells[0]);
    prop_assert!(some || (group.texts.is_empty() && cells[0] == outputs::NULL), "any: {:?}", row);
    let about: i64 = cells[1].parse().expect("an int");
    prop_assert!((about - group.texts.len() as i64).abs() <= 1, "approx_distinct: {:?}", row);
    let Ok(p90) = cells[2].parse::<f64>() else {
        prop_assert!(group.decimals.is_empty(), "approx_quantile: {:?}", row);
        return Ok(());
    };
    let place = 0.9 * (group.decimals.len() - 1) as f64;
    let near = [place.floor(), place.ceil()].map(|at| group.decimals[at as usize] as f64 / 1000.0);
    let (low, high) = (near[0] - near[0].abs() * 0.01, near[1] + near[1].abs() * 0.01);
    prop_assert!((low..=high).contains(&p90), "approx_quantile: {:?} of {:?}", row, group.decimals);
    Ok(())
}
