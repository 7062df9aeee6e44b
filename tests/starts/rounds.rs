//! Many starts of one job at once.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::site::Site;

/// How one start went.
pub struct Start {
    pub took: Duration,
    pub status: Option<i32>,
    /// What `--json` printed.
    pub report: serde_json::Value,
}

impl Start {
    pub fn was_busy(&self) -> bool {
        !self.report["busy"].is_null()
    }

    pub fn decided(&self) -> bool {
        self.report["decided"] == true
    }
}

/// Starts the job so often at once, and waits for all.
pub fn start(site: &Site, count: usize) -> Vec<Start> {
    std::thread::scope(|scope| {
        let starts: Vec<_> = (0..count).map(|_| scope.spawn(|| one(site.command(&[])))).collect();
        starts.into_iter().map(|start| start.join().expect("a start")).collect()
    })
}

fn one(mut command: Command) -> Start {
    command.arg("--json").stdout(Stdio::piped());
    let started = Instant::now();
    let output = command.output().expect("logmill starts");
    let took = started.elapsed();
    let report = serde_json::from_slice(&output.stdout).unwrap_or_default();
    Start { took, status: output.status.code(), report }
}

/// The value below which so many percent are.
pub fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort();
    times[(times.len() * percent / 100).min(times.len() - 1)]
}
