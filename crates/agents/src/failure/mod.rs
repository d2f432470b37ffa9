//! What an agent's own words about its end mean: the class of a failure and when it is over.
//!
//! Structured fields and exit statuses are asked first; wording is the last resort, and only what stands where an
//! agent reports its own errors is ever given to it. What a session talks about never is.

mod reset;
mod wording;

use paddock_model::failure::{Failure, FailureClass};
use paddock_model::session::Exit;

use jiff::tz::TimeZone;

pub(crate) use reset::{after, reset_ms};
pub(crate) use reset::{epoch_ms, retry_after_ms};
pub(crate) use wording::class_of;

/// The class of an HTTP status; none when the status alone does not tell.
#[must_use]
pub(crate) fn class_of_status(status: u64) -> Option<FailureClass> {
    match status {
        401 | 403 | 407 => Some(FailureClass::Authentication),
        402 => Some(FailureClass::Quota),
        404 => Some(FailureClass::Other),
        408 => Some(FailureClass::Network),
        413 => Some(FailureClass::ContextTooLong),
        429 => Some(FailureClass::RateLimit),
        500..=599 => Some(FailureClass::Overloaded),
        _ => None,
    }
}

/// The class of a status together with the words that came with it: a spent quota comes as 429 or 403 too.
#[must_use]
pub(crate) fn class_of_answer(status: Option<u64>, words: &str) -> Option<FailureClass> {
    let said = class_of(words);
    match (status, said) {
        (Some(429 | 403 | 402), Some(FailureClass::Quota)) => Some(FailureClass::Quota),
        (Some(400 | 413), said) => said.or(Some(FailureClass::Other)),
        (Some(status), said) => class_of_status(status).or(said),
        (None, said) => said,
    }
}

/// A failure from an agent's own error message alone: its class, and when it is over.
#[must_use]
pub(crate) fn of_message(message: &str, now_ms: i64, zone: &TimeZone) -> Failure {
    let class = class_of_answer(status_in(message), message).unwrap_or(FailureClass::Other);
    Failure::new(class, message).until(reset_ms(message, now_ms, zone))
}

/// The HTTP status that an error message names: after the word "status", or as its first word.
#[must_use]
pub(crate) fn status_in(message: &str) -> Option<u64> {
    let lower = message.to_lowercase();
    let after_word = lower.split_once("status").map_or("", |(_, rest)| rest);
    let after_word = after_word.trim_start_matches(" code").trim_start_matches([' ', ':', '=']);
    let first = lower.trim_start_matches(['[', ' ']).trim_start_matches("api error:").trim_start();
    [after_word, first].into_iter().find_map(|text| {
        let digits = text.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok().filter(|status| digits.len() == 3 && (400..600).contains(status))
    })
}

/// How an exit looks that nothing else explains.
#[must_use]
pub(crate) fn of_exit(exit: Option<&Exit>, words: &str) -> Option<Failure> {
    let class = match exit? {
        Exit::Signal(signal) => of_signal(*signal),
        Exit::Code(0) => return None,
        // What a shell, and Node's and Python's handlers, make of a signal.
        Exit::Code(code @ (129..=131 | 134 | 137 | 139 | 143)) => of_signal(code - 128),
        Exit::Code(_) => FailureClass::Crashed,
        // Paddock's own words say what happened; the agent did not run to its end, or not at all.
        Exit::NotStarted(_) | Exit::SetupFailed(_) | Exit::DiskFull(_) => return None,
    };
    Some(Failure::new(class, words))
}

fn of_signal(signal: i32) -> FailureClass {
    match signal {
        // Illegal instruction, trap, abort, bus error, arithmetic, segmentation: its own doing.
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
