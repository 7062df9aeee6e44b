//! What a mapper is given.

/// Whole lines of a segment.
pub struct Lines<'c> {
    /// The bytes; the last line may lack its newline.
    pub bytes: &'c [u8],
    /// Offset of the first of them in the segment.
    pub offset: u64,
}

impl Lines<'_> {
    /// Where one of the lines begins in the segment. `line` is a part of `bytes`.
    pub(super) fn offset_of(&self, line: &[u8]) -> u64 {
        let within = (line.as_ptr() as usize).saturating_sub(self.bytes.as_ptr() as usize);
        self.offset + within as u64
    }
}
