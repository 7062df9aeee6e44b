//! Names of rotated files: which of them belong together, and which is older.
//!
//! Known: `access.log.2.gz` (logrotate), `access.log-20240131`, `access.log.2024-01-31-10`, `access-2024-01-31.log`,
//! `access.log-1706659200`, and a compressor's ending behind any of them.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

/// Endings of compressors: no part of the name proper.
const COMPRESSED_ENDINGS: [&str; 7] = [".gz", ".zst", ".bz2", ".xz", ".zstd", ".z", ".Z"];

/// A date in a name, with its separator and a time of day, or Unix seconds. The year must be plausible, so that
/// `app-12345678.log` is no date.
static DATE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"[-._]((?:19|20)[0-9]{2}-?[01][0-9]-?[0-3][0-9](?:[-T_.]?[0-9]{2}(?:[-:]?[0-9]{2}){0,2})?|1[0-9]{9})(?:[-._]|$)",
    )
    .expect("the pattern is a constant")
});

/// The fewest digits of a date.
const DATE_DIGITS_MIN: usize = 8;

/// What a rotated file's name says of its age.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Age {
    /// By the digits of its date; then, for `…-20240131.1`, by its number.
    Dated(String, u64),
    /// The higher the older.
    Numbered(u64),
    /// The file that is written to.
    Live,
}

/// A file's name taken apart. Most of it points into the path: a run with nothing new takes a thousand names apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RotatedName<'p> {
    folder: &'p Path,
    name: Cow<'p, str>,
    stem: Cow<'p, str>,
    age: Age,
    rest: Cow<'p, str>,
}

impl<'p> RotatedName<'p> {
    /// Takes the name apart.
    pub(crate) fn of(path: &'p Path) -> Self {
        let (folder, name) = folder_and_name(path);
        match name.to_string_lossy() {
            Cow::Borrowed(name) => RotatedName::take_apart(folder, name),
            Cow::Owned(name) => {
                let parts = RotatedName::take_apart(folder, &name);
                let owned = |part: Cow<'_, str>| Cow::Owned(part.into_owned());
                let (stem, age, rest) = (owned(parts.stem), parts.age, owned(parts.rest));
                RotatedName { folder, name: Cow::Owned(name), stem, age, rest }
            }
        }
    }

    fn take_apart<'n>(folder: &'n Path, name: &'n str) -> RotatedName<'n> {
        let plain = strip_compression(name);
        let rest = Cow::Borrowed(&name[plain.len()..]);
        let (stem, number) = split_number(plain);
        let (stem, age) = match (split_date(stem), number) {
            (Some((stem, digits)), number) => {
                (Cow::Owned(stem), Age::Dated(digits, number.unwrap_or(0)))
            }
            (None, Some(number)) => (Cow::Borrowed(stem), Age::Numbered(number)),
            (None, None) => (Cow::Borrowed(stem), Age::Live),
        };
        RotatedName { folder, name: Cow::Borrowed(name), stem, age, rest }
    }

    /// What all files of one log have in common.
    pub(crate) fn family(&self) -> (&Path, &str) {
        (self.folder, &self.stem)
    }

    /// [`RotatedName::family`] as one path.
    pub(crate) fn family_path(&self) -> PathBuf {
        self.folder.join(&*self.stem)
    }

    /// Whether this file was rotated before that one, both being of one log.
    pub(crate) fn is_older_than(&self, other: &Self) -> bool {
        self.family() == other.family() && self.by_age(other) == Ordering::Less
    }

    /// Whether it is that file's name with a compressor's ending.
    pub(crate) fn is_compressed_name_of(&self, other: &Self) -> bool {
        self.family() == other.family()
            && self.age == other.age
            && !self.rest.is_empty()
            && other.rest.is_empty()
    }

    /// Whether both are files of logs with one name, be it in different folders.
    pub(crate) fn is_sibling_of(&self, other: &Self) -> bool {
        self.stem == other.stem
    }

    /// Whether it has a date: then the youngest is written to, where there is no file without one.
    pub(crate) fn is_dated(&self) -> bool {
        matches!(self.age, Age::Dated(..))
    }

    /// The live file's path, if this one is a rotated one.
    pub(crate) fn live_path(&self) -> Option<PathBuf> {
        (self.age != Age::Live).then(|| self.family_path())
    }

    /// Oldest first.
    fn by_age(&self, other: &Self) -> Ordering {
        match (&self.age, &other.age) {
            (Age::Numbered(a), Age::Numbered(b)) => b.cmp(a),
            (Age::Dated(a, m), Age::Dated(b, n)) => (a, m).cmp(&(b, n)),
            (a, b) => class(a).cmp(&class(b)),
        }
    }
}

impl PartialOrd for RotatedName<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The order of discovery: log by log, oldest first.
impl Ord for RotatedName<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        // Nearly all are in one folder, and paths compare by their parts.
        let is_same = self.folder.as_os_str() == other.folder.as_os_str();
        let by_folder = if is_same { Ordering::Equal } else { self.folder.cmp(other.folder) };
        by_folder
            .then_with(|| self.stem.cmp(&other.stem))
            .then_with(|| self.by_age(other))
            .then_with(|| self.name.cmp(&other.name))
    }
}

/// [`Path::parent`] and [`Path::file_name`], without a look at the other parts where the last one is a plain name.
fn folder_and_name(path: &Path) -> (&Path, &OsStr) {
    let bytes = path.as_os_str().as_bytes();
    match memchr::memrchr(b'/', bytes).map(|slash| (&bytes[..slash], &bytes[slash + 1..])) {
        Some((folder, name)) if !folder.is_empty() && !matches!(name, b"" | b"." | b"..") => {
            (Path::new(OsStr::from_bytes(folder)), OsStr::from_bytes(name))
        }
        _ => (path.parent().unwrap_or(Path::new("")), path.file_name().unwrap_or_default()),
    }
}

