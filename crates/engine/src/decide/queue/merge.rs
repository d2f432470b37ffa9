//! The Merge phase: executes the actions that the queue's plan asks for.

use crate::decide::queue::blame;
use crate::decide::queue::compare;
use crate::decide::queue::gates;
use crate::decide::queue::holds::hold_queue;
use crate::decide::scribe::Scribe;
use crate::effect::Effect;
use crate::judge::{Evidence, Rules};
use crate::train::{Action, View, plan};
use paddock_model::event::Fact;
use paddock_model::facts::Collision;
use paddock_model::gate::{GateRun, Purpose};
use paddock_model::ids::{EntryId, GateId, ObjectId, ObjectiveId, ProjectSlug};
use paddock_model::objective::Status;
use paddock_model::project::Project;
use paddock_model::reason::ReasonCode;
use paddock_model::settings::TestsRule;
use paddock_model::train::{Candidate, Train};

/// Failures of a merge or landing for an outside reason before the queue is held.
const BUILD_FAILURES_MAX: u32 = 5;
/// Plans of one project in a step, at most. Every action changes what the next plan sees, so a project only
/// gets this far if the plan itself is faulty.
const ROUNDS_MAX: usize = 100;

pub(in crate::decide) fn run(scribe: &mut Scribe<'_>) {
    // A single command without a supervisor leaves the queue alone.
    if scribe.memo.is_passive {
        return;
    }
    for project in scribe.marked() {
        // An action changes what the next plan sees (a blamed entry leaves the chain), so the queue is
        // planned again until a plan has no effect.
        for _ in 0..ROUNDS_MAX {
            if !one_round(scribe, &project) {
                break;
            }
        }
    }
}

fn one_round(scribe: &mut Scribe<'_>, slug: &ProjectSlug) -> bool {
    let Some(project) = scribe.state.project(slug) else { return false };
    let mut has_acted = false;
    for action in planned(scribe, project) {
        has_acted |= act(scribe, slug, &action);
    }
    has_acted
}

fn planned(scribe: &Scribe<'_>, project: &Project) -> Vec<Action> {
    let is_free = project.train.held.is_none()
        && project.landing_hold().is_none()
        && !project.integration.is_moving_to_target();
    let terms = project.settings.gate_terms();
    let runs: Vec<&GateRun> = scribe.state.open_gates().filter(|run| run.project == project.slug).collect();
    let conflicts = conflicts(project);
    let comparing = compare::under_way(scribe, &project.slug);
    let base = base_of(project);
    let tip = &project.integration.tip;
    // The tree of an older tip may still be remembered; it counts only if it belongs to the tip of now.
    let external = scribe.memo.external.get(&project.slug).filter(|_| project.integration.is_external);
    plan(&View {
        train: &project.train,
        tip,
        has_gate: !project.settings.verify.is_empty(),
        may_move: is_free && project.is_workable() && scribe.memo.stopping.is_none(),
        slots: project.gate_slots() as usize,
        trial_ms: trial_ms(scribe, project),
        runs: &runs,
        is_strict: project.settings.queue.strict,
        conflicts: &conflicts,
        external: external.filter(|(commit, _)| commit == tip).map(|(_, tree)| tree),
        tip_tree: tip_tree(scribe, project),
        comparing: &comparing,
        rules: Rules {
            verdicts: &project.verdicts,
            terms: &terms,
            flaky_retries: project.settings.queue.flaky_retries,
            now_ms: scribe.now_ms,
            evidence: Evidence { tested: &project.tested, compared: &project.compared, base },
        },
    })
}

/// Returns the tree of the tip if the tests there will be needed: something is worked on or queued, and the
/// gate's commands report tests.
fn tip_tree<'s>(scribe: &'s Scribe<'_>, project: &Project) -> Option<&'s ObjectId> {
    let tip = &project.integration.tip;
    let under_way = [Status::Active, Status::Review, Status::Queued];
    let is_wanted = project.settings.verify.iter().any(|command| command.tests != TestsRule::Off)
        && under_way.iter().any(|status| !scribe.state.in_status(&project.slug, *status).is_empty());
    let known = scribe.memo.external.get(&project.slug).filter(|(commit, _)| commit == tip && is_wanted);
    known.map(|(_, tree)| tree)
}

