//! Heads of texts by one load each, and the loops around them with the features of processors. The only `unsafe`: loads of as
//! many bytes as the text has, and calls of functions whose features the level has.

use std::arch::x86_64::*;

use super::KeyTable;
use super::hash::{HEAD_BYTES, Head};
use crate::cpu::{self, Level};

/// [`KeyTable::intern_texts`] with the features that this processor has; false, and nothing done, where it has none.
#[inline]
pub(super) fn intern_texts(
    table: &mut KeyTable,
    texts: &[&str],
    rows: &[u32],
    numbers: &mut Vec<u32>,
) -> bool {
    let has_features = cpu::level() >= Level::Avx512;
    if has_features {
        // SAFETY: the processor has the features of this level.
        unsafe { intern_texts_avx512(table, texts, rows, numbers) };
    }
    has_features
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt")]
fn intern_texts_avx512(table: &mut KeyTable, texts: &[&str], rows: &[u32], numbers: &mut Vec<u32>) {
    table.intern_texts_by(|text| head(text), texts, rows, numbers);
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt")]
#[inline]
fn head(text: &[u8]) -> Head {
    let bits = _bzhi_u32(0xFFFF, text.len().min(HEAD_BYTES) as u32);
    // SAFETY: only the bytes are read whose bit is set, which the text has.
    let bytes = unsafe { _mm_maskz_loadu_epi8(bits as __mmask16, text.as_ptr().cast()) };
    [_mm_cvtsi128_si64(bytes) as u64, _mm_extract_epi64::<1>(bytes) as u64]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::cpu::{self, Level};
    use crate::engine::hash;

    proptest! {
        #[test]
        fn a_head_is_that_of_safe_code(text in prop::collection::vec(any::<u8>(), 0..40)) {
            if cpu::level() >= Level::Avx512 {
                // SAFETY: the processor has the features of this level.
                prop_assert_eq!(unsafe { super::head(&text) }, hash::head(&text));
            }
        }
    }
}
