//! What mappers of the same lines have in common: raw fields, each cut once, and columns that several jobs ask for, each
//! computed once.

use std::collections::HashMap;

use crate::data::DataType;
use crate::expr::Identity;
use crate::format::Converter;
use crate::plan::{MapPlan, Plan, SlotKind};

/// The raw fields and the columns of some plans over the same source.
pub struct Common<'p> {
    plans: Vec<&'p Plan>,
    /// The fields that are cut out, by name: each once.
    fields: Vec<String>,
    /// What reads them: one a field and type.
    readers: Vec<Reader>,
    /// The columns that several plans have: how each is computed.
    columns: Vec<Origin>,
    /// One a plan.
    places: Vec<Places>,
}

/// Reads one of the fields as a type.
pub(super) struct Reader {
    pub(super) field: usize,
    ty: DataType,
    pub(super) converter: Converter,
}

/// A slot of a plan.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    pub(super) plan: usize,
    pub(super) slot: usize,
}

/// Where a plan finds what is its own.
pub(super) struct Places {
    /// For each of its fields, the reader.
    pub(super) readers: Vec<usize>,
    /// For each of its slots, the column that others have too.
    pub(super) columns: Vec<Option<usize>>,
}

impl<'p> Common<'p> {
    /// Of plans whose sources are equal.
    pub fn new(plans: Vec<&'p Plan>) -> Self {
        let (mut kinds, mut of_slots) = (Kinds::default(), Vec::new());
        for plan in &plans {
            of_slots.push(kinds.of(&plan.map));
        }
        let (fields, readers, columns, places) = Default::default();
        let mut common = Common { plans, fields, readers, columns, places };
        let mut known = HashMap::new();
        for (plan, kinds_of) in of_slots.iter().enumerate() {
            let readers = common.readers_of(plan);
            let column = |(slot, kind): (usize, &Option<usize>)| {
                let kind = kind.filter(|&kind| kinds.is_shared(kind))?;
                Some(*known.entry(kind).or_insert_with(|| {
                    common.columns.push(Origin { plan, slot });
                    common.columns.len() - 1
                }))
            };
            let columns = kinds_of.iter().enumerate().map(column).collect();
            common.places.push(Places { readers, columns });
        }
        common
    }

    /// How many plans.
    pub fn len(&self) -> usize {
        self.plans.len()
    }

    /// Whether there is no plan.
    pub fn is_empty(&self) -> bool {
        self.plans.is_empty()
    }

    /// What a tokenizer is to be asked for.
    pub fn wanted(&self) -> Vec<&str> {
        self.fields.iter().map(String::as_str).collect()
    }

    /// The plans.
    pub fn plans(&self) -> impl Iterator<Item = &'p Plan> {
        self.plans.iter().copied()
    }

    /// One of the plans.
    pub(super) fn plan(&self, number: usize) -> &'p Plan {
        self.plans[number]
    }

    pub(super) fn places(&self, plan: usize) -> &Places {
        &self.places[plan]
    }

    pub(super) fn readers(&self) -> &[Reader] {
        &self.readers
    }

    pub(super) fn columns(&self) -> &[Origin] {
        &self.columns
    }

    /// What reads the field that a slot of one of the plans has its values from.
    pub(super) fn reader(&self, plan: usize, slot: usize) -> Option<&Reader> {
        match self.plans[plan].map.slots[slot].kind {
            SlotKind::EventTime(of) => self.reader(plan, of),
            SlotKind::Field(field) => Some(&self.readers[self.places[plan].readers[field]]),
            _ => None,
        }
    }

    /// The readers of a plan's fields; those that no other plan has had before are new.
    fn readers_of(&mut self, plan: usize) -> Vec<usize> {
        let plan = self.plans[plan];
        let converters = plan.converters();
        let named = plan.map.fields.iter().zip(converters);
        named.map(|(name, converter)| self.reader_of(name, converter)).collect()
    }

    fn reader_of(&mut self, name: &str, converter: Converter) -> usize {
        let field = self.fields.iter().position(|known| known == name).unwrap_or_else(|| {
            self.fields.push(name.to_owned());
            self.fields.len() - 1
        });
        let ty = converter.ty();
        let known = self.readers.iter().position(|known| known.field == field && known.ty == ty);
        known.unwrap_or_else(|| {
            self.readers.push(Reader { field, ty, converter });
            self.readers.len() - 1
        })
    }
}

/// Tells the slots of several plans apart: those of a kind have the same values.
#[derive(Default)]
struct Kinds {
    numbers: HashMap<Meaning, usize>,
    kinds: Vec<Kind>,
}

/// What makes a slot's values what they are, whatever the job calls it.
#[derive(PartialEq, Eq, Hash)]
enum Meaning {
    Field(String, DataType),
    /// The event time that a slot of this kind makes.
    Time(usize),
    File,
    Raw,
    /// Over slots that stand as their kinds.
    Let(Identity),
}

struct Kind {
    /// Plans that have it.
    plans: usize,
    /// Whether its values depend on nothing but the fields, and so can be computed for all.
    is_pure: bool,
}

impl Kinds {
    /// The kind of each slot of a plan; none where nothing uses it.
    fn of(&mut self, map: &MapPlan) -> Vec<Option<usize>> {
        let mut kinds = vec![None; map.slots.len()];
        let mut used: Vec<usize> =
            map.filter_slots.iter().chain(&map.rest_slots).copied().collect();
        // Ascending: each slot is computed of earlier ones.
        used.sort_unstable();
        for slot in used {
            kinds[slot] = self.describe(map, slot, &kinds).map(|(meaning, is_pure)| {
                let next = self.kinds.len();
                let kind = *self.numbers.entry(meaning).or_insert(next);
                if kind == next {
                    self.kinds.push(Kind { plans: 0, is_pure });
                }
                // A plan may have the same twice, under two names.
                self.kinds[kind].plans += usize::from(!kinds.contains(&Some(kind)));
                kind
            });
        }
        kinds
    }

    /// What makes a slot's values what they are, and whether they depend on nothing but the fields.
    fn describe(
        &self,
        map: &MapPlan,
        slot: usize,
        kinds: &[Option<usize>],
    ) -> Option<(Meaning, bool)> {
        let ty = map.slots[slot].ty;
        Some(match &map.slots[slot].kind {
            SlotKind::Field(field) => (Meaning::Field(map.fields[*field].clone(), ty), true),
            // Whether it is there and sane is for each plan to say; its values are those of the field.
            SlotKind::EventTime(of) => (Meaning::Time(kinds[*of]?), false),
            SlotKind::SourceFile => (Meaning::File, false),
            SlotKind::Raw => (Meaning::Raw, false),
            SlotKind::Let(expr) => {
                let mut is_pure = true;
                for input in expr.slots() {
                    let values = match map.slots[input].kind {
                        SlotKind::EventTime(of) => of,
                        _ => input,
                    };
                    is_pure &= self.kinds[kinds[values]?].is_pure;
                    kinds[input]?;
                }
                let kind = |slot: usize| format!("${}", kinds[slot].unwrap_or(usize::MAX));
                (Meaning::Let(Identity::of(expr, &kind)), is_pure)
            }
        })
    }

    fn is_shared(&self, kind: usize) -> bool {
        self.kinds[kind].is_pure && self.kinds[kind].plans > 1
    }
}
