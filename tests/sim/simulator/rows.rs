//! A model of the store: events and rows as stored text.

use std::collections::{BTreeMap, BTreeSet};

use paddock_model::event::Event;
use paddock_model::state::{EntityKey, State};
use paddock_store::codec::{batch, from_stored, state_of};
use paddock_store::{EntityKind, Snapshot};

/// Rows by kind and key.
#[derive(Debug, Default)]
pub(super) struct Rows {
    rows: BTreeMap<(EntityKind, String), String>,
    last_seq: u64,
}

impl Rows {
    /// Stores the events and rows of a step; returns the events as they are read back.
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

    /// Loads the state, as a supervisor does at its start.
    pub(super) fn load(&self) -> Result<State, String> {
        let mut rows = BTreeMap::<_, Vec<_>>::new();
        for ((kind, key), body) in &self.rows {
            rows.entry(*kind).or_default().push((key.clone(), body.clone()));
        }
        state_of(&Snapshot { last_seq: self.last_seq, rows }).map_err(|error| error.to_string())
    }
}
