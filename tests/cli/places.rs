//! Where outputs and state go, and what happens where they can't.

use crate::support::{JOB, World, tables};

#[test]
fn an_output_path_that_is_a_file_is_refused_in_words() {
    let world = World::with_lines(3);
    world.write("out/hits", "somebody's file");
    let done = world.run(&[]).expect(1);
    done.says(&[
        "can't create ",
        "out/hits: File exists",
        "a file stands where a folder is needed",
    ]);
    assert_eq!(std::fs::read(world.path("out/hits")).expect("still there"), b"somebody's file");
    assert!(!world.path("out/hits.db").exists());
    std::fs::remove_file(world.path("out/hits")).expect("removed");
    world.run(&[]).expect(0).quiet();
    assert_eq!(world.summary(), ["200\t3\t303"]);
}

#[test]
fn a_folder_in_place_of_a_published_file_delays_the_batch_but_never_doubles_it() {
    let world = World::with_lines(3);
    std::fs::create_dir_all(world.path("out/hits/summary.parquet")).expect("a folder");
    let done = world.run(&[]).expect(1);
    done.says(&[
        "can't publish ",
        "out/hits/summary.parquet: Is a directory",
        "the next run completes it",
    ]);
    std::fs::remove_dir(world.path("out/hits/summary.parquet")).expect("removed");
    world.append("logs/a.log", crate::support::lines(3, 1));
    world.run(&[]).expect(0).quiet();
    assert_eq!(world.summary(), ["200\t4\t406"]);
    assert_eq!(world.sqlite(), world.summary());
}

#[test]
fn a_file_in_place_of_a_partition_is_found_before_the_decision() {
    let world = World::with_lines(3);
    world.job(
        &JOB.replace("[reduce]", "[reduce]\nwindow = \"1m\"")
            .replace("out/hits\"", "out/hits\"\npartition = \"day\""),
    );
    world.write("out/hits/date=2026-11-22", "somebody's file");
    let done = world.run(&[]).expect(1);
    done.says(&[
        "can't create ",
        "out/hits/date=2026-11-22: File exists",
        "a file stands where a folder is needed",
    ]);
    let status = world.logmill(&["status", "job.toml", "--json"]).expect(0).json();
    assert_eq!(status["batch"], 0, "nothing was decided");
}

#[test]
fn an_output_folder_that_may_not_be_written_is_named_and_nothing_is_lost() {
    let world = World::with_lines(3);
    world.write("out/hits/keep", "");
    world.chmod("out/hits", 0o555);
    let done = world.run_as_nobody(&[]).expect(1);
    done.says(&[
        "out/hits/.logmill-staging: Permission denied",
        "nothing was changed: let the user",
    ]);
    assert!(!world.has_parquet("out"));
    world.chmod("out/hits", 0o755);
    world.run_as_nobody(&[]).expect(0).quiet();
    assert_eq!(world.summary(), ["200\t3\t303"]);
    assert_eq!(world.sqlite(), world.summary());
}

#[test]
fn a_state_directory_that_may_not_be_written_is_named() {
    let world = World::with_lines(3);
    world.write(".logmill/keep", "");
    world.chmod(".logmill", 0o555);
    let done = world.run_as_nobody(&[]).expect(1);
    done.says(&[".logmill/hits: Permission denied"]);
    assert!(!world.has_parquet("out"));
}

#[test]
fn a_state_that_is_no_catalog_is_named_with_what_to_do() {
    let world = World::with_lines(3);
    world
        .write(".logmill/hits/catalog.db", "this is not a database at all, but a note of somebody");
    let done = world.run(&[]).expect(1);
    done.says(&["catalog.db: file is not a database", "restore it from a backup, or remove"]);
}

#[test]
fn an_sqlite_file_that_is_none_makes_the_output_wait() {
    let world = World::with_lines(3);
    world.write("out/hits.db", "not a database, but long enough to be looked at. ".repeat(100));
    let done = world.run(&[]).expect(4);
    done.says(&["out/hits.db", "not a database", "the next run tries again"]);
    assert_eq!(world.summary(), ["200\t3\t303"]);
    std::fs::remove_file(world.path("out/hits.db")).expect("removed");
    world.run(&[]).expect(0).quiet();
    assert_eq!(world.sqlite(), ["200\t3\t303"]);
}

