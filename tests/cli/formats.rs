//! How lines are read, where a log is written otherwise than one thinks: never a wrong number, and words that help.

use crate::support::World;

/// A job over `logs/*.log*` of a format, with groups.
fn job(format: &str, by: &str, measures: &str) -> String {
    format!(
        "name = \"t\"\n[source]\npaths = [\"logs/*.log*\"]\n{format}\n[reduce]\nby = [{by}]\n\
         [reduce.measures]\nn = \"count(*)\"\n{measures}\n[output.summary]\npath = \"out/hits\"\n\
         [limits]\nreject_ratio = 1.0\n"
    )
}

/// What became of a log's lines: the groups, and the reasons of the rejects in the order of the file.
fn outcome(world: &World, args: &[&str]) -> (Vec<String>, Vec<String>) {
    world.run(args).expect(0);
    (world.summary(), reasons(world))
}

fn reasons(world: &World) -> Vec<String> {
    let listed = world.logmill(&["rejects", "job.toml", "--json"]).expect(0).quiet().out;
    let reason = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).expect("JSON");
        row["reason"].as_str().expect("a reason").to_owned()
    };
    listed.lines().map(reason).collect()
}

const CSV: &str = "format = \"csv\"\nfields = { id = \"int\", n = \"int\" }";

#[test]
fn a_line_that_a_quote_is_open_in_is_no_row_and_neither_are_those_up_to_its_end() {
    let world = World::new();
    world.job(&job(CSV, "\"id\"", "s = \"sum(n)\""));
    let text = "id,msg,n\n1,\"one line\",10\n2,\"two\nlines\",20\n3,\"three\n33,more,31\nlines\",30\n4,\"ends\n\",40\n5,\"ok \"\"quoted\"\"\",50\n6,plain,60\n";
    world.write("logs/a.log", text);
    let (rows, reasons) = outcome(&world, &[]);
    assert_eq!(rows, ["1\t1\t10", "5\t1\t50", "6\t1\t60"]);
    assert_eq!(reasons.len(), 7);
    assert!(reasons.iter().all(|reason| reason.contains("multiline = true")), "{reasons:?}");
    // Alone a part of a value looks like a row; it stays what it is.
    let retried = world.logmill(&["rejects", "job.toml", "--retry", "--json"]).expect(0).json();
    assert_eq!((&retried["retried"], &retried["left"]), (&0.into(), &7.into()));
    world.logmill(&["verify", "job.toml"]).expect(0);
}

#[test]
fn open_quotes_mean_the_same_wherever_reading_begins() {
    let row = |n: usize| match n % 7 {
        0 => format!("{n},\"two\nlines {n}\",{n}\n"),
        1 => format!("{n},\"three\n{n},inner,{n}\nlines\",{n}\n"),
        2 => format!("{n},\"ends\n\",{n}\n"),
        3 => format!("{n},\"a \"\"b\"\"\",{n}\n"),
        _ => format!("{n},plain,{n}\n"),
    };
    let text: String =
        std::iter::once("id,msg,n\n".to_owned()).chain((0..70_000).map(row)).collect();
    let expected: usize = (0..70_000).filter(|n| n % 7 > 2).sum();
    let world = World::new();
    world.job(&job(CSV, "", "s = \"sum(n)\""));
    // All at once, by several threads; then in batches that end anywhere; then compressed.
    world.write("logs/a.log", &text);
    world.run(&["--threads", "4"]).expect(0);
    let whole = world.summary();
    assert!(whole[0].ends_with(&format!("\t{expected}")), "{whole:?}");
    let batches = World::new();
    batches.job(&job(CSV, "", "s = \"sum(n)\""));
    batches.write("logs/a.log", "");
    let cuts = [0, 40, 41, 100_000, 400_001, 1_000_000, text.len()];
    for range in cuts.windows(2) {
        batches.append("logs/a.log", &text[range[0]..range[1]]);
        batches.run(&[]).expect(0);
    }
    assert_eq!(batches.summary(), whole);
    let packed = World::new();
    packed.job(&job(CSV, "", "s = \"sum(n)\""));
    packed.write("logs/a.log.zst", zstd::encode_all(text.as_bytes(), 1).expect("in memory"));
    packed.run(&[]).expect(0);
    assert_eq!(packed.summary(), whole);
}

