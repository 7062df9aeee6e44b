//! nginx's `log_format`: `$name` and `${name}` between literals.
//! <https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format>

use super::pasted::Pasted;
use super::pattern::{Pattern, Piece, Variable};
use super::{FieldDef, FormatError, variables};

const HELP: &str = "paste the directive, log_format NAME '...' '...';, or its text in one line: $remote_addr [$time_local] ...";

/// Compiles a format string: bare, in quotes, or as the whole directive of nginx.conf.
pub(super) fn compile(pasted: &str, line_bytes_max: usize) -> Result<Pattern, FormatError> {
    let (text, escape) = string(pasted)?;
    let escapes = escape != Escape::None;
    Pattern::compile(pieces(&text)?, Vec::new(), escapes, line_bytes_max)
}

/// How nginx writes values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escape {
    /// A quote in a value as `\x22` or `\"`.
    Backslash,
    /// As it is.
    None,
}

/// The format string proper.
fn string(pasted: &str) -> Result<(Pasted, Escape), FormatError> {
    let text = Pasted::new(pasted);
    let first = text.bytes.split(|byte| byte.is_ascii_whitespace() || *byte == b'\'').next();
    let is_quoted = |quote: &[u8], inner: &[u8]| {
        text.bytes.starts_with(quote) && memchr::memmem::find(&text.bytes, inner).is_some()
    };
    let skipped = match first.unwrap_or_default() {
        b"log_format" => 2,
        b"access_log" => {
            let message = "access_log only names a format";
            let help =
                "paste the log_format of that name; without one it is `format = \"combined\"`";
            return Err(FormatError::new(message, help).at(text.span(0..text.bytes.len())));
        }
        word if word.starts_with(b"escape=") => 0,
        _ if is_quoted(b"'", b"'") || is_quoted(b"\"", b"\\\"") => 0,
        _ => return Ok((text.one_line(HELP)?, Escape::Backslash)),
    };
    let all = text.span(0..text.bytes.len());
    let mut words = text.words()?.into_iter().skip(skipped).peekable();
    let escape = words.next_if(|word| !word.quoted && word.text.bytes.starts_with(b"escape="));
    let format = Pasted::join(words.map(|word| word.text)).one_line(HELP)?;
    if format.bytes.is_empty() {
        return Err(FormatError::new("the directive has no format", HELP).at(all));
    }
    Ok((format.clone(), escape_of(escape.map(|word| word.text), &format)?))
}

fn escape_of(parameter: Option<Pasted>, format: &Pasted) -> Result<Escape, FormatError> {
    let Some(parameter) = parameter else { return Ok(Escape::Backslash) };
    let refuse = |message: &str, help: &str| {
        Err(FormatError::new(message, help).at(parameter.span(0..parameter.bytes.len())))
    };
    match parameter.bytes.as_slice() {
        b"escape=default" => Ok(Escape::Backslash),
        b"escape=none" => Ok(Escape::None),
        b"escape=json" if format.bytes.trim_ascii().starts_with(b"{") => {
            refuse("the log's lines are JSON", "write format = \"json\"; fields are the keys")
        }
        b"escape=json" => Ok(Escape::Backslash),
        _ => refuse("nginx knows no such escape", "it is default, json or none"),
    }
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
        // A doubled dollar before a brace is how a job file writes one elsewhere.
        at += usize::from(bytes[at..].starts_with(b"$${"));
        let (name, end) = name(bytes, at).ok_or_else(|| {
            FormatError::new("a `$` with no variable's name after it", "write $name or ${name}")
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
    Variable { field: FieldDef { name, ty }, list, shift: 0, layout: None, time: None, span }
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
    fn the_last_value_is_all_before_the_text_at_the_end() {
        let format = compile("[$a] [$b]", 99).expect("good");
        let got = cut(&format, &["a", "b"], b"[1] [2]3]\n[1]] [2]\n[1] []]\n[1] [2]x\n");
        assert_eq!(got.records, [["1", "2]3"], ["1]", "2"], ["1", "]"]]);
        assert_eq!(got.reasons.len(), 1);
        let format = compile("$a \"$b\"", 99).expect("good");
        let got = cut(&format, &["b"], b"1 \"2\"\n1 \"2\\\"3\"\n1 \"2\"3\"\n");
        assert_eq!((got.records.len(), got.reasons.len()), (2, 1));
    }

    #[test]
    fn the_whole_line_must_match() {
        let format = compile(r#""$request" $status;"#, 99).expect("good");
        let got = cut(&format, &["status"], b"\"a\" 1;\n\"a\" 1\nx\"a\" 1;\n\"a\"x 1;\n\"a 1;\n");
        assert_eq!(got.records, [["1"]]);
        assert_eq!(got.reasons.len(), 4);
        assert!(
            got.reasons.iter().all(|reason| reason.starts_with("does not match the pattern: "))
        );
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

    #[test]
    fn what_a_configuration_has_around_the_format_is_understood() {
        let line = b"::1 \"GET / HTTP/1.0\" 200\n";
        for pasted in [
            "# main\nlog_format main '$remote_addr '\n  # of the client\n  '\"$request\" ' # c\n '$status';\n# end\n",
            "log_format main escape=json '$remote_addr ' \\\n  '\"$request\" $status';",
            "log_format main \"$remote_addr \\\"$request\\\" $status\";",
            "\"$remote_addr \\\"$request\\\" $status\"",
            "escape=default '$remote_addr \"$request\" $status'",
            "# main\n$remote_addr \"$request\" $status\n",
            "$remote_addr \\\n\"$request\" ${status}",
            "$remote_addr \"$request\" $${status}",
        ] {
            let format = compile(pasted, 99).unwrap_or_else(|error| panic!("{pasted}: {error}"));
            let got = cut(&format, &["status", "path"], line);
            assert_eq!(got.records, [["200", "/"]], "{pasted}");
        }
        for (pasted, message) in [
            ("$remote_addr\n$status", "a line break within the pattern"),
            ("log_format a '$a'; log_format b '$b';", "more than one directive"),
            ("log_format a '$a", "a quote that is not closed"),
            ("log_format main;", "the directive has no format"),
            ("access_log /var/log/nginx/a.log main;", "access_log only names a format"),
            ("log_format a escape=json '{\"a\":\"$a\"}';", "the log's lines are JSON"),
            ("log_format a escape=off '$a';", "nginx knows no such escape"),
        ] {
            let error = compile(pasted, 99).err().expect(pasted);
            assert!(
                error.message.starts_with(message) && error.help.is_some(),
                "{pasted}: {error}"
            );
            assert!(error.span.is_some_and(|span| span.end <= pasted.len()), "{pasted}");
        }
    }

    #[test]
    fn without_escapes_a_backslash_is_a_byte_and_a_quote_ends_where_its_literal_begins() {
        let format =
            compile("log_format a escape=none '\"$a\" $status \"$b\"';", 99).expect("good");
        let got = cut(
            &format,
            &["a", "b"],
            b"\"C:\\\" 200 \"x\"\n\"say \"hi\"\" 200 \"\\\"\n\"a\" 1 \"b\"\n",
        );
        assert_eq!(got.records, [["C:\\", "x"], ["say \"hi\"", "\\"], ["a", "b"]]);
    }
}
