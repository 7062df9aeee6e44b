//! The mappers of one worker: one a job, all of which take the same lines. Lines are found and cut once for all of them;
//! what each makes of them is its own.

use bumpalo::Bump;

use super::common::Common;
use super::lines::Lines;
use super::map::{Chunk, Mapper, RecordSink, SegmentContext};
use super::poison::{self, MapPanic};
use super::reading::Reading;
use crate::format::{RawBlock, TimeCache};
use crate::limits::BLOCK_RECORDS;

/// A worker's mappers, one a plan.
pub struct Mappers<'p> {
    /// In the order of the plans.
    pub each: Vec<Mapper<'p>>,
    common: &'p Common<'p>,
    caches: Vec<TimeCache>,
    arena: Bump,
}

impl<'p> Mappers<'p> {
    /// Mappers with empty tables.
    pub fn new(common: &'p Common<'p>) -> Self {
        let each = (0..common.len()).map(|plan| Mapper::new(common, plan)).collect();
        Mappers { each, common, caches: Vec::new(), arena: Bump::new() }
    }

    /// Bytes on the heap for the groups of all, roughly.
    pub fn heap_bytes(&self) -> usize {
        self.each.iter().map(Mapper::heap_bytes).sum()
    }

    /// The one with the most groups, by their bytes.
    pub fn largest(&self) -> usize {
        (0..self.each.len()).max_by_key(|&one| self.each[one].heap_bytes()).unwrap_or(0)
    }

    /// Maps a chunk: parses its lines; of each job's it drops those that its filter drops, and folds the rest into its
    /// tables. A line that makes a job panic is that job's reject; after an error the tables are of no use. `segments` and
    /// `sinks`: one a job, the segments with one tokenizer, that of [`Common::wanted`].
    pub fn chunk(
        &mut self,
        segments: &[SegmentContext<'_>],
        lines: &Lines<'_>,
        sinks: &mut [Option<&mut (dyn RecordSink + '_)>],
    ) -> Result<(), MapPanic> {
        let mut arena = std::mem::take(&mut self.arena);
        let done = self.blocks(segments, lines, sinks, &arena);
        arena.reset();
        self.arena = arena;
        done
    }

    fn blocks<'s>(
        &mut self,
        segments: &[SegmentContext<'s>],
        lines: &Lines<'s>,
        sinks: &mut [Option<&mut (dyn RecordSink + '_)>],
        arena: &'s Bump,
    ) -> Result<(), MapPanic>
    where
        'p: 's,
    {
        let Some(tokenizer) = segments.first().map(|segment| segment.tokenizer) else {
            return Ok(());
        };
        let mut reading = Reading::new(self.common, std::mem::take(&mut self.caches), arena);
        let mut raw = RawBlock::behind(lines.before);
        let mut at = 0;
        while at < lines.bytes.len() {
            let (input, at_start) = (&lines.bytes[at..], lines.offset == 0 && at == 0);
            raw.clear();
            let before = raw.before;
            let cut = || tokenizer.tokenize(input, at_start, BLOCK_RECORDS, arena, &mut raw);
            let cut = poison::catch(cut);
            reading.begin(raw.lines.len());
            // One of the lines is to blame: they are tried alone.
            let bytes = cut.as_ref().map_or_else(|_| bytes_of_lines(input), |bytes| *bytes);
            let mut behind = raw.before;
            for ((mapper, segment), sink) in self.each.iter_mut().zip(segments).zip(&mut *sinks) {
                let mut chunk = Chunk { segment, lines, sink: sink.as_deref_mut() };
                let input = (&input[..bytes], at_start, before);
                match &cut {
                    Ok(_) => mapper.block(&mut chunk, input, &raw, &mut reading)?,
                    Err(_) => behind = mapper.one_by_one(&mut chunk, input)?,
                }
            }
            raw.before = behind;
            at += bytes;
        }
        self.caches = reading.into_caches();
        for mapper in &mut self.each {
            mapper.counters.bytes += lines.bytes.len() as u64;
        }
        Ok(())
    }
}

/// The bytes of about as many lines as a block has.
fn bytes_of_lines(input: &[u8]) -> usize {
    input.split_inclusive(|&byte| byte == b'\n').take(BLOCK_RECORDS).map(<[u8]>::len).sum()
}
