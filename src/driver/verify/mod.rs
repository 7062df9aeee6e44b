//! `verify`: what the outputs hold, against what the logs say. The bytes that were consumed are read again from the logs
//! that still exist, and each group of the store and of every output is compared, to the last bit. Nothing is locked, and
//! nothing but the scratch folder is written: a `watch` may work on the job meanwhile.

mod compare;
mod events;
mod expected;
mod read;
mod recompute;
mod report;
mod rows;
mod scratch;
mod snapshot;
mod sorter;
mod store;
mod summary;
mod tables;

pub use compare::Range;
pub use report::{
    Difference, EventsDifference, Kind, Tally, Verified, VerifiedEvents, VerifiedOutput,
};

use std::path::PathBuf;
use std::time::Instant;

use self::compare::Comparison;
use self::expected::Expected;
use self::recompute::{Recomputed, recompute};
use self::rows::Codec;
use self::scratch::Scratch;
use self::snapshot::Snapshot;
use self::store::Store;
use super::progress::Progress;
use super::recover::Differing;
use super::{Layout, Options, RunError, recover};
use crate::catalog::Catalog;
use crate::error::Diagnostic;
use crate::plan::{Plan, ReducePlan, SlotKind};

/// What to compare, and where to work.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// Only windows that start in it, and partitions of records that lie in it.
    pub range: Option<Range>,
    /// Where the scratch folder is made, instead of the job's state folder.
    pub scratch: Option<PathBuf>,
}

/// Compares everything; `None` where the job never ran.
pub fn verify(
    plan: Plan,
    options: &Options,
    wanted: &VerifyOptions,
    progress: &dyn Progress,
) -> Result<Option<Verified>, RunError> {
    let started = Instant::now();
    let layout = Layout::new(&options.state_dir, &plan);
    let Some(catalog) = Catalog::open_existing(&layout.state)? else { return Ok(None) };
    recover::check_job(&plan, &catalog, Differing::Nothing)?;
    if wanted.range.is_some() && plan.reduce.as_ref().is_some_and(|r| r.window_us.is_none()) {
        let what = "the job has no window, so that --from and --to say nothing; leave them out";
        return Err(Diagnostic::file(&plan.path, what).into());
    }
    let scratch = Scratch::create(wanted.scratch.as_deref().unwrap_or(&layout.state))?;
    let tables = tables::of(&plan);
    let names: Vec<String> = tables.iter().map(|(name, _)| name.clone()).collect();

    progress.stage("look");
    let snapshot = Snapshot::take(&plan, &layout, &catalog, &scratch, &names)?;
    let codec = plan.reduce.as_ref().map(Codec::of_groups);
    let (codec_of, range) = (codec.as_ref(), wanted.range);
    let mut read = tables::read(tables, codec_of, &plan, range, &scratch, &catalog)?;
    // What the tables had that the snapshot has not is in the store by now.
    let later = Store::link(&catalog, &layout.stores(), &scratch.subfolder("later")?)?;

    let recomputed = recompute(&plan, options, &snapshot.facts.segments, &scratch, progress)?;
    let mut result = report_of(&snapshot, &recomputed);
    if let (Some(reduce), Some(codec)) = (&plan.reduce, &codec) {
        let comparison = Comparison { codec, range: wanted.range };
        let groups =
            Groups { reduce, comparison, snapshot: &snapshot, expected: &recomputed.groups };
        let memory = usize::try_from(plan.limits.memory_bytes / 4).unwrap_or(usize::MAX);
        result.outputs.push(groups.store(&layout)?);
        if let Some(output) = &plan.outputs.summary {
            let found = summary::compare(&groups, output, &scratch, memory, &mut result.problems)?;
            result.outputs.push(found);
        }
        for table in &mut read {
            let found = tables::compare(&groups, table, &later, &scratch, memory, &mut result)?;
            result.outputs.extend(found);
        }
    }
    if let Some(output) = &plan.outputs.events {
        let (expected, found) = (&recomputed.events, &snapshot.events);
        let mut found = events::compare(output, expected, found, wanted.range, &mut result)?;
        found.place = output.path.display().to_string();
        result.events = Some(found);
    }
    if !result.is_equal() {
        result.notices.extend(about_paths(&plan, &recomputed));
    }
    result.seconds = started.elapsed().as_secs_f64();
    Ok(Some(result))
}

/// What all comparisons of groups need.
struct Groups<'g> {
    reduce: &'g ReducePlan,
    comparison: Comparison<'g>,
    snapshot: &'g Snapshot,
    expected: &'g Expected,
}

impl Groups<'_> {
    fn store(&self, layout: &Layout) -> Result<VerifiedOutput, RunError> {
        let (reduce, codec) = (self.reduce, self.comparison.codec);
        let mut tally = Tally::default();
        let expected = self.expected.rows(None);
        let found = self.snapshot.store.rows(reduce, codec, None, 0);
        self.comparison.run(expected, found, Box::new(std::iter::empty()), &mut tally)?;
        let place = layout.stores().display().to_string();
        Ok(VerifiedOutput { name: "store".into(), place, tally })
    }
}

fn report_of(snapshot: &Snapshot, recomputed: &Recomputed) -> Verified {
    let mut notices = Vec::new();
    if !snapshot.is_one {
        notices.push(
            "the job changes faster than its files can be looked at, or a run did not finish: what is said of Parquet \
             files may come from that"
                .to_owned(),
        );
    }
    if snapshot.facts.former > 0 {
        notices.push(format!(
            "{} more logs are gone for so long that they were forgotten: what they gave to groups is not computed again",
            snapshot.facts.former
        ));
    }
    Verified {
        batch: snapshot.facts.batch,
        segments: recomputed.segments,
        bytes: recomputed.bytes,
        gone: recomputed.gone.clone(),
        problems: recomputed.problems.clone(),
        notices,
        ..Verified::default()
    }
}

/// A job that uses the names of files sees other ones now.
fn about_paths(plan: &Plan, recomputed: &Recomputed) -> Option<String> {
    let used = plan.map.slots.iter().any(|slot| matches!(slot.kind, SlotKind::SourceFile));
    let moved =
        if recomputed.renamed { " (and some were renamed since the last batch)" } else { "" };
    used.then(|| {
        format!(
            "the job uses source_file, and a log that was renamed after it was read has another one now{moved}: \
             differences may come from that"
        )
    })
}
