//! `csv = { multiline = true }`: values in quotes that hold line breaks.

use crate::support::{World, tables};

const FORMAT: &str =
    "format = { csv = { multiline = true } }\nfields = { id = \"int\", n = \"int\" }";

/// A job with groups by id, and events.
fn job(format: &str, limits: &str) -> String {
    format!(
        "name = \"t\"\n[source]\npaths = [\"logs/*\"]\n{format}\n[reduce]\nby = [\"id\"]\n\
         [reduce.measures]\nn = \"sum(n)\"\nmsg = \"max(msg)\"\n[output.summary]\npath = \"out/hits\"\n\
         [output.events]\npath = \"out/events\"\ncolumns = [\"id\", \"msg\", \"raw\"]\n\
         [limits]\nreject_ratio = 1.0\n{limits}\n"
    )
}

fn world(limits: &str) -> World {
    let world = World::new();
    world.job(&job(FORMAT, limits));
    world
}

/// Each reject, in the order of the file: where it begins, how long it is, and why.
fn rejects(world: &World) -> Vec<(u64, u64, String)> {
    let listed = world
        .logmill(&["rejects", "job.toml", "--json", "--limit", "100000"])
        .expect(0)
        .quiet()
        .out;
    let reject = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let number = |name: &str| row[name].as_u64().expect("a number");
        (number("offset"), number("length"), row["reason"].as_str().expect("a reason").to_owned())
    };
    let mut all: Vec<_> = listed.lines().map(reject).collect();
    all.sort();
    all
}

fn events(world: &World) -> Vec<String> {
    let mut rows = tables::read_parquet(&world.path("out/events")).rows;
    rows.sort();
    rows
}

const TEXT: &str = "id,msg,n\n1,one,10\n2,\"two\nlines\",20\r\n3,\"three\r\n3,more,30\r\n\r\nlines\",30\r\n\n4,\"\",40\n5,\"a \"\"b\"\"\n\",50\n";

#[test]
fn values_in_quotes_may_hold_line_breaks() {
    let world = world("");
    world.write("logs/a.csv", TEXT);
    let run = world.run_json(&[]);
    let counted = ["lines", "mapped", "filtered", "rejected"].map(|name| run[name].as_u64());
    assert_eq!(counted, [7, 5, 2, 0].map(Some));
    let rows = world.summary();
    assert_eq!(rows.len(), 5);
    assert!(rows[1].starts_with("2\t20\t") && rows[1].contains("two") && rows[1].contains("lines"));
    assert_eq!(events(&world).len(), 5);
    assert!(rejects(&world).is_empty());
    world.logmill(&["verify", "job.toml"]).expect(0);
    world.logmill(&["audit", "job.toml"]).expect(0);
    let explained = world.logmill(&["explain", "job.toml"]).expect(0).out;
    assert!(explained.contains("each file is read by one thread"), "{explained}");
}

#[test]
fn a_file_that_grows_byte_by_byte_gives_the_records_of_the_whole() {
    let torn = format!("{TEXT}6,\"torn\n7,\"x\",70\n8,\"y\nz\",80\n");
    let once = world("");
    once.write("logs/a.csv", &torn);
    once.run(&[]).expect(0);
    let grown = world("");
    grown.write("logs/a.csv", "");
    for at in 0..torn.len() {
        grown.append("logs/a.csv", &torn[at..=at]);
        grown.run(&["--quiet"]).expect(0);
    }
    assert_eq!(grown.summary(), once.summary());
    assert_eq!(events(&grown), events(&once));
    assert_eq!(rejects(&grown), rejects(&once));
    assert_eq!(rejects(&grown).len(), 1);
    grown.logmill(&["verify", "job.toml"]).expect(0);
    once.logmill(&["verify", "job.toml"]).expect(0);
}

