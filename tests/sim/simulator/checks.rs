//! The invariants, checked after every step.

use std::collections::{BTreeMap, BTreeSet};

use paddock_engine::decide::outstanding;
use paddock_engine::effect::Effect;
use paddock_engine::train::OVERTAKEN_MAX;
use paddock_model::event::{Dropped, Event, Fact, SessionPlan};
use paddock_model::gate::{GateRun, Purpose, Start, Verdict};
use paddock_model::ids::{EntryId, GateId, ObjectId, ObjectiveKey, ProjectSlug, SessionId};
use paddock_model::objective::{Objective, Status};
use paddock_model::project::Project;
use paddock_model::reason::ReasonCode;
use paddock_model::scope::OverlapCache;
use paddock_model::session::{Exit, Session, SessionKind};
use paddock_model::settings::OverlapRule;
use paddock_model::state::State;
use paddock_model::train::Subject;

use super::git::{is_faked, tree_id};
use super::planning;
use super::sim::Sim;

/// Notes on a run, for invariants that need its history.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Heads that have landed, unless their landing was lost.
    landed: BTreeSet<(ObjectiveKey, ObjectId)>,
    /// Every objective that ever landed, with the number of its landings.
    pub landings: BTreeMap<ObjectiveKey, usize>,
    runs: planning::Runs,
    pub beliefs: super::beliefs::Beliefs,
    /// Judgements of rechecks: how many were green, and how many red (`true`).
    pub rechecks: BTreeMap<bool, u32>,
    steps: usize,
    overlaps: OverlapCache,
}

type Checked = Result<(), String>;

fn ensure(holds: bool, broken: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(broken()) }
}

pub(super) fn after_step(sim: &mut Sim, events: &[Event]) -> Checked {
    sim.seen.steps += 1;
    ensure(sim.state == sim.folded, || "state: the state is not the fold of its events".to_owned())?;
    ensure(sim.state.check_index(), || "index: the caches do not follow from the state".to_owned())?;
    // Loading all rows is slow, so it is done only now and then.
    if sim.seen.steps.is_multiple_of(64) {
        let loaded = sim.rows.load()?;
        ensure(loaded == sim.state, || "rows: the stored rows do not hold the state".to_owned())?;
    }
    for event in events {
        planning::on_event(&mut sim.seen.runs, &sim.state, event)?;
        on_event(sim, event)?;
    }
    for project in sim.state.projects() {
        slots(sim, project)?;
        queue(sim, project)?;
    }
    scopes(sim)?;
    if sim.seen.steps.is_multiple_of(16) {
        super::agents::waits_are_explained(sim)?;
    }
    for objective in sim.state.objectives() {
        bounds(sim, objective)?;
        explained(sim, objective)?;
    }
    Ok(())
}

pub(super) fn reloaded(sim: &Sim) -> Checked {
    ensure(sim.state == sim.folded, || "reload: the stored state is not the fold of the events".to_owned())?;
    ensure(sim.state.check_index(), || "reload: the caches do not follow".to_owned())
}

fn on_event(sim: &mut Sim, event: &Event) -> Checked {
    match &event.fact {
        Fact::SessionPlanned { objective, plan } => planned(sim, objective, plan),
        Fact::Landed { project, subject, candidate, head, members, .. } => {
            let repo = &sim.world.repos[project];
            let onto = candidate.onto.clone();
            ensure(!repo.is_in(head, &onto), || format!("landing: {subject:?} {head} had landed already"))?;
            let parents = &repo.commits[&candidate.commit].parents;
            let is_merge = match members.len() {
                1 => *parents == [onto, head.clone()],
                _ => parents[0] == onto && repo.is_in(head, &parents[1]),
            };
            ensure(is_merge, || "landing: the merge is not of the tip and the pinned head".into())?;
            if let Subject::Objective(id) = subject {
                let key = ObjectiveKey { project: project.clone(), id: id.clone() };
                *sim.seen.landings.entry(key.clone()).or_default() += 1;
                ensure(sim.seen.landed.insert((key, head.clone())), || {
                    format!("landing: {id} landed twice")
                })?;
            }
            Ok(())
        }
        Fact::EntryDropped { project, entry, subject: Subject::Objective(_), why: Dropped::Red } => {
            blamed(sim, project, *entry)
        }
        Fact::RecheckJudged { project, gate, commit, verdict, .. } => {
            rechecked(sim, project, *gate, (commit, *verdict))
        }
        Fact::GatePlanned { project, purpose: Some(Purpose::Recheck), start, .. } => {
            let opens = sim.state.open_gates().filter(|run| run.project == *project);
            let count = opens.filter(|run| run.purpose == Purpose::Recheck).count();
            ensure(*start == Start::FromNothing && count <= 1, || {
                format!("recheck: {count} at once, starting {start:?}")
            })
        }
        Fact::TargetAdopted { project, lost, .. } => {
            sim.seen.landed.retain(|(key, _)| key.project != *project || !lost.contains(&key.id));
            Ok(())
        }
        _ => Ok(()),
    }
}

