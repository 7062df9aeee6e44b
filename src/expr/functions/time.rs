//! Time functions. All times are UTC; only `date_trunc` knows other zones.

use jiff::tz::TimeZone;
use jiff::{Timestamp as Moment, ToSpan};

use crate::data::Column;
use crate::data::DataType::{Decimal, Int, Text, Timestamp};
use crate::expr::civil::{Civil, DAY, SECOND, days_from_date};
use crate::expr::decimal;
use crate::expr::kernel::{Kernel, Native, Operand, Reason};
use crate::expr::op::arithmetic::TIMESTAMP_OVERFLOW;
use crate::expr::op::cast::written;

use super::format_time::{self, Format};
use super::{Args, Function, Made, Param, Refusal, refuse};

const PATTERN: Param = Param::Pattern;
const AT: Param = Param::Timestamp;

pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("date_trunc", &[PATTERN, AT, PATTERN], date_trunc).optional(1),
    Function::new("extract", &[PATTERN, AT], extract),
    Function::new("date_part", &[PATTERN, AT], extract),
    Function::new("epoch", &[AT], |_| Ok((Decimal(6), Kernel::map(|at: i64| i128::from(at))))),
    Function::new("to_timestamp", &[Param::Number], to_timestamp),
    Function::new("to_char", &[AT, PATTERN], |args| {
        formatted(format_time::to_char(args.pattern(1)))
    }),
    Function::new("strftime", &[AT, PATTERN], |args| {
        formatted(format_time::strftime(args.pattern(1)))
    }),
];

/// Units of `date_trunc`; the first ones are of one length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Micros(i64),
    Week,
    Month,
    Quarter,
    Year,
}

fn unit(word: &str) -> Option<Unit> {
    Some(match word.to_ascii_lowercase().as_str() {
        "microsecond" | "microseconds" => Unit::Micros(1),
        "millisecond" | "milliseconds" => Unit::Micros(1_000),
        "second" => Unit::Micros(SECOND),
        "minute" => Unit::Micros(60 * SECOND),
        "hour" => Unit::Micros(3_600 * SECOND),
        "day" => Unit::Micros(DAY),
        "week" => Unit::Week,
        "month" => Unit::Month,
        "quarter" => Unit::Quarter,
        "year" => Unit::Year,
        _ => return None,
    })
}

/// `date_trunc('hour', at)`; with a zone, the start of the unit there.
fn date_trunc(args: &Args<'_>) -> Made {
    let word = args.pattern(0);
    let unit = unit(word).ok_or_else(|| Refusal {
        arg: 0,
        message: format!("unknown unit '{word}'"),
        help: Some(
            "units: microsecond millisecond second minute hour day week month quarter year"
                .to_owned(),
        ),
    })?;
    if args.plans.len() < 3 {
        return Ok((
            Timestamp,
            Kernel::try_map(move |at: i64| truncate(at, unit).ok_or(TIMESTAMP_OVERFLOW)),
        ));
    }
    let name = args.pattern(2);
    let zone = TimeZone::get(name).map_err(|_| refuse(2, format!("unknown time zone '{name}'")))?;
    let kernel =
        Kernel::try_map(move |at: i64| truncate_in(at, unit, &zone).ok_or(TIMESTAMP_OVERFLOW));
    Ok((Timestamp, kernel))
}

/// The start of the unit in UTC.
fn truncate(at: i64, unit: Unit) -> Option<i64> {
    if let Unit::Micros(length) = unit {
        return at.checked_sub(at.rem_euclid(length));
    }
    let civil = Civil::of(at);
    let days = match unit {
        Unit::Micros(_) => civil.days,
        Unit::Week => civil.days - (civil.iso_weekday() - 1),
        Unit::Month => civil.days - (civil.day - 1),
        Unit::Quarter => days_from_date(civil.year, (civil.month - 1) / 3 * 3 + 1, 1),
        Unit::Year => days_from_date(civil.year, 1, 1),
    };
    days.checked_mul(DAY)
}

/// The same on the clock of a zone. Units below a day keep the offset of the moment, so that an hour that the clock
/// shows twice stays two.
fn truncate_in(at: i64, unit: Unit, zone: &TimeZone) -> Option<i64> {
    let moment = Moment::from_microsecond(at).ok()?;
    let offset = i64::from(zone.to_offset(moment).seconds()) * SECOND;
    let local = truncate(at.checked_add(offset)?, unit)?;
    if matches!(unit, Unit::Micros(length) if length < DAY) {
        return local.checked_sub(offset);
    }
    let midnight = jiff::civil::date(1970, 1, 1).checked_add((local / DAY).days()).ok()?;
    Some(midnight.to_zoned(zone.clone()).ok()?.timestamp().as_microsecond())
}

