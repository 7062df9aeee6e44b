//! Apache's `LogFormat`, mapped to nginx's names where they mean the same.
//! <https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats>

mod names;

use names::{meaning, unprefixed};

use super::pasted::Pasted;
use super::pattern::{Pattern, Piece, Variable};
use super::{FieldDef, FormatError, TimeLayout, variables};

/// Compiles a format string: bare, in quotes with escapes, or as the whole directive.
pub(super) fn compile(pasted: &str, line_bytes_max: usize) -> Result<Pattern, FormatError> {
    let text = string(pasted);
    let (mut pieces, mut at) = (Vec::new(), 0);
    while at < text.bytes.len() {
        at += if text.bytes[at] == b'%' {
            directive(&text, at, &mut pieces)?
        } else {
            let rest = &text.bytes[at..];
            let end = memchr::memchr(b'%', rest).unwrap_or(rest.len());
            pieces.push(Piece::Literal(rest[..end].to_vec()));
            end
        };
    }
    Pattern::compile(pieces, line_bytes_max)
}

/// The format string proper.
fn string(pasted: &str) -> Pasted {
    let first = pasted.split_whitespace().next().unwrap_or("");
    let quoted = pasted.trim_start().starts_with('"') && pasted.contains("\\\"");
    if first.eq_ignore_ascii_case("LogFormat") {
        Pasted::words(pasted).into_iter().nth(1).unwrap_or_default()
    } else if quoted {
        Pasted::words(pasted).into_iter().next().unwrap_or_default()
    } else {
        Pasted::unescaped(pasted)
    }
}

/// A `%` directive in its parts: `%>{param}x`.
struct Directive<'t> {
    param: Option<&'t str>,
    letter: u8,
    len: usize,
}

/// Reads the directive at `at` into pieces; returns its length.
fn directive(text: &Pasted, at: usize, pieces: &mut Vec<Piece>) -> Result<usize, FormatError> {
    let rest = &text.bytes[at..];
    let directive = read(rest).ok_or_else(|| unknown(text, at, at + rest.len().min(2)))?;
    let span = text.span(at..at + directive.len);
    let bracketed = directive.letter == b't' && directive.param.is_none();
    if directive.letter == b'%' {
        pieces.push(Piece::Literal(b"%".to_vec()));
        return Ok(directive.len);
    }
    let (name, ty, shift) =
        meaning(&directive).ok_or_else(|| unknown(text, at, at + directive.len))?;
    let layout = if directive.letter == b't' { layout(directive.param, &span)? } else { None };
    let list = variables::is_list(&name);
    let field = Piece::Field(Variable { field: FieldDef { name, ty }, list, shift, layout, span });
    if bracketed {
        pieces.extend([Piece::Literal(b"[".to_vec()), field, Piece::Literal(b"]".to_vec())]);
    } else {
        pieces.push(field);
    }
    Ok(directive.len)
}

/// Takes a directive apart. Modifiers (`<`, `>`, `!200,304`) change which value is logged, not how it looks.
fn read(text: &[u8]) -> Option<Directive<'_>> {
    let modifier = |byte: &u8| b"<>!,0123456789".contains(byte);
    let mut at = 1 + text[1..].iter().take_while(|byte| modifier(byte)).count();
    let mut param = None;
    if text.get(at) == Some(&b'{') {
        let end = at + memchr::memchr(b'}', &text[at..])?;
        param = Some(std::str::from_utf8(&text[at + 1..end]).ok()?);
        at = end + 1;
        at += text[at..].iter().take_while(|byte| modifier(byte)).count();
    }
    Some(Directive { param, letter: *text.get(at)?, len: at + 1 })
}

fn unknown(text: &Pasted, start: usize, end: usize) -> FormatError {
    let shown = String::from_utf8_lossy(&text.bytes[start..end]);
    FormatError::new(
        format!("`{shown}` is no directive that logmill knows"),
        "known are %a %A %b %B %C %D %e %f %h %H %i %I %k %l %L %m %n %o %O %p %P %q %r %R %s %S %t %T %u %U %v %V %x %X %%",
    )
    .at(text.span(start..end))
}

/// The layout of `%{format}t`; `sec`, `msec` and `usec` count since the epoch, which needs none.
fn layout(
    param: Option<&str>,
    span: &std::ops::Range<usize>,
) -> Result<Option<TimeLayout>, FormatError> {
    match param.map(unprefixed) {
        None | Some("" | "sec" | "msec" | "usec" | "msec_frac" | "usec_frac") => Ok(None),
        Some(format) => {
            TimeLayout::strptime(format).map(Some).map_err(|error| error.at(span.clone()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::DataType;
    use crate::format::Format;
    use crate::format::testing::cut;

    #[test]
    fn a_directive_of_apache_is_taken_as_it_stands() {
        let directive = r#"LogFormat "%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\" %D" vhost"#;
        let format = compile(directive, 999).expect("good");
        let line = r#"a.b:443 ::1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 7 "-" "x \"y\"" 1234"#;
        let wanted = [
            "server_name",
            "server_port",
            "remote_addr",
            "time_local",
            "bytes_sent",
            "http_user_agent",
            "request_time",
            "path",
        ];
        let fields =
            ["a.b", "443", "::1", "10/Oct/2000:13:55:36 -0700", "7", r#"x \"y\""#, "0.001234", "/"];
        assert_eq!(cut(&format, &wanted, line.as_bytes()).records, [fields]);
        assert_eq!(format.default_time(), Some("time_local"));
    }

    #[test]
    fn bare_strings_may_keep_their_escapes() {
        for string in [r#"%h "%r" %b 5%%"#, r#"%h \"%r\" %b 5%%"#, r#""%h \"%r\" %b 5%%""#] {
            let format = compile(string, 99).expect(string);
            assert_eq!(
                cut(&format, &["body_bytes_sent"], b"a \"b\" - 5%").records,
                [["-"]],
                "{string}"
            );
        }
    }

    #[test]
    fn durations_are_seconds_and_the_finest_counts() {
        let format = compile("%T %D %{ms}T", 99).expect("good");
        let request_time = FieldDef { name: "request_time".into(), ty: DataType::Decimal(6) };
        assert_eq!(format.fields(), [request_time]);
        assert_eq!(cut(&format, &["request_time"], b"1 1234567 1234").records, [["1.234567"]]);
    }

    #[test]
    fn a_time_may_have_its_own_layout() {
        let format = compile("[%{%Y-%m-%d %H:%M:%S}t.%{usec_frac}t] %m", 99).expect("good");
        assert!(format.time_layout("time_local").is_some());
        assert!(format.time_layout("usec_frac").is_none());
        let got = cut(&format, &["time_local", "usec_frac"], b"[2015-05-20 12:53:11.000123] GET");
        assert_eq!(got.records, [["2015-05-20 12:53:11", "000123"]]);
        let bare = compile("%{%d %b %Y %T}t %m", 99).expect("good");
        let got = cut(&bare, &["time_local"], b"20 May 2015 12:53:11 GET");
        assert_eq!(got.records, [["20 May 2015 12:53:11"]]);
        assert_eq!(compile("%h %{%Y!%!}t", 9).err().and_then(|error| error.span), Some(3..12));
    }

    #[test]
    fn errors_point_at_the_directive() {
        for (string, span) in [("%h %y", 3..5), ("%h %", 3..4), ("%h %{x", 3..5), ("%h%u", 0..4)] {
            assert_eq!(
                compile(string, 9).err().and_then(|error| error.span),
                Some(span),
                "{string}"
            );
        }
    }
}
