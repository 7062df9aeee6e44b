//! Folders that take the place of visible ones at once: a reader who lists the folder finds the files of before or those of
//! after, never both and never neither.
//!
//! Where the file system can't exchange two folders in one step, the former one is moved away first, and for a moment
//! there is none.

use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::RunError;
use super::layout::Names;
use crate::catalog::Swap;
use crate::engine::parquet_file::{FileError, create_folder, sync_folder};
use crate::fault;

/// Whether folders can be exchanged between the swap folder and the events output: tried out, with two that are empty.
pub(super) fn is_possible(names: Names<'_>, output: &Path) -> bool {
    let Some(one) = names.swap("probe") else { return false };
    let other = names.staged(output, "probe");
    let exchange = || -> io::Result<()> {
        create_folder(one.parent().unwrap_or(Path::new("."))).map_err(io::Error::other)?;
        std::fs::create_dir(&one)?;
        std::fs::create_dir(&other)?;
        Ok(exchange(&one, &other)?)
    };
    let tried = exchange();
    // Those that are not there need no removal, and what is left is a leftover like others.
    let _ = std::fs::remove_dir(&one);
    let _ = std::fs::remove_dir(&other);
    if let Err(error) = &tried {
        tracing::info!(%error, output = %output.display(), "folders can't be exchanged");
    }
    tried.is_ok()
}

fn exchange(one: &Path, other: &Path) -> Result<(), Errno> {
    fault::io("swap.exchange").map_err(|_| Errno::OPNOTSUPP)?;
    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)
}

/// Makes a swap happen, unless it has; what is not ours in the former folder is moved into the new one.
pub(super) fn carry_out(swap: &Swap) -> Result<(), RunError> {
    let is_new = |folder: &Path| folder.join(&swap.marker).exists();
    let failed = |error| FileError::io("publish", &swap.published)(error);
    let parent = swap.published.parent().unwrap_or(Path::new("."));
    if !is_new(&swap.published) {
        if !is_new(&swap.staged) {
            return Err(RunError::Other(format!(
                "{} was decided, but it was removed before it became {}: bring it back, or run the job with --rebuild",
                swap.staged.display(),
                swap.published.display()
            )));
        }
        create_folder(parent)?;
        fault::point("publish.swap");
        replace(swap).map_err(failed)?;
        fault::point("publish.swapped");
    }
    for former in [&swap.staged, &aside(swap)] {
        keep_foreign(former, &swap.published).map_err(failed)?;
    }
    Ok(sync_folder(parent)?)
}

fn replace(swap: &Swap) -> io::Result<()> {
    let (staged, published) = (&swap.staged, &swap.published);
    match exchange(staged, published) {
        Ok(()) => Ok(()),
        Err(Errno::NOENT) => std::fs::rename(staged, published),
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            let aside = aside(swap);
            std::fs::rename(published, &aside)?;
            fault::point("publish.between");
            std::fs::rename(staged, published)?;
            // From here on as after an exchange.
            std::fs::rename(&aside, staged)
        }
        Err(other) => Err(other.into()),
    }
}

/// Where a former folder waits that can't be exchanged.
fn aside(swap: &Swap) -> PathBuf {
    let mut name = swap.staged.clone().into_os_string();
    name.push("-former");
    name.into()
}

/// Moves what this program did not write out of a former folder. Repeatable.
fn keep_foreign(former: &Path, new: &Path) -> io::Result<()> {
    let entries = match std::fs::read_dir(former) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let target = new.join(entry.file_name());
        if entry.file_type()?.is_dir() && (target.is_dir() || is_partition(&entry.file_name())) {
            keep_foreign(&entry.path(), &target)?;
        } else if !is_events_file(&entry.file_name()) && !target.exists() {
            std::fs::create_dir_all(new)?;
            std::fs::rename(entry.path(), target)?;
        }
    }
    Ok(())
}

/// `date=…`, `hour=…`, `month=…`
fn is_partition(name: &OsStr) -> bool {
    let name = name.to_str().unwrap_or_default();
    ["date=", "hour=", "month="].iter().any(|start| name.starts_with(start))
}

/// `events-<batch>-….parquet`
fn is_events_file(name: &OsStr) -> bool {
    let number = name.to_str().and_then(|name| {
        name.strip_suffix(".parquet")?.strip_prefix("events-")?.split_once('-')
    });
    number.is_some_and(|(batch, _)| batch.parse::<u64>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_happens_once_however_often_it_is_carried_out() {
        let dir = tempfile::tempdir().expect("a folder");
        let swap = Swap {
            staged: dir.path().join("staged"),
            published: dir.path().join("out/date=2026-11-22"),
            marker: "events-2-merged-1.parquet".into(),
        };
        for path in [&swap.staged, &swap.published] {
            std::fs::create_dir_all(path).expect("a folder");
        }
        std::fs::write(swap.staged.join(&swap.marker), "new").expect("written");
        for name in ["events-1-1.parquet", "notes.txt", "events-mine.parquet"] {
            std::fs::write(swap.published.join(name), "old").expect("written");
        }
        for _ in 0..3 {
            carry_out(&swap).expect("carried out");
            let names = |folder: &Path| -> std::collections::BTreeSet<String> {
                let entries = std::fs::read_dir(folder).expect("a folder");
                entries.map(|e| e.expect("an entry").file_name().into_string().expect("text")).collect()
            };
            let expected = ["events-2-merged-1.parquet", "events-mine.parquet", "notes.txt"];
            assert!(names(&swap.published).iter().eq(expected.iter()));
            assert!(names(&swap.staged).iter().eq(["events-1-1.parquet"].iter()));
        }
    }
}
