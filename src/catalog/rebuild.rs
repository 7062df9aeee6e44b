//! A batch that computes everything anew: what the catalog knew of segments, groups and visible files is forgotten in its
//! decision. The history of the batches stays; their counters are not those of the outputs any more.

use rusqlite::Transaction;

/// Batches before this one don't count any more: a subquery.
pub(super) const REBUILT: &str =
    "coalesce((SELECT value FROM meta WHERE key = 'rebuilt_batch'), 0)";

/// Forgets all that was there before `batch`. Losses stay: they are gone in the new outputs too, and so are the `lost_bytes` of
/// segments that could not be read again.
pub(super) fn forget(
    transaction: &Transaction<'_>,
    batch: u64,
    lost_bytes: u64,
) -> rusqlite::Result<()> {
    transaction.execute_batch(&format!(
        "UPDATE former_batches SET batches = 0, mapped = 0, filtered = 0, rejected = 0, late = 0, retried = 0, bytes = 0,
             lost_bytes = lost_bytes + (SELECT coalesce(sum(lost_bytes), 0) FROM batches WHERE batch >= {REBUILT}),
             gaps = gaps + (SELECT coalesce(sum(gaps), 0) FROM batches WHERE batch >= {REBUILT});
         UPDATE former_segments SET segments = 0, bytes = 0, mapped_bytes = 0, filtered_bytes = 0, rejected_bytes = 0,
             lost_bytes = lost_bytes + {lost_bytes} + (SELECT coalesce(sum(lost_bytes), 0) FROM segments);
         DELETE FROM segments; DELETE FROM marks; DELETE FROM copies; DELETE FROM rejects; DELETE FROM runs; DELETE FROM visible; DELETE FROM event_files;
         DELETE FROM event_parts; DELETE FROM meta WHERE key = 'watermark_us';
         INSERT OR REPLACE INTO meta VALUES ('rebuilt_batch', {batch});"
    ))
}
