//! A log-linear histogram of floats: 64 buckets an octave, found by shifts alone (as HdrHistogram and DDSketch's
//! linearly interpolated mapping do), so that every machine and order gives the same counts.
//!
//! A bucket's middle is within 1/128 of every value in it.

use super::encode::{self, Reader};

/// Bits of the fraction that pick a bucket in an octave.
const FRACTION_BITS: u32 = 6;
const OCTAVE: usize = 1 << FRACTION_BITS;
/// Bits of a float below those.
const DROPPED: u32 = f64::MANTISSA_DIGITS - 1 - FRACTION_BITS;
/// Octaves by which subnormals are lifted to become normal.
const LIFT: i32 = 54;
/// Makes the least subnormal's bucket 1.
const OFFSET: i32 = (LIFT - 3) * OCTAVE as i32 + 1;
/// The bucket of infinity.
const BUCKET_MAX: i32 = 0x7ff * OCTAVE as i32 + OFFSET;
/// Buckets that a short list holds before counts go by octave.
const FEW_MAX: usize = 32;

/// Counts of values by bucket; the exact least and greatest; NaN counted apart, as the greatest value.
#[derive(Debug)]
pub(super) struct Histogram {
    nan: u64,
    min: f64,
    max: f64,
    buckets: Buckets,
}

#[derive(Debug)]
enum Buckets {
    /// (bucket, count), ascending.
    Few(Vec<(i32, u32)>),
    Many(Many),
}

/// Counters by octave.
#[derive(Debug, Default)]
struct Many {
    /// Of bucket 0, which is far from all others.
    zero: u64,
    /// The first octave of `octaves`.
    first: i32,
    /// The lower 32 bits of the counts.
    octaves: Vec<Option<Box<[u32; OCTAVE]>>>,
    used: usize,
    /// Those above them, by ascending bucket.
    high: Vec<(i32, u32)>,
}

impl Default for Histogram {
    fn default() -> Self {
        let buckets = Buckets::Few(Vec::new());
        Histogram { nan: 0, min: f64::INFINITY, max: f64::NEG_INFINITY, buckets }
    }
}

/// The bucket of a value that is not NaN: 0 for zero, mirrored for negatives.
#[inline]
fn bucket(value: f64) -> i32 {
    let size = value.abs();
    let bucket = if size >= f64::MIN_POSITIVE {
        (size.to_bits() >> DROPPED) as i32 + OFFSET
    } else if size > 0.0 {
        let lifted = size * f64::from_bits(((1023 + LIFT) as u64) << 52);
        (lifted.to_bits() >> DROPPED) as i32 - LIFT * OCTAVE as i32 + OFFSET
    } else {
        0
    };
    if value < 0.0 { -bucket } else { bucket }
}

/// The middle of a bucket.
fn middle(bucket: i32) -> f64 {
    let at = bucket.abs() - OFFSET;
    let half = 1u64 << (DROPPED - 1);
    let size = if bucket == 0 {
        0.0
    } else if bucket.abs() == BUCKET_MAX {
        f64::INFINITY
    } else if at >= OCTAVE as i32 {
        f64::from_bits((at as u64) << DROPPED | half)
    } else {
        // Just below the middle, since among the least floats the middle is a tie that may round out of the bucket.
        let lifted = f64::from_bits((((at + LIFT * OCTAVE as i32) as u64) << DROPPED | half) - 1);
        lifted / f64::from_bits(((1023 + LIFT) as u64) << 52)
    };
    if bucket < 0 { -size } else { size }
}

impl Histogram {
    /// Counts a value between the least and the greatest whose octave has counters: nearly all, and nothing else changes.
    /// False, and nothing done, for any other.
    #[inline]
    pub(super) fn count_known(&mut self, value: f64) -> bool {
        let Buckets::Many(many) = &mut self.buckets else { return false };
        value >= self.min && value <= self.max && many.count_known(bucket(value))
    }

    /// Counts a value.
    #[inline]
    pub(super) fn insert(&mut self, value: f64) {
        if value.is_nan() {
            self.nan += 1;
            return;
        }
        let value = value + 0.0; // no negative zero
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.buckets.add(bucket(value), 1);
    }

