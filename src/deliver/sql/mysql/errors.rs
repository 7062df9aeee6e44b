//! The server's errors, sorted: try the transaction again, try later, or give up; and what the user can do.

use std::fmt;
use std::io::ErrorKind;

use mysql_async::{DriverError, Error, IoError, ServerError};

use super::super::DeliverError;

/// Why an attempt failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// Lost against another session (a lock, a deadlock, a table that it created first), and rolled back as a whole by
    /// dropping the connection.
    Race(DeliverError),
    /// COMMIT had no good answer; it may have worked.
    CommitLost {
        /// What came instead of the answer.
        cause: DeliverError,
        /// Rows of the transaction.
        rows: u64,
    },
    /// Everything else.
    Final(DeliverError),
}

impl Fault {
    pub(super) fn is_worth_another_try(&self) -> bool {
        matches!(self, Fault::Race(_) | Fault::CommitLost { .. })
    }

    pub(super) fn into_error(self) -> DeliverError {
        match self {
            Fault::Race(error) | Fault::Final(error) => error,
            Fault::CommitLost { cause, .. } => cause,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Race(error) | Fault::Final(error) => error.fmt(f),
            Fault::CommitLost { cause, .. } => write!(f, "COMMIT was not confirmed: {cause}"),
        }
    }
}

/// What an error of the client or the server means here. `connecting`: no statement was sent yet.
pub(super) fn classify(place: &str, error: Error, connecting: bool) -> Fault {
    match error {
        Error::Server(error) => classify_server(place, &error),
        Error::Driver(DriverError::NoClientSslFlagFromServer) => {
            tls(place, "the server offers no TLS, and the url requires it")
        }
        Error::Driver(DriverError::PacketTooLarge) => Fault::Final(too_large(place)),
        Error::Driver(error @ (DriverError::ConnectionClosed | DriverError::PacketOutOfOrder)) => {
            lost(place, &error)
        }
        Error::Driver(error) => Fault::Final(DeliverError::refused(
            place,
            error.to_string(),
            "check the server's version and the user's authentication plugin",
        )),
        Error::Io(IoError::Tls(error)) => tls(place, &error.to_string()),
        // A failed handshake comes as an error of the stream.
        Error::Io(IoError::Io(error)) if connecting && error.kind() == ErrorKind::InvalidData => {
            tls(place, &error.to_string())
        }
        Error::Io(error) => lost(place, &error),
        error => lost(place, &error),
    }
}

/// A row or a statement that exceeds the server's limit.
pub(super) fn too_large(place: &str) -> DeliverError {
    DeliverError::refused(
        place,
        "a row is larger than the server's max_allowed_packet",
        "raise max_allowed_packet on the server",
    )
}

fn tls(place: &str, problem: &str) -> Fault {
    Fault::Final(DeliverError::refused(
        place,
        format!("no secure connection: {problem}"),
        "use the host name that the server's certificate is made for, and name the authority that signed it: \
         ?ssl_ca=FILE",
    ))
}

fn lost(place: &str, error: &dyn fmt::Display) -> Fault {
    Fault::Final(DeliverError::unavailable(
        place,
        format!("no connection: {error}"),
        "check that the server runs and that host and port are right",
    ))
}

fn classify_server(place: &str, error: &ServerError) -> Fault {
    let problem = format!("{} (error {})", error.message, error.code);
    if matches!(error.code, 1020 | 1050 | 1146 | 1205 | 1213 | 1412) {
        let help = match error.code {
            1146 | 1412 => {
                "the table was dropped or changed meanwhile; the next delivery creates it"
            }
            _ => "another session works on the table; the delivery is tried again",
        };
        return Fault::Race(DeliverError::unavailable(place, problem, help));
    }
    if let Some(help) = passing(error.code) {
        return Fault::Final(DeliverError::unavailable(place, problem, help));
    }
    Fault::Final(DeliverError::refused(place, problem, advice(error.code)))
}

/// What to do about an error that passes, or that an administrator ends without touching the job.
fn passing(code: u16) -> Option<&'static str> {
    Some(match code {
        1040 | 1203 | 1226 => "raise max_connections or the user's limits if this lasts",
        1290 | 1792 | 1836 | 3100 | 3572 => "the server is read-only, perhaps in a failover",
        1047 => "the cluster's node takes no statements at present",
        1021 | 1026 | 1030 | 1114 => "check the server's disk",
        1037 | 1038 | 1041 | 1206 => "the server lacks memory",
        1129 => "the server blocks this host: run FLUSH HOSTS there",
        1053 | 1077 | 1078 | 1079 => "the server is shutting down",
        1158..=1161 | 1927 | 2006 | 2013 | 3169 | 4031 => "the server ended the connection",
        1317 | 1969 | 3024 => "the statement was interrupted",
        _ => return None,
    })
}

fn advice(code: u16) -> &'static str {
    match code {
        1045 | 1698 | 1251 | 1524 | 1862 | 1820 => "check user and password in the url",
        1044 | 1142 | 1143 | 1227 | 1410 => {
            "grant the user CREATE, SELECT, INSERT, UPDATE and DELETE on the database"
        }
        1049 => "create the database, or correct its name in the url",
        3159 => "the server wants TLS: add ?require_ssl=true to the url",
        1153 => "raise max_allowed_packet on the server",
        1059 | 1060 | 1103 | 1166 | 1117 | 1118 => {
            "the server can't hold such a table: rename or drop columns"
        }
        1064 => "the server is too old, or this is a defect of logmill: please report it",
        _ => {
            "see the server's manual for the error; if another program changed the table, drop or rename it"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(code: u16) -> Fault {
        let error = ServerError { code, message: "message".into(), state: "HY000".into() };
        classify("mysql h:1/d.t", error.into(), false)
    }

    #[test]
    fn only_lost_races_start_again_at_once() {
        for code in [1020, 1205, 1213] {
            assert!(fault(code).is_worth_another_try(), "{code}");
        }
        for code in [1040, 1045, 1290] {
            assert!(!fault(code).is_worth_another_try(), "{code}");
        }
    }

    #[test]
    fn a_busy_or_read_only_server_is_tried_later_and_a_wrong_password_is_not() {
        for code in [1040, 1290, 1792, 1836] {
            assert!(matches!(fault(code).into_error(), DeliverError::Unavailable { .. }), "{code}");
        }
        for code in [1044, 1045, 1049, 1698, 3159] {
            assert!(matches!(fault(code).into_error(), DeliverError::Refused { .. }), "{code}");
        }
    }

    #[test]
    fn a_message_says_what_where_and_what_to_do() {
        assert_eq!(
            fault(1049).into_error().to_string(),
            "mysql h:1/d.t: message (error 1049); create the database, or correct its name in the url"
        );
    }
}
