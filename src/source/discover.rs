//! Discovery: globs to files, each file once, oldest first.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::{self, FileType};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType as StatType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::SourceError;
use super::glob::Pattern;
use super::rotation::RotatedName;
use super::segment::{Aside, Found, Problem};
use crate::job::normalize_path;

/// What the globs found.
#[derive(Debug, Default)]
pub struct Discovery {
    /// Each file once, log by log, oldest first.
    pub files: Vec<Found>,
    /// Folders that could not be listed, files that could not be looked at, and paths without glob characters that are no
    /// file: what they hold is missing.
    pub problems: Vec<Problem>,
    /// What a glob matches and is no log: links to nowhere, pipes, sockets, devices. Nothing is missing without them.
    pub asides: Vec<Aside>,
    /// Globs that match no file.
    pub unmatched: Vec<String>,
}

/// Finds the files of `globs`; relative ones count from `base`.
///
/// A file that is matched twice, through links or globs, is found once, under its own name rather than a symbolic
/// link's. Folders that a glob matches are left out.
///
/// # Errors
///
/// A glob that cannot be read. Anything that may be different a moment later is in [`Discovery::problems`] or
/// [`Discovery::asides`] instead: one bad path does not stop the others.
pub fn discover(globs: &[String], base: &Path) -> Result<Discovery, SourceError> {
    let mut discovery = Discovery::default();
    let (mut seen, mut folder) = (Seen::default(), Folder::default());
    for glob in globs {
        let pattern = Pattern::new(glob, base)?;
        let mut any = false;
        for path in pattern.walk(&mut discovery.problems) {
            let candidate = match folder.regular(path) {
                Ok(found) => Some(Candidate { found, is_link: false }),
                Err(path) => look(path, pattern.is_literal(), &mut discovery),
            };
            if let Some(candidate) = candidate {
                any = true;
                seen.keep_better(candidate);
            }
        }
        if !any {
            discovery.unmatched.push(glob.clone());
        }
    }
    discovery.files = seen.in_order();
    Ok(discovery)
}

/// A name for a file.
struct Candidate {
    found: Found,
    is_link: bool,
}

impl Candidate {
    fn order(&self) -> (RotatedName<'_>, &PathBuf) {
        (RotatedName::of(&self.found.path), &self.found.path)
    }
}

/// Each file, by the best of its names.
#[derive(Default)]
struct Seen {
    candidates: Vec<Candidate>,
    /// Of each device and inode, its place in the list.
    places: HashMap<(u64, u64), usize, foldhash::fast::RandomState>,
}

impl Seen {
    fn keep_better(&mut self, new: Candidate) {
        match self.places.entry(new.found.key()) {
            Entry::Vacant(place) => {
                place.insert(self.candidates.len());
                self.candidates.push(new);
            }
            Entry::Occupied(place) => {
                let old = &mut self.candidates[*place.get()];
                if (new.is_link, new.order()) < (old.is_link, old.order()) {
                    *old = new;
                }
            }
        }
    }

    fn in_order(self) -> Vec<Found> {
        let with_places = self.candidates.iter().map(Candidate::order).enumerate();
        let mut order: Vec<_> = with_places.map(|(at, (name, path))| (name, path, at)).collect();
        order.sort_unstable();
        let order: Vec<usize> = order.into_iter().map(|(.., at)| at).collect();
        let mut files: Vec<_> = self.candidates.into_iter().map(|one| Some(one.found)).collect();
        order.into_iter().filter_map(|at| files[at].take()).collect()
    }
}

/// The folder of the last file that was looked at: of a thousand files in it, the kernel walks the way to it once.
#[derive(Default)]
struct Folder {
    opened: Option<(PathBuf, OwnedFd)>,
}

impl Folder {
    /// A regular file under a plain path. Of anything else the path comes back, for a closer look.
    fn regular(&mut self, path: PathBuf) -> Result<Found, PathBuf> {
        match self.stat(&path) {
            Some(stat) if StatType::from_raw_mode(stat.st_mode).is_file() => {
                Ok(Found::of_stat(path, &stat))
            }
            _ => Err(path),
        }
    }

    fn stat(&mut self, path: &Path) -> Option<Stat> {
        let (parent, name) = (path.parent()?, path.file_name()?);
        if !is_tidy(path) {
            return None;
        }
        if self.opened.as_ref().is_none_or(|(at, _)| at.as_os_str() != parent.as_os_str()) {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let parent_or_here =
                if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            let folder = rustix::fs::open(parent_or_here, flags, Mode::empty()).ok()?;
            self.opened = Some((parent.to_owned(), folder));
        }
        let (_, folder) = self.opened.as_ref()?;
        rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).ok()
    }
}

