//! What there is to read.

use std::cell::RefCell;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::inputs::Inputs;
use super::{Options, Outcome, RunError};
use crate::catalog::{Catalog, SegmentChange, SegmentLedger};
use crate::limits::{HELD_QUIET_NS, LEAVING_BYTES_MAX, QUIET_SECONDS};
use crate::plan::Plan;
use crate::source::{
    self, Aside, Copy, Discovery, Found, Knowledge, Lost, Marks, Problem, RowsOf, SealRules,
    SegmentState, SegmentTask, SourceError, SourcePlan,
};

/// The files of a job, and what of them is new.
pub(super) struct Sources {
    pub(super) plan: SourcePlan,
    /// Bytes that were read before and are given up.
    pub(super) given_up_bytes: u64,
    problems: Vec<String>,
    notices: Vec<String>,
    /// What the globs match and is no log. What the catalog knows to be told is not told again.
    asides: Vec<Aside>,
    /// Files that a rotation moved or changed meanwhile: the next batch reads them.
    moved: Vec<String>,
    final_: bool,
    /// Unfinished last lines are nothing to speak of: the next batch comes soon.
    is_patient: bool,
}

/// How often a picture that a rotation spoilt is taken again.
const LOOKS_MAX: usize = 4;
/// What a rotation takes between its steps, about.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Finds the files, and compares them with the catalog.
pub(super) fn discover(
    plan: &Plan,
    options: &Options,
    catalog: &Catalog,
    inputs: &mut Inputs,
) -> Result<Sources, RunError> {
    let mut sources = look_once(plan, options, catalog, inputs)?;
    for look in 1..LOOKS_MAX {
        // A loss is told only if a second look sees it, too: a copy may have come while the files were listed. So may the
        // file of a link.
        let in_doubt = sources.plan.unsettled
            || !sources.moved.is_empty()
            || (look == 1 && (!sources.plan.lost.is_empty() || sources.has_new_asides(catalog)?));
        if !in_doubt {
            break;
        }
        std::thread::sleep(LOOK_AGAIN);
        sources = look_once(plan, options, catalog, inputs)?;
    }
    Ok(sources)
}

fn look_once(
    plan: &Plan,
    options: &Options,
    catalog: &Catalog,
    inputs: &mut Inputs,
) -> Result<Sources, RunError> {
    let now = inputs.now();
    let Discovery { files, mut problems, asides, unmatched } = inputs.look(plan, Some(catalog))?;
    let (is_patient, leaving) = (inputs.is_patient(), inputs.leaving);
    let known = inputs.known(catalog)?;
    let mut notices = Vec::new();
    if files.is_empty() {
        let globs = unmatched.join(", ");
        let from = plan.source.base.display();
        match (problems.first(), known.segments.is_empty()) {
            (Some(problem), true) if !is_patient => {
                return Err(RunError::Other(problem.error.to_string()));
            }
            (None, true) if !is_patient => {
                let aside = asides.first().map(|one| format!("; {one}")).unwrap_or_default();
                return Err(RunError::Other(format!(
                    "no file matches {globs} (looked from {from}); check `paths`, or give --input{aside}"
                )));
            }
            (_, true) => notices.push(format!("no file matches {globs} yet (looked from {from})")),
            (_, false) => notices.push(format!("no file matches {globs} any more")),
        }
    }
    let rules =
        SealRules { final_: options.final_, seal_after: plan.source.seal_after, leaving, now };
    let found = files.len();
    let mut planned = compare(plan, files, (&known.segments, &known.copies), catalog, &rules)?;
    notices.extend(planned.tasks.iter().filter_map(|task| no_copy_any_more(task, &known.copies)));
    if leaving {
        problems.extend(leave_out(&mut planned));
    }
    // A rotation is at work: it moved the file since it was found, or has not compressed all of it. The next batch reads it.
    let is_under_way = |problem: &Problem| {
        let is_fresh = || !options.final_ && problem.mtime_ns.is_some_and(is_fresh);
        is_moving(&problem.error, is_fresh)
    };
    let (moved, left): (Vec<_>, Vec<_>) = planned.problems.into_iter().partition(is_under_way);
    planned.problems = left;
    let moved: Vec<String> = moved.iter().map(|problem| problem.error.to_string()).collect();
    let is_first = known.segments.is_empty() && !is_patient;
    if let Some(aside) = planned.asides.first().filter(|_| is_first && moved.is_empty())
        && planned.asides.len() == found
    {
        return Err(RunError::Other(format!("there is no log to read: {aside}")));
    }
    let problems = problems.iter().map(|problem| problem.error.to_string()).collect();
    Ok(Sources {
        plan: planned,
        given_up_bytes: 0,
        problems,
        notices,
        asides,
        moved,
        final_: options.final_,
        is_patient,
    })
}

