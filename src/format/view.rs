//! Text that is read by words, and cut into many values at once: places are checked once, not once a read. The only `unsafe`
//! are reads of eight bytes at a place that was just limited to where eight bytes are, and slices and numbers whose places
//! were compared with the length just before.

/// Bytes of a word.
pub(super) const WORD: usize = 8;

/// A text of at least eight bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    text: &'a [u8],
    /// The last place with a whole word.
    last: usize,
}

impl<'a> View<'a> {
    /// `None` for a shorter text.
    #[inline(always)]
    pub(super) fn new(text: &'a [u8]) -> Option<Self> {
        let last = text.len().checked_sub(WORD)?;
        Some(View { text, last })
    }

    /// The text.
    #[inline(always)]
    pub(super) fn text(self) -> &'a [u8] {
        self.text
    }

    /// Whether eight bytes follow on a place.
    #[inline(always)]
    pub(super) fn has_word(self, at: usize) -> bool {
        at <= self.last
    }

    /// The eight bytes from a place on, the first in the lowest byte; the text's last eight where there are none so far
    /// behind.
    #[inline(always)]
    pub(super) fn word(self, at: usize) -> u64 {
        let at = at.min(self.last);
        // SAFETY: `at + 8 <= text.len()`, since `last + 8 == text.len()`. Bytes want no alignment.
        let bytes = unsafe { *self.text.as_ptr().add(at).cast::<[u8; WORD]>() };
        u64::from_le_bytes(bytes)
    }

    /// Where a slice of this text begins; for any other slice a place without a word.
    #[inline(always)]
    pub(super) fn place(self, slice: &[u8]) -> usize {
        slice.as_ptr().addr().wrapping_sub(self.text.as_ptr().addr())
    }

    /// Appends a slice for each pair of places, from one to the other: both columns are as long, and each has a distance that
    /// is added to all of its places. Panics, as slicing does, where a slice does not lie within the text.
    #[inline(always)]
    pub(super) fn slices(
        self,
        (from, before): (&[u32], i32),
        (to, behind): (&[u32], i32),
        out: &mut Vec<&'a [u8]>,
    ) {
        let len = self.text.len();
        let ends = || {
            let pairs = from.iter().zip(to);
            pairs.map(|(from, to)| {
                (from.wrapping_add_signed(before), to.wrapping_add_signed(behind))
            })
        };
        let within = |within, (from, to)| within & (from <= to) & (to as usize <= len);
        assert!(ends().fold(true, within), "a value lies within its text");
        let start = self.text.as_ptr();
        // SAFETY: `from <= to <= text.len()` holds for each.
        out.extend(ends().map(|(from, to)| unsafe {
            std::slice::from_raw_parts(start.add(from as usize), (to - from) as usize)
        }));
    }
}

/// Copies every `stride`th number from the `first` on, as many as `out` has room for. Panics where there are fewer.
#[inline(always)]
pub(super) fn every(numbers: &[u32], (first, stride): (usize, usize), out: &mut [u32]) {
    let Some(last) = out.len().checked_sub(1) else { return };
    let end = last.checked_mul(stride).and_then(|behind| behind.checked_add(first));
    assert!(end.is_some_and(|end| end < numbers.len()), "a line has all of its marks");
    for (at, out) in out.iter_mut().enumerate() {
        // SAFETY: `at <= last`, whose number lies within.
        *out = unsafe { *numbers.get_unchecked(first + at * stride) };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn words_and_slices_are_those_of_safe_code(
            text in prop::collection::vec(any::<u8>(), 0..40), at in 0_usize..60, ranges in prop::collection::vec((2_u32..40, 2_u32..40), 0..9),
        ) {
            let Some(view) = View::new(&text) else {
                prop_assert!(text.len() < WORD);
                return Ok(());
            };
            let here = at.min(text.len() - WORD);
            prop_assert_eq!(view.word(at).to_le_bytes(), &text[here..here + WORD]);
            prop_assert_eq!(view.has_word(at), at + WORD <= text.len());
            prop_assert_eq!(view.place(&text[here..]), here);
            let len = text.len() as u32;
            let ranges: Vec<_> = ranges.iter().map(|&(a, b)| (a.min(b).min(len), a.max(b).min(len))).collect();
            let mut slices = Vec::new();
            let (from, to): (Vec<u32>, Vec<u32>) = ranges.iter().map(|&(from, to)| (from + 3, to - 2)).unzip();
            view.slices((&from, -3), (&to, 2), &mut slices);
            let model: Vec<_> = ranges.iter().map(|&(from, to)| &text[from as usize..to as usize]).collect();
            prop_assert_eq!(slices, model);
        }
    }

    proptest! {
        #[test]
        fn every_nth_number_is_that_of_safe_code(len in 0_usize..50, first in 0_usize..9, stride in 1_usize..9, room in 0_usize..9) {
            let numbers: Vec<u32> = (0..len as u32).collect();
            let model: Vec<u32> = numbers.iter().skip(first).step_by(stride).copied().take(room).collect();
            let copy = std::panic::catch_unwind(|| {
                let mut out = vec![0; room];
                every(&numbers, (first, stride), &mut out);
                out
            });
            prop_assert_eq!(copy.ok(), (model.len() == room).then_some(model));
        }
    }

    #[test]
    fn a_range_beyond_the_text_panics() {
        let view = View::new(b"12345678").expect("eight bytes");
        for (from, to) in [(0, 9), (3, 2), (9, 9), (u32::MAX, 3)] {
            let cut = || view.slices((&[from], 0), (&[to], 0), &mut Vec::new());
            assert!(std::panic::catch_unwind(cut).is_err(), "{from} {to}");
        }
        let cut = || view.slices((&[1], -2), (&[3], 0), &mut Vec::new());
        assert!(std::panic::catch_unwind(cut).is_err());
    }

    #[test]
    fn a_slice_of_another_text_has_no_word() {
        let (one, other) = (vec![0; 99], vec![0; 99]);
        let view = View::new(&one).expect("long enough");
        assert!(!view.has_word(view.place(&other)));
        assert!(view.has_word(view.place(&one[91..])) && !view.has_word(view.place(&one[92..])));
    }
}