fn class(age: &Age) -> u8 {
    match age {
        Age::Dated(..) => 0,
        Age::Numbered(_) => 1,
        Age::Live => 2,
    }
}

fn strip_compression(name: &str) -> &str {
    let ending = COMPRESSED_ENDINGS.iter().find(|ending| name.ends_with(*ending));
    let plain = ending.map_or(name, |ending| &name[..name.len() - ending.len()]);
    if plain.is_empty() { name } else { plain }
}

/// `access.log.12` is `access.log` and 12. Eight digits and more are a date.
fn split_number(name: &str) -> (&str, Option<u64>) {
    match name.rsplit_once('.') {
        Some((stem, digits))
            if !stem.is_empty()
                && (1..8).contains(&digits.len())
                && digits.bytes().all(|b| b.is_ascii_digit()) =>
        {
            (stem, digits.parse().ok())
        }
        _ => (name, None),
    }
}

/// The path without a number before its ending, and that number: `a.1.log` and `a-1.log` are the 1st of `a.log`, if there is
/// one. A name alone does not tell: `worker.1.log` may be a log of its own.
pub(crate) fn inner_number(path: &Path) -> Option<(PathBuf, u64)> {
    let (folder, name) = folder_and_name(path);
    let (stem, ending) = strip_compression(name.to_str()?).rsplit_once('.')?;
    let plain = stem.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = &stem[plain.len()..];
    let base = plain.strip_suffix(['.', '-', '_']).filter(|base| !base.is_empty())?;
    let is_number = (1..DATE_DIGITS_MIN).contains(&digits.len());
    let live = || folder.join(format!("{base}.{ending}"));
    is_number.then(|| digits.parse().ok()).flatten().map(|number| (live(), number))
}

/// Whether two names of one log differ in such a number only, and the second one has the higher number.
pub(crate) fn is_higher_number(first: &Path, second: &Path) -> bool {
    inner_number(second).is_some_and(|(live, number)| match inner_number(first) {
        Some((lives, lower)) => lives == live && lower < number,
        None => first == live,
    })
}

/// The name without its last date, and that date's digits.
fn split_date(name: &str) -> Option<(String, String)> {
    // Most names have no date, and counting is cheaper than matching.
    if name.bytes().filter(u8::is_ascii_digit).count() < DATE_DIGITS_MIN {
        return None;
    }
    let found = DATE.captures_iter(name).last()?.get(1)?;
    if found.start() < 2 {
        return None;
    }
    let stem = format!("{}{}", &name[..found.start() - 1], &name[found.end()..]);
    Some((stem, found.as_str().chars().filter(char::is_ascii_digit).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(names: &[&str]) -> Vec<String> {
        let mut names: Vec<_> = names.iter().map(|n| (RotatedName::of(Path::new(n)), n)).collect();
        names.sort();
        names.into_iter().map(|(_, n)| (*n).to_owned()).collect()
    }

    #[test]
    fn numbered_siblings_come_oldest_first() {
        let order = sorted(&["access.log", "access.log.1", "access.log.10.gz", "access.log.2.gz"]);
        assert_eq!(order, ["access.log.10.gz", "access.log.2.gz", "access.log.1", "access.log"]);
    }

    #[test]
    fn dated_siblings_come_by_date_and_the_live_file_last() {
        let order = sorted(&["a.log", "a.log-20240201", "a.log-20240131.gz", "a.log-20231231.xz"]);
        assert_eq!(order, ["a.log-20231231.xz", "a.log-20240131.gz", "a.log-20240201", "a.log"]);
        let order = sorted(&["a-2024-02-01.log", "a-2024-01-31.log.gz", "a.log"]);
        assert_eq!(order, ["a-2024-01-31.log.gz", "a-2024-02-01.log", "a.log"]);
    }

    #[test]
    fn a_rotated_file_names_its_live_file() {
        let live = |name| RotatedName::of(Path::new(name)).live_path();
        assert_eq!(live("/l/access.log.3.gz"), Some("/l/access.log".into()));
        assert_eq!(live("/l/access.log-20240131"), Some("/l/access.log".into()));
        assert_eq!(live("/l/access.log"), None);
    }

    #[test]
    fn a_number_may_stand_before_the_ending() {
        let of = |name| inner_number(Path::new(name));
        assert_eq!(of("/l/a.1.log"), Some(("/l/a.log".into(), 1)));
        assert_eq!(of("/l/a-12.log.gz"), Some(("/l/a.log".into(), 12)));
        assert_eq!(of("a_0.b.log"), None);
        for name in ["a.log", "a.log.1", "1.log", ".1.log", "a1.log", "a.20240131.log"] {
            assert_eq!(of(name), None, "{name}");
        }
        let is_higher = |a, b| is_higher_number(Path::new(a), Path::new(b));
        assert!(is_higher("a.log", "a.2.log") && is_higher("a.1.log", "a.10.log.gz"));
        assert!(!is_higher("a.2.log", "a.1.log") && !is_higher("b.1.log", "a.2.log"));
    }

    #[test]
    fn other_logs_are_other_families() {
        let of = |name| RotatedName::of(Path::new(name));
        assert!(of("a.log.2").is_older_than(&of("a.log.1")));
        assert!(!of("b.log.2").is_older_than(&of("a.log.1")));
        assert!(!of("x/a.log.2").is_older_than(&of("a.log.1")));
        assert!(of("a.log.1.gz").is_compressed_name_of(&of("a.log.1")));
        assert!(!of("a.log.2.gz").is_compressed_name_of(&of("a.log.1")));
    }
}
