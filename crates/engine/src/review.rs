//! Review: whether what a session left may go on to the merge queue, judged by facts.

use super::tamper::unnamed;
use paddock_model::facts::{HarvestFacts, SecretFact};
use paddock_model::finding::{Finding, FindingCode};
use paddock_model::objective::Objective;
use paddock_model::path::RepoPath;
use paddock_model::project::Project;
use paddock_model::scope::{Globs, ScopeError};
use paddock_model::settings::{ProjectSettings, ScopeRule};

/// Paths that only an integrator's sessions may change, whatever the settings say.
pub const ALWAYS_PROTECTED: &str = ".paddock/**";

/// Changes of tests that a finding tells one by one.
const TAMPERED_SHOWN_MAX: usize = 5;

/// What the review is made against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms<'a> {
    /// The project's settings.
    pub settings: &'a ProjectSettings,
    /// The objective's scope; empty = everything.
    pub path_scope: &'a [String],
    /// Of that, what recovery added by itself.
    pub grown_scope: &'a [String],
}

impl<'a> Terms<'a> {
    /// Those of an objective of this project.
    pub(crate) fn new(project: &'a Project, objective: &'a Objective) -> Self {
        Self {
            settings: &project.settings,
            path_scope: &objective.spec.path_scope,
            grown_scope: &objective.operated.grown_scope,
        }
    }
}

/// Everything that speaks against landing what the harvest found; nothing = it passes.
///
/// # Errors
/// When a glob of the settings or of the scope cannot be compiled.
pub(crate) fn review(facts: &HarvestFacts, terms: &Terms<'_>) -> Result<Vec<Finding>, ScopeError> {
    let mut findings = Vec::new();
    if terms.settings.path_scope == ScopeRule::Enforce {
        findings.extend(out_of_scope(&facts.net_paths, terms)?);
    }
    findings.extend(protected(facts, terms)?);
    findings.extend(secrets(facts));
    findings.extend(copied(facts, terms)?);
    findings.extend(reserved(&facts.net_paths));
    findings.extend(bad_links(&facts.bad_links));
    findings.extend(empty(facts));
    findings.extend(tampered(facts, terms)?);
    if !facts.uncommitted.is_empty() {
        let text = "changes were left uncommitted; commit what belongs to the work and remove the rest";
        findings.push(Finding::new(FindingCode::Uncommitted, text, facts.uncommitted.clone()));
    }
    if let Some(place) = &facts.head_elsewhere {
        let text = format!(
            "the worktree's HEAD is at {}, which does not descend from the work branch; kept under {}",
            place.commit.short(),
            place.kept_as
        );
        findings.push(Finding::new(FindingCode::HeadElsewhere, text, Vec::new()));
    }
    Ok(findings)
}

fn reserved(paths: &[RepoPath]) -> Option<Finding> {
    let found: Vec<RepoPath> = paths.iter().filter(|path| path.is_reserved()).cloned().collect();
    let text = "names that stand for the git directory, or a folder above, on some file system: git never checks them \
                out; rewrite the branch without them";
    (!found.is_empty()).then(|| Finding::new(FindingCode::Reserved, text, found))
}

fn bad_links(paths: &[RepoPath]) -> Option<Finding> {
    let text = "a link stands where git takes nothing but a file: git never checks it out; rewrite the branch without it";
    (!paths.is_empty()).then(|| Finding::new(FindingCode::Reserved, text, paths.to_vec()))
}

fn matching(paths: &[RepoPath], globs: &Globs, wanted: bool) -> Vec<RepoPath> {
    paths.iter().filter(|path| globs.matches(path.as_bytes()) == wanted).cloned().collect()
}

fn out_of_scope(paths: &[RepoPath], terms: &Terms<'_>) -> Result<Option<Finding>, ScopeError> {
    if terms.path_scope.is_empty() {
        return Ok(None);
    }
    let outside = out_of_scope_paths(paths, terms.path_scope, &terms.settings.shared_patterns)?;
    let text = format!("files outside the path scope ({}) changed", terms.path_scope.join(", "));
    Ok((!outside.is_empty()).then(|| Finding::new(FindingCode::OutOfScope, text, outside)))
}

