//! The public types of events: a documented list, mapped from the stored ones.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use paddock_ipc::EventLine;
use paddock_model::event::{Fact, FactKind};
use paddock_model::hierarchy::{Level, Stage};
use paddock_model::ids::ObjectiveId;
use paddock_model::objective::Status;
use paddock_model::stored::StoredEvent;

/// One public type and where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventType {
    /// The stored type.
    pub kind: FactKind,
    /// What the stored event's `data.to` must be, where one stored type has several public ones.
    pub to: Option<&'static str>,
    /// What its `data.level` must be, likewise.
    pub level: Option<&'static str>,
    /// The public type.
    pub public: &'static str,
    /// One sentence for people.
    pub description: &'static str,
}

/// Every public type. Types may be added; none is renamed or removed.
pub static TYPES: LazyLock<Vec<EventType>> = LazyLock::new(|| FactKind::all().flat_map(types_of).collect());

/// The public types of a stored one.
fn types_of(kind: FactKind) -> Vec<EventType> {
    let one = |public, description| vec![EventType { kind, to: None, level: None, public, description }];
    match kind {
        FactKind::SupervisorStarted => one("supervisor_started", "A supervisor took up work."),
        FactKind::SupervisorStopped => one("supervisor_stopped", "It laid work down in order."),
        FactKind::ProjectAdded => one("project_added", "A repository came under management."),
        FactKind::ProjectConfigured => one("project_configured", "The settings of a project changed."),
        FactKind::ProjectEnabled => {
            one("project_enabled", "A project was enabled or disabled (`data.enabled`).")
        }
        FactKind::ProjectPaused => one("project_paused", "A project was paused or resumed (`data.paused`)."),
        FactKind::ProjectTrusted => one(
            "project_trusted",
            "A person agreed to configuration that can run programs, or a landing carries that on (`data.landing`).",
        ),
        FactKind::ProjectRemoved => one("project_removed", "A project is no longer managed."),
        FactKind::ProjectHeld => one("project_held", "Something stops a project (`data.reason`)."),
        FactKind::ProjectReleased => one("project_released", "That no longer stops it."),
        FactKind::AgentUnusable => one("agent_unusable", "An agent could not be started."),
        FactKind::AgentsReset => one("agents_reset", "Agents that could not be started may be tried again."),
        FactKind::AgentCooled => {
            one("agent_cooling", "No session is started with an agent for a while (`data.cooldown`).")
        }
        FactKind::AgentLocked => {
            one("agent_locked", "An agent needs a person before it can work (`data.failure`).")
        }
        FactKind::AgentFreed => one("agent_freed", "An agent may be tried again at once (`data.why`)."),
        FactKind::AgentEnabled => {
            one("agent_enabled", "A person enabled or disabled an agent (`data.enabled`).")
        }
        FactKind::AgentChecked => one("agent_checked", "A person had an agent checked (`data.check`)."),
        FactKind::DayBegan => one("day_began", "The user's day began: daily budgets start anew."),
        FactKind::ClockJumped => one(
            "clock_jumped",
            "The machine slept, or the wall clock was set (`data.by_ms`): no session used that time.",
        ),
        FactKind::SessionSlept => one(
            "session_slept",
            "A session was awake for less than was believed while no supervisor looked (`data.by_ms`); less than 0: more.",
        ),
        FactKind::NotifyFailed => {
            one("notify_failed", "A command that `notify` names failed (`data.problem`).")
        }
        FactKind::EffectPanicked => one(
            "effect_panicked",
            "Something that Paddock did (`data.doing`) panicked, a fault of Paddock itself (`data.problem`); it is tried again.",
        ),
        FactKind::BudgetExhausted => {
            one("budget_exhausted", "A project has spent what it may in a day (`data.what`).")
        }
        FactKind::IntegrationMade => one("integration_made", "The integration ref of a project exists."),
        FactKind::TargetSeen => one("target_moved", "The target branch was seen at another commit, or gone."),
        FactKind::ExternalIntended => {
            one("external_started", "The integration ref is about to move on to the user's own commits.")
        }
        FactKind::ExternalAdopted => {
            one("external_adopted", "The integration ref moved on to the user's own commits.")
        }
        FactKind::ExternalAbandoned => {
            one("external_abandoned", "That move was not possible; nothing moved.")
        }
        FactKind::ExternalRefused => {
            one("external_refused", "The user's commits and landed work do not go together.")
        }
        FactKind::AdoptionIntended => {
            one("adoption_started", "The integration ref is about to be moved to the target branch.")
        }
        FactKind::AdoptionAbandoned => one("adoption_failed", "That could not be done; nothing moved."),
        FactKind::TargetSet => {
            one("target_set", "A project lands on another branch from now on (`data.branch`).")
        }
        FactKind::TargetAdopted => {
            one("target_adopted", "A person took the target branch as it is (`queue adopt`).")
        }
        FactKind::RepublishAsked => {
            one("republish_asked", "A person wants landed work on the target branch again.")
        }
        FactKind::Published => one("published", "The target branch holds what landed."),
        FactKind::PublicationWaits => {
            one("publication_waits", "Publishing waits for the user (`data.wait` names the files).")
        }
        FactKind::CollisionsSeen => one(
            "collisions_seen",
            "Other branches than before will not merge with each other or with landed work (`data.collisions`).",
        ),
        FactKind::PublicationFreed => one("publication_freed", "Publishing no longer waits."),
        FactKind::ObjectiveAdded => one("objective_added", "An objective was added."),
        FactKind::ObjectiveEdited => {
            one("objective_edited", "A person changed what is asked for (`data.spec`).")
        }
        FactKind::ObjectiveDeleted => one("objective_deleted", "A person had an objective forgotten."),
        FactKind::ScopeWidened => {
            one("scope_widened", "An objective may change more paths (`data.globs`, `data.by`).")
        }
        FactKind::HumanNote => {
            one("human_note", "A person wrote something for the next session (`data.note`).")
        }
        FactKind::ObjectiveApproved => {
            one("objective_approved", "A person approved an objective (`data.approval`).")
        }
        FactKind::PauseAsked => {
            one("pause_asked", "An objective is to be paused when its session ends (`data.asked`).")
        }
        FactKind::NodeAdded => one("aim_added", "A goal, milestone or phase was added (`data.aim`)."),
        FactKind::NodeEdited => one("aim_edited", "A person changed a goal, milestone or phase."),
        FactKind::NodeMoved => {
            Level::ALL.iter().flat_map(|level| Stage::ALL.iter().map(|to| node(*level, *to))).collect()
        }
        FactKind::NodesOrdered => one("aims_ordered", "Goals, milestones or phases stand in another order."),
        FactKind::PhaseChecksSet => {
            one("phase_checks_set", "A phase got other checks (`data.checks`, `data.by`).")
        }
        FactKind::PhaseChecksPassed => one("phase_checks_passed", "Every check of a phase passed."),
        FactKind::PhaseChecksFailed => {
            one("phase_checks_failed", "Checks of a phase failed (`data.failed`).")
        }
        FactKind::PhaseChecksLost => {
            one("phase_checks_lost", "A run of a phase's checks told nothing (`data.problem`).")
        }
        FactKind::PlanAsked => one("plan_asked", "A person wants a plan now."),
        FactKind::PlanMade => one(
            "plan_made",
            "A planner run brought a plan (`data.plan`); `data.waits`: a person has to approve it.",
        ),
        FactKind::PlanRefused => {
            one("plan_refused", "A planner run brought a plan with faults (`data.faults`).")
        }
        FactKind::PlanMissed => one("plan_missed", "A planner run ended without a plan (`data.problem`)."),
        FactKind::PlanApplied => one(
            "plan_applied",
            "A plan became objectives (`data.objectives`), or the belief that its phase is done (`data.belief`: whose, and what they saw).",
        ),
        FactKind::PlanRejected => one("plan_rejected", "A person rejected a plan (`data.note`)."),
        FactKind::PlannerHeld => {
            one("planner_held", "No planner run starts until a person does something (`data.reason`).")
        }
        FactKind::PlannerReleased => one("planner_released", "Planner runs may start again."),
        FactKind::ObjectiveMoved => Status::ALL.iter().copied().map(moved).collect(),
        FactKind::WorktreeOrdered => one("worktree_ordered", "The worktree of an objective is to be made."),
        FactKind::WorktreeMade => one("worktree_made", "It is there."),
        FactKind::WorktreeFailed => one("worktree_failed", "It could not be made, and is tried again."),
        FactKind::WorktreeRetired => one("worktree_retired", "It is to be removed: the work is published."),
        FactKind::WorktreeRemoved => one("worktree_removed", "It is gone."),
        FactKind::SessionPlanned => one("session_planned", "A session is to start."),
        FactKind::SessionStarted => one("session_started", "Its agent runs."),
        FactKind::SessionStopping => one("session_stopping", "It is asked to stop."),
        FactKind::SessionExtended => one("session_extended", "A person gave it more."),
        FactKind::SessionUsed => {
            one("session_used", "What a running session has used so far (`data.usage`).")
        }
        FactKind::SessionExited => one("session_exited", "Its processes are gone."),
        FactKind::SessionHarvested => one(
            "session_ended",
            "It is over, and what it left was read (`data.end` says how it ended, `data.over` which limits on tokens and USD it was above).",
        ),
        FactKind::EntryQueued => {
            one("queue_entered", "A branch head, or the user's commits, entered the merge queue.")
        }
        FactKind::GuardAsked => one(
            "guard_asked",
            "An entry changed tests that its scope does not name: the gate runs with these as they were.",
        ),
        FactKind::GuardPassed => {
            one("guard_passed", "The gate was green with the tests as they were (`data.gate`).")
        }
        FactKind::GuardGivenUp => one("guard_given_up", "That could not be tried (`data.why`)."),
        FactKind::CanaryAsked => one("canary_asked", "The gate is to be tried on an emptied tree."),
        FactKind::CanaryJudged => {
            one("canary_judged", "What it said of that (`data.verdict`): green means that it checks nothing.")
        }
        FactKind::ExternalJudged => {
            one("external_judged", "What the gate says of the user's own commits (`data.verdict`).")
        }
        FactKind::QueueBypassed => one(
            "queue_bypassed",
            "The target branch holds work of an objective that did not pass the queue (`data.found`).",
        ),
        FactKind::BypassAccepted => one("bypass_accepted", "A person says that it is meant (`queue adopt`)."),
        FactKind::Pushed => one("pushed", "The target branch is at the user's remote."),
        FactKind::PushWaits => one("push_waits", "It could not be pushed (`data.wait`), and is tried again."),
        FactKind::CandidateOrdered => one("merge_started", "The merge of a queue entry is to be made."),
        FactKind::CandidateMade => one("merge_made", "It is made, in memory."),
        FactKind::CandidateFailed => one("merge_failed", "It could not be made for an outside reason."),
        FactKind::EntryReset => one("queue_reset", "What was made for a queue entry is outdated."),
        FactKind::EntryDropped => one("queue_left", "An entry left the queue without landing (`data.why`)."),
        FactKind::QueueHeld => one("queue_held", "The merge queue is held (`data.reason`)."),
        FactKind::QueueReleased => one("queue_released", "The merge queue goes on."),
        FactKind::GatePlanned => one("gate_started", "A gate run is to start."),
        FactKind::GateCancelled => one("gate_cancelled", "What it runs for is outdated."),
        FactKind::GateEnded => one("gate_ended", "It ended (`data.verdict`)."),
        FactKind::SlotsMeasured => one(
            "slots_measured",
            "How many gate runs at once are worth it (`data.found`), where the project lets Paddock find out.",
        ),
        FactKind::GateFolderRemoved => {
            one("gate_folder_removed", "The gate worktree of a slot that is not needed is gone.")
        }
        FactKind::FlakeSeen => one("flake_seen", "The gate gave one tree two verdicts; nobody is blamed."),
        FactKind::VerdictReused => {
            one("verdict_reused", "A tree is green already (`data.gate`): it is not run again.")
        }
        FactKind::LandingIntended => {
            one("landing_started", "The integration ref is about to move to a merge.")
        }
        FactKind::Landed => one("landed", "The integration ref moved to it."),
        FactKind::ProofWritten => one("proof_written", "The proof of a landing is written, as a git note."),
        FactKind::LandingAbandoned => one("landing_abandoned", "It could not; nothing moved."),
    }
}