    /// Adds another histogram's counts.
    pub(super) fn merge(&mut self, other: &Histogram) {
        self.nan = self.nan.wrapping_add(other.nan);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        other.buckets.each(|bucket, count| self.buckets.add(bucket, count));
    }

    /// Whether no value was counted.
    pub(super) fn is_empty(&self) -> bool {
        self.nan == 0 && self.min > self.max
    }

    /// Bytes on the heap.
    #[inline]
    pub(super) fn heap(&self) -> usize {
        match &self.buckets {
            Buckets::Few(list) => list.capacity() * size_of::<(i32, u32)>(),
            Buckets::Many(many) => many.heap(),
        }
    }

    /// About the value of rank `ceil(quantile * n)`, and at least 1, of the `n` values: PostgreSQL's `percentile_disc`.
    /// `None` without values.
    pub(super) fn quantile(&self, quantile: f64) -> Option<f64> {
        let mut counted = 0u64;
        self.buckets.each(|_, count| counted = counted.wrapping_add(count));
        let total = counted.wrapping_add(self.nan);
        if total == 0 {
            return None;
        }
        let rank = ((quantile * total as f64).ceil() as u64).clamp(1, total);
        if rank > counted {
            return Some(f64::NAN);
        }
        let (mut passed, mut found) = (0u64, None);
        self.buckets.each(|bucket, count| {
            passed = passed.saturating_add(count);
            if passed >= rank && found.is_none() {
                found = Some(bucket);
            }
        });
        found.map(|bucket| middle(bucket).max(self.min).min(self.max))
    }

    /// Appends the canonical encoding.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        encode::put_varint(out, self.nan);
        let mut used = 0;
        self.buckets.each(|_, _| used += 1);
        encode::put_varint(out, used);
        if used == 0 {
            return;
        }
        out.extend_from_slice(&self.min.to_le_bytes());
        out.extend_from_slice(&self.max.to_le_bytes());
        let mut last = -BUCKET_MAX - 1;
        self.buckets.each(|bucket, count| {
            encode::put_varint(out, (bucket - last) as u64);
            encode::put_varint(out, count);
            last = bucket;
        });
    }

    /// Reads what `write` wrote.
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut histogram = Histogram { nan: reader.varint()?, ..Histogram::default() };
        let used = reader.length()?;
        if used == 0 {
            return (histogram.nan > 0).then_some(histogram);
        }
        histogram.min = f64::from_le_bytes(reader.array()?);
        histogram.max = f64::from_le_bytes(reader.array()?);
        let mut last = -BUCKET_MAX - 1;
        for i in 0..used {
            let step = i32::try_from(reader.varint()?).ok().filter(|step| *step > 0)?;
            let count = reader.varint().filter(|count| *count > 0)?;
            last = last.checked_add(step).filter(|bucket| *bucket <= BUCKET_MAX)?;
            histogram.buckets.add(last, count);
            if i == 0 && !is_canonical_in(histogram.min, last) {
                return None;
            }
        }
        (is_canonical_in(histogram.max, last) && histogram.min <= histogram.max)
            .then_some(histogram)
    }
}

fn is_canonical_in(value: f64, of: i32) -> bool {
    bucket(value) == of && !value.is_nan() && (value + 0.0).to_bits() == value.to_bits()
}

impl Buckets {
    #[inline]
    fn add(&mut self, bucket: i32, count: u64) {
        match self {
            Buckets::Few(list) => {
                if !add_to_list(list, bucket, count) {
                    self.spread();
                    self.add(bucket, count);
                }
            }
            Buckets::Many(many) => many.add(bucket, count),
        }
    }

    /// Turns the list into octaves.
    fn spread(&mut self) {
        let few = std::mem::replace(self, Buckets::Many(Many::default()));
        few.each(|bucket, count| self.add(bucket, count));
    }

    /// Calls `visit` with each bucket that has a count, ascending.
    fn each(&self, mut visit: impl FnMut(i32, u64)) {
        match self {
            Buckets::Few(list) => {
                list.iter().for_each(|&(bucket, count)| visit(bucket, u64::from(count)))
            }
            Buckets::Many(many) => many.each(visit),
        }
    }
}

