//! Where the kills fell.

use std::fmt;

/// What a kill interrupted, by what the catalog says afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Nothing of the batch was decided: planning, reading, staging.
    BeforeDecision,
    /// Decided, and some renames were to be done.
    Publishing,
    /// All files had their names; an SQL output still lacked the batch.
    Delivering,
    /// All was done but the process's end.
    AfterDelivery,
}

/// Counts of many trials.
#[derive(Debug, Default)]
pub struct Figures {
    pub trials: u64,
    /// Runs that ended by themselves.
    pub ended: u64,
    /// Looks that the watchers took at all outputs.
    pub looks: u64,
    moments: [u64; 4],
}

impl Figures {
    pub fn killed(&mut self, moment: Moment) {
        self.moments[moment as usize] += 1;
    }

    pub fn kills(&self) -> u64 {
        self.moments.iter().sum()
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [before, publishing, delivering, after] = self.moments;
        write!(
            f,
            "{} trials, {} kills ({before} before the decision, {publishing} while publishing, {delivering} before or in \
             the delivery, {after} after it), {} runs ended by themselves, {} looks at the outputs",
            self.trials,
            self.kills(),
            self.ended,
            self.looks
        )
    }
}
