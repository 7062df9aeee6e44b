//! Evaluation of the slots of one block: raw fields to typed columns, to a filter, to the rest.

use std::borrow::Cow;
use std::rc::Rc;

use bumpalo::Bump;

use super::reading::View;
use crate::data::{Column, DataType, Failure, Values};
use crate::expr::{Env, Expr};
use crate::format::{RawBlock, utf8_lossy};
use crate::plan::{Limits, MapPlan, Plan, SlotKind};

/// The columns of one block of records, as far as they were asked for, and the rows that are still in.
pub struct Records<'r, 'a> {
    plan: &'a MapPlan,
    limits: &'a Limits,
    source_file: &'a str,
    arena: &'a Bump,
    raw: &'r RawBlock<'a>,
    columns: Vec<Option<Rc<Column<'a>>>>,
    /// Rows that are neither filtered nor failed, ascending.
    pub rows: Vec<u32>,
    /// Rows that failed, in the order of discovery; one entry a row.
    pub failures: Vec<Failure>,
}

impl<'r, 'a> Records<'r, 'a> {
    /// A block of which nothing is computed yet.
    pub fn new(
        plan: &'a Plan,
        source_file: &'a str,
        arena: &'a Bump,
        raw: &'r RawBlock<'a>,
    ) -> Self {
        Records {
            plan: &plan.map,
            limits: &plan.limits,
            source_file,
            arena,
            raw,
            columns: vec![None; plan.map.slots.len()],
            rows: (0..raw.lines.len() as u32).collect(),
            failures: Vec::new(),
        }
    }

    /// Computes slots, in the order given, for the rows that are in; rows that fail are out.
    pub(super) fn load<'s: 'a>(&mut self, slots: &[usize], view: &mut View<'_, 's>) {
        for &slot in slots {
            let mut failed = Vec::new();
            let common = view.common(slot, &self.rows, &mut failed);
            let column = common.unwrap_or_else(|| self.compute(slot, view, &mut failed));
            self.columns[slot] = Some(column);
            self.drop_failed(failed);
        }
    }

    /// Keeps the rows for which the condition is true; answers how many it dropped.
    pub fn filter(&mut self, condition: &'a Expr) -> u64 {
        let column = self.evaluate(condition);
        let before = self.rows.len();
        keep_true(&column, &mut self.rows);
        (before - self.rows.len()) as u64
    }

    /// An expression over the rows that are in; rows that fail are out afterwards.
    pub fn evaluate(&mut self, expr: &'a Expr) -> Rc<Column<'a>> {
        let mut failed = Vec::new();
        let column = self.run(expr, &self.rows, &mut failed);
        self.drop_failed(failed);
        column
    }

    /// An expression over some of the rows that are in.
    pub fn evaluate_some(&mut self, expr: &'a Expr, rows: &[u32]) -> Rc<Column<'a>> {
        let mut failed = Vec::new();
        let column = self.run(expr, rows, &mut failed);
        self.drop_failed(failed);
        column
    }

    /// Rows of the block, whether in or out.
    pub fn len(&self) -> usize {
        self.raw.lines.len()
    }

    /// Whether the block has no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The event time of each row of the block; unspecified for rows that are out.
    pub fn event_time(&self) -> Option<&[i64]> {
        let column = self.columns[self.plan.event_time?].as_deref()?;
        match &column.values {
            Values::Timestamp(times) => Some(times),
            _ => None,
        }
    }

    fn run(&self, expr: &'a Expr, rows: &[u32], failures: &mut Vec<Failure>) -> Rc<Column<'a>> {
        let mut env =
            Env { slots: &self.columns, arena: self.arena, len: self.raw.lines.len(), failures };
        expr.eval(&mut env, rows)
    }

    fn compute<'s: 'a>(
        &self,
        slot: usize,
        view: &mut View<'_, 's>,
        failed: &mut Vec<Failure>,
    ) -> Rc<Column<'a>> {
        let len = self.raw.lines.len();
        match &self.plan.slots[slot].kind {
            SlotKind::Field(field) => view.field(*field, &self.rows, self.arena, failed),
            SlotKind::EventTime(of) => self.checked_time(*of, failed),
            SlotKind::SourceFile => Rc::new(text_column(vec![self.source_file; len])),
            SlotKind::Raw => {
                let lines = self.raw.lines.iter().map(|line| utf8_lossy(line, self.arena));
                Rc::new(text_column(lines.collect()))
            }
            SlotKind::Let(expr) => self.run(expr, &self.rows, failed),
        }
    }

    /// The time field's column; rows without a sane time fail.
    fn checked_time(&self, of: usize, failed: &mut Vec<Failure>) -> Rc<Column<'a>> {
        let Some(column) = &self.columns[of] else {
            unreachable!("slots are loaded in an order in which each needs earlier ones only")
        };
        if let Values::Timestamp(times) = &column.values {
            for &row in &self.rows {
                let time = times[row as usize];
                if !column.is_valid(row as usize) {
                    failed.push(Failure { row, reason: "event_time: missing".into() });
                } else if time < self.limits.earliest_us {
                    let reason = absurd("before", self.limits.earliest_us, "earliest");
                    failed.push(Failure { row, reason });
                } else if time >= self.limits.latest_us {
                    let reason = absurd("not before", self.limits.latest_us, "latest");
                    failed.push(Failure { row, reason });
                }
            }
        }
        Rc::clone(column)
    }

    fn drop_failed(&mut self, mut failed: Vec<Failure>) {
        if failed.is_empty() {
            return;
        }
        failed.sort_by_key(|f| f.row);
        failed.dedup_by_key(|f| f.row);
        self.rows.retain(|row| failed.binary_search_by_key(row, |f| f.row).is_err());
        self.failures.append(&mut failed);
    }
}

/// The reason of a line whose event time is outside of the job's limits.
fn absurd(what: &str, bound_us: i64, key: &str) -> Cow<'static, str> {
    let bound = jiff::Timestamp::from_microsecond(bound_us).unwrap_or_default();
    format!("event_time: {what} {bound}, the job's limits.{key}").into()
}

/// Keeps the rows whose value is true (neither false nor NULL).
pub fn keep_true(column: &Column<'_>, rows: &mut Vec<u32>) {
    if let Values::Bool(values) = &column.values {
        rows.retain(|&row| values[row as usize] && column.is_valid(row as usize));
    }
}

fn text_column(values: Vec<&str>) -> Column<'_> {
    Column { ty: DataType::Text, values: Values::Text(values), valid: None }
}
