//! Randomness that is the same on every machine: a small generator, and draws with Zipf's law.
//!
//! Only integer arithmetic and the IEEE operations that are exact everywhere (`+ - * /` and the square root) are used,
//! never the platform's maths library, so that a seed gives the same bytes on any machine.

/// xoshiro256++ (Blackman and Vigna, 2019), seeded by splitmix64.
pub(crate) struct Rng {
    state: [u64; 4],
}

impl Rng {
    /// A generator whose whole sequence follows from `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        let mut mix = seed;
        Rng { state: std::array::from_fn(|_| splitmix64(&mut mix)) }
    }

    /// The next 64 random bits.
    #[inline]
    pub(crate) fn bits(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let shifted = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= shifted;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A number in `0..bound`. The bias of at most `bound / 2^64` doesn't matter here.
    #[inline]
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// True once in `n` draws.
    #[inline]
    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// One of the items, each as likely as the others.
    #[inline]
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }
}

/// One step of splitmix64 (Steele, Lea, Flood, 2014).
pub(crate) fn splitmix64(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Draws ranks `0..n`, rank k with a weight of 1 / (k + 1): Zipf's law with exponent 1.
///
/// The alias method (Vose, 1991): one draw costs one random number and one look into the table, whatever n is.
pub(crate) struct Zipf {
    /// (threshold of 2^32, rank to take above it), one a rank.
    slots: Vec<(u32, u32)>,
}

impl Zipf {
    /// The table for `n` ranks; 0 is taken as 1.
    pub(crate) fn new(n: usize) -> Self {
        let n = n.max(1);
        let total: f64 = (1..=n).map(|k| 1.0 / k as f64).sum();
        let mut share: Vec<f64> = (1..=n).map(|k| n as f64 / (k as f64 * total)).collect();
        let mut slots = vec![(u32::MAX, 0); n];
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..n).partition(|&rank| share[rank] < 1.0);
        while let (Some(&low), Some(&high)) = (small.last(), large.last()) {
            small.pop();
            slots[low] = ((share[low] * 4_294_967_296.0) as u32, high as u32);
            share[high] -= 1.0 - share[low];
            if share[high] < 1.0 {
                large.pop();
                small.push(high);
            }
        }
        // What rounding left over stands for itself.
        for rank in small.into_iter().chain(large) {
            slots[rank] = (u32::MAX, rank as u32);
        }
        Zipf { slots }
    }

    /// A rank, the lowest the most often.
    #[inline]
    pub(crate) fn draw(&self, rng: &mut Rng) -> usize {
        let bits = rng.bits();
        let slot = ((u128::from(bits >> 32) * self.slots.len() as u128) >> 32) as usize;
        let (threshold, other) = self.slots[slot];
        if bits as u32 <= threshold { slot } else { other as usize }
    }
}
