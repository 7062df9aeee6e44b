//! A job for tests.

use std::path::Path;

use crate::plan::{self, Overrides, Plan};

const JOB: &str = "name = \"test\"\n[source]\npaths = [\"*.log\", \"*.db\"]\nformat = \"lines\"\n\
                   [reduce]\nby = []\n[reduce.measures]\nn = \"count(*)\"\n[output.sqlite]\npath = \"out.db\"\n";

/// Counts the lines of a folder's logs into a database beside them, which the globs match, too.
pub(super) fn plan_in(folder: &Path) -> Plan {
    let file = folder.join("test.toml");
    std::fs::write(&file, JOB).expect("the job is written");
    let job = crate::job::load(&file).expect("a job");
    plan::compile(&job, &Overrides::default(), None).expect("a plan")
}
