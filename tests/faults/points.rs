//! Where a fault can be put: the k-th call of a name that touches a path.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::strace::Call;

/// Calls that change files or make changes durable.
pub const CHANGING: &str = "openat,write,writev,pwrite64,pwritev,ftruncate,fallocate,rename,renameat,renameat2,unlink,\
                            unlinkat,mkdir,mkdirat,rmdir,link,linkat,symlink,fsync,fdatasync";

/// A place for a fault. strace counts the calls of each thread by themselves; where two threads make the same call on the
/// same path, the first to get there meets the fault.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    pub path: PathBuf,
    pub call: String,
    pub number: usize,
    /// Whether an `openat` may make the file.
    pub creates: bool,
}

impl Point {
    /// strace's options for a fault here, such as `signal=SIGKILL`.
    pub fn options(&self, fault: &str) -> Vec<String> {
        let Point { path, call, number, .. } = self;
        let inject = format!("inject={call}:{fault}:when={number}");
        let mut options = vec!["-e".into(), format!("trace={call}"), "-e".into(), inject];
        if !path.as_os_str().is_empty() {
            options.extend(["-P".into(), path.display().to_string()]);
        }
        options
    }

    pub fn syncs(&self) -> bool {
        self.call.starts_with('f') && self.call.ends_with("sync")
    }

    /// Whether it is a file that no decision names yet, or its folder.
    pub fn is_staged(&self) -> bool {
        self.is_in(".logmill-staging") || self.is_in("groups")
    }

    pub fn is_in(&self, folder: &str) -> bool {
        self.path.components().any(|part| part.as_os_str() == folder)
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} of {}", self.call, self.number, self.path.display())
    }
}

/// All points of a run, in the order of the calls. `below`: the folder that counts.
pub fn points(calls: &[Call], below: &Path) -> Vec<Point> {
    let mut counted: BTreeMap<(u32, String, PathBuf), usize> = BTreeMap::new();
    let mut found = Vec::new();
    for call in calls {
        let paths = call.paths();
        for path in &paths {
            *counted.entry((call.thread, call.name.clone(), path.clone())).or_default() += 1;
        }
        let Some(path) = paths.first().filter(|path| path.starts_with(below)) else { continue };
        let number = counted[&(call.thread, call.name.clone(), path.clone())];
        let creates = call.args.iter().any(|arg| arg.contains("O_CREAT"));
        let point = Point { path: path.clone(), call: call.name.clone(), number, creates };
        if !found.contains(&point) {
            found.push(point);
        }
    }
    found
}
