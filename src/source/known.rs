//! The segments that the catalog knows, found by their hints or by their content.

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::probe::Probe;
use super::rotation::RotatedName;
use super::{Copy, Fingerprint, Found, Marks, Rows, SegmentState};

/// Few equal bytes may be a coincidence where names say that they are another log's: a banner, a header.
pub(crate) const STRONG_BYTES: u64 = 4096;

/// How rows are written in a segment with this head.
pub type RowsOf<'k> = &'k dyn Fn(&[u8]) -> Option<Rows>;

/// What the catalog knows.
#[derive(Clone, Copy)]
pub struct Knowledge<'k> {
    /// The segments that were read.
    pub segments: &'k [SegmentState],
    /// The copies of them that were seen.
    pub copies: &'k [Copy],
    /// Marks of a segment, by its number.
    pub marks: &'k dyn Fn(u64) -> Marks,
    /// Where rows may have several lines.
    pub rows: Option<RowsOf<'k>>,
}

impl Knowledge<'_> {
    /// Of somebody who has read nothing yet.
    pub fn nothing() -> Self {
        Knowledge { segments: &[], copies: &[], marks: &|_| Marks::default(), rows: None }
    }
}

/// An index of known segments, and which of them a file has claimed.
pub(crate) struct Known<'k> {
    pub(crate) segments: &'k [SegmentState],
    /// Device and inode, and the segment's place: sorted by the former, the youngest generation first. It is the likeliest.
    by_file: Vec<((u64, u64), Reverse<u64>, usize)>,
    /// Made when the first file is looked into: mostly there is none.
    heads: OnceCell<Heads>,
    /// The file that each segment is.
    claims: Vec<Option<Claim<'k>>>,
}

/// A file that is a known segment.
#[derive(Clone, Copy)]
pub(crate) struct Claim<'k> {
    pub(crate) file: &'k Found,
    pub(crate) rest: Rest,
}

/// What a segment's file has behind the consumed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Nothing, and it did not change since that was found out.
    Idle,
    /// Nothing.
    None,
    /// Something, or that is not known.
    Some,
}

/// Segments by the first bytes of their content.
struct Heads {
    by_head: HashMap<Fingerprint, Vec<usize>>,
    lengths: BTreeSet<u32>,
    by_rank: HashMap<u64, Vec<usize>>,
}

impl Heads {
    fn of(segments: &[SegmentState]) -> Self {
        let mut by_head: HashMap<_, Vec<usize>> = HashMap::with_capacity(segments.len());
        let mut lengths = BTreeSet::new();
        let mut by_rank: HashMap<_, Vec<usize>> = HashMap::with_capacity(segments.len());
        for (at, segment) in segments.iter().enumerate().filter(|(_, one)| one.head.len > 0) {
            by_head.entry(segment.head).or_default().push(at);
            lengths.insert(segment.head.len);
            by_rank.entry(segment.rank).or_default().push(at);
        }
        Heads { by_head, lengths, by_rank }
    }
}

impl<'k> Known<'k> {
    pub(crate) fn new(segments: &'k [SegmentState]) -> Self {
        let with_file = segments.iter().enumerate().filter(|(_, segment)| has_file(segment));
        let key = |segment: &SegmentState| (segment.device, segment.inode);
        let mut by_file: Vec<_> =
            with_file.map(|(at, segment)| (key(segment), Reverse(segment.id), at)).collect();
        by_file.sort_unstable();
        Known { segments, by_file, heads: OnceCell::new(), claims: vec![None; segments.len()] }
    }

