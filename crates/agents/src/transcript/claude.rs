//! Claude Code: `claude -p --output-format stream-json --verbose`.
//!
//! The `result` line decides by `is_error`; its `subtype` is `success` for failed runs too. After a
//! resumption, `total_cost_usd` and `modelUsage` count the whole conversation;
//! `model_usage_since_last_result` counts this run alone.
//!
//! Before the result, the `usage` of each answer counts, including answers of helpers (`parent_tool_use_id`),
//! which the result also counts. An answer reports its input in full, but its output only as far as it had
//! come. The sum is therefore a little less than the total of the result, which replaces it. Only the result
//! reports the cost.

use serde_json::Value;

use super::json::{self, text};
use super::jsonl::{End, Events};
use super::line::LineKind;
use super::narrator::Narrator;
use super::pen::Pen;
use super::tally::Tally;
use super::{Reading, Wait};
use crate::failure::{self, class_of_answer, epoch_ms, reset_ms};
use paddock_model::failure::{Failure, FailureClass, Remedy};
use paddock_model::usage::{Tokens, Usage, micros, usd_text};

/// The state of reading Claude's events.
#[derive(Debug, Default)]
pub(super) struct Claude {
    narrator: Narrator,
    session: Option<String>,
    model: Option<String>,
    /// Tokens of the results so far.
    tokens: Option<Tokens>,
    /// Tokens of the answers since the last result.
    tally: Tally,
    usd_micros: Option<u64>,
    /// Whether the limit of the subscription was hit, and when it is lifted, if Claude says so.
    limit: Option<Option<i64>>,
    /// Error that Claude wrote in the place of an answer.
    synthetic: Option<Failure>,
    wait: Option<Wait>,
    /// Whether the result is the last that Claude did. One run can have several.
    is_over: bool,
    result: Option<Result<(), Failure>>,
}

impl Events for Claude {
    fn event(&mut self, event: &Value, pen: &mut Pen<'_>) {
        let id = text(event, "/session_id");
        if !id.is_empty() {
            self.session = Some(id.to_owned());
        }
        match (text(event, "/type"), text(event, "/subtype")) {
            ("system", "init") => {
                self.is_over = false;
                self.model = Some(text(event, "/model").to_owned()).filter(|model| !model.is_empty());
                pen.line(LineKind::Note, &format!("model {}", text(event, "/model")));
            }
            ("system", "api_retry") => self.retrying(event, pen),
            // A denied tool call does not end the run; the result lists all of them.
            ("system", "permission_denied") => pen.line(LineKind::Error, text(event, "/message")),
            ("rate_limit_event", _) => self.limited(event, pen),
            ("assistant", _) => self.assistant(event, pen),
            ("user", _) => {
                self.is_over = false;
                results(&mut self.narrator, event, pen);
            }
            ("result", _) => self.result(event, pen),
            _ => {}
        }
    }

    fn reading(&self, end: &End<'_>) -> Reading {
        let stated = match &self.result {
            // A result without an error can still be followed by a crash, which the exit status shows.
            Some(result) => result.clone().err().or_else(|| end.unexplained(true)),
            None if end.exit.is_none() => None,
            None => self.cut_off(end),
        };
        Reading {
            final_text: self.narrator.words.last().to_owned(),
            said: self.narrator.words.all().to_owned(),
            usage: Usage {
                tokens: self.tally.sum().map(|sum| sum.plus(self.tokens.unwrap_or_default())).or(self.tokens),
                usd_micros: self.usd_micros,
                model: self.model.clone(),
                ..Usage::default()
            },
            counter: None,
            agent_session: self.session.clone(),
            failure: stated,
            is_over: self.is_over,
            stuck: None,
            wait: self.wait.clone().filter(|_| end.exit.is_none()),
        }
    }
}

impl Claude {
    fn retrying(&mut self, event: &Value, pen: &mut Pen<'_>) {
        self.is_over = false;
        let class = match text(event, "/error") {
            "rate_limit" => FailureClass::RateLimit,
            "authentication_failed" => FailureClass::Authentication,
            "overloaded" | "server_error" => FailureClass::Overloaded,
            words => {
                class_of_answer(json::count(event, "/error_status"), words).unwrap_or(FailureClass::Network)
            }
        };
        // The wait counts only until the next answer or result; if the run ends before, it explains the end.
        let delay_ms = json::number(event, "/retry_delay_ms");
        let until_ms = delay_ms.and_then(|ms| failure::after(ms, pen.now_ms()));
        let attempt = json::count(event, "/attempt").unwrap_or(0);
        let retries_max = json::count(event, "/max_retries").unwrap_or(0);
        let seconds = delay_ms.unwrap_or(0.0) / 1_000.0;
        pen.line(
            LineKind::Note,
            &format!("waiting {seconds:.0} s: {class} (attempt {attempt} of {retries_max})"),
        );
        self.wait = Some(Wait { until_ms, why: Failure::new(class, text(event, "/error")).until(until_ms) });
    }

