//! Fingerprints: short hashes of a segment's first bytes (head) and of the bytes before an offset (anchor).

use std::collections::VecDeque;

use xxhash_rust::xxh3::xxh3_64;

/// The longest stretch that a fingerprint covers, in bytes.
pub const FINGERPRINT_BYTES_MAX: usize = 4096;

/// A hash of up to [`FINGERPRINT_BYTES_MAX`] decompressed bytes, with their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Fingerprint {
    /// How many bytes were hashed, at most [`FINGERPRINT_BYTES_MAX`].
    pub len: u32,
    /// Their XXH3 hash (64 bit, seed 0).
    pub hash: u64,
}

impl Fingerprint {
    /// The fingerprint of these bytes; at most [`FINGERPRINT_BYTES_MAX`] of them.
    pub fn of(bytes: &[u8]) -> Self {
        debug_assert!(bytes.len() <= FINGERPRINT_BYTES_MAX);
        Fingerprint { len: bytes.len() as u32, hash: xxh3_64(bytes) }
    }

    /// Whether `bytes` begin with what was hashed.
    pub fn begins(&self, bytes: &[u8]) -> bool {
        bytes.get(..self.len as usize).is_some_and(|head| xxh3_64(head) == self.hash)
    }
}

/// Cuts a stretch of `len` bytes down to what a fingerprint covers.
pub(crate) fn covered(len: u64) -> usize {
    len.min(FINGERPRINT_BYTES_MAX as u64) as usize
}

/// Follows a stream of bytes and keeps what head and anchor need of it.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    length: u64,
}

impl Trace {
    /// Takes note of the next bytes of the stream.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        let wanted = FINGERPRINT_BYTES_MAX - self.head.len();
        self.head.extend_from_slice(&bytes[..wanted.min(bytes.len())]);
        let last = &bytes[bytes.len().saturating_sub(FINGERPRINT_BYTES_MAX)..];
        let surplus = (self.tail.len() + last.len()).saturating_sub(FINGERPRINT_BYTES_MAX);
        self.tail.drain(..surplus);
        self.tail.extend(last);
        self.length += bytes.len() as u64;
    }

    /// Bytes so far.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// The first bytes.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }

    /// The fingerprint of the last bytes.
    pub(crate) fn anchor(&mut self) -> Fingerprint {
        Fingerprint::of(self.tail.make_contiguous())
    }

    /// The last bytes, as many as a fingerprint covers.
    pub(crate) fn tail(&mut self) -> &[u8] {
        self.tail.make_contiguous()
    }

    /// The last byte, if there was any.
    pub(crate) fn last_byte(&self) -> Option<u8> {
        self.tail.back().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_in_any_pieces_keeps_the_first_and_the_last_4096_bytes() {
        let bytes: Vec<u8> = (0..10_000u32).map(|i| (i % 251) as u8).collect();
        for piece in [1, 7, 4095, 4096, 4097, 9_999] {
            let mut trace = Trace::default();
            bytes.chunks(piece).for_each(|part| trace.feed(part));
            assert_eq!(trace.head(), &bytes[..4096]);
            assert_eq!(
                trace.anchor(),
                Fingerprint::of(&bytes[10_000 - 4096..]),
                "pieces of {piece}"
            );
            assert_eq!((trace.length(), trace.last_byte()), (10_000, bytes.last().copied()));
        }
    }

    #[test]
    fn a_shorter_head_is_compared_over_its_own_length() {
        let short = Fingerprint::of(b"one\n");
        assert!(short.begins(b"one\ntwo\n"));
        assert!(!short.begins(b"one"));
        assert!(!short.begins(b"two\none\n"));
    }
}
