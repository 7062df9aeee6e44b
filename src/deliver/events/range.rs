//! The least and the largest value of a page or a column chunk, by which readers pass over them.

use parquet::data_type::ByteArray;
use parquet::file::statistics::{Statistics, ValueStatistics};

/// Bytes of a text that the statistics keep.
const TEXT_BYTES_MAX: usize = 64;

/// Bounds of the values seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range<T>(pub(super) Option<(T, T)>);

impl<T> Default for Range<T> {
    fn default() -> Self {
        Range(None)
    }
}

impl<T: Copy + Ord> Range<T> {
    /// Widens the bounds to hold a value.
    #[inline]
    pub(super) fn include(&mut self, value: T) {
        self.0 = Some(self.0.map_or((value, value), |(min, max)| (min.min(value), max.max(value))));
    }

    /// Widens the bounds to hold others.
    pub(super) fn merge(&mut self, other: Self) {
        for value in other.0.into_iter().flat_map(|(min, max)| [min, max]) {
            self.include(value);
        }
    }
}

/// Bounds of floats, of which there are none where one is not a number.
#[derive(Debug, Default)]
pub(super) struct FloatRange {
    bounds: Option<(f64, f64)>,
    nan: bool,
}

impl FloatRange {
    /// Widens the bounds to hold a value.
    #[inline]
    pub(super) fn include(&mut self, value: f64) {
        self.nan |= value.is_nan();
        self.bounds =
            Some(self.bounds.map_or((value, value), |(min, max)| (min.min(value), max.max(value))));
    }

    /// Zeros are signed such that both lie within, as the format asks.
    pub(super) fn bounds(&self) -> Option<(f64, f64)> {
        let signed = |(min, max): (f64, f64)| {
            (if min == 0.0 { -0.0 } else { min }, if max == 0.0 { 0.0 } else { max })
        };
        self.bounds.filter(|_| !self.nan).map(signed)
    }
}

/// Bounds of texts, byte by byte.
#[derive(Debug, Default)]
pub(super) struct TextRange(Option<(String, String)>);

impl TextRange {
    /// Widens the bounds to hold a value.
    #[inline]
    pub(super) fn include(&mut self, value: &str) {
        match &mut self.0 {
            Some((min, _)) if value < min.as_str() => value.clone_into(min),
            Some((_, max)) if value > max.as_str() => value.clone_into(max),
            Some(_) => {}
            None => self.0 = Some((value.to_owned(), value.to_owned())),
        }
    }

    /// The statistics of a chunk, long texts cut off to bounds below and above them.
    pub(super) fn statistics(&self, nulls: u64) -> Statistics {
        let Some((min, max)) = &self.0 else {
            return ValueStatistics::<ByteArray>::new(None, None, None, Some(nulls), false).into();
        };
        let (below, above) = (cut(min), upper_bound(max));
        let (exact_min, exact_max) = (below == min, above.as_ref() == Some(max));
        let (below, above) = (ByteArray::from(below), above.as_deref().map(ByteArray::from));
        ValueStatistics::new(Some(below), above, None, Some(nulls), false)
            .with_min_is_exact(exact_min)
            .with_max_is_exact(exact_max)
            .into()
    }
}

/// The text's begin.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
}

/// The text if it is short, else a short one above it; `None` where there is none.
fn upper_bound(text: &str) -> Option<String> {
    if text.len() <= TEXT_BYTES_MAX {
        return Some(text.to_owned());
    }
    let begin = cut(text);
    // The order of UTF-8's bytes is that of the characters.
    let next = |c: char| (c..=char::MAX).nth(1);
    begin
        .char_indices()
        .rev()
        .find_map(|(at, c)| next(c).map(|next| format!("{}{next}", &begin[..at])))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_of_last_characters_has_no_upper_bound() {
        assert_eq!(upper_bound(&char::MAX.to_string().repeat(20)), None);
        let text = format!("a{}", char::MAX.to_string().repeat(20));
        assert_eq!(upper_bound(&text).as_deref(), Some("b"));
    }

    #[test]
    fn floats_that_are_no_numbers_have_no_bounds_and_zeros_hold_both() {
        let mut range = FloatRange::default();
        range.include(0.0);
        let (min, max) = range.bounds().expect("a number");
        assert!(min.is_sign_negative() && max.is_sign_positive());
        range.include(f64::NAN);
        assert_eq!(range.bounds(), None);
    }

    proptest! {
        #[test]
        fn bounds_of_texts_hold_them(texts in prop::collection::vec("\\PC{0,50}", 1..10)) {
            let mut range = TextRange::default();
            texts.iter().for_each(|text| range.include(text));
            let statistics = range.statistics(0);
            let min = statistics.min_bytes_opt().expect("a least");
            prop_assert!(texts.iter().all(|text| min <= text.as_bytes()));
            if let Some(max) = statistics.max_bytes_opt() {
                prop_assert!(texts.iter().all(|text| text.as_bytes() <= max));
                prop_assert!(max.len() <= TEXT_BYTES_MAX + 3);
            }
            let exact = texts.iter().any(|text| text.as_bytes() == min);
            prop_assert_eq!(statistics.min_is_exact(), exact);
        }
    }
}
