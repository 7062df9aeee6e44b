//! Runs of one job that meet: many at once, one that was stopped and overtaken, one that is told to end.
//!
//! `LOGMILL_START_ROUNDS`, `LOGMILL_ZOMBIE_TRIALS` and `LOGMILL_TERM_TRIALS` say how often.

#[allow(dead_code, reason = "shared with the kill tests")]
#[path = "kill/input.rs"]
mod input;
#[path = "faults/kept.rs"]
mod kept;
#[allow(dead_code, reason = "shared with the kill tests")]
#[path = "kill/mariadb.rs"]
mod mariadb;
#[allow(dead_code, reason = "shared with the fault tests")]
#[path = "faults/points.rs"]
mod points;
#[path = "starts/rounds.rs"]
mod rounds;
#[allow(dead_code, reason = "shared with the kill tests")]
#[path = "kill/site.rs"]
mod site;
#[allow(dead_code, reason = "shared with the fault tests")]
#[path = "faults/stage.rs"]
mod stage;
#[allow(dead_code, reason = "shared with the fault tests")]
#[path = "faults/strace.rs"]
mod strace;
#[path = "starts/wire.rs"]
mod wire;
#[path = "starts/zombie.rs"]
mod zombie;

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use input::Random;
use mariadb::Table;
use points::{CHANGING, Point, points};
use rounds::{Start, percentile};
use site::{Contents, Site};
use stage::{Stage, trials};
use wire::{WIRE, points_on_wire};
use zombie::{Ended, Zombie};

/// The job before its second batch, and what the outputs are once the third phase's lines came too.
fn second_batch(mut stage: Stage) -> (Stage, Contents, Vec<Point>) {
    stage.advance();
    let output = stage.traced(&["-e", &format!("trace={CHANGING}")]);
    assert!(output.status.success(), "{output:?}");
    let points = points(&strace::read(&stage.log("trace")), stage.site.path());
    stage.write_logs(2);
    stage.site.run_in_peace();
    let contents = stage.site.contents();
    (stage, contents, points)
}

/// Whether a run that stands there holds a transaction of SQLite: then others wait for it, and give up.
fn holds_a_transaction(point: &Point) -> bool {
    let path = point.path.to_string_lossy();
    point.call != "openat" && path.contains(".db")
}

/// One in so many zombies holds a transaction: the others wait ten seconds or more.
const HOLDING: usize = 20;

/// A point to stop at.
fn choose<'p>(points: &'p [Point], holds: bool, random: &mut Random) -> &'p Point {
    let fit: Vec<&Point> = points.iter().filter(|p| holds_a_transaction(p) == holds).collect();
    fit[random.next() as usize % fit.len()]
}

/// A run is stopped, its lock is taken away, and others do its work and that of new lines; then it wakes. The other one may
/// be stopped too, so that each finds the other's files.
fn overtaken(
    stage: &Stage,
    expected: &Contents,
    point: &Point,
    second: Option<&Point>,
) -> Result<bool, String> {
    stage.restart();
    let mut zombie = Zombie::start(stage, "zombie", point);
    if !zombie.stops() {
        zombie.goes_on();
        return Ok(false);
    }
    stage.write_logs(2);
    let _ = std::fs::remove_file(stage.site.path().join("state/killed/lock"));
    let (other, zombie) = match second {
        None => (run(stage), zombie.goes_on()),
        Some(second) => {
            let mut other = Zombie::start(stage, "other", second);
            other.stops();
            let zombie = zombie.goes_on();
            (other.goes_on(), zombie)
        }
    };
    let second = second.map(|p| format!(", the other one at {p}")).unwrap_or_default();
    let told = |what: String| {
        format!(
            "stopped at {point}{second}: {what}\n  the zombie: {zombie:?}\n  the other: {other:?}"
        )
    };
    judge(stage, expected, &zombie, &other).map_err(told)?;
    Ok(true)
}

