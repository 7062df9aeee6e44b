//! `run`: one batch of each of some jobs, and every output brought up to it. To the user it is as if one job had been run
//! after the other; but jobs that have the same lines to read are mapped in one pass.
//!
//! Whatever goes wrong in that pass is not looked into: its jobs are mapped again, each alone, and what comes of that is
//! told.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::batch::{Batch, Depth};
use super::execute::{Executed, execute_together};
use super::inputs::{FoundNow, Inputs};
use super::progress::Progress;
use super::recover::Differing;
use super::round::Round;
use super::run::{finish, open};
use super::session::{Session, Work, Workers};
use super::{Options, Outcome, RunError, bug};
use crate::limits::JOBS_TOGETHER_MAX;
use crate::plan::Plan;
use crate::source::SegmentTask;

/// A job to run.
#[derive(Clone, Copy)]
pub struct Job<'j> {
    /// What it is.
    pub plan: &'j Plan,
    /// How to run it.
    pub options: &'j Options,
    /// Gets word of the work.
    pub progress: &'j dyn Progress,
}

/// Reads all that is new for a job, once.
pub fn run(plan: &Plan, options: &Options, progress: &dyn Progress) -> Result<Outcome, RunError> {
    let mut outcome = Err(RunError::Other("the job was not run".to_owned()));
    run_all(&[Job { plan, options, progress }], |_, result| outcome = result);
    outcome
}

/// Reads all that is new for each of the jobs, once. `done` gets what became of each, in their order, as soon as it is known.
pub fn run_all(jobs: &[Job<'_>], mut done: impl FnMut(usize, Result<Outcome, RunError>)) {
    let mut first = 0;
    while first < jobs.len() {
        let together = related(&jobs[first..]);
        run_together(&jobs[first..first + together], |job, result| done(first + job, result));
        first += together;
    }
}

/// How many of the jobs, from the first on, may have the same lines to read.
fn related(jobs: &[Job<'_>]) -> usize {
    let is_related = |&at: &usize| {
        let (first, one) = (jobs[0], jobs[at]);
        // A job that is there twice finds in its second run what it did in the first.
        let is_again = jobs[..at].iter().any(|before| before.plan.name == one.plan.name);
        first.plan.source == one.plan.source && first.options.reads_as(one.options) && !is_again
    };
    1 + (1..jobs.len().min(JOBS_TOGETHER_MAX)).take_while(is_related).count()
}

/// A job under way, under its lock.
struct Member<'w> {
    session: Box<Session<'w>>,
    inputs: Inputs,
    /// What is new.
    round: Option<Round>,
    /// What it took so far: the time in which it waited for others is theirs.
    spent: Duration,
}

/// How far a job has come; no member where another run holds it.
struct Stand<'w> {
    outcome: Outcome,
    member: Option<Member<'w>>,
}

fn run_together(jobs: &[Job<'_>], mut done: impl FnMut(usize, Result<Outcome, RunError>)) {
    let stop = AtomicBool::new(false);
    let workers = Workers::new(jobs.first().map_or(1, |job| job.options.threads));
    let mut stands = Vec::new();
    for &Job { plan, options, progress } in jobs {
        let work = Work { plan, options, workers: &workers, progress, stop: &stop };
        stands.push(bug::caught(|| Stand::open(work)));
    }
    look(&mut stands);
    map(&mut stands);
    for (job, stand) in stands.into_iter().enumerate() {
        done(job, stand.and_then(|stand| bug::caught(|| stand.finish())));
    }
}

impl<'w> Stand<'w> {
    /// Takes the lock, and finishes what is decided.
    fn open(work: Work<'w>) -> Result<Self, RunError> {
        let started = Instant::now();
        let mut outcome = Outcome::default();
        let session = open(work, Differing::Nothing, &mut outcome)?;
        let spent = started.elapsed();
        let inputs = Inputs::default();
        let member = session.map(|session| Member { session, inputs, round: None, spent });
        Ok(Stand { outcome, member })
    }

    /// Does what is left to do.
    fn finish(self) -> Result<Outcome, RunError> {
        let Stand { mut outcome, member } = self;
        if let Some(Member { mut session, mut inputs, round, spent }) = member {
            let started = Instant::now().checked_sub(spent).unwrap_or_else(Instant::now);
            if let Some(mut round) = round {
                round.started = started;
                session.settle(round, &mut inputs, &mut outcome)?;
            }
            finish(&mut session, &mut outcome)?;
            outcome.seconds = started.elapsed().as_secs_f64();
        }
        Ok(outcome)
    }

    /// What is to be read, where it can be mapped with other jobs.
    fn tasks(&self) -> Option<&[SegmentTask]> {
        let member = self.member.as_ref()?;
        // Events are cut into larger splits, each of which becomes a file.
        let without_events = member.session.work.plan.outputs.events.is_none();
        let tasks = member.round.as_ref()?.sources.plan.tasks.as_slice();
        (without_events && !tasks.is_empty()).then_some(tasks)
    }

    fn batch(&self) -> Option<Result<Batch<'_>, RunError>> {
        let member = self.member.as_ref()?;
        let round = member.round.as_ref()?;
        let Session { work, layout, .. } = &*member.session;
        Some(round.turn?.batch(*work, layout, round.started))
    }
}

