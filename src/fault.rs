//! Fault points: named places where a test kills, stops or fails the program. Without debug assertions nothing of them is
//! compiled.
//!
//! `LOGMILL_FAULT=NAME:N:ACTION` acts at the N-th pass (from 1) of the point NAME: `abort` dies as by kill -9, `panic`
//! panics, `stop` stops the process until SIGCONT, `error` makes [`io`] fail. `LOGMILL_FAULT_LOG=FILE` appends the name
//! of each point passed, a line each, so that a test can go through all of them.

/// A point that can't fail by itself.
#[inline]
pub fn point(name: &'static str) {
    #[cfg(debug_assertions)]
    drop(dev::pass(name));
    #[cfg(not(debug_assertions))]
    let _ = name;
}

/// A point before an operation that can fail.
#[inline]
pub fn io(name: &'static str) -> std::io::Result<()> {
    #[cfg(debug_assertions)]
    dev::pass(name)?;
    #[cfg(not(debug_assertions))]
    let _ = name;
    Ok(())
}

#[cfg(debug_assertions)]
pub use dev::{Armed, Crash, arm};

#[cfg(debug_assertions)]
mod dev {
    use std::io::{self, Write};
    use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

    use signal_hook::consts::SIGKILL;
    use signal_hook::low_level::raise;

    /// What a panic at an armed point carries: a test that catches it knows that nothing else went wrong.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Crash;

    /// What is to happen at which pass of which point.
    struct Fault {
        name: String,
        passes_left: u64,
        action: Action,
    }

    #[derive(Clone, Copy)]
    enum Action {
        Abort,
        Panic,
        Stop,
        Error,
        Crash,
    }

    static FROM_ENVIRONMENT: OnceLock<Mutex<Option<Fault>>> = OnceLock::new();
    static ARMED: Mutex<Option<Fault>> = Mutex::new(None);
    static ONE_TEST: Mutex<()> = Mutex::new(());

    /// A point that is armed until this is dropped.
    pub struct Armed {
        _alone: MutexGuard<'static, ()>,
    }

    /// Panics with [`Crash`] at the `n`-th pass (from 1) of a point by any thread of this process. A second caller waits
    /// until the first one's guard is gone; tests that pass points without arming one belong into another process.
    pub fn arm(name: &str, n: u64) -> Armed {
        let alone = ONE_TEST.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = Fault { name: name.to_owned(), passes_left: n, action: Action::Crash };
        *ARMED.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
        Armed { _alone: alone }
    }

    impl Drop for Armed {
        fn drop(&mut self) {
            *ARMED.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    pub(super) fn pass(name: &str) -> io::Result<()> {
        log(name);
        let environment = FROM_ENVIRONMENT.get_or_init(|| Mutex::new(from_environment()));
        for place in [environment, &ARMED] {
            // The lock is given back before the action: a stopped or unwound thread must not hold it.
            let action = due(&mut place.lock().unwrap_or_else(PoisonError::into_inner), name);
            match action {
                None => {}
                Some(Action::Abort) => {
                    let _ = raise(SIGKILL);
                    std::process::abort();
                }
                Some(Action::Panic) => panic!("fault point {name}"),
                Some(Action::Stop) => raise(signal_hook::consts::SIGSTOP)?,
                Some(Action::Error) => return Err(io::Error::other(format!("fault point {name}"))),
                // Without the panic's message: it is the test's own doing.
                Some(Action::Crash) => std::panic::resume_unwind(Box::new(Crash)),
            }
        }
        Ok(())
    }

    fn due(place: &mut Option<Fault>, name: &str) -> Option<Action> {
        let fault = place.as_mut().filter(|fault| fault.name == name && fault.passes_left > 0)?;
        fault.passes_left -= 1;
        (fault.passes_left == 0).then_some(fault.action)
    }

    /// # Panics
    /// Where the variable says nothing that can be done: a test with a misspelt fault must not pass.
    fn from_environment() -> Option<Fault> {
        let text = std::env::var("LOGMILL_FAULT").ok()?;
        let parts: Vec<&str> = text.split(':').collect();
        let fault = match parts[..] {
            [name, passes, action] => {
                let action = match action {
                    "abort" => Some(Action::Abort),
                    "panic" => Some(Action::Panic),
                    "stop" => Some(Action::Stop),
                    "error" => Some(Action::Error),
                    _ => None,
                };
                passes.parse().ok().zip(action).map(|(passes_left, action)| Fault {
                    name: name.to_owned(),
                    passes_left,
                    action,
                })
            }
            _ => None,
        };
        Some(fault.unwrap_or_else(|| panic!("LOGMILL_FAULT={text} is not NAME:N:ACTION")))
    }

    fn log(name: &str) {
        let Some(path) = std::env::var_os("LOGMILL_FAULT_LOG") else { return };
        let file = std::fs::File::options().append(true).create(true).open(path);
        // One write, so that threads don't mix their lines.
        let _ = file.and_then(|mut file| file.write_all(format!("{name}\n").as_bytes()));
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;

    #[test]
    fn an_armed_point_crashes_once_at_its_pass() {
        let _armed = arm("fault.test", 2);
        point("fault.test");
        point("fault.other");
        let crash = std::panic::catch_unwind(|| point("fault.test")).expect_err("the second pass");
        assert_eq!(crash.downcast_ref(), Some(&Crash));
        point("fault.test");
    }
}
