//! What a planner is told, from the state.

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

/// Objectives of each kind that are told, the newest; a plan needs no more, and a prompt is bounded.
const REPORTED_MAX: usize = 40;
/// Ids that are told as taken; a plan that meets another one hears so in its repair.
const TAKEN_MAX: usize = 300;
/// Characters of what became of an objective.
const NOTE_CHARS_MAX: usize = 300;

/// What a planner is told, but for the files of the repository.
#[derive(Debug)]
pub(in super::super::super) struct Brief {
    pub(super) context: PlannerContext,
    /// Files of the repository that are told.
    pub(super) files: Vec<String>,
}

impl Brief {
    pub(in super::super::super) fn new(state: &State, project: &Project, session: &Session) -> Self {
        Self::for_run(state, project, session.attempt)
    }

    /// For the run of that number in the active phase.
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
            // One that nobody divided is its own phase.
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

fn phase_of(phase: &HierarchyNode) -> PlannedPhase {
    PlannedPhase { title: phase.title.clone(), description: phase.description.clone() }
}

/// Objectives of the phase first, then others; the newest of them.
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

/// A text on one line, as much of it as a planner needs.
fn note_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(NOTE_CHARS_MAX).collect()
}

/// What became of one that is done.
fn outcome(objective: &Objective) -> String {
    if objective.status == Status::Skipped {
        return "skipped by a person".to_owned();
    }
    note_line(objective.history.last().map_or("", String::as_str))
}

/// Why one stands still.
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

/// Those that a plan may name: the usual one first.
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

/// What review lets only integrators change.
fn protected(settings: &ProjectSettings) -> Vec<String> {
    let mut all = settings.integrator_only_patterns.clone();
    all.push(ALWAYS_PROTECTED.to_owned());
    all
}
