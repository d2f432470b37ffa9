//! Facts that some agents write only to files of their own: usage, and the exact time of a reset. The files
//! are found by the agent's id of its conversation. If a file is missing or unreadable, these facts stay
//! unknown.

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Reading;
use super::json::{self, text};
use super::splitter::Splitter;
use super::tally::Tally;
use crate::failure::epoch_ms;
use paddock_model::failure::FailureClass;
use paddock_model::usage::Tokens;
use paddock_os::plain;

/// Limit on the end of a file that is read, in bytes.
const TAIL_BYTES: u64 = 32 << 20;
/// Limit on a line, in bytes.
const LINE_MAX_BYTES: usize = 1 << 20;
/// Limit on the folders that are searched for a conversation: one for each day of sessions, or for each
/// project.
const FOLDERS_MAX: usize = 2_000;

/// A run of an agent, by which its files are found if it did not name its conversation: some agents name it only
/// at their end, which an agent that is stopped does not reach.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// The worktree in which the agent ran; no other agent ran there meanwhile.
    pub worktree: &'a Path,
    /// When it began, in Unix milliseconds.
    pub began_ms: i64,
    /// When it ended, in Unix milliseconds.
    pub ended_ms: i64,
    /// The conversation that it was to continue.
    pub resumed: Option<&'a str>,
}

/// Completes a reading with the facts in the agent's own files. `env` is the agent's environment, which may
/// move them.
pub fn complete(
    transcript: &str,
    reading: &mut Reading,
    env: &dyn Fn(&str) -> Option<String>,
    run: &Run<'_>,
) {
    let now_ms = run.ended_ms;
    let home = |own: &str, under: &str| -> Option<PathBuf> {
        let from_own = env(own).filter(|path| !path.is_empty()).map(PathBuf::from);
        from_own.or_else(|| Some(Path::new(&env("HOME")?).join(under)))
    };
    let folder = match transcript {
        "kimi" => home("KIMI_CODE_HOME", ".kimi-code"),
        "codex" => home("CODEX_HOME", ".codex"),
        "copilot" => home("COPILOT_HOME", ".copilot"),
        // This variable replaces the home folder, not the folder in it.
        "gemini" => home("GEMINI_CLI_HOME", "").map(|home| home.join(".gemini")),
        _ => return,
    };
    let Some(home) = folder else { return };
    let named = reading.agent_session.clone().or_else(|| run.resumed.map(str::to_owned));
    let found = named.or_else(|| match transcript {
        "kimi" => kimi_session(&home, run),
        "copilot" => copilot_session(&home, run),
        _ => None,
    });
    let Some(id) = found.filter(|id| is_plain(id)) else { return };
    let is_read = match transcript {
        "kimi" => kimi(&home, &id, reading),
        "codex" => codex(&home, &id, reading, now_ms),
        "gemini" => gemini(&home, &id, reading),
        _ => copilot(&home, &id, reading, run.began_ms),
    };
    if is_read.is_some() {
        reading.agent_session = Some(id);
    }
}

/// How long before the recorded start of a run its files may have been made, in milliseconds: file systems and
/// agents round times.
const EARLY_MS: i64 = 2_000;

/// Returns whether a file changed since the run began.
fn is_of_run(path: &Path, run: &Run<'_>) -> bool {
    let changed = fs::metadata(path).ok().and_then(|facts| facts.modified().ok());
    let since = changed.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    since
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .is_some_and(|ms| ms >= run.began_ms - EARLY_MS)
}

/// Returns whether two paths name the same folder.
fn is_same_folder(named: &str, folder: &Path) -> bool {
    let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    !named.is_empty() && real(Path::new(named)) == real(folder)
}

fn name_of(path: &Path) -> Option<String> {
    Some(path.file_name()?.to_str()?.to_owned())
}

/// Returns Kimi's conversation in the run's worktree. Each has a `state.json` that names its folder.
fn kimi_session(home: &Path, run: &Run<'_>) -> Option<String> {
    let sessions = folders(&home.join("sessions")).into_iter().flat_map(|project| folders(&project));
    let mut own = sessions.take(FOLDERS_MAX).filter(|session| {
        is_of_run(&session.join("agents/main/wire.jsonl"), run) && {
            let state = plain::read_to_string(session.join("state.json")).unwrap_or_default();
            let state = serde_json::from_str::<Value>(&state).unwrap_or_default();
            is_same_folder(text(&state, "/cwd"), run.worktree)
        }
    });
    name_of(&own.next()?)
}

