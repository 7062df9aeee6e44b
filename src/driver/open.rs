//! Opens a job: takes its lock, finishes what is committed, and brings what is visible up to it.

use super::RunError;
use super::layout::Layout;
use super::pins::Pins;
use super::recover::{Differing, check_job, roll_forward};
use super::refresh::refresh;
use super::session::{Session, Work};
use crate::catalog::{Catalog, EventFile, JobLock, LockError};
use crate::engine::parquet_file::checksum;

/// A session, or who holds the job.
pub(super) enum Opened<'w> {
    Session(Box<Session<'w>>),
    Busy(String),
}

/// Takes the lock, and finishes what is committed, whatever the job file says by now. What is worth a notice is added to
/// `notices`.
pub(super) fn open<'w>(
    work: Work<'w>,
    pins: Pins,
    differing: Differing,
    notices: &mut Vec<String>,
) -> Result<Opened<'w>, RunError> {
    let layout = Layout::new(&work.options.state_dir, work.plan);
    let lock = match JobLock::acquire(&layout.state) {
        Ok(lock) => lock,
        Err(LockError::Busy(holder)) => return Ok(Opened::Busy(holder)),
        Err(LockError::Catalog(error)) => return Err(error.into()),
    };
    let catalog = Catalog::open(&layout.state)?;
    let state_id = catalog.state_id()?;
    let layout = layout.of_state(&state_id);
    if work.options.adopt {
        // What another one wrote is removed for a job only that may run.
        check_job(work.plan, &catalog, differing)?;
    }
    layout.own_outputs(work.options.adopt, || {
        // Another's file may have the name of one of this state's.
        let is_whole = |file: &EventFile| {
            checksum(&file.path).is_ok_and(|found| found == (file.bytes, file.checksum))
        };
        let files = catalog.event_files()?.into_iter().filter(is_whole);
        Ok(files.map(|file| file.path).collect())
    })?;
    let mut session = Session::new(work, (layout, lock), catalog, pins, state_id);
    roll_forward(&session.layout, &mut session.catalog, &session.pins)?;
    check_job(work.plan, &session.catalog, differing)?;
    if differing != Differing::Anything {
        notices.extend(refresh(&mut session)?.notice);
    }
    Ok(Opened::Session(Box::new(session)))
}
