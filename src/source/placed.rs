//! Memory for bytes of a file, placed such that the kernel copies into it fast.
//!
//! What a processor's `rep movsb` takes for a page depends on how far the destination lies behind the source within a page
//! of 4 KiB: on AMD's Zen 3 and 4 a distance of 1 to 31 bytes costs two to six times as much (3 instead of 13 GB/s on
//! Zen 4). A page of the page cache begins where a page of the file does. So what counts is where the memory begins, against
//! the offset in the file; splits that are read from the byte before them into memory that begins with a page would always
//! have a distance of 1. Half a page is far from that, on either side.

/// The page that the distance is counted in.
const PAGE_BYTES: usize = 4096;
/// How far memory lies behind the file's bytes, within a page.
const DISTANCE: usize = PAGE_BYTES / 2;
/// Room for the end of the last line of most splits, so that the memory of a worker need not grow.
const ROOM_BYTES: usize = 16 * 1024;

/// Bytes of a file from a certain offset on, in memory that is used again and again.
#[derive(Debug)]
pub(super) struct Placed<'m> {
    memory: &'m mut Vec<u8>,
    offset: u64,
    /// Where the first of the bytes stands.
    begin: usize,
}

impl<'m> Placed<'m> {
    /// Memory for the bytes from the offset on. What it holds is of no use; [`Placed::hold`] comes first.
    pub(super) fn new(memory: &'m mut Vec<u8>, offset: u64) -> Self {
        let begin = begin(memory, offset);
        Placed { memory, offset, begin }
    }

    /// Memory for `wanted` bytes, of which the first `filled` are as they were.
    pub(super) fn hold(&mut self, filled: usize, wanted: usize) -> &mut [u8] {
        if self.memory.len() < self.begin + wanted {
            self.grow(filled, wanted);
        }
        &mut self.memory[self.begin..self.begin + wanted]
    }

    /// Other memory, since memory that grows in its place may move, and lies anywhere then.
    fn grow(&mut self, filled: usize, wanted: usize) {
        // A line that grows step by step must not be copied with each.
        let half_again = self.memory.len() + self.memory.len() / 2;
        if filled == 0 {
            (*self.memory, self.begin) = (Vec::new(), 0);
        }
        // Memory that is zero already is not written to.
        let mut larger = vec![0; half_again.max(wanted + PAGE_BYTES + ROOM_BYTES)];
        let begin = begin(&larger, self.offset);
        larger[begin..begin + filled].copy_from_slice(&self.memory[self.begin..][..filled]);
        (*self.memory, self.begin) = (larger, begin);
    }

    /// What was held.
    pub(super) fn into_bytes(self) -> &'m [u8] {
        &self.memory[self.begin..]
    }
}

/// Where in the memory bytes from this offset on have to begin.
fn begin(memory: &[u8], offset: u64) -> usize {
    let wanted = (offset % PAGE_BYTES as u64) as usize + DISTANCE;
    wanted.wrapping_sub(memory.as_ptr().addr()) % PAGE_BYTES
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn distance(bytes: &[u8], offset: u64) -> u64 {
        (bytes.as_ptr().addr() as u64).wrapping_sub(offset) % PAGE_BYTES as u64
    }

    #[test]
    fn lines_of_a_few_kib_behind_a_split_fit_without_other_memory() {
        let mut memory = Vec::new();
        for split in 0..100 {
            let mut placed = Placed::new(&mut memory, split * (1 << 20));
            placed.hold(0, 1 << 20);
            placed.hold(1 << 20, (1 << 20) + ROOM_BYTES);
            assert_eq!(memory.len(), (1 << 20) + ROOM_BYTES + PAGE_BYTES);
        }
    }

    proptest! {
        #[test]
        fn bytes_lie_half_a_page_off_and_stay_what_they_are_while_memory_grows(
            rounds in prop::collection::vec((0..20_000u64, prop::collection::vec(0..30_000usize, 1..6)), 1..6),
        ) {
            let mut memory = Vec::new();
            for (offset, steps) in rounds {
                let mut placed = Placed::new(&mut memory, offset);
                let mut filled = 0;
                for step in steps {
                    let wanted = filled + step;
                    let bytes = placed.hold(filled, wanted);
                    prop_assert_eq!(bytes.len(), wanted);
                    prop_assert_eq!(distance(bytes, offset), DISTANCE as u64);
                    for (at, byte) in bytes.iter_mut().enumerate() {
                        match at < filled {
                            true => prop_assert_eq!(*byte, at as u8),
                            false => *byte = at as u8,
                        }
                    }
                    filled = wanted;
                }
                let bytes = placed.into_bytes();
                prop_assert!(bytes[..filled].iter().enumerate().all(|(at, byte)| *byte == at as u8));
            }
        }
    }
}
