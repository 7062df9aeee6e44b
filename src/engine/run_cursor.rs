//! Reading of spilled runs, a block at a time, by position: all cursors of a run share its descriptor.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use super::cursor::Cursor;
use super::parquet_file::FileError;
use super::run_file::{HEAD_BYTES, SpilledRun};
use super::state;

/// A run that is being read.
#[derive(Debug, Clone)]
pub struct OpenRun {
    run: Arc<SpilledRun>,
    file: Arc<File>,
}

impl OpenRun {
    /// Opens its file.
    pub fn open(run: SpilledRun) -> Result<Self, FileError> {
        let file = File::open(&run.path).map_err(FileError::io("open", &run.path))?;
        Ok(OpenRun { run: Arc::new(run), file: Arc::new(file) })
    }

    /// What it has.
    pub fn run(&self) -> &SpilledRun {
        &self.run
    }

    /// A cursor over what it has of a time partition, if it has anything. `batch`: the one that is being made.
    pub fn cursor(&self, partition_us: i64, batch: u64) -> Result<Option<RunCursor>, FileError> {
        let part = self.run.part(partition_us);
        part.map(|part| RunCursor::new(self, part.from..part.to, batch)).transpose()
    }

    /// A cursor over all it has.
    pub fn whole(&self, batch: u64) -> Result<RunCursor, FileError> {
        let end = self.run.parts.last().map_or(0, |part| part.to);
        RunCursor::new(self, 0..end, batch)
    }
}

/// Reads groups of a run.
pub struct RunCursor {
    run: OpenRun,
    /// What is left behind the block.
    rest: Range<u64>,
    /// The groups of a block.
    block: Vec<u8>,
    /// Where the next group is in it.
    next: usize,
    /// Where the present group's state is in it; `None` at the end.
    state: Option<Range<usize>>,
    key: Vec<u8>,
    batch: u64,
}

impl RunCursor {
    fn new(run: &OpenRun, range: Range<u64>, batch: u64) -> Result<Self, FileError> {
        let mut cursor = RunCursor {
            run: run.clone(),
            rest: range,
            block: Vec::new(),
            next: 0,
            state: None,
            key: Vec::new(),
            batch,
        };
        cursor.advance()?;
        Ok(cursor)
    }

    fn path(&self) -> &Path {
        &self.run.run.path
    }

    fn damaged(&self) -> FileError {
        FileError::Damaged { path: self.path().to_owned(), what: "a spilled group".into() }
    }

    /// Reads the next block; false behind the last.
    fn refill(&mut self) -> Result<bool, FileError> {
        self.block.clear();
        self.next = 0;
        if self.rest.is_empty() {
            return Ok(false);
        }
        let mut head = [0; HEAD_BYTES];
        self.read(|file, at| file.read_exact_at(&mut head, at))?;
        let mut numbers = head.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
        let len = numbers.next().unwrap_or(0);
        let behind = self.rest.start.saturating_add(HEAD_BYTES as u64).saturating_add(len);
        if behind > self.rest.end {
            return Err(self.damaged());
        }
        let mut block = std::mem::take(&mut self.block);
        block.resize(len as usize, 0);
        self.rest.start += HEAD_BYTES as u64;
        self.read(|file, at| file.read_exact_at(&mut block, at))?;
        self.rest.start = behind;
        if numbers.nth(1) != Some(xxh3_64(&block)) {
            return Err(self.damaged());
        }
        self.block = block;
        Ok(true)
    }

    fn read(&self, read: impl FnOnce(&File, u64) -> std::io::Result<()>) -> Result<(), FileError> {
        read(&self.run.file, self.rest.start).map_err(FileError::io("read", self.path()))
    }

    /// Decodes the next group of the block; `None` where it is damaged.
    fn decode(&mut self) -> Option<()> {
        let mut bytes = self.block.get(self.next..)?;
        let shared = state::next_len(&mut bytes)?;
        let key = state::next(&mut bytes)?;
        if shared > self.key.len() {
            return None;
        }
        self.key.truncate(shared);
        self.key.extend_from_slice(key);
        let state = state::next(&mut bytes)?;
        self.next = self.block.len() - bytes.len();
        self.state = Some(self.next - state.len()..self.next);
        Some(())
    }
}