/// A move of an objective is published by the state that it leads to.
fn moved(to: Status) -> EventType {
    let (public, description) = match to {
        Status::Todo => ("objective_todo", "An objective waits for its dependencies again."),
        Status::Ready => ("objective_ready", "An objective may be dispatched."),
        Status::Active => ("objective_active", "A session works on an objective."),
        Status::Review => ("objective_review", "What a session left is judged."),
        Status::Queued => ("objective_queued", "An objective passed the review and is in the merge queue."),
        Status::Done => ("objective_done", "An objective is done."),
        Status::NeedsReview => ("needs_review", "A person must decide about an objective (`data.reason`)."),
        Status::Paused => ("objective_paused", "A person paused an objective."),
        Status::Skipped => ("objective_skipped", "A person lets dependents go on without an objective."),
        Status::Failed => ("objective_failed", "A person gave an objective up."),
        Status::Cancelled => ("objective_cancelled", "A person called an objective off."),
    };
    EventType { kind: FactKind::ObjectiveMoved, to: Some(to.word()), level: None, public, description }
}

/// A move of a goal, milestone or phase is published by what it is and by the stage that it leads to.
fn node(level: Level, to: Stage) -> EventType {
    let (public, description) = match (level, to) {
        (Level::Goal, Stage::Planned) => ("goal_planned", "A goal is no longer the active one."),
        (Level::Goal, Stage::Active) => ("goal_activated", "A goal is the active one."),
        (Level::Goal, Stage::Completed) => ("goal_completed", "A goal is reached."),
        (Level::Milestone, Stage::Planned) => {
            ("milestone_planned", "A milestone is no longer the active one.")
        }
        (Level::Milestone, Stage::Active) => ("milestone_activated", "A milestone is the active one."),
        (Level::Milestone, Stage::Completed) => ("milestone_completed", "A milestone is reached."),
        (Level::Phase, Stage::Planned) => ("phase_planned", "A phase is no longer the active one."),
        (Level::Phase, Stage::Active) => ("phase_activated", "A phase is the active one."),
        (Level::Phase, Stage::Completed) => ("phase_completed", "A phase is done."),
    };
    EventType {
        kind: FactKind::NodeMoved,
        to: Some(to.word()),
        level: Some(level.word()),
        public,
        description,
    }
}

