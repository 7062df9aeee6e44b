//! What of a job decides the meaning of its stored groups and events, in words that a message can show.

use super::computed::Computed;
use crate::job::{FormatChoice, JobSpec, Pairs, Partition};

/// A part of a job that differs from the one that made the stored groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Such as `reduce.measures.hits`.
    pub part: String,
    /// What it was; `None`: it was not there.
    pub before: Option<String>,
    /// What it is; `None`: it is not there any more.
    pub after: Option<String>,
}

impl Change {
    /// Whether it concerns only how lines become records.
    pub fn is_about_parsing(&self) -> bool {
        ["source.format", "source.fields", "source.time", "source.zone"]
            .iter()
            .any(|part| self.part.starts_with(part))
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => {
                write!(f, "{} was {before} and is {after}", self.part)
            }
            (Some(before), None) => write!(f, "{} was {before} and is gone", self.part),
            (None, Some(after)) => write!(f, "{} is new: {after}", self.part),
            (None, None) => write!(f, "the order of {} was changed", self.part),
        }
    }
}

/// Everything that decides what stored groups and events mean, as JSON: format, fields, time, map, reduce, the columns of
/// events, and the partition by time that the store is cut by. Paths, limits and the description may change freely.
pub(super) fn describe(
    spec: &JobSpec,
    partition: Option<Partition>,
    computed: &Computed,
) -> String {
    let mut parts: Vec<(String, String)> = Vec::new();
    let mut push = |part: &str, value: String| parts.push((part.to_owned(), value));
    push("source.format", format_text(&spec.source.format.value));
    pairs(&mut push, "source.fields", &spec.source.fields);
    if let Some(time) = &spec.source.time {
        push("source.time", time.value.clone());
    }
    if let Some(zone) = &spec.source.zone {
        push("source.zone", zone.value.clone());
    }
    if let Some(filter) = &spec.map.filter {
        push("map.where", filter.value.clone());
    }
    if let Some(filter) = &computed.filter {
        push(FILTER, filter.clone());
    }
    pairs(&mut push, "map.let", &spec.map.lets);
    if let Some(reduce) = &spec.reduce {
        if let Some(window) = &reduce.window {
            push("reduce.window", window.value.clone());
        }
        if let Some(partition) = partition {
            push("output.summary.partition", partition_word(partition).to_owned());
        }
        let by: Vec<&str> = reduce.by.iter().map(|at| at.value.as_str()).collect();
        push("reduce.by", by.join(", "));
        pairs(&mut push, "reduce.measures", &reduce.measures);
        push(KEYS, computed.keys.clone());
        push(AGGREGATES, computed.aggregates.clone());
    }
    if let Some(events) = &spec.output.events {
        let columns: Vec<&str> =
            events.value.columns.value.iter().map(|at| at.value.as_str()).collect();
        push(EVENTS, columns.join(", "));
        push(EVENTS_COMPUTED, computed.events.clone());
    }
    serde_json::to_string(&parts).unwrap_or_default()
}

/// An output that a job may give up without further ado.
const EVENTS: &str = "output.events.columns";
const EVENTS_COMPUTED: &str = "output.events.computed";
const FILTER: &str = "map.computed";
const KEYS: &str = "reduce.keys";
const AGGREGATES: &str = "reduce.aggregates";
/// What follows from the words of the job file, and from the types of its fields.
const COMPUTED: [&str; 4] = [FILTER, KEYS, AGGREGATES, EVENTS_COMPUTED];

fn partition_word(partition: Partition) -> &'static str {
    match partition {
        Partition::None => "none",
        Partition::Hour => "hour",
        Partition::Day => "day",
        Partition::Month => "month",
    }
}

fn pairs(push: &mut impl FnMut(&str, String), part: &str, pairs: &Pairs) {
    for (name, value) in &pairs.0 {
        push(&format!("{part}.{}", name.value), value.value.clone());
    }
}

fn format_text(format: &FormatChoice) -> String {
    use FormatChoice as F;
    match format {
        F::Name(name) => name.clone(),
        F::Nginx(at) => format!("nginx '{}'", at.value),
        F::Apache(at) => format!("apache '{}'", at.value),
        F::Regex(at) => format!("regex '{}'", at.value),
        F::Csv(csv) | F::Tsv(csv) => {
            let name = if matches!(format, F::Csv(_)) { "csv" } else { "tsv" };
            let text = |at: &Option<crate::job::At<String>>| {
                at.as_ref().map_or("-".to_owned(), |at| at.value.clone())
            };
            format!(
                "{name} delimiter {} quote {} header {} columns {}",
                text(&csv.delimiter),
                text(&csv.quote),
                csv.header.map_or("-".to_owned(), |header| header.to_string()),
                csv.columns.join(","),
            )
        }
    }
}

/// What differs between two descriptions; nothing if old and new groups may be mixed.
pub fn changes(before: &str, after: &str) -> Vec<Change> {
    let read = |text| serde_json::from_str::<Vec<(String, String)>>(text).unwrap_or_default();
    let (before, mut after) = (read(before), read(after));
    if !after.iter().any(|(part, _)| part == EVENTS) {
        let is_events = |part: &str| part == EVENTS || part == EVENTS_COMPUTED;
        after.extend(before.iter().filter(|(part, _)| is_events(part)).cloned());
    }
    if before == after {
        return Vec::new();
    }
    let value = |parts: &[(String, String)], part: &str| {
        parts.iter().find(|(other, _)| other == part).map(|(_, value)| value.clone())
    };
    let mut changes: Vec<Change> = Vec::new();
    for (part, _) in before.iter().chain(&after) {
        let (was, is) = (value(&before, part), value(&after, part));
        if was != is && changes.iter().all(|change| change.part != *part) {
            changes.push(Change { part: part.clone(), before: was, after: is });
        }
    }
    let is_computed = |change: &Change| COMPUTED.contains(&change.part.as_str());
    if changes.iter().any(|change| !is_computed(change) && !change.is_about_parsing()) {
        // Then nobody needs to be told what follows from that.
        changes.retain(|change| !is_computed(change));
    }
    if changes.is_empty() {
        let moved = before.iter().zip(&after).find(|(was, is)| was != is);
        let part = moved.map_or(String::new(), |(was, _)| was.0.clone());
        changes.push(Change { part, before: None, after: None });
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(parts: &[(&str, &str)]) -> String {
        serde_json::to_string(parts).expect("JSON")
    }

    #[test]
    fn changes_are_named_with_their_values() {
        let before = text(&[("source.format", "combined"), ("reduce.measures.hits", "count(*)")]);
        let after = text(&[("source.format", "combined"), ("reduce.measures.hits", "sum(1)")]);
        let found = changes(&before, &after);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].to_string(), "reduce.measures.hits was count(*) and is sum(1)");
        assert!(!found[0].is_about_parsing());
        assert!(changes(&before, &before).is_empty());
    }

    #[test]
    fn another_order_is_a_change_and_a_dropped_events_output_is_none() {
        let (a, b) = (("map.let.a", "1"), ("map.let.b", "2"));
        let found = changes(&text(&[a, b]), &text(&[b, a]));
        assert_eq!(found[0].to_string(), "the order of map.let.a was changed");
        assert!(changes(&text(&[a, (EVENTS, "raw")]), &text(&[a])).is_empty());
        assert_eq!(changes(&text(&[a]), &text(&[a, (EVENTS, "raw")])).len(), 1);
    }
}
