//! Up to eight digits as one word: read without a loop, so that nothing depends on their number (as in Lemire,
//! "Number Parsing at a Gigabyte per Second", 2021, section 5).

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;
const ZEROS: u64 = 0x3030_3030_3030_3030;

/// Powers of ten that can be multiplied with eight digits.
const SCALES: [i64; 10] = {
    let mut powers = [1; 10];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// One to eight bytes of text, the last in the highest byte, with zeros (`0`) before the first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word {
    text: u64,
    len: usize,
}

impl Word {
    /// `None` for more than eight bytes, or none.
    #[inline(always)]
    pub(super) fn load(text: &[u8]) -> Option<Word> {
        let len = text.len();
        let word = match len {
            4..=8 => {
                let (head, tail) = (text.first_chunk::<4>()?, text.last_chunk::<4>()?);
                let (head, tail) = (u32::from_le_bytes(*head), u32::from_le_bytes(*tail));
                u64::from(tail) << 32 | u64::from(head) << (8 * (8 - len))
            }
            1..=3 => {
                let at = |index: usize| u64::from(text[index]) << (8 * (8 - len + index));
                at(0) | at(len / 2) | at(len - 1)
            }
            _ => return None,
        };
        // The fill of the bytes in front; a shift by 64 is none in Rust, and a full word has no fill.
        let fill = ZEROS.checked_shr(8 * len as u32).unwrap_or(0);
        Some(Word { text: word | fill, len })
    }

    /// The same for one to eight bytes within a longer text, which are read at once: `len` bytes from a place on.
    #[inline(always)]
    fn load_at(text: &[u8], from: usize, len: usize) -> Option<Word> {
        if len.wrapping_sub(1) >= 8 {
            return None;
        }
        let bytes = text.get(from..)?.first_chunk::<8>()?;
        let word = u64::from_le_bytes(*bytes) << (64 - 8 * len);
        let fill = ZEROS.checked_shr(8 * len as u32).unwrap_or(0);
        Some(Word { text: word | fill, len })
    }

    /// Reads a value within a text, and whether it has a minus in front.
    #[inline(always)]
    fn load_signed(text: &[u8], raw: &[u8]) -> Option<(Word, i64)> {
        let minus = usize::from(*raw.first()? == b'-');
        // A value that lies elsewhere has a place beyond the text.
        let from = raw.as_ptr().addr().wrapping_sub(text.as_ptr().addr());
        let word = Self::load_at(text, from.wrapping_add(minus), raw.len() - minus)?;
        Some((word, -(minus as i64)))
    }

    /// An integer of at most eight digits that is a slice of `text`; `None` for anything else.
    #[inline(always)]
    pub(super) fn signed_int(text: &[u8], raw: &[u8]) -> Option<i64> {
        let (word, sign) = Self::load_signed(text, raw)?;
        Some(((word.digits()? as i64) ^ sign) - sign)
    }

    /// A decimal of at most eight bytes that is a slice of `text`, unscaled; `None` for anything else.
    #[inline(always)]
    pub(super) fn signed_decimal(text: &[u8], raw: &[u8], scale: u8) -> Option<i128> {
        let (word, sign) = Self::load_signed(text, raw)?;
        let (value, fraction, digits) = word.decimal()?;
        let power = SCALES.get(usize::from(scale).wrapping_sub(fraction))?;
        (digits > 0).then(|| i128::from(((value as i64 * power) ^ sign) - sign))
    }

    /// The number, if all bytes are digits.
    #[inline(always)]
    pub(super) fn digits(self) -> Option<u64> {
        all_digits(self.text).then(|| number(self.text))
    }

    /// The number without its point, how many digits stand behind the point, and how many in all; `None` if there is
    /// anything else than digits and one point.
    #[inline(always)]
    pub(super) fn decimal(self) -> Option<(u64, usize, usize)> {
        let differing = self.text ^ (LOW * u64::from(b'.'));
        // The lowest set bit is exact (Mycroft, 1987): it stands for the first point.
        let points = differing.wrapping_sub(LOW) & !differing & HIGH;
        if points == 0 {
            return Some((self.digits()?, 0, self.len));
        }
        let at = points.trailing_zeros() / 8;
        // What is before the point moves up by one byte, a zero behind it.
        let before = self.text & ((1 << (8 * at)) - 1);
        let behind = self.text & !(u64::MAX >> (56 - 8 * at));
        let text = behind | before << 8 | u64::from(b'0');
        all_digits(text).then(|| (number(text), 7 - at as usize, self.len - 1))
    }
}

