//! Which format fits the first lines of a file: what `logmill init` proposes.

mod guess;
mod json;
mod separated;

use bumpalo::Bump;

use super::access::{HOST_COMBINED, VHOST_COMBINED};
use super::{FormatSpec, RawBlock, build};
use crate::data::DataType;

/// Lines to look at.
const LINES_MAX: usize = 200;
/// No limit: what is too long is for the run to say.
const LINE_BYTES_MAX: usize = usize::MAX;
/// The most common addition to `combined`.
const WITH_REQUEST_TIME: &str = r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_time"#;

/// A format that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detected {
    /// The format.
    pub spec: FormatSpec,
    /// The same as a job file's value of `format`.
    pub toml: String,
    /// The fields and their types, guessed from the values where the format has no types of its own.
    pub fields: Vec<(String, DataType)>,
    /// The field to take as the event time.
    pub time: Option<String>,
    /// Lines that are records of it, of [`Detected::lines`].
    pub matched: usize,
    /// Lines that were looked at, empty ones and a header left out.
    pub lines: usize,
}

/// The format that most of the first lines fit, at least half of them; `lines` if none does. `None`: there is no line.
/// `head`: the first bytes of a file, whose last line may be cut off.
pub fn detect(head: &[u8]) -> Option<Detected> {
    let sample = sample(head);
    let (_, lines) = count(&FormatSpec::Name("lines".into()), sample);
    if lines == 0 {
        return None;
    }
    let known = [with_request_time(sample), named(sample), json::detect(sample)];
    let best = known
        .into_iter()
        .flatten()
        .reduce(|best, other| if other.matched > best.matched { other } else { best });
    best.filter(|best| best.matched * 2 >= best.lines)
        .or_else(|| separated::detect(sample))
        .or_else(|| of_format(FormatSpec::Name("lines".into()), "\"lines\"".into(), sample))
}

/// The first lines, without one that is cut off.
fn sample(head: &[u8]) -> &[u8] {
    let ends = memchr::memchr_iter(b'\n', head).take(LINES_MAX);
    ends.last().map_or(head, |end| &head[..=end])
}

/// Records and lines of the sample in a format; none where it can't be built.
fn count(spec: &FormatSpec, sample: &[u8]) -> (usize, usize) {
    let (arena, mut block) = (Bump::new(), RawBlock::default());
    let tokenizer =
        build(spec, LINE_BYTES_MAX, Some(sample)).and_then(|format| format.tokenizer(&[], sample));
    let Ok(tokenizer) = tokenizer else {
        return (0, 0);
    };
    tokenizer.tokenize(sample, true, LINES_MAX, &arena, &mut block);
    (block.lines.len(), block.lines.len() + block.rejects.len())
}

/// A format with known fields, if any line fits.
fn of_format(spec: FormatSpec, toml: String, sample: &[u8]) -> Option<Detected> {
    let format = build(&spec, LINE_BYTES_MAX, Some(sample)).ok()?;
    let (matched, lines) = count(&spec, sample);
    let fields = format.fields().iter().map(|field| (field.name.clone(), field.ty)).collect();
    let time = format.default_time().map(str::to_owned);
    (matched > 0).then_some(Detected { spec, toml, fields, time, matched, lines })
}

/// The access logs with fixed fields. `combined` goes before `common`, which its lines fit too.
fn named(sample: &[u8]) -> Option<Detected> {
    let with_host = [VHOST_COMBINED, HOST_COMBINED]
        .map(|pasted| (FormatSpec::Apache(pasted.into()), format!("{{ apache = '{pasted}' }}")));
    let by_name =
        ["combined", "common"].map(|name| (FormatSpec::Name(name.into()), format!("{name:?}")));
    let found = with_host.into_iter().chain(by_name);
    let found = found.filter_map(|(spec, toml)| of_format(spec, toml, sample));
    found.reduce(|best, other| if other.matched > best.matched { other } else { best })
}