/// Returns the tree that every candidate of the queue is merged onto, if it is known.
fn base_of(project: &Project) -> Option<&ObjectId> {
    let train = &project.train;
    let made = train.chain.as_ref().and_then(|chain| chain.made.as_ref()).map(|made| &made.onto_tree);
    let mut ahead = train.entries.iter().filter_map(|entry| entry.ahead.as_ref()?.candidate.as_ref());
    made.or_else(|| ahead.find(|found| found.onto == project.integration.tip).map(|found| &found.onto_tree))
}

/// Returns how long a trial of one more slot may last, or `None` if none may run. A trial measures how much
/// two gate runs slow each other down, so no other project's run may disturb it.
fn trial_ms(scribe: &Scribe<'_>, project: &Project) -> Option<i64> {
    let is_alone = scribe.state.open_gates().all(|run| run.project == project.slug);
    project.trial_ms().filter(|_| is_alone)
}

/// Returns the collisions that the radar saw, as pairs of entries. Objectives that are not queued drop out.
fn conflicts(project: &Project) -> Vec<(EntryId, EntryId)> {
    let entry = |id: &ObjectiveId| project.train.entry_of(id).map(|entry| entry.id);
    let pair = |found: &Collision| entry(&found.objective).zip(entry(found.with.as_ref()?));
    project.collisions.iter().filter_map(pair).collect()
}

fn train<'s>(scribe: &'s Scribe<'_>, project: &ProjectSlug) -> Option<&'s Train> {
    scribe.state.project(project).map(|project| &project.train)
}

/// Executes an action. Returns whether anything was recorded: a gate run that finds no slot leaves the state
/// as it is, and planning again would ask for the same run for ever.
fn act(scribe: &mut Scribe<'_>, project: &ProjectSlug, action: &Action) -> bool {
    match action {
        Action::Build(members) => build(scribe, project, members.clone(), false),
        Action::BuildAhead(entry) => build(scribe, project, vec![*entry], true),
        Action::Compare(count, gate) => compare::order(scribe, project, *count, *gate),
        Action::Gate(_)
        | Action::GateBase
        | Action::GateTip
        | Action::GateAhead(_)
        | Action::GateExternal => {
            let is_trial = matches!(action, Action::GateAhead(_))
                && scribe.state.project(project).is_some_and(|found| trial_ms(scribe, found).is_some());
            wanted(scribe, project, action)
                .is_some_and(|wanted| gates::start_in(scribe, project, wanted, is_trial).is_some())
        }
        Action::Cancel(gate) => {
            gates::cancel(scribe, project, *gate);
            true
        }
        Action::Blame(entry, trial) => blame::send_back(scribe, project, *entry, trial),
        Action::HoldRed(gate) => blame::hold_red(scribe, project, *gate),
        Action::HoldNotEvaluated(trial, on_base) => {
            blame::hold_not_evaluated(scribe, project, trial, *on_base)
        }
        Action::Land(count, gate) => land(scribe, project, *count, *gate),
        Action::Reset => reset(scribe, project),
    }
}

fn build(scribe: &mut Scribe<'_>, slug: &ProjectSlug, members: Vec<EntryId>, ahead: bool) -> bool {
    let Some(project) = scribe.state.project(slug) else { return false };
    let Some(first) = members.first().and_then(|id| project.train.entry(*id)) else { return false };
    // The cause lies outside of the branches (a broken repository, a full disk), so no branch is blamed.
    if first.build_failures >= BUILD_FAILURES_MAX {
        let problem = first.problem.as_ref().map(|problem| format!(": {problem}")).unwrap_or_default();
        let text = format!(
            "a merge could not be made or landed, although Paddock tried {BUILD_FAILURES_MAX} times{problem}"
        );
        return hold_queue(scribe, slug, ReasonCode::RepositoryBroken, &text);
    }
    let (project, entry, onto) = (slug.clone(), first.id, project.integration.tip.clone());
    // The order is recorded, so that a supervisor that starts after a crash makes the same chain again.
    scribe.record(Fact::CandidateOrdered {
        project: project.clone(),
        entry,
        onto: onto.clone(),
        members: members.clone(),
        ahead,
    });
    scribe.order(Effect::MakeCandidate { project, members, onto, ahead });
    true
}

