//! Raw bytes to a typed column, for the rows that are still wanted.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

use bumpalo::Bump;

use super::RawColumn;
use super::lanes::{LANES, Lanes, Notation};
use super::number::{self, Misfit};
use super::text::{known_text, utf8_lossy};
use super::time::{self, TimeCache, TimeLayout, Zone};
use super::view::View;
use super::word::Word;
use crate::data::{Column, DataType, Failure, Values, read};

/// Reads the raw values of one field as its type. Shared by the workers; each has its own [`TimeCache`].
#[derive(Debug, Clone)]
pub struct Converter {
    name: String,
    pub(super) ty: DataType,
    pub(super) zone: Zone,
    pub(super) layout: Option<TimeLayout>,
    dash_is_null: bool,
    unsigned: bool,
}

impl Converter {
    /// For the field `name` of type `ty`; times without an offset are in `zone`, and written as `layout` says.
    pub fn new(
        name: &str,
        ty: DataType,
        zone: &jiff::tz::TimeZone,
        layout: Option<TimeLayout>,
    ) -> Self {
        // The line itself (`raw`) is never NULL.
        Converter {
            name: name.to_owned(),
            ty,
            zone: Zone::new(zone),
            layout,
            dash_is_null: name != "raw",
            unsigned: false,
        }
    }

    /// What it reads.
    pub fn ty(&self) -> DataType {
        self.ty
    }

    /// Sets whether a lone `-` means NULL: what [`Format::dash_is_null`](super::Format::dash_is_null) says.
    pub fn dash_is_null(mut self, yes: bool) -> Self {
        self.dash_is_null &= yes;
        self
    }

    /// Sets whether a number is digits alone, of a decimal with a point: what
    /// [`Format::is_unsigned`](super::Format::is_unsigned) says.
    pub fn unsigned(mut self, yes: bool) -> Self {
        self.unsigned = yes && matches!(self.ty, DataType::Int | DataType::Decimal(_));
        self
    }

    /// The values of the rows in `sel`; in all other rows anything may stand. A value that can't be read as the type is
    /// NULL, and a failure that names the field.
    pub fn convert<'a>(
        &self,
        cache: &mut TimeCache,
        raw: RawColumn<'_, 'a>,
        sel: &[u32],
        arena: &'a Bump,
        failures: &mut Vec<Failure>,
    ) -> Column<'a> {
        let RawColumn { values: raw, text, utf8 } = raw;
        let mut rows = Rows { converter: self, raw, sel, valid: None, failures };
        let values = match self.ty {
            DataType::Int => {
                let quick = |raw: &[u8]| self.signed(raw, Word::signed_int(text, raw));
                let read = |raw: &[u8]| self.number(raw, number::int);
                let usual = (text, Some(Notation::Whole));
                Values::Int(rows.numbers(usual, |value| value, quick, read))
            }
            DataType::Decimal(scale) => {
                let quick = |raw: &[u8]| self.signed(raw, Word::signed_decimal(text, raw, scale));
                let read = |raw: &[u8]| self.number(raw, |raw| number::decimal(raw, scale));
                let usual = (text, Notation::of_scale(scale));
                Values::Decimal(rows.numbers(usual, i128::from, quick, read))
            }
            DataType::Float => Values::Float(rows.read(0.0, |_| None, number::float)),
            DataType::Bool => {
                let read = |raw: &[u8]| truth(raw).ok_or(Misfit::Unreadable);
                Values::Bool(rows.read(false, |_| None, read))
            }
            DataType::Ip => {
                let read = |raw: &'a [u8]| address(raw, arena).ok_or(Misfit::Unreadable);
                Values::Text(rows.read("", |_| None, read))
            }
            DataType::Text if utf8 => Values::Text(rows.texts()),
            DataType::Text => {
                Values::Text(rows.fill("", |_| None, |raw| Ok(utf8_lossy(raw, arena))))
            }
            DataType::Timestamp => Values::Timestamp(rows.times(cache)),
        };
        Column { ty: self.ty, values, valid: rows.valid }
    }

    #[inline]
    pub(super) fn is_null(&self, raw: &[u8]) -> bool {
        raw.is_empty() || (self.dash_is_null && raw == b"-")
    }

    /// What a quick way read, unless it has a minus that the numbers of this field have not.
    #[inline(always)]
    fn signed<T>(&self, raw: &[u8], value: Option<T>) -> Option<T> {
        value.filter(|_| !self.unsigned || raw[0] != b'-')
    }

    /// Reads a number, if it is written as numbers of this field are.
    #[inline(always)]
    fn number<T>(
        &self,
        raw: &[u8],
        read: impl FnOnce(&[u8]) -> Result<T, Misfit>,
    ) -> Result<T, Misfit> {
        read(raw).and_then(|value| {
            if self.is_written_well(raw) { Ok(value) } else { Err(Misfit::Unsigned) }
        })
    }

    /// Whether there is nothing but digits, and a point where the type may have one, or anything may be there.
    pub(super) fn is_written_well(&self, raw: &[u8]) -> bool {
        let point = self.ty.scale() > 0;
        let usual = |&byte: &u8| byte.is_ascii_digit() || point && byte == b'.';
        !self.unsigned || raw.iter().all(usual)
    }

    /// Says why a value could not be read. Holds no data of the line, so that reasons can be grouped.
    #[cold]
    pub(super) fn failure(&self, row: u32, misfit: Misfit) -> Failure {
        let (name, kind) = (&self.name, kind(self.ty));
        let reason = match misfit {
            Misfit::Unreadable => format!("{name}: not {kind}"),
            Misfit::Unsigned if self.ty.scale() > 0 => format!("{name}: not digits with a point"),
            Misfit::Unsigned => format!("{name}: not digits alone"),
            Misfit::Range => format!("{name}: beyond the range of {kind}"),
            Misfit::Scale => {
                format!("{name}: more than {} digits after the point", self.ty.scale())
            }
        };
        Failure { row, reason: Cow::Owned(reason) }
    }
}

