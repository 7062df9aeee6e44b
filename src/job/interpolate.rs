//! `${NAME}` in strings of a job file, but for patterns that are pasted: there it is nginx's or Apache's own notation.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A variable that is named and not set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unset {
    /// The variable, or the text that is no name.
    pub name: String,
    /// The string that names it.
    pub span: Range<usize>,
}

/// Strings that are pasted from elsewhere, and stay as they are.
const PASTED: [&str; 3] = ["source.format.nginx", "source.format.apache", "source.format.regex"];

/// Where variables come from; the process environment outside of tests.
pub type Lookup<'l> = &'l dyn Fn(&str) -> Option<String>;

/// Replaces the variables in every string. A table with `optional = true` whose variable is unset is taken out and
/// named in the answer: (`output.mysql`, `LOGMILL_MYSQL_URL`).
pub fn interpolate(
    table: &mut DeTable<'_>,
    lookup: Lookup<'_>,
) -> Result<Vec<(String, String)>, Unset> {
    let mut skipped = Vec::new();
    walk_table(table, "", lookup, &mut skipped)?;
    Ok(skipped)
}

fn walk_table(
    table: &mut DeTable<'_>,
    path: &str,
    lookup: Lookup<'_>,
    skipped: &mut Vec<(String, String)>,
) -> Result<(), Unset> {
    let mut gone = Vec::new();
    for (key, value) in table.iter_mut() {
        let name = key.get_ref().to_string();
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let optional = is_optional(value.get_ref());
        match walk(value, &path, lookup, skipped) {
            Err(unset) if optional => {
                skipped.push((path, unset.name));
                gone.push(name);
            }
            other => other?,
        }
    }
    for name in gone {
        table.remove(name.as_str());
    }
    Ok(())
}

fn is_optional(value: &DeValue<'_>) -> bool {
    let flag = value.as_table().and_then(|t| t.get("optional"));
    flag.and_then(|v| v.get_ref().as_bool()).unwrap_or(false)
}

fn walk(
    value: &mut Spanned<DeValue<'_>>,
    path: &str,
    lookup: Lookup<'_>,
    skipped: &mut Vec<(String, String)>,
) -> Result<(), Unset> {
    let span = value.span();
    match value.get_mut() {
        DeValue::String(text) => {
            if text.contains("${") && !PASTED.contains(&path) {
                *text = replace(text, lookup).map_err(|name| Unset { name, span })?.into();
            }
            Ok(())
        }
        DeValue::Array(items) => {
            for item in items.iter_mut() {
                walk(item, path, lookup, skipped)?;
            }
            Ok(())
        }
        DeValue::Table(table) => walk_table(table, path, lookup, skipped),
        _ => Ok(()),
    }
}

/// The text with its variables replaced; the error is the name that is unset. `$${` is a literal `${`.
fn replace(text: &str, lookup: Lookup<'_>) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            out.push_str(&rest[..at - 1]);
            out.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        out.push_str(&rest[..at]);
        let end = rest[at..].find('}').ok_or_else(|| rest[at..].to_owned())?;
        let name = &rest[at + 2..at + end];
        out.push_str(&lookup(name).ok_or_else(|| name.to_owned())?);
        rest = &rest[at + end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<String> {
        (name == "A").then(|| "x".to_owned())
    }

    #[test]
    fn pasted_patterns_stay_as_they_are() {
        for key in ["nginx", "apache", "regex"] {
            let text =
                format!("[source]\nformat = {{ {key} = '${{A}} $${{B}}' }}\nzone = '${{A}}'");
            let mut table = DeTable::parse(&text).expect("TOML");
            interpolate(table.get_mut(), &lookup).expect("nothing is unset");
            let shown = format!("{:?}", table.get_ref());
            assert!(shown.contains("${A} $${B}") && shown.contains("\"x\""), "{shown}");
        }
    }

    #[test]
    fn variables_are_replaced_and_doubled_dollars_are_literal() {
        assert_eq!(replace("a${A}b${A}", &lookup), Ok("axbx".to_owned()));
        assert_eq!(replace("a$${A}b", &lookup), Ok("a${A}b".to_owned()));
        assert_eq!(replace("$A $ {", &lookup), Ok("$A $ {".to_owned()));
        assert_eq!(replace("${B}", &lookup), Err("B".to_owned()));
        assert_eq!(replace("${A", &lookup), Err("${A".to_owned()));
    }
}
