//! The fence: whoever writes to the catalog first takes a number higher than all before, and from then on nobody with a
//! lower one gets anything written. A process that was stopped for an hour and wakes up behind its successor's back finds
//! out here.

use rusqlite::{Transaction, TransactionBehavior};

use super::{Catalog, CatalogError};
use crate::fault;

impl Catalog {
    /// The fence of this process; takes one if it has none.
    pub fn take_fence(&mut self) -> Result<u64, CatalogError> {
        match self.fence {
            Some(fence) => Ok(fence),
            None => self.note(|_, fence| Ok(fence)),
        }
    }

    /// One durable transaction, of the newest fence's holder only. `work` gets that fence.
    pub(super) fn write<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>, u64) -> rusqlite::Result<T>,
    ) -> Result<T, CatalogError> {
        self.write_if(|transaction, fence| work(transaction, fence).map(Some))
    }

    /// The same without a wait for the disk: for what may be done or found out again after a power cut, which takes it only
    /// together with all that was written later.
    pub(super) fn note<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>, u64) -> rusqlite::Result<T>,
    ) -> Result<T, CatalogError> {
        self.wait_for_disk(false)?;
        self.transact(|transaction, fence| work(transaction, fence).map(Some))
    }

    /// A durable transaction, where `work` may find that another one's work has made its own void.
    pub(super) fn write_if<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>, u64) -> rusqlite::Result<Option<T>>,
    ) -> Result<T, CatalogError> {
        self.wait_for_disk(true)?;
        self.transact(work)
    }

    /// In WAL mode, and in no other, NORMAL is as safe for the file as FULL: it only waits for the disk no sooner than a
    /// checkpoint needs it.
    fn wait_for_disk(&mut self, durable: bool) -> Result<(), CatalogError> {
        if self.is_log && self.is_durable != durable {
            let level = if durable { "FULL" } else { "NORMAL" };
            let set = self.connection.pragma_update(None, "synchronous", level);
            set.map_err(self.fail("write"))?;
            self.is_durable = durable;
        }
        Ok(())
    }

    fn transact<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>, u64) -> rusqlite::Result<Option<T>>,
    ) -> Result<T, CatalogError> {
        let path = self.path.clone();
        let fail = |source| CatalogError::Sql { action: "write", path: path.clone(), source };
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(fail)?;
        let newest = newest(&transaction).map_err(fail)?;
        let ours = match self.fence {
            Some(ours) if ours == newest => ours,
            Some(ours) => return Err(CatalogError::Fenced { ours }),
            None => take(&transaction).map_err(fail)?,
        };
        let Some(result) = work(&transaction, ours).map_err(fail)? else {
            return Err(CatalogError::Fenced { ours });
        };
        fault::point("catalog.commit");
        transaction.commit().map_err(fail)?;
        fault::point("catalog.committed");
        self.fence = Some(ours);
        Ok(result)
    }
}

fn newest(transaction: &Transaction<'_>) -> rusqlite::Result<u64> {
    let sql = "SELECT value FROM meta WHERE key = 'fence'";
    transaction.query_row(sql, [], |row| row.get::<_, i64>(0)).map(|fence| fence as u64)
}

fn take(transaction: &Transaction<'_>) -> rusqlite::Result<u64> {
    let sql = "UPDATE meta SET value = value + 1 WHERE key = 'fence' RETURNING value";
    transaction.query_row(sql, [], |row| row.get::<_, i64>(0)).map(|fence| fence as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_later_fences_off_whoever_came_before() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut first = Catalog::open(dir.path()).expect("a catalog");
        let ours = first.take_fence().expect("a fence");
        assert_eq!(first.take_fence().expect("the same"), ours);
        let mut second = Catalog::open(dir.path()).expect("the same catalog");
        // Looking takes no fence.
        assert_eq!(second.last_batch().expect("a look"), 0);
        assert!(first.mark_published().is_ok());
        assert_eq!(second.take_fence().expect("a fence"), ours + 1);
        let refused = first.mark_published();
        assert!(matches!(refused, Err(CatalogError::Fenced { .. })), "{refused:?}");
    }
}
