//! Time partitions: which folder a window or a record belongs to.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::job::Partition;

const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;

/// The start of the partition (µs) that holds a time; 0 where there is one partition only.
pub fn start(partition: Partition, time_us: i64) -> i64 {
    match partition {
        Partition::None => 0,
        Partition::Hour => time_us - time_us.rem_euclid(HOUR_US),
        Partition::Day => time_us - time_us.rem_euclid(DAY_US),
        Partition::Month => {
            let day = civil(time_us).date().first_of_month();
            day.to_zoned(TimeZone::UTC).map_or(time_us, |zoned| zoned.timestamp().as_microsecond())
        }
    }
}

/// Where the partition that starts there ends; `None` where there is one partition only.
pub fn end(partition: Partition, start_us: i64) -> Option<i64> {
    let into_the_next = match partition {
        Partition::None => return None,
        Partition::Hour => HOUR_US,
        Partition::Day => DAY_US,
        Partition::Month => 31 * DAY_US,
    };
    Some(start(partition, start_us + into_the_next))
}

/// The folder of a partition below the output's, such as `date=2026-11-22/hour=07`; empty where there is one only.
pub fn label(partition: Partition, start_us: i64) -> String {
    let form = match partition {
        Partition::None => return String::new(),
        Partition::Hour => "date=%Y-%m-%d/hour=%H",
        Partition::Day => "date=%Y-%m-%d",
        Partition::Month => "month=%Y-%m",
    };
    civil(start_us).strftime(form).to_string()
}

/// More partitions than a job may have: mostly lines with absurd times, each of which makes one of its own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "nothing was changed: there would be {count} partitions by {unit}, from {oldest} to {newest}, and limits.partitions is \
     {max}; set limits.earliest and limits.latest so that lines with absurd times become rejects, choose a coarser \
     partition, or raise limits.partitions"
)]
pub struct TooManyPartitions {
    /// How many there would be.
    pub count: u64,
    /// How many there may be.
    pub max: u64,
    unit: &'static str,
    /// Folder of the oldest.
    pub oldest: String,
    /// Folder of the newest.
    pub newest: String,
}

/// Checks how many partitions there would be, from their starts: those that are stored and those of the batch that is being
/// made, each as often as you like.
pub fn check_partitions(
    partition: Partition,
    starts: impl IntoIterator<Item = i64>,
    partitions_max: u64,
) -> Result<(), TooManyPartitions> {
    let starts: BTreeSet<i64> = starts.into_iter().collect();
    let (count, max) = (starts.len() as u64, partitions_max);
    let (Some(oldest), Some(newest)) = (starts.first(), starts.last()) else { return Ok(()) };
    if count <= max {
        return Ok(());
    }
    let unit = match partition {
        Partition::None | Partition::Day => "day",
        Partition::Hour => "hour",
        Partition::Month => "month",
    };
    let (oldest, newest) = (label(partition, *oldest), label(partition, *newest));
    Err(TooManyPartitions { count, max, unit, oldest, newest })
}

/// Times that jiff can't hold are rejects long before they come here; the epoch stands in.
fn civil(time_us: i64) -> jiff::civil::DateTime {
    TimeZone::UTC.to_datetime(Timestamp::from_microsecond(time_us).unwrap_or(Timestamp::UNIX_EPOCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_ends_where_the_next_begins() {
        let time = 1_795_331_045_000_000; // 2026-11-22 07:04:05 UTC
        let next = |p| label(p, end(p, start(p, time)).expect("an end"));
        assert_eq!(next(Partition::Hour), "date=2026-11-22/hour=08");
        assert_eq!(next(Partition::Day), "date=2026-11-23");
        assert_eq!(next(Partition::Month), "month=2026-12");
        assert_eq!(end(Partition::None, 0), None);
    }

    #[test]
    fn folders_carry_the_date_of_their_start() {
        let time = 1_795_331_045_000_000; // 2026-11-22 07:04:05 UTC
        let name = |p| label(p, start(p, time));
        assert_eq!(name(Partition::Hour), "date=2026-11-22/hour=07");
        assert_eq!(name(Partition::Day), "date=2026-11-22");
        assert_eq!(name(Partition::Month), "month=2026-11");
        assert_eq!(name(Partition::None), "");
        assert_eq!(label(Partition::Day, start(Partition::Day, -1)), "date=1969-12-31");
    }

    #[test]
    fn more_partitions_than_the_limit_are_an_error_that_says_what_to_do() {
        let days = |count: i64| (0..count).chain(0..count).map(|day| day * DAY_US);
        assert_eq!(check_partitions(Partition::Day, days(4_700), 10_000), Ok(()));
        assert_eq!(check_partitions(Partition::Day, days(10), 10), Ok(()));
        assert_eq!(check_partitions(Partition::None, [0, 0], 1), Ok(()));
        assert_eq!(check_partitions(Partition::Hour, [], 1), Ok(()));
        let error = check_partitions(Partition::Day, days(11), 10).expect_err("too many");
        assert_eq!(
            error.to_string(),
            "nothing was changed: there would be 11 partitions by day, from date=1970-01-01 to date=1970-01-11, and \
             limits.partitions is 10; set limits.earliest and limits.latest so that lines with absurd times become \
             rejects, choose a coarser partition, or raise limits.partitions"
        );
    }
}
