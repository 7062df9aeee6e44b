//! What every reader of a value from its text has to know, as PostgreSQL's readers do.

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// The text without the white space around it: that of C's `isspace`, so no space of Unicode.
pub fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| u8::try_from(c).is_ok_and(is_space))
}

/// The same of bytes.
pub fn trimmed_bytes(bytes: &[u8]) -> &[u8] {
    let from = bytes.iter().position(|&byte| !is_space(byte)).unwrap_or(bytes.len());
    let to = bytes.iter().rposition(|&byte| !is_space(byte)).map_or(from, |last| last + 1);
    &bytes[from..to]
}

/// Whether a float is the number that was read: neither infinite where digits stand, nor zero where one of them is not.
pub fn float_fits(text: &str, value: f64) -> bool {
    let mut digits = text.bytes().take_while(|byte| !matches!(byte, b'e' | b'E'));
    if value.is_infinite() {
        !digits.any(|byte| byte.is_ascii_digit())
    } else {
        value != 0.0 || !digits.any(|byte| matches!(byte, b'1'..=b'9'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_is_that_of_ascii() {
        for (text, wanted) in
            [(" a b\t", "a b"), ("\u{b}\r\n\u{c}", ""), ("", ""), ("\u{a0}1", "\u{a0}1")]
        {
            assert_eq!(trimmed(text), wanted);
            assert_eq!(trimmed_bytes(text.as_bytes()), wanted.as_bytes());
        }
    }

    #[test]
    fn a_float_that_is_none_of_its_text_does_not_fit() {
        let fits = |text: &str| float_fits(text, text.parse().expect("a float"));
        for text in ["0", "-0.0", "0e5", "inf", "-Infinity", "nan", "5e-324", "1e308"] {
            assert!(fits(text), "{text}");
        }
        for text in ["1e400", "-1E400", "1e-400", "0.0001e-999"] {
            assert!(!fits(text), "{text}");
        }
    }
}
