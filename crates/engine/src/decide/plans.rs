//! The Apply phase: a plan is judged as a whole, and becomes objectives completely or not at all.
//!
//! | the planner's session | then |
//! |---|---|
//! | ended well with a plan without faults | the plan is applied whole, or waits (`planner.approval: manual`) |
//! | ended well with a faulty plan | nothing of it is used; one repair session gets the faults; then a person |
//! | failed, lost, stalled, over budget | another run after the cooldown; after three in a row a person |
//! | its agent cools down or needs a login | another run after the cooldown, with the next agent that may plan |
//! | killed by a person | a person |
//!
//! After three plans in a row without a landing a person is asked. An empty plan means that the planner
//! believes the phase to be done (`planning::Belief`). It obeys `planner.approval` like any plan, and rests
//! on the objectives that the session saw when it began (`PhaseView`, recorded with `plan_applied`): it
//! counts while exactly those are there. When they differ, another run is due as soon as nothing of the phase
//! is running. If something failed or was cancelled and no check can tell whether that matters, the plan
//! waits for a person, whose approval counts until something else fails, is cancelled or is added.

pub(super) mod hierarchy;
pub(super) mod import;
pub(super) mod objectives;
pub(super) mod phases;
pub(super) mod planner;

use self::objectives::check_objectives;
use super::refusals::unknown_project;
use super::scribe::Scribe;
use super::wording::counted;
use crate::decide::queue::holds::hold_planner;
use crate::decide::sessions::ends::{counts, failed_end, stopped_end};
use crate::decide::sessions::harvest::account;
use crate::explain::{no_planner, nothing_planned};
use crate::input::Problem;
use paddock_model::command::{Answer, Refusal, Reply};
use paddock_model::cut;
use paddock_model::event::Fact;
use paddock_model::facts::PlanFacts;
use paddock_model::hierarchy::{Level, NodeKey, NodeOrder, Stage};
use paddock_model::ids::{AgentId, NodeId, ObjectiveId, ObjectiveKey, ProjectSlug, SessionId};
use paddock_model::objective::ObjectiveSpec;
use paddock_model::operate::By;
use paddock_model::plan::{PlanDocument, unordered_overlaps};
use paddock_model::planning::{Belief, FAILURES_MAX, PhaseView, PlannerRun, planners};
use paddock_model::reason::ReasonCode;
use paddock_model::session::{Exit, Harvest, Over, Session, SessionEnd, SessionKind, SessionStatus, Stop};
use paddock_model::settings::ApprovalRule;

/// Faults of a plan that are recorded and sent to the planner. More of them would not help to repair it.
const FAULTS_MAX: usize = 20;
/// Bytes kept of a planner's reasoning, as the summary of its session.
const WORDS_MAX_BYTES: usize = 2_000;

/// The plan of a planner run was read, or could not be.
pub(super) fn read(scribe: &mut Scribe<'_>, id: SessionId, facts: Result<Box<PlanFacts>, Problem>) {
    let Some(session) = scribe.state.session(id).cloned() else { return };
    if session.status != SessionStatus::Harvesting || session.kind != SessionKind::Planner {
        return;
    }
    let slug = session.objective.project.clone();
    let planning = scribe.state.project(&slug).map(|project| &project.planning);
    let run = planning.and_then(|planning| planning.run.clone()).filter(|run| run.session == id);
    let end = end_of(&session, &facts);
    record(scribe, &session, end, &facts);
    let stop = session.process.as_ref().and_then(|process| process.stop);
    let failure = facts.as_ref().ok().and_then(|facts| facts.account.failure.clone());
    // If the session was stopped for another reason, the agent's last message is about the stop.
    if let Some(failure) = failure.filter(|failure| counts(stop, failure)) {
        crate::decide::sessions::health::note(scribe, &session, &failure);
    }
    scribe.mark(&slug);
    // The project does not wait for this run any more.
    let Some(run) = run else { return };
    match (end, facts) {
        (SessionEnd::Completed, Ok(facts)) => judge(scribe, &slug, &run, facts.plan),
        (SessionEnd::Completed, Err(problem)) => {
            miss(scribe, &slug, id, &format!("its plan could not be read: {problem}"), true);
        }
        // A person who kills the planner wants it to stop: it does not start again by itself.
        (SessionEnd::Killed, _) => {
            miss(scribe, &slug, id, "a person killed it", false);
            hold_planner(
                scribe,
                &slug,
                ReasonCode::Killed,
                format!("the planner's session {id} was killed by a person"),
            );
        }
        (
            SessionEnd::Partial
            | SessionEnd::OverBudget
            | SessionEnd::Blocked
            | SessionEnd::Failed
            | SessionEnd::Stalled
            | SessionEnd::Interrupted
            | SessionEnd::Lost,
            _,
        ) => failed(scribe, &slug, &session, end),
    }
}

