//! Who writes a folder of Parquet: one state. A second one would replace its files, and whoever reads `PATH/**/*.parquet`
//! would count the records of both. So the first to write leaves a word there, with the staged files.
//!
//! It goes with the folder: where that was deleted nobody owns it, and where it was moved or copied together with the state
//! all is as it was.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::RunError;
use crate::engine::parquet_file::{FileError, sync_folder};

/// Folder below each Parquet output for files that are not committed yet. Not `*.parquet` in it: a name that begins with
/// a dot hides nothing from DuckDB and Polars.
pub(super) const STAGING: &str = ".logmill-staging";

/// The file's name in the folder of staged files.
const MARKER: &str = "owner";

/// A state, and the job that it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) state_id: String,
    pub(super) job: String,
}

impl Owner {
    /// Whether this state may write below the folder of an output. `true`: if it takes it over from another.
    pub(super) fn may_write(&self, output: &Path) -> Result<bool, RunError> {
        let own = found(output)?;
        for parent in real(output).ancestors().skip(1).filter(|path| !path.as_os_str().is_empty()) {
            self.is_apart(found(parent)?, output, parent)?;
        }
        match own {
            Some(other) => Ok(other.state_id != self.state_id),
            None => self.has_free(output, output).map(|()| false),
        }
    }

    /// Whether nobody else's output lies below a folder.
    fn has_free(&self, folder: &Path, output: &Path) -> Result<(), RunError> {
        let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
        let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
        for entry in
            entries.flatten().filter(is_folder).filter(|entry| entry.file_name() != STAGING)
        {
            let below = entry.path();
            self.is_apart(found(&below)?, &below, output)?;
            self.has_free(&below, output)?;
        }
        Ok(())
    }

    /// Refuses one output within another.
    fn is_apart(&self, other: Option<Owner>, inner: &Path, outer: &Path) -> Result<(), RunError> {
        let Some(other) = other.filter(|other| other.state_id != self.state_id) else {
            return Ok(());
        };
        Err(RunError::Other(format!(
            "the output {} lies within {}, and one of them is that of {other}: whoever reads the outer one would read both; \
             give this job another `path`",
            inner.display(),
            outer.display(),
        )))
    }

    /// The words for a folder of another's.
    pub(super) fn refused(output: &Path) -> RunError {
        let owner = found(output).ok().flatten();
        let owner = owner.map_or_else(|| "another state".to_owned(), |owner| owner.to_string());
        RunError::Other(format!(
            "{} is the output of {owner}, and two can't write to one folder; give this job another `path`, delete the folder, \
             or take it over with --adopt, which removes what the other one wrote there",
            output.display()
        ))
    }

    /// Takes a folder that nobody has. That of another is refused: it came first.
    pub(super) fn claim(&self, output: &Path) -> Result<(), RunError> {
        match found(output)? {
            Some(owner) if owner.state_id == self.state_id => return Ok(()),
            Some(_) => return Err(Owner::refused(output)),
            None => {}
        }
        let path = marker(output);
        match File::options().write(true).create_new(true).open(&path) {
            Ok(file) => self.write(file, &path)?,
            // Half a word is left by a crash, or somebody is just writing it, whom the next look finds.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => self.replace(output)?,
            Err(error) => return Err(FileError::io("create", &path)(error).into()),
        }
        sync_folder(&output.join(STAGING))?;
        match found(output)? {
            Some(owner) if owner.state_id == self.state_id => Ok(()),
            _ => Err(Owner::refused(output)),
        }
    }

    /// Takes a folder, whosever it was.
    pub(super) fn replace(&self, output: &Path) -> Result<(), RunError> {
        let path = marker(output);
        let new = path.with_extension(format!("new-{}", self.state_id));
        let file = File::create(&new).map_err(FileError::io("create", &new))?;
        self.write(file, &new)?;
        fs::rename(&new, &path).map_err(FileError::io("rename", &new))?;
        Ok(sync_folder(&output.join(STAGING))?)
    }

    fn write(&self, mut file: File, path: &Path) -> Result<(), RunError> {
        let text = format!("{} {}\n", self.state_id, self.job);
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        Ok(written.map_err(FileError::io("write", path))?)
    }
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.state_id.get(..8).unwrap_or(&self.state_id);
        write!(f, "the job {} of another state directory (state {state})", self.job)
    }
}

/// The path without links, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let real =
        |parent: &Path| Some((fs::canonicalize(parent).ok()?, path.strip_prefix(parent).ok()?));
    let found = path.ancestors().find_map(real);
    found.map_or_else(|| path.to_owned(), |(parent, rest)| parent.join(rest))
}

fn marker(output: &Path) -> PathBuf {
    output.join(STAGING).join(MARKER)
}

