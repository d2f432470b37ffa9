//! Writing batches within one transaction.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::{Batch, Row, StoreError};
use paddock_model::event::Durability;
use paddock_model::stored::StoredEvent;
use paddock_os::fail_points::fail_point;

/// Writes all batches in one transaction, as durable as the strongest of them asks, and returns the last
/// sequence number. On an error, nothing of any batch is in the database.
pub(super) fn append_all(
    connection: &mut Connection,
    path: &Path,
    last_seq: u64,
    batches: &[&Batch],
    durability: Durability,
) -> Result<u64, StoreError> {
    let sqlite = |error: rusqlite::Error| StoreError::from_sqlite(path, &error);
    set_durability(connection, durability).map_err(sqlite)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite)?;
    let mut seq = last_seq;
    let mut wrote = false;
    for batch in batches {
        for event in &batch.events {
            // A gap or a repetition would make every later fold of the log wrong, so a caller's mistake stops
            // here. Dropping the transaction rolls it back.
            if event.seq != seq + 1 {
                return Err(StoreError::NotContiguous { expected: seq + 1, found: event.seq });
            }
            seq = event.seq;
            insert_event(&transaction, event).map_err(sqlite)?;
        }
        for row in &batch.rows {
            put_row(&transaction, row, seq).map_err(sqlite)?;
        }
        wrote |= !batch.events.is_empty() || !batch.rows.is_empty();
    }
    if !wrote && durability == Durability::Power {
        // SQLite flushes nothing for a transaction that changes nothing, yet an empty batch with this
        // durability asks for a flush of everything before it. Writing a header field again makes the
        // transaction a change.
        touch(&transaction).map_err(sqlite)?;
    }
    fail_point!("store.before_commit");
    transaction.commit().map_err(sqlite)?;
    fail_point!("store.after_commit");
    Ok(seq)
}

/// Sets how durable the next transaction is. In WAL mode, NORMAL flushes at checkpoints only: a killed
/// process loses nothing, a power loss may lose the latest commits. FULL flushes the log at each commit.
///
/// Works only between transactions: within one, SQLite ignores or refuses the change.
fn set_durability(connection: &Connection, durability: Durability) -> rusqlite::Result<()> {
    let mode = match durability {
        Durability::Process => "NORMAL",
        Durability::Power => "FULL",
    };
    connection.pragma_update(None, "synchronous", mode)
}

/// Writes the schema version again, unchanged.
fn touch(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    transaction.pragma_update(None, "user_version", version)
}

/// Converts to SQLite's signed integers. Sequence and session numbers never come near the limit.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn insert_event(transaction: &Transaction<'_>, event: &StoredEvent) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO event (seq, at_ms, kind, version, project, objective, session, data)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    statement.execute(params![
        signed(event.seq),
        event.at_ms,
        event.kind,
        event.version,
        event.project,
        event.objective,
        event.session.map(signed),
        event.data,
    ])?;
    Ok(())
}

/// Writes or deletes a row. A row with the same text is not written again, which saves pages of the log: of a
/// project's three rows, usually one changed.
fn put_row(transaction: &Transaction<'_>, row: &Row, seq: u64) -> rusqlite::Result<()> {
    let table = row.kind.table();
    match &row.body {
        Some(body) => transaction
            .prepare_cached(&format!(
                "INSERT INTO {table} (key, body, seq) VALUES (?1, ?2, ?3)
                 ON CONFLICT (key) DO UPDATE SET body = excluded.body, seq = excluded.seq
                 WHERE body <> excluded.body"
            ))?
            .execute(params![row.key, body, signed(seq)])?,
        None => {
            transaction.prepare_cached(&format!("DELETE FROM {table} WHERE key = ?1"))?.execute([&row.key])?
        }
    };
    Ok(())
}
