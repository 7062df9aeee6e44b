//! Folders that take the place of visible ones at once: a reader who lists the folder finds the files of before or those of
//! after, never both and never neither.
//!
//! Where the file system can't exchange two folders in one step, the former one is moved away first, and for a moment
//! there is none.

use std::collections::HashSet;
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

/// Where folders can be built that are to be exchanged with those of the events output: tried out, with two that are empty.
pub(super) fn find_place(names: Names<'_>, output: &Path) -> Option<PathBuf> {
    let other = names.staged(output, "probe");
    let is_possible = |place: &PathBuf| {
        let one = names.swap(place, "probe");
        let exchange = || -> io::Result<()> {
            create_folder(place).map_err(io::Error::other)?;
            std::fs::create_dir(&one)?;
            std::fs::create_dir(&other)?;
            Ok(exchange(&one, &other)?)
        };
        let tried = exchange();
        // Those that are not there need no removal, and what is left is a leftover like others.
        for probe in [&one, &other, place] {
            let _ = std::fs::remove_dir(probe);
        }
        if let Err(error) = &tried {
            tracing::info!(%error, place = %place.display(), "folders can't be exchanged");
        }
        tried.is_ok()
    };
    names.swap_places().into_iter().find(is_possible)
}

fn exchange(one: &Path, other: &Path) -> Result<(), Errno> {
    fault::io("swap.exchange").map_err(|_| Errno::OPNOTSUPP)?;
    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)
}

/// Makes a swap happen, unless it has. `vanishing`: published paths of files that go with the former folder; what else is in
/// it, such as a user's notes, is moved into the new one.
pub(super) fn carry_out(swap: &Swap, vanishing: &HashSet<PathBuf>) -> Result<(), RunError> {
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
        keep_foreign(former, &swap.published, vanishing).map_err(failed)?;
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
fn keep_foreign(former: &Path, new: &Path, vanishing: &HashSet<PathBuf>) -> io::Result<()> {
    let entries = match std::fs::read_dir(former) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let target = new.join(entry.file_name());
        if entry.file_type()?.is_dir() && (target.is_dir() || is_partition(&entry.file_name())) {
            keep_foreign(&entry.path(), &target, vanishing)?;
        } else if !vanishing.contains(&target) && !target.exists() {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("a folder");
        let name = |entry: io::Result<std::fs::DirEntry>| entry.expect("an entry").file_name();
        let mut names: Vec<String> =
            entries.map(|entry| name(entry).into_string().expect("text")).collect();
        names.sort();
        names
    }

    /// A folder that is visible, and one that is to be.
    fn folders(dir: &Path) -> (Swap, HashSet<PathBuf>) {
        let swap = Swap {
            staged: dir.join("staged"),
            published: dir.join("out/date=2026-11-22"),
            marker: "events-2-merged-1.parquet".into(),
        };
        for path in [&swap.staged, &swap.published] {
            std::fs::create_dir_all(path).expect("a folder");
        }
        std::fs::write(swap.staged.join(&swap.marker), "new").expect("written");
        for name in ["events-1-1.parquet", "notes.txt", "events-2026-mine.parquet"] {
            std::fs::write(swap.published.join(name), "old").expect("written");
        }
        let vanishing = HashSet::from([swap.published.join("events-1-1.parquet")]);
        (swap, vanishing)
    }

    #[test]
    fn a_swap_happens_once_however_often_it_is_carried_out() {
        let dir = tempfile::tempdir().expect("a folder");
        let (swap, vanishing) = folders(dir.path());
        for _ in 0..3 {
            carry_out(&swap, &vanishing).expect("carried out");
            let expected = ["events-2-merged-1.parquet", "events-2026-mine.parquet", "notes.txt"];
            assert_eq!(names(&swap.published), expected);
            assert_eq!(names(&swap.staged), ["events-1-1.parquet"]);
        }
    }

    #[test]
    fn a_swap_that_was_cut_between_its_two_renames_is_finished() {
        let dir = tempfile::tempdir().expect("a folder");
        let (swap, vanishing) = folders(dir.path());
        std::fs::rename(&swap.published, aside(&swap)).expect("the first of them");
        for _ in 0..2 {
            carry_out(&swap, &vanishing).expect("carried out");
            let expected = ["events-2-merged-1.parquet", "events-2026-mine.parquet", "notes.txt"];
            assert_eq!(names(&swap.published), expected);
        }
    }

    #[test]
    fn a_new_folder_that_is_gone_is_an_error_that_names_both() {
        let dir = tempfile::tempdir().expect("a folder");
        let (swap, vanishing) = folders(dir.path());
        std::fs::remove_dir_all(&swap.staged).expect("removed");
        let error = carry_out(&swap, &vanishing).expect_err("nothing to swap").to_string();
        assert!(error.contains("staged") && error.contains("date=2026-11-22"), "{error}");
    }
}
