//! Lines to records.

use std::borrow::Cow;

use bumpalo::Bump;

use super::encode;
use super::states::Place;
use crate::data::{DataType, Scalar};
use crate::engine::map::Lines;
use crate::engine::poison;
use crate::format::{Converter, RawBlock, Tokenizer, utf8_lossy};
use crate::plan::{AggregatePlan, Plan, ReducePlan, SlotKind};

/// What the lines belong to.
#[derive(Clone, Copy)]
pub struct Segment<'s> {
    /// Path as found.
    pub source_file: &'s str,
    /// Its hash in the order of segments.
    pub hash: u64,
    /// The event time of its first line, where that is asked for.
    pub first_time: i64,
    /// Cuts its lines: into [`MapPlan::fields`](crate::plan::MapPlan::fields).
    pub tokenizer: &'s dyn Tokenizer,
}

/// What one line contributes.
pub struct Record {
    /// The key of its group, where the job has groups.
    pub key: Vec<u8>,
    /// For each aggregate call of each measure: nothing where the call's filter drops the record.
    pub(super) inputs: Vec<Option<Input>>,
    pub(super) place: Place,
    /// The columns of the events, where the job writes them.
    pub events: Vec<Scalar>,
    /// Its time, where the job needs that.
    pub event_time: Option<i64>,
}

/// What an aggregate sees of a record: its argument; `None` for `count(*)`.
pub(super) type Input = Option<Scalar>;

/// Reads lines by one plan.
pub struct Reader<'p> {
    plan: &'p Plan,
    converters: Vec<Converter>,
}

/// Why a line is no record: it is a reject for this reason, or the filter dropped it.
enum Drop {
    Rejected(#[allow(dead_code, reason = "for whoever looks for a difference")] Cow<'static, str>),
    Filtered,
}

impl From<Cow<'static, str>> for Drop {
    fn from(reason: Cow<'static, str>) -> Self {
        Drop::Rejected(reason)
    }
}

impl<'p> Reader<'p> {
    /// For a plan.
    pub fn new(plan: &'p Plan) -> Self {
        Reader { plan, converters: plan.converters() }
    }

    /// The aggregate calls of all measures, one after the other, none of them shared.
    pub(super) fn calls(reduce: &ReducePlan) -> impl Iterator<Item = &AggregatePlan> {
        reduce.measures.iter().flat_map(|measure| &measure.calls).map(AsRef::as_ref)
    }

    /// Calls with each record of some whole lines of the segment.
    pub fn records<E>(
        &self,
        segment: Segment<'_>,
        lines: Lines<'_>,
        mut each: impl FnMut(Record) -> Result<(), E>,
    ) -> Result<(), E> {
        let Lines { bytes, offset, mut before } = lines;
        let mut at = 0;
        while at < bytes.len() {
            let (arena, mut block) = (Bump::new(), RawBlock::careful());
            block.before = before;
            let is_start = offset == 0 && at == 0;
            let cut = || segment.tokenizer.tokenize(&bytes[at..], is_start, 1, &arena, &mut block);
            let Ok(used) = poison::catch(cut) else {
                // A line that makes this program fail is a reject.
                let passed = line_bytes(&bytes[at..]);
                before.preamble = before.preamble.saturating_sub(passed as u64);
                at += passed;
                continue;
            };
            before = block.before;
            for row in 0..block.lines.len() {
                let line = block.lines[row];
                let start = line.as_ptr() as usize - bytes.as_ptr() as usize;
                let place = (segment, offset + start as u64);
                let record = poison::catch(|| self.record(&block, (row, line), place));
                if let Ok(Ok(record)) = record {
                    each(record)?;
                }
            }
            at += used.max(1);
        }
        Ok(())
    }

