//! The Apply phase: what a planner run brought is judged as a whole, and becomes objectives or nothing.

use super::ends::{failed_end, stopped_end};
use super::holds::hold_planner;
use super::objectives::check_objectives;
use super::refusals::unknown_project;
use super::scribe::Scribe;
use super::wording::counted;
use crate::input::Problem;
use paddock_model::command::{Answer, Refusal, Reply};
use paddock_model::cut;
use paddock_model::event::Fact;
use paddock_model::facts::PlanFacts;
use paddock_model::hierarchy::{Level, NodeKey};
use paddock_model::ids::{NodeId, ObjectiveId, ObjectiveKey, ProjectSlug, SessionId};
use paddock_model::objective::ObjectiveSpec;
use paddock_model::operate::By;
use paddock_model::plan::{PlanDocument, unordered_overlaps};
use paddock_model::planning::{Belief, FAILURES_MAX, PhaseView, PlannerRun, planners};
use paddock_model::reason::ReasonCode;
use paddock_model::session::{Exit, Harvest, Over, Session, SessionEnd, SessionKind, SessionStatus, Stop};
use paddock_model::settings::ApprovalRule;

/// Faults of a plan that are kept and told: more would not help to mend it.
const FAULTS_MAX: usize = 20;
/// Bytes kept of a planner's reasoning as what its session says of itself.
const WORDS_MAX_BYTES: usize = 2_000;

/// What a planner run left was read.
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
    // What an agent says that was stopped for another reason is about that.
    if let Some(failure) = failure.filter(|_| stop.is_none() || stop == Some(Stop::Waiting)) {
        super::health::note(scribe, &session, &failure);
    }
    scribe.mark(&slug);
    let Some(run) = run else { return };
    match (end, facts) {
        (SessionEnd::Completed, Ok(facts)) => judge(scribe, &slug, &run, facts.plan),
        (SessionEnd::Completed, Err(problem)) => {
            miss(scribe, &slug, id, &format!("its plan could not be read: {problem}"), true);
        }
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
        (Some(end), _) => end,
        (None, Some(failure)) => failed_end(failure),
        (None, None) if process.exit == Exit::Code(0) => SessionEnd::Completed,
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
    let account = facts.as_ref().map(|facts| facts.account.clone()).unwrap_or_default();
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

fn miss(scribe: &mut Scribe<'_>, project: &ProjectSlug, session: SessionId, problem: &str, counts: bool) {
    let problem = cut::start(problem, WORDS_MAX_BYTES).to_owned();
    scribe.record(Fact::PlanMissed { project: project.clone(), session, problem: problem.clone(), counts });
    let failures = scribe.state.project(project).map_or(0, |project| project.planning.failures);
    if failures >= FAILURES_MAX {
        let text = format!("{failures} planner runs in a row ended without a plan; the last one: {problem}");
        hold_planner(scribe, project, ReasonCode::PlannerFails, text);
    }
}

/// Nothing is known of the plan. An agent that could not be started gives way to the next one.
fn failed(scribe: &mut Scribe<'_>, project: &ProjectSlug, session: &Session, end: SessionEnd) {
    let exit = session.process.as_ref().map(|process| &process.exit);
    if let (Some(Exit::NotStarted(problem)), SessionEnd::Failed) = (exit, end) {
        let (project, agent) = (project.clone(), session.agent.clone());
        scribe.record(Fact::AgentUnusable { project, agent, problem: problem.clone() });
        let text = "its agent could not be started";
        return miss(scribe, &session.objective.project, session.id, text, false);
    }
    let how = exit.map_or_else(|| end.to_string(), |exit| format!("{end} ({exit})"));
    miss(scribe, project, session.id, &how, end != SessionEnd::Interrupted);
}

fn judge(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    run: &PlannerRun,
    plan: Result<PlanDocument, Vec<String>>,
) {
    let active = scribe.state.active_line(slug).phase.map(|phase| phase.key.id.clone());
    if active != run.phase || active.is_none() {
        let text = "its phase is no longer the active one";
        return miss(scribe, slug, run.session, text, false);
    }
    // It was read against the objectives of that moment: some may have come since.
    let checked = plan.and_then(|plan| match check(scribe, slug, run.phase.as_ref(), &plan) {
        Ok(()) => Ok(plan),
        Err(refusal) => Err(vec![refusal.text]),
    });
    match checked {
        Ok(plan) => accept(scribe, slug, run, plan),
        Err(faults) => refuse(scribe, slug, run.session, faults),
    }
}

fn refuse(scribe: &mut Scribe<'_>, slug: &ProjectSlug, session: SessionId, mut faults: Vec<String>) {
    faults.truncate(FAULTS_MAX);
    let is_repaired = scribe.state.project(slug).is_some_and(|project| project.planning.is_repaired);
    let first = faults.first().cloned().unwrap_or_default();
    scribe.record(Fact::PlanRefused { project: slug.clone(), session, faults });
    if is_repaired {
        let text = format!("the planner's plan has faults, and so had the one before it: {first}");
        hold_planner(scribe, slug, ReasonCode::PlanFaulty, text);
    }
}

fn accept(scribe: &mut Scribe<'_>, slug: &ProjectSlug, run: &PlannerRun, plan: PlanDocument) {
    let Some(project) = scribe.state.project(slug) else { return };
    let settings = &project.settings;
    let is_manual = settings.planner.approval == ApprovalRule::Manual;
    let waits = is_manual || is_persons_word_due(scribe, slug, run, &plan);
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
    if !waits {
        let belief = Belief { by: By::Automatic, saw: run.saw.clone() };
        let origin = Origin { session: Some(session), checks: By::Automatic, belief: Some(belief) };
        apply(scribe, slug, phase, plan, origin);
    }
}

/// A planner that has nothing to add to a phase in which something failed or was cancelled does not make it done: its
/// checks do, or a person. What has changed since it looked is looked at again first.
fn is_persons_word_due(
    scribe: &Scribe<'_>,
    slug: &ProjectSlug,
    run: &PlannerRun,
    plan: &PlanDocument,
) -> bool {
    let Some(phase) = scribe.state.active_line(slug).phase.filter(|_| plan.asks_nothing()) else {
        return false;
    };
    let now = scribe.state.phase_view(slug, &phase.key.id);
    !phase.progress.has_checks() && run.saw == now && !now.failed.is_empty()
}

/// Where a plan comes from.
struct Origin {
    /// The planner's session; none: a person wrote it.
    session: Option<SessionId>,
    /// Whose its checks are.
    checks: By,
    /// What it rests on, should it have no objectives.
    belief: Option<Belief>,
}

/// What the plan's objectives ask for, on their phase.
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
        super::phases::set_checks(scribe, slug, phase, plan.phase_checks, by);
    }
    let objectives = added.iter().map(|key| key.id.clone()).collect();
    let belief = belief.filter(|_| added.is_empty());
    scribe.record(Fact::PlanApplied { project: slug.clone(), session, phase, objectives, belief });
    scribe.mark(slug);
    added
}

