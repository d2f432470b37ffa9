//! Review: whether the work that a session left may enter the merge queue.
//!
//! The review goes by what git shows of the branch, never by what the agent says about it.

use std::collections::BTreeSet;

use super::listing::a_few_of;
use super::tamper::{Leave, is_everything, is_open_scope, unnamed};
use paddock_model::facts::{HarvestFacts, LeftBehind, SecretFact};
use paddock_model::finding::{Finding, FindingCode};
use paddock_model::objective::Objective;
use paddock_model::path::RepoPath;
use paddock_model::project::{Project, integration_ref};
use paddock_model::refs::StashTaken;
use paddock_model::scope::{Globs, ScopeError};
use paddock_model::settings::{ProjectSettings, ScopeRule};
use paddock_model::tamper::{How, Part, Tampered, patterns};

/// Paths that only an integrator's sessions may change, whatever the settings say: the project file holds the
/// gate's commands.
pub const ALWAYS_PROTECTED: &str = ".paddock/**";

/// Changes to tests that a finding describes one by one.
const TAMPERED_SHOWN_MAX: usize = 20;

/// New tests that are left out of a guard's run together with what they may depend on.
const GUARDED_MAX: usize = 1_000;

/// Files that the text of a finding names. The finding lists more of them.
const NAMED_MAX: usize = 3;

/// The rules that a branch is reviewed by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms<'a> {
    /// Settings of the project.
    pub settings: &'a ProjectSettings,
    /// Globs of the objective's scope. Empty if it may change everything.
    pub path_scope: &'a [String],
    /// Globs of `path_scope` that recovery added by itself.
    pub grown_scope: &'a [String],
    /// Acceptance criteria of the objective.
    pub criteria: &'a [String],
    /// Name of the objective, for the commands that a finding offers.
    pub id: &'a str,
}

impl<'a> Terms<'a> {
    /// Returns the rules for an objective of this project.
    pub(crate) fn new(project: &'a Project, objective: &'a Objective) -> Self {
        Self {
            settings: &project.settings,
            path_scope: &objective.spec.path_scope,
            grown_scope: &objective.operated.grown_scope,
            criteria: &objective.spec.acceptance_criteria,
            id: objective.key.id.as_str(),
        }
    }

    /// Returns the changes to tests and to the gate's files that the objective does not name.
    fn unnamed<'t>(&self, facts: &'t HarvestFacts) -> Result<Vec<&'t Tampered>, ScopeError> {
        let tests = patterns(self.settings.test_patterns.as_ref());
        let (scope, grown, criteria) = (self.path_scope, self.grown_scope, self.criteria);
        unnamed(&facts.tampered, &Leave { tests: &tests, scope, grown, criteria })
    }
}

/// Returns the faults that speak against landing the branch. Without any, it passes.
///
/// All faults are reported together, so that one correction session can repair them all.
///
/// # Errors
/// Fails if a glob of the settings or of the scope cannot be compiled.
pub(crate) fn review(facts: &HarvestFacts, terms: &Terms<'_>) -> Result<Vec<Finding>, ScopeError> {
    // Without enforcement, a scope only guides agents and keeps parallel work apart.
    let mut findings = Vec::new();
    if terms.settings.path_scope == ScopeRule::Enforce {
        findings.extend(out_of_scope(&facts.net_paths, terms)?);
    }
    findings.extend(protected(facts, terms)?);
    findings.extend(secrets(facts));
    findings.extend(unsearched(facts, terms));
    findings.extend(copied(facts, terms)?);
    findings.extend(set_up(facts, terms)?);
    findings.extend(reserved(&facts.net_paths));
    findings.extend(bad_links(&facts.bad_links));
    findings.extend(left_behind(facts, terms));
    findings.extend(empty(facts));
    findings.extend(tampered(facts, terms)?);
    if !facts.uncommitted.is_empty() {
        let text = "changes were left uncommitted; commit what belongs to the work and remove the rest";
        findings.push(Finding::new(FindingCode::Uncommitted, text, facts.uncommitted.clone()));
    }
    if let Some(place) = &facts.head_elsewhere {
        let text = format!(
            "the worktree's HEAD is at {}, which does not descend from the work branch; its commits are \
             kept under {}",
            place.commit.short(),
            place.kept_as
        );
        findings.push(Finding::new(FindingCode::HeadElsewhere, text, Vec::new()));
    }
    findings.extend(facts.stash_taken.iter().map(stash_taken));
    Ok(findings)
}

