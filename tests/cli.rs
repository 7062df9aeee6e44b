//! The program as a user meets it: arguments in; files, tables, messages and exit statuses out.

#[path = "support/mod.rs"]
mod support;

#[path = "cli/audit.rs"]
mod audit;
#[path = "cli/commands.rs"]
mod commands;
#[path = "cli/compaction.rs"]
mod compaction;
#[path = "cli/csv_records.rs"]
mod csv_records;
#[path = "cli/damaged_input.rs"]
mod damaged_input;
#[path = "cli/databases.rs"]
mod databases;
#[path = "cli/failing_measures.rs"]
mod failing_measures;
#[path = "cli/formats.rs"]
mod formats;
#[path = "cli/full_disk.rs"]
mod full_disk;
#[path = "cli/golden.rs"]
mod golden;
#[path = "cli/identity.rs"]
mod identity;
#[path = "cli/init.rs"]
mod init;
#[path = "cli/input.rs"]
mod input;
#[path = "cli/job_errors.rs"]
mod job_errors;
#[path = "cli/levels.rs"]
mod levels;
#[path = "cli/names.rs"]
mod names;
#[path = "cli/no_records.rs"]
mod no_records;
#[path = "cli/odd_keys.rs"]
mod odd_keys;
#[path = "cli/other_way.rs"]
mod other_way;
#[path = "cli/places.rs"]
mod places;
#[path = "cli/rebuild.rs"]
mod rebuild;
#[path = "cli/reruns.rs"]
mod reruns;
#[path = "cli/retry.rs"]
mod retry;
#[path = "cli/several.rs"]
mod several;
#[path = "cli/verify.rs"]
mod verify;
