//! One process a job.

use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::CatalogError;
use crate::engine::parquet_file::{FileError, create_folder};

/// The job's lock, held as long as this lives; the kernel gives it up when the process ends, however it ends.
#[derive(Debug)]
pub struct JobLock {
    _file: File,
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another run of the job holds it; what that one wrote about itself.
    #[error("held by {0}")]
    Busy(String),
    /// The lock's file.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

impl JobLock {
    /// Takes the lock of a job's state folder (made when missing), without waiting.
    pub fn acquire(dir: &Path) -> Result<JobLock, LockError> {
        let io = |action: &'static str, path: &Path| {
            let path = path.to_owned();
            move |source| CatalogError::Io { action, path, source }
        };
        create_folder(dir).map_err(|error| match error {
            FileError::Io { action, path, source } => CatalogError::Io { action, path, source },
            other => io("create", dir)(std::io::Error::other(other)),
        })?;
        let path = dir.join("lock");
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(io("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The name is a courtesy; without it the message is still true.
                let _ = file.read_to_string(&mut holder);
                return Err(LockError::Busy(name_in(&holder)));
            }
            Err(TryLockError::Error(e)) => return Err(io("lock", &path)(e).into()),
        }
        let started = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC");
        let note = format!("process {} since {started}\n", std::process::id());
        // Over what the holder before wrote: a file that is cut and written again is brought to the disk when it is closed
        // (ext4), and the next run waits for that.
        file.write_all(note.as_bytes()).map_err(io("write", &path))?;
        Ok(JobLock { _file: file })
    }
}

impl JobLock {
    /// Who holds a job, as far as the kernel's list of locks tells. Taking the lock to find out could get in the way of a
    /// run.
    pub fn holder(dir: &Path) -> Option<String> {
        let path = dir.join("lock");
        let inode = std::fs::metadata(&path).ok()?.ino();
        for _ in 0..LOOKS {
            let locks = std::fs::read_to_string("/proc/locks").ok()?;
            if is_locked(&locks, inode) {
                // The name is a courtesy.
                return Some(name_in(&std::fs::read_to_string(&path).unwrap_or_default()));
            }
        }
        None
    }
}

/// How often the kernel's list is read before nobody is said to hold a job. It comes a page at a time, and where a lock before is
/// given up between two pages, one is passed over: seen with some hundred locks that came and went.
const LOOKS: usize = 4;

/// The holder that a lock's file names: its first line. What follows is of a holder with a longer one.
fn name_in(file: &str) -> String {
    let first = file.lines().next().map_or("", str::trim);
    if first.is_empty() { "another process".to_owned() } else { first.to_owned() }
}

/// Whether a line such as `1: FLOCK ADVISORY WRITE 1234 08:01:5678 0 EOF` has the inode (proc_locks(5)).
fn is_locked(locks: &str, inode: u64) -> bool {
    let inode = inode.to_string();
    locks.lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let file = words.get(5).and_then(|file| file.rsplit(':').next());
        words.get(1) == Some(&"FLOCK") && file == Some(inode.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_lock_is_refused_and_names_the_holder_until_the_first_is_gone() {
        let dir = tempfile::tempdir().expect("a folder");
        let first = JobLock::acquire(dir.path()).expect("free");
        let error = JobLock::acquire(dir.path()).expect_err("held").to_string();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        let own = format!("process {} ", std::process::id());
        assert!(JobLock::holder(dir.path()).is_some_and(|holder| holder.starts_with(&own)));
        drop(first);
        assert_eq!(JobLock::holder(dir.path()), None);
        std::fs::write(dir.path().join("lock"), "process 1 with a name that is longer\n".repeat(3))
            .expect("written");
        let second = JobLock::acquire(dir.path()).expect("free");
        let error = JobLock::acquire(dir.path()).expect_err("held").to_string();
        assert!(error.starts_with(&format!("held by {own}")) && error.ends_with(" UTC"), "{error}");
        drop(second);
        JobLock::acquire(dir.path()).expect("free again");
    }
}
