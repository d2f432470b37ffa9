//! Marks of the code: a person decides whether code that looks as if it was written for the gate may land.
//!
//! A mark never rejects work and costs no retry. Marks that a gate run with the scripts of the base settles
//! are left to that run, if the project has a command that is `isolated`.

use crate::decide::scribe::Scribe;
use crate::review::{Terms, guarded};
use paddock_model::event::Fact;
use paddock_model::facts::HarvestFacts;
use paddock_model::ids::ObjectiveKey;
use paddock_model::marks::Mark;
use paddock_model::objective::Objective;
use paddock_model::path::RepoPath;
use paddock_model::project::Project;
use paddock_model::scope::Globs;
use paddock_model::settings::ProjectSettings;
use paddock_model::tamper::{How, Part, Tampered, patterns};

/// Marks that a reason names one by one.
const NAMED_MAX: usize = 5;
/// Tests that are isolated although they were only added to. The names go into an event.
const ISOLATED_MAX: usize = 200;

/// Records the marks of the head that was read, if they are not those that are known.
pub(super) fn note(scribe: &mut Scribe<'_>, key: &ObjectiveKey, facts: &HarvestFacts) {
    let Some(objective) = scribe.state.objective(key) else { return };
    let found = (!facts.marks.is_empty()).then(|| (facts.head.clone(), facts.marks.clone()));
    if objective.operated.marked != found {
        let (head, marks) = (facts.head.clone(), facts.marks.clone());
        scribe.record(Fact::MarksFound { objective: key.clone(), head, marks });
    }
}

/// Returns the question to a person, if the marks of the work ask for one.
pub(super) fn question(project: &Project, objective: &Objective, facts: &HarvestFacts) -> Option<String> {
    let settings = &project.settings;
    // Without a gate nobody has a reason to write code for it.
    if settings.verify.is_empty() || is_approved(objective, facts) {
        return None;
    }
    // All are named, as the person decides on all of them.
    let is_settled = |mark: &Mark| has_isolated(settings) && mark.kind.is_settled_by_isolation();
    if facts.marks.iter().all(is_settled) {
        return None;
    }
    let named: Vec<String> = facts.marks.iter().take(NAMED_MAX).map(ToString::to_string).collect();
    let more = facts.marks.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let id = &objective.key.id;
    Some(format!(
        "some code looks as if it was written for the gate and not for the users: {}{more}; `paddock objective \
         show {id}` lists the places, `paddock objective approve {id}` lands the work with them in its proof, \
         `paddock objective reject {id} --note TEXT` sends it back",
        named.join("; ")
    ))
}

/// Returns the files that have to be as they are on the base when the gate judges the work: tests and files of
/// the gate that the branch changed, and that its scope does not name. With a command that is `isolated` these
/// are also tests that were only added to, and files with marks that such a run settles.
pub(super) fn isolated_paths(
    project: &Project,
    objective: &Objective,
    facts: &HarvestFacts,
) -> Vec<RepoPath> {
    let settings = &project.settings;
    // A person's approval of this head covers all of them.
    if is_approved(objective, facts) || settings.verify.is_empty() {
        return Vec::new();
    }
    let terms = Terms::new(project, objective);
    if !has_isolated(settings) {
        return guarded(facts, &terms).unwrap_or_default();
    }
    let mut all = facts.clone();
    if let Ok(tests) = Globs::new(&patterns(settings.test_patterns.as_ref())) {
        let known: Vec<RepoPath> = all.tampered.iter().map(|tampered| tampered.path.clone()).collect();
        let found = facts.net_paths.iter().filter(|path| tests.matches(path.as_bytes()));
        let new = found.filter(|path| !known.contains(path)).take(ISOLATED_MAX);
        all.tampered.extend(new.map(|path| Tampered::new(path.clone(), Part::Tests, How::Changed)));
    }
    let mut paths = guarded(&all, &terms).unwrap_or_default();
    let settled = facts.marks.iter().filter(|mark| mark.kind.is_settled_by_isolation());
    paths.extend(settled.map(|mark| mark.path.clone()));
    paths.sort();
    paths.dedup();
    paths
}

fn has_isolated(settings: &ProjectSettings) -> bool {
    settings.verify.iter().any(|command| command.isolated)
}

fn is_approved(objective: &Objective, facts: &HarvestFacts) -> bool {
    objective.operated.approvals.last().is_some_and(|approval| approval.head == facts.head)
}
