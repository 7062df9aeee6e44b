//! Where the lines go: a file, standard output, or memory, written in large pieces.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Bytes that are gathered before a write.
const WRITE_BYTES: usize = 1 << 20;

/// Gathers lines in one buffer, which it uses again and again.
pub(crate) struct Sink {
    buffer: Vec<u8>,
    /// `None`: all stays in memory.
    out: Option<Box<dyn Write>>,
}

impl Sink {
    /// A file that is made anew, or standard output for `-`.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let out: Box<dyn Write> = if path == Path::new("-") {
            Box::new(io::stdout().lock())
        } else {
            Box::new(File::create(path)?)
        };
        Ok(Sink { buffer: Vec::with_capacity(2 * WRITE_BYTES), out: Some(out) })
    }

    /// Memory.
    pub(crate) fn memory() -> Self {
        Sink { buffer: Vec::new(), out: None }
    }

    /// What lines are appended to.
    #[inline]
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Ends a line; writes once enough is there.
    #[inline]
    pub(crate) fn end_line(&mut self) -> io::Result<()> {
        self.buffer.push(b'\n');
        if self.buffer.len() >= WRITE_BYTES { self.flush() } else { Ok(()) }
    }

    /// Writes what is left, and gives back what stayed in memory.
    pub(crate) fn finish(mut self) -> io::Result<Vec<u8>> {
        self.flush()?;
        Ok(self.buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        if let Some(out) = &mut self.out {
            out.write_all(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }
}