/// Returns Copilot's conversation in the run's worktree, which its first event names.
fn copilot_session(home: &Path, run: &Run<'_>) -> Option<String> {
    let mut own = folders(&home.join("session-state")).into_iter().filter(|session| {
        let path = session.join("events.jsonl");
        let mut is_own = false;
        if is_of_run(&path, run) {
            let _ = events(&path, |event| {
                is_own |= text(event, "/type") == "session.start"
                    && is_same_folder(text(event, "/data/context/cwd"), run.worktree);
            });
        }
        is_own
    });
    name_of(&own.next()?)
}

/// Returns whether an id is safe as part of a path. The id comes from the agent's output, so it must not lead
/// into another folder.
fn is_plain(id: &str) -> bool {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=128).contains(&id.len()) && id.bytes().all(is_good)
}

/// Returns the entries of a folder, in descending order: the folders of dates begin with the latest.
fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).take(FOLDERS_MAX).collect();
    // The conversation is likely a recent one, so the latest folders are searched first.
    found.sort();
    found.reverse();
    found
}

/// Passes each event in the end of a file to `each`.
fn events(path: &Path, mut each: impl FnMut(&Value)) -> Option<()> {
    let mut file = plain::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES))).ok()?;
    let mut splitter = Splitter::new(LINE_MAX_BYTES);
    // In a longer file the first line is cut, so it is not valid JSON and is skipped.
    let mut one = |line: &[u8], excess: usize| {
        if let (0, Ok(event)) = (excess, serde_json::from_slice::<Value>(line)) {
            each(&event);
        }
    };
    let mut file = file.take(TAIL_BYTES);
    let mut bytes = vec![0; 64 << 10];
    loop {
        let read = file.read(&mut bytes).ok()?;
        if read == 0 {
            break;
        }
        splitter.push(&bytes[..read], &mut one);
    }
    splitter.finish(&mut one);
    Some(())
}

/// Reads Kimi's files: one record for each call of the model, over all runs of the conversation, in a file
/// for each agent (the main one and its helpers).
fn kimi(home: &Path, id: &str, reading: &mut Reading) -> Option<()> {
    // A folder for each project contains the folders of its conversations.
    let session =
        folders(&home.join("sessions")).into_iter().map(|folder| folder.join(id)).find(|s| s.is_dir())?;
    let mut total: Option<Tokens> = None;
    let mut model = None;
    for agent in folders(&session.join("agents")) {
        events(&agent.join("wire.jsonl"), |event| {
            let Some(record) = usage_record(event) else { return };
            let of = |key: &str| json::count(record, key).unwrap_or(0);
            let call = Tokens {
                input: of("/usage/inputOther").saturating_add(of("/usage/inputCacheCreation")),
                cached: of("/usage/inputCacheRead"),
                output: of("/usage/output"),
            };
            total = Some(call.plus(total.unwrap_or_default()));
            model = Some(text(record, "/model").to_owned()).filter(|model| !model.is_empty());
        });
    }
    reading.counter = total;
    reading.usage.tokens = total;
    reading.usage.model = model.or(reading.usage.model.take());
    Some(())
}

/// Returns the usage record in an event: the event itself, or a field that wraps the record.
fn usage_record(event: &Value) -> Option<&Value> {
    let is_record = text(event, "/type") == "usage.record" || text(event, "/message/type") == "usage.record";
    let places = ["", "/payload", "/data", "/message", "/message/payload"];
    let found = places.iter().filter_map(|place| event.pointer(place)).find(|at| at.get("usage").is_some());
    found.filter(|_| is_record)
}