    /// Unclaimed segments that were last seen in this device and inode.
    pub(crate) fn hinted(&self, found: &Found) -> impl Iterator<Item = usize> + '_ {
        self.seen_in(found).filter(|at| self.claims[*at].is_none())
    }

    /// Segments that were last seen in this device and inode, be they another file by now.
    pub(crate) fn seen_in(&self, found: &Found) -> impl Iterator<Item = usize> + '_ {
        let key = found.key();
        let first = self.by_file.partition_point(|(file, ..)| *file < key);
        let candidates = self.by_file[first..].iter().take_while(move |(file, ..)| *file == key);
        candidates.map(|(.., at)| *at)
    }

    /// Segments that begin as this file does; those with the longest evidence first.
    pub(crate) fn beginning_like(&self, probe: &Probe) -> Vec<usize> {
        let Heads { by_head, lengths, by_rank } =
            self.heads.get_or_init(|| Heads::of(self.segments));
        let mut all: Vec<usize> = Vec::new();
        for len in lengths.iter().take_while(|len| **len as usize <= probe.head.len()) {
            let head = Fingerprint::of(&probe.head[..*len as usize]);
            all.extend(by_head.get(&head).into_iter().flatten());
        }
        // Those with a longer head than the file has.
        let first_line = by_rank.get(&probe.rank()).into_iter().flatten();
        let has_less = |at: &&usize| self.segments[**at].head.len as usize > probe.head.len();
        all.extend(first_line.filter(has_less));
        all.sort_by_key(|at| Reverse(self.segments[*at].offset));
        all
    }

    /// Takes a segment: a file is it.
    pub(crate) fn claim(&mut self, at: usize, file: &'k Found, rest: Rest) {
        self.claims[at] = Some(Claim { file, rest });
    }

    /// Lets go of a segment: another file may be it.
    pub(crate) fn release(&mut self, at: usize) -> Option<Claim<'k>> {
        self.claims[at].take()
    }

    /// The file that is a segment.
    pub(crate) fn claim_of(&self, at: usize) -> Option<Claim<'k>> {
        self.claims[at]
    }

    /// The segment that a file is.
    pub(crate) fn claimed_by(&self, file: &Found) -> Option<usize> {
        let is_file = |claim: &Option<Claim<'_>>| claim.is_some_and(|c| c.file.key() == file.key());
        self.claims.iter().position(is_file)
    }

    /// Known segments that no file claimed.
    pub(crate) fn absent(&self) -> impl Iterator<Item = &'k SegmentState> {
        let all = self.segments.iter().zip(&self.claims);
        all.filter(|(_, claim)| claim.is_none()).map(|(segment, _)| segment)
    }

    /// Known segments that no file claimed and that were not told to be gone before.
    pub(crate) fn orphans(&self) -> impl Iterator<Item = &'k SegmentState> {
        self.absent().filter(|segment| has_file(segment))
    }
}

fn has_file(segment: &SegmentState) -> bool {
    (segment.device, segment.inode) != (0, 0)
}

/// Whether a file that has all of a segment whose own file is gone may be taken for it. Not one that was created under the
/// log's name after the segment was found to be gone, and begins with the few bytes that were all of it: a new log begins with
/// the same banner.
pub(crate) fn is_plausible(segment: &SegmentState, probe: &Probe) -> bool {
    let Some(gone_us) = segment.gone_us.filter(|_| segment.offset < STRONG_BYTES) else {
        return true;
    };
    let gone = SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(gone_us).unwrap_or(0));
    !has_live_name(segment, &probe.found) || probe.born.is_some_and(|born| born < gone)
}

/// Whether the file has the name under which a segment was written to.
pub(crate) fn has_live_name(segment: &SegmentState, file: &Found) -> bool {
    let live = |path: &Path| RotatedName::of(path).live_path();
    let is_it = |path: &Path| path == file.path || live(path).is_some_and(|live| live == file.path);
    is_it(&segment.path) || is_it(&segment.first_path)
}

/// Whether the file was created after the segment's own was written to last: it was given its inode. Not where it has the
/// segment's name: copied with their times, files are younger than their content.
pub(crate) fn is_younger(segment: &SegmentState, file: &Found, born: Option<SystemTime>) -> bool {
    let written = u64::try_from(segment.mtime_ns)
        .map_or(SystemTime::UNIX_EPOCH, |ns| SystemTime::UNIX_EPOCH + Duration::from_nanos(ns));
    segment.path != file.path
        // A compressor gives its file the time of the original, which is older than the file.
        && (segment.size, segment.mtime_ns) != (file.size, file.mtime_ns)
        && (segment.device, segment.inode) == file.key()
        && born.is_some_and(|born| born > written)
}
