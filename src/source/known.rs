//! The segments that the catalog knows, found by their hints or by their content.

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use super::probe::Probe;
use super::rotation::RotatedName;
use super::{Fingerprint, Found, SegmentState};

/// A shorter stretch of equal bytes may be a coincidence: files that begin with the same header or banner.
pub(crate) const STRONG_BYTES: u64 = 4096;

/// An index of known segments, and which of them a file has claimed.
pub(crate) struct Known<'k> {
    pub(crate) segments: &'k [SegmentState],
    /// Device and inode, and the segment's place: sorted by the former, the youngest generation first. It is the likeliest.
    by_file: Vec<((u64, u64), Reverse<u64>, usize)>,
    /// Made when the first file is looked into: mostly there is none.
    heads: OnceCell<Heads>,
    claimed: Vec<bool>,
    idle: Vec<bool>,
}

/// Segments by the first bytes of their content.
struct Heads {
    by_head: HashMap<Fingerprint, Vec<usize>>,
    lengths: BTreeSet<u32>,
}

impl Heads {
    fn of(segments: &[SegmentState]) -> Self {
        let mut by_head: HashMap<_, Vec<usize>> = HashMap::with_capacity(segments.len());
        let mut lengths = BTreeSet::new();
        for (at, segment) in segments.iter().enumerate().filter(|(_, one)| one.head.len > 0) {
            by_head.entry(segment.head).or_default().push(at);
            lengths.insert(segment.head.len);
        }
        Heads { by_head, lengths }
    }
}

impl<'k> Known<'k> {
    pub(crate) fn new(segments: &'k [SegmentState]) -> Self {
        let with_file = segments.iter().enumerate().filter(|(_, segment)| has_file(segment));
        let key = |segment: &SegmentState| (segment.device, segment.inode);
        let mut by_file: Vec<_> =
            with_file.map(|(at, segment)| (key(segment), Reverse(segment.id), at)).collect();
        by_file.sort_unstable();
        Known {
            segments,
            by_file,
            heads: OnceCell::new(),
            claimed: vec![false; segments.len()],
            idle: vec![false; segments.len()],
        }
    }

    /// Unclaimed segments that were last seen in this device and inode.
    pub(crate) fn hinted(&self, found: &Found) -> impl Iterator<Item = usize> + '_ {
        let key = found.key();
        let first = self.by_file.partition_point(|(file, ..)| *file < key);
        let candidates = self.by_file[first..].iter().take_while(move |(file, ..)| *file == key);
        candidates.map(|(.., at)| *at).filter(|at| !self.claimed[*at])
    }

    /// Segments whose head this file has; those with the longest evidence first.
    pub(crate) fn with_head_of(&self, probe: &Probe) -> Vec<usize> {
        let Heads { by_head, lengths } = self.heads.get_or_init(|| Heads::of(self.segments));
        let mut all: Vec<usize> = Vec::new();
        for len in lengths.iter().take_while(|len| **len as usize <= probe.head.len()) {
            let head = Fingerprint::of(&probe.head[..*len as usize]);
            all.extend(by_head.get(&head).into_iter().flatten());
        }
        all.sort_by_key(|at| Reverse(self.segments[*at].offset));
        all
    }

    /// Takes a segment: a file is it.
    pub(crate) fn claim(&mut self, at: usize) {
        self.claimed[at] = true;
    }

    /// Takes a segment that was read to its end and whose file did not change since.
    pub(crate) fn claim_idle(&mut self, at: usize) {
        self.claimed[at] = true;
        self.idle[at] = true;
    }

    /// Whether a file is it.
    pub(crate) fn is_claimed(&self, at: usize) -> bool {
        self.claimed[at]
    }

    /// Whether it was taken by [`Known::claim_idle`].
    pub(crate) fn is_idle(&self, at: usize) -> bool {
        self.idle[at]
    }

    /// Known segments that no file claimed.
    pub(crate) fn absent(&self) -> impl Iterator<Item = &'k SegmentState> {
        let all = self.segments.iter().zip(&self.claimed);
        all.filter(|(_, claimed)| !**claimed).map(|(segment, _)| segment)
    }

    /// Known segments that no file claimed and that were not told to be gone before.
    pub(crate) fn orphans(&self) -> impl Iterator<Item = &'k SegmentState> {
        self.absent().filter(|segment| has_file(segment))
    }
}

fn has_file(segment: &SegmentState) -> bool {
    (segment.device, segment.inode) != (0, 0)
}

/// Whether a file with the head and anchor of a segment may be taken for it. Equal bytes alone are proof only when they
/// are many: a log may well begin with the same few bytes as one that is gone.
pub(crate) fn is_plausible(segment: &SegmentState, probe: &Probe) -> bool {
    segment.offset >= STRONG_BYTES
        || has_the_time(segment, probe)
        || segment.inode == probe.found.inode
        || was_rotated(segment, probe)
}

/// Whether the file was last written when the segment was; then a plain one has its size too. File systems' clocks are
/// coarse, so that the time alone may be another log's.
fn has_the_time(segment: &SegmentState, probe: &Probe) -> bool {
    let both_plain = !segment.compression.is_compressed() && !probe.compression.is_compressed();
    segment.mtime_ns == probe.found.mtime_ns && (!both_plain || segment.size == probe.found.size)
}

/// As [`is_plausible`], for a held file that may have become the segment: compressed after its last write, under its
/// log's name.
pub(crate) fn is_plausible_for_held(segment: &SegmentState, held: &Probe) -> bool {
    let name = |path| RotatedName::of(path);
    let is_sibling = || name(&segment.path).family() == name(&held.found.path).family();
    is_plausible(segment, held)
        || (segment.compression.is_compressed()
            && segment.mtime_ns >= held.found.mtime_ns
            && is_sibling())
}

/// Whether the file's name is one that a rotation gives to the segment's file.
fn was_rotated(segment: &SegmentState, probe: &Probe) -> bool {
    let (old, new) = (RotatedName::of(&segment.path), RotatedName::of(&probe.found.path));
    new.is_older_than(&old) || new.is_compressed_name_of(&old)
}