/// `extract(field from at)`: an int, or decimal(6) seconds.
fn extract(args: &Args<'_>) -> Made {
    let int = |f: fn(Civil) -> i64| Ok((Int, Kernel::map(move |at: i64| f(Civil::of(at)))));
    let field = args.pattern(0).to_ascii_lowercase();
    match field.as_str() {
        "epoch" => Ok((Decimal(6), Kernel::map(|at: i64| i128::from(at)))),
        "second" | "seconds" => {
            Ok((Decimal(6), Kernel::map(|at: i64| i128::from(at.rem_euclid(60 * SECOND)))))
        }
        "millisecond" | "milliseconds" => {
            Ok((Decimal(3), Kernel::map(|at: i64| i128::from(at.rem_euclid(60 * SECOND)))))
        }
        "microsecond" | "microseconds" => int(|c| c.of_day % (60 * SECOND)),
        "minute" => int(Civil::minute),
        "hour" => int(Civil::hour),
        "day" => int(|c| c.day),
        "month" => int(|c| c.month),
        "quarter" => int(|c| (c.month - 1) / 3 + 1),
        "year" => int(|c| if c.year > 0 { c.year } else { c.year - 1 }),
        "dow" => int(|c| c.iso_weekday() % 7),
        "isodow" => int(Civil::iso_weekday),
        "doy" => int(Civil::day_of_year),
        "week" => int(|c| c.iso_week().1),
        "isoyear" => int(|c| c.iso_week().0),
        _ => Err(Refusal {
            arg: 0,
            message: format!("unknown field '{field}'"),
            help: Some(
                "fields: epoch second millisecond microsecond minute hour day month quarter year dow isodow doy week isoyear"
                    .to_owned(),
            ),
        }),
    }
}

/// Seconds since 1970, with a fraction if they have one, to a timestamp.
fn to_timestamp(args: &Args<'_>) -> Made {
    let micros = |micros: Option<i64>| micros.ok_or(TIMESTAMP_OVERFLOW);
    let kernel = match args.ty(0) {
        Int => Kernel::try_map(move |s: i64| micros(s.checked_mul(SECOND))),
        Decimal(scale) => Kernel::try_map(move |s: i128| {
            micros(decimal::rescale(s, scale, 6).and_then(|s| i64::try_from(s).ok()))
        }),
        _ => Kernel::try_map(|s: f64| -> Result<i64, Reason> {
            crate::expr::op::cast::float_to_int(s * SECOND as f64).map_err(|_| TIMESTAMP_OVERFLOW)
        }),
    };
    Ok((Timestamp, kernel))
}

/// Lines are nearly in the order of time: a text is written once for all times of a unit that follow one another.
fn formatted(format: Result<Format, Refusal>) -> Made {
    let format = format?;
    let kernel = Kernel::new(move |rows, args| {
        let times = Operand::<i64>::of(&args[0]);
        let (mut unit, mut text) = (0..0, "");
        let (mut out, mut valid) = (vec![""; rows.len], None);
        rows.each(|row| {
            let at = times.at(row);
            if !args[0].is_valid(row) {
                valid.get_or_insert_with(|| vec![true; rows.len])[row] = false;
                return;
            }
            if !unit.contains(&at) {
                let into = at.rem_euclid(format.unit_us());
                unit = at.saturating_sub(into)..at.saturating_add(format.unit_us() - into);
                text = written(rows.arena, |out| format.write(out, Civil::of(at)));
            }
            out[row] = text;
        });
        Column { ty: Text, values: <&str>::values(Text, out), valid }
    });
    Ok((Text, kernel))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Scalar, Values};
    use crate::expr::kernel::{Arg, Rows};

    /// What a format makes of each time: of all in one block, and of each in a block of its own.
    fn both(format: &str, times: &[Option<i64>]) -> [Vec<Scalar>; 2] {
        let (_, kernel) = formatted(format_time::strftime(format)).unwrap_or_else(|_| panic!());
        let arena = bumpalo::Bump::new();
        let run = |times: &[Option<i64>]| {
            let column = Column {
                ty: Timestamp,
                values: Values::Timestamp(times.iter().map(|at| at.unwrap_or(0)).collect()),
                valid: Some(times.iter().map(Option::is_some).collect()),
            };
            let sel: Vec<u32> = (0..times.len() as u32).collect();
            let (failures, len) = (&mut Vec::new(), times.len());
            let mut rows = Rows { sel: &sel, len, ty: Text, arena: &arena, failures };
            let made = kernel.run(&mut rows, &[Arg::Column(column.into())]);
            (0..len).map(|row| made.scalar(row)).collect::<Vec<_>>()
        };
        let alone = times.iter().flat_map(|at| run(&[*at])).collect();
        [run(times), alone]
    }

    #[test]
    fn a_time_is_written_alike_whatever_stands_before_it() {
        let edges = [i64::MIN, i64::MIN + 1, -DAY - 1, -1, 0, 1, SECOND, DAY - 1, DAY, i64::MAX];
        let mut times: Vec<_> =
            edges.into_iter().chain(edges.into_iter().rev()).map(Some).collect();
        times.insert(3, None);
        for format in ["%Y%m%d", "%d", "%H", "%F %T", "%s.%f", "", "x"] {
            let [together, alone] = both(format, &times);
            assert_eq!(together, alone, "{format}");
        }
    }
}
