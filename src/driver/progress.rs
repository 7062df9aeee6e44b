//! What a run tells while it works.

/// Gets word of the work done. Called from all workers.
pub trait Progress: Sync {
    /// So many bytes (of the files, compressed as they are) are to be read.
    fn start(&self, bytes: u64);
    /// What is told until the next stage is the work of this job and so many others.
    fn with_others(&self, _others: usize) {}
    /// So many more of them were read.
    fn read(&self, bytes: u64);
    /// So many more lines were mapped.
    fn lines(&self, lines: u64);
    /// What is being done now, in a word or two.
    fn stage(&self, name: &'static str);
}

/// Tells nobody.
pub struct NoProgress;

impl Progress for NoProgress {
    fn start(&self, _: u64) {}
    fn read(&self, _: u64) {}
    fn lines(&self, _: u64) {}
    fn stage(&self, _: &'static str) {}
}
