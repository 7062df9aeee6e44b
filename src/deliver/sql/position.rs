//! The rules of the table of batches: whether a delivery is due, done already, or would harm.

use super::Delivery;

/// The newest batch that a table knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The state directory that wrote it.
    pub state_id: String,
    /// Number of the batch.
    pub batch: u64,
    /// Number of the run that wrote it.
    pub fence: u64,
    /// The random number that the catalog drew for the batch.
    pub token: u64,
}

/// What is to be done about a delivery.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Write it.
    Deliver,
    /// Forget the batches of the former owner, then write it.
    TakeOver,
    /// The table has it.
    Done,
    /// Leave the table alone: what is wrong, and what to do.
    Refuse {
        /// What is wrong.
        problem: String,
        /// What to do.
        help: String,
    },
}

/// Judges a delivery by the newest batch that the table knows.
pub(super) fn judge(known: Option<&Position>, delivery: &Delivery) -> Verdict {
    let Some(known) = known else {
        return Verdict::Deliver;
    };
    let conflict = conflict(known, delivery);
    match conflict {
        Some(_) if delivery.adopt => Verdict::TakeOver,
        Some((problem, help)) => Verdict::Refuse { problem, help: help.into() },
        None if is_the_same_batch(known, delivery) && !delivery.replace_all => Verdict::Done,
        None => Verdict::Deliver,
    }
}

/// A number alone does not tell: a state restored from a copy counts on from there, with other batches.
fn is_the_same_batch(known: &Position, delivery: &Delivery) -> bool {
    known.batch == delivery.batch && known.token == delivery.token
}

fn conflict(known: &Position, delivery: &Delivery) -> Option<(String, &'static str)> {
    if known.state_id != delivery.state_id {
        let problem = format!(
            "the table belongs to the state {}, this is the state {} of job {}",
            known.state_id, delivery.state_id, delivery.job
        );
        return Some((
            problem,
            "give this job a table of its own, or take this one over with --adopt",
        ));
    }
    if known.batch > delivery.batch {
        let problem = format!(
            "the table knows batch {}, the catalog of job {} only batch {}",
            known.batch, delivery.job, delivery.batch
        );
        return Some((
            problem,
            "was the state directory restored from a copy? Bring back the newer one, or go on from this one with --adopt",
        ));
    }
    (known.fence > delivery.fence).then(|| {
        let problem = format!(
            "a later run of job {} has written to the table (run {}, this is run {})",
            delivery.job, known.fence, delivery.fence
        );
        (problem, "let only one run work on a state directory, or take the table over with --adopt")
    })
}

#[cfg(test)]
mod tests {
    use super::super::SortSpace;
    use super::*;

    fn delivery(state_id: &str, batch: u64, fence: u64) -> Delivery {
        Delivery {
            job: "job".into(),
            state_id: state_id.into(),
            batch,
            fence,
            token: 11,
            adopt: false,
            replace_all: false,
            reshape: false,
            sort: SortSpace { memory_bytes: 0, file: "none".into() },
        }
    }

    fn known(batch: u64, fence: u64) -> Option<Position> {
        Some(Position { state_id: "ours".into(), batch, fence, token: 11 })
    }

    #[test]
    fn a_table_without_batches_takes_any() {
        assert_eq!(judge(None, &delivery("ours", 7, 1)), Verdict::Deliver);
    }

    #[test]
    fn the_same_batch_is_done_whoever_delivers_it_now() {
        assert_eq!(judge(known(7, 3).as_ref(), &delivery("ours", 7, 3)), Verdict::Done);
        assert_eq!(judge(known(7, 3).as_ref(), &delivery("ours", 7, 4)), Verdict::Done);
    }

    #[test]
    fn the_same_number_with_another_token_is_another_batch() {
        let other = Delivery { token: 12, ..delivery("ours", 7, 3) };
        assert_eq!(judge(known(7, 3).as_ref(), &other), Verdict::Deliver);
    }

    #[test]
    fn a_whole_summary_is_written_again_even_for_a_known_batch() {
        let whole = Delivery { replace_all: true, ..delivery("ours", 7, 3) };
        assert_eq!(judge(known(7, 3).as_ref(), &whole), Verdict::Deliver);
    }

    #[test]
    fn a_foreign_state_a_later_batch_and_a_later_run_are_refused_unless_adopted() {
        for (state_id, batch, fence) in [("theirs", 9, 9), ("ours", 6, 9), ("ours", 8, 2)] {
            let late = delivery(state_id, batch, fence);
            assert!(matches!(judge(known(7, 3).as_ref(), &late), Verdict::Refuse { .. }));
            let adopting = Delivery { adopt: true, ..late };
            assert_eq!(judge(known(7, 3).as_ref(), &adopting), Verdict::TakeOver);
        }
    }
}
