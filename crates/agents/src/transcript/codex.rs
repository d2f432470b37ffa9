//! OpenAI Codex: `codex exec --json`.
//!
//! `turn.failed` and `turn.completed` decide. An `item` of type error and an `error` that says "Reconnecting"
//! are no failures. Usage counts the whole thread, over all runs that resume it, and its input includes the
//! cached tokens.

use serde_json::Value;

use super::json::{self, text};
use super::jsonl::{End, Events};
use super::line::LineKind;
use super::narrator::Narrator;
use super::pen::Pen;
use super::{Reading, Wait};
use crate::failure::of_message;
use paddock_model::failure::Failure;
use paddock_model::usage::{Tokens, Usage};

/// The state of reading Codex's events.
#[derive(Debug, Default)]
pub(super) struct Codex {
    narrator: Narrator,
    thread: Option<String>,
    counter: Option<Tokens>,
    wait: Option<Wait>,
    /// Error that no event has followed yet.
    error: Option<Failure>,
    /// Result of the last turn.
    turn: Option<Result<(), Failure>>,
}

impl Events for Codex {
    fn event(&mut self, event: &Value, pen: &mut Pen<'_>) {
        match text(event, "/type") {
            "thread.started" => self.thread = Some(text(event, "/thread_id").to_owned()),
            // The new turn decides; the result of an earlier one no longer does.
            "turn.started" => self.turn = None,
            "item.started" => self.started(event, pen),
            "item.completed" => self.completed(event, pen),
            "error" => self.error(text(event, "/message"), pen),
            "turn.completed" => {
                (self.error, self.wait) = (None, None);
                self.counter = usage(event).or(self.counter);
                self.turn = Some(Ok(()));
            }
            "turn.failed" => {
                self.wait = None;
                let failure = of_message(text(event, "/error/message"), pen.now_ms(), &pen.setting.zone);
                pen.line(LineKind::Error, &failure.to_string());
                self.counter = usage(event).or(self.counter);
                self.turn = Some(Err(failure));
            }
            _ => {}
        }
    }

    fn reading(&self, end: &End<'_>) -> Reading {
        let has_begun = self.thread.is_some();
        let failure = match &self.turn {
            // A completed turn can still be followed by a crash, which the exit status shows.
            Some(turn) => turn.clone().err().or_else(|| end.unexplained(true)),
            None if end.exit.is_none() => None,
            None => {
                let waiting = self.wait.as_ref().map(|wait| wait.why.clone());
                // No turn ended: the last error, or the reason of the last wait, says why.
                let stated = self.error.clone().or(waiting);
                stated.or_else(|| end.unexplained(has_begun)).or_else(|| end.silent(has_begun))
            }
        };
        Reading {
            final_text: self.narrator.words.last().to_owned(),
            said: self.narrator.words.all().to_owned(),
            usage: Usage { tokens: self.counter, ..Usage::default() },
            counter: self.counter,
            agent_session: self.thread.clone().filter(|thread| !thread.is_empty()),
            failure,
            is_over: self.turn.is_some(),
            stuck: None,
            wait: self.wait.clone().filter(|_| end.exit.is_none()),
        }
    }
}

impl Codex {
    fn error(&mut self, message: &str, pen: &mut Pen<'_>) {
        let failure = of_message(message, pen.now_ms(), &pen.setting.zone);
        if message.starts_with("Reconnecting...") {
            pen.line(LineKind::Note, message);
            // Codex does not say how long it waits, unless the provider's message names a time.
            self.wait = Some(Wait { until_ms: failure.reset_ms, why: failure });
        } else {
            self.error = Some(failure);
        }
    }

    fn started(&mut self, event: &Value, pen: &mut Pen<'_>) {
        (self.error, self.wait) = (None, None);
        if text(event, "/item/type") == "command_execution" {
            self.narrator.tool("shell", event.pointer("/item").unwrap_or(&Value::Null), pen);
        }
    }

    fn completed(&mut self, event: &Value, pen: &mut Pen<'_>) {
        let item = event.pointer("/item").unwrap_or(&Value::Null);
        match text(item, "/type") {
            "agent_message" => self.narrator.say(text(item, "/text"), pen),
            "reasoning" => pen.line(LineKind::Note, text(item, "/text")),
            "command_execution" => {
                let is_error = json::number(item, "/exit_code").is_some_and(|code| code != 0.0);
                self.narrator.output(text(item, "/aggregated_output"), is_error, pen);
            }
            "file_change" => {
                for change in json::list(item, "/changes") {
                    pen.line(LineKind::Edit, &format!("{} {}", text(change, "/kind"), text(change, "/path")));
                }
            }
            "mcp_tool_call" => {
                let name = format!("{}.{}", text(item, "/server"), text(item, "/tool"));
                self.narrator.tool(&name, item.pointer("/arguments").unwrap_or(&Value::Null), pen);
            }
            "web_search" => pen.line(LineKind::Read, text(item, "/query")),
            // An item of this kind is a warning: the turn continues, and an open error or wait is not over.
            "error" => return pen.line(LineKind::Note, text(item, "/message")),
            _ => {}
        }
        (self.error, self.wait) = (None, None);
    }
}

/// The input holds what was cached; reasoning is part of the output.
fn usage(event: &Value) -> Option<Tokens> {
    let input = json::count(event, "/usage/input_tokens")?;
    let cached = json::count(event, "/usage/cached_input_tokens").unwrap_or(0);
    let output = json::count(event, "/usage/output_tokens").unwrap_or(0);
    Some(Tokens { input: input.saturating_sub(cached), cached, output })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_counts_each_token_once() {
        let event: Value = serde_json::from_str(
            r#"{"usage":{"input_tokens":10,"cached_input_tokens":4,"output_tokens":3}}"#,
        )
        .unwrap();
        let tokens = usage(&event).unwrap();
        assert_eq!((tokens, tokens.total()), (Tokens { input: 6, cached: 4, output: 3 }, 13));
    }
}