/// Whose folder it is; nobody's too where the word is not whole.
fn found(output: &Path) -> Result<Option<Owner>, RunError> {
    let path = marker(output);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        // Where one may not look, nobody of this user's has written.
        Err(error) if error.kind() != ErrorKind::PermissionDenied && !is_nowhere(&error) => {
            return Err(FileError::io("read", &path)(error).into());
        }
        Err(_) => return Ok(None),
    };
    let whole = text.strip_suffix('\n').and_then(|line| line.split_once(' '));
    Ok(whole.map(|(state_id, job)| Owner { state_id: state_id.into(), job: job.into() }))
}

fn is_nowhere(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidData)
}

/// Removes the files of whoever had a folder before, but for those that are named; then nobody reads two outputs there.
pub(super) fn clear(output: &Path, keep: &[PathBuf]) -> Result<(), RunError> {
    let Ok(entries) = fs::read_dir(output) else { return Ok(()) };
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let Some(name) = name.to_str() else { continue };
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if ["date=", "hour=", "month="].iter().any(|label| name.starts_with(label)) {
                clear(&path, keep)?;
                // Only an empty one is removed.
                let _ = fs::remove_dir(&path);
            }
        } else if is_ours_by_name(name) && !keep.contains(&path) {
            fs::remove_file(&path).map_err(FileError::io("remove", &path))?;
        }
    }
    Ok(())
}

fn is_ours_by_name(name: &str) -> bool {
    let events = name.strip_prefix("events-").and_then(|rest| rest.strip_suffix(".parquet"));
    let is_number = |part: &str| part == "merged" || part.bytes().all(|byte| byte.is_ascii_digit());
    name == "summary.parquet" || events.is_some_and(|rest| rest.split('-').all(is_number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(state_id: &str) -> Owner {
        Owner { state_id: state_id.to_owned(), job: "hits".to_owned() }
    }

    fn output(dir: &Path, name: &str) -> PathBuf {
        let output = dir.join(name);
        fs::create_dir_all(output.join(STAGING)).expect("a folder");
        output
    }

    #[test]
    fn whoever_comes_first_has_the_folder() {
        let dir = tempfile::tempdir().expect("a folder");
        let output = output(dir.path(), "out");
        owner("one").claim(&output).expect("nobody's");
        owner("one").claim(&output).expect("its own");
        assert!(!owner("one").may_write(&output).expect("its own"));
        assert!(owner("two").may_write(&output).expect("another's"));
        let text = owner("two").claim(&output).expect_err("another's").to_string();
        assert!(
            text.contains("is the output of the job hits of another state directory"),
            "{text}"
        );
        owner("two").replace(&output).expect("taken over");
        owner("two").claim(&output).expect("its own");
        assert!(owner("one").claim(&output).is_err());
        // Deleted, it is nobody's.
        fs::remove_dir_all(&output).expect("removed");
        assert!(!owner("one").may_write(&output).expect("nobody's"));
    }

    #[test]
    fn half_a_word_is_nobodys() {
        let dir = tempfile::tempdir().expect("a folder");
        let output = output(dir.path(), "out");
        for half in ["", "on", "one hi", "\u{fffd}"] {
            fs::write(marker(&output), half).expect("written");
            assert!(!owner("two").may_write(&output).expect("nobody's"), "{half:?}");
        }
        owner("two").claim(&output).expect("nobody's");
        assert_eq!(found(&output).expect("read"), Some(owner("two")));
        let names: Vec<_> = fs::read_dir(output.join(STAGING)).expect("a folder").collect();
        assert_eq!(names.len(), 1, "{names:?}");
    }

    #[test]
    fn an_output_within_anothers_is_refused_from_both_sides() {
        let dir = tempfile::tempdir().expect("a folder");
        let (outer, inner) = (output(dir.path(), "a"), output(dir.path(), "a/b/c"));
        owner("one").claim(&inner).expect("nobody's");
        assert!(owner("two").may_write(&outer).is_err());
        assert!(!owner("one").may_write(&outer).expect("its own"));
        owner("one").claim(&outer).expect("nobody's");
        fs::remove_dir_all(&inner).expect("removed");
        assert!(owner("two").may_write(&inner).is_err());
        assert!(!owner("one").may_write(&inner).expect("its own"));
        assert!(!owner("two").may_write(&dir.path().join("ab")).expect("apart"));
    }

    #[test]
    fn what_another_wrote_is_removed_and_nothing_else() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = |name: &str| dir.path().join(name);
        let theirs = [
            "summary.parquet",
            "date=2026-01-01/hour=07/summary.parquet",
            "month=2026-01/events-3-1.parquet",
            "month=2026-01/events-3-merged-1.parquet",
        ];
        let others = [
            "mine.parquet",
            "x/summary.parquet",
            "month=2026-01/events-of-mine.parquet",
            "events-7-1.parquet",
        ];
        for name in theirs.iter().chain(&others) {
            fs::create_dir_all(path(name).parent().expect("a folder")).expect("a folder");
            fs::write(path(name), "").expect("written");
        }
        clear(dir.path(), &[path("events-7-1.parquet")]).expect("cleared");
        assert!(theirs.iter().all(|name| !path(name).exists()));
        assert!(others.iter().all(|name| path(name).exists()));
        assert!(!path("date=2026-01-01").exists());
    }
}
