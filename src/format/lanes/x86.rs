//! The same steps, compiled with the features of processors. The only `unsafe`: calls of functions whose features were found
//! just before.

use super::super::view::View;
use super::{Lanes, Notation};

/// Reads the values with the best features that this processor has; whether there are any.
#[inline]
pub(super) fn read(lanes: &mut Lanes, text: View<'_>, raw: &[&[u8]], notation: Notation) -> bool {
    if has_avx512() {
        // SAFETY: the processor has the features.
        unsafe { read_avx512(lanes, text, raw, notation) };
    } else if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has the feature.
        unsafe { read_avx2(lanes, text, raw, notation) };
    } else {
        return false;
    }
    true
}

fn has_avx512() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn read_avx512(lanes: &mut Lanes, text: View<'_>, raw: &[&[u8]], notation: Notation) {
    lanes.read_with(text, raw, notation);
}

#[target_feature(enable = "avx2")]
fn read_avx2(lanes: &mut Lanes, text: View<'_>, raw: &[&[u8]], notation: Notation) {
    lanes.read_with(text, raw, notation);
}

/// A way to read values.
#[cfg(test)]
pub(super) type Kernel = fn(&mut Lanes, View<'_>, &[&[u8]], Notation);

/// The ways that this processor has.
#[cfg(test)]
pub(super) fn kernels() -> Vec<Kernel> {
    let mut kernels: Vec<Kernel> = Vec::new();
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has the feature.
        kernels.push(|lanes, text, raw, as_| unsafe { read_avx2(lanes, text, raw, as_) });
    }
    if has_avx512() {
        // SAFETY: the processor has the features.
        kernels.push(|lanes, text, raw, as_| unsafe { read_avx512(lanes, text, raw, as_) });
    }
    kernels
}
