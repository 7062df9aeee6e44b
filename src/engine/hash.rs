//! Hashes of keys and values in memory. They decide slots only, never results: nothing that is stored or shown depends on
//! them, so they are seeded anew by each process, and no log can be written so that its keys collide.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0u64));

/// Spreads the bits (digits of pi, as good as any).
const SPREAD: u64 = 0x2438_6a88_85a3_08d3;
const MIX: u64 = 0x1319_8a2e_0370_7344;

/// A keyed hash function: two multiplications for up to 16 bytes, one more for each 16 further ones; for texts one less.
#[derive(Debug, Clone, Copy)]
pub struct Hasher {
    seed: u64,
}

impl Default for Hasher {
    fn default() -> Self {
        Hasher { seed: *SEED }
    }
}

/// The product of 64 by 64 bits, its halves folded into one.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

#[inline]
fn word(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |word| u64::from_le_bytes(*word))
}

#[inline]
fn half(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |half| u64::from(u32::from_le_bytes(*half)))
}

impl Hasher {
    /// The hash of bytes.
    #[inline]
    pub fn bytes(self, bytes: &[u8]) -> u64 {
        let len = bytes.len();
        let (a, b, mut state) = match len {
            // First and last words overlap where they must: the length tells such bytes apart.
            8..=16 => (word(bytes), word(&bytes[len - 8..]), self.seed),
            4..=7 => (half(bytes), half(&bytes[len - 4..]), self.seed),
            0..=3 => (short(bytes), 0, self.seed),
            _ => {
                let mut state = self.seed;
                for block in bytes[..len - 1].chunks_exact(16) {
                    state = fold(word(block) ^ state, word(&block[8..]) ^ MIX);
                }
                (word(&bytes[len - 16..]), word(&bytes[len - 8..]), state)
            }
        };
        state = fold(a ^ state, b ^ SPREAD);
        fold(state ^ len as u64, self.seed ^ MIX)
    }

    /// The hash of a text, whose first bytes are given too. Without a jump up to 16 bytes: the lengths of texts are hard to
    /// predict.
    #[inline(always)]
    pub fn text(self, head: Head, text: &[u8]) -> u64 {
        // Behind a text of less than 16 bytes are zeros: the length tells it from one with zeros of its own. By how much it
        // changes the state is known to this process only.
        let mut state = self.seed.wrapping_mul(2 * text.len() as u64 + 1);
        if let Some(rest) = text.get(HEAD_BYTES..).filter(|rest| !rest.is_empty()) {
            for block in rest[..rest.len() - 1].chunks_exact(HEAD_BYTES) {
                state = fold(word(block) ^ state, word(&block[8..]) ^ MIX);
            }
            let last = &text[text.len() - HEAD_BYTES..];
            state = fold(word(last) ^ state, word(&last[8..]) ^ MIX);
        }
        fold(head[0] ^ state, head[1] ^ self.seed.rotate_left(32) ^ SPREAD)
    }

    /// The hash of a number.
    #[inline]
    pub fn number(self, number: u64) -> u64 {
        fold(fold(number ^ self.seed, SPREAD) ^ number, self.seed ^ MIX)
    }

    /// The hash of a long number.
    #[inline]
    pub fn wide(self, number: u128) -> u64 {
        let state = fold(number as u64 ^ self.seed, (number >> 64) as u64 ^ SPREAD);
        fold(state, self.seed ^ MIX)
    }
}

/// Bytes of a [`Head`].
pub const HEAD_BYTES: usize = 16;

/// The first sixteen bytes of a text, zeros behind a shorter one.
pub type Head = [u64; 2];

/// The head of a text.
#[inline]
pub fn head(text: &[u8]) -> Head {
    let len = text.len();
    match (text.first_chunk::<HEAD_BYTES>(), len) {
        (Some(first), _) => [word(first), word(&first[8..])],
        // The last word without the bytes that the first one has.
        (None, 8..) => [word(text), word(&text[len - 8..]).unbounded_shr(8 * (16 - len as u32))],
        (None, 4..) => [half(text) | half(&text[len - 4..]) << (8 * (len - 4)), 0],
        _ => [text.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)), 0],
    }
}

/// Up to three bytes as a number.
#[inline]
fn short(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many pairs of some hashes are equal in their upper 32 bits.
    fn collisions(mut hashes: Vec<u64>) -> usize {
        hashes.iter_mut().for_each(|hash| *hash >>= 32);
        hashes.sort_unstable();
        hashes.windows(2).filter(|pair| pair[0] == pair[1]).count()
    }

    #[test]
    fn near_values_are_spread() {
        let hasher = Hasher { seed: 0x4528_21e6_38d0_1377 };
        let numbers = || 0..20_000u64;
        let texts =
            |width: usize| numbers().map(move |n| hasher.bytes(format!("{n:0width$}").as_bytes()));
        // 2e8 pairs over 2^32 values: 0.05 are to be expected.
        let text = |text: String| hasher.text(head(text.as_bytes()), text.as_bytes());
        for width in [1, 8, 9, 16, 17, 24, 32, 33, 40] {
            assert!(collisions(texts(width).collect()) <= 2, "{width}");
            let heads = numbers().map(|n| text(format!("{n:0width$}")));
            assert!(collisions(heads.collect()) <= 2, "{width}");
        }
        assert!(collisions(numbers().map(|n| hasher.number(n)).collect()) <= 2);
        assert!(collisions(numbers().map(|n| hasher.number(n << 44)).collect()) <= 2);
        assert!(collisions(numbers().map(|n| hasher.wide(u128::from(n) << 90)).collect()) <= 2);
        assert!(collisions(numbers().map(|n| hasher.wide(u128::from(n))).collect()) <= 2);
    }

    #[test]
    fn a_head_is_the_first_bytes() {
        for len in 0..40 {
            let text: Vec<u8> = (1..=len).collect();
            let mut padded = [0; HEAD_BYTES];
            text.iter().zip(&mut padded).for_each(|(&byte, to)| *to = byte);
            assert_eq!(head(&text), [word(&padded), word(&padded[8..])], "{len}");
        }
    }

    #[test]
    fn every_byte_and_the_length_count() {
        let hasher = Hasher { seed: 0x4528_21e6_38d0_1377 };
        let mut seen = std::collections::HashSet::new();
        for len in 0..70 {
            let bytes = vec![0; len];
            assert!(seen.insert((1, hasher.bytes(&bytes))), "{len} zeros");
            assert!(seen.insert((2, hasher.text(head(&bytes), &bytes))), "{len} zeros");
            for at in 0..len {
                let mut changed = bytes.clone();
                changed[at] = 1;
                assert!(seen.insert((1, hasher.bytes(&changed))), "byte {at} of {len}");
                let hash = hasher.text(head(&changed), &changed);
                assert!(seen.insert((2, hash)), "byte {at} of {len}");
            }
        }
    }
}
