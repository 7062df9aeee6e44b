//! The application's log: one JSON object a line.

use std::io;

use crate::clock::{Clock, START, push_rfc3339};
use crate::rng::{Rng, Zipf};
use crate::sink::Sink;
use crate::text::{push_number, push_padded};

const LOGGERS: [(&str, &str); 6] = [
    ("shop.http", "request served"),
    ("shop.cart", "item added"),
    ("shop.db", "query done"),
    ("shop.mail", "message queued"),
    ("shop.payment", "payment \\\"card\\\" accepted"),
    ("shop.search", "index für Größen updated"),
];

/// Of 16 lines so many have each level.
const LEVELS: [&str; 16] = [
    "info", "info", "info", "info", "info", "info", "info", "info", "info", "info", "debug",
    "debug", "debug", "warn", "warn", "error",
];

/// Writes a log of `lines` lines over `hours` hours; with `broken`, one line in the middle is cut off.
pub(crate) fn write(
    lines: u64,
    hours: u64,
    seed: u64,
    broken: bool,
    sink: &mut Sink,
) -> io::Result<()> {
    let mut rng = Rng::new(seed);
    let users = Zipf::new(5000);
    let mut clock = Clock::new(START, hours, lines);
    for line in 0..lines {
        let start = sink.buffer().len();
        push_record(sink.buffer(), &mut rng, &users, clock.next_ms());
        if broken && line == lines / 2 {
            sink.buffer().truncate(start + 60);
        }
        sink.end_line()?;
    }
    Ok(())
}

/// One object. Some keys are missing in some lines, some are null: JSON logs are like that.
fn push_record(out: &mut Vec<u8>, rng: &mut Rng, users: &Zipf, ms: u64) {
    let (logger, message) = *rng.pick(&LOGGERS);
    let level = *rng.pick(&LEVELS);
    out.extend_from_slice(b"{\"ts\":\"");
    push_rfc3339(out, ms);
    push_text(out, "level", level);
    push_text(out, "logger", logger);
    push_text(out, "message", if level == "error" { "failed: timeout" } else { message });
    out.push(b'"');
    if logger == "shop.http" {
        push_http(out, rng, level);
    }
    if !rng.one_in(20) {
        push_duration(out, rng);
    }
    match rng.below(10) {
        0 => {}
        1 => out.extend_from_slice(b",\"user\":{\"id\":null}"),
        _ => {
            out.extend_from_slice(b",\"user\":{\"id\":");
            push_number(out, 1000 + users.draw(rng) as u64);
            out.push(b'}');
        }
    }
    out.push(b'}');
}

/// Appends `","key":"value`: closes the text before it, and leaves its own open.
fn push_text(out: &mut Vec<u8>, key: &str, value: &str) {
    for part in ["\",\"", key, "\":\"", value] {
        out.extend_from_slice(part.as_bytes());
    }
}

fn push_http(out: &mut Vec<u8>, rng: &mut Rng, level: &str) {
    let status = if level == "error" { 504 } else { *rng.pick(&[200, 200, 200, 201, 304, 404]) };
    out.extend_from_slice(b",\"http\":{\"method\":\"GET\",\"status\":");
    push_number(out, status);
    out.push(b'}');
}

/// Milliseconds with three decimals; one in forty is null.
fn push_duration(out: &mut Vec<u8>, rng: &mut Rng) {
    out.extend_from_slice(b",\"duration_ms\":");
    if rng.one_in(40) {
        return out.extend_from_slice(b"null");
    }
    let draw = rng.below(2000);
    let microseconds = 200 + draw * draw;
    push_number(out, microseconds / 1000);
    out.push(b'.');
    push_padded(out, microseconds % 1000, 3);
}