/// Reads Codex's rollout file: the model, the exact time of a reset, and usage if the output reported none.
fn codex(home: &Path, id: &str, reading: &mut Reading, now_ms: i64) -> Option<()> {
    let ending = format!("-{id}.jsonl");
    let is_rollout =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(&ending));
    // Rollout files are in `sessions/YYYY/MM/DD/`.
    let years = folders(&home.join("sessions"));
    let days =
        years.iter().flat_map(|year| folders(year)).flat_map(|month| folders(&month)).take(FOLDERS_MAX);
    let rollout = days.flat_map(|day| folders(&day)).find(is_rollout)?;
    let (mut counter, mut model, mut resets) = (None, None, None);
    events(&rollout, |event| match (text(event, "/type"), text(event, "/payload/type")) {
        ("turn_context", _) => model = Some(text(event, "/payload/model").to_owned()),
        // Written after each answer, so it also counts the answers of a turn that was cut off.
        ("token_usage_record", _) => counter = totals(event, "/payload/thread_token_usage").or(counter),
        (_, "token_count") => {
            // Each event has the totals of the thread so far; the last one counts.
            counter = totals(event, "/payload/info/total_token_usage").or(counter);
            let spent = ["primary", "secondary"].iter().filter_map(|window| {
                let at = |key: &str| json::number(event, &format!("/payload/rate_limits/{window}/{key}"));
                let resets_at = at("resets_at").filter(|_| at("used_percent") >= Some(100.0))?;
                epoch_ms(resets_at, now_ms)
            });
            // Both windows can be spent; Codex works again only when the later one is renewed.
            resets = spent.max();
        }
        _ => {}
    })?;
    // The output reports usage only at the end of a turn; a stopped turn has only the counts in this file.
    if reading.counter.is_none() {
        reading.counter = counter;
        reading.usage.tokens = counter;
    }
    reading.usage.model = model.filter(|model| !model.is_empty()).or(reading.usage.model.take());
    // Codex's message names a time in whole minutes, or no time at all.
    // The reset of a window is the end of a failure by a limit, and of no other failure.
    let is_limit = |class| matches!(class, FailureClass::Quota | FailureClass::RateLimit);
    if let Some(failure) = reading.failure.as_mut().filter(|failure| is_limit(failure.class)) {
        failure.reset_ms = resets.or(failure.reset_ms);
    }
    Some(())
}

fn totals(event: &Value, place: &str) -> Option<Tokens> {
    let of = |key: &str| json::count(event, &format!("{place}/{key}"));
    let cached = of("cached_input_tokens").unwrap_or(0);
    let input = of("input_tokens")?.saturating_sub(cached);
    Some(Tokens { input, cached, output: of("output_tokens").unwrap_or(0) })
}

/// Reads the usage that Copilot writes when it shuts down, or that of its calls if it was killed before. The first
/// counts over all runs of the conversation. Its input includes the cached tokens.
fn copilot(home: &Path, id: &str, reading: &mut Reading, began_ms: i64) -> Option<()> {
    let mut total = None;
    let mut calls: Option<Tokens> = None;
    let used = |usage: &Value| {
        let of = |key: &str| json::count(usage, key).unwrap_or(0);
        let (input, cached) = (of("/inputTokens"), of("/cacheReadTokens"));
        Tokens { input: input.saturating_sub(cached), cached, output: of("/outputTokens") }
    };
    events(&home.join("session-state").join(id).join("events.jsonl"), |event| {
        // The file goes on when the conversation is resumed; only this run's part counts.
        let is_earlier = json::time_ms(event, "/timestamp").is_some_and(|at_ms| at_ms < began_ms - EARLY_MS);
        let kind = text(event, "/type");
        if kind == "session.usage_record" && !is_earlier {
            let call = event.pointer("/data/usage").map(used).unwrap_or_default();
            calls = Some(call.plus(calls.unwrap_or_default()));
        }
        if kind != "session.shutdown" || is_earlier {
            return;
        }
        // The metrics are in one of these two places.
        let metrics = ["/data/modelMetrics", "/data/accountingSnapshot/modelMetrics"];
        let place = metrics.into_iter().find(|place| event.pointer(place).is_some()).unwrap_or_default();
        total = json::pairs(event, place)
            .map(|(_, metric)| metric.pointer("/usage").map(used).unwrap_or_default())
            .reduce(Tokens::plus);
    })?;
    reading.counter = total;
    reading.usage.tokens = total.or(calls).or(reading.usage.tokens);
    Some(())
}

