//! What the fuzz targets call: each gives bytes to a reader of what comes from outside, and holds the answer
//! against what the reader promises. A broken promise is a panic.

use std::path::Path;

use jiff::tz::TimeZone;
use paddock_agents::summary::find;
use paddock_agents::transcript::{Reader, Reading, Setting, Stream, formats};
use paddock_config::plan_file::PlanContext;
use paddock_config::{goals_file, plan_file, project_file, words};
use paddock_ipc::{LineBuffer, Reply, Request, decode_request};
use paddock_model::ids::ObjectiveId;
use paddock_model::session::Exit;
use paddock_model::state::State;
use paddock_model::stored::StoredEvent;
use paddock_report::{events as public, row};
use paddock_store::codec::{from_stored, to_stored};
use serde_json::Value;

/// A plan, as a planner prints it or a person writes it.
pub fn plan(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let existing: Vec<ObjectiveId> = ObjectiveId::new("old").into_iter().collect();
    let context = PlanContext { existing: &existing, workers: &["implementer".into(), "researcher".into()] };
    match plan_file::read(&text, "plan.yaml", &context) {
        Ok(plan) => assert_eq!(plan.lines.len(), plan.document.objectives.len()),
        Err(errors) => assert!(!errors.is_empty(), "refused without a reason"),
    }
}

/// Goals as a Markdown document.
pub fn goals(data: &[u8]) {
    if let Ok(nodes) = goals_file::read(&String::from_utf8_lossy(data), "goals.md") {
        for (place, node) in nodes.iter().enumerate() {
            assert!(node.parent.is_none_or(|parent| parent < place), "a part before its whole");
        }
    }
}

/// A summary, in what an agent said.
pub fn summary(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = find(&text, "");
    assert!(find(&text, &text).is_none(), "an echo of the prompt was taken for a summary");
}

/// A project file.
pub fn project(data: &[u8]) {
    let read = project_file::parse(data, "projects/web.yaml", Some("web"), Path::new("/workspace"), None);
    match read {
        Ok(file) => assert!(file.repo_root.is_absolute(), "a repository that is somewhere else each time"),
        Err(errors) => assert!(!errors.is_empty(), "refused without a reason"),
    }
}

/// keys.yaml.
pub fn keys(data: &[u8]) {
    let (entries, _) = words::parse(&String::from_utf8_lossy(data), "keys.yaml");
    let mut keymap = paddock_console::actions::keymap();
    keymap.read(&entries, "keys.yaml");
}

/// Stored events, one JSON document a line: read, written again, shown, and applied one after the other.
pub fn events(data: &[u8]) {
    let mut state = State::default();
    for line in data.split(|byte| *byte == b'\n') {
        let Ok(line) = serde_json::from_slice::<Value>(line) else { continue };
        let stored = StoredEvent {
            seq: state.counters().seq + 1,
            at_ms: line["at_ms"].as_i64().unwrap_or(0),
            kind: line["type"].as_str().unwrap_or_default().to_owned(),
            version: 1,
            project: None,
            objective: None,
            session: None,
            data: line["data"].to_string(),
        };
        let Ok(event) = from_stored(&stored) else { continue };
        let again = to_stored(&event).and_then(|stored| from_stored(&stored));
        assert_eq!(again.ok().as_ref(), Some(&event), "an event is not read back as it was written");
        let shown = public::line(&stored);
        let _ = (public::json(&shown), row::human(&shown));
        state.apply(&event);
    }
}

/// What a client sends, in pieces of any size.
pub fn frames(data: &[u8]) {
    let Some((size, data)) = data.split_first() else { return };
    let mut buffer = LineBuffer::default();
    for piece in data.chunks(usize::from(*size).max(1)) {
        buffer.push(piece);
        while let Ok(Some(line)) = buffer.next_line() {
            if let Ok(request) = decode_request(&line) {
                let text = serde_json::to_vec(&request).unwrap_or_default();
                let again: Option<Request> = decode_request(&text).ok();
                assert_eq!(again, Some(request), "a request is not read back as it was written");
            }
            drop(serde_json::from_slice::<Reply>(&line));
        }
    }
}

fn read(format: &str, data: &[u8], size: usize) -> Reading {
    let setting = Setting { now_ms: 1_700_000_000_000, zone: TimeZone::UTC };
    let mut reader = Reader::new(format, setting);
    for (number, piece) in data.chunks(size).enumerate() {
        reader.push(Stream::Out, piece);
        if number.is_multiple_of(16) {
            drop((reader.take_lines(), reader.so_far()));
        }
    }
    reader.finish(Some(&Exit::Code(1))).0
}

/// An agent's output; the first byte chooses the agent, the second the size of the pieces.
pub fn transcript(data: &[u8]) {
    let [format, size, data @ ..] = data else { return };
    let names: Vec<&str> = formats().map(|(name, _)| name).collect();
    let format = names[usize::from(*format) % names.len()];
    let whole = read(format, data, data.len().max(1));
    let pieces = read(format, data, usize::from(*size).max(1));
    assert_eq!(whole, pieces, "in pieces it reads otherwise");
}
