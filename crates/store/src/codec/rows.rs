//! State as stored rows, and back.

use std::collections::BTreeSet;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::events::to_stored;
use super::{CodecError, projects};
use crate::{Batch, EntityKind, Reader, Row, Snapshot, Store};
use paddock_model::event::{Durability, Event};
use paddock_model::state::{Counters, EntityKey, State};

/// The kinds of rows that make up a state.
pub const ENTITIES: [EntityKind; 8] = [
    EntityKind::Meta,
    EntityKind::Project,
    EntityKind::ProjectSettings,
    EntityKind::ProjectQueue,
    EntityKind::Objective,
    EntityKind::Session,
    EntityKind::Gate,
    EntityKind::Hierarchy,
];

const COUNTERS_KEY: &str = "counters";

/// Returns what one commit writes: the events, and the rows of the entities that they changed. The batch is
/// as durable as its most durable event.
///
/// # Errors
/// [`CodecError::Shape`] if something cannot be written as JSON.
pub fn batch(state: &State, events: &[Event], touched: &BTreeSet<EntityKey>) -> Result<Batch, CodecError> {
    let durability = events.iter().map(|event| event.fact.durability()).max().unwrap_or(Durability::Process);
    let events = events.iter().map(to_stored).collect::<Result<_, _>>()?;
    Ok(Batch { events, rows: rows_for(state, touched)?, durability })
}

/// Returns every row of a state.
///
/// # Errors
/// [`CodecError::Shape`] if something cannot be written as JSON.
pub fn rows_of(state: &State) -> Result<Vec<Row>, CodecError> {
    let mut keys = vec![EntityKey::Counters];
    for project in state.projects() {
        keys.push(EntityKey::Project(project.slug.clone()));
        keys.extend(state.nodes_of(&project.slug).map(|node| EntityKey::Node(node.key.clone())));
    }
    keys.extend(state.objectives().map(|objective| EntityKey::Objective(objective.key.clone())));
    keys.extend(state.sessions().map(|session| EntityKey::Session(session.id)));
    keys.extend(state.gates().map(|gate| EntityKey::Gate(gate.id)));
    rows_for(state, &keys)
}

/// Returns the rows of some entities of a state; a row of an entity that is gone deletes it.
fn rows_for<'k>(
    state: &State,
    keys: impl IntoIterator<Item = &'k EntityKey>,
) -> Result<Vec<Row>, CodecError> {
    let mut rows = Vec::new();
    for key in keys {
        let (kind, name, body) = match key {
            // A project has three rows, all other entities have one.
            EntityKey::Project(slug) => {
                let shape = |source| CodecError::Shape { what: format!("the row of {slug}"), source };
                rows.extend(projects::rows(slug, state.project(slug)).map_err(shape)?);
                continue;
            }
            EntityKey::Counters => (EntityKind::Meta, COUNTERS_KEY.to_owned(), text(Some(state.counters()))),
            EntityKey::Objective(key) => (EntityKind::Objective, key.to_string(), text(state.objective(key))),
            EntityKey::Session(id) => (EntityKind::Session, padded(id.0), text(state.session(*id))),
            EntityKey::Gate(id) => (EntityKind::Gate, padded(id.0), text(state.gate(*id))),
            EntityKey::Node(key) => (EntityKind::Hierarchy, key.to_string(), text(state.node(key))),
        };
        let body = body.map_err(|source| CodecError::Shape { what: format!("the row of {name}"), source })?;
        rows.push(Row { kind, key: name, body });
    }
    Ok(rows)
}

/// Pads a number with zeros, so that keys sort as numbers.
fn padded(id: u64) -> String {
    format!("{id:012}")
}

pub(super) fn text<T: Serialize>(value: Option<&T>) -> Result<Option<String>, serde_json::Error> {
    value.map(serde_json::to_string).transpose()
}

fn parse<T: DeserializeOwned>(rows: Option<&Vec<(String, String)>>) -> Result<Vec<T>, CodecError> {
    let read = |(key, body): &(String, String)| {
        let shape = |source| CodecError::Shape { what: format!("the row of {key}"), source };
        serde_json::from_str(body).map_err(shape)
    };
    rows.into_iter().flatten().map(read).collect()
}

/// Assembles a state from its rows.
///
/// # Errors
/// [`CodecError::Shape`] names the row that this program cannot read.
pub fn state_of(snapshot: &Snapshot) -> Result<State, CodecError> {
    let rows = |kind| snapshot.rows.get(&kind);
    let meta: Vec<(String, String)> = rows(EntityKind::Meta).cloned().unwrap_or_default();
    let counters: Vec<(String, String)> = meta.into_iter().filter(|(key, _)| key == COUNTERS_KEY).collect();
    // A new database has no counters yet.
    let counters: Counters = parse(Some(&counters))?.pop().unwrap_or_default();
    Ok(State::from_parts(
        counters,
        projects::assemble(&snapshot.rows)?,
        parse(rows(EntityKind::Objective))?,
        parse(rows(EntityKind::Session))?,
        parse(rows(EntityKind::Gate))?,
        parse(rows(EntityKind::Hierarchy))?,
    ))
}

/// Loads the state from a store that was just opened. Nothing writes yet, so the reads need no common
/// transaction.
///
/// # Errors
/// Fails if the store cannot be read, or holds what this program does not understand.
pub fn load(store: &Store) -> Result<State, CodecError> {
    let mut snapshot = Snapshot { last_seq: store.last_seq()?, rows: std::collections::BTreeMap::new() };
    for kind in ENTITIES {
        snapshot.rows.insert(kind, store.load_rows(kind)?);
    }
    state_of(&snapshot)
}

/// Loads the state for reading only, whether or not a supervisor runs.
///
/// # Errors
/// Fails if the store cannot be read, or holds what this program does not understand.
pub fn load_snapshot(reader: &Reader) -> Result<State, CodecError> {
    state_of(&reader.snapshot(&ENTITIES)?)
}
