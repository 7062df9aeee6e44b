//! `init`: the job that it prints for a file must work on it.

use crate::support::{World, line, repo};

/// Lets `init` write a job for a file in `logs`, runs it, and gives what the run reports.
fn init_and_run(world: &World, file: &str) -> serde_json::Value {
    let job = world.logmill(&["init", file]).expect(0).quiet().out;
    world.job(&job);
    world.logmill(&["check", "job.toml"]).expect(0).quiet();
    world.run_json(&["--final"])
}

#[test]
fn a_job_for_each_sample_maps_nearly_all_of_its_lines() {
    for (sample, time) in [
        ("access.log", true),
        ("access.log.2.gz", true),
        ("app.jsonl", true),
        ("sensors.csv", false),
    ] {
        let world = World::new();
        let file = format!("logs/{sample}");
        std::fs::copy(repo().join("data/samples").join(sample), world.path(&file)).expect("copied");
        let report = init_and_run(&world, &file);
        let count = |name: &str| report[name].as_u64().expect("a number");
        assert!(count("lines") > 1000 && count("mapped") * 100 > count("lines") * 99, "{report}");
        assert!(count("groups") > 1, "{report}");
        let job = std::fs::read_to_string(world.path("job.toml")).expect("the job");
        assert_eq!(job.contains("window = "), time, "{job}");
    }
}

#[test]
fn a_job_for_a_live_log_takes_in_its_rotated_siblings() {
    let world = World::with_lines(20);
    world.write("logs/a.log.1", crate::support::lines(20, 20));
    assert_eq!(init_and_run(&world, "logs/a.log")["lines"], 40);
}

#[test]
fn a_file_of_a_format_that_nobody_knows_is_counted_by_lines() {
    let world = World::new();
    world.write("logs/a.log", "some words\nand others\n".repeat(10));
    let report = init_and_run(&world, "logs/a.log");
    assert_eq!((&report["mapped"], &report["rejected"]), (&20.into(), &0.into()));
}

#[test]
fn a_name_with_quotes_and_glob_characters_still_gives_a_job_that_runs() {
    let world = World::new();
    let file = "logs/o'd \"one.txt";
    world.write(file, line(0, 200));
    assert_eq!(init_and_run(&world, file)["lines"], 1);
}

#[test]
fn a_name_is_no_pattern() {
    let world = World::new();
    for (file, other) in [
        ("logs/acc[x].log", "logs/accx.log"),
        ("logs/a{b,c}.log", "logs/ab.log"),
        ("logs/a*?.log", "logs/abc.log"),
        ("logs/back\\*.log", "logs/back\\x.log"),
        ("logs/${HOME}.log", "logs/x.log"),
        ("logs/li\nne.log", "logs/line.log"),
    ] {
        world.write(file, line(0, 200));
        world.write(other, "other\n".repeat(3));
        assert_eq!(init_and_run(&world, file)["lines"], 1, "{file}");
        std::fs::remove_dir_all(world.path(".logmill")).expect("the state");
        std::fs::remove_dir_all(world.path("logs")).expect("the logs");
        std::fs::create_dir(world.path("logs")).expect("a folder");
    }
}

#[test]
fn a_name_that_is_not_utf_8_is_told() {
    use std::os::unix::ffi::OsStrExt;
    let world = World::new();
    let name = std::ffi::OsStr::from_bytes(b"logs/\xff.log");
    std::fs::write(world.path("").join(name), line(0, 200)).expect("written");
    let mut command = world.command(&["init"]);
    let done = crate::support::Done::of(command.arg(name)).expect(1);
    done.says(&["the name is not UTF-8", "rename it"]);
}

#[test]
fn what_no_job_can_be_made_of_is_told() {
    let world = World::new();
    world.write("logs/empty.log", "");
    let done = world.logmill(&["init", "logs/empty.log"]).expect(1);
    done.says(&["logs/empty.log: is empty, so its format can't be found"]);
    let done = world.logmill(&["init", "logs/none.log"]).expect(1);
    done.says(&["cannot look at logs/none.log: No such file or directory"]);
    world.logmill(&["init", "logs"]).expect(1).says(&["logs: Is a directory"]);
    world.logmill(&["init"]).expect(2).says(&["FILE"]);
}
