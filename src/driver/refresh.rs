//! The refresh: what readers see is brought up to the store. Files that are missing, that show an older batch, or that lie
//! in a folder which the job file names since lately are written anew; runs are merged on the way, and the parts of events
//! become files.

use std::collections::HashMap;
use std::path::PathBuf;

use rayon::prelude::*;

use super::durable::Durable;
use super::fold::{event_file, of_partition};
use super::layout::{Names, events_path, summary_path};
use super::leftovers::remove_leftovers;
use super::partition::{Made, New, Partition};
use super::session::Session;
use super::{RunError, publish};
use crate::catalog::{EventFile, EventPart, Refresh, Rename, Run, VisibleFile};
use crate::deliver::events;
use crate::engine::groups::rows_max;
use crate::engine::parquet_file::sync_folder;
use crate::fault;
use crate::limits::{LARGE_BLOCKS_MIN, SYNCED_TOGETHER_MAX};
use crate::plan::EventsOutput;

/// What a refresh did.
#[derive(Debug, Default)]
pub(super) struct Refreshed {
    /// A word about files that somebody removed.
    pub(super) notice: Option<String>,
}

/// A partition whose visible file is not what the store says.
struct Stale {
    partition_us: i64,
    /// Rather than only old.
    missing: bool,
}

/// Brings everything that is visible up to the store.
pub(super) fn refresh(session: &mut Session<'_>) -> Result<Refreshed, RunError> {
    let runs = session.catalog.runs()?;
    let stale = stale(session, &runs)?;
    let parts = session.catalog.event_parts()?;
    if stale.is_empty() && parts.is_empty() {
        return Ok(Refreshed::default());
    }
    let (fence, batch) = (session.catalog.take_fence()?, session.catalog.last_batch()?);
    session.layout.create()?;
    session.work.progress.stage("write");
    let names = session.layout.names(fence, batch);
    let made = summaries(session, names, &runs, &stale)?;
    let renames = event_files(session, names, &parts, batch)?;
    let renamed = renames.iter().zip(parts.chunk_by(|a, b| a.partition_us == b.partition_us));
    let files: Vec<EventFile> =
        renamed.map(|(rename, parts)| event_file(rename, parts[0].partition_us, batch)).collect();
    decide(session, &runs, &stale, made, renames, &files)?;
    publish::publish(&mut session.catalog)?;
    remove_leftovers(&session.layout, &mut session.catalog, &session.pins)?;
    let missing = stale.iter().filter(|stale| stale.missing).count();
    let folder = session.work.plan.outputs.summary.as_ref().map(|output| output.path.display());
    let notice = folder.filter(|_| missing > 0).map(|folder| {
        format!("{missing} missing or foreign files of the summary in {folder} were written anew")
    });
    Ok(Refreshed { notice })
}

fn stale(session: &Session<'_>, runs: &[Run]) -> Result<Vec<Stale>, RunError> {
    let plan = session.work.plan;
    let (Some(reduce), Some(output)) = (&plan.reduce, &plan.outputs.summary) else {
        return Ok(Vec::new());
    };
    let noted = session.catalog.visible()?.into_iter().map(|file| (file.path.clone(), file));
    let noted: HashMap<PathBuf, VisibleFile> = noted.collect();
    let mut stale = Vec::new();
    for of_one in runs.chunk_by(|a, b| a.partition_us == b.partition_us) {
        let partition_us = of_one[0].partition_us;
        let path = summary_path(&output.path, reduce.partition, partition_us);
        let newest = of_one.iter().map(|run| run.batch).max();
        let file = noted.get(&path);
        let there = file.is_some_and(is_there);
        if !there || file.map(|file| file.batch) != newest {
            // One that was never made visible is new with this refresh.
            let missing = !there && file.is_some();
            stale.push(Stale { partition_us, missing });
        }
    }
    Ok(stale)
}

/// Whether the file is there, as it was written.
fn is_there(file: &VisibleFile) -> bool {
    std::fs::metadata(&file.path).is_ok_and(|meta| meta.len() == file.bytes)
}

