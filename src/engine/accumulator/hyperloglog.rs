//! HyperLogLog with 2^14 registers. Small sets are kept sparse, at the finer precision 2^25, as in HyperLogLog++
//! (Heule, Nunkesser, Hall 2013); large ones are estimated by `ertl`.
//!
//! A sketch is a function of the set of hashes: also when it turns dense.

use std::borrow::Cow;

use super::encode::{self, Reader};
use super::ertl::estimate;

/// Bits of a hash that pick a register.
const PRECISION: u32 = 14;
/// Registers of a dense sketch.
const REGISTERS: usize = 1 << PRECISION;
/// Bits of a hash that pick a register while the sketch is sparse.
const SPARSE_PRECISION: u32 = 25;
/// Bits of a rank in a sparse entry, which is the register above the rank.
const RANK_BITS: u32 = 6;
/// The greatest rank: all bits beyond the precision are zero.
const RANK_MAX: u8 = (64 - PRECISION + 1) as u8;
const SPARSE_RANK_MAX: u32 = 64 - SPARSE_PRECISION + 1;
/// Distinct sparse registers beyond which the sketch is dense.
const SPARSE_MAX: usize = 2048;
/// Entries that may wait unsorted in a small sketch; larger ones let a quarter of their size wait.
const UNSORTED_MIN: usize = 16;
/// Bytes of four 6-bit registers in a state.
const PACKED: usize = 3;
const SPARSE: u8 = 0;
const DENSE: u8 = 1;

/// A sketch of a set of hashes.
#[derive(Debug, Clone)]
pub(super) enum Sketch {
    /// Entries, of which the first `sorted` are ascending with one a register; the rest are as they came.
    Sparse { entries: Vec<u32>, sorted: usize },
    /// The greatest rank of each register.
    Dense(Box<[u8; REGISTERS]>),
}

impl Default for Sketch {
    fn default() -> Self {
        Sketch::Sparse { entries: Vec::new(), sorted: 0 }
    }
}

impl Sketch {
    /// Adds a hash.
    #[inline]
    pub(super) fn insert(&mut self, hash: u64) {
        match self {
            Sketch::Sparse { .. } => self.insert_entry(sparse_entry(hash)),
            Sketch::Dense(registers) => {
                let rank = ((hash << PRECISION | 1 << (PRECISION - 1)).leading_zeros() + 1) as u8;
                raise(registers, (hash >> (64 - PRECISION)) as usize, rank);
            }
        }
    }

    fn insert_entry(&mut self, entry: u32) {
        match self {
            Sketch::Sparse { entries, sorted } => {
                if is_known(&entries[..*sorted], entry) {
                    return;
                }
                entries.push(entry);
                if entries.len() - *sorted > UNSORTED_MIN.max(*sorted / 4) {
                    self.compact();
                }
            }
            Sketch::Dense(registers) => {
                let (register, rank) = dense_register(entry);
                raise(registers, register, rank);
            }
        }
    }

    /// Sorts what waits, keeps the greatest rank of each register, and turns dense if there are too many.
    fn compact(&mut self) {
        let Sketch::Sparse { entries, sorted } = self else {
            return;
        };
        if entries.len() == *sorted {
            return;
        }
        entries.sort(); // takes the sorted part as one run
        entries.dedup_by(|later, kept| {
            let same = *later >> RANK_BITS == *kept >> RANK_BITS;
            if same {
                *kept = *later;
            }
            same
        });
        *sorted = entries.len();
        if entries.len() > SPARSE_MAX {
            *self = Sketch::Dense(densify(entries));
        }
    }