    fn limited(&mut self, event: &Value, pen: &mut Pen<'_>) {
        // Claude writes these events only with a subscription; with an API key a limit is an error of an
        // answer.
        let resets = json::number(event, "/rate_limit_info/resetsAt");
        let reset = resets.and_then(|seconds| epoch_ms(seconds, pen.now_ms()));
        match text(event, "/rate_limit_info/status") {
            "rejected" => self.limit = Some(reset),
            "allowed_warning" => {
                let used = json::number(event, "/rate_limit_info/utilization").unwrap_or(0.0) * 100.0;
                pen.line(LineKind::Note, &format!("{used:.0} % of the subscription's limit is used"));
            }
            // An answer passed again, so a limit that was hit before has been lifted.
            _ => self.limit = None,
        }
    }

    fn assistant(&mut self, event: &Value, pen: &mut Pen<'_>) {
        (self.wait, self.is_over) = (None, false);
        // Claude writes an error of the provider as a message of its own, which must not become the agent's
        // last words.
        if json::flag(event, "/is_api_error_message") || text(event, "/message/model") == "<synthetic>" {
            let words = json::content(event.pointer("/message/content").unwrap_or(&Value::Null));
            pen.line(LineKind::Error, &words);
            self.synthetic = Some(self.failure_of(event, &words, pen));
            return;
        }
        self.synthetic = None;
        if let Some((answer, used)) = event.pointer("/message").and_then(|one| Some((one, usage(one)?))) {
            self.tally.count(text(answer, "/id"), used);
        }
        message(&mut self.narrator, event, pen);
    }

    /// Returns the failure that a final error, or an error in the place of an answer, reports.
    fn failure_of(&self, event: &Value, words: &str, pen: &Pen<'_>) -> Failure {
        let status = json::count(event, "/api_error_status");
        let kind = text(event, "/api_error_type");
        let named = match (text(event, "/terminal_reason"), kind) {
            // Named reasons are more reliable than a status, and a status more than words.
            ("prompt_too_long", _) => Some(FailureClass::ContextTooLong),
            (reason, _) if reason.starts_with("aborted") => Some(FailureClass::Killed),
            (_, "billing_error") => Some(FailureClass::Quota),
            (_, "permission_error") => Some(FailureClass::Authentication),
            _ => None,
        };
        // A limit event before the error is exact about the time; the error itself only names it in words.
        if let (Some(reset), None | Some(429)) = (self.limit, status) {
            return Failure::new(FailureClass::Quota, words).until(reset);
        }
        let by_words = || class_of_answer(status, &format!("{kind} {words}"));
        let is_api =
            text(event, "/terminal_reason") == "api_error" || text(event, "/error") == "server_error";
        // An API error without a status and without known words counts as a broken connection.
        let unnamed = if is_api { FailureClass::Network } else { FailureClass::Other };
        let class = named.or_else(by_words).unwrap_or(unnamed);
        let reset = reset_ms(words, pen.now_ms(), &pen.setting.zone);
        Failure::new(class, words).until(reset)
    }

    fn result(&mut self, event: &Value, pen: &mut Pen<'_>) {
        (self.wait, self.is_over) = (None, true);
        self.count(event);
        // A failed run may have no result text; then it lists its errors, or has only a subtype.
        let words = match text(event, "/result") {
            "" => json::list(event, "/errors")
                .first()
                .and_then(Value::as_str)
                .unwrap_or(text(event, "/subtype")),
            words => words,
        };
        // A run whose tool calls were denied reports success, but could not do its work.
        let denied = json::list(event, "/permission_denials");
        self.result = Some(if json::flag(event, "/is_error") {
            Err(self.failure_of(event, words, pen))
        } else if let Some(first) = denied.first() {
            let tool = text(first, "/tool_name");
            let words = format!("{} tool calls were denied, the first of {tool}", denied.len());
            Err(Failure::new(FailureClass::Refused, &words))
        } else if let Some(limit) =
            self.synthetic.take().filter(|said| said.class.remedy() == Remedy::CoolDown)
        {
            // Some versions end well with the words of the limit in the place of the answer.
            Err(limit)
        } else {
            // With `--output-format json` the result is the only event, and holds the agent's only words.
            if self.narrator.words.last() != text(event, "/result") {
                self.narrator.say(text(event, "/result"), pen);
            }
            Ok(())
        });
        let turns = json::count(event, "/num_turns").unwrap_or(0);
        let cost = self.usd_micros.map_or_else(String::new, |usd| format!(", {}", usd_text(usd)));
        pen.line(LineKind::Note, &format!("ended after {turns} turns{cost}"));
        if let Some(Err(failure)) = &self.result {
            pen.line(LineKind::Error, &failure.to_string());
        }
    }

