//! What is computed once because it is the same, and what is not the same: measures of one job, `let`s of several, and a job
//! that was changed in one word.

use crate::support::{Done, World, tables};

/// Measures, two by two; those of a pair differ in one thing.
const MEASURES: &[(&str, &str)] = &[
    ("below", "count(*) FILTER (WHERE status < 500)"),
    ("above", "count(*) FILTER (WHERE status >= 500)"),
    ("in_a", "count(*) FILTER (WHERE path LIKE '/a%')"),
    ("in_b", "count(*) FILTER (WHERE path LIKE '/b%')"),
    ("some", "count(*) FILTER (WHERE status IN (200, 201))"),
    ("others", "count(*) FILTER (WHERE status IN (500, 503))"),
    ("capped", "max(greatest(body_bytes_sent, 2500))"),
    ("floored", "max(least(body_bytes_sent, 2500))"),
    ("masked", "max(regexp_replace(path, '[0-9]+', ':id'))"),
    ("blanked", "max(regexp_replace(path, '[a-z]+', ':id'))"),
    ("number", "min(regexp_extract(path, '[0-9]+'))"),
    ("word", "min(regexp_extract(path, '[a-z]+'))"),
    ("truths", "count(*) FILTER (WHERE (status < 300) IS TRUE)"),
    ("lies", "count(*) FILTER (WHERE (status < 300) IS FALSE)"),
    ("median", "approx_quantile(body_bytes_sent, 0.5)"),
    ("tail", "approx_quantile(body_bytes_sent, 0.9)"),
    ("cents", "sum(round(body_bytes_sent / 32.0, 1))"),
    ("mills", "sum(round(body_bytes_sent / 32.0, 2))"),
    ("daily", "count(DISTINCT date_trunc('day', event_time))"),
    ("hourly", "count(DISTINCT date_trunc('hour', event_time))"),
    ("rate", "count(*) FILTER (WHERE status < 400)::float / count(*) FILTER (WHERE status < 500)"),
    ("etar", "count(*) FILTER (WHERE status < 500)::float / count(*) FILTER (WHERE status < 400)"),
];

fn job(measures: &[(&str, &str)]) -> String {
    let measures: String =
        measures.iter().map(|(name, text)| format!("{name} = \"{text}\"\n")).collect();
    format!(
        "name = \"hits\"\n[source]\npaths = [\"logs/a.log\"]\nformat = \"combined\"\n[reduce]\n[reduce.measures]\n\
         {measures}[output.summary]\npath = \"out/hits\"\n"
    )
}

fn log() -> String {
    let line = |n: usize| {
        let (hour, path) = (n % 5, ["a", "b", "c"][n % 3]);
        let status = [200, 201, 302, 404, 500, 503][n % 6];
        format!(
            "198.51.100.{} - - [2{}/Nov/2026:0{hour}:00:00 +0000] \"GET /{path}/{n} HTTP/1.1\" {status} {} \"-\" \"-\"\n",
            n % 250,
            n % 3,
            n * 7
        )
    };
    (0..1000).map(line).collect()
}

fn values(world: &World) -> Vec<String> {
    let table = tables::read_parquet(&world.path("out/hits"));
    let [row] = table.rows.as_slice() else { panic!("one group: {:?}", table.rows) };
    row.split('\t').map(str::to_owned).collect()
}

#[test]
fn measures_that_differ_in_one_thing_have_the_values_that_they_have_alone() {
    let world = World::new();
    world.write("logs/a.log", log());
    world.job(&job(MEASURES));
    world.run(&[]).expect(0);
    let together = values(&world);
    assert_eq!(together.len(), MEASURES.len());
    for (pair, values) in MEASURES.chunks(2).zip(together.chunks(2)) {
        assert_ne!(values[0], values[1], "{pair:?}");
        for (measure, value) in pair.iter().zip(values) {
            world.job(&job(&[*measure]));
            let state = format!("alone-{}", measure.0);
            world.run(&["--adopt", "--state-dir", &state]).expect(0);
            assert_eq!(self::values(&world), [value.as_str()], "{measure:?}");
        }
    }
}

#[test]
fn lets_of_two_jobs_in_one_run_that_differ_in_one_word_are_each_what_they_are_alone() {
    let world = World::new();
    world.write("logs/a.log", log());
    let lets = [
        ["status < 404", "status >= 404"],
        ["path LIKE '/a%'", "path LIKE '/b%'"],
        ["status IN (200, 201)", "status IN (500, 503)"],
        ["greatest(status, 404)", "least(status, 404)"],
        ["regexp_replace(path, '[0-9]', 'x')", "regexp_replace(path, '[a-z]', 'x')"],
        ["(status < 404) IS TRUE", "(status < 404) IS FALSE"],
        ["status + 1", "status - 1"],
        ["substr(path, 1, 2)", "substr(path, 1, 3)"],
    ];
    for pair in lets {
        let job = |name: &str, text: &str| {
            format!(
                "name = \"{name}\"\n[source]\npaths = [\"logs/a.log\"]\nformat = \"combined\"\n[map.let]\nx = \"{text}\"\n\
                 again = \"x::text || '.'\"\n[reduce]\nby = [\"x\"]\n[reduce.measures]\nhits = \"count(*)\"\nlast = \"max(again)\"\n\
                 [output.summary]\npath = \"out/{name}\"\n"
            )
        };
        let rows = |names: [&str; 2]| {
            names.map(|name| tables::read_parquet(&world.path(&format!("out/{name}"))).rows)
        };
        for (name, text) in ["one", "two"].into_iter().zip(pair) {
            world.write(&format!("{name}.toml"), job(name, text));
        }
        let run = |jobs: &[&str]| -> Done {
            let _ = std::fs::remove_dir_all(world.path(".logmill"));
            world.logmill(&[&["run", "--adopt"], jobs].concat()).expect(0)
        };
        run(&["one.toml", "two.toml"]);
        let together = rows(["one", "two"]);
        assert_ne!(together[0], together[1], "{pair:?}");
        run(&["one.toml"]);
        run(&["two.toml"]);
        assert_eq!(together, rows(["one", "two"]), "{pair:?}");
    }
}

#[test]
fn a_constant_within_a_filter_belongs_to_what_the_stored_groups_mean() {
    let world = World::new();
    world.write("logs/a.log", log());
    let job = |constant: u32| {
        job(&[("slow", &format!("count(*) FILTER (WHERE body_bytes_sent > {constant})"))])
    };
    world.job(&job(1000));
    world.run(&[]).expect(0);
    let before = values(&world);
    world.job(&job(2000));
    world.run(&[]).expect(1).says(&["reduce.measures.slow", "> 1000", "> 2000", "--rebuild"]);
    assert_eq!(values(&world), before);
    world.run(&["--rebuild"]).expect(0);
    assert_ne!(values(&world), before);
}

#[test]
fn another_key_of_pseudonyms_asks_for_a_rebuild() {
    let world = World::new();
    world.write("logs/a.log", log());
    world.job(&job(&[("someone", "min(pseudonym(remote_addr))")]));
    let run = |key: &str, more: &[&str]| {
        let mut command = world.command(&[&["run", "job.toml"], more].concat());
        Done::of(command.env("LOGMILL_PSEUDONYM_KEY", key))
    };
    run("a long and secret text", &[]).expect(0);
    run("a long and secret text", &[]).expect(0);
    let done = run("another secret", &[]).expect(1).says(&["reduce.aggregates", "--rebuild"]);
    done.hides("secret");
    run("another secret", &["--rebuild"]).expect(0);
}
