//! The same walk, compiled with the features of processors. The only `unsafe`: a call of a function whose features were found
//! just before.

use super::{Cutter, Run};

/// Takes the lines with the features that this processor has; `None`, and nothing done, where it has none.
#[inline]
pub(super) fn windows<'a, C: Cutter<'a>>(
    run: &mut Run<'_, 'a, C>,
    input: &'a [u8],
    at: usize,
) -> Option<usize> {
    // SAFETY: the processor has the features.
    has_avx512().then(|| unsafe { windows_avx512(run, input, at) })
}

fn has_avx512() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2")]
fn windows_avx512<'a, C: Cutter<'a>>(
    run: &mut Run<'_, 'a, C>,
    input: &'a [u8],
    at: usize,
) -> usize {
    run.windows(input, at)
}
