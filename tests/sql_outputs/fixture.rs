//! Tables in either database, blocks of rows, and a look at what arrived.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Decimal128Array, Float64Array, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray,
};
use arrow_schema::Schema;
use logmill::deliver::sql::{
    BoxError, DeliverError, Delivered, Delivery, SortSpace, SqlOutput, SqlTable, SummaryBlock,
    mysql, sqlite,
};
use mysql_async::prelude::Queryable;
use tempfile::TempDir;

/// Rows as text; `None` is NULL.
pub(crate) type Rows = Vec<Vec<Option<String>>>;

/// A place for one table, empty at first.
pub(crate) enum Place {
    /// A file in a folder that goes with it.
    Sqlite(TempDir),
    /// A server's URL and a table of its own.
    Mysql { url: String, table: String },
}

/// The URL of the server to test against. There is no test without one.
pub(crate) fn mysql_url() -> String {
    std::env::var("LOGMILL_TEST_MYSQL_URL").expect(
        "LOGMILL_TEST_MYSQL_URL is not set: run scripts/test, which starts a MariaDB server, or \
         set it to the output of scripts/mariadb start DIR",
    )
}

/// A table whose first column is its key.
pub(crate) fn sql_table(name: &str, schema: &Arc<Schema>) -> SqlTable {
    SqlTable { job: "job".into(), table: name.into(), schema: schema.clone(), key_columns: 1 }
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        Place::Sqlite(TempDir::new().expect("a temporary folder"))
    }

    pub(crate) fn mysql() -> Self {
        static TABLES: AtomicU32 = AtomicU32::new(0);
        let number = TABLES.fetch_add(1, Ordering::Relaxed);
        Place::Mysql { url: mysql_url(), table: format!("t{}_{number}", std::process::id()) }
    }

    pub(crate) fn table(&self) -> &str {
        match self {
            Place::Sqlite(_) => "hits",
            Place::Mysql { table, .. } => table,
        }
    }

    pub(crate) fn output(&self, schema: &Arc<Schema>, key_columns: usize) -> Box<dyn SqlOutput> {
        let table = SqlTable { key_columns, ..sql_table(self.table(), schema) };
        match self {
            Place::Sqlite(folder) => sqlite(&folder.path().join("new/hits.db"), table),
            Place::Mysql { url, .. } => mysql(url, table).expect("a valid url"),
        }
    }

    /// Runs a query on a connection of its own, with `{t}` for the table's name.
    pub(crate) fn query(&self, query: &str) -> Rows {
        let query = query.replace("{t}", self.table());
        match self {
            Place::Sqlite(folder) => query_sqlite(&folder.path().join("new/hits.db"), &query),
            Place::Mysql { url, .. } => query_mysql(url, &query),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let (Place::Mysql { url, table }, false) = (&*self, std::thread::panicking()) {
            query_mysql(url, &format!("DROP TABLE IF EXISTS {table}, {table}_batches"));
        }
    }
}

fn query_sqlite(path: &std::path::Path, query: &str) -> Rows {
    use rusqlite::types::ValueRef;
    let connection = rusqlite::Connection::open(path).expect("the file opens");
    let mut statement = connection.prepare(query).expect(query);
    let width = statement.column_count();
    let text = |value: ValueRef<'_>| match value {
        ValueRef::Null => None,
        ValueRef::Integer(value) => Some(value.to_string()),
        ValueRef::Real(value) => Some(value.to_string()),
        ValueRef::Text(value) | ValueRef::Blob(value) => {
            Some(String::from_utf8_lossy(value).into())
        }
    };
    let row = |row: &rusqlite::Row<'_>| (0..width).map(|i| Ok(text(row.get_ref(i)?))).collect();
    statement.query_map((), row).expect(query).collect::<Result<_, _>>().expect(query)
}

pub(crate) fn query_mysql(url: &str, query: &str) -> Rows {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let mut connection = mysql_async::Conn::from_url(url).await.expect("a connection");
        let rows: Vec<mysql_async::Row> = connection.query(query).await.expect(query);
        connection.disconnect().await.expect("the end of the connection");
        rows.into_iter().map(|row| row.unwrap().into_iter().map(text_of).collect()).collect()
    })
}

fn text_of(value: mysql_async::Value) -> Option<String> {
    match value {
        mysql_async::Value::NULL => None,
        mysql_async::Value::Bytes(bytes) => Some(String::from_utf8(bytes).expect("UTF-8")),
        other => Some(other.as_sql(true)),
    }
}

