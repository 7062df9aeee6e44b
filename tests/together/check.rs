//! Lines that are cut by their marks, and numbers that are read by vector instructions (at each level that the processor has), beside the careful way: a line alone,
//! with nothing behind it, is always cut with care, and so is a value that lies in no text.
//!
//! The first byte chooses the format, the second the records a block; the rest is the input. Shared by `tests/together.rs` and
//! by the fuzz target `lines`.

use bumpalo::Bump;
use jiff::tz::TimeZone;
use logmill::cpu;
use logmill::data::{DataType, Scalar};
use logmill::format::{
    Converter, CsvOptions, FormatSpec, RawBlock, RawColumn, TimeCache, Tokenizer, build,
};
use logmill::source::Before;

const LINE_BYTES_MAX: usize = 500;
const NGINX: &str = r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_time"#;
const TYPES: [DataType; 4] =
    [DataType::Int, DataType::Decimal(0), DataType::Decimal(3), DataType::Timestamp];

/// A format and some of its fields.
fn format(which: u8) -> (FormatSpec, &'static [&'static str]) {
    let csv = |delimiter| {
        let columns = ["a", "b", "c"].map(str::to_owned).into();
        let quote = (delimiter != b'\t').then_some(b'"');
        FormatSpec::Csv(CsvOptions { delimiter, header: false, columns, quote, multiline: false })
    };
    let access: &[&str] = &["remote_addr", "time_local", "path", "status", "body_bytes_sent"];
    match which % 7 {
        0 => (FormatSpec::Nginx(NGINX.into()), &["time_local", "path", "status", "request_time"]),
        1 => (FormatSpec::Nginx("$status|$request_time|$a".into()), &["status", "request_time"]),
        2 => (FormatSpec::Nginx(r#"$a x="$b" y=$c z="$d""#.into()), &["a", "b", "c", "d"]),
        3 => (csv(b','), &["c", "a"]),
        4 => (csv(b'\t'), &["b", "c"]),
        5 => (FormatSpec::Name("combined".into()), access),
        _ => (FormatSpec::Name("common".into()), access),
    }
}

/// What became of lines.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    records: Vec<(Vec<u8>, Vec<Vec<u8>>)>,
    rejects: Vec<(Vec<u8>, String)>,
    skipped: (u64, u64),
    values: Vec<Vec<Scalar>>,
}

impl Outcome {
    /// Adds a block, and its values read as types; `alone`: each for itself.
    fn add(&mut self, block: &RawBlock<'_>, alone: bool) {
        let rows = 0..block.lines.len();
        let record = |row: usize| block.fields.iter().map(|field| field[row].to_vec()).collect();
        self.records.extend(rows.map(|row| (block.lines[row].to_vec(), record(row))));
        self.rejects.extend(block.rejects.iter().map(|r| (r.line.to_vec(), r.reason.to_string())));
        self.skipped = (self.skipped.0 + block.skipped, self.skipped.1 + block.skipped_bytes);
        self.values.resize(block.fields.len() * TYPES.len(), Vec::new());
        for (at, values) in self.values.iter_mut().enumerate() {
            let (field, ty) = (at / TYPES.len(), TYPES[at % TYPES.len()]);
            if alone {
                for value in &block.fields[field] {
                    values.extend(read(ty, RawColumn::new(&[value]), 1));
                }
            } else {
                values.extend(read(ty, block.column(field), block.lines.len()));
            }
        }
    }
}

/// The values of a column; NULL where there is none or it can't be read.
fn read(ty: DataType, raw: RawColumn<'_, '_>, len: usize) -> Vec<Scalar> {
    let converter = Converter::new("f", ty, &TimeZone::UTC, None);
    let (arena, rows): (_, Vec<u32>) = (Bump::new(), (0..len as u32).collect());
    let mut cache = TimeCache::default();
    let column = converter.convert(&mut cache, raw, &rows, &arena, &mut Vec::new());
    (0..len).map(|row| column.scalar(row)).collect()
}

fn blocks(tokenizer: &dyn Tokenizer, input: &[u8], records_max: usize) -> Outcome {
    let (arena, mut at, mut all) = (Bump::new(), 0, Outcome::default());
    let mut before = Before::default();
    while at < input.len() {
        let mut block = RawBlock::behind(before);
        let used = tokenizer.tokenize(&input[at..], at == 0, records_max, &arena, &mut block);
        assert!(used > 0 && block.lines.len() + block.rejects.len() <= records_max);
        at += used;
        before = block.before;
        all.add(&block, false);
    }
    all
}

fn lines(tokenizer: &dyn Tokenizer, input: &[u8]) -> Outcome {
    let (arena, mut all, mut at_start) = (Bump::new(), Outcome::default(), true);
    let mut before = Before::default();
    for line in input.split_inclusive(|&byte| byte == b'\n') {
        // In memory of its own, so that nothing lies behind it.
        let line = line.to_vec();
        let mut block = RawBlock::behind(before);
        let line = arena.alloc_slice_copy(&line);
        let used = tokenizer.tokenize(line, at_start, 9, &arena, &mut block);
        assert_eq!(used, line.len());
        all.add(&block, true);
        before = block.before;
        at_start = false;
    }
    all
}

/// Panics where both ways differ, at any level of the processor.
pub fn check(data: &[u8]) {
    let [which, records_max, input @ ..] = data else { return };
    let (spec, fields) = format(*which);
    let format = build(&spec, LINE_BYTES_MAX, None).expect("a good format");
    let tokenizer = format.tokenizer(fields, b"").expect("its own fields");
    let alone = lines(tokenizer.as_ref(), input);
    for level in cpu::each_level() {
        let together = blocks(tokenizer.as_ref(), input, 1 + usize::from(*records_max));
        assert_eq!(together.records, alone.records, "{level}");
        assert_eq!(together.rejects, alone.rejects, "{level}");
        assert_eq!(together.skipped, alone.skipped, "{level}");
        if !input.is_empty() {
            assert_eq!(together.values, alone.values, "{level}");
        }
    }
}