#[test]
fn a_record_that_is_open_waits_until_its_quote_is_closed() {
    let world = world("");
    world.write("logs/a.csv", "id,msg,n\n1,one,10\n2,\"two\nli");
    world.run(&[]).expect(0).says(&["no newline yet and waits"]);
    world.append("logs/a.csv", "nes\n");
    world.run(&[]).expect(0);
    assert_eq!(world.summary(), ["1\t10\tone"]);
    let text = "id,msg,n\n1,one,10\n2,\"two\n";
    world.write("logs/b.csv", text);
    world.write("logs/b.csv", text.replace("one", "eins"));
    world
        .run(&[])
        .expect(0)
        .says(&["b.csv: the last record (7 bytes) has a quote that nothing closes yet and waits"]);
    world.append("logs/a.csv", "\",20\n");
    world.append("logs/b.csv", "\",5\n");
    world.run(&[]).expect(0).quiet();
    assert_eq!(world.summary().len(), 2);
    assert!(rejects(&world).is_empty());
    world.logmill(&["verify", "job.toml"]).expect(0);
}

#[test]
fn a_quote_that_nothing_closes_costs_its_line_and_says_so() {
    let text = "id,msg,n\n1,\"torn,10\n2,x,20\n3,y,30\n";
    for (name, content) in [("logs/a.csv", text.as_bytes().to_vec()), ("logs/a.csv.gz", gzip(text))]
    {
        let world = world("");
        world.write(name, content);
        let run = world.run_json(&["--final"]);
        assert_eq!((run["mapped"].as_u64(), run["rejected"].as_u64()), (Some(2), Some(1)));
        assert_eq!(world.summary(), ["2\t20\tx", "3\t30\ty"]);
        let found = rejects(&world);
        assert_eq!((found.len(), found[0].0, found[0].1), (1, 9, 10));
        assert!(found[0].2.starts_with("column `msg`: nothing closes its quote"), "{found:?}");
        let retried = world.logmill(&["rejects", "job.toml", "--retry", "--json"]).expect(0).json();
        assert_eq!((&retried["retried"], &retried["left"]), (&0.into(), &1.into()));
        world.logmill(&["verify", "job.toml"]).expect(0);
    }
}

fn gzip(text: &str) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).expect("in memory");
    encoder.finish().expect("in memory")
}

#[test]
fn no_record_is_longer_than_a_line_may_be() {
    let value =
        |bytes: usize| format!("{}\n{}", "x".repeat(bytes / 2), "y".repeat(bytes - bytes / 2 - 1));
    // `1,"` and `",10` around it: at the limit, and one byte above.
    let text = format!("id,msg,n\n1,\"{}\",10\n2,\"{}\",20\n3,z,30\n", value(93), value(94));
    let world = world("line = \"100B\"");
    world.write("logs/a.csv", text);
    world.run(&[]).expect(0);
    let rows = world.summary();
    assert_eq!(rows.len(), 2, "{rows:?}");
    let found = rejects(&world);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].2.contains("within limits.line"), "{found:?}");
    world.logmill(&["verify", "job.toml"]).expect(0);
}

