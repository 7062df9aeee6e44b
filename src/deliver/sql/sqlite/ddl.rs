//! The statements for an SQLite table, and the check that a table found there fits.
//!
//! A decimal's column has no type: with any numeric one SQLite would round what a float can't hold (write.rs). The key is a
//! unique index over expressions that turn NULL into an empty blob, which no value is: so NULL is a group like others.

use rusqlite::{Connection, OptionalExtension};

use super::super::SqlTable;
use super::super::value::ColumnDef;
use crate::data::DataType;

pub(super) fn batches_name(table: &SqlTable) -> String {
    super::super::batches_name(&table.table)
}

pub(super) fn create_table(table: &SqlTable, columns: &[ColumnDef]) -> String {
    let column = |def: &ColumnDef| format!("  {} {}", quote(&def.name), type_name(def.ty));
    let columns: Vec<String> =
        columns.iter().map(|def| column(def).trim_end().to_string()).collect();
    format!("CREATE TABLE IF NOT EXISTS {} (\n{}\n)", quote(&table.table), columns.join(",\n"))
}

/// The unique index of the key; a table of one row has none.
pub(super) fn create_key(table: &SqlTable, columns: &[ColumnDef]) -> Option<String> {
    let key = key_expressions(table, columns)?;
    let (name, table) = (quote(&key_name(table)), quote(&table.table));
    Some(format!("CREATE UNIQUE INDEX IF NOT EXISTS {name} ON {table} ({key})"))
}

/// No table of another job has such a name: tables and indexes share theirs.
fn key_name(table: &SqlTable) -> String {
    format!("{}__logmill_key", table.table)
}

/// The expressions of the unique index, which the upsert must repeat to name it.
pub(super) fn key_expressions(table: &SqlTable, columns: &[ColumnDef]) -> Option<String> {
    let key: Vec<String> = columns.iter().take(table.key_columns).map(key_expression).collect();
    (!key.is_empty()).then(|| key.join(", "))
}

/// A column in the unique index.
pub(super) fn key_expression(def: &ColumnDef) -> String {
    format!("ifnull({}, x'')", quote(&def.name))
}

/// Its index goes with it.
pub(super) fn drop_table(table: &SqlTable) -> String {
    format!("DROP TABLE {}", quote(&table.table))
}

pub(super) fn create_batches(table: &SqlTable) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (\n  \"batch\" INTEGER PRIMARY KEY,\n  \"fence\" INTEGER,\n  \
         \"token\" INTEGER,\n  \"state_id\" TEXT,\n  \"job\" TEXT,\n  \"changed_rows\" INTEGER,\n  \"delivered_at\" TIMESTAMP\n)",
        quote(&batches_name(table))
    )
}

pub(super) fn newest_batch(table: &SqlTable) -> String {
    let batches = quote(&batches_name(table));
    format!("SELECT state_id, batch, fence, token FROM {batches} ORDER BY batch DESC LIMIT 1")
}

pub(super) fn insert_batch(table: &SqlTable) -> String {
    format!(
        "INSERT OR REPLACE INTO {} (batch, fence, token, state_id, job, changed_rows, delivered_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        quote(&batches_name(table))
    )
}

pub(super) fn prune_batches(table: &SqlTable) -> String {
    format!("DELETE FROM {} WHERE batch <= ?1", quote(&batches_name(table)))
}

pub(super) fn forget_batches(table: &SqlTable) -> String {
    format!("DELETE FROM {}", quote(&batches_name(table)))
}

pub(super) fn empty_table(table: &SqlTable) -> String {
    format!("DELETE FROM {}", quote(&table.table))
}

pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn type_name(ty: DataType) -> &'static str {
    match ty {
        DataType::Int => "INTEGER",
        DataType::Decimal(_) => "",
        DataType::Float => "REAL",
        DataType::Text | DataType::Ip => "TEXT",
        DataType::Bool => "BOOLEAN",
        DataType::Timestamp => "TIMESTAMP",
    }
}

/// Compares the table that is there with the one that is wanted. The inner error says what differs.
pub(super) fn check(
    connection: &Connection,
    table: &SqlTable,
    columns: &[ColumnDef],
) -> rusqlite::Result<Result<(), String>> {
    let mut statement = connection.prepare("SELECT name, type FROM pragma_table_info(?1)")?;
    let found = statement.query_map([&table.table], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let found: Vec<(String, String)> = found.collect::<rusqlite::Result<_>>()?;
    let index = "SELECT sql FROM sqlite_master WHERE type = 'index' AND name = ?1";
    let index: Option<Option<String>> =
        connection.query_row(index, [key_name(table)], |row| row.get(0)).optional()?;
    Ok(compare_columns(columns, &found).and_then(|()| compare_key(table, columns, index)))
}

fn compare_columns(wanted: &[ColumnDef], found: &[(String, String)]) -> Result<(), String> {
    for def in wanted {
        let ty = found.iter().find(|(name, _)| *name == def.name).map(|(_, ty)| ty.as_str());
        match ty {
            None => return Err(format!("the table that exists has no column {}", def.name)),
            Some(ty) if !ty.eq_ignore_ascii_case(type_name(def.ty)) => {
                let (name, wanted) = (&def.name, def.ty);
                return Err(format!(
                    "its column {name} is {}, this job's is {wanted}",
                    or_none(ty)
                ));
            }
            Some(_) => {}
        }
    }
    match found.iter().find(|(name, _)| wanted.iter().all(|def| def.name != *name)) {
        Some((name, _)) => {
            Err(format!("the table that exists has a column {name}, this job has none"))
        }
        None => Ok(()),
    }
}

fn or_none(ty: &str) -> &str {
    if ty.is_empty() { "a decimal (no type)" } else { ty }
}

/// SQLite keeps the text of CREATE INDEX, less the words IF NOT EXISTS.
fn compare_key(
    table: &SqlTable,
    columns: &[ColumnDef],
    found: Option<Option<String>>,
) -> Result<(), String> {
    let (Some(found), Some(wanted)) = (found, create_key(table, columns)) else {
        return Ok(());
    };
    match found.unwrap_or_default() == wanted.replacen("IF NOT EXISTS ", "", 1) {
        true => Ok(()),
        false => Err(format!("its key (index {}) is over other columns", key_name(table))),
    }
}
