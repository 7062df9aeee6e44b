//! Finds delimiters for a whole block of text at once: bit planes of 64 bytes a word, as simdjson makes them
//! (Langdale, Lemire: "Parsing Gigabytes of JSON per Second", 2019), instead of a call of `memchr` a field.
//!
//! The kernels are chosen at run time; all give what [`scalar`] gives.

mod scalar;
#[cfg(target_arch = "x86_64")]
mod x86;

/// Bytes of a word of a plane.
pub(super) const WORD_BYTES: usize = 64;

/// Bytes to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Needles {
    /// Their places are listed, all together: see [`Index::marks`].
    pub(super) marks: [u8; 3],
    /// Its places are bits: see [`Anchors::next`].
    pub(super) anchor: u8,
}

/// What one word of text holds, a bit a byte.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Masks {
    marks: u64,
    anchor: u64,
    /// Bytes beyond ASCII.
    high: u64,
}

/// Where the needles stand in a text. Reused from text to text.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Places of the marks; behind `count` there is rubbish.
    marks: Vec<u32>,
    count: usize,
    /// The anchor's plane, and two words of zeros.
    anchors: Vec<u64>,
    words: usize,
    high: u64,
}

/// Where the anchor stands in a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Anchors<'i>(&'i [u64]);

impl Anchors<'_> {
    /// The first anchor at or behind `from`, a place in the text; what is beyond the text where there is none.
    #[inline(always)]
    pub(super) fn next(self, from: u32) -> u32 {
        let (word, shift) = (from as usize / WORD_BYTES, from % 64);
        let near = match self.0.get(word..word + 2) {
            Some(&[low, high]) => low >> shift | (high << 1) << (63 - shift),
            _ => return u32::MAX,
        };
        if near != 0 { from + near.trailing_zeros() } else { self.next_far(word + 1) }
    }

    #[cold]
    fn next_far(self, word: usize) -> u32 {
        let found = self.0.iter().enumerate().skip(word).find(|(_, bits)| **bits != 0);
        found.map_or(u32::MAX, |(at, bits)| (at * WORD_BYTES) as u32 + bits.trailing_zeros())
    }
}

impl Index {
    /// Looks through a text of less than 4 GiB.
    pub(super) fn fill(&mut self, text: &[u8], needles: &Needles) {
        self.reserve(text.len());
        #[cfg(target_arch = "x86_64")]
        if x86::fill(self, text, needles) {
            return;
        }
        self.fill_with(text, |word| scalar::masks(word, needles), list);
    }

    /// Places of all marks, ascending.
    #[inline]
    pub(super) fn marks(&self) -> &[u32] {
        &self.marks[..self.count]
    }

    /// Whether the text is ASCII throughout.
    pub(super) fn is_ascii(&self) -> bool {
        self.high == 0
    }

    /// The places of the anchor.
    #[inline(always)]
    pub(super) fn anchors(&self) -> Anchors<'_> {
        Anchors(&self.anchors[..self.words + 2])
    }

    /// Room for a text of `len` bytes, of which each may be a mark.
    fn reserve(&mut self, len: usize) {
        let words = len.div_ceil(WORD_BYTES);
        if self.marks.len() < (words + 1) * WORD_BYTES {
            self.marks.resize((words + 1) * WORD_BYTES, 0);
            self.anchors.resize(words + 2, 0);
        }
    }

    /// Goes through the words of the text by `masks`, and lists the places of the marks by `list`.
    #[inline(always)]
    fn fill_with(
        &mut self,
        text: &[u8],
        masks: impl Fn(&[u8; WORD_BYTES]) -> Masks,
        list: impl Fn(&mut [u32], u32, u64),
    ) {
        (self.count, self.high) = (0, 0);
        let (words, rest) = text.as_chunks::<WORD_BYTES>();
        for (at, word) in words.iter().enumerate() {
            self.take(at, masks(word), &list);
        }
        self.words = words.len();
        if !rest.is_empty() {
            let mut padded = [0; WORD_BYTES];
            padded[..rest.len()].copy_from_slice(rest);
            let (found, within) = (masks(&padded), (1 << rest.len()) - 1);
            let (marks, anchor) = (found.marks & within, found.anchor & within);
            self.take(self.words, Masks { marks, anchor, high: found.high }, &list);
            self.words += 1;
        }
        self.anchors[self.words] = 0;
        self.anchors[self.words + 1] = 0;
    }

    /// Notes what a word holds.
    #[inline(always)]
    fn take(&mut self, at: usize, masks: Masks, list: &impl Fn(&mut [u32], u32, u64)) {
        self.anchors[at] = masks.anchor;
        self.high |= masks.high;
        list(&mut self.marks[self.count..], (at * WORD_BYTES) as u32, masks.marks);
        self.count += masks.marks.count_ones() as usize;
    }
}

