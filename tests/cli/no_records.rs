//! Lines of which none becomes a record, many in a row: a run goes on, whatever its keys are.

use crate::support::{World, line};

fn job(window: &str, keys: &str, map: &str) -> String {
    format!(
        "name = \"hits\"\n[source]\npaths = [\"logs/*.log\"]\nformat = \"combined\"\n{map}\n[reduce]\n{window}\nby = [{keys}]\n\
         [reduce.measures]\nhits = \"count(*)\"\nlongest = \"max(path)\"\nmean = \"avg(body_bytes_sent)\"\n\
         last = \"last(path)\"\nvisitors = \"approx_distinct(remote_addr)\"\n\
         [output.summary]\npath = \"out/hits\"\n[output.events]\npath = \"out/events\"\n\
         columns = [\"status\", \"path\", \"event_time\"]\npartition = \"hour\"\n[limits]\nreject_ratio = 1\n"
    )
}

const KEYS: [&str; 8] = [
    "\"status\"",
    "",
    "\"path\"",
    "\"status\", \"path\"",
    "\"path\", \"status\", \"body_bytes_sent\"",
    "\"status\", \"body_bytes_sent\"",
    "\"status = 200 AS ok\", \"body_bytes_sent\"",
    "\"body_bytes_sent::decimal(2) AS d\", \"body_bytes_sent::float AS f\"",
];

#[test]
fn a_log_without_a_record_is_read_to_its_end_whatever_the_keys_are() {
    let filter = "[map]\nwhere = \"status >= 500\"";
    let none = [
        ("garbage\n".to_owned(), ""),
        (line(1, 200), filter),
        ("\n\n".to_owned(), ""),
        (line(1, 200).replace("2026", "1960"), ""),
        (line(1, 200), "[map]\nwhere = \"x > 0\"\n[map.let]\nx = \"10 / (status - 200)\""),
        (line(1, 200).repeat(2500) + &"rubbish\n".repeat(1500), filter),
    ];
    for (log, map) in none {
        for (keys, window) in KEYS.into_iter().zip(["window = \"1h\"", ""].into_iter().cycle()) {
            let world = World::new();
            world.write("logs/a.log", &log);
            world.job(&job(window, keys, map));
            let report = world.run_json(&[]);
            assert_eq!(report["mapped"], 0, "{report}");
            let lines = log.lines().count() as u64;
            assert_eq!(report["lines"], lines, "{report}");
            assert_eq!(world.run_json(&[])["lines"], 0, "it was read");
        }
    }
}

#[test]
fn runs_of_lines_that_are_dropped_stand_between_records_and_lose_none() {
    let dropped = |count: usize| line(1, 200).repeat(count);
    let kept = |count: usize| (0..count).map(|n| line(n, 503)).collect::<String>();
    for (keys, window) in KEYS.into_iter().zip(["window = \"1m\"", ""].into_iter().cycle()) {
        let world = World::new();
        // Around the size of a block, and more than one, in a row.
        let parts = [
            kept(3),
            dropped(1023),
            kept(1),
            dropped(1024),
            kept(1024),
            dropped(1025),
            "junk\n".repeat(3000),
            kept(2),
            dropped(5000),
        ];
        world.write("logs/a.log", parts.concat());
        world.job(&job(window, keys, "[map]\nwhere = \"status >= 500\""));
        let report = world.run_json(&[]);
        assert_eq!((&report["mapped"], &report["rejected"]), (&1030.into(), &3000.into()));
        world.append("logs/a.log", dropped(1500));
        assert_eq!(world.run_json(&[])["filtered"], 1500);
        world.append("logs/a.log", kept(1));
        assert_eq!(world.run_json(&[])["mapped"], 1);
        assert_eq!(
            world.logmill(&["verify", "job.toml", "--json"]).expect(0).json()["equal"],
            true
        );
        assert_eq!(
            world.logmill(&["rejects", "job.toml", "--retry", "--json"]).expect(0).json()["retried"],
            0
        );
    }
}
