//! The masks of a word by AVX2 (two halves) and by AVX-512 (one comparison a needle). The only `unsafe`: loads of 64 bytes
//! behind a reference to 64 bytes, and calls of functions whose features were found just before.

use std::arch::x86_64::*;

use super::{Index, Masks, Needles, WORD_BYTES};

/// Fills the index by the best kernel that this processor has; whether there is one.
#[inline]
pub(super) fn fill(index: &mut Index, text: &[u8], needles: &Needles) -> bool {
    if has_avx512() {
        // SAFETY: the processor has the features.
        unsafe { fill_avx512(index, text, needles) };
    } else if has_avx2() {
        // SAFETY: the processor has the features.
        unsafe { fill_avx2(index, text, needles) };
    } else {
        return false;
    }
    true
}

fn has_avx512() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("popcnt")
}

fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("popcnt")
}

#[target_feature(enable = "avx512f,avx512bw,bmi1,popcnt")]
fn fill_avx512(index: &mut Index, text: &[u8], needles: &Needles) {
    let [a, b, c] = needles.marks.map(|byte| _mm512_set1_epi8(byte as i8));
    let anchor = _mm512_set1_epi8(needles.anchor as i8);
    index.fill_with(text, |word| {
        // SAFETY: the word has 64 bytes, and the load wants no alignment.
        let bytes = unsafe { _mm512_loadu_si512(word.as_ptr().cast()) };
        Masks {
            marks: _mm512_cmpeq_epi8_mask(bytes, a)
                | _mm512_cmpeq_epi8_mask(bytes, b)
                | _mm512_cmpeq_epi8_mask(bytes, c),
            anchor: _mm512_cmpeq_epi8_mask(bytes, anchor),
            high: _mm512_movepi8_mask(bytes),
        }
    });
}

#[target_feature(enable = "avx2,bmi1,popcnt")]
fn fill_avx2(index: &mut Index, text: &[u8], needles: &Needles) {
    let [a, b, c] = needles.marks.map(|byte| _mm256_set1_epi8(byte as i8));
    let anchor = _mm256_set1_epi8(needles.anchor as i8);
    let bits = |mask: __m256i| u64::from(_mm256_movemask_epi8(mask) as u32);
    index.fill_with(text, |word| {
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
    });
}

/// A way to fill an index.
#[cfg(test)]
pub(super) type Kernel = fn(&mut Index, &[u8], &Needles);

/// The kernels that this processor has.
#[cfg(test)]
pub(super) fn kernels() -> Vec<Kernel> {
    let mut kernels: Vec<Kernel> = Vec::new();
    if has_avx2() {
        // SAFETY: the processor has the features.
        kernels.push(|index, text, needles| unsafe { fill_avx2(index, text, needles) });
    }
    if has_avx512() {
        // SAFETY: the processor has the features.
        kernels.push(|index, text, needles| unsafe { fill_avx512(index, text, needles) });
    }
    kernels
}
