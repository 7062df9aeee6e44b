//! Bytes by hand: numbers, padded numbers, and many strings in one buffer.

/// Appends a number in decimal.
#[inline]
pub(crate) fn push_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends the last `width` decimal digits of a number, zeros in front.
#[inline]
pub(crate) fn push_padded(out: &mut Vec<u8>, number: u64, width: u32) {
    for place in (0..width).rev() {
        out.push(b'0' + (number / 10u64.pow(place) % 10) as u8);
    }
}

/// Many strings, one behind the other in one buffer.
pub(crate) struct StringTable {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl StringTable {
    /// `count` strings; `write` appends the one of the given index.
    pub(crate) fn build(count: usize, mut write: impl FnMut(&mut Vec<u8>, usize)) -> Self {
        let (mut bytes, mut ends) = (Vec::new(), Vec::with_capacity(count));
        for index in 0..count {
            write(&mut bytes, index);
            ends.push(u32::try_from(bytes.len()).expect("tables of names stay far below 4 GiB"));
        }
        StringTable { bytes, ends }
    }

    /// The string of an index.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        &self.bytes[start..self.ends[index] as usize]
    }

    /// How many strings.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }
}
