//! Runs under strace, and what it wrote down: the file calls of all threads, in the order in which they came back.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::site::Site;

/// One system call that came back.
#[derive(Debug, Clone)]
pub struct Call {
    /// The thread.
    pub thread: u32,
    /// Such as `pwrite64`.
    pub name: String,
    /// Arguments, as strace writes them.
    pub args: Vec<String>,
    /// What came back; -1 for an error.
    pub result: i64,
    /// Whether the error was strace's doing.
    pub injected: bool,
    /// The line of the log where it began.
    pub began: usize,
    /// And where it came back.
    pub ended: usize,
}

impl Call {
    /// The path of an argument: a name, or what a descriptor stands for.
    pub fn path(&self, at: usize) -> Option<PathBuf> {
        let arg = self.args.get(at)?;
        let hex = match arg.strip_prefix('"') {
            Some(text) => text.split('"').next()?,
            None => arg.split_once('<')?.1.split('>').next()?,
        };
        Some(PathBuf::from(OsString::from_vec(unescape(hex))))
    }

    /// The descriptor in an argument.
    pub fn descriptor(&self, at: usize) -> i64 {
        let digits = self.args[at].split('<').next().unwrap_or_default();
        digits.parse().unwrap_or_else(|_| panic!("no descriptor in {self:?}"))
    }

    /// A number in an argument.
    pub fn number(&self, at: usize) -> u64 {
        self.args[at].parse().unwrap_or_else(|_| panic!("no number in {self:?}"))
    }

    /// The bytes in an argument.
    pub fn bytes(&self, at: usize) -> Vec<u8> {
        let text = self.args[at].strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        unescape(text.unwrap_or_else(|| panic!("no whole text in {self:?}")))
    }

    /// The first bytes in an argument, as many as strace shows.
    pub fn first_bytes(&self, at: usize) -> Vec<u8> {
        unescape(self.args[at].trim_matches(['"', '.']))
    }

    /// All paths in its arguments.
    pub fn paths(&self) -> Vec<PathBuf> {
        let named = |at: &usize| !self.args[*at].starts_with("AT_FDCWD");
        (0..self.args.len().min(4)).filter(named).filter_map(|at| self.path(at)).collect()
    }
}

/// `\x2f` and so on, all bytes being written that way.
fn unescape(text: &str) -> Vec<u8> {
    let hex = |pair: &str| u8::from_str_radix(pair.get(..2)?, 16).ok();
    text.split("\\x").skip(1).map(|pair| hex(pair).expect("two digits")).collect()
}

/// A run of a site under strace, with options for it.
pub fn command(site: &Site, log: &Path, options: &[OsString]) -> Command {
    let mut under =
        ["strace", "-f", "-qq", "-y", "-xx", "-e", "signal=none", "-o"].map(OsStr::new).to_vec();
    under.push(log.as_os_str());
    under.extend(options.iter().map(OsString::as_os_str));
    under.push(OsStr::new("--"));
    site.command(&under)
}

/// # Panics
/// Where strace can't be run: there is no such test then, and that must not look like a pass.
pub fn output(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| {
        panic!(
            "strace can't be run ({error}), so faults can't be tried: install it (apt-get install strace; scripts/test \
             does so as root)"
        )
    });
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(
        !words.lines().any(|line| line.starts_with("strace:") || line.contains("PTRACE_")),
        "strace can't trace here, so faults can't be tried (a container needs CAP_SYS_PTRACE): {words}"
    );
    output
}

/// What strace wrote.
pub fn read(log: &Path) -> Vec<Call> {
    let text = std::fs::read_to_string(log).expect("strace's log");
    let mut begun: HashMap<u32, (usize, String)> = HashMap::new();
    let mut calls = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let (thread, rest) = line.split_once(' ').expect("a thread and a call");
        let (thread, rest) = (thread.parse().expect("a thread's number"), rest.trim_start());
        // Signals, ends, and what a thread was doing when its process ended.
        if rest.starts_with("+++") || rest.starts_with("---") || rest.contains("<detached ...>") {
            continue;
        }
        if let Some(first) = rest.strip_suffix("<unfinished ...>") {
            begun.insert(thread, (number, first.trim_end().to_owned()));
        } else if rest.starts_with("<...") {
            let (began, first) = begun.remove(&thread).expect("a call that began");
            let last = rest.split_once("resumed>").expect("a call that goes on").1;
            calls.push(Call { began, ..parse(thread, number, &(first + last)) });
        } else {
            calls.push(parse(thread, number, rest));
        }
    }
    calls
}

fn parse(thread: u32, line: usize, text: &str) -> Call {
    let (name, rest) = text.split_once('(').unwrap_or_else(|| panic!("no call: {text}"));
    let (args, result) = rest.rsplit_once(" = ").unwrap_or_else(|| panic!("no result: {text}"));
    let args = args.trim_end().strip_suffix(')').expect("a closed list of arguments");
    let number = result.split([' ', '<']).next().unwrap_or_default();
    Call {
        thread,
        name: name.to_owned(),
        args: args.split(", ").map(str::to_owned).collect(),
        // `?` is the result of a call that its process did not survive.
        result: number.parse().unwrap_or(-1),
        injected: result.contains("INJECTED"),
        began: line,
        ended: line,
    }
}
