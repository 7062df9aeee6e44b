//! Groups that memory can't hold: sorted runs in the state directory, one file a time partition.

use std::sync::atomic::{AtomicU64, Ordering};

use super::RunError;
use super::batch::Batch;
use crate::engine::groups::{GroupBlock, Merge};
use crate::engine::parquet_file::FileError;
use crate::engine::reduce::Delta;
use crate::engine::store::StoreWriter;
use crate::engine::table::GroupTable;

/// A sorted run of one time partition.
#[derive(Debug, Clone)]
pub(super) struct Spilled {
    pub(super) partition_us: i64,
    pub(super) path: std::path::PathBuf,
    pub(super) groups: u64,
}

/// Names runs; unique within the process, and the folder is empty before a batch.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Writes the groups of a worker's tables to files.
pub(super) fn spill(batch: &Batch<'_>, tables: Vec<GroupTable>) -> Result<Vec<Spilled>, RunError> {
    let Some(reduce) = &batch.plan.reduce else { return Ok(Vec::new()) };
    let folder = batch.names.spill();
    std::fs::create_dir_all(&folder).map_err(FileError::io("create", &folder))?;
    let delta = Delta::reduce(vec![tables]);
    let mut spilled = Vec::new();
    for partition_us in delta.partitions(reduce.partition) {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("{number}.parquet"));
        let mut writer = StoreWriter::create(&path)?;
        let mut merge = Merge::new(delta.cursors(reduce.partition, partition_us, batch.number));
        let mut block = GroupBlock::new(reduce);
        while merge.next(&mut block)? {
            writer.write(&block)?;
        }
        let groups = writer.finish()?.rows;
        spilled.push(Spilled { partition_us, path, groups });
    }
    Ok(spilled)
}

/// Removes the runs of this batch.
pub(super) fn clear(batch: &Batch<'_>) -> Result<(), RunError> {
    let folder = batch.names.spill();
    match std::fs::remove_dir_all(&folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(FileError::io("remove", &folder)(e).into())
        }
        _ => Ok(()),
    }
}