/// Rows of one column each of text and counts: the simplest summary.
pub(crate) fn hits(rows: &[(Option<&str>, i64)]) -> SummaryBlock {
    let names = StringArray::from_iter(rows.iter().map(|(name, _)| *name));
    let counts = Int64Array::from_iter_values(rows.iter().map(|(_, count)| *count));
    let key = |name: &Option<&str>| match name {
        None => vec![0],
        Some(name) => [&[1], name.as_bytes()].concat(),
    };
    block(
        vec![("name", Arc::new(names)), ("hits", Arc::new(counts))],
        rows.iter().map(|(name, _)| key(name)).collect(),
    )
}

/// A block of the given columns.
pub(crate) fn block(columns: Vec<(&str, ArrayRef)>, keys: Vec<Vec<u8>>) -> SummaryBlock {
    let columns = columns.into_iter().map(|(name, column)| (name, column, true));
    let rows = RecordBatch::try_from_iter_with_nullable(columns).expect("columns of one length");
    SummaryBlock { rows, keys: BinaryArray::from_iter_values(keys) }
}

/// A block with each type, and the edges of each; the last row is all NULL but for its key.
pub(crate) fn every_type() -> SummaryBlock {
    let times =
        [Some(0), Some(-1), Some(1_790_000_000_123_456), Some(253_402_300_799_000_000), None];
    let decimals = [
        Some(-150),
        Some(99_999_999_999_999_999_999_999_999_999_999_999_999),
        Some(7),
        Some(0),
        None,
    ];
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "window_start",
            Arc::new(TimestampMicrosecondArray::from_iter(times).with_timezone("UTC")),
        ),
        ("id", Arc::new(Int64Array::from_iter_values(1..=5))),
        (
            "n",
            Arc::new(Int64Array::from_iter([
                Some(i64::MIN),
                Some(i64::MAX),
                Some(0),
                Some(-1),
                None,
            ])),
        ),
        (
            "d",
            Arc::new(
                Decimal128Array::from_iter(decimals)
                    .with_precision_and_scale(38, 2)
                    .expect("38, 2"),
            ),
        ),
        (
            "f",
            Arc::new(Float64Array::from_iter([
                Some(0.1),
                Some(-1.5),
                Some(1048576.25),
                Some(f64::NAN),
                None,
            ])),
        ),
        (
            "b",
            Arc::new(BooleanArray::from_iter([
                Some(true),
                Some(false),
                Some(true),
                Some(false),
                None,
            ])),
        ),
        (
            "s",
            Arc::new(StringArray::from_iter([
                Some("it's 100% \\ \"quoted\"\n\t\r\u{1a}`; --"),
                Some("😀 e\u{301}"),
                Some(""),
                Some("nul\0inside"),
                None,
            ])),
        ),
    ];
    block(columns, (1..=5u8).map(|id| vec![id]).collect())
}

/// Beyond the signed integers, and another one for each batch.
pub(crate) fn token_of(batch: u64) -> u64 {
    u64::MAX - batch
}

/// Batch `batch` of the state "ours".
pub(crate) fn batch(batch: u64) -> Delivery {
    Delivery {
        job: "job".into(),
        state_id: "ours".into(),
        batch,
        fence: batch,
        token: token_of(batch),
        adopt: false,
        replace_all: false,
        reshape: false,
        sort: SortSpace { memory_bytes: 1 << 30, file: sort_file() },
    }
}

/// A file that no other delivery has.
fn sort_file() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("logmill-sort-{}-{number}", std::process::id()))
}

/// Delivers blocks that are at hand.
pub(crate) fn deliver(
    output: &mut dyn SqlOutput,
    delivery: &Delivery,
    blocks: &[SummaryBlock],
) -> Result<Delivered, DeliverError> {
    deliver_results(output, delivery, || Box::new(blocks.iter().cloned().map(Ok::<_, BoxError>)))
}

/// Delivers what an iterator yields.
pub(crate) fn deliver_results<'a>(
    output: &mut dyn SqlOutput,
    delivery: &Delivery,
    mut blocks: impl FnMut() -> Box<dyn Iterator<Item = Result<SummaryBlock, BoxError>> + 'a>,
) -> Result<Delivered, DeliverError> {
    output.deliver(delivery, &mut blocks)
}

/// The rows `(name, hits)` in a fixed order.
pub(crate) fn hits_in(place: &Place) -> Vec<(Option<String>, i64)> {
    let mut rows: Vec<_> = place
        .query("SELECT name, hits FROM {t}")
        .into_iter()
        .map(|row| {
            let count = row[1].as_deref().expect("a count").parse().expect("a number");
            (row[0].clone(), count)
        })
        .collect();
    rows.sort();
    rows
}
