//! Local times without an offset, by the zone of the job. A time in a gap or an overlap is taken as jiff's
//! "compatible" does (RFC 5545): in a gap as if the clock had not been set, in an overlap the first one.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

/// A zone, with its offset at hand where it has only one.
#[derive(Debug, Clone)]
pub(in crate::format) struct Zone {
    zone: TimeZone,
    fixed_seconds: Option<i64>,
}

/// The offset at the local minute read last.
#[derive(Debug, Clone, Default)]
pub(super) struct Minute {
    known: Option<(i64, i64)>,
}

impl Zone {
    pub(in crate::format) fn new(zone: &TimeZone) -> Self {
        let fixed_seconds = zone.to_fixed_offset().ok().map(|offset| i64::from(offset.seconds()));
        Zone { zone: zone.clone(), fixed_seconds }
    }

    /// Seconds UTC of seconds of the local clock.
    #[inline]
    pub(super) fn utc_seconds(&self, local: i64, last: &mut Minute) -> Option<i64> {
        if let Some(east) = self.fixed_seconds {
            return Some(local - east);
        }
        let minute = local.div_euclid(60);
        if let Some((known, east)) = last.known
            && known == minute
        {
            return Some(local - east);
        }
        let east = local - self.look_up(local)?;
        // Since 1972 clocks are set at whole minutes, so that one offset holds for all of a minute.
        last.known = (local > 63_072_000).then_some((minute, east));
        Some(local - east)
    }

    fn look_up(&self, local: i64) -> Option<i64> {
        let local = Offset::UTC.to_datetime(Timestamp::from_second(local).ok()?);
        self.zone.to_timestamp(local).ok().map(Timestamp::as_second)
    }
}

#[cfg(test)]
mod tests {
    use crate::format::time::tests::{berlin, micros};

    #[test]
    fn gaps_and_overlaps_are_compatible() {
        assert_eq!(berlin("2024-03-31 02:30:00"), Some(micros("2024-03-31T01:30:00Z")));
        assert_eq!(berlin("2024-10-27 02:30:00"), Some(micros("2024-10-27T00:30:00Z")));
        assert_eq!(berlin("2024-10-27 03:00:00"), Some(micros("2024-10-27T02:00:00Z")));
    }
}
