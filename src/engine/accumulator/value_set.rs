//! Sets of integers that stand for values: a short list while they are few, then a hash table of bare integers, and a sorted
//! list once they are read out. One a group, so that the rows of a window probe that window's table, which is in the cache.

use std::sync::Arc;

use crate::engine::hash::Hasher;
use crate::engine::prefetch::prefetch;

/// Elements that are looked through one by one; more get a hash table.
const FEW: usize = 8;
/// Slots of the smallest hash table, as a power of two.
const BITS_MIN: u32 = 5;

/// An integer that stands for a value.
pub(super) trait Element: Copy + Ord + Send + Sync + 'static {
    /// The integer that a free slot holds; as an element it is noted apart.
    const ZERO: Self;
    /// Its hash.
    fn hash(self, hasher: Hasher) -> u64;
}

impl Element for u64 {
    const ZERO: u64 = 0;
    #[inline]
    fn hash(self, hasher: Hasher) -> u64 {
        hasher.number(self)
    }
}

impl Element for u128 {
    const ZERO: u128 = 0;
    #[inline]
    fn hash(self, hasher: Hasher) -> u64 {
        hasher.wide(self)
    }
}

#[derive(Debug, Clone)]
enum Shape<E> {
    /// Elements as they came.
    List,
    /// Ascending elements, which copies of the set share; the others are none then.
    Sorted(Arc<Vec<E>>),
    /// `2^bits` slots.
    Table { bits: u32, has_zero: bool },
}

/// A set of integers.
#[derive(Debug)]
pub(super) struct ValueSet<E> {
    elements: Vec<E>,
    len: usize,
    shape: Shape<E>,
}

impl<E> Default for ValueSet<E> {
    fn default() -> Self {
        ValueSet { elements: Vec::new(), len: 0, shape: Shape::List }
    }
}

impl<E: Element> ValueSet<E> {
    /// A set of ascending elements.
    pub(super) fn from_sorted(elements: Vec<E>) -> Self {
        debug_assert!(elements.is_sorted_by(|a, b| a < b));
        let len = elements.len();
        ValueSet { elements: Vec::new(), len, shape: Shape::Sorted(Arc::new(elements)) }
    }

    /// How many elements.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Bytes on the heap.
    #[inline]
    pub(super) fn heap(&self) -> usize {
        let capacity = match &self.shape {
            Shape::Sorted(sorted) => sorted.capacity(),
            _ => self.elements.capacity(),
        };
        capacity * size_of::<E>()
    }

    /// Asks for the cache line that [`ValueSet::insert`] will look at first.
    #[inline]
    pub(super) fn prefetch(&self, hash: u64) {
        if let Shape::Table { bits, .. } = self.shape {
            prefetch(&self.elements, (hash >> (64 - bits)) as usize);
        }
    }

    /// Adds an element with its hash. Answers by how many bytes the set grew on the heap; if it shrank, by how many it would
    /// have to grow to wrap to that.
    #[inline]
    pub(super) fn insert(&mut self, element: E, hash: u64, hasher: Hasher) -> usize {
        match self.shape {
            Shape::Table { bits, has_zero } if element != E::ZERO => {
                if self.put(element, hash, bits) {
                    self.len += 1;
                    if (self.len - usize::from(has_zero)) * 8 > self.elements.len() * 5 {
                        return self.grow(hasher);
                    }
                }
                0
            }
            _ => {
                let before = self.heap();
                self.insert_slow(element, hash, hasher);
                self.heap().wrapping_sub(before)
            }
        }
    }

    /// Puts an element that is not zero into the table; whether it was not there.
    #[inline]
    fn put(&mut self, element: E, hash: u64, bits: u32) -> bool {
        let mask = self.elements.len() - 1;
        let mut at = (hash >> (64 - bits)) as usize;
        loop {
            let slot = &mut self.elements[at & mask];
            if *slot == element {
                return false;
            }
            if *slot == E::ZERO {
                *slot = element;
                return true;
            }
            at += 1;
        }
    }

    fn insert_slow(&mut self, element: E, hash: u64, hasher: Hasher) {
        match &mut self.shape {
            Shape::Table { has_zero, .. } => {
                self.len += usize::from(!*has_zero);
                *has_zero = true;
            }
            Shape::List if self.elements.contains(&element) => {}
            Shape::List if self.len < FEW => {
                self.elements.push(element);
                self.len += 1;
            }
            Shape::List | Shape::Sorted(_) => {
                self.spread(hasher);
                self.insert(element, hash, hasher);
            }
        }
    }

    /// Turns the list into a table, or where they are few, into a list that can grow.
    fn spread(&mut self, hasher: Hasher) {
        if let Shape::Sorted(sorted) = std::mem::replace(&mut self.shape, Shape::List) {
            self.elements = Arc::unwrap_or_clone(sorted);
        }
        if self.len < FEW {
            return;
        }
        let bits = (2 * self.len).next_power_of_two().trailing_zeros().max(BITS_MIN);
        self.rebuild(bits, hasher);
    }

