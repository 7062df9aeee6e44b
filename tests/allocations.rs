//! No allocation a line on the hot path: mapping twice the lines of known groups allocates hardly more often.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use logmill::engine::common::Common;
use logmill::engine::map::{Lines, SegmentContext};
use logmill::engine::mappers::Mappers;
use logmill::plan::{Overrides, compile};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is handed to the system's allocator as it is; the counter touches no memory of the caller's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise is the system allocator's condition.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const JOBS: [(&str, &str); 2] = [
    (
        "access",
        r#"
name = "a"
[source]
paths = ["x"]
format = "combined"
[map]
where = "status < 600 AND path NOT LIKE '/health%'"
[map.let]
class = "status / 100"
[reduce]
window = "1m"
by = ["path", "class"]
[reduce.measures]
n = "count(*)"
errors = "count(*) FILTER (WHERE status >= 500)"
bytes = "sum(body_bytes_sent)"
mean = "avg(body_bytes_sent)"
last = "last(remote_addr)"
p99 = "approx_quantile(body_bytes_sent, 0.99)"
clients = "count(DISTINCT remote_addr)"
[output.summary]
path = "out"
"#,
    ),
    (
        "json",
        r#"
name = "j"
[source]
paths = ["x"]
format = "json"
fields = { ts = "timestamp", ms = "decimal(3)" }
time = "ts"
[reduce]
window = "1m"
by = ["level", "http.status"]
[reduce.measures]
n = "count(*)"
mean = "avg(ms)"
[output.summary]
path = "out"
"#,
    ),
];

fn lines(kind: &str, count: u64) -> String {
    let mut log = String::new();
    for line in 0..count {
        let written = if kind == "json" {
            writeln!(
                log,
                r#"{{"ts":"2026-11-22T07:00:{:02}.5Z","level":"info","message":"a \"quoted\" word","http":{{"status":200}},"ms":{}.125}}"#,
                line % 60,
                line % 7
            )
        } else {
            writeln!(
                log,
                r#"10.0.0.{} - - [22/Nov/2026:07:00:{:02} +0000] "GET /p{} HTTP/1.1" 200 {} "-" "agent""#,
                line % 50,
                line % 60,
                line % 20,
                line % 1000
            )
        };
        written.expect("a string takes what it gets");
    }
    log
}

#[test]
fn mapping_more_lines_of_known_groups_allocates_no_more_a_line() {
    for (kind, text) in JOBS {
        let file =
            logmill::job::parse(Path::new("job.toml"), text.into(), &|_| None).expect("a good job");
        let plan = compile(&file, &Overrides::default(), None).expect("a good job");
        let common = Common::new(vec![&plan]);
        let tokenizer = plan.format.tokenizer(&common.wanted(), &[]).expect("known fields");
        let segment = SegmentContext {
            index: 0,
            source_file: "x",
            rank: (0, 0),
            tokenizer: tokenizer.as_ref(),
        };
        let mut mappers = Mappers::new(&common);
        let mut map = |log: &str| {
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            let lines = Lines { bytes: log.as_bytes(), ..Lines::default() };
            mappers.chunk(&[segment], &lines, &mut [None]).expect("no panic");
            ALLOCATIONS.load(Ordering::Relaxed) - before
        };
        let (short, long) = (lines(kind, 20_000), lines(kind, 40_000));
        map(&long);
        let (short, long) = (map(&short), map(&long));
        let per_line = long.saturating_sub(short) as f64 / 20_000.0;
        // A block of 4,096 records allocates its columns: some tens of vectors, whatever the number of lines in it.
        assert!(per_line < 0.05, "{kind}: {per_line} allocations a line ({short}, {long})");
    }
}
