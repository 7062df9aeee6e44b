//! Sorted runs of a delivery that memory can't hold, in a file without a name, and their merge.
//!
//! A run is as plain as can be: each row behind its length in four bytes. Its xxh3-64 is kept in memory, and compared when
//! the run was read, which is before COMMIT.

use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use xxhash_rust::xxh3::Xxh3;

use super::run::Run;

/// What is read of a run at a time.
pub(super) const READ_BYTES: usize = 64 << 10;
const WRITE_BYTES: usize = 1 << 20;

/// Where a run lies in the file.
struct Spilled {
    place: Range<u64>,
    checksum: u64,
}

/// The runs so far.
pub(super) struct Spill {
    /// Where the file is made.
    path: PathBuf,
    file: Option<File>,
    runs: Vec<Spilled>,
}

impl Spill {
    /// None yet, and no file.
    pub(super) fn new(path: PathBuf) -> Self {
        Spill { path, file: None, runs: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.runs.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Adds a run that is sorted. After an error it holds what it held before.
    pub(super) fn add(&mut self, run: &Run) -> io::Result<()> {
        let from = self.runs.last().map_or(0, |run| run.place.end);
        let mut hasher = Xxh3::new();
        let mut to = from;
        let mut file = self.file()?;
        file.seek(SeekFrom::Start(from))?;
        let mut out = BufWriter::with_capacity(WRITE_BYTES, file);
        for row in run.rows() {
            let length = u32::try_from(row.len()).map_err(io::Error::other)?.to_le_bytes();
            for bytes in [&length[..], row] {
                out.write_all(bytes)?;
                hasher.update(bytes);
                to += bytes.len() as u64;
            }
        }
        out.flush()?;
        drop(out);
        self.runs.push(Spilled { place: from..to, checksum: hasher.digest() });
        Ok(())
    }

    fn file(&mut self) -> io::Result<&File> {
        let file = match self.file.take() {
            Some(file) => file,
            None => {
                let mut options = File::options();
                let file = options.read(true).write(true).create_new(true);
                let file = file.open(&self.path)?;
                // Nobody else needs its name, and the end of the process is its end.
                std::fs::remove_file(&self.path)?;
                file
            }
        };
        Ok(self.file.insert(file))
    }

    /// Hands out the rows of all runs in the order of their keys, and forgets them.
    pub(super) fn merge<E: From<io::Error>>(
        &mut self,
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<u64, E> {
        let runs = std::mem::take(&mut self.runs);
        let Some(file) = &self.file else { return Ok(0) };
        let mut heads = BinaryHeap::new();
        for run in runs {
            heads.extend(Head::open(file, run)?);
        }
        let mut rows = 0;
        while let Some(mut head) = heads.peek_mut() {
            each(&head.row)?;
            rows += 1;
            if !head.next()? {
                PeekMut::pop(head);
            }
        }
        // What follows begins at the file's begin again.
        file.set_len(0)?;
        Ok(rows)
    }
}

/// A run that is read, at one of its rows. The least row is the greatest head, as the heap wants it.
struct Head<'f> {
    row: Vec<u8>,
    rest: BufReader<Section<'f>>,
    left: u64,
    hasher: Xxh3,
    checksum: u64,
}

impl<'f> Head<'f> {
    /// At its first row; `None` if it has none.
    fn open(file: &'f File, run: Spilled) -> io::Result<Option<Self>> {
        let Spilled { place, checksum } = run;
        let left = place.end - place.start;
        let section = Section { file, at: place.start };
        let rest = BufReader::with_capacity(READ_BYTES, section);
        let mut head = Head { row: Vec::new(), rest, left, hasher: Xxh3::new(), checksum };
        Ok(head.next()?.then_some(head))
    }

    /// Goes on to the next row. Behind the last it looks whether they were what was written.
    fn next(&mut self) -> io::Result<bool> {
        if self.left == 0 {
            return if self.hasher.digest() == self.checksum { Ok(false) } else { Err(damaged()) };
        }
        let mut length = [0; 4];
        self.rest.read_exact(&mut length)?;
        self.hasher.update(&length);
        let length = u64::from(u32::from_le_bytes(length));
        self.left = self.left.checked_sub(4 + length).ok_or_else(damaged)?;
        self.row.resize(length as usize, 0);
        self.rest.read_exact(&mut self.row)?;
        self.hasher.update(&self.row);
        Ok(true)
    }
}

fn damaged() -> io::Error {
    io::Error::other(
        "rows that were put aside to be sorted do not read as they were written: the disk or the memory is failing",
    )
}

impl Ord for Head<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.row.cmp(&self.row)
    }
}

