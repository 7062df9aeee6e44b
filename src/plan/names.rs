//! Names of a job: what the format offers, what the job adds. A slot is made when a name is first used, so that only
//! needed fields are parsed.

use std::collections::{BTreeSet, HashMap};

use super::{Slot, SlotKind};
use crate::data::DataType;
use crate::expr::{Expr, Scope};
use crate::format::FieldDef;

/// Name of the event time.
pub(super) const EVENT_TIME: &str = "event_time";
const SOURCE_FILE: &str = "source_file";
const RAW: &str = "raw";

/// The names that expressions may use, and the slots they were given.
pub(super) struct Names {
    pub(super) slots: Vec<Slot>,
    pub(super) fields: Vec<String>,
    known: HashMap<String, DataType>,
    open_ended: bool,
    time: Option<String>,
    by_name: HashMap<String, usize>,
}

impl Names {
    pub(super) fn new(known: &[FieldDef], open_ended: bool, time: Option<String>) -> Self {
        Names {
            slots: Vec::new(),
            fields: Vec::new(),
            known: known.iter().map(|f| (f.name.clone(), f.ty)).collect(),
            open_ended,
            time,
            by_name: HashMap::new(),
        }
    }

    /// Gives a `let` its slot.
    pub(super) fn bind(&mut self, name: &str, expr: Expr) {
        let ty = expr.ty();
        self.push(name, ty, SlotKind::Let(expr));
    }

    /// Whether a name is taken already.
    pub(super) fn is_known(&self, name: &str) -> bool {
        self.by_name
            .get(name)
            .is_some_and(|&slot| matches!(self.slots[slot].kind, SlotKind::Let(_)))
            || self.known.contains_key(name)
            || [EVENT_TIME, SOURCE_FILE, RAW].contains(&name)
    }

    fn push(&mut self, name: &str, ty: DataType, kind: SlotKind) -> (usize, DataType) {
        let slot = self.slots.len();
        self.slots.push(Slot { name: name.to_owned(), ty, kind });
        self.by_name.insert(name.to_owned(), slot);
        (slot, ty)
    }

    /// The event time, of a field that may bear the name of what every record has.
    fn event_time(&mut self, field: &str) -> Option<(usize, DataType)> {
        let named = self.by_name.get(field).copied();
        let of_field = named.filter(|&slot| matches!(self.slots[slot].kind, SlotKind::Field(_)));
        let slot = match of_field {
            Some(slot) => slot,
            None => self.field(field)?.0,
        };
        // The field's slot keeps no name that means something else.
        match named {
            Some(other) => self.by_name.insert(field.to_owned(), other),
            None if [SOURCE_FILE, RAW].contains(&field) => self.by_name.remove(field),
            None => None,
        };
        Some(self.push(EVENT_TIME, self.slots[slot].ty, SlotKind::EventTime(slot)))
    }

    fn field(&mut self, name: &str) -> Option<(usize, DataType)> {
        let default = self.open_ended.then_some(DataType::Text);
        let ty = self.known.get(name).copied().or(default)?;
        let field = self.fields.len();
        self.fields.push(name.to_owned());
        Some(self.push(name, ty, SlotKind::Field(field)))
    }
}

impl Scope for Names {
    fn resolve(&mut self, name: &str) -> Option<(usize, DataType)> {
        if let Some(&slot) = self.by_name.get(name) {
            return Some((slot, self.slots[slot].ty));
        }
        match name {
            SOURCE_FILE => Some(self.push(name, DataType::Text, SlotKind::SourceFile)),
            RAW => Some(self.push(name, DataType::Text, SlotKind::Raw)),
            EVENT_TIME => match self.time.clone() {
                Some(time) => self.event_time(&time),
                None if self.known.contains_key(EVENT_TIME) => self.field(EVENT_TIME),
                None => None,
            },
            _ => self.field(name),
        }
    }

    /// Each once, in the order of the alphabet: an error that lists them is the same each time.
    fn names(&self) -> Vec<String> {
        let lets = self.by_name.keys().cloned();
        let special = [SOURCE_FILE, RAW].map(str::to_owned);
        let time = self.time.iter().map(|_| EVENT_TIME.to_owned());
        let names = self.known.keys().cloned().chain(lets).chain(special).chain(time);
        names.collect::<BTreeSet<_>>().into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_listed_once_each_though_they_have_slots() {
        let field = |name: &str| FieldDef { name: name.to_owned(), ty: DataType::Timestamp };
        let mut names = Names::new(&[field("time"), field("b")], false, Some("time".to_owned()));
        for name in [EVENT_TIME, "b", RAW] {
            assert!(names.resolve(name).is_some());
        }
        assert_eq!(names.names(), ["b", EVENT_TIME, RAW, SOURCE_FILE, "time"]);
    }
}