    /// The one form of the sketch.
    fn compacted(&self) -> Cow<'_, Sketch> {
        match self {
            Sketch::Sparse { entries, sorted } if *sorted < entries.len() => {
                let mut copy = self.clone();
                copy.compact();
                Cow::Owned(copy)
            }
            _ => Cow::Borrowed(self),
        }
    }

    /// Adds another sketch's set.
    pub(super) fn merge(&mut self, other: &Sketch) {
        match (&mut *self, other) {
            (_, Sketch::Sparse { entries, .. }) => {
                entries.iter().for_each(|&entry| self.insert_entry(entry))
            }
            (Sketch::Sparse { entries, .. }, Sketch::Dense(registers)) => {
                let mut merged = registers.clone();
                raise_all(&mut merged, entries);
                *self = Sketch::Dense(merged);
            }
            (Sketch::Dense(registers), Sketch::Dense(more)) => {
                registers
                    .iter_mut()
                    .zip(more.iter())
                    .for_each(|(rank, more)| *rank = (*rank).max(*more));
            }
        }
    }

    /// Whether no hash was added.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Sketch::Sparse { entries, .. } if entries.is_empty())
    }

    /// Bytes on the heap.
    #[inline]
    pub(super) fn heap(&self) -> usize {
        match self {
            Sketch::Sparse { entries, .. } => entries.capacity() * size_of::<u32>(),
            Sketch::Dense(_) => REGISTERS,
        }
    }

    /// About how many hashes there were.
    pub(super) fn estimate(&self) -> u64 {
        match &*self.compacted() {
            // Linear counting gives m ln(m / (m - n)), which for these m and n rounds to n.
            Sketch::Sparse { entries, .. } => entries.len() as u64,
            Sketch::Dense(registers) => estimate(&registers[..], RANK_MAX),
        }
    }

    /// Appends the canonical encoding.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match &*self.compacted() {
            Sketch::Sparse { entries, .. } => {
                out.push(SPARSE);
                encode::put_varint(out, entries.len() as u64);
                let mut last = 0;
                for &entry in entries {
                    encode::put_varint(out, u64::from(entry - last));
                    last = entry;
                }
            }
            Sketch::Dense(registers) => {
                out.push(DENSE);
                out.extend(registers.as_chunks::<4>().0.iter().flat_map(pack));
            }
        }
    }

    /// Reads what `write` wrote.
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        match reader.byte()? {
            SPARSE => read_sparse(reader),
            DENSE => read_dense(reader),
            _ => None,
        }
    }
}

/// Whether the ascending entries have the entry's register at its rank or above.
#[inline]
fn is_known(ascending: &[u32], entry: u32) -> bool {
    let at = ascending.partition_point(|&known| known < entry);
    ascending.get(at).is_some_and(|known| known >> RANK_BITS == entry >> RANK_BITS)
}

fn read_sparse(reader: &mut Reader<'_>) -> Option<Sketch> {
    let len = reader.length().filter(|len| (1..=SPARSE_MAX).contains(len))?;
    let mut entries = Vec::with_capacity(len);
    let mut last = 0u32;
    for i in 0..len {
        let step = u32::try_from(reader.varint()?).ok()?;
        let entry = last.checked_add(step)?;
        let register_is_new = i == 0 || entry >> RANK_BITS > last >> RANK_BITS;
        let rank = entry & ((1 << RANK_BITS) - 1);
        if !register_is_new
            || entry >> (SPARSE_PRECISION + RANK_BITS) > 0
            || !(1..=SPARSE_RANK_MAX).contains(&rank)
        {
            return None;
        }
        entries.push(entry);
        last = entry;
    }
    Some(Sketch::Sparse { entries, sorted: len })
}

fn read_dense(reader: &mut Reader<'_>) -> Option<Sketch> {
    let packed = reader.take(REGISTERS / 4 * PACKED)?;
    let mut registers = Box::new([0; REGISTERS]);
    let chunks = registers.as_chunks_mut::<4>().0.iter_mut();
    chunks.zip(packed.as_chunks::<PACKED>().0).for_each(|(ranks, bytes)| *ranks = unpack(bytes));
    registers.iter().all(|rank| *rank <= RANK_MAX).then_some(Sketch::Dense(registers))
}

fn pack(ranks: &[u8; 4]) -> [u8; PACKED] {
    let bits = ranks.iter().rev().fold(0u32, |bits, &rank| bits << RANK_BITS | u32::from(rank));
    let [a, b, c, _] = bits.to_le_bytes();
    [a, b, c]
}

fn unpack(&[a, b, c]: &[u8; PACKED]) -> [u8; 4] {
    let bits = u32::from_le_bytes([a, b, c, 0]);
    std::array::from_fn(|i| (bits >> (i as u32 * RANK_BITS)) as u8 & ((1 << RANK_BITS) - 1))
}

/// A hash's register at the sparse precision, and the rank of the rest.
#[inline]
fn sparse_entry(hash: u64) -> u32 {
    let register = (hash >> (64 - SPARSE_PRECISION)) as u32;
    let rank = (hash << SPARSE_PRECISION | 1 << (SPARSE_PRECISION - 1)).leading_zeros() + 1;
    register << RANK_BITS | rank
}

/// What a sparse entry is among dense registers: the bits between the precisions are the first of the rank.
#[inline]
fn dense_register(entry: u32) -> (usize, u8) {
    const BETWEEN: u32 = SPARSE_PRECISION - PRECISION;
    let (register, rank) = (entry >> RANK_BITS, entry & ((1 << RANK_BITS) - 1));
    let between = register & ((1 << BETWEEN) - 1);
    let rank = if between == 0 {
        BETWEEN + rank
    } else {
        between.leading_zeros() - (u32::BITS - BETWEEN) + 1
    };
    ((register >> BETWEEN) as usize, rank as u8)
}

#[inline]
fn raise(registers: &mut [u8; REGISTERS], register: usize, rank: u8) {
    registers[register] = registers[register].max(rank);
}

