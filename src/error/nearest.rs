//! "Did you mean": the known name that is nearest to a wrong one.

/// The candidate with the smallest edit distance to `word`, where that is small enough to be a slip.
pub fn nearest<'n, N: AsRef<str> + ?Sized + 'n>(
    word: &str,
    candidates: impl IntoIterator<Item = &'n N>,
) -> Option<&'n str> {
    let limit = (word.chars().count() / 3).max(1) + usize::from(word.chars().count() > 3);
    candidates
        .into_iter()
        .map(|name| (distance(word, name.as_ref()), name.as_ref()))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, name)| name)
}

/// Levenshtein's edit distance, case folded, in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let above = row[j + 1];
            let substituted = diagonal + usize::from(x != *y);
            row[j + 1] = substituted.min(above + 1).min(row[j] + 1);
            diagonal = above;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_and_a_stranger_finds_none() {
        let names = ["window", "by", "measures"];
        assert_eq!(nearest("windw", names), Some("window"));
        assert_eq!(nearest("Measure", names), Some("measures"));
        assert_eq!(nearest("zebra", names), None);
    }
}
