//! Faults on the way to a MySQL or MariaDB server (LOGMILL_TEST_MYSQL_URL), and of servers of the tests' own.
//!
//! Trials, with small numbers in the ordinary run: LOGMILL_CUT_TRIALS connections cut at a packet, LOGMILL_MARIADBD_KILLS
//! servers killed.

#[path = "sql_faults/cuts.rs"]
mod cuts;
#[path = "sql_outputs/fixture.rs"]
#[allow(dead_code, reason = "tests/sql_outputs.rs uses the rest")]
mod fixture;
#[path = "sql_faults/kept.rs"]
mod kept;
#[path = "sql_faults/kills.rs"]
mod kills;
#[path = "sql_faults/model.rs"]
mod model;
#[path = "sql_faults/proxy.rs"]
mod proxy;
#[path = "sql_faults/server.rs"]
mod server;

/// How often a trial is made.
fn count(variable: &str, ordinary: u64) -> u64 {
    std::env::var(variable).map_or(ordinary, |text| text.parse().expect(variable))
}
