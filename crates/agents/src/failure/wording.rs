//! Classifies failures by wording. Each phrase occurs in the error messages of a provider or an agent
//! program.

use FailureClass as C;
use paddock_model::cut;

use paddock_model::failure::FailureClass;

/// The phrases of each class. The first class with a match wins, so specific phrases come before general
/// ones.
const PHRASES: &[(FailureClass, &[&str])] = &[
    (
        C::ContextTooLong,
        &[
            "prompt is too long",
            "maximum context length",
            "context window",
            "context_length_exceeded",
            "context.overflow",
            "contextoverflow",
            "context length",
            "input token count",
            "exceeds the token limit",
            "too many tokens",
            "request too large",
        ],
    ),
    (
        C::Quota,
        &[
            "usage limit",
            "hit your limit",
            "session limit",
            "daily limit",
            "weekly limit",
            "monthly limit",
            "spending limit",
            "5-hour limit",
            "out of extra usage",
            "out of usage",
            "insufficient_quota",
            "insufficient quota",
            "insufficient balance",
            "current quota",
            "token quota",
            "daily quota",
            "quota exceeded",
            "exceeded your quota",
            "credit balance",
            "out of credits",
            "account balance",
            "payment required",
            "terminalquotaerror",
        ],
    ),
    (
        C::RateLimit,
        &[
            "rate limit",
            "rate_limit",
            "ratelimit",
            "too many requests",
            "resource has been exhausted",
            "resource_exhausted",
            "(429)",
            "status: 429",
            "status 429",
        ],
    ),
    (
        C::Refused,
        &[
            "not inside a trusted directory",
            "trusted directory",
            "untrusted",
            "do you trust",
            "cannot be used with root",
            "requires approval",
            "require approval",
            "waiting for approval",
            "permission prompt",
        ],
    ),
    (
        C::Authentication,
        &[
            "invalid api key",
            "incorrect api key",
            "api key not valid",
            "api_key_invalid",
            "invalid_api_key",
            "api key is missing",
            "no api key",
            "unauthorized",
            "authentication",
            "auth_error",
            "not logged in",
            "please log in",
            "please login",
            "/login",
            "token has expired",
            "token expired",
            "oauth token",
            "credentials",
            "status: 401",
            "status 401",
            "status 403",
        ],
    ),
    (
        C::Overloaded,
        &[
            "overloaded",
            "at capacity",
            "high demand",
            "internal server error",
            "internal error has occurred",
            "server had an error",
            "service unavailable",
            "serviceunavailable",
            "bad gateway",
            "empty response",
            "status: 5",
            "status 5",
        ],
    ),
    (
        C::Network,
        &[
            "econnreset",
            "econnrefused",
            "enotfound",
            "etimedout",
            "eai_again",
            "connection dropped",
            "connection reset",
            "connection refused",
            "connection error",
            "connection closed",
            "connection was closed",
            "cannot connect to api",
            "stream disconnected",
            "stream ended without",
            "stream closed",
            "fetch failed",
            "socket hang up",
            "network error",
            "unable to connect",
            "could not connect",
            "getaddrinfo",
            "idle timeout",
            "request timed out",
            "terminated",
        ],
    ),
];

/// Returns the class of an agent's own error message, or `None` if no known phrase occurs in it.
#[must_use]
pub(crate) fn class_of(message: &str) -> Option<FailureClass> {
    // Error messages are short. In the middle of a long one there may be anything that the program quotes;
    // its own words are at the beginning and at the end.
    let lower = both_ends(message).to_lowercase();
    let names = |phrases: &[&str]| phrases.iter().any(|phrase| lower.contains(phrase));
    let named = PHRASES.iter().find(|(_, phrases)| names(phrases)).map(|(class, _)| *class);
    // The other classes are about something else that went wrong; a limit of a plan explains all of them.
    match named {
        None | Some(C::Network | C::Overloaded) if names_limit(&lower) => Some(C::Quota),
        _ => named,
    }
}

/// Longest name of what a limit is on, in words: `You've hit your Opus 4 weekly limit`.
const LIMIT_NAME_WORDS: usize = 5;

/// Returns whether a message says that a limit of the user's plan was reached, whatever the limit is called:
/// `hit your Opus limit`, `reached your Sonnet 5 limit`, `Opus limit reached ∙ resets 3pm`.
fn names_limit(lower: &str) -> bool {
    let is_yours = ["hit your ", "reached your ", "exceeded your ", "used up your "].iter().any(|begin| {
        lower.match_indices(begin).any(|(at, _)| {
            let mut name = lower[at + begin.len()..].split_whitespace().take(LIMIT_NAME_WORDS);
            name.any(|word| {
                matches!(word.trim_end_matches(|c: char| !c.is_alphanumeric()), "limit" | "limits")
            })
        })
    });
    // A "limit reached" can be on anything (turns, retries); one that resets is of the plan.
    let is_renewed = lower.contains("limit reached") && lower.contains("reset");
    is_yours || is_renewed
}

const END_BYTES: usize = 2_000;

fn both_ends(text: &str) -> String {
    if text.len() <= 2 * END_BYTES {
        return text.to_owned();
    }
    format!("{} {}", cut::start(text, END_BYTES), cut::end(text, END_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_messages_that_agents_end_with_have_their_class() {
        let table = [
            ("You’ve hit your usage limit. Upgrade to Pro or try again at 2:53 PM.", Some(C::Quota)),
            ("You've hit your limit · resets 3pm (UTC)", Some(C::Quota)),
            ("You're out of extra usage · resets Nov 26, 1:33am (UTC)", Some(C::Quota)),
            ("You've hit your Opus limit · resets 3pm (UTC)", Some(C::Quota)),
            ("You’ve hit your Fable 5 limit", Some(C::Quota)),
            ("You have reached your Sonnet weekly limit.", Some(C::Quota)),
            ("Opus limit reached ∙ resets 3pm", Some(C::Quota)),
            ("You've hit your org's monthly spend limit", Some(C::Quota)),
            ("You have hit your rate limit", Some(C::RateLimit)),
            ("turn limit reached", None),
            ("the file size limit of the disk", None),
            ("exceeded retry limit, last status: 429 Too Many Requests", Some(C::RateLimit)),
            ("unexpected status 401 Unauthorized: Incorrect API key provided", Some(C::Authentication)),
            ("Codex ran out of room in the model's context window.", Some(C::ContextTooLong)),
            ("Selected model is at capacity. Please try a different model.", Some(C::Overloaded)),
            ("Cannot connect to API: The socket connection was closed unexpectedly.", Some(C::Network)),
            ("stream disconnected before completion: idle timeout waiting for SSE", Some(C::Network)),
            ("Not inside a trusted directory and --skip-git-repo-check was not specified.", Some(C::Refused)),
            ("The model `m` does not exist or you do not have access to it.", None),
            ("", None),
        ];
        for (text, class) in table {
            assert_eq!(class_of(text), class, "{text}");
        }
        assert_eq!(class_of(&format!("{}é rate limit", "é".repeat(9_000))), Some(C::RateLimit));
    }
}