/// The paths that neither the scope nor the shared patterns hold.
///
/// # Errors
/// When a glob cannot be compiled.
pub(crate) fn out_of_scope_paths(
    paths: &[RepoPath],
    path_scope: &[String],
    shared: &[String],
) -> Result<Vec<RepoPath>, ScopeError> {
    let allowed: Vec<String> = path_scope.iter().chain(shared).cloned().collect();
    Ok(matching(paths, &Globs::new(&allowed)?, false))
}

/// Judged per commit, for history lands too: undoing it in a later commit does not help.
fn secrets(facts: &HarvestFacts) -> Option<Finding> {
    let first = facts.secrets.first()?;
    let place = |fact: &SecretFact| match &fact.path {
        Some(path) => format!("{path} line {} in commit {}", fact.line, fact.commit.short()),
        None => format!("the message of commit {}", fact.commit.short()),
    };
    let text = format!(
        "a secret was committed ({}: {}), and the history of the branch lands, too: rewrite the branch so that \
         none of its commits holds it (for example `git reset --soft` to where the branch began, remove it, \
         commit anew); a further commit that removes it is not enough",
        first.kind,
        place(first)
    );
    let paths: Vec<RepoPath> = facts.secrets.iter().filter_map(|fact| fact.path.clone()).collect();
    let unique: std::collections::BTreeSet<RepoPath> = paths.into_iter().collect();
    Some(Finding::new(FindingCode::Secret, text, unique.into_iter().collect()))
}

/// Allowed where every commit that touches the path came from an integrator's session.
fn protected(facts: &HarvestFacts, terms: &Terms<'_>) -> Result<Option<Finding>, ScopeError> {
    let mut patterns = terms.settings.integrator_only_patterns.clone();
    patterns.push(ALWAYS_PROTECTED.to_owned());
    let mut touched = matching(&facts.net_paths, &Globs::new(&patterns)?, true);
    touched.retain(|path| !facts.integrator_paths.contains(path));
    let text = "protected files changed, which only an integrator's session may do";
    Ok((!touched.is_empty()).then(|| Finding::new(FindingCode::Protected, text, touched)))
}

fn copied(facts: &HarvestFacts, terms: &Terms<'_>) -> Result<Option<Finding>, ScopeError> {
    if terms.settings.worktree.copy.is_empty() {
        return Ok(None);
    }
    let touched = matching(&facts.net_paths, &Globs::new(&terms.settings.worktree.copy)?, true);
    let text = "files were committed that are only copied into the worktree";
    Ok((!touched.is_empty()).then(|| Finding::new(FindingCode::CopiedFile, text, touched)))
}

/// Tests that were there are the gate's: only an objective whose scope names them may take from them.
fn tampered(facts: &HarvestFacts, terms: &Terms<'_>) -> Result<Option<Finding>, ScopeError> {
    let mut found = unnamed(&facts.tampered, terms.path_scope, terms.grown_scope)?;
    found.retain(|tampered| tampered.how.is_plain());
    let shown: Vec<String> = found.iter().take(TAMPERED_SHOWN_MAX).map(ToString::to_string).collect();
    let more = if found.len() > shown.len() { ", and more" } else { "" };
    let text = format!(
        "tests that were there were weakened, or what the gate runs was changed: {}{more}. Put them back as they \
         were (adding tests is free); where the work needs them changed, stop and say so: a person has to name \
         these files in the scope",
        shown.join("; ")
    );
    let paths = found.iter().map(|tampered| tampered.path.clone()).collect();
    Ok((!found.is_empty()).then(|| Finding::new(FindingCode::Tampered, text, paths)))
}

/// The tests that are others than they were, without being weakened in any way that can be seen, and that the scope
/// does not name: the gate is run with them as they were.
///
/// # Errors
/// When a glob cannot be compiled.
pub(crate) fn guarded(facts: &HarvestFacts, terms: &Terms<'_>) -> Result<Vec<RepoPath>, ScopeError> {
    let found = unnamed(&facts.tampered, terms.path_scope, terms.grown_scope)?;
    Ok(found
        .iter()
        .filter(|tampered| !tampered.how.is_plain())
        .map(|tampered| tampered.path.clone())
        .collect())
}

/// Judged on the net change: empty commits beside real work do no harm.
fn empty(facts: &HarvestFacts) -> Option<Finding> {
    let all_empty = !facts.commits.is_empty() && facts.commits.iter().all(|commit| commit.is_empty);
    let text = "the commits change nothing";
    (all_empty && facts.net_paths.is_empty()).then(|| Finding::new(FindingCode::Empty, text, Vec::new()))
}
