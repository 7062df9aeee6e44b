//! Cutting a byte range into splits that workers take one by one.

/// A stretch of a segment's bytes. The lines whose first byte lies in it belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    /// First byte.
    pub start: u64,
    /// Behind the last byte.
    pub end: u64,
}

/// The splits of `start..end`, each `split_bytes` long (at least 1) but for a shorter last one.
pub fn splits(start: u64, end: u64, split_bytes: u64) -> impl Iterator<Item = Split> {
    let step = split_bytes.max(1);
    std::iter::successors(Some(start), move |at| at.checked_add(step))
        .take_while(move |at| *at < end)
        .map(move |at| Split { start: at, end: at.saturating_add(step).min(end) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_cover_the_range_once() {
        let all: Vec<Split> = splits(3, 10, 3).collect();
        let expected = [(3, 6), (6, 9), (9, 10)].map(|(start, end)| Split { start, end });
        assert_eq!(all, expected);
        assert_eq!(splits(5, 5, 3).count(), 0);
        assert_eq!(splits(u64::MAX - 1, u64::MAX, 9).count(), 1);
    }
}
