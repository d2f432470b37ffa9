//! The summary that an agent writes at the end of its session. It is a claim, which Paddock checks against
//! facts.

use super::cut;
use serde::{Deserialize, Serialize};

/// Longest text of a field, in bytes.
pub(crate) const SUMMARY_TEXT_MAX_BYTES: usize = 4000;

/// Largest number of acceptance criteria.
pub(crate) const SUMMARY_CRITERIA_MAX: usize = 100;

/// How the agent says that its session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SummaryStatus {
    /// The objective is reached.
    Completed,
    /// Some of the work is left.
    Partial,
    /// The agent cannot continue without help.
    Blocked,
}

/// The summary of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionSummary {
    /// How the session ended.
    pub status: SummaryStatus,
    /// Number of commits that the agent claims; `None` if it claims none.
    pub commits_made: Option<u32>,
    /// Acceptance criteria, and whether each is met.
    pub criteria: Vec<(String, bool)>,
    /// Description of what was done.
    pub summary: String,
    /// Whether the agent wants another session.
    pub needs_follow_up: bool,
    /// What that session should do.
    pub follow_up_notes: String,
    /// Changes that the objective needs outside of its scope.
    pub out_of_scope_changes_needed: String,
    /// Whether the block was malformed YAML and was read key by key.
    pub lenient: bool,
}

impl SessionSummary {
    /// Cuts all texts and lists to what an event may store.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.criteria.truncate(SUMMARY_CRITERIA_MAX);
        let criteria = self.criteria.iter_mut().map(|(text, _)| text);
        let texts = [&mut self.summary, &mut self.follow_up_notes, &mut self.out_of_scope_changes_needed];
        for text in texts.into_iter().chain(criteria) {
            *text = cut::marked(text, SUMMARY_TEXT_MAX_BYTES);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        let long = "é".repeat(SUMMARY_TEXT_MAX_BYTES);
        let summary = SessionSummary {
            status: SummaryStatus::Partial,
            commits_made: None,
            criteria: vec![(long.clone(), true); 200],
            summary: long,
            needs_follow_up: false,
            follow_up_notes: "short".to_owned(),
            out_of_scope_changes_needed: String::new(),
            lenient: false,
        }
        .bounded();
        assert!(summary.summary.len() <= SUMMARY_TEXT_MAX_BYTES && summary.summary.ends_with("é…"));
        assert_eq!(
            (summary.criteria.len(), summary.follow_up_notes.as_str()),
            (SUMMARY_CRITERIA_MAX, "short")
        );
        assert!(summary.criteria[0].0.len() <= SUMMARY_TEXT_MAX_BYTES);
    }
}