impl PartialOrd for Head<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.row == other.row
    }
}

impl Eq for Head<'_> {}

/// The file from some place on.
struct Section<'f> {
    file: &'f File,
    at: u64,
}

impl Read for Section<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(into, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Rows as a delivery has them; keys of the same first half occur.
    fn texts(numbers: &[u16]) -> Vec<String> {
        let text =
            |n: &u16| format!("(x'{:016x}{n:048x}',{})", n % 7, "1".repeat(*n as usize % 40));
        numbers.iter().map(text).collect()
    }

    fn merged(spill: &mut Spill) -> io::Result<Vec<String>> {
        let mut rows = Vec::new();
        let count = spill.merge(|row| {
            rows.push(String::from_utf8_lossy(row).into_owned());
            Ok::<_, io::Error>(())
        })?;
        assert_eq!(count, rows.len() as u64);
        Ok(rows)
    }

    proptest! {
        #[test]
        fn runs_are_merged_into_one_again_and_again(
            numbers in prop::collection::btree_set(any::<u16>(), 0..300),
            runs in 1_usize..9,
        ) {
            let folder = tempfile::tempdir().expect("a folder");
            let mut spill = Spill::new(folder.path().join("rows"));
            let numbers: Vec<u16> = numbers.into_iter().collect();
            let mut expected = texts(&numbers);
            expected.sort();
            for _ in 0..2 {
                for nth in 0..runs {
                    let some: Vec<u16> = numbers.iter().copied().skip(nth).step_by(runs).collect();
                    spill.add(&Run::of(&texts(&some))).expect("written");
                }
                prop_assert_eq!(spill.len(), runs);
                prop_assert_eq!(&merged(&mut spill).expect("read"), &expected);
                prop_assert!(spill.is_empty());
            }
            prop_assert_eq!(std::fs::read_dir(folder.path()).expect("listed").count(), 0);
        }
    }

    #[test]
    fn a_bit_that_flips_in_what_was_put_aside_is_found() {
        let folder = tempfile::tempdir().expect("a folder");
        for bit in 0..8 * 4 * 80 {
            let mut spill = Spill::new(folder.path().join("rows"));
            spill.add(&Run::of(&texts(&[1, 2]))).expect("written");
            spill.add(&Run::of(&texts(&[3, 41]))).expect("written");
            let file = spill.file.as_ref().expect("a file");
            let (mut byte, at) = ([0], bit / 8);
            if file.read_at(&mut byte, at).expect("read") == 0 {
                break;
            }
            byte[0] ^= 1 << (bit % 8);
            file.write_at(&byte, at).expect("written");
            assert!(merged(&mut spill).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn what_has_no_room_leaves_what_was_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut spill = Spill::new(folder.path().join("missing/rows"));
        assert!(spill.add(&Run::of(&texts(&[1]))).is_err());
        assert_eq!(merged(&mut spill).expect("nothing"), [""; 0]);
        std::fs::create_dir(folder.path().join("missing")).expect("made");
        spill.add(&Run::of(&texts(&[9, 4]))).expect("written");
        // A file that can't be written any more.
        let file = spill.file.replace(File::open("/dev/null").expect("opened"));
        assert!(spill.add(&Run::of(&texts(&[5, 6]))).is_err());
        spill.file = file;
        assert_eq!(merged(&mut spill).expect("read"), texts(&[9, 4]));
    }
}
