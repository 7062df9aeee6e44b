//! One connection: opened, set up, used for one call and closed. `mysql_async` has no time limits of its own, so each wait
//! gets one here.

use std::future::Future;
use std::time::Duration;

use mysql_async::prelude::{FromRow, Queryable};
use mysql_async::{Conn, Error};
use tokio::runtime::{Builder, Runtime};

use super::super::DeliverError;
use super::errors::{self, Fault};
use super::url::Target;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);
const COMMIT_TIMEOUT: Duration = Duration::from_secs(60);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// What the server may have set otherwise, and what our statements rely on: backslash escapes, errors instead of changed
/// values, UTC. The waits for locks end before STATEMENT_TIMEOUT, so that the server says what was the matter.
const SETUP: [&str; 3] = [
    "SET NAMES utf8mb4",
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET SESSION autocommit = 1, time_zone = '+00:00', innodb_lock_wait_timeout = 10, lock_wait_timeout = 20, \
     sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
];

/// A connection. Dropped without [`Session::close`], its socket just closes, and the server rolls back.
pub(super) struct Session {
    // Before the runtime, which its socket is registered with.
    conn: Conn,
    runtime: Runtime,
    place: String,
    /// The longest statement that the server takes, in bytes.
    pub(super) packet_bytes_max: usize,
}

impl Session {
    pub(super) fn open(target: &Target) -> Result<Self, Fault> {
        let place = target.place.clone();
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| {
            let problem = format!("cannot set up a connection: {error}");
            Fault::Final(DeliverError::unavailable(
                &place,
                problem,
                "check the limits of this process",
            ))
        })?;
        let connecting = limit(CONNECT_TIMEOUT, Conn::new(target.opts.clone()));
        let conn = runtime
            .block_on(connecting)
            .map_err(|late| late.fault(&place, "the connection", CONNECT_TIMEOUT, true))?;
        let mut session = Session { conn, runtime, place, packet_bytes_max: 0 };
        for statement in SETUP {
            session.run(statement)?;
        }
        let packet = session.row::<(usize,)>("SELECT @@max_allowed_packet")?;
        session.packet_bytes_max = packet.map_or(0, |(bytes,)| bytes);
        Ok(session)
    }

    /// Where this connection leads, for messages.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Runs a statement; returns how many rows it touched.
    pub(super) fn run(&mut self, statement: impl AsRef<[u8]>) -> Result<u64, Fault> {
        let query = self.conn.query_drop(statement.as_ref());
        self.runtime
            .block_on(limit(STATEMENT_TIMEOUT, query))
            .map_err(|late| late.fault(&self.place, "a statement", STATEMENT_TIMEOUT, false))?;
        Ok(self.conn.affected_rows())
    }

    /// The first row of a query's result.
    pub(super) fn row<T: FromRow + Send + 'static>(
        &mut self,
        query: &str,
    ) -> Result<Option<T>, Fault> {
        Ok(self.rows(query)?.into_iter().next())
    }

    /// A query's rows.
    pub(super) fn rows<T: FromRow + Send + 'static>(
        &mut self,
        query: &str,
    ) -> Result<Vec<T>, Fault> {
        let query = self.conn.query::<T, _>(query);
        self.runtime
            .block_on(limit(STATEMENT_TIMEOUT, query))
            .map_err(|late| late.fault(&self.place, "a query", STATEMENT_TIMEOUT, false))
    }

    /// Commits. Whatever goes wrong, the server may have committed: only a look at the table of batches tells.
    pub(super) fn commit(&mut self, rows: u64) -> Result<(), Fault> {
        let commit = self.conn.query_drop("COMMIT");
        self.runtime.block_on(limit(COMMIT_TIMEOUT, commit)).map_err(|late| {
            let cause = late.fault(&self.place, "COMMIT", COMMIT_TIMEOUT, false).into_error();
            Fault::CommitLost { cause, rows }
        })
    }

    /// Takes leave of the server, which would log a connection that just breaks off.
    pub(super) fn close(self) {
        let Session { conn, runtime, .. } = self;
        // All is committed: an error has no bearing on anything any more.
        let _ = runtime.block_on(limit(CLOSE_TIMEOUT, conn.disconnect()));
    }
}

/// A wait that ended badly.
enum Late {
    TimedOut,
    Failed(Error),
}

impl Late {
    fn fault(self, place: &str, what: &str, limit: Duration, connecting: bool) -> Fault {
        match self {
            Late::Failed(error) => errors::classify(place, error, connecting),
            Late::TimedOut => Fault::Final(DeliverError::unavailable(
                place,
                format!("no answer to {what} within {} s", limit.as_secs()),
                "check the server and the way to it",
            )),
        }
    }
}

async fn limit<T>(
    duration: Duration,
    wait: impl Future<Output = Result<T, Error>>,
) -> Result<T, Late> {
    match tokio::time::timeout(duration, wait).await {
        Ok(result) => result.map_err(Late::Failed),
        Err(_) => Err(Late::TimedOut),
    }
}
