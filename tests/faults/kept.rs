//! A table on the server that can be set back to what it held.

use crate::mariadb::Table;

/// The table, and its table of batches.
const ENDS: [&str; 2] = ["", "_batches"];

/// Keeps what it holds.
pub fn keep(table: &Table) {
    table.drop_tables("_kept");
    for end in ENDS {
        table.query(&format!("CREATE TABLE {0}_kept{end} LIKE {0}{end}", table.name));
    }
    copy(table, "", "_kept");
}

/// Makes it what it was when it was kept; nothing, if it never was.
pub fn restore(table: &Table) {
    let kept = format!("SHOW TABLES LIKE '{}\\_kept'", table.name);
    if table.query(&kept).is_empty() {
        return table.drop_tables("");
    }
    for end in ENDS {
        table.query(&format!("DELETE FROM {}{end}", table.name));
    }
    copy(table, "_kept", "");
}

fn copy(table: &Table, from: &str, to: &str) {
    // `*` leaves the key out, which is invisible.
    let columns = ["logmill_key, window_start, user, class, hits, bytes, slowest", "*"];
    for (end, columns) in ENDS.iter().zip(columns) {
        let into = if columns == "*" { String::new() } else { format!("({columns})") };
        let name = &table.name;
        table.query(&format!(
            "INSERT INTO {name}{to}{end} {into} SELECT {columns} FROM {name}{from}{end}"
        ));
    }
}
