//! The store, modelled: events and rows as the text that would be written down.

use std::collections::{BTreeMap, BTreeSet};

use paddock_model::event::Event;
use paddock_model::state::{EntityKey, State};
use paddock_store::EntityKind;
use paddock_store::codec::{batch, from_stored};
use serde::de::DeserializeOwned;

/// Rows by kind and key.
#[derive(Debug, Default)]
pub(super) struct Rows {
    rows: BTreeMap<(EntityKind, String), String>,
    last_seq: u64,
}

impl Rows {
    /// Writes what a step brought; gives the events as they would be read back.
    pub(super) fn commit(
        &mut self,
        state: &State,
        events: &[Event],
        touched: &BTreeSet<EntityKey>,
    ) -> Result<Vec<Event>, String> {
        let batch = batch(state, events, touched).map_err(|error| error.to_string())?;
        for row in batch.rows {
            match row.body {
                Some(body) => drop(self.rows.insert((row.kind, row.key), body)),
                None => drop(self.rows.remove(&(row.kind, row.key))),
            }
        }
        let mut read = Vec::new();
        for stored in batch.events {
            if stored.seq != self.last_seq + 1 {
                return Err(format!("event {} follows event {}", stored.seq, self.last_seq));
            }
            self.last_seq = stored.seq;
            read.push(from_stored(&stored).map_err(|error| error.to_string())?);
        }
        if read != events {
            return Err("events are not read back as they were written".to_owned());
        }
        Ok(read)
    }

    fn all<T: DeserializeOwned>(&self, kind: EntityKind) -> Result<Vec<T>, String> {
        let rows = self.rows.iter().filter(|((of, _), _)| *of == kind);
        rows.map(|(_, body)| serde_json::from_str(body).map_err(|error| error.to_string())).collect()
    }

    /// The state as a supervisor that starts reads it.
    pub(super) fn load(&self) -> Result<State, String> {
        Ok(State::from_parts(
            self.all(EntityKind::Meta)?.pop().unwrap_or_default(),
            self.all(EntityKind::Project)?,
            self.all(EntityKind::Objective)?,
            self.all(EntityKind::Session)?,
            self.all(EntityKind::Gate)?,
            self.all(EntityKind::Hierarchy)?,
        ))
    }
}
