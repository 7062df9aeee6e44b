//! A spilled run: groups that memory can't hold, ascending by key, in a file that lives no longer than its batch. It is
//! written in one go and read in one go (from the start of any time partition), so it is as plain as can be.
//!
//! Blocks of some ten kilobytes. A block: the length of its groups, their number, xxh3-64 of them (64 bits each,
//! little-endian), the groups. A group: how many bytes of the key before are those of this one too, the rest of the key,
//! the state; lengths in LEB128. A block begins with a whole key, and holds groups of one time partition only.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use super::parquet_file::FileError;
use super::state;
use crate::limits::RUN_BLOCK_BYTES;

/// Of a block: length, groups, checksum.
pub(super) const HEAD_BYTES: usize = 24;

/// What a run has of one time partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunPart {
    /// Start of the partition.
    pub partition_us: i64,
    /// Where its first block begins.
    pub from: u64,
    /// Where its last block ends.
    pub to: u64,
    /// How many groups.
    pub groups: u64,
}

/// A finished run.
#[derive(Debug, Clone)]
pub struct SpilledRun {
    /// Its file.
    pub path: PathBuf,
    /// Ascending.
    pub parts: Vec<RunPart>,
}

impl SpilledRun {
    /// What it has of a time partition.
    pub fn part(&self, partition_us: i64) -> Option<RunPart> {
        let at = self.parts.binary_search_by_key(&partition_us, |part| part.partition_us).ok()?;
        Some(self.parts[at])
    }

    /// How many groups it has.
    pub fn groups(&self) -> u64 {
        self.parts.iter().map(|part| part.groups).sum()
    }
}

/// Writes a run.
pub struct RunWriter {
    file: File,
    path: PathBuf,
    parts: Vec<RunPart>,
    /// The block under way, with room for its head.
    block: Vec<u8>,
    groups: u64,
    last_key: Vec<u8>,
    written: u64,
}

impl RunWriter {
    /// Makes a new file.
    pub fn create(path: &Path) -> Result<Self, FileError> {
        let file = File::create(path).map_err(FileError::io("create", path))?;
        Ok(RunWriter {
            file,
            path: path.to_owned(),
            parts: Vec::new(),
            block: vec![0; HEAD_BYTES],
            groups: 0,
            last_key: Vec::new(),
            written: 0,
        })
    }

    /// Whether the next group is the first of its time partition.
    pub fn begins(&self, partition_us: i64) -> bool {
        self.parts.last().is_none_or(|part| part.partition_us != partition_us)
    }

    /// Begins a time partition.
    pub fn begin(&mut self, partition_us: i64) -> Result<(), FileError> {
        self.flush()?;
        let (from, to) = (self.written, self.written);
        self.parts.push(RunPart { partition_us, from, to, groups: 0 });
        Ok(())
    }

    /// Appends a group to the time partition that was begun last.
    pub fn write(&mut self, key: &[u8], group_state: &[u8]) -> Result<(), FileError> {
        let shared = match self.groups {
            0 => 0,
            _ => key.iter().zip(&self.last_key).take_while(|(a, b)| a == b).count(),
        };
        state::append_len(shared, &mut self.block);
        state::append(&key[shared..], &mut self.block);
        state::append(group_state, &mut self.block);
        self.last_key.clear();
        self.last_key.extend_from_slice(key);
        self.groups += 1;
        if self.block.len() >= RUN_BLOCK_BYTES { self.flush() } else { Ok(()) }
    }

    /// Closes the file. It need not outlive a crash: the batch would not either.
    pub fn finish(mut self) -> Result<SpilledRun, FileError> {
        self.flush()?;
        Ok(SpilledRun { path: self.path, parts: self.parts })
    }

    fn flush(&mut self) -> Result<(), FileError> {
        if self.groups == 0 {
            return Ok(());
        }
        let (head, groups) = self.block.split_at_mut(HEAD_BYTES);
        let numbers = [groups.len() as u64, self.groups, xxh3_64(groups)];
        for (place, number) in head.chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        self.file.write_all(&self.block).map_err(FileError::io("write", &self.path))?;
        self.written += self.block.len() as u64;
        if let Some(part) = self.parts.last_mut() {
            part.to = self.written;
            part.groups += self.groups;
        }
        self.block.truncate(HEAD_BYTES);
        self.groups = 0;
        Ok(())
    }
}
