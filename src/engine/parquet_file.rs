//! One Parquet file, written whole: properties that every reader knows, fsync, and a look at the footer afterwards.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::arrow::arrow_writer::ArrowRowGroupWriterFactory;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use xxhash_rust::xxh3::Xxh3;

use crate::fault;
use crate::limits::{ROW_GROUP_ROWS, STORE_GROUP_BYTES, SYNCED_TOGETHER_MAX};

/// A file of this program that can't be written or read: what was tried, where, why.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The operating system said no.
    #[error("can't {action} {path}: {source}{}", hint(.action, .source))]
    Io {
        /// Such as `write`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A Parquet file that can't be read or encoded.
    #[error("can't {action} {path}: {source}")]
    Parquet {
        /// Such as `read`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: parquet::errors::ParquetError,
    },
    /// A file that was just written and reads otherwise.
    #[error(
        "{path} does not hold what was written to it: the disk or the memory is failing; nothing was changed"
    )]
    Unfaithful {
        /// The file.
        path: PathBuf,
    },
    /// A file of the state directory that does not hold what it should.
    #[error(
        "{path} is damaged: {what}; remove the job's state directory and its outputs to compute them anew"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

fn hint(action: &str, error: &io::Error) -> &'static str {
    // The one thing that is done after the decision.
    if action == "publish" {
        return "; the batch is decided, and the next run completes it";
    }
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "; nothing was changed: make room and run again"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; nothing was changed: let the user that runs logmill write there"
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "; nothing was changed: a file stands where a folder is needed, move it or choose another path"
        }
        _ => "",
    }
}

impl FileError {
    /// Makes an error of an operation on a path, for `map_err`.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
        move |source| FileError::Io { action, path: path.to_owned(), source }
    }

    /// The same of an operation on Parquet.
    pub(crate) fn parquet(
        action: &'static str,
        path: &Path,
    ) -> impl FnOnce(parquet::errors::ParquetError) -> FileError {
        move |source| match source {
            // A full disk arrives wrapped; its hint must not get lost.
            parquet::errors::ParquetError::External(inner) if inner.is::<io::Error>() => {
                match inner.downcast::<io::Error>() {
                    Ok(source) => FileError::Io { action, path: path.to_owned(), source: *source },
                    Err(inner) => FileError::Parquet {
                        action,
                        path: path.to_owned(),
                        source: parquet::errors::ParquetError::External(inner),
                    },
                }
            }
            source => FileError::Parquet { action, path: path.to_owned(), source },
        }
    }
}

/// What kind of content a file holds, which decides its properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Groups for analysts, sorted by their leading columns (this many).
    Summary(usize),
    /// Group states, for this program only, in row groups of so many rows.
    Store(usize),
}

/// A finished file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// xxh3-64 of its bytes.
    pub checksum: u64,
    /// Rows in it.
    pub rows: u64,
}

/// Writes one file. Dropped without [`ParquetFile::finish`], it leaves a partial file that nothing names.
pub struct ParquetFile {
    path: PathBuf,
    writer: ArrowWriter<HashedFile>,
    rows: u64,
}

/// A Parquet file that is being written, by whatever encodes it, and the checksum of what goes into it. Dropped without
/// [`HashedFile::finish`], it leaves a partial file that nothing names.
pub struct HashedFile {
    path: PathBuf,
    file: File,
    hasher: Xxh3,
    bytes: u64,
}

impl HashedFile {
    /// Makes a new file; its folder must be there.
    pub fn create(path: &Path) -> Result<Self, FileError> {
        let file = File::options().write(true).read(true).create(true).truncate(true).open(path);
        let file = file.map_err(FileError::io("create", path))?;
        Ok(HashedFile { path: path.to_owned(), file, hasher: Xxh3::new(), bytes: 0 })
    }

    /// Makes the file, complete with its footer, durable, and reads it back: it must hold what was written.
    pub fn finish(self, rows: u64) -> Result<Written, FileError> {
        let unsynced = self.unsynced(rows)?;
        unsynced.sync()?;
        unsynced.written.check()?;
        Ok(unsynced.written)
    }

    /// The file, complete with its footer.
    pub fn unsynced(mut self, rows: u64) -> Result<Unsynced, FileError> {
        let path = self.path.clone();
        self.flush().map_err(FileError::io("write", &path))?;
        let (bytes, checksum) = (self.bytes, self.hasher.digest());
        Ok(Unsynced { file: self.file, written: Written { path, bytes, checksum, rows } })
    }
}

