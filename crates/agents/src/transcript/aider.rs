//! aider: plain text, and exit code 0 even after a failure.
//!
//! A failure is a line of the library that talks to the model (`litellm.…Error`) after the last answer. A
//! line about tokens follows each answer. An error that comes before such a line was quoted by an answer, or
//! was overcome.

use super::line::LineKind;
use super::pen::{Lines, Pen};
use super::plain::Plain;
use super::splitter::Splitter;
use super::{Format, Reading, Setting, Stream, Wait};
use crate::failure::{class_of, reset_ms};
use paddock_model::failure::{Failure, FailureClass};
use paddock_model::session::Exit;
use paddock_model::usage::{Tokens, Usage, micros};

/// Limit on a line, in bytes.
const LINE_MAX_BYTES: usize = 8 << 10;

/// Lines that are held back until the end of an answer.
const UNSHOWN_MAX: usize = 400;
/// Fewest lines that count as the repetition of an answer: an answer may end with two braces.
const REPEATED_MIN: usize = 3;

/// The state of reading aider's output.
#[derive(Debug)]
pub(super) struct Aider {
    plain: Plain,
    lines: Splitter,
    state: State,
}

#[derive(Debug, Default)]
struct State {
    model: Option<String>,
    tokens: Option<Tokens>,
    usd_micros: Option<u64>,
    failure: Option<Failure>,
    /// The error line whose continuation lines may follow, since aider wraps long lines.
    error: Option<String>,
    is_retrying: bool,
    /// Lines that are not shown yet: an answer, up to the line about its tokens.
    unshown: Vec<String>,
}

impl Default for Aider {
    fn default() -> Self {
        Self { plain: Plain::default(), lines: Splitter::new(LINE_MAX_BYTES), state: State::default() }
    }
}

impl Format for Aider {
    fn push(&mut self, stream: Stream, bytes: &[u8], setting: &Setting, lines: &mut Lines) {
        if stream == Stream::Err {
            self.plain.push(stream, bytes, setting, lines);
        } else {
            // The lines are shown here, where an answer that aider prints twice can be known.
            self.plain.keep(bytes);
            let mut pen = Pen { setting, lines, at_ms: None };
            let state = &mut self.state;
            self.lines.push(bytes, |line, _| state.line(&String::from_utf8_lossy(line), &mut pen));
        }
    }

    fn end(&mut self, setting: &Setting, lines: &mut Lines) {
        self.plain.end(setting, lines);
        let mut pen = Pen { setting, lines, at_ms: None };
        let state = &mut self.state;
        self.lines.finish(|line, _| state.line(&String::from_utf8_lossy(line), &mut pen));
        state.show(&mut pen);
    }

    fn reading(&self, exit: Option<&Exit>, setting: &Setting) -> Reading {
        let base = self.plain.reading(exit, setting);
        let State { model, tokens, usd_micros, failure, is_retrying, .. } = &self.state;
        let usage =
            Usage { tokens: *tokens, usd_micros: *usd_micros, model: model.clone(), ..Usage::default() };
        // While aider runs, an error is only a wait, and only if aider said that it retries.
        let stated = failure.clone().filter(|_| exit.is_some());
        let why = failure.clone().filter(|_| exit.is_none() && *is_retrying);
        let wait = why.map(|why| Wait { until_ms: why.reset_ms, why });
        Reading { usage, failure: stated.or(base.failure), wait, ..base }
    }
}

impl State {
    fn line(&mut self, line: &str, pen: &mut Pen<'_>) {
        let is_end = ["Tokens: ", "Commit ", "Retrying in "].iter().any(|begin| line.starts_with(begin));
        if is_end || self.unshown.len() >= UNSHOWN_MAX {
            self.show(pen);
        }
        match (is_end, line.starts_with("Commit ")) {
            // A commit has a line of its own kind.
            (_, true) => {}
            (true, false) => pen.line(LineKind::Say, line),
            (false, false) => self.unshown.push(line.to_owned()),
        }
        // True only while this is the last line: any other line shows that aider went on.
        self.is_retrying = line.starts_with("Retrying in ");
        // An error ends at an empty line, at aider's explanation ("The API provider …"), or at the next
        // error.
        let is_continuation = !line.trim().is_empty() && !line.starts_with("The API ") && !self.is_retrying;
        if let Some(error) = self.error.as_mut().filter(|_| is_continuation && !line.starts_with("litellm."))
        {
            if error.len() < LINE_MAX_BYTES {
                error.push(' ');
                error.push_str(line);
            }
        } else {
            self.error = None;
            self.own_line(line, pen);
        }
        if let Some((class, error)) = self.error.as_deref().and_then(|e| failure_line(e).zip(Some(e))) {
            let reset = reset_ms(error, pen.now_ms(), &pen.setting.zone);
            self.failure = Some(Failure::new(class, error).until(reset));
        }
    }

