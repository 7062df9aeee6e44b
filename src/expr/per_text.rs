//! Expressions that search one text column, computed once for each text that differs: of the agents of a block's records
//! most are equal, and to find that out takes less time than the searches.

use std::hash::BuildHasher;
use std::rc::Rc;

use foldhash::fast::FixedState;

use crate::data::{Column, DataType, Failure, Values};

use super::Env;
use super::eval::evaluate;
use super::kernel::Arg;
use super::plan::{Node, Plan};

/// Searches in an expression from which on it pays.
const SEARCHES_MIN: u32 = 3;
/// Texts that may differ in however few rows; beyond these, one in so many rows may.
const TEXTS_MIN: usize = 32;
const ROWS_A_TEXT: usize = 4;
/// Slots of the table of texts, and how many of them are used at most.
const SLOTS: usize = 1 << 10;
const TEXTS_MAX: usize = SLOTS / 2;

/// Puts a [`Node::PerText`] above each part, as large as can be, that reads one text column and searches it often.
pub(super) fn mark(plan: Plan) -> Plan {
    match text_slot(&plan) {
        Some(slot) if searches(&plan) >= SEARCHES_MIN => {
            let (ty, span) = (plan.ty, plan.span.clone());
            Plan::new(ty, Node::PerText { slot, plan: Box::new(plan) }, span)
        }
        _ => plan.map_children(mark),
    }
}

/// The only slot that it reads, if that is text.
fn text_slot(plan: &Plan) -> Option<usize> {
    fn slots(plan: &Plan, into: &mut Vec<(usize, DataType)>) {
        if let Node::Slot(slot) = plan.node {
            into.push((slot, plan.ty));
        }
        plan.children().into_iter().for_each(|child| slots(child, into));
    }
    let mut read = Vec::new();
    slots(plan, &mut read);
    let &(slot, ty) = read.first()?;
    let only = read.iter().all(|&(other, _)| other == slot);
    (only && matches!(ty, DataType::Text | DataType::Ip)).then_some(slot)
}

fn searches(plan: &Plan) -> u32 {
    let own = match &plan.node {
        Node::Call { kernel, .. } => kernel.searches(),
        _ => 0,
    };
    own + plan.children().into_iter().map(searches).sum::<u32>()
}

/// Evaluates a plan that reads this slot alone.
pub(super) fn evaluate_per_text<'a>(
    plan: &'a Plan,
    slot: usize,
    env: &mut Env<'_, 'a>,
    sel: &[u32],
) -> Arg<'a> {
    let column = env.slots[slot].as_deref();
    let Some((column, texts)) = column.and_then(|c| Some((c, Texts::of(c, sel)?))) else {
        return evaluate(plan, env, sel);
    };
    let mut slots = vec![None; slot + 1];
    slots[slot] = Some(Rc::new(texts.column(column)));
    let (len, mut failures) = (texts.first.len(), Vec::new());
    let all: Vec<u32> = (0..len as u32).collect();
    let mut once = Env { slots: &slots, arena: env.arena, len, failures: &mut failures };
    let values = evaluate(plan, &mut once, &all);
    for failure in failures {
        let rows = sel.iter().zip(&texts.of_row).filter(|(_, text)| **text == failure.row);
        env.failures.extend(rows.map(|(&row, _)| Failure { row, reason: failure.reason.clone() }));
    }
    match values {
        Arg::Const(value) => Arg::Const(value),
        Arg::Column(values) => Arg::Column(Rc::new(texts.spread(&values, sel, env.len))),
    }
}

/// The texts of some rows, each once; NULL is one of them.
struct Texts {
    /// The first row of each.
    first: Vec<u32>,
    /// The number of each row's text, one a row that was asked for.
    of_row: Vec<u32>,
}

impl Texts {
    /// `None` where too many differ.
    fn of(column: &Column<'_>, sel: &[u32]) -> Option<Texts> {
        let Values::Text(values) = &column.values else { return None };
        let mut table = Table::default();
        let mut null = None;
        let mut of_row = Vec::with_capacity(sel.len());
        for (seen, &row) in sel.iter().enumerate() {
            let number = if column.is_valid(row as usize) {
                table.number(values, row)
            } else {
                *null.get_or_insert_with(|| table.push(row))
            };
            if table.first.len() > TEXTS_MAX.min(TEXTS_MIN + seen / ROWS_A_TEXT) {
                return None;
            }
            of_row.push(number);
        }
        Some(Texts { first: table.first, of_row })
    }

    /// The texts as a column of their own.
    fn column<'a>(&self, column: &Column<'a>) -> Column<'a> {
        let Values::Text(texts) = &column.values else { return column.clone() };
        let rows = || self.first.iter().map(|&row| row as usize);
        Column {
            ty: column.ty,
            values: Values::Text(rows().map(|row| texts[row]).collect()),
            valid: column.valid.as_ref().map(|valid| rows().map(|row| valid[row]).collect()),
        }
    }

    /// The values of the texts as values of their rows, in a column of `len` rows.
    fn spread<'a>(&self, of: &Column<'a>, sel: &[u32], len: usize) -> Column<'a> {
        let values = match &of.values {
            Values::Int(of) => Values::Int(self.copy(of, 0, sel, len)),
            Values::Timestamp(of) => Values::Timestamp(self.copy(of, 0, sel, len)),
            Values::Decimal(of) => Values::Decimal(self.copy(of, 0, sel, len)),
            Values::Float(of) => Values::Float(self.copy(of, 0.0, sel, len)),
            Values::Text(of) => Values::Text(self.copy(of, "", sel, len)),
            Values::Bool(of) => Values::Bool(self.copy(of, false, sel, len)),
        };
        let valid = of.valid.as_ref().map(|of| self.copy(of, false, sel, len));
        Column { ty: of.ty, values, valid }
    }

    fn copy<T: Copy>(&self, of: &[T], zero: T, sel: &[u32], len: usize) -> Vec<T> {
        let mut out = vec![zero; len];
        for (&row, &text) in sel.iter().zip(&self.of_row) {
            out[row as usize] = of[text as usize];
        }
        out
    }
}

/// Texts that were met.
struct Table {
    first: Vec<u32>,
    /// A text's number from 1 on, and bits of its hash; 0 is a free slot.
    slots: [(u32, u32); SLOTS],
    hasher: FixedState,
}

impl Default for Table {
    fn default() -> Self {
        Table { first: Vec::new(), slots: [(0, 0); SLOTS], hasher: FixedState::default() }
    }
}

impl Table {
    /// The number of a row's text. The caller stops before the table is full.
    #[inline]
    fn number(&mut self, texts: &[&str], row: u32) -> u32 {
        let text = texts[row as usize];
        let hash = self.hasher.hash_one(text.as_bytes());
        let (mut at, tag) = (hash as usize % SLOTS, (hash >> 32) as u32);
        loop {
            match self.slots[at] {
                (0, _) => {
                    let number = self.push(row);
                    self.slots[at] = (number + 1, tag);
                    return number;
                }
                (number, held)
                    if held == tag && texts[self.first[number as usize - 1] as usize] == text =>
                {
                    return number - 1;
                }
                _ => at = (at + 1) % SLOTS,
            }
        }
    }

    fn push(&mut self, row: u32) -> u32 {
        self.first.push(row);
        self.first.len() as u32 - 1
    }
}
