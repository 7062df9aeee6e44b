//! `json`: one JSON object a line; a field is a key, or a path of keys with dots between.
//!
//! Only the wanted paths are kept, as raw JSON text (strings decoded); the rest is only checked for its syntax.

mod capture;
mod node;

use bumpalo::Bump;

use capture::{Capture, Slot, collect};
use node::Node;

use super::walk::Walk;
use super::{FieldDef, Format, FormatError, RawBlock, Tokenizer, text};

/// Dots in one field's name, at most: each may be a step down or part of a key.
const NAME_DOTS_MAX: usize = 7;
const NO_OBJECT: &str = "not a JSON object";

/// The format `json`.
pub(super) struct Json {
    walk: Walk,
}

impl Json {
    pub(super) fn new(line_bytes_max: usize) -> Self {
        Json { walk: Walk::new(line_bytes_max) }
    }
}

impl Format for Json {
    fn fields(&self) -> &[FieldDef] {
        &[]
    }

    fn open_ended(&self) -> bool {
        true
    }

    fn default_time(&self) -> Option<&str> {
        None
    }

    fn tokenizer(&self, wanted: &[&str], _head: &[u8]) -> Result<Box<dyn Tokenizer>, FormatError> {
        let mut root = Node::default();
        for (slot, name) in wanted.iter().enumerate() {
            let parts: Vec<&str> = name.split('.').collect();
            if parts.len() > NAME_DOTS_MAX + 1 {
                let help = "regexp_extract() reaches deeper into a field's JSON text";
                return Err(FormatError::new(
                    format!("`{name}` has more than {NAME_DOTS_MAX} dots"),
                    help,
                ));
            }
            root.insert(&parts, slot, 1);
        }
        Ok(Box::new(JsonTokenizer { root, columns: wanted.len(), walk: self.walk }))
    }
}

struct JsonTokenizer {
    root: Node,
    columns: usize,
    walk: Walk,
}

impl Tokenizer for JsonTokenizer {
    fn tokenize<'a>(
        &self,
        input: &'a [u8],
        at_start: bool,
        records_max: usize,
        arena: &'a Bump,
        block: &mut RawBlock<'a>,
    ) -> usize {
        let mut slots = vec![Slot::default(); self.columns];
        self.walk.run((input, at_start), (self.columns, records_max), block, |line, columns| {
            slots.fill(Slot::default());
            let line = text::utf8_lossy(line, arena);
            collect(line, Capture { node: &self.root, slots: &mut slots, arena })
                .ok_or(NO_OBJECT)?;
            for (column, slot) in columns.iter_mut().zip(&slots) {
                column.push(slot.value);
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::format::testing::{cut, named};

    fn one(wanted: &[&str], line: &str) -> Vec<String> {
        let mut got = cut(&*named("json"), wanted, line.as_bytes());
        assert!(got.reasons.is_empty(), "{line}");
        got.records.remove(0)
    }

    #[test]
    fn fields_are_keys_and_paths_and_keys_with_dots() {
        let line =
            r#" {"a":{"b":{"c":1}},"id.orig_h":"::1","x.y":{"z":true},"id":{"orig_h":"no"}} "#;
        assert_eq!(
            one(&["a.b.c", "id.orig_h", "x.y.z", "a.b", "none"], line),
            ["1", "::1", "true", r#"{"c":1}"#, ""]
        );
        assert_eq!(one(&["id.orig_h"], r#"{"id":{"orig_h":"a"},"id.orig_h":null}"#), [""]);
    }

    #[test]
    fn values_keep_their_text_and_strings_are_decoded() {
        let line = r#"{"n":-1.50e2,"s":"a\"b\\\u00e9\n","l":[1, "x"],"e":"","z":null,"\u006b":"v","u":"a\ud800b"}"#;
        let got = one(&["n", "s", "l", "e", "z", "k", "u"], line);
        assert_eq!(got[..6], ["-1.50e2", "a\"b\\é\n", "[1, \"x\"]", "", "", "v"]);
        assert!(got[6].starts_with("a\u{fffd}") && got[6].ends_with('b'));
    }

    #[test]
    fn the_last_of_equal_keys_counts() {
        assert_eq!(one(&["a"], r#"{"a":1,"a":2}"#), ["2"]);
        assert_eq!(one(&["a"], r#"{"a":1,"a":null}"#), [""]);
    }

    #[test]
    fn bytes_that_are_not_utf_8_become_the_replacement_character() {
        let got = cut(&*named("json"), &["a"], b"{\"a\":\"x\xffy\"}\n");
        assert_eq!(got.records, [["x\u{fffd}y"]]);
    }

    #[test]
    fn only_one_valid_object_is_a_record() {
        for line in [
            "[1]",
            "1",
            "{",
            "{} {}",
            "{\"a\":}",
            "{\"a\":01}",
            "{\"b\":[}",
            "\"{}\"",
            "null",
            "{}x",
        ] {
            let got = cut(&*named("json"), &["a"], line.as_bytes());
            assert_eq!((got.records.len(), got.reasons), (0, vec!["not a JSON object"]), "{line}");
        }
        assert_eq!(one(&["a"], "{}"), [""]);
    }
}