#[test]
fn options_put_input_output_and_state_elsewhere() {
    let world = World::with_lines(3);
    world.write("other/b.txt", crate::support::lines(0, 5));
    let options = ["--input", "other/*.txt", "--output", "there", "--state-dir", "state", "--json"];
    let report = world.run(&options).expect(0).json();
    assert_eq!(report["lines"], 5);
    assert!(world.has_parquet("there/out/hits") && world.path("there/out/hits.db").exists());
    assert!(world.path("state/hits/catalog.db").exists());
    assert!(!world.path("out").exists() && !world.path(".logmill").exists());
}

#[test]
fn the_environment_names_the_state_directory_and_the_option_goes_before_it() {
    let place = |variables: &[(&str, &str)], options: &[&str]| {
        let world = World::with_lines(1);
        let mut command = world.command(&[&["run", "job.toml"], options].concat());
        command.envs(variables.iter().copied());
        crate::support::Done::of(&mut command).expect(0);
        let places = ["ours", "theirs", "given", ".logmill"];
        let found = places.into_iter().filter(|p| world.path(p).join("hits/catalog.db").exists());
        found.collect::<Vec<_>>().concat()
    };
    let both = [("LOGMILL_STATE_DIR", "ours"), ("STATE_DIRECTORY", "theirs:more")];
    assert_eq!(place(&[], &[]), ".logmill");
    assert_eq!(place(&both[1..], &[]), "theirs");
    assert_eq!(place(&both, &[]), "ours");
    assert_eq!(place(&both, &["--state-dir", "given"]), "given");
    assert_eq!(place(&[("LOGMILL_STATE_DIR", "")], &[]), ".logmill");
}

#[test]
fn paths_of_a_job_are_relative_to_its_file_not_to_the_caller() {
    let world = World::with_lines(3);
    let mut command = world.command(&["run", "../job.toml"]);
    command.current_dir(world.path("logs"));
    crate::support::Done::of(&mut command).expect(0).quiet();
    assert_eq!(world.summary(), ["200\t3\t303"]);
    assert!(world.path(".logmill/hits").exists());
}

#[test]
fn two_jobs_may_share_a_state_directory_and_an_output_folder() {
    let world = World::with_lines(3);
    world.write(
        "other.toml",
        JOB.replace("\"hits\"", "\"others\"").replace("out/hits\"", "out/others\""),
    );
    world.logmill(&["run", "job.toml", "other.toml"]).expect(0).quiet();
    assert!(world.has_parquet("out/hits") && world.has_parquet("out/others"));
    assert!(world.path(".logmill/others/catalog.db").exists());
}

/// [`JOB`] under another name, with another database.
fn other_job() -> String {
    JOB.replace("name = \"hits\"", "name = \"other\"").replace("out/hits.db", "out/other.db")
}

#[test]
fn two_jobs_with_one_folder_are_refused_in_words() {
    let world = World::with_lines(3);
    world.write("other.toml", other_job());
    world.run(&[]).expect(0);
    let other = |more: &[&str]| world.logmill(&[&["run", "other.toml"], more].concat());
    let done = other(&[]).expect(1);
    done.says(&["out/hits is the output of the job hits of another state directory", "--adopt"]);
    assert_eq!(world.summary(), ["200\t3\t303"]);
    assert!(!world.path("out/other.db").exists());
    let both = world.logmill(&["run", "job.toml", "other.toml"]).expect(1);
    both.says(&["logmill: other: "]).hides("logmill: hits: ");
    // Elsewhere it runs.
    other(&["--output", "elsewhere"]).expect(0).quiet();
}

#[test]
fn a_job_that_may_not_run_takes_nothing_over() {
    let world = World::with_lines(3);
    world.write("other.toml", other_job());
    world.logmill(&["run", "other.toml", "--output", "elsewhere"]).expect(0);
    world.run(&[]).expect(0);
    let changed = other_job().replace("sum(body_bytes_sent)", "max(body_bytes_sent)");
    world.write("other.toml", changed);
    let done = world.logmill(&["run", "other.toml", "--adopt"]).expect(1);
    done.says(&["other.toml: the job was changed"]);
    assert_eq!(world.summary(), ["200\t3\t303"]);
    world.run(&[]).expect(0).quiet();
}

