//! A model of a disk: what programs see, what of it a power cut leaves for certain, and what it may leave. A file's bytes
//! are certain once the file was synced, a name once its folder was; of all else any part may be there. No real file
//! system loses more than that, and some lose as much (Pillai et al., "All file systems are not created equal", OSDI 2014).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::input::Random;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Node {
    Folder,
    /// Its place in the list of files.
    File(usize),
}

/// Names and what they stand for.
type Names = BTreeMap<PathBuf, Node>;

/// A change of a file's bytes, and the line of the trace where it was done.
#[derive(Debug, Clone)]
struct Edit {
    line: usize,
    at: usize,
    /// Bytes from there on; `None` cuts the file there, or fills it up to there.
    bytes: Option<Vec<u8>>,
}

/// A file's bytes.
#[derive(Debug, Default, Clone)]
struct File {
    certain: Vec<u8>,
    edits: Vec<Edit>,
}

/// A change of names.
#[derive(Debug, Clone)]
enum Change {
    Make(PathBuf, Node),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf, Node),
}

impl Change {
    /// The folder whose sync makes it certain.
    fn folder(&self) -> &Path {
        let (Change::Make(path, _) | Change::Remove(path) | Change::Rename(_, path, _)) = self;
        path.parent().expect("a folder")
    }

    fn apply(&self, names: &mut Names) {
        match self {
            Change::Make(path, node) => drop(names.insert(path.clone(), *node)),
            Change::Remove(path) => drop(names.remove(path)),
            Change::Rename(from, to, node) => {
                names.remove(from);
                names.insert(to.clone(), *node);
            }
        }
    }
}

/// How much of what is uncertain a power cut leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Nothing.
    Nothing,
    /// New names, but no new bytes: what a journal of names alone leaves.
    Names,
    /// New bytes, but no new names.
    Bytes,
    /// Any part of both.
    Some,
}

/// The disk.
#[derive(Debug, Default, Clone)]
pub struct Disk {
    files: Vec<File>,
    names: Names,
    certain_names: Names,
    changes: Vec<(usize, Change)>,
}

impl Edit {
    fn apply(&self, to: &mut Vec<u8>, length: usize) {
        match &self.bytes {
            None => to.resize(self.at, 0),
            Some(bytes) => {
                let bytes = &bytes[..length];
                to.resize(to.len().max(self.at + length), 0);
                to[self.at..self.at + length].copy_from_slice(bytes);
            }
        }
    }

    fn length(&self) -> usize {
        self.bytes.as_ref().map_or(0, Vec::len)
    }
}

