//! Errors that point into a file: what is wrong, where, and what to do.

mod nearest;

pub use nearest::nearest;

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A mistake in a text that the user wrote: position, the line itself with a caret, and the fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file.
    pub path: PathBuf,
    /// Line and column, from 1; columns count characters. `None`: the file as a whole.
    pub at: Option<Position>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// A place in a text, and the line that it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The line's text.
    pub text: String,
    /// How many characters are meant, at least 1.
    pub width: usize,
}

impl Position {
    /// The place of a byte range in `text`; a range beyond the end points at the end.
    pub fn locate(text: &str, span: &Range<usize>) -> Position {
        let start = floor_boundary(text, span.start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let end = floor_boundary(text, span.end).clamp(start, line_end);
        Position {
            line: text[..start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            text: mask(text[line_start..line_end].trim_end_matches('\r')),
            width: text[start..end].chars().count().max(1),
        }
    }
}

/// The text with a star for each character of a password in a URL: carets stay where they are.
fn mask(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(scheme) = rest.find("://") {
        let (before, after) = rest.split_at(scheme + 3);
        out.push_str(before);
        let end = after.find(['"', '\'', ' ', '\t']).unwrap_or(after.len());
        let (url, behind) = after.split_at(end);
        match url.rfind('@').and_then(|at| Some((url[..at].find(':')? + 1, at))) {
            Some((start, at)) => {
                out.push_str(&url[..start]);
                out.extend(url[start..at].chars().map(|_| '*'));
                out.push_str(&url[at..]);
            }
            None => out.push_str(url),
        }
        rest = behind;
    }
    out + rest
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl Diagnostic {
    /// About the file as a whole.
    pub fn file(path: &Path, message: impl Into<String>) -> Self {
        Diagnostic { path: path.to_owned(), at: None, message: mask(&message.into()), help: None }
    }

    /// About a byte range of the file's text.
    pub fn span(path: &Path, text: &str, span: &Range<usize>, message: impl Into<String>) -> Self {
        let at = Some(Position::locate(text, span));
        Diagnostic { path: path.to_owned(), at, message: mask(&message.into()), help: None }
    }

    /// Adds what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(at) = &self.at {
            write!(f, ":{}:{}", at.line, at.column)?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(at) = &self.at {
            let number = at.line.to_string();
            let margin = " ".repeat(number.len());
            // Tabs stay tabs in the caret's line, so that both lines are indented alike on a terminal.
            let lead = at.text.chars().take(at.column - 1);
            let indent: String = lead.map(|c| if c == '\t' { c } else { ' ' }).collect();
            write!(
                f,
                "\n {margin} |\n {number} | {}\n {margin} | {indent}{}",
                at.text,
                "^".repeat(at.width)
            )?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n   = help: {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_shows_the_line_with_a_caret_under_the_place() {
        let text = "a = 1\nüb = \"x\"\n";
        let at = text.find("\"x\"").expect("is there");
        let found = Diagnostic::span(Path::new("j.toml"), text, &(at..at + 3), "no").help("do");
        assert_eq!(
            found.to_string(),
            "j.toml:2:6: no\n   |\n 2 | üb = \"x\"\n   |      ^^^\n   = help: do"
        );
    }

    #[test]
    fn a_password_in_a_shown_line_is_stars() {
        let text = "urll = \"mysql://u:pässword@h/d\" # \"http://x/\" a@b:c";
        let found = Diagnostic::span(Path::new("j.toml"), text, &(0..4), "no").to_string();
        let shown = "1 | urll = \"mysql://u:********@h/d\" # \"http://x/\" a@b:c\n";
        assert!(found.contains(shown), "{found}");
        assert_eq!(mask("a string \"mysql://u:p@ss@h/d\""), "a string \"mysql://u:****@h/d\"");
        for text in ["mysql://h:3306/d", "mysql://u@h/d", "no url: a@b", "://"] {
            assert_eq!(mask(text), text);
        }
    }

    #[test]
    fn a_place_beyond_the_end_points_at_the_end() {
        assert_eq!(Position::locate("ab", &(9..12)).column, 3);
        assert_eq!(Position::locate("", &(0..0)).line, 1);
    }
}