#[inline(always)]
fn all_digits(text: u64) -> bool {
    // A digit's high half is 3, and stays 3 when 6 is added.
    const HALVES: u64 = 0xF0F0_F0F0_F0F0_F0F0;
    let sixes = LOW * 6;
    (text & HALVES) | ((text.wrapping_add(sixes) & HALVES) >> 4) == 0x3333_3333_3333_3333
}

/// Eight digits: pairs, then fours, then all, each by one multiplication.
#[inline(always)]
fn number(text: u64) -> u64 {
    let ones = text & 0x0F0F_0F0F_0F0F_0F0F;
    let pairs = (ones.wrapping_mul(10 << 8 | 1) >> 8) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs.wrapping_mul(100 << 16 | 1) >> 16) & 0x0000_FFFF_0000_FFFF;
    fours.wrapping_mul(10_000 << 32 | 1) >> 32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same, digit by digit.
    fn model(text: &[u8]) -> Option<(u64, usize, usize)> {
        let digits: Vec<u8> = text.iter().copied().filter(|&byte| byte != b'.').collect();
        let points = text.len() - digits.len();
        if points > 1 || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let value = digits.iter().fold(0, |value, &digit| value * 10 + u64::from(digit - b'0'));
        let point = text.iter().position(|&byte| byte == b'.');
        Some((value, point.map_or(0, |at| text.len() - at - 1), digits.len()))
    }

    #[test]
    fn words_are_one_to_eight_bytes() {
        assert!(Word::load(b"").is_none() && Word::load(b"123456789").is_none());
        assert_eq!(Word::load(b"99999999").and_then(Word::digits), Some(99_999_999));
        assert_eq!(Word::load(b".").and_then(Word::decimal), Some((0, 0, 0)));
    }

    proptest! {
        #[test]
        fn a_word_reads_as_its_digits(text in "[0-9]{1,8}") {
            prop_assert_eq!(Word::load(text.as_bytes()).and_then(Word::digits), text.parse().ok());
        }

        #[test]
        fn a_decimal_reads_as_its_digits(text in "[0-9.]{1,8}|[0-9]{0,4}[.][0-9]{0,3}|[-0-9.:/ ]{1,8}") {
            let read = Word::load(text.as_bytes()).and_then(Word::decimal);
            prop_assert_eq!(read, model(text.as_bytes()));
        }

        #[test]
        fn other_bytes_are_no_digits(text in proptest::collection::vec(any::<u8>(), 1..9)) {
            let read = Word::load(&text).and_then(Word::decimal);
            prop_assert_eq!(read, model(&text));
        }
    }

    proptest! {
        #[test]
        fn values_within_a_text_read_as_they_do_alone(
            before in "[ -9]{0,9}", value in "-?[0-9.]{1,9}|[-0-9.x]{0,10}", behind in "[ -9]{0,12}", scale in 0_u8..4,
        ) {
            let text = [before.as_bytes(), value.as_bytes(), behind.as_bytes()].concat();
            let raw = &text[before.len()..before.len() + value.len()];
            if let Some(int) = Word::signed_int(&text, raw) {
                prop_assert_eq!(Some(int), value.parse().ok());
            } else {
                prop_assert!(behind.len() < 8 || value.len() > 8 || value.parse::<i64>().is_err() || value.starts_with('+'));
            }
            // Zeros behind the scale are for the careful way.
            let fraction = value.split_once('.').map_or(0, |(_, fraction)| fraction.len());
            if let Some(decimal) = Word::signed_decimal(&text, raw, scale) {
                prop_assert_eq!(crate::format::number::decimal(raw, scale), Ok(decimal));
            } else {
                let is_left = behind.len() < 8 || value.len() > 8 || fraction > usize::from(scale);
                prop_assert!(is_left || crate::format::number::decimal(raw, scale).is_err());
            }
            prop_assert_eq!(Word::signed_int(&text, b"17"), None);
        }
    }
}
