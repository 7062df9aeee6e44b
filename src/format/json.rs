//! `json`: one JSON object a line; a field is a key, or a path of keys with dots between.
//!
//! Only the wanted paths are kept, as raw JSON text (strings decoded); the rest is only checked for its syntax.

use std::fmt;

use bumpalo::Bump;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

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
        Json {
            walk: Walk::new(line_bytes_max),
        }
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
        Ok(Box::new(JsonTokenizer {
            root,
            columns: wanted.len(),
            walk: self.walk,
        }))
    }
}

/// Keys of an object that lead to wanted fields.
#[derive(Debug, Default)]
struct Node {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    key: String,
    /// The field that ends here, and the steps from the root: a literal key has fewer, and goes first.
    leaf: Option<(usize, u8)>,
    below: Node,
}

impl Node {
    /// Adds every way to read the name: each dot may be a step down or stand in a key.
    fn insert(&mut self, parts: &[&str], slot: usize, steps: u8) {
        for end in 1..=parts.len() {
            let entry = self.entry(parts[..end].join("."));
            match &parts[end..] {
                [] => entry.leaf = Some((slot, steps)),
                rest => entry.below.insert(rest, slot, steps + 1),
            }
        }
    }

    fn entry(&mut self, key: String) -> &mut Entry {
        let at = self
            .entries
            .iter()
            .position(|entry| entry.key == key)
            .unwrap_or_else(|| {
                self.entries.push(Entry {
                    key,
                    leaf: None,
                    below: Node::default(),
                });
                self.entries.len() - 1
            });
        &mut self.entries[at]
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
        self.walk.run(
            (input, at_start),
            (self.columns, records_max),
            block,
            |line, columns| {
                slots.fill(Slot::default());
                let line = text::utf8_lossy(line, arena);
                collect(
                    line,
                    Capture {
                        node: &self.root,
                        slots: &mut slots,
                        arena,
                    },
                )
                .ok_or(NO_OBJECT)?;
                for (column, slot) in columns.iter_mut().zip(&slots) {
                    column.push(slot.value);
                }
                Ok(())
            },
        )
    }
}

/// The value found for a field so far, and how many steps down it was.
#[derive(Debug, Clone, Copy, Default)]
struct Slot<'a> {
    value: &'a [u8],
    steps: u8,
}

/// Walks one object, keeping what the node names.
struct Capture<'c, 'a> {
    node: &'c Node,
    slots: &'c mut [Slot<'a>],
    arena: &'a Bump,
}

/// Reads a text that must be one object and nothing else.
fn collect<'a>(json: &'a str, capture: Capture<'_, 'a>) -> Option<()> {
    let mut reader = serde_json::Deserializer::from_str(json);
    capture.deserialize(&mut reader).ok()?;
    reader.end().ok()
}

impl<'a> DeserializeSeed<'a> for Capture<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Capture<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(mut self, mut map: M) -> Result<(), M::Error> {
        let node = self.node;
        while let Some(entry) = map.next_key_seed(Lookup(node))? {
            match entry {
                Some(entry) => self.take(entry, map.next_value::<&'a RawValue>()?.get()),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

impl<'a> Capture<'_, 'a> {
    /// Keeps a value where a field ends, and goes down where one goes on. Of equal keys the last counts.
    fn take(&mut self, entry: &Entry, raw: &'a str) {
        if let Some((slot, steps)) = entry.leaf {
            let slot = &mut self.slots[slot];
            if slot.steps == 0 || steps <= slot.steps {
                *slot = Slot {
                    value: decoded(raw, self.arena),
                    steps,
                };
            }
        }
        if !entry.below.entries.is_empty() && raw.starts_with('{') {
            let below = Capture {
                node: &entry.below,
                slots: self.slots,
                arena: self.arena,
            };
            // Its syntax was checked when the raw text was taken, so it can't fail but for an odd escape in a key.
            let _ = collect(raw, below);
        }
    }
}

/// Finds the entry of a key without copying the key.
struct Lookup<'n>(&'n Node);

impl<'de, 'n> DeserializeSeed<'de> for Lookup<'n> {
    type Value = Option<&'n Entry>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'n> Visitor<'_> for Lookup<'n> {
    type Value = Option<&'n Entry>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.entries.iter().find(|entry| entry.key == key))
    }
}

/// A value as the raw bytes of a field: a string's content, nothing for `null`, else the JSON text.
fn decoded<'a>(raw: &'a str, arena: &'a Bump) -> &'a [u8] {
    let Some(content) = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')) else {
        return if raw == "null" { b"" } else { raw.as_bytes() };
    };
    if memchr::memchr(b'\\', content.as_bytes()).is_none() {
        return content.as_bytes();
    }
    // As bytes, since a lone surrogate is no text; the conversion makes U+FFFD of it.
    let bytes = serde_json::Deserializer::from_str(raw).deserialize_bytes(Copied(arena));
    bytes.unwrap_or(content.as_bytes())
}

/// Copies decoded bytes into the arena.
struct Copied<'a>(&'a Bump);

impl<'a> Visitor<'_> for Copied<'a> {
    type Value = &'a [u8];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        Ok(self.0.alloc_slice_copy(bytes))
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
        assert_eq!(
            one(&["id.orig_h"], r#"{"id":{"orig_h":"a"},"id.orig_h":null}"#),
            [""]
        );
    }

    #[test]
    fn values_keep_their_text_and_strings_are_decoded() {
        let line = r#"{"n":-1.50e2,"s":"a\"b\\\u00e9\n","l":[1, "x"],"e":"","z":null,"\u006b":"v","u":"a\ud800b"}"#;
        let got = one(&["n", "s", "l", "e", "z", "k", "u"], line);
        assert_eq!(
            got[..6],
            ["-1.50e2", "a\"b\\é\n", "[1, \"x\"]", "", "", "v"]
        );
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
            assert_eq!(
                (got.records.len(), got.reasons),
                (0, vec!["not a JSON object"]),
                "{line}"
            );
        }
        assert_eq!(one(&["a"], "{}"), [""]);
    }
}
