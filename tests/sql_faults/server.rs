//! A MariaDB server of a test's own, which may be stopped, killed and set up as the test likes.

use std::path::PathBuf;
use std::process::Command;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder, Row};
use tempfile::TempDir;

/// Runs until it is dropped.
pub struct Server {
    folder: TempDir,
    /// Of an account that may do all, as scripts/mariadb prints it.
    pub url: String,
}

impl Server {
    pub fn start() -> Server {
        let folder = TempDir::with_prefix("logmill-sql-").expect("a temporary folder");
        let url = script("start", &folder);
        Server { folder, url }
    }

    /// `host:port`.
    pub fn address(&self) -> String {
        address_of(&self.url)
    }

    /// As the process is when it dies: without a word.
    pub fn kill(&self) {
        let pid = std::fs::read_to_string(self.folder.path().join("server.pid")).expect("a pid");
        let status = Command::new("kill").args(["-9", pid.trim()]).status().expect("kill runs");
        assert!(status.success(), "the server {pid} was not there to be killed");
    }

    /// Starts it again after it was killed or stopped, on another port.
    pub fn restart(&mut self) {
        self.url = script("start", &self.folder);
    }

    pub fn stop(&self) {
        script("stop", &self.folder);
    }

    /// Runs statements as root, on one connection; returns the rows of the last one.
    pub fn root(&self, statements: &[&str]) -> Vec<Vec<String>> {
        let socket: PathBuf = self.folder.path().join("run/server.sock");
        let opts = OptsBuilder::default()
            .ip_or_hostname("localhost")
            .user(Some("root"))
            .db_name(Some("logmill"))
            .socket(Some(socket.display().to_string()));
        query(opts.into(), statements)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn script(command: &str, folder: &TempDir) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/mariadb");
    let output = Command::new(script).arg(command).arg(folder.path()).output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// `host:port` of a URL.
pub fn address_of(url: &str) -> String {
    let host = url.split_once('@').and_then(|(_, rest)| rest.split_once('/'));
    host.expect("a url with user and database").0.into()
}

/// The same URL by way of a proxy.
pub fn through(url: &str, port: u16) -> String {
    url.replace(&address_of(url), &format!("127.0.0.1:{port}"))
}

/// Runs statements on a connection of their own; returns the rows of the last one as text.
pub fn query(opts: mysql_async::Opts, statements: &[&str]) -> Vec<Vec<String>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let mut connection = Conn::new(opts).await.expect("a connection");
        let mut rows: Vec<Row> = Vec::new();
        for statement in statements {
            rows = connection.query(*statement).await.expect(statement);
        }
        connection.disconnect().await.expect("the end of the connection");
        rows.into_iter().map(|row| row.unwrap().into_iter().map(text).collect()).collect()
    })
}

fn text(value: mysql_async::Value) -> String {
    match value {
        mysql_async::Value::Bytes(bytes) => String::from_utf8(bytes).expect("UTF-8"),
        other => other.as_sql(true),
    }
}