impl Cursor for RunCursor {
    fn key(&self) -> Option<&[u8]> {
        self.state.as_ref().map(|_| self.key.as_slice())
    }

    fn state(&self, out: &mut Vec<u8>) {
        if let Some(state) = &self.state {
            out.extend_from_slice(&self.block[state.clone()]);
        }
    }

    fn batch(&self) -> u64 {
        self.batch
    }

    fn advance(&mut self) -> Result<(), FileError> {
        if self.next == self.block.len() && !self.refill()? {
            self.state = None;
            return Ok(());
        }
        self.decode().ok_or_else(|| self.damaged())
    }
}

#[cfg(test)]
mod tests {
    use super::super::run_file::RunWriter;
    use super::*;
    use proptest::prelude::*;

    type Groups = Vec<(Vec<u8>, Vec<u8>)>;

    fn write(path: &Path, parts: &[(i64, Groups)]) -> SpilledRun {
        let mut writer = RunWriter::create(path).expect("made");
        for (partition_us, groups) in parts {
            writer.begin(*partition_us).expect("room");
            groups.iter().for_each(|(key, state)| writer.write(key, state).expect("room"));
        }
        writer.finish().expect("room")
    }

    fn read(mut cursor: RunCursor) -> Result<Groups, FileError> {
        let mut groups = Vec::new();
        while let Some(key) = cursor.key() {
            let (key, mut state) = (key.to_vec(), Vec::new());
            cursor.state(&mut state);
            groups.push((key, state));
            cursor.advance()?;
        }
        Ok(groups)
    }

    fn groups() -> impl Strategy<Value = Groups> {
        // Now and then a state that is larger than a block.
        let long = prop_oneof![30 => 0..40usize, 1 => 60_000..80_000usize];
        let state = (any::<u8>(), long).prop_map(|(byte, len)| vec![byte; len]);
        let group = (prop::collection::vec(0u8..3, 0..12), state);
        prop::collection::vec(group, 1..60).prop_map(|mut groups| {
            groups.sort();
            groups
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn groups_come_back_by_partition_and_as_a_whole(parts in prop::collection::vec(groups(), 0..5)) {
            let parts: Vec<(i64, Groups)> = parts.into_iter().enumerate().map(|(at, groups)| (10 * at as i64, groups)).collect();
            let folder = tempfile::tempdir().expect("a folder");
            let run = OpenRun::open(write(&folder.path().join("run"), &parts)).expect("a run");
            for (partition_us, groups) in &parts {
                let cursor = run.cursor(*partition_us, 7).expect("read").expect("groups");
                prop_assert_eq!(&read(cursor).expect("read"), groups);
                prop_assert_eq!(run.run().part(*partition_us).map(|part| part.groups), Some(groups.len() as u64));
            }
            prop_assert!(run.cursor(5, 7).expect("read").is_none());
            let all: Groups = parts.into_iter().flat_map(|(_, groups)| groups).collect();
            prop_assert_eq!(read(run.whole(7).expect("read")).expect("read"), all);
        }
    }

    #[test]
    fn a_run_with_a_changed_byte_is_not_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("run");
        let groups: Groups = (0..20u8).map(|n| (vec![1, n], vec![n; 3])).collect();
        let run = write(&path, &[(0, groups.clone())]);
        let good = std::fs::read(&path).expect("read");
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x40;
            std::fs::write(&path, &bad).expect("written");
            let open = OpenRun::open(run.clone()).expect("opened");
            let found = open.whole(1).and_then(read);
            // Of the head, the number of groups is for people only.
            assert!(found.is_err() || (8..16).contains(&at), "byte {at}");
        }
        std::fs::write(&path, &good[..good.len() - 1]).expect("written");
        assert!(OpenRun::open(run).expect("opened").whole(1).and_then(read).is_err(), "cut off");
    }
}
