//! The type of a field, guessed from its values.

use crate::data::{DataType, Failure};
use crate::format::{Converter, RawColumn, TimeCache};

/// Names of times, best first; a number in such a field may be an epoch.
const TIME_NAMES: [&str; 12] = [
    "event_time",
    "@timestamp",
    "timestamp",
    "time_local",
    "time_iso8601",
    "time",
    "ts",
    "datetime",
    "date",
    "msec",
    "eventTime",
    "created_at",
];
/// Digits of an epoch in seconds, milliseconds, microseconds, nanoseconds.
const EPOCH_DIGITS: [usize; 4] = [10, 13, 16, 19];
/// More digits after the point look like a float.
const SCALE_MAX: u8 = 9;

/// The narrowest type that all values have; text if there are none. `-` and empty values are NULL.
pub(super) fn type_of(name: &str, values: &[Vec<u8>]) -> DataType {
    let values: Vec<&[u8]> =
        values.iter().map(Vec::as_slice).filter(|raw| !matches!(*raw, b"" | b"-")).collect();
    let all = |test: &dyn Fn(&[u8]) -> bool| values.iter().all(|raw| test(raw));
    if values.is_empty() || all(&has_leading_zero) {
        return DataType::Text;
    }
    if TIME_NAMES.contains(&name) && all(&is_epoch) {
        return DataType::Timestamp;
    }
    let fits = |(ty, plausible): &(DataType, bool)| *plausible && reads(*ty, &values);
    candidates(&values).into_iter().find(fits).map_or(DataType::Text, |(ty, _)| ty)
}

/// Types to try, narrowest first, and whether the values look like it at all.
fn candidates(values: &[&[u8]]) -> [(DataType, bool); 6] {
    let all = |test: &dyn Fn(&[u8]) -> bool| values.iter().all(|raw| test(raw));
    let scale = values.iter().map(|raw| scale(raw)).max().unwrap_or(0);
    let decimal = match u8::try_from(scale) {
        Ok(scale @ ..=SCALE_MAX) => DataType::Decimal(scale),
        _ => DataType::Float,
    };
    let number = !values.iter().any(|raw| has_leading_zero(raw));
    let finite = number && all(&|raw| raw.iter().any(u8::is_ascii_digit));
    let dated = all(&|raw| raw.contains(&b':') || raw.get(4) == Some(&b'-'));
    [
        (DataType::Int, number),
        (decimal, number),
        (DataType::Float, finite),
        (DataType::Bool, all(&|raw| matches!(raw, b"true" | b"false"))),
        (DataType::Timestamp, dated),
        (DataType::Ip, true),
    ]
}

/// The field to take as the event time: by its name, else the first.
pub(super) fn time(fields: &[(String, DataType)]) -> Option<String> {
    let times: Vec<&String> =
        fields.iter().filter(|(_, ty)| *ty == DataType::Timestamp).map(|(name, _)| name).collect();
    let named =
        TIME_NAMES.iter().find_map(|known| times.iter().find(|name| name.as_str() == *known));
    named.or(times.first()).map(|name| (*name).clone())
}

/// Whether every value can be read as the type.
fn reads(ty: DataType, values: &[&[u8]]) -> bool {
    let (arena, mut failures) = (bumpalo::Bump::new(), Vec::<Failure>::new());
    let rows: Vec<u32> = (0..).take(values.len()).collect();
    let converter = Converter::new("", ty, &jiff::tz::TimeZone::UTC, None);
    let values = RawColumn::new(values);
    converter.convert(&mut TimeCache::default(), values, &rows, &arena, &mut failures);
    failures.is_empty()
}

/// Such as `007`, which is a name rather than a number.
fn has_leading_zero(raw: &[u8]) -> bool {
    matches!(raw, [b'0', b'0'..=b'9', ..])
}

fn is_epoch(raw: &[u8]) -> bool {
    let digits = raw.iter().take_while(|byte| byte.is_ascii_digit()).count();
    EPOCH_DIGITS.contains(&digits) && reads(DataType::Timestamp, &[raw])
}

/// Digits behind the point.
fn scale(raw: &[u8]) -> usize {
    memchr::memchr(b'.', raw).map_or(0, |point| raw.len() - point - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(name: &str, values: &[&str]) -> DataType {
        type_of(name, &values.iter().map(|raw| raw.as_bytes().to_vec()).collect::<Vec<_>>())
    }

    #[test]
    fn the_narrowest_type_that_fits_all_values_is_taken() {
        assert_eq!(guess("a", &["1", "-2", "-", ""]), DataType::Int);
        assert_eq!(guess("a", &["1", "2.25"]), DataType::Decimal(2));
        assert_eq!(guess("a", &["1", "2e-7"]), DataType::Float);
        assert_eq!(guess("a", &["0.1234567890123"]), DataType::Float);
        assert_eq!(guess("a", &["true", "false"]), DataType::Bool);
        assert_eq!(guess("a", &["2024-01-01T00:00:00Z"]), DataType::Timestamp);
        assert_eq!(guess("a", &["::1", "1.2.3.4"]), DataType::Ip);
        for text in [&["1", "x"][..], &["007", "1"], &["nan"], &["-"], &[]] {
            assert_eq!(guess("a", text), DataType::Text, "{text:?}");
        }
    }

    #[test]
    fn an_epoch_is_a_time_only_in_a_field_of_that_name() {
        assert_eq!(guess("ts", &["1521911720.865716"]), DataType::Timestamp);
        assert_eq!(guess("user", &["1521911720"]), DataType::Int);
        assert_eq!(guess("time", &["12"]), DataType::Int);
    }
}
