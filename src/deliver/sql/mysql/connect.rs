//! One connection: opened, set up, and used for as long as each of its calls went well. `mysql_async` has no time limits of
//! its own, so each wait gets one here.

use std::future::Future;
use std::time::{Duration, Instant};

use mysql_async::prelude::{FromRow, Queryable};
use mysql_async::{Conn, Error, Row, Value};
use tokio::runtime::{Builder, Runtime};

use super::super::DeliverError;
use super::errors::{self, Fault};
use super::url::Target;

const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// A connection is opened anew after so long: then a changed password, certificate or table is noticed.
const KEPT_MAX: Duration = Duration::from_secs(600);
/// Rows of a long result that are read under one time limit.
const ROWS_AT_ONCE: usize = 1024;

/// The longest waits for a server.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a connection, with TLS and login; and for the first answer on one that was kept.
    pub connect: Duration,
    /// For the answer to a statement.
    pub statement: Duration,
    /// For the answer to COMMIT.
    pub commit: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            connect: Duration::from_secs(5),
            statement: Duration::from_secs(30),
            commit: Duration::from_secs(60),
        }
    }
}

impl Patience {
    /// What the server may have set otherwise, and what our statements rely on: backslash escapes, errors instead of
    /// changed values, UTC. The server's waits for locks end before ours for the statement, so that it says what was the
    /// matter.
    fn setup(&self) -> [String; 3] {
        let seconds = |wait: Duration| wait.as_secs().max(1);
        let (rows, tables) = (seconds(self.statement / 3), seconds(self.statement * 2 / 3));
        [
            "SET NAMES utf8mb4".into(),
            "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED".into(),
            format!(
                "SET SESSION autocommit = 1, time_zone = '+00:00', innodb_lock_wait_timeout = {rows}, \
                 lock_wait_timeout = {tables}, sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,\
                 ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'"
            ),
        ]
    }
}

/// A connection. Dropped without [`Session::close`], its socket just closes, and the server rolls back.
pub(super) struct Session {
    // Before the runtime, which its socket is registered with.
    conn: Conn,
    runtime: Runtime,
    place: String,
    patience: Patience,
    opened: Instant,
    /// The longest statement that the server takes, in bytes.
    pub(super) packet_bytes_max: usize,
    /// The tables were found to exist and to fit; a table dropped since is found by the error of a statement.
    pub(super) prepared: bool,
    /// There are tables of a change of shape that was broken off.
    pub(super) leftovers: bool,
}

