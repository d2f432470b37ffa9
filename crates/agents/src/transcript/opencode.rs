//! opencode: `opencode run --format json`. Each step reports its tokens and its cost.

use serde_json::Value;

use super::Reading;
use super::json::{self, text};
use super::jsonl::{End, Events};
use super::line::LineKind;
use super::narrator::Narrator;
use super::pen::Pen;
use crate::failure::{class_of_answer, reset_ms, retry_after_ms};
use paddock_model::failure::{Failure, FailureClass};
use paddock_model::usage::{Tokens, Usage, micros};

/// The state of reading opencode's events.
#[derive(Debug, Default)]
pub(super) struct Opencode {
    narrator: Narrator,
    session: Option<String>,
    tokens: Tokens,
    usd_micros: u64,
    /// Error that no event has followed yet.
    error: Option<Failure>,
}

impl Events for Opencode {
    fn event(&mut self, event: &Value, pen: &mut Pen<'_>) {
        let id = text(event, "/sessionID");
        if !id.is_empty() {
            self.session = Some(id.to_owned());
        }
        match text(event, "/type") {
            "text" => self.narrator.say(text(event, "/part/text"), pen),
            "tool_use" => self.tool(event, pen),
            "step_finish" => self.count(event),
            "error" => return self.error(event, pen),
            _ => {}
        }
        // Any other event after an error shows that opencode went on.
        self.error = None;
    }

    fn reading(&self, end: &End<'_>) -> Reading {
        let has_begun = self.session.is_some();
        let failure = match end.exit {
            None => None,
            Some(_) => self.error.clone().or_else(|| end.unexplained(has_begun)),
        };
        Reading {
            final_text: self.narrator.words.last().to_owned(),
            said: self.narrator.words.all().to_owned(),
            usage: Usage {
                tokens: Some(self.tokens).filter(|tokens| tokens.total() > 0),
                // opencode reports a cost of 0 for models whose price it does not know.
                usd_micros: Some(self.usd_micros).filter(|usd| *usd > 0),
                model: None,
            },
            counter: None,
            agent_session: self.session.clone(),
            failure,
            wait: None,
        }
    }
}

impl Opencode {
    fn tool(&mut self, event: &Value, pen: &mut Pen<'_>) {
        let input = event.pointer("/part/state/input").unwrap_or(&Value::Null);
        self.narrator.tool(text(event, "/part/tool"), input, pen);
        let is_error = text(event, "/part/state/status") == "error"
            || json::number(event, "/part/state/metadata/exit").is_some_and(|code| code != 0.0);
        let output = match text(event, "/part/state/output") {
            "" => text(event, "/part/state/error"),
            output => output,
        };
        self.narrator.output(output, is_error, pen);
    }

    fn count(&mut self, event: &Value) {
        let of = |key: &str| json::count(event, key).unwrap_or(0);
        self.tokens = self.tokens.plus(Tokens {
            // Tokens written to the cache are input, too.
            input: of("/part/tokens/input").saturating_add(of("/part/tokens/cache/write")),
            cached: of("/part/tokens/cache/read"),
            output: of("/part/tokens/output").saturating_add(of("/part/tokens/reasoning")),
        });
        let cost = json::number(event, "/part/cost").and_then(micros).unwrap_or(0);
        self.usd_micros = self.usd_micros.saturating_add(cost);
    }

    fn error(&mut self, event: &Value, pen: &mut Pen<'_>) {
        let words = match text(event, "/error/data/message") {
            "" => text(event, "/error/message"),
            words => words,
        };
        // The provider's own error code distinguishes a spent quota from a rate limit.
        let body = text(event, "/error/data/responseBody");
        let code = serde_json::from_str::<Value>(body).map(|body| text(&body, "/error/code").to_owned());
        let named = match text(event, "/error/name") {
            "ContextOverflowError" => Some(FailureClass::ContextTooLong),
            "ProviderAuthError" => Some(FailureClass::Authentication),
            "MessageAbortedError" => Some(FailureClass::Killed),
            _ => None,
        };
        let status = json::count(event, "/error/data/statusCode");
        let all = format!("{} {words}", code.unwrap_or_default());
        let class = named.or_else(|| class_of_answer(status, &all)).unwrap_or(FailureClass::Other);
        let headers = "/error/data/responseHeaders";
        let now_ms = pen.now_ms();
        // The headers of the provider's answer are exact; the words of the message are the last resort.
        let in_ms = text(event, &format!("{headers}/retry-after-ms")).parse::<i64>().ok();
        let after = in_ms
            .and_then(|ms| now_ms.checked_add(ms))
            .or_else(|| retry_after_ms(text(event, &format!("{headers}/retry-after")), now_ms));
        let reset = after.or_else(|| reset_ms(words, now_ms, &pen.setting.zone));
        pen.line(LineKind::Error, words);
        self.error = Some(Failure::new(class, words).until(reset));
    }
}
