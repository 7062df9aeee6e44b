//! Lines as values: what a line says, how each format writes it, and what must become of it.

use proptest::prelude::*;
use proptest::sample::select;

/// `[limits] line` of all jobs here, bytes.
pub const LINE_BYTES_MAX: usize = 300;
/// What the mapper and the reader must both say of a longer line.
pub const TOO_LONG: &str = "longer than the line limit";

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// An nginx `log_format` of its own.
    Nginx,
    /// One object a line.
    Json,
    /// Semicolons.
    Csv,
    /// The same with line breaks and quotes in texts.
    Records,
}

/// A record's values; `None` is NULL.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Seconds since the Unix epoch.
    pub time: i64,
    pub who: Option<&'static str>,
    pub status: Option<i64>,
    pub n: Option<i64>,
    /// Thousandths.
    pub d: Option<i64>,
    pub f: Option<&'static str>,
    pub flag: Option<bool>,
    pub text: Option<String>,
}

/// Something that is no record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Broken {
    /// Fits no pattern.
    Shape,
    /// `status` holds a word.
    Status,
    /// `d` has four digits after the point.
    Scale,
    /// The time can't be read.
    Time,
    /// As many bytes of nothing, up to and beyond the limit.
    Long(usize),
}

/// A line without its end.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    Record(Record),
    Broken(Broken),
    Empty,
}

/// A line, and whether its end is CRLF.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub content: Content,
    pub crlf: bool,
}

const WHO: [Option<&str>; 6] = [None, Some("a"), Some("A"), Some("ä"), Some("😀"), Some("b")];
const FLOATS: [Option<&str>; 10] = [
    None,
    Some("0.1"),
    Some("0.2"),
    Some("-0.3"),
    Some("1e6"),
    Some("-1e6"),
    Some("1.000000001"),
    Some("0.000013"),
    Some("123456.789"),
    Some("0"),
];

fn record() -> impl Strategy<Value = Record> {
    // Few distinct days, hours and seconds: groups meet again in other batches, and equal times are frequent.
    let time = (0..3i64, select(vec![0i64, 1, 7, 23]), select(vec![0i64, 30]), 0..3i64).prop_map(
        |(day, hour, minute, second)| {
            1_772_323_200 + day * 86_400 + hour * 3_600 + minute * 60 + second
        },
    );
    let status = select(vec![None, Some(200), Some(204), Some(404), Some(499), Some(500)]);
    let n = prop_oneof![
        1 => Just(None),
        1 => Just(Some(0)),
        4 => (1..3_000i64).prop_map(Some),
        1 => select(vec![Some(-7), Some(1 << 40), Some(-(1i64 << 40))]),
    ];
    let d = prop::option::weighted(0.8, -2_000..50_000i64);
    let text = prop::option::weighted(0.9, "[a-cß]{1,2}|😀|[a-z]{3}");
    let flag = select(vec![None, Some(true), Some(true), Some(false)]);
    (time, select(WHO.to_vec()), status, n, d, select(FLOATS.to_vec()), flag, text).prop_map(
        |(time, who, status, n, d, f, flag, text)| Record {
            time,
            who,
            status,
            n,
            d,
            f,
            flag,
            text,
        },
    )
}

fn broken() -> impl Strategy<Value = Broken> {
    let near = LINE_BYTES_MAX - 2..LINE_BYTES_MAX + 4;
    prop_oneof![
        Just(Broken::Shape),
        Just(Broken::Status),
        Just(Broken::Scale),
        Just(Broken::Time),
        near.prop_map(Broken::Long),
        select(vec![700, 4_095, 4_096, 4_097, 9_000]).prop_map(Broken::Long),
    ]
}

/// Mostly records.
pub fn line() -> impl Strategy<Value = Line> {
    let content = prop_oneof![
        10 => record().prop_map(Content::Record),
        1 => broken().prop_map(Content::Broken),
        1 => Just(Content::Empty),
    ];
    (content, any::<bool>()).prop_map(|(content, crlf)| Line { content, crlf })
}