fn end_of(session: &Session, facts: &Result<Box<PlanFacts>, Problem>) -> SessionEnd {
    let Some(process) = &session.process else { return SessionEnd::Lost };
    let failure = facts.as_ref().ok().and_then(|facts| facts.account.failure.as_ref());
    match (stopped_end(process), failure) {
        (Some(SessionEnd::Stalled), Some(failure)) if counts(process.stop, failure) => failed_end(failure),
        (Some(end), _) => end,
        (None, Some(failure)) => failed_end(failure),
        (None, None) if process.exit == Exit::Code(0) || process.stop == Some(Stop::Finished) => {
            SessionEnd::Completed
        }
        (None, None) => SessionEnd::Failed,
    }
}

fn record(
    scribe: &mut Scribe<'_>,
    session: &Session,
    end: SessionEnd,
    facts: &Result<Box<PlanFacts>, Problem>,
) {
    let plan = facts.as_ref().ok().and_then(|facts| facts.plan.as_ref().ok());
    let harvest = Harvest {
        head: session.from.clone(),
        commits: 0,
        checkpoints: Vec::new(),
        salvage: facts.as_ref().ok().and_then(|facts| facts.salvage.clone()),
        findings: Vec::new(),
        summary: cut::start(plan.map_or("", |plan| plan.reasoning.trim()), WORDS_MAX_BYTES).to_owned(),
        summary_lenient: false,
    };
    let reported = facts.as_ref().map(|facts| facts.account.clone()).unwrap_or_default();
    let account = account(scribe.state, session, reported);
    scribe.record(Fact::SessionHarvested {
        objective: session.objective.clone(),
        session: session.id,
        end,
        harvest: Some(harvest),
        over_commits: false,
        over: Over::exceeded(&session.budget, &account.usage),
        problem: facts.as_ref().err().map(ToString::to_string),
        account: Box::new(account),
    });
}

/// Records a planner run that brought no plan. If it `counts` as a failure and too many of them follow in a
/// row, the planner waits for a person.
fn miss(scribe: &mut Scribe<'_>, project: &ProjectSlug, session: SessionId, problem: &str, counts: bool) {
    let problem = cut::start(problem, WORDS_MAX_BYTES).to_owned();
    scribe.record(Fact::PlanMissed { project: project.clone(), session, problem: problem.clone(), counts });
    let failures = scribe.state.project(project).map_or(0, |project| project.planning.failures);
    if failures >= FAILURES_MAX {
        let text = format!("{failures} planner runs in a row ended without a plan; the last one: {problem}");
        hold_planner(scribe, project, ReasonCode::PlannerFails, text);
    }
}