/// A landed tree is red from nothing only after two runs, and then nothing lands and no verdict is known that
/// rests on the caches. A recheck never counts as a verdict of the queue.
fn rechecked(
    sim: &mut Sim,
    project: &ProjectSlug,
    gate: Option<GateId>,
    (commit, verdict): (&ObjectId, Verdict),
) -> Checked {
    *sim.seen.rechecks.entry(verdict == Verdict::Red).or_default() += u32::from(gate.is_some());
    let runs = sim.state.gates().filter(|run| run.project == *project && run.purpose == Purpose::Recheck);
    let red = runs.filter(|run| run.commit == *commit && run.verdict == Some(Verdict::Red)).count();
    if verdict == Verdict::Green {
        return Ok(());
    }
    ensure(gate.is_none() || red > 1, || format!("recheck: {commit} is judged after {red} red runs"))?;
    let Some(found) = sim.state.project(project) else { return Ok(()) };
    let is_held = found.train.held.as_ref().is_some_and(|held| held.code == ReasonCode::RecheckDiffers);
    ensure(is_held, || format!("recheck: the queue is not held for {commit}"))?;
    ensure(found.verdicts.is_empty() && found.recheck.since.is_empty(), || {
        "recheck: verdicts of runs with void caches still count".to_owned()
    })
}

/// The caches of a landed run are kept once for each landing.
pub(super) fn kept(events: &[Event], effects: &[Effect]) -> Checked {
    let landed = events.iter().filter_map(|event| match &event.fact {
        Fact::Landed { candidate, gate: Some(_), .. } => Some(candidate.commit.clone()),
        _ => None,
    });
    let landed: BTreeSet<ObjectId> = landed.collect();
    let kept = effects.iter().filter(|effect| matches!(effect, Effect::KeepCaches { .. })).count();
    ensure(kept == landed.len(), || format!("caches: kept {kept} times for {} landings", landed.len()))
}

/// A branch is sent back only if it failed more than once on a tree that ends with its own merge, on a green
/// base.
fn blamed(sim: &Sim, project: &ProjectSlug, entry: EntryId) -> Checked {
    let is_its = |run: &&GateRun| {
        run.project == *project
            && !run.cancelled
            && !matches!(run.purpose, Purpose::Base { .. })
            && run.purpose.entries().last() == Some(&entry)
    };
    let runs: Vec<&GateRun> = sim.state.gates().filter(is_its).collect();
    let is_sure = |tree: &ObjectId| {
        let of_tree = |run: &&&GateRun| run.project == *project && run.tree == *tree && !run.cancelled;
        let all: Vec<&GateRun> = sim.state.gates().filter(|run| of_tree(&run)).collect();
        let count = |verdict| all.iter().filter(|run| run.verdict == Some(verdict)).count();
        // Green runs on a tree that fails tests count as well.
        let is_faked = |run: &&&GateRun| is_faked(sim.world.repos[project].tree(&run.commit));
        let faked = all.iter().filter(is_faked).filter(|run| run.verdict == Some(Verdict::Green)).count();
        count(Verdict::Red) + faked > 1 || count(Verdict::NotEvaluated) > 1
    };
    let known: Vec<&&GateRun> = runs.iter().filter(|run| is_sure(&run.tree)).collect();
    ensure(!known.is_empty(), || format!("blame: entry {entry} is sent back after one run"))?;
    let tip = sim.state.project(project).map(|found| found.integration.tip.clone()).unwrap();
    let base = tree_id(sim.world.repos[project].tree(&tip));
    ensure(sim.world.green.contains(&base), || format!("blame: the base of entry {entry} was never green"))
}

