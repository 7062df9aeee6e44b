//! The visible summary shows the store: files that are missing, or in a folder that the job file names since lately, are
//! written from it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::RunError;
use super::layout::{Layout, summary_path};
use crate::catalog::{Catalog, StoreFile, VisibleFile};
use crate::engine::parquet_file::{
    Content, FileError, ParquetFile, Written, create_folder, sync_folder,
};
use crate::engine::summary_reader::SummaryReader;
use crate::plan::{Plan, ReducePlan};

/// Brings the visible files up to the store; answers a notice where there was anything to do. Nothing is decided here:
/// each file is what the decided store says, however often it is written.
pub(super) fn restore(
    plan: &Plan,
    layout: &Layout,
    catalog: &mut Catalog,
) -> Result<Option<String>, RunError> {
    let (Some(reduce), Some(output)) = (&plan.reduce, &plan.outputs.summary) else {
        return Ok(None);
    };
    let noted = catalog.visible()?.into_iter().map(|file| (file.path.clone(), file));
    let noted: HashMap<PathBuf, VisibleFile> = noted.collect();
    let mut restored = Vec::new();
    for store in catalog.stores()? {
        let path = summary_path(&output.path, reduce.partition, store.partition_us);
        if noted.get(&path).is_none_or(|file| !shows(file, &store)) {
            let what = format!("restored-{}", store.partition_us);
            let staged = layout.staged(&output.path, store.batch, &what);
            let written = write(reduce, &layout.stores().join(&store.file), &staged)?;
            publish(&staged, &path)?;
            restored.push(VisibleFile { path, batch: store.batch, bytes: written.bytes });
        }
    }
    if restored.is_empty() {
        return Ok(None);
    }
    catalog.set_visible(&restored)?;
    let (count, folder) = (restored.len(), output.path.display());
    Ok(Some(format!(
        "{count} missing or foreign files of the summary in {folder} were written anew"
    )))
}

/// Whether the file is there, as it was written, and the store did not change since.
fn shows(file: &VisibleFile, store: &StoreFile) -> bool {
    let there = std::fs::metadata(&file.path).is_ok_and(|meta| meta.len() == file.bytes);
    there && file.batch == store.batch
}

/// The same bytes that the batch wrote which made the store's file.
fn write(reduce: &ReducePlan, store: &Path, staged: &Path) -> Result<Written, RunError> {
    create_folder(staged.parent().unwrap_or(Path::new(".")))?;
    let content = Content::Summary(reduce.key_types().len());
    let mut file = ParquetFile::create(staged, reduce.schema(), content)?;
    let mut reader = SummaryReader::open(reduce, &[store.to_owned()], 0)?;
    while let Some(found) = reader.next_rows()? {
        file.write(&found.rows)?;
    }
    Ok(file.finish()?)
}

fn publish(staged: &Path, published: &Path) -> Result<(), RunError> {
    let folder = published.parent().unwrap_or(Path::new("."));
    create_folder(folder)?;
    std::fs::rename(staged, published).map_err(FileError::io("publish", published))?;
    Ok(sync_folder(folder)?)
}