fn run(stage: &Stage) -> Ended {
    let output = stage.site.command(&[]).output().expect("logmill starts");
    Ended {
        status: output.status.code(),
        words: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn judge(stage: &Stage, expected: &Contents, zombie: &Ended, other: &Ended) -> Result<(), String> {
    // One that meets the other's transaction waits and gives up; one whose files the other removed finds them gone. But
    // nothing that was decided is ever missing.
    let gave_up = |ended: &Ended| ended.words.contains("lock");
    let lost = ["panicked", "damaged", "was decided, but"];
    let fine = |ended: &Ended| match ended.status {
        Some(0) => true,
        Some(1 | 4) => {
            ended.words.contains("logmill: killed: ")
                && !lost.iter().any(|word| ended.words.contains(word))
        }
        _ => false,
    };
    if !fine(zombie) || !fine(other) {
        return Err("one did not end as it should".to_owned());
    }
    // The last one to take the job has done all there was, unless the zombie held it up.
    if other.status == Some(0) && zombie.status != Some(4) && !gave_up(zombie) {
        stage.equals(expected).map_err(|what| format!("when both had ended {what}"))?;
    }
    let next = run(stage);
    if next.status != Some(0) {
        return Err(format!("the next run: {next:?}"));
    }
    stage.equals(expected).map_err(|what| format!("after the next run {what}"))?;
    stage.site.has_no_leftovers();
    Ok(())
}

#[test]
fn a_run_that_was_stopped_and_overtaken_changes_nothing_when_it_wakes() {
    let count = trials("LOGMILL_ZOMBIE_TRIALS", 20);
    let (stage, expected, points) = second_batch(Stage::new());
    let (mut random, mut wrong, mut woken) = (Random(0xD1CE_F00D), Vec::new(), 0);
    for trial in 1..=count {
        let point = choose(&points, trial % HOLDING == 0, &mut random);
        let second = random.next().is_multiple_of(2).then(|| choose(&points, false, &mut random));
        match overtaken(&stage, &expected, point, second) {
            Ok(was_stopped) => woken += usize::from(was_stopped),
            Err(what) => wrong.push(what),
        }
    }
    let total = woken + wrong.len();
    println!("{total} zombies woke, at {} calls to choose from", points.len());
    assert!(wrong.is_empty(), "{} of {total}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(2 * total > count, "only {total} of {count} runs came to their call");
}

/// The calls of the second batch's run that talk with the server.
fn on_wire(stage: &Stage) -> Vec<(Point, bool)> {
    stage.restart();
    let output = stage.traced(&["-e", &format!("trace={}", WIRE.join(","))]);
    assert!(output.status.success(), "{output:?}");
    points_on_wire(&strace::read(&stage.log("trace")))
}

/// One in so many zombies holds a transaction on the server: the others wait a minute for it.
const HOLDING_ON_SERVER: usize = 40;

#[test]
fn a_run_that_was_stopped_while_it_delivered_to_a_server_and_overtaken_changes_nothing_when_it_wakes()
 {
    let count = trials("LOGMILL_ZOMBIE_TRIALS", 20);
    let table = Table::new(2_000_000);
    let (stage, expected, files) = second_batch(Stage::with_table(table, None));
    let wire = on_wire(&stage);
    let choose_on_wire = |holds: bool, random: &mut Random| {
        let fit: Vec<&Point> = wire.iter().filter(|(_, h)| *h == holds).map(|(p, _)| p).collect();
        fit[random.next() as usize % fit.len()]
    };
    let (mut random, mut wrong, mut woken) = (Random(0xB0B5_1ED5), Vec::new(), 0);
    for trial in 1..=count {
        let point = choose_on_wire(trial % HOLDING_ON_SERVER == 0, &mut random);
        let second = random.next().is_multiple_of(2).then(|| choose(&files, false, &mut random));
        match overtaken(&stage, &expected, point, second) {
            Ok(was_stopped) => woken += usize::from(was_stopped),
            Err(what) => wrong.push(what),
        }
    }
    let total = woken + wrong.len();
    println!("{total} zombies woke, at {} calls to choose from", wire.len());
    assert!(wrong.is_empty(), "{} of {total}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(2 * total > count, "only {total} of {count} runs came to their call");
}

#[test]
fn a_run_that_was_overtaken_while_it_looked_at_the_logs_counts_no_line_again() {
    let (stage, expected, points) = second_batch(Stage::new());
    let is_look = |point: &&Point| point.call == "openat" && point.is_in("logs");
    let (mut woken, mut seen) = (0, 0);
    for point in points.iter().filter(is_look) {
        seen += 1;
        woken += usize::from(overtaken(&stage, &expected, point, None).expect("nothing twice"));
    }
    assert!(woken > 2, "{woken} of {seen} runs came to their call");
}

/// Starts at once.
const STARTS: usize = 50;

#[test]
fn of_many_starts_at_once_one_does_the_work_and_the_others_say_so_and_end() {
    let (mut busy, mut others) = (Vec::new(), 0);
    for _ in 0..trials("LOGMILL_START_ROUNDS", 5) {
        let site = Site::new(None);
        for phase in 0..2 {
            input::write_lines(&site.logs(), phase, 2_000, 3);
            let starts = rounds::start(&site, STARTS);
            assert!(starts.iter().all(|start| start.status == Some(0)), "a start failed");
            assert_eq!(starts.iter().filter(|start| start.decided()).count(), 1, "batches");
            assert!(site.catalog_state().batch == phase as u64 + 1);
            others += starts.iter().filter(|start| !start.was_busy() && !start.decided()).count();
            busy.extend(starts.iter().filter(|start| start.was_busy()).map(|start| start.took));
        }
        assert_eq!(site.contents(), undisturbed(2_000), "the outputs of runs one after the other");
        site.has_no_leftovers();
    }
    assert!(!busy.is_empty(), "no start met another");
    let [half, most, last] = [50, 99, 100].map(|percent| percentile(&mut busy, percent));
    println!(
        "{} starts found the job busy: half of them ended within {half:?}, 99 % within {most:?}, all within {last:?}; \
         {others} came when all was done",
        busy.len()
    );
    assert!(last < Duration::from_secs(10), "a start that had nothing to do took {last:?}");
}

fn undisturbed(lines: u64) -> Contents {
    let site = Site::new(None);
    for phase in 0..2 {
        input::write_lines(&site.logs(), phase, lines, 3);
        site.run_in_peace();
    }
    site.contents()
}

/// More than a run needs for anything but a large batch.
const TERM_LINES: u64 = 20_000;
/// How long a run may go on when it was told to end.
const TERM_SECONDS_MAX: u64 = 10;

#[test]
fn a_run_that_is_told_to_end_does_so_at_once_and_the_next_one_completes() {
    told_to_end(Stage::of_lines(TERM_LINES), "LOGMILL_TERM_TRIALS");
}

#[test]
fn so_does_one_that_delivers_to_a_server() {
    told_to_end(Stage::with_table(Table::new(2_000_001), Some(TERM_LINES)), "LOGMILL_TERM_TRIALS");
}

fn told_to_end(mut stage: Stage, trials_of: &str) {
    stage.advance();
    let started = Instant::now();
    let expected = stage.expected();
    let whole = started.elapsed().as_micros() as u64;
    let (mut random, mut slowest) = (Random(0xFEED_5EED), Duration::ZERO);
    let (mut told, mut ended, mut early, mut decided) = (0, 0, 0, 0);
    for trial in 0..trials(trials_of, 20) {
        stage.restore();
        let mut child = stage.site.start();
        std::thread::sleep(Duration::from_micros(random.next() % whole));
        let sent = Instant::now();
        zombie::send("TERM", &child.id().to_string());
        let status = child.wait().expect("a status");
        slowest = slowest.max(sent.elapsed());
        match (status.code(), status.signal()) {
            (Some(143), _) => told += 1,
            (Some(0), _) => ended += 1,
            // Before the program could ask for the signal.
            (_, Some(15)) => early += 1,
            _ => panic!("trial {trial}: {status}"),
        }
        decided += usize::from(stage.site.catalog_state().batch == expected.batch);
        let held = stage.is_whole(&expected).and_then(|()| stage.completes(&expected));
        held.unwrap_or_else(|what| panic!("trial {trial}, ended with {status}: {what}"));
    }
    println!(
        "{told} runs ended with 143, {early} by the signal itself, {ended} were done already; {decided} had decided; the \
         slowest ended after {slowest:?}"
    );
    assert!(slowest < Duration::from_secs(TERM_SECONDS_MAX));
    assert!(told > 0, "no run was told in time");
}

/// Log files that were read before.
const SEGMENTS: usize = 1_000;

#[test]
fn a_run_with_nothing_new_among_many_known_files_ends_soon() {
    let site = Site::new(None);
    for n in 0..SEGMENTS {
        let second = n % 60;
        let line = format!("[22/Nov/2026:07:00:{second:02} +0000] u{n} 200 {n} 0.001\n");
        std::fs::write(site.logs().join(format!("{n}.log")), line).expect("a log");
    }
    site.run_in_peace();
    let mut times: Vec<Duration> =
        (0..10).map(|_| rounds::start(&site, 1)).map(|all| all[0].took).collect();
    assert!(!rounds::start(&site, 1).iter().any(Start::decided), "nothing is new");
    let [half, last] = [50, 100].map(|percent| percentile(&mut times, percent));
    println!("{SEGMENTS} known files, nothing new: {half:?} in the middle, {last:?} at most");
    assert!(half < Duration::from_secs(2), "{half:?}");
}