/// A session starts with a usable agent, within the day's budget, and from a commit that contains its
/// dependencies.
fn planned(sim: &Sim, key: &ObjectiveKey, plan: &SessionPlan) -> Checked {
    let health = sim.state.agent_health(&plan.agent);
    let is_out = health.is_some_and(|h| h.cooling(sim.now_ms).is_some() || h.out_of_use().is_some());
    ensure(!is_out, || format!("agents: {} is started while it cools down or is out of use", plan.agent))?;
    let budgets = sim.state.project(&key.project).map(|project| &project.holds);
    let is_spent = budgets.is_some_and(|holds| holds.contains_key(&ReasonCode::DayBudget));
    ensure(!is_spent, || format!("budgets: {key} is worked on though the day's budget is spent"))?;
    let repo = &sim.world.repos[&key.project];
    let Some(objective) = sim.state.objective(key) else { return Ok(()) };
    for id in objective.spec.depends_on.iter().filter(|_| plan.attempt == 1) {
        let Some(dependency) = sim.state.sibling(key, id) else { continue };
        let landed = dependency.landed.as_ref().and_then(|landed| landed.commit.clone());
        let is_there = landed.is_none_or(|commit| repo.is_in(&commit, &plan.from));
        ensure(dependency.status.frees_dependents() && is_there, || {
            format!("dependencies: {key} starts without the landing of {id}")
        })?;
    }
    Ok(())
}

fn slots(sim: &Sim, project: &Project) -> Checked {
    // A planner's session takes no slot.
    let has_slot = |session: &&Session| {
        session.objective.project == project.slug && session.kind != SessionKind::Planner
    };
    let open = sim.state.open_sessions().filter(has_slot).count();
    let slots = project.settings.max_parallel_sessions as usize;
    ensure(open <= slots, || format!("slots: {open} sessions in {slots} slots"))?;
    let gates = sim.state.open_gates().filter(|gate| gate.project == project.slug).count();
    // While automatic slots are measured, one more gate runs.
    let allowed = (project.gate_slots() + u32::from(project.slot_tuning.tries > 0)) as usize;
    ensure(gates <= allowed, || format!("gates: {gates} run at once in {allowed} worktrees"))?;
    let open = sim.state.open_gates().filter(|gate| gate.project == project.slug);
    let slots: BTreeSet<u32> = open.map(|gate| gate.slot).collect();
    ensure(slots.len() == gates, || "gates: two in one worktree".to_owned())
}

fn queue(sim: &Sim, project: &Project) -> Checked {
    for entry in &project.train.entries {
        let Subject::Objective(id) = &entry.subject else { continue };
        let key = ObjectiveKey { project: project.slug.clone(), id: id.clone() };
        let is_queued = sim.state.objective(&key).is_some_and(|o| o.status == Status::Queued);
        ensure(is_queued, || format!("queue: the entry of {id} is there, but {id} is not queued"))?;
        ensure(sim.state.objective(&key).is_some_and(|o| o.head.as_ref() == Some(&entry.head)), || {
            format!("queue: the head pinned for {id} is not the one that was judged")
        })?;
        ensure(entry.overtaken <= OVERTAKEN_MAX, || format!("queue: {id} is overtaken for ever"))?;
    }
    let users = project.train.entries.iter().filter(|entry| entry.subject == Subject::Target).count();
    ensure(users <= 1, || format!("queue: {users} entries for the user's commits"))?;
    let others = project.train.entries.iter().filter(|entry| entry.subject == Subject::Remote).count();
    ensure(others <= 1, || format!("queue: {others} entries for the remote's commits"))
}

/// Objectives with overlapping scopes are never in work at the same time.
fn scopes(sim: &mut Sim) -> Checked {
    let Sim { state, seen, .. } = sim;
    let serialized = |p: &&Project| p.settings.path_conflicts == OverlapRule::Serialize;
    for project in state.projects().filter(serialized) {
        scopes_of(state, &mut seen.overlaps, project)?;
    }
    Ok(())
}