#[test]
fn one_job_with_two_states_is_refused_too_until_the_folder_is_deleted_or_taken_over() {
    let events = "[output.events]\npath = \"out/events\"\ncolumns = [\"path\"]\n";
    let world = World::with_lines(3);
    world.job(&format!("{JOB}{events}"));
    let rows = || tables::read_parquet(&world.path("out/events")).rows.len();
    world.run(&[]).expect(0);
    std::fs::remove_dir_all(world.path(".logmill")).expect("the state is lost");
    world.run(&[]).expect(1).says(&["out/hits is the output of", "delete the folder"]);
    assert_eq!(rows(), 3, "nothing came twice");
    world.write("out/events/somebodys.txt", "");
    world.run(&["--adopt"]).expect(0);
    assert_eq!((rows(), world.summary()), (3, vec!["200\t3\t303".to_owned()]));
    assert!(world.path("out/events/somebodys.txt").exists());
    world.run(&[]).expect(0).quiet();
    // Deleted, it is anybody's, and this state writes it anew.
    std::fs::remove_dir_all(world.path("out/hits")).expect("removed");
    world.run(&[]).expect(0).says(&["were written anew"]);
    assert_eq!(world.summary(), ["200\t3\t303"]);
    // Lost with all there was, it begins anew.
    std::fs::remove_dir_all(world.path(".logmill")).expect("removed");
    std::fs::remove_dir_all(world.path("out")).expect("removed");
    world.run(&[]).expect(0).quiet();
    assert_eq!(rows(), 3);
}

#[test]
fn state_and_outputs_that_are_moved_together_go_on() {
    let world = World::with_lines(3);
    world.run(&[]).expect(0);
    std::fs::create_dir(world.path("new")).expect("a folder");
    for name in ["logs", "out", ".logmill", "job.toml"] {
        world.rename(name, &format!("new/{name}"));
    }
    world.append("new/logs/a.log", crate::support::lines(3, 1));
    world.logmill(&["run", "new/job.toml"]).expect(0);
    assert_eq!(tables::read_parquet(&world.path("new/out/hits")).rows, ["200\t4\t406"]);
}

#[test]
fn an_output_within_anothers_is_refused_whichever_came_first() {
    let world = World::with_lines(3);
    let inner = other_job().replace("out/hits\"", "out/hits/inner\"");
    world.write("other.toml", &inner);
    world.run(&[]).expect(0);
    let done = world.logmill(&["run", "other.toml"]).expect(1);
    done.says(&["out/hits/inner lies within", "give this job another `path`"]);
    // Not even --adopt: the outer one would still show both.
    world.logmill(&["run", "other.toml", "--adopt"]).expect(1).says(&["lies within"]);
    std::fs::remove_dir_all(world.path("out")).expect("removed");
    world.logmill(&["run", "other.toml"]).expect(0);
    world.run(&[]).expect(1).says(&["out/hits/inner lies within"]);
}

#[test]
fn of_two_first_runs_at_once_one_has_the_folder() {
    for _ in 0..10 {
        let world = World::with_lines(3);
        world.write("other.toml", other_job());
        let start = |job: &str| world.command(&["run", job]).spawn().expect("starts");
        let ended = [start("job.toml"), start("other.toml")]
            .map(|mut run| run.wait().expect("ends").code());
        let mut both = ended;
        both.sort();
        assert_eq!(both, [Some(0), Some(1)]);
        assert_eq!(world.summary(), ["200\t3\t303"]);
        let winner = if ended[0] == Some(0) { "job.toml" } else { "other.toml" };
        world.append("logs/a.log", crate::support::lines(3, 1));
        world.logmill(&["run", winner]).expect(0);
        assert_eq!(world.summary(), ["200\t4\t406"]);
    }
}

#[test]
fn one_table_of_two_jobs_is_refused_in_words() {
    let world = World::with_lines(3);
    let other = other_job().replace("out/hits\"", "out/other\"");
    world.write("other.toml", other.replace("out/other.db\"", "out/hits.db\"\ntable = \"hits\""));
    world.run(&[]).expect(0);
    world.logmill(&["run", "other.toml"]).expect(4).says(&["belongs to", "--adopt"]);
    assert_eq!(world.sqlite(), ["200\t3\t303"]);
}