/// Only the person whose work it is knows whether it may land.
fn stash_taken(taken: &StashTaken) -> Finding {
    let files = quoted(&taken.paths);
    let what = match taken.put_back {
        true => format!("took your {}, which Paddock put back into the stash", taken.entry),
        false => format!("used your {}", taken.entry),
    };
    let text = format!("a session of this objective {what}; its {files} would land with the branch");
    Finding::new(FindingCode::StashTaken, text, taken.paths.clone())
}

fn reserved(paths: &[RepoPath]) -> Option<Finding> {
    let found: Vec<RepoPath> = paths.iter().filter(|path| path.is_reserved()).cloned().collect();
    let text = format!(
        "committed {}: on some file systems such a name stands for the git directory or a folder above it, \
         so git never checks it out; rewrite the branch without it",
        quoted(&found)
    );
    (!found.is_empty()).then(|| Finding::new(FindingCode::Reserved, text, found))
}

fn bad_links(paths: &[RepoPath]) -> Option<Finding> {
    let text = format!(
        "committed {} as a symbolic link: git accepts nothing but a file there, and never checks it out; \
         rewrite the branch without it",
        quoted(paths)
    );
    (!paths.is_empty()).then(|| Finding::new(FindingCode::Reserved, text, paths.to_vec()))
}

/// What a commit only names is not in its tree: after the landing nobody could check it out. A person may know
/// that it is where others find it.
fn left_behind(facts: &HarvestFacts, terms: &Terms<'_>) -> Option<Finding> {
    let described = |left: &LeftBehind| format!("`{}`: {}", left.path, left.reason);
    let found: Vec<String> = facts.left_behind.iter().map(described).collect();
    let text = format!(
        "not all that the work names could be brought home from the session's folder ({}); put it there, or take it \
         out of the work; a person who knows that others have it accepts it with `paddock objective approve {}`",
        a_few_of(&found, NAMED_MAX),
        terms.id
    );
    let paths: BTreeSet<RepoPath> = facts.left_behind.iter().map(|left| left.path.clone()).collect();
    (!found.is_empty()).then(|| Finding::new(FindingCode::LeftBehind, text, paths.into_iter().collect()))
}

/// Returns the first few paths in backticks, and the number of the others.
fn quoted(paths: &[RepoPath]) -> String {
    let names: Vec<String> = paths.iter().map(|path| format!("`{path}`")).collect();
    a_few_of(&names, NAMED_MAX)
}

/// Returns "is" or "are", for a relative clause about the paths.
fn is_or_are(paths: &[RepoPath]) -> &'static str {
    if paths.len() == 1 { "is" } else { "are" }
}

fn matching(paths: &[RepoPath], globs: &Globs, wanted: bool) -> Vec<RepoPath> {
    paths.iter().filter(|path| globs.matches(path.as_bytes()) == wanted).cloned().collect()
}

fn out_of_scope(paths: &[RepoPath], terms: &Terms<'_>) -> Result<Option<Finding>, ScopeError> {
    if terms.path_scope.is_empty() {
        return Ok(None);
    }
    let outside = out_of_scope_paths(paths, terms.path_scope, &terms.settings.shared_patterns)?;
    let (changed, is) = (quoted(&outside), is_or_are(&outside));
    let text = format!("changed {changed}, which {is} outside the scope `{}`", terms.path_scope.join("`, `"));
    Ok((!outside.is_empty()).then(|| Finding::new(FindingCode::OutOfScope, text, outside)))
}

/// Returns the paths that match neither the scope nor the shared patterns.
///
/// # Errors
/// Fails if a glob cannot be compiled.
pub(crate) fn out_of_scope_paths(
    paths: &[RepoPath],
    path_scope: &[String],
    shared: &[String],
) -> Result<Vec<RepoPath>, ScopeError> {
    // Shared files (a changelog, a lock file) belong to every scope.
    let allowed: Vec<String> = path_scope.iter().chain(shared).cloned().collect();
    Ok(matching(paths, &Globs::new(&allowed)?, false))
}

/// Secrets are judged for each commit, since the history lands, too: a later commit that removes one does not
/// help.
fn secrets(facts: &HarvestFacts) -> Option<Finding> {
    let first = facts.secrets.first()?;
    let place = |fact: &SecretFact| match &fact.path {
        Some(path) => format!("{path} line {} in commit {}", fact.line, fact.commit.short()),
        None => format!("the message or the names of commit {}", fact.commit.short()),
    };
    let text = format!(
        "a secret was committed ({}: {}), and the history of the branch lands, too: rewrite the branch so \
         that none of its commits holds it (for example `git reset --soft` to where the branch began, remove \
         it, commit anew); a further commit that removes it is not enough",
        first.kind,
        place(first)
    );
    // A file with several secrets is named once. The text never quotes the secret itself: it goes into
    // prompts and the log.
    let paths: Vec<RepoPath> = facts.secrets.iter().filter_map(|fact| fact.path.clone()).collect();
    let unique: BTreeSet<RepoPath> = paths.into_iter().collect();
    Some(Finding::new(FindingCode::Secret, text, unique.into_iter().collect()))
}

