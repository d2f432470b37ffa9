//! Side runs: gate runs in parallel with the queue.
//!
//! - The *tamper guard* runs the gate on a branch's merge with the original versions of tests that the branch
//!   changed.
//! - The *canary* runs the gate on an emptied tree: it holds only the paths that the gate's commands name. A
//!   gate that is green on that checks nothing.
//!
//! The state records which side runs are wanted. Their trees are made again after a restart.
//!
//! # Details
//!
//! - **Tamper guard** (`model::tamper`, `git::tampering`). A test that the branch deleted, skipped or
//!   weakened is a finding of the review, unless somebody wrote a scope that names the file. A test or gate
//!   script that it changed otherwise puts the entry under guard (`Entry::guard`): the gate runs on its merge
//!   with these files as they were before (`Purpose::Tamper`), in a folder made from nothing; if commands are
//!   `isolated`, these alone. Green lets it on; red on a green base sends it back; if the run cannot be made,
//!   a person decides. The guard is tried on the tip of that moment, not on each later one.
//! - **Canary.** If it is green there is a notice in `status` and in every proof, until another verdict or
//!   another gate.

use crate::decide::queue::blame;
use crate::decide::queue::disk_space;
use crate::decide::queue::gates;
use crate::decide::refusals::unknown_project;
use crate::decide::scribe::Scribe;
use crate::decide::sessions::send_back;
use crate::effect::Effect;
use crate::input::{Problem, SideTreeAnswer};
use crate::judge::repeats;
use crate::train::in_order;
use paddock_model::command::{Answer, Refusal, Reply};
use paddock_model::event::Fact;
use paddock_model::gate::{CommandResult, GateRun, Purpose, Verdict};
use paddock_model::ids::{EntryId, GateId, ObjectId, ProjectSlug};
use paddock_model::project::Project;
use paddock_model::settings::GateCommand;
use paddock_model::side_runs::{Guard, Prepared, SideTree};
use paddock_model::train::Entry;
use paddock_model::verdicts::terms_of;

/// Guard runs that cannot be evaluated, before the base is asked.
const UNCLEAR_MAX: u32 = 2;

/// Returns whether a side run waits for a slot.
pub(in crate::decide) fn is_due(project: &Project) -> bool {
    !project.settings.verify.is_empty() && project.canary.asked
}

fn may_run(scribe: &Scribe<'_>, project: &Project) -> bool {
    !scribe.is_quiet() && project.is_workable() && !project.settings.verify.is_empty()
}

/// Starts the guard runs that entries of the queue wait for.
pub(in crate::decide) fn guards(scribe: &mut Scribe<'_>) {
    for slug in scribe.marked() {
        cancel_outdated(scribe, &slug);
        let Some(project) = scribe.state.project(&slug) else { continue };
        // In a queue that is held no verdict is of use, and the hold may be about the gate itself.
        let is_held = project.train.held.is_some() || project.landing_hold().is_some();
        let is_wanted = project.train.entries.iter().any(Entry::waits_for_guard);
        if is_held || !is_wanted || !may_run(scribe, project) {
            continue;
        }
        let waiting: Vec<(Entry, Guard)> = in_order(&project.train)
            .into_iter()
            .filter(|entry| entry.waits_for_guard())
            .filter_map(|entry| Some((entry.clone(), entry.guard.clone()?)))
            .collect();
        for (entry, guard) in waiting {
            guard_one(scribe, &slug, &entry, &guard);
        }
    }
}

/// Starts the canary, in a slot that the queue leaves idle.
pub(in crate::decide) fn run(scribe: &mut Scribe<'_>) {
    for slug in scribe.marked() {
        let Some(project) = scribe.state.project(&slug).filter(|project| may_run(scribe, project)) else {
            continue;
        };
        if project.canary.asked && !is_open(scribe, &slug, &Purpose::Canary) {
            canary(scribe, &slug);
        }
    }
}

fn is_open(scribe: &Scribe<'_>, slug: &ProjectSlug, purpose: &Purpose) -> bool {
    scribe.state.open_gates().any(|run| run.project == *slug && run.purpose == *purpose)
}

