//! Rows as literals, in the order of their keys.

use std::ops::Range;

use sha2::{Digest, Sha256};

use super::super::SummaryBlock;
use super::super::value::{Cells, ColumnDef};
use super::literal;

/// Some rows of a delivery.
#[derive(Default)]
pub(super) struct Run {
    bytes: Vec<u8>,
    /// The beginning of each row's primary key, and where its literals stand: `(x'…',…)`, the key first.
    rows: Vec<(u64, Range<usize>)>,
}

impl Run {
    /// Adds a block's rows. The error names a column that does not have the table's type.
    pub(super) fn add(
        &mut self,
        block: &SummaryBlock,
        columns: &[ColumnDef],
    ) -> Result<(), String> {
        let cells = Cells::of(&block.rows, columns)?;
        self.rows.reserve(block.rows.num_rows());
        for row in 0..block.rows.num_rows() {
            let begin = self.bytes.len();
            let key: [u8; 32] = Sha256::digest(block.keys.value(row)).into();
            self.bytes.push(b'(');
            literal::push_binary(&mut self.bytes, &key);
            for column in &cells {
                self.bytes.push(b',');
                literal::push(&mut self.bytes, column.cell(row));
            }
            self.bytes.push(b')');
            let first = u64::from_be_bytes(key[..8].try_into().expect("8 of 32 bytes"));
            self.rows.push((first, begin..self.bytes.len()));
        }
        Ok(())
    }

    /// Rows of these texts.
    #[cfg(test)]
    pub(super) fn of(texts: &[String]) -> Self {
        let mut run = Run::default();
        for text in texts {
            let begin = run.bytes.len();
            run.bytes.extend_from_slice(text.as_bytes());
            let first = u64::from_str_radix(&text[3..19], 16).expect("digits");
            run.rows.push((first, begin..run.bytes.len()));
        }
        run.sort();
        run
    }

    /// What its rows take in memory.
    pub(super) fn heap_bytes(&self) -> usize {
        self.bytes.len() + self.rows.len() * size_of::<(u64, Range<usize>)>()
    }

    /// Forgets its rows, and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.rows.clear();
    }

    pub(super) fn sort(&mut self) {
        let bytes = &self.bytes;
        // The digits of the key are in the order of its bytes.
        self.rows.sort_unstable_by(|(a, a_at), (b, b_at)| {
            a.cmp(b).then_with(|| bytes[a_at.clone()].cmp(&bytes[b_at.clone()]))
        });
    }

    pub(super) fn rows(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.rows.iter().map(|(_, range)| &self.bytes[range.clone()])
    }
}
