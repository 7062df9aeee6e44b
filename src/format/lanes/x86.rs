//! The same steps, compiled with the features of processors. The only `unsafe`: calls of functions whose features the level
//! has.

use super::super::view::View;
use super::{Lanes, Notation};
use crate::cpu::{self, Level};

/// Reads the values with the best features that this processor has; whether there are any.
#[inline]
pub(super) fn read(lanes: &mut Lanes, text: View<'_>, raw: &[&[u8]], notation: Notation) -> bool {
    match cpu::level() {
        // SAFETY: the processor has the features of this level.
        Level::Avx512 | Level::Vbmi2 => unsafe { read_avx512(lanes, text, raw, notation) },
        // SAFETY: the same.
        Level::Avx2 => unsafe { read_avx2(lanes, text, raw, notation) },
        Level::Scalar => return false,
    }
    true
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt")]
fn read_avx512(lanes: &mut Lanes, text: View<'_>, raw: &[&[u8]], notation: Notation) {
    lanes.read_with(text, raw, notation);
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn read_avx2(lanes: &mut Lanes, text: View<'_>, raw: &[&[u8]], notation: Notation) {
    lanes.read_with(text, raw, notation);
}
