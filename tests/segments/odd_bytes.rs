//! Bytes that are no text, lines cut anywhere, splits of any size.

use std::fs;
use std::io::Write;

use crate::site::{Site, lines};
use crate::support::{World, tables};

#[test]
fn lines_with_any_ends_are_the_same_for_any_split_size_and_number_of_threads() {
    let text: String = (0..40)
        .map(|n| format!("{{\"id\":\"{n}\"}}{}", ["\n", "\r\n", "\n\r\n", "\n\n"][n % 4]))
        .collect();
    let mut found = Vec::new();
    for split in 1..=64 {
        let site = Site::new();
        site.append("a.log", &text);
        let outcome = site.run_with(1 + split as usize % 3, Some(split), false);
        let counters = outcome.counters;
        found.push((
            counters.mapped,
            counters.filtered,
            counters.rejected,
            counters.bytes,
            site.rows(),
        ));
    }
    let first = &found[0];
    assert_eq!((first.0, first.1, first.2, first.3), (40, 20, 0, text.len() as u64));
    assert!(found.iter().all(|other| other == first));
}

#[test]
fn a_line_whose_writer_was_in_the_middle_of_it_is_counted_once_wherever_that_was() {
    let site = Site::new();
    let text = lines("a line of some length", 2);
    for at in 0..=text.len() {
        let (log, own) = (format!("{at}.log"), text.replace("line of", &format!("l{at:03} of")));
        site.append(&log, &own[..at]);
        let first = site.run_quietly();
        site.append(&log, &own[at..]);
        assert_eq!(first + site.run_quietly(), 2, "cut at {at}");
    }
    site.assert_each_once(2 * (text.len() + 1));
}

/// Lines of bytes that trouble programs.
fn corpus() -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = [
        &b"\xEF\xBB\xBFa byte order mark"[..],
        b"\xff\xfeu\x00t\x00f\x00-\x001\x006\x00",
        b"\xc3\x28 bad sequence",
        b"\xf0\x9f\x92\xa9 emoji",
        b"\xed\xa0\x80 a surrogate",
        b"\xf4\x90\x80\x80 above the last",
        b"\xc0\xaf overlong",
        b"NUL \x00 within",
        b"\x00",
        b"\r",
        b"\x1b[31mcolours\x1b[0m",
        b"e\xcc\x81 combining",
        b"\xe2\x80\xae right to left",
        b"quote \" and ' and \\",
        b"tab\tand | and ; and ,",
        b"\x80",
        b"\xf0\x9f\x92",
    ]
    .into_iter()
    .map(<[u8]>::to_vec)
    .collect();
    lines.push((0..=255u8).filter(|byte| *byte != b'\n').collect());
    lines
}

/// Runs a job over the corpus; each line stands in `around`, in place of `@`.
fn survives(format: &str, fields: &str, around: &str) {
    let world = World::new();
    world.job(&format!(
        "name = \"hits\"\n[source]\npaths = [\"logs/*.log*\"]\nformat = {format}\n{fields}\n[reduce]\nby = [\"text\"]\n\
         [reduce.measures]\nhits = \"count(*)\"\n[output.summary]\npath = \"out/hits\"\n[output.sqlite]\n\
         path = \"out/hits.db\"\n[limits]\nreject_ratio = 1.0\n"
    ));
    let (before, after) = around.split_once('@').expect("a place for the bytes");
    let mut text = Vec::new();
    for line in corpus() {
        let parts = [before.as_bytes(), &line, after.as_bytes(), b"\n"];
        text.extend(parts.concat());
    }
    fs::write(world.path("logs/a.log"), &text).expect("written");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(b"first line of another log\n").expect("memory");
    packed.write_all(&text).expect("memory");
    fs::write(world.path("logs/b.log.gz"), packed.finish().expect("memory")).expect("written");
    let report = world.run_json(&["--final"]);
    assert_eq!(report["lines"], 2 * corpus().len() + 1, "{format}: {report}");
    if report["mapped"] == 0 {
        panic!("{format}: no line of the corpus is a record: {report}");
    }
    let parquet = tables::read_parquet(&world.path("out/hits"));
    let sqlite = tables::read_sqlite(&world.path("out/hits.db"), "hits", &parquet);
    let sorted = |mut rows: Vec<String>| {
        rows.sort();
        rows
    };
    assert_eq!(sorted(parquet.rows), sorted(sqlite), "{format}: Parquet and SQLite differ");
}

#[test]
fn bytes_that_are_no_text_stop_nothing_and_are_the_same_in_sqlite_and_parquet() {
    survives("\"json\"", "fields = { text = \"text\" }", "{\"text\":\"@\"}");
    survives("{ csv = { header = false, columns = [\"text\", \"n\"] } }", "", "@,1");
    survives("{ regex = '^<(?P<text>.*)>$' }", "", "<@>");
    survives("{ nginx = '[$text] end' }", "", "[@] end");
}