#[test]
fn a_file_without_the_header_is_told_and_gives_no_wrong_columns() {
    let world = World::new();
    world.job(&job("format = \"csv\"\nfields = { v = \"int\" }", "\"name\"", "s = \"sum(v)\""));
    world.write("logs/a.log.1", "id,name,v\n1,x,10\n2,x,20\n");
    world.age("logs/a.log.1");
    world.write("logs/a.log", "3,y,30\n4,y,40\n");
    let (rows, reasons) = outcome(&world, &[]);
    assert_eq!(rows, ["x\t2\t30"]);
    let reason = "the file's first line is not the header `id,name,v`: it lacks `id`";
    assert!(
        reasons.len() == 2 && reasons.iter().all(|found| found.starts_with(reason)),
        "{reasons:?}"
    );
    // With names each line is a row, a header none.
    let named =
        "format = { csv = { columns = [\"id\", \"name\", \"v\"] } }\nfields = { v = \"int\" }";
    world.job(&job(named, "\"name\"", "s = \"sum(v)\""));
    world.run(&["--rebuild"]).expect(0);
    assert_eq!(world.summary(), ["x\t2\t30", "y\t2\t70"]);
    assert!(self::reasons(&world).is_empty());
}

#[test]
fn a_file_without_the_header_that_comes_first_doesn_t_stop_the_job() {
    let world = World::new();
    world.job(&job("format = \"csv\"\nfields = { v = \"int\" }", "\"name\"", "s = \"sum(v)\""));
    world.write("logs/a.log.1", "3,y,30\n");
    world.age("logs/a.log.1");
    world.write("logs/a.log", "name,v,id,new\nx,10,1,z\n");
    let (rows, reasons) = outcome(&world, &[]);
    assert_eq!((rows, reasons.len()), (vec!["x\t1\t10".to_owned()], 1));
}

#[test]
fn a_header_that_is_not_all_there_yet_waits() {
    for head in ["", "# by hand\n", "\u{feff}"] {
        let world = World::new();
        world.job(&job(CSV, "\"id\"", "s = \"sum(n)\""));
        world.write("logs/a.log", format!("{head}id,ms"));
        world.run(&[]).expect(0).says(&["no newline yet and waits"]);
        for command in ["verify", "status", "explain", "check", "audit"] {
            world.logmill(&[command, "job.toml"]).expect(0).hides("no field");
        }
        world.append("logs/a.log", "g,n\n1,x,10\n2,y");
        assert_eq!(outcome(&world, &[]), (vec!["1\t1\t10".to_owned()], vec![]), "{head:?}");
        world.append("logs/a.log", ",20\n");
        assert_eq!(outcome(&world, &[]).0, ["1\t1\t10", "2\t1\t20"]);
        world.logmill(&["verify", "job.toml"]).expect(0);
    }
}

#[test]
fn a_file_that_grows_byte_by_byte_is_read_as_it_is_at_its_end() {
    let text = "# c\n#id,msg,n\n1,x,10\nid,msg,n\n2,\"y,\",20\n";
    let world = World::new();
    world.job(&job(&CSV.replace("id =", "\"#id\" ="), "\"\\\"#id\\\"\"", "s = \"sum(n)\""));
    world.write("logs/a.log", "");
    for at in 0..text.len() {
        world.append("logs/a.log", &text[at..=at]);
        world.run(&["--quiet"]).expect(0);
    }
    assert_eq!(world.summary(), ["1\t1\t10", "2\t1\t20"]);
    world.logmill(&["verify", "job.toml"]).expect(0);
}

#[test]
fn a_header_without_a_newline_counts_where_nothing_follows_it() {
    let packed = |text: &str| zstd::encode_all(text.as_bytes(), 1).expect("in memory");
    let made = |text: &str, args: &[&str], is_packed| {
        let world = World::new();
        world.job(&job(CSV, "\"id\"", "s = \"sum(n)\""));
        match is_packed {
            true => world.write("logs/a.log", packed(text)),
            false => world.write("logs/a.log", text),
        }
        (world.run(args), world)
    };
    for (args, is_packed) in [(&["--final"][..], false), (&[], true)] {
        // All of a header, and no rows.
        let (done, world) = made("id,msg,n", args, is_packed);
        done.expect(0).quiet();
        assert!(!world.has_parquet("out/hits"));
        // It will never have what the job asks for.
        made("id,ms", args, is_packed).0.expect(2).says(&["no field `n`"]);
    }
    // A header of another file says what there is.
    let (done, world) = made("id,ms", &[], false);
    done.expect(0);
    world.write("logs/b.log", "id,msg,n\n1,x,10\n");
    let (rows, reasons) = outcome(&world, &[]);
    assert_eq!((rows, reasons), (vec!["1\t1\t10".to_owned()], vec![]));
}