/// Does something for each job that is under way; one that fails is so no more.
fn each(
    stands: &mut [Result<Stand<'_>, RunError>],
    mut work: impl FnMut(usize, &mut Outcome, &mut Member<'_>) -> Result<(), RunError>,
) {
    for (job, stand) in stands.iter_mut().enumerate() {
        if let Ok(Stand { outcome, member: Some(member) }) = stand {
            let started = Instant::now();
            let done = bug::caught(|| work(job, outcome, member));
            member.spent += started.elapsed();
            if let Err(error) = done {
                *stand = Err(error);
            }
        }
    }
}

/// Finds what is new. Jobs of which there are several see the files as they are at one moment.
fn look(stands: &mut [Result<Stand<'_>, RunError>]) {
    let mut members = stands.iter().flatten().filter_map(|stand| stand.member.as_ref());
    let found = match (members.next(), members.next()) {
        (Some(first), Some(_)) => FoundNow::look(first.session.work.plan),
        _ => None,
    };
    each(stands, |_, outcome, member| {
        if let Some(found) = &found {
            member.inputs = Inputs::of_found(found.clone());
        }
        member.round = Some(member.session.look(Depth::Whole, &mut member.inputs, outcome)?);
        Ok(())
    });
}

/// Maps what most of the jobs have to read, for all of these at once.
fn map(stands: &mut [Result<Stand<'_>, RunError>]) {
    let started = Instant::now();
    let mut chosen = alike(stands);
    if chosen.len() < 2 {
        return;
    }
    each(stands, |job, _, member| {
        if let Some(round) = member.round.as_mut().filter(|_| chosen.contains(&job)) {
            round.turn = Some(member.session.turn_of(round)?);
        }
        Ok(())
    });
    chosen.retain(|&job| stands[job].is_ok());
    let mapped = bug::caught(|| pass(stands, &chosen)).ok().flatten();
    let took = started.elapsed();
    let mut mapped = mapped.unwrap_or_default().into_iter();
    each(stands, |job, _, member| {
        if let Some(round) = member.round.as_mut().filter(|_| chosen.contains(&job)) {
            round.mapped = mapped.next();
            member.spent += took;
        }
        Ok(())
    });
}

/// The jobs that have the same to read; of several such sets the largest.
fn alike(stands: &[Result<Stand<'_>, RunError>]) -> Vec<usize> {
    let mut sets: Vec<(&[SegmentTask], Vec<usize>)> = Vec::new();
    for (job, stand) in stands.iter().enumerate() {
        let Some(tasks) = stand.as_ref().ok().and_then(Stand::tasks) else { continue };
        let are_same = |(known, _): &&mut (&[SegmentTask], Vec<usize>)| {
            known.len() == tasks.len() && known.iter().zip(tasks).all(|(a, b)| a.is_same(b))
        };
        match sets.iter_mut().find(are_same) {
            Some((_, jobs)) => jobs.push(job),
            None => sets.push((tasks, vec![job])),
        }
    }
    // The first of the largest.
    sets.into_iter().map(|(_, jobs)| jobs).rev().max_by_key(Vec::len).unwrap_or_default()
}

/// One pass over the tasks of the chosen jobs.
fn pass(
    stands: &[Result<Stand<'_>, RunError>],
    chosen: &[usize],
) -> Result<Option<Vec<Executed>>, RunError> {
    let (mut batches, mut tasks) = (Vec::new(), Vec::new());
    for stand in chosen.iter().filter_map(|&job| stands[job].as_ref().ok()) {
        let (Some(batch), Some(read)) = (stand.batch(), stand.tasks()) else { return Ok(None) };
        batches.push(batch?);
        tasks.push(read);
    }
    let batches: Vec<&Batch<'_>> = batches.iter().collect();
    Ok(execute_together(&batches, tasks))
}
