//! Outputs that somebody removed, moved or added between runs, crashes between the decision and the last rename, and other
//! states: afterwards everything is there, or it is said in words what is not.

use std::fs;
use std::path::{Path, PathBuf};

use logmill::catalog::Catalog;
use logmill::driver::Outcome;

use crate::history::{Case, Mode};
use crate::line::Line;
use crate::outputs::{self, Outputs};
use crate::world::World;

/// A world whose one log was read in one run.
fn ran() -> (World, Mode, Outputs) {
    let case = Case::small();
    let mut world = World::new(case.dialect, &case.families);
    world.finish();
    world.run(case.last, false).expect("the first run");
    let outputs = outputs::read(world.path());
    assert!(outputs.files.len() > 1 && outputs.sqlite.len() > 1 && outputs.events.len() > 1);
    (world, case.last, outputs)
}

fn again(world: &World, mode: Mode) -> Outcome {
    let outcome = world.run(mode, false).expect("a run");
    assert!(outcome.problems.is_empty() && !outcome.waits(), "{outcome:?}");
    outcome
}

fn add_a_line(world: &World, case: &Case, number: usize) {
    let mut line = Line::first(number).bytes(case.dialect);
    line.push(b'\n');
    fs::write(world.path().join(format!("logs/more-{number}")), line).expect("a log");
}

fn catalog_file(world: &World) -> rusqlite::Connection {
    rusqlite::Connection::open(world.path().join("state/law/catalog.db")).expect("a catalog")
}

/// What a crash between the decision and a rename leaves behind: the file under its staged name, the rename noted.
fn undo_rename(world: &World, published: &Path) -> PathBuf {
    let (bytes, checksum) = logmill::engine::parquet_file::checksum(published).expect("a file");
    let staged = world.path().join("out/undone.part");
    fs::rename(published, &staged).expect("renamed back");
    let path = |path: &Path| path.to_str().expect("text").as_bytes().to_vec();
    let row = (1, path(&staged), path(published), bytes as i64, checksum as i64);
    let insert = "INSERT INTO renames VALUES (?1, ?2, ?3, ?4, ?5)";
    catalog_file(world).execute(insert, row).expect("noted");
    staged
}

#[test]
fn a_removed_output_folder_is_written_anew_without_new_lines() {
    let (world, mode, before) = ran();
    fs::remove_dir_all(world.path().join("out/summary")).expect("removed");
    fs::remove_file(world.path().join("out/law.db")).expect("removed");
    let outcome = again(&world, mode);
    assert!(outcome.notices.iter().any(|n| n.contains("written anew")), "{:?}", outcome.notices);
    let after = outputs::read(world.path());
    assert!(after.files == before.files && after.sqlite == before.sqlite);
    assert_eq!(again(&world, mode).notices, Vec::<String>::new(), "only once");
}

#[test]
fn an_output_that_moves_away_and_back_misses_nothing() {
    let (world, mode, before) = ran();
    for (from, to) in [("out/summary", "out/other"), ("out/law.db", "out/other.db")] {
        world.edit_job(from, to);
    }
    again(&world, mode);
    assert_eq!(
        fs::read_dir(world.path().join("out/other")).expect("there").count(),
        before.files.len() + 1
    );
    add_a_line(&world, &Case::small(), 77);
    again(&world, mode);
    for (from, to) in [("out/other.db", "out/law.db"), ("out/other", "out/summary")] {
        world.edit_job(from, to);
    }
    again(&world, mode);
    let after = outputs::read(world.path());
    let counted = |rows: &[outputs::Row]| -> i64 {
        rows.iter().map(|row| row[3].parse::<i64>().expect("hits")).sum()
    };
    assert_eq!(counted(&after.summary), counted(&before.summary) + 1);
    assert_ne!(after.sqlite, before.sqlite);
    assert_eq!(after.sqlite.len(), after.summary.len());
}

#[test]
fn a_summary_that_is_added_later_shows_everything() {
    let case = Case::small();
    let mut world = World::new(case.dialect, &case.families);
    world.finish();
    let summary = "[output.summary]\npath = \"out/summary\"\npartition = \"day\"\n";
    world.edit_job(summary, "");
    world.run(case.last, false).expect("a run");
    assert!(!world.path().join("out/summary").exists());
    world.edit_job("[output.events]", &format!("{summary}[output.events]"));
    again(&world, case.last);
    assert!(outputs::read(world.path()).files == ran().2.files);
}

#[test]
fn another_partition_is_refused_before_it_mixes_days_and_hours() {
    let (world, mode, before) = ran();
    world.edit_job("partition = \"day\"", "partition = \"hour\"");
    add_a_line(&world, &Case::small(), 77);
    let error = world.run(mode, false).expect_err("refused");
    assert!(error.contains("partition"), "{error}");
    assert!(outputs::read(world.path()).files == before.files);
}

#[test]
fn a_rename_that_a_crash_left_over_is_done_by_the_next_run() {
    let (world, mode, before) = ran();
    for published in before.files.keys() {
        undo_rename(&world, &world.path().join(published));
        assert!(!again(&world, mode).decided);
        assert!(outputs::read(world.path()).files == before.files);
    }
    assert_eq!(
        catalog_file(&world).query_row("SELECT count(*) FROM renames", (), |r| r.get::<_, i64>(0)),
        Ok(0)
    );
}

