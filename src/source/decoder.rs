//! Decoding: one `Read` over every compression, with errors that tell "cut off" from "damaged".

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Compression, SourceError};

/// Compressed bytes read at a time.
const INPUT_BYTES: usize = 128 * 1024;
/// What an xz file may ask for its dictionary: `xz -9` takes 64 MiB.
const XZ_MEMORY_KIB_MAX: u32 = 256 * 1024;

type Input = BufReader<Counted>;

/// A segment's decompressed bytes, from the first.
pub(crate) struct Decoder {
    inner: Box<dyn Read + Send>,
    consumed: Arc<AtomicU64>,
    compression: Compression,
    path: PathBuf,
}

impl Decoder {
    /// Decodes `file` from its first byte, wherever its cursor stands.
    pub(crate) fn new(
        file: Arc<File>,
        compression: Compression,
        path: &Path,
    ) -> Result<Self, SourceError> {
        let consumed = Arc::new(AtomicU64::new(0));
        let input =
            BufReader::with_capacity(INPUT_BYTES, Counted { file, position: consumed.clone() });
        let inner: Box<dyn Read + Send> = match compression {
            Compression::Plain => Box::new(input),
            Compression::Gzip => Box::new(GzipMembers { member: Some(gzip_member(input)) }),
            Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(input)),
            Compression::Xz => {
                Box::new(lzma_rust2::XzReader::new_mem_limit(input, true, XZ_MEMORY_KIB_MAX))
            }
            Compression::Zstd => Box::new(
                zstd::stream::read::Decoder::with_buffer(input)
                    .map_err(SourceError::io("decode", path))?,
            ),
        };
        Ok(Decoder { inner, consumed, compression, path: path.to_owned() })
    }

    /// The next decompressed bytes; 0 at the end. Never fewer than `into` holds for another reason than the end.
    pub(crate) fn fill(&mut self, into: &mut [u8]) -> Result<usize, SourceError> {
        let mut filled = 0;
        while filled < into.len() {
            match self.inner.read(&mut into[filled..]) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(self.error(e)),
            }
        }
        Ok(filled)
    }

    fn error(&self, source: io::Error) -> SourceError {
        let path = self.path.clone();
        if source.raw_os_error().is_some() {
            SourceError::Io { action: "read", path, source }
        } else if source.kind() == io::ErrorKind::UnexpectedEof {
            SourceError::Truncated { path, compression: self.compression }
        } else {
            let offset = self.consumed.load(Ordering::Relaxed);
            SourceError::Damaged { path, offset, what: source.to_string() }
        }
    }
}

/// Reads by position, which others may do at the same time; the position also serves error messages.
struct Counted {
    file: Arc<File>,
    position: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read_at(into, self.position.load(Ordering::Relaxed))?;
        self.position.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

fn gzip_member(input: Input) -> flate2::bufread::GzDecoder<Input> {
    flate2::bufread::GzDecoder::new(input)
}

/// gzip, member by member. flate2's own multi-member decoder does not say what it makes of bytes behind the last
/// member; here zero padding is fine and anything else is an error.
struct GzipMembers {
    member: Option<flate2::bufread::GzDecoder<Input>>,
}

impl Read for GzipMembers {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let n = member.read(into)?;
            if n > 0 || into.is_empty() {
                return Ok(n);
            }
            self.member = next_member(self.member.take())?;
        }
        Ok(0)
    }
}

fn next_member(
    done: Option<flate2::bufread::GzDecoder<Input>>,
) -> io::Result<Option<flate2::bufread::GzDecoder<Input>>> {
    let Some(done) = done else { return Ok(None) };
    let mut input = done.into_inner();
    match input.fill_buf()?.first() {
        None => Ok(None),
        Some(0x1f) => Ok(Some(gzip_member(input))),
        Some(_) => skip_zeros(input).map(|()| None),
    }
}

fn skip_zeros(mut input: Input) -> io::Result<()> {
    loop {
        let bytes = input.fill_buf()?;
        if bytes.is_empty() {
            return Ok(());
        }
        if bytes.iter().any(|b| *b != 0) {
            let what = "there is something else after the last gzip member";
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        let len = bytes.len();
        input.consume(len);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        out.write_all(text).expect("memory");
        out.finish().expect("memory")
    }

    fn bzip2(text: &[u8]) -> Vec<u8> {
        let mut out = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        out.write_all(text).expect("memory");
        out.finish().expect("memory")
    }

    fn decode(bytes: &[u8], compression: Compression) -> Result<Vec<u8>, SourceError> {
        let file = tempfile::NamedTempFile::new().expect("temporary file");
        std::fs::write(file.path(), bytes).expect("written");
        assert_eq!(Compression::of(bytes), compression);
        let opened = File::open(file.path()).expect("opened");
        let mut decoder = Decoder::new(Arc::new(opened), compression, file.path())?;
        let mut all = vec![0; 1 << 20];
        let n = decoder.fill(&mut all)?;
        all.truncate(n);
        Ok(all)
    }

    fn every_kind() -> [(Compression, Vec<u8>); 3] {
        let text = b"one line\n".repeat(500);
        [
            (Compression::Gzip, gzip(&text)),
            (Compression::Bzip2, bzip2(&text)),
            (Compression::Zstd, zstd::encode_all(&text[..], 3).expect("memory")),
        ]
    }

    #[test]
    fn two_members_are_both_read() {
        for (compression, one) in every_kind() {
            let two = [&one[..], &one[..]].concat();
            assert_eq!(decode(&two, compression).expect("decoded").len(), 9_000, "{compression}");
        }
    }

    #[test]
    fn a_file_cut_off_anywhere_is_truncated_and_never_done() {
        for (compression, whole) in every_kind() {
            for len in MIN_LEN..whole.len() {
                let cut = decode(&whole[..len], compression);
                assert!(
                    matches!(cut, Err(SourceError::Truncated { .. })),
                    "{compression} {len} {cut:?}"
                );
            }
        }
    }

    const MIN_LEN: usize = 10;

    #[test]
    fn zero_padding_behind_gzip_is_fine_and_garbage_is_damage() {
        let one = gzip(b"a\n");
        assert_eq!(decode(&[&one[..], &[0; 700]].concat(), Compression::Gzip).expect("ok"), b"a\n");
        for garbage in [&b"garbage"[..], b"\0\0x", b"\x1fx8901234567"] {
            let bad = decode(&[&one[..], garbage].concat(), Compression::Gzip);
            assert!(matches!(bad, Err(SourceError::Damaged { .. })), "{garbage:?} {bad:?}");
        }
    }

    #[test]
    fn garbage_behind_the_other_kinds_is_damage() {
        for (compression, whole) in every_kind() {
            let bad = decode(&[&whole[..], b"some garbage that is long"].concat(), compression);
            assert!(matches!(bad, Err(SourceError::Damaged { .. })), "{compression} {bad:?}");
        }
    }

    #[test]
    fn a_flipped_bit_is_damage() {
        let mut bytes = gzip(&b"some line\n".repeat(100));
        let at = bytes.len() - 6;
        bytes[at] ^= 1;
        assert!(matches!(decode(&bytes, Compression::Gzip), Err(SourceError::Damaged { .. })));
    }

    #[test]
    fn xz_is_decoded() {
        let bytes: &[u8] = include_bytes!("testdata/two_lines.xz");
        assert_eq!(decode(bytes, Compression::Xz).expect("decoded"), b"one\ntwo\n");
        let cut = decode(&bytes[..bytes.len() - 1], Compression::Xz);
        assert!(matches!(cut, Err(SourceError::Truncated { .. })), "{cut:?}");
    }
}