impl Session {
    pub(super) fn open(target: &Target, patience: Patience) -> Result<Self, Fault> {
        let place = target.place.clone();
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| {
            let problem = format!("cannot set up a connection: {error}");
            Fault::Final(DeliverError::unavailable(
                &place,
                problem,
                "check the limits of this process",
            ))
        })?;
        let connecting = limit(patience.connect, Conn::new(target.opts.clone()));
        let conn = runtime
            .block_on(connecting)
            .map_err(|late| late.fault(&place, "the connection", patience.connect, true))?;
        let opened = Instant::now();
        let mut session = Session {
            conn,
            runtime,
            place,
            patience,
            opened,
            packet_bytes_max: 0,
            prepared: false,
            leftovers: false,
        };
        for statement in patience.setup() {
            session.run(statement)?;
        }
        let packet = session.row::<(usize,)>("SELECT @@max_allowed_packet")?;
        session.packet_bytes_max = packet.map_or(0, |(bytes,)| bytes);
        Ok(session)
    }

    /// Whether a connection that was kept may be used again.
    pub(super) fn is_young(&self) -> bool {
        self.opened.elapsed() < KEPT_MAX
    }

    /// Begins a transaction on a connection that was kept. It may have gone stale: the server was restarted, or ended it
    /// after a time without statements.
    pub(super) fn begins_again(&mut self) -> bool {
        let begin = self.conn.query_drop(BEGIN);
        match self.runtime.block_on(limit(self.patience.connect, begin)) {
            Ok(()) => true,
            Err(late) => {
                let fault = late.fault(&self.place, BEGIN, self.patience.connect, false);
                tracing::debug!("connecting anew: {fault}");
                false
            }
        }
    }

    pub(super) fn begin(&mut self) -> Result<(), Fault> {
        self.run(BEGIN).map(drop)
    }

    /// Where this connection leads, for messages.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Runs a statement; returns how many rows it touched.
    pub(super) fn run(&mut self, statement: impl AsRef<[u8]>) -> Result<u64, Fault> {
        let query = self.conn.query_drop(statement.as_ref());
        let wait = self.patience.statement;
        self.runtime
            .block_on(limit(wait, query))
            .map_err(|late| late.fault(&self.place, "a statement", wait, false))?;
        Ok(self.conn.affected_rows())
    }

    /// The first row of a query's result.
    pub(super) fn row<T: FromRow + Send + 'static>(
        &mut self,
        query: &str,
    ) -> Result<Option<T>, Fault> {
        Ok(self.rows(query)?.into_iter().next())
    }

    /// A query's rows. One that has other types is a defect of the table.
    pub(super) fn rows<T: FromRow + Send + 'static>(
        &mut self,
        query: &str,
    ) -> Result<Vec<T>, Fault> {
        let (query, wait) = (self.conn.query::<Row, _>(query), self.patience.statement);
        let rows = self
            .runtime
            .block_on(limit(wait, query))
            .map_err(|late| late.fault(&self.place, "a query", wait, false))?;
        rows.into_iter().map(|row| T::from_row_opt(row).map_err(|_| self.other_types())).collect()
    }

    /// Hands out the rows of a long result, in the binary protocol, in which a float keeps its bits.
    pub(super) fn stream(
        &mut self,
        query: &str,
        each: &mut dyn FnMut(&[Value]) -> Result<(), DeliverError>,
    ) -> Result<(), Fault> {
        let Session { conn, runtime, place, patience, .. } = self;
        let late = |late: Late| late.fault(place, "a query", patience.statement, false);
        let begin = limit(patience.statement, conn.exec_iter(query, ()));
        let mut result = runtime.block_on(begin).map_err(late)?;
        loop {
            // `next` is hidden in the documentation; its public kin is a Stream, whose trait is another crate's.
            let some = async {
                let mut rows = Vec::with_capacity(ROWS_AT_ONCE);
                while rows.len() < ROWS_AT_ONCE {
                    match result.next().await? {
                        Some(row) => rows.push(row.unwrap()),
                        None => break,
                    }
                }
                Ok(rows)
            };
            let rows = runtime.block_on(limit(patience.statement, some)).map_err(late)?;
            rows.iter().try_for_each(|row| each(row)).map_err(Fault::Final)?;
            if rows.len() < ROWS_AT_ONCE {
                return Ok(());
            }
        }
    }

    /// Commits. Whatever goes wrong, the server may have committed: only a look at the table of batches tells.
    pub(super) fn commit(&mut self, rows: u64) -> Result<(), Fault> {
        let (commit, wait) = (self.conn.query_drop("COMMIT"), self.patience.commit);
        self.runtime.block_on(limit(wait, commit)).map_err(|late| {
            let cause = late.fault(&self.place, "COMMIT", wait, false).into_error();
            Fault::CommitLost { cause, rows }
        })
    }

    /// Takes leave of the server, which would log a connection that just breaks off.
    pub(super) fn close(self) {
        let Session { conn, runtime, .. } = self;
        // All is committed: an error has no bearing on anything any more.
        let _ = runtime.block_on(limit(CLOSE_TIMEOUT, conn.disconnect()));
    }

    fn other_types(&self) -> Fault {
        Fault::Final(DeliverError::refused(
            &self.place,
            "a row of the table of batches has other types than logmill's",
            "if another program made or changed the table, drop or rename it",
        ))
    }
}

const BEGIN: &str = "START TRANSACTION";

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
                format!("no answer to {what} within {} s", limit.as_secs_f32()),
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