impl Write for HashedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl ParquetFile {
    /// Makes a new file; its folder must be there.
    pub fn create(path: &Path, schema: SchemaRef, content: Content) -> Result<Self, FileError> {
        let file = HashedFile::create(path)?;
        let writer = ArrowWriter::try_new(file, schema, Some(properties(content)))
            .map_err(FileError::parquet("create", path))?;
        Ok(ParquetFile { path: path.to_owned(), writer, rows: 0 })
    }

    /// The same for row groups that are encoded apart; see [`super::row_group_file`].
    pub(super) fn into_parts(
        self,
    ) -> Result<(PathBuf, SerializedFileWriter<HashedFile>, ArrowRowGroupWriterFactory), FileError>
    {
        let ParquetFile { path, writer, .. } = self;
        let (file, factory) =
            writer.into_serialized_writer().map_err(FileError::parquet("create", &path))?;
        Ok((path, file, factory))
    }

    /// Appends rows.
    pub fn write(&mut self, rows: &RecordBatch) -> Result<(), FileError> {
        self.rows += rows.num_rows() as u64;
        self.writer.write(rows).map_err(FileError::parquet("write", &self.path))
    }

    /// Writes the footer, makes the file durable, and reads it back: it must hold what was written.
    pub fn finish(self) -> Result<Written, FileError> {
        let (path, rows) = (self.path, self.rows);
        // `into_inner` writes the footer and flushes; `close` alone did not always (arrow-rs#5253).
        self.writer.into_inner().map_err(FileError::parquet("write", &path))?.finish(rows)
    }
}

/// A whole file, which a power cut may still take.
pub struct Unsynced {
    file: File,
    /// What was written.
    pub written: Written,
}

impl Unsynced {
    fn sync(&self) -> Result<(), FileError> {
        let path = &self.written.path;
        fault::io("file.written").map_err(FileError::io("make durable", path))?;
        self.file.sync_all().map_err(FileError::io("make durable", path))?;
        fault::point("file.synced");
        Ok(())
    }
}

/// Makes files durable, all at once, and reads each back: it must hold what was written.
pub fn make_durable(files: &[Unsynced]) -> Result<(), FileError> {
    for files in files.chunks(SYNCED_TOGETHER_MAX) {
        // Threads that wait for the disk, not workers: the more files it is asked for, the fewer writes it takes.
        std::thread::scope(|scope| {
            let syncs: Vec<_> =
                files.iter().skip(1).map(|file| scope.spawn(|| file.sync())).collect();
            let first = files.first().map_or(Ok(()), Unsynced::sync);
            // Joined all: a panic of one (a fault point's) is the caller's.
            let joined = syncs
                .into_iter()
                .map(|sync| sync.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            joined.fold(first, Result::and)
        })?;
        files.iter().try_for_each(|file| file.written.check())?;
    }
    Ok(())
}

impl Written {
    /// Every byte must be as it was written, and a reader must find the rows.
    fn check(&self) -> Result<(), FileError> {
        let path = &self.path;
        if checksum(path)? != (self.bytes, self.checksum) {
            return Err(FileError::Unfaithful { path: path.clone() });
        }
        let file = File::open(path).map_err(FileError::io("open", path))?;
        let metadata = ArrowReaderMetadata::load(&file, Default::default())
            .map_err(FileError::parquet("read back", path))?;
        let found = metadata.metadata().file_metadata().num_rows();
        if found != self.rows as i64 {
            return Err(FileError::Unfaithful { path: path.clone() });
        }
        Ok(())
    }
}

/// Checks that a file holds what was once written: its size and its xxh3-64, as [`Written`] said them.
pub fn verify_file(path: &Path, bytes: u64, expected: u64) -> Result<(), FileError> {
    let found = checksum(path)?;
    if found == (bytes, expected) {
        return Ok(());
    }
    let what = if found.0 == bytes {
        "its bytes are not those that were written".to_owned()
    } else {
        format!("it has {} bytes, {bytes} were written", found.0)
    };
    Err(FileError::Damaged { path: path.to_owned(), what })
}

/// Size and xxh3-64 of a file.
pub fn checksum(path: &Path) -> Result<(u64, u64), FileError> {
    let mut file = File::open(path).map_err(FileError::io("open", path))?;
    let mut hasher = Xxh3::new();
    let mut buffer = vec![0; 256 << 10];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut buffer).map_err(FileError::io("read", path))?;
        if read == 0 {
            return Ok((bytes, hasher.digest()));
        }
        bytes += read as u64;
        hasher.update(&buffer[..read]);
    }
}

