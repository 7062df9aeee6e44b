//! Faults at each system call of a run that touches a file: killed there, or told that the disk is full, broken or not
//! to be written. Afterwards nothing is half-visible, and the next run brings all outputs to what they would be.
//!
//! `LOGMILL_FAULT_TRIALS` says how many calls are tried, spread over all (`all` for each one).

#[allow(dead_code, reason = "shared with the kill tests")]
#[path = "kill/input.rs"]
mod input;
#[path = "faults/kept.rs"]
mod kept;
#[allow(dead_code, reason = "shared with the kill tests")]
#[path = "kill/mariadb.rs"]
mod mariadb;
#[path = "faults/points.rs"]
mod points;
#[allow(dead_code, reason = "shared with the kill tests")]
#[path = "kill/site.rs"]
mod site;
#[allow(dead_code, reason = "shared with the tests of starts")]
#[path = "faults/stage.rs"]
mod stage;
#[allow(dead_code, reason = "shared with the power tests")]
#[path = "faults/strace.rs"]
mod strace;

use std::os::unix::process::ExitStatusExt;
use std::process::Output;

use points::{CHANGING, Point, points};
use stage::{Expected, Stage, spread, trials};

/// The first batch makes all files, the second replaces some and removes others.
const PHASES: usize = 2;

/// All points of the phase's undisturbed run.
fn reference(stage: &Stage) -> (Expected, Vec<Point>) {
    let expected = stage.expected();
    stage.restore();
    let output = stage.traced(&["-e", &format!("trace={CHANGING}")]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(stage.site.contents(), expected.contents, "a traced run");
    let calls = strace::read(&stage.log("trace"));
    (expected, points(&calls, stage.site.path()))
}

/// Runs with a fault at a point.
fn run(stage: &Stage, point: &Point, fault: &str) -> Output {
    stage.restore();
    let options = point.options(fault);
    stage.traced(&options.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn a_run_that_is_killed_at_any_call_that_changes_a_file_leaves_whole_batches_and_is_completed() {
    let (mut stage, mut wrong) = (Stage::new(), Vec::new());
    let (mut kills, mut missed, mut all) = (0, 0, 0);
    for phase in 0..PHASES {
        let (expected, mut points) = reference(&stage);
        points.retain(|point| point.call != "openat" || point.creates);
        all += points.len();
        for point in spread(points, trials("LOGMILL_FAULT_TRIALS", 30)) {
            match run(&stage, &point, "signal=SIGKILL").status.signal() {
                Some(9) => kills += 1,
                _ => missed += 1,
            }
            let held = stage.is_whole(&expected).and_then(|()| stage.completes(&expected));
            wrong
                .extend(held.err().map(|what| format!("phase {phase}, killed at {point}: {what}")));
        }
        stage.advance();
    }
    println!("{kills} kills at {all} calls, {missed} runs did not come there");
    assert!(wrong.is_empty(), "{} of {kills}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(kills > 4 * missed, "{missed} runs did not come to their call, {kills} did");
}

/// What a call may answer.
fn errors(point: &Point) -> &'static [&'static str] {
    match point.call.as_str() {
        "fsync" | "fdatasync" => &["EIO"],
        "openat" if point.creates => &["ENOSPC", "EROFS", "EACCES", "EMFILE", "EDQUOT"],
        "openat" => &["EACCES", "EMFILE"],
        "unlink" | "unlinkat" | "rmdir" => &["EROFS", "EACCES"],
        "write" | "pwrite64" | "ftruncate" => &["ENOSPC", "EDQUOT", "EIO"],
        _ => &["ENOSPC", "EROFS", "EACCES", "EDQUOT"],
    }
}

/// What must hold right after a run that met an error.
fn judge(stage: &Stage, expected: &Expected, point: &Point, output: &Output) -> Result<(), String> {
    let words = String::from_utf8_lossy(&output.stderr);
    let status = output.status.code().ok_or_else(|| format!("{}: {words}", output.status))?;
    match status {
        // Harmless: then nothing is missing.
        0 if stage.site.contents() != expected.contents => {
            Err("status 0, and wrong outputs".to_owned())
        }
        0 => Ok(()),
        1 | 4 if words.contains("panicked") || !words.contains("logmill: killed: ") => {
            Err(format!("no clear message: {words}"))
        }
        1 | 4 if words.contains("took over") => Err(format!("nobody else is there: {words}")),
        1 | 4 => Ok(()),
        2 if point.path.ends_with("killed.toml") => Ok(()),
        other => Err(format!("status {other}: {words}")),
    }?;
    // A log that can't be opened is left to a later batch; what is decided then is whole, but of fewer lines.
    if !point.is_in("logs") {
        stage.is_whole(expected)?;
    }
    if point.syncs() && point.is_staged() && stage.site.catalog_state().batch == expected.batch {
        return Err("decided, although a staged file was not made durable".to_owned());
    }
    Ok(())
}

/// The kernel may have thrown away what it could not write: a second fsync on the same data would succeed and mean nothing.
fn has_no_second_sync(stage: &Stage) -> Result<(), String> {
    let mut failed = None;
    for call in strace::read(&stage.log("trace")) {
        match &failed {
            None if call.injected => failed = call.path(0),
            Some(path) if call.path(0).as_ref() == Some(path) => {
                return Err(format!("{} was synced again", path.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

#[test]
fn a_run_that_is_refused_any_call_on_a_file_says_so_and_the_next_one_completes() {
    let (mut stage, mut wrong) = (Stage::new(), Vec::new());
    let (mut met, mut missed) = (0, 0);
    let mut statuses = std::collections::BTreeMap::<i32, usize>::new();
    for phase in 0..PHASES {
        let (expected, points) = reference(&stage);
        let cases = |point: Point| errors(&point).iter().map(move |error| (point.clone(), *error));
        let cases: Vec<_> = points.into_iter().flat_map(cases).collect();
        for (point, error) in spread(cases, trials("LOGMILL_FAULT_TRIALS", 35)) {
            let output = run(&stage, &point, &format!("error={error}"));
            if !strace::read(&stage.log("trace")).iter().any(|call| call.injected) {
                missed += 1;
                continue;
            }
            met += 1;
            *statuses.entry(output.status.code().unwrap_or(-1)).or_default() += 1;
            let mut held = judge(&stage, &expected, &point, &output);
            // SQLite syncs its log and folder once more when it is closed: for what was committed before.
            if point.syncs() && point.is_staged() {
                held = held.and_then(|()| has_no_second_sync(&stage));
            }
            let held = held.and_then(|()| stage.completes(&expected));
            wrong.extend(
                held.err().map(|what| format!("phase {phase}, {error} at {point}: {what}")),
            );
        }
        stage.advance();
    }
    println!("{met} errors met, {missed} runs did not come there; exit statuses: {statuses:?}");
    assert!(wrong.is_empty(), "{} of {met}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(met > 4 * missed, "{missed} runs did not come to their call, {met} did");
}
