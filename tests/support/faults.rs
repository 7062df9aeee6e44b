//! Killing the program at its fault points, and going back to how things were before.

use std::path::PathBuf;
use std::process::Command;

use super::World;

/// A copy of a world.
pub struct Saved {
    folder: tempfile::TempDir,
}

fn copy(from: PathBuf, to: PathBuf) {
    let from = from.join(".");
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status().expect("cp starts");
    assert!(done.success());
}

impl Saved {
    /// Copies a world.
    pub fn of(world: &World) -> Saved {
        let saved = Saved { folder: tempfile::TempDir::new().expect("a folder") };
        copy(world.path(""), saved.folder.path().to_owned());
        saved
    }

    /// Makes the world what it was.
    pub fn restore(&self, world: &World) {
        for entry in std::fs::read_dir(world.path("")).expect("a folder") {
            let path = entry.expect("an entry").path();
            let removed = match path.is_dir() {
                true => std::fs::remove_dir_all(&path),
                false => std::fs::remove_file(&path),
            };
            removed.expect("removed");
        }
        copy(self.folder.path().to_owned(), world.path(""));
    }
}

/// All passes of all fault points of a command, which is carried out: names, and which pass of that name.
pub fn points(world: &World, args: &[&str]) -> Vec<(String, u64)> {
    let log = tempfile::NamedTempFile::new().expect("a file");
    let done =
        world.command(args).env("LOGMILL_FAULT_LOG", log.path()).output().expect("it starts");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let text = std::fs::read_to_string(log.path()).expect("the log");
    let mut passes = std::collections::HashMap::new();
    let mut pass = |name: &str| {
        let count = passes.entry(name.to_owned()).or_insert(0u64);
        *count += 1;
        (name.to_owned(), *count)
    };
    text.lines().map(&mut pass).collect()
}

/// Runs a command that is killed at a pass of a fault point.
pub fn kill(world: &World, args: &[&str], name: &str, pass: u64) {
    use std::os::unix::process::ExitStatusExt;
    let fault = format!("{name}:{pass}:abort");
    let done = world.command(args).env("LOGMILL_FAULT", &fault).output().expect("it starts");
    assert_eq!(done.status.signal(), Some(9), "{fault}: {}", String::from_utf8_lossy(&done.stderr));
}