/// What is no plain file in a tidy place. `named`: without glob characters, so that somebody means just this path.
fn look(path: PathBuf, named: bool, discovery: &mut Discovery) -> Option<Candidate> {
    // What is gone since its folder was listed is no problem.
    let own = fs::symlink_metadata(&path).ok()?;
    let is_link = own.is_symlink();
    let target = if is_link { fs::metadata(&path) } else { Ok(own) };
    let error = match target {
        Ok(meta) if meta.is_file() => {
            let found = Found::at(tidy(path, &meta), &meta);
            return Some(Candidate { found, is_link });
        }
        Ok(meta) if meta.is_dir() && !named => return None,
        Ok(meta) if meta.is_dir() => SourceError::Folder { path: path.clone() },
        Ok(meta) if named => {
            let what = kind(meta.file_type());
            SourceError::Unsupported { path: path.clone(), what }
        }
        Ok(meta) => {
            let what = format!("{}; logmill reads regular files only", kind(meta.file_type()));
            discovery.asides.push(aside(&path, what));
            return None;
        }
        Err(source) => match dead_end(&source).filter(|_| is_link) {
            Some(what) => {
                discovery.asides.push(aside(&path, what));
                return None;
            }
            None => SourceError::io("look at", &path)(source),
        },
    };
    discovery.problems.push(Problem { path, mtime_ns: None, error });
    None
}

/// As it is shown: without the `./` of a base that is the working directory.
fn aside(path: &Path, what: impl Into<String>) -> Aside {
    Aside { path: path.strip_prefix(".").unwrap_or(path).to_owned(), what: what.into() }
}

/// What a link is that leads to no file.
fn dead_end(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            Some("a link to nowhere; it is read once it leads to a file")
        }
        _ if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
            Some("a link that leads in a circle; it is read once it leads to a file")
        }
        _ => None,
    }
}

/// The path without `.` and `x/..`, where that is the same file (it is not, where `x` is a link).
fn tidy(path: PathBuf, meta: &fs::Metadata) -> PathBuf {
    if is_tidy(&path) {
        return path;
    }
    let short = normalize_path(&path);
    if short == path {
        return short;
    }
    let same = fs::metadata(&short).is_ok_and(|m| (m.dev(), m.ino()) == (meta.dev(), meta.ino()));
    if same { short } else { path }
}

/// Whether no part of a path is empty or begins with a dot: then there is no detour in it.
fn is_tidy(path: &Path) -> bool {
    let bytes = path.as_os_str().as_bytes();
    let in_parts = bytes.strip_prefix(b"/").unwrap_or(bytes);
    // Nearly every path that is found has this form, and a thousand of them are looked at.
    in_parts.split(|byte| *byte == b'/').all(|part| !part.is_empty() && part[0] != b'.')
}