/// Cancels guard runs that no entry waits for any more, and forgets their trees.
fn cancel_outdated(scribe: &mut Scribe<'_>, slug: &ProjectSlug) {
    let Some(project) = scribe.state.project(slug) else { return };
    let waits = |entry: &EntryId| project.train.entry(*entry).is_some_and(Entry::waits_for_guard);
    let is_outdated = |run: &&GateRun| match &run.purpose {
        // Without entries it is the run on the base, which serves every guard.
        Purpose::Tamper { entries } if entries.is_empty() => {
            !project.train.entries.iter().any(Entry::waits_for_guard)
        }
        Purpose::Tamper { entries } => !entries.iter().any(waits),
        Purpose::Candidate { .. }
        | Purpose::Base { .. }
        | Purpose::Ahead { .. }
        | Purpose::External
        | Purpose::Canary
        | Purpose::Phase { .. }
        | Purpose::Recheck => false,
    };
    let own = scribe.state.open_gates().filter(|run| run.project == *slug && !run.cancelled);
    let outdated: Vec<GateId> = own.filter(is_outdated).map(|run| run.id).collect();
    for gate in outdated {
        gates::cancel(scribe, slug, gate);
    }
    let Some(project) = scribe.state.project(slug) else { return };
    let waits = |entry: &EntryId| project.train.entry(*entry).is_some_and(Entry::waits_for_guard);
    let is_gone = |side_tree: &SideTree| matches!(side_tree, SideTree::Guard { entry, .. } if !waits(entry));
    scribe.memo.prepared.retain(|(project, side_tree), _| project != slug || !is_gone(side_tree));
}

/// Returns the tree for a side run if it is ready, together with what it was made for. Orders it otherwise.
///
/// A guard's tree is made once, on the tip of that moment. The guard is not repeated on every later tip.
fn tree(scribe: &mut Scribe<'_>, slug: &ProjectSlug, wanted: SideTree) -> Option<(SideTree, Prepared)> {
    let is_same = |side_tree: &SideTree| match (side_tree, &wanted) {
        (SideTree::Guard { entry: one, head: old, .. }, SideTree::Guard { entry: other, head, .. }) => {
            one == other && old == head
        }
        (SideTree::Canary { .. }, SideTree::Canary { .. }) => true,
        (one, other) => one == other,
    };
    let mut made = scribe.memo.prepared.iter();
    let made = made.find(|((project, side_tree), _)| project == slug && is_same(side_tree));
    if let Some(((_, side_tree), prepared)) = made {
        return Some((side_tree.clone(), prepared.clone()));
    }
    if !scribe.memo.preparing.iter().any(|(project, side_tree)| project == slug && is_same(side_tree)) {
        scribe.memo.preparing.insert((slug.clone(), wanted.clone()));
        scribe.order(Effect::PrepareTree { project: slug.clone(), side_tree: wanted });
    }
    None
}

/// Returns the commands that a guard runs: those that are isolated, or none, which stands for all.
fn isolated(project: &Project) -> Vec<GateCommand> {
    let all = &project.settings.verify;
    // All together are the gate itself, whose verdicts the queue has, too.
    let own: Vec<GateCommand> = all.iter().filter(|command| command.isolated).cloned().collect();
    if own.len() == all.len() { Vec::new() } else { own }
}

/// Returns the known verdict on a tree under the current terms. Green counts more than red, since a tree that
/// has both is flaky and nobody is blamed for that.
fn verdict_on(project: &Project, tree: &ObjectId) -> Option<(Verdict, GateId)> {
    let (all, own) = (project.settings.gate_terms(), isolated(project));
    let terms = match own.is_empty() {
        true => all.clone(),
        false => terms_of(&own, project.settings.worktree.setup.as_deref()),
    };
    let known = |verdict, terms: &str| {
        let found = project.verdicts.iter().rev();
        let mut found = found.filter(|known| known.tree == *tree && known.terms == terms);
        found.find(|known| known.verdict == verdict).map(|known| (verdict, known.gate))
    };
    // Where all commands were green, the isolated ones were.
    known(Verdict::Green, &terms)
        .or_else(|| known(Verdict::Green, &all))
        .or_else(|| known(Verdict::Red, &terms))
}