#[test]
fn blank_lines_comments_and_a_separator_may_stand_before_a_header() {
    for head in ["\n", "# a comment\n# more, of it\n", "sep=,\n", "\u{feff}\r\n#\n\n"] {
        let world = World::new();
        world.job(&job(CSV, "\"id\"", "s = \"sum(n)\""));
        world.write("logs/a.log", format!("{head}n,id\n1,2\nn,id\n3,4\n"));
        let (rows, reasons) = outcome(&world, &[]);
        assert_eq!((rows, reasons), (vec!["2\t1\t1".into(), "4\t1\t3".into()], vec![]), "{head:?}");
        let audit = world.logmill(&["audit", "job.toml"]).expect(0).out;
        assert!(audit.contains("complete"), "{audit}");
    }
}

#[test]
fn rows_with_too_few_or_too_many_values_say_which() {
    let world = World::new();
    world.write("logs/a.log", "id,msg,n\n1,a\n1,a,2,\n1,\"a\"b,2\n1,a,x\n1,a,2\n");
    let expected = [
        "2 values where 3 are expected: none for column `n`",
        "4 values where 3 are expected: more than there are columns",
        "column `msg`: text behind the closing quote (a quote within quotes is doubled)",
    ];
    world.job(&job(CSV, "\"id\"", "s = \"sum(n)\""));
    let (rows, reasons) = outcome(&world, &[]);
    assert_eq!(rows, ["1\t1\t2"]);
    assert_eq!(reasons[..3], expected);
    assert_eq!(reasons[3], "n: not an int");
}

const COMBINED: &str = "format = \"combined\"";

#[test]
fn lines_of_vhost_combined_are_rejects_of_combined_that_say_what_to_write() {
    let world = World::new();
    world.job(&job(COMBINED, "\"remote_addr\", \"remote_user\"", ""));
    let line = |host: &str, user: &str| {
        format!(
            "{host}192.0.2.1 - {user} [31/Oct/2026:23:30:00 +0000] \"GET /a HTTP/1.1\" 200 1 \"-\" \"x\"\n"
        )
    };
    let lines = [
        line("www.example.org:443 ", "-"),
        line("shop.example.org:443 ", "alice"),
        line("www.example.org ", "-"),
        line("", "bob smith"),
        line("", "bob"),
    ];
    world.write("logs/a.log", lines.concat());
    let (rows, reasons) = outcome(&world, &[]);
    assert_eq!(rows, ["192.0.2.1\tbob\t1"]);
    assert!(
        reasons[0].contains("apache = '%v:%p %h %l %u %t") && reasons[0] == reasons[1],
        "{reasons:?}"
    );
    assert!(reasons[2].contains("apache = '%v %h %l %u %t"), "{reasons:?}");
    assert!(reasons[3].starts_with("remote_user: a space in it"), "{reasons:?}");
    // What is advised reads the lines, and `init` writes it.
    for (at, field) in [(0, "server_name"), (2, "server_name")] {
        let pattern = reasons[at].split_once("write ").expect("advice").1;
        world.write("logs/a.log", &lines[at]);
        world.job(&job(pattern, &format!("\"{field}\", \"remote_addr\""), ""));
        world.run(&["--rebuild", "--accept-loss"]).expect(0);
        assert_eq!(world.summary(), ["www.example.org\t192.0.2.1\t1"]);
        let written = world.logmill(&["init", "logs/a.log"]).expect(0).out;
        assert!(written.contains(pattern), "{written}");
    }
}

#[test]
fn http_2_and_3_need_no_minor_version() {
    let world = World::new();
    world.job(&job(COMBINED, "\"method\", \"path\", \"query\", \"protocol\"", ""));
    let line = |protocol: &str| {
        format!(
            "192.0.2.1 - - [30/Aug/2026:17:59:34 +1000] \"GET /c?d {protocol}\" 200 1 \"-\" \"x\"\n"
        )
    };
    world.write("logs/a.log", ["HTTP/2", "HTTP/3", "HTTP/2.0", "HTTP/1"].map(line).concat());
    let (rows, _) = outcome(&world, &[]);
    let read =
        ["HTTP/2", "HTTP/2.0", "HTTP/3"].map(|protocol| format!("GET\t/c\td\t{protocol}\t1"));
    assert_eq!(rows[1..], read);
    assert_eq!(rows[0], "NULL\tNULL\tNULL\tNULL\t1");
}

