//! Reads every recording in `tests/data/transcripts` and compares the result with the file `READINGS` next to
//! them, which a person has checked. `PADDOCK_WRITE_READINGS=1` writes that file anew.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use paddock_agents::summary;
use paddock_agents::transcript::{Line, LineKind, Reader, Reading, Setting, Stream};
use paddock_model::session::Exit;
use paddock_model::summary::SessionSummary;

/// 2026-11-22T14:00:00Z, the day of the recordings. Some of them name the time of a reset without its date.
pub(super) const NOW_MS: i64 = 1_795_356_000_000;

/// One recorded run.
pub(super) struct Recording {
    pub agent: String,
    pub case: String,
    pub out: Vec<u8>,
    pub err: Vec<u8>,
    pub exit: Exit,
}

pub(super) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/transcripts")
}

/// Returns all recordings, ordered by agent and case.
pub(super) fn all() -> Vec<Recording> {
    let mut found = Vec::new();
    for agent in
        fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
    {
        for exit in fs::read_dir(&agent).unwrap().map(|entry| entry.unwrap().path()) {
            if exit.extension().is_some_and(|ending| ending == "exit") {
                found.push(read(&agent, &exit));
            }
        }
    }
    found.sort_by(|a, b| (&a.agent, &a.case).cmp(&(&b.agent, &b.case)));
    found
}

fn read(agent: &Path, exit: &Path) -> Recording {
    let stream = |ending: &str| fs::read(exit.with_extension(ending)).unwrap_or_default();
    let code: i32 = fs::read_to_string(exit).unwrap().trim().parse().unwrap();
    Recording {
        agent: agent.file_name().unwrap().to_str().unwrap().to_owned(),
        case: exit.file_stem().unwrap().to_str().unwrap().to_owned(),
        out: stream("stdout"),
        err: stream("stderr"),
        exit: if code < 0 { Exit::Signal(-code) } else { Exit::Code(code) },
    }
}

pub(super) fn setting() -> Setting {
    Setting { now_ms: NOW_MS, zone: TimeZone::UTC }
}

/// Reads a recording with the reader of its agent's format.
pub(super) fn reading(recording: &Recording) -> (Reading, Vec<Line>) {
    let mut reader = Reader::new(&recording.agent, setting());
    reader.push(Stream::Out, &recording.out);
    reader.push(Stream::Err, &recording.err);
    reader.finish(Some(&recording.exit))
}

pub(super) fn summary_of(reading: &Reading) -> Option<SessionSummary> {
    summary::find(&reading.said, "status: completed | partial | blocked")
}

fn row(recording: &Recording) -> String {
    let (reading, _) = reading(recording);
    let time =
        |ms: i64| jiff::Timestamp::from_millisecond(ms).unwrap().strftime("%m-%dT%H:%M:%SZ").to_string();
    let mut row = format!("{}/{} {:?}:", recording.agent, recording.case, recording.exit);
    match &reading.failure {
        None => row.push_str(" no failure"),
        Some(failure) => {
            let until = failure.reset_ms.map_or_else(String::new, |ms| format!(" until {}", time(ms)));
            write!(row, " {:?}{until}", failure.class).unwrap();
        }
    }
    if let Some(tokens) = reading.usage.tokens {
        write!(row, ", tokens {}+{}+{}", tokens.input, tokens.cached, tokens.output).unwrap();
    }
    if let Some(micros) = reading.usage.usd_micros {
        write!(row, ", usd {micros}e-6").unwrap();
    }
    if let Some(model) = &reading.usage.model {
        write!(row, ", {model}").unwrap();
    }
    if let Some(session) = &reading.agent_session {
        write!(row, ", {}", session.chars().take(12).collect::<String>()).unwrap();
    }
    if let Some(summary) = summary_of(&reading) {
        write!(row, ", summary {:?} of {:?} commits", summary.status, summary.commits_made).unwrap();
    }
    row
}

#[test]
fn every_recording_is_read_as_it_was_judged_by_hand() {
    let rows: Vec<String> = all().iter().map(row).collect();
    let file = folder().join("READINGS");
    let reported = format!("{}\n", rows.join("\n"));
    if std::env::var_os("PADDOCK_WRITE_READINGS").is_some() {
        fs::write(&file, &reported).unwrap();
    }
    let expected = fs::read_to_string(&file).unwrap();
    for (row, expected) in rows.iter().zip(expected.lines()) {
        assert_eq!(row, expected);
    }
    assert_eq!(reported, expected);
}

#[test]
fn a_good_run_reads_as_its_messages_commands_and_commits() {
    for recording in all().iter().filter(|recording| recording.case == "ok") {
        let (reading, lines) = reading(recording);
        let has = |kind: LineKind, text: &str| lines.iter().any(|l| l.kind == kind && l.text.contains(text));
        let name = &recording.agent;
        assert!(has(LineKind::Say, "Done."), "{name}: {lines:#?}");
        if name != "aider" {
            assert!(has(LineKind::Run, "git commit -m 'add hello'"), "{name}: {lines:#?}");
            assert!(has(LineKind::Output, "1 file changed"), "{name}: {lines:#?}");
            assert!(has(LineKind::Commit, "add hello"), "{name}: {lines:#?}");
        }
        assert!(reading.final_text.starts_with("Done.") || name == "aider", "{name}: {}", reading.final_text);
        assert!(lines.iter().all(|line| !line.text.is_empty() && !line.text.contains('\u{1b}')), "{name}");
    }
}

#[test]
fn an_agent_with_a_final_event_is_over_after_it_and_not_before() {
    for recording in all().iter().filter(|recording| recording.case == "ok") {
        let mut reader = Reader::new(&recording.agent, setting());
        let whole = recording.out.len();
        let half = recording.out[..whole - 2].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
        reader.push(Stream::Out, &recording.out[..half]);
        let before = reader.so_far().is_over;
        reader.push(Stream::Out, &recording.out[half..]);
        let expected = (false, recording.agent != "aider");
        assert_eq!((before, reader.so_far().is_over), expected, "{}", recording.agent);
    }
}

#[test]
fn no_recording_names_this_machine() {
    let here = env!("CARGO_MANIFEST_DIR");
    for recording in all() {
        let text = String::from_utf8_lossy(&recording.out) + String::from_utf8_lossy(&recording.err);
        assert!(!text.contains(here), "{}/{}", recording.agent, recording.case);
    }
}
