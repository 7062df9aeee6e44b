//! Sorting of keys by their bytes, eight at a time: numbers are compared, and keys are looked up only where those are
//! equal. Keys of one table have much in common at their front (the same day, the same folder), which is passed over first.

/// Runs below this length are compared key by key.
const FEW: usize = 16;

/// Keys that are equal up to a depth.
struct Run {
    from: usize,
    to: usize,
    depth: usize,
}

/// The numbers `0..count` in the order of their keys.
pub(super) fn by_key<'k>(count: usize, key: impl Fn(u32) -> &'k [u8]) -> Vec<u32> {
    let mut entries: Vec<(u64, u32)> = (0..count as u32).map(|at| (0, at)).collect();
    // A list of what is left, not a recursion: keys may be as long as lines.
    let mut left = vec![Run { from: 0, to: count, depth: common(count, &key) }];
    while let Some(run) = left.pop() {
        let entries = &mut entries[run.from..run.to];
        let rest = |at: u32| key(at).get(run.depth..).unwrap_or_default();
        if entries.len() <= FEW {
            entries.sort_unstable_by(|a, b| rest(a.1).cmp(rest(b.1)));
            continue;
        }
        entries.iter_mut().for_each(|entry| entry.0 = word(rest(entry.1)));
        entries.sort_unstable_by_key(|entry| entry.0);
        let mut from = run.from;
        for equal in entries.chunk_by_mut(|a, b| a.0 == b.0) {
            let to = from + equal.len();
            if equal.iter().any(|entry| rest(entry.1).len() < 8) {
                // A key that ends was filled up with zeros. No key that is a part of another one comes from `key::encode`.
                equal.sort_unstable_by(|a, b| rest(a.1).cmp(rest(b.1)));
            } else if equal.len() > 1 {
                left.push(Run { from, to, depth: run.depth + 8 });
            }
            from = to;
        }
    }
    entries.into_iter().map(|(_, at)| at).collect()
}

/// How many bytes all keys have in common at their front.
fn common<'k>(count: usize, key: &impl Fn(u32) -> &'k [u8]) -> usize {
    if count == 0 {
        return 0;
    }
    let first = key(0);
    (1..count as u32).fold(first.len(), |common, at| shared(&first[..common], key(at)))
}

/// How many bytes two keys have in common at their front.
fn shared(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// The first eight bytes as a number that sorts as they do, the missing ones zero.
#[inline]
fn word(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(word) => u64::from_be_bytes(*word),
        None => {
            let mut word = [0; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            u64::from_be_bytes(word)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        // Few different bytes and long common fronts, so that words are equal at several depths.
        #[test]
        fn the_order_is_that_of_the_bytes(
            front in prop::collection::vec(0u8..2, 0..30),
            mut keys in prop::collection::vec(prop::collection::vec(prop_oneof![Just(0u8), Just(1), Just(255)], 0..40), 0..120),
            repeats in 0usize..40,
        ) {
            keys.iter_mut().for_each(|key| { key.splice(0..0, front.iter().copied()); });
            let copies: Vec<_> = keys.iter().take(1).cycle().take(repeats).cloned().collect();
            keys.extend(copies);
            let order = by_key(keys.len(), |at| &keys[at as usize]);
            let sorted: Vec<&Vec<u8>> = order.iter().map(|&at| &keys[at as usize]).collect();
            let mut expected: Vec<&Vec<u8>> = keys.iter().collect();
            expected.sort();
            prop_assert_eq!(sorted, expected);
            let mut all = order;
            all.sort_unstable();
            prop_assert!(all.into_iter().eq(0..keys.len() as u32));
        }
    }

    #[test]
    fn keys_as_long_as_lines_need_no_deep_stack() {
        let long = vec![7u8; 1 << 20];
        let mut keys: Vec<Vec<u8>> =
            (0..20u8).rev().map(|last| [&long[..], &[last]].concat()).collect();
        keys.push(vec![8]);
        let order = by_key(keys.len(), |at| &keys[at as usize]);
        assert!(order.into_iter().eq((0..20).rev().chain([20])));
    }
}
