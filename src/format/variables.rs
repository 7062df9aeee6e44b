//! What is known of nginx's variables: their types, and which of them are lists.
//! <https://nginx.org/en/docs/varindex.html>

use crate::data::DataType;

/// Variables that hold an integer.
const INTS: [&str; 26] = [
    "status",
    "body_bytes_sent",
    "bytes_sent",
    "request_length",
    "connection",
    "connection_requests",
    "content_length",
    "remote_port",
    "server_port",
    "proxy_port",
    "pid",
    "connections_active",
    "connections_reading",
    "connections_writing",
    "connections_waiting",
    "proxy_protocol_port",
    "proxy_protocol_server_port",
    "bytes_transferred",
    "tcpinfo_rtt",
    "tcpinfo_rttvar",
    "tcpinfo_snd_cwnd",
    "tcpinfo_rcv_space",
    "sent_http_content_length",
    "msec_frac",
    "usec_frac",
    "keepalive_requests",
];

/// The type of a variable. Times of upstreams are text: they may be lists (`0.004, 0.102 : 0.003`).
pub(super) fn type_of(name: &str) -> DataType {
    match name {
        _ if INTS.contains(&name) => DataType::Int,
        "request_time" | "msec" | "connection_time" => DataType::Decimal(3),
        "gzip_ratio" => DataType::Decimal(2),
        "time_local" | "time_iso8601" => DataType::Timestamp,
        _ => DataType::Text,
    }
}

/// Whether the value may be a list with `, ` (and ` : ` between groups of upstreams) in it.
pub(super) fn is_list(name: &str) -> bool {
    name.starts_with("upstream_") || name.ends_with("x_forwarded_for")
}
