//! Odd lines that real logs have: some are broken and must be rejected, some are rare and must be kept.

use crate::rng::Rng;

/// One kind of odd line.
#[derive(Clone, Copy)]
pub(crate) enum Odd {
    /// A line cut off within the request: a reject.
    Cut,
    /// Random bytes, not UTF-8: a reject.
    Garbage,
    /// Nothing at all: filtered.
    Empty,
    /// A time that no calendar has: a reject where the time is needed.
    BadTime,
    /// This text behind client, user and time.
    Behind(&'static [u8]),
}

/// The kinds, in the order in which they are written, again and again.
pub(crate) const KINDS: [Odd; 11] = [
    Odd::Cut,
    // A TLS handshake sent to the plain port, as nginx escapes it: a record without method and path.
    Odd::Behind(br#""\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03" 400 157 "-" "-""#),
    Odd::Garbage,
    // A connection that closed without a request: a record without method and path.
    Odd::Behind(br#""-" 408 0 "-" "-""#),
    Odd::Empty,
    // Apache's way to escape a quote, and a backslash at the end of a field.
    Odd::Behind(
        br#""GET /search?q=\"amber\" HTTP/1.1" 200 911 "https://a.example/\\" "odd \"agent\" 1.0""#,
    ),
    // nginx's way to escape the same.
    Odd::Behind(br#""GET /search?q=\x22amber\x22 HTTP/1.1" 200 911 "-" "odd \x22agent\x22 2.0""#),
    Odd::BadTime,
    Odd::Behind("\"GET /blog/🦀 HTTP/1.1\" 200 2048 \"-\" \"Ferris/1.0 (🦀; 日本語)\"".as_bytes()),
    // A status that is no number: a reject where the status is needed.
    Odd::Behind(br#""GET / HTTP/1.1" OK 512 "-" "-""#),
    // Two bytes that are not UTF-8, within a valid line: a record, with U+FFFD in their place.
    Odd::Behind(b"\"GET /caf\xe9 HTTP/1.1\" 404 153 \"-\" \"old \xff browser\""),
];

/// Appends up to 60 random bytes that are neither a newline nor a carriage return.
pub(crate) fn push_garbage(out: &mut Vec<u8>, rng: &mut Rng) {
    out.extend_from_slice(b"\xfe\xff\x00");
    for _ in 0..20 + rng.below(40) {
        let byte = rng.bits() as u8;
        out.push(if matches!(byte, b'\n' | b'\r') { 0x80 } else { byte });
    }
}
