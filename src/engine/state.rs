//! The state of one group over all aggregates: each state behind its length (LEB128).

/// Appends one aggregate's state.
pub fn append(state: &[u8], out: &mut Vec<u8>) {
    append_len(state.len(), out);
    out.extend_from_slice(state);
}

/// Appends a length.
pub fn append_len(mut len: usize, out: &mut Vec<u8>) {
    while len >= 0x80 {
        out.push(len as u8 | 0x80);
        len >>= 7;
    }
    out.push(len as u8);
}

/// Splits off the next aggregate's state; `None` where the bytes are damaged.
#[inline]
pub fn next<'s>(bytes: &mut &'s [u8]) -> Option<&'s [u8]> {
    let len = next_len(bytes)?;
    let (state, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(state)
}

/// Splits off a length; `None` where the bytes are damaged.
#[inline]
pub fn next_len(bytes: &mut &[u8]) -> Option<usize> {
    let mut len = 0usize;
    for shift in (0..35).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        len |= usize::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Some(len);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_come_back_as_they_went_in() {
        let states = [vec![], vec![1, 2, 3], vec![9; 300]];
        let mut bytes = Vec::new();
        states.iter().for_each(|s| append(s, &mut bytes));
        let mut rest = bytes.as_slice();
        for state in &states {
            assert_eq!(next(&mut rest), Some(state.as_slice()));
        }
        assert_eq!(next(&mut rest), None);
        // The last state begins behind one byte of the first and four of the second; its last byte is cut off.
        assert_eq!(next(&mut &bytes[5..bytes.len() - 1]), None);
    }
}
