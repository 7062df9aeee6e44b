//! `common` and `combined`: the access logs of Apache, nginx and many others. The fast path of the program.
//!
//! `host ident user [time] "request" status bytes`, and for `combined` also `"referer" "user agent"`.
//! <https://httpd.apache.org/docs/2.4/logs.html#accesslog>

mod cut;
mod cutter;
mod host;

pub(super) use cut::closing_quote;
pub(super) use host::{HOST_COMBINED, VHOST_COMBINED};

use bumpalo::Bump;

use cutter::{AccessCutter, fast};

use super::marks;
use super::pattern::Fast;
use super::request::PARTS;
use super::walk::Walk;
use super::{FieldDef, Format, FormatError, RawBlock, Tokenizer, text};
use crate::data::DataType;

/// The fields as logged; the parts of the request follow them.
const LOGGED: [(&str, DataType); 8] = [
    ("remote_addr", DataType::Text),
    ("remote_user", DataType::Text),
    ("time_local", DataType::Timestamp),
    ("request", DataType::Text),
    ("status", DataType::Int),
    ("body_bytes_sent", DataType::Int),
    ("http_referer", DataType::Text),
    ("http_user_agent", DataType::Text),
];
const COMMON_FIELDS: usize = 6;
const REQUEST: usize = 3;

/// The formats `common` and `combined`.
pub(super) struct Access {
    fields: Vec<FieldDef>,
    combined: bool,
    walk: Walk,
}

impl Access {
    pub(super) fn new(combined: bool, line_bytes_max: usize) -> Self {
        let logged = if combined { &LOGGED[..] } else { &LOGGED[..COMMON_FIELDS] };
        let parts = PARTS.iter().map(|name| (*name, DataType::Text));
        let fields = logged.iter().copied().chain(parts);
        let fields = fields.map(|(name, ty)| FieldDef { name: name.into(), ty }).collect();
        Access { fields, combined, walk: Walk::new(line_bytes_max) }
    }
}

impl Format for Access {
    fn fields(&self) -> &[FieldDef] {
        &self.fields
    }

    fn default_time(&self) -> Option<&str> {
        Some("time_local")
    }

    fn tokenizer(&self, wanted: &[&str], _head: &[u8]) -> Result<Box<dyn Tokenizer>, FormatError> {
        let parts_at = self.fields.len() - PARTS.len();
        let slot = |at: usize| {
            if at < parts_at { at } else { at - parts_at + LOGGED.len() }
        };
        let wanted: Vec<usize> =
            text::positions(wanted, &self.fields)?.into_iter().map(slot).collect();
        let split_request = wanted.iter().any(|slot| *slot >= LOGGED.len());
        Ok(Box::new(AccessTokenizer {
            wanted,
            split_request,
            combined: self.combined,
            walk: self.walk,
            fast: fast(self.combined)?,
        }))
    }
}

struct AccessTokenizer {
    /// Slots: index into [`LOGGED`], then into [`PARTS`].
    wanted: Vec<usize>,
    split_request: bool,
    combined: bool,
    walk: Walk,
    fast: Fast,
}

impl Tokenizer for AccessTokenizer {
    fn tokenize<'a>(
        &self,
        input: &'a [u8],
        at_start: bool,
        records_max: usize,
        _arena: &'a Bump,
        block: &mut RawBlock<'a>,
    ) -> usize {
        let cutter = AccessCutter::new(self);
        let sizes = (self.wanted.len(), records_max);
        marks::run(self.walk, self.fast.shape, cutter, (input, at_start), sizes, block)
    }
}

#[cfg(test)]
mod tests {
    use crate::format::testing::{cut, named};

    const LINE: &str = r#"1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] "GET /a?b HTTP/1.0" 200 2326 "http://x/" "M \"5\" \\""#;

    #[test]
    fn a_combined_line_gives_its_fields_and_the_parts_of_its_request() {
        let wanted = [
            "http_user_agent",
            "path",
            "remote_addr",
            "status",
            "time_local",
            "query",
            "method",
            "http_referer",
        ];
        let got = cut(&*named("combined"), &wanted, LINE.as_bytes());
        let agent = r#"M \"5\" \\"#;
        let fields =
            [agent, "/a", "1.2.3.4", "200", "10/Oct/2000:13:55:36 -0700", "b", "GET", "http://x/"];
        assert_eq!(got.records, [fields]);
    }

    #[test]
    fn text_behind_the_last_field_is_ignored() {
        let line = format!("{LINE}x 0.123 \"more");
        assert_eq!(
            cut(&*named("combined"), &["body_bytes_sent"], line.as_bytes()).records,
            [["2326"]]
        );
        assert_eq!(
            cut(&*named("common"), &["body_bytes_sent"], line.as_bytes()).records,
            [["2326"]]
        );
    }

    #[test]
    fn a_common_line_is_no_combined_line() {
        let line = br#"::1 - bob [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 304 -"#;
        let wanted = ["remote_addr", "remote_user", "request", "body_bytes_sent"];
        let records = [["::1", "bob", "GET / HTTP/1.0", "-"]];
        assert_eq!(cut(&*named("common"), &wanted, line).records, records);
        assert_eq!(cut(&*named("combined"), &wanted, line).reasons, ["no referer in quotes"]);
    }

    #[test]
    fn spaces_around_a_user_are_none_of_it() {
        let line = b"h -  - [t] \"r\" 200 1\nh -  [t] \"r\" 200 1\nh - a  [t] \"r\" 200 1\n";
        assert_eq!(cut(&*named("common"), &["remote_user"], line).records, [["-"], [""], ["a"]]);
    }

    #[test]
    fn a_line_that_is_no_request_keeps_its_record() {
        let line = br#"h - - [t] "\x16\x03\"" 400 0 "-" "-""#;
        let got = cut(&*named("combined"), &["request", "method", "path"], line);
        assert_eq!(got.records, [[r#"\x16\x03\""#, "", ""]]);
    }

    #[test]
    fn broken_lines_are_rejects_whatever_is_wanted() {
        let broken = [
            ("garbage", "no client address, identity and user in front"),
            ("h - - no time", "no user and [time]"),
            ("a.b:80 h - - [t] \"r\" 200 1", "remote_addr: the first field has a port"),
            ("a.b 192.0.2.1 - - [t] \"r\" 200 1", "remote_user: a host stands before the address"),
            ("h - a b [t] \"r\" 200 1", "remote_user: a space in it"),
            ("h - - [t \"r\" 200 1", "no closing bracket of the time"),
            ("h - - [t] \"r\\\" 200 1", "no request in quotes"),
            ("h - - [t] \"r\" 20 1", "the status is not three digits"),
            ("h - - [t] \"r\" 200 x", "the size is not a number"),
            ("h - - [t] \"r\" 200 1 \"a\"", "no user agent in quotes"),
        ];
        for (line, reason) in broken {
            let reasons = cut(&*named("combined"), &[], line.as_bytes()).reasons;
            assert!(reasons.len() == 1 && reasons[0].starts_with(reason), "{line}: {reasons:?}");
        }
    }
}
