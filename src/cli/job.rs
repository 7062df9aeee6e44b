//! From a job file's path to a plan.

use std::path::Path;

use logmill::error::Diagnostic;
use logmill::plan::{Overrides, Plan};
use logmill::{driver, job, plan};

/// Loads and compiles a job. Looks into a log file only where the format names its columns there.
pub(super) fn load(path: &Path, overrides: &Overrides) -> Result<Plan, Diagnostic> {
    let file = job::load(path)?;
    let head = if plan::columns_stand_in_files(&file) {
        let (globs, base) = plan::source_globs(&file, overrides);
        driver::head_of(&globs, &base)
    } else {
        None
    };
    let plan = plan::compile(&file, overrides, head.as_deref())?;
    // What a database's URL says is a matter of the output; that it says nothing is a mistake of the job.
    match driver::sql_outputs(&plan).into_iter().find_map(|(_, output)| output.err()) {
        Some(error) => Err(Diagnostic::file(path, error.to_string())),
        None => Ok(plan),
    }
}
