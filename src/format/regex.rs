//! `regex`: the named groups of a regular expression, found anywhere in the line (anchor it with `^` and `$`).

use std::ops::Range;

use ::regex::bytes::Regex;
use bumpalo::Bump;

use super::walk::Walk;
use super::{FieldDef, Format, FormatError, RawBlock, Tokenizer, text};
use crate::data::DataType;

const NO_MATCH: &str = "does not match the regular expression";

/// The format `regex`.
pub(super) struct Groups {
    regex: Regex,
    fields: Vec<FieldDef>,
    /// Group number of each field.
    groups: Vec<usize>,
    walk: Walk,
}

impl Groups {
    /// Compiles the expression. No named group is an error.
    pub(super) fn new(pattern: &str, line_bytes_max: usize) -> Result<Self, FormatError> {
        // A doubled dollar before a brace is how a job file writes one elsewhere.
        let pattern = &pattern.replace("$${", "${");
        let regex = Regex::new(pattern).map_err(|error| explain(&error.to_string(), pattern))?;
        let named = regex.capture_names().enumerate();
        let named = named.filter_map(|(group, name)| Some((group, name?.to_owned())));
        let (groups, names): (Vec<usize>, Vec<String>) = named.unzip();
        if groups.is_empty() {
            let help = "name what you want to keep: (?P<level>\\w+)";
            return Err(FormatError::new("the regular expression has no named group", help));
        }
        let field = |name| FieldDef { name, ty: DataType::Text };
        let fields = names.into_iter().map(field).collect();
        Ok(Groups { regex, fields, groups, walk: Walk::new(line_bytes_max) })
    }
}

/// The parser's message without its drawing, and the place that the drawing's caret shows.
fn explain(rendered: &str, pattern: &str) -> FormatError {
    let message = rendered.rsplit_once("error: ").map_or(rendered, |(_, message)| message.trim());
    FormatError {
        message: format!("the regular expression is wrong: {message}"),
        help: Some("the syntax is that of Rust's regex crate: as in Perl, without look-around and back-references".into()),
        span: caret(rendered, pattern),
    }
}

/// Bytes of a one-line pattern above the carets of a rendered error.
fn caret(rendered: &str, pattern: &str) -> Option<Range<usize>> {
    let shown = rendered.lines().find_map(|line| line.strip_suffix(pattern))?;
    let is_caret = |line: &&str| line.contains('^') && line.trim_matches([' ', '^']).is_empty();
    let carets = rendered.lines().find(is_caret)?;
    let column = carets.find('^')?.checked_sub(shown.chars().count())?;
    let width = carets.matches('^').count();
    let byte = |at: usize| pattern.char_indices().nth(at).map_or(pattern.len(), |(byte, _)| byte);
    Some(byte(column)..byte(column + width))
}

impl Format for Groups {
    fn fields(&self) -> &[FieldDef] {
        &self.fields
    }

    fn default_time(&self) -> Option<&str> {
        None
    }

    fn tokenizer(&self, wanted: &[&str], _head: &[u8]) -> Result<Box<dyn Tokenizer>, FormatError> {
        let wanted = text::positions(wanted, &self.fields)?;
        let wanted = wanted.into_iter().map(|at| self.groups[at]).collect();
        // A clone has its own pool of scratch memory, so that the workers don't wait for each other.
        Ok(Box::new(GroupsTokenizer { regex: self.regex.clone(), wanted, walk: self.walk }))
    }
}

struct GroupsTokenizer {
    regex: Regex,
    wanted: Vec<usize>,
    walk: Walk,
}

impl Tokenizer for GroupsTokenizer {
    fn tokenize<'a>(
        &self,
        input: &'a [u8],
        at_start: bool,
        records_max: usize,
        arena: &'a Bump,
        block: &mut RawBlock<'a>,
    ) -> usize {
        let mut found = self.regex.capture_locations();
        self.walk.run(
            (input, at_start),
            (self.wanted.len(), records_max),
            block,
            |line, columns| {
                // `.` matches no byte that is not UTF-8, so such bytes are replaced before, not after.
                let line = text::utf8_lossy(line, arena).as_bytes();
                self.regex.captures_read(&mut found, line).ok_or(NO_MATCH)?;
                for (column, &group) in columns.iter_mut().zip(&self.wanted) {
                    column.push(found.get(group).map_or(b"", |(start, end)| &line[start..end]));
                }
                Ok(())
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::cut;

    #[test]
    fn named_groups_are_fields_and_a_line_without_a_match_is_a_reject() {
        let format =
            Groups::new(r"(?P<level>[A-Z]+) (x)?(?<code>\d+)?(?P<message>.*)", 99).expect("good");
        let got = cut(&format, &["message", "level", "code"], b"[INFO 7a\xffb\r\nno\nWARN -");
        assert_eq!(got.records, [["a\u{fffd}b", "INFO", "7"], ["-", "WARN", ""]]);
        assert_eq!(got.reasons, ["does not match the regular expression"]);
    }

    #[test]
    fn an_error_points_into_the_expression() {
        let error = Groups::new("é(?P<a>x", 9).err().expect("unclosed");
        assert_eq!(error.message, "the regular expression is wrong: unclosed group");
        assert_eq!(error.span, Some(2..3));
        assert!(Groups::new("(a)", 9).is_err());
    }
}