#[test]
fn a_brace_in_a_pasted_pattern_is_never_the_environment() {
    let line = "200 0.002s ${HOME}\n201 1.250s ${HOME}\n";
    for (format, sum) in [
        ("format = { nginx = '$status ${request_time}s $note' }", "1.252"),
        ("format = { nginx = '$status $${request_time}s $note' }", "1.252"),
        ("[source.format]\nnginx = '''\n$status ${request_time}s $note\n'''", "1.252"),
        (
            "format = { apache = '%s %{request_time}is $${HOME}' }\n[source.fields]\nhttp_request_time = \"decimal(3)\"",
            "1.252",
        ),
        (
            "format = { regex = '^(?P<status>\\d+) (?P<request_time>[0-9.]{5,})s .*${1}' }\n[source.fields]\nrequest_time = \"decimal(3)\"",
            "1.252",
        ),
    ] {
        let world = World::new();
        world.write("logs/a.log", line);
        let name = if format.contains("apache") { "http_request_time" } else { "request_time" };
        world.job(&job(format, "", &format!("s = \"sum({name})\"")));
        let mut command = world.command(&["run", "job.toml"]);
        command.env("request_time", "X").env("HOME", "/root").env("1", "Y");
        crate::support::Done::of(&mut command).expect(0).quiet();
        assert_eq!(world.summary(), [format!("2\t{sum}")], "{format}");
    }
    let world = World::with_lines(1);
    world.job(&job("format = { apache = '%h ${HOME}' }", "", ""));
    world.run(&[]).expect(2).says(&["`${...}` is replaced by Apache", "job.toml:4:", "`$${`"]);
}

#[test]
fn the_pieces_of_apache_s_time_make_one_time() {
    let world = World::new();
    let format =
        "format = { apache = '%h %l %u [%{%d/%b/%Y:%T}t.%{msec_frac}t %{%z}t] \"%r\" %>s %b' }";
    world.job(&job(format, "\"event_time\", \"msec_frac\"", ""));
    let line = |time: &str| format!("192.0.2.7 - - [{time}] \"GET /a HTTP/1.1\" 200 12\n");
    let times = ["14/Mar/2026:11:26:07.242 +0200", "14/Mar/2026:11:26:07.900 -0330"];
    world.write("logs/a.log", times.map(line).concat());
    let (rows, reasons) = outcome(&world, &[]);
    let expected = ["2026-03-14 09:26:07.242\t242\t1", "2026-03-14 14:56:07.9\t900\t1"];
    assert_eq!((rows, reasons), (expected.map(str::to_owned).to_vec(), vec![]));
    world.job(&job("format = { apache = '%h %{%T}t' }", "", ""));
    world.logmill(&["check", "job.toml"]).expect(2).says(&["makes no whole time", "job.toml:4:"]);
}

#[test]
fn a_line_that_is_no_json_object_says_where_and_why() {
    let world = World::new();
    world.job(&job("format = \"json\"", "\"a\"", ""));
    world.write("logs/a.log", "{\"a\":1}\n{\"a\":1,\"b\":\"\\xD0\"}\n{\"a\":NaN}\n[1]\n{\"a\":1\n");
    let (rows, reasons) = outcome(&world, &[]);
    assert_eq!(rows, ["1\t1"]);
    let expected = [
        "column 14: expected an escape",
        "column 6: expected a value",
        "column 1: expected `{`",
        "column 7: expected `}`",
    ];
    for (reason, expected) in reasons.iter().zip(expected) {
        assert!(reason.starts_with(&format!("not a JSON object: {expected}")), "{reason}");
    }
}

#[test]
fn what_a_pasted_configuration_has_around_a_format_is_understood_or_refused() {
    let world = World::new();
    let line = "::1 \"GET / HTTP/1.1\" 200\n";
    world.write("logs/a.log", line);
    for format in [
        "[source.format]\nnginx = '''\n# main\nlog_format main escape=json '$remote_addr ' # c\n  '\"$request\" $status';\n'''",
        "[source.format]\napache = '''\n# main\nCustomLog logs/a.log \"%h \\\n\\\"%r\\\" %>s\" env=!x\n'''",
    ] {
        world.job(&job(format, "\"path\", \"status\"", ""));
        world.run(&["--rebuild"]).expect(0).quiet();
        assert_eq!(world.summary(), ["/\t200\t1"], "{format}");
    }
    for (format, words) in [
        (
            "[source.format]\nnginx = '''\n$remote_addr\n\"$request\" $status\n'''",
            "a line break within the pattern",
        ),
        ("format = { apache = 'CustomLog logs/a.log combined' }", "format = \"combined\""),
    ] {
        world.job(&job(format, "", ""));
        world.run(&[]).expect(2).says(&[words, "job.toml:"]);
    }
}
