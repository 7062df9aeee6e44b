//! Every bound, with its unit in its name.

/// Default of `[limits] line`.
pub const LINE_BYTES_MAX: u64 = 1 << 20;
/// Default of `[limits] memory`.
pub const MEMORY_BYTES: u64 = 1 << 30;
/// Default of `[limits] reject_ratio`.
pub const REJECT_RATIO: f64 = 0.05;
/// What one worker takes at a time. Large enough that handing out is free, small enough for two workers to end together.
pub const SPLIT_BYTES: u64 = 1 << 20;
/// The same at least, however little memory there is.
pub const SPLIT_BYTES_MIN: u64 = 64 << 10;
/// Decoded bytes of a compressed segment that are mapped at a time: still in the second-level cache then.
pub const STREAM_BYTES: u64 = 256 << 10;
/// The same for jobs with events, where each split becomes one Parquet file a partition.
pub const EVENT_SPLIT_BYTES: u64 = 32 << 20;
/// Jobs that are mapped in one pass: each has a catalog open, and tables that share one job's memory.
pub const JOBS_TOGETHER_MAX: usize = 16;
/// Records that are parsed, evaluated and grouped together: their columns stay in the second-level cache.
pub const BLOCK_RECORDS: usize = 1024;
/// First bytes of a rejected line that the catalog keeps.
pub const REJECT_SAMPLE_BYTES: usize = 4096;
/// Rejected lines of one batch that the catalog keeps with a sample; of further ones it keeps the place and the reason.
pub const REJECT_SAMPLES_MAX: usize = 10_000;
/// Rejected lines of one batch that the catalog keeps; further ones are counted only.
pub const REJECTS_KEPT_MAX: usize = 1_000_000;
/// Rejected lines of all batches together that the catalog keeps; the oldest go first.
pub const REJECTS_TOTAL_MAX: u64 = 1_000_000;
/// Those of them with a sample, of at most 4 KiB each.
pub const REJECT_SAMPLES_TOTAL_MAX: u64 = 100_000;
/// Events files below this size are merged into larger ones once their time partition is closed.
pub const EVENT_FILE_SMALL_BYTES: u64 = 512 << 20;
/// So many of them may stay in a partition.
pub const EVENT_FILES_SMALL_MAX: u64 = 4;
/// Bytes of the files that are merged into one, at most.
pub const EVENT_FILE_BYTES: u64 = 1 << 30;
/// Rows of a page of events.
pub const EVENT_PAGE_ROWS: usize = 20_000;
/// Bytes of such a page, where values are long and don't repeat; it ends behind the value that reaches them.
pub const EVENT_PAGE_BYTES: usize = 1 << 20;
/// Bytes of a dictionary of events: behind the value that reaches them, a chunk's values are written plain.
pub const EVENT_DICTIONARY_BYTES: usize = 1 << 20;
/// Bytes of a row group of events, compressed, that wait in memory: there it ends, if it has not reached its rows before.
pub const EVENT_GROUP_BYTES: usize = 128 << 20;
/// A row group of so many rows is copied as it is where files are merged: half of what DuckDB makes, more than a split of 32 MiB
/// has in rows of 500 bytes.
pub const EVENT_GROUP_LARGE_ROWS: usize = 1 << 16;
/// The same for one of so many bytes, compressed, where rows are long.
pub const EVENT_GROUP_LARGE_BYTES: usize = 4 << 20;
/// A time partition is closed once the newest event time lies so far behind its end: late lines come in till then.
pub const EVENT_PARTITION_GRACE_US: i64 = 600_000_000;
/// A file that was quiet for so long is not being written any more: a compressed one that is cut off is a damaged one.
pub const QUIET_SECONDS: u64 = 10;
/// Default of `[limits] partitions`: 27 years of days.
pub const PARTITIONS_MAX: u64 = 10_000;
/// Event times outside of `EVENT_TIME_MIN_US..EVENT_TIME_MAX_US` are absurd: 1970-01-01 to 2200-01-01, microseconds. Also
/// the outer bounds and the defaults of `[limits] earliest` and `latest`.
pub const EVENT_TIME_MIN_US: i64 = 0;
/// See [`EVENT_TIME_MIN_US`].
pub const EVENT_TIME_MAX_US: i64 = 7_258_118_400_000_000;
/// Rows of a group store or a Parquet file that are handled together.
pub const STORE_BLOCK_ROWS: usize = 8192;
/// Groups of a row group of the store: what is read at least to find one of them.
pub const STORE_GROUP_ROWS: usize = STORE_BLOCK_ROWS;
/// Bytes of the same, where states are large (sketches).
pub const STORE_GROUP_BYTES: usize = 4 << 20;
/// Groups of a block of a spilled run are at least so many bytes together, unless they are the last.
pub const RUN_BLOCK_BYTES: usize = 64 << 10;
/// Spilled runs that are merged at once, at most: each takes a descriptor, and a block for each partition that is merged.
pub const RUNS_MERGED_MAX: usize = 128;
/// The same at least, however little memory there is.
pub const RUNS_MERGED_MIN: usize = 4;
/// Rows of a delivery are sorted by at least so many bytes at a time, however little memory there is.
pub const DELIVERY_RUN_BYTES_MIN: usize = 1 << 20;
/// A time partition with more blocks of groups is written on all threads, where they have nothing else to do.
pub const PARALLEL_BLOCKS_MIN: u64 = 4;
/// A time partition with more blocks of groups is written on all threads before any other.
pub const LARGE_BLOCKS_MIN: u64 = 16;
/// States of one group that are merged, of so many bytes together, are folded before the merge goes on.
pub const FOLDED_BYTES: usize = 16 << 10;
/// Rows of a Parquet row group of the summary: small enough that row groups can be written side by side in little memory.
pub const SUMMARY_GROUP_ROWS: usize = 1 << 17;
/// Files that are made durable at once: a disk gathers them into few writes of its journal.
pub const SYNCED_TOGETHER_MAX: usize = 64;
/// Rows of a Parquet row group.
pub const ROW_GROUP_ROWS: usize = 1 << 20;
/// How finely `watch` waits: the longest time it takes to see a signal or a file that comes.
pub const WATCH_NAP: std::time::Duration = std::time::Duration::from_millis(20);
/// How often `watch` looks at the sizes of its files between batches.
pub const WATCH_LOOK: std::time::Duration = std::time::Duration::from_millis(500);
/// What `watch` still reads of its logs after the signal to end, in bytes.
pub const LEAVING_BYTES_MAX: u64 = 256 << 20;
/// So many new bytes begin a batch of `watch` before its time.
pub const WATCH_BYTES: u64 = 64 << 20;
/// The first pause of `watch` after a failure; it doubles with each further one.
pub const WATCH_RETRY_MIN: std::time::Duration = std::time::Duration::from_secs(1);
/// The longest such pause.
pub const WATCH_RETRY_MAX: std::time::Duration = std::time::Duration::from_secs(30);
/// How often `watch` stores what its outputs have.
pub const WATCH_NOTE: std::time::Duration = std::time::Duration::from_secs(1);
/// How long `watch` waits for its outputs when it is to end.
pub const WATCH_DRAIN: std::time::Duration = std::time::Duration::from_secs(3);
/// After a signal, the process ends within this time, decided or not.
pub const STOP_SECONDS_MAX: u64 = 9;
/// Files that `watch` holds open at most, however many descriptors it may have.
pub const HELD_FILES_MAX: usize = 16_384;
/// `watch` lets go of a file that is read to its end and was not written to for so long, in nanoseconds.
pub const HELD_QUIET_NS: i64 = 60_000_000_000;
