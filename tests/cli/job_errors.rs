//! Mistakes in a job file: status 2, and a message with the place, the line and what to do.

use crate::support::{Done, JOB, World};

/// Runs [`JOB`] with a piece replaced; it must be refused, and leave nothing.
fn refused(from: &str, to: &str) -> Done {
    assert!(JOB.contains(from), "{from}");
    let world = World::with_lines(3);
    world.job(&JOB.replace(from, to));
    let done = world.run(&[]).expect(2);
    assert_eq!(done.out, "");
    assert!(!world.path("out").exists() && !world.path(".logmill").exists());
    done
}

/// The line with the caret begins at the column of `word`, and is as long as it.
#[track_caller]
fn points_at(done: &Done, word: &str) {
    let lines: Vec<&str> = done.err.lines().collect();
    let at = lines.iter().position(|line| line.contains('^')).expect("a caret");
    let (source, caret) = (lines[at - 1], lines[at]);
    let start = caret.find('^').expect("a caret");
    let end = caret.rfind('^').expect("a caret") + 1;
    assert_eq!(&source[start..end], word, "{}", done.err);
}

#[test]
fn a_job_file_that_is_not_there_is_named_with_the_way_to_make_one() {
    let done = World::new().logmill(&["run", "nowhere.toml"]).expect(2);
    done.says(&["logmill: nowhere.toml: can't read the job file: No such file", "logmill init"]);
}

#[test]
fn a_folder_in_place_of_a_job_file_is_refused() {
    let done = World::new().logmill(&["run", "logs"]).expect(2);
    done.says(&["logs: can't read the job file: Is a directory"]);
}

#[test]
fn what_is_no_toml_is_shown_with_its_line() {
    let done = refused("[source]", "[source");
    let done = done.says(&["job.toml:2:", " 2 | [source"]);
    assert!(done.err.contains('^'), "{}", done.err);
}

#[test]
fn a_wrong_key_names_its_line_and_the_nearest_key() {
    let done = refused("paths", "path");
    points_at(&done, "path");
    done.says(&["job.toml:3:1: unknown key `path`", "did you mean `paths`?"]);
}

#[test]
fn a_wrong_table_names_what_is_known() {
    refused("[reduce]", "[reduction]").says(&["job.toml:5:2: unknown key `reduction`"]);
}

#[test]
fn a_value_of_another_type_is_shown() {
    refused("[\"status\"]", "\"status\"").says(&[
        "job.toml:6:6: ",
        "expected a list",
        "by = \"status\"",
    ]);
}

#[test]
fn a_missing_part_is_named() {
    let done = refused("format = \"combined\"\n", "");
    done.says(&["job.toml:2:", "missing field `format`"]);
}

#[test]
fn a_type_error_has_a_caret_under_the_very_place() {
    let done = refused("count(*)", "count(*) FILTER (WHERE status > path)");
    points_at(&done, "status > path");
    done.says(&["job.toml:8:", "int", "text"]);
}

#[test]
fn a_function_that_is_unknown_is_named_with_the_nearest() {
    let done = refused("sum(body_bytes_sent)", "sun(body_bytes_sent)");
    points_at(&done, "sun");
    done.says(&["job.toml:9:10: unknown function sun", "did you mean sum?"]);
}

#[test]
fn a_field_that_is_unknown_is_named_with_the_nearest() {
    let done = refused("sum(body_bytes_sent)", "sum(body_byte_sent)");
    points_at(&done, "body_byte_sent");
    done.says(&["job.toml:9:14: unknown field body_byte_sent", "did you mean body_bytes_sent?"]);
}

#[test]
fn an_expression_that_ends_too_early_is_shown() {
    refused("sum(body_bytes_sent)", "sum(body_bytes_sent").says(&["job.toml:9:"]);
}

#[test]
fn a_format_that_is_unknown_is_named_with_those_that_are_known() {
    refused("\"combined\"", "\"combine\"").says(&["job.toml:4:", "combine", "combined"]);
}

#[test]
fn a_variable_that_is_not_set_is_named() {
    let done = refused("\"out/hits\"", "\"${NOWHERE}/hits\"");
    done.says(&["job.toml:11:8: the variable NOWHERE is not set", "export NOWHERE="]);
}

#[test]
fn a_variable_without_its_brace_is_told_as_that() {
    refused("\"out/hits\"", "\"${NOWHERE/hits\"").says(&["job.toml:11:8: a `${` without its `}`"]);
}

#[test]
fn an_empty_expression_is_shown_where_it_stands() {
    let done = refused("\"count(*)\"", "\"\"");
    points_at(&done, "\"\"");
    done.says(&["job.toml:8:8: "]);
}

#[test]
fn a_line_that_is_shown_hides_its_password() {
    let mysql = |text: &str| {
        refused("[output.sqlite]", &format!("[output.mysql]\n{text}\n[output.sqlite]"))
    };
    let done = mysql("urll = \"mysql://u:sesame@h/d\"").hides("sesame");
    done.says(&["did you mean `url`?", "mysql://u:******@h/d"]);
    mysql("url = \"mysql://u:sesame@${HOST}/d\"").hides("sesame").says(&["HOST is not set"]);
    mysql("url = [\"mysql://u:sesame@h/d\"]").hides("sesame");
    mysql("url = \"u\"\noptional = \"mysql://u:sesame@h/d\"").hides("sesame");
}

#[test]
fn a_job_without_an_output_is_told_which_there_are() {
    let world = World::with_lines(3);
    world.job(JOB.split("[output.summary]").next().expect("its beginning"));
    let done = world.run(&[]).expect(2);
    done.says(&["job.toml: the job has no output", "[output.summary]", "[output.events]"]);
}

