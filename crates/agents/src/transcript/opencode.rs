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

/// Number of steps in a row without tokens, tools and a reason to end, after which opencode is stuck: it asks
/// the provider again at once, for ever, when an answer breaks off.
const BROKEN_STEPS_MAX: u32 = 20;

/// The state of reading opencode's events.
#[derive(Debug, Default)]
pub(super) struct Opencode {
    narrator: Narrator,
    session: Option<String>,
    tokens: Tokens,
    usd_micros: u64,
    /// Steps in a row whose answer broke off.
    broken_steps: u32,
    is_over: bool,
    /// Error that no event has followed yet.
    error: Option<Failure>,
}

impl Events for Opencode {
    fn event(&mut self, event: &Value, pen: &mut Pen<'_>) {
        let id = text(event, "/sessionID");
        if !id.is_empty() {
            self.session = Some(id.to_owned());
        }
        self.is_over = text(event, "/type") == "step_finish" && text(event, "/part/reason") == "stop";
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
            Some(_) => self.error.clone().or_else(|| self.stuck()).or_else(|| end.unexplained(has_begun)),
        };
        Reading {
            final_text: self.narrator.words.last().to_owned(),
            said: self.narrator.words.all().to_owned(),
            usage: Usage {
                tokens: Some(self.tokens).filter(|tokens| tokens.total() > 0),
                // opencode reports a cost of 0 for models whose price it does not know.
                usd_micros: Some(self.usd_micros).filter(|usd| *usd > 0),
                ..Usage::default()
            },
            counter: None,
            agent_session: self.session.clone(),
            failure,
            is_over: self.is_over,
            stuck: self.stuck(),
            wait: None,
        }
    }
}

impl Opencode {
    fn stuck(&self) -> Option<Failure> {
        let words = format!("the provider's answer broke off {} times in a row", self.broken_steps);
        (self.broken_steps >= BROKEN_STEPS_MAX).then(|| Failure::new(FailureClass::Network, &words))
    }

    fn tool(&mut self, event: &Value, pen: &mut Pen<'_>) {
        self.broken_steps = 0;
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
        let step = Tokens {
            // Tokens written to the cache are input, too.
            input: of("/part/tokens/input").saturating_add(of("/part/tokens/cache/write")),
            cached: of("/part/tokens/cache/read"),
            output: of("/part/tokens/output").saturating_add(of("/part/tokens/reasoning")),
        };
        self.tokens = self.tokens.plus(step);
        let is_whole = step.total() > 0 || matches!(text(event, "/part/reason"), "stop" | "tool-calls");
        self.broken_steps = if is_whole { 0 } else { self.broken_steps.saturating_add(1) };
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

#[cfg(test)]
mod tests {
    use super::super::{Reader, Setting, Stream};
    use super::*;
    use jiff::tz::TimeZone;

    fn reader(lines: impl Iterator<Item = &'static str>) -> Reader {
        let mut reader = Reader::new("opencode", Setting { now_ms: 0, zone: TimeZone::UTC });
        lines.for_each(|line| reader.push(Stream::Out, line.as_bytes()));
        reader
    }

    const BROKEN: &str = "{\"type\":\"step_start\",\"sessionID\":\"a\"}\n{\"type\":\"text\",\"part\":{\"text\":\"Done.\"}}\n\
                          {\"type\":\"step_finish\",\"part\":{\"reason\":\"unknown\",\"tokens\":{\"input\":0,\"output\":0}}}\n";
    const TOOL: &str =
        "{\"type\":\"tool_use\",\"part\":{\"tool\":\"bash\",\"state\":{\"status\":\"completed\"}}}\n";
    const STOP: &str =
        "{\"type\":\"step_finish\",\"part\":{\"reason\":\"stop\",\"tokens\":{\"input\":9,\"output\":1}}}\n";

    #[test]
    fn an_answer_that_always_breaks_off_is_a_failure_of_the_network_and_work_in_between_is_not() {
        let stuck = reader(std::iter::repeat_n(BROKEN, 20)).so_far().stuck.unwrap();
        assert!(stuck.class == FailureClass::Network && stuck.text.contains("20 times"), "{stuck}");
        let working = [BROKEN, TOOL].into_iter().cycle().take(200);
        assert_eq!(reader(working).so_far().stuck, None);
    }

    #[test]
    fn a_step_with_the_reason_stop_is_the_end_until_another_begins() {
        assert!(reader([BROKEN, STOP].into_iter()).so_far().is_over);
        assert!(!reader([STOP, BROKEN].into_iter()).so_far().is_over);
    }
}
