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

/// Completes a reading with the facts in the agent's own files. `env` is the agent's environment, which may
/// move them.
pub fn complete(transcript: &str, reading: &mut Reading, env: &dyn Fn(&str) -> Option<String>, now_ms: i64) {
    let Some(id) = reading.agent_session.clone().filter(|id| is_plain(id)) else { return };
    let home = |own: &str, under: &str| -> Option<PathBuf> {
        let from_own = env(own).filter(|path| !path.is_empty()).map(PathBuf::from);
        from_own.or_else(|| Some(Path::new(&env("HOME")?).join(under)))
    };
    match transcript {
        "kimi" => home("KIMI_CODE_HOME", ".kimi-code").and_then(|home| kimi(&home, &id, reading)),
        "codex" => home("CODEX_HOME", ".codex").and_then(|home| codex(&home, &id, reading, now_ms)),
        "copilot" => home("COPILOT_HOME", ".copilot").and_then(|home| copilot(&home, &id, reading)),
        _ => None,
    };
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
        (_, "token_count") => {
            // Each event has the totals of the thread so far; the last one counts.
            counter = totals(event).or(counter);
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

fn totals(event: &Value) -> Option<Tokens> {
    let of = |key: &str| json::count(event, &format!("/payload/info/total_token_usage/{key}"));
    let cached = of("cached_input_tokens").unwrap_or(0);
    let input = of("input_tokens")?.saturating_sub(cached);
    Some(Tokens { input, cached, output: of("output_tokens").unwrap_or(0) })
}

/// Reads the usage that Copilot writes when it shuts down. Its input includes the cached tokens.
fn copilot(home: &Path, id: &str, reading: &mut Reading) -> Option<()> {
    let mut total = None;
    events(&home.join("session-state").join(id).join("events.jsonl"), |event| {
        if text(event, "/type") != "session.shutdown" {
            return;
        }
        // The metrics are in one of these two places.
        let metrics = ["/data/modelMetrics", "/data/accountingSnapshot/modelMetrics"];
        let place = metrics.into_iter().find(|place| event.pointer(place).is_some()).unwrap_or_default();
        total = json::pairs(event, place)
            .map(|(_, metric)| {
                let of = |key: &str| json::count(metric, &format!("/usage/{key}")).unwrap_or(0);
                let (input, cached) = (of("inputTokens"), of("cacheReadTokens"));
                Tokens { input: input.saturating_sub(cached), cached, output: of("outputTokens") }
            })
            .reduce(Tokens::plus);
    })?;
    reading.usage.tokens = total.or(reading.usage.tokens);
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
        complete(transcript, &mut reading, &env, 0);
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
        assert_eq!(reading.usage.tokens, Some(Tokens { input: 9_000, cached: 1_000, output: 80 }));
        assert_eq!(reading.counter, None);
    }

    #[test]
    fn a_conversation_with_a_path_as_its_id_is_not_searched_for() {
        let reading = completed("copilot", "../a", ".copilot/a/events.jsonl", "{}");
        assert_eq!(reading.usage.tokens, None);
    }
}
