//! What may go wrong with a log file: what happened, where, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// An error of the source layer. One bad file never stops the others: errors are listed, and the run goes on.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The operating system refused or failed.
    #[error("cannot {action} {}: {source}{}", .path.display(), hint(.source))]
    Io {
        /// A verb that fits behind "cannot".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A path without glob characters names a folder.
    #[error("{} is a folder; write {}/* to read the files in it", .path.display(), .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// The file was not the same, or no longer the same, while it was read.
    #[error("{} changed while it was read: {what}; nothing of it was kept, the next run reads it again", .path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// What differs.
        what: &'static str,
    },
    /// A compressed file ends in the middle of its data.
    #[error(
        "{} ends in the middle of its {compression} data; if it is still being written the next run reads it, \
         else it was cut off: restore it or take it out of the glob", .path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Its compression.
        compression: super::Compression,
    },
    /// A file that no path leads to, and that was too long to be read before the process ended.
    #[error("{} was deleted, and the rest of it was too much to be read before the end: it is lost", .path.display())]
    LeftUnread {
        /// Its last path.
        path: PathBuf,
    },
    /// A compressed file that cannot be decoded.
    #[error(
        "{} is damaged near byte {offset} of the compressed file: {what}; restore it or take it out of the glob",
        .path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// About where in the compressed file; the decoder reads ahead a little.
        offset: u64,
        /// What the decoder said.
        what: String,
    },
    /// A file whose first lines should name its columns, and do not.
    #[error("{}: {what}", .path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// What is wrong with its head.
        what: String,
    },
    /// A file that is no log by its content.
    #[error("{0}")]
    NoLog(super::Aside),
    /// Something that logs are not read from.
    #[error("{} is {what}; logmill reads regular files only", .path.display())]
    Unsupported {
        /// The path.
        path: PathBuf,
        /// What it is, with its article.
        what: &'static str,
    },
    /// A glob that cannot be read.
    #[error("the glob '{pattern}' cannot be read: {message}")]
    BadGlob {
        /// As written.
        pattern: String,
        /// What is wrong with it.
        message: String,
    },
}

impl SourceError {
    /// For `map_err`: the system's error with what was tried and where.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SourceError {
        move |source| SourceError::Io { action, path: path.to_owned(), source }
    }

    /// Whether it is only that the file is gone.
    pub fn is_not_found(&self) -> bool {
        matches!(self, SourceError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "; let the user that runs logmill read it",
        io::ErrorKind::NotFound => "; it was moved or deleted, or is a link to nowhere",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_may_not_be_read_says_who_must_be_able_to() {
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let text = SourceError::io("open", Path::new("/var/log/a.log"))(denied).to_string();
        assert!(text.starts_with("cannot open /var/log/a.log: "), "{text}");
        assert!(text.ends_with("; let the user that runs logmill read it"), "{text}");
    }

    #[test]
    fn a_folder_says_what_to_write_instead() {
        let text = SourceError::Folder { path: "/var/log".into() }.to_string();
        assert_eq!(text, "/var/log is a folder; write /var/log/* to read the files in it");
    }
}
