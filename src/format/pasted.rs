//! Text pasted from a server's configuration: quotes, escapes and comments taken off, the way back to the original kept.

use std::ops::Range;

use super::FormatError;

/// Text with the place of each byte in what the user pasted, so that an error can point there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pasted {
    /// The text proper.
    pub(super) bytes: Vec<u8>,
    /// Offset of each byte in the original.
    origins: Vec<usize>,
}

/// A word of a directive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: Pasted,
    /// Whether it stood in quotes.
    pub(super) quoted: bool,
}

impl Pasted {
    /// The original as it stands, without lines that are comments, and with the lines joined that end with a backslash.
    pub(super) fn new(original: &str) -> Self {
        let (mut out, mut at) = (Pasted::default(), 0);
        let mut begins = true;
        for line in original.split_inclusive('\n') {
            let bare = line.strip_suffix('\n').unwrap_or(line);
            let bare = bare.strip_suffix('\r').unwrap_or(bare);
            let goes_on = bare.ends_with('\\') && bare.len() < line.len();
            let is_comment = begins && bare.trim_start().starts_with('#');
            if !is_comment {
                let kept = if goes_on { &bare[..bare.len() - 1] } else { line };
                out.bytes.extend_from_slice(kept.as_bytes());
                out.origins.extend(at..at + kept.len());
            }
            begins = !goes_on;
            at += line.len();
        }
        out.trimmed()
    }

    /// Without white space around it.
    fn trimmed(&self) -> Self {
        let start = self.bytes.len() - self.bytes.trim_ascii_start().len();
        let end = start + self.bytes.trim_ascii().len();
        self.slice(start..end)
    }

    fn slice(&self, range: Range<usize>) -> Self {
        Pasted { bytes: self.bytes[range.clone()].to_vec(), origins: self.origins[range].to_vec() }
    }

    /// The text; an error where there is more than one line.
    pub(super) fn one_line(self, help: &str) -> Result<Self, FormatError> {
        match memchr::memchr(b'\n', &self.bytes) {
            None => Ok(self),
            Some(at) => {
                let message = "a line break within the pattern: a line of a log has none";
                Err(FormatError::new(message, help).at(self.span(at..at + 1)))
            }
        }
    }

    /// The same with `\"`, `\\` and their like decoded.
    pub(super) fn unescaped(&self) -> Self {
        let mut out = Pasted::default();
        let mut at = 0;
        while at < self.bytes.len() {
            at += out.push_escaped(&self.bytes[at..], self.origins[at]);
        }
        out
    }

    /// The words and quoted strings of a directive. It ends at a `;`, behind which there is nothing but comments.
    pub(super) fn words(&self) -> Result<Vec<Word>, FormatError> {
        let (mut words, mut word) = (Vec::new(), Word::default());
        let (mut open, mut at) = (None, 0);
        while at < self.bytes.len() {
            let byte = self.bytes[at];
            let begins = open.is_none() && word.text.bytes.is_empty();
            if begins && byte == b'#' {
                let rest = &self.bytes[at..];
                at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                continue;
            }
            let ends = match open {
                Some((quote, _)) => byte == quote,
                None => matches!(byte, b'\'' | b'"' | b';') || byte.is_ascii_whitespace(),
            };
            if !ends {
                at += word.text.push_escaped(&self.bytes[at..], self.origins[at]);
                continue;
            }
            if open.is_some() || !word.text.bytes.is_empty() {
                word.quoted = open.is_some();
                words.push(std::mem::take(&mut word));
            }
            let is_quote = open.is_none() && matches!(byte, b'\'' | b'"');
            open = is_quote.then_some((byte, at));
            at += 1;
            if byte == b';' && !words.is_empty() {
                self.nothing_behind(at)?;
                return Ok(words);
            }
        }
        if let Some((_, from)) = open {
            let message = "a quote that is not closed";
            let help = "paste the whole directive, as it stands in the configuration";
            return Err(FormatError::new(message, help).at(self.span(from..from + 1)));
        }
        if !word.text.bytes.is_empty() {
            words.push(word);
        }
        Ok(words)
    }