impl Many {
    /// Counts one value, if its bucket has a counter that takes it.
    #[inline]
    fn count_known(&mut self, bucket: i32) -> bool {
        if bucket == 0 {
            self.zero = self.zero.wrapping_add(1);
            return true;
        }
        let octave = (bucket >> FRACTION_BITS).wrapping_sub(self.first) as usize;
        let Some(Some(counts)) = self.octaves.get_mut(octave) else { return false };
        let counter = &mut counts[bucket as usize % OCTAVE];
        let Some(sum) = counter.checked_add(1) else { return false };
        *counter = sum;
        true
    }

    fn add(&mut self, bucket: i32, count: u64) {
        if bucket == 0 {
            self.zero = self.zero.wrapping_add(count);
            return;
        }
        let octave = bucket >> FRACTION_BITS;
        let at = octave.wrapping_sub(self.first) as usize;
        let at = if at < self.octaves.len() { at } else { self.widen(octave) };
        let counts = self.octaves[at].get_or_insert_with(|| {
            self.used += 1;
            Box::new([0; OCTAVE])
        });
        let counter = &mut counts[bucket as usize % OCTAVE];
        let (sum, carries) = counter.overflowing_add(count as u32);
        *counter = sum;
        let high = ((count >> 32) as u32).wrapping_add(u32::from(carries));
        if high > 0 {
            self.add_high(bucket, high);
        }
    }

    #[cold]
    fn add_high(&mut self, bucket: i32, high: u32) {
        match self.high.binary_search_by_key(&bucket, |entry| entry.0) {
            Ok(at) => self.high[at].1 = self.high[at].1.wrapping_add(high),
            Err(at) => self.high.insert(at, (bucket, high)),
        }
    }

    /// Makes room for an octave, and gives its place.
    #[cold]
    fn widen(&mut self, octave: i32) -> usize {
        if self.octaves.is_empty() {
            self.first = octave;
        }
        if octave < self.first {
            let more = (self.first - octave) as usize;
            self.octaves.splice(0..0, std::iter::repeat_with(|| None).take(more));
            self.first = octave;
        }
        let at = (octave - self.first) as usize;
        if self.octaves.len() <= at {
            self.octaves.resize_with(at + 1, || None);
        }
        at
    }

    fn each(&self, mut visit: impl FnMut(i32, u64)) {
        let mut visit = |bucket, count| {
            if count > 0 {
                visit(bucket, count);
            }
        };
        let mut zero = Some(self.zero);
        let filled = (self.first..)
            .zip(&self.octaves)
            .filter_map(|(at, octave)| Some((at, octave.as_ref()?)));
        for (octave, counts) in filled {
            if octave >= 0 {
                zero.take().into_iter().for_each(|count| visit(0, count));
            }
            let buckets = (octave << FRACTION_BITS..).zip(counts.iter());
            buckets.for_each(|(bucket, &low)| visit(bucket, self.high(bucket) | u64::from(low)));
        }
        zero.into_iter().for_each(|count| visit(0, count));
    }

    /// The upper 32 bits of a bucket's count, in place.
    #[inline]
    fn high(&self, bucket: i32) -> u64 {
        if self.high.is_empty() {
            return 0;
        }
        let found = self.high.binary_search_by_key(&bucket, |entry| entry.0);
        found.map_or(0, |at| u64::from(self.high[at].1) << 32)
    }

    fn heap(&self) -> usize {
        self.octaves.capacity() * size_of::<usize>()
            + self.used * OCTAVE * size_of::<u32>()
            + self.high.capacity() * size_of::<(i32, u32)>()
    }
}

