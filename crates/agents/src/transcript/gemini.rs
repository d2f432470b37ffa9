//! Gemini CLI: `gemini --yolo --skip-trust -o stream-json`.
//!
//! Gemini echoes the whole prompt as a message of the user; only messages of the assistant are its own words.
//! It may exit with 0 although its result says `error`. Other exit codes are HTTP statuses modulo 256.

use serde_json::Value;

use super::Reading;
use super::json::{self, text};
use super::jsonl::{End, Events};
use super::line::LineKind;
use super::narrator::Narrator;
use super::pen::Pen;
use crate::failure::{class_of_answer, class_of_status, reset_ms};
use paddock_model::failure::{Failure, FailureClass};
use paddock_model::session::Exit;
use paddock_model::usage::{Tokens, Usage};

/// Gemini's exit code for "not logged in".
const EXIT_NOT_LOGGED_IN: i32 = 41;

/// The state of reading Gemini's events.
#[derive(Debug, Default)]
pub(super) struct Gemini {
    narrator: Narrator,
    session: Option<String>,
    model: Option<String>,
    tokens: Option<Tokens>,
    error: String,
    result: Option<Result<(), Failure>>,
}

impl Events for Gemini {
    fn event(&mut self, event: &Value, pen: &mut Pen<'_>) {
        match (text(event, "/type"), text(event, "/role")) {
            ("init", _) => {
                let own = |key: &str| Some(text(event, key).to_owned()).filter(|text| !text.is_empty());
                (self.session, self.model) = (own("/session_id"), own("/model"));
                pen.line(LineKind::Note, &format!("model {}", text(event, "/model")));
            }
            // A message comes in pieces, which are joined into one; a message without the flag is whole.
            ("message", "assistant") if json::flag(event, "/delta") => {
                self.narrator.piece(text(event, "/content"), pen);
            }
            ("message", "assistant") => self.narrator.say(text(event, "/content"), pen),
            ("tool_use", _) => {
                let parameters = event.pointer("/parameters").unwrap_or(&Value::Null);
                self.narrator.tool(text(event, "/tool_name"), parameters, pen);
            }
            ("tool_result", _) => {
                let output = match text(event, "/output") {
                    "" => text(event, "/error/message"),
                    output => output,
                };
                self.narrator.output(output, text(event, "/status") == "error", pen);
            }
            ("error", _) => {
                // Kept in case the result says nothing but that it failed.
                self.narrator.close(pen);
                if text(event, "/severity") == "error" {
                    self.error = text(event, "/message").to_owned();
                }
                pen.line(LineKind::Error, text(event, "/message"));
            }
            ("result", _) => self.result(event, pen),
            _ => {}
        }
    }

    fn reading(&self, end: &End<'_>) -> Reading {
        let has_begun = self.session.is_some();
        let failure = match (&self.result, end.exit) {
            (_, None) => None,
            (Some(Err(failure)), Some(exit)) => Some(refined(failure, exit)),
            (Some(Ok(())), _) => end.unexplained(true),
            (None, Some(Exit::Code(EXIT_NOT_LOGGED_IN))) => {
                Some(Failure::new(FailureClass::Authentication, end.errors.last()))
            }
            (None, _) => end.unexplained(has_begun).or_else(|| end.silent(has_begun)),
        };
        Reading {
            final_text: self.narrator.words.last().to_owned(),
            said: self.narrator.words.all().to_owned(),
            usage: Usage { tokens: self.tokens, model: self.model.clone(), ..Usage::default() },
            counter: None,
            agent_session: self.session.clone(),
            failure,
            is_over: self.result.is_some(),
            stuck: None,
            wait: None,
        }
    }

    fn end(&mut self, pen: &mut Pen<'_>) {
        self.narrator.close(pen);
    }
}

/// Refines the class of a failure by the exit code, if the message alone does not tell.
fn refined(failure: &Failure, exit: &Exit) -> Failure {
    let status = match exit {
        // 400 to 511 modulo 256. Smaller codes are ambiguous, or Gemini's own.
        Exit::Code(code @ 144..=255) => u64::try_from(*code).ok().map(|code| code + 256),
        _ => None,
    };
    match (failure.class, status.and_then(class_of_status)) {
        (FailureClass::Other, Some(class)) => Failure { class, ..failure.clone() },
        _ => failure.clone(),
    }
}

impl Gemini {
    fn result(&mut self, event: &Value, pen: &mut Pen<'_>) {
        // The last message has no end of its own.
        self.narrator.close(pen);
        self.tokens = usage(event).or(self.tokens);
        if text(event, "/status") != "error" {
            self.result = Some(Ok(()));
            return;
        }
        let words = match text(event, "/error/message") {
            "" => self.error.as_str(),
            words => words,
        };
        let class = class_of_answer(code_in(words), words).unwrap_or(FailureClass::Other);
        let reset = reset_ms(words, pen.now_ms(), &pen.setting.zone);
        let failure = Failure::new(class, words).until(reset);
        pen.line(LineKind::Error, &failure.to_string());
        self.result = Some(Err(failure));
    }
}

/// Returns the status in a message that quotes the provider's answer: `[API Error:
/// {"error":{"code":400,…}}]`.
fn code_in(words: &str) -> Option<u64> {
    let quoted = words.get(words.find('{')?..=words.rfind('}')?)?;
    json::count(&serde_json::from_str::<Value>(quoted).ok()?, "/error/code")
}

fn usage(event: &Value) -> Option<Tokens> {
    let input = json::count(event, "/stats/input_tokens")?;
    let cached = json::count(event, "/stats/cached").unwrap_or(0);
    let output = json::count(event, "/stats/output_tokens").unwrap_or(0);
    Some(Tokens { input: input.saturating_sub(cached), cached, output })
}
