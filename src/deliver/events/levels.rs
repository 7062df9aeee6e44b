//! Which rows of a page hold a value: Parquet's definition levels of a column that may be NULL and is not nested.

use super::hybrid;

/// One level a row; nothing is kept of them as long as there is no NULL.
#[derive(Debug, Default)]
pub(super) struct Levels {
    rows: usize,
    nulls: usize,
    /// 1 where there is a value; empty while there is no NULL.
    flags: Vec<u8>,
}

impl Levels {
    /// Rows without NULL.
    #[inline]
    pub(super) fn push_valid(&mut self, rows: usize) {
        self.rows += rows;
        if self.nulls > 0 {
            self.flags.resize(self.rows, 1);
        }
    }

    /// One row.
    #[inline]
    pub(super) fn push(&mut self, valid: bool) {
        if valid {
            return self.push_valid(1);
        }
        self.flags.resize(self.rows, 1);
        self.flags.push(0);
        self.rows += 1;
        self.nulls += 1;
    }

    /// Rows so far.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Rows that are NULL.
    pub(super) fn nulls(&self) -> usize {
        self.nulls
    }

    /// Appends them as a page of version 1 has them, behind their length, and forgets them.
    pub(super) fn flush(&mut self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        if self.nulls == 0 {
            hybrid::repeat(1, self.rows, 1, out);
        } else {
            hybrid::encode(&self.flags, 1, out);
        }
        let length = (out.len() - start - 4) as u32;
        out[start..start + 4].copy_from_slice(&length.to_le_bytes());
        self.flags.clear();
        (self.rows, self.nulls) = (0, 0);
    }
}
