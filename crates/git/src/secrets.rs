//! Finding secrets in what was committed: private keys and tokens of common providers.
//!
//! A false alarm sends a good branch back, so a text counts only if it has a provider's own prefix, the right
//! length, and characters that look random. The secret itself is never shown or stored, only its kind and
//! place.

/// A kind of token: its prefix, and what follows it.
struct Token {
    kind: &'static str,
    prefix: &'static str,
    alphabet: Alphabet,
    /// Minimum number of characters after the prefix.
    min: usize,
    /// Maximum number; a longer run of such characters is something else.
    max: usize,
}

/// The characters that a token consists of.
#[derive(Clone, Copy)]
enum Alphabet {
    /// `A-Z0-9`
    Upper,
    /// `A-Za-z0-9`
    Word,
    /// `A-Za-z0-9_-`
    Url,
}

impl Alphabet {
    fn holds(self, byte: u8) -> bool {
        match self {
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Word => byte.is_ascii_alphanumeric(),
            Self::Url => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
        }
    }
}

const fn token(
    kind: &'static str,
    prefix: &'static str,
    alphabet: Alphabet,
    min: usize,
    max: usize,
) -> Token {
    Token { kind, prefix, alphabet, min, max }
}

/// Maximum length of any token, in bytes.
const LONG: usize = 300;

/// The tokens to find.
const TOKENS: &[Token] = &[
    token("AWS access key", "AKIA", Alphabet::Upper, 16, 16),
    token("AWS access key", "ASIA", Alphabet::Upper, 16, 16),
    token("GitHub token", "ghp_", Alphabet::Word, 36, LONG),
    token("GitHub token", "gho_", Alphabet::Word, 36, LONG),
    token("GitHub token", "ghu_", Alphabet::Word, 36, LONG),
    token("GitHub token", "ghs_", Alphabet::Word, 36, LONG),
    token("GitHub token", "ghr_", Alphabet::Word, 36, LONG),
    token("GitHub token", "github_pat_", Alphabet::Url, 82, LONG),
    token("GitLab token", "glpat-", Alphabet::Url, 20, LONG),
    token("Anthropic key", "sk-ant-", Alphabet::Url, 40, LONG),
    token("OpenAI key", "sk-proj-", Alphabet::Url, 40, LONG),
    token("Slack token", "xoxb-", Alphabet::Url, 24, LONG),
    token("Slack token", "xoxp-", Alphabet::Url, 24, LONG),
    token("Google API key", "AIza", Alphabet::Url, 35, 35),
    token("npm token", "npm_", Alphabet::Word, 36, 36),
    token("Stripe key", "sk_live_", Alphabet::Word, 24, LONG),
    token("Stripe key", "rk_live_", Alphabet::Word, 24, LONG),
];

/// Minimum number of different characters in a random text. `ghp_xxxx…` and the like are placeholders.
const DISTINCT_MIN: usize = 8;
/// Word that providers put into the keys of their manuals.
const SAMPLE: &[u8] = b"EXAMPLE";
/// Minimum number of characters in the first line of a key's body. A header without a body is found in the
/// source of every parser.
const KEY_BODY_MIN: usize = 40;
/// Maximum number of bytes between a key's header and its body: the key's own headers, and line ends written
/// as text.
const KEY_HEAD_MAX: usize = 400;
/// Maximum number of findings in one text. One finding already sends a branch back.
const FOUND_MAX: usize = 20;

/// A secret in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found<'a> {
    /// Kind of the secret, for people.
    pub kind: &'static str,
    /// The secret itself: for comparison, never for display.
    pub text: &'a [u8],
    /// Line of the secret, from 1.
    pub line: usize,
}

/// Returns the secrets in a text, in order, at most twenty.
#[must_use]
pub(crate) fn scan(text: &[u8]) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < text.len() && found.len() < FOUND_MAX {
        let rest = &text[at..];
        // The first bytes of all prefixes: a quick way past everything else.
        let hit = match rest[0] {
            b'A' | b'g' | b's' | b'r' | b'x' | b'n' => token_at(text, at),
            b'-' => key_at(rest),
            _ => None,
        };
        if let Some((kind, bytes)) = hit {
            found.push(Found { kind, text: &rest[..bytes], line });
        }
        let step = hit.map_or(1, |(_, bytes)| bytes);
        line += rest[..step].iter().filter(|byte| **byte == b'\n').count();
        at += step;
    }
    found
}

/// Returns kind and length of the token that begins at a place, if one does.
fn token_at(text: &[u8], at: usize) -> Option<(&'static str, usize)> {
    let before = at.checked_sub(1).map(|place| text[place]);
    // Within a word the prefix is a part of a name (`task-proj-`, `my_ghp_`).
    if before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return None;
    }
    let rest = &text[at..];
    let token = TOKENS.iter().find(|token| rest.starts_with(token.prefix.as_bytes()))?;
    let body = &rest[token.prefix.len()..];
    // Reads one character more than allowed, so that a longer run is not taken for a token.
    let length = body.iter().take(LONG + 1).take_while(|byte| token.alphabet.holds(**byte)).count();
    let body = &body[..length];
    let has_length = (token.min..=token.max).contains(&length);
    let is_sample = body.windows(SAMPLE.len()).any(|part| part == SAMPLE);
    (has_length && !is_sample && looks_random(body)).then_some((token.kind, token.prefix.len() + length))
}