/// Records a planner run that ended badly. An agent that could not be started is marked unusable, so that the
/// next run goes to another agent; that costs nothing.
fn failed(scribe: &mut Scribe<'_>, project: &ProjectSlug, session: &Session, end: SessionEnd) {
    let exit = session.process.as_ref().map(|process| &process.exit);
    if let (Some(Exit::NotStarted(problem)), SessionEnd::Failed) = (exit, end) {
        let (project, agent) = (project.clone(), session.agent.clone());
        scribe.record(Fact::AgentUnusable { project, agent, problem: problem.clone() });
        let text = "its agent could not be started";
        return miss(scribe, &session.objective.project, session.id, text, false);
    }
    let how = exit.map_or_else(|| end.to_string(), |exit| format!("{end} ({exit})"));
    // An interruption (a cooldown, a shutdown) is no fault of the planner and does not count.
    miss(scribe, project, session.id, &how, end != SessionEnd::Interrupted);
}

fn judge(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    run: &PlannerRun,
    plan: Result<PlanDocument, Vec<String>>,
) {
    let active = scribe.state.active_line(slug).phase.map(|phase| phase.key.id.clone());
    // Objectives of a phase that is not active would never be planned further or checked.
    if active != run.phase || active.is_none() {
        let text = "its phase is no longer the active one";
        return miss(scribe, slug, run.session, text, false);
    }
    // The plan was checked against the objectives of the moment when it was read. Others may have been added
    // since.
    let checked = plan.and_then(|plan| match check(scribe, slug, run.phase.as_ref(), &plan) {
        Ok(()) => Ok(plan),
        Err(refusal) => Err(vec![refusal.text]),
    });
    match checked {
        Ok(plan) => accept(scribe, slug, run, plan),
        Err(faults) => refuse(scribe, slug, run.session, faults),
    }
}

/// Refuses a faulty plan. The first one is sent back for repair at once; if the repaired plan has faults as
/// well, a person is asked.
fn refuse(scribe: &mut Scribe<'_>, slug: &ProjectSlug, session: SessionId, mut faults: Vec<String>) {
    faults.truncate(FAULTS_MAX);
    let is_repaired = scribe.state.project(slug).is_some_and(|project| project.planning.is_repaired);
    let first = faults.first().cloned().unwrap_or_default();
    scribe.record(Fact::PlanRefused { project: slug.clone(), session, faults });
    if is_repaired {
        let text = format!("the planner's plan still has faults after one repair: {first}");
        hold_planner(scribe, slug, ReasonCode::PlanFaulty, text);
    }
}

fn accept(scribe: &mut Scribe<'_>, slug: &ProjectSlug, run: &PlannerRun, plan: PlanDocument) {
    let Some(project) = scribe.state.project(slug) else { return };
    let settings = &project.settings;
    let is_manual = settings.planner.approval == ApprovalRule::Manual;
    let waits = is_manual || needs_approval(scribe, slug, run, &plan);
    let warnings = unordered_overlaps(&plan, &settings.shared_patterns, &mut scribe.memo.overlaps);
    let (session, phase) = (run.session, run.phase.clone());
    scribe.record(Fact::PlanMade {
        project: slug.clone(),
        session,
        phase: phase.clone(),
        plan: Box::new(plan.clone()),
        warnings,
        waits,
    });
    // The belief rests on what the planner saw when its session began. If the phase has changed since, the
    // belief does not count (`phases::is_believed_done`).
    if !waits {
        let belief = Belief { by: By::Automatic, saw: run.saw.clone() };
        let origin = Origin { session: Some(session), checks: By::Automatic, belief: Some(belief) };
        apply(scribe, slug, phase, plan, origin);
    }
}

/// Returns whether an empty plan needs a person's approval: an objective of the phase failed or was
/// cancelled, and no check can tell whether the phase is reached all the same. If the phase has changed since
/// the planner saw it, another run comes first.
fn needs_approval(scribe: &Scribe<'_>, slug: &ProjectSlug, run: &PlannerRun, plan: &PlanDocument) -> bool {
    let Some(phase) = scribe.state.active_line(slug).phase.filter(|_| plan.asks_nothing()) else {
        return false;
    };
    let now = scribe.state.phase_view(slug, &phase.key.id);
    !phase.progress.has_checks() && run.saw == now && !now.failed.is_empty()
}