fn kind(ty: DataType) -> &'static str {
    match ty {
        DataType::Int => "an int",
        DataType::Decimal(_) => "a decimal",
        DataType::Float => "a float",
        DataType::Text => "a text",
        DataType::Bool => "a bool",
        DataType::Timestamp => "a timestamp",
        DataType::Ip => "an ip address",
    }
}

/// One conversion under way.
struct Rows<'r, 'a> {
    converter: &'r Converter,
    raw: &'r [&'a [u8]],
    sel: &'r [u32],
    valid: Option<Vec<bool>>,
    failures: &'r mut Vec<Failure>,
}

impl<'a> Rows<'_, 'a> {
    /// Reads numbers: those written as usual in a text many at once, others by `quick`, and those that it does not know with
    /// care.
    #[inline(always)]
    fn numbers<T: Copy>(
        &mut self,
        (text, notation): (&[u8], Option<Notation>),
        of_int: impl Fn(i64) -> T,
        quick: impl Fn(&'a [u8]) -> Option<T>,
        read: impl FnMut(&'a [u8]) -> Result<T, Misfit>,
    ) -> Vec<T> {
        // Rows that are not wanted are read too; where these are most, others are faster alone.
        let dense = self.sel.len() * 2 >= self.raw.len();
        let (Some(text), Some(notation), true) = (View::new(text), notation, dense) else {
            return self.read(of_int(0), quick, read);
        };
        let (mut lanes, mut odd) = (Lanes::new(!self.converter.unsigned), Vec::new());
        let mut values = Vec::with_capacity(self.raw.len());
        for raw in self.raw.chunks(LANES) {
            lanes.read(text, raw, notation);
            let first = values.len() as u32;
            let faults = lanes.faults[..raw.len()].iter();
            if faults.clone().fold(0, |any, fault| any | fault) != 0 {
                odd.extend((first..).zip(faults).filter(|(_, fault)| **fault != 0).map(|at| at.0));
            }
            values.extend(lanes.values[..raw.len()].iter().map(|&value| of_int(value)));
        }
        self.reread(&odd, &mut values, of_int(0), quick, read);
        values
    }

    /// Reads the values of some rows, as far as they are wanted, with care.
    #[inline(always)]
    fn reread<T: Copy>(
        &mut self,
        odd: &[u32],
        values: &mut [T],
        null: T,
        quick: impl Fn(&'a [u8]) -> Option<T>,
        read: impl FnMut(&'a [u8]) -> Result<T, Misfit>,
    ) {
        let mut read = or_trimmed(read);
        for &row in odd {
            if self.sel.len() < self.raw.len() && self.sel.binary_search(&row).is_err() {
                continue;
            }
            values[row as usize] = match quick(self.raw[row as usize]) {
                Some(value) => value,
                None => self.value(row, null, &mut read),
            };
        }
    }

    /// Texts that are known to be UTF-8.
    fn texts(&mut self) -> Vec<&'a str> {
        let mut texts: Vec<&str> = self.raw.iter().map(|raw| known_text(raw)).collect();
        // NULL is a byte, or none.
        if self.raw.iter().fold(usize::MAX, |least, raw| least.min(raw.len())) > 1 {
            return texts;
        }
        for &row in self.sel {
            let raw = self.raw[row as usize];
            if raw.len() < 2 && self.converter.is_null(raw) {
                self.set_null(row);
                texts[row as usize] = "";
            }
        }
        texts
    }

    /// Times: those of the minute read last without a parser.
    fn times(&mut self, cache: &mut TimeCache) -> Vec<i64> {
        let converter = self.converter;
        let layout = converter.layout.as_ref();
        let mut values = vec![0; self.raw.len()];
        let mut rest = self.sel.iter();
        loop {
            let last = cache.last_minute(layout);
            let other = rest.by_ref().find(|&&row| {
                let micros = last.as_ref().and_then(|last| last.micros(self.raw[row as usize]));
                micros.map(|micros| values[row as usize] = micros).is_none()
            });
            let Some(&row) = other else { return values };
            let read = |raw: &[u8]| {
                time::parse(raw, &converter.zone, layout, cache).ok_or(Misfit::Unreadable)
            };
            values[row as usize] = self.value(row, 0, &mut or_trimmed(read));
        }
    }

    /// Reads each value. `quick` reads what most values look like, and no NULL.
    #[inline(always)]
    fn read<T: Copy>(
        &mut self,
        null: T,
        quick: impl Fn(&'a [u8]) -> Option<T>,
        read: impl FnMut(&'a [u8]) -> Result<T, Misfit>,
    ) -> Vec<T> {
        self.fill(null, quick, or_trimmed(read))
    }

    #[inline(always)]
    fn fill<T: Copy>(
        &mut self,
        null: T,
        quick: impl Fn(&'a [u8]) -> Option<T>,
        mut read: impl FnMut(&'a [u8]) -> Result<T, Misfit>,
    ) -> Vec<T> {
        let mut values = vec![null; self.raw.len()];
        for &row in self.sel {
            values[row as usize] = match quick(self.raw[row as usize]) {
                Some(value) => value,
                None => self.value(row, null, &mut read),
            };
        }
        values
    }

    #[inline(never)]
    fn value<T: Copy>(
        &mut self,
        row: u32,
        null: T,
        read: &mut impl FnMut(&'a [u8]) -> Result<T, Misfit>,
    ) -> T {
        let raw = self.raw[row as usize];
        if self.converter.is_null(raw) {
            self.set_null(row);
            return null;
        }
        read(raw).unwrap_or_else(|misfit| {
            self.set_null(row);
            self.failures.push(self.converter.failure(row, misfit));
            null
        })
    }

    fn set_null(&mut self, row: u32) {
        let len = self.raw.len();
        self.valid.get_or_insert_with(|| vec![true; len])[row as usize] = false;
    }
}

/// Reads a value; where that fails, without the white space around it, as PostgreSQL does.
#[inline(always)]
fn or_trimmed<'a, T>(
    mut read: impl FnMut(&'a [u8]) -> Result<T, Misfit>,
) -> impl FnMut(&'a [u8]) -> Result<T, Misfit> {
    move |raw| {
        read(raw).or_else(|misfit| match read::trimmed_bytes(raw) {
            trimmed if trimmed.len() < raw.len() => read(trimmed),
            _ => Err(misfit),
        })
    }
}

/// The words for truth that PostgreSQL knows, in any case.
fn truth(raw: &[u8]) -> Option<bool> {
    let is = |words: &[&str]| words.iter().any(|word| raw.eq_ignore_ascii_case(word.as_bytes()));
    if is(&["true", "t", "1", "yes", "y", "on"]) {
        return Some(true);
    }
    is(&["false", "f", "0", "no", "n", "off"]).then_some(false)
}

/// An address in its canonical text (RFC 5952 for IPv6).
#[inline]
fn address<'a>(raw: &'a [u8], arena: &'a Bump) -> Option<&'a str> {
    let text = std::str::from_utf8(raw).ok()?;
    // The parser takes only the canonical form of an IPv4 address.
    if text.parse::<Ipv4Addr>().is_ok() {
        return Some(text);
    }
    let address: Ipv6Addr = text.parse().ok()?;
    Some(bumpalo::format!(in arena, "{}", address).into_bump_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Scalar;

    fn convert(ty: DataType, raw: &[&'static str]) -> (Vec<Scalar>, Vec<String>) {
        let converter = Converter::new("f", ty, &jiff::tz::TimeZone::UTC, None);
        let raw: Vec<&[u8]> = raw.iter().map(|raw| raw.as_bytes()).collect();
        let sel: Vec<u32> = (0..raw.len() as u32).collect();
        let (arena, mut failures) = (Bump::new(), Vec::new());
        let column = converter.convert(
            &mut TimeCache::default(),
            RawColumn::new(&raw),
            &sel,
            &arena,
            &mut failures,
        );
        let reasons =
            failures.iter().map(|failure| format!("{} {}", failure.row, failure.reason)).collect();
        ((0..raw.len()).map(|row| column.scalar(row)).collect(), reasons)
    }

    fn text(text: &str) -> Scalar {
        Scalar::Text(text.into())
    }

    #[test]
    fn empty_and_dash_are_null_and_a_misfit_names_its_field() {
        let (values, failures) =
            convert(DataType::Int, &["7", "", "-", "x", " 8\x0b", "99999999999999999999"]);
        use Scalar::{Int, Null};
        assert_eq!(values, [Int(7), Null, Null, Null, Int(8), Null]);
        assert_eq!(failures, ["3 f: not an int", "5 f: beyond the range of an int"]);
        let (values, failures) = convert(DataType::Decimal(2), &["1.5", "0.125"]);
        assert_eq!(values, [Scalar::Decimal(150, 2), Null]);
        assert_eq!(failures, ["1 f: more than 2 digits after the point"]);
    }

    #[test]
    fn a_number_of_a_server_has_no_sign_and_no_exponent() {
        let read = |ty: DataType, raw: &str| {
            let converter = Converter::new("f", ty, &jiff::tz::TimeZone::UTC, None).unsigned(true);
            // Once with a text around it, as it is read in a log, and once without.
            let text = format!("{raw}{:64}", "");
            let (arena, mut failures) = (Bump::new(), Vec::new());
            for text in [text.as_bytes(), b""] {
                let raw = text.get(..raw.len()).unwrap_or(raw.as_bytes());
                let column = RawColumn { values: &[raw], text, utf8: true };
                converter.convert(&mut TimeCache::default(), column, &[0], &arena, &mut failures);
            }
            let reasons: Vec<_> = failures.iter().map(|failure| failure.reason.as_ref()).collect();
            assert!(reasons.len() != 1 && reasons.windows(2).all(|two| two[0] == two[1]), "{raw}");
            reasons.first().map_or(String::new(), |reason| (*reason).to_owned())
        };
        for (ty, raw) in
            [(DataType::Int, "12"), (DataType::Int, "-"), (DataType::Decimal(3), "1.5")]
        {
            assert_eq!(read(ty, raw), "", "{raw}");
        }
        for raw in ["-5", "+5", "-0", "-12345678901"] {
            assert_eq!(read(DataType::Int, raw), "f: not digits alone");
            assert_eq!(read(DataType::Decimal(3), raw), "f: not digits with a point");
        }
        assert_eq!(read(DataType::Decimal(0), "5.0"), "f: not digits alone");
        assert_eq!(read(DataType::Decimal(3), "1e3"), "f: not digits with a point");
        assert_eq!(read(DataType::Int, "1.5"), "f: not an int");
    }

    #[test]
    fn each_type_is_read() {
        assert_eq!(
            convert(DataType::Bool, &["TRUE", "0", "off"]).0,
            [true, false, false].map(Scalar::Bool)
        );
        assert_eq!(convert(DataType::Float, &["1e3"]).0, [Scalar::Float(1000.0)]);
        assert_eq!(
            convert(DataType::Timestamp, &["1970-01-01T00:00:01"]).0,
            [Scalar::Timestamp(1_000_000)]
        );
        let (values, failures) =
            convert(DataType::Ip, &["1.2.3.4", "2001:DB8:0:0:0::1", "01.2.3.4", "host"]);
        assert_eq!(values, [text("1.2.3.4"), text("2001:db8::1"), Scalar::Null, Scalar::Null]);
        assert_eq!(failures, ["2 f: not an ip address", "3 f: not an ip address"]);
        assert_eq!(convert(DataType::Text, &[" a "]).0, [text(" a ")]);
    }

    #[test]
    fn bytes_that_are_not_utf_8_become_the_replacement_character() {
        let converter = Converter::new("raw", DataType::Text, &jiff::tz::TimeZone::UTC, None);
        let (arena, mut failures) = (Bump::new(), Vec::new());
        let raw: [&[u8]; 3] = [b"a\xffb", b"-", b"skipped"];
        let column = converter.convert(
            &mut TimeCache::default(),
            RawColumn::new(&raw),
            &[0, 1],
            &arena,
            &mut failures,
        );
        assert_eq!((column.scalar(0), column.scalar(1)), (text("a\u{fffd}b"), text("-")));
        assert!(failures.is_empty() && column.valid.is_none() && column.len() == 3);
    }
}
