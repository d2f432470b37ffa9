//! Checks that the database is intact, and rebuilds its rows from its events.

use std::collections::BTreeSet;

use super::finding::Finding;
use crate::cli::context::Context;
use crate::cli::exit_codes::Failure;
use crate::cli::output;
use paddock_ipc::workspace_lock::WorkspaceLock;
use paddock_model::event::Durability;
use paddock_model::state::State;
use paddock_report::text::counted;
use paddock_store::codec::{self, ENTITIES};
use paddock_store::{Batch, EntityKind, EventQuery, Reader, Row, Store};

/// Number of events that are read at a time.
const PAGE: u32 = 2_000;

pub(super) fn check(context: &Context) -> Vec<Finding> {
    let area = "database";
    let path = context.workspace.db();
    let restore = "`paddock supervisor stop`, then `paddock doctor --restore`";
    let reader = match Reader::find(path) {
        Ok(Some(reader)) => reader,
        Ok(None) => return vec![Finding::note(area, "there is none yet: nothing was recorded")],
        Err(error) => return vec![Finding::error(area, error.to_string(), restore)],
    };
    let mut found = match reader.faults() {
        Ok(faults) if faults.is_empty() => {
            let events = reader.last_seq().unwrap_or(0);
            let size = path.metadata().map_or(0, |facts| facts.len());
            vec![Finding::good(area, format!("intact: {events} events, {} kB", size / 1_000))]
        }
        Ok(faults) => faults.into_iter().map(|fault| Finding::error(area, fault, restore)).collect(),
        Err(error) => vec![Finding::error(area, error.to_string(), restore)],
    };
    if let Err(error) = codec::load_snapshot(&reader) {
        let remedy = "`paddock doctor --rebuild` rebuilds the state from the events";
        found.push(Finding::error(area, error.to_string(), remedy));
    }
    found
}

/// Computes the state from all events, and corrects the stored rows that differ. Copies the database before.
///
/// Fails if a supervisor runs, or if an event cannot be read.
pub(super) fn rebuild(context: &Context) -> Result<(), Failure> {
    let path = context.workspace.db();
    let _lock = WorkspaceLock::try_take_for_command(&context.workspace.runtime())
        .map_err(|error| Failure::error(format!("{error}; `paddock supervisor stop` first")))?;
    let Some(reader) = Reader::find(path)? else {
        return output::line("there is no database yet: nothing to rebuild");
    };
    let (folded, events) = fold(&reader)?;
    // Rows that cannot be loaded at all are no reason to fail: replacing them is what this is for.
    let kept = codec::load_snapshot(&reader);
    if kept.as_ref().is_ok_and(|kept| *kept == folded) {
        return output::line(&format!("the stored state agrees with its {}", counted(events, "event")));
    }
    let rows = changes(&reader, &folded)?;
    // The copy is made before anything is changed: if this code is wrong, nothing is lost.
    let copy = path.with_extension(format!("db.rebuild-{}.backup", jiff::Timestamp::now().as_second()));
    reader.backup_into(&copy)?;
    drop(reader);
    let names: Vec<String> =
        rows.iter().map(|row| format!("{} {}", row.kind.table(), row.key)).take(20).collect();
    let count = rows.len();
    let writer = Store::open(path)?.into_writer()?;
    writer.append_and_wait(Batch { events: Vec::new(), rows, durability: Durability::Power })?;
    writer.close()?;
    output::line(&format!(
        "{} differed from the state that {} give, and {} corrected: {}{}; the database as it was is kept as {}",
        counted(count, "row"),
        counted(events, "event"),
        if count == 1 { "was" } else { "were" },
        names.join(", "),
        if count > names.len() { ", …" } else { "" },
        copy.display()
    ))
}

/// Applies all events to an empty state. Returns the state and the number of events.
fn fold(reader: &Reader) -> Result<(State, usize), Failure> {
    let (mut state, mut since_seq, mut count) = (State::default(), 0, 0);
    loop {
        let query = EventQuery { since_seq: Some(since_seq), limit: Some(PAGE), ..EventQuery::default() };
        let page = reader.events(&query)?;
        let Some(last) = page.last() else { break };
        since_seq = last.seq;
        count += page.len();
        for stored in &page {
            state.apply(&codec::from_stored(stored)?);
        }
        // Nobody reads the list of touched rows here, and it would only grow.
        drop(state.take_touched());
    }
    Ok((state, count))
}

/// Returns the rows to write or delete so that the stored state equals the folded one.
fn changes(reader: &Reader, folded: &State) -> Result<Vec<Row>, Failure> {
    let wanted = codec::rows_of(folded)?;
    let mut rows = Vec::new();
    for kind in ENTITIES {
        let kept = reader.load_rows(kind)?;
        let folded: Vec<&Row> = wanted.iter().filter(|row| row.kind == kind).collect();
        let keys: BTreeSet<&str> = folded.iter().map(|row| row.key.as_str()).collect();
        let is_kept = |row: &&&Row| {
            kept.iter().any(|(key, body)| *key == row.key && Some(body.as_str()) == row.body.as_deref())
        };
        rows.extend(folded.iter().filter(|row| !is_kept(row)).map(|row| (*row).clone()));
        // `Meta` also holds rows that are no part of the state; they must stay.
        let gone = kept.iter().filter(|(key, _)| kind != EntityKind::Meta && !keys.contains(key.as_str()));
        rows.extend(gone.map(|(key, _)| Row { kind, key: key.clone(), body: None }));
    }
    Ok(rows)
}
