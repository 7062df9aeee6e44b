//! The access log: combined format, with or without `$request_time`.

use std::io;

use crate::clock::{Clock, LocalTime};
use crate::odd;
use crate::rng::{Rng, Zipf};
use crate::sink::Sink;
use crate::site;
use crate::text::{StringTable, push_number, push_padded};

/// What a log is to look like.
pub(crate) struct AccessOptions {
    /// Lines in all, the odd ones among them.
    pub(crate) lines: u64,
    /// How many of the lines are odd: broken, or rare but valid.
    pub(crate) broken: u64,
    /// Whether each line ends with `$request_time` (seconds with three decimals).
    pub(crate) request_time: bool,
    /// Distinct request targets to draw from.
    pub(crate) paths: usize,
    /// Distinct clients to draw from.
    pub(crate) clients: usize,
    /// First moment, seconds since the epoch, a full hour.
    pub(crate) start: u64,
    /// Hours that the log covers.
    pub(crate) hours: u64,
    /// Seed of everything random.
    pub(crate) seed: u64,
}

/// Statuses and how often each occurs in 1000 requests.
const STATUSES: [(u64, usize); 12] = [
    (200, 880),
    (304, 50),
    (301, 12),
    (302, 12),
    (404, 25),
    (206, 6),
    (499, 4),
    (403, 3),
    (500, 3),
    (502, 2),
    (401, 2),
    (503, 1),
];

const METHODS: [&str; 16] = [
    "GET ", "GET ", "GET ", "GET ", "GET ", "GET ", "GET ", "GET ", "GET ", "GET ", "GET ", "GET ",
    "GET ", "POST ", "POST ", "HEAD ",
];

/// Writes a whole log.
pub(crate) fn write(options: &AccessOptions, sink: &mut Sink) -> io::Result<()> {
    let mut log = AccessLog::new(options);
    let odd_every = options.lines.checked_div(options.broken).unwrap_or(u64::MAX).max(1);
    for line in 1..=options.lines {
        let line_ms = log.clock.next_ms();
        let odd_index = line / odd_every;
        if line.is_multiple_of(odd_every) && odd_index <= options.broken {
            log.odd_line(sink.buffer(), odd_index - 1, line_ms);
        } else {
            log.line(sink.buffer(), line_ms);
        }
        sink.end_line()?;
    }
    Ok(())
}

/// Everything a line is drawn from. Its size depends on the options, not on the number of lines.
pub(crate) struct AccessLog {
    rng: Rng,
    clock: Clock,
    time: LocalTime,
    first_second: u64,
    request_time: bool,
    paths: StringTable,
    path_ranks: Zipf,
    clients: StringTable,
    client_ranks: Zipf,
    agents: StringTable,
    agent_ranks: Zipf,
    statuses: Vec<u64>,
}

impl AccessLog {
    fn new(options: &AccessOptions) -> Self {
        let mut rng = Rng::new(options.seed);
        let agents = site::user_agents();
        AccessLog {
            clock: Clock::new(options.start, options.hours, options.lines),
            time: LocalTime::new(),
            first_second: options.start,
            request_time: options.request_time,
            paths: site::paths(options.paths.max(1)),
            path_ranks: Zipf::new(options.paths),
            clients: site::clients(options.clients.max(1), &mut rng),
            client_ranks: Zipf::new(options.clients),
            agent_ranks: Zipf::new(agents.len()),
            agents,
            statuses: STATUSES.iter().flat_map(|&(s, n)| std::iter::repeat_n(s, n)).collect(),
            rng,
        }
    }

    /// Appends an ordinary line, without its end.
    fn line(&mut self, out: &mut Vec<u8>, ms: u64) {
        let status = *self.rng.pick(&self.statuses);
        self.head(out, ms);
        self.request(out);
        out.push(b' ');
        push_number(out, status);
        out.push(b' ');
        push_number(out, body_bytes(status, &mut self.rng));
        out.extend_from_slice(b" \"");
        site::push_referer(out, &mut self.rng, &self.paths);
        out.extend_from_slice(b"\" \"");
        out.extend_from_slice(self.agents.get(self.agent_ranks.draw(&mut self.rng)));
        out.push(b'"');
        self.tail(out);
    }

    /// Appends an odd line of the kind that `index` selects, without its end.
    fn odd_line(&mut self, out: &mut Vec<u8>, index: u64, ms: u64) {
        let start = out.len();
        match odd::KINDS[(index % odd::KINDS.len() as u64) as usize] {
            odd::Odd::Empty => {}
            odd::Odd::Garbage => odd::push_garbage(out, &mut self.rng),
            odd::Odd::Cut => {
                self.line(out, ms);
                // Behind the time stamp, within the request: no closing quote.
                out.truncate(start + (out.len() - start).min(72));
            }
            odd::Odd::BadTime => {
                out.extend_from_slice(self.clients.get(self.client_ranks.draw(&mut self.rng)));
                out.extend_from_slice(b" - - [31/Foo/2026:25:61:00 +0000] ");
                out.extend_from_slice(b"\"GET / HTTP/1.1\" 200 512 \"-\" \"-\"");
                self.tail(out);
            }
            odd::Odd::Behind(text) => {
                self.head(out, ms);
                out.extend_from_slice(text);
                self.tail(out);
            }
        }
    }

    /// Client, user and time. One line in fifty is up to three seconds late, as when workers write side by side.
    fn head(&mut self, out: &mut Vec<u8>, ms: u64) {
        let late = if self.rng.one_in(50) { 1 + self.rng.below(3) } else { 0 };
        let second = (ms / 1000 - late).max(self.first_second);
        out.extend_from_slice(self.clients.get(self.client_ranks.draw(&mut self.rng)));
        let user: &[u8] = if self.rng.one_in(200) { b" - editor [" } else { b" - - [" };
        out.extend_from_slice(user);
        out.extend_from_slice(self.time.text(second));
        out.extend_from_slice(b"] ");
    }

    fn request(&mut self, out: &mut Vec<u8>) {
        out.push(b'"');
        out.extend_from_slice(self.rng.pick(&METHODS).as_bytes());
        out.extend_from_slice(self.paths.get(self.path_ranks.draw(&mut self.rng)));
        let http1 = self.rng.one_in(4);
        out.extend_from_slice(if http1 { b" HTTP/1.1\"" } else { b" HTTP/2.0\"" });
    }

    /// The request time, where the log has it: milliseconds as seconds with three decimals.
    fn tail(&mut self, out: &mut Vec<u8>) {
        if !self.request_time {
            return;
        }
        let draw = self.rng.below(4096);
        let slow = if self.rng.one_in(200) { self.rng.below(8000) } else { 0 };
        // The cube makes most requests quick and few slow.
        let ms = ((draw * draw * draw) >> 27) + slow;
        out.push(b' ');
        push_number(out, ms / 1000);
        out.push(b'.');
        push_padded(out, ms % 1000, 3);
    }
}

/// Size of an answer: none without a body, small for errors, else up to 64 KiB with many small ones.
fn body_bytes(status: u64, rng: &mut Rng) -> u64 {
    match status {
        304 | 499 => 0,
        301 | 302 => 162,
        400.. => 146 + rng.below(400),
        _ => {
            let draw = rng.below(1 << 16);
            180 + ((draw * draw) >> 16)
        }
    }
}