    fn count(&mut self, event: &Value) {
        // Without this field, only the total of the conversation is known.
        let key = "/model_usage_since_last_result";
        let models = if event.pointer(key).is_some() { key } else { "/modelUsage" };
        let of = |usage: &Value, key: &str| json::count(usage, key).unwrap_or(0);
        let by_model: Vec<(u64, &String, Tokens, Option<u64>)> = json::pairs(event, models)
            .map(|(model, usage)| {
                let tokens = Tokens {
                    input: of(usage, "/inputTokens").saturating_add(of(usage, "/cacheCreationInputTokens")),
                    cached: of(usage, "/cacheReadInputTokens"),
                    output: of(usage, "/outputTokens"),
                };
                (tokens.total(), model, tokens, json::number(usage, "/costUSD").and_then(micros))
            })
            .collect();
        // The model that used most tokens counts as the session's; Claude uses smaller models as well.
        if let Some((_, model, _, _)) = by_model.iter().max_by_key(|(total, ..)| *total) {
            self.model = Some((*model).clone());
        }
        let run =
            by_model.iter().map(|(_, _, tokens, _)| *tokens).reduce(Tokens::plus).or_else(|| usage(event));
        // If a result reports no usage, the sum of the answers stays.
        let run = run.or_else(|| self.tally.sum());
        self.tally.settle();
        self.tokens = run.map(|run| run.plus(self.tokens.unwrap_or_default())).or(self.tokens);
        // One run can have several results. With this key each counts from the result before, so they are
        // summed; the total of the other key includes the earlier ones.
        let cost = match models == key {
            true => Some(by_model.iter().filter_map(|(_, _, _, cost)| *cost).fold(0, u64::saturating_add)),
            false => json::number(event, "/total_cost_usd").and_then(micros),
        };
        let before = self.usd_micros.filter(|_| models == key).unwrap_or(0);
        self.usd_micros = cost.map(|cost| cost.saturating_add(before)).or(self.usd_micros);
    }

    /// Returns the failure of a run without a result: what Claude waited for, or the error in the place of
    /// its last answer.
    fn cut_off(&self, end: &End<'_>) -> Option<Failure> {
        let waiting = self.wait.as_ref().map(|wait| wait.why.clone());
        let has_begun = self.session.is_some();
        waiting
            .or_else(|| self.synthetic.clone())
            .or_else(|| end.unexplained(has_begun))
            .or_else(|| end.silent(has_begun))
    }
}

/// Returns the tokens of a `usage` object as Anthropic's interface writes it.
fn usage(event: &Value) -> Option<Tokens> {
    let of = |key: &str| json::count(event, key);
    let output = of("/usage/output_tokens")?;
    let fresh = of("/usage/input_tokens").unwrap_or(0);
    let written = of("/usage/cache_creation_input_tokens").unwrap_or(0);
    let cached = of("/usage/cache_read_input_tokens").unwrap_or(0);
    Some(Tokens { input: fresh.saturating_add(written), cached, output })
}

/// Records a message of the assistant. The text of a helper (subagent) is shown, but does not count as the
/// agent's own words, in which the summary is looked for.
pub(super) fn message(narrator: &mut Narrator, event: &Value, pen: &mut Pen<'_>) {
    // Messages of a helper name the tool call that started it.
    let is_own = event.get("parent_tool_use_id").is_none_or(Value::is_null);
    for block in json::list(event, "/message/content") {
        match text(block, "/type") {
            "text" if is_own => narrator.say(text(block, "/text"), pen),
            "text" => pen.line(LineKind::Say, text(block, "/text")),
            "tool_use" => {
                narrator.tool(text(block, "/name"), block.pointer("/input").unwrap_or(&Value::Null), pen);
            }
            _ => {}
        }
    }
}

/// Records the output of tools.
pub(super) fn results(narrator: &mut Narrator, event: &Value, pen: &mut Pen<'_>) {
    for block in json::list(event, "/message/content") {
        let content = json::content(block.pointer("/content").unwrap_or(&Value::Null));
        match text(block, "/type") {
            "tool_result" => narrator.output(&content, json::flag(block, "/is_error"), pen),
            _ => pen.line(LineKind::Note, text(block, "/text")),
        }
    }
}