fn scopes_of(state: &State, overlaps: &mut OverlapCache, project: &Project) -> Checked {
    let holding = |o: &&Objective| matches!(o.status, Status::Active | Status::Review | Status::Queued);
    let holders: Vec<&Objective> = state.objectives_of(&project.slug).filter(holding).collect();
    for (at, one) in holders.iter().enumerate() {
        for other in &holders[at + 1..] {
            // A person's approval or resumption may queue work in spite of an overlap.
            if one.operated.scope_released || other.operated.scope_released {
                continue;
            }
            let shared = &project.settings.shared_patterns;
            let met = overlaps.overlap(&one.spec.path_scope, &other.spec.path_scope, shared);
            ensure(matches!(met, Ok(None)), || format!("scopes: {} and {} overlap", one.key, other.key))?;
        }
    }
    Ok(())
}

fn bounds(sim: &Sim, objective: &Objective) -> Checked {
    let Some(project) = sim.state.project(&objective.key.project) else { return Ok(()) };
    let (key, recovery) = (&objective.key, &project.settings.recovery);
    // A session whose set-up failed ran no agent; how often that is tried is bounded by its pauses alone.
    let has_run = |id: &&SessionId| {
        let process = sim.state.session(**id).and_then(|session| session.process.as_ref());
        !process.is_some_and(|process| matches!(process.exit, Exit::SetupFailed(_)))
    };
    let since = objective.sessions.iter().skip(objective.operated.sessions_before as usize);
    let sessions = since.filter(has_run).count();
    ensure(sessions <= recovery.max_sessions as usize, || format!("bounds: {key} has {sessions} sessions"))?;
    let retries = objective.retries;
    ensure(retries <= recovery.max_retries, || format!("bounds: {key} has {retries} retries"))?;
    ensure(objective.overtaken <= 8, || {
        format!("bounds: {key} was overtaken {} times", objective.overtaken)
    })?;
    let expansions = objective.expansions;
    ensure(expansions <= recovery.max_expansions, || format!("bounds: {key} grew {expansions} times"))?;
    let open = sim.state.open_sessions().filter(|session| session.objective == *key).count();
    ensure(open <= 1, || format!("sessions: {key} has {open} at once"))
}

/// Every objective moves or has a reason.
fn explained(sim: &Sim, objective: &Objective) -> Checked {
    let key = &objective.key;
    let holds = match objective.status {
        Status::Todo => !sim.state.unmet(objective).is_empty(),
        Status::Active => sim.state.open_sessions().any(|session| session.objective == *key),
        Status::Queued => {
            sim.state.project(&key.project).is_some_and(|project| project.train.entry_of(&key.id).is_some())
        }
        Status::Review => outstanding(&sim.state).iter().any(|effect| is_harvest_of(sim, effect, key)),
        Status::NeedsReview | Status::Failed => objective.reason.is_some(),
        Status::Ready | Status::Done | Status::Paused | Status::Skipped | Status::Cancelled => true,
    };
    ensure(holds, || format!("explained: {key} is {} and nothing moves it", objective.status))
}

fn is_harvest_of(sim: &Sim, effect: &Effect, key: &ObjectiveKey) -> bool {
    let Effect::Harvest { session } = effect else { return false };
    sim.state.session(*session).is_some_and(|session| session.objective == *key)
}

/// Every outstanding effect is in the pool, has its reply in the inbox, or runs under a keeper.
pub(super) fn under_way(sim: &Sim) -> Checked {
    for effect in outstanding(&sim.state) {
        let is_known = match &effect {
            Effect::Look { .. } => true,
            Effect::StartSession { session } | Effect::StopSession { session, .. } => {
                sim.world.jobs.get(session).is_some_and(|job| job.watched)
            }
            Effect::StartGate { gate } | Effect::StopGate { gate } => sim.world.gates.contains_key(gate),
            _ => false,
        };
        let is_idle = sim.pool.is_empty() && sim.world.inbox.is_empty();
        ensure(is_known || !is_idle, || format!("forgotten: {effect:?} is neither done nor in progress"))?;
    }
    Ok(())
}
