//! The smallest account that does: each right is needed, and no other one.

use logmill::deliver::sql::{DeliverError, Delivery, SqlOutput, SqlTable, SummaryBlock, mysql};

use crate::fixture::{batch, deliver, hits};
use crate::server::{Server, address_of, query};

/// On the table.
const ON_TABLE: [&str; 4] = ["SELECT", "INSERT", "UPDATE", "DELETE"];
/// On the table of batches. MySQL and MariaDB let DELETE lock rows.
const ON_BATCHES: [&str; 3] = ["SELECT", "INSERT", "DELETE"];

struct Site<'s> {
    url: String,
    host: &'s str,
    admin: &'s dyn Fn(&[&str]),
}

impl Site<'_> {
    fn output(&self, wide: bool) -> Box<dyn SqlOutput> {
        let rows = rows(1, wide);
        let table = SqlTable {
            job: "job".into(),
            table: "least".into(),
            schema: rows.rows.schema(),
            key_columns: 1,
        };
        mysql(&self.url, table).expect("a valid url")
    }

    fn grant(&self, verb: &str, rights: &[&str], on: &str) {
        let (rights, host) = (rights.join(", "), self.host);
        let to = if verb == "GRANT" { "TO" } else { "FROM" };
        (self.admin)(&[&format!("{verb} {rights} ON logmill.{on} {to} 'least'@'{host}'")]);
    }

    /// An account without rights, and no table.
    fn begin(&self) {
        let host = self.host;
        (self.admin)(&[
            "DROP TABLE IF EXISTS logmill.least, logmill.least_batches",
            &format!("DROP USER IF EXISTS 'least'@'{host}'"),
            &format!("CREATE USER 'least'@'{host}' IDENTIFIED BY 'least'"),
        ]);
    }

    /// The tables as `logmill check --ddl` shows them.
    fn create_tables(&self) {
        let ddl = self.output(false).ddl();
        let statements = ddl.split(";\n").map(str::trim).filter(|text| !text.is_empty());
        let statements: Vec<&str> = std::iter::once("USE logmill").chain(statements).collect();
        (self.admin)(&statements);
    }

    /// All that logmill does with a table, with a new connection for each, as far as it gets.
    fn use_table(&self) -> Result<(), DeliverError> {
        let whole = |number| Delivery { replace_all: true, ..batch(number) };
        let theirs = Delivery { state_id: "theirs".into(), adopt: true, ..whole(4) };
        for delivery in [whole(1), batch(2), batch(2), whole(3), theirs, whole(1_500)] {
            let delivery = match delivery.batch {
                1_500 => Delivery { state_id: "theirs".into(), ..delivery },
                _ => delivery,
            };
            deliver(&mut *self.output(false), &delivery, &[rows(1, false)])?;
            self.output(false).position()?;
        }
        self.output(false).read(None, &mut |_| Ok(()))
    }
}

fn rows(count: i64, wide: bool) -> SummaryBlock {
    let mut block = hits(&[(Some("a"), count)]);
    if wide {
        let (names, counts) = (block.rows.column(0).clone(), block.rows.column(1).clone());
        let columns =
            [("name", names, true), ("hits", counts.clone(), true), ("more", counts, true)];
        block.rows =
            arrow_array::RecordBatch::try_from_iter_with_nullable(columns).expect("columns");
    }
    block
}

fn smallest_account(url: &str, host: &str, admin: &dyn Fn(&[&str])) {
    let url = format!("mysql://least:least@{}/logmill", address_of(url));
    let site = Site { url, host, admin };
    // The tables are an administrator's.
    site.begin();
    site.create_tables();
    site.grant("GRANT", &ON_TABLE, "least");
    site.grant("GRANT", &ON_BATCHES, "least_batches");
    site.use_table().expect("the rights suffice");
    for (table, rights) in [("least", &ON_TABLE[..]), ("least_batches", &ON_BATCHES[..])] {
        for right in rights {
            (admin)(&["DELETE FROM logmill.least", "DELETE FROM logmill.least_batches"]);
            site.grant("REVOKE", &[right], table);
            let error = site.use_table().expect_err(&format!("{right} on {table} is needed"));
            assert!(matches!(error, DeliverError::Refused { .. }), "{error}");
            assert!(error.to_string().contains("grant"), "{error}");
            site.grant("GRANT", &[right], table);
        }
    }

    // logmill makes the tables.
    site.begin();
    site.grant("GRANT", &ON_TABLE, "*");
    let error = site.use_table().expect_err("CREATE is needed");
    assert!(error.to_string().contains("CREATE"), "{error}");
    site.grant("GRANT", &["CREATE"], "*");
    site.use_table().expect("the rights suffice");

    // And makes them anew when the job's columns changed.
    let reshape =
        Delivery { state_id: "theirs".into(), replace_all: true, reshape: true, ..batch(1_501) };
    for right in ["DROP", "ALTER"] {
        let error = deliver(&mut *site.output(true), &reshape, &[rows(1, true)]);
        error.expect_err(&format!("{right} is needed"));
        site.grant("GRANT", &[right], "*");
    }
    deliver(&mut *site.output(true), &reshape, &[rows(1, true)]).expect("the rights suffice");
    site.begin();
}

#[test]
fn the_documented_rights_are_needed_and_suffice() {
    let server = Server::start();
    smallest_account(&server.url, "127.0.0.1", &|statements| drop(server.root(statements)));
}

#[test]
#[ignore = "needs a MySQL server and an administrator of it: LOGMILL_TEST_MYSQL_ADMIN_URL"]
fn the_documented_rights_are_needed_and_suffice_on_mysql() {
    let url = std::env::var("LOGMILL_TEST_MYSQL_ADMIN_URL").expect("LOGMILL_TEST_MYSQL_ADMIN_URL");
    let opts = mysql_async::Opts::from_url(&url).expect("a valid url");
    smallest_account(&url, "localhost", &|statements| drop(query(opts.clone(), statements)));
}
