//! Calendar arithmetic in UTC over microseconds since the Unix epoch, proleptic Gregorian.
//!
//! Days to dates and back: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".

/// Microseconds in a second.
pub(crate) const SECOND: i64 = 1_000_000;
/// Microseconds in a day.
pub(crate) const DAY: i64 = 86_400 * SECOND;

/// A moment, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Civil {
    /// Astronomical: year 0 is 1 BC.
    pub(crate) year: i64,
    pub(crate) month: i64,
    pub(crate) day: i64,
    /// Microseconds since midnight.
    pub(crate) of_day: i64,
    /// Days since the epoch.
    pub(crate) days: i64,
}

impl Civil {
    /// Takes a timestamp apart.
    pub(crate) fn of(micros: i64) -> Civil {
        Civil { of_day: micros.rem_euclid(DAY), ..Civil::midnight(micros.div_euclid(DAY)) }
    }

    /// The start of a day, which may be a little outside of what microseconds hold.
    fn midnight(days: i64) -> Civil {
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        Civil {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * shifted_month + 2) / 5 + 1,
            of_day: 0,
            days,
        }
    }

    pub(crate) fn hour(self) -> i64 {
        self.of_day / (3600 * SECOND)
    }

    pub(crate) fn minute(self) -> i64 {
        self.of_day / (60 * SECOND) % 60
    }

    pub(crate) fn second(self) -> i64 {
        self.of_day / SECOND % 60
    }

    /// Microseconds in the second.
    pub(crate) fn micros(self) -> i64 {
        self.of_day % SECOND
    }

    /// 1 is Monday, 7 is Sunday.
    pub(crate) fn iso_weekday(self) -> i64 {
        (self.days + 3).rem_euclid(7) + 1
    }

    /// 1 is the first of January.
    pub(crate) fn day_of_year(self) -> i64 {
        self.days - days_from_date(self.year, 1, 1) + 1
    }

    /// ISO 8601 year and week: the week's Thursday decides.
    pub(crate) fn iso_week(self) -> (i64, i64) {
        let thursday = Civil::midnight(self.days + 4 - self.iso_weekday());
        (thursday.year, (thursday.day_of_year() - 1) / 7 + 1)
    }
}

/// Days since the epoch of a date; `month` 1 to 12.
pub(crate) fn days_from_date(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Days in a month.
pub(crate) fn days_in_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn dates_agree_with_jiff(days in -700_000i64..2_900_000) {
            let civil = Civil::of(days * DAY + 5);
            let date = jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(days);
            prop_assert_eq!((civil.year, civil.month, civil.day), (date.year().into(), date.month().into(), date.day().into()));
            prop_assert_eq!(days_from_date(civil.year, civil.month, civil.day), days);
            prop_assert_eq!(civil.iso_weekday(), i64::from(date.weekday().to_monday_one_offset()));
            prop_assert_eq!(civil.day_of_year(), i64::from(date.day_of_year()));
            let week = date.iso_week_date();
            prop_assert_eq!(civil.iso_week(), (week.year().into(), week.week().into()));
        }
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        assert!(Civil::of(i64::MIN).year < -290_000);
        assert!(Civil::of(i64::MAX).year > 290_000);
        assert_eq!(Civil::of(i64::MIN).iso_week().0, Civil::of(i64::MIN).year);
    }
}
