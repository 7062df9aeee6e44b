//! JSON lines: the fields are the keys of the sample's objects.

use serde_json::{Map, Value};

use super::{Detected, of_values};
use crate::format::FormatSpec;

/// Fields that a proposal lists.
const FIELDS_MAX: usize = 100;
/// Keys of objects in objects, down to this many levels.
const DEPTH_MAX: usize = 3;

/// JSON, if any line is an object.
pub(super) fn detect(sample: &[u8]) -> Option<Detected> {
    let mut names = Vec::new();
    for line in sample.split(|&byte| byte == b'\n') {
        if let Ok(Value::Object(object)) = serde_json::from_slice(line) {
            collect("", &object, 1, &mut names);
        }
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    of_values(FormatSpec::Name("json".into()), "\"json\"".into(), &names, sample)
}

/// Adds the keys that are not there yet, in the order of the text.
fn collect(prefix: &str, object: &Map<String, Value>, depth: usize, names: &mut Vec<String>) {
    for (key, value) in object {
        let name = format!("{prefix}{key}");
        match value {
            Value::Object(below) if depth < DEPTH_MAX && !below.is_empty() => {
                collect(&format!("{name}."), below, depth + 1, names);
            }
            _ if names.len() < FIELDS_MAX
                && name.split('.').count() <= 8
                && !names.contains(&name) =>
            {
                names.push(name);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::DataType;

    #[test]
    fn keys_of_all_lines_are_fields_with_types() {
        let head = b"{\"ts\":1521911720.8,\"id.orig_h\":\"::1\",\"http\":{\"status\":200}}\n{\"s\":\"x\",\"l\":[1]}\nno\n";
        let found = detect(head).expect("objects");
        let fields = [
            ("ts", DataType::Timestamp),
            ("id.orig_h", DataType::Ip),
            ("http.status", DataType::Int),
            ("s", DataType::Text),
            ("l", DataType::Text),
        ];
        assert_eq!(found.fields, fields.map(|(name, ty)| (name.to_owned(), ty)));
        assert_eq!((found.time.as_deref(), found.matched, found.lines), (Some("ts"), 2, 3));
    }
}
