//! A literal of a pattern: found and compared without a call into libc. Literals are a few bytes long and lie a few bytes
//! away; calls of `memcmp` and of a general substring search cost more than the work. `memcmp` took 37 to 45 % of the
//! samples of a run, nearly all at the masked read of glibc's AVX-512 version in calls with an *empty* literal; they are gone
//! since none is made. (The likely reason, not measured: a masked read at an empty slice's dangling address needs an assist.)

use memchr::memchr;

/// Text that stands behind a value. May be empty, at the end of a line.
#[derive(Debug, Clone)]
pub(super) struct Literal(Vec<u8>);

impl Literal {
    pub(super) fn new(text: Vec<u8>) -> Self {
        Literal(text)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether `rest` begins with it.
    #[inline]
    pub(super) fn begins(&self, rest: &[u8]) -> bool {
        rest.len() >= self.0.len() && self.0.iter().zip(rest).all(|(a, b)| a == b)
    }

    /// What is behind it, where `rest` begins with it.
    #[inline]
    pub(super) fn strip<'r>(&self, rest: &'r [u8]) -> Option<&'r [u8]> {
        self.begins(rest).then(|| &rest[self.0.len()..])
    }

    /// What is before it, where `rest` ends with it.
    #[inline]
    pub(super) fn strip_end<'r>(&self, rest: &'r [u8]) -> Option<&'r [u8]> {
        let (value, end) = rest.split_at(rest.len().checked_sub(self.0.len())?);
        self.begins(end).then_some(value)
    }

    /// Where it begins first.
    #[inline]
    pub(super) fn find(&self, rest: &[u8]) -> Option<usize> {
        let Some(&first) = self.0.first() else { return Some(0) };
        let mut from = 0;
        loop {
            let at = from + find_near(&rest[from..], first)?;
            if self.0.len() == 1 || self.begins(&rest[at..]) {
                return Some(at);
            }
            from = at + 1;
        }
    }
}

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// `memchr` for a byte that is probably among the next sixteen: those are looked at in two words (the test for a zero
/// byte of Mycroft, 1987), the rest by `memchr`.
#[inline]
pub(super) fn find_near(bytes: &[u8], byte: u8) -> Option<usize> {
    let Some(head) = bytes.first_chunk::<16>() else { return memchr(byte, bytes) };
    for start in [0, 8] {
        let mut word = [0; 8];
        word.copy_from_slice(&head[start..start + 8]);
        let differing = u64::from_le_bytes(word) ^ (LOW * u64::from(byte));
        // The lowest set bit is exact; higher ones may be carried over from it.
        let zeros = differing.wrapping_sub(LOW) & !differing & HIGH;
        if zeros != 0 {
            return Some(start + (zeros.trailing_zeros() / 8) as usize);
        }
    }
    memchr(byte, &bytes[16..]).map(|at| at + 16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_near_byte_is_found_where_memchr_finds_it(bytes in prop::collection::vec(0u8..4, 0..40), byte in 0u8..4) {
            prop_assert_eq!(find_near(&bytes, byte), memchr(byte, &bytes));
        }

        #[test]
        fn high_bytes_are_no_different(bytes in prop::collection::vec(any::<u8>(), 0..40), byte: u8) {
            prop_assert_eq!(find_near(&bytes, byte), memchr(byte, &bytes));
        }

        #[test]
        fn a_literal_is_found_where_it_begins_first(rest in "[ab]{0,40}", literal in "[ab]{0,4}") {
            let found = Literal::new(literal.clone().into_bytes()).find(rest.as_bytes());
            prop_assert_eq!(found, rest.find(&literal));
        }
    }
}
