//! HyperLogLog with 2^14 registers. Small sets are kept sparse, at the finer precision 2^25, as in HyperLogLog++
//! (Heule, Nunkesser, Hall 2013); large ones are estimated by `ertl`.
//!
//! A sketch is a function of the set of hashes: also when it turns dense.

use std::borrow::Cow;

use super::encode::{self, Reader};
use super::ertl::estimate;
use crate::engine::prefetch::prefetch;

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
/// Entries that a sketch holds without memory of its own: of many groups, most are that small.
const FEW_MAX: usize = 5;
/// Entries that may wait unsorted in a small sketch; larger ones let a quarter of their size wait.
const UNSORTED_MIN: usize = 16;
/// Bytes of four 6-bit registers in a state.
const PACKED: usize = 3;
const SPARSE: u8 = 0;
const DENSE: u8 = 1;

/// A sketch of a set of hashes.
#[derive(Debug, Clone)]
pub(super) enum Sketch {
    /// The first `len` entries are ascending, with one a register.
    Few { len: u8, entries: [u32; FEW_MAX] },
    /// Entries, of which the first `sorted` are ascending with one a register; the rest are as they came.
    Sparse { entries: Vec<u32>, sorted: usize },
    /// The greatest rank of each register.
    Dense(Box<[u8; REGISTERS]>),
}

impl Default for Sketch {
    fn default() -> Self {
        Sketch::Few { len: 0, entries: [0; FEW_MAX] }
    }
}

impl Sketch {
    /// Asks for the cache line that [`Sketch::insert`] will look at first, beyond the sketch itself.
    #[inline]
    pub(super) fn prefetch(&self, hash: u64) {
        match self {
            Sketch::Few { .. } => {}
            Sketch::Sparse { entries, sorted } => {
                prefetch(entries, guess(*sorted, sparse_entry(hash)));
            }
            Sketch::Dense(registers) => prefetch(&registers[..], dense_index(hash)),
        }
    }

    /// Adds a hash.
    #[inline]
    pub(super) fn insert(&mut self, hash: u64) {
        match self {
            Sketch::Few { .. } | Sketch::Sparse { .. } => self.insert_entry(sparse_entry(hash)),
            Sketch::Dense(registers) => {
                let rank = ((hash << PRECISION | 1 << (PRECISION - 1)).leading_zeros() + 1) as u8;
                raise(registers, dense_index(hash), rank);
            }
        }
    }

    fn insert_entry(&mut self, entry: u32) {
        match self {
            Sketch::Few { len, entries } => {
                if !insert_few(len, entries, entry) {
                    *self = more(entries, entry);
                }
            }
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
    pub(super) fn compact(&mut self) {
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
            (Sketch::Dense(registers), Sketch::Dense(more)) => {
                registers
                    .iter_mut()
                    .zip(more.iter())
                    .for_each(|(rank, more)| *rank = (*rank).max(*more));
            }
            (_, Sketch::Dense(registers)) => {
                let mut merged = registers.clone();
                raise_all(&mut merged, self.entries());
                *self = Sketch::Dense(merged);
            }
            _ => other.entries().iter().for_each(|&entry| self.insert_entry(entry)),
        }
    }

    /// The entries of a sketch that is not dense.
    fn entries(&self) -> &[u32] {
        match self {
            Sketch::Few { len, entries } => &entries[..usize::from(*len)],
            Sketch::Sparse { entries, .. } => entries,
            Sketch::Dense(_) => &[],
        }
    }

    /// Whether no hash was added.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Sketch::Few { len: 0, .. })
    }

    /// Bytes on the heap.
    #[inline]
    pub(super) fn heap(&self) -> usize {
        match self {
            Sketch::Few { .. } => 0,
            Sketch::Sparse { entries, .. } => entries.capacity() * size_of::<u32>(),
            Sketch::Dense(_) => REGISTERS,
        }
    }

    /// About how many hashes there were.
    pub(super) fn estimate(&self) -> u64 {
        match &*self.compacted() {
            Sketch::Dense(registers) => estimate(&registers[..], RANK_MAX),
            // Linear counting gives m ln(m / (m - n)), which for these m and n rounds to n.
            sparse => sparse.entries().len() as u64,
        }
    }

