//! Short texts as integers that sort as they do.

/// Bytes of a text that an integer holds.
const SHORT_BYTES: usize = 15;
/// The byte before the first one that four bits hold: those are `-./0123456789:;`.
const BELOW: u8 = b'-' - 1;

/// A text as an integer. Those of one kind sort as their texts; none is 0 but the empty text's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packed {
    /// Up to 15 digits and what stands between digits, four bits each.
    Digits(u64),
    /// Up to 15 bytes, and the length.
    Short(u128),
    /// Of too many bytes.
    Long,
}

/// The text of an integer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unpacked {
    bytes: [u8; 16],
    len: usize,
}

impl Unpacked {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Packs a text.
#[inline]
pub(super) fn pack(text: &[u8]) -> Packed {
    let Some(bytes) = filled(text) else { return Packed::Long };
    match digits(bytes, text.len()) {
        Some(packed) => Packed::Digits(packed),
        None => Packed::Short(bytes | (text.len() as u128 + 1)),
    }
}

/// The bytes of a short text, filled up with zeros.
#[inline]
fn filled(text: &[u8]) -> Option<u128> {
    let len = text.len();
    let word = |bytes: &[u8; 8]| u64::from_be_bytes(*bytes);
    match text.first_chunk::<8>() {
        Some(first) if len <= SHORT_BYTES => {
            // The last word overlaps the first; shifted, it has only what stands behind that.
            let last = u128::from(word(text.last_chunk()?)) << (8 * (16 - len));
            Some(u128::from(word(first)) << 64 | last & u128::from(u64::MAX))
        }
        None => {
            let number = text.iter().fold(0u64, |number, &byte| number << 8 | u64::from(byte));
            // The empty text is 0 wherever it is shifted to.
            Some(u128::from(number) << (8 * (16 - len.max(1))))
        }
        Some(_) => None,
    }
}

/// Four bits of each byte, where these tell all bytes apart.
#[inline]
fn digits(bytes: u128, len: usize) -> Option<u64> {
    let used = !(u128::MAX >> (8 * len));
    let half = |bytes: u128, used: u128| nibbles(bytes as u64, used as u64);
    let (first, last) = (half(bytes >> 64, used >> 64), half(bytes, used));
    Some(first? << 32 | last?)
}

const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// The same of eight bytes, of which only some are used.
#[inline]
fn nibbles(bytes: u64, used: u64) -> Option<u64> {
    // A byte below the least borrows from the one above it, and is too large itself.
    let codes = bytes.wrapping_sub(each(BELOW) & used);
    let is_above = codes & each(0xf0) == 0;
    // 1 to 15 and 127 reach the highest bit.
    let reached = codes.wrapping_add(each(0x7f)) & each(0x80);
    if !is_above || reached & used != each(0x80) & used {
        return None;
    }
    let pairs = (codes | codes >> 4) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    Some((fours | fours >> 16) & 0xffff_ffff)
}

/// The text of [`Packed::Digits`].
#[inline]
pub(super) fn digits_text(packed: u64) -> Unpacked {
    let spread = |half: u64| {
        let fours = (half | half << 16) & 0x0000_ffff_0000_ffff;
        let pairs = (fours | fours << 8) & 0x00ff_00ff_00ff_00ff;
        (pairs | pairs << 4) & each(0x0f)
    };
    let codes = u128::from(spread(packed >> 32)) << 64 | u128::from(spread(packed & 0xffff_ffff));
    let len = 16 - packed.trailing_zeros() as usize / 4;
    Unpacked { bytes: codes.to_be_bytes().map(|code| code + BELOW), len }
}

/// The text of [`Packed::Short`].
#[inline]
pub(super) fn short_text(packed: u128) -> Unpacked {
    Unpacked { bytes: packed.to_be_bytes(), len: (packed as u8 - 1) as usize }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unpacked(packed: Packed) -> Unpacked {
        match packed {
            Packed::Digits(packed) => digits_text(packed),
            Packed::Short(packed) => short_text(packed),
            Packed::Long => panic!("a long text"),
        }
    }

    fn check(a: &[u8], b: &[u8]) -> Result<(), TestCaseError> {
        let pair = (pack(a), pack(b));
        match pair {
            (Packed::Digits(left), Packed::Digits(right)) => {
                prop_assert_eq!(left.cmp(&right), a.cmp(b));
            }
            (Packed::Short(left), Packed::Short(right)) => {
                prop_assert_eq!(left.cmp(&right), a.cmp(b));
            }
            _ => prop_assert_ne!(a, b),
        }
        let unpacked = unpacked(pair.0);
        prop_assert_eq!(unpacked.bytes(), a);
        Ok(())
    }

    fn texts(bytes: &'static [u8]) -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop::sample::select(bytes), 0..=SHORT_BYTES)
    }

    proptest! {
        #[test]
        fn packed_texts_sort_as_texts_and_read_back(
            a in texts(b"\0\x01\xfe"), b in texts(b"\0\x01\xfe"), c in texts(b"-./059:;"), d in texts(b"-./059:;"),
            e in texts(b",-;</0\0\xff"), f in texts(b",-;</0\0\xff"),
        ) {
            for (a, b) in [(&a, &b), (&c, &d), (&e, &f), (&a, &c), (&c, &e)] {
                check(a, b)?;
            }
        }

        #[test]
        fn few_kinds_of_bytes_take_half_the_bits(text in texts(b"-./0123456789:;")) {
            prop_assert!(matches!(pack(&text), Packed::Digits(_)));
        }
    }

    #[test]
    fn each_byte_at_each_place_is_known_or_not() {
        for (len, at, byte) in (1..=SHORT_BYTES)
            .flat_map(|len| (0..len).map(move |at| (len, at)))
            .flat_map(|(len, at)| (0..=255u8).map(move |byte| (len, at, byte)))
        {
            let mut text = vec![b'0'; len];
            text[at] = byte;
            let is_known = b"-./0123456789:;".contains(&byte);
            assert_eq!(matches!(pack(&text), Packed::Digits(_)), is_known, "{text:?}");
            assert_eq!(unpacked(pack(&text)).bytes(), text);
        }
    }

    #[test]
    fn the_shortest_and_the_longest_packed_text() {
        assert_eq!(pack(b""), Packed::Digits(0));
        assert_eq!(digits_text(0).bytes(), b"");
        assert_eq!(pack(&[255; SHORT_BYTES]), Packed::Short(u128::MAX - 255 + 16));
        assert_eq!(pack(&[255; SHORT_BYTES + 1]), Packed::Long);
        assert_eq!(pack(b"255.255.255.255"), pack(b"255.255.255.255"));
        assert!(matches!(pack(b"255.255.255.255"), Packed::Digits(_)));
    }
}