    fn nothing_behind(&self, at: usize) -> Result<(), FormatError> {
        let rest = self.slice(at..self.bytes.len());
        let is_comment =
            |line: &[u8]| line.trim_ascii().is_empty() || line.trim_ascii().starts_with(b"#");
        match rest.bytes.split(|&byte| byte == b'\n').all(is_comment) {
            true => Ok(()),
            false => Err(FormatError::new(
                "more than one directive is pasted",
                "paste the one that the log is written by",
            )
            .at(rest.trimmed().span(0..rest.trimmed().bytes.len()))),
        }
    }

    /// One after the other.
    pub(super) fn join(words: impl IntoIterator<Item = Pasted>) -> Self {
        words.into_iter().fold(Pasted::default(), |mut all, word| {
            all.bytes.extend(word.bytes);
            all.origins.extend(word.origins);
            all
        })
    }

    /// `$${` is `${`, as elsewhere in a job file; answers where there is a `${` alone.
    pub(super) fn undoubled(&self) -> (Self, Option<Range<usize>>) {
        let (mut out, mut alone) = (Pasted::default(), None);
        for at in 0..self.bytes.len() {
            let rest = &self.bytes[at..];
            if rest.starts_with(b"$${") {
                continue;
            }
            let doubled = at > 0 && self.bytes[at - 1] == b'$';
            if rest.starts_with(b"${") && !doubled && alone.is_none() {
                let end = memchr::memchr(b'}', rest).map_or(rest.len(), |end| end + 1);
                alone = Some(self.span(at..at + end));
            }
            out.bytes.push(self.bytes[at]);
            out.origins.push(self.origins[at]);
        }
        (out, alone)
    }

    /// Where a range of the text stands in the original.
    pub(super) fn span(&self, range: Range<usize>) -> Range<usize> {
        let origin = |at: usize| self.origins.get(at).copied();
        let start =
            origin(range.start).unwrap_or_else(|| self.origins.last().map_or(0, |at| at + 1));
        let end = range.end.checked_sub(1).and_then(origin).map_or(start, |at| at + 1);
        start..end.max(start)
    }

    /// Appends one byte, decoded where a backslash escapes it; returns the bytes taken from `input`.
    fn push_escaped(&mut self, input: &[u8], origin: usize) -> usize {
        let (byte, taken) = match *input {
            [b'\\', byte @ (b'"' | b'\'' | b'\\'), ..] => (byte, 2),
            [b'\\', b't', ..] => (b'\t', 2),
            [byte, ..] => (byte, 1),
            [] => return 0,
        };
        self.bytes.push(byte);
        self.origins.push(origin);
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::Pasted;

    fn words(original: &str) -> Vec<String> {
        let words = Pasted::new(original).words().expect(original);
        words.iter().map(|word| String::from_utf8_lossy(&word.text.bytes).into_owned()).collect()
    }

    #[test]
    fn a_directive_falls_into_words_and_quoted_strings() {
        let expected = ["log_format", "main", "$a 'x'", "", "b"];
        assert_eq!(words("log_format main '$a \\'x\\'' \"\"\n  \"b\"; # rest"), expected);
        assert_eq!(
            words("# c\nlog_format main # the name\n'$a \\'x\\'' \"\"\n\t# more\n\"b\""),
            expected
        );
        assert_eq!(words("a \\\n  'b#;'\r\n"), ["a", "b#;"]);
        assert_eq!(words("a 'b\\\n  c'"), ["a", "b  c"]);
        assert!(Pasted::new("a 'b").words().is_err());
        assert!(Pasted::new("a 'b'; c 'd';").words().is_err());
    }

    #[test]
    fn a_span_points_into_what_was_pasted() {
        let original = "  # c\n  f 'a\\'b' 'cd'";
        let words = Pasted::new(original).words().expect("closed");
        let joined = Pasted::join(words.into_iter().skip(1).map(|word| word.text));
        assert_eq!(joined.bytes, b"a'bcd");
        assert_eq!(&original[joined.span(3..5)], "cd");
        assert_eq!(joined.span(5..6), original.len() - 1..original.len() - 1);
        assert_eq!(Pasted::new(" \\\"x ").unescaped().bytes, b"\"x");
    }

    #[test]
    fn a_doubled_dollar_before_a_brace_is_one() {
        let (text, alone) = Pasted::new("a $${b} $c").undoubled();
        assert_eq!((text.bytes, alone), (b"a ${b} $c".to_vec(), None));
        assert_eq!(Pasted::new("a ${b} c").undoubled().1, Some(2..6));
    }
}
