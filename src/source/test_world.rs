//! For tests: a folder of logs to which things happen, and a catalog of what was read of them.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::SystemTime;

use super::*;

/// How many trials a test makes: `LOGMILL_SEGMENT_TRIALS`, or its own few.
pub(super) fn trials(few: usize) -> usize {
    let trials = std::env::var("LOGMILL_SEGMENT_TRIALS").ok();
    trials.map_or(few, |n| n.parse().expect("LOGMILL_SEGMENT_TRIALS is a number"))
}

/// A folder of logs, and a catalog of what was read of them.
pub(super) struct World {
    pub(super) folder: tempfile::TempDir,
    pub(super) known: Vec<SegmentState>,
    pub(super) rules: SealRules,
    pub(super) lost_bytes: u64,
    pub(super) gaps: usize,
    pub(super) copies: Vec<Copy>,
    /// How often a copy was said to be one.
    pub(super) told: usize,
    marks: HashMap<u64, Marks>,
    pub(super) last: SourcePlan,
    /// For a process that stays.
    pub(super) held: Option<Held>,
}

impl World {
    pub(super) fn new() -> Self {
        World {
            folder: tempfile::tempdir().expect("temporary folder"),
            known: Vec::new(),
            rules: SealRules {
                final_: false,
                seal_after: None,
                leaving: false,
                now: SystemTime::now(),
            },
            lost_bytes: 0,
            gaps: 0,
            copies: Vec::new(),
            told: 0,
            marks: HashMap::new(),
            last: SourcePlan::default(),
            held: None,
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn append(&self, name: &str, text: &str) {
        let mut options = fs::OpenOptions::new();
        let file = options.append(true).create(true).open(self.path(name));
        file.and_then(|mut file| file.write_all(text.as_bytes())).expect("written");
    }

    pub(super) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).expect("renamed");
    }

    pub(super) fn copy(&self, from: &str, to: &str) {
        fs::copy(self.path(from), self.path(to)).expect("copied");
    }

    pub(super) fn truncate(&self, name: &str) {
        fs::File::create(self.path(name)).expect("truncated");
    }

    /// Like gzip(1): the same time as the original, which is deleted.
    pub(super) fn gzip(&self, name: &str) {
        self.gzip_keep(name);
        fs::remove_file(self.path(name)).expect("deleted");
    }

    pub(super) fn gzip_keep(&self, name: &str) {
        let text = fs::read(self.path(name)).expect("read");
        let file = fs::File::create(self.path(&format!("{name}.gz"))).expect("created");
        let mut out = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        out.write_all(&text).expect("written");
        let time = fs::metadata(self.path(name)).and_then(|meta| meta.modified());
        let file = out.finish().expect("written");
        file.set_modified(time.expect("has a time")).expect("set");
    }

    /// Every file is another one with the same content, as on another disk, or where devices are numbered anew.
    pub(super) fn move_to_other_disk(&mut self) {
        let on_disk = self.known.iter_mut().filter(|segment| segment.inode != 0);
        on_disk.for_each(|segment| segment.device += 1);
        self.copies.iter_mut().for_each(|copy| copy.device += 1);
    }

    /// An editor, rsync and a restored backup put another file in the place of one.
    pub(super) fn replace_by_its_copy(&self, name: &str) {
        self.copy(name, "its copy");
        self.rename("its copy", name);
    }

    pub(super) fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).expect("deleted");
    }

    fn discover(&self) -> Vec<Found> {
        discover(&["*".to_owned()], self.folder.path()).expect("a good glob").files
    }

    /// Holds what is there, as a process does that stays and hears of a write.
    pub(super) fn hold(&mut self) {
        let files = self.discover();
        self.held.get_or_insert_with(|| Held::new(100)).hold(&files);
    }

    /// A batch: what it reads.
    pub(super) fn run(&mut self) -> String {
        let files = self.discover();
        self.run_on(files)
    }

    /// A batch for which the files were listed at one moment, and are looked at when `meanwhile` is done.
    pub(super) fn run_while(&mut self, meanwhile: impl FnOnce(&Self)) -> String {
        let files = self.discover();
        meanwhile(self);
        self.run_on(files)
    }

    pub(super) fn plan(&self, files: Vec<Found>) -> SourcePlan {
        let marks = |id| self.marks.get(&id).cloned().unwrap_or_default();
        let (segments, copies) = (self.known.as_slice(), self.copies.as_slice());
        plan(files, Knowledge { segments, copies, marks: &marks, rows: None }, &self.rules)
    }

    /// The names of files that the last run found to be copies.
    pub(super) fn copies_now(&self) -> Vec<String> {
        let copies = self.copies.iter().filter(|copy| copy.bytes > 0);
        let name = |copy: &Copy| {
            copy.path.strip_prefix(self.folder.path()).map(|p| p.display().to_string())
        };
        copies.map(|copy| name(copy).expect("in the folder")).collect()
    }

    fn run_on(&mut self, mut files: Vec<Found>) -> String {
        if let Some(held) = &mut self.held {
            held.hold(&files);
            files.extend(held.missing(&files));
        }
        self.last = self.plan(files);
        self.gaps += self.last.lost.len();
        for copy in self.last.copies.iter_mut().filter(|copy| !copy.told && copy.bytes > 0) {
            copy.told = true;
            self.told += 1;
            self.last.copies_changed = true;
        }
        if self.last.copies_changed {
            self.copies = self.last.copies.clone();
        }
        self.lost_bytes += self.last.lost.iter().map(|lost| lost.bytes).sum::<u64>();
        for update in std::mem::take(&mut self.last.updates) {
            self.store(update);
        }
        let mut text = String::new();
        for task in std::mem::take(&mut self.last.tasks) {
            let (bytes, Validated { state, marks }) = read(&task);
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n'); // a line that was sealed without one
            }
            text += &String::from_utf8(bytes).expect("the tests write text");
            let id = self.store(state);
            self.marks.entry(id).or_default().append(&marks);
        }
        if let Some(held) = &mut self.held {
            held.release(&self.last.spent);
        }
        text
    }

    fn store(&mut self, mut state: SegmentState) -> u64 {
        if state.id == 0 {
            state.id = self.known.len() as u64 + 1;
            self.known.push(state);
            return self.known.len() as u64;
        }
        let id = state.id;
        self.known[id as usize - 1] = state;
        id
    }

    pub(super) fn run_quietly(&mut self) -> String {
        let text = self.run();
        assert!(self.last.problems.is_empty(), "{:?}", self.last.problems);
        assert!(self.last.lost.is_empty(), "{:?}", self.last.lost);
        text
    }
}

fn read(task: &SegmentTask) -> (Vec<u8>, Validated) {
    let mut buffer = ChunkBuffer::default();
    let mut bytes = Vec::new();
    if task.compression.is_compressed() {
        let mut reader = StreamReader::open(task, 100, 1 << 20).expect("opened");
        while let Some(chunk) = reader.next_chunk(&mut buffer).expect("read") {
            bytes.extend_from_slice(chunk.bytes);
        }
        let end = reader.finish().expect("ended");
        return (bytes, validate_stream(task, end).expect("unchanged"));
    }
    let reader = PlainReader::open(task, IoMode::Read, 1 << 20).expect("opened");
    for split in splits(reader.range().start, reader.range().end, 100) {
        let chunk = reader.chunk(split, &mut buffer).expect("read");
        bytes.extend_from_slice(chunk.bytes);
    }
    let validated = validate_plain(task, &reader).expect("unchanged");
    (bytes, validated)
}
