//! `verify` goes another way than the runs: what each fast path makes of a log is what the slow one makes of it. The bugs in
//! `tests/planted` that are about fast paths must be found by these tests, and by nothing that both ways share.

use crate::support::World;

const OUTPUTS: &str = "[output.summary]\npath = \"out/hits\"\n[output.sqlite]\npath = \"out/hits.db\"\n\
    [output.events]\npath = \"out/events\"\ncolumns = [COLUMNS]\n";

/// Verifies a job over a log, read in two batches.
#[track_caller]
fn verify(format: &str, log: &str, job: &str, columns: &str) {
    let world = World::new();
    let half = log[..log.len() / 2].rfind('\n').map_or(0, |at| at + 1);
    world.write("logs/a.log", &log[..half]);
    world.job(&format!(
        "name = \"hits\"\n[source]\npaths = [\"logs/a.log\"]\n{format}\n{job}\n{}[limits]\nreject_ratio = 0.5\n",
        OUTPUTS.replace("COLUMNS", columns)
    ));
    world.run(&[]).expect(0);
    world.append("logs/a.log", &log[half..]);
    world.run(&[]).expect(0);
    let report = world.logmill(&["verify", "job.toml", "--json"]).expect(0).json();
    assert_eq!(report["equal"], true, "{report}");
    assert_eq!(report["bytes"], log.len());
}

