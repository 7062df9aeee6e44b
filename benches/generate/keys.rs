//! `key;value` with a given number of distinct keys: what a table of groups has to bear.

use std::io;

use crate::rng::{Rng, splitmix64};
use crate::sink::Sink;
use crate::text::push_number;

/// Writes `lines` lines. New keys come evenly from the first line to the last; between them, earlier ones come again.
pub(crate) fn write(lines: u64, groups: u64, seed: u64, sink: &mut Sink) -> io::Result<()> {
    let mut rng = Rng::new(seed);
    let mut known = 0;
    for line in 1..=lines {
        let due = (u128::from(line) * u128::from(groups)).div_ceil(u128::from(lines)) as u64;
        let key = if due > known {
            known += 1;
            known - 1
        } else {
            rng.below(known)
        };
        let out = sink.buffer();
        push_key(out, key, seed);
        out.push(b';');
        push_number(out, rng.below(10_000));
        sink.end_line()?;
    }
    Ok(())
}

/// Appends 16 hexadecimal digits. One step of splitmix64 is a bijection, so that different numbers never share a key.
fn push_key(out: &mut Vec<u8>, number: u64, seed: u64) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mixed = splitmix64(&mut number.wrapping_add(seed << 40));
    out.extend((0..16).rev().map(|place| DIGITS[(mixed >> (4 * place)) as usize & 15]));
}
