//! Faults in files that people write: what is wrong, where, and a correction.

use std::fmt;

use serde::Serialize;

/// A place in a text. Line 0 stands for the whole file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
pub struct Place {
    /// Line, from 1; 0 for the whole file.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
}

/// Whether a fault prevents the use of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The file is not used.
    Error,
    /// The file is used, but a person should look at it.
    Warning,
}

/// One fault of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigError {
    /// Name of the file for people (`projects/x.yaml`).
    pub file: String,
    /// Place of the fault in the file.
    pub place: Place,
    /// Key with its path (`session_defaults.max_minutes_per_session`, `agents[0].id`); empty for the whole
    /// file.
    pub key: String,
    /// Description of the fault.
    pub problem: String,
    /// Correction, if one is known.
    pub right: Option<String>,
    /// Whether the fault prevents the use of the file.
    pub severity: Severity,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        // `file:line:column:` is the form in which editors and terminals make places clickable.
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

/// Formats faults, one per line.
#[must_use]
pub fn display_all(errors: &[ConfigError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Returns the allowed word that `word` was probably meant to be, if one is similar enough.
#[must_use]
pub fn nearest<'w>(word: &str, right: &[&'w str]) -> Option<&'w str> {
    let lower = word.to_lowercase();
    let best = right.iter().map(|candidate| (distance(&lower, candidate), *candidate)).min()?;
    // A whole part of the right word (`parallel` for `max_parallel_sessions`) or a long common beginning is
    // enough, however many edits the rest would take. Short words are left out: `max` is a part of too many.
    let part = right.iter().find(|candidate| {
        lower.len() >= 4 && candidate.split('_').any(|piece| piece.len() >= 4 && piece == lower)
            || lower.len() >= 6 && (candidate.starts_with(&lower) || lower.starts_with(**candidate))
    });
    // One typing error in three characters. With more, unrelated short words would count as similar.
    let near_enough = best.0 <= (word.chars().count() / 3).max(1);
    if near_enough { Some(best.1) } else { part.copied().or_else(|| overlapping(&lower, right)) }
}

/// Returns the candidate with the longest common beginning, if that is at least two thirds of the word
/// (`max_paralel` → `max_parallel_sessions`).
fn overlapping<'w>(word: &str, right: &[&'w str]) -> Option<&'w str> {
    let shared = |candidate: &str| word.chars().zip(candidate.chars()).take_while(|(a, b)| a == b).count();
    let best = right.iter().max_by_key(|candidate| shared(candidate))?;
    (shared(best) >= 5 && shared(best) * 3 >= word.chars().count() * 2).then_some(*best)
}

/// Returns the number of edits (insert, delete, replace, swap of neighbours) between two words.
fn distance(one: &str, other: &str) -> usize {
    // The work grows with the product of the lengths, and a "word" may be a whole file that was pasted.
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
