//! Sizes and durations as job files and options have them: `1GiB`, `1m`, `500ms`. A whole number, and right behind it a unit
//! as it is written here: `M` is a minute to one reader and a month to another, so it is neither.

use std::time::Duration;

/// Milliseconds of each unit.
const DURATION_UNITS: [(&str, u64); 6] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
    ("w", 604_800_000),
];

/// A hundred years.
const DURATION_MS_MAX: u64 = 36_500 * 86_400_000;

/// Bytes of each unit.
const SIZE_UNITS: [(&str, u64); 10] = [
    ("", 1),
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

/// A text that is no duration, or no size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}; {help}")]
pub struct UnitError {
    /// What is wrong.
    pub what: String,
    /// What to write.
    pub help: String,
}

/// Reads a duration of at least a millisecond: `100ms`, `5s`, `1m`, `1h`, `1d`, `1w`.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let wrong = |help: String| UnitError {
        what: format!("`{}` is no duration", text.escape_debug()),
        help,
    };
    let (digits, unit) = split(text, "duration", "\"30s\", \"5m\" or \"1h\"").map_err(wrong)?;
    let known = DURATION_UNITS.iter().find(|(name, _)| *name == unit);
    let (_, millis) = known.ok_or_else(|| wrong(duration_help(digits, unit)))?;
    match digits.parse::<u64>().ok().and_then(|number| number.checked_mul(*millis)) {
        Some(0) => Err(wrong("at least 1ms".to_owned())),
        Some(millis) if millis <= DURATION_MS_MAX => Ok(Duration::from_millis(millis)),
        _ => Err(wrong("at most 36500d, a hundred years".to_owned())),
    }
}

/// Reads a size of at least a byte: `65536`, `512B`, `64KiB`, `1GiB`, `10MB`.
pub fn parse_size(text: &str) -> Result<u64, UnitError> {
    let wrong =
        |help: String| UnitError { what: format!("`{}` is no size", text.escape_debug()), help };
    let (digits, unit) = split(text, "size", "\"64KiB\" or \"1GiB\"").map_err(wrong)?;
    let known = SIZE_UNITS.iter().find(|(name, _)| *name == unit);
    let (_, bytes) = known.ok_or_else(|| wrong(size_help(digits, unit)))?;
    match digits.parse::<u64>().ok().and_then(|number| number.checked_mul(*bytes)) {
        Some(0) => Err(wrong("at least one byte".to_owned())),
        Some(bytes) if i64::try_from(bytes).is_ok() => Ok(bytes),
        _ => Err(wrong("less than 8388608TiB".to_owned())),
    }
}

/// The number and the unit; else what to write instead.
fn split<'t>(text: &'t str, what: &str, such: &str) -> Result<(&'t str, &'t str), String> {
    let bare = text.trim();
    if bare.is_empty() {
        return Err(format!("it is empty; a {what} is a whole number and a unit, such as {such}"));
    }
    if text.contains(char::is_whitespace) {
        let together: String = text.split_whitespace().collect();
        return Err(format!("without spaces: \"{together}\""));
    }
    if bare.starts_with('-') {
        return Err(format!("a {what} is not negative"));
    }
    let end = bare.find(|c: char| !c.is_ascii_digit()).unwrap_or(bare.len());
    let (digits, unit) = bare.split_at(end);
    if digits.is_empty() {
        return Err(format!("a {what} is a whole number and a unit, such as {such}"));
    }
    if unit.starts_with(['.', ',', '_', '\'']) || unit.starts_with(|c: char| c.is_numeric()) {
        return Err(format!("the number is a whole one, in digits only, such as {such}"));
    }
    if unit.contains(|c: char| c.is_ascii_digit()) {
        return Err(format!("one number and one unit, such as {such}"));
    }
    Ok((digits, unit))
}

fn duration_help(digits: &str, unit: &str) -> String {
    const UNITS: &str = "the units are ms, s, m, h, d and w";
    let lower = unit.to_lowercase();
    let meant = match lower.as_str() {
        _ if unit == "M" => {
            return format!(
                "\"{digits}m\" are minutes; months would be \"{digits}mo\", which is not built yet"
            );
        }
        "mo" | "mon" | "month" | "months" => {
            return format!("windows of months (\"{digits}mo\") are not built yet; {UNITS}");
        }
        "y" | "yr" | "year" | "years" => {
            return format!("a year is not always as long: write days; {UNITS}");
        }
        "us" | "µs" | "μs" | "ns" => return format!("at least 1ms; {UNITS}"),
        "" => return format!("it lacks a unit: \"{digits}s\" are seconds, \"{digits}m\" minutes"),
        "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => "ms",
        "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "m" | "min" | "mins" | "minute" | "minutes" => "m",
        "h" | "hr" | "hrs" | "hour" | "hours" => "h",
        "d" | "day" | "days" => "d",
        "w" | "wk" | "week" | "weeks" => "w",
        _ => return UNITS.to_owned(),
    };
    format!("write \"{digits}{meant}\"; {UNITS}")
}

