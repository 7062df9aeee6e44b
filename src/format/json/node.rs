//! The wanted fields as a tree of keys.

use super::capture::Slot;

/// Keys of an object that lead to wanted fields.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) entries: Vec<Entry>,
    /// A bit for each length of a key; long ones share the last.
    lengths: u64,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) leaf: Option<Leaf>,
    pub(super) below: Node,
}

/// Where a field ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leaf {
    /// The field.
    slot: usize,
    /// From the root: a literal key has fewer, and goes first.
    steps: u8,
}

impl Leaf {
    /// Keeps a value, unless one of fewer steps is known. Of equal keys the last counts.
    #[inline(always)]
    pub(super) fn keep<'a>(self, value: &'a [u8], slots: &mut [Slot<'a>]) {
        let slot = &mut slots[self.slot];
        if slot.steps == 0 || self.steps <= slot.steps {
            *slot = Slot { value, steps: self.steps };
        }
    }
}

impl Node {
    /// Adds every way to read the name: each dot may be a step down or stand in a key.
    pub(super) fn insert(&mut self, parts: &[&str], slot: usize, steps: u8) {
        for end in 1..=parts.len() {
            let entry = self.entry(parts[..end].join("."));
            match &parts[end..] {
                [] => entry.leaf = Some(Leaf { slot, steps }),
                rest => entry.below.insert(rest, slot, steps + 1),
            }
        }
    }

    /// The entry of a key.
    #[inline(always)]
    pub(super) fn find(&self, key: &[u8]) -> Option<&Entry> {
        if self.lengths & length_bit(key.len()) == 0 {
            return None;
        }
        self.entries.iter().find(|entry| entry.key.as_bytes() == key)
    }

    fn entry(&mut self, key: String) -> &mut Entry {
        self.lengths |= length_bit(key.len());
        let at = self.entries.iter().position(|entry| entry.key == key).unwrap_or_else(|| {
            self.entries.push(Entry { key, leaf: None, below: Node::default() });
            self.entries.len() - 1
        });
        &mut self.entries[at]
    }
}

#[inline(always)]
fn length_bit(len: usize) -> u64 {
    1 << len.min(63)
}
