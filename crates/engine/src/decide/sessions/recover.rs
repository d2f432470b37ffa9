//! Level 2 of recovery: a scope is widened without a person.

use crate::decide::scopes::holders;
use crate::decide::scribe::Scribe;
use crate::decide::sessions::ends::Outcome;
use crate::review::out_of_scope_paths;
use crate::widen_scope::{are_allowed, asked_for, smallest_globs};
use paddock_model::event::Fact;
use paddock_model::finding::FindingCode;
use paddock_model::ids::ObjectiveKey;
use paddock_model::operate::By;
use paddock_model::path::RepoPath;
use paddock_model::scope::Globs;
use paddock_model::session::SessionEnd;
use paddock_model::settings::OverlapRule;
use paddock_model::tamper::{is_runner_file, patterns};

/// Widens the objective's scope if the narrow scope is the only obstacle to a session's work. Returns whether
/// it was widened; the findings about the scope are void then.
pub(in crate::decide) fn widen(scribe: &mut Scribe<'_>, key: &ObjectiveKey, outcome: &Outcome) -> bool {
    let Some(paths) = wanted(scribe, key, outcome) else { return false };
    let Some(globs) = globs_for(scribe, key, &paths) else { return false };
    if !is_allowed(scribe, key, &paths)
        || concerns_gate(scribe, key, outcome, &paths)
        || meets_others(scribe, key, &globs)
    {
        return false;
    }
    // The globs are marked as automatic: the tamper guard does not take them for a person's word.
    scribe.record(Fact::ScopeWidened { objective: key.clone(), globs, by: By::Automatic });
    true
}

/// Returns globs for the paths. Tests get one each: a glob for their folder would let in others.
fn globs_for(scribe: &Scribe<'_>, key: &ObjectiveKey, paths: &[RepoPath]) -> Option<Vec<String>> {
    let settings = &scribe.state.project(&key.project)?.settings;
    let tests = Globs::new(&patterns(settings.test_patterns.as_ref())).ok()?;
    let (tests, others): (Vec<RepoPath>, Vec<RepoPath>) =
        paths.iter().cloned().partition(|path| tests.matches(path.as_bytes()));
    let mut globs = smallest_globs(&others)?;
    for test in tests {
        globs.extend(smallest_globs(&[test])?);
    }
    Some(globs)
}

/// Returns the files to widen the scope by: those that a completed session changed outside of it, or those
/// that a stopped session requests. `None` if the review found any other fault, as widening would not repair
/// it.
fn wanted(scribe: &Scribe<'_>, key: &ObjectiveKey, outcome: &Outcome) -> Option<Vec<RepoPath>> {
    let (facts, objective) = (outcome.facts.as_ref()?, scribe.state.objective(key)?);
    let is_only_fault = outcome.findings.iter().all(|finding| finding.code == FindingCode::OutOfScope);
    if outcome.problem.is_some() || objective.spec.path_scope.is_empty() || !is_only_fault {
        return None;
    }
    match (outcome.end, outcome.findings.is_empty()) {
        (SessionEnd::Completed, false) => {
            let settings = &scribe.state.project(&key.project)?.settings;
            out_of_scope_paths(&facts.net_paths, &objective.spec.path_scope, &settings.shared_patterns).ok()
        }
        (SessionEnd::Partial | SessionEnd::Blocked, true) => {
            asked_for(&facts.summary.as_ref()?.out_of_scope_changes_needed)
        }
        (SessionEnd::Completed, true) | (SessionEnd::Partial | SessionEnd::Blocked, false) => None,
        (
            SessionEnd::OverBudget
            | SessionEnd::Failed
            | SessionEnd::Stalled
            | SessionEnd::Interrupted
            | SessionEnd::Lost
            | SessionEnd::Killed,
            _,
        ) => None,
    }
}

fn is_allowed(scribe: &Scribe<'_>, key: &ObjectiveKey, paths: &[RepoPath]) -> bool {
    let (Some(project), Some(objective)) = (scribe.state.project(&key.project), scribe.state.objective(key))
    else {
        return false;
    };
    let recovery = &project.settings.recovery;
    // A glob in the settings that cannot be compiled allows nothing.
    objective.expansions < recovery.max_expansions && are_allowed(paths, &recovery.expand).unwrap_or(false)
}

/// Returns whether one of the paths is a test that was there before, or takes part in the gate: no scope grows
/// there without a person. A new test may be let in by its own path.
fn concerns_gate(scribe: &Scribe<'_>, key: &ObjectiveKey, outcome: &Outcome, paths: &[RepoPath]) -> bool {
    let (Some(facts), Some(project)) = (outcome.facts.as_ref(), scribe.state.project(&key.project)) else {
        return true;
    };
    let Ok(tests) = Globs::new(&patterns(project.settings.test_patterns.as_ref())) else { return true };
    let is_named_by_gate =
        |path: &str| project.settings.verify.iter().any(|command| command.run.contains(path));
    let tampered: Vec<&RepoPath> = facts.tampered.iter().map(|tampered| &tampered.path).collect();
    let is_done = outcome.end == SessionEnd::Completed;
    paths.iter().any(|path| {
        let text = path.to_string();
        let is_test = tests.matches(path.as_bytes());
        tampered.contains(&path) || is_runner_file(&text) || is_named_by_gate(&text) || (is_test && !is_done)
    })
}

/// Returns whether work in progress holds a scope that overlaps these globs: two branches must not change the
/// same files. Scopes that cannot be compared count as overlapping.
fn meets_others(scribe: &mut Scribe<'_>, key: &ObjectiveKey, globs: &[String]) -> bool {
    let Some(project) = scribe.state.project(&key.project) else { return true };
    if project.settings.path_conflicts == OverlapRule::Allow {
        return false;
    }
    let shared = project.settings.shared_patterns.clone();
    let others = holders(scribe.state, &key.project).into_iter().filter(|other| other != key);
    others.into_iter().any(|other| {
        let scope = scribe.state.objective(&other).map(|o| o.spec.path_scope.as_slice()).unwrap_or_default();
        !matches!(scribe.memo.overlaps.overlap(globs, scope, &shared), Ok(None))
    })
}
