//! The wanted fields as a tree of keys.

/// The value found for a field so far, and how many steps down it was.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Slot<'a> {
    pub(super) value: &'a [u8],
    pub(super) steps: u8,
}

/// Keys of an object that lead to wanted fields.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) entries: Vec<Entry>,
    /// A bit for each length of a key; long ones share the last.
    lengths: u64,
}

#[derive(Debug)]
pub(super) struct Entry {
    key: String,
    head: u64,
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

    /// The entry of a key, whose head is given too.
    #[inline(always)]
    pub(super) fn find(&self, key: &[u8], head: u64) -> Option<&Entry> {
        if self.lengths & length_bit(key.len()) == 0 {
            return None;
        }
        let is = |entry: &&Entry| {
            let known = entry.key.as_bytes();
            entry.head == head && known.len() == key.len() && (key.len() <= 8 || known == key)
        };
        self.entries.iter().find(is)
    }

    fn entry(&mut self, key: String) -> &mut Entry {
        self.lengths |= length_bit(key.len());
        let at = self.entries.iter().position(|entry| entry.key == key).unwrap_or_else(|| {
            let head = head(key.as_bytes());
            self.entries.push(Entry { key, head, leaf: None, below: Node::default() });
            self.entries.len() - 1
        });
        &mut self.entries[at]
    }
}

#[inline(always)]
fn length_bit(len: usize) -> u64 {
    1 << len.min(63)
}

/// The first eight bytes of a key, zeros behind a shorter one.
pub(super) fn head(key: &[u8]) -> u64 {
    let mut head = [0; 8];
    head.iter_mut().zip(key).for_each(|(to, byte)| *to = *byte);
    u64::from_le_bytes(head)
}
