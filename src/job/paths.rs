//! Paths as a person would write them.

use std::path::{Component, Path, PathBuf};

/// The path without `.` and `x/..`, by its text: messages and catalogs show what a person would write.
pub fn normalize_path(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(out.components().next_back(), Some(Component::Normal(_))) =>
            {
                out.pop();
            }
            other => out.push(other),
        }
    }
    if out.as_os_str().is_empty() { PathBuf::from(".") } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lose_their_detours() {
        assert_eq!(normalize_path(Path::new("jobs/../out/./a")), Path::new("out/a"));
        assert_eq!(normalize_path(Path::new("../out")), Path::new("../out"));
        assert_eq!(normalize_path(Path::new("./")), Path::new("."));
    }
}
