//! Reads usual objects by the places of their quotes and backslashes, found for a window of text at once: a string ends at the
//! next place, whatever is in it. What is not usual (deep, with an escape in a key, not JSON at all) goes the careful way.

use bumpalo::Bump;

use super::capture::decoded;
use super::node::{self, Entry, Node, Slot};
use crate::format::view::View;

/// Objects and arrays in one another; deeper ones are rare.
const DEPTH_MAX: usize = 16;

/// Reads one line.
pub(super) struct Reader<'r, 'a> {
    /// Whole lines.
    pub(super) text: View<'a>,
    /// Places of newlines, quotes and backslashes in it, ascending.
    pub(super) marks: &'r [u32],
    /// The first of them that is not behind `at`.
    pub(super) mark: usize,
    /// The byte to read next.
    pub(super) at: usize,
    arena: &'a Bump,
    /// Whether a value had to be decoded.
    pub(super) has_decoded: bool,
}

impl<'r, 'a> Reader<'r, 'a> {
    /// At the start of a line: with the places, and the first of them that is not before it.
    #[inline(always)]
    pub(super) fn new(
        text: View<'a>,
        (marks, mark): (&'r [u32], usize),
        at: usize,
        arena: &'a Bump,
    ) -> Self {
        Reader { text, marks, mark, at, arena, has_decoded: false }
    }

    /// Reads an object up to the end of the line, `\n` or `\r\n`; `None` where it is not usual.
    #[inline(always)]
    pub(super) fn record(&mut self, root: &Node, slots: &mut [Slot<'a>]) -> Option<()> {
        self.byte(b'{')?;
        self.object(Some(root), slots, DEPTH_MAX)?;
        self.spaces();
        let end = *self.marks.get(self.mark)? as usize;
        let is_end = match end - self.at {
            0 => true,
            1 => self.peek()? == b'\r',
            _ => false,
        };
        (is_end && self.text.text()[end] == b'\n').then_some(())
    }

    #[inline(always)]
    fn peek(&self) -> Option<u8> {
        self.text.text().get(self.at).copied()
    }

    #[inline(always)]
    fn byte(&mut self, byte: u8) -> Option<()> {
        let found = self.peek()? == byte;
        self.at += usize::from(found);
        found.then_some(())
    }

    #[inline(always)]
    fn spaces(&mut self) {
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
    }

    /// Behind its brace.
    fn object(&mut self, node: Option<&Node>, slots: &mut [Slot<'a>], depth: usize) -> Option<()> {
        let node = node.filter(|node| !node.entries.is_empty());
        self.spaces();
        if self.byte(b'}').is_some() {
            return Some(());
        }
        loop {
            let (key, head) = self.key()?;
            self.spaces();
            self.byte(b':')?;
            self.spaces();
            self.value(node.and_then(|node| node.find(key, head)), slots, depth)?;
            self.spaces();
            let next = self.peek()?;
            self.at += 1;
            match next {
                b',' => self.spaces(),
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    fn array(&mut self, slots: &mut [Slot<'a>], depth: usize) -> Option<()> {
        self.spaces();
        if self.byte(b']').is_some() {
            return Some(());
        }
        loop {
            self.value(None, slots, depth)?;
            self.spaces();
            let next = self.peek()?;
            self.at += 1;
            match next {
                b',' => self.spaces(),
                b']' => return Some(()),
                _ => return None,
            }
        }
    }

    /// A key without escapes, and its head.
    #[inline(always)]
    fn key(&mut self) -> Option<(&'a [u8], u64)> {
        let [open, close] = *self.marks.get(self.mark..)?.first_chunk::<2>()?;
        let (open, close) = (open as usize, close as usize);
        let text = self.text.text();
        if open != self.at || text[open] != b'"' || text[close] != b'"' {
            return None;
        }
        self.mark += 2;
        self.at = close + 1;
        let key = &text[open + 1..close];
        let head = match self.text.has_word(open + 1) {
            true => self.text.word(open + 1) & low_bytes(key.len()),
            false => node::head(key),
        };
        Some((key, head))
    }

    #[inline(always)]
    fn value(&mut self, entry: Option<&Entry>, slots: &mut [Slot<'a>], depth: usize) -> Option<()> {
        let start = self.at;
        let value: &[u8] = match self.peek()? {
            b'"' => return self.string(entry, slots),
            b'{' => {
                self.at += 1;
                self.object(entry.map(|entry| &entry.below), slots, depth.checked_sub(1)?)?;
                &self.text.text()[start..self.at]
            }
            b'[' => {
                self.at += 1;
                self.array(slots, depth.checked_sub(1)?)?;
                &self.text.text()[start..self.at]
            }
            b't' => self.word(b"true")?,
            b'f' => self.word(b"false")?,
            b'n' => {
                self.word(b"null")?;
                b""
            }
            _ => {
                self.at = number(self.text, start)?;
                &self.text.text()[start..self.at]
            }
        };
        if let Some(leaf) = entry.and_then(|entry| entry.leaf) {
            leaf.keep(value, slots);
        }
        Some(())
    }

    fn word(&mut self, word: &[u8]) -> Option<&'a [u8]> {
        let found = self.text.text().get(self.at..self.at + word.len())?;
        self.at += word.len();
        (found == word).then_some(found)
    }

    #[inline(always)]
    fn string(&mut self, entry: Option<&Entry>, slots: &mut [Slot<'a>]) -> Option<()> {
        let (text, open) = (self.text.text(), self.at);
        let [first, second] = *self.marks.get(self.mark..)?.first_chunk::<2>()?;
        if first as usize != open {
            return None;
        }
        self.mark += 1;
        let escaped = text[second as usize] != b'"';
        if escaped {
            self.escapes()?;
        }
        let close = *self.marks.get(self.mark)? as usize;
        self.mark += 1;
        self.at = close + 1;
        if let Some(leaf) = entry.and_then(|entry| entry.leaf) {
            let value = match escaped {
                false => &text[open + 1..close],
                true => {
                    self.has_decoded = true;
                    decoded(std::str::from_utf8(&text[open..=close]).ok()?, self.arena)
                }
            };
            leaf.keep(value, slots);
        }
        Some(())
    }

    /// Passes over escapes, up to the mark of the closing quote.
    fn escapes(&mut self) -> Option<()> {
        let text = self.text.text();
        loop {
            let at = *self.marks.get(self.mark)? as usize;
            match text[at] {
                b'"' => return Some(()),
                b'\\' => {}
                _ => return None,
            }
            self.mark += 1;
            match *text.get(at + 1)? {
                // A mark too.
                b'"' | b'\\' => self.mark += 1,
                b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                b'u' => {
                    let digits = text.get(at + 2..at + 6)?;
                    digits.iter().all(u8::is_ascii_hexdigit).then_some(())?;
                }
                _ => return None,
            }
        }
    }
}

/// All bits of so many bytes of a word, or of all eight.
#[inline(always)]
fn low_bytes(count: usize) -> u64 {
    if count < 8 { (1 << (8 * count)) - 1 } else { u64::MAX }
}

/// Behind the number that begins at a place; `None` where there is none, or one with an exponent or many digits.
#[inline(always)]
fn number(text: View<'_>, start: usize) -> Option<usize> {
    let begin = start + usize::from(text.text()[start] == b'-');
    let whole = digits(text, begin)?;
    let has_zero = text.text()[begin] == b'0';
    if whole == 0 || has_zero && whole > 1 {
        return None;
    }
    let mut end = begin + whole;
    if *text.text().get(end)? == b'.' {
        let fraction = digits(text, end + 1)?;
        if fraction == 0 {
            return None;
        }
        end += 1 + fraction;
    }
    // The careful way knows exponents.
    (*text.text().get(end)? | 0x20 != b'e').then_some(end)
}

/// How many digits there are from a place on; `None` near the end of the text, and for more than fits.
#[inline(always)]
fn digits(text: View<'_>, at: usize) -> Option<usize> {
    if !text.has_word(at) {
        return None;
    }
    let first = digits_of(text.word(at));
    if first < 8 {
        return Some(first);
    }
    let rest = text.text()[at + 8..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    Some(first + rest)
}

/// How many digits a word begins with.
#[inline(always)]
fn digits_of(word: u64) -> usize {
    let each = |byte: u8| u64::from_ne_bytes([byte; 8]);
    // A digit is 0 to 9 then; others reach the highest bit, by themselves or with 118 more.
    let digits = word ^ each(b'0');
    let others = (digits | ((digits & each(0x7f)) + each(118))) & each(0x80);
    others.trailing_zeros() as usize / 8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_word_begins_with_its_digits(word in any::<[u8; 8]>(), some in "[0-9./:-]{8}") {
            for word in [word, some.into_bytes().try_into().expect("eight bytes")] {
                let model = word.iter().take_while(|byte| byte.is_ascii_digit()).count();
                prop_assert_eq!(digits_of(u64::from_le_bytes(word)), model);
            }
        }
    }
}
