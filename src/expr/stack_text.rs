//! Short text on the stack: for numbers on their way from one form to another, a row at a time.

use std::fmt::Write;

/// Longest text: a decimal of 38 digits with its sign and point, or a float with its exponent.
const BYTES_MAX: usize = 48;

/// Text of at most [`BYTES_MAX`] bytes; writing more is an error.
pub(crate) struct StackText {
    bytes: [u8; BYTES_MAX],
    len: usize,
}

impl StackText {
    /// What was written.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl Default for StackText {
    fn default() -> Self {
        StackText { bytes: [0; BYTES_MAX], len: 0 }
    }
}

impl Write for StackText {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let to = self.bytes.get_mut(self.len..self.len + text.len()).ok_or(std::fmt::Error)?;
        to.copy_from_slice(text.as_bytes());
        self.len += text.len();
        Ok(())
    }
}