/// Returns whether a text looks random: enough different characters, and a digit.
fn looks_random(body: &[u8]) -> bool {
    let mut seen = [false; 256];
    body.iter().for_each(|byte| seen[usize::from(*byte)] = true);
    let has_digit = body.iter().any(u8::is_ascii_digit);
    has_digit && seen.iter().filter(|seen| **seen).count() >= DISTINCT_MIN
}

/// Returns kind and length of the private key that begins there: its header and the first line of its body.
fn key_at(rest: &[u8]) -> Option<(&'static str, usize)> {
    let after = rest.strip_prefix(b"-----BEGIN ")?;
    let words = after.iter().take(60).take_while(|byte| byte.is_ascii_uppercase() || **byte == b' ').count();
    let label = &after[..words];
    let is_private = label.ends_with(b"PRIVATE KEY") || label.ends_with(b"PRIVATE KEY BLOCK");
    let body = after[words..].strip_prefix(b"-----").filter(|_| is_private)?;
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let mut start = 0;
    while start < body.len().min(KEY_HEAD_MAX) {
        // A line end may be written as text (`\n` in a string), whose letter is no part of the key.
        if body[start] == b'\\' {
            start += 2;
            continue;
        }
        let run = body[start..].iter().take_while(|byte| is_base64(**byte)).count();
        if run >= KEY_BODY_MIN {
            return looks_random(&body[start..start + run])
                .then(|| ("private key", rest.len() - body.len() + start + run));
        }
        start += run.max(1);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes a token up, so that no source file contains one.
    fn random_text(length: usize) -> String {
        (0..length).map(|n| char::from(b"aB3dE5gH7jK9mN1pQ2sT4vW6xY8z"[(n * 11 + n / 28) % 28])).collect()
    }

    fn kinds(text: &str) -> Vec<&'static str> {
        scan(text.as_bytes()).iter().map(|found| found.kind).collect()
    }

    fn key(label: &str, line_end: &str) -> String {
        format!("-----BEGIN {label}-----{line_end}{}{line_end}-----END {label}-----", random_text(64))
    }

    #[test]
    fn tokens_of_the_right_length_are_found_with_their_line() {
        for (prefix, length) in [
            ("ghp_", 36),
            ("github_pat_", 82),
            ("glpat-", 20),
            ("sk-ant-api03-", 95),
            ("sk-proj-", 48),
            ("xoxb-", 50),
            ("AIza", 35),
            ("npm_", 36),
            ("sk_live_", 24),
        ] {
            let text = format!("first\nTOKEN=\"{prefix}{}\"\n", random_text(length));
            let found = scan(text.as_bytes());
            assert_eq!((found.len(), found[0].line), (1, 2), "{prefix}");
        }
        assert_eq!(kinds(&format!("AKIA{}", random_text(16).to_uppercase())), ["AWS access key"]);
    }

    #[test]
    fn placeholders_samples_and_similar_words_are_not_found() {
        for text in [
            format!("ghp_{}", "x".repeat(36)),
            "AKIAIOSFODNN7EXAMPLE".to_owned(),
            format!("ghp_{}", random_text(20)),
            format!("npm_{}", random_text(60)),
            format!("my_ghp_{}", random_text(36)),
            "npm_config_registry_and_other_settings_of_it".to_owned(),
            format!("task-proj-{}", random_text(50)),
            "-----BEGIN PRIVATE KEY-----".to_owned(),
            "if text.contains(\"-----BEGIN RSA PRIVATE KEY-----\") { return Err(Kind::NotAKey) }".to_owned(),
            key("PUBLIC KEY", "\n"),
            key("CERTIFICATE", "\n"),
        ] {
            assert!(kinds(&text).is_empty(), "{text}");
        }
    }

    #[test]
    fn private_keys_are_found_on_lines_of_their_own_and_within_a_string() {
        assert_eq!(kinds(&key("RSA PRIVATE KEY", "\n")), ["private key"]);
        assert_eq!(kinds(&key("OPENSSH PRIVATE KEY", "\r\n")), ["private key"]);
        assert_eq!(kinds(&key("PRIVATE KEY", "\\n")), ["private key"]);
        let headed = format!(
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n{}\n",
            random_text(64)
        );
        assert_eq!(kinds(&headed), ["private key"]);
    }

    #[test]
    fn any_bytes_can_be_read() {
        let mut text = vec![0xff, 0xfe, b'-', b'A', 0];
        text.extend_from_slice(format!("ghs_{}", random_text(40)).as_bytes());
        assert_eq!(scan(&text).len(), 1);
        assert!(scan(b"").is_empty() && scan(b"-----BEGIN ").is_empty());
    }
}
