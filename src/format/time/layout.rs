//! Times with a layout of their own, in the directives of strptime (Apache's `%{...}t`).

use jiff::Timestamp;
use jiff::fmt::strtime;

use super::{RANGE_MICROS, TimeCache, Zone};
use crate::format::FormatError;

/// How a field writes its times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimeLayout {
    /// By the directives of strptime: `%Y-%m-%d %H:%M:%S`.
    Strptime(String),
}

/// The text read last: many lines of a log share a second.
#[derive(Debug, Clone, Default)]
pub(super) struct Last {
    text: Vec<u8>,
    micros: Option<i64>,
}

impl TimeLayout {
    /// Checks the directives.
    pub(in crate::format) fn strptime(layout: &str) -> Result<Self, FormatError> {
        let written = strtime::format(layout, &sample_time());
        let read = written.and_then(|text| strtime::parse(layout, text));
        read.map_err(|error| {
            FormatError::new(
                format!("`{layout}` is no layout of a time that logmill can read: {error}"),
                "such as %d/%b/%Y:%H:%M:%S %z, or %Y-%m-%d %T",
            )
        })?;
        Ok(TimeLayout::Strptime(layout.to_owned()))
    }

    /// The same for a layout that must make a whole time: a date, and as much of the clock as there is.
    pub(in crate::format) fn whole(layout: &str) -> Result<Self, FormatError> {
        let checked = Self::strptime(layout)?;
        let what = |what: &str| {
            let shown = layout.replace('\u{1f}', " ");
            FormatError::new(
                format!("`{shown}` makes no whole time: {what}"),
                "log date and clock, such as %{%d/%b/%Y:%T %z}t, or read the line by a regular expression",
            )
        };
        for time in [AFTERNOON, MORNING] {
            let time = Timestamp::from_second(time).unwrap_or_default();
            let written = strtime::format(layout, &time.to_zoned(jiff::tz::TimeZone::UTC));
            let read = written.and_then(|text| strtime::parse(layout, text)).and_then(|read| {
                read.to_timestamp()
                    .or_else(|_| jiff::tz::Offset::UTC.to_timestamp(read.to_datetime()?))
            });
            let read = read.map_err(|error| what(&error.to_string()))?.as_second();
            // What is finer than the layout writes is cut off.
            let is_cut = [1, 60, 3600, 86_400].map(|unit| read == time.as_second() / unit * unit);
            if !is_cut.contains(&true) {
                return Err(what(
                    "a part of the date or the clock is missing (of a clock of 12 hours, AM or PM)",
                ));
            }
        }
        Ok(checked)
    }

    /// Whether its values may have spaces in front of a number of one digit.
    pub(in crate::format) fn is_padded(&self) -> bool {
        let TimeLayout::Strptime(layout) = self;
        ["%e", "%k", "%l", "%_"].iter().any(|conversion| layout.contains(conversion))
    }

    /// A time as the layout writes it.
    pub(in crate::format) fn sample(&self) -> String {
        let TimeLayout::Strptime(layout) = self;
        strtime::format(layout, &sample_time()).unwrap_or_default()
    }

    pub(super) fn parse(&self, raw: &[u8], zone: &Zone, cache: &mut TimeCache) -> Option<i64> {
        if cache.layout.micros.is_none() || cache.layout.text != raw {
            cache.layout.micros = self.parse_anew(raw, zone, cache);
            cache.layout.text.clear();
            cache.layout.text.extend_from_slice(raw);
        }
        cache.layout.micros
    }

    fn parse_anew(&self, raw: &[u8], zone: &Zone, cache: &mut TimeCache) -> Option<i64> {
        let TimeLayout::Strptime(layout) = self;
        let parsed = strtime::parse(layout, raw).ok()?;
        let micros = match parsed.to_timestamp() {
            Ok(time) => time.as_microsecond(),
            Err(_) => {
                let local = jiff::tz::Offset::UTC.to_timestamp(parsed.to_datetime().ok()?).ok()?;
                let local = local.as_microsecond();
                let seconds = local.div_euclid(super::MICROS);
                zone.utc_seconds(seconds, &mut cache.zone)? * super::MICROS
                    + local.rem_euclid(super::MICROS)
            }
        };
        Some(micros).filter(|micros| RANGE_MICROS.contains(micros))
    }
}

/// 2031-10-23T21:54:39Z and 2029-02-03T04:05:06Z, to check what a layout keeps of a time.
const AFTERNOON: i64 = 1_950_558_879;
const MORNING: i64 = 1_864_785_906;

fn sample_time() -> jiff::Zoned {
    Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(layout: &str, text: &str) -> Option<i64> {
        let zone = Zone::new(&jiff::tz::TimeZone::get("Europe/Berlin").expect("bundled"));
        let layout = TimeLayout::strptime(layout).expect(layout);
        let mut cache = TimeCache::default();
        let first = layout.parse(text.as_bytes(), &zone, &mut cache);
        assert_eq!(layout.parse(text.as_bytes(), &zone, &mut cache), first);
        first
    }

    #[test]
    fn a_layout_reads_its_times_in_the_zone_unless_it_has_an_offset() {
        let micros = crate::format::time::tests::micros;
        assert_eq!(
            read("%Y-%m-%d %H:%M:%S", "2015-05-20 12:53:11"),
            Some(micros("2015-05-20T10:53:11Z"))
        );
        assert_eq!(
            read("%d.%m.%Y %T %z", "20.05.2015 12:53:11 -0100"),
            Some(micros("2015-05-20T13:53:11Z"))
        );
        assert_eq!(read("%s", "1521911720"), Some(1_521_911_720_000_000));
        assert_eq!(read("%Y-%m-%d", "20 May"), None);
        assert!(TimeLayout::strptime("%!").is_err());
    }
}
