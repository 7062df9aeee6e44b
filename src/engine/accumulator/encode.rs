//! Bytes of states: one tag byte, LEB128 varints, length-prefixed bytes. Every value has exactly one encoding.

/// The first byte of a state: which function, over which storage, and by a new function number, which version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Count = 1,
    Total = 2,
    Stddev = 3,
    Min = 4,
    Max = 5,
    First = 6,
    Last = 7,
    CountDistinct = 8,
    ApproxDistinct = 9,
    ApproxQuantile = 10,
}

impl Layout {
    /// The tag byte for values stored as `code` (see `Value::CODE`, below 8).
    pub(super) fn tag(self, code: u8) -> u8 {
        (self as u8) << 3 | code
    }
}

/// Appends an unsigned LEB128 varint.
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends an unsigned LEB128 varint of up to 128 bits.
pub(super) fn put_varint_wide(out: &mut Vec<u8>, mut value: u128) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a length and the bytes.
pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Small numbers of either sign to small unsigned ones: 0, -1, 1, -2 … become 0, 1, 2, 3 …
pub(super) fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

/// Undoes [`zigzag`].
pub(super) fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Reads a state from its front. `None` from any method: the bytes are damaged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'b> {
    bytes: &'b [u8],
}

impl<'b> Reader<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Reader { bytes }
    }

    /// Bytes that are left.
    pub(super) fn remaining(&self) -> usize {
        self.bytes.len()
    }

    /// Whether all was read.
    pub(super) fn is_at_end(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The next `len` bytes.
    pub(super) fn take(&mut self, len: usize) -> Option<&'b [u8]> {
        let (head, rest) = self.bytes.split_at_checked(len)?;
        self.bytes = rest;
        Some(head)
    }

    /// The next `N` bytes, as an array.
    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// The next byte.
    pub(super) fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A varint of 64 bits.
    pub(super) fn varint(&mut self) -> Option<u64> {
        self.varint_wide()?.try_into().ok()
    }

    /// A varint of 128 bits; overlong forms are refused, so that a value has one encoding.
    pub(super) fn varint_wide(&mut self) -> Option<u128> {
        let mut value = 0u128;
        let mut shift = 0;
        loop {
            let byte = self.byte()?;
            let bits = u128::from(byte & 0x7f);
            if shift >= 128 || bits << shift >> shift != bits {
                return None;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return (byte != 0 || shift == 0).then_some(value);
            }
            shift += 7;
        }
    }

    /// A length that is also a count of things of at least one byte each, so never above what is left.
    pub(super) fn length(&mut self) -> Option<usize> {
        let length = usize::try_from(self.varint()?).ok()?;
        (length <= self.remaining()).then_some(length)
    }

    /// Bytes with their length before them.
    pub(super) fn bytes(&mut self) -> Option<&'b [u8]> {
        let length = self.length()?;
        self.take(length)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn varints_read_back(value: u64, wide: u128, signed: i64) {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            put_varint_wide(&mut out, wide);
            put_varint(&mut out, zigzag(signed));
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.varint(), Some(value));
            prop_assert_eq!(reader.varint_wide(), Some(wide));
            prop_assert_eq!(reader.varint().map(unzigzag), Some(signed));
            prop_assert!(reader.is_at_end());
        }
    }

    #[test]
    fn overlong_truncated_and_oversized_varints_are_refused() {
        for bytes in [&[0x80, 0x00][..], &[0x80], &[], &[0xff; 30]] {
            assert_eq!(Reader::new(bytes).varint_wide(), None, "{bytes:?}");
        }
        let mut out = Vec::new();
        put_varint_wide(&mut out, 1 << 64);
        assert_eq!(Reader::new(&out).varint(), None);
    }

    #[test]
    fn a_length_beyond_the_end_is_refused() {
        assert_eq!(Reader::new(&[3, 1, 2]).bytes(), None);
        assert_eq!(Reader::new(&[2, 1, 2]).bytes(), Some(&[1, 2][..]));
    }
}
