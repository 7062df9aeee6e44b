//! Helpers of the formats' tests: a format over bytes, as owned text.

use bumpalo::Bump;

use super::{Format, FormatSpec, RawBlock, Tokenizer, build};
use crate::source::Before;

/// What a tokenizer made of an input.
pub(super) struct Cut {
    /// The wanted fields of each record.
    pub(super) records: Vec<Vec<String>>,
    /// The reason of each reject.
    pub(super) reasons: Vec<String>,
    /// Empty and header lines.
    pub(super) skipped: u64,
}

/// A built-in format.
pub(super) fn named(name: &str) -> Box<dyn Format> {
    build(&FormatSpec::Name(name.into()), 1 << 20, None).expect("a built-in format")
}

/// What comes before a segment.
pub(super) fn before(tokenizer: &dyn Tokenizer) -> Before {
    let preamble = tokenizer.rows().map_or(0, |rows| rows.preamble_bytes);
    Before { preamble, open: None }
}

/// Tokenizes a whole segment, two records a block.
pub(super) fn cut(format: &dyn Format, wanted: &[&str], input: &[u8]) -> Cut {
    let tokenizer = format.tokenizer(wanted, input).expect("known fields");
    let arena = Bump::new();
    let mut out = Cut { records: Vec::new(), reasons: Vec::new(), skipped: 0 };
    let mut at = 0;
    let mut before = before(&*tokenizer);
    while at < input.len() {
        let mut block = RawBlock::behind(before);
        let used = tokenizer.tokenize(&input[at..], at == 0, 2, &arena, &mut block);
        assert!(used > 0, "a tokenizer goes on");
        assert!(block.fields.len() == wanted.len());
        assert!(block.fields.iter().all(|column| column.len() == block.lines.len()));
        at += used;
        before = block.before;
        let text = |field: &&[u8]| String::from_utf8_lossy(field).into_owned();
        let record = |row: usize| block.fields.iter().map(|column| text(&column[row])).collect();
        out.records.extend((0..block.lines.len()).map(record));
        out.reasons.extend(block.rejects.iter().map(|reject| reject.reason.to_string()));
        out.skipped += block.skipped;
    }
    out
}
