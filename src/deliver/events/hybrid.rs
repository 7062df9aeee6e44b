//! Parquet's hybrid of run lengths and bit-packing, for dictionary indices and definition levels:
//! <https://parquet.apache.org/docs/file-format/data-pages/encodings/>.

/// Values that are packed together: their number is a multiple of it, so that a group ends at a byte.
const GROUP: usize = 8;

/// Bits that hold every number up to `max`; at least one, for readers that know no width of zero.
pub(super) fn width_of(max: usize) -> u32 {
    (usize::BITS - max.leading_zeros()).max(1)
}

/// Appends the values, each below `1 << width`. Runs that fill a group become run lengths, all else is packed.
pub(super) fn encode<T: Copy + PartialEq + Into<u32>>(values: &[T], width: u32, out: &mut Vec<u8>) {
    let (mut packed_from, mut at) = (0, 0);
    while at < values.len() {
        let rest = &values[at..];
        let first = rest[0];
        if rest.len() >= GROUP && rest[..GROUP].iter().all(|&value| value == first) {
            let length = rest.iter().take_while(|&&value| value == first).count();
            pack(&values[packed_from..at], width, out);
            repeat(first.into(), length, width, out);
            at += length;
            packed_from = at;
        } else {
            at = (at + GROUP).min(values.len());
        }
    }
    pack(&values[packed_from..], width, out);
}

/// One value, many times.
pub(super) fn repeat(value: u32, length: usize, width: u32, out: &mut Vec<u8>) {
    varint((length as u64) << 1, out);
    out.extend_from_slice(&value.to_le_bytes()[..width.div_ceil(8) as usize]);
}

/// Whole groups; the last one of all is filled up with zeros.
fn pack<T: Copy + Into<u32>>(values: &[T], width: u32, out: &mut Vec<u8>) {
    if values.is_empty() {
        return;
    }
    let groups = values.len().div_ceil(GROUP);
    varint((groups as u64) << 1 | 1, out);
    let end = out.len() + groups * width as usize;
    out.reserve(groups * width as usize + 4);
    let (mut bits, mut filled) = (0_u64, 0);
    for &value in values {
        bits |= u64::from(value.into()) << filled;
        filled += width;
        if filled >= 32 {
            out.extend_from_slice(&(bits as u32).to_le_bytes());
            bits >>= 32;
            filled -= 32;
        }
    }
    out.extend_from_slice(&(bits as u32).to_le_bytes());
    out.resize(end, 0);
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The plain reading of the format's description.
    fn decode(mut bytes: &[u8], width: u32, count: usize) -> Vec<u32> {
        let mut values = Vec::new();
        while values.len() < count {
            let (mut header, mut shift) = (0_u64, 0);
            loop {
                let byte = bytes[0];
                bytes = &bytes[1..];
                header |= u64::from(byte & 0x7f) << shift;
                shift += 7;
                if byte < 0x80 {
                    break;
                }
            }
            let run = (header >> 1) as usize;
            if header & 1 == 0 {
                let size = width.div_ceil(8) as usize;
                let mut value = [0; 4];
                value[..size].copy_from_slice(&bytes[..size]);
                bytes = &bytes[size..];
                values.resize(values.len() + run, u32::from_le_bytes(value));
            } else {
                let (packed, rest) = bytes.split_at(run * width as usize);
                bytes = rest;
                values.extend((0..run * GROUP).map(|n| {
                    let bit = |i: usize| u32::from(packed[i / 8] >> (i % 8) & 1);
                    (0..width as usize).map(|b| bit(n * width as usize + b) << b).sum::<u32>()
                }));
            }
        }
        assert!(bytes.is_empty());
        values.truncate(count);
        values
    }

    #[test]
    fn widths_are_the_bits_of_the_largest_number() {
        let widths: Vec<u32> = [0, 1, 2, 3, 4, 255, 256, u32::MAX as usize].map(width_of).into();
        assert_eq!(widths, [1, 1, 2, 2, 3, 8, 9, 32]);
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes(
            width in 1_u32..=32,
            runs in prop::collection::vec((any::<u32>(), 1_usize..40), 0..30),
        ) {
            let mask = (u64::from(u32::MAX) >> (32 - width)) as u32;
            let values: Vec<u32> =
                runs.iter().flat_map(|&(v, n)| std::iter::repeat_n(v & mask, n)).collect();
            let mut bytes = Vec::new();
            encode(&values, width, &mut bytes);
            prop_assert_eq!(decode(&bytes, width, values.len()), values);
        }
    }
}
