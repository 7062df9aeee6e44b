//! Compaction: the small events files of a closed time partition become large ones.
//!
//! A folder with the merged files is built beside the output, decided in the catalog, and takes the place of the
//! partition's folder at once. A partition is closed when the newest event time has left it behind, so that which files are
//! merged does not depend on a clock; lines that come late add files, which are merged again when they are many.

use std::path::{Path, PathBuf};

use super::layout::events_folder;
use super::leftovers::{forget_swaps, remove_leftovers};
use super::session::Session;
use super::{RunError, publish, swap};
use crate::catalog::{EventFile, Refresh, Swap};
use crate::deliver::events;
use crate::engine::parquet_file::{FileError, Written, checksum, create_folder, sync_folder};
use crate::engine::timepart;
use crate::fault;
use crate::limits::{
    EVENT_FILE_BYTES, EVENT_FILE_SMALL_BYTES, EVENT_FILES_SMALL_MAX, EVENT_PARTITION_GRACE_US,
};
use crate::plan::EventsOutput;

/// Merges the events files of closed partitions where they are many. Answers how many files became part of others.
pub(super) fn compact(session: &mut Session<'_>) -> Result<u64, RunError> {
    let Some(output) = &session.work.plan.outputs.events else { return Ok(0) };
    if forget_swaps(&mut session.catalog)? {
        remove_leftovers(&session.layout, &mut session.catalog, &session.pins)?;
    }
    let crowded = crowded(session, output)?;
    if crowded.is_empty() {
        return Ok(0);
    }
    let (fence, batch) = (session.catalog.take_fence()?, session.catalog.last_batch()?);
    session.layout.create()?;
    let names = session.layout.names(fence, batch);
    let Some(place) = swap::find_place(names, &output.path) else { return Ok(0) };
    session.work.progress.stage("compact");
    let mut merged = 0;
    for partition_us in crowded {
        if session.work.stop.load(std::sync::atomic::Ordering::Relaxed) {
            break;
        }
        let staged =
            session.layout.names(fence, batch).swap(&place, &format!("compact-{partition_us}"));
        let made = one(session, output, partition_us, staged, batch);
        if made.is_err() {
            // The error that led here is the one to tell; what can't be removed now is removed by the next run.
            let _ = remove_leftovers(&session.layout, &mut session.catalog, &session.pins);
        }
        merged += made?;
    }
    Ok(merged)
}

/// Closed partitions with many small files.
fn crowded(session: &Session<'_>, output: &EventsOutput) -> Result<Vec<i64>, RunError> {
    let Some(watermark_us) = session.catalog.watermark_us()? else { return Ok(Vec::new()) };
    let is_closed = |partition_us: &i64| {
        timepart::end(output.partition, *partition_us)
            .is_some_and(|end| end.saturating_add(EVENT_PARTITION_GRACE_US) <= watermark_us)
    };
    let mut crowded =
        session.catalog.crowded_partitions(EVENT_FILE_SMALL_BYTES, EVENT_FILES_SMALL_MAX)?;
    crowded.retain(is_closed);
    Ok(crowded)
}

/// The files of a partition, by what becomes of them.
#[derive(Default)]
struct Sorted {
    /// Removed by somebody: a user may delete old partitions.
    missing: Vec<PathBuf>,
    small: Vec<EventFile>,
    large: Vec<EventFile>,
}

fn one(
    session: &mut Session<'_>,
    output: &EventsOutput,
    partition_us: i64,
    staged: PathBuf,
    batch: u64,
) -> Result<u64, RunError> {
    let folder = events_folder(&output.path, output.partition, partition_us);
    let sorted = sort(session.catalog.event_files_of(partition_us)?, &folder);
    let mut removed = sorted.missing;
    if sorted.small.len() as u64 <= EVENT_FILES_SMALL_MAX {
        if !removed.is_empty() {
            let forget = Refresh { event_files_removed: &removed, ..Refresh::default() };
            session.catalog.refresh(&forget)?;
        }
        return Ok(0);
    }
    create_folder(&staged)?;
    keep(&sorted.large, &staged)?;
    let merged = merge(output, &sorted.small, &folder, &staged, batch)?;
    sync_folder(&staged)?;
    fault::point("compact.staged");
    removed.extend(sorted.small.iter().map(|file| file.path.clone()));
    let swap = Swap { staged, published: folder, marker: marker(&merged)? };
    session.catalog.refresh(&Refresh {
        event_files_removed: &removed,
        event_files: &merged,
        swaps: &[swap],
        vanishing: &removed,
        ..Refresh::default()
    })?;
    fault::point("compact.decided");
    publish::publish(&mut session.catalog)?;
    Ok(sorted.small.len() as u64)
}

/// Only what lies in the folder that the job names now is merged.
fn sort(files: Vec<EventFile>, folder: &Path) -> Sorted {
    let mut sorted = Sorted::default();
    for file in files.into_iter().filter(|file| file.path.parent() == Some(folder)) {
        if !file.path.exists() {
            sorted.missing.push(file.path);
        } else if file.bytes < EVENT_FILE_SMALL_BYTES {
            sorted.small.push(file);
        } else {
            sorted.large.push(file);
        }
    }
    sorted
}

