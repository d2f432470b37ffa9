//! Values derived from the facts once per change, so that
//! the cost of a frame depends only on what the frame shows.

use std::collections::BTreeMap;

use super::{Facts, Need};
use paddock_model::answers::Answers;
use paddock_model::budget::spent_since;
use paddock_model::ids::ProjectSlug;
use paddock_model::objective::Status;

/// Amounts spent today. An amount that no agent reports is `None`, never zero.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Spent {
    /// Cost in US dollars.
    pub usd: Option<f64>,
    /// Tokens used.
    pub tokens: Option<u64>,
    /// Minutes that sessions ran, added up.
    pub minutes: u64,
}

/// Numbers for the header, and lists that several panes use, for the shown project.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Digest {
    /// [`Facts::version`] that it was derived from.
    pub version: u64,
    /// When it was derived, in Unix milliseconds.
    pub made_ms: i64,
    /// Number of objectives in each status.
    pub counts: BTreeMap<Status, usize>,
    /// Number of objectives.
    pub total: usize,
    /// Number of objectives that are done, whether or not they had anything to land.
    pub landed: usize,
    /// Number of objectives that are done and had nothing to land.
    pub unchanged: usize,
    /// Number of open sessions.
    pub running: usize,
    /// Number of open gate runs.
    pub gates: usize,
    /// Upper bound on parallel sessions, from the project's settings.
    pub slots: u32,
    /// Number of entries in the merge queue.
    pub queue: usize,
    /// What waits for a person in the shown project.
    pub needs: Vec<Need>,
    /// What waits for a person in the other projects.
    pub elsewhere: Vec<Need>,
    /// Amounts spent today in the shown project.
    pub spent: Spent,
}

impl Digest {
    /// Derives all values. `project` is the shown one; the tuple holds the current time and the last
    /// midnight, in Unix milliseconds.
    #[must_use]
    pub(crate) fn new(
        facts: &Facts,
        answers: &Answers,
        project: Option<&ProjectSlug>,
        (now_ms, day_ms): (i64, i64),
    ) -> Self {
        let state = &facts.state;
        // Without a project, needs of the others are still counted: a person may have removed the shown one.
        let Some((slug, project)) = project.and_then(|slug| Some((slug, state.project(slug)?))) else {
            let elsewhere = elsewhere(facts, answers, None);
            return Self { version: facts.version, made_ms: now_ms, elsewhere, ..Self::default() };
        };
        let count = |status: Status| (status, state.in_status(slug, status).len());
        let counts: BTreeMap<Status, usize> = Status::ALL.iter().copied().map(count).collect();
        // By status alone an objective that had nothing to land
        // counts as landed; the header has to tell them apart.
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

/// Returns what the project has spent since midnight. Usage that a running session has reported but not
/// recorded yet is left out.
fn spent(facts: &Facts, slug: &ProjectSlug, day_ms: i64, now_ms: i64) -> Spent {
    let spent = spent_since(&facts.state, slug, day_ms, now_ms, |_| None);
    Spent { usd: spent.known_usd(), tokens: spent.known_tokens(), minutes: spent.minutes }
}
