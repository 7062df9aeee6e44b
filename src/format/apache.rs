//! Apache's `LogFormat`, mapped to nginx's names where they mean the same.
//! <https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats>

mod names;
mod time;

use names::meaning;
pub(super) use time::TimePiece;

use super::pasted::Pasted;
use super::pattern::{Pattern, Piece, Variable};
use super::{FieldDef, FormatError, variables};

/// Compiles a format string: bare, in quotes with escapes, or as the whole directive.
pub(super) fn compile(pasted: &str, line_bytes_max: usize) -> Result<Pattern, FormatError> {
    let text = string(pasted)?;
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
    let mut pieces = time::unite(pieces);
    let times = time::name(&mut pieces)?;
    Pattern::compile(pieces, times, true, line_bytes_max)
}

const HELP: &str = "paste the directive, LogFormat \"%h ... \\\"%r\\\" ...\" NAME, or its text in one line: %h %l %u %t \"%r\" ...";

/// The format string proper.
fn string(pasted: &str) -> Result<Pasted, FormatError> {
    let text = Pasted::new(pasted).one_line(HELP)?;
    let word = |byte: &u8| byte.is_ascii_alphabetic();
    let first = &text.bytes[..text.bytes.iter().take_while(|byte| word(byte)).count()];
    let has_escapes = memchr::memmem::find(&text.bytes, b"\\\"").is_some();
    let argument = match first.to_ascii_lowercase().as_slice() {
        b"logformat" => Some(1),
        b"customlog" | b"globallog" => Some(2),
        b"transferlog" | b"errorlog" | b"errorlogformat" | b"forensiclog" => {
            let name = String::from_utf8_lossy(first);
            let message = format!("{name} has no format of an access log");
            return Err(FormatError::new(message, HELP).at(text.span(0..first.len())));
        }
        _ if text.bytes.starts_with(b"\"") && has_escapes => Some(0),
        _ => None,
    };
    let format = match argument {
        Some(argument) => text.words()?.into_iter().nth(argument).map(|word| word.text),
        None => Some(text.unescaped()),
    };
    let format = format.filter(|format| argument.is_none() || format.bytes.contains(&b'%'));
    let format = format.ok_or_else(|| no_format(&text))?;
    match format.undoubled() {
        (format, None) => Ok(format),
        (_, Some(span)) => Err(FormatError::new(
            "`${...}` is replaced by Apache when it reads its configuration",
            "write what it stands for; `$${` is a literal `${`",
        )
        .at(span)),
    }
}

