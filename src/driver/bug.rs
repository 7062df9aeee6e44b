//! A panic anywhere in a batch is a bug, but no reason to leave without a word, or to take the other jobs of a process along.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::RunError;

/// Does the work; a panic in it becomes an error. What was not decided by then is as good as never begun, and what was is
/// finished by whoever opens the catalog next.
pub(super) fn caught<T>(work: impl FnOnce() -> Result<T, RunError>) -> Result<T, RunError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        // A test that crashes this process on purpose wants no help.
        #[cfg(debug_assertions)]
        let panic = match panic.downcast::<crate::fault::Crash>() {
            Ok(crash) => std::panic::resume_unwind(crash),
            Err(panic) => panic,
        };
        Err(RunError::Bug(message(&*panic)))
    })
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "without a message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_with_its_message() {
        let error = caught::<()>(|| panic!("seven is {}", 8)).expect_err("a bug").to_string();
        assert!(error.contains("a bug in logmill") && error.contains("seven is 8"), "{error}");
    }
}