/// Returns the gate run that an action asks for. `None` if the action asks for none, or if what it runs on is
/// gone.
fn wanted(scribe: &Scribe<'_>, slug: &ProjectSlug, action: &Action) -> Option<gates::Wanted> {
    let project = scribe.state.project(slug)?;
    let chain = project.train.chain.as_ref();
    let on = |purpose, commit: &ObjectId, tree: &ObjectId| gates::Wanted {
        purpose,
        commit: commit.clone(),
        tree: tree.clone(),
        commands: Vec::new(),
    };
    Some(match action {
        Action::Gate(count) => {
            let candidate = chain?.candidate(*count)?;
            let purpose = Purpose::Candidate { entries: chain?.members(*count) };
            on(purpose, &candidate.commit, &candidate.tree)
        }
        Action::GateBase => {
            let candidate = chain?.candidate(1)?;
            on(Purpose::Base { entries: chain?.members(1) }, &candidate.onto, &candidate.onto_tree)
        }
        Action::GateTip => {
            let (commit, tree) = scribe.memo.external.get(slug)?;
            on(Purpose::Base { entries: Vec::new() }, commit, tree)
        }
        Action::GateAhead(entry) => {
            let ahead = project.train.entry(*entry)?.ahead.as_ref()?.candidate.as_ref()?;
            on(Purpose::Ahead { entry: *entry }, &ahead.commit, &ahead.tree)
        }
        Action::GateExternal => {
            let (commit, tree) = scribe.memo.external.get(slug)?;
            on(Purpose::External, commit, tree)
        }
        Action::Build(_)
        | Action::BuildAhead(_)
        | Action::Cancel(_)
        | Action::Compare(..)
        | Action::Blame(..)
        | Action::HoldRed(_)
        | Action::HoldNotEvaluated(..)
        | Action::Land(..)
        | Action::Reset => return None,
    })
}

fn land(scribe: &mut Scribe<'_>, slug: &ProjectSlug, count: usize, gate: Option<GateId>) -> bool {
    let chain = train(scribe, slug).and_then(|train| train.chain.as_ref());
    let Some((candidate, members)) =
        chain.and_then(|chain| Some((chain.candidate(count)?, chain.members(count))))
    else {
        return false;
    };
    let Some(entry) = members.first().copied() else { return false };
    // A verdict from a run for other members counts, as trees carry verdicts. The log says where it came
    // from.
    if let Some(gate) = gate.filter(|gate| !is_own(scribe, *gate, &members)) {
        scribe.record(Fact::VerdictReused { project: slug.clone(), entry, gate });
    }
    intend(scribe, slug, candidate, members, gate);
    true
}

/// Returns whether the run was ordered for exactly these members.
fn is_own(scribe: &Scribe<'_>, gate: GateId, members: &[EntryId]) -> bool {
    let is_own = |run: &GateRun| matches!(&run.purpose, Purpose::Candidate { entries } if entries == members);
    scribe.state.gate(gate).is_some_and(is_own)
}

/// Records the intent to land, then orders the landing. The intent is on disk before the ref moves: after a
/// crash it says which commit the integration ref may be at, and the landing is found done or is repeated.
fn intend(
    scribe: &mut Scribe<'_>,
    project: &ProjectSlug,
    candidate: Candidate,
    members: Vec<EntryId>,
    gate: Option<GateId>,
) {
    let Some(entry) = members.first().copied() else { return };
    let project = project.clone();
    scribe.record(Fact::LandingIntended { project: project.clone(), entry, candidate, gate, members });
    scribe.order(Effect::Land { project, entry });
}

/// Gives up the chain. The next plan cancels the gate runs that no longer tell anything.
fn reset(scribe: &mut Scribe<'_>, project: &ProjectSlug) -> bool {
    let chain = train(scribe, project).and_then(|train| train.chain.as_ref());
    let Some(entry) = chain.and_then(|chain| chain.asked.first().copied()) else { return false };
    scribe.record(Fact::EntryReset { project: project.clone(), entry });
    true
}
