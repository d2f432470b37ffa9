//! Whether a match of a rule is a secret, or a placeholder, a sample or a look-alike.

use regex_automata::util::captures::Captures;

use super::rules::{Allow, Condition, Pattern, Rule, RuleSet, RulesError, Target};

/// Minimum number of different characters of any secret. `ghp_xxxx…` and the like are placeholders.
const DISTINCT_MIN: usize = 6;
/// Minimum number of different characters of a secret that must look random.
const RANDOM_MIN: usize = 8;
/// Maximum number of bytes of a line before and after a match that an allow-list sees.
const LINE_MAX: usize = 1_000;

/// A match of a rule, within the text that it was found in.
pub(super) struct Match<'t> {
    pub text: &'t [u8],
    /// Start and end of the whole match.
    pub whole: (usize, usize),
    /// Start and end of the secret.
    pub secret: (usize, usize),
}

impl<'t> Match<'t> {
    /// Reads a match; `None` if the pattern did not match or the group that is the secret is empty.
    pub(super) fn new(text: &'t [u8], captures: &Captures, group: Option<usize>) -> Option<Self> {
        let whole = captures.get_match()?;
        let span = match group {
            Some(group) => captures.get_group(group)?,
            None => {
                let groups = (1..captures.group_len()).filter_map(|group| captures.get_group(group));
                groups.into_iter().find(|span| !span.is_empty()).unwrap_or(whole.span())
            }
        };
        let secret = (span.start, span.end);
        (!span.is_empty()).then_some(Self { text, whole: (whole.start(), whole.end()), secret })
    }

    pub(super) fn secret(&self) -> &'t [u8] {
        &self.text[self.secret.0..self.secret.1]
    }

    fn part(&self, target: Target) -> &'t [u8] {
        match target {
            Target::Secret => self.secret(),
            Target::Match => &self.text[self.whole.0..self.whole.1],
            Target::Line => {
                let (start, end) = self.whole;
                let before = &self.text[start.saturating_sub(LINE_MAX)..start];
                let after = &self.text[end..self.text.len().min(end + LINE_MAX)];
                let head = before.iter().rev().take_while(|byte| **byte != b'\n').count();
                let tail = after.iter().take_while(|byte| **byte != b'\n').count();
                &self.text[start - head..end + tail]
            }
        }
    }
}

/// Returns whether a match is a secret. `path` is the path of its file, empty for a message.
pub(super) fn is_secret(
    set: &RuleSet,
    rule: &Rule,
    found: &Match<'_>,
    path: &[u8],
) -> Result<bool, RulesError> {
    let (spec, secret) = (&rule.spec, found.secret());
    let distinct = distinct(secret);
    let has = |kind: fn(&u8) -> bool| secret.iter().any(kind);
    let looks_random = !spec.random || distinct >= RANDOM_MIN && has(u8::is_ascii_digit);
    let is_mixed =
        !spec.mixed || has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    let has_entropy = spec.entropy == 0.0 || entropy(secret) > spec.entropy;
    if distinct < DISTINCT_MIN || !looks_random || !is_mixed || !has_entropy {
        return Ok(false);
    }
    for list in rule.allow.iter().chain(&set.allow) {
        if is_allowed(list, found, path)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_allowed(list: &Allow, found: &Match<'_>, path: &[u8]) -> Result<bool, RulesError> {
    let mut parts = Vec::new();
    if !list.paths.is_empty() {
        parts.push(any_matches(&list.paths, path)?);
    }
    if !list.regexes.is_empty() {
        parts.push(any_matches(&list.regexes, found.part(list.target))?);
    }
    if !list.stopwords.is_empty() {
        let secret = found.secret().to_ascii_lowercase();
        let has = |word: &String| secret.windows(word.len().max(1)).any(|part| part == word.as_bytes());
        parts.push(list.stopwords.iter().any(has));
    }
    Ok(match list.condition {
        Condition::Or => parts.contains(&true),
        Condition::And => !parts.is_empty() && !parts.contains(&false),
    })
}

/// Returns whether one of the patterns matches somewhere in a text.
pub(super) fn any_matches(patterns: &[Pattern], text: &[u8]) -> Result<bool, RulesError> {
    for pattern in patterns {
        if pattern.get()?.is_match(text) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn counts(text: &[u8]) -> [u32; 256] {
    let mut counts = [0; 256];
    text.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
    counts
}

fn distinct(text: &[u8]) -> usize {
    counts(text).iter().filter(|count| **count > 0).count()
}

/// Returns Shannon's entropy of a text, in bits a byte.
fn entropy(text: &[u8]) -> f64 {
    let length = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX));
    let shares = counts(text).into_iter().filter(|count| *count > 0).map(|count| f64::from(count) / length);
    -shares.map(|share| share * share.log2()).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_is_that_of_the_characters() {
        assert!((entropy(b"aaaa") - 0.0).abs() < 1e-9);
        assert!((entropy(b"abab") - 1.0).abs() < 1e-9);
        assert!((entropy(b"abcd") - 2.0).abs() < 1e-9);
    }
}
