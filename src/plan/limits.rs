//! `[limits]`, resolved.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Overrides;
use crate::error::Diagnostic;
use crate::job::{At, JobFile, Locate, Size, parse_size};
use crate::limits;

/// `[limits]`, resolved.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Memory for groups, bytes.
    pub memory_bytes: u64,
    /// Longest line, bytes.
    pub line_bytes_max: u64,
    /// Share of rejects above which a run ends with status 3.
    pub reject_ratio: f64,
    /// An event time before it makes the line a reject, microseconds.
    pub earliest_us: i64,
    /// An event time at it or later makes the line a reject, microseconds.
    pub latest_us: i64,
    /// Partitions by time that the job may have.
    pub partitions_max: u64,
}

pub(super) fn compile(job: &JobFile, overrides: &Overrides) -> Result<Limits, Diagnostic> {
    let spec = &job.spec.limits;
    let size = |at: &Option<At<Size>>, default: u64| match at {
        None => Ok(default),
        Some(at) => parse_size(&at.value.0)
            .map_err(|error| job.at_span(&at.span, error.what).help(error.help)),
    };
    let ratio = match &spec.reject_ratio {
        Some(at) if !(0.0..=1.0).contains(&at.value) => {
            return Err(job.at_span(&at.span, "reject_ratio is a share between 0 and 1"));
        }
        ratio => ratio.as_ref().map_or(limits::REJECT_RATIO, |at| at.value),
    };
    let partitions_max = match &spec.partitions {
        Some(at) if at.value == 0 => {
            return Err(job.at_span(&at.span, "a job has at least one partition"));
        }
        partitions => partitions.as_ref().map_or(limits::PARTITIONS_MAX, |at| at.value),
    };
    let earliest_us = time(job, &spec.earliest, limits::EVENT_TIME_MIN_US)?;
    let latest_us = time(job, &spec.latest, limits::EVENT_TIME_MAX_US)?;
    if let Some(at) = spec.latest.as_ref().or(spec.earliest.as_ref())
        && earliest_us >= latest_us
    {
        return Err(job
            .at_span(&at.span, "`latest` is not behind `earliest`: every line would be a reject"));
    }
    Ok(Limits {
        memory_bytes: overrides
            .memory_bytes
            .map_or_else(|| size(&spec.memory, limits::MEMORY_BYTES), Ok)?,
        line_bytes_max: size(&spec.line, limits::LINE_BYTES_MAX)?,
        reject_ratio: ratio,
        earliest_us,
        latest_us,
        partitions_max,
    })
}

/// A time as text, within the outer bounds.
fn time(job: &JobFile, at: &Option<At<String>>, default: i64) -> Result<i64, Diagnostic> {
    let Some(at) = at else { return Ok(default) };
    let Some(time) = parse_time(&at.value) else {
        return Err(job.at_span(&at.span, format!("`{}` is no time", at.value)).help(
            "a date such as \"2020-01-01\" (UTC), or a time such as \"2020-01-01T00:00:00Z\"",
        ));
    };
    if !(limits::EVENT_TIME_MIN_US..=limits::EVENT_TIME_MAX_US).contains(&time) {
        return Err(job
            .at_span(&at.span, format!("`{}` is outside of what a job may have", at.value))
            .help("1970-01-01 to 2200-01-01"));
    }
    Ok(time)
}

/// A timestamp with its offset, or the start of a day in UTC; in microseconds.
fn parse_time(text: &str) -> Option<i64> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_microsecond());
    }
    let day = text.parse::<Date>().ok().filter(|_| text.len() == "2020-01-01".len())?;
    Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp().as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(text: &str) -> Result<Limits, String> {
        let text = format!(
            "name = \"x\"\n[source]\npaths = [\"x\"]\nformat = \"lines\"\n[limits]\n{text}\n"
        );
        let file = crate::job::parse("x.toml".as_ref(), text, &|_| None).expect("it parses");
        compile(&file, &Overrides::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn times_are_dates_or_timestamps_and_have_outer_bounds() {
        let of = |text: &str| limits(text).map(|l| (l.earliest_us, l.latest_us));
        assert_eq!(of(""), Ok((0, 7_258_118_400_000_000)));
        let both = "earliest = \"1970-01-02\"\nlatest = \"1970-01-02T01:00:00.5+00:30\"";
        assert_eq!(of(both), Ok((86_400_000_000, 88_200_500_000)));
        let no = |text: &str| of(text).expect_err("no good limit");
        assert!(no("earliest = \"yesterday\"").contains("`yesterday` is no time"));
        assert!(no("earliest = \"1969-12-31\"").contains("outside of what a job may have"));
        assert!(no("latest = \"2200-01-02\"").contains("outside of what a job may have"));
        assert!(no("latest = \"1970-01-01\"").contains("not behind"));
        assert!(no("earliest = \"2200-01-01\"").contains("not behind"));
    }

    #[test]
    fn a_size_is_a_text_with_its_unit_or_a_number_of_bytes() {
        let of = |text: &str| limits(text).map(|l| (l.line_bytes_max, l.memory_bytes));
        assert_eq!(of("line = 5000\nmemory = 67108864"), Ok((5000, 64 << 20)));
        assert_eq!(of("line = \"5000\"\nmemory = \"64MiB\""), Ok((5000, 64 << 20)));
        assert!(of("line = 0").expect_err("no size").contains("at least one byte"));
        assert!(of("line = -1").expect_err("no size").contains("`-1` is no size"));
    }

    #[test]
    fn a_job_may_have_ten_thousand_partitions_unless_it_says_otherwise() {
        assert_eq!(limits("").map(|l| l.partitions_max), Ok(10_000));
        assert_eq!(limits("partitions = 3").map(|l| l.partitions_max), Ok(3));
        assert!(limits("partitions = 0").is_err());
    }
}
