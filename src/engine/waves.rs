//! Groups in waves: so many blocks at a time as threads can work on side by side, and as memory may hold.

use super::cursor::Cursor;
use super::merge::Merge;
use super::merged::Merged;
use super::parquet_file::FileError;

/// How large a wave is.
#[derive(Debug, Clone, Copy)]
pub struct WaveSize {
    /// Groups of a block; all but the last have so many.
    pub block_rows: usize,
    /// Blocks at most.
    pub blocks: usize,
    /// No further block is begun when the wave has so many bytes.
    pub bytes: usize,
}

/// Merges sequences of groups, a wave at a time.
pub struct Waves<'c> {
    merge: Merge<'c>,
    size: WaveSize,
}

impl<'c> Waves<'c> {
    /// Over these sequences.
    pub fn new(cursors: Vec<Box<dyn Cursor + 'c>>, size: WaveSize) -> Self {
        Waves { merge: Merge::new(cursors), size }
    }

    /// The next wave; empty behind the last.
    pub fn next_wave(&mut self) -> Result<Vec<Merged>, FileError> {
        let (mut wave, mut bytes) = (Vec::new(), 0);
        while wave.len() < self.size.blocks && (wave.is_empty() || bytes < self.size.bytes) {
            let mut block = Merged::default();
            self.merge.next_merged(self.size.block_rows, &mut block)?;
            if block.is_empty() {
                break;
            }
            bytes += block.bytes();
            wave.push(block);
        }
        Ok(wave)
    }
}
