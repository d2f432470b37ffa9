//! Queries that the store, before it writes, and its readers share.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::append::signed;
use super::{EntityKind, EventQuery, Snapshot};
use paddock_model::stored::StoredEvent;

pub(super) fn last_seq(connection: &Connection) -> rusqlite::Result<u64> {
    let last: i64 = connection.query_row("SELECT coalesce(max(seq), 0) FROM event", [], |row| row.get(0))?;
    Ok(last.unsigned_abs())
}

/// Returns the rows of a kind, or none if the schema is older than the kind's table. Readers do not migrate,
/// so they may meet an older schema.
pub(super) fn load_rows(
    connection: &Connection,
    kind: EntityKind,
) -> rusqlite::Result<Vec<(String, String)>> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version < kind.since() {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT key, body FROM {} ORDER BY key", kind.table());
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

pub(super) fn snapshot(connection: &Connection, kinds: &[EntityKind]) -> rusqlite::Result<Snapshot> {
    // One read transaction, so that rows of different kinds belong to the same moment. It is dropped, not
    // committed: it wrote nothing.
    let transaction = connection.unchecked_transaction()?;
    let last_seq = last_seq(&transaction)?;
    let rows = kinds.iter().map(|&kind| Ok((kind, load_rows(&transaction, kind)?)));
    let rows = rows.collect::<rusqlite::Result<_>>()?;
    Ok(Snapshot { last_seq, rows })
}

pub(super) fn events(connection: &Connection, query: &EventQuery) -> rusqlite::Result<Vec<StoredEvent>> {
    let (sql, values) = event_sql(query);
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params_from_iter(values), |row| {
        Ok(StoredEvent {
            seq: row.get::<_, i64>(0)?.unsigned_abs(),
            at_ms: row.get(1)?,
            kind: row.get(2)?,
            version: row.get(3)?,
            project: row.get(4)?,
            objective: row.get(5)?,
            session: row.get::<_, Option<i64>>(6)?.map(i64::unsigned_abs),
            data: row.get(7)?,
        })
    })?;
    rows.collect()
}

/// Builds the statement from fixed words; everything that comes from outside is a bound value.
fn event_sql(query: &EventQuery) -> (String, Vec<Value>) {
    let mut conditions: Vec<String> = Vec::new();
    let mut values: Vec<Value> = Vec::new();
    let mut demand = |condition: &str, value: Value| {
        conditions.push(condition.to_owned());
        values.push(value);
    };
    if let Some(seq) = query.since_seq {
        demand("seq > ?", Value::Integer(signed(seq)));
    }
    if let Some(at_ms) = query.since_ms {
        demand("at_ms >= ?", Value::Integer(at_ms));
    }
    if let Some(project) = &query.project {
        demand("project = ?", Value::Text(project.clone()));
    }
    if let Some(objective) = &query.objective {
        demand("objective = ?", Value::Text(objective.clone()));
    }
    if !query.kinds.is_empty() {
        // One bound value for any number of kinds keeps the text of the statement the same, and so its
        // prepared form.
        let kinds = serde_json::Value::from(query.kinds.clone()).to_string();
        demand("kind IN (SELECT value FROM json_each(?))", Value::Text(kinds));
    }
    let mut sql = "SELECT seq, at_ms, kind, version, project, objective, session, data FROM event".to_owned();
    if !conditions.is_empty() {
        sql.push_str(" WHERE ");
        sql.push_str(&conditions.join(" AND "));
    }
    sql.push_str(if query.newest_first { " ORDER BY seq DESC" } else { " ORDER BY seq" });
    if let Some(limit) = query.limit {
        sql.push_str(" LIMIT ?");
        values.push(Value::Integer(i64::from(limit)));
    }
    (sql, values)
}
