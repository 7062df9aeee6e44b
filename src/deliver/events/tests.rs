use std::rc::Rc;

use arrow_array::cast::AsArray;
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelector,
};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaDataReader};
use proptest::prelude::*;

use super::join::join_as;
use super::*;
use crate::data::{DataType, Values};
use crate::engine::parquet_file;
use crate::limits::{EVENT_DICTIONARY_BYTES, EVENT_GROUP_LARGE_ROWS, EVENT_PAGE_ROWS};

const TYPES: [DataType; 7] = [
    DataType::Int,
    DataType::Decimal(3),
    DataType::Float,
    DataType::Text,
    DataType::Bool,
    DataType::Timestamp,
    DataType::Ip,
];

fn fields() -> FileLayout {
    let named: Vec<_> = TYPES.iter().map(|&ty| (ty.to_string(), ty)).collect();
    FileLayout::new(&arrow_schema(&named), TYPES.to_vec())
}

/// A table of all types; `spread` says how many values are distinct.
struct Table {
    texts: Vec<String>,
    numbers: Vec<i64>,
    valid: Vec<Option<Vec<bool>>>,
}

impl Table {
    fn new(rows: usize, spread: u64, nulls: u64, text_bytes: usize) -> Self {
        let mix = |row: usize, salt: u64| {
            let n = (row as u64 + 1).wrapping_mul(salt | 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            n ^ n >> 29
        };
        let numbers: Vec<i64> =
            (0..rows).map(|row| (mix(row, 7) % spread) as i64 - spread as i64 / 2).collect();
        let texts = numbers.iter().map(|n| format!("{n:0>text_bytes$}ü")).collect();
        let valid = (0..TYPES.len() as u64).map(|column| {
            let flags = (0..rows).map(|row| mix(row, column * 31 + 5) % 100 >= nulls * column);
            (nulls * column > 0).then(|| flags.collect())
        });
        Table { valid: valid.collect(), numbers, texts }
    }

    fn first(&self, rows: usize) -> Self {
        let valid = self.valid.iter().map(|flags| Some(flags.as_ref()?[..rows].to_vec()));
        Table {
            texts: self.texts[..rows].to_vec(),
            numbers: self.numbers[..rows].to_vec(),
            valid: valid.collect(),
        }
    }

    fn columns(&self) -> Vec<Rc<Column<'_>>> {
        let n = || self.numbers.iter().copied();
        let texts = || Values::Text(self.texts.iter().map(String::as_str).collect());
        let values = [
            Values::Int(n().collect()),
            Values::Decimal(n().map(|n| i128::from(n) << 40).collect()),
            Values::Float(n().map(|n| n as f64 / 7.0).collect()),
            texts(),
            Values::Bool(n().map(|n| n % 3 == 0).collect()),
            Values::Timestamp(n().map(|n| n.wrapping_mul(1_000_003)).collect()),
            texts(),
        ];
        let columns = TYPES.into_iter().zip(values).zip(&self.valid);
        columns
            .map(|((ty, values), valid)| Rc::new(Column { ty, values, valid: valid.clone() }))
            .collect()
    }
}

/// Writes the rows in blocks of these sizes, again and again; answers the file's bytes.
fn write(path: &Path, table: &Table, blocks: &[usize]) -> Written {
    let (layout, mut codec) = (fields(), Codec::default());
    let (mut file, mut rows) =
        (EventsFile::create(path, &layout).expect("made"), Rows::new(&layout));
    let columns = table.columns();
    let (mut at, mut sizes) = (0, blocks.iter().cycle());
    while at < table.numbers.len() {
        let end = (at + sizes.next().expect("a size")).min(table.numbers.len());
        let block: Vec<u32> = (at as u32..end as u32).collect();
        rows.append(columns.iter().map(Rc::as_ref), &block, &layout, &mut codec).expect("encoded");
        at = end;
    }
    rows.end_group(&layout, &mut codec).expect("encoded");
    file.write(std::mem::take(&mut rows.groups)).expect("written");
    file.close(rows.rows).expect("closed").written
}

fn check(table: &Table, blocks: &[usize]) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("events");
    let written = write(&path, table, blocks);
    let whole = write(&folder.path().join("whole"), table, &[usize::MAX / 2]);
    assert_eq!(written.checksum, whole.checksum, "the bytes depend on the rows alone");
    check_rows(&path, table);
}

/// The rows are the table's, in their order, and so are the bounds.
fn check_rows(path: &Path, table: &Table) {
    let columns = table.columns();
    let mut at = 0;
    for batch in parquet_file::open(path, 10_000).expect("opened") {
        let batch = batch.expect("read");
        let rows: Vec<u32> = (at..at + batch.num_rows() as u32).collect();
        for (column, array) in columns.iter().zip(batch.columns()) {
            assert_eq!(&column.to_array(&rows), array, "{}", column.ty);
        }
        at += batch.num_rows() as u32;
    }
    assert_eq!(at as usize, table.numbers.len());
    check_bounds(path, table);
}

