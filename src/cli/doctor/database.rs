//! The database: whether it is whole, and whether the state kept in it follows from its events.

use std::collections::BTreeSet;

use super::finding::Finding;
use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output;
use paddock_ipc::lock::WorkspaceLock;
use paddock_model::event::Durability;
use paddock_model::state::State;
use paddock_report::text::counted;
use paddock_store::codec::{self, ENTITIES};
use paddock_store::{Batch, EntityKind, EventQuery, Reader, Row, Store};

/// Events read at a time.
const PAGE: u32 = 2_000;

pub(super) fn look(context: &Context) -> Vec<Finding> {
    let area = "database";
    let path = context.workspace.db();
    let restore = "`paddock supervisor stop`, then `paddock doctor --restore`";
    let reader = match Reader::find(path) {
        Ok(Some(reader)) => reader,
        Ok(None) => return vec![Finding::note(area, "none yet: nothing was ever recorded")],
        Err(error) => return vec![Finding::error(area, error.to_string(), restore)],
    };
    let mut found = match reader.faults() {
        Ok(faults) if faults.is_empty() => {
            let events = reader.last_seq().unwrap_or(0);
            let size = path.metadata().map_or(0, |facts| facts.len());
            vec![Finding::good(area, format!("whole: {events} events, {} kB", size / 1_000))]
        }
        Ok(faults) => faults.into_iter().map(|fault| Finding::error(area, fault, restore)).collect(),
        Err(error) => vec![Finding::error(area, error.to_string(), restore)],
    };
    if let Err(error) = codec::load_snapshot(&reader) {
        let remedy = "`paddock doctor --rebuild` makes the state anew from the events";
        found.push(Finding::error(area, error.to_string(), remedy));
    }
    found
}

/// Folds all events; where the kept rows differ from that, they are written anew, after a copy was made.
pub(super) fn rebuild(context: &Context) -> Result<(), Failure> {
    let path = context.workspace.db();
    let _lock = WorkspaceLock::try_take_for_command(&context.workspace.runtime())
        .map_err(|error| Failure::error(format!("{error}; `paddock supervisor stop` first")))?;
    let Some(reader) = Reader::find(path)? else {
        return output::line("there is no database: nothing to rebuild");
    };
    let (folded, events) = fold(&reader)?;
    let kept = codec::load_snapshot(&reader);
    if kept.as_ref().is_ok_and(|kept| *kept == folded) {
        return output::line(&format!("the state follows from its {}", counted(events, "event")));
    }
    let rows = changes(&reader, &folded)?;
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
        "{} differed from what {} say, and {} written anew: {}{}; a copy of what was is {}",
        counted(count, "row"),
        counted(events, "event"),
        if count == 1 { "was" } else { "were" },
        names.join(", "),
        if count > names.len() { ", …" } else { "" },
        copy.display()
    ))
}

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
        drop(state.take_touched());
    }
    Ok((state, count))
}

/// The rows that have to be written so that what is kept is what was folded.
fn changes(reader: &Reader, folded: &State) -> Result<Vec<Row>, Failure> {
    let wanted = codec::rows_of(folded)?;
    let mut rows = Vec::new();
    for kind in ENTITIES {
        let kept = reader.load_rows(kind)?;
        let own: Vec<&Row> = wanted.iter().filter(|row| row.kind == kind).collect();
        let keys: BTreeSet<&str> = own.iter().map(|row| row.key.as_str()).collect();
        let is_kept = |row: &&&Row| {
            kept.iter().any(|(key, body)| *key == row.key && Some(body.as_str()) == row.body.as_deref())
        };
        rows.extend(own.iter().filter(|row| !is_kept(row)).map(|row| (*row).clone()));
        // Other facts than the state's are kept beside the counters.
        let gone = kept.iter().filter(|(key, _)| kind != EntityKind::Meta && !keys.contains(key.as_str()));
        rows.extend(gone.map(|(key, _)| Row { kind, key: key.clone(), body: None }));
    }
    Ok(rows)
}
