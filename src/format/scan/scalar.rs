//! The masks of a word without SIMD: what every kernel must give.

use super::{Masks, Needles, WORD_BYTES};

/// What a word of text holds.
#[inline(always)]
pub(super) fn masks(word: &[u8; WORD_BYTES], needles: &Needles) -> Masks {
    let mut masks = Masks::default();
    for (at, &byte) in word.iter().enumerate() {
        let [a, b, c] = needles.marks;
        masks.marks |= u64::from((byte == a) | (byte == b) | (byte == c)) << at;
        masks.anchor |= u64::from(byte == needles.anchor) << at;
        masks.high |= u64::from(byte >= 0x80) << at;
    }
    masks
}
