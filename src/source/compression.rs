//! How a segment is compressed: told by its first bytes, whatever its name.

use std::fmt;

/// The compression of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// None.
    Plain,
    /// RFC 1952; any number of members.
    Gzip,
    /// RFC 8878; any number of frames.
    Zstd,
    /// bzip2; any number of streams.
    Bzip2,
    /// The .xz container; any number of streams.
    Xz,
}

/// Bytes that [`Compression::of`] wants to see.
pub(crate) const MAGIC_BYTES: usize = 10;

impl Compression {
    /// The compression of a file that begins with these bytes: the first ten, or fewer if the file is shorter.
    pub fn of(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, 0x08, ..] => Compression::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Compression::Xz,
            // "BZh9" alone may begin a line of text: the block's or the end's magic must follow.
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..]
            | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..] => {
                Compression::Bzip2
            }
            _ => Compression::Plain,
        }
    }

    /// Whether the bytes must be decoded before they are lines.
    pub fn is_compressed(self) -> bool {
        self != Compression::Plain
    }

    /// A short, stable name: what a catalog stores.
    pub fn name(self) -> &'static str {
        match self {
            Compression::Plain => "plain",
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
            Compression::Bzip2 => "bzip2",
            Compression::Xz => "xz",
        }
    }

    /// The reverse of [`Compression::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        use Compression::{Bzip2, Gzip, Plain, Xz, Zstd};
        [Plain, Gzip, Zstd, Bzip2, Xz].into_iter().find(|c| c.name() == name)
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_begins_like_bzip2_is_text() {
        assert_eq!(Compression::of(b"BZh9 is no block"), Compression::Plain);
        assert_eq!(Compression::of(b"BZh91AY&SY\x01"), Compression::Bzip2);
    }

    #[test]
    fn every_name_leads_back() {
        for name in ["plain", "gzip", "zstd", "bzip2", "xz"] {
            assert_eq!(Compression::from_name(name).map(Compression::name), Some(name));
        }
        assert_eq!(Compression::from_name("lz4"), None);
    }
}