/// The origin of a plan.
struct Origin {
    /// Session of the planner. `None` if a person wrote the plan.
    session: Option<SessionId>,
    /// Author of the plan's checks.
    checks: By,
    /// Belief that the phase is done. It counts only if the plan has no objectives.
    belief: Option<Belief>,
}

/// Returns the specifications of the plan's objectives, with their phase.
fn specs(plan: &PlanDocument, phase: Option<&NodeId>) -> Vec<(ObjectiveId, ObjectiveSpec)> {
    let named = plan.objectives.iter().cloned().map(paddock_model::plan::PlannedObjective::into_spec);
    named
        .map(|(id, spec)| (id, ObjectiveSpec { phase: phase.map(|phase| phase.as_str().to_owned()), ..spec }))
        .collect()
}

fn check(
    scribe: &Scribe<'_>,
    slug: &ProjectSlug,
    phase: Option<&NodeId>,
    plan: &PlanDocument,
) -> Result<(), Refusal> {
    let Some(project) = scribe.state.project(slug) else { return Err(unknown_project(scribe, slug)) };
    match plan.objectives.is_empty() {
        true => Ok(()),
        false => check_objectives(scribe, project, &specs(plan, phase)),
    }
}

fn apply(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    phase: Option<NodeId>,
    plan: PlanDocument,
    origin: Origin,
) -> Vec<ObjectiveKey> {
    let Origin { session, checks: by, belief } = origin;
    let mut added = Vec::new();
    for (id, spec) in specs(&plan, phase.as_ref()) {
        let objective = ObjectiveKey { project: slug.clone(), id };
        added.push(objective.clone());
        scribe.record(Fact::ObjectiveAdded { objective, spec: Box::new(spec) });
    }
    if let (Some(phase), false) = (&phase, plan.phase_checks.is_empty()) {
        phases::set_checks(scribe, slug, phase, plan.phase_checks, by);
    }
    let objectives = added.iter().map(|key| key.id.clone()).collect();
    // A plan with objectives says that the phase is not done.
    let belief = belief.filter(|_| added.is_empty());
    scribe.record(Fact::PlanApplied { project: slug.clone(), session, phase, objectives, belief });
    scribe.mark(slug);
    added
}

/// Applies a plan that a person wrote to the active phase.
pub(super) fn apply_written(scribe: &mut Scribe<'_>, slug: &ProjectSlug, plan: PlanDocument) -> Reply {
    let phase = scribe.state.active_line(slug).phase.map(|phase| phase.key.id.clone());
    if plan.objectives.is_empty() && phase.is_none() {
        return Err(Refusal::new("the plan has no objective, and no phase is active that it could end"));
    }
    check(scribe, slug, phase.as_ref(), &plan)?;
    let checks = plan.phase_checks.len();
    // A person's empty plan says that nothing is left to do. One with checks only adds these.
    let saw =
        phase.as_ref().filter(|_| plan.asks_nothing()).map(|phase| scribe.state.phase_view(slug, phase));
    let done = phase.as_ref().zip(saw.as_ref()).map(|(phase, saw)| {
        let has_checks = has_checks(scribe, slug, phase);
        taken_as_done(phase, saw, has_checks)
    });
    let belief = saw.map(|saw| Belief { by: By::Human, saw });
    let origin = Origin { session: None, checks: By::Human, belief };
    let added = apply(scribe, slug, phase.clone(), plan, origin);
    if let Some(text) = done {
        return Ok(Answer::text(text));
    }
    let names: Vec<String> = added.iter().map(|key| key.id.to_string()).collect();
    let mut text = format!("added {} to {slug}", counted(added.len()));
    if !names.is_empty() {
        text.push_str(&format!(": {}", names.join(", ")));
    }
    match (&phase, checks) {
        (Some(phase), 0) => text.push_str(&format!(", in the phase {phase}")),
        (Some(phase), n) => {
            text.push_str(&format!(", in the phase {phase}, which now has {n} checks of yours"));
        }
        (None, 0) => {}
        (None, _) => text.push_str("; its phase checks are not kept: no phase is active"),
    }
    Ok(Answer { text, objectives: added })
}