    fn record(
        &self,
        block: &RawBlock<'_>,
        (row, line): (usize, &[u8]),
        (segment, offset): (Segment<'_>, u64),
    ) -> Result<Record, Drop> {
        let map = &self.plan.map;
        let raw: Vec<&[u8]> = block.fields.iter().map(|column| column[row]).collect();
        let line = Line { reader: self, raw: &raw, line, source_file: segment.source_file };
        let mut slots = vec![Scalar::Null; map.slots.len()];
        line.load(&map.filter_slots, &mut slots)?;
        if let Some(filter) = &map.filter
            && filter.value_of(&slots)? != Scalar::Bool(true)
        {
            return Err(Drop::Filtered);
        }
        line.load(&map.rest_slots, &mut slots)?;
        let event_time = map.event_time.and_then(|slot| match slots[slot] {
            Scalar::Timestamp(time) => Some(time),
            _ => None,
        });
        let (mut key, mut inputs) = (Vec::new(), Vec::new());
        if let Some(reduce) = &self.plan.reduce {
            key = self::key(reduce, event_time, &slots)?;
            inputs =
                Self::calls(reduce).map(|call| input(call, &slots)).collect::<Result<_, _>>()?;
        }
        let columns = self.plan.outputs.events.iter().flat_map(|events| &events.columns);
        let events = columns.map(|column| column.expr.value_of(&slots));
        let events = events.collect::<Result<_, _>>()?;
        let rank = (segment.first_time, segment.hash);
        let place = (event_time.unwrap_or(0), rank, offset);
        Ok(Record { key, inputs, place, events, event_time })
    }

    /// The event time of a segment's first line, whatever the job thinks of it; 0 where it has none.
    pub fn first_time(&self, tokenizer: &dyn Tokenizer, line: &[u8]) -> i64 {
        let Some(slot) = self.plan.map.event_time else { return 0 };
        let time = poison::catch(|| {
            let (arena, mut block) = (Bump::new(), RawBlock::careful());
            tokenizer.tokenize(line, true, 1, &arena, &mut block);
            let field = self.field_behind(slot)?;
            let raw = block.fields.get(field)?.first()?;
            self.converters[field].value_of(raw).ok()
        });
        match time {
            Ok(Some(Scalar::Timestamp(time))) => time,
            _ => 0,
        }
    }

    fn field_behind(&self, slot: usize) -> Option<usize> {
        match self.plan.map.slots[slot].kind {
            SlotKind::Field(field) => Some(field),
            SlotKind::EventTime(of) => self.field_behind(of),
            _ => None,
        }
    }
}

/// The bytes of the first line.
fn line_bytes(bytes: &[u8]) -> usize {
    bytes.iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |end| end + 1)
}

/// One line that is cut.
struct Line<'l> {
    reader: &'l Reader<'l>,
    raw: &'l [&'l [u8]],
    line: &'l [u8],
    source_file: &'l str,
}

impl Line<'_> {
    /// Computes slots, in an order in which each needs earlier ones only.
    fn load(&self, which: &[usize], slots: &mut [Scalar]) -> Result<(), Cow<'static, str>> {
        for &slot in which {
            slots[slot] = match &self.reader.plan.map.slots[slot].kind {
                SlotKind::Field(field) => {
                    self.reader.converters[*field].value_of(self.raw[*field])?
                }
                SlotKind::EventTime(of) => self.checked_time(&slots[*of])?,
                SlotKind::SourceFile => Scalar::Text(self.source_file.into()),
                SlotKind::Raw => Scalar::Text(utf8_lossy(self.line, &Bump::new()).into()),
                SlotKind::Let(expr) => expr.value_of(slots)?,
            };
        }
        Ok(())
    }

    fn checked_time(&self, value: &Scalar) -> Result<Scalar, Cow<'static, str>> {
        let limits = &self.reader.plan.limits;
        match value {
            Scalar::Timestamp(time) if *time < limits.earliest_us => Err("too early".into()),
            Scalar::Timestamp(time) if *time >= limits.latest_us => Err("too late".into()),
            Scalar::Timestamp(_) => Ok(value.clone()),
            _ => Err("no time".into()),
        }
    }
}

fn key(
    reduce: &ReducePlan,
    event_time: Option<i64>,
    slots: &[Scalar],
) -> Result<Vec<u8>, Cow<'static, str>> {
    let mut key = Vec::new();
    if let (Some(window), Some(time)) = (reduce.window_us, event_time) {
        encode::put(&Scalar::Timestamp(time.div_euclid(window) * window), &mut key);
    }
    for part in &reduce.keys {
        encode::put(&part.expr.value_of(slots)?, &mut key);
    }
    Ok(key)
}

fn input(call: &AggregatePlan, slots: &[Scalar]) -> Result<Option<Input>, Cow<'static, str>> {
    if let Some(filter) = &call.filter
        && filter.value_of(slots)? != Scalar::Bool(true)
    {
        return Ok(None);
    }
    call.arg.as_ref().map(|arg| arg.value_of(slots)).transpose().map(Some)
}

impl ReducePlan {
    /// The types of the arguments of all calls, none of which is shared.
    pub(super) fn call_types(&self) -> Vec<(crate::expr::AggregateFn, Option<DataType>)> {
        let ty = |call: &AggregatePlan| call.arg.as_ref().map(|arg| arg.ty());
        Reader::calls(self).map(|call| (call.function, ty(call))).collect()
    }
}