/// The bounds that readers go by hold the values.
fn check_bounds(path: &Path, table: &Table) {
    let file = std::fs::File::open(path).expect("opened");
    let metadata = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Required);
    let metadata = metadata.parse_and_finish(&file).expect("a footer");
    let columns = table.columns();
    let mut first = 0;
    for (number, group) in metadata.row_groups().iter().enumerate() {
        let rows: Vec<u32> = (first..first + group.num_rows() as u32).collect();
        first += group.num_rows() as u32;
        for (chunk, column) in group.columns().iter().zip(&columns) {
            let statistics = chunk.statistics().expect("statistics");
            let nulls = rows.iter().filter(|&&row| !column.is_valid(row as usize)).count();
            assert_eq!(statistics.null_count_opt(), Some(nulls as u64));
            let array = column.to_array(&rows);
            if column.ty == DataType::Int {
                let values = array.as_primitive::<arrow_array::types::Int64Type>().iter().flatten();
                let bytes = |value: i64| value.to_le_bytes().to_vec();
                let (min, max) = (values.clone().min().map(bytes), values.max().map(bytes));
                assert_eq!(statistics.min_bytes_opt().map(<[u8]>::to_vec), min);
                assert_eq!(statistics.max_bytes_opt().map(<[u8]>::to_vec), max);
            }
        }
        let pages = metadata.page_index_for_row_group(number);
        for column in 0..TYPES.len() {
            let locations = pages.page_locations(column).expect("an offset index");
            let ascending = locations.windows(2).all(|pair| {
                let rows = pair[1].first_row_index - pair[0].first_row_index;
                (1..=EVENT_PAGE_ROWS as i64).contains(&rows) && pair[0].offset < pair[1].offset
            });
            assert!(ascending);
        }
    }
}

#[test]
fn readers_find_pages_by_the_offset_index() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("events");
    let table = Table::new(EVENT_PAGE_ROWS * 4, 50_000, 3, 8);
    write(&path, &table, &[5_000]);
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let file = std::fs::File::open(&path).expect("opened");
    let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options);
    let (skipped, kept) = (EVENT_PAGE_ROWS * 3 - 10, 20);
    let selection = vec![RowSelector::skip(skipped), RowSelector::select(kept)];
    let reader = reader.expect("a footer").with_row_selection(selection.into());
    let batch = reader.build().expect("a reader").next().expect("a batch").expect("read");
    let rows: Vec<u32> = (skipped as u32..(skipped + kept) as u32).collect();
    for (column, array) in table.columns().iter().zip(batch.columns()) {
        assert_eq!(&column.to_array(&rows), array);
    }
}

#[test]
fn values_that_repeat_and_values_that_do_not_read_back() {
    for (rows, spread, nulls, text_bytes) in [
        (0, 1, 0, 1),
        (1, 1, 0, 1),
        (EVENT_PAGE_ROWS, 3, 0, 5),
        (EVENT_PAGE_ROWS * 3 + 1, 90_000, 0, 12),
        (EVENT_PAGE_ROWS * 2 + 7, 1_000, 10, 40),
        (EVENT_PAGE_ROWS * 2, u64::MAX / 2, 16, 20),
        (EVENT_PAGE_ROWS * 9, EVENT_PAGE_ROWS as u64 * 6, 1, 16),
    ] {
        check(&Table::new(rows, spread, nulls, text_bytes), &[4096, 77]);
    }
}

#[test]
fn columns_of_nothing_but_nulls_read_back() {
    let mut table = Table::new(EVENT_PAGE_ROWS + 100, 10, 0, 3);
    table.valid = TYPES.iter().map(|_| Some(vec![false; table.numbers.len()])).collect();
    check(&table, &[1000]);
}

#[test]
fn long_texts_fill_dictionaries_and_pages() {
    check(&Table::new(200, 500, 3, EVENT_DICTIONARY_BYTES / 20), &[16]);
}

/// Writes rows of the table from one on, in row groups of these sizes.
fn write_groups(path: &Path, table: &Table, mut from: usize, sizes: &[usize]) -> Written {
    let (layout, mut codec) = (fields(), Codec::default());
    let (mut file, mut rows) =
        (EventsFile::create(path, &layout).expect("made"), Rows::new(&layout));
    let columns = table.columns();
    for &size in sizes {
        let block: Vec<u32> = (from as u32..(from + size) as u32).collect();
        let columns = columns.iter().map(Rc::as_ref);
        rows.append(columns, &block, &layout, &mut codec).expect("encoded");
        rows.end_group(&layout, &mut codec).expect("encoded");
        from += size;
    }
    file.write(std::mem::take(&mut rows.groups)).expect("written");
    file.close(rows.rows).expect("closed").written
}