/// Takes the next step for one guard: wait for its tree, run the gate, repeat a red run, compare with the
/// base, and then let the entry pass or send it back.
fn guard_one(scribe: &mut Scribe<'_>, slug: &ProjectSlug, entry: &Entry, guard: &Guard) {
    let Some(onto) = scribe.state.project(slug).map(|project| project.integration.tip.clone()) else {
        return;
    };
    let (head, paths) = (entry.head.clone(), guard.paths.clone());
    let wanted = SideTree::Guard { entry: entry.id, head, onto, paths };
    let Some((side_tree, prepared)) = tree(scribe, slug, wanted) else { return };
    let SideTree::Guard { onto, .. } = side_tree else { return };
    let Some(project) = scribe.state.project(slug) else { return };
    // A green verdict on the tree from any run is enough, as verdicts belong to trees.
    if let Some((Verdict::Green, gate)) = verdict_on(project, &prepared.tree) {
        let (project, entry) = (slug.clone(), entry.id);
        return scribe.record(Fact::GuardPassed { project, entry, gate });
    }
    let last = guard.last.and_then(|gate| scribe.state.gate(gate)).cloned();
    let may_pass = last.as_ref().is_some_and(|run| run.results.iter().any(CommandResult::may_be_passing));
    let retries = repeats(project.settings.queue.flaky_retries, may_pass);
    let has_failed = guard.red > retries || guard.unclear >= UNCLEAR_MAX;
    let purpose = Purpose::Tamper { entries: vec![entry.id] };
    if !has_failed {
        return start(scribe, slug, purpose, prepared.commit, prepared.tree);
    }
    // The runs were not evaluated for want of disk space, which says nothing about the branch.
    if let Some(run) = last.filter(|run| guard.red <= retries && disk_space::starved(run).is_some()) {
        disk_space::hold(scribe, slug, &run);
        return;
    }
    let Some(onto_tree) = prepared.onto_tree else { return };
    // A cause that may pass needs a run on the base that came later, as in `judge`.
    let is_news = |(_, gate): &(Verdict, GateId)| !may_pass || Some(*gate) > guard.last;
    match verdict_on(project, &onto_tree).filter(is_news) {
        Some((Verdict::Green, _)) => {
            let run = guard.last.and_then(|gate| scribe.state.gate(gate)).cloned();
            match run {
                Some(run) => send_back::tampered(scribe, &run, entry, &guard.paths),
                None => send_back::unguarded(scribe, slug, entry, "the record of its gate run is gone"),
            }
        }
        // Red without the branch, too: nobody is to blame.
        Some((_, gate)) => {
            blame::hold_red(scribe, slug, gate);
        }
        None => start(scribe, slug, Purpose::Tamper { entries: Vec::new() }, onto, onto_tree),
    }
}

/// Starts a side run, unless one for the same purpose is open.
fn start(scribe: &mut Scribe<'_>, slug: &ProjectSlug, purpose: Purpose, commit: ObjectId, tree: ObjectId) {
    if !is_open(scribe, slug, &purpose) {
        let commands = match (&purpose, scribe.state.project(slug)) {
            (Purpose::Tamper { .. }, Some(project)) => isolated(project),
            _ => Vec::new(),
        };
        gates::start(scribe, slug, gates::Wanted { purpose, commit, tree, commands });
    }
}

/// Returns an entry, if it waits for its guard.
fn waiting(scribe: &Scribe<'_>, slug: &ProjectSlug, entry: EntryId) -> Option<Entry> {
    let entry = scribe.state.project(slug)?.train.entry(entry)?;
    entry.waits_for_guard().then(|| entry.clone())
}

fn canary(scribe: &mut Scribe<'_>, slug: &ProjectSlug) {
    let Some(at) = scribe.state.project(slug).map(|project| project.integration.tip.clone()) else { return };
    if let Some((_, prepared)) = tree(scribe, slug, SideTree::Canary { at }) {
        start(scribe, slug, Purpose::Canary, prepared.commit, prepared.tree);
    }
}

/// A tree for a side run was made, or its branches do not merge, or it could not be made.
pub(in crate::decide) fn prepared(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    side_tree: SideTree,
    result: Result<SideTreeAnswer, Problem>,
) {
    // The answer is not awaited: it belongs to an earlier order.
    if !scribe.memo.preparing.remove(&(slug.clone(), side_tree.clone())) {
        return;
    }
    scribe.mark(slug);
    match (result, side_tree) {
        (Ok(SideTreeAnswer::Made(prepared)), side_tree) => {
            scribe.memo.prepared.insert((slug.clone(), side_tree), prepared);
        }
        (Ok(SideTreeAnswer::Conflict(found)), SideTree::Guard { entry, .. }) => {
            if let Some(entry) = waiting(scribe, slug, entry) {
                send_back::conflicts(scribe, slug, &entry, found.paths, &found.text);
            }
        }
        (Err(problem), SideTree::Guard { entry, .. }) => unmade(scribe, slug, entry, problem.text()),
        (Ok(SideTreeAnswer::Conflict(_)) | Err(_), SideTree::Canary { .. }) => {
            judge_canary(scribe, slug, None, Verdict::NotEvaluated);
        }
    }
}