fn kind(file_type: FileType) -> &'static str {
    match file_type {
        t if t.is_fifo() => "a pipe",
        t if t.is_socket() => "a socket",
        _ => "a device",
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn folder_with(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("temporary folder");
        for name in names {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("has one")).expect("made");
            fs::write(path, name).expect("written");
        }
        folder
    }

    fn names(globs: &[&str], base: &Path) -> Vec<String> {
        let globs: Vec<String> = globs.iter().map(|g| (*g).to_owned()).collect();
        let found = discover(&globs, base).expect("the globs are fine");
        assert!(found.problems.is_empty() && found.asides.is_empty(), "{found:?}");
        let relative = |f: Found| f.path.strip_prefix(base).map(|p| p.display().to_string());
        found.files.into_iter().map(|f| relative(f).expect("below the base")).collect()
    }

    #[test]
    fn a_path_without_detours_is_seen_to_have_none() {
        for tidy in ["/a/b.log", "a", "a/b", "/"] {
            assert!(tidy == "/" || is_tidy(Path::new(tidy)), "{tidy}");
            assert_eq!(normalize_path(Path::new(tidy)).as_os_str(), tidy);
        }
        for other in ["", ".", "./a", "a//b", "a/./b", "a/../b", "../a", "a/", "//a"] {
            assert!(!is_tidy(Path::new(other)), "{other}");
        }
    }

    #[test]
    fn rotated_siblings_are_found_oldest_first() {
        let folder = folder_with(&["a.log", "a.log.1", "a.log.2.gz", "a.log.10.gz", "b.txt"]);
        let found = names(&["a.log*"], folder.path());
        assert_eq!(found, ["a.log.10.gz", "a.log.2.gz", "a.log.1", "a.log"]);
    }

    #[test]
    fn one_file_through_globs_symlinks_and_hard_links_is_found_once() {
        let folder = folder_with(&["a.log"]);
        symlink(folder.path().join("a.log"), folder.path().join("0-link.log")).expect("linked");
        fs::hard_link(folder.path().join("a.log"), folder.path().join("c.log")).expect("linked");
        assert_eq!(names(&["*.log", "a*", "./a.log"], folder.path()), ["a.log"]);
    }

    #[test]
    fn two_stars_go_through_folders_but_not_through_links_or_hidden_ones() {
        let folder = folder_with(&["x/y/a.log", "x/b.log", "c.log", ".git/d.log", "x/.e.log"]);
        symlink(folder.path(), folder.path().join("x/loop")).expect("linked");
        assert_eq!(names(&["**/*.log"], folder.path()), ["c.log", "x/b.log", "x/y/a.log"]);
        assert_eq!(names(&["**"], folder.path()), ["c.log", "x/b.log", "x/y/a.log"]);
    }

    #[test]
    fn hidden_files_are_found_only_when_the_pattern_says_so() {
        let folder = folder_with(&[".a.log", "b.log"]);
        assert_eq!(names(&["*.log"], folder.path()), ["b.log"]);
        assert_eq!(names(&[".*.log"], folder.path()), [".a.log"]);
    }

    #[test]
    fn a_folder_is_an_error_by_name_and_nothing_by_glob() {
        let folder = folder_with(&["sub/a.log", "b.log"]);
        assert_eq!(names(&["*"], folder.path()), ["b.log"]);
        let globs = ["sub".to_owned(), "b.log".to_owned()];
        let found = discover(&globs, folder.path()).expect("the others are found");
        assert_eq!((found.files.len(), found.problems.len()), (1, 1));
        let error = &found.problems[0].error;
        assert!(matches!(error, SourceError::Folder { .. }), "{error}");
    }

    #[test]
    fn a_glob_without_files_is_named() {
        let folder = folder_with(&["b.log"]);
        let globs = ["*.txt".to_owned(), "gone.log".to_owned(), "b.log".to_owned()];
        let found = discover(&globs, folder.path()).expect("fine");
        assert_eq!(found.unmatched, ["*.txt", "gone.log"]);
    }

    fn asides(globs: &[&str], base: &Path) -> Vec<String> {
        let globs: Vec<String> = globs.iter().map(|g| (*g).to_owned()).collect();
        let found = discover(&globs, base).expect("the globs are fine");
        assert!(found.problems.is_empty(), "{:?}", found.problems);
        assert_eq!(found.files.len(), 1, "{:?}", found.files);
        let mut texts: Vec<_> = found.asides.iter().map(Aside::to_string).collect();
        texts.sort();
        texts
    }

    #[test]
    fn a_link_that_leads_to_no_file_is_left_aside() {
        let folder = folder_with(&["a.log"]);
        let link = |target: &str, name: &str| symlink(target, folder.path().join(name));
        link("nowhere", "b.log").expect("linked");
        link("a.log/x", "c.log").expect("linked");
        link("e.log", "d.log").expect("linked");
        link("d.log", "e.log").expect("linked");
        let texts = asides(&["*.log"], folder.path());
        let has = |at: usize, words: &str| assert!(texts[at].contains(words), "{texts:?}");
        assert_eq!(texts.len(), 4, "{texts:?}");
        has(0, "/b.log is a link to nowhere");
        has(1, "/c.log is a link to nowhere");
        has(2, "/d.log is a link that leads in a circle");
        // By its own name, too: whatever it shall lead to may come.
        assert_eq!(asides(&["a.log", "b.log"], folder.path()).len(), 1);
    }

    #[test]
    fn pipes_and_sockets_are_left_aside_by_glob_and_problems_by_name() {
        let folder = folder_with(&["a.log"]);
        let path = |name: &str| folder.path().join(name);
        rustix::fs::mknodat(rustix::fs::CWD, path("p.log"), StatType::Fifo, Mode::RUSR, 0)
            .expect("a pipe");
        let _socket = std::os::unix::net::UnixListener::bind(path("s.log")).expect("a socket");
        let texts = asides(&["*.log"], folder.path());
        assert!(texts[0].contains("p.log is a pipe"), "{texts:?}");
        assert!(texts[1].contains("s.log is a socket"), "{texts:?}");
        let named = discover(&["p.log".to_owned()], folder.path()).expect("fine");
        assert_eq!((named.problems.len(), named.asides.len()), (1, 0));
    }

    #[test]
    fn a_device_behind_a_link_is_left_aside() {
        let folder = folder_with(&["a.log"]);
        symlink("/dev/null", folder.path().join("b.log")).expect("linked");
        let texts = asides(&["*.log"], folder.path());
        assert!(texts[0].contains("b.log is a device"), "{texts:?}");
    }

    #[test]
    fn a_bad_glob_says_what_is_wrong() {
        for glob in ["", "a[", "{a/b,c}.log"] {
            let error = discover(&[glob.to_owned()], Path::new("/")).expect_err("bad");
            assert!(matches!(error, SourceError::BadGlob { .. }), "{error}");
        }
    }
}