/// Lists the places of the bits of a word whose first is `base`. Six places are written whatever their number: most words hold
/// fewer, and a loop over the very bits would be mispredicted in most words. There is room for 64.
#[inline(always)]
fn list(mut places: &mut [u32], base: u32, mut bits: u64) {
    while let Some((six, rest)) = places.split_first_chunk_mut::<6>() {
        for place in six {
            *place = base + bits.trailing_zeros();
            bits &= bits.wrapping_sub(1);
        }
        if bits == 0 {
            return;
        }
        places = rest;
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::cpu;

    const NEEDLES: Needles = Needles { marks: *b"\n\"\\", anchor: b' ' };

    fn model(text: &[u8]) -> (Vec<u32>, Vec<u32>) {
        let places = |of: &dyn Fn(u8) -> bool| {
            (0..text.len() as u32).filter(|&at| of(text[at as usize])).collect()
        };
        (places(&|byte| NEEDLES.marks.contains(&byte)), places(&|byte| byte == NEEDLES.anchor))
    }

    fn anchors(index: &Index, len: usize) -> Vec<u32> {
        let mut all = Vec::new();
        let mut from = 0;
        loop {
            let next = index.anchors().next(from);
            if next as usize >= len {
                return all;
            }
            all.push(next);
            from = next + 1;
        }
    }

    fn check(index: &Index, text: &[u8]) -> Result<(), TestCaseError> {
        let (marks, spaces) = model(text);
        prop_assert_eq!(index.marks(), &marks[..]);
        prop_assert_eq!(anchors(index, text.len()), spaces);
        prop_assert_eq!(index.is_ascii(), text.is_ascii());
        Ok(())
    }

    fn texts() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![3 => Just(b' '), 2 => Just(b'"'), 1 => Just(b'\n'), 1 => Just(b'\\'), 9 => b'!'..=b'z', 1 => any::<u8>()];
        let text = vec(byte, 0..400);
        prop_oneof![4 => text, 1 => vec(Just(b'"'), 0..300), 1 => vec(Just(b'x'), 0..300)]
    }

    proptest! {
        #[test]
        fn every_kernel_finds_what_the_model_finds(texts in vec(texts(), 1..4)) {
            let (mut chosen, mut twin) = (Index::default(), Index::default());
            for text in &texts {
                for _ in cpu::each_level() {
                    chosen.fill(text, &NEEDLES);
                    check(&chosen, text)?;
                }
                twin.reserve(text.len());
                twin.fill_with(text, |word| scalar::masks(word, &NEEDLES), list);
                check(&twin, text)?;
            }
        }

        #[test]
        fn the_kernels_agree_on_any_bytes(word in any::<[[u8; 32]; 2]>(), marks: [u8; 3], anchor: u8) {
            let text = word.concat();
            let needles = Needles { marks, anchor };
            let (mut chosen, mut twin) = (Index::default(), Index::default());
            twin.reserve(text.len());
            twin.fill_with(&text, |word| scalar::masks(word, &needles), list);
            for _ in cpu::each_level() {
                chosen.fill(&text, &needles);
                prop_assert_eq!(chosen.marks(), twin.marks());
                prop_assert_eq!(&chosen.anchors[..2], &twin.anchors[..2]);
                prop_assert_eq!(chosen.is_ascii(), twin.is_ascii());
            }
        }
    }
}