fn raise_all(registers: &mut [u8; REGISTERS], entries: &[u32]) {
    for &entry in entries {
        let (register, rank) = dense_register(entry);
        raise(registers, register, rank);
    }
}

fn densify(entries: &[u32]) -> Box<[u8; REGISTERS]> {
    let mut registers = Box::new([0; REGISTERS]);
    raise_all(&mut registers, entries);
    registers
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_sparse_entry_is_the_dense_register_of_its_hash(hash: u64, zeros in 0u32..64) {
            for hash in [hash, hash >> zeros, hash & !(u64::MAX >> PRECISION >> zeros.min(40)), 0, u64::MAX] {
                let mut dense = Sketch::Dense(Box::new([0; REGISTERS]));
                dense.insert(hash);
                let Sketch::Dense(registers) = dense else { unreachable!() };
                prop_assert_eq!(densify(&[sparse_entry(hash)]), registers);
            }
        }

        #[test]
        fn packed_ranks_unpack(ranks in proptest::array::uniform4(0u8..64)) {
            prop_assert_eq!(unpack(&pack(&ranks)), ranks);
        }
    }

    #[test]
    fn linear_counting_of_a_sparse_sketch_is_its_size() {
        let m = f64::from(1u32 << SPARSE_PRECISION);
        for n in [1, 100, SPARSE_MAX] {
            assert_eq!((m * (m / (m - n as f64)).ln()).round() as usize, n);
        }
    }

    /// Hashes of the numbers from `salt` on, as `approx_distinct(int)` makes them.
    fn sketch(salt: u64, n: u64) -> Sketch {
        let mut sketch = Sketch::default();
        (0..n).for_each(|i| {
            sketch.insert(xxhash_rust::xxh3::xxh3_64(&(salt << 32 | i).to_le_bytes()))
        });
        sketch
    }

    #[test]
    fn errors_stay_within_three_sigma_and_below_one_percent_on_average() {
        let sigma = 1.04 / (REGISTERS as f64).sqrt();
        let sizes = [1, 10, 2048, 2100, 5000, 40_000, 100_000, 300_000, 1_000_000];
        for (n, rounds) in sizes.map(|n| (n, (10_000_000 / n).clamp(8, 30))) {
            let error = |salt| (sketch(salt, n).estimate() as f64 - n as f64).abs() / n as f64;
            let errors: Vec<f64> = (0..rounds).map(error).collect();
            let worst = errors.iter().copied().fold(0.0, f64::max);
            assert!(worst <= 3.0 * sigma, "{n}: {worst}");
            assert!(errors.iter().sum::<f64>() / (rounds as f64) < 0.01, "{n}: {errors:?}");
        }
    }

    #[test]
    fn a_register_keeps_its_greatest_rank_in_either_order() {
        let (low, high) = (7 << 39 | 1 << 38, 7 << 39 | 1);
        let entries = |hashes: &[u64]| {
            let mut sketch = Sketch::default();
            hashes.iter().for_each(|&hash| sketch.insert(hash));
            sketch.compact();
            let Sketch::Sparse { entries, .. } = sketch else { panic!("three are few") };
            entries
        };
        for hashes in [[low, high, low], [high, low, low], [low, low, high]] {
            assert_eq!(entries(&hashes), [sparse_entry(high)]);
        }
        let ascending = [sparse_entry(high)];
        assert!(is_known(&ascending, sparse_entry(low)));
        assert!(!is_known(&[sparse_entry(low)], sparse_entry(high)));
        assert!(!is_known(&ascending, sparse_entry(high + (1 << 39))));
    }

    #[test]
    fn a_sketch_turns_dense_by_content_however_it_came_together() {
        let bytes = |sketch: &Sketch| {
            let mut out = Vec::new();
            sketch.write(&mut out);
            out
        };
        for n in [SPARSE_MAX as u64 - 1, SPARSE_MAX as u64, SPARSE_MAX as u64 + 1, 6000] {
            let whole = sketch(0, n);
            let kind = if n > SPARSE_MAX as u64 { DENSE } else { SPARSE };
            assert_eq!(bytes(&whole)[0], kind, "{n}");
            for parts in [2, 3, 50] {
                let mut merged = Sketch::default();
                for part in (0..parts).rev() {
                    let mut piece = Sketch::default();
                    let hash = |i: u64| xxhash_rust::xxh3::xxh3_64(&i.to_le_bytes());
                    (0..n)
                        .rev()
                        .filter(|i| i % parts == part || i % 7 == 0)
                        .for_each(|i| piece.insert(hash(i)));
                    merged.merge(&piece);
                    let read =
                        Sketch::read(&mut Reader::new(&bytes(&piece))).expect("just written");
                    merged.merge(&read);
                }
                assert!(bytes(&merged) == bytes(&whole), "{n} in {parts}");
            }
        }
    }
}
