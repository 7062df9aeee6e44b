//! Files of the store that a delivery still reads: they are not removed although newer ones have taken their place.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How often each file is pinned.
#[derive(Debug, Default, Clone)]
pub(super) struct Pins(Arc<Mutex<BTreeMap<String, usize>>>);

/// Keeps files as long as it lives.
#[derive(Debug)]
pub(super) struct Pinned {
    pins: Pins,
    files: Vec<String>,
}

impl Pins {
    /// Pins files.
    pub(super) fn pin(&self, files: Vec<String>) -> Pinned {
        let mut counts = self.lock();
        for file in &files {
            *counts.entry(file.clone()).or_default() += 1;
        }
        drop(counts);
        Pinned { pins: self.clone(), files }
    }

    /// Whether somebody reads a file.
    pub(super) fn holds(&self, file: &str) -> bool {
        self.lock().contains_key(file)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, usize>> {
        // The counts are right whenever the lock is given back.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let mut counts = self.pins.lock();
        for file in &self.files {
            if let Some(count) = counts.get_mut(file) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(file);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_held_until_its_last_reader_is_done() {
        let pins = Pins::default();
        let first = pins.pin(vec!["a".into(), "b".into()]);
        let second = pins.pin(vec!["a".into()]);
        drop(first);
        assert!(pins.holds("a") && !pins.holds("b"));
        drop(second);
        assert!(!pins.holds("a"));
    }
}
