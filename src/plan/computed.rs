//! What the words of a job come to: its expressions as they are typed and computed. A field that gets another type, or a
//! key that `pseudonym` is given, changes them without a word of the job file.

use super::{EventsOutput, MapPlan, ReducePlan, Slot, SlotKind};
use crate::expr::{Expr, Identity, word};

/// The expressions of a job, written out; those of each output with the `let`s that they need.
#[derive(Debug, Default)]
pub(super) struct Computed {
    /// The filter.
    pub(super) filter: Option<String>,
    /// The keys of the groups.
    pub(super) keys: String,
    /// The aggregates, in the order in which their states are stored.
    pub(super) aggregates: String,
    /// The columns of the events.
    pub(super) events: String,
}

impl Computed {
    pub(super) fn of(
        map: &MapPlan,
        reduce: Option<&ReducePlan>,
        events: Option<&EventsOutput>,
    ) -> Self {
        let writer = Writer { map };
        let filter = map.filter.as_ref();
        let filter = filter.map(|filter| writer.list([filter], [writer.expr(filter)]));
        let (mut keys, mut aggregates) = (String::new(), String::new());
        if let Some(reduce) = reduce {
            let exprs = reduce.keys.iter().map(|key| &key.expr);
            let named = reduce.keys.iter().map(|key| writer.named(&key.name, &key.expr));
            keys = writer.list(exprs, named);
            let exprs =
                reduce.aggregates.iter().flat_map(|call| call.arg.iter().chain(&call.filter));
            aggregates = writer
                .list(exprs, reduce.aggregates.iter().map(|call| call.identity().to_string()));
        }
        let columns = || events.into_iter().flat_map(|events| &events.columns);
        let events = writer.list(
            columns().map(|column| &column.expr),
            columns().map(|column| writer.named(&column.name, &column.expr)),
        );
        Computed { filter, keys, aggregates, events }
    }
}

struct Writer<'p> {
    map: &'p MapPlan,
}

impl Writer<'_> {
    fn expr(&self, expr: &Expr) -> String {
        Identity::of(expr, &|slot| self.map.slots[slot].identity()).to_string()
    }

    fn named(&self, name: &str, expr: &Expr) -> String {
        format!("{} = {}", word(name), self.expr(expr))
    }

    /// Some parts, behind the `let`s of which their expressions are computed.
    fn list<'e>(
        &self,
        exprs: impl IntoIterator<Item = &'e Expr>,
        parts: impl IntoIterator<Item = String>,
    ) -> String {
        let slots = exprs.into_iter().flat_map(Expr::slots).collect();
        let needed = closure(&self.map.slots, slots).into_iter();
        let lets = needed.filter_map(|slot| {
            let slot = &self.map.slots[slot];
            slot.as_let().map(|expr| format!("let {}", self.named(&slot.name, expr)))
        });
        lets.chain(parts).collect::<Vec<_>>().join("; ")
    }
}

/// The slots and all that they are computed of, ascending: an order in which each can be computed.
pub(super) fn closure(slots: &[Slot], mut open: Vec<usize>) -> Vec<usize> {
    let mut needed = vec![false; slots.len()];
    while let Some(slot) = open.pop() {
        if std::mem::replace(&mut needed[slot], true) {
            continue;
        }
        match &slots[slot].kind {
            SlotKind::EventTime(of) => open.push(*of),
            SlotKind::Let(expr) => open.extend(expr.slots()),
            SlotKind::Field(_) | SlotKind::SourceFile | SlotKind::Raw => {}
        }
    }
    (0..slots.len()).filter(|&slot| needed[slot]).collect()
}
