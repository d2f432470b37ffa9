//! Collects from the state what a planner's prompt says.

use paddock_agents::planner::{KnownObjective, KnownWorker, PlannedPhase, PlannerContext};
use paddock_agents::prompt::{PromptBudget, titled};
use paddock_engine::review::ALWAYS_PROTECTED;
use paddock_model::hierarchy::HierarchyNode;
use paddock_model::objective::{Objective, Status};
use paddock_model::plan::DEFAULT_WORKER;
use paddock_model::project::Project;
use paddock_model::session::{Session, SessionKind};
use paddock_model::settings::{ProjectSettings, Role, ScopeLevel};
use paddock_model::state::State;

/// Most objectives of each kind in the prompt, the newest of them. A plan needs no more, and the prompt stays
/// bounded.
const REPORTED_MAX: usize = 40;
/// Most ids that the prompt lists as taken. A plan that uses a taken id beyond them is sent back with that
/// fault.
const TAKEN_MAX: usize = 300;
/// Most characters of an objective's outcome.
const NOTE_CHARS_MAX: usize = 300;

/// The data of a planner's prompt, without the repository's files.
#[derive(Debug)]
pub(in super::super::super) struct Brief {
    pub(super) context: PlannerContext,
    /// Paths of the context files in the repository.
    pub(super) files: Vec<String>,
}

impl Brief {
    /// Collects the data for a planner's session.
    pub(in super::super::super) fn new(state: &State, project: &Project, session: &Session) -> Self {
        Self::for_run(state, project, session.attempt)
    }

    /// Collects the data for the planner run with this number in the active phase.
    pub(in super::super::super) fn for_run(state: &State, project: &Project, attempt: u32) -> Self {
        let line = state.active_line(&project.slug);
        let (settings, planning) = (&project.settings, &project.planning);
        let whole = |node: Option<&HierarchyNode>| node.map(HierarchyNode::whole_text);
        let of = |wanted: &dyn Fn(&Objective) -> bool, note: &dyn Fn(&Objective) -> String| {
            reported(state, project, line.phase, wanted, note)
        };
        let is_done = |o: &Objective| o.status.frees_dependents();
        let is_stuck = |o: &Objective| o.status.is_stuck();
        let is_moving = |o: &Objective| !is_done(o) && !is_stuck(o);
        let progress = line.phase.map(|phase| phase.progress.clone()).unwrap_or_default();
        let context = PlannerContext {
            project: titled(&settings.name, &settings.description),
            goal: whole(line.goal),
            milestone: whole(line.milestone),
            // A goal or milestone without parts is planned as if it were its own phase.
            phase: line.phase.or(line.milestone).or(line.goal).map(phase_of).unwrap_or_default(),
            checks: progress.all_checks(),
            failed_checks: progress.failed.map(|failed| failed.checks).unwrap_or_default(),
            done: of(&is_done, &outcome),
            running: of(&is_moving, &|_| String::new()),
            failed: of(&is_stuck, &trouble),
            taken: state.objectives_of(&project.slug).map(|o| o.key.id.to_string()).take(TAKEN_MAX).collect(),
            notes: planning.notes.clone(),
            faults: planning.faults.clone(),
            context_files: Vec::new(),
            scope_level: scope(settings).0.to_owned(),
            scope_commits: scope(settings).1.to_owned(),
            budget: PromptBudget {
                max_commits: settings.session_defaults.max_commits,
                max_minutes: settings.session_defaults.max_minutes,
            },
            slots: settings.max_parallel_sessions,
            workers: workers(settings),
            protected: protected(settings),
            shared: settings.shared_patterns.clone(),
            integration_ref: project.integration_ref(),
            attempt,
            kind: SessionKind::Planner.to_string(),
        };
        Self { context, files: settings.planner.context_files.clone() }
    }
}

/// Returns a node's title and description, to be planned as a phase.
fn phase_of(phase: &HierarchyNode) -> PlannedPhase {
    PlannedPhase { title: phase.title.clone(), description: phase.description.clone() }
}

/// Returns the objectives that `wanted` accepts, at most [`REPORTED_MAX`], oldest first. Objectives of the
/// phase come before others when some have to be left out, and newer ones before older ones.
fn reported(
    state: &State,
    project: &Project,
    phase: Option<&HierarchyNode>,
    wanted: &dyn Fn(&Objective) -> bool,
    note: &dyn Fn(&Objective) -> String,
) -> Vec<KnownObjective> {
    let is_own =
        |o: &Objective| phase.is_some_and(|phase| o.spec.phase.as_deref() == Some(phase.key.id.as_str()));
    let mut found: Vec<&Objective> = state.objectives_of(&project.slug).filter(|o| wanted(o)).collect();
    // Sorted twice: by importance to choose which to keep, then by age to show them.
    found.sort_by_key(|o| (std::cmp::Reverse(is_own(o)), std::cmp::Reverse(o.added_seq)));
    found.truncate(REPORTED_MAX);
    found.sort_by_key(|o| o.added_seq);
    let known = |o: &&Objective| KnownObjective {
        id: o.key.id.to_string(),
        title: o.spec.title.clone(),
        status: o.status.to_string(),
        note: note(o),
        path_scope: o.spec.path_scope.clone(),
    };
    found.iter().map(known).collect()
}

/// Returns the text on one line, cut to [`NOTE_CHARS_MAX`].
fn note_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(NOTE_CHARS_MAX).collect()
}

/// Returns the outcome of an objective that is done.
fn outcome(objective: &Objective) -> String {
    if objective.status == Status::Skipped {
        return "skipped by a person".to_owned();
    }
    note_line(objective.history.last().map_or("", String::as_str))
}

/// Returns why an objective is stuck.
fn trouble(objective: &Objective) -> String {
    note_line(objective.reason.as_ref().map_or("", |reason| reason.text.as_str()))
}

fn scope(settings: &ProjectSettings) -> (&'static str, &'static str) {
    match settings.session_defaults.scope_level {
        ScopeLevel::Small => ("small", "1 to 2"),
        ScopeLevel::Medium => ("medium", "3 to 5"),
        ScopeLevel::Large => ("large", "5 to 10"),
    }
}

/// Returns the workers that a plan may name, the default one first.
fn workers(settings: &ProjectSettings) -> Vec<KnownWorker> {
    let role = |role: Role| match role {
        Role::Implementer => "implementer",
        Role::Integrator => "integrator",
        Role::Researcher => "researcher",
    };
    let mut all: Vec<_> = settings.workers.iter().collect();
    all.sort_by_key(|worker| worker.id != DEFAULT_WORKER);
    all.iter()
        .map(|worker| KnownWorker { id: worker.id.clone(), role: role(worker.role).to_owned() })
        .collect()
}

/// Returns the patterns of files that only integrators may change.
fn protected(settings: &ProjectSettings) -> Vec<String> {
    let mut all = settings.integrator_only_patterns.clone();
    all.push(ALWAYS_PROTECTED.to_owned());
    all
}
