//! What can go wrong with a delivery, sorted by what the caller does about it.

/// An error of another layer.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a delivery failed. Messages say what, where and what to do, and never hold a password.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// May pass: the server is down, busy or read-only. Try again later; nothing is lost meanwhile.
    #[error("{place}: {problem}; {help}")]
    Unavailable {
        /// Host, port, database and table, or file and table.
        place: String,
        /// What happened.
        problem: String,
        /// What to do about it.
        help: String,
    },
    /// Will not pass by itself: a wrong password, an unknown database, a table of another job. Fail at once.
    #[error("{place}: {problem}; {help}")]
    Refused {
        /// Host, port, database and table, or file and table.
        place: String,
        /// What happened.
        problem: String,
        /// What to do about it.
        help: String,
    },
    /// The rows could not be read; the database is not at fault.
    #[error("the rows of the delivery could not be read: {0}")]
    Source(#[source] BoxError),
}

impl DeliverError {
    pub(super) fn unavailable(
        place: &str,
        problem: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        DeliverError::Unavailable {
            place: place.into(),
            problem: problem.into(),
            help: help.into(),
        }
    }

    pub(super) fn refused(
        place: &str,
        problem: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        DeliverError::Refused { place: place.into(), problem: problem.into(), help: help.into() }
    }
}