#[test]
fn what_was_decided_is_published_even_if_the_job_was_changed_since() {
    let (world, mode, before) = ran();
    undo_rename(&world, &world.path().join(before.files.keys().next().expect("a file")));
    world.edit_job("sum(n)\"", "sum(n + 1)\"");
    let error = world.run(mode, false).expect_err("refused");
    assert!(error.contains("the job was changed"), "{error}");
    assert!(outputs::read(world.path()).files == before.files);
}

#[test]
fn a_decided_summary_that_was_removed_before_its_rename_comes_from_the_store() {
    let (world, mode, before) = ran();
    let published = world.path().join(before.files.keys().next().expect("a file"));
    fs::remove_file(undo_rename(&world, &published)).expect("removed");
    fs::write(&published, "somebody else's").expect("a foreign file");
    again(&world, mode);
    assert!(outputs::read(world.path()).files == before.files);
}

#[test]
fn decided_events_that_were_removed_before_their_rename_are_told_as_a_loss() {
    let (world, mode, _) = ran();
    let mut events = fs::read_dir(world.path().join("out/events")).expect("events").flatten();
    let day = events
        .find(|entry| entry.file_name().to_string_lossy().starts_with("date="))
        .expect("a day");
    let hour = fs::read_dir(day.path()).expect("hours").flatten().next().expect("an hour");
    let file = fs::read_dir(hour.path()).expect("files").flatten().next().expect("a file").path();
    fs::remove_file(undo_rename(&world, &file)).expect("removed");
    let error = world.run(mode, false).expect_err("a loss");
    assert!(error.contains("was decided") && error.contains("compute them anew"), "{error}");
}

#[test]
fn staged_files_of_another_state_are_left_alone_and_own_ones_are_removed() {
    let (world, mode, _) = ran();
    let id = |state: &str| {
        let catalog = Catalog::open(&world.path().join(state).join("law")).expect("a catalog");
        catalog.state_id().expect("an id")[..8].to_owned()
    };
    drop(Catalog::open(&{
        let other = world.path().join("other/law");
        fs::create_dir_all(&other).expect("a folder");
        other
    }));
    let staged =
        |id: &str| world.path().join(format!("out/summary/.logmill-staging/law-{id}-1-9-x.part"));
    let (own, foreign) = (staged(&id("state")), staged(&id("other")));
    for path in [&own, &foreign] {
        fs::write(path, "half a file").expect("written");
    }
    again(&world, mode);
    assert!(!own.exists() && foreign.exists());
}

/// Copies a folder of files.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let (path, copied) = (entry.path(), to.join(entry.file_name()));
        match path.is_dir() {
            true => copy(&path, &copied),
            false => drop(fs::copy(path, copied).expect("copied")),
        }
    }
}

#[test]
fn a_state_restored_from_a_copy_brings_sqlite_to_its_own_history() {
    let (world, mode, _) = ran();
    let (state, kept) = (world.path().join("state"), world.path().join("kept"));
    copy(&state, &kept);
    add_a_line(&world, &Case::small(), 77);
    again(&world, mode);
    fs::remove_dir_all(&state).expect("removed");
    copy(&kept, &state);
    // Another batch 2: the line of the first one, and one more.
    add_a_line(&world, &Case::small(), 78);
    again(&world, mode);
    let (restored, calm) = (outputs::read(world.path()), ran().0);
    (77..79).for_each(|number| add_a_line(&calm, &Case::small(), number));
    again(&calm, mode);
    let expected = outputs::read(calm.path());
    assert!(restored.sqlite == expected.sqlite && restored.files == expected.files);
}

#[test]
fn groups_are_counted_alike_whether_they_fit_into_memory_or_not() {
    let case = Case::small();
    let groups = [(1 << 30, 1), (1, 1), (1, 3)].map(|(memory_bytes, threads)| {
        let mut world = World::new(case.dialect, &case.families);
        world.finish();
        let mode = Mode { split_bytes: Some(16), threads, memory_bytes, ..case.last };
        world.run(mode, false).expect("a run").groups
    });
    assert_eq!(groups, [groups[0]; 3]);
    assert_eq!(groups[0] as usize, ran().2.summary.len());
}

#[test]
fn a_loss_with_nothing_else_to_read_is_kept_in_history() {
    let (world, mode, _) = ran();
    let log = world.path().join("logs/half");
    fs::write(&log, "never finished").expect("a log");
    let mut first = Line::first(50).bytes(Case::small().dialect);
    first.extend_from_slice(b"\nnever finished");
    fs::write(&log, first).expect("a log");
    again(&world, mode);
    fs::remove_file(&log).expect("removed");
    let outcome = world.run(mode, false).expect("a run");
    assert_eq!((outcome.lost_bytes, outcome.problems.len()), (14, 1), "{outcome:?}");
    assert_eq!(again(&world, mode).lost_bytes, 0, "told once");
    let catalog = Catalog::open(&world.path().join("state/law")).expect("a catalog");
    assert_eq!(catalog.history(1).expect("a batch")[0].lost_bytes, 14);
}