/// Says that a file counts which was said to be a copy.
fn no_copy_any_more(task: &SegmentTask, copies: &[Copy]) -> Option<String> {
    let is_it = |copy: &&Copy| copy.told && copy.is_file(&task.found) && task.known.is_none();
    copies.iter().find(is_it).map(|_| {
        let path = task.found.path.display();
        format!("{path}: no longer a copy of what was read: it counts from its first byte")
    })
}

/// Takes only so much as can be read while somebody waits for the end. Answers what is lost by that: it went with its file.
fn leave_out(planned: &mut SourcePlan) -> Vec<Problem> {
    let bytes = |tasks: &[SegmentTask]| -> u64 {
        tasks
            .iter()
            .map(|task| task.end.unwrap_or(task.found.size).saturating_sub(task.start))
            .sum()
    };
    if bytes(&planned.tasks) > LEAVING_BYTES_MAX {
        planned.tasks.retain(|task| task.found.held.is_some());
    }
    if bytes(&planned.tasks) <= LEAVING_BYTES_MAX {
        return Vec::new();
    }
    let left = std::mem::take(&mut planned.tasks).into_iter();
    let problem = |task: SegmentTask| Problem {
        error: SourceError::LeftUnread { path: task.found.path.clone() },
        mtime_ns: Some(task.found.mtime_ns),
        path: task.found.path,
    };
    left.map(problem).collect()
}