/// Reads Gemini's record of the conversation if the output reported no usage, as that of a stopped run. Its
/// input includes the cached tokens.
fn gemini(home: &Path, id: &str, reading: &mut Reading) -> Option<()> {
    if reading.usage.tokens.is_some() {
        return Some(());
    }
    let ending = format!("-{}.jsonl", id.get(..8)?);
    let is_chat =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(&ending));
    // A folder for each project contains its conversations.
    let projects = folders(&home.join("tmp"));
    let chat = projects.into_iter().flat_map(|project| folders(&project.join("chats"))).find(is_chat)?;
    let mut answers = Tally::default();
    events(&chat, |event| {
        // Each run of the conversation begins with this record.
        if text(event, "/sessionId") == id && event.get("startTime").is_some() {
            answers = Tally::default();
        }
        let of = |key: &str| json::count(event, &format!("/tokens/{key}")).unwrap_or(0);
        // An answer is written again when its tools have run.
        if text(event, "/type") == "gemini" {
            let (input, cached) = (of("input").saturating_add(of("tool")), of("cached"));
            let output = of("output").saturating_add(of("thoughts"));
            answers.count(text(event, "/id"), Tokens { input: input.saturating_sub(cached), cached, output });
        }
    })?;
    reading.usage.tokens = answers.sum();
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(transcript: &str, id: &str, file: &str, text: &str) -> Reading {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        let mut reading = Reading { agent_session: Some(id.to_owned()), ..Reading::default() };
        let env = |name: &str| (name == "HOME").then(|| home.path().display().to_string());
        let run = Run { worktree: Path::new("/"), began_ms: 0, ended_ms: 0, resumed: None };
        complete(transcript, &mut reading, &env, &run);
        reading
    }

    #[test]
    fn kimis_calls_are_summed_from_its_wire_file() {
        let text = r#"{"type":"turn.begin"}
{"type":"usage.record","agentId":"main","model":"m","usage":{"inputOther":5000,"output":40,"inputCacheRead":0,"inputCacheCreation":0},"usageScope":"turn","time":1795378426604}
not json
{"type":"usage.record","agentId":"main","model":"m","usage":{"inputOther":4000,"output":40,"inputCacheRead":1000,"inputCacheCreation":7},"usageScope":"turn","time":1795378427037}
"#;
        let reading =
            completed("kimi", "session_1", ".kimi-code/sessions/wd_x/session_1/agents/main/wire.jsonl", text);
        let tokens = Some(Tokens { input: 9_007, cached: 1_000, output: 80 });
        assert_eq!((reading.usage.tokens, reading.counter), (tokens, tokens));
        assert_eq!(reading.usage.model.as_deref(), Some("m"));
    }

    #[test]
    fn copilots_usage_is_in_the_event_of_its_shutdown() {
        let text = r#"{"type":"session.shutdown","data":{"modelMetrics":{"m":{"usage":{"inputTokens":10000,"outputTokens":80,"cacheReadTokens":1000}}}}}"#;
        let reading = completed("copilot", "a-b", ".copilot/session-state/a-b/events.jsonl", text);
        let tokens = Some(Tokens { input: 9_000, cached: 1_000, output: 80 });
        assert_eq!((reading.usage.tokens, reading.counter), (tokens, tokens));
    }

    #[test]
    fn a_turn_of_codex_that_was_cut_off_counts_the_answers_in_its_rollout() {
        let text = r#"{"type":"turn_context","payload":{"model":"gpt-5.4"}}
{"type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"input_tokens":5000,"cached_input_tokens":1000,"output_tokens":40}}}}
{"type":"token_usage_record","payload":{"thread_id":"t-1","usage":{"input_tokens":5000,"cached_input_tokens":1000,"output_tokens":40},"turn_token_usage":{"input_tokens":10000},"thread_token_usage":{"input_tokens":10000,"cached_input_tokens":2000,"cache_write_input_tokens":0,"output_tokens":80,"reasoning_output_tokens":0,"total_tokens":10080}}}
"#;
        let reading = completed(
            "codex",
            "t-1",
            ".codex/sessions/2026/11/30/rollout-2026-11-30T09-14-43-t-1.jsonl",
            text,
        );
        let tokens = Some(Tokens { input: 8_000, cached: 2_000, output: 80 });
        assert_eq!((reading.usage.tokens, reading.counter), (tokens, tokens));
    }

    /// One run of a conversation, as Gemini CLI 0.61 writes it. The first answer is written twice.
    const GEMINI_RUN: &str = r#"{"sessionId":"955825f6-05b6","projectHash":"b3","startTime":"2026-11-30T09:14:54.752Z","kind":"main"}
{"$set":{"messages":[{"id":"m","type":"gemini","tokens":{"input":9,"output":9}}]}}
{"id":"u","type":"user","content":[{"text":"work"}]}
{"id":"g-RUN","type":"gemini","content":"","tokens":{"input":5000,"output":40,"cached":1000,"thoughts":0,"tool":0,"total":5040},"model":"gemini-2.5-pro"}
{"$set":{"lastUpdated":"2026-11-30T09:14:54.848Z"}}
{"id":"g-RUN","type":"gemini","content":"","tokens":{"input":5000,"output":40,"cached":1000,"thoughts":2,"tool":0,"total":5042},"model":"gemini-2.5-pro","toolCalls":[]}
"#;
    const GEMINI_CHAT: &str = ".gemini/tmp/write/chats/session-2026-11-30T09-14-955825f6.jsonl";

    #[test]
    fn the_answers_of_the_last_run_count_for_a_gemini_that_was_stopped() {
        let text = GEMINI_RUN.replace("RUN", "1") + &GEMINI_RUN.replace("RUN", "2");
        let reading = completed("gemini", "955825f6-05b6", GEMINI_CHAT, &text);
        assert_eq!(reading.usage.tokens, Some(Tokens { input: 4_000, cached: 1_000, output: 42 }));
        assert_eq!(reading.counter, None);
        let other = completed("gemini", "00000000-05b6", GEMINI_CHAT, &text);
        assert_eq!(other.usage.tokens, None);
    }

    #[test]
    fn a_stopped_run_is_found_by_its_worktree_and_time() {
        let home = tempfile::tempdir().unwrap();
        let (here, there) = (home.path().join("tree"), home.path().join("other"));
        let write = |path: &str, text: &str| {
            let path = home.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let call = r#"{"type":"usage.record","model":"m","usage":{"inputOther":7,"output":2}}"#;
        let record = r#"{"type":"session.usage_record","data":{"usage":{"inputTokens":9,"cacheReadTokens":4,"outputTokens":2}}}"#;
        for (id, cwd) in [("one", &here), ("two", &there)] {
            let cwd = cwd.display();
            write(&format!(".kimi-code/sessions/wd/{id}/state.json"), &format!(r#"{{"cwd":"{cwd}"}}"#));
            write(&format!(".kimi-code/sessions/wd/{id}/agents/main/wire.jsonl"), call);
            let start = format!(r#"{{"type":"session.start","data":{{"context":{{"cwd":"{cwd}"}}}}}}"#);
            write(
                &format!(".copilot/session-state/{id}/events.jsonl"),
                &format!("{start}\n{record}\n{record}\n"),
            );
        }
        let env = |name: &str| (name == "HOME").then(|| home.path().display().to_string());
        let found = |transcript: &str, began_ms: i64| {
            let mut reading = Reading::default();
            let run = Run { worktree: &here, began_ms, ended_ms: 0, resumed: None };
            complete(transcript, &mut reading, &env, &run);
            (reading.agent_session, reading.usage.tokens.map(Tokens::total))
        };
        assert_eq!(found("kimi", 0), (Some("one".to_owned()), Some(9)));
        assert_eq!(found("copilot", 0), (Some("one".to_owned()), Some(22)));
        assert_eq!(found("kimi", i64::MAX), (None, None), "the files are older than the run");
        assert_eq!(found("copilot", i64::MAX), (None, None));
    }

    #[test]
    fn a_conversation_with_a_path_as_its_id_is_not_searched_for() {
        let reading = completed("copilot", "../a", ".copilot/a/events.jsonl", "{}");
        assert_eq!(reading.usage.tokens, None);
    }
}
