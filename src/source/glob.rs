//! Walking a glob: a folder is listed only where the pattern needs it, and no link leads in circles.

use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

use super::SourceError;
use super::segment::Problem;

/// What means something in a pattern, unless a backslash stands before it.
const GLOB_CHARACTERS: [char; 7] = ['*', '?', '[', ']', '{', '}', '\\'];

/// One part of a pattern, between two slashes.
enum Part {
    /// A name as it stands.
    Literal(PathBuf),
    /// `**`: any number of folders. Hidden ones and links to folders are not entered.
    AnyDepth,
    /// A name with glob characters.
    Name { matcher: GlobMatcher, hidden: bool },
}

/// A pattern ready to walk.
pub(crate) struct Pattern {
    parts: Vec<Part>,
    literal: bool,
}

impl Pattern {
    /// Reads a pattern; a relative one counts from `base`.
    pub(crate) fn new(pattern: &str, base: &Path) -> Result<Self, SourceError> {
        let bad = |message: &str| SourceError::BadGlob {
            pattern: pattern.to_owned(),
            message: message.to_owned(),
        };
        if pattern.is_empty() {
            return Err(bad("it is empty; write a path such as /var/log/nginx/access.log*"));
        }
        if slash_in_braces(pattern) {
            return Err(bad("a slash stands within { }; write two globs instead"));
        }
        let mut parts = vec![Part::Literal(base.to_owned())];
        for component in Path::new(pattern).components().filter(|c| *c != Component::CurDir) {
            parts.push(part(component).map_err(|message| bad(&message))?);
        }
        let literal = parts.iter().all(|part| matches!(part, Part::Literal(_)));
        Ok(Pattern { parts, literal })
    }

    /// Whether it has no glob characters.
    pub(crate) fn is_literal(&self) -> bool {
        self.literal
    }

    /// All paths that match, folders too, in no order. Folders that cannot be listed become problems.
    pub(crate) fn walk(&self, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
        let mut found = Vec::new();
        step(PathBuf::new(), &self.parts, &mut found, problems);
        found
    }
}

/// A pattern that matches this path and no other.
pub fn escape_glob(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for character in path.chars() {
        if GLOB_CHARACTERS.contains(&character) {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

/// The name that a part without an active glob character stands for.
fn literal(text: &str) -> Option<String> {
    let (mut name, mut rest) = (String::new(), text.chars());
    while let Some(character) = rest.next() {
        match character {
            '\\' => name.push(rest.next()?),
            '*' | '?' | '[' | '{' => return None,
            plain => name.push(plain),
        }
    }
    Some(name)
}

fn part(component: Component<'_>) -> Result<Part, String> {
    let text = component.as_os_str().to_string_lossy();
    if text == "**" {
        return Ok(Part::AnyDepth);
    }
    if !text.contains(['*', '?', '[', '{', '\\']) {
        return Ok(Part::Literal(component.as_os_str().into()));
    }
    if let Some(name) = literal(&text) {
        return Ok(Part::Literal(name.into()));
    }
    let glob = GlobBuilder::new(&text).literal_separator(true).backslash_escape(true).build();
    let matcher = glob.map_err(|e| e.kind().to_string())?.compile_matcher();
    Ok(Part::Name { matcher, hidden: text.starts_with('.') })
}

fn slash_in_braces(pattern: &str) -> bool {
    let (mut depth, mut escaped) = (0usize, false);
    pattern.chars().any(|c| {
        match c {
            _ if escaped => {}
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        c == '/' && depth > 0
    })
}

fn step(at: PathBuf, parts: &[Part], found: &mut Vec<PathBuf>, problems: &mut Vec<Problem>) {
    let Some((part, rest)) = parts.split_first() else {
        found.push(at);
        return;
    };
    match part {
        Part::Literal(name) => {
            let next = at.join(name);
            if !rest.is_empty() || next.symlink_metadata().is_ok() {
                step(next, rest, found, problems);
            }
        }
        Part::Name { matcher, hidden } => {
            for entry in list(&at, problems) {
                let name = entry.file_name();
                if matcher.is_match(Path::new(&name)) && (*hidden || !is_hidden(&name)) {
                    step(below(&at, &name), rest, found, problems);
                }
            }
        }
        Part::AnyDepth => any_depth(at, rest, found, problems),
    }
}

/// `**/rest`: `rest` here and in every folder below. `**` at the end means all files below.
fn any_depth(at: PathBuf, rest: &[Part], found: &mut Vec<PathBuf>, problems: &mut Vec<Problem>) {
    for entry in list(&at, problems) {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && !is_hidden(&entry.file_name()) {
            any_depth(entry.path(), rest, found, problems);
        } else if rest.is_empty() && !is_hidden(&entry.file_name()) {
            found.push(entry.path());
        }
    }
    if !rest.is_empty() {
        step(at, rest, found, problems);
    }
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

/// [`Path::join`] of a plain name, in one allocation.
fn below(folder: &Path, name: &OsStr) -> PathBuf {
    let mut path = PathBuf::with_capacity(folder.as_os_str().len() + name.len() + 1);
    path.push(folder);
    path.push(name);
    path
}

/// The entries of a folder. What is no folder has none: a file may match a pattern's middle.
fn list(folder: &Path, problems: &mut Vec<Problem>) -> Vec<fs::DirEntry> {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    let listed = fs::read_dir(folder).and_then(Iterator::collect);
    listed.unwrap_or_else(|source: std::io::Error| {
        if !matches!(source.kind(), NotADirectory | NotFound) {
            let error = SourceError::io("list", folder)(source);
            problems.push(Problem { path: folder.to_owned(), mtime_ns: None, error });
        }
        Vec::new()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escaped_path_matches_itself_and_no_other() {
        let dir = tempfile::tempdir().expect("a folder");
        let names = [
            "acc[x].log",
            "accx.log",
            "a{b",
            "a*b",
            "axb",
            "a?b",
            "back\\slash",
            "!a",
            "a]",
            ".h[1]",
        ];
        for name in names {
            fs::write(dir.path().join(name), name).expect("written");
        }
        for name in names {
            for (tail, is_literal) in [("", true), ("*", false)] {
                let pattern = Pattern::new(&(escape_glob(name) + tail), dir.path()).expect(name);
                let mut found = pattern.walk(&mut Vec::new());
                found
                    .retain(|path| path.file_name().is_some_and(|found| found.len() == name.len()));
                assert_eq!(found, [dir.path().join(name)], "{name}{tail}");
                assert_eq!(pattern.is_literal(), is_literal);
            }
        }
        fs::create_dir(dir.path().join("a{")).expect("a folder");
        fs::write(dir.path().join("a{/b}"), "").expect("written");
        let pattern = Pattern::new(&escape_glob("a{/b}"), dir.path()).expect("no braces");
        assert_eq!(pattern.walk(&mut Vec::new()), [dir.path().join("a{/b}")]);
    }
}
