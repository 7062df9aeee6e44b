//! The names of tables while one changes its shape, and the statements that swap them.

use super::super::batches_name;
use super::literal::quote;

/// MySQL's and MariaDB's limit for the name of a table.
const NAME_CHARS_MAX: usize = 64;

/// The names of the pairs of tables in a change of shape.
pub(super) struct NewAndOld {
    pub(super) new: String,
    pub(super) old: String,
}

impl NewAndOld {
    pub(super) fn of(table: &str) -> Self {
        NewAndOld { new: format!("{table}__logmill_new"), old: format!("{table}__logmill_old") }
    }

    /// Whether the server can hold such names.
    pub(super) fn fit(&self) -> bool {
        self.all().iter().all(|name| name.chars().count() <= NAME_CHARS_MAX)
    }

    pub(super) fn all(&self) -> [String; 4] {
        let NewAndOld { new, old } = self;
        [new.clone(), batches_name(new), old.clone(), batches_name(old)]
    }

    pub(super) fn drop_leftovers(&self) -> String {
        format!("DROP TABLE IF EXISTS {}", self.all().map(|name| quote(&name)).join(", "))
    }

    /// Puts the new pair into the table's place and the table's aside.
    pub(super) fn swap(&self, table: &str) -> String {
        rename(&[(table, &self.old), (&self.new, table)])
    }

    /// Undoes it.
    pub(super) fn swap_back(&self, table: &str) -> String {
        rename(&[(table, &self.new), (&self.old, table)])
    }
}

/// Renames tables with their tables of batches, all or none.
fn rename(pairs: &[(&str, &str)]) -> String {
    let renames = pairs.iter().map(|(from, to)| {
        let batches = (quote(&batches_name(from)), quote(&batches_name(to)));
        format!("{} TO {}, {} TO {}", quote(from), quote(to), batches.0, batches.1)
    });
    format!("RENAME TABLE {}", renames.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_tables_are_swapped_in_one_statement_and_back() {
        let names = NewAndOld::of("t");
        assert_eq!(
            names.swap("t"),
            "RENAME TABLE `t` TO `t__logmill_old`, `t_batches` TO `t__logmill_old_batches`, \
             `t__logmill_new` TO `t`, `t__logmill_new_batches` TO `t_batches`"
        );
        assert_eq!(
            names.swap_back("t"),
            "RENAME TABLE `t` TO `t__logmill_new`, `t_batches` TO `t__logmill_new_batches`, \
             `t__logmill_old` TO `t`, `t__logmill_old_batches` TO `t_batches`"
        );
    }

    #[test]
    fn a_name_too_long_for_the_server_is_known_before_it_is_asked() {
        assert!(NewAndOld::of(&"t".repeat(43)).fit());
        assert!(!NewAndOld::of(&"t".repeat(44)).fit());
    }
}
