//! Another try after a lost race.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use super::super::DeliverError;
use super::errors::Fault;

/// How often a transaction starts again that lost against another one, or whose COMMIT was not answered.
const ATTEMPTS_MAX: u32 = 6;
/// The longest pause before the second attempt; it doubles with each one.
const FIRST_PAUSE_MAX: Duration = Duration::from_millis(100);

/// Calls again after a lost race or an unanswered COMMIT, a bounded number of times, with pauses of full jitter.
pub(super) fn retry<T>(mut attempt: impl FnMut() -> Result<T, Fault>) -> Result<T, DeliverError> {
    let mut pause_max = FIRST_PAUSE_MAX;
    for _ in 1..ATTEMPTS_MAX {
        match attempt() {
            Err(fault) if fault.is_worth_another_try() => {
                tracing::debug!("trying again: {fault}");
                std::thread::sleep(pause_max.mul_f64(random_fraction()));
                pause_max *= 2;
            }
            other => return other.map_err(Fault::into_error),
        }
    }
    attempt().map_err(Fault::into_error)
}

/// A number from 0 to 1. `RandomState` is the standard library's only source of randomness.
fn random_fraction() -> f64 {
    RandomState::new().build_hasher().finish() as f64 / u64::MAX as f64
}
