//! From a job file's path to a plan.

use std::path::Path;

use logmill::error::Diagnostic;
use logmill::job::JobFile;
use logmill::plan::{Overrides, Plan};
use logmill::{driver, job, plan};

/// Loads and compiles a job. Looks into a log file only where the format names its columns there.
pub(super) fn load(path: &Path, overrides: &Overrides) -> Result<Plan, Diagnostic> {
    let file = job::load(path)?;
    let plan = compile(&file, overrides)?;
    // What a database's URL says is a matter of the output; that it says nothing is a mistake of the job.
    match driver::sql_outputs(&plan).into_iter().find_map(|(_, output)| output.err()) {
        Some(error) => Err(Diagnostic::file(path, error.to_string())),
        None => Ok(plan),
    }
}

/// Compiles a job. Where its columns stand in the files, by the first of them whose header has what the job asks for: one
/// file that lost its header, or has not all of it yet, doesn't stop the others.
fn compile(file: &JobFile, overrides: &Overrides) -> Result<Plan, Diagnostic> {
    let mut found = None;
    if plan::columns_stand_in_files(file) {
        let (globs, base) = plan::source_globs(file, overrides);
        let sealing = (overrides.final_, plan::seal_after(file));
        for head in driver::heads_of(&globs, &base, sealing) {
            match plan::compile(file, overrides, Some(&head)) {
                // There is no header yet.
                Ok(plan) if plan.format.open_ended() => {}
                Ok(plan) => return Ok(plan),
                Err(error) => found = found.or(Some(error)),
            }
        }
    }
    found.map_or_else(|| plan::compile(file, overrides, None), Err)
}