#[test]
fn a_name_that_cannot_be_a_folder_or_a_table_is_refused() {
    refused("name = \"hits\"", "name = \"../hits\"")
        .says(&["job.toml:1:8: `../hits` is no job name"]);
}

#[test]
fn an_optional_output_without_its_variable_is_skipped_with_a_notice() {
    let world = World::with_lines(3);
    let mysql = "[output.mysql]\nurl = \"${DATABASE}\"\noptional = true\n";
    world.job(&format!("{JOB}{mysql}"));
    let done = world.run(&[]).expect(0);
    done.says(&["logmill: hits: [output.mysql] is skipped: the variable DATABASE is not set"]);
    assert_eq!(world.summary(), ["200\t3\t303"]);
}

#[test]
fn usage_mistakes_end_with_status_2_and_say_which_options_there_are() {
    let world = World::new();
    world.logmill(&["run"]).expect(2).says(&["required", "JOB"]);
    world.logmill(&["runn", "job.toml"]).expect(2).says(&["unrecognized subcommand 'runn'", "run"]);
    world.run(&["--finale"]).expect(2).says(&["unexpected argument '--finale'", "--final"]);
    world.run(&["--threads", "0"]).expect(2).says(&["--threads"]);
    world.run(&["--memory", "much"]).expect(2).says(&["`much` is no size"]);
}

#[test]
fn units_are_written_as_documented_or_refused_with_what_to_write() {
    let window = |text: &str| refused("by = [", &format!("window = \"{text}\"\nby = ["));
    points_at(&window("1M"), "\"1M\"");
    window("1M").says(&["job.toml:6:10: `1M` is no duration", "\"1m\" are minutes", "\"1mo\""]);
    window("1 m").says(&["without spaces: \"1m\""]);
    window("1MIN").says(&["write \"1m\""]);
    window("1H").says(&["write \"1h\""]);
    window("1mo").says(&["not built yet"]);
    window("-1m").says(&["not negative"]);
    window("99999999w").says(&["at most 36500d"]);
    let seal = |text: &str| refused("[reduce]", &format!("seal_after = \"{text}\"\n[reduce]"));
    seal("1.5h").says(&["whole one"]);
    seal("0s").says(&["at least 1ms"]);
    let limit = |text: &str| refused("[reduce]", &format!("[limits]\n{text}\n[reduce]"));
    limit("line = true").says(&["a size such as \"64KiB\", or a number of bytes"]);
    limit("memory = \"1G\"").says(&["`1G` is no size", "\"1GiB\" is in powers of 1,024"]);
    limit("line = \"1 MiB\"").says(&["without spaces: \"1MiB\""]);
    let world = World::new();
    world.run(&["--memory", "1gib"]).expect(2).says(&["write \"1GiB\""]);
    let watch = |more: &[&str]| world.logmill(&[&["watch", "job.toml"], more].concat()).expect(2);
    watch(&["--every", "5S"]).says(&["write \"5s\""]);
    watch(&["--refresh", "1M"]).says(&["\"1m\" are minutes"]);
}

#[test]
fn a_column_with_the_name_of_a_folder_is_refused_with_what_to_do() {
    let done = refused("by = [\"status\"]", "window = \"1h\"\nby = [\"status AS date\"]");
    points_at(&done, "\"status AS date\"");
    done.says(&["folders `date=…` of [output.summary]", "give it another name"]);
}

#[test]
fn a_table_that_no_database_takes_is_refused_when_the_job_is_compiled() {
    let table = |name: &str| {
        let to = format!("path = \"out/hits.db\"\ntable = \"{name}\"");
        refused("path = \"out/hits.db\"", &to)
    };
    table("sqlite_x").says(&["`sqlite_x` is no table name", "SQLite keeps names"]);
    table("SQLite_X").says(&["SQLite keeps names"]);
    table("logs.t2").says(&["`logs.t2` is no table name", "stands in `url`"]);
    table("hits_batches").says(&["tables of batches end in _batches"]);
    table("").says(&["is no table name"]);
    table(&"a".repeat(57)).says(&["at most 56 characters"]);
    let done = refused("name = \"hits\"", "name = \"hits_batches\"");
    points_at(&done, "\"hits_batches\"");
}

#[test]
fn a_mistake_in_the_last_of_several_jobs_stops_all_before_they_begin() {
    let world = World::with_lines(3);
    world.write("other.toml", JOB.replace("count", "cuont"));
    world.logmill(&["run", "job.toml", "other.toml"]).expect(2).says(&["other.toml:8:"]);
    assert!(!world.path("out").exists());
}

#[test]
fn more_columns_than_a_table_can_have_are_refused_before_the_first_run() {
    let world = World::with_lines(3);
    let measures: String = (0..2000).map(|n| format!("m{n} = \"count(*)\"\n")).collect();
    world.job(&JOB.replace("hits = \"count(*)\"\n", &measures));
    let done = world.logmill(&["check", "job.toml"]).expect(2);
    done.says(&["columns are too many for [output.sqlite]", "make several jobs"]);
    let fewer: String = (0..1990).map(|n| format!("m{n} = \"count(*)\"\n")).collect();
    world.job(&JOB.replace("hits = \"count(*)\"\n", &fewer));
    world.run(&[]).expect(0).quiet();
    let server = "[output.mysql]\nurl = \"mysql://user@host/db\"\n";
    let table = JOB.find("[output.sqlite]").map_or(JOB, |at| &JOB[..at]);
    world.job(&(table.replace("hits = \"count(*)\"\n", &fewer) + server));
    world.logmill(&["check", "job.toml"]).expect(2).says(&["too many for [output.mysql]"]);
}