/// A directive that only names a format.
fn no_format(directive: &Pasted) -> FormatError {
    let words = directive.words().unwrap_or_default();
    let is = |name: &str| words.iter().skip(1).any(|word| word.text.bytes == name.as_bytes());
    let help = match ["common", "combined"].into_iter().find(|name| is(name)) {
        Some(name) => format!(
            "if it is Apache's own, write format = \"{name}\"; else paste the LogFormat of that name"
        ),
        None => "paste the LogFormat of that name".to_owned(),
    };
    let all = directive.span(0..directive.bytes.len());
    FormatError::new("the directive only names a format", help).at(all)
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
    if directive.letter == b'%' {
        pieces.push(Piece::Literal(b"%".to_vec()));
        return Ok(directive.len);
    }
    let (name, ty, shift) =
        meaning(&directive).ok_or_else(|| unknown(text, at, at + directive.len))?;
    let time = (directive.letter == b't').then(|| time::piece(directive.param));
    let (time, bracketed) = time.map_or((None, false), |(time, brackets)| (Some(time), brackets));
    let (list, field) = (variables::is_list(&name), FieldDef { name, ty });
    let field = Piece::Field(Variable { field, list, shift, layout: None, time, span });
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
    fn a_duration_that_is_no_whole_number_of_its_unit_can_be_read_as_none() {
        let format = compile("%h %D", 99).expect("good");
        let lines = b"h 5\nh -5\nh 1.5\nh 1e3\nh +5\nh -\n";
        let got = cut(&format, &["request_time"], lines).records;
        assert_eq!(got, [["0.000005"], ["-5?"], ["1.5?"], ["1e3?"], ["+5?"], ["-"]]);
        assert!(format.is_unsigned("request_time") && !format.is_unsigned("remote_addr"));
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
        let line = b"[2015-05-20 12:53:11.000123] GET";
        assert_eq!(cut(&format, &["usec_frac"], line).records, [["000123"]]);
        let layout = format.time_layout("time_local");
        let read = cut(&format, &["time_local"], line).records.remove(0).remove(0);
        let micros = crate::format::time::read_utc(read.as_bytes(), layout.as_ref());
        assert_eq!(micros, Some(self::micros("2015-05-20T12:53:11.000123Z")));
        assert!(format.time_layout("usec_frac").is_none());
        let bare = compile("%{%d %b %Y %T}t %m", 99).expect("good");
        let got = cut(&bare, &["time_local"], b"20 May 2015 12:53:11 GET");
        assert_eq!(got.records, [["20 May 2015 12:53:11"]]);
        assert_eq!(compile("%h %{%Y!%!}t", 9).err().and_then(|error| error.span), Some(3..12));
    }

    #[test]
    fn what_a_configuration_has_around_the_format_is_understood() {
        for pasted in [
            r#"CustomLog logs/access_log "%h \"%r\" %b" env=!dontlog"#,
            r#"CustomLog "|/bin/rotatelogs /x 86400" "%h \"%r\" %b""#,
            "# the main log\n  logformat \"%h \\\n\\\"%r\\\" %b\" main\n# end\n",
            "GlobalLog x '%h \"%r\" %b'",
            r#""%h \"%r\" %b" main"#,
            "%h \\\n\"%r\" %b",
        ] {
            let format = compile(pasted, 99).unwrap_or_else(|error| panic!("{pasted}: {error}"));
            let got = cut(&format, &["body_bytes_sent"], b"::1 \"x\" 7");
            assert_eq!(got.records, [["7"]], "{pasted}");
        }
        for (pasted, message, help) in [
            (
                "CustomLog logs/access_log combined",
                "the directive only names a format",
                "\"combined\"",
            ),
            (
                "CustomLog logs/access_log main",
                "the directive only names a format",
                "paste the LogFormat",
            ),
            ("LogFormat combined", "the directive only names a format", "\"combined\""),
            (
                "TransferLog logs/access_log",
                "TransferLog has no format of an access log",
                "LogFormat",
            ),
            ("ErrorLogFormat \"[%t] %M\"", "ErrorLogFormat has no format of an access log", ""),
            (
                "LogFormat \"%h\" a\nLogFormat \"%u\" b",
                "a line break within the pattern",
                "LogFormat",
            ),
            ("LogFormat \"%h %u", "a quote that is not closed", "whole directive"),
            ("%h ${SITE} %u", "`${...}` is replaced by Apache", "`$${` is a literal"),
        ] {
            let error = compile(pasted, 99).err().expect(pasted);
            assert!(error.message.starts_with(message), "{pasted}: {error}");
            assert!(error.help.is_some_and(|found| found.contains(help)), "{pasted}");
            assert!(error.span.is_some_and(|span| span.end <= pasted.len()), "{pasted}");
        }
        let format = compile("%h $${SITE} %b", 99).expect("good");
        assert_eq!(cut(&format, &["body_bytes_sent"], b"::1 ${SITE} 7").records, [["7"]]);
    }

    #[test]
    fn the_pieces_of_a_time_make_one() {
        // As the layout's own test shows, what is joined is read by the joined layout.
        let both = "2026-03-14T11:26:07.242 +0200";
        for (pattern, line) in [
            ("[%{%d/%b/%Y:%T}t.%{msec_frac}t %{%z}t] %h", "[14/Mar/2026:11:26:07.242 +0200] h"),
            ("%{%z}t [%{%d/%b/%Y}t] %h %{%T}t,%{msec_frac}t", "+0200 [14/Mar/2026] h 11:26:07,242"),
            ("%t %{usec_frac}t", "[14/Mar/2026:11:26:07 +0200] 242000"),
            (
                "%{%F}t %{%H}t:%{%M}t:%{%S}t %{%z}t %{msec_frac}t %{usec_frac}t",
                "2026-03-14 11:26:07 +0200 242 242000",
            ),
            ("%{sec}t %{msec_frac}t", "1773480367 242"),
            ("%{sec}t.%{usec_frac}t", "1773480367.242000"),
            ("%{sec}t%{msec_frac}t", "1773480367242"),
            ("%{usec}t %{%F}t", "1773480367242000 2026-03-14"),
            ("%{%F}t %{msec}t %{sec}t", "2026-03-14 1773480367242 1773480367"),
            ("%{%Y%m%d%H%M%S}t%{msec_frac}t %{%z}t", "20260314112607242 +0200"),
            ("%{%c}t %{msec_frac}t %{%z}t", "Sat Mar 14 11:26:07 2026 242 +0200"),
            (
                "%{%e %b %y}t %{%I:%M:%S %p}t %{%z}t %{msec_frac}t",
                "14 Mar 26 11:26:07 AM +0200 242",
            ),
            ("%{%j}t/%{%Y}t %{%T}t %{%Z}t %{%z}t %{msec_frac}t", "073/2026 11:26:07 EET +0200 242"),
            (
                "%{begin:%F}t %{begin:%T}t %{begin:msec_frac}t %{begin:%z}t %{end:%F %T}t",
                "2026-03-14 11:26:07 242 +0200 2026-03-14 11:26:08",
            ),
        ] {
            assert_eq!(time(pattern, "time_local", line), Some(micros(both)), "{pattern}");
        }
    }

    #[test]
    fn begin_and_end_are_two_times_and_an_end_alone_is_the_time() {
        let pattern = "%{begin:%F}t %{end:%F}t %{begin:%T}t %{end:%T}t";
        let line = "2026-03-14 2026-03-15 23:59:59 00:00:01";
        assert_eq!(time(pattern, "time_local", line), Some(micros("2026-03-14T23:59:59Z")));
        assert_eq!(time(pattern, "time_end", line), Some(micros("2026-03-15T00:00:01Z")));
        let alone = time("%{end:%F}t %{end:%T}t", "time_local", "2026-03-15 00:00:01");
        assert_eq!(alone, Some(micros("2026-03-15T00:00:01Z")));
        let common = time("%{end}t %h", "time_local", "[14/Mar/2026:11:26:07 +0200] h");
        assert_eq!(common, Some(micros("2026-03-14T09:26:07Z")));
    }

    #[test]
    fn pieces_that_make_no_whole_time_are_refused() {
        for (pattern, what) in [
            ("%{%T}t %h", "makes no whole time"),
            ("%{%d/%b}t %h %{%T}t", "makes no whole time"),
            ("%{%F}t %{%M:%S}t", "makes no whole time"),
            ("%{%F %I:%M:%S}t", "a part of the date or the clock is missing"),
            ("%{%F %H:%S}t", "makes no whole time"),
            ("%{%F %T}t %{%Z}t", "%Z"),
            ("%{%s %F}t %{%z}t", "seconds since the epoch among"),
            ("%{%F %T}t%{sec}t", "nothing stands between"),
        ] {
            let error = compile(pattern, 99).err().expect(pattern);
            assert!(error.message.contains(what), "{pattern}: {error}");
        }
        assert!(
            compile("%{msec_frac}t %h", 99).is_ok_and(|format| format.default_time().is_none())
        );
    }

    #[test]
    fn a_day_of_one_digit_has_a_space_more() {
        for (day, date) in [(" 5", "05"), ("15", "15")] {
            let expected = Some(micros(&format!("2026-03-{date}T11:26:07Z")));
            let line = format!("Mar {day} 2026 11:26:07 h");
            assert_eq!(time("%{%b %e %Y}t %{%T}t %h", "time_local", &line), expected, "{line}");
            let line = format!("{day} Mar 2026 11:26:07 h");
            assert_eq!(time("%{%e %b %Y}t %{%T}t %h", "time_local", &line), expected, "{line}");
        }
    }

    /// A field of a line as microseconds; cut together with others like it, and alone.
    fn time(pattern: &str, field: &str, line: &str) -> Option<i64> {
        let format = compile(pattern, 999).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        let got = cut(&format, &[field], format!("{line}\n{line}\n").as_bytes());
        assert_eq!(got.records.len(), 2, "{pattern}: {:?}", got.reasons);
        assert_eq!(
            (got.records.len(), &got.records[0]),
            (2, &got.records[1]),
            "{pattern}: {:?}",
            got.reasons
        );
        crate::format::time::read_utc(
            got.records[0][0].as_bytes(),
            format.time_layout(field).as_ref(),
        )
    }

    fn micros(text: &str) -> i64 {
        jiff::fmt::temporal::DateTimeParser::new()
            .parse_timestamp(text.replace(' ', ""))
            .expect(text)
            .as_microsecond()
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