/// What was not searched may hold anything, so a person looks at it.
fn unsearched(facts: &HarvestFacts, terms: &Terms<'_>) -> Option<Finding> {
    let first = facts.unsearched.first()?;
    let unique: BTreeSet<RepoPath> = facts.unsearched.iter().filter_map(|fact| fact.path.clone()).collect();
    let paths: Vec<RepoPath> = unique.into_iter().collect();
    let commit = first.commit.short();
    let what = match paths.is_empty() {
        true => format!("commit {commit}, its message or what follows it"),
        false => format!("{} (first in commit {commit})", quoted(&paths)),
    };
    let text = format!(
        "{what} could not be searched for secrets to the end: it is too large, or not in the repository. Rewrite the \
         branch without it if the work does not need it; otherwise a person looks at it and accepts it with `paddock \
         objective approve {}`",
        terms.id
    );
    Some(Finding::new(FindingCode::Unsearched, text, paths))
}

/// A protected path may change if every commit that touches it came from an integrator's session.
fn protected(facts: &HarvestFacts, terms: &Terms<'_>) -> Result<Option<Finding>, ScopeError> {
    // Judged on the net change: a protected file that was changed and restored does no harm.
    let mut patterns = terms.settings.integrator_only_patterns.clone();
    patterns.push(ALWAYS_PROTECTED.to_owned());
    let mut touched = matching(&facts.net_paths, &Globs::new(&patterns)?, true);
    let integrated: BTreeSet<&RepoPath> = facts.integrator_paths.iter().collect();
    touched.retain(|path| !integrated.contains(path));
    let (changed, is) = (quoted(&touched), is_or_are(&touched));
    let text = format!("changed {changed}, which {is} protected: only an integrator's session may do that");
    Ok((!touched.is_empty()).then(|| Finding::new(FindingCode::Protected, text, touched)))
}

/// Files that Paddock copies into worktrees (`worktree.copy`) are the user's own, often with credentials in
/// them.
fn copied(facts: &HarvestFacts, terms: &Terms<'_>) -> Result<Option<Finding>, ScopeError> {
    // A pattern may match tracked files, too, which nobody copied (`SetUpFacts::copied`).
    let is_name = |entry: &&String| !entry.contains(['*', '?', '[', '{']);
    let names: Vec<&String> = terms.settings.worktree.copy.iter().filter(is_name).collect();
    let mut touched = matching(&facts.net_paths, &Globs::new(&names)?, true);
    touched.extend(facts.set_up.copied.iter().cloned());
    touched.sort();
    touched.dedup();
    let (committed, is) = (quoted(&touched), is_or_are(&touched));
    let text = format!("committed {committed}, which {is} only copied into the worktree (`worktree.copy`)");
    Ok((!touched.is_empty()).then(|| Finding::new(FindingCode::CopiedFile, text, touched)))
}

/// What the set-up of the worktree made or wrote is the machine's, often with paths of this machine in it. An
/// objective whose scope names such a path may land a version of its own.
fn set_up(facts: &HarvestFacts, terms: &Terms<'_>) -> Result<Option<Finding>, ScopeError> {
    let named: Vec<&String> = terms.path_scope.iter().filter(|glob| !is_everything(glob)).collect();
    let named = Globs::new(&named)?;
    let changed = facts.set_up.changed.iter().filter(|path| !named.matches(path.as_bytes()));
    let found: Vec<RepoPath> = facts.set_up.committed.iter().chain(changed).cloned().collect();
    let committed = quoted(&found);
    let text = format!(
        "committed {committed}, made by the set-up of this folder (`worktree.setup`) and no part of the work: take \
         that out of the branch (`git rm --cached` for a new file, `git checkout {} -- FILE` for one that was there \
         before) and commit; a person accepts it with `paddock objective approve {}`",
        integration_ref(&terms.settings.target_branch),
        terms.id
    );
    Ok((!found.is_empty()).then(|| Finding::new(FindingCode::SetUp, text, found)))
}

