//! The statements for a table in MySQL or MariaDB, and the check that a table found there fits.
//!
//! One text serves both: `/*M!100300 … */` runs on MariaDB from 10.3 on, `/*!80017 … */` on MySQL from 8.0.17 on only
//! (MariaDB passes over the versions 5.7 to 9.99). Text is LONGTEXT, since a key may have any length, in the server's collation
//! that compares bytes and does not ignore spaces at the end. The primary key is the SHA-256 of the group's key, in a
//! column that `SELECT *` does not show where the server can hide one.

use super::super::value::ColumnDef;
use super::super::{Delivery, batches_name};
use super::connect::Session;
use super::errors::Fault;
use super::literal::{self, quote};
use super::pairs::NewAndOld;
use crate::data::DataType;

/// The column of the primary key.
pub(super) const KEY: &str = "logmill_key";
/// MySQL's and MariaDB's limit is lower than that of the job's decimals: 38 digits.
const SCALE_MAX: u8 = 30;

/// The columns of the table of batches that statements name.
const BATCHES_COLUMNS: [&str; 7] =
    ["batch", "fence", "token", "state_id", "job", "changed_rows", "delivered_at"];

const TABLE_OPTIONS: &str = "ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 /*M!100300 COLLATE utf8mb4_nopad_bin */\
    /*!50700 COLLATE utf8mb4_bin */ /*!80017 COLLATE utf8mb4_0900_bin */";

/// What these servers can't hold: problem and help.
pub(super) fn check_columns(columns: &[ColumnDef]) -> Result<(), (String, &'static str)> {
    for ColumnDef { name, ty } in columns {
        if name.eq_ignore_ascii_case(KEY) {
            return Err((
                format!("the column name {name} is reserved here"),
                "rename it in the job",
            ));
        }
        if ty.scale() > SCALE_MAX {
            return Err((
                format!("column {name} is {ty}, and MySQL's decimals end at scale {SCALE_MAX}"),
                "round it to fewer digits in the job",
            ));
        }
    }
    Ok(())
}

pub(super) fn create_table(table: &str, columns: &[ColumnDef]) -> String {
    let mut lines: Vec<String> = columns
        .iter()
        .map(|def| format!("{} {} NULL", quote(&def.name), type_name(def.ty).to_uppercase()))
        .collect();
    lines.push(format!(
        "{} BINARY(32) NOT NULL /*M!100300 DEFAULT '' INVISIBLE */ /*!80023 INVISIBLE */",
        quote(KEY)
    ));
    lines.push(format!("PRIMARY KEY ({})", quote(KEY)));
    // Dashboards filter by it.
    if let Some(def) = columns.first().filter(|def| def.is_window()) {
        lines.push(format!("KEY {0} ({0})", quote(&def.name)));
    }
    let lines = lines.join(",\n  ");
    format!("CREATE TABLE IF NOT EXISTS {} (\n  {lines}\n) {TABLE_OPTIONS}", quote(table))
}

/// Fails if another session has just created it: only one of them may find that the table was missing.
pub(super) fn create_new_table(table: &str, columns: &[ColumnDef]) -> String {
    create_table(table, columns).replacen("IF NOT EXISTS ", "", 1)
}

pub(super) fn create_batches(table: &str) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (\n  `batch` BIGINT UNSIGNED NOT NULL,\n  `fence` BIGINT UNSIGNED NOT NULL,\n  \
         `token` BIGINT UNSIGNED NOT NULL,\n  `state_id` VARCHAR(255) NOT NULL,\n  `job` VARCHAR(255) NOT NULL,\n  `changed_rows` BIGINT UNSIGNED NOT NULL,\n  \
         `delivered_at` DATETIME(6) NULL,\n  PRIMARY KEY (`batch`)\n) {TABLE_OPTIONS}",
        quote(&batches_name(table))
    )
}

pub(super) fn count_tables(table: &str) -> String {
    let (table, batches) = (literal::of_text(table), literal::of_text(&batches_name(table)));
    format!(
        "SELECT COUNT(*) FROM information_schema.tables \
         WHERE table_schema = DATABASE() AND table_name IN ({table}, {batches})"
    )
}

