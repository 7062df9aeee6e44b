//! The commands that look, and what scripts read from them.

use serde_json::Value;

use crate::support::{JOB, World, line, lines, repo};

/// After a run of ten good lines and a bad one.
fn after_a_run() -> World {
    let world = World::with_lines(10);
    world.append("logs/a.log", "what is this\n");
    world.job(&format!("{JOB}[limits]\nreject_ratio = 0.5\n"));
    world.run(&[]).expect(0).quiet();
    world
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn json_of_run_has_the_keys_that_scripts_rely_on() {
    let world = World::with_lines(10);
    let done = world.run(&["--json"]).expect(0).quiet();
    assert_eq!(done.out.lines().count(), 1, "one object on one line");
    let report = done.json();
    for key in [
        "job", "batch", "lines", "mapped", "filtered", "rejected", "groups", "bytes", "seconds",
        "outputs",
    ] {
        assert!(keys(&report).contains(&key), "{key}");
    }
    assert_eq!(report["job"], "hits");
    assert_eq!(report["groups"], 1);
    let bytes = std::fs::metadata(world.path("logs/a.log")).expect("the log").len();
    assert_eq!(report["bytes"], bytes);
}

#[test]
fn a_run_prints_nothing_where_there_is_no_terminal() {
    let done = World::with_lines(10).run(&[]).expect(0).quiet();
    assert_eq!(done.out, "");
}

#[test]
fn verbose_says_in_one_line_what_was_done() {
    let done = World::with_lines(10).run(&["-v"]).expect(0);
    done.says(&[
        "hits: batch 1: 10 lines (10 mapped, 0 filtered, 0 rejected) of 1 file",
        "1 group in",
    ]);
}

#[test]
fn check_shows_fields_types_and_files() {
    let world = World::with_lines(10);
    let done = world.logmill(&["check", "job.toml"]).expect(0).quiet();
    for words in
        ["job.toml: hits compiles", "status int", "hits int, bytes int", "1 file of", "logs/a.log"]
    {
        assert!(done.out.contains(words), "{words:?} in {}", done.out);
    }
    let report = world.logmill(&["check", "job.toml", "--json"]).expect(0).json();
    assert_eq!(report["columns"]["summary"][1]["name"], "hits");
    assert_eq!(report["columns"]["summary"][1]["type"], "int");
    assert!(!world.path(".logmill").exists(), "a check leaves nothing");
}

#[test]
fn check_shows_the_statements_that_sqlite_takes() {
    let world = World::with_lines(1);
    let done = world.logmill(&["check", "job.toml", "--ddl"]).expect(0);
    let database = rusqlite::Connection::open_in_memory().expect("a database");
    database.execute_batch(&done.out).unwrap_or_else(|e| panic!("{e} in {}", done.out));
    database
        .execute("INSERT INTO hits (status, hits, bytes) VALUES (200, 1, 2)", [])
        .expect("a row");
}

#[test]
fn check_shows_the_statements_for_mysql_and_no_password() {
    let world = World::with_lines(1);
    world.job(&format!("{JOB}[output.mysql]\nurl = \"mysql://u:sesame@host/d\"\n"));
    let done = world.logmill(&["check", "job.toml", "--ddl"]).expect(0).hides("sesame");
    assert!(done.out.contains("CREATE TABLE") && done.out.contains("`hits`"), "{}", done.out);
    for args in [["check", "job.toml"], ["explain", "job.toml"], ["status", "job.toml"]] {
        world.logmill(&args).expect(0).hides("sesame");
    }
}

#[test]
fn check_looks_at_all_jobs_and_tells_every_mistake() {
    let world = World::with_lines(1);
    world.write("a.toml", JOB.replace("count", "cuont"));
    world.write("b.toml", JOB.replace("paths", "path"));
    let done = world.logmill(&["check", "a.toml", "job.toml", "b.toml"]).expect(2);
    assert!(done.out.contains("hits compiles"), "{}", done.out);
    done.says(&["a.toml:8:", "b.toml:3:"]);
}

/// The types and keys of a JSON Schema, as far as ours goes.
fn fits(schema: &Value, root: &Value, value: &Value) -> bool {
    if let Some(name) = schema["$ref"].as_str() {
        return fits(root.pointer(&name[1..]).expect("a definition"), root, value);
    }
    for many in ["anyOf", "oneOf"] {
        if let Some(choices) = schema[many].as_array() {
            return choices.iter().any(|choice| fits(choice, root, value));
        }
    }
    if let Some(choices) = schema["enum"].as_array() {
        return choices.contains(value);
    }
    if schema.get("const").is_some_and(|only| only != value) {
        return false;
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => return true,
    };
    types.iter().any(|ty| match (*ty, value) {
        ("object", Value::Object(map)) => {
            let required = schema["required"].as_array().into_iter().flatten();
            let all = required.filter_map(Value::as_str).all(|key| map.contains_key(key));
            all && map.iter().all(|(key, value)| match schema["properties"].get(key) {
                Some(schema) => fits(schema, root, value),
                None => match &schema["additionalProperties"] {
                    Value::Bool(allowed) => *allowed,
                    Value::Null => true,
                    schema => fits(schema, root, value),
                },
            })
        }
        ("array", Value::Array(items)) => {
            items.iter().all(|item| fits(&schema["items"], root, item))
        }
        ("string", Value::String(_)) | ("boolean", Value::Bool(_)) | ("null", Value::Null) => true,
        ("number", Value::Number(_)) => true,
        ("integer", Value::Number(n)) => n.is_i64() || n.is_u64(),
        _ => false,
    })
}

#[test]
fn the_schema_fits_every_shipped_job_and_no_mistaken_one() {
    let schema = World::new().logmill(&["check", "--schema"]).expect(0).quiet().json();
    let check = |text: &str| {
        let job: Value = toml::from_str(text).expect("TOML");
        fits(&schema, &schema, &job)
    };
    for entry in std::fs::read_dir(repo().join("jobs")).expect("the jobs") {
        let path = entry.expect("an entry").path();
        // A checkout where jobs were run has their state beside them.
        if path.extension().is_none_or(|end| end != "toml") {
            continue;
        }
        assert!(check(&std::fs::read_to_string(&path).expect("text")), "{}", path.display());
    }
    assert!(check(JOB));
    assert!(!check(&JOB.replace("paths", "path")));
    assert!(!check(&JOB.replace("[\"status\"]", "\"status\"")));
    assert!(!check(&JOB.replace("format = \"combined\"", "")));
}

#[test]
fn explain_shows_the_steps_in_order() {
    let world = World::with_lines(1);
    let done = world.logmill(&["explain", "job.toml"]).expect(0).quiet();
    let at = |word: &str| done.out.find(word).unwrap_or_else(|| panic!("{word} in {}", done.out));
    let places = ["read ", "parse ", "group by ", "write ", "limits "].map(at);
    assert!(places.is_sorted(), "{}", done.out);
    assert!(done.out.contains("status, body_bytes_sent"), "only what is needed: {}", done.out);
    let json = world.logmill(&["explain", "job.toml", "--json"]).expect(0).json();
    assert_eq!(json["steps"]["parse"], "status, body_bytes_sent");
}

#[test]
fn status_before_a_first_batch_tells_what_waits_and_no_seconds() {
    let world = World::new();
    world.write("logs/a.log", lines(0, 3));
    let bytes = lines(0, 3).len();
    let waits = format!("nothing was read yet: {bytes} B in 1 file wait for the first batch");
    let status = |more: &[&str]| world.logmill(&[&["status", "job.toml"], more].concat()).expect(0);
    assert_eq!(status(&[]).out, format!("hits: never ran; {waits}\n"));
    let json = status(&["--json"]).json();
    assert_eq!((&json["lag_bytes"], &json["lag_files"]), (&bytes.into(), &1.into()));
    assert!(json["lag_seconds"].is_null());
    // The same once there is a state without a batch.
    world.rename("logs/a.log", "a");
    world.run(&[]).expect(1);
    world.rename("a", "logs/a.log");
    let out = status(&[]).out;
    assert!(out.contains("last batch  none yet") && out.contains(&waits), "{out}");
    let json = status(&["--json"]).json();
    assert!(json["lag_seconds"].is_null() && json["lag_bytes"] == bytes, "{json}");
    world.run(&[]).expect(0);
    let json = status(&["--json"]).json();
    assert_eq!((&json["lag_seconds"], &json["lag_files"]), (&0.into(), &0.into()));
}

#[test]
fn status_tells_of_the_last_batch_the_lag_and_the_outputs() {
    let world = World::with_lines(1);
    assert_eq!(
        world.logmill(&["status", "job.toml"]).expect(0).out,
        format!(
            "hits: never ran; nothing was read yet: {} B in 1 file wait for the first batch\n",
            line(0, 200).len()
        )
    );
    let world = after_a_run();
    let more = line(10, 200);
    world.append("logs/a.log", &more);
    let done = world.logmill(&["status", "job.toml"]).expect(0).quiet();
    for words in [
        "last batch  1, ",
        "11 = 10 mapped + 0 filtered + 1 rejected",
        "sqlite:hits  batch 1, up to date",
        "rejected    1 × ",
        "lag ",
    ] {
        assert!(done.out.contains(words), "{words:?} in {}", done.out);
    }
    let json = world.logmill(&["status", "job.toml", "--json"]).expect(0).json();
    assert_eq!((&json["batch"], &json["lines"]), (&1.into(), &11.into()));
    assert_eq!(json["lag_bytes"], more.len());
    assert_eq!(json["outputs"][0]["batch"], 1);
}

#[test]
fn status_without_a_job_tells_of_all_in_the_state_directory() {
    let world = after_a_run();
    world.write(
        "other.toml",
        JOB.replace("\"hits\"", "\"others\"").replace("out/hits", "out/others"),
    );
    world.logmill(&["run", "other.toml"]).expect(3);
    let done = world.logmill(&["status", "--state-dir", ".logmill"]).expect(0).quiet();
    assert!(done.out.contains("hits\n") && done.out.contains("others\n"), "{}", done.out);
    let done = world.logmill(&["status", "--state-dir", "nowhere"]).expect(1);
    done.says(&["can't read the state directory nowhere", "--state-dir"]);
}

#[test]
fn history_lists_the_batches_with_their_counters() {
    let world = after_a_run();
    world.append("logs/a.log", line(10, 200));
    world.run(&[]).expect(0);
    let done = world.logmill(&["history", "job.toml"]).expect(0).quiet();
    assert_eq!(done.out.lines().count(), 3, "{}", done.out);
    let json = world.logmill(&["history", "job.toml", "--json"]).expect(0).json();
    let lines = [&json["batches"][0]["lines"], &json["batches"][1]["lines"]];
    assert_eq!(lines, [&Value::from(1), &Value::from(11)]);
    let one = world.logmill(&["history", "job.toml", "--json", "--limit", "1"]).expect(0).json();
    assert_eq!(one["batches"].as_array().map(Vec::len), Some(1));
}

#[test]
fn rejects_shows_file_offset_reason_and_line() {
    let world = after_a_run();
    let offset = crate::support::lines(0, 10).len();
    let done = world.logmill(&["rejects", "job.toml"]).expect(0).quiet();
    assert!(done.out.contains(&format!("logs/a.log:{offset}: ")), "{}", done.out);
    assert!(done.out.contains("what is this"), "{}", done.out);
    let json = world.logmill(&["rejects", "job.toml", "--json"]).expect(0).json();
    assert_eq!((&json["offset"], &json["length"]), (&offset.into(), &12.into()));
    assert_eq!(json["line"], "what is this");
}

#[test]
fn completions_and_the_manual_name_every_command() {
    let world = World::new();
    let bash = world.logmill(&["completions", "bash"]).expect(0).quiet().out;
    let man = world.logmill(&["man"]).expect(0).quiet().out;
    for command in ["run", "check", "explain", "init", "status", "history", "rejects"] {
        assert!(bash.contains(&format!("logmill,{command})")), "{command}");
        assert!(man.contains(command), "{command}");
    }
    assert!(man.starts_with(".ie") && man.contains(".TH logmill"), "{man}");
    let syntax = std::process::Command::new("bash").args(["-n", "-c", &bash]).status();
    assert!(syntax.expect("bash runs").success());
}

#[test]
fn json_of_several_jobs_is_an_object_a_line() {
    let world = World::with_lines(1);
    let other = JOB.replace("\"hits\"", "\"others\"").replace("out/hits", "out/others");
    world.write("other.toml", other);
    let done = world.logmill(&["run", "job.toml", "other.toml", "--json"]).expect(0);
    let jobs: Vec<Value> = done
        .out
        .lines()
        .map(|l| serde_json::from_str::<Value>(l).expect("JSON")["job"].clone())
        .collect();
    assert_eq!(jobs, ["hits", "others"]);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let world = World::new();
    world.write("logs/a.log", "no request\n".repeat(20_000));
    world.run(&[]).expect(3);
    let mut child = world
        .command(&["rejects", "job.toml", "--limit", "20000"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let done = child.wait_with_output().expect("it ends");
    assert_eq!((done.status.code(), done.stderr.len()), (Some(0), 0));
}

#[test]
fn quiet_leaves_out_notices_but_no_errors() {
    let world = World::with_lines(1);
    world.append("logs/a.log", "no newline yet");
    world.run(&["--quiet"]).expect(0).quiet();
    world.append("logs/a.log", "\n");
    world.run(&["--quiet"]).expect(3).says(&["rejected 1 of 1 line, more than"]);
}

#[test]
fn help_and_version_go_to_stdout() {
    let world = World::new();
    let help = world.logmill(&["--help"]).expect(0).quiet();
    assert!(help.out.contains("Exit status:") && help.out.contains("logmill init"), "{}", help.out);
    let version = world.logmill(&["--version"]).expect(0).quiet();
    assert_eq!(version.out, format!("logmill {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn progress_is_drawn_where_it_is_asked_for_only() {
    let world = World::with_lines(2000);
    world.run(&[]).expect(0).quiet();
    world.append("logs/a.log", crate::support::lines(2000, 2000));
    let done = world.run(&["--progress", "always"]).expect(0);
    assert!(done.err.contains("hits ["), "{:?}", done.err);
}