/// A person gives an order about a goal, a milestone or a phase. If no agent may plan what was added, the answer
/// says so, and what to do.
pub(super) fn order_node(scribe: &mut Scribe<'_>, key: &NodeKey, order: NodeOrder) -> Reply {
    let is_add = matches!(order, NodeOrder::Add { .. });
    let mut answer = hierarchy::take(scribe, key, order)?;
    let is_active = scribe.state.node(key).is_some_and(|node| node.stage == Stage::Active);
    if let Some(project) = scribe.state.project(&key.project)
        && is_add
        && is_active
        && planners(project).is_empty()
        && let Some(reason) = nothing_planned(scribe.state, project)
    {
        answer.text.push_str(&format!(". But {}: {}", reason.text, reason.clears));
    }
    Ok(answer)
}

/// A person orders a planner run.
pub(super) fn ask(scribe: &mut Scribe<'_>, slug: &ProjectSlug) -> Reply {
    let Some(project) = scribe.state.project(slug) else { return Err(unknown_project(scribe, slug)) };
    if let Some(run) = &project.planning.run {
        let text = format!(
            "session {} is planning already; `paddock session log {} -f` follows it",
            run.session, run.session
        );
        return Err(Refusal::new(text));
    }
    if project.planning.waiting.is_some() {
        let text = "a plan waits already: `paddock plan show`, then `paddock plan approve` or `plan reject \
                    --note TEXT`";
        return Err(Refusal::new(text));
    }
    // Without a supervisor the settings in the state may be out of date. The next supervisor reads the
    // project file first, and may find a planner in it.
    if planners(project).is_empty() && !scribe.memo.is_passive {
        let (text, clears) = no_planner(project);
        return Err(Refusal::new(format!("{text}: {clears}")));
    }
    hierarchy::add_single_phase(scribe, slug);
    let Some(phase) = scribe.state.active_line(slug).phase.map(|phase| phase.key.id.clone()) else {
        let text = "no phase is active: add a goal with `paddock goal add TITLE` or `paddock goal import \
                    FILE.md`, or begin an existing phase with `paddock phase activate ID`";
        return Err(Refusal::new(text));
    };
    scribe.mark(slug);
    scribe.record(Fact::PlanAsked { project: slug.clone() });
    let when = match scribe.memo.is_passive {
        true => "as soon as a supervisor works here (`paddock run --no-tui`)",
        false => "now",
    };
    Ok(Answer::text(format!("the planner plans the phase {phase} of {slug} {when}")))
}

/// A person says whether an agent may plan for a project.
pub(super) fn answer(scribe: &mut Scribe<'_>, slug: &ProjectSlug, agent: &AgentId, may_plan: bool) -> Reply {
    let Some(project) = scribe.state.project(slug) else { return Err(unknown_project(scribe, slug)) };
    let Some(found) = project.settings.agent(agent) else {
        let known: Vec<&str> = project.settings.agents.iter().map(|agent| agent.id.as_str()).collect();
        let text = format!("the project {slug} has no agent {agent}; it has {}", known.join(", "));
        return Err(Refusal::new(text));
    };
    let file = format!("projects/{slug}.yaml");
    // The settings count more than this answer, so one that contradicts them would have no effect.
    if !found.planner && may_plan {
        let text = format!("the agent {agent} has `planner: false` in its settings; remove that in {file}");
        return Err(Refusal::new(text));
    }
    if found.plans && !may_plan {
        let text =
            format!("the settings let the agent {agent} plan; write `planner: false` for it in {file}");
        return Err(Refusal::new(text));
    }
    scribe.mark(slug);
    scribe.record(Fact::AgentMayPlan { project: slug.clone(), agent: agent.clone(), may_plan });
    Ok(Answer::text(match may_plan {
        true => format!("the agent {agent} may plan for {slug}"),
        false => format!("the agent {agent} does not plan for {slug}"),
    }))
}

