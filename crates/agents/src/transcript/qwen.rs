//! Qwen Code: `qwen --yolo -o stream-json`. Messages have the form of Claude's, but the result has its own.

use serde_json::Value;

use super::claude::{message, results};
use super::json::{self, text};
use super::jsonl::{End, Events};
use super::line::LineKind;
use super::narrator::Narrator;
use super::pen::Pen;
use super::tally::Tally;
use super::{Reading, Wait};
use crate::failure::{self, of_message};
use paddock_model::failure::{Failure, FailureClass};
use paddock_model::usage::{Tokens, Usage};

/// The state of reading Qwen's events.
#[derive(Debug, Default)]
pub(super) struct Qwen {
    narrator: Narrator,
    session: Option<String>,
    model: Option<String>,
    /// Tokens that the result reports, over all runs of the conversation.
    tokens: Option<Tokens>,
    /// Tokens of this run's answers.
    tally: Tally,
    wait: Option<Wait>,
    /// Whether the result is the last that Qwen did.
    is_over: bool,
    result: Option<Result<(), Failure>>,
}

impl Events for Qwen {
    fn event(&mut self, event: &Value, pen: &mut Pen<'_>) {
        let id = text(event, "/session_id");
        if !id.is_empty() {
            self.session = Some(id.to_owned());
        }
        self.is_over = match text(event, "/type") {
            "result" => true,
            "assistant" | "user" => false,
            _ => self.is_over && text(event, "/subtype") != "init",
        };
        match (text(event, "/type"), text(event, "/subtype")) {
            ("system", "init") => {
                self.model = Some(text(event, "/model").to_owned()).filter(|model| !model.is_empty());
                pen.line(LineKind::Note, &format!("model {}", text(event, "/model")));
            }
            ("system", "retry") => self.retrying(event, pen),
            ("assistant", _) => {
                self.wait = None;
                if let Some((answer, used)) =
                    event.pointer("/message").and_then(|one| Some((one, tokens(one)?)))
                {
                    self.tally.count(text(answer, "/id"), used);
                }
                // An error of the provider also comes as an answer. It is not handled here, since the result
                // repeats it.
                message(&mut self.narrator, event, pen);
            }
            ("user", _) => results(&mut self.narrator, event, pen),
            ("result", _) => self.result(event, pen),
            _ => {}
        }
    }

    fn reading(&self, end: &End<'_>) -> Reading {
        let has_begun = self.session.is_some();
        let failure = match &self.result {
            Some(result) => result.clone().err().or_else(|| end.unexplained(true)),
            None if end.exit.is_none() => None,
            None => {
                let waiting = self.wait.as_ref().map(|wait| wait.why.clone());
                waiting.or_else(|| end.unexplained(has_begun)).or_else(|| end.silent(has_begun))
            }
        };
        Reading {
            final_text: self.narrator.words.last().to_owned(),
            said: self.narrator.words.all().to_owned(),
            usage: Usage {
                // The result counts earlier runs of the conversation as well.
                tokens: self.tally.sum().or(self.tokens),
                usd_micros: None,
                model: self.model.clone(),
                ..Usage::default()
            },
            counter: self.tokens,
            agent_session: self.session.clone(),
            failure,
            is_over: self.is_over,
            stuck: None,
            wait: self.wait.clone().filter(|_| end.exit.is_none()),
        }
    }
}

impl Qwen {
    fn retrying(&mut self, event: &Value, pen: &mut Pen<'_>) {
        // A retry without a delay is no wait.
        let Some(delay_ms) = json::number(event, "/data/delayMs") else {
            return pen.line(LineKind::Note, "asking the model again");
        };
        let until_ms = failure::after(delay_ms, pen.now_ms());
        let words = match text(event, "/data/message") {
            "" => text(event, "/data/error"),
            words => words,
        };
        let class = failure::class_of(words).unwrap_or(FailureClass::RateLimit);
        pen.line(LineKind::Note, &format!("waiting {:.0} s: {class}", delay_ms / 1_000.0));
        self.wait = Some(Wait { until_ms, why: Failure::new(class, words).until(until_ms) });
    }

    fn result(&mut self, event: &Value, pen: &mut Pen<'_>) {
        let waited = self.wait.take();
        self.tokens = tokens(event).or(self.tokens);
        if !json::flag(event, "/is_error") {
            // The result usually repeats the last message, which must not be shown twice.
            if self.narrator.words.last() != text(event, "/result") {
                self.narrator.say(text(event, "/result"), pen);
            }
            self.result = Some(Ok(()));
            return;
        }
        let words = match text(event, "/error/message") {
            "" => text(event, "/subtype"),
            words => words,
        };
        let mut failure = of_message(words, pen.now_ms(), &pen.setting.zone);
        // A stop ends the wait; "Operation cancelled." does not say why the run stood still.
        if let (FailureClass::Killed | FailureClass::Other, Some(wait)) = (failure.class, waited) {
            failure = wait.why;
        }
        pen.line(LineKind::Error, &failure.to_string());
        self.result = Some(Err(failure));
    }
}

/// Returns the tokens of a `usage` object, whose `input_tokens` include the cached ones.
fn tokens(event: &Value) -> Option<Tokens> {
    let input = json::count(event, "/usage/input_tokens")?;
    let cached = json::count(event, "/usage/cache_read_input_tokens").unwrap_or(0);
    let output = json::count(event, "/usage/output_tokens").unwrap_or(0);
    Some(Tokens { input: input.saturating_sub(cached), cached, output })
}
