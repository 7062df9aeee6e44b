//! Numbers of a column, many at once: the same steps for all, without a jump, so that a compiler makes vector instructions of
//! them. Reads what most logs hold; whatever else there is, it leaves alone.
//!
//! The steps are those of [`super::word`]. They are compiled once for any processor, and for those of today with their
//! features: the results are the same.

#[cfg(target_arch = "x86_64")]
mod x86;

use super::view::View;
use super::word::{ZEROS, misfit, number};

/// Values that are read at once.
pub(super) const LANES: usize = 64;

/// How the values are written, at most a minus before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notation {
    /// Digits only.
    Whole,
    /// Just so many digits behind a point: 1 to 7.
    Fraction(u32),
}

impl Notation {
    /// How decimals of a scale are usually written; `None` for one that no word can hold.
    pub(super) fn of_scale(scale: u8) -> Option<Self> {
        match scale {
            0 => Some(Notation::Whole),
            1..=7 => Some(Notation::Fraction(scale.into())),
            _ => None,
        }
    }
}

/// A batch of values.
pub(super) struct Lanes {
    words: [u64; LANES],
    lens: [u64; LANES],
    /// The values, without their points.
    pub(super) values: [i64; LANES],
    /// Not 0 for those that were not read.
    pub(super) faults: [u64; LANES],
    /// 1: a value may have a minus, 0: one that has is left alone.
    signs: u64,
}

impl Lanes {
    /// Lanes for values that may have a sign or not.
    pub(super) fn new(signed: bool) -> Self {
        let none = [0; LANES];
        Lanes { words: none, lens: none, values: [0; LANES], faults: none, signs: signed.into() }
    }

    /// Reads up to [`LANES`] values. Those that are not slices of the text are not read.
    pub(super) fn read(&mut self, text: View<'_>, raw: &[&[u8]], notation: Notation) {
        #[cfg(target_arch = "x86_64")]
        if x86::read(self, text, raw, notation) {
            return;
        }
        self.read_with(text, raw, notation);
    }

    #[inline(always)]
    fn read_with(&mut self, text: View<'_>, raw: &[&[u8]], notation: Notation) {
        self.load(text, raw);
        match notation {
            Notation::Whole => self.convert(|text| (text, 0)),
            Notation::Fraction(digits) => {
                let point = 8 * 7_u32.saturating_sub(digits);
                let before = (1 << point) - 1;
                self.convert(|text| {
                    let behind = text & !(before << 8 | 0xFF);
                    // What is before the point moves up by one byte, a zero behind it.
                    let digits = behind | (text & before) << 8 | u64::from(b'0');
                    (digits, (text >> point) as u8 ^ b'.')
                })
            }
        }
    }

    #[inline(always)]
    fn load(&mut self, text: View<'_>, raw: &[&[u8]]) {
        let lanes = self.words.iter_mut().zip(&mut self.lens);
        for ((word, len), raw) in lanes.zip(raw) {
            let at = text.place(raw);
            *word = text.word(at);
            *len = if text.has_word(at) { raw.len() as u64 } else { 0 };
        }
        self.lens[raw.len().min(LANES)..].fill(0);
    }

    /// `digits` makes eight digits of a text, and answers not 0 for one that is written otherwise.
    #[inline(always)]
    fn convert(&mut self, digits: impl Fn(u64) -> (u64, u8)) {
        for lane in 0..LANES {
            let minus = u64::from(self.words[lane] as u8 == b'-') & self.signs;
            let len = self.lens[lane].wrapping_sub(minus);
            let is_short = len.wrapping_sub(1) < 8;
            // The last digit in the highest byte, zeros in front of the first. Shifts in two steps: one by 64 is none.
            let word = self.words[lane] >> (8 * minus);
            let half = len.wrapping_mul(4);
            let fill = ZEROS >> (half & 63) >> (half & 63);
            let text = word << (half.wrapping_mul(2).wrapping_neg() & 63) | fill;
            let (text, other) = digits(text);
            self.faults[lane] = u64::from(other) | misfit(text) | u64::from(!is_short);
            let sign = 0_u64.wrapping_sub(minus);
            self.values[lane] = ((number(text) ^ sign).wrapping_sub(sign)) as i64;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cpu;
    use crate::format::number;

    fn model(raw: &[u8], scale: u8) -> Option<i64> {
        let value = if scale == 0 {
            number::int(raw).ok()
        } else {
            number::decimal(raw, scale).ok().and_then(|value| value.try_into().ok())
        };
        value.filter(|_| !raw.starts_with(b"+"))
    }

    proptest! {
        // What is read is what the careful way reads; and what usual logs hold is read.
        #[test]
        fn lanes_read_what_single_values_give(
            values in prop::collection::vec("-?[0-9]{1,8}|-?[0-9]{1,4}[.][0-9]{1,3}|[-+.0-9x]{0,10}|[-0-9]?", 0..=LANES), scale in 0_u8..5, signed: bool,
        ) {
            let (mut text, mut places) = (String::new(), Vec::new());
            for value in &values {
                places.push(text.len()..text.len() + value.len());
                text += value;
                text += " ";
            }
            text += "        ";
            let raw: Vec<&[u8]> = places.iter().map(|place| &text.as_bytes()[place.clone()]).collect();
            let notation = Notation::of_scale(scale).expect("small");
            let view = View::new(text.as_bytes()).expect("padded");
            let (mut chosen, mut twin) = (Lanes::new(signed), Lanes::new(signed));
            twin.read_with(view, &raw, notation);
            for (lane, raw) in raw.iter().enumerate() {
                let digits = raw.strip_prefix(b"-").unwrap_or(raw);
                let point = digits.iter().position(|&byte| byte == b'.');
                let fraction = point.map_or(0, |point| digits.len() - point - 1);
                let usual = fraction == usize::from(scale) && point.is_some() == (scale > 0);
                let usual = usual && (signed || digits.len() == raw.len());
                let read = twin.faults[lane] == 0;
                prop_assert_eq!(read, usual && raw.len() <= 8 && model(raw, scale).is_some(), "{:?}", raw);
                if read {
                    prop_assert_eq!(Some(twin.values[lane]), model(raw, scale));
                }
            }
            prop_assert!(twin.faults[raw.len()..].iter().all(|&fault| fault != 0));
            for _ in cpu::each_level() {
                chosen.read(view, &raw, notation);
                for lane in 0..LANES {
                    prop_assert_eq!(chosen.faults[lane] == 0, twin.faults[lane] == 0);
                    prop_assert!(chosen.faults[lane] != 0 || chosen.values[lane] == twin.values[lane]);
                }
            }
        }
    }

    #[test]
    fn values_of_another_text_are_not_read() {
        let (text, other) = (vec![b'1'; 99], vec![b'1'; 99]);
        let view = View::new(&text).expect("long enough");
        let mut lanes = Lanes::new(true);
        lanes.read(view, &[&text[..3], &other[..3], &text[92..94], b""], Notation::Whole);
        assert_eq!((lanes.faults[0], lanes.values[0]), (0, 111));
        assert!(lanes.faults[1..].iter().all(|&fault| fault != 0));
    }
}
