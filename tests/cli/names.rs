//! Fields of a log that bear the names which every record has.

use crate::support::{World, tables};

const TIME: &str = "2026-11-22T07:30:00Z";

fn job(format: &str, source: &str, by: &str) -> String {
    format!(
        "name = \"named\"\n[source]\npaths = [\"logs/a.log\"]\nformat = {format}\n{source}\n[reduce]\n{by}\n\
         [reduce.measures]\nn = \"count(*)\"\n[output.summary]\npath = \"out/named\"\n"
    )
}

/// The log in each format, with one field, of three records.
fn logs(field: &str) -> [(String, String); 3] {
    let json = format!("{{\"{field}\": \"{TIME}\"}}\n");
    [
        ("\"json\"".into(), json.repeat(3)),
        ("\"csv\"".into(), format!("{field},b\n") + &format!("{TIME},x\n").repeat(3)),
        (format!("{{ regex = '^(?P<{field}>\\S+)$' }}"), format!("{TIME}\n").repeat(3)),
    ]
}

#[test]
fn the_event_time_may_be_a_field_of_any_name() {
    for field in ["event_time", "raw", "source_file", "t"] {
        for (format, text) in logs(field) {
            let world = World::new();
            world.write("logs/a.log", text);
            let time = format!("time = \"{field}\"");
            world.job(&job(
                &format,
                &time,
                "window = \"1h\"\nby = [\"length(raw) > 0 AS is_line\"]",
            ));
            world.run(&[]).expect(0);
            let rows = tables::read_parquet(&world.path("out/named")).rows;
            assert_eq!(rows.len(), 1, "{field} {format}: {rows:?}");
            assert!(rows[0].starts_with("2026-11-22") && rows[0].ends_with("\t3"), "{rows:?}");
            world.logmill(&["verify", "job.toml"]).expect(0);
        }
    }
}

#[test]
fn without_an_event_time_its_name_is_a_columns() {
    let [_, csv, regex] = logs("event_time");
    for (format, text) in [csv, regex] {
        let world = World::new();
        world.write("logs/a.log", text);
        world.job(&job(&format, "", "by = [\"event_time\"]"));
        world.run(&[]).expect(0);
        let rows = tables::read_parquet(&world.path("out/named")).rows;
        assert_eq!(rows, [format!("{TIME}\t3")], "{format}");
    }
}
