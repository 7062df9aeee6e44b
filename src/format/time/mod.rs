//! Timestamps from their text: the shapes that logs use, told apart by their first bytes.
//!
//! All give microseconds since the Unix epoch, UTC; finer digits are cut off. A leap second (`:60`) is the first second
//! of the next minute, as in POSIX. Years 1 to 9999.

mod asctime;
mod clf;
mod epoch;
mod iso;
mod layout;
mod scan;
mod zone;

pub(super) use clf::Words as LastMinute;
pub use layout::TimeLayout;
pub(super) use zone::Zone;

const MICROS: i64 = 1_000_000;
/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999999Z.
const RANGE_MICROS: std::ops::RangeInclusive<i64> =
    -62_135_596_800_000_000..=253_402_300_799_999_999;

/// What was read last, so that lines of the same minute cost little. One a worker and column.
#[derive(Debug, Clone, Default)]
pub struct TimeCache {
    clf: clf::Minute,
    zone: zone::Minute,
    layout: layout::Last,
}

impl TimeCache {
    /// The minute read last, as access logs write it.
    #[inline]
    pub(super) fn last_minute(&self, layout: Option<&TimeLayout>) -> Option<LastMinute> {
        layout.is_none().then(|| self.clf.words())
    }
}

/// Reads a timestamp; all of `raw` must be part of it.
#[inline]
pub(super) fn parse(
    raw: &[u8],
    zone: &Zone,
    layout: Option<&TimeLayout>,
    cache: &mut TimeCache,
) -> Option<i64> {
    if let Some(layout) = layout {
        return layout.parse(raw, zone, cache);
    }
    let micros = match raw {
        [_, _, b'/', ..] => clf::parse(raw, zone, cache),
        [_, _, _, _, b'-' | b'/', ..] => iso::parse(raw, zone, cache),
        [b'A'..=b'Z' | b'a'..=b'z', ..] => asctime::parse(raw, zone, cache),
        _ => epoch::parse(raw, zone, cache),
    };
    micros.filter(|micros| RANGE_MICROS.contains(micros))
}

/// Reads a timestamp with a layout, in UTC where it has no offset.
#[cfg(test)]
pub(super) fn read_utc(raw: &[u8], layout: Option<&TimeLayout>) -> Option<i64> {
    parse(raw, &Zone::new(&jiff::tz::TimeZone::UTC), layout, &mut TimeCache::default())
}

/// Days from 1970-01-01 of a date of the proleptic Gregorian calendar; `None` if there is no such date.
/// Algorithm: Howard Hinnant, <https://howardhinnant.github.io/date_algorithms.html#days_from_civil>
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads with the zone of Berlin.
    pub(super) fn berlin(text: &str) -> Option<i64> {
        let zone = Zone::new(&jiff::tz::TimeZone::get("Europe/Berlin").expect("bundled"));
        parse(text.as_bytes(), &zone, None, &mut TimeCache::default())
    }

    /// Microseconds of an RFC 3339 time, by jiff.
    pub(super) fn micros(text: &str) -> i64 {
        text.parse::<jiff::Timestamp>().expect(text).as_microsecond()
    }

    #[test]
    fn the_shapes_of_a_timestamp_are_told_apart() {
        let expected = Some(micros("2018-03-24T17:15:20Z"));
        let shapes = [
            "24/Mar/2018:18:15:20 +0100",
            "24/Mar/2018:18:15:20",
            "2018-03-24T17:15:20Z",
            "2018-03-24 18:15:20",
            "2018/03/24 18:15:20",
            "1521911720",
            "1521911720.0",
            "1521911720000",
            "1521911720000000",
            "1521911720000000000",
            "Sat Mar 24 18:15:20 2018",
            "Sat Mar 24 18:15:20.000000 2018",
            "20180324181520",
        ];
        for shape in shapes {
            assert_eq!(berlin(shape), expected, "{shape}");
        }
        for text in [
            "",
            "x",
            "12",
            "1521911720 ",
            "2018-03-24T17:15:20Zx",
            "Sat",
            "//////",
            "0000-01-01",
            "٣",
        ] {
            assert_eq!(berlin(text).filter(|_| text != "12"), None, "{text}");
        }
    }

    #[test]
    fn years_end_at_9999() {
        assert_eq!(berlin("9999-12-31T23:59:59.999999Z"), Some(*RANGE_MICROS.end()));
        assert_eq!(berlin("9999-12-31T23:59:59-01:00"), None);
        assert_eq!(berlin("0001-01-01T00:00:00Z"), Some(*RANGE_MICROS.start()));
        assert_eq!(berlin("0001-01-01T00:00:00+01:00"), None);
    }

    proptest! {
        #[test]
        fn a_time_reads_as_jiff_writes_it(micros in RANGE_MICROS) {
            let time = jiff::Timestamp::from_microsecond(micros).expect("in range");
            prop_assert_eq!(berlin(&time.to_string()), Some(micros));
        }

        #[test]
        fn local_times_agree_with_jiff(second in 0_i64..4_000_000_000) {
            let zone = jiff::tz::TimeZone::get("America/New_York").expect("bundled");
            let local = jiff::Timestamp::from_second(second).expect("in range").to_zoned(jiff::tz::TimeZone::UTC).datetime();
            let expected = zone.to_timestamp(local).expect("in range").as_microsecond();
            let (ours, mut cache) = (Zone::new(&zone), TimeCache::default());
            for _ in 0..2 {
                prop_assert_eq!(parse(local.to_string().as_bytes(), &ours, None, &mut cache), Some(expected));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,30}", digits in "[-+0-9/: .,TZ]{0,30}") {
            berlin(&text);
            berlin(&digits);
        }
    }
}