    /// Shows the lines of an answer, without a repetition at their end.
    fn show(&mut self, pen: &mut Pen<'_>) {
        let mut lines = std::mem::take(&mut self.unshown);
        lines.retain(|line| !line.trim().is_empty());
        let repeated = (REPEATED_MIN..=lines.len() / 2).rev().find(|count| {
            let (before, last) = lines.split_at(lines.len() - count);
            before.ends_with(last)
        });
        lines.truncate(lines.len() - repeated.unwrap_or(0));
        lines.iter().for_each(|line| pen.line(LineKind::Say, line));
    }

    fn own_line(&mut self, line: &str, pen: &mut Pen<'_>) {
        if let Some(rest) = line.strip_prefix("Model: ") {
            self.model = rest.split_whitespace().next().map(str::to_owned);
        } else if let Some(rest) = line.strip_prefix("Tokens: ") {
            self.count(rest);
            self.failure = None;
        } else if let Some(rest) = line.strip_prefix("Commit ") {
            pen.line(LineKind::Commit, rest);
            self.failure = None;
        } else if failure_line(line).is_some() {
            self.error = Some(line.to_owned());
        }
    }

    /// Counts the usage in `2.7k sent, 1.2k cache hit, 40 received. Cost: $0.01 message, $0.02 session.`
    fn count(&mut self, text: &str) {
        let (amounts, cost) = text.split_once("Cost: ").unwrap_or((text, ""));
        let of = |word: &str| {
            let part = amounts.split(',').find(|part| part.contains(word))?;
            amount(part.split_whitespace().next()?)
        };
        let (sent, received) = (of("sent"), of("received"));
        if let (Some(sent), Some(received)) = (sent, received) {
            let cached = of("cache hit").unwrap_or(0);
            let run = Tokens { input: sent.saturating_sub(cached), cached, output: received };
            self.tokens = Some(run.plus(self.tokens.unwrap_or_default()));
        }
        // Tokens are those of one message and are summed; the cost is that of the session so far.
        let session = cost.split(',').find(|part| part.contains("session"));
        let dollars =
            session.and_then(|part| part.trim().strip_prefix('$')?.split_whitespace().next()?.parse().ok());
        self.usd_micros = dollars.and_then(micros).or(self.usd_micros);
    }
}

/// Reads an amount: `40`, `2.7k`, `1.1M`.
fn amount(word: &str) -> Option<u64> {
    let (number, factor) = match word.strip_suffix(['k', 'K']) {
        Some(number) => (number, 1e3),
        None => word.strip_suffix('M').map_or((word, 1.0), |number| (number, 1e6)),
    };
    let value = number.parse::<f64>().ok().filter(|value| (0.0..1e9).contains(value))?;
    Some((value * factor).round() as u64)
}

/// Returns the class of the failure that a line reports, if it reports one.
fn failure_line(line: &str) -> Option<FailureClass> {
    let error = line.strip_prefix("litellm.");
    if let Some(error) = error {
        let name = error.split([':', ' ', '.']).next().unwrap_or("");
        return Some(match name {
            // A spent quota is reported as a rate limit error, too.
            "RateLimitError" => class_of(error).unwrap_or(FailureClass::RateLimit),
            "AuthenticationError" | "PermissionDeniedError" => FailureClass::Authentication,
            "ContextWindowExceededError" => FailureClass::ContextTooLong,
            "ServiceUnavailableError" | "InternalServerError" | "APIError" => FailureClass::Overloaded,
            "APIConnectionError" | "Timeout" => FailureClass::Network,
            _ => class_of(error).unwrap_or(FailureClass::Other),
        });
    }
    let is_limit = line.starts_with("Model ") && line.contains("has hit a token limit");
    is_limit.then_some(FailureClass::ContextTooLong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_printed_twice_is_shown_once() {
        let setting = Setting { now_ms: 0, zone: jiff::tz::TimeZone::UTC };
        let answer = "I add it.\n\nhello.txt\nDone.\n";
        let text =
            format!("Aider v1\n{answer}\n{answer}\nTokens: 5.0k sent, 40 received.\nCommit 7b2a1ce add it\n");
        let (mut aider, mut lines) = (Aider::default(), Lines::default());
        aider.push(Stream::Out, text.as_bytes(), &setting, &mut lines);
        let shown: Vec<String> = lines.take().into_iter().map(|line| line.text).collect();
        let expected = [
            "Aider v1",
            "I add it.",
            "hello.txt",
            "Done.",
            "Tokens: 5.0k sent, 40 received.",
            "7b2a1ce add it",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn amounts_are_read_as_aider_writes_them() {
        assert_eq!((amount("40"), amount("2.7k"), amount("1.1M")), (Some(40), Some(2_700), Some(1_100_000)));
        assert_eq!((amount("-1"), amount("x"), amount("")), (None, None, None));
    }
}
