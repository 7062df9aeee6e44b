//! A table on the test server.

use mysql_async::prelude::Queryable;

/// A table of one trial, dropped when it passed.
pub struct Table {
    pub url: String,
    pub name: String,
}

impl Table {
    /// # Panics
    /// Without a server: there is no such test then, and that must not look like a pass.
    pub fn new(trial: u64) -> Table {
        let url = std::env::var("LOGMILL_TEST_MYSQL_URL").expect(
            "LOGMILL_TEST_MYSQL_URL is not set: run scripts/test, which starts a MariaDB server, or set it to the output \
             of scripts/mariadb start DIR",
        );
        Table { url, name: format!("kill_{}_{trial}", std::process::id()) }
    }

    /// Its rows as text, sorted.
    pub fn rows(&self) -> Vec<Vec<String>> {
        let columns = "concat(window_start, ''), user, class, hits, bytes, concat(slowest, '')";
        let mut rows = self.query(&format!("SELECT {columns} FROM {}", self.name));
        rows.sort();
        rows
    }

    /// `kind`: what is added to their names.
    pub fn drop_tables(&self, kind: &str) {
        self.query(&format!("DROP TABLE IF EXISTS {0}{kind}, {0}{kind}_batches", self.name));
    }

    pub fn query(&self, query: &str) -> Vec<Vec<String>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let mut connection =
                mysql_async::Conn::from_url(&self.url).await.expect("a connection");
            let rows: Vec<mysql_async::Row> = connection.query(query).await.expect("rows");
            connection.disconnect().await.expect("disconnected");
            rows.into_iter().map(|row| row.unwrap().into_iter().map(text).collect()).collect()
        })
    }
}

fn text(value: mysql_async::Value) -> String {
    match value {
        mysql_async::Value::Bytes(bytes) => String::from_utf8(bytes).expect("text"),
        other => other.as_sql(true),
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.drop_tables("");
            self.drop_tables("_kept");
        }
    }
}
