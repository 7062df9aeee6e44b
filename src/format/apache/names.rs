//! What Apache's directives mean, in nginx's names.

use super::Directive;
use crate::data::DataType;
use crate::format::variables;

/// When the request ended, where its begin is `time_local`.
pub(super) const END_TIME: &str = "time_end";

/// Name, type and decimal shift of a directive.
pub(super) fn meaning(directive: &Directive<'_>) -> Option<(String, DataType, usize)> {
    if let Some(time) = duration(directive) {
        return Some(time);
    }
    let name = match (directive.letter, directive.param) {
        (b't', Some(param)) if param.ends_with("msec_frac") => "msec_frac".into(),
        (b't', Some(param)) if param.ends_with("usec_frac") => "usec_frac".into(),
        (b't', _) => "time_local".into(),
        (letter, Some(param)) => with_param(letter, param)?,
        (letter, None) => alone(letter)?.into(),
    };
    let ty = variables::type_of(&name);
    Some((name, ty, 0))
}

/// `%D` and `%T`: `request_time`, in exact decimal seconds whatever the unit.
fn duration(directive: &Directive<'_>) -> Option<(String, DataType, usize)> {
    let digits: u8 = match (directive.letter, directive.param) {
        (b'D', None) | (b'T', Some("us")) => 6,
        (b'T', Some("ms")) => 3,
        (b'T', None | Some("s")) => 0,
        _ => return None,
    };
    Some(("request_time".into(), DataType::Decimal(digits), digits.into()))
}

/// A header, cookie, note or environment variable, or another form of a plain directive.
fn with_param(letter: u8, param: &str) -> Option<String> {
    let lower = param.to_ascii_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    let prefix = match letter {
        b'i' => "http_",
        b'o' => "sent_http_",
        b'C' => "cookie_",
        b'e' => "env_",
        b'n' => "note_",
        b'x' => "",
        b'a' | b'h' => {
            return Some(if param == "c" { "realip_remote_addr" } else { "remote_addr" }.into());
        }
        b'p' => {
            return Some(if param == "remote" { "remote_port" } else { "server_port" }.into());
        }
        b'P' => return Some(if param == "pid" { "pid" } else { "thread_id" }.into()),
        _ => return None,
    };
    Some(format!("{prefix}{lower}"))
}

/// A directive with no parameter.
fn alone(letter: u8) -> Option<&'static str> {
    Some(match letter {
        b'h' | b'a' => "remote_addr",
        b'A' => "server_addr",
        b'l' => "remote_ident",
        b'u' => "remote_user",
        b'r' => "request",
        b's' => "status",
        b'b' | b'B' => "body_bytes_sent",
        b'O' => "bytes_sent",
        b'I' => "request_length",
        b'S' => "bytes_transferred",
        b'v' => "server_name",
        b'V' => "host",
        b'p' => "server_port",
        b'm' => "request_method",
        b'U' => "uri",
        b'q' => "query_string",
        b'H' => "server_protocol",
        b'f' => "request_filename",
        b'k' => "keepalive_requests",
        b'X' => "connection_status",
        b'P' => "pid",
        b'L' => "log_id",
        b'R' => "handler",
        _ => return None,
    })
}