/// Whether the list could take it: it is kept short, and its counters are.
fn add_to_list(list: &mut Vec<(i32, u32)>, bucket: i32, count: u64) -> bool {
    let Ok(count) = u32::try_from(count) else {
        return false;
    };
    match list.binary_search_by_key(&bucket, |entry| entry.0) {
        Ok(at) => list[at].1.checked_add(count).map(|sum| list[at].1 = sum).is_some(),
        Err(_) if list.len() >= FEW_MAX => false,
        Err(at) => {
            list.insert(at, (bucket, count));
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_middle_of_a_bucket_is_near_its_values(value in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL) {
            prop_assert!((middle(bucket(value)) - value).abs() <= value.abs() / 128.0);
        }

        #[test]
        fn buckets_keep_the_order(a: f64, b: f64) {
            prop_assume!(a < b);
            prop_assert!(bucket(a) <= bucket(b));
        }
    }

    #[test]
    fn the_ends_have_their_own_buckets() {
        assert_eq!(bucket(f64::from_bits(1)), 1);
        assert_eq!(bucket(f64::INFINITY), BUCKET_MAX);
        assert_eq!(bucket(f64::MAX), BUCKET_MAX - 1);
        assert_eq!((bucket(0.0), bucket(-0.0)), (0, 0));
        for value in [0.0, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(middle(bucket(value)), value);
        }
    }

    #[test]
    fn the_least_floats_come_out_as_they_went_in() {
        for steps in 1..128 {
            let value = f64::from_bits(steps);
            assert_eq!(middle(bucket(value)), value);
        }
    }

    #[test]
    fn the_short_way_counts_as_the_long_way_does() {
        let specials =
            [0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::from_bits(1), 1e-310];
        let value = |i: i32| match i % 40 {
            special @ 0..7 => specials[special as usize],
            _ => f64::from(i * 7919 % 1001 - 500) / 8.0,
        };
        let (mut short, mut long) = (Histogram::default(), Histogram::default());
        let mut known = 0;
        for value in (0..5000).map(value) {
            long.insert(value);
            match short.count_known(value) {
                true => known += 1,
                false => short.insert(value),
            }
        }
        let (mut a, mut b) = (Vec::new(), Vec::new());
        short.write(&mut a);
        long.write(&mut b);
        assert_eq!(a, b);
        assert!(known > 4000, "{known} of 5000 values");
    }

    #[test]
    fn a_histogram_has_one_form_however_it_came_together() {
        let bytes = |histogram: &Histogram| {
            let mut out = Vec::new();
            histogram.write(&mut out);
            out
        };
        let value = |i: i32| f64::from(i % 97 - 48) * 10f64.powi(i % 13 - 6);
        for len in [20, 32, 33, 34, 100, 3000] {
            let mut whole = Histogram::default();
            (0..len).for_each(|i| whole.insert(value(i)));
            for parts in [2, 3, 60] {
                let mut merged = Histogram::default();
                for part in (0..parts).rev() {
                    let mut piece = Histogram::default();
                    (0..len)
                        .rev()
                        .filter(|i| i % parts == part)
                        .for_each(|i| piece.insert(value(i)));
                    let read = Histogram::read(&mut Reader::new(&bytes(&piece)));
                    merged.merge(if part % 2 == 0 {
                        &piece
                    } else {
                        read.as_ref().unwrap_or(&piece)
                    });
                    assert_eq!(read.is_none(), piece.is_empty());
                }
                assert_eq!(bytes(&merged), bytes(&whole), "{len} in {parts}");
                assert_eq!(merged.quantile(0.5), whole.quantile(0.5));
            }
        }
    }

    #[test]
    fn a_counter_beyond_32_bits_keeps_counting() {
        for others in [0, FEW_MAX] {
            let mut histogram = Histogram::default();
            (0..others).for_each(|other| histogram.insert(-1.5 * (other + 1) as f64));
            for value in [1.0, 0.0, -1.0] {
                histogram.insert(value);
                histogram.buckets.add(bucket(value), u64::from(u32::MAX));
                histogram.buckets.add(bucket(value), 5 << 32);
                let count = || {
                    let mut counted = 0;
                    let of_value = |at: i32, count: u64| {
                        counted = if at == bucket(value) { count } else { counted };
                    };
                    histogram.buckets.each(of_value);
                    counted
                };
                assert_eq!(count(), 6 << 32);
            }
            // One below the carry: the quick way leaves it to the other.
            histogram.buckets.add(bucket(1.0), u64::from(u32::MAX));
            assert!(!histogram.count_known(1.0));
            histogram.insert(1.0);
            let mut written = Vec::new();
            histogram.write(&mut written);
            let read = Histogram::read(&mut Reader::new(&written)).expect("just written");
            let mut again = Vec::new();
            read.write(&mut again);
            assert_eq!(again, written);
        }
    }
}
