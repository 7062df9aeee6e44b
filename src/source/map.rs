//! Memory maps under a read lease, and where a file has holes.
//!
//! What maps assume, and what follows if it is false:
//!
//! 1. **Nobody shortens or overwrites the file while a slice of the map is alive.** Shortening would be SIGBUS at the next
//!    access, overwriting would change bytes behind a `&[u8]`. A *read lease* (`F_SETLEASE`, Linux) makes it true: the
//!    kernel grants it only while no descriptor is open for writing, and whoever opens for writing or truncates is held up
//!    until the lease is released or `/proc/sys/fs/lease-break-time` (45 s) has passed. The reader looks at the lease before
//!    each chunk ([`Map::lease_is_broken`]) and drops the map when somebody waits; a chunk is worked on for far less than 45 s.
//! 2. **The map ends at most where the file ended** when it was made: the length is checked against `fstat` after the lease
//!    was granted, so the map has no page that was behind the end.
//!
//! The signal that tells of a waiting writer would be SIGIO, which kills a process that does not expect it; it is
//! set to SIGURG, which is ignored by default. The lease is polled instead.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use memmap2::{Advice, Mmap, MmapOptions};

/// `fcntl` command that chooses the lease's signal (`asm-generic/fcntl.h`); libc lacks it for some targets.
const F_SETSIG: libc::c_int = 10;

/// The first bytes of a file, in memory. Unmapped before the lease is released: fields drop in this order.
#[derive(Debug)]
pub(crate) struct Map {
    bytes: Mmap,
    lease: Lease,
}

impl Map {
    /// Maps the first `len` bytes (at least 1). `None`: no lease was granted, or the file is shorter than `len`.
    pub(crate) fn new(file: &Arc<File>, len: u64) -> io::Result<Option<Map>> {
        let Some(lease) = Lease::take(file) else { return Ok(None) };
        if len == 0 || file.metadata()?.len() < len {
            return Ok(None);
        }
        let len = usize::try_from(len).map_err(io::Error::other)?;
        // SAFETY: the file has at least `len` bytes (2), and keeps them by its lease (1).
        let bytes = unsafe { MmapOptions::new().len(len).map(&**file)? };
        // Only a hint: a kernel without it reads as well.
        let _ = bytes.advise(Advice::Sequential);
        Ok(Some(Map { bytes, lease }))
    }

    /// The bytes mapped, from the file's first.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Releases the lease before the map is dropped. Nobody may look at [`Map::bytes`] afterwards.
    pub(crate) fn release_lease(&self) {
        self.lease.release();
    }

    /// Whether somebody wants to write. Drop the map soon.
    pub(crate) fn lease_is_broken(&self) -> bool {
        self.lease.is_broken()
    }
}

/// A read lease on an open file; released when dropped.
#[derive(Debug)]
struct Lease {
    file: Arc<File>,
}

impl Lease {
    /// `None` when somebody has the file open for writing, the file belongs to another user, or the file system
    /// has no leases.
    fn take(file: &Arc<File>) -> Option<Lease> {
        fcntl(file, F_SETSIG, libc::SIGURG).ok()?;
        fcntl(file, libc::F_SETLEASE, libc::F_RDLCK).ok()?;
        Some(Lease { file: file.clone() })
    }

    fn release(&self) {
        // A lease that is already gone is as good as released.
        let _ = fcntl(&self.file, libc::F_SETLEASE, libc::F_UNLCK);
    }

    fn is_broken(&self) -> bool {
        fcntl(&self.file, libc::F_GETLEASE, 0).ok() != Some(libc::F_RDLCK)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.release();
    }
}

/// Whether somebody has the file open for writing, as far as the kernel tells: it does so to the file's owner and to
/// root, on file systems with leases.
pub(crate) fn has_writer(file: &Arc<File>) -> bool {
    // For the moment that the lease lasts; see above on signals.
    let taken = fcntl(file, F_SETSIG, libc::SIGURG)
        .and_then(|_| fcntl(file, libc::F_SETLEASE, libc::F_RDLCK));
    match taken {
        Ok(_) => {
            let _ = fcntl(file, libc::F_SETLEASE, libc::F_UNLCK);
            false
        }
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    }
}

/// The first byte from `offset` on that is not in a hole; `None`: a hole up to the end, or the file ends before.
/// Moves the file's cursor, which nobody here reads by. Where the file system cannot tell, everything is data.
pub(crate) fn next_data(file: &File, offset: u64) -> Option<u64> {
    let Ok(from) = libc::off_t::try_from(offset) else {
        return Some(offset);
    };
    // SAFETY: the descriptor is open as long as `file` is borrowed; no memory is involved.
    let at = unsafe { libc::lseek(file.as_raw_fd(), from, libc::SEEK_DATA) };
    match u64::try_from(at) {
        Ok(at) => Some(at),
        Err(_) if io::Error::last_os_error().raw_os_error() == Some(libc::ENXIO) => None,
        Err(_) => Some(offset),
    }
}

fn fcntl(file: &File, command: libc::c_int, argument: libc::c_int) -> io::Result<libc::c_int> {
    // SAFETY: the descriptor is open as long as `file` is borrowed, and these commands take an int, no pointer.
    match unsafe { libc::fcntl(file.as_raw_fd(), command, argument) } {
        -1 => Err(io::Error::last_os_error()),
        answer => Ok(answer),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::os::unix::fs::OpenOptionsExt;

    use super::*;

    fn file() -> (tempfile::NamedTempFile, Arc<File>) {
        let temporary = tempfile::NamedTempFile::new().expect("temporary file");
        std::fs::write(temporary.path(), b"one\ntwo\n").expect("written");
        let file = Arc::new(File::open(temporary.path()).expect("opened"));
        // Reopened without the writing descriptor, which would forbid a lease.
        let path = temporary.into_temp_path();
        (tempfile::NamedTempFile::from_parts(File::open(&path).expect("opened"), path), file)
    }

    #[test]
    fn a_map_ends_where_the_file_ends() {
        let (_keep, file) = file();
        assert!(Map::new(&file, 9).expect("tried").is_none());
        assert!(Map::new(&file, 0).expect("tried").is_none());
        let Some(map) = Map::new(&file, 8).expect("tried") else {
            return; // a file system without leases
        };
        assert_eq!(map.bytes(), b"one\ntwo\n");
    }

    #[test]
    fn a_file_open_for_writing_is_not_mapped_when_a_lease_is_required() {
        let (keep, file) = file();
        let _writer = OpenOptions::new().append(true).open(keep.path()).expect("opened");
        assert!(Map::new(&file, 8).expect("tried").is_none());
    }

    #[test]
    fn a_writer_that_comes_breaks_the_lease_and_waits_until_the_map_is_gone() {
        let (keep, file) = file();
        let Some(map) = Map::new(&file, 8).expect("tried") else {
            return; // a file system without leases
        };
        assert!(!map.lease_is_broken());
        let open =
            || OpenOptions::new().append(true).custom_flags(libc::O_NONBLOCK).open(keep.path());
        let blocked = open().expect_err("the lease holds it up");
        assert_eq!(blocked.kind(), io::ErrorKind::WouldBlock);
        assert!(map.lease_is_broken());
        drop(map);
        open().expect("released with the map");
    }
}