/// The public types, each once, in the order of the list.
#[must_use]
pub fn public_types() -> Vec<&'static str> {
    TYPES.iter().map(|row| row.public).collect()
}

/// The stored types that may become this public one; empty = there is no such type.
#[must_use]
pub fn stored_kinds(public: &str) -> Vec<&'static str> {
    TYPES.iter().filter(|row| row.public == public).map(|row| row.kind.stored()).collect()
}

/// Of an objective's move, what its public type depends on.
#[derive(Deserialize)]
struct ObjectiveMove {
    to: Status,
}

/// Of the move of a goal, milestone or phase, what its public type depends on.
#[derive(Deserialize)]
struct NodeMove {
    level: Level,
    to: Stage,
}

/// Returns the public type of a stored one; a type that is not in the list, or whose data this program cannot read, as it
/// is.
#[must_use]
pub(crate) fn public_type(stored: &str, data: &Value) -> String {
    let found = FactKind::all().find(|kind| kind.stored() == stored).and_then(|kind| {
        if kind == FactKind::ObjectiveMoved {
            return ObjectiveMove::deserialize(data).ok().map(|one| moved(one.to));
        }
        if kind == FactKind::NodeMoved {
            return NodeMove::deserialize(data).ok().map(|one| node(one.level, one.to));
        }
        types_of(kind).into_iter().next()
    });
    found.map_or(stored, |one| one.public).to_owned()
}

