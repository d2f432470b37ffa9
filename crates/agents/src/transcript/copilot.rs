//! GitHub Copilot CLI: `copilot -p PROMPT --output-format json`.
//!
//! Copilot echoes the prompt as `user.message`, which is not read. Usage is in a file of the session (see
//! `side`).

use serde_json::Value;

use super::json::{self, text};
use super::jsonl::{End, Events};
use super::line::LineKind;
use super::narrator::Narrator;
use super::pen::Pen;
use super::{Reading, Wait};
use crate::failure::{class_of_answer, reset_ms};
use paddock_model::failure::{Failure, FailureClass};
use paddock_model::usage::Usage;

/// The state of reading Copilot's events.
#[derive(Debug, Default)]
pub(super) struct Copilot {
    narrator: Narrator,
    has_begun: bool,
    session: Option<String>,
    model: Option<String>,
    wait: Option<Wait>,
    error: Option<Failure>,
    is_over: bool,
}

impl Events for Copilot {
    fn event(&mut self, event: &Value, pen: &mut Pen<'_>) {
        self.has_begun = true;
        match text(event, "/type") {
            "assistant.message" => {
                (self.wait, self.error, self.is_over) = (None, None, false);
                let model = text(event, "/data/model");
                if !model.is_empty() {
                    self.model = Some(model.to_owned());
                }
                self.narrator.say(text(event, "/data/content"), pen);
            }
            "tool.execution_start" => {
                let arguments = event.pointer("/data/arguments").unwrap_or(&Value::Null);
                self.narrator.tool(text(event, "/data/toolName"), arguments, pen);
            }
            "tool.execution_complete" => {
                let content = match text(event, "/data/result/content") {
                    "" => text(event, "/data/error/message"),
                    content => content,
                };
                let is_good = json::flag(event, "/data/success");
                self.narrator.output(content, !is_good, pen);
            }
            "model.call_failure" => self.call_failed(event, pen),
            "session.error" => self.failed(event, pen),
            "result" => {
                self.is_over = true;
                self.wait = None;
                self.session = Some(text(event, "/sessionId").to_owned()).filter(|id| !id.is_empty());
            }
            _ => {}
        }
    }

    fn reading(&self, end: &End<'_>) -> Reading {
        let failure = match end.exit {
            None => None,
            Some(_) => {
                let waiting = self.wait.as_ref().map(|wait| wait.why.clone());
                // Copilot's own error comes first, then the failed call that it still retried, then the exit
                // status.
                let unexplained = || end.unexplained(self.has_begun);
                let silent = || end.silent(self.has_begun).filter(|_| !self.is_over);
                self.error.clone().or(waiting).or_else(unexplained).or_else(silent)
            }
        };
        Reading {
            final_text: self.narrator.words.last().to_owned(),
            said: self.narrator.words.all().to_owned(),
            usage: Usage { model: self.model.clone(), ..Usage::default() },
            counter: None,
            agent_session: self.session.clone(),
            failure,
            is_over: self.is_over,
            stuck: None,
            wait: self.wait.clone().filter(|_| end.exit.is_none()),
        }
    }
}

impl Copilot {
    /// Records a failed call of the model. Copilot tries again, or reports an error next.
    fn call_failed(&mut self, event: &Value, pen: &mut Pen<'_>) {
        let words = text(event, "/data/errorMessage");
        let class =
            // A call without a status probably did not reach the provider.
            class_of_answer(json::count(event, "/data/statusCode"), words).unwrap_or(FailureClass::Network);
        let reset = reset_ms(words, pen.now_ms(), &pen.setting.zone);
        let attempt = json::count(event, "/data/retryAttempt").unwrap_or(0);
        pen.line(LineKind::Note, &format!("call {} of the model failed: {class}", attempt + 1));
        self.wait = Some(Wait { until_ms: reset, why: Failure::new(class, words).until(reset) });
    }

    fn failed(&mut self, event: &Value, pen: &mut Pen<'_>) {
        let words = text(event, "/data/message");
        let by_answer = class_of_answer(json::count(event, "/data/statusCode"), words);
        let class = match text(event, "/data/errorType") {
            "authentication" => Some(FailureClass::Authentication),
            "quota" => Some(FailureClass::Quota),
            "rate_limit" => by_answer.or(Some(FailureClass::RateLimit)),
            "context_limit" => Some(FailureClass::ContextTooLong),
            _ => by_answer,
        };
        // The message about a broken transport says no more than that; the failed call before it named the
        // class.
        let broken = self.wait.as_ref().map(|wait| wait.why.class);
        let class = class.or(broken).unwrap_or(FailureClass::Other);
        let reset = reset_ms(words, pen.now_ms(), &pen.setting.zone);
        pen.line(LineKind::Error, words);
        self.wait = None;
        self.error = Some(Failure::new(class, words).until(reset));
    }
}
