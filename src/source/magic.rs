//! Files that are no logs, told by their first bytes: archives, images, programs, databases, data that is compressed in a
//! way that can't be read here. A glob such as `*` finds them beside logs.
//!
//! Each is told by more than a log could begin with: by bytes that are no text, or by a header that adds up.

use std::borrow::Cow;

use super::Compression;

/// What to do about it.
const ARCHIVE: &str = "; unpack it to have the logs in it read, or leave it out of the globs";
const UNREADABLE: &str =
    "; compress it with gzip, zstd, bzip2 or xz instead, or leave it out of the globs";
const TWICE: &str = "; decompress it once to have it read, or leave it out of the globs";
const OTHER: &str = ", and no log; leave it out of the globs";

/// Beginnings that no text has: what it is, and what to do.
const MAGIC: [(&[u8], &str, &str); 49] = [
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", ARCHIVE),
    (b"Rar!\x1a\x07", "a RAR archive", ARCHIVE),
    (b"MSCF\0\0\0\0", "a cabinet archive", ARCHIVE),
    (b"\xed\xab\xee\xdb", "an RPM package", ARCHIVE),
    (b"xar!\0\x1c", "a XAR archive", ARCHIVE),
    (b"\x04\x22\x4d\x18", "lz4 data", UNREADABLE),
    (b"\x02\x21\x4c\x18", "lz4 data", UNREADABLE),
    (b"\x1f\x9d", "data of compress (.Z)", UNREADABLE),
    (b"\x1f\xa0", "data of compress (.Z)", UNREADABLE),
    (b"\x1f\x1e", "data of pack (.z)", UNREADABLE),
    (b"LZIP\x00", "lzip data", UNREADABLE),
    (b"LZIP\x01", "lzip data", UNREADABLE),
    (b"\x89LZO\0\r\n\x1a\n", "lzop data", UNREADABLE),
    (b"\xff\x06\0\0sNaPpY", "snappy data", UNREADABLE),
    (b"SQLite format 3\0", "an SQLite database", OTHER),
    (b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", "an SQLite journal", OTHER),
    (b"\x37\x7f\x06\x82", "an SQLite write-ahead log", OTHER),
    (b"\x37\x7f\x06\x83", "an SQLite write-ahead log", OTHER),
    (b"\x18\xe2\x2d\0\0\0\0\0", "an SQLite index of a write-ahead log", OTHER),
    (b"PAR1\x15", "a Parquet file", OTHER),
    (b"PARE", "an encrypted Parquet file", OTHER),
    (b"ARROW1\0\0", "an Arrow file", OTHER),
    (b"Obj\x01", "an Avro file", OTHER),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", OTHER),
    (b"LPKSHHRH", "a systemd journal (journalctl exports it as text)", OTHER),
    (b"ElfFile\0", "a Windows event log", OTHER),
    (b"\xfebin", "a MySQL binary log", OTHER),
    (b"\xd4\xc3\xb2\xa1", "a packet capture", OTHER),
    (b"\xa1\xb2\xc3\xd4", "a packet capture", OTHER),
    (b"\x4d\x3c\xb2\xa1", "a packet capture", OTHER),
    (b"\xa1\xb2\x3c\x4d", "a packet capture", OTHER),
    (b"\x7fELF", "a program or a core dump", OTHER),
    (b"\xfe\xed\xfa\xce", "a program", OTHER),
    (b"\xfe\xed\xfa\xcf", "a program", OTHER),
    (b"\xce\xfa\xed\xfe", "a program", OTHER),
    (b"\xcf\xfa\xed\xfe", "a program", OTHER),
    (b"\xca\xfe\xba\xbe", "a program", OTHER),
    (b"\0asm", "a program", OTHER),
    (b"\x89PNG\r\n\x1a\n", "an image", OTHER),
    (b"\xff\xd8\xff", "an image", OTHER),
    (b"II*\0", "an image", OTHER),
    (b"MM\0*", "an image", OTHER),
    (b"%PDF-1.", "a PDF document", OTHER),
    (b"%PDF-2.", "a PDF document", OTHER),
    (b"wOFF\0", "a font", OTHER),
    (b"wOF2\0", "a font", OTHER),
    (b"Salted__", "encrypted data", OTHER),
    (b"age-encryption.org/v1\n", "encrypted data", OTHER),
    (b"-----BEGIN PGP MESSAGE-----\n", "encrypted data", OTHER),
];

/// What a file is that is no log, and what to do about it. `head`: its first bytes, decompressed, some 512 at least where it
/// has them.
pub(crate) fn no_log(head: &[u8], compression: Compression) -> Option<String> {
    let (what, help) = kind(head)?;
    let how = match compression {
        Compression::Plain => String::new(),
        packed => format!(" within {packed} data"),
    };
    Some(format!("{what}{how}{help}"))
}

/// A test of the first bytes, what they are of, and what to do.
type Test = (fn(&[u8]) -> bool, &'static str, &'static str);

/// Headers that add up.
const TESTS: [Test; 10] = [
    (is_tar, "a tar archive", ARCHIVE),
    (is_zip, "a zip archive", ARCHIVE),
    (is_ar, "an ar archive", ARCHIVE),
    (is_cpio, "a cpio archive", ARCHIVE),
    (is_dump, "a dump of a file system", ARCHIVE),
    (is_lzma, "lzma data", UNREADABLE),
    (is_windows_program, "a program", OTHER),
    (is_image, "an image", OTHER),
    (is_riff, "an image, a sound or a film", OTHER),
    (is_pcapng, "a packet capture", OTHER),
];

fn kind(head: &[u8]) -> Option<(Cow<'static, str>, &'static str)> {
    let fixed = MAGIC.iter().find(|(magic, ..)| head.starts_with(magic));
    let fixed = fixed.map(|(_, what, help)| (*what, *help));
    let tested = || TESTS.iter().find(|(is, ..)| is(head)).map(|(_, what, help)| (*what, *help));
    let found = fixed.or_else(tested).map(|(what, help)| (Cow::Borrowed(what), help));
    found.or_else(|| packed(head))
}

/// Only of use for what was decompressed: a file that begins so is decompressed before anybody asks.
fn packed(head: &[u8]) -> Option<(Cow<'static, str>, &'static str)> {
    match Compression::of(head) {
        Compression::Plain => None,
        inner => Some((format!("{inner} data").into(), TWICE)),
    }
}

fn u16_at(head: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(head.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(head: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(head.get(at..at + 4)?.try_into().ok()?))
}

/// The header of the first member adds up to its checksum, as POSIX's, GNU's and older ones do; or there is no member, but
/// the two empty blocks of the end.
fn is_tar(head: &[u8]) -> bool {
    const SUM: std::ops::Range<usize> = 148..156;
    let Some(block) = head.get(..512) else { return false };
    let octal = String::from_utf8_lossy(&block[SUM]);
    let octal = octal.trim_matches([' ', '\0']);
    let Ok(sum) = u64::from_str_radix(octal, 8) else { return false };
    let byte = |(at, byte): (usize, &u8)| if SUM.contains(&at) { 0x20 } else { u64::from(*byte) };
    block[0] != 0 && block.contains(&0) && sum == block.iter().enumerate().map(byte).sum::<u64>()
}

/// A local header with a version and a method that exist and a name; or the end of an archive without a member.
fn is_zip(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"PK\x07\x08").or(head.strip_prefix(b"PK00")).unwrap_or(head);
    if head.starts_with(b"PK\x05\x06") {
        return u32_at(head, 4) == Some(0);
    }
    let method = |method: u16| method <= 20 || (93..=99).contains(&method);
    head.starts_with(b"PK\x03\x04")
        && u16_at(head, 4).is_some_and(|version| version & 0xff <= 100)
        && u16_at(head, 8).is_some_and(method)
        && u16_at(head, 26).is_some_and(|name| name > 0)
}

/// Debian packages and libraries: the first member's header ends as each does.
fn is_ar(head: &[u8]) -> bool {
    (head.starts_with(b"!<arch>\n") || head.starts_with(b"!<thin>\n"))
        && (head.len() == 8 || head.get(66..68) == Some(b"`\n"))
}

/// A header of digits, and behind it a name that ends where the header says.
fn is_cpio(head: &[u8]) -> bool {
    let number = |at: usize, len: usize, radix: u32| {
        let text = std::str::from_utf8(head.get(at..at + len)?).ok()?;
        usize::from_str_radix(text, radix).ok()
    };
    let ends = |end: Option<usize>| {
        let last = end.and_then(|end| head.get(end.checked_sub(1)?));
        last == Some(&0)
    };
    match head.get(..6) {
        Some(b"070701" | b"070702") => {
            (6..110).step_by(8).all(|at| number(at, 8, 16).is_some())
                && ends(number(94, 8, 16).map(|len| 110 + len))
        }
        Some(b"070707") => ends(number(59, 6, 8).map(|len| 76 + len)),
        _ => false,
    }
}

/// dump(8) of the ext file systems, by the number that stands in each of its headers.
fn is_dump(head: &[u8]) -> bool {
    u32_at(head, 24).is_some_and(|magic| magic == 60_012 || magic == 60_013)
}

/// The old format of LZMA has no magic: properties, sizes that its programs write, and the first byte of the coder, which
/// is always 0.
fn is_lzma(head: &[u8]) -> bool {
    let (Some(&properties), Some(dictionary)) = (head.first(), u32_at(head, 1)) else {
        return false;
    };
    let is_usual = |size: u32| {
        size == u32::MAX
            || (size >= 4096
                && (size.is_power_of_two()
                    || (size.is_multiple_of(3) && (size / 3).is_power_of_two())))
    };
    let size = head.get(5..13).and_then(|size| Some(u64::from_le_bytes(size.try_into().ok()?)));
    properties < 225
        && is_usual(dictionary)
        && size.is_some_and(|size| size == u64::MAX || size < 1 << 40)
        && head.get(13) == Some(&0)
}

fn is_windows_program(head: &[u8]) -> bool {
    let header = || Some(u32_at(head, 0x3c)? as usize);
    head.starts_with(b"MZ")
        && header().and_then(|at| head.get(at..at.checked_add(4)?)) == Some(b"PE\0\0")
}

fn is_image(head: &[u8]) -> bool {
    let gif = head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a");
    let header = |size: u32| [12, 40, 52, 56, 108, 124].contains(&size);
    let bitmap = head.starts_with(b"BM") && u32_at(head, 6) == Some(0);
    (gif && head.get(12) == Some(&0)) || (bitmap && u32_at(head, 14).is_some_and(header))
}

fn is_riff(head: &[u8]) -> bool {
    let kinds: [&[u8]; 3] = [b"WEBP", b"WAVE", b"AVI "];
    head.starts_with(b"RIFF") && head.get(8..12).is_some_and(|kind| kinds.contains(&kind))
}

fn is_pcapng(head: &[u8]) -> bool {
    let order = u32_at(head, 8);
    head.starts_with(b"\n\r\r\n") && (order == Some(0x1a2b_3c4d) || order == Some(0x4d3c_2b1a))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(head: &[u8]) -> Option<String> {
        no_log(head, Compression::Plain)
    }

    /// A header block of tar.
    fn tar(name: &[u8], magic: &[u8]) -> Vec<u8> {
        let mut block = vec![0; 512];
        block[..name.len()].copy_from_slice(name);
        block[100..107].copy_from_slice(b"0000644");
        block[257..257 + magic.len()].copy_from_slice(magic);
        block[148..156].fill(b' ');
        let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        block
    }

    #[test]
    fn archives_are_told_with_what_to_do() {
        for magic in [&b"ustar\x0000"[..], b"ustar  \0", b""] {
            let said = of(&tar(b"a.log", magic)).expect("an archive");
            assert!(said.starts_with("a tar archive; unpack it"), "{said}");
        }
        let mut zip = b"PK\x03\x04\x14\0\0\0\x08\0".to_vec();
        zip.resize(26, 7);
        zip.extend(b"\x05\0\0\0a.log");
        assert!(of(&zip).is_some_and(|said| said.starts_with("a zip archive;")));
        let mut empty_zip = b"PK\x05\x06".to_vec();
        empty_zip.resize(22, 0);
        assert!(of(&empty_zip).is_some());
        let ar = [&b"!<arch>\n"[..], &[b' '; 58], b"`\n"].concat();
        assert!(of(&ar).is_some());
        let cpio = format!("070701{}00000006{}a.log\0", "0".repeat(88), "0".repeat(8));
        assert!(of(cpio.as_bytes()).is_some(), "{cpio}");
        let said = no_log(&tar(b"a.log", b"ustar\0"), Compression::Gzip).expect("an archive");
        assert!(said.starts_with("a tar archive within gzip data; unpack it"), "{said}");
    }

    #[test]
    fn what_was_compressed_twice_is_told() {
        for (head, what) in [
            (
                &b"\x1f\x8b\x08\0\0\0\0\0\0\x03"[..],
                "gzip data within zstd data; decompress it once",
            ),
            (b"\x28\xb5\x2f\xfd....", "zstd data within zstd data; decompress it once"),
        ] {
            let said = no_log(head, Compression::Zstd).expect("compressed");
            assert!(said.starts_with(what), "{said}");
        }
    }

    #[test]
    fn the_old_format_of_lzma_is_told() {
        let lzma = b"\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0\x18";
        assert!(of(lzma).is_some_and(|said| said.starts_with("lzma data; compress it with")));
        let known_size = b"\x5d\0\0\x80\0\x10\x27\0\0\0\0\0\0\0\x18";
        assert!(of(known_size).is_some());
        assert_eq!(of(b"]\0\0\x80\0 is no such header, for all it begins with"), None);
    }

    #[test]
    fn text_that_begins_like_something_else_is_text() {
        for text in [
            &b"PK"[..],
            b"PK\n",
            b"PK\x03\x04 and then text that goes on for a while, a line long\n",
            b"PKCS#11 module loaded\n",
            b"7z archive written\n",
            b"Rar! said the lion\n",
            b"BM something\nBM something else\n",
            b"MZ 1\nMZ 2\n",
            b"GIF89a is an old format of images\n",
            b"RIFF, he said, WAVE, she said\n",
            b"LZIP done\n",
            b"SQLite format 3 is old\n",
            b"PAR1 is a Parquet file\n",
            b"!<arch>\nis the first line, and no more than that: no member's header is behind it, however long\n",
            b"070701 10:00:00 started\n070701 10:00:01 connected to a database of some name, with a user and more text behind\n",
            b"0707070707070707070707070707070707070707070707070707070707070707070707070707070707070707\n",
            b"II* and MM* and the others\n",
            b"%PDF written\n",
            b"\xef\xbb\xbfa BOM\n",
            b"\xff\xfea\0\n\0",
            b"",
            b"\n",
            b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        ] {
            assert_eq!(of(text), None, "{}", text.escape_ascii());
        }
        assert_eq!(of(&[0; 512]), None);
        assert_eq!(
            of(&b"192.0.2.1 - - [31/Oct/2026:23:30:00 +0000] 0000644 ustar\n".repeat(20)),
            None
        );
        // The number of a checksum at its place, in a line of text.
        let mut text = b"a.log ".repeat(100);
        text[148..156].copy_from_slice(b"0012345 ");
        assert_eq!(of(&text), None);
    }
}