fn summaries(
    session: &Session<'_>,
    names: Names<'_>,
    runs: &[Run],
    stale: &[Stale],
) -> Result<Vec<Made>, RunError> {
    let plan = session.work.plan;
    let Some(reduce) = &plan.reduce else { return Ok(Vec::new()) };
    let folder = session.layout.stores();
    let one = |stale: &Stale, threads: usize| -> Result<Made, RunError> {
        let partition_us = stale.partition_us;
        let runs = of_partition(runs, partition_us);
        let newest = runs.iter().map(|run| run.batch).max().unwrap_or(0);
        let folder = folder.clone();
        let partition = Partition { plan, reduce, folder, names, partition_us, threads };
        partition.merge(runs, New::default(), newest, "refresh", true)
    };
    let large = LARGE_BLOCKS_MIN * rows_max(reduce) as u64;
    let is_large = |stale: &Stale| {
        of_partition(runs, stale.partition_us).iter().map(|run| run.groups).sum::<u64>() > large
    };
    Durable::scope(|durable| {
        let mut all = Vec::new();
        for few in stale.chunks(SYNCED_TOGETHER_MAX / 2) {
            let mut made: Vec<Made> = match few {
                // Starting threads takes longer.
                [only] if !is_large(only) => vec![one(only, 1)?],
                few if few.iter().any(is_large) => {
                    let (pool, threads) =
                        (session.work.workers.pool()?, session.work.options.threads);
                    pool.install(|| {
                        few.iter().map(|stale| one(stale, threads)).collect::<Result<_, _>>()
                    })?
                }
                few => {
                    let pool = session.work.workers.pool()?;
                    pool.install(|| {
                        few.par_iter().map(|stale| one(stale, 1)).collect::<Result<_, _>>()
                    })?
                }
            };
            made.iter_mut().for_each(|made| durable.add(std::mem::take(&mut made.unsynced)));
            all.extend(made);
        }
        Ok(all)
    })
}

/// The parts of each partition become one file.
fn event_files(
    session: &Session<'_>,
    names: Names<'_>,
    parts: &[EventPart],
    batch: u64,
) -> Result<Vec<Rename>, RunError> {
    let Some(output) = &session.work.plan.outputs.events else { return Ok(Vec::new()) };
    parts
        .chunk_by(|a, b| a.partition_us == b.partition_us)
        .map(|parts| {
            let partition_us = parts[0].partition_us;
            let published = events_path(&output.path, output.partition, partition_us, batch, 1);
            match parts {
                [part] => Ok(Rename {
                    staged: part.staged.clone(),
                    published,
                    bytes: part.bytes,
                    checksum: part.checksum,
                }),
                parts => joined(output, names, parts, published),
            }
        })
        .collect()
}

fn joined(
    output: &EventsOutput,
    names: Names<'_>,
    parts: &[EventPart],
    published: PathBuf,
) -> Result<Rename, RunError> {
    let what = format!("joined-{}", parts[0].partition_us);
    let files: Vec<PathBuf> = parts.iter().map(|part| part.staged.clone()).collect();
    let written = events::join(output, &files, &names.staged(&output.path, &what))?;
    let (bytes, checksum) = (written.bytes, written.checksum);
    Ok(Rename { staged: written.path, published, bytes, checksum })
}

fn decide(
    session: &mut Session<'_>,
    runs: &[Run],
    stale: &[Stale],
    made: Vec<Made>,
    mut renames: Vec<Rename>,
    event_files: &[EventFile],
) -> Result<(), RunError> {
    let (mut removed, mut added, mut visible) = (Vec::new(), Vec::new(), Vec::new());
    for (stale, made) in stale.iter().zip(made) {
        if let Some(run) = made.run {
            let merged = of_partition(runs, stale.partition_us);
            removed.extend(merged.iter().map(|run| run.file.clone()));
            added.push(run);
        }
        if let Some((rename, shown)) = made.visible {
            renames.push(rename);
            visible.push(shown);
        }
    }
    for folder in session.layout.staging_folders() {
        sync_folder(&folder)?;
    }
    publish::prepare(&renames)?;
    fault::point("refresh.staged");
    session.catalog.refresh(&Refresh {
        runs_removed: &removed,
        runs: &added,
        renames: &renames,
        visible: &visible,
        event_files,
        event_parts_done: true,
        ..Refresh::default()
    })?;
    fault::point("refresh.decided");
    Ok(())
}