#[test]
fn threads_chunks_batches_and_compression_change_nothing() {
    let row = |n: usize| match n % 9 {
        0 => format!("{n},\"two\nlines {n}\",{n}\n"),
        1 => format!("{n},\"three\r\n{n},inner,{n}\r\nlines\",{n}\r\n"),
        2 => format!("{n},\"ends\n\",{n}\n"),
        3 => format!("{n},\"a \"\"b\"\"\",{n}\n"),
        4 if n.is_multiple_of(7) => format!("{n},\"torn,{n}\n{n},\"x\",{n}\n"),
        _ => format!("{n},plain,{n}\n"),
    };
    let text: String =
        std::iter::once("id,msg,n\n".to_owned()).chain((0..40_000).map(row)).collect();
    let once = world("");
    once.write("logs/a.csv", &text);
    once.run(&["--threads", "4"]).expect(0);
    let (rows, all, torn) = (once.summary(), events(&once), rejects(&once));
    assert_eq!((rows.len(), all.len(), torn.len()), (40_000, 40_000, 40_000_usize.div_ceil(63)));
    once.logmill(&["verify", "job.toml"]).expect(0);
    let like = |world: &World| {
        assert!(world.summary() == rows && events(world) == all && rejects(world) == torn);
        world.logmill(&["verify", "job.toml"]).expect(0);
    };
    let small = world("");
    small.write("logs/a.csv", &text);
    small.run(&["--threads", "1", "--split", "10kB"]).expect(0);
    like(&small);
    let packed = world("");
    packed.write("logs/a.csv.zst", zstd::encode_all(text.as_bytes(), 1).expect("in memory"));
    packed.run(&[]).expect(0);
    like(&packed);
    // In batches, and rotated and compressed between them.
    let batches = world("");
    batches.write("logs/a.csv", "");
    let cuts = [0, 40, 41, 100_000, 400_001, text.len() - 3, text.len()];
    for (number, range) in cuts.windows(2).enumerate() {
        let name = if number < 4 { "logs/a.csv" } else { "logs/a.csv.1" };
        batches.append(name, &text[range[0]..range[1]]);
        batches.run(&[]).expect(0);
        if number == 3 {
            batches.rename("logs/a.csv", "logs/a.csv.1");
        }
    }
    like(&batches);
    batches.write("logs/a.csv.1.gz", gzip(&text));
    std::fs::remove_file(batches.path("logs/a.csv.1")).expect("removed");
    batches.run(&[]).expect(0).quiet();
    like(&batches);
}

#[test]
fn a_header_may_have_several_lines_and_waits_until_it_is_closed() {
    let world = World::new();
    world.job(
        &job(&FORMAT.replace("id =", "\"the\\nid\" ="), "")
            .replace("by = [\"id\"]", "by = [\"\\\"the\\nid\\\" AS id\"]")
            .replace("[\"id\", ", "[\"\\\"the\\nid\\\" AS id\", "),
    );
    world.write("logs/a.csv", "# it's \"open\n\"the\n");
    world.run(&[]).expect(0).says(&["waits"]);
    world.append("logs/a.csv", "id\",msg,n\n1,\"x\ny\",10\n");
    world.run(&[]).expect(0).quiet();
    assert_eq!(world.summary().len(), 1);
    assert!(rejects(&world).is_empty());
    world.logmill(&["verify", "job.toml"]).expect(0);
}

#[test]
fn a_byte_order_mark_may_stand_before_a_quote() {
    let world = World::new();
    let format = "format = { csv = { multiline = true, columns = [\"id\", \"msg\", \"n\"] } }\nfields = { id = \"int\", n = \"int\" }";
    world.job(&job(format, ""));
    world.write("logs/a.csv", "\u{feff}\"1\",\"a\nb\",10\n\"2\",\"c\nd\",20\n");
    world.run(&[]).expect(0);
    assert_eq!(world.summary().len(), 2);
    world.logmill(&["verify", "job.toml"]).expect(0);
}

#[test]
fn files_without_the_header_are_told_record_or_not() {
    let world = world("");
    world.write("logs/a.csv", "id,msg,n\n1,\"x\ny\",10\n");
    world.age("logs/a.csv");
    world.write("logs/b.csv", "2,\"x\ny\",10\n3,z,5\n");
    world.run(&[]).expect(0);
    assert_eq!(world.summary().len(), 1);
    let found = rejects(&world);
    assert!(
        found.len() == 3 && found.iter().all(|(.., why)| why.contains("not the header")),
        "{found:?}"
    );
    world.logmill(&["verify", "job.toml"]).expect(0);
}

#[test]
fn several_lines_need_a_quote() {
    let world = World::new();
    world.job(&job("format = { tsv = { multiline = true } }", ""));
    world.logmill(&["check", "job.toml"]).expect(2).says(&["need quotes"]);
    world.job(&job("format = { tsv = { multiline = true, quote = '\"' } }\nfields = { id = \"int\", n = \"int\" }", ""));
    world.write("logs/a.tsv", "id\tmsg\tn\n1\t\"x\ny\"\t10\n");
    world.run(&[]).expect(0);
    assert_eq!(world.summary().len(), 1);
}
