//! `rejects --retry`: rejected lines that are records by now are merged into their windows, once.
//!
//! It is a batch of its own, whose decision takes the lines from the rejects and puts them into groups and events: a crash
//! leaves them in one of the two. Lines come from the samples that the catalog keeps; longer ones are read again where the
//! file still has them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Instant;

use super::batch::{Batch, Change, Depth};
use super::commit::{commit, commit_and_publish};
use super::execute::join;
use super::inputs::Inputs;
use super::portions::tables_bytes;
use super::progress::Progress;
use super::recover::Differing;
use super::run::once;
use super::session::Session;
use super::sources::discover;
use super::worker::Part;
use super::{Options, Outcome, RunError, spill};
use crate::catalog::{Catalog, RejectRow};
use crate::deliver::events::EventSplit;
use crate::engine::common::Common;
use crate::engine::map::{Lines, RecordSink, SegmentContext};
use crate::engine::mappers::Mappers;
use crate::engine::parquet_file::make_durable;
use crate::format::{Tokenizer, WITHIN_QUOTES};
use crate::plan::Plan;
use crate::source::{self, Before, LineReader, SegmentState};

/// Rows of the catalog that are handled together.
const PAGE_ROWS: u64 = 1000;

/// What became of the rejected lines.
#[derive(Debug, Default)]
pub struct Retried {
    /// The batch: what its lines became, what the outputs got.
    pub outcome: Outcome,
    /// Lines that were tried.
    pub tried: u64,
    /// Those that are records by now, or filtered.
    pub merged: u64,
    /// Lines, not among those tried, that can't be read again: their file is gone, or another one by now.
    pub unreadable: u64,
    /// Lines of which the catalog kept the place only.
    pub without_text: u64,
    /// Lines that were only counted.
    pub not_kept: u64,
}

impl Retried {
    /// Lines that stay rejected.
    pub fn left(&self) -> u64 {
        self.tried - self.merged
    }
}

/// Tries all rejected lines again.
pub fn retry(plan: &Plan, options: &Options, progress: &dyn Progress) -> Result<Retried, RunError> {
    let mut retried = Retried::default();
    retried.outcome = once(plan, options, progress, Differing::Parsing, |session, outcome| {
        outcome.batch = session.catalog.last_batch()?;
        count(&session.catalog, &mut retried)?;
        let segments = Segments::find(session)?;
        session.with_batch((Depth::Whole, outcome.batch), Instant::now(), |batch, catalog, pins| {
            commit_and_publish(batch, catalog, pins, |catalog| {
                decide(batch, catalog, segments, &mut retried, outcome)
            })
        })
    })?;
    Ok(retried)
}

/// What can't be tried.
fn count(catalog: &Catalog, retried: &mut Retried) -> Result<(), RunError> {
    let (kept, totals) = (catalog.rejects_kept()?, catalog.totals()?);
    retried.without_text = kept.lines - kept.samples;
    retried.not_kept = totals.counters.rejected.saturating_sub(kept.lines);
    Ok(())
}

/// Answers whether there was anything to decide: lines to merge, or another meaning.
fn decide(
    batch: &Batch<'_>,
    catalog: &mut Catalog,
    segments: Segments,
    retried: &mut Retried,
    outcome: &mut Outcome,
) -> Result<bool, RunError> {
    let common = Common::new(vec![batch.plan]);
    let mut pass = Pass::new(batch, &common, segments);
    let mut last = 0;
    loop {
        let rows = catalog.rejects_after(last, PAGE_ROWS)?;
        let Some(row) = rows.last() else { break };
        last = row.id;
        pass.page(&rows)?;
        if batch.is_stopped() {
            return Err(RunError::Stopped);
        }
    }
    retried.unreadable = pass.unreadable;
    retried.tried = pass.tried;
    retried.merged = pass.merged.len() as u64;
    let is_new = catalog.meaning()?.is_some_and(|meaning| meaning != batch.plan.meaning);
    if pass.merged.is_empty() && !is_new {
        return Ok(false);
    }
    let rejects_resolved = std::mem::take(&mut pass.merged);
    let mut executed = batch.pool.install(|| join(vec![pass.finish()], Vec::new(), Vec::new()));
    let change = Change { rejects_resolved, ..Change::default() };
    commit(batch, catalog, &mut executed, change, outcome)?;
    Ok(true)
}

/// The segments of rejected lines, where they are now.
struct Segments(HashMap<u64, SegmentState>);

impl Segments {
    fn find(session: &Session<'_>) -> Result<Self, RunError> {
        let known = session.catalog.segments()?;
        let mut found: HashMap<u64, SegmentState> =
            known.into_iter().map(|segment| (segment.id, segment)).collect();
        let work = session.work;
        let sources = discover(work.plan, work.options, &session.catalog, &mut Inputs::default())?;
        for update in sources.plan.updates {
            found.insert(update.id, update);
        }
        for task in sources.plan.tasks {
            if let Some(segment) = task.known.and_then(|id| found.get_mut(&id)) {
                segment.path = task.found.path;
            }
        }
        Ok(Segments(found))
    }

    /// The first bytes of a segment, if its file still begins with them.
    fn head(&self, id: u64) -> Option<Vec<u8>> {
        let segment = self.0.get(&id)?;
        let head = source::read_head(&segment.path).ok()?;
        segment.head.begins(&head).then_some(head)
    }

