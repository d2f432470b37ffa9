//! Classifies failures by what an agent reports about its own end, and finds out when a failure is over.
//!
//! Structured fields and exit statuses come first; wording is the last resort. Only texts from places where
//! an agent reports its own errors are classified, never what a session talks about: an agent that works on
//! rate limits must not look rate-limited.

mod reset;
mod wording;

use paddock_model::failure::{Failure, FailureClass};
use paddock_model::session::Exit;

use jiff::tz::TimeZone;

pub(crate) use reset::{after, reset_ms};
pub(crate) use reset::{epoch_ms, retry_after_ms};
pub(crate) use wording::class_of;

/// Returns the class of an HTTP status, or `None` if the status alone does not tell.
#[must_use]
pub(crate) fn class_of_status(status: u64) -> Option<FailureClass> {
    match status {
        401 | 403 | 407 => Some(FailureClass::Authentication),
        402 => Some(FailureClass::Quota),
        // An unknown model or address: neither waiting nor logging in helps.
        404 => Some(FailureClass::Other),
        408 => Some(FailureClass::Network),
        413 => Some(FailureClass::ContextTooLong),
        429 => Some(FailureClass::RateLimit),
        500..=599 => Some(FailureClass::Overloaded),
        _ => None,
    }
}

/// Returns the class of an HTTP status together with the words that came with it.
#[must_use]
pub(crate) fn class_of_answer(status: Option<u64>, words: &str) -> Option<FailureClass> {
    let said = class_of(words);
    match (status, said) {
        // Providers report a spent quota as 429 or 403 too. A cooldown differs: minutes for a rate limit,
        // until the renewal for a quota.
        (Some(429 | 403 | 402), Some(FailureClass::Quota)) => Some(FailureClass::Quota),
        // 400 covers everything from a wrong key to a prompt that is too long; only the words tell.
        (Some(400 | 413), said) => said.or(Some(FailureClass::Other)),
        (Some(status), said) => class_of_status(status).or(said),
        (None, said) => said,
    }
}

/// Returns the failure that an agent's own error message reports: its class, and when it is over.
#[must_use]
pub(crate) fn of_message(message: &str, now_ms: i64, zone: &TimeZone) -> Failure {
    let class = class_of_answer(status_in(message), message).unwrap_or(FailureClass::Other);
    Failure::new(class, message).until(reset_ms(message, now_ms, zone))
}

/// Returns the HTTP status that an error message names after the word "status" or as its first word. Other
/// numbers are not statuses: ports, line numbers, token counts.
#[must_use]
pub(crate) fn status_in(message: &str) -> Option<u64> {
    let lower = message.to_lowercase();
    // "status 429", "status: 429", "status code 429", "status=429".
    let after_word = lower.split_once("status").map_or("", |(_, rest)| rest);
    let after_word = after_word.trim_start_matches(" code").trim_start_matches([' ', ':', '=']);
    let first = lower.trim_start_matches(['[', ' ']).trim_start_matches("api error:").trim_start();
    [after_word, first].into_iter().find_map(|text| {
        let digits = text.split(|c: char| !c.is_ascii_digit()).next()?;
        // Exactly three digits: "4000 tokens" is no status.
        digits.parse().ok().filter(|status| digits.len() == 3 && (400..600).contains(status))
    })
}

/// Returns the failure for an exit that nothing else explains; `None` if the agent did not fail, or did not
/// run.
#[must_use]
pub(crate) fn of_exit(exit: Option<&Exit>, words: &str) -> Option<Failure> {
    let class = match exit? {
        Exit::Signal(signal) => of_signal(*signal),
        Exit::Code(0) => return None,
        // Shells, and the signal handlers of Node and Python programs, exit with 128 plus the signal's
        // number.
        Exit::Code(code @ (129..=131 | 134 | 137 | 139 | 143)) => of_signal(code - 128),
        Exit::Code(_) => FailureClass::Crashed,
        // The agent did not run, or Paddock ended it; the exit itself carries Paddock's explanation.
        Exit::NotStarted(_) | Exit::SetupFailed(_) | Exit::DiskFull(_) => return None,
    };
    Some(Failure::new(class, words))
}

fn of_signal(signal: i32) -> FailureClass {
    match signal {
        // Illegal instruction, trap, abort, bus error, arithmetic error, segmentation fault: the program's
        // own fault.
        4..=8 | 11 => FailureClass::Crashed,
        _ => FailureClass::Killed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_says_the_class_and_the_words_refine_it() {
        use FailureClass as C;
        assert_eq!(class_of_answer(Some(429), "Too many requests"), Some(C::RateLimit));
        assert_eq!(class_of_answer(Some(429), "You exceeded your current quota"), Some(C::Quota));
        assert_eq!(class_of_answer(Some(400), "API key not valid"), Some(C::Authentication));
        assert_eq!(class_of_answer(Some(400), "maximum context length is 5"), Some(C::ContextTooLong));
        assert_eq!(class_of_answer(Some(400), "bad request"), Some(C::Other));
        assert_eq!(class_of_answer(Some(503), "rate limit docs"), Some(C::Overloaded));
        assert_eq!(class_of_answer(None, "hello"), None);
    }

    #[test]
    fn a_signal_from_outside_kills_and_one_of_its_own_crashes() {
        let class = |exit: Exit| of_exit(Some(&exit), "").map(|failure| failure.class);
        assert_eq!(class(Exit::Signal(9)), Some(FailureClass::Killed));
        assert_eq!(class(Exit::Code(143)), Some(FailureClass::Killed));
        assert_eq!(class(Exit::Code(139)), Some(FailureClass::Crashed));
        assert_eq!(class(Exit::Code(2)), Some(FailureClass::Crashed));
        assert_eq!(class(Exit::Code(0)), None);
        assert_eq!(class(Exit::NotStarted("x".to_owned())), None);
        assert_eq!(of_exit(None, ""), None);
    }
}