/// Names the table itself too, without reading it: the error if it is missing must not wait for the first row.
pub(super) fn lock_newest(table: &str) -> String {
    let (table, batches) = (quote(table), quote(&batches_name(table)));
    format!(
        "SELECT state_id, batch, fence, token, EXISTS (SELECT 1 FROM {table} WHERE 1 = 0) FROM {batches} \
         ORDER BY batch DESC LIMIT 1 FOR UPDATE"
    )
}

pub(super) fn lock_foreign(table: &str, state_id: &str) -> String {
    let (batches, state_id) = (quote(&batches_name(table)), literal::of_text(state_id));
    format!("SELECT state_id FROM {batches} WHERE state_id <> {state_id} LIMIT 1 FOR UPDATE")
}

pub(super) fn insert_batch(table: &str, delivery: &Delivery, rows: u64, now: &str) -> String {
    let (batches, now) = (quote(&batches_name(table)), literal::of_text(now));
    let (state_id, job) = (literal::of_text(&delivery.state_id), literal::of_text(&delivery.job));
    let Delivery { batch, fence, token, .. } = delivery;
    format!(
        "REPLACE INTO {batches} (batch, fence, token, state_id, job, changed_rows, delivered_at) \
         VALUES ({batch}, {fence}, {token}, {state_id}, {job}, {rows}, {now})"
    )
}

pub(super) fn prune_batches(table: &str, newest_pruned: u64) -> String {
    format!("DELETE FROM {} WHERE batch <= {newest_pruned}", quote(&batches_name(table)))
}

pub(super) fn forget_batches(table: &str) -> String {
    format!("DELETE FROM {}", quote(&batches_name(table)))
}

/// Asks for the key so many rows behind another one, or from the first row on.
pub(super) fn key_after(table: &str, after: Option<&[u8]>, rows: u32) -> String {
    let (table, key, condition) = (quote(table), quote(KEY), key_condition(after, None));
    format!("SELECT {key} FROM {table} WHERE {condition} ORDER BY {key} LIMIT 1 OFFSET {rows}")
}

pub(super) fn delete_range(table: &str, after: Option<&[u8]>, upto: Option<&[u8]>) -> String {
    format!("DELETE FROM {} WHERE {}", quote(table), key_condition(after, upto))
}

fn key_condition(after: Option<&[u8]>, upto: Option<&[u8]>) -> String {
    let key = quote(KEY);
    let bound = |sign: &str, bytes: &[u8]| {
        let mut literal = Vec::new();
        literal::push_binary(&mut literal, bytes);
        format!("{key} {sign} {}", String::from_utf8_lossy(&literal))
    };
    let bounds = [after.map(|bytes| bound(">", bytes)), upto.map(|bytes| bound("<=", bytes))];
    let bounds: Vec<String> = bounds.into_iter().flatten().collect();
    if bounds.is_empty() { "1 = 1".into() } else { bounds.join(" AND ") }
}

fn type_name(ty: DataType) -> String {
    match ty {
        DataType::Int => "bigint".into(),
        DataType::Decimal(scale) => format!("decimal(38,{scale})"),
        DataType::Float => "double".into(),
        DataType::Text | DataType::Ip => "longtext".into(),
        DataType::Bool => "boolean".into(),
        DataType::Timestamp => "datetime(6)".into(),
    }
}

/// The tables that exist.
#[derive(Default)]
pub(super) struct Found {
    /// Name and type of the table's columns; none if it does not exist.
    pub(super) table: Vec<(String, String)>,
    /// The columns of the table of batches.
    pub(super) batches: Vec<String>,
    /// There is a table of a change of shape.
    pub(super) leftovers: bool,
}

