//! Groups as they come out of a merge: a key, and the state that each sequence has for it, as bytes. To make one costs a
//! copy, so one thread can merge for many that decode, evaluate and write.

/// Some groups, ascending by key.
#[derive(Default)]
pub struct Merged {
    keys: Vec<u8>,
    key_ends: Vec<usize>,
    states: Vec<u8>,
    state_ends: Vec<usize>,
    /// For each group, how many states there are up to its last.
    counts: Vec<usize>,
    batches: Vec<u64>,
}

impl Merged {
    /// How many groups.
    pub fn len(&self) -> usize {
        self.key_ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.key_ends.is_empty()
    }

    /// Bytes of keys and states.
    pub fn bytes(&self) -> usize {
        self.keys.len() + self.states.len()
    }

    /// The key of a group.
    pub fn key(&self, group: usize) -> &[u8] {
        cut(&self.keys, &self.key_ends, group)
    }

    /// The batch that changed it last.
    pub fn batch(&self, group: usize) -> u64 {
        self.batches[group]
    }

    /// The states of a group, at least one.
    pub fn states(&self, group: usize) -> impl ExactSizeIterator<Item = &[u8]> {
        let from = if group == 0 { 0 } else { self.counts[group - 1] };
        (from..self.counts[group]).map(|at| cut(&self.states, &self.state_ends, at))
    }

    /// Its state, where it has a single one: then it is the group's, to the last bit.
    pub fn only_state(&self, group: usize) -> Option<&[u8]> {
        let mut states = self.states(group);
        states.next().filter(|_| states.len() == 0)
    }

    /// Whether the last group has several states, of so many bytes or more.
    pub(super) fn is_heavy(&self, bytes: usize) -> bool {
        let Some(last) = self.len().checked_sub(1) else { return false };
        let from = if last == 0 { 0 } else { self.counts[last - 1] };
        self.counts[last] > from + 1 && self.states.len() - self.start_of(from) >= bytes
    }

    /// Puts one state in the place of all states of the last group.
    pub(super) fn replace_states(&mut self, state: &[u8]) {
        let Some(last) = self.len().checked_sub(1) else { return };
        let from = if last == 0 { 0 } else { self.counts[last - 1] };
        self.states.truncate(self.start_of(from));
        self.state_ends.truncate(from);
        self.counts[last] = from;
        self.push_state(0, |states| states.extend_from_slice(state));
    }

    /// Where a state begins.
    fn start_of(&self, state: usize) -> usize {
        if state == 0 { 0 } else { self.state_ends[state - 1] }
    }

    pub(super) fn clear(&mut self) {
        self.keys.clear();
        self.key_ends.clear();
        self.states.clear();
        self.state_ends.clear();
        self.counts.clear();
        self.batches.clear();
    }

    pub(super) fn last_key(&self) -> Option<&[u8]> {
        self.len().checked_sub(1).map(|last| self.key(last))
    }

    /// Begins a group.
    pub(super) fn push_key(&mut self, key: &[u8]) {
        self.keys.extend_from_slice(key);
        self.key_ends.push(self.keys.len());
        self.counts.push(self.state_ends.len());
        self.batches.push(0);
    }

    /// Adds a state to the last group.
    pub(super) fn push_state(&mut self, batch: u64, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.states);
        self.state_ends.push(self.states.len());
        let last = self.len() - 1;
        self.counts[last] = self.state_ends.len();
        self.batches[last] = self.batches[last].max(batch);
    }
}

fn cut<'b>(bytes: &'b [u8], ends: &[usize], at: usize) -> &'b [u8] {
    let start = if at == 0 { 0 } else { ends[at - 1] };
    &bytes[start..ends[at]]
}