/// Lines of an access log: mostly usual ones, with a few of other shapes among them.
fn access(count: usize) -> String {
    let line = |n: usize| {
        let (minute, second) = (n / 90 % 60, n % 60);
        let (status, bytes) = ([200, 304, 404, 500][n * 7 % 4], n * 1237 % 100_003);
        let agent = ["curl/8.0", "wget/1.2", "Firefox/128.0", "Googlebot/2.1", "-"][n / 3 % 5];
        let path = ["/a/b.css", "/img/logo.png", "/b/é", "/search"][n / 2 % 4];
        let query = if n.is_multiple_of(5) { "?q=1&x=%41" } else { "" };
        let user = if n.is_multiple_of(41) { "a b" } else { "-" };
        let referer = if n.is_multiple_of(29) { r#"a\"b"# } else { "https://example.com/" };
        format!(
            "10.{}.0.{} - {user} [22/Nov/2026:07:{minute:02}:{second:02} +0000] \"GET {path}{query} HTTP/1.1\" {status} {bytes} \"{referer}\" \"{agent}\"\n",
            n % 3,
            n % 250
        )
    };
    let odd = |n: usize| match n % 101 {
        7 => "garbage\n",
        50 => "\n",
        _ => "",
    };
    (0..count).map(|n| line(n) + odd(n)).collect()
}

const WINDOWED: &str = "[reduce]\nwindow = \"1m\"\nby = [\"status\"]\n[reduce.measures]\nhits = \"count(*)\"\n\
    bytes = \"sum(body_bytes_sent)\"\nlargest = \"max(body_bytes_sent)\"\nmean = \"avg(body_bytes_sent)\"\n\
    agents = \"count(DISTINCT http_user_agent)\"\nvisitors = \"approx_distinct(remote_addr)\"\n\
    p90 = \"approx_quantile(body_bytes_sent, 0.9)\"\nspread = \"stddev(body_bytes_sent)\"\n\
    opened = \"first(path)\"\nclosed = \"last(path)\"";

#[test]
fn an_access_log_by_window_and_number() {
    verify(
        "format = \"combined\"",
        &access(5000),
        WINDOWED,
        "\"event_time\", \"path\", \"status\"",
    );
}

#[test]
fn an_access_log_by_few_small_numbers() {
    let job =
        WINDOWED.replace("\"status\"", "\"status / 100 AS class\", \"status = 404 AS missing\"");
    verify("format = \"combined\"", &access(4000), &job, "\"status\"");
}

#[test]
fn an_access_log_by_texts() {
    let by = |keys: &str| {
        format!(
            "[reduce]\nby = [{keys}]\n[reduce.measures]\nhits = \"count(*)\"\nb = \"sum(body_bytes_sent)\""
        )
    };
    verify("format = \"combined\"", &access(3000), &by("\"http_user_agent\""), "\"raw\"");
    verify(
        "format = \"combined\"",
        &access(3000),
        &by("\"path\", \"method\", \"query\""),
        "\"request\"",
    );
    verify(
        "format = \"combined\"",
        &access(3000),
        &by("\"remote_user\", \"status\""),
        "\"protocol\"",
    );
}

#[test]
fn measures_that_differ_in_one_operator() {
    let job = "[reduce]\n[reduce.measures]\nbelow = \"count(*) FILTER (WHERE status < 500)\"\n\
        above = \"count(*) FILTER (WHERE status >= 500)\"\ncss = \"count(*) FILTER (WHERE path LIKE '%.css')\"\n\
        png = \"count(*) FILTER (WHERE path LIKE '%.png')\"\ncapped = \"sum(least(body_bytes_sent, 500))\"\n\
        floored = \"sum(greatest(body_bytes_sent, 500))\"\n\
        share = \"count(*) FILTER (WHERE status < 300)::float / count(*) FILTER (WHERE status < 400)\"";
    verify("format = \"combined\"", &access(2000), job, "\"status\"");
}

#[test]
fn an_expression_that_searches_a_text_often() {
    let job = "[map]\nwhere = \"http_user_agent NOT LIKE '%bot%' AND http_user_agent NOT LIKE '%crawl%' AND NOT contains(http_user_agent, 'spider')\"\n\
        [map.let]\nagent = \"CASE WHEN http_user_agent ~ 'Firefox' THEN 'f' WHEN http_user_agent LIKE 'curl%' THEN 'c' WHEN http_user_agent ~ '^w' THEN 'w' ELSE 'x' END\"\n\
        hour = \"strftime(event_time, '%H:%M')\"\n[reduce]\nby = [\"agent\", \"hour\"]\n[reduce.measures]\nhits = \"count(*)\"";
    verify("format = \"combined\"", &access(4000), job, "\"agent\", \"hour\"");
}

#[test]
fn a_pasted_pattern_with_decimals() {
    let log: String = access(4000)
        .lines()
        .enumerate()
        .map(|(n, line)| match line.is_empty() {
            true => "\n".to_owned(),
            false => format!(
                "{line} {}{}.{:03}\n",
                if n % 17 == 0 { "-" } else { "" },
                n % 1000,
                n % 997
            ),
        })
        .collect();
    let format = "format = { nginx = '$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" \"$http_user_agent\" $request_time' }";
    let job = "[reduce]\nwindow = \"1m\"\nby = [\"method\", \"status\"]\n[reduce.measures]\nhits = \"count(*)\"\n\
        slowest = \"max(request_time)\"\nfastest = \"min(request_time)\"\ntotal = \"sum(request_time)\"\n\
        mean = \"avg(request_time)\"\nscaled = \"sum(request_time / 7)\"";
    verify(format, &log, job, "\"request_time\", \"path\"");
}

#[test]
fn separated_values() {
    let line = |n: usize| match n % 37 {
        5 => format!("\"{n}\",\"a, \"\"b\"\"\",1.5\n"),
        7 => format!("\"{n}\",\"k{}\",\"2.25\"\n", n % 3),
        9 => "1,2\n".to_owned(),
        11 => format!("{n},,\n"),
        _ => format!("{},k{},{}.{:02}\n", n * 31 % 1009, n % 13, n % 90, n % 100),
    };
    let log: String = (0..5000).map(line).collect();
    let job = "[reduce]\nby = [\"k\"]\n[reduce.measures]\nhits = \"count(*)\"\nn = \"sum(n)\"\nd = \"sum(d)\"\nm = \"min(d)\"";
    let format = "format = { csv = { header = false, columns = [\"n\", \"k\", \"d\"] } }\nfields = { n = \"int\", d = \"decimal(2)\" }";
    verify(format, &log, job, "\"n\", \"k\", \"d\"");
    let job = "[reduce]\nby = [\"n / 100 AS h\", \"d > 40 AS big\"]\n[reduce.measures]\nhits = \"count(*)\"\nd = \"sum(d)\"";
    verify(format, &log, job, "\"k\"");
}

#[test]
fn lines_of_json() {
    let line = |n: usize| match n % 43 {
        3 => format!("{{\"n\": {n}, \"k\": \"a\\\"\\u00e9\", \"d\": null}}\n"),
        5 | 6 => format!("{{\"n\":{n},\"k\":null,\"d\":1.25}}\n"),
        8 => "{\"n\": 1,\n".to_owned(),
        12 => format!("{{\"x\":{{\"k\":[1,2,{{\"n\":3}}]}},\"n\":{n},\"n\":{}}}\n", n + 1),
        _ => format!(
            "{{\"n\":{},\"k\":\"k{}\",\"d\":{}.{:02},\"x\":{{\"y\":\"{}\"}}}}\n",
            n * 31 % 1009,
            n % 13,
            n % 90,
            n % 100,
            n % 3
        ),
    };
    let log: String = (0..5000).map(line).collect();
    let job = "[reduce]\nby = [\"k\", \"\\\"x.y\\\" AS y\"]\n[reduce.measures]\nhits = \"count(*)\"\nn = \"sum(n)\"\nd = \"sum(d)\"";
    let format = "format = \"json\"\nfields = { n = \"int\", d = \"decimal(2)\" }";
    verify(format, &log, job, "\"n\", \"k\", \"d\"");
}

#[test]
fn more_groups_than_memory_holds() {
    let line = |n: usize| format!("{},{}\n", n * 7919 % 200_003, "x".repeat(n % 50));
    let log: String = (0..250_000).map(line).collect();
    let job = "[reduce]\nby = [\"k\"]\n[reduce.measures]\nhits = \"count(*)\"\nxs = \"count(DISTINCT x)\"\nlongest = \"max(x)\"";
    let format = "format = { csv = { header = false, columns = [\"k\", \"x\"] } }";
    let world = World::new();
    world.write("logs/a.log", &log);
    world.job(&format!(
        "name = \"hits\"\n[source]\npaths = [\"logs/a.log\"]\n{format}\n{job}\n[output.summary]\npath = \"out/hits\"\n\
         [limits]\nmemory = \"16MiB\"\n"
    ));
    world.run(&[]).expect(0);
    let report = world.logmill(&["verify", "job.toml", "--json"]).expect(0).json();
    assert_eq!(
        (&report["equal"], &report["outputs"][0]["groups"]),
        (&true.into(), &200_003.into()),
        "{report}"
    );
}