/// A plan that a person wrote, on the phase that is active.
pub(super) fn apply_written(scribe: &mut Scribe<'_>, slug: &ProjectSlug, plan: PlanDocument) -> Reply {
    let phase = scribe.state.active_line(slug).phase.map(|phase| phase.key.id.clone());
    if plan.objectives.is_empty() && (plan.phase_checks.is_empty() || phase.is_none()) {
        return Err(Refusal::new("there is no objective in it"));
    }
    check(scribe, slug, phase.as_ref(), &plan)?;
    let checks = plan.phase_checks.len();
    let origin = Origin { session: None, checks: By::Human, belief: None };
    let added = apply(scribe, slug, phase.clone(), plan, origin);
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

/// A person wants a plan now.
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
        let text = "a plan waits already: `paddock plan show`, then `paddock plan approve` or `plan reject --note TEXT`";
        return Err(Refusal::new(text));
    }
    // A supervisor reads the project file before it does anything, and knows better.
    if planners(&project.settings).is_empty() && !scribe.memo.is_passive {
        let text = format!(
            "no agent may plan: name one in projects/{slug}.yaml (`session_defaults: {{planner_agent: ID}}`), \
             or say `planner: true` for an agent of a worker"
        );
        return Err(Refusal::new(text));
    }
    super::hierarchy::take_whole(scribe, slug);
    let Some(phase) = scribe.state.active_line(slug).phase.map(|phase| phase.key.id.clone()) else {
        let text = "no phase is active: `paddock goal add TITLE` or `paddock goal import FILE.md`; of those that \
                    are there, `paddock phase activate ID` begins one";
        return Err(Refusal::new(text));
    };
    scribe.mark(slug);
    scribe.record(Fact::PlanAsked { project: slug.clone() });
    let when = match scribe.memo.is_passive {
        true => "as soon as a supervisor works here (`paddock run --no-tui`)",
        false => "now",
    };
    Ok(Answer::text(format!("the phase {phase} of {slug} is planned {when}")))
}

/// A person lets the plan that waits become objectives.
pub(super) fn approve(scribe: &mut Scribe<'_>, slug: &ProjectSlug) -> Reply {
    let Some(project) = scribe.state.project(slug) else { return Err(unknown_project(scribe, slug)) };
    let Some(waiting) = project.planning.waiting.clone() else { return Err(none_waits()) };
    let phase = waiting.phase.filter(|id| super::hierarchy::check_phase(scribe, slug, id.as_str()).is_ok());
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

/// What follows from a person's word that nothing is left to do.
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

/// A person sends the plan that waits back; the next one is told why.
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
    let text = format!("the plan of session {session} is rejected; the next one is told why");
    Ok(Answer::text(text))
}

fn none_waits() -> Refusal {
    Refusal::new("no plan waits; `paddock plan` has one made")
}
