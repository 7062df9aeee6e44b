//! Time partitions: which folder a window or a record belongs to.

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

/// The end of a partition (µs) that begins at `start_us`; there is none where there is one partition only.
pub fn end(partition: Partition, start_us: i64) -> Option<i64> {
    match partition {
        Partition::None => None,
        Partition::Hour => Some(start_us.saturating_add(HOUR_US)),
        Partition::Day => Some(start_us.saturating_add(DAY_US)),
        // 31 days from the first of a month lie in the next one, whatever its length.
        Partition::Month => Some(start(partition, start_us.saturating_add(31 * DAY_US))),
    }
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
}