/// The event line of a stored event.
#[must_use]
pub fn line(event: &StoredEvent) -> EventLine {
    publish(EventLine::from(event))
}

/// A line as the link carries it, with its public type.
#[must_use]
pub fn publish(line: EventLine) -> EventLine {
    // What the planner's sessions name is no objective.
    let objective = line.objective.filter(|id| *id != ObjectiveId::planner().as_str());
    EventLine { kind: public_type(&line.kind, &line.data), objective, ..line }
}

/// Returns the fact that a published line tells of; none, if this program does not know it: a newer supervisor wrote
/// it.
pub(crate) fn fact(line: &EventLine) -> Option<Fact> {
    let kind = TYPES.iter().find(|row| row.public == line.kind)?.kind.stored();
    serde_json::from_value(serde_json::json!({ "type": kind, "data": line.data })).ok()
}

/// The line as JSON.
#[must_use]
pub fn json(line: &EventLine) -> String {
    // Only texts, numbers and JSON values are in it: it cannot fail.
    crate::text::harmless_json(serde_json::to_string(line).unwrap_or_default())
}

/// docs/events.md, as it must be.
#[must_use]
pub fn document() -> String {
    let mut text = String::from(HEAD);
    for row in TYPES.iter() {
        text.push_str(&format!("| `{}` | {} |\n", row.public, row.description));
    }
    text
}

