//! Why a line is not a JSON object: where, and what was expected there.

use serde_json::Error;
use serde_json::error::Category;

/// In words. `line`: what was read.
#[cold]
pub(super) fn reason(line: &str, error: &Error) -> String {
    let message = error.to_string();
    let message = message.split_once(" at line ").map_or(message.as_str(), |(first, _)| first);
    if error.is_data() {
        let first = line.trim_start();
        let column = 1 + line.chars().count() - first.chars().count();
        return format!("not a JSON object: column {column}: expected `{{`, found {}", kind(first));
    }
    // Of a text that ends too early the place is behind it.
    let at = match error.classify() {
        Category::Eof => line.len(),
        _ if message.starts_with("control character") => {
            line.find(|c: char| c.is_ascii_control()).unwrap_or_default()
        }
        _ => line.floor_char_boundary(error.column().saturating_sub(1)),
    };
    let column = 1 + line[..at].chars().count();
    let found = match line[at..].chars().next() {
        None => "the line's end".to_owned(),
        Some(character) => format!("`{}`", character.escape_debug()),
    };
    format!("not a JSON object: column {column}: {}, found {found}", expected(message))
}

/// What a value that is no object is.
fn kind(value: &str) -> &'static str {
    match value.as_bytes().first() {
        Some(b'[') => "a list",
        Some(b'"') => "a text",
        Some(b't' | b'f') => "a bool",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// serde_json's words, in those of somebody who looks for the mistake.
fn expected(message: &str) -> &str {
    match message {
        "expected value" | "EOF while parsing a value" => "expected a value",
        "expected ident" => "expected `true`, `false` or `null`",
        "invalid number" => "expected a number as JSON writes it",
        "invalid escape" => {
            r#"expected an escape of JSON (\" \\ \/ \b \f \n \r \t \uXXXX; nginx writes them with escape=json)"#
        }
        "control character (\\u0000-\\u001F) found while parsing a string" => {
            "expected the escape of a control character"
        }
        "EOF while parsing a string" => "expected the closing quote",
        "EOF while parsing an object" => "expected `}`",
        "EOF while parsing a list" => "expected `]`",
        "key must be a string" => "expected a key in double quotes",
        "trailing comma" => "expected something after the comma",
        "trailing characters" => "expected nothing after the object",
        "recursion limit exceeded" => "expected less than 128 objects and lists in one another",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use crate::format::testing::{cut, named};

    #[test]
    fn a_reason_names_the_place_and_what_was_expected() {
        let object = "not a JSON object: column ";
        for (line, reason) in [
            (r#"{"a":1,"b":"\xD0\xBF"}"#, "14: expected an escape of JSON"),
            (r#"{"a":1,"b":-}"#, "13: expected a number as JSON writes it, found `}`"),
            (r#"{"a":01}"#, "7: expected a number as JSON writes it, found `1`"),
            (r#"{"a":NaN}"#, "6: expected a value, found `N`"),
            (r#"{"é":NaN}"#, "6: expected a value, found `N`"),
            (r#"{"a":1,}"#, "8: expected something after the comma, found `}`"),
            ("{\"a\":\"x\ty\"}", "8: expected the escape of a control character, found `\\t`"),
            ("{a:1}", "2: expected a key in double quotes, found `a`"),
            (r#"{"a":1}}"#, "8: expected nothing after the object, found `}`"),
            (r#"{"a":tru}"#, "9: expected `true`, `false` or `null`, found `}`"),
            (r#"{"a" 1}"#, "6: expected `:`, found `1`"),
            (r#"{"a":1 2}"#, "8: expected `,` or `}`, found `2`"),
            (r#"{"a":[1 2]}"#, "9: expected `,` or `]`, found `2`"),
            ("[1]", "1: expected `{`, found a list"),
            (" \"x\"", "2: expected `{`, found a text"),
            ("17", "1: expected `{`, found a number"),
            ("null", "1: expected `{`, found null"),
            ("GET /", "1: expected a value, found `G`"),
            (r#"{"a":1"#, "7: expected `}`, found the line's end"),
            (r#"{"a":"#, "6: expected a value, found the line's end"),
            (r#"{"a":"x"#, "8: expected the closing quote, found the line's end"),
            (r#"{"a":[1"#, "8: expected `]`, found the line's end"),
        ] {
            let reasons = cut(&*named("json"), &["a"], line.as_bytes()).reasons;
            assert_eq!(reasons.len(), 1, "{line}");
            assert!(reasons[0].starts_with(&format!("{object}{reason}")), "{line}: {}", reasons[0]);
        }
    }
}