/// The tree for an entry's guard could not be made.
fn unmade(scribe: &mut Scribe<'_>, slug: &ProjectSlug, entry: EntryId, problem: &str) {
    // The cause holds the project, and the tree is ordered again afterwards.
    if !scribe.state.project(slug).is_some_and(Project::is_workable) {
        return;
    }
    if let Some(entry) = waiting(scribe, slug, entry) {
        send_back::unguarded(scribe, slug, &entry, problem);
    }
}

/// A side run is over.
pub(in crate::decide) fn ended(scribe: &mut Scribe<'_>, run: &GateRun) {
    let Some(verdict) = run.verdict.filter(|_| !run.cancelled) else { return };
    let slug = &run.project;
    match &run.purpose {
        Purpose::Canary => judge_canary(scribe, slug, Some(run.id), verdict),
        Purpose::External => {
            let (project, commit) = (slug.clone(), run.commit.clone());
            scribe.record(Fact::ExternalJudged { project, commit, gate: Some(run.id), verdict });
        }
        // The queue may have no run of its own that finds this out: its entries wait for their guards.
        Purpose::Tamper { entries } if entries.is_empty() && verdict == Verdict::NotEvaluated => {
            blame::hold_unclear_base(scribe, slug, run);
        }
        Purpose::Tamper { .. }
        | Purpose::Candidate { .. }
        | Purpose::Base { .. }
        | Purpose::Ahead { .. }
        | Purpose::Phase { .. }
        | Purpose::Recheck => {}
    }
}

fn judge_canary(scribe: &mut Scribe<'_>, slug: &ProjectSlug, gate: Option<GateId>, verdict: Verdict) {
    scribe
        .memo
        .prepared
        .retain(|(project, side_tree), _| project != slug || !matches!(side_tree, SideTree::Canary { .. }));
    // The verdict counts until the gate's commands change, so it is recorded with the terms of its run.
    let run = gate.and_then(|gate| scribe.state.gate(gate)).map(|run| run.terms.clone());
    let now = scribe.state.project(slug).map(|project| project.settings.gate_terms());
    let terms = run.or(now).unwrap_or_default();
    scribe.record(Fact::CanaryJudged { project: slug.clone(), gate, verdict, terms });
}

/// Asks for a canary in every project that wants one, once per start of a supervisor.
pub(in crate::decide) fn ask_canaries(scribe: &mut Scribe<'_>) {
    let wants = |p: &&Project| p.settings.queue.canary && !p.settings.verify.is_empty() && !p.canary.asked;
    let due: Vec<ProjectSlug> = scribe.state.projects().filter(wants).map(|p| p.slug.clone()).collect();
    for project in due.into_iter().filter(|project| scribe.memo.covers(project)).collect::<Vec<_>>() {
        scribe.record(Fact::CanaryAsked { project });
    }
}

/// `queue canary`.
pub(in crate::decide) fn ask_canary(scribe: &mut Scribe<'_>, slug: &ProjectSlug) -> Reply {
    let Some(project) = scribe.state.project(slug) else { return Err(unknown_project(scribe, slug)) };
    if project.settings.verify.is_empty() {
        let text = format!("{slug} has no gate: its project file has no commands under `verify`");
        return Err(Refusal::new(text));
    }
    if !project.canary.asked {
        scribe.record(Fact::CanaryAsked { project: slug.clone() });
    }
    Ok(Answer::text(match scribe.memo.is_passive {
        true => {
            "the gate will run on an emptied tree when a supervisor works; `paddock queue list` shows its \
             verdict"
        }
        false => "the gate runs on an emptied tree; `paddock queue list` shows its verdict",
    }))
}

#[cfg(test)]
#[path = "side_runs_tests.rs"]
mod tests;
