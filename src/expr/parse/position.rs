//! From sqlparser's lines and columns (1-based, in characters) to byte offsets.

use std::ops::Range;

use sqlparser::tokenizer::{Location, Span};

/// The text with the start of each line.
pub(crate) struct Positions<'t> {
    text: &'t str,
    line_starts: Vec<usize>,
}

impl<'t> Positions<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let behind_newlines = text.match_indices('\n').map(|(at, _)| at + 1);
        Positions { text, line_starts: std::iter::once(0).chain(behind_newlines).collect() }
    }

    /// The whole text.
    pub(crate) fn text(&self) -> &'t str {
        self.text
    }

    /// Bytes of a parser's span; an empty span is empty here too.
    pub(crate) fn range(&self, span: Span) -> Range<usize> {
        let start = self.offset(span.start);
        start..self.offset(span.end).max(start)
    }

    /// The word (or the one character) that begins at a line and column.
    pub(crate) fn word_at(&self, line: u64, column: u64) -> Range<usize> {
        let start = self.offset(Location { line, column });
        let rest = &self.text[start..];
        let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let first = rest.chars().next().map_or(0, char::len_utf8);
        start..start + word.max(first)
    }

    fn offset(&self, at: Location) -> usize {
        let line = usize::try_from(at.line).unwrap_or(usize::MAX).saturating_sub(1);
        let Some(&start) = self.line_starts.get(line) else {
            return self.text.len();
        };
        let column = usize::try_from(at.column).unwrap_or(usize::MAX).saturating_sub(1);
        self.text[start..].char_indices().nth(column).map_or(self.text.len(), |(at, _)| start + at)
    }
}
