//! Why a line does not match a pattern: which value ends nowhere, and what was expected behind it.

use super::{Pattern, Step};
use crate::format::access::closing_quote;

impl Pattern {
    /// In words, for a line that does not match.
    #[cold]
    pub(super) fn fault(&self, line: &[u8]) -> String {
        let Some(mut rest) = self.prefix.strip(line) else {
            return format!(
                "does not match the pattern: expected {} at column 1",
                shown(self.prefix.bytes())
            );
        };
        for (at, step) in self.steps.iter().enumerate() {
            let from = line.len() - rest.len();
            let is_last = at + 1 == self.steps.len();
            let end = if is_last { step.whole(rest).map(<[u8]>::len) } else { step.find_end(rest) };
            let Some(end) = end else {
                return format!(
                    "does not match the pattern: {}, from column {} on: {}",
                    step.name(),
                    column(line, from),
                    step.fault(rest, is_last)
                );
            };
            rest = &rest[end + step.end.len()..];
        }
        // It does match.
        "does not match the pattern".to_owned()
    }
}

impl Step {
    fn name(&self) -> &str {
        match self.variable.field.name.as_str() {
            "" => "a piece of the time",
            name => name,
        }
    }

    fn fault(&self, rest: &[u8], is_last: bool) -> String {
        if self.quoted && closing_quote(rest).is_none() {
            return "no closing quote".to_owned();
        }
        match (is_last, self.end.bytes()) {
            (true, end) => format!("expected {} after it, and then the line's end", shown(end)),
            (false, end) => format!("expected {} after it", shown(end)),
        }
    }
}

fn column(line: &[u8], at: usize) -> usize {
    String::from_utf8_lossy(&line[..at]).chars().count() + 1
}

fn shown(literal: &[u8]) -> String {
    format!("`{}`", String::from_utf8_lossy(literal))
}

#[cfg(test)]
mod tests {
    use crate::format::nginx;
    use crate::format::testing::cut;

    #[test]
    fn a_reason_names_the_field_and_what_was_expected_behind_it() {
        let pattern =
            r#"<$remote_addr [$time_local] "$request" $status "$http_referer" $request_time;"#;
        let format = nginx::compile(pattern, 999).expect("good");
        for (line, reason) in [
            ("h [t] \"r\" 200 \"-\" 1;", "expected `<` at column 1"),
            ("<h (t) \"r\" 200 \"-\" 1;", "remote_addr, from column 2 on: expected ` [` after it"),
            ("<é [t \"r\" 200 \"-\" 1;", "time_local, from column 5 on: expected `] \"` after it"),
            ("<h [t] \"r\\\" 200", "request, from column 9 on: no closing quote"),
            ("<h [t] \"r\"200 \"-\" 1;", "request, from column 9 on: expected `\" ` after it"),
            ("<h [t] \"r\" 200", "status, from column 12 on: expected ` \"` after it"),
            (
                "<h [t] \"r\" 200 \"-\" 1",
                "request_time, from column 20 on: expected `;` after it, and then the line's end",
            ),
        ] {
            let reasons = cut(&format, &[], line.as_bytes()).reasons;
            assert_eq!(reasons, [format!("does not match the pattern: {reason}")], "{line}");
        }
    }
}
