//! SIGINT and SIGTERM end the process at once: an undecided batch leaves nothing visible, a decided one is completed by
//! the next run. It is the same as a crash, which the protocol is made for.

use std::io::Write;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Starts the thread that waits for signals.
pub(super) fn install() {
    // Without the thread, the signals' default action ends the process just as well.
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
    let wait = move || {
        if let Some(signal) = signals.forever().next() {
            let mut stderr = std::io::stderr();
            let _ = writeln!(
                stderr,
                "\nlogmill: stopped by a signal; the next run goes on where the last batch ended"
            );
            std::process::exit(128 + signal);
        }
    };
    let _ = std::thread::Builder::new().name("signals".into()).spawn(wait);
}
