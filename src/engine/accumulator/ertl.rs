//! The improved raw estimator for HyperLogLog of Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog
//! sketches" (2017), algorithm 6.

/// More than any rank of a 64-bit hash.
const RANKS: usize = 64;

/// About how many hashes raised the registers, whose ranks go up to `rank_max` (below 64).
///
/// Only +, *, / and sqrt, so that every machine gets the same bits.
pub(super) fn estimate(registers: &[u8], rank_max: u8) -> u64 {
    let m = registers.len() as f64;
    let mut counts = [0u32; RANKS];
    registers.iter().for_each(|&rank| counts[usize::from(rank)] += 1);
    let last = usize::from(rank_max);
    let mut z = m * tau(1.0 - f64::from(counts[last]) / m);
    for &count in counts[1..last].iter().rev() {
        z = 0.5 * (z + f64::from(count));
    }
    z += m * sigma(f64::from(counts[0]) / m);
    let alpha = 0.5 / std::f64::consts::LN_2;
    (alpha * m * m / z).round() as u64
}

/// `x + Σ x^(2^k) 2^(k-1)`: the share of registers that are still zero.
fn sigma(mut x: f64) -> f64 {
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let last = z;
        z += x * y;
        y += y;
        if z == last || z.is_infinite() {
            return z;
        }
    }
}

/// `(1 - x - Σ (1 - x^(2^-k))² 2^-k) / 3`: the share of registers at the greatest rank.
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let last = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == last {
            return z / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_end_at_their_limits() {
        assert_eq!((sigma(0.0), sigma(1.0)), (0.0, f64::INFINITY));
        assert_eq!((tau(0.0), tau(1.0)), (0.0, 0.0));
        assert!((sigma(0.5) - (0.5 + 0.25 + 0.125 + 4.0 / 256.0 + 8.0 / 65536.0)).abs() < 1e-6);
    }

    #[test]
    fn untouched_registers_mean_none_and_full_ones_still_a_number() {
        assert_eq!(estimate(&[0; 1024], 51), 0);
        assert!(estimate(&[51; 1024], 51) > 1 << 60);
    }
}