/// Compares files with what a catalog knows.
pub(super) fn compare(
    plan: &Plan,
    files: Vec<Found>,
    (segments, copies): (&[SegmentState], &[Copy]),
    catalog: &Catalog,
    rules: &SealRules,
) -> Result<SourcePlan, RunError> {
    let failure = RefCell::new(None);
    let marks = |id| {
        catalog.marks(id).unwrap_or_else(|error| {
            failure.replace(Some(error));
            Marks::default()
        })
    };
    let rows = |head: &[u8]| plan.tokenizer(head).ok()?.rows();
    let rows = plan.is_multiline().then_some(&rows as RowsOf<'_>);
    let planned = source::plan(files, Knowledge { segments, copies, marks: &marks, rows }, rules);
    failure.into_inner().map_or(Ok(planned), |error| Err(error.into()))
}

impl Sources {
    /// These tasks, whatever the catalog says.
    pub(super) fn of_tasks(tasks: Vec<SegmentTask>) -> Self {
        let plan = SourcePlan { tasks, ..SourcePlan::default() };
        Sources {
            plan,
            given_up_bytes: 0,
            problems: Vec::new(),
            notices: Vec::new(),
            asides: Vec::new(),
            moved: Vec::new(),
            final_: false,
            is_patient: false,
        }
    }

    /// What could not be read.
    pub(super) fn failures(&self) -> Vec<String> {
        [self.problems.as_slice(), self.notices.as_slice(), self.moved.as_slice()].concat()
    }

    /// What the globs match and is no log, in words.
    pub(super) fn asides(&self) -> Vec<String> {
        self.asides.iter().chain(&self.plan.asides).map(Aside::to_string).collect()
    }

    /// Whether there is one that was not there when the last run looked.
    fn has_new_asides(&self, catalog: &Catalog) -> Result<bool, RunError> {
        if self.asides.is_empty() {
            return Ok(false);
        }
        let told = catalog.told()?;
        Ok(self.asides.iter().any(|aside| !told.contains(&aside.to_string())))
    }

    /// Whether there is anything to decide.
    pub(super) fn has_work(&self) -> bool {
        !self.plan.tasks.is_empty() || !self.plan.lost.is_empty()
    }

    /// Bytes that nobody can read any more.
    pub(super) fn lost_bytes(&self) -> u64 {
        self.plan.lost.iter().map(|lost| lost.bytes).sum::<u64>() + self.given_up_bytes
    }

    /// What can't be read.
    pub(super) fn problems(&self) -> impl Iterator<Item = String> {
        let planned = self.plan.problems.iter().map(|problem| problem.error.to_string());
        self.problems.iter().cloned().chain(planned)
    }

    /// Why not everything that is there is read: what can't be, and what a rotation is moving.
    fn incomplete(&self) -> Option<String> {
        let rotation = self.plan.unsettled.then(|| "a log is being rotated".to_owned());
        self.problems().chain(self.moved.iter().cloned()).chain(rotation).next()
    }

    /// Refuses what can't be read, when it is found and when it is read.
    pub(super) fn check_complete(&self) -> Result<(), RunError> {
        match self.incomplete() {
            Some(why) => Err(RunError::Other(format!("{why}; nothing was changed, run it again"))),
            None => Ok(()),
        }
    }

    /// What the catalog is to store of segments that are not read, losses included.
    pub(super) fn changes(&self) -> Vec<SegmentChange> {
        let lost =
            |id: u64| self.plan.lost.iter().filter(|l| l.segment == id).map(|l| l.bytes).sum();
        let change = |state: &SegmentState| {
            let read = SegmentLedger { lost_bytes: lost(state.id), ..SegmentLedger::default() };
            SegmentChange { read, ..SegmentChange::from(state.clone()) }
        };
        self.plan.updates.iter().map(change).collect()
    }

    /// A segment that could not be read to its end: it is left out of this batch.
    pub(super) fn exclude(&mut self, task: usize, error: SourceError) {
        let task = self.plan.tasks.remove(task);
        let is_fresh = || !self.final_ && is_fresh(task.found.mtime_ns);
        let list = if is_moving(&error, is_fresh) { &mut self.moved } else { &mut self.problems };
        list.push(error.to_string());
    }

    /// Adds what a user should know to the outcome.
    pub(super) fn report(&self, outcome: &mut Outcome) {
        outcome.problems.extend(self.problems());
        outcome.notices.extend(self.notices.iter().cloned());
        if !self.is_patient {
            outcome.notices.extend(self.moved.iter().cloned());
        }
        if self.plan.unsettled && !self.is_patient {
            outcome
                .notices
                .push("a log is being rotated: the next run reads what is new of it".into());
        }
        // While somebody writes, a last line is unfinished as often as not.
        let waiting = self.plan.waiting.iter().filter(|line| !self.is_patient && line.is_news);
        outcome.notices.extend(waiting.map(|waiting| {
            let what = match waiting.is_open {
                true => "the last record ({} bytes) has a quote that nothing closes yet",
                false => "the last line ({} bytes) has no newline yet",
            };
            let what = what.replace("{}", &waiting.bytes.to_string());
            format!("{}: {what} and waits (--final counts it)", waiting.path.display())
        }));
        outcome.notices.extend(self.plan.assumed.iter().map(|assumed| {
            format!(
                "{}: begins with all {} bytes that were read of {}, which is gone, and is taken for it: they don't count again",
                assumed.path.display(),
                assumed.bytes,
                assumed.original.display()
            )
        }));
        outcome.lost_bytes += self.lost_bytes();
        outcome.gaps += self.gaps();
        outcome.problems.extend(self.plan.lost.iter().map(gap));
    }

    /// Logs of which what followed is gone, if there was anything.
    pub(super) fn gaps(&self) -> u64 {
        self.plan.lost.len() as u64
    }

    /// Says of copies that they are some, and notes that it was said. To one who stays a rotation under way is no news.
    pub(super) fn tell_copies(&mut self) -> Vec<String> {
        let now = jiff::Timestamp::now().as_nanosecond() as i64;
        let mut told = Vec::new();
        for copy in self.plan.copies.iter_mut().filter(|copy| !copy.told && copy.bytes > 0) {
            let is_quiet = now.saturating_sub(copy.mtime_ns) > HELD_QUIET_NS;
            if self.is_patient && !is_quiet {
                continue;
            }
            copy.told = true;
            self.plan.copies_changed = true;
            let original = match copy.original == copy.path {
                true => "what was read there before".to_owned(),
                false => copy.original.display().to_string(),
            };
            told.push(format!(
                "{}: a copy of the first {} bytes of {original}, so it is not counted; if it goes on differently, it \
                 counts from its first byte",
                copy.path.display(),
                copy.bytes,
            ));
        }
        told
    }
}

/// What is told of a log that ended with a gap.
fn gap(lost: &Lost) -> String {
    let path = lost.path.display();
    match lost.bytes {
        0 => format!(
            "{path}: a gap: lines written between the last run and the rotation may be missing ({}); run more often than logs \
             are rotated, and let `paths` cover the rotated files",
            lost.why
        ),
        bytes => {
            format!("{path}: at least {bytes} bytes were never read and are gone: {}", lost.why)
        }
    }
}

/// Whether a file was moved, removed or written anew while it was looked at or read, or is a fresh one that is being compressed.
fn is_moving(error: &SourceError, is_fresh: impl Fn() -> bool) -> bool {
    match error {
        SourceError::Changed { .. } => true,
        SourceError::Truncated { .. } => is_fresh(),
        other => other.is_not_found(),
    }
}

/// Whether somebody may still be writing the file.
fn is_fresh(mtime_ns: i64) -> bool {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let written = Duration::from_nanos(u64::try_from(mtime_ns).unwrap_or(0));
    now.saturating_sub(written).as_secs() < QUIET_SECONDS
}

/// What `check` says of a job's files.
#[derive(Debug, Default)]
pub struct SourceReport {
    /// Path and size in bytes, in the order of reading.
    pub files: Vec<(std::path::PathBuf, u64)>,
    /// What is wrong with some.
    pub problems: Vec<String>,
    /// What the globs match and is no log.
    pub asides: Vec<String>,
}

/// Finds the files of a job without a catalog, and looks into each.
pub fn look(plan: &Plan) -> Result<SourceReport, SourceError> {
    let found = source::discover(&plan.source.globs, &plan.source.base)?;
    let mut files: Vec<_> = found.files.iter().map(|file| (file.path.clone(), file.size)).collect();
    let now = SystemTime::now();
    let rules = SealRules { final_: false, seal_after: None, leaving: false, now };
    let planned = source::plan(found.files, Knowledge::nothing(), &rules);
    files.retain(|(path, _)| planned.asides.iter().all(|aside| aside.path != *path));
    let problems = found.problems.iter().chain(&planned.problems);
    Ok(SourceReport {
        files,
        problems: problems.map(|problem| problem.error.to_string()).collect(),
        asides: found.asides.iter().chain(&planned.asides).map(Aside::to_string).collect(),
    })
}

/// Files whose heads are looked at, at most.
const HEADS_MAX: usize = 100;

/// The heads of a job's files, as far as they can be read and are whole lines. `final_`: no file grows any more.
pub fn heads_of(
    globs: &[String],
    base: &Path,
    (final_, seal_after): (bool, Option<Duration>),
) -> Vec<Vec<u8>> {
    let found = source::discover(globs, base).map(|found| found.files).unwrap_or_default();
    let rules = SealRules { final_, seal_after, leaving: false, now: SystemTime::now() };
    source::whole_heads(&found, &rules).take(HEADS_MAX).collect()
}

/// How far a job is behind its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    /// Files with something new.
    pub files: u64,
    /// Bytes (of compressed files as they are) that are complete and were not read.
    pub bytes: u64,
    /// Since when, at most: seconds since the last batch where something is new, else 0. Before a first batch there is
    /// nothing that it could be counted from.
    pub seconds: Option<u64>,
}

