//! Rows of several lines.

use std::cell::Cell;

use bumpalo::Bump;
use memchr::{memchr, memrchr};

use super::CsvTokenizer;
use super::cutter::{CsvCutter, IN_QUOTES};
use crate::format::walk::{line_at, without_end};
use crate::format::{RawBlock, marks};
use crate::source::{Record, Records};

/// A stretch of so many bytes without a quote is cut by its marks.
const STRETCH_BYTES_MIN: usize = 4096;

impl CsvTokenizer {
    /// As [`Tokenizer::tokenize`](crate::format::Tokenizer::tokenize), of whole records. A careful block is given one record, and
    /// takes the word of whoever cut it.
    pub(super) fn tokenize_records<'a>(
        &self,
        (input, at_start): (&'a [u8], bool),
        records_max: usize,
        arena: &'a Bump,
        block: &mut RawBlock<'a>,
    ) -> usize {
        let sizes = (self.wanted.len(), records_max);
        let mut at = self.walk.begin(input, at_start, sizes, block);
        block.utf8 |= block.lines.is_empty() && !block.careful;
        let is_part = block.before.open.is_some();
        let (open, taken) = (Cell::new(None), block.lines.len() + block.rejects.len());
        let mut cutter = CsvCutter::new(self, input, &open, arena);
        let (mut records, mut quote) = (Records::new(self.rows), 0);
        while at < input.len() {
            let seen = block.lines.len() + block.rejects.len() - taken;
            if seen >= records_max {
                break;
            }
            let plain = self.plain(input, at, &mut quote);
            if plain.len() >= STRETCH_BYTES_MIN && !block.careful && !is_part {
                let sizes = (self.wanted.len(), records_max - seen);
                let cutter = CsvCutter::new(self, plain, &open, arena);
                at += marks::run(self.walk, self.shape(), cutter, (plain, false), sizes, block);
                continue;
            }
            let end = match block.careful {
                true => input.len(),
                false => record_end(&mut records, input, at),
            };
            let record = without_end(&input[at..end]);
            block.utf8 &= std::str::from_utf8(record).is_ok();
            self.walk.take((record, end - at), block, |record, columns| match is_part {
                true => Err(IN_QUOTES.into()),
                false => cutter.row(record, 0, columns),
            });
            at = end;
        }
        block.text = input;
        // What is cut elsewhere than at ASCII is no text.
        block.utf8 &= self.options.delimiter.is_ascii();
        at
    }

    /// The whole lines from a place on that no quote is in. `quote`: where the next one was found.
    fn plain<'a>(&self, input: &'a [u8], at: usize, quote: &mut usize) -> &'a [u8] {
        if *quote < at || *quote == 0 {
            let found = self.rows.quote.and_then(|quote| memchr(quote, &input[at..]));
            *quote = found.map_or(input.len(), |found| at + found);
        }
        let rest = &input[at..*quote];
        match *quote == input.len() {
            true => rest,
            false => &rest[..memrchr(b'\n', rest).map_or(0, |newline| newline + 1)],
        }
    }
}

/// Where the record ends that begins at a place. One that does not end has a quote that nothing closes: its line counts alone.
fn record_end(records: &mut Records, input: &[u8], at: usize) -> usize {
    match records.at(input, 0, at, true) {
        Record::Whole(end) | Record::Torn(end) => end,
        Record::Open => line_at(input, at).1,
    }
}
