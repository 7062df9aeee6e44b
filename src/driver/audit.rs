//! `audit`: what became of every byte of every segment, and whether the sums are right. Whoever reads the ledger needs not
//! trust it: the sizes are those of the files.

use std::path::PathBuf;

use super::locate::{Place, locate};
use super::{Layout, Options, RunError};
use crate::catalog::{Catalog, FormerSegments, SegmentLedger, Totals};
use crate::plan::Plan;
use crate::source::SegmentState;

/// What a segment is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// A file with bytes that were not read yet.
    Live,
    /// A file that was read to its end.
    Complete,
    /// A compressed file.
    Compressed,
    /// No file is it any more.
    Gone,
    /// A file that no batch has read from.
    New,
    /// A file that has nothing but what was read of another.
    Copy,
}

/// A generation of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Where it is, or was seen last.
    pub path: PathBuf,
    /// What it is now.
    pub fate: Fate,
    /// Its bytes, decompressed, as far as that is known.
    pub size: Option<u64>,
    /// Bytes that were consumed.
    pub consumed: u64,
    /// What became of them, and those that were lost.
    pub ledger: SegmentLedger,
    /// Bytes that are there and were not consumed; `None` where they would have to be decompressed.
    pub unread: Option<u64>,
}

/// The ledger of a job.
#[derive(Debug, Default)]
pub struct Audit {
    /// The last decided batch.
    pub batch: u64,
    /// One a generation.
    pub rows: Vec<AuditRow>,
    /// Those that are gone for so long that only their sums are known.
    pub former: FormerSegments,
    /// Things to know, one line each.
    pub notices: Vec<String>,
    /// Sums that are wrong, one line each.
    pub wrong: Vec<String>,
}

/// Draws the ledger up; `None` where the job never ran.
pub fn audit(plan: &Plan, options: &Options) -> Result<Option<Audit>, RunError> {
    let layout = Layout::new(&options.state_dir, plan);
    let Some(catalog) = Catalog::open_existing(&layout.state)? else { return Ok(None) };
    let (batch, ledger, former, totals) = catalog.at_once(|catalog| {
        let (ledger, former) = (catalog.ledger()?, catalog.former_segments()?);
        Ok::<_, RunError>((catalog.last_batch()?, ledger, former, catalog.totals()?))
    })?;
    let known: Vec<SegmentState> = ledger.iter().map(|(segment, _)| segment.clone()).collect();
    let located = locate(plan, Some(&catalog), &known)?;
    let mut audit = Audit { batch, former, ..Audit::default() };
    for ((segment, read), place) in ledger.iter().zip(&located.segments) {
        let row = row(segment, *read, place.as_ref());
        audit.check(segment, &row);
        audit.rows.push(row);
    }
    audit.check_totals(&totals);
    for (found, compression) in located.new {
        let size = (!compression.is_compressed()).then_some(found.size);
        let ledger = SegmentLedger::default();
        let (path, fate) = (found.path, Fate::New);
        audit.rows.push(AuditRow { path, fate, size, consumed: 0, ledger, unread: size });
    }
    for copy in located.copies.into_iter().filter(|copy| copy.bytes > 0) {
        let (size, ledger) = (Some(copy.bytes), SegmentLedger::default());
        let (path, fate) = (copy.path, Fate::Copy);
        audit.rows.push(AuditRow { path, fate, size, consumed: 0, ledger, unread: Some(0) });
    }
    Ok(Some(audit))
}

fn row(segment: &SegmentState, ledger: SegmentLedger, place: Option<&Place>) -> AuditRow {
    let consumed = segment.consumed();
    let (fate, size) = match place {
        None if segment.compression.is_compressed() => (Fate::Gone, Some(consumed)),
        None => (Fate::Gone, Some(segment.size.saturating_sub(segment.origin).max(consumed))),
        Some(place) if place.compression.is_compressed() => {
            (Fate::Compressed, (!place.has_more).then_some(consumed))
        }
        Some(place) => {
            let fate = if place.has_more { Fate::Live } else { Fate::Complete };
            (fate, Some(place.found.size.saturating_sub(segment.origin)))
        }
    };
    let unread = match fate {
        Fate::Gone => Some(0),
        _ => size.map(|size| size.saturating_sub(consumed)),
    };
    let path = place.map_or(&segment.path, |place| &place.found.path).clone();
    AuditRow { path, fate, size, consumed, ledger, unread }
}

/// Bytes whose fate is told, of those that were consumed.
fn told(ledger: &SegmentLedger) -> u64 {
    let SegmentLedger { mapped_bytes, filtered_bytes, rejected_bytes, .. } = *ledger;
    mapped_bytes.saturating_add(filtered_bytes).saturating_add(rejected_bytes)
}

impl Audit {
    fn check(&mut self, segment: &SegmentState, row: &AuditRow) {
        let (path, lost) = (row.path.display(), row.ledger.lost_bytes);
        if told(&row.ledger) != row.consumed {
            self.wrong.push(format!(
                "{path}: mapped + filtered + rejected are {} bytes, and {} were consumed",
                told(&row.ledger),
                row.consumed
            ));
        }
        let (Some(size), Some(unread)) = (row.size, row.unread) else { return };
        let sum = row.consumed.saturating_add(unread).saturating_add(lost);
        match row.fate {
            _ if sum == size => {}
            Fate::Gone if segment.gone_us.is_none() && segment.inode != 0 && lost == 0 => {
                self.notices.push(format!(
                    "{path}: {} bytes were not read and are gone, or another process holds the file; the next batch \
                     reads or counts them",
                    size - row.consumed
                ));
            }
            Fate::Gone => self
                .wrong
                .push(format!("{path}: consumed + lost are {sum} bytes, and there were {size}")),
            _ if lost > 0 => self.notices.push(format!(
                "{path}: {lost} of its bytes were told to be lost before the file came back"
            )),
            _ => self.wrong.push(format!(
                "{path}: consumed + unread + lost are {sum} bytes, and the file has {size}"
            )),
        }
    }

    /// The batches must have seen what the segments gave.
    fn check_totals(&mut self, totals: &Totals) {
        let all = || self.rows.iter().map(|row| &row.ledger).chain([&self.former.ledger]);
        let sum = |of: fn(&SegmentLedger) -> u64| all().map(of).fold(0, u64::saturating_add);
        let (told, lost) = (sum(told), sum(|ledger| ledger.lost_bytes));
        let bytes = totals.counters.bytes;
        if told != bytes {
            self.wrong.push(format!(
                "the segments tell the fate of {told} bytes, and the batches read {bytes}"
            ));
        }
        if lost != totals.lost_bytes {
            self.wrong.push(format!(
                "{lost} bytes of the segments were lost, and the batches told of {}",
                totals.lost_bytes
            ));
        }
    }
}