    #[cold]
    fn grow(&mut self, hasher: Hasher) -> usize {
        let before = self.heap();
        self.rebuild(self.elements.len().trailing_zeros() + 1, hasher);
        self.heap() - before
    }

    /// A table of that size with the same elements.
    fn rebuild(&mut self, bits: u32, hasher: Hasher) {
        let has_zero = match self.shape {
            Shape::Table { has_zero, .. } => has_zero,
            _ => self.elements.contains(&E::ZERO),
        };
        let old = std::mem::replace(&mut self.elements, vec![E::ZERO; 1 << bits]);
        self.shape = Shape::Table { bits, has_zero };
        for element in old.into_iter().filter(|element| *element != E::ZERO) {
            self.put(element, element.hash(hasher), bits);
        }
    }

    /// Adds another set's elements.
    pub(super) fn merge(&mut self, other: &Self, hasher: Hasher) {
        if self.len == 0 {
            *self = other.copy();
        } else if let (Shape::Sorted(mine), Shape::Sorted(theirs)) = (&self.shape, &other.shape) {
            *self = ValueSet::from_sorted(union(mine, theirs));
        } else {
            other.each(|element| {
                self.insert(element, element.hash(hasher), hasher);
            });
        }
    }

    fn copy(&self) -> Self {
        ValueSet { elements: self.elements.clone(), len: self.len, shape: self.shape.clone() }
    }

    fn each(&self, mut visit: impl FnMut(E)) {
        match &self.shape {
            Shape::Table { has_zero, .. } => {
                let elements = self.elements.iter().filter(|element| **element != E::ZERO);
                elements.for_each(|&element| visit(element));
                if *has_zero {
                    visit(E::ZERO);
                }
            }
            Shape::Sorted(sorted) => sorted.iter().for_each(|&element| visit(element)),
            Shape::List => self.elements.iter().for_each(|&element| visit(element)),
        }
    }

    /// Sorts the elements, in place.
    pub(super) fn sort(&mut self) {
        match self.shape {
            Shape::Sorted(_) => return,
            Shape::List => {}
            Shape::Table { has_zero, .. } => {
                self.elements.retain(|element| *element != E::ZERO);
                if has_zero {
                    self.elements.push(E::ZERO);
                }
            }
        }
        let mut elements = std::mem::take(&mut self.elements);
        elements.sort_unstable();
        *self = ValueSet::from_sorted(elements);
    }

    /// The elements, ascending.
    pub(super) fn sorted(&self) -> &[E] {
        match &self.shape {
            Shape::Sorted(sorted) => sorted,
            _ => {
                assert!(self.len == 0, "seal() comes before state()");
                &[]
            }
        }
    }
}

/// The union of two ascending lists.
fn union<E: Copy + Ord>(a: &[E], b: &[E]) -> Vec<E> {
    let mut out = Vec::with_capacity(a.len() + b.len());
    let (mut a, mut b) = (a.iter().copied().peekable(), b.iter().copied().peekable());
    while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
        let order = x.cmp(y);
        out.push(*x.min(y));
        if order.is_le() {
            a.next();
        }
        if order.is_ge() {
            b.next();
        }
    }
    out.extend(a.chain(b));
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn set(elements: &[u64]) -> ValueSet<u64> {
        let (mut set, hasher) = (ValueSet::default(), Hasher::default());
        for element in elements {
            set.prefetch(element.hash(hasher));
            set.insert(*element, element.hash(hasher), hasher);
        }
        set
    }

    fn sorted(mut set: ValueSet<u64>) -> Vec<u64> {
        set.sort();
        assert_eq!(set.len(), set.sorted().len());
        set.sorted().to_vec()
    }

    proptest! {
        // Of one to 200 elements with zero among them: lists, tables, and both sealed in between.
        #[test]
        fn a_set_is_a_set_whatever_its_shape(
            a in prop::collection::vec(0u64..150, 0..200), b in prop::collection::vec(0u64..150, 0..200),
            seal in any::<[bool; 3]>(),
        ) {
            let hasher = Hasher::default();
            let model = |lists: &[&[u64]]| -> Vec<u64> {
                lists.concat().into_iter().collect::<BTreeSet<_>>().into_iter().collect()
            };
            prop_assert_eq!(sorted(set(&a)), model(&[&a]));
            let (mut whole, mut other) = (set(&a), set(&b));
            if seal[0] { whole.sort(); }
            if seal[1] { other.sort(); }
            whole.merge(&other, hasher);
            prop_assert_eq!(sorted(whole.copy()), model(&[&a, &b]));
            if seal[2] { whole.sort(); }
            for &e in a.iter().chain(&[0, 149]) {
                let before = whole.heap();
                let grown = whole.insert(e, e.hash(hasher), hasher);
                prop_assert_eq!(before.wrapping_add(grown), whole.heap());
            }
            prop_assert_eq!(sorted(whole), model(&[&a, &b, &[0, 149]]));
        }
    }
}
