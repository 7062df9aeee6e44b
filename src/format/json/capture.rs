//! Walks a JSON object by serde, keeping the values of the wanted fields and no others.

use std::fmt;

use bumpalo::Bump;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::node::{Entry, Node, Slot, head};

/// Walks one object, keeping what the node names.
pub(super) struct Capture<'c, 'a> {
    pub(super) node: &'c Node,
    pub(super) slots: &'c mut [Slot<'a>],
    pub(super) arena: &'a Bump,
}

/// Reads a text that must be one object and nothing else.
pub(super) fn collect<'a>(json: &'a str, capture: Capture<'_, 'a>) -> serde_json::Result<()> {
    let mut reader = serde_json::Deserializer::from_str(json);
    capture.deserialize(&mut reader)?;
    reader.end()
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
    /// Keeps a value where a field ends, and goes down where one goes on.
    fn take(&mut self, entry: &Entry, raw: &'a str) {
        if let Some(leaf) = entry.leaf {
            leaf.keep(decoded(raw, self.arena), self.slots);
        }
        if !entry.below.entries.is_empty() && raw.starts_with('{') {
            let below = Capture { node: &entry.below, slots: self.slots, arena: self.arena };
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
        Ok(self.0.find(key.as_bytes(), head(key.as_bytes())))
    }
}

/// A value as the raw bytes of a field: a string's content, nothing for `null`, else the JSON text.
pub(super) fn decoded<'a>(raw: &'a str, arena: &'a Bump) -> &'a [u8] {
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
