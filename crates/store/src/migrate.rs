//! The schema: a list of SQL files, applied in order and counted by `PRAGMA user_version`.

use rusqlite::{Connection, TransactionBehavior};

use paddock_os::fail_points::fail_point;

/// Application id in the file's header that marks the file as Paddock's: "Padd".
pub(super) const APPLICATION_ID: i64 = 0x5061_6464;

/// The n-th entry (from 0) leads from schema n to n + 1. A released entry is never edited, because databases
/// that have passed it would differ from new ones; a new entry follows it.
pub(super) const MIGRATIONS: &[&str] =
    &[include_str!("migrations/0001.sql"), include_str!("migrations/0002.sql")];

/// Header fields that tell whose file this is and how old its schema is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Schema version; 0 for an empty file.
    pub version: i64,
    /// Application id; 0 if no program set one.
    pub application_id: i64,
    /// Number of tables, indexes, triggers and views.
    pub objects: i64,
}

/// Reads the header fields. This is the first read of the file, so it fails if the file is no database.
pub(super) fn header(connection: &Connection) -> rusqlite::Result<Header> {
    Ok(Header {
        version: connection.pragma_query_value(None, "user_version", |row| row.get(0))?,
        application_id: connection.pragma_query_value(None, "application_id", |row| row.get(0))?,
        objects: connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?,
    })
}

/// Applies the missing migrations, each in a transaction together with its version number. A crash between
/// two steps leaves a database at a version in between, which the next start continues from.
pub(super) fn migrate(connection: &mut Connection, migrations: &[&str]) -> rusqlite::Result<()> {
    loop {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Read within the transaction: another process may have migrated since the file was opened.
        let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let step = usize::try_from(version).ok().and_then(|done| migrations.get(done));
        let Some(step) = step else { return Ok(()) };
        fail_point!("migration.before");
        transaction.execute_batch(step)?;
        // Both numbers are part of the transaction, so they change together with the tables or not at all.
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", version + 1)?;
        fail_point!("migration.step");
        transaction.commit()?;
        fail_point!("migration.after");
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::{EntityKind, Store, StoreError, backup};

    const NEXT: &str = "ALTER TABLE objective ADD COLUMN note TEXT";

    #[test]
    fn a_migration_takes_a_copy_first_and_keeps_three() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("paddock.db");
        drop(Store::open_with(&path, &MIGRATIONS[..1]).unwrap());
        assert!(backup::list(&path).unwrap().is_empty(), "a new database needs no copy");
        let mut steps = MIGRATIONS[..1].to_vec();
        for column in ["a", "b", "c", "d", "e"] {
            let step = NEXT.replace("note", column);
            steps.push(Box::leak(step.into_boxed_str()));
            let store = Store::open_with(&path, &steps).unwrap();
            let known = i64::try_from(steps.len()).unwrap();
            assert_eq!(header(&store.connection).unwrap().version, known);
        }
        let copies = backup::list(&path).unwrap();
        assert_eq!(copies.len(), backup::BACKUPS_KEPT);
        let newest = copies.last().unwrap();
        assert_eq!(std::fs::metadata(newest).unwrap().permissions().mode() & 0o777, 0o600);
        let copy = Store::open_with(newest, &steps[..5]).unwrap();
        assert_eq!(header(&copy.connection).unwrap().version, 5);
        assert!(copy.load_rows(EntityKind::Objective).unwrap().is_empty());
    }

    #[test]
    fn a_migration_that_fails_leaves_the_database_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("paddock.db");
        drop(Store::open_with(&path, MIGRATIONS).unwrap());
        let mut steps = MIGRATIONS.to_vec();
        steps.push("ALTER TABLE objective ADD COLUMN note TEXT; SELECT nonsense FROM nowhere;");
        assert!(matches!(Store::open_with(&path, &steps), Err(StoreError::Other { .. })));
        let store = Store::open_with(&path, MIGRATIONS).unwrap();
        let columns: i64 = store
            .connection
            .query_row("SELECT count(*) FROM pragma_table_info('objective')", [], |row| row.get(0))
            .unwrap();
        assert_eq!(columns, 3);
    }
}