/// `combined` with a time in seconds behind it, on each line that is `combined` at all. An integer there is left alone:
/// nobody can tell its unit.
fn with_request_time(sample: &[u8]) -> Option<Detected> {
    let spec = FormatSpec::Nginx(WITH_REQUEST_TIME.into());
    let found = of_format(spec, format!("{{ nginx = '{WITH_REQUEST_TIME}' }}"), sample)?;
    let (combined, _) = count(&FormatSpec::Name("combined".into()), sample);
    let times = columns(&found.spec, &["request_time"], sample).pop()?;
    let fits = |ty| matches!(ty, DataType::Decimal(1..=3));
    (found.matched == combined && fits(guess::type_of("request_time", &times))).then_some(found)
}

/// The raw values of fields in the sample.
fn columns(spec: &FormatSpec, wanted: &[&str], sample: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let (arena, mut block) = (Bump::new(), RawBlock::default());
    let tokenizer = build(spec, LINE_BYTES_MAX, Some(sample))
        .and_then(|format| format.tokenizer(wanted, sample));
    if let Ok(tokenizer) = tokenizer {
        tokenizer.tokenize(sample, true, LINES_MAX, &arena, &mut block);
    }
    block.fields.iter().map(|column| column.iter().map(|raw| raw.to_vec()).collect()).collect()
}

/// A format whose fields have no types of their own: names and types from the values.
fn of_values(spec: FormatSpec, toml: String, names: &[&str], sample: &[u8]) -> Option<Detected> {
    let (matched, lines) = count(&spec, sample);
    let columns = columns(&spec, names, sample);
    let typed = names.iter().zip(&columns);
    let fields: Vec<_> =
        typed.map(|(name, values)| ((*name).to_owned(), guess::type_of(name, values))).collect();
    let time = guess::time(&fields);
    (matched > 0).then_some(Detected { spec, toml, fields, time, matched, lines })
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMBINED: &str =
        r#"1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 7 "-" "x""#;

    fn toml(head: &str) -> String {
        detect(head.as_bytes()).map(|found| found.toml).unwrap_or_default()
    }

    #[test]
    fn access_logs_are_told_apart() {
        let line = COMBINED;
        assert_eq!(toml(line), "\"combined\"");
        assert_eq!(toml(&format!("{line} 12\n")), "\"combined\"");
        assert_eq!(toml(&line[..line.len() - 8]), "\"common\"");
        assert_eq!(toml(&format!("a.b:80 {line}\n")), format!("{{ apache = '{VHOST_COMBINED}' }}"));
        assert_eq!(toml(&format!("a.b {line}\n")), format!("{{ apache = '{HOST_COMBINED}' }}"));
        assert_eq!(
            toml(&format!("{line} 0.012\n{line} 1.000\n")),
            format!("{{ nginx = '{WITH_REQUEST_TIME}' }}")
        );
        assert_eq!(toml(&format!("{line} \"-\" 0.012\n")), "\"combined\"");
        assert_eq!(toml(&format!("{line} 0.012\n{line}\n")), "\"combined\"");
    }

    #[test]
    fn the_better_half_of_a_mixed_file_counts() {
        let found =
            detect(format!("{COMBINED}\n{COMBINED}\n{{}}\n\n{{\"cut").as_bytes()).expect("lines");
        assert_eq!((found.toml.as_str(), found.matched, found.lines), ("\"combined\"", 2, 3));
        assert_eq!(found.time.as_deref(), Some("time_local"));
    }

    #[test]
    fn other_text_is_lines_and_nothing_is_nothing() {
        assert_eq!(toml("some text\nand more, of it\n"), "\"lines\"");
        assert_eq!(toml("no, not\nyes, but\n"), "\"lines\"");
        assert_eq!(
            toml("2015-07-29 17:41:44,747 - INFO a\n2015-07-29 17:41:45,147 - INFO b\n"),
            "\"lines\""
        );
        assert_eq!(detect(b"\n\n"), None);
        assert_eq!(detect(b""), None);
    }
}
