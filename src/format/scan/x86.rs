//! The masks of a word by AVX2 (two halves) and by AVX-512 (one comparison a needle); with VBMI2 also the list of places, 16 at
//! once. The only `unsafe`: loads and stores of 64 bytes behind a reference to 64 bytes, and calls of functions whose features
//! the level has.

use std::arch::x86_64::*;

use super::{Index, Masks, Needles, WORD_BYTES, list};
use crate::cpu::{self, Level};

/// Fills the index by the best kernel that this processor has; whether there is one.
#[inline]
pub(super) fn fill(index: &mut Index, text: &[u8], needles: &Needles) -> bool {
    match cpu::level() {
        // SAFETY: the processor has the features of this level.
        Level::Vbmi2 => unsafe { fill_vbmi2(index, text, needles) },
        // SAFETY: the same.
        Level::Avx512 => unsafe { fill_avx512(index, text, needles) },
        // SAFETY: the same.
        Level::Avx2 => unsafe { fill_avx2(index, text, needles) },
        Level::Scalar => return false,
    }
    true
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2,bmi1,bmi2,popcnt")]
fn fill_vbmi2(index: &mut Index, text: &[u8], needles: &Needles) {
    let places: [u8; WORD_BYTES] = std::array::from_fn(|place| place as u8);
    // SAFETY: the array has 64 bytes, and the load wants no alignment.
    let places = unsafe { _mm512_loadu_si512(places.as_ptr().cast()) };
    let list = |mut to: &mut [u32], base: u32, marks: u64| {
        let (base, mut count) = (_mm512_set1_epi32(base as i32), marks.count_ones());
        let mut found = _mm512_maskz_compress_epi8(marks, places);
        // Sixteen are written, however many there are.
        while let Some((sixteen, rest)) = to.split_first_chunk_mut::<16>() {
            let wide = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(found));
            let wide = _mm512_add_epi32(wide, base);
            // SAFETY: sixteen numbers have 64 bytes, and the store wants no alignment.
            unsafe { _mm512_storeu_si512(sixteen.as_mut_ptr().cast(), wide) };
            if count <= 16 {
                return;
            }
            // The next sixteen bytes come to the front.
            found = _mm512_alignr_epi32::<4>(_mm512_setzero_si512(), found);
            (count, to) = (count - 16, rest);
        }
    };
    index.fill_with(text, masks_avx512(needles), list);
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt")]
fn fill_avx512(index: &mut Index, text: &[u8], needles: &Needles) {
    index.fill_with(text, masks_avx512(needles), list);
}

/// The masks of a word by one comparison a needle.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt")]
#[inline]
fn masks_avx512(needles: &Needles) -> impl Fn(&[u8; WORD_BYTES]) -> Masks + use<> {
    let [a, b, c] = needles.marks.map(|byte| _mm512_set1_epi8(byte as i8));
    let anchor = _mm512_set1_epi8(needles.anchor as i8);
    move |word| {
        // SAFETY: the word has 64 bytes, and the load wants no alignment.
        let bytes = unsafe { _mm512_loadu_si512(word.as_ptr().cast()) };
        Masks {
            marks: _mm512_cmpeq_epi8_mask(bytes, a)
                | _mm512_cmpeq_epi8_mask(bytes, b)
                | _mm512_cmpeq_epi8_mask(bytes, c),
            anchor: _mm512_cmpeq_epi8_mask(bytes, anchor),
            high: _mm512_movepi8_mask(bytes),
        }
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn fill_avx2(index: &mut Index, text: &[u8], needles: &Needles) {
    let [a, b, c] = needles.marks.map(|byte| _mm256_set1_epi8(byte as i8));
    let anchor = _mm256_set1_epi8(needles.anchor as i8);
    let bits = |mask: __m256i| u64::from(_mm256_movemask_epi8(mask) as u32);
    let masks = |word: &[u8; WORD_BYTES]| {
        let half = |at: usize| {
            // SAFETY: each half has 32 of the word's 64 bytes, and the load wants no alignment.
            let bytes =
                unsafe { _mm256_loadu_si256(word[at..at + WORD_BYTES / 2].as_ptr().cast()) };
            let eq = |needle| _mm256_cmpeq_epi8(bytes, needle);
            let marks = _mm256_or_si256(_mm256_or_si256(eq(a), eq(b)), eq(c));
            (bits(marks), bits(eq(anchor)), bits(bytes))
        };
        let (low, high) = (half(0), half(WORD_BYTES / 2));
        Masks {
            marks: low.0 | high.0 << 32,
            anchor: low.1 | high.1 << 32,
            high: low.2 | high.2 << 32,
        }
    };
    index.fill_with(text, masks, list);
}
