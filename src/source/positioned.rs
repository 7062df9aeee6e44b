//! Reading a plain file by position, without wading through its holes: a file that was extended to 10 GiB by mistake
//! is a line of 10 GiB of NULs, and must not take minutes.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use super::SourceError;
use super::map::next_data;

/// Reads a stretch that the file had when it was planned.
pub(crate) fn read_exact(
    file: &File,
    path: &Path,
    into: &mut [u8],
    offset: u64,
) -> Result<(), SourceError> {
    file.read_exact_at(into, offset).map_err(|source| match source.kind() {
        std::io::ErrorKind::UnexpectedEof => {
            SourceError::Changed { path: path.to_owned(), what: "it became shorter" }
        }
        _ => SourceError::io("read", path)(source),
    })
}

/// Where a file may have holes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Holes {
    possible: bool,
}

impl Holes {
    /// A file with fewer blocks than bytes has holes (or a file system that compresses).
    pub(crate) fn of(meta: &std::fs::Metadata) -> Self {
        Holes { possible: meta.blocks().saturating_mul(512) < meta.size() }
    }

    /// Whether there may be any.
    pub(crate) fn are_possible(self) -> bool {
        self.possible
    }

    /// Where the data of the stretch begin; its end if it is all hole.
    pub(crate) fn skip(self, file: &File, stretch: &Range<u64>) -> u64 {
        if !self.possible {
            return stretch.start;
        }
        let data = next_data(file, stretch.start).unwrap_or(stretch.end);
        data.clamp(stretch.start, stretch.end)
    }

    /// As [`read_exact`], but the hole that the stretch begins with is not read.
    pub(crate) fn read_exact(
        self,
        file: &File,
        path: &Path,
        into: &mut [u8],
        offset: u64,
    ) -> Result<(), SourceError> {
        let stretch = offset..offset + into.len() as u64;
        let data = self.skip(file, &stretch);
        let (hole, rest) = into.split_at_mut((data - offset) as usize);
        hole.fill(0);
        read_exact(file, path, rest, data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_reads_as_zeros_whether_it_is_skipped_or_not() {
        let path = tempfile::NamedTempFile::new().expect("temporary file");
        let file = path.as_file();
        file.write_all_at(b"one\n", 0).expect("written");
        file.write_all_at(b"end\n", 1 << 20).expect("written");
        file.set_len(2 << 20).expect("extended");
        let holes = Holes::of(&file.metadata().expect("is there"));
        assert!(holes.possible, "this needs a file system with holes");
        assert!(holes.skip(file, &(100_000..2 << 20)) > 500_000);
        assert_eq!(holes.skip(file, &(1_500_000..2 << 20)), 2 << 20);
        for stretch in [0..10, 500_000..1_100_000, 1_048_570..1_048_580, 1_100_000..2 << 20] {
            let mut plain = vec![1; stretch.end - stretch.start];
            let mut skipped = plain.clone();
            let offset = stretch.start as u64;
            read_exact(file, path.path(), &mut plain, offset).expect("read");
            holes.read_exact(file, path.path(), &mut skipped, offset).expect("read");
            assert_eq!(plain, skipped);
        }
    }
}
