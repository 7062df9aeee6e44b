//! The request line `METHOD target HTTP/x.y` of an access log, taken apart. Of HTTP/2 and later ones some servers log no minor
//! version: RFC 9113 and RFC 9114 have none.

use memchr::memchr;

use super::literal::find_near;
use super::marks::Batch;

/// The fields that `request` gives besides itself, in the order of [`Request::part`].
pub(super) const PARTS: [&str; 5] = ["method", "request_uri", "path", "query", "protocol"];

/// A request line in its parts; all empty (NULL) where it is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Request<'a> {
    /// Such as `GET`.
    pub(super) method: &'a [u8],
    /// The target: path with query.
    pub(super) uri: &'a [u8],
    /// Such as `HTTP/1.1`.
    pub(super) protocol: &'a [u8],
}

impl<'a> Request<'a> {
    /// Splits exactly `METHOD SP target SP HTTP/d.d`, or `HTTP/d` from 2 on: a method of token characters (RFC 9110, 5.6.2) and a target
    /// without spaces.
    #[inline]
    pub(super) fn split(line: &'a [u8]) -> Self {
        Self::try_split(line).unwrap_or_default()
    }

    #[inline]
    fn try_split(line: &'a [u8]) -> Option<Self> {
        let is_short = line.len() > 6 && line[line.len() - 7] == b' ';
        let (head, protocol) =
            line.split_at_checked(line.len().checked_sub(if is_short { 6 } else { 8 })?)?;
        if !is_protocol(protocol) {
            return None;
        }
        let head = head.strip_suffix(b" ")?;
        let space = find_near(head, b' ')?;
        let (method, uri) = (&head[..space], &head[space + 1..]);
        let good = !method.is_empty()
            && method.iter().all(|&byte| is_token(byte))
            && !uri.is_empty()
            && memchr(b' ', uri).is_none();
        good.then_some(Request { method, uri, protocol })
    }

    /// The same for the bytes `from..to` of a batch's text.
    pub(super) fn split_range(batch: &Batch<'_, 'a>, (from, to): (u32, u32)) -> Self {
        Self::split(&batch.text.text()[from as usize..to as usize])
    }

    /// The same where the batch's anchor is the space; `None` where it takes a closer look.
    #[inline(always)]
    pub(super) fn split_at_spaces(batch: &Batch<'_, 'a>, (from, to): (u32, u32)) -> Option<Self> {
        let (text, index) = (batch.text.text(), batch.index.anchors());
        let first = index.next(from);
        let second = index.next(first.checked_add(1)?);
        if second >= to || second <= first + 1 {
            return None;
        }
        let protocol = text.get(second as usize + 1..to as usize)?;
        if !is_protocol(protocol) {
            return None;
        }
        let method = text.get(from as usize..first as usize)?;
        let known = method == b"GET" || method == b"POST" || method == b"HEAD";
        let good = known || (!method.is_empty() && method.iter().all(|&byte| is_token(byte)));
        let uri = &text[first as usize + 1..second as usize];
        good.then_some(Request { method, uri, protocol })
    }

    /// The target up to its `?`.
    #[inline]
    pub(super) fn path(&self) -> &'a [u8] {
        memchr(b'?', self.uri).map_or(self.uri, |mark| &self.uri[..mark])
    }

    /// The target behind its `?`.
    #[inline]
    pub(super) fn query(&self) -> &'a [u8] {
        memchr(b'?', self.uri).map_or(b"", |mark| &self.uri[mark + 1..])
    }

    /// The part that [`PARTS`] names at `index`.
    #[inline]
    pub(super) fn part(&self, index: usize) -> &'a [u8] {
        match index {
            0 => self.method,
            1 => self.uri,
            2 => self.path(),
            3 => self.query(),
            _ => self.protocol,
        }
    }
}

/// `HTTP/1.1`, `HTTP/2`.
#[inline(always)]
fn is_protocol(text: &[u8]) -> bool {
    matches!(
        text,
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9']
            | [b'H', b'T', b'T', b'P', b'/', b'2'..=b'9']
    )
}

/// Whether a byte may stand in an HTTP token.
#[inline]
fn is_token(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_line_gives_its_parts() {
        let request = Request::split(b"GET /a/b?x=1&y=?2 HTTP/1.1");
        let parts: Vec<&[u8]> = (0..PARTS.len()).map(|index| request.part(index)).collect();
        assert_eq!(parts, [&b"GET"[..], b"/a/b?x=1&y=?2", b"/a/b", b"x=1&y=?2", b"HTTP/1.1"]);
        let request = Request::split(b"M-SEARCH * HTTP/2.0");
        assert_eq!((request.path(), request.query()), (&b"*"[..], &b""[..]));
        for protocol in ["HTTP/2", "HTTP/3", "HTTP/0.9"] {
            let line = format!("GET / {protocol}");
            let request = Request::split(line.as_bytes());
            assert_eq!((request.uri, request.protocol), (&b"/"[..], protocol.as_bytes()));
        }
    }

    #[test]
    fn what_is_no_http_request_line_has_no_parts() {
        let bad = [
            "-",
            "",
            "GET /",
            "GET  HTTP/1.1",
            "GET /a b HTTP/1.1",
            "G(T / HTTP/1.1",
            " / HTTP/1.1",
            "GET / HTTP/1.x",
            "GET / http/1.1",
            "GET / HTTP/1.1 ",
            "\\x16\\x03\\x01",
            "GET /HTTP/1.1",
            "GET / HTTP/11",
            "GET / HTTP/1",
            "GET / HTTP/2.",
            "GET /HTTP/2",
            " / HTTP/2",
            "/ HTTP/2",
            "GET  HTTP/2",
            "HTTP/1.1",
        ];
        for line in bad {
            assert_eq!(Request::split(line.as_bytes()), Request::default(), "{line}");
        }
    }
}