/// Large files are in both folders till the former one goes.
fn keep(files: &[EventFile], staged: &Path) -> Result<(), RunError> {
    for file in files {
        let name = file.path.file_name().unwrap_or_default();
        let target = staged.join(name);
        if std::fs::hard_link(&file.path, &target).is_err() {
            std::fs::copy(&file.path, &target).map_err(FileError::io("write", &target))?;
            let copy = std::fs::File::open(&target).and_then(|copy| copy.sync_all());
            copy.map_err(FileError::io("make durable", &target))?;
        }
    }
    Ok(())
}

/// Joins files in their order, as many as make a large one. `folder`: where they are to be published.
fn merge(
    output: &EventsOutput,
    files: &[EventFile],
    folder: &Path,
    staged: &Path,
    batch: u64,
) -> Result<Vec<EventFile>, RunError> {
    files.iter().try_for_each(is_whole)?;
    let mut merged = Vec::new();
    let mut number = 0;
    for part in chunks(files) {
        let name = loop {
            number += 1;
            let name = format!("events-{batch}-merged-{number}.parquet");
            if !folder.join(&name).exists() {
                break name;
            }
        };
        let paths: Vec<PathBuf> = part.iter().map(|file| file.path.clone()).collect();
        let Written { bytes, checksum, .. } = events::join(output, &paths, &staged.join(&name))?;
        merged.push(EventFile {
            path: folder.join(name),
            partition_us: part[0].partition_us,
            batch: part.iter().map(|file| file.batch).max().unwrap_or(batch),
            bytes,
            checksum,
        });
    }
    Ok(merged)
}

/// What is merged is deleted: a damaged file must not be.
fn is_whole(file: &EventFile) -> Result<(), RunError> {
    if checksum(&file.path)? == (file.bytes, file.checksum) {
        return Ok(());
    }
    Err(RunError::Other(format!(
        "{} is not as it was written, so its partition can't be compacted: bring it back, remove it, or run the job with \
         --rebuild",
        file.path.display()
    )))
}

fn chunks(files: &[EventFile]) -> Vec<&[EventFile]> {
    let (mut chunks, mut from, mut bytes) = (Vec::new(), 0, 0);
    for (at, file) in files.iter().enumerate() {
        if at > from && bytes + file.bytes > EVENT_FILE_BYTES {
            chunks.push(&files[from..at]);
            (from, bytes) = (at, 0);
        }
        bytes += file.bytes;
    }
    chunks.push(&files[from..]);
    chunks
}

/// The name of a merged file: no folder had it before.
fn marker(merged: &[EventFile]) -> Result<PathBuf, RunError> {
    let name = merged.first().and_then(|file| file.path.file_name());
    name.map(PathBuf::from).ok_or_else(|| RunError::Other("nothing was merged".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(folder: &Path, name: &str, bytes: u64) -> EventFile {
        EventFile { path: folder.join(name), partition_us: 0, batch: 1, bytes, checksum: 0 }
    }

    #[test]
    fn files_are_joined_in_their_order_up_to_a_size() {
        let third = EVENT_FILE_BYTES / 3;
        let sizes = [third, third, third, third, 2 * third, 1, 2 * EVENT_FILE_BYTES, 1];
        let files: Vec<_> = sizes.iter().map(|bytes| file(Path::new(""), "x", *bytes)).collect();
        let lengths: Vec<usize> = chunks(&files).iter().map(|chunk| chunk.len()).collect();
        assert_eq!(lengths, [3, 3, 1, 1]);
        assert!(chunks(&files).concat().iter().eq(&files));
    }

    #[test]
    fn large_files_are_in_both_folders_and_missing_and_foreign_ones_in_none() {
        let dir = tempfile::tempdir().expect("a folder");
        let (folder, staged) = (dir.path().join("hour=07"), dir.path().join("staged"));
        for path in [&folder, &staged] {
            std::fs::create_dir(path).expect("a folder");
        }
        for name in ["large.parquet", "small.parquet"] {
            std::fs::write(folder.join(name), name).expect("written");
        }
        let sorted = sort(
            vec![
                file(&folder, "large.parquet", EVENT_FILE_SMALL_BYTES),
                file(&folder, "small.parquet", 1),
                file(&folder, "missing.parquet", 1),
                file(&dir.path().join("elsewhere"), "small.parquet", 1),
            ],
            &folder,
        );
        assert_eq!((sorted.missing.len(), sorted.small.len(), sorted.large.len()), (1, 1, 1));
        keep(&sorted.large, &staged).expect("kept");
        let kept = std::fs::read(staged.join("large.parquet")).expect("there");
        assert_eq!(kept, b"large.parquet");
        assert!(folder.join("large.parquet").exists());
    }
}