impl Found {
    pub(super) fn read(session: &mut Session, table: &str) -> Result<Found, Fault> {
        let leftovers = NewAndOld::of(table).all().map(|name| literal::of_text(&name)).join(", ");
        let (table, batches) = (literal::of_text(table), literal::of_text(&batches_name(table)));
        let query = format!(
            "SELECT CASE table_name WHEN {table} THEN 0 WHEN {batches} THEN 1 ELSE 2 END, column_name, \
             CAST(column_type AS CHAR) FROM information_schema.columns WHERE table_schema = DATABASE() \
             AND table_name IN ({table}, {batches}, {leftovers}) ORDER BY ordinal_position"
        );
        let mut found = Found::default();
        for (which, name, ty) in session.rows::<(u8, String, String)>(&query)? {
            match which {
                0 => found.table.push((name, ty)),
                1 => found.batches.push(name),
                _ => found.leftovers = true,
            }
        }
        Ok(found)
    }

    /// A column that a table of batches of an older logmill lacks.
    pub(super) fn missing_in_batches(&self) -> Option<&'static str> {
        let missing = |name: &&str| !self.batches.iter().any(|found| found == name);
        BATCHES_COLUMNS.into_iter().find(missing).filter(|_| !self.batches.is_empty())
    }
}

/// Compares the table that is there with the one that is wanted. The error says what differs.
pub(super) fn compare(wanted: &[ColumnDef], found: &[(String, String)]) -> Result<(), String> {
    let type_found = |name: &str| found.iter().find(|(n, _)| n == name).map(|(_, ty)| ty.as_str());
    for def in wanted {
        let (name, wanted) = (&def.name, type_name(def.ty));
        match type_found(name) {
            None => return Err(format!("the table that exists has no column {name}")),
            Some(ty) if canonical(ty) != canonical(&wanted) => {
                return Err(format!("its column {name} is {ty}, this job's is {wanted}"));
            }
            Some(_) => {}
        }
    }
    if type_found(KEY) != Some("binary(32)") {
        return Err(format!(
            "the table that exists has no column {KEY}, so another program made it"
        ));
    }
    let unknown =
        found.iter().find(|(name, _)| name != KEY && wanted.iter().all(|def| def.name != *name));
    match unknown {
        Some((name, _)) => {
            Err(format!("the table that exists has a column {name}, this job has none"))
        }
        None => Ok(()),
    }
}

/// MariaDB shows a display width, MySQL 8 does not; `boolean` is a name for `tinyint(1)`.
fn canonical(ty: &str) -> String {
    ty.to_lowercase().replace("bigint(20)", "bigint").replace("boolean", "tinyint(1)")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Vec<ColumnDef> {
        [("n", DataType::Int), ("d", DataType::Decimal(3)), ("b", DataType::Bool)]
            .map(|(name, ty)| ColumnDef { name: name.into(), ty })
            .to_vec()
    }

    fn found(columns: &[(&str, &str)]) -> Vec<(String, String)> {
        columns.iter().map(|(name, ty)| (name.to_string(), ty.to_string())).collect()
    }

    #[test]
    fn both_servers_names_of_a_type_fit() {
        for bigint in ["bigint", "bigint(20)"] {
            let columns =
                [("n", bigint), ("d", "decimal(38,3)"), ("b", "tinyint(1)"), (KEY, "binary(32)")];
            assert_eq!(compare(&wanted(), &found(&columns)), Ok(()));
        }
    }

    #[test]
    fn a_table_that_differs_is_refused_by_the_column() {
        let key = (KEY, "binary(32)");
        let (n, d, b) = (("n", "bigint"), ("d", "decimal(38,3)"), ("b", "tinyint(1)"));
        for (columns, word) in [
            (vec![n, b, key], "no column d"),
            (vec![n, ("d", "decimal(38,2)"), b, key], "column d is decimal(38,2)"),
            (vec![n, d, b], "no column logmill_key"),
            (vec![n, d, b, key, ("note", "text")], "a column note"),
        ] {
            let problem = compare(&wanted(), &found(&columns)).expect_err(word);
            assert!(problem.contains(word), "{problem}");
        }
    }

    #[test]
    fn decimals_beyond_the_servers_scale_are_refused_before_anything_is_done() {
        let column = |scale| [ColumnDef { name: "d".into(), ty: DataType::Decimal(scale) }];
        assert!(check_columns(&column(30)).is_ok());
        assert!(check_columns(&column(31)).is_err());
    }
}