/// A person approves the plan that waits. It is checked again, since the project may have changed in the
/// meantime.
pub(super) fn approve(scribe: &mut Scribe<'_>, slug: &ProjectSlug) -> Reply {
    let Some(project) = scribe.state.project(slug) else { return Err(unknown_project(scribe, slug)) };
    let Some(waiting) = project.planning.waiting.clone() else { return Err(none_waits()) };
    let phase = waiting.phase.filter(|id| hierarchy::check_phase(scribe, slug, id.as_str()).is_ok());
    if let Err(refusal) = check(scribe, slug, phase.as_ref(), &waiting.plan) {
        let text =
            format!("the plan no longer fits: {refusal}; `paddock plan reject --note TEXT` sends it back");
        return Err(Refusal::new(text));
    }
    let saw = phase.as_ref().map(|phase| scribe.state.phase_view(slug, phase));
    let text = match (&phase, &saw) {
        (Some(phase), Some(saw)) if waiting.plan.objectives.is_empty() => {
            let has_checks = !waiting.plan.phase_checks.is_empty() || has_checks(scribe, slug, phase);
            taken_as_done(phase, saw, has_checks)
        }
        _ => {
            let count = counted(waiting.plan.objectives.len());
            format!("the plan of session {} is applied: {count} added", waiting.session)
        }
    };
    let belief = saw.map(|saw| Belief { by: By::Human, saw });
    let origin = Origin { session: Some(waiting.session), checks: By::Automatic, belief };
    let added = apply(scribe, slug, phase, waiting.plan, origin);
    Ok(Answer { text, objectives: added })
}

fn has_checks(scribe: &Scribe<'_>, slug: &ProjectSlug, phase: &NodeId) -> bool {
    let key = NodeKey { project: slug.clone(), level: Level::Phase, id: phase.clone() };
    scribe.state.node(&key).is_some_and(|phase| phase.progress.has_checks())
}

/// Returns the answer to a person who approved an empty plan.
fn taken_as_done(phase: &NodeId, saw: &PhaseView, has_checks: bool) -> String {
    let left: Vec<&str> = saw.moving.iter().chain(&saw.stuck).map(ObjectiveId::as_str).collect();
    match (left.is_empty(), has_checks) {
        (true, false) => format!("the phase {phase} is taken as done"),
        (true, true) => format!("nothing is added to the phase {phase}: its checks decide"),
        (false, _) => {
            format!("nothing is added to the phase {phase}; it is done once {} is", left.join(", "))
        }
    }
}

/// A person rejects the plan that waits. The note is in the prompt of the next run.
pub(super) fn reject(scribe: &mut Scribe<'_>, slug: &ProjectSlug, note: &str) -> Reply {
    let Some(project) = scribe.state.project(slug) else { return Err(unknown_project(scribe, slug)) };
    let Some(waiting) = &project.planning.waiting else { return Err(none_waits()) };
    if note.trim().is_empty() {
        return Err(Refusal::new("say what is wrong with it: `paddock plan reject --note TEXT`"));
    }
    let session = waiting.session;
    scribe.mark(slug);
    let note = cut::start(note.trim(), WORDS_MAX_BYTES).to_owned();
    scribe.record(Fact::PlanRejected { project: slug.clone(), session, note });
    let text = format!("the plan of session {session} is rejected; the note is in the planner's next prompt");
    Ok(Answer::text(text))
}

fn none_waits() -> Refusal {
    Refusal::new("no plan waits; `paddock plan` starts the planner")
}
