//! Power cuts: a run's file calls are done again on a model of a disk, which forgets at any moment whatever was not made
//! durable, in whole or in part. From what is left, the next run brings all outputs to what they would be, and no
//! decided batch is lost. Besides, the order of the calls itself.
//!
//! `LOGMILL_POWER_TRIALS` says how many cuts there are (`all`: every kind after every call).

#[path = "power/disk.rs"]
mod disk;
#[allow(dead_code, reason = "shared with the kill tests")]
#[path = "kill/input.rs"]
mod input;
#[path = "faults/kept.rs"]
mod kept;
#[allow(dead_code, reason = "shared with the kill tests")]
#[path = "kill/mariadb.rs"]
mod mariadb;
#[path = "power/order.rs"]
mod order;
#[path = "power/replay.rs"]
mod replay;
#[allow(dead_code, reason = "shared with the kill tests")]
#[path = "kill/site.rs"]
mod site;
#[allow(dead_code, reason = "shared with the fault tests")]
#[path = "faults/stage.rs"]
mod stage;
#[allow(dead_code, reason = "shared with the fault tests")]
#[path = "faults/strace.rs"]
mod strace;

use std::collections::BTreeMap;
use std::path::PathBuf;

use disk::Cut;
use input::Random;
use order::Order;
use replay::{CALLS, Replay};
use stage::{Expected, Stage, spread, trials};
use strace::Call;

/// The first batch makes all files, the second replaces some and removes others.
const PHASES: usize = 2;

/// All calls of the phase's undisturbed run, with all bytes that they wrote.
fn reference(stage: &Stage) -> (Expected, Vec<Call>) {
    let expected = stage.expected();
    stage.restore();
    let passed = stage.log("passed");
    let _ = std::fs::remove_file(&passed);
    let calls = format!("trace={CALLS}");
    let passed = format!("LOGMILL_FAULT_LOG={}", passed.display());
    let output = stage.traced(&["-s", "100000000", "-e", &calls, "-E", &passed]);
    assert!(output.status.success(), "{output:?}");
    let mut calls = strace::read(&stage.log("trace"));
    // The kernel frees a descriptor's number when a close begins: another thread may have it again before the close ends.
    calls.sort_by_key(|call| if call.name == "close" { call.began } else { call.ended });
    (expected, calls)
}

#[test]
fn bytes_are_durable_before_the_decision_and_names_before_they_are_noted_as_published() {
    let mut stage = Stage::new();
    for phase in 0..PHASES {
        let (_, calls) = reference(&stage);
        let passed = stage.log("passed");
        let faults = Order::new(&calls, &passed).faults();
        assert!(faults.is_empty(), "phase {phase}:\n{}", faults.join("\n"));
        stage.advance();
    }
}

/// The folders that a run changes.
fn folders(stage: &Stage) -> Vec<PathBuf> {
    ["out", "state"].map(|name| stage.site.path().join(name)).into()
}

/// What the folders hold, but for SQLite's shared memory.
fn real(stage: &Stage) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    Replay::new(&folders(stage)).disk.present()
}

/// A cut behind a number of calls.
type Trial = (usize, Cut);

fn all_trials(calls: &[Call]) -> Vec<Trial> {
    let changes = |call: &Call| {
        call.result >= 0 && !["read", "lseek", "close", "openat"].contains(&call.name.as_str())
            || call.args.iter().any(|arg| arg.contains("O_CREAT"))
    };
    let moments = (0..calls.len()).filter(|at| changes(&calls[*at]));
    let cuts =
        |at| [Cut::Nothing, Cut::Names, Cut::Bytes, Cut::Some, Cut::Some].map(|cut| (at + 1, cut));
    moments.flat_map(cuts).collect()
}

/// What must hold after a cut, before and after the next run.
fn judge(stage: &Stage, expected: &Expected, decided: bool) -> Result<(), String> {
    let batch = stage.site.catalog_state().batch;
    if decided && batch != expected.batch {
        return Err(format!("batch {} was decided, and the last one is {batch}", expected.batch));
    }
    stage.is_whole(expected)?;
    stage.completes(expected)
}

#[test]
fn after_a_power_cut_at_any_moment_no_decided_batch_is_lost_and_the_next_run_completes() {
    let (mut stage, mut wrong, mut count) = (Stage::new(), Vec::new(), 0);
    let mut random = Random(0x5DEE_CE66);
    for phase in 0..PHASES {
        let (expected, calls) = reference(&stage);
        let after = real(&stage);
        stage.restore();
        let mut replay = Replay::new(&folders(&stage));
        let (passed, mut done, mut decided) = (stage.log("passed"), 0, false);
        for (moment, cut) in spread(all_trials(&calls), trials("LOGMILL_POWER_TRIALS", 75)) {
            for call in &calls[done..moment] {
                replay.step(call);
                decided |= call.name == "write"
                    && call.path(0).as_ref() == Some(&passed)
                    && call.bytes(1) == b"batch.decided\n";
            }
            done = moment;
            disk::restore(&folders(&stage), &replay.disk.after_power_cut(cut, &mut random));
            count += 1;
            let held = judge(&stage, &expected, decided).err();
            let call = &calls[moment - 1];
            let place =
                call.paths().first().map(|path| path.display().to_string()).unwrap_or_default();
            wrong.extend(held.map(|what| {
                format!("phase {phase}, {cut:?} after call {moment}, {} {place}: {what}", call.name)
            }));
        }
        calls[done..].iter().for_each(|call| replay.step(call));
        assert!(
            replay.disk.present() == after,
            "the model's disk is another one than the real one"
        );
        stage.advance();
    }
    println!("{count} power cuts");
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}