impl Line {
    /// The same with line breaks and quotes in its text.
    pub fn broken_up(mut self) -> Line {
        if let Content::Record(Record { text: Some(text), .. }) = &mut self.content {
            *text = text
                .replace('a', "\n")
                .replace('b', "\"")
                .replace('c', "\r\n;")
                .replace('d', "\n\n");
        }
        self
    }

    /// The first line of a log: a record unlike that of any other log.
    pub fn first(number: usize) -> Line {
        let text = Some(format!("log {number}"));
        let record = Record {
            time: 1_772_323_200 + 40_000 * (number as i64 % 4),
            who: None,
            status: Some(200),
            n: Some(5),
            d: Some(1_500),
            f: Some("0.1"),
            flag: None,
            text,
        };
        Line { content: Content::Record(record), crlf: false }
    }

    /// The line without its end.
    pub fn bytes(&self, dialect: Dialect) -> Vec<u8> {
        match &self.content {
            Content::Record(record) => written(dialect, record, Broken::Shape).into_bytes(),
            Content::Broken(Broken::Shape) => b"gar\xffbage".to_vec(),
            Content::Broken(Broken::Long(bytes)) => vec![b'x'; *bytes],
            Content::Broken(how) => written(dialect, &PLAIN, *how).into_bytes(),
            Content::Empty => Vec::new(),
        }
    }
}

const PLAIN: Record = Record {
    time: 1_772_323_200,
    who: Some("a"),
    status: Some(200),
    n: Some(1),
    d: Some(1),
    f: Some("1"),
    flag: Some(true),
    text: None,
};

/// A record as text, with one value spoilt unless `how` is `Shape`.
fn written(dialect: Dialect, r: &Record, how: Broken) -> String {
    let null = match dialect {
        Dialect::Nginx => "-",
        Dialect::Json => "null",
        Dialect::Csv | Dialect::Records => "",
    };
    let or_null = |text: Option<String>| text.unwrap_or_else(|| null.to_owned());
    let quoted = |text: Option<&str>| match dialect {
        Dialect::Json => or_null(text.map(|text| format!("\"{text}\""))),
        _ => or_null(text.map(str::to_owned)),
    };
    let time = match how {
        Broken::Time => "no time".to_owned(),
        _ => time_text(dialect, r.time),
    };
    let status = match how {
        Broken::Status => quoted(Some("ok")),
        _ => or_null(r.status.map(|n| n.to_string())),
    };
    let d = match how {
        Broken::Scale => "0.0001".to_owned(),
        _ => or_null(r.d.map(thousandths)),
    };
    let (n, f) = (or_null(r.n.map(|n| n.to_string())), quoted(r.f).replace('"', ""));
    let (flag, who) = (or_null(r.flag.map(|flag| flag.to_string())), quoted(r.who));
    let text = quoted(r.text.as_deref());
    match dialect {
        Dialect::Nginx => format!("[{time}] {status} {n} {d} {f} {flag} \"{text}\" {who}"),
        Dialect::Json => format!(
            "{{\"ts\": \"{time}\", \"status\": {status}, \"n\": {n}, \"d\": {d}, \"f\": {f}, \"flag\": {flag}, \
             \"text\": {text}, \"who\": {who}, \"more\": {{\"n\": [1, {{}}]}}}}"
        ),
        Dialect::Csv | Dialect::Records => {
            let text = text.replace('"', "\"\"");
            format!("{time};{status};{n};{d};{f};{flag};\"{text}\";{who}")
        }
    }
}

fn time_text(dialect: Dialect, seconds: i64) -> String {
    let time = jiff::Timestamp::from_second(seconds).expect("a time of this year");
    let form = match dialect {
        Dialect::Nginx => "%d/%b/%Y:%H:%M:%S +0000",
        Dialect::Json => "%Y-%m-%dT%H:%M:%SZ",
        Dialect::Csv | Dialect::Records => "%Y-%m-%d %H:%M:%S",
    };
    time.strftime(form).to_string()
}

fn thousandths(value: i64) -> String {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}.{:03}", value.abs() / 1000, value.abs() % 1000)
}
