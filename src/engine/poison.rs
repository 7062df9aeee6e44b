//! Panics: a line that makes this program fail is a reject, and no reason to fail at the same place in every run.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

/// Bytes of a panic's message that a reject keeps.
const MESSAGE_BYTES_MAX: usize = 200;

/// This program failed while it added up lines that it had read. Its tables may be half-done, so the batch can't go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "nothing was changed: logmill has a bug and failed ({message}) on the lines of {path} around byte {offset}; please \
     report it"
)]
pub struct MapPanic {
    /// What the program said.
    pub message: String,
    /// The file whose lines it were.
    pub path: String,
    /// Where in the (decompressed) file they begin.
    pub offset: u64,
}

/// The reason of a line that made the program panic.
pub(super) fn reason(message: &str) -> String {
    format!("panic: {message} (a bug in logmill, please report it)")
}

thread_local! {
    /// Whether a panic of this thread will be caught: then what it says goes to its reject, not to the terminal.
    static CAUGHT: Cell<bool> = const { Cell::new(false) };
}

static HOOK: Once = Once::new();

/// Does some work; a panic in it becomes its message. What the work changed until then is for the caller to forget.
pub(super) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    HOOK.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !CAUGHT.get() {
                previous(info);
            }
        }));
    });
    let outer = CAUGHT.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    CAUGHT.set(outer);
    result.map_err(|payload| message(payload.as_ref()))
}

/// The first line of what a panic says.
fn message(payload: &(dyn Any + Send)) -> String {
    let text = match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text.as_str(),
        (None, None) => "no message",
    };
    let line = text.lines().next().unwrap_or_default();
    line[..line.floor_char_boundary(MESSAGE_BYTES_MAX)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_the_first_line_of_its_message() {
        assert_eq!(catch(|| 7), Ok(7));
        assert_eq!(catch(|| -> u8 { panic!("plain") }), Err("plain".to_owned()));
        let long = || -> u8 { panic!("é{}\nmore", "é".repeat(150)) };
        assert_eq!(catch(long), Err("é".repeat(100)));
        assert_eq!(catch(|| -> u8 { panic::panic_any(1) }), Err("no message".to_owned()));
    }
}
