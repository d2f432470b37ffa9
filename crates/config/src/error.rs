//! What is wrong with something a person wrote, where, and what would be right.

use std::fmt;

use serde::Serialize;

/// A place in a text: line and column, both from 1; 0 = the whole file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
pub struct Place {
    /// The line, from 1.
    pub line: u64,
    /// The column in characters, from 1.
    pub column: u64,
}

/// Whether a fault stops the file from being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The file is not used.
    Error,
    /// The file is used, and somebody should look.
    Warning,
}

/// One fault of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigError {
    /// The file, as people call it (`projects/x.yaml`).
    pub file: String,
    /// Where in it.
    pub place: Place,
    /// The key, with its path (`session_defaults.max_minutes_per_session`, `agents[0].id`); empty = the file.
    pub key: String,
    /// What is wrong.
    pub problem: String,
    /// What would be right, when that is known.
    pub right: Option<String>,
    /// Whether it stops the file from being used.
    pub severity: Severity,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.place.line > 0 {
            write!(f, ":{}:{}", self.place.line, self.place.column)?;
        }
        let warning = if self.severity == Severity::Warning { "warning: " } else { "" };
        write!(f, ": {warning}{}", self.problem)?;
        match &self.right {
            Some(right) => write!(f, "; {right}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ConfigError {}

/// All faults on lines of their own.
#[must_use]
pub fn display_all(errors: &[ConfigError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The nearest of the right words, if any is near enough to be what was meant.
#[must_use]
pub fn nearest<'w>(word: &str, right: &[&'w str]) -> Option<&'w str> {
    let lower = word.to_lowercase();
    let best = right.iter().map(|candidate| (distance(&lower, candidate), *candidate)).min()?;
    // A word that merely begins or ends the right one is meant, however much is missing.
    let part = right.iter().find(|candidate| {
        lower.len() >= 4 && candidate.split('_').any(|piece| piece.len() >= 4 && piece == lower)
            || lower.len() >= 6 && (candidate.starts_with(&lower) || lower.starts_with(**candidate))
    });
    let near_enough = best.0 <= (word.chars().count() / 3).max(1);
    if near_enough { Some(best.1) } else { part.copied().or_else(|| overlapping(&lower, right)) }
}

/// The candidate that shares the longest beginning, when that is most of the word (`max_paralel` → …).
fn overlapping<'w>(word: &str, right: &[&'w str]) -> Option<&'w str> {
    let shared = |candidate: &str| word.chars().zip(candidate.chars()).take_while(|(a, b)| a == b).count();
    let best = right.iter().max_by_key(|candidate| shared(candidate))?;
    (shared(best) >= 5 && shared(best) * 3 >= word.chars().count() * 2).then_some(*best)
}

/// Edits (insert, delete, replace, swap of neighbours) between two words.
fn distance(one: &str, other: &str) -> usize {
    let a: Vec<char> = one.chars().take(80).collect();
    let b: Vec<char> = other.chars().take(80).collect();
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replace = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut cost = replace.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                cost = cost.min(rows[i - 2][j - 2] + 1);
            }
            row.push(cost);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_right_word_is_found_and_a_strange_one_is_not() {
        let right = ["max_parallel_sessions", "name", "verify", "worktree", "worktrees_root"];
        assert_eq!(nearest("max_paralel", &right), Some("max_parallel_sessions"));
        assert_eq!(nearest("max_parallel", &right), Some("max_parallel_sessions"));
        assert_eq!(nearest("nmae", &right), Some("name"));
        assert_eq!(nearest("Verify", &right), Some("verify"));
        assert_eq!(nearest("worktree_root", &right), Some("worktrees_root"));
        assert_eq!(nearest("banana", &right), None);
        assert_eq!(nearest("项目", &right), None);
        assert_eq!(nearest("x", &[]), None);
    }
}
