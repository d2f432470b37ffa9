//! What an agent says of its session at the end (SPEC 5.3): a claim that facts are held against.

use super::cut;
use serde::{Deserialize, Serialize};

/// The longest text kept of a summary's field, in bytes.
pub(crate) const SUMMARY_TEXT_MAX_BYTES: usize = 4000;

/// The most acceptance criteria kept.
pub(crate) const SUMMARY_CRITERIA_MAX: usize = 100;

/// How the agent says that its session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SummaryStatus {
    /// The objective is reached.
    Completed,
    /// There is more to do.
    Partial,
    /// It can't go on without help.
    Blocked,
}

/// The summary block of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionSummary {
    /// How it ended.
    pub status: SummaryStatus,
    /// Commits that it says to have made.
    pub commits_made: Option<u32>,
    /// Each acceptance criterion, and whether it is met.
    pub criteria: Vec<(String, bool)>,
    /// What was done.
    pub summary: String,
    /// Whether another session is wanted.
    pub needs_follow_up: bool,
    /// What that session should do.
    pub follow_up_notes: String,
    /// Changes outside the scope that the objective needs.
    pub out_of_scope_changes_needed: String,
    /// The block was not quite YAML and was read key by key.
    pub lenient: bool,
}

impl SessionSummary {
    /// Cuts every text and list to what may be kept in an event.
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
