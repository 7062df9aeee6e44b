//! Text pasted from a server's configuration: quotes and escapes taken off, the way back to the original kept.

use std::ops::Range;

/// Text with the place of each byte in what the user pasted, so that an error can point there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pasted {
    /// The text proper.
    pub(super) bytes: Vec<u8>,
    /// Offset of each byte in the original.
    origins: Vec<usize>,
}

impl Pasted {
    /// The original as it stands, without white space around it.
    pub(super) fn plain(original: &str) -> Self {
        let start = original.len() - original.trim_start().len();
        let bytes = original.trim().as_bytes().to_vec();
        Pasted { origins: (start..start + bytes.len()).collect(), bytes }
    }

    /// The same with `\"`, `\\` and their like decoded.
    pub(super) fn unescaped(original: &str) -> Self {
        let plain = Self::plain(original);
        let mut out = Pasted::default();
        let mut at = 0;
        while at < plain.bytes.len() {
            at += out.push_escaped(&plain.bytes[at..], plain.origins[at]);
        }
        out
    }

    /// The words and quoted strings of a directive, up to a `;` or the end.
    pub(super) fn words(original: &str) -> Vec<Pasted> {
        let bytes = original.as_bytes();
        let (mut words, mut word, mut open) = (Vec::new(), Pasted::default(), None);
        let mut at = 0;
        while at < bytes.len() {
            let byte = bytes[at];
            let ends = match open {
                Some(quote) => byte == quote,
                None => matches!(byte, b'\'' | b'"' | b';') || byte.is_ascii_whitespace(),
            };
            if !ends {
                at += word.push_escaped(&bytes[at..], at);
                continue;
            }
            if open.is_some() || !word.bytes.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            open = (open.is_none() && matches!(byte, b'\'' | b'"')).then_some(byte);
            if open.is_none() && byte == b';' {
                return words;
            }
            at += 1;
        }
        if !word.bytes.is_empty() {
            words.push(word);
        }
        words
    }

    /// One after the other.
    pub(super) fn join(words: impl IntoIterator<Item = Pasted>) -> Self {
        words.into_iter().fold(Pasted::default(), |mut all, word| {
            all.bytes.extend(word.bytes);
            all.origins.extend(word.origins);
            all
        })
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

    #[test]
    fn a_directive_falls_into_words_and_quoted_strings() {
        let words = Pasted::words("log_format main '$a \\'x\\'' \"\"\n  \"b\"; rest");
        let texts: Vec<_> = words.iter().map(|word| String::from_utf8_lossy(&word.bytes)).collect();
        assert_eq!(texts, ["log_format", "main", "$a 'x'", "", "b"]);
    }

    #[test]
    fn a_span_points_into_what_was_pasted() {
        let original = "  f 'a\\'b' 'cd'";
        let joined = Pasted::join(Pasted::words(original).split_off(1));
        assert_eq!(joined.bytes, b"a'bcd");
        assert_eq!(&original[joined.span(3..5)], "cd");
        assert_eq!(joined.span(5..6), original.len() - 1..original.len() - 1);
        assert_eq!(Pasted::unescaped(" \\\"x ").bytes, b"\"x");
    }
}
