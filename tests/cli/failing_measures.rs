//! A measure that has no value in some group ends the run before the decision, whatever the outputs are.

use crate::support::{JOB, World, lines};

const SUMMARY: &str = "[output.summary]\npath = \"out/hits\"\n";

fn fails_and_can_be_mended(job: &str) {
    let world = World::new();
    world.write("logs/a.log", lines(0, 3));
    world.job(&job.replace("count(*)", "10 / (count(*) - 3)"));
    world.run(&[]).expect(1).says(&["hits", "division by zero"]);
    assert!(!world.path("out/hits.db").exists() && !world.has_parquet("."));
    world.job(job);
    assert_eq!(world.run_json(&[])["lines"], 3, "nothing was decided before");
}

#[test]
fn with_parquet_and_a_table() {
    fails_and_can_be_mended(JOB);
}

#[test]
fn with_a_table_alone() {
    fails_and_can_be_mended(&JOB.replace(SUMMARY, ""));
}