/// Writes a file for each list of row groups, and joins them; answers the path and the sizes of the row groups.
fn joined(folder: &Path, table: &Table, files: &[Vec<usize>]) -> (PathBuf, Vec<usize>) {
    let (mut from, mut paths) = (0, Vec::new());
    for (number, sizes) in files.iter().enumerate() {
        paths.push(folder.join(number.to_string()));
        write_groups(&paths[number], table, from, sizes);
        from += sizes.iter().sum::<usize>();
    }
    let path = folder.join("joined");
    let written = join_as(fields(), &paths, &path).expect("joined");
    assert_eq!(written.rows, from as u64);
    let file = std::fs::File::open(&path).expect("opened");
    let footer = ParquetMetaDataReader::new().parse_and_finish(&file).expect("a footer");
    let groups = footer.row_groups().iter().map(|group| group.num_rows() as usize).collect();
    (path, groups)
}

const LARGE: usize = EVENT_GROUP_LARGE_ROWS;

#[test]
fn large_row_groups_are_copied_with_all_that_readers_go_by() {
    let folder = tempfile::tempdir().expect("a folder");
    let table = Table::new(2 * LARGE + 5, 3_000, 3, 30);
    let (path, groups) = joined(folder.path(), &table, &[vec![LARGE, LARGE + 5]]);
    assert_eq!(groups, [LARGE, LARGE + 5]);
    let bytes = |path: &Path| std::fs::read(path).expect("read");
    assert!(bytes(&path) == bytes(&folder.path().join("0")), "the footer, too, is as it was");
    let (path, groups) = joined(folder.path(), &table, &[vec![LARGE], vec![LARGE + 5]]);
    assert_eq!(groups, [LARGE, LARGE + 5]);
    check_rows(&path, &table);
}

#[test]
fn small_row_groups_become_one_and_large_ones_stay_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let table = Table::new(2 * LARGE + 10_000, 90_000, 2, 9);
    for (files, expected) in [
        (
            vec![vec![10], vec![20, 30], vec![LARGE], vec![7], vec![LARGE]],
            vec![60, LARGE, 7, LARGE],
        ),
        (vec![vec![LARGE], vec![], vec![5], vec![6]], vec![LARGE, 11]),
        (vec![vec![LARGE - 1], vec![LARGE - 1]], vec![2 * LARGE - 2]),
        (vec![vec![1]], vec![1]),
        (vec![vec![], vec![]], vec![]),
    ] {
        let (path, groups) = joined(folder.path(), &table, &files);
        assert_eq!(groups, expected, "{files:?}");
        let rows: usize = files.iter().flatten().sum();
        check_rows(&path, &table.first(rows));
    }
}

#[test]
fn row_groups_of_few_long_rows_are_large_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut table = Table::new(200, u64::MAX / 2, 0, 1);
    let mut seed = 1_u64;
    let mut random = || {
        seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        char::from(b' ' + (seed >> 57) as u8 % 95)
    };
    table.texts = (0..200).map(|_| (0..60_000).map(|_| random()).collect()).collect();
    let (path, groups) = joined(folder.path(), &table, &[vec![98], vec![2], vec![100]]);
    assert_eq!(groups, [98, 2, 100]);
    check_rows(&path, &table);
}

#[test]
fn a_file_of_other_columns_is_not_joined() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("events");
    let others =
        || FileLayout::new(&arrow_schema(&[("n".into(), DataType::Int)]), vec![DataType::Int]);
    for rows in [10, LARGE] {
        write_groups(&path, &Table::new(rows, 10, 0, 1), 0, &[rows]);
        let refused = join_as(others(), std::slice::from_ref(&path), &folder.path().join("joined"));
        assert!(matches!(refused, Err(FileError::Damaged { .. })), "{rows}: {refused:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn whatever_is_joined_reads_back(
        files in prop::collection::vec(
            prop::collection::vec(prop_oneof![4 => 1_usize..6_000, 1 => LARGE - 2..LARGE + 2], 0..3),
            1..7,
        ),
        spread in prop_oneof![1_u64..50, 1_u64..100_000],
        nulls in 0_u64..20,
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let rows = files.iter().flatten().sum();
        let table = Table::new(rows, spread, nulls, 4);
        let (path, groups) = joined(folder.path(), &table, &files);
        check_rows(&path, &table);
        let beside = groups.windows(2).any(|pair| pair.iter().all(|rows| *rows < LARGE));
        prop_assert!(!beside, "small ones beside each other: {:?}", groups);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_is_written_reads_back(
        rows in 0_usize..50_000,
        spread in prop_oneof![1_u64..50, 1_u64..100_000],
        nulls in 0_u64..20,
        blocks in prop::collection::vec(1_usize..9_000, 1..4),
    ) {
        check(&Table::new(rows, spread, nulls, 4), &blocks);
    }
}