impl Disk {
    /// All that is below a folder, and certain.
    pub fn load(&mut self, folder: &Path) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        self.names.insert(folder.to_owned(), Node::Folder);
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                self.load(&path);
            } else {
                let certain = fs::read(&path).expect("a file");
                self.files.push(File { certain, edits: Vec::new() });
                self.names.insert(path, Node::File(self.files.len() - 1));
            }
        }
        self.certain_names = self.names.clone();
    }

    /// What a name stands for, to programs.
    pub fn node(&self, path: &Path) -> Option<Node> {
        self.names.get(path).copied()
    }

    fn change(&mut self, line: usize, change: Change) {
        change.apply(&mut self.names);
        self.changes.push((line, change));
    }

    /// A new empty file.
    pub fn make_file(&mut self, line: usize, path: &Path) -> usize {
        self.files.push(File::default());
        let file = self.files.len() - 1;
        self.change(line, Change::Make(path.to_owned(), Node::File(file)));
        file
    }

    pub fn make_folder(&mut self, line: usize, path: &Path) {
        self.change(line, Change::Make(path.to_owned(), Node::Folder));
    }

    pub fn remove(&mut self, line: usize, path: &Path) {
        self.change(line, Change::Remove(path.to_owned()));
    }

    pub fn rename(&mut self, line: usize, from: &Path, to: &Path) {
        let node = self.node(from).expect("a file that is renamed");
        self.change(line, Change::Rename(from.to_owned(), to.to_owned(), node));
    }

    pub fn write(&mut self, line: usize, file: usize, at: usize, bytes: Vec<u8>) {
        self.files[file].edits.push(Edit { line, at, bytes: Some(bytes) });
    }

    pub fn resize(&mut self, line: usize, file: usize, length: usize) {
        self.files[file].edits.push(Edit { line, at: length, bytes: None });
    }

    /// A file's present length.
    pub fn length(&self, file: usize) -> usize {
        self.bytes(file).len()
    }

    fn bytes(&self, file: usize) -> Vec<u8> {
        let mut bytes = self.files[file].certain.clone();
        self.files[file].edits.iter().for_each(|edit| edit.apply(&mut bytes, edit.length()));
        bytes
    }

    /// What was done to a file before a line is certain from now on.
    pub fn sync_file(&mut self, began: usize, file: usize) {
        let File { certain, edits } = &mut self.files[file];
        edits.retain(|edit| {
            let covered = edit.line < began;
            if covered {
                edit.apply(certain, edit.length());
            }
            !covered
        });
    }

    /// The same for the names in a folder.
    pub fn sync_folder(&mut self, began: usize, folder: &Path) {
        let names = &mut self.certain_names;
        self.changes.retain(|(line, change)| {
            let covered = *line < began && change.folder() == folder;
            if covered {
                change.apply(names);
            }
            !covered
        });
    }

    /// What programs see: for a comparison with the real disk.
    pub fn present(&self) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        let bytes = |node: &Node| match node {
            Node::Folder => None,
            Node::File(file) => Some(self.bytes(*file)),
        };
        self.names.iter().map(|(path, node)| (path.clone(), bytes(node))).collect()
    }

    /// What a power cut leaves now; names whose folders are lost are lost with them.
    pub fn after_power_cut(
        &self,
        cut: Cut,
        random: &mut Random,
    ) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        let mut names = self.certain_names.clone();
        for (_, change) in &self.changes {
            let kept = match cut {
                Cut::Nothing | Cut::Bytes => false,
                Cut::Names => true,
                Cut::Some => random.next().is_multiple_of(2),
            };
            if kept {
                change.apply(&mut names);
            }
        }
        let folder = |path: &Path| names.get(path) == Some(&Node::Folder);
        let top = names.keys().next().cloned().unwrap_or_default();
        let roots = |path: &Path| path.components().count() <= top.components().count();
        let reachable = |path: &Path| path.ancestors().skip(1).all(|up| roots(up) || folder(up));
        let found = names.iter().filter(|(path, _)| reachable(path));
        let bytes = |node: &Node, random: &mut Random| match node {
            Node::Folder => None,
            Node::File(file) => Some(self.bytes_left(*file, cut, random)),
        };
        found.map(|(path, node)| (path.clone(), bytes(node, random))).collect()
    }

    fn bytes_left(&self, file: usize, cut: Cut, random: &mut Random) -> Vec<u8> {
        let mut bytes = self.files[file].certain.clone();
        for edit in &self.files[file].edits {
            let length = edit.length();
            match cut {
                Cut::Nothing | Cut::Names => {}
                Cut::Bytes => edit.apply(&mut bytes, length),
                Cut::Some => match random.next() % 3 {
                    0 => {}
                    1 => edit.apply(&mut bytes, length),
                    // A write that was torn.
                    _ => edit.apply(&mut bytes, random.next() as usize % (length + 1)),
                },
            }
        }
        bytes
    }
}

/// Makes folders hold what was left.
pub fn restore(folders: &[PathBuf], left: &BTreeMap<PathBuf, Option<Vec<u8>>>) {
    folders.iter().for_each(|folder| drop(fs::remove_dir_all(folder)));
    for (path, bytes) in left {
        match bytes {
            None => fs::create_dir_all(path).expect("a folder"),
            Some(bytes) => fs::write(path, bytes).expect("a file"),
        }
    }
}
