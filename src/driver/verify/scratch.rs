//! The folder of one comparison, removed when it ends. What a killed one left behind is removed by the next.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::super::RunError;
use crate::engine::parquet_file::FileError;

const PREFIX: &str = "verify-";

/// A folder of one's own.
pub(super) struct Scratch {
    folder: PathBuf,
    /// Locked: whoever finds the folder knows that it is in use.
    _lock: File,
}

impl Scratch {
    /// Makes one in a folder.
    pub(super) fn create(parent: &Path) -> Result<Self, RunError> {
        remove_leftovers(parent);
        let folder = parent.join(format!("{PREFIX}{}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|e| {
            RunError::Other(format!(
                "can't create {}: {e}; name a folder that may be written to with --scratch",
                folder.display()
            ))
        })?;
        let path = folder.join("lock");
        let lock = File::create(&path).map_err(FileError::io("create", &path))?;
        lock.try_lock().map_err(|e| FileError::io("lock", &path)(e.into()))?;
        Ok(Scratch { folder, _lock: lock })
    }

    /// Where it is.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A new folder in it.
    pub(super) fn subfolder(&self, name: &str) -> Result<PathBuf, RunError> {
        let folder = self.folder.join(name);
        std::fs::create_dir_all(&folder).map_err(FileError::io("create", &folder))?;
        Ok(folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is removed by the next one.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn remove_leftovers(parent: &Path) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let Ok(lock) = File::open(entry.path().join("lock")) else { continue };
        if lock.try_lock().is_ok() {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_lives_as_long_as_its_process_needs_it() {
        let parent = tempfile::tempdir().expect("a folder");
        let left = parent.path().join("verify-1");
        std::fs::create_dir(&left).expect("a folder");
        std::fs::write(left.join("lock"), "").expect("a file");
        let other = parent.path().join("groups");
        std::fs::create_dir(&other).expect("a folder");
        let scratch = Scratch::create(parent.path()).expect("a folder");
        let folder = scratch.folder().to_owned();
        assert!(!left.exists() && other.exists() && folder.exists());
        remove_leftovers(parent.path());
        assert!(folder.exists(), "it is in use");
        drop(scratch);
        assert!(!folder.exists());
    }
}