/// Compares the files with the catalog, if there is one yet, reading nothing of what is new.
pub fn lag(plan: &Plan, catalog: Option<&Catalog>) -> Result<Lag, RunError> {
    let found = source::discover(&plan.source.globs, &plan.source.base)?;
    let seal_after = plan.source.seal_after;
    let rules = SealRules { final_: false, seal_after, leaving: false, now: SystemTime::now() };
    let tasks = match catalog {
        Some(catalog) => {
            let (segments, copies) = (catalog.segments()?, catalog.copies()?);
            compare(plan, found.files, (&segments, &copies), catalog, &rules)?.tasks
        }
        None => source::plan(found.files, Knowledge::nothing(), &rules).tasks,
    };
    let bytes = tasks.iter().map(|t| t.end.map_or(t.found.size, |end| end - t.start)).sum();
    let last = catalog.map(|catalog| catalog.history(1)).transpose()?.unwrap_or_default();
    let since = |decided_us: i64| {
        let us = jiff::Timestamp::now().as_microsecond().saturating_sub(decided_us);
        if bytes == 0 { 0 } else { (us / 1_000_000).max(0) as u64 }
    };
    let seconds = last.first().map(|batch| since(batch.decided_us));
    Ok(Lag { files: tasks.len() as u64, bytes, seconds })
}
