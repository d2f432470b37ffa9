//! What is derived from the facts once per change, so that drawing costs what is on the screen.

use std::collections::BTreeMap;

use super::{Facts, Need};
use paddock_model::answers::Answers;
use paddock_model::budget::spent_since;
use paddock_model::ids::ProjectSlug;
use paddock_model::objective::Status;

/// What was spent today; unknown is none, never zero.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Spent {
    /// Dollars.
    pub usd: Option<f64>,
    /// Tokens.
    pub tokens: Option<u64>,
    /// Minutes of sessions.
    pub minutes: u64,
}

/// The numbers of the header and the lists that panes share, for the shown project.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Digest {
    /// The version of the facts that it was made from.
    pub version: u64,
    /// When it was made, in Unix milliseconds.
    pub made_ms: i64,
    /// Objectives by status.
    pub counts: BTreeMap<Status, usize>,
    /// All objectives.
    pub total: usize,
    /// Landed ones, and those that finished with nothing to land.
    pub landed: usize,
    /// Those that finished with nothing to land.
    pub unchanged: usize,
    /// Sessions that are not over.
    pub running: usize,
    /// Gate runs that are not over.
    pub gates: usize,
    /// Sessions at once.
    pub slots: u32,
    /// Entries of the merge queue.
    pub queue: usize,
    /// What waits for a human.
    pub needs: Vec<Need>,
    /// What waits for a human in other projects.
    pub elsewhere: Vec<Need>,
    /// What was spent today.
    pub spent: Spent,
}

impl Digest {
    /// Derives everything for a project.
    #[must_use]
    pub(crate) fn new(
        facts: &Facts,
        answers: &Answers,
        project: Option<&ProjectSlug>,
        (now_ms, day_ms): (i64, i64),
    ) -> Self {
        let state = &facts.state;
        let Some((slug, project)) = project.and_then(|slug| Some((slug, state.project(slug)?))) else {
            let elsewhere = elsewhere(facts, answers, None);
            return Self { version: facts.version, made_ms: now_ms, elsewhere, ..Self::default() };
        };
        let count = |status: Status| (status, state.in_status(slug, status).len());
        let counts: BTreeMap<Status, usize> = Status::ALL.iter().copied().map(count).collect();
        let done = state.objectives_of(slug).filter(|one| one.status == Status::Done);
        Self {
            version: facts.version,
            made_ms: now_ms,
            unchanged: done.filter(|one| !one.has_landed()).count(),
            total: counts.values().sum(),
            landed: counts.get(&Status::Done).copied().unwrap_or(0),
            counts,
            running: state.open_sessions().filter(|session| session.objective.project == *slug).count(),
            gates: state.open_gates().filter(|gate| gate.project == *slug).count(),
            slots: project.settings.max_parallel_sessions,
            queue: project.train.entries.len(),
            needs: (answers.needs)(state, slug),
            elsewhere: elsewhere(facts, answers, Some(slug)),
            spent: spent(facts, slug, day_ms, now_ms),
        }
    }
}

fn elsewhere(facts: &Facts, answers: &Answers, shown: Option<&ProjectSlug>) -> Vec<Need> {
    let others = facts.state.projects().map(|project| &project.slug).filter(|slug| Some(*slug) != shown);
    others.flat_map(|slug| (answers.needs)(&facts.state, slug)).collect()
}

fn spent(facts: &Facts, slug: &ProjectSlug, day_ms: i64, now_ms: i64) -> Spent {
    let spent = spent_since(&facts.state, slug, day_ms, now_ms, |_| None);
    Spent { usd: spent.known_usd(), tokens: spent.known_tokens(), minutes: spent.minutes }
}
