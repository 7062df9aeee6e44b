//! Reading single lines of a file once more: those that were no records when they were read.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::compression::MAGIC_BYTES;
use super::decoder::Decoder;
use super::{Compression, SourceError};

/// Decompressed bytes that are passed over at a time.
const SKIP_BYTES: usize = 256 * 1024;

/// A file whose lines are read by offset. In a compressed one going forward is cheap, going back is not.
pub struct LineReader {
    path: PathBuf,
    file: Arc<File>,
    compression: Compression,
    decoder: Option<(Decoder, u64)>,
}

impl LineReader {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// `Io`.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let file = Arc::new(File::open(path).map_err(SourceError::io("open", path))?);
        let mut magic = [0; MAGIC_BYTES];
        let read = read_at(&file, path, &mut magic, 0)?;
        let compression = Compression::of(&magic[..read]);
        Ok(LineReader { path: path.to_owned(), file, compression, decoder: None })
    }

    /// The line of `length` bytes at a (decompressed) offset; `None` where no line ends there.
    ///
    /// # Errors
    ///
    /// `Io`, and the decoder's.
    pub fn line(&mut self, offset: u64, length: u64) -> Result<Option<Vec<u8>>, SourceError> {
        let Ok(len) = usize::try_from(length) else { return Ok(None) };
        let mut line = vec![0; len + 1];
        let read = match self.compression {
            Compression::Plain => read_at(&self.file, &self.path, &mut line, offset)?,
            _ => self.decode(&mut line, offset)?,
        };
        if read < len || (read > len && !matches!(line[len], b'\n' | b'\r')) {
            return Ok(None);
        }
        line.truncate(len);
        Ok(Some(line))
    }

    fn decode(&mut self, into: &mut [u8], offset: u64) -> Result<usize, SourceError> {
        let open = self.decoder.take().filter(|(_, at)| *at <= offset);
        let (mut decoder, mut at) = match open {
            Some(open) => open,
            None => (Decoder::new(self.file.clone(), self.compression, &self.path)?, 0),
        };
        let mut scratch =
            vec![0; SKIP_BYTES.min(usize::try_from(offset - at).unwrap_or(SKIP_BYTES))];
        while at < offset {
            let wanted = scratch.len().min(usize::try_from(offset - at).unwrap_or(SKIP_BYTES));
            let passed = decoder.fill(&mut scratch[..wanted])?;
            at += passed as u64;
            if passed < wanted {
                return Ok(0);
            }
        }
        let read = decoder.fill(into)?;
        self.decoder = Some((decoder, at + read as u64));
        Ok(read)
    }
}

/// As many bytes as there are.
fn read_at(file: &File, path: &Path, into: &mut [u8], offset: u64) -> Result<usize, SourceError> {
    let mut read = 0;
    while read < into.len() {
        match file.read_at(&mut into[read..], offset + read as u64) {
            Ok(0) => break,
            Ok(n) => read += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(SourceError::io("read", path)(e)),
        }
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn lines_are_read_by_offset_compressed_or_not_and_only_where_they_end() {
        let text = b"one\nthree\r\nlast";
        let dir = tempfile::tempdir().expect("a folder");
        let (plain, gzip) = (dir.path().join("a.log"), dir.path().join("a.log.gz"));
        std::fs::write(&plain, text).expect("written");
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text).expect("in memory");
        std::fs::write(&gzip, encoder.finish().expect("in memory")).expect("written");
        for path in [plain, gzip] {
            let mut reader = LineReader::open(&path).expect("opened");
            let mut line = |offset, length| reader.line(offset, length).expect("read");
            assert_eq!(line(4, 5).as_deref(), Some(&b"three"[..]));
            assert_eq!(line(11, 4).as_deref(), Some(&b"last"[..]));
            assert_eq!(line(0, 3).as_deref(), Some(&b"one"[..]));
            assert_eq!((line(0, 2), line(11, 5), line(40, 1)), (None, None, None));
        }
    }
}
