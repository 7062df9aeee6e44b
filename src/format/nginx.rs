//! nginx's `log_format`: `$name` and `${name}` between literals.
//! <https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format>

use super::pasted::Pasted;
use super::pattern::{Pattern, Piece, Variable};
use super::{FieldDef, FormatError, variables};

/// Compiles a format string: bare, in quotes, or as the whole directive of nginx.conf.
pub(super) fn compile(pasted: &str, line_bytes_max: usize) -> Result<Pattern, FormatError> {
    Pattern::compile(pieces(&string(pasted))?, line_bytes_max)
}

/// The format string proper.
fn string(pasted: &str) -> Pasted {
    let directive = pasted.split_whitespace().next() == Some("log_format");
    if !directive && !pasted.trim_start().starts_with('\'') {
        return Pasted::plain(pasted);
    }
    let words = Pasted::words(pasted).into_iter().skip(if directive { 2 } else { 0 });
    Pasted::join(words.skip_while(|word| word.bytes.starts_with(b"escape=")))
}

fn pieces(text: &Pasted) -> Result<Vec<Piece>, FormatError> {
    let bytes = &text.bytes;
    let (mut pieces, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        if bytes[at] != b'$' {
            let end = memchr::memchr(b'$', &bytes[at..]).map_or(bytes.len(), |found| at + found);
            pieces.push(Piece::Literal(bytes[at..end].to_vec()));
            at = end;
            continue;
        }
        let (name, end) = name(bytes, at).ok_or_else(|| {
            FormatError::new("a `$` with no variable's name behind it", "write $name or ${name}")
                .at(text.span(at..at + 1))
        })?;
        pieces.push(Piece::Field(variable(name, text.span(at..end))));
        at = end;
    }
    Ok(pieces)
}

/// The name behind the `$` at `at`, and where the text goes on.
fn name(bytes: &[u8], at: usize) -> Option<(String, usize)> {
    let braced = bytes.get(at + 1) == Some(&b'{');
    let start = at + 1 + usize::from(braced);
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let end = start + bytes[start..].iter().take_while(|byte| word(byte)).count();
    let closed = !braced || bytes.get(end) == Some(&b'}');
    let name = String::from_utf8_lossy(&bytes[start..end]).into_owned();
    (closed && end > start).then_some((name, end + usize::from(braced)))
}

fn variable(name: String, span: std::ops::Range<usize>) -> Variable {
    let (ty, list) = (variables::type_of(&name), variables::is_list(&name));
    Variable { field: FieldDef { name, ty }, list, shift: 0, layout: None, span }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::DataType;
    use crate::format::Format;
    use crate::format::testing::cut;

    const LINE: &str = r#"1.2.3.4 - - [10/Oct/2000:13:55:36 +0000] "GET /a?b HTTP/1.1" 200 17 "a \"b\" \x22" 0.012 0.004, 0.1 : - ."#;
    const FORMAT: &str = r#"$remote_addr - ${remote_user} [$time_local] "$request" $status $body_bytes_sent "$http_user_agent" $request_time $upstream_response_time $pipe"#;

    #[test]
    fn a_pasted_string_cuts_its_lines() {
        let format = compile(FORMAT, 999).expect("good");
        let wanted = [
            "remote_addr",
            "path",
            "http_user_agent",
            "request_time",
            "upstream_response_time",
            "pipe",
        ];
        let fields = ["1.2.3.4", "/a", r#"a \"b\" \x22"#, "0.012", "0.004, 0.1 : -", "."];
        assert_eq!(cut(&format, &wanted, LINE.as_bytes()).records, [fields]);
    }

    #[test]
    fn the_whole_line_must_match() {
        let format = compile(r#""$request" $status;"#, 99).expect("good");
        let got = cut(&format, &["status"], b"\"a\" 1;\n\"a\" 1\nx\"a\" 1;\n\"a\"x 1;\n\"a 1;\n");
        assert_eq!(got.records, [["1"]]);
        assert_eq!(got.reasons, ["does not match the pattern"; 4]);
    }

    #[test]
    fn a_last_value_in_quotes_ends_at_its_own_quote() {
        let format = compile(r#"$status "$request""#, 99).expect("good");
        let got = cut(&format, &["request"], b"1 \"a \\\" b\"\n1 \"a\" \"b\"\n");
        assert_eq!((got.records, got.reasons.len()), (vec![vec![r#"a \" b"#.to_owned()]], 1));
    }

    #[test]
    fn a_directive_of_nginx_conf_is_taken_as_it_stands() {
        let conf = "log_format  main escape=default '$remote_addr [$time_local] '\n    '\"$request\" $msec';\n";
        let format = compile(conf, 99).expect("good");
        let got = cut(&format, &["method", "msec"], b"::1 [t] \"GET / HTTP/1.0\" 1.500\n");
        assert_eq!(got.records, [["GET", "1.500"]]);
        assert_eq!(format.default_time(), Some("time_local"));
        let msec = compile("'$msec $status'", 99).expect("good");
        assert_eq!(msec.default_time(), Some("msec"));
        assert_eq!(msec.fields()[0].ty, DataType::Timestamp);
    }

    #[test]
    fn times_and_requests_keep_their_own_spaces() {
        let format = compile("$time_local $request $status", 99).expect("good");
        let line = b"10/Oct/2000:13:55:36 -0700 GET / HTTP/1.0 200\n";
        let fields = ["10/Oct/2000:13:55:36 -0700", "GET / HTTP/1.0", "200"];
        let got = cut(&format, &["time_local", "request", "status"], line);
        assert_eq!(got.records, [fields]);
        let format = compile("$time_iso8601:$status", 99).expect("good");
        let got = cut(&format, &["status"], b"2000-10-10T13:55:36-07:00:200\n");
        assert_eq!(got.records, [["200"]]);
    }

    #[test]
    fn errors_point_into_what_was_pasted() {
        let conf = "log_format x '$a' '$b';";
        let error = compile(conf, 9).err().expect("adjacent");
        assert_eq!(&conf[error.span.expect("a span")], "$a' '$b");
        assert_eq!(compile("$a $ b", 9).err().and_then(|error| error.span), Some(3..4));
        assert_eq!(compile("${a $b", 9).err().and_then(|error| error.span), Some(0..1));
        assert!(compile("no field", 9).is_err());
    }
}
