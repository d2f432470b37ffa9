//! The bodies of the fuzz targets. Each passes bytes to a reader of outside data, and checks what the reader
//! promises about its result. A broken promise is a panic.

use std::path::Path;

use jiff::tz::TimeZone;
use paddock_agents::summary::find;
use paddock_agents::transcript::{Reader, Reading, Setting, Stream, formats};
use paddock_config::plan_file::PlanContext;
use paddock_config::{goals_file, plan_file, project_file, words};
use paddock_evidence::{OutputReader, Report, clue, compare, read_junit};
use paddock_ipc::{LineBuffer, Reply, Request, decode_request};
use paddock_model::ids::ObjectiveId;
use paddock_model::session::Exit;
use paddock_model::state::State;
use paddock_model::stored::StoredEvent;
use paddock_report::{event_lines, event_types as public};
use paddock_store::codec::{from_stored, to_stored};
use serde_json::Value;

/// Reads a plan, as a planner prints it or a person writes it.
pub fn plan(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let existing: Vec<ObjectiveId> = ObjectiveId::new("old").into_iter().collect();
    let context = PlanContext { existing: &existing, workers: &["implementer".into(), "researcher".into()] };
    match plan_file::read(&text, "plan.yaml", &context) {
        Ok(plan) => assert_eq!(plan.lines.len(), plan.document.objectives.len()),
        Err(errors) => assert!(!errors.is_empty(), "refused without a reason"),
    }
}

/// Reads goals from a Markdown document.
pub fn goals(data: &[u8]) {
    if let Ok(nodes) = goals_file::read(&String::from_utf8_lossy(data), "goals.md") {
        for (place, node) in nodes.iter().enumerate() {
            assert!(node.parent.is_none_or(|parent| parent < place), "a node comes before its parent");
        }
    }
}

/// Finds a summary in an agent's output.
pub fn summary(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = find(&text, "");
    // With the output itself as the prompt, every summary in it is an echo.
    assert!(find(&text, &text).is_none(), "an echo of the prompt was taken for a summary");
}

/// Reads a project file.
pub fn project(data: &[u8]) {
    let read = project_file::parse(data, "projects/web.yaml", Some("web"), Path::new("/workspace"), None);
    match read {
        Ok(file) => {
            assert!(file.repo_root.is_absolute(), "a relative path would depend on the current folder");
        }
        Err(errors) => assert!(!errors.is_empty(), "refused without a reason"),
    }
}

/// Reads `keys.yaml`.
pub fn keys(data: &[u8]) {
    let (entries, _) = words::parse(&String::from_utf8_lossy(data), "keys.yaml");
    let mut keymap = paddock_console::actions::keymap();
    keymap.read(&entries, "keys.yaml");
}

/// Reads stored events, one JSON document a line. Each is written and read again, shown, and applied to the
/// state.
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
        let _ = (public::json(&shown), event_lines::human(&shown));
        state.apply(&event);
    }
}

/// Reads what a client or a server sends, in pieces of any size. The first byte is the size.
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

/// Reads a transcript in pieces of the given size.
fn read(format: &str, data: &[u8], size: usize) -> Reading {
    let setting = Setting { now_ms: 1_700_000_000_000, zone: TimeZone::UTC };
    let mut reader = Reader::new(format, setting);
    for (number, piece) in data.chunks(size).enumerate() {
        reader.push(Stream::Out, piece);
        // Looking at the result so far must not change the result at the end.
        if number.is_multiple_of(16) {
            drop((reader.take_lines(), reader.so_far()));
        }
    }
    reader.finish(Some(&Exit::Code(1))).0
}

/// Reads an agent's output. The first byte chooses the format, the second is the size of the pieces.
pub fn transcript(data: &[u8]) {
    let [format, size, data @ ..] = data else { return };
    let names: Vec<&str> = formats().map(|(name, _)| name).collect();
    let format = names[usize::from(*format) % names.len()];
    let whole = read(format, data, data.len().max(1));
    let pieces = read(format, data, usize::from(*size).max(1));
    assert_eq!(whole, pieces, "the size of the pieces changes the result");
}

/// Reads the output of a gate command, and the same bytes as a JUnit report.
pub fn tests(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut reader = OutputReader::default();
    text.lines().for_each(|line| reader.push(line));
    let mut report = reader.finish();
    if let Ok(junit) = read_junit(data) {
        report.merge(junit);
    }
    let stored = report.to_bytes().ok().and_then(|bytes| Report::from_bytes(&bytes).ok());
    assert_eq!(stored.as_ref(), Some(&report), "the stored report is another one");
    let difference = compare(std::slice::from_ref(&report), &report);
    assert!(difference.is_harmless(), "a report differs from itself: {difference:?}");
    let _ = report.summary();
    report
        .runners
        .values()
        .flat_map(|ran| ran.tests.keys())
        .for_each(|name| assert!(!clue(name).leaf.contains('\n')));
}
