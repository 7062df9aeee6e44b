//! A run's file calls, done again on the model of a disk.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::disk::{Disk, Node};
use crate::strace::Call;

/// What the model knows; another call on the job's files is an error of the test.
pub const CALLS: &str = "openat,creat,close,dup,dup2,dup3,read,lseek,write,writev,pwrite64,pwritev,pwritev2,ftruncate,\
                         truncate,fallocate,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,link,linkat,\
                         symlink,symlinkat,fsync,fdatasync,sync_file_range,copy_file_range,sendfile,splice";

/// An open descriptor.
enum Open {
    Folder(PathBuf),
    File { file: usize, position: usize, appends: bool },
}

/// The calls' effects so far.
pub struct Replay {
    pub disk: Disk,
    folders: Vec<PathBuf>,
    open: HashMap<i64, Open>,
}

impl Replay {
    /// Before the first call. `folders`: what counts; all else is left alone.
    pub fn new(folders: &[PathBuf]) -> Replay {
        let mut disk = Disk::default();
        folders.iter().for_each(|folder| disk.load(folder));
        Replay { disk, folders: folders.to_vec(), open: HashMap::new() }
    }

    fn counts(&self, path: &Path) -> bool {
        // SQLite's shared memory is mapped, and made anew by whoever comes first.
        let shared = path.to_string_lossy().ends_with("-shm");
        !shared && self.folders.iter().any(|folder| path.starts_with(folder))
    }

    /// Does one call.
    pub fn step(&mut self, call: &Call) {
        if call.result < 0 {
            return;
        }
        match call.name.as_str() {
            "openat" => self.open(call),
            "close" => drop(self.open.remove(&call.descriptor(0))),
            _ if !call.paths().iter().any(|path| self.counts(path)) => {}
            "read" => self.move_on(call),
            "lseek" => {
                if let Some(Open::File { position, .. }) = self.open.get_mut(&call.descriptor(0)) {
                    *position = call.result as usize;
                }
            }
            "write" | "pwrite64" => self.write(call),
            "ftruncate" => {
                let file = self.file(call);
                self.disk.resize(call.ended, file, call.number(1) as usize);
            }
            "rename" => self.disk.rename(call.ended, &path(call, 0), &path(call, 1)),
            // That it did not fail tells that there was nothing to replace.
            "renameat2" if call.args[4] == "RENAME_NOREPLACE" => {
                self.disk.rename(call.ended, &path(call, 1), &path(call, 3));
            }
            "unlink" | "rmdir" => self.disk.remove(call.ended, &path(call, 0)),
            // How a folder is removed with all that is in it: by names in it.
            "unlinkat" => {
                let folder = call.path(0).unwrap_or_default();
                self.disk.remove(call.ended, &folder.join(path(call, 1)));
            }
            "mkdir" => self.disk.make_folder(call.ended, &path(call, 0)),
            "fsync" | "fdatasync" => match self.open.get(&call.descriptor(0)) {
                Some(Open::Folder(folder)) => self.disk.sync_folder(call.began, folder),
                Some(Open::File { file, .. }) => self.disk.sync_file(call.began, *file),
                None => panic!("a sync of what was never opened: {call:?}"),
            },
            _ => panic!("the model of a disk does not know {call:?}"),
        }
    }

    fn open(&mut self, call: &Call) {
        let path = path(call, 1);
        if !self.counts(&path) {
            self.open.remove(&call.result);
            return;
        }
        let flag = |name: &str| call.args[2].split('|').any(|flag| flag == name);
        let open = match self.disk.node(&path) {
            Some(Node::Folder) => Open::Folder(path),
            Some(Node::File(file)) => {
                if flag("O_TRUNC") && self.disk.length(file) > 0 {
                    self.disk.resize(call.ended, file, 0);
                }
                Open::File { file, position: 0, appends: flag("O_APPEND") }
            }
            None => {
                assert!(flag("O_CREAT"), "opened, and never made: {call:?}");
                let file = self.disk.make_file(call.ended, &path);
                Open::File { file, position: 0, appends: flag("O_APPEND") }
            }
        };
        self.open.insert(call.result, open);
    }

    fn file(&self, call: &Call) -> usize {
        match self.open.get(&call.descriptor(0)) {
            Some(Open::File { file, .. }) => *file,
            _ => panic!("no open file: {call:?}"),
        }
    }

    fn move_on(&mut self, call: &Call) {
        if let Some(Open::File { position, .. }) = self.open.get_mut(&call.descriptor(0)) {
            *position += call.result as usize;
        }
    }

    fn write(&mut self, call: &Call) {
        let mut bytes = call.bytes(1);
        bytes.truncate(call.result as usize);
        let Some(Open::File { file, position, appends }) = self.open.get(&call.descriptor(0))
        else {
            panic!("no open file: {call:?}");
        };
        let file = *file;
        let at = match call.name.as_str() {
            "pwrite64" => call.number(3) as usize,
            _ if *appends => self.disk.length(file),
            _ => *position,
        };
        if call.name == "write" {
            self.move_on(call);
        }
        self.disk.write(call.ended, file, at, bytes);
    }
}

fn path(call: &Call, at: usize) -> PathBuf {
    call.path(at).unwrap_or_else(|| panic!("no path: {call:?}"))
}