    fn path(&self, row: &RejectRow) -> PathBuf {
        self.0.get(&row.segment).map_or_else(|| row.path.clone(), |found| found.path.clone())
    }
}

/// The lines' way through the mapper.
struct Pass<'p> {
    batch: &'p Batch<'p>,
    mappers: Mappers<'p>,
    sink: Option<EventSplit>,
    part: Part,
    segments: Segments,
    /// What cuts the lines of one segment; none where that takes a header that is gone.
    tokenizer: Option<(u64, Option<Box<dyn Tokenizer>>)>,
    /// The file that was read last.
    file: Option<(PathBuf, LineReader)>,
    pages: usize,
    tried: u64,
    unreadable: u64,
    /// Numbers of lines that are rejects no more.
    merged: Vec<i64>,
}

impl<'p> Pass<'p> {
    fn new(batch: &'p Batch<'p>, common: &'p Common<'p>, segments: Segments) -> Self {
        Pass {
            batch,
            mappers: Mappers::new(common),
            sink: batch.plan.outputs.events.as_ref().map(EventSplit::new),
            part: Part::default(),
            segments,
            tokenizer: None,
            file: None,
            pages: 0,
            tried: 0,
            unreadable: 0,
            merged: Vec::new(),
        }
    }

    fn page(&mut self, rows: &[RejectRow]) -> Result<(), RunError> {
        for row in rows {
            match self.line(row) {
                Text::Line(line) => self.map(row, &line)?,
                Text::TooLong => self.tried += 1,
                Text::Gone => self.unreadable += 1,
            }
        }
        // Those that stay are in the catalog already.
        drop(std::mem::take(&mut self.mappers.each[0].rejects));
        let (batch, page) = (self.batch, self.pages);
        self.pages += 1;
        if let (Some(sink), Some(output)) = (&mut self.sink, &batch.plan.outputs.events) {
            let name = |partition_us| {
                batch.names.staged(&output.path, &format!("retried-{page}-{partition_us}"))
            };
            let mut unsynced = Vec::new();
            self.part.events.extend(sink.stage(page, 0, name, &mut unsynced)?);
            make_durable(&unsynced)?;
        }
        if self.mappers.each[0].heap_bytes() as u64 > tables_bytes(batch) {
            let tables = self.mappers.each[0].take_tables();
            self.part.spilled.extend(spill::spill(batch, tables)?);
        }
        Ok(())
    }

    /// The line itself.
    fn line(&mut self, row: &RejectRow) -> Text {
        if row.length == row.sample.len() as u64 {
            return Text::Line(row.sample.clone());
        }
        if row.length > self.batch.plan.limits.line_bytes_max {
            return Text::TooLong;
        }
        match self.read(row).filter(|line| line.starts_with(&row.sample)) {
            Some(line) => Text::Line(line),
            None => Text::Gone,
        }
    }

    /// What lies in the line's place today.
    fn read(&mut self, row: &RejectRow) -> Option<Vec<u8>> {
        let path = self.segments.path(row);
        if self.file.as_ref().is_none_or(|(open, _)| *open != path) {
            self.file = Some((path.clone(), LineReader::open(&path).ok()?));
        }
        let (_, reader) = self.file.as_mut()?;
        reader.line(row.offset, row.length).ok()?
    }

    fn map(&mut self, row: &RejectRow, line: &[u8]) -> Result<(), RunError> {
        if self.tokenizer.as_ref().is_none_or(|(segment, _)| *segment != row.segment) {
            self.tokenizer = Some((row.segment, self.tokenizer(row.segment)?));
        }
        let Some((_, Some(tokenizer))) = &self.tokenizer else {
            self.unreadable += 1;
            return Ok(());
        };
        let source_file = row.path.to_string_lossy();
        let context = SegmentContext {
            index: 0,
            source_file: &source_file,
            rank: row.rank,
            tokenizer: tokenizer.as_ref(),
        };
        let rejected = self.mappers.each[0].counters.rejected;
        let sink = self.sink.as_mut().map(|sink| sink as &mut dyn RecordSink);
        let preamble =
            tokenizer.rows().map_or(0, |rows| rows.preamble_bytes.saturating_sub(row.offset));
        // Alone it could be taken for a row.
        let open = row.reason.starts_with(WITHIN_QUOTES).then_some(0);
        let lines = Lines { bytes: line, offset: row.offset, before: Before { open, preamble } };
        self.mappers.chunk(&[context], &lines, &mut [sink])?;
        self.tried += 1;
        if self.mappers.each[0].counters.rejected == rejected {
            self.merged.push(row.id);
        }
        Ok(())
    }

    fn tokenizer(&self, segment: u64) -> Result<Option<Box<dyn Tokenizer>>, RunError> {
        let plan = self.batch.plan;
        let head = match plan.format.needs_head() {
            true => self.segments.head(segment),
            false => Some(Vec::new()),
        };
        let Some(head) = head else { return Ok(None) };
        // A header that still can't be used makes no line a record.
        Ok(plan.tokenizer(&head).ok())
    }

    /// Its bytes were counted when they were read, and so were those that stay rejects.
    fn finish(mut self) -> Part {
        self.part.tables = self.mappers.each[0].take_tables();
        self.part.counters = self.mappers.each[0].counters;
        (self.part.counters.rejected, self.part.counters.bytes) = (0, 0);
        self.part
    }
}

/// What is known of a rejected line.
enum Text {
    Line(Vec<u8>),
    /// For the limit of today, too.
    TooLong,
    Gone,
}
