//! A table on the test server.

use mysql_async::prelude::Queryable;

/// The table, and its table of batches.
const ENDS: [&str; 2] = ["", "_batches"];

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

    /// Keeps what it holds.
    pub fn keep(&self) {
        self.drop_tables("_kept");
        for end in ENDS {
            self.query(&format!("CREATE TABLE {0}_kept{end} LIKE {0}{end}", self.name));
        }
        self.copy("", "_kept");
    }

    /// Makes it what it was when it was kept; nothing, if it never was.
    pub fn restore(&self) {
        let kept = format!("SHOW TABLES LIKE '{}\\_kept'", self.name);
        match self.query(&kept).is_empty() {
            true => self.drop_tables(""),
            false => {
                ENDS.iter()
                    .for_each(|end| drop(self.query(&format!("DELETE FROM {}{end}", self.name))));
                self.copy("_kept", "");
            }
        }
    }

    fn copy(&self, from: &str, to: &str) {
        // `*` leaves the key out, which is invisible.
        let columns = ["logmill_key, window_start, user, class, hits, bytes, slowest", "*"];
        for (end, columns) in ENDS.iter().zip(columns) {
            let into = if columns == "*" { String::new() } else { format!("({columns})") };
            let name = &self.name;
            self.query(&format!(
                "INSERT INTO {name}{to}{end} {into} SELECT {columns} FROM {name}{from}{end}"
            ));
        }
    }

    fn drop_tables(&self, kind: &str) {
        self.query(&format!("DROP TABLE IF EXISTS {0}{kind}, {0}{kind}_batches", self.name));
    }

    fn query(&self, query: &str) -> Vec<Vec<String>> {
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
