//! The same walk, compiled with the features of processors. The only `unsafe`: a call of a function whose features the level
//! has.

use super::{Cutter, Run};
use crate::cpu::{self, Level};

/// Takes the lines with the features that this processor has; `None`, and nothing done, where it has none.
#[inline]
pub(super) fn windows<'a, C: Cutter<'a>>(
    run: &mut Run<'_, 'a, C>,
    input: &'a [u8],
    at: usize,
) -> Option<usize> {
    // SAFETY: the processor has the features of this level.
    (cpu::level() >= Level::Avx512).then(|| unsafe { windows_avx512(run, input, at) })
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt")]
fn windows_avx512<'a, C: Cutter<'a>>(
    run: &mut Run<'_, 'a, C>,
    input: &'a [u8],
    at: usize,
) -> usize {
    run.windows(input, at)
}
