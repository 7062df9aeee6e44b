//! From a job file's path to a plan.

use std::path::Path;

use logmill::error::Diagnostic;
use logmill::plan::{Overrides, Plan};
use logmill::{driver, job, plan};

/// Loads and compiles a job. Looks into a log file only where the format names its columns there.
pub(super) fn load(path: &Path, overrides: &Overrides) -> Result<Plan, Diagnostic> {
    let file = job::load(path)?;
    let first = plan::compile(&file, overrides, None);
    let needs_head = matches!(&file.spec.source.format.value, job::FormatChoice::Csv(csv) | job::FormatChoice::Tsv(csv)
        if csv.columns.is_empty())
        || matches!(&file.spec.source.format.value, job::FormatChoice::Name(n) if n == "csv" || n == "tsv");
    if !needs_head {
        return first;
    }
    let (globs, base) = plan::source_globs(&file, overrides);
    match driver::head_of(&globs, &base) {
        Some(head) => plan::compile(&file, overrides, Some(&head)),
        None => first,
    }
}