/// Makes the names in a folder durable.
pub fn sync_folder(path: &Path) -> Result<(), FileError> {
    let folder = File::open(path).map_err(FileError::io("open", path))?;
    fault::io("folder.sync").map_err(FileError::io("make durable", path))?;
    folder.sync_all().map_err(FileError::io("make durable", path))
}

/// Makes a folder and its parents where they are missing, each durable in the folder above it.
pub fn create_folder(path: &Path) -> Result<(), FileError> {
    let Some(parent) = path.parent().filter(|_| !path.is_dir()) else { return Ok(()) };
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    create_folder(parent)?;
    match std::fs::create_dir(path) {
        // Another process made it meanwhile, unless it is a file that is in the way.
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists || !path.is_dir() => {
            Err(FileError::io("create", path)(e))
        }
        _ => sync_folder(parent),
    }
}

fn properties(content: Content) -> WriterProperties {
    let level = if matches!(content, Content::Summary(_)) { 3 } else { 1 };
    let level = ZstdLevel::try_new(level).expect("a level that zstd has");
    let builder = WriterProperties::builder()
        // Version 1 pages and encodings are read by every engine; version 2's were not (redpanda connect#1504).
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_created_by(concat!("logmill ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS));
    match content {
        Content::Summary(sorted) => {
            let column =
                |column_idx| SortingColumn { column_idx, descending: false, nulls_first: true };
            let sorted = (0..sorted as i32).map(column).collect();
            builder
                .set_statistics_enabled(EnabledStatistics::Page)
                .set_sorting_columns(Some(sorted))
                .build()
        }
        // Neither keys nor states repeat. Keys and batches are what is looked for.
        Content::Store(rows) => builder
            .set_dictionary_enabled(false)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_column_statistics_enabled("state".into(), EnabledStatistics::None)
            .set_offset_index_disabled(true)
            .set_max_row_group_row_count(Some(rows))
            .set_max_row_group_bytes(Some(STORE_GROUP_BYTES))
            .build(),
    }
}

/// Opens a Parquet file for reading, `rows` at a time.
pub fn open(path: &Path, rows: usize) -> Result<ParquetRecordBatchReader, FileError> {
    let file = File::open(path).map_err(FileError::io("open", path))?;
    ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(|builder| builder.with_batch_size(rows).build())
        .map_err(FileError::parquet("read", path))
}

/// A shared schema.
pub fn schema(fields: Vec<arrow_schema::Field>) -> SchemaRef {
    Arc::new(arrow_schema::Schema::new(fields))
}

#[cfg(test)]
mod tests {
    use arrow_array::Int64Array;
    use arrow_schema::{DataType, Field};

    use super::*;

    fn written(path: &Path) -> Written {
        let schema = schema(vec![Field::new("n", DataType::Int64, false)]);
        let mut file =
            ParquetFile::create(path, Arc::clone(&schema), Content::Summary(1)).expect("made");
        let column: Int64Array = (0..500).map(|n| n * n).collect();
        let rows = RecordBatch::try_new(schema, vec![Arc::new(column)]).expect("one column");
        file.write(&rows).expect("written");
        file.finish().expect("closed")
    }

    #[test]
    fn a_bit_that_flips_in_a_staged_file_is_found_before_anything_is_decided() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("staged");
        let written = written(&path);
        written.check().expect("as it was written");
        let good = std::fs::read(&path).expect("read");
        for bit in 0..8 * good.len() {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &bad).expect("written");
            assert!(matches!(written.check(), Err(FileError::Unfaithful { .. })), "bit {bit}");
            assert!(verify_file(&path, written.bytes, written.checksum).is_err(), "bit {bit}");
        }
        std::fs::write(&path, &good[..good.len() - 1]).expect("written");
        let short =
            verify_file(&path, written.bytes, written.checksum).expect_err("a byte is missing");
        assert!(short.to_string().contains("bytes, "), "{short}");
        std::fs::write(&path, &good).expect("written");
        verify_file(&path, written.bytes, written.checksum).expect("as it was written");
    }
}