fn size_help(digits: &str, unit: &str) -> String {
    const UNITS: &str = "the units are KiB, MiB, GiB, TiB, and kB, MB, GB, TB for powers of ten";
    let lower = unit.to_lowercase();
    match lower.as_str() {
        "b" | "byte" | "bytes" => format!("bytes are \"{digits}B\" or \"{digits}\"; {UNITS}"),
        "k" | "kb" => format!("\"{digits}KiB\" has 1,024 bytes for each, \"{digits}kB\" 1,000"),
        "m" | "g" | "t" | "mb" | "gb" | "tb" => {
            let letter = lower[..1].to_uppercase();
            format!("\"{digits}{letter}iB\" is in powers of 1,024, \"{digits}{letter}B\" of 1,000")
        }
        "ki" | "mi" | "gi" | "ti" | "kib" | "mib" | "gib" | "tib" => {
            format!("write \"{digits}{}iB\"; {UNITS}", lower[..1].to_uppercase())
        }
        _ => UNITS.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_are_read_with_their_units() {
        let ms = |text| parse_duration(text).map(|duration| duration.as_millis());
        assert_eq!(ms("1m"), Ok(60_000));
        assert_eq!(ms("100ms"), Ok(100));
        assert_eq!(ms("36h"), Ok(129_600_000));
        assert_eq!(ms("2w"), Ok(1_209_600_000));
        assert_eq!(ms("007s"), Ok(7_000));
        assert_eq!(ms("36500d"), Ok(3_153_600_000_000));
        assert_eq!(parse_size("1GiB"), Ok(1 << 30));
        assert_eq!(parse_size("10MB"), Ok(10_000_000));
        assert_eq!(parse_size("64kB"), Ok(64_000));
        assert_eq!(parse_size("512"), Ok(512));
        assert_eq!(parse_size("8388607TiB"), Ok(8_388_607 << 40));
    }

    #[track_caller]
    fn says(error: Option<UnitError>, words: &str) {
        let error = error.expect("it is refused").to_string();
        assert!(error.contains(words), "no {words:?} in {error:?}");
    }

    #[test]
    fn a_duration_that_could_mean_two_things_is_refused_with_what_to_write() {
        for (text, words) in [
            ("1M", "\"1m\" are minutes; months would be \"1mo\", which is not built yet"),
            ("1mo", "not built yet"),
            ("1MO", "not built yet"),
            ("3 months", "without spaces: \"3months\""),
            ("3months", "not built yet"),
            ("1MIN", "write \"1m\""),
            ("1min", "write \"1m\""),
            ("1H", "write \"1h\""),
            ("2hours", "write \"2h\""),
            ("1D", "write \"1d\""),
            ("1W", "write \"1w\""),
            ("500MS", "write \"500ms\""),
            ("1S", "write \"1s\""),
            ("1y", "write days"),
            ("10us", "at least 1ms"),
            ("1 m", "without spaces: \"1m\""),
            (" 1m", "without spaces: \"1m\""),
            ("1m\n", "without spaces: \"1m\""),
            ("1h 30m", "without spaces: \"1h30m\""),
            ("1h30m", "one number and one unit"),
            ("5", "lacks a unit"),
            ("m", "whole number and a unit"),
            ("", "it is empty"),
            ("  ", "it is empty"),
            ("0m", "at least 1ms"),
            ("-1m", "not negative"),
            ("+1m", "whole number and a unit"),
            ("1.5h", "whole one"),
            ("1,5h", "whole one"),
            ("1_000ms", "whole one"),
            ("1e3s", "one number and one unit"),
            ("١m", "whole number and a unit"),
            ("1١m", "whole one"),
            ("PT1M", "whole number and a unit"),
            ("1parsec", "the units are ms, s, m, h, d and w"),
            ("36501d", "at most 36500d"),
            ("99999999999999999999s", "at most 36500d"),
            ("18446744073709551615w", "at most 36500d"),
        ] {
            says(parse_duration(text).err(), words);
        }
    }

    #[test]
    fn a_size_is_refused_likewise() {
        for (text, words) in [
            ("1G", "\"1GiB\" is in powers of 1,024, \"1GB\" of 1,000"),
            ("1gb", "\"1GiB\" is in powers of 1,024"),
            ("1m", "\"1MiB\" is in powers of 1,024"),
            ("1KB", "\"1KiB\" has 1,024 bytes"),
            ("1K", "\"1kB\" 1,000"),
            ("1gib", "write \"1GiB\""),
            ("1Mi", "write \"1MiB\""),
            ("10b", "bytes are \"10B\""),
            ("10 MB", "without spaces: \"10MB\""),
            ("1.5GiB", "whole one"),
            ("-1GiB", "not negative"),
            ("0", "at least one byte"),
            ("0GiB", "at least one byte"),
            ("", "it is empty"),
            ("GiB", "whole number and a unit"),
            ("1PiB", "the units are KiB"),
            ("8388608TiB", "less than 8388608TiB"),
            ("99999999999GiB", "less than 8388608TiB"),
            ("99999999999999999999", "less than 8388608TiB"),
        ] {
            says(parse_size(text).err(), words);
        }
    }
}