const HEAD: &str = "# Events

Everything that happens is recorded as an event. `paddock events` prints them, `paddock run --no-tui --json` as they
happen, one JSON document per line:

    {\"version\":1,\"seq\":12,\"at\":\"2026-01-31T09:30:00.123Z\",\"type\":\"landed\",\"project\":\"web\",\"objective\":null,\"session\":null,\"data\":{}}

| key | meaning |
|---|---|
| `version` | version of the shape of `data` |
| `seq` | number of the event: 1, 2, 3, … without gaps |
| `at` | when, RFC 3339 in UTC |
| `type` | one of the types below; types may be added |
| `project`, `objective`, `session` | what it is about, or null |
| `data` | the rest, depending on the type |

`notify` in a project file names these types, `paddock events --type` filters by them.

| type | when |
|---|---|
";

#[cfg(test)]
mod tests {
    use super::*;
    use paddock_model::stored::StoredEvent;

    #[test]
    fn the_document_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/events.md");
        let found = std::fs::read_to_string(path).unwrap_or_default();
        if std::env::var_os("PADDOCK_WRITE_DOCS").is_some() {
            std::fs::write(path, document()).unwrap();
            return;
        }
        let advice = "docs/events.md is out of date: run this test with PADDOCK_WRITE_DOCS=1";
        assert!(found == document(), "{advice}");
    }

    #[test]
    fn no_public_type_is_listed_twice() {
        let mut public = public_types();
        public.sort_unstable();
        let all = public.len();
        public.dedup();
        assert_eq!(public.len(), all);
    }

    #[test]
    fn a_move_is_published_by_where_it_leads() {
        let event = StoredEvent {
            seq: 3,
            at_ms: 0,
            kind: "objective_moved".to_owned(),
            version: 1,
            project: Some("web".to_owned()),
            objective: Some("cart".to_owned()),
            session: None,
            data: r#"{"from":"review","to":"needs_review"}"#.to_owned(),
        };
        assert_eq!(line(&event).kind, "needs_review");
        assert_eq!(stored_kinds("needs_review"), ["objective_moved"]);
        assert_eq!(public_type("dance", &Value::Null), "dance");
    }
}
