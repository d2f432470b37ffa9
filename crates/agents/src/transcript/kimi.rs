//! Kimi Code: `kimi --output-format stream-json -p PROMPT`.
//!
//! Failures are on standard error, where the output of commands goes too, so only Kimi's own last lines
//! count. Usage is in a file of the session (see `side`).

use serde_json::Value;

use super::json::{self, text};
use super::jsonl::{End, Events};
use super::line::LineKind;
use super::narrator::Narrator;
use super::pen::Pen;
use super::{Reading, Wait};
use crate::failure::{self, class_of_answer, of_message, reset_ms, status_in};
use paddock_model::failure::{Failure, FailureClass};
use paddock_model::usage::Usage;

/// Beginning of Kimi's own errors.
const OWN_ERROR: &str = "error: ";
/// Continuation of an own error about a prompt that failed.
const FAILED: &str = "failed to run prompt: ";
/// Number of lines that can follow the error: Kimi names its log file there.
const LINES_AFTER_ERROR: usize = 2;

/// The state of reading Kimi's events.
#[derive(Debug, Default)]
pub(super) struct Kimi {
    narrator: Narrator,
    has_begun: bool,
    session: Option<String>,
    is_over: bool,
    wait: Option<Wait>,
}

impl Events for Kimi {
    fn event(&mut self, event: &Value, pen: &mut Pen<'_>) {
        self.has_begun = true;
        // The hint how to resume the session is Kimi's last line.
        self.is_over = text(event, "/type") == "session.resume_hint";
        match (text(event, "/role"), text(event, "/type")) {
            ("assistant", _) => {
                self.wait = None;
                self.narrator.say(&json::content(event.pointer("/content").unwrap_or(&Value::Null)), pen);
                for call in json::list(event, "/tool_calls") {
                    let arguments = call.pointer("/function/arguments").unwrap_or(&Value::Null);
                    self.narrator.tool(text(call, "/function/name"), arguments, pen);
                }
            }
            ("tool", _) => {
                let content = json::content(event.pointer("/content").unwrap_or(&Value::Null));
                self.narrator.output(&content, false, pen);
            }
            ("meta", "turn.step.retrying") => self.retrying(event, pen),
            ("meta", "session.resume_hint") => {
                self.session = Some(text(event, "/session_id").to_owned()).filter(|id| !id.is_empty());
            }
            ("meta", "system.version") => {
                pen.line(LineKind::Note, &format!("kimi {}", text(event, "/version")));
            }
            _ => {}
        }
    }

    fn reading(&self, end: &End<'_>) -> Reading {
        let waiting = || self.wait.as_ref().map(|wait| wait.why.clone());
        // Only a failed exit counts: after a success, an earlier error on standard error was overcome.
        let failure = match end.has_failed() {
            true => self.own_error(end).or_else(waiting).or_else(|| end.unspoken()),
            false => None,
        };
        Reading {
            final_text: self.narrator.words.last().to_owned(),
            said: self.narrator.words.all().to_owned(),
            usage: Usage::default(),
            counter: None,
            agent_session: self.session.clone(),
            failure,
            is_over: self.is_over,
            stuck: None,
            wait: self.wait.clone().filter(|_| end.exit.is_none()),
        }
    }

    /// Shows only Kimi's own errors: the output of commands is in the events already.
    fn error_kind(line: &str) -> Option<LineKind> {
        line.starts_with(OWN_ERROR).then_some(LineKind::Error)
    }
}

impl Kimi {
    fn retrying(&mut self, event: &Value, pen: &mut Pen<'_>) {
        let words = text(event, "/error_message");
        let class = class_of_name(text(event, "/error_name"))
            .or_else(|| class_of_answer(json::count(event, "/status_code"), words))
            .unwrap_or(FailureClass::Overloaded);
        let delay_ms = json::number(event, "/delay_ms");
        let until_ms = delay_ms.and_then(|ms| failure::after(ms, pen.now_ms()));
        let seconds = delay_ms.unwrap_or(0.0) / 1_000.0;
        pen.line(LineKind::Note, &format!("waiting {seconds:.0} s: {class}: {words}"));
        self.wait = Some(Wait { until_ms, why: Failure::new(class, words).until(until_ms) });
    }

    fn own_error(&self, end: &End<'_>) -> Option<Failure> {
        // Only the last lines: an "error: " further up is output of a command.
        let mut near = end.errors.backwards().take(1 + LINES_AFTER_ERROR);
        let words = near.find_map(|line| line.strip_prefix(OWN_ERROR))?;
        // Any other own error is not about the prompt, so it counts as a crash.
        let Some(said) = words.strip_prefix(FAILED) else {
            return Some(Failure::new(FailureClass::Crashed, words));
        };
        let setting = end.setting;
        let (code, message) = said.split_once(": ").unwrap_or(("", said));
        let class = match code {
            "provider.rate_limit" => FailureClass::RateLimit,
            "provider.auth_error" => FailureClass::Authentication,
            "provider.overloaded" => FailureClass::Overloaded,
            "context.overflow" => FailureClass::ContextTooLong,
            // Kimi shortens a conversation by a call of the model, which can fail as any other call.
            "compaction.failed" => {
                let (name, words) = message.split_once(": ").unwrap_or(("", message));
                let answer = || class_of_answer(status_in(words), words);
                class_of_name(name).or_else(answer).unwrap_or(FailureClass::Other)
            }
            _ if code.starts_with("provider.") => {
                class_of_answer(status_in(message), message).unwrap_or(FailureClass::Other)
            }
            _ => of_message("", setting.now_ms, &setting.zone).class,
        };
        let reset = reset_ms(message, setting.now_ms, &setting.zone);
        Some(Failure::new(class, said).until(reset))
    }
}

/// Returns the class of an error that Kimi names.
fn class_of_name(name: &str) -> Option<FailureClass> {
    match name {
        "APIProviderRateLimitError" => Some(FailureClass::RateLimit),
        "APIProviderOverloadedError" => Some(FailureClass::Overloaded),
        "APIContextOverflowError" => Some(FailureClass::ContextTooLong),
        _ => None,
    }
}
