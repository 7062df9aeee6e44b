//! The logs that the benchmarks read: made in memory, the same in every run.

use std::fmt::Write;

/// Lines of each log.
pub const LINES: u64 = 50_000;

/// The access log's pattern.
pub const NGINX: &str = r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_time"#;

/// The same for Apache, whose duration is in microseconds.
pub const APACHE: &str = r#"%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %D"#;

/// A small linear congruential generator.
pub struct Random(pub u64);

impl Random {
    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Lines that `line` writes, given the line's number and the generator.
pub fn log(mut line: impl FnMut(&mut String, u64, &mut Random)) -> Vec<u8> {
    let (mut out, mut random) = (String::new(), Random(7));
    for number in 0..LINES {
        line(&mut out, number, &mut random);
        out.push('\n');
    }
    out.into_bytes()
}

/// An access log; `tail` is what ends each line.
fn access_lines(tail: impl Fn(&mut String, u64)) -> Vec<u8> {
    log(|out, line, random| {
        let second = line / 100;
        write!(
            out,
            "10.{}.{}.{} - - [22/Nov/2026:{:02}:{:02}:{:02} +0000] \"GET /products/{}/reviews?page={} HTTP/1.1\" {} {} \
             \"https://example.org/\" \"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\"",
            random.below(4),
            random.below(256),
            random.below(256),
            second / 3600,
            second / 60 % 60,
            second % 60,
            random.below(20_000),
            random.below(9),
            [200, 200, 200, 304, 404, 500][random.below(6) as usize],
            random.below(100_000),
        )
        .expect("a string takes what it gets");
        tail(out, random.below(1000));
    })
}

/// Combined format with `$request_time`.
pub fn access() -> Vec<u8> {
    access_lines(|out, ms| write!(out, " 0.{ms:03}").expect("a string takes what it gets"))
}

/// Combined format with Apache's `%D`.
pub fn apache() -> Vec<u8> {
    access_lines(|out, ms| write!(out, " {ms}000").expect("a string takes what it gets"))
}

/// One object a line: nested keys, escapes.
pub fn json() -> Vec<u8> {
    log(|out, line, random| {
        write!(
            out,
            r#"{{"ts":"2026-11-22T07:{:02}:{:02}.{:03}Z","level":"info","logger":"shop.cart","message":"order {} \"paid\"","http":{{"status":{},"path":"/cart"}},"duration_ms":{}.5}}"#,
            line / 60 % 60,
            line % 60,
            random.below(1000),
            random.below(100_000),
            200 + random.below(3) * 100,
            random.below(4000),
        )
        .expect("a string takes what it gets");
    })
}

/// `station;temperature`, as in the One Billion Row Challenge.
pub fn stations() -> Vec<u8> {
    log(|out, _, random| {
        write!(out, "station{};{}.{}", random.below(413), random.below(60), random.below(10))
            .expect("a string takes what it gets");
    })
}

/// CSV of which one column is quoted, commas and doubled quotes in it.
pub fn quoted() -> Vec<u8> {
    log(|out, line, random| {
        write!(out, r#"{line},"a ""quoted"" word, {}",{}"#, random.below(100), random.below(9))
            .expect("a string takes what it gets");
    })
}

/// Columns behind tabs.
pub fn tabs() -> Vec<u8> {
    log(|out, line, random| {
        write!(out, "{line}\t/item/{}\t{}", random.below(9999), random.below(9))
            .expect("a string takes what it gets");
    })
}