/// The gate relies on the tests that existed before the branch: only an objective whose scope names them may
/// weaken them. Otherwise an agent could turn the gate green by deleting the test that fails.
fn tampered(facts: &HarvestFacts, terms: &Terms<'_>) -> Result<Option<Finding>, ScopeError> {
    let mut found = terms.unnamed(facts)?;
    // Other changes to tests are for the guard run to judge (`guarded`).
    found.retain(|tampered| tampered.how.is_plain());
    let shown: Vec<String> = found.iter().take(TAMPERED_SHOWN_MAX).map(ToString::to_string).collect();
    let more = match found.len() - shown.len() {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let first = found.first().map(|tampered| tampered.path.to_string()).unwrap_or_default();
    let text = format!(
        "weakened existing tests, or changed files that the gate runs: {}{more}. Restore them (new tests are \
         always welcome). If the work needs these changes, stop and say so: a person accepts them with `paddock \
         objective approve {id}`, or names the files in the scope with `paddock objective expand {id} {first}`",
        shown.join("; "),
        id = terms.id,
    );
    let paths = found.iter().map(|tampered| tampered.path.clone()).collect();
    Ok((!found.is_empty()).then(|| Finding::new(FindingCode::Tampered, text, paths)))
}

/// Returns the question to a person about tests that the work removes, if its scope allows everything and so
/// says nothing about tests, and if nothing else speaks against it.
///
/// # Errors
/// Fails if a glob cannot be compiled.
pub(crate) fn removed_tests(
    facts: &HarvestFacts,
    terms: &Terms<'_>,
    findings: &[Finding],
) -> Result<Option<String>, ScopeError> {
    let is_open = !terms.path_scope.is_empty() && is_open_scope(terms.path_scope, terms.grown_scope);
    if !is_open || findings.iter().any(|finding| finding.code != FindingCode::Tampered) {
        return Ok(None);
    }
    let mut found = terms.unnamed(facts)?;
    found.retain(|tampered| tampered.how.is_plain());
    let is_removal = |tampered: &&Tampered| {
        matches!(tampered.how, How::Deleted | How::Fewer(..))
            && matches!(tampered.part, Part::Tests | Part::Inline)
    };
    if found.is_empty() || !found.iter().all(is_removal) {
        return Ok(None);
    }
    let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
    let paths: Vec<String> = found.iter().take(TAMPERED_SHOWN_MAX).map(|t| t.path.to_string()).collect();
    Ok(Some(format!(
        "the work removes tests, and its scope does not say that it may: {}; see `git diff {}...paddock/{id}/work \
         -- {}`; `paddock objective approve {id}` lets them go, `paddock objective reject {id} --note TEXT` \
         sends the work back",
        a_few_of(&shown, TAMPERED_SHOWN_MAX),
        terms.settings.target_branch,
        paths.join(" "),
        id = terms.id,
    )))
}

/// Returns the files that the branch changed without visibly weakening anything, and that the objective does
/// not name. The gate has to be green with the original versions of these files before the branch may land.
///
/// The branch's other tests that the objective does not name follow them: a new test may need what the guard's
/// run does not have.
///
/// # Errors
/// Fails if a glob cannot be compiled.
pub(crate) fn guarded(facts: &HarvestFacts, terms: &Terms<'_>) -> Result<Vec<RepoPath>, ScopeError> {
    let found = terms.unnamed(facts)?;
    let doubtful = found.iter().filter(|tampered| !tampered.how.is_plain());
    let mut paths: Vec<RepoPath> = doubtful.map(|tampered| tampered.path.clone()).collect();
    if paths.is_empty() {
        return Ok(paths);
    }
    let tests = patterns(terms.settings.test_patterns.as_ref());
    let globs = Globs::new(&tests)?;
    let leave =
        Leave { tests: &tests, scope: terms.path_scope, grown: terms.grown_scope, criteria: terms.criteria };
    let named = leave.named_tests(&globs)?;
    for path in facts.net_paths.iter().filter(|path| globs.matches(path.as_bytes())) {
        if paths.len() < GUARDED_MAX && !paths.contains(path) && !named.has(path.as_bytes()) {
            paths.push(path.clone());
        }
    }
    Ok(paths)
}

/// Only a branch whose commits are all empty and whose net change is empty is at fault: empty commits among
/// real work do no harm.
fn empty(facts: &HarvestFacts) -> Option<Finding> {
    let all_empty = !facts.commits.is_empty() && facts.commits.iter().all(|commit| commit.is_empty);
    let text = "the commits change nothing";
    (all_empty && facts.net_paths.is_empty()).then(|| Finding::new(FindingCode::Empty, text, Vec::new()))
}
