//! Rows as literals, in the order of their keys.

use std::ops::Range;

use sha2::{Digest, Sha256};

use super::super::SummaryBlock;
use super::super::value::{Cells, ColumnDef};
use super::literal;

/// A run ends with the block that makes it longer than this; three of them are in memory at a time. The longer they are, the more
/// neighbours of each page of the table a run has: with 8 MiB the server took 8 % more CPU for an upsert of 400,000 rows.
const RUN_BYTES: usize = 32 << 20;

/// Some rows of a delivery.
#[derive(Default)]
pub(super) struct Run {
    bytes: Vec<u8>,
    /// The primary key of each row, and where its literals stand: `(x'…',…)`.
    rows: Vec<([u8; 32], Range<usize>)>,
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
            self.rows.push((key, begin..self.bytes.len()));
        }
        Ok(())
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() > RUN_BYTES
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn sort(&mut self) {
        self.rows.sort_by_key(|(key, _)| *key);
    }

    pub(super) fn rows(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.rows.iter().map(|(_, range)| &self.bytes[range.clone()])
    }
}
