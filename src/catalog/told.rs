//! What was told of a job's files and still stands: a cron job is not to send a mail about it at each run.

use std::collections::BTreeSet;

use super::{Catalog, CatalogError};

impl Catalog {
    /// What was told and stood when the last run looked.
    pub fn told(&self) -> Result<BTreeSet<String>, CatalogError> {
        let rows = self.rows("SELECT notice FROM told", [], |row| row.get(0))?;
        Ok(rows.into_iter().collect())
    }

    /// Notes what stands now, and answers what of it was not told before, in the order given. What does not stand any more
    /// would be news if it came again.
    pub fn tell_once(&mut self, standing: Vec<String>) -> Result<Vec<String>, CatalogError> {
        let told = self.told()?;
        let now: BTreeSet<&String> = standing.iter().collect();
        if now.iter().copied().eq(&told) {
            return Ok(Vec::new());
        }
        self.note(|transaction, _| {
            transaction.execute("DELETE FROM told", [])?;
            let mut statement = transaction.prepare("INSERT INTO told VALUES (?1)")?;
            now.iter().try_for_each(|notice| statement.execute([notice]).map(|_| ()))
        })?;
        Ok(standing.into_iter().filter(|notice| !told.contains(notice)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_is_told_once_and_again_after_it_was_gone() {
        let dir = tempfile::tempdir().expect("a folder");
        let tell = |standing: &[&str]| {
            let standing = standing.iter().map(|notice| (*notice).to_owned()).collect();
            let mut catalog = Catalog::open(dir.path()).expect("a catalog");
            catalog.tell_once(standing).expect("noted")
        };
        assert_eq!(tell(&["b", "a"]), ["b", "a"]);
        assert!(tell(&["a", "b"]).is_empty());
        assert_eq!(tell(&["a", "c"]), ["c"]);
        assert!(tell(&[]).is_empty());
        assert_eq!(tell(&["a"]), ["a"]);
    }
}