    /// Appends the canonical encoding.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match &*self.compacted() {
            Sketch::Dense(registers) => {
                out.push(DENSE);
                out.extend(registers.as_chunks::<4>().0.iter().flat_map(pack));
            }
            sparse => {
                out.push(SPARSE);
                encode::put_varint(out, sparse.entries().len() as u64);
                let mut last = 0;
                for &entry in sparse.entries() {
                    encode::put_varint(out, u64::from(entry - last));
                    last = entry;
                }
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

/// Adds an entry to ascending ones; false if it is one too many.
#[inline]
fn insert_few(len: &mut u8, entries: &mut [u32; FEW_MAX], entry: u32) -> bool {
    let held = usize::from(*len);
    let at = entries[..held].partition_point(|known| known >> RANK_BITS < entry >> RANK_BITS);
    match entries[..held].get_mut(at) {
        Some(known) if *known >> RANK_BITS == entry >> RANK_BITS => *known = entry.max(*known),
        _ if held == FEW_MAX => return false,
        _ => {
            entries.copy_within(at..held, at + 1);
            entries[at] = entry;
            *len += 1;
        }
    }
    true
}

/// A sketch of one entry more than few.
#[cold]
fn more(few: &[u32; FEW_MAX], entry: u32) -> Sketch {
    let mut entries = Vec::with_capacity(UNSORTED_MIN);
    entries.extend_from_slice(few);
    entries.push(entry);
    Sketch::Sparse { entries, sorted: FEW_MAX }
}

/// Whether the ascending entries have the entry's register at its rank or above.
#[inline]
fn is_known(ascending: &[u32], entry: u32) -> bool {
    let at = first_from(ascending, entry);
    ascending.get(at).is_some_and(|known| known >> RANK_BITS == entry >> RANK_BITS)
}

/// Where an entry stands among so many ascending ones, more or less: hashes are spread evenly.
#[inline]
fn guess(len: usize, entry: u32) -> usize {
    ((len as u64 * u64::from(entry)) >> (SPARSE_PRECISION + RANK_BITS)) as usize
}

/// The first of the ascending entries that is not below this one. It is looked for next to the guess, which is a few cache
/// lines, where halving would visit one after the other all over the list.
#[inline]
fn first_from(ascending: &[u32], entry: u32) -> usize {
    let guess = guess(ascending.len(), entry);
    let (mut from, mut to, mut step) = (guess, guess, 1);
    while from > 0 && ascending[from - 1] >= entry {
        to = from - 1;
        from = from.saturating_sub(step);
        step *= 2;
    }
    while to < ascending.len() && ascending[to] < entry {
        from = to + 1;
        to = (to + step).min(ascending.len());
        step *= 2;
    }
    from + ascending[from..to].partition_point(|&known| known < entry)
}

fn read_sparse(reader: &mut Reader<'_>) -> Option<Sketch> {
    let len = reader.length().filter(|len| (1..=SPARSE_MAX).contains(len))?;
    let (mut few, mut many) = ([0; FEW_MAX], Vec::new());
    let entries = if len > FEW_MAX {
        many.resize(len, 0);
        &mut many[..]
    } else {
        &mut few[..len]
    };
    let mut last = 0u32;
    for (i, place) in entries.iter_mut().enumerate() {
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
        *place = entry;
        last = entry;
    }
    Some(match len {
        0..=FEW_MAX => Sketch::Few { len: len as u8, entries: few },
        _ => Sketch::Sparse { entries: many, sorted: len },
    })
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

/// A hash's register.
#[inline]
fn dense_index(hash: u64) -> usize {
    (hash >> (64 - PRECISION)) as usize
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
        fn an_entry_is_found_next_to_its_guess(
            entries in prop::collection::btree_set(
                prop_oneof![0u32..200, any::<u32>().prop_map(|e| e >> 1), (1u32 << 31) - 200..1 << 31], 0..300,
            ),
            entry in prop_oneof![0u32..200, any::<u32>().prop_map(|e| e >> 1), (1u32 << 31) - 200..1 << 31],
        ) {
            let ascending: Vec<u32> = entries.into_iter().collect();
            for entry in ascending.iter().copied().chain([entry]) {
                let expected = ascending.partition_point(|&known| known < entry);
                prop_assert_eq!(first_from(&ascending, entry), expected);
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
            sketch.entries().to_vec()
        };
        for hashes in [[low, high, low], [high, low, low], [low, low, high]] {
            assert_eq!(entries(&hashes), [sparse_entry(high)]);
        }
        let ascending = [sparse_entry(high)];
        assert!(is_known(&ascending, sparse_entry(low)));
        assert!(!is_known(&[sparse_entry(low)], sparse_entry(high)));
        assert!(!is_known(&ascending, sparse_entry(high + (1 << 39))));
    }

    /// Registers that collide, so that a sketch of many entries may have few registers.
    fn close_hashes() -> impl Strategy<Value = Vec<u64>> {
        let hash = (0u64..9, 0u32..40);
        prop::collection::vec(
            hash.prop_map(|(register, zeros)| register << 39 | 1 << 38 >> zeros),
            0..40,
        )
    }

    proptest! {
        #[test]
        fn few_entries_have_the_bytes_that_many_have(hashes in close_hashes(), cut in 0usize..40) {
            let bytes = |sketch: &Sketch| {
                let mut out = Vec::new();
                sketch.write(&mut out);
                out
            };
            let of = |hashes: &[u64], mut sketch: Sketch| {
                hashes.iter().for_each(|&hash| sketch.insert(hash));
                sketch
            };
            let many = of(&hashes, Sketch::Sparse { entries: Vec::new(), sorted: 0 });
            let few = of(&hashes, Sketch::default());
            prop_assert_eq!(bytes(&few), bytes(&many));
            prop_assert_eq!(few.estimate(), many.estimate());
            prop_assert_eq!(few.is_empty(), hashes.is_empty());
            let (left, right) = hashes.split_at(cut.min(hashes.len()));
            let mut merged = of(right, Sketch::default());
            merged.merge(&of(left, Sketch::default()));
            prop_assert_eq!(bytes(&merged), bytes(&many));
            if let Some(read) = Sketch::read(&mut Reader::new(&bytes(&few))) {
                prop_assert_eq!(bytes(&read), bytes(&few));
            }
        }
    }

    #[test]
    fn a_few_entries_take_no_room_beyond_a_list() {
        assert_eq!(size_of::<Sketch>(), size_of::<(Vec<u32>, usize)>());
    }

    #[test]
    fn a_sketch_turns_dense_by_content_however_it_came_together() {
        let bytes = |sketch: &Sketch| {
            let mut out = Vec::new();
            sketch.write(&mut out);
            out
        };
        let few = FEW_MAX as u64;
        let sparse = SPARSE_MAX as u64;
        for n in [1, few - 1, few, few + 1, few + 2, sparse - 1, sparse, sparse + 1, 6000] {
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
