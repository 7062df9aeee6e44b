//! The wanted fields as a tree of keys.

/// Keys of an object that lead to wanted fields.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) entries: Vec<Entry>,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    /// The field that ends here, and the steps from the root: a literal key has fewer, and goes first.
    pub(super) leaf: Option<(usize, u8)>,
    pub(super) below: Node,
}

impl Node {
    /// Adds every way to read the name: each dot may be a step down or stand in a key.
    pub(super) fn insert(&mut self, parts: &[&str], slot: usize, steps: u8) {
        for end in 1..=parts.len() {
            let entry = self.entry(parts[..end].join("."));
            match &parts[end..] {
                [] => entry.leaf = Some((slot, steps)),
                rest => entry.below.insert(rest, slot, steps + 1),
            }
        }
    }

    fn entry(&mut self, key: String) -> &mut Entry {
        let at = self.entries.iter().position(|entry| entry.key == key).unwrap_or_else(|| {
            self.entries.push(Entry { key, leaf: None, below: Node::default() });
            self.entries.len() - 1
        });
        &mut self.entries[at]
    }
}
