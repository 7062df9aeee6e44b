//! The group table of one worker: keys to gapless group ids, and columnar accumulators.

use super::accumulator::Accumulator;
use super::key_table::KeyTable;
use super::keys::{FixedKeys, KeyList};

/// Keys, and the states of their groups.
pub struct GroupTable {
    keys: KeyTable,
    accumulators: Vec<Box<dyn Accumulator>>,
    /// For each aggregate call of the plan, the place of its accumulator, which calls with the same state share.
    places: Vec<usize>,
    /// For each accumulator, the first call that it is for.
    calls: Vec<usize>,
}

/// States that were cut out of a table, by accumulator; `None` for those that stayed there.
#[derive(Default)]
pub(super) struct Piece(pub(super) Vec<Option<Box<dyn Accumulator>>>);

impl GroupTable {
    /// An empty table over these (empty) accumulators, one an aggregate call.
    pub fn new(accumulators: Vec<Box<dyn Accumulator>>) -> Self {
        let places = (0..accumulators.len()).collect();
        GroupTable::sharing(accumulators, places)
    }

    /// An empty table over these (empty) accumulators. `places`: for each aggregate call, its accumulator; they begin with
    /// 0, and none is above those before by more than 1.
    pub(super) fn sharing(accumulators: Vec<Box<dyn Accumulator>>, places: Vec<usize>) -> Self {
        let call = |place| places.iter().position(|&p| p == place);
        let calls = (0..accumulators.len()).filter_map(call).collect();
        GroupTable { keys: KeyTable::encoded(), accumulators, places, calls }
    }

    /// The accumulator that holds the states of an aggregate call: of a kind that merges into the call's own.
    pub fn accumulator(&self, call: usize) -> &dyn Accumulator {
        self.accumulators[self.places[call]].as_ref()
    }

    /// The accumulators to fold rows into, each with the first call that it is for.
    pub(super) fn updates(&mut self) -> impl Iterator<Item = (usize, &mut Box<dyn Accumulator>)> {
        self.calls.iter().copied().zip(&mut self.accumulators)
    }

    /// How many groups.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no group.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The key of a group.
    #[inline]
    pub fn key(&self, group: u32) -> &[u8] {
        self.keys.key(group)
    }

    /// The group of a key; a new one where it was not known. Accumulators are resized by [`GroupTable::grow`].
    pub fn intern(&mut self, key: &[u8]) -> u32 {
        self.keys.intern(key)
    }

    /// Appends the group of each of some keys of one length, which lie one after the other.
    pub fn intern_fixed(&mut self, keys: &[u8], stride: usize, groups: &mut Vec<u32>) {
        self.intern_all(&FixedKeys { bytes: keys, stride }, groups);
    }

    /// Appends the group of each key, as [`GroupTable::intern`] gives it.
    pub(super) fn intern_all(&mut self, keys: &impl KeyList, groups: &mut Vec<u32>) {
        self.keys.intern_all(keys, groups);
    }

    /// Appends the group of each of some rows' texts, as [`GroupTable::intern`] gives it for their keys.
    pub(super) fn intern_texts(&mut self, texts: &[&str], rows: &[u32], groups: &mut Vec<u32>) {
        self.keys.intern_texts(texts, rows, groups);
    }

    /// Appends a group that no other key is equal to, without making it findable: for what is only read from then on.
    pub(super) fn push(&mut self, key: &[u8]) {
        self.keys.push(key);
    }

    /// Makes room for every group in the accumulators.
    pub fn grow(&mut self) {
        let groups = self.len();
        self.accumulators.iter_mut().for_each(|a| a.resize(groups));
    }

    /// Group ids in the order of their keys, ready to be read out. No key is looked for from then on.
    pub fn sorted(&mut self) -> Vec<u32> {
        self.keys.forget_slots();
        self.seal();
        self.keys.order()
    }

    /// Makes the states ready to be read out.
    pub(super) fn seal(&mut self) {
        self.accumulators.iter_mut().for_each(|a| a.seal());
    }

    /// Asks for what [`GroupTable::prefetch_key`] will read.
    #[inline]
    pub(super) fn prefetch_place(&self, group: u32) {
        self.keys.prefetch_place(group);
    }

    /// Asks for the cache line that a group's key begins in.
    #[inline]
    pub(super) fn prefetch_key(&self, group: u32) {
        self.keys.prefetch_key(group);
    }

    /// Asks for the states of a group.
    #[inline]
    pub(super) fn prefetch_states(&self, group: u32) {
        self.accumulators.iter().for_each(|a| a.prefetch(group as usize));
    }

    /// An empty table over accumulators of the same kinds.
    pub(super) fn fresh(&self) -> GroupTable {
        let accumulators = self.accumulators.iter().map(|a| a.fresh()).collect();
        GroupTable::sharing(accumulators, self.places.clone())
    }

    /// Moves the states of some groups out, a part after the other, as far as they are dear to copy.
    pub(super) fn cut(&mut self, parts: &[&[u32]]) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = parts.iter().map(|_| Piece::default()).collect();
        for accumulator in &mut self.accumulators {
            let cut = accumulator.cut(parts).map(|cut| cut.into_iter().map(Some));
            let cut = cut.into_iter().flatten().chain(std::iter::repeat_with(|| None));
            pieces.iter_mut().zip(cut).for_each(|(piece, states)| piece.0.push(states));
        }
        pieces
    }

    /// Folds groups of another table in, with their piece of it. A pair: its group, and the one here that it becomes; in the
    /// order of the piece.
    pub(super) fn merge(&mut self, other: &GroupTable, piece: Piece, pairs: &[(u32, u32)]) {
        let groups: Vec<u32> = pairs.iter().map(|pair| pair.1).collect();
        for ((mine, theirs), cut) in
            self.accumulators.iter_mut().zip(&other.accumulators).zip(piece.0)
        {
            match cut {
                Some(mut states) => mine.absorb(states.as_mut(), &groups),
                None => mine.merge(theirs.as_ref(), pairs),
            }
        }
    }

    /// Appends the states of a group: each with its length before it.
    pub fn state(&self, group: u32, scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
        for &place in &self.places {
            scratch.clear();
            self.accumulators[place].state(group as usize, scratch);
            super::state::append(scratch, out);
        }
    }

    /// Bytes on the heap, roughly; with those that the next doubling takes, once it is near.
    pub fn heap_bytes(&self) -> usize {
        let states: usize = self.accumulators.iter().map(|a| a.heap_bytes()).sum();
        self.keys.heap_bytes() + states
    }

    /// Forgets all groups, keeping the buffers.
    pub fn clear(&mut self) {
        self.keys.clear();
        self.accumulators.iter_mut().for_each(|a| a.clear());
    }
}
