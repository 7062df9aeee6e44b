//! SIGINT and SIGTERM end the process at once: an undecided batch leaves nothing visible, a decided one is completed by
//! the next run. It is the same as a crash, which the protocol is made for. `watch` is given some seconds to bring
//! everything to an end first; a second signal does not wait for that.

use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use logmill::limits::STOP_SECONDS_MAX;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Whether the first signal only asks.
static GENTLY: AtomicBool = AtomicBool::new(false);
/// Whether it has come.
static STOPPED: AtomicBool = AtomicBool::new(false);
/// What is done then.
static ON_STOP: OnceLock<fn()> = OnceLock::new();
/// Which it was.
static SIGNAL: AtomicI32 = AtomicI32::new(0);

/// What a gentle end goes by.
pub(super) struct Stop {
    /// Set by the first signal.
    pub(super) flag: &'static AtomicBool,
    /// Its number.
    pub(super) signal: &'static AtomicI32,
}

/// From now on the first signal sets a flag and calls `on_stop`, and the process has [`STOP_SECONDS_MAX`] to end.
pub(super) fn stop_gently(on_stop: fn()) -> Stop {
    let _ = ON_STOP.set(on_stop);
    GENTLY.store(true, Ordering::Relaxed);
    Stop { flag: &STOPPED, signal: &SIGNAL }
}

/// Of each job, how many deleted files may have lines that only this process can read.
static DELETED: Mutex<Vec<Arc<AtomicUsize>>> = Mutex::new(Vec::new());

/// An end that comes too soon for them is told.
pub(super) fn note_deleted(deleted: Arc<AtomicUsize>) {
    DELETED.lock().unwrap_or_else(PoisonError::into_inner).push(deleted);
}

/// Starts the thread that waits for signals.
pub(super) fn install() {
    // Without the thread, the signals' default action ends the process just as well.
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
    let wait = move || {
        for signal in signals.forever() {
            let is_first = SIGNAL.swap(signal, Ordering::Relaxed) == 0;
            if !GENTLY.load(Ordering::Relaxed) || !is_first {
                end(signal);
            }
            STOPPED.store(true, Ordering::Relaxed);
            if let Some(on_stop) = ON_STOP.get() {
                on_stop();
            }
            let patience = Duration::from_secs(STOP_SECONDS_MAX);
            // Without this thread the service manager's own patience ends it.
            let _ = std::thread::Builder::new().spawn(move || {
                std::thread::sleep(patience);
                end(signal);
            });
        }
    };
    let _ = std::thread::Builder::new().name("signals".into()).spawn(wait);
}

fn end(signal: i32) -> ! {
    let mut stderr = std::io::stderr();
    let _ = writeln!(
        stderr,
        "\nlogmill: stopped by a signal; the next run goes on where the last batch ended"
    );
    tell_deleted();
    std::process::exit(128 + signal)
}

/// Says so, if the process ends before deleted logs that it holds were read to their end.
pub(super) fn tell_deleted() {
    let counts = DELETED.lock().unwrap_or_else(PoisonError::into_inner);
    if counts.iter().any(|count| count.load(Ordering::Relaxed) > 0) {
        let _ = writeln!(
            std::io::stderr(),
            "logmill: a gap, maybe: logs that were deleted may have lines that no batch has read; they are gone with this process"
        );
    }
}
