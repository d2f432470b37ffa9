//! The public types of events: a documented list, mapped from the stored ones.

use serde_json::Value;

use paddock_ipc::EventLine;
use paddock_model::ids::ObjectiveId;
use paddock_model::stored::StoredEvent;

/// One public type and where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventType {
    /// The stored type.
    pub stored: &'static str,
    /// What the stored event's `data.to` must be, where one stored type has several public ones.
    pub to: Option<&'static str>,
    /// What its `data.level` must be, likewise.
    pub level: Option<&'static str>,
    /// The public type.
    pub public: &'static str,
    /// One sentence for people.
    pub description: &'static str,
}

const fn row(stored: &'static str, public: &'static str, description: &'static str) -> EventType {
    EventType { stored, to: None, level: None, public, description }
}

const fn moved(to: &'static str, public: &'static str, description: &'static str) -> EventType {
    EventType { stored: "objective_moved", to: Some(to), level: None, public, description }
}

const fn aim(
    level: &'static str,
    to: &'static str,
    public: &'static str,
    description: &'static str,
) -> EventType {
    EventType { stored: "aim_moved", to: Some(to), level: Some(level), public, description }
}

/// Every public type. Types may be added; none is renamed or removed.
pub const TYPES: &[EventType] = &[
    row("supervisor_started", "supervisor_started", "A supervisor took up work."),
    row("supervisor_stopped", "supervisor_stopped", "It laid work down in order."),
    row("project_added", "project_added", "A repository came under management."),
    row("project_configured", "project_configured", "The settings of a project changed."),
    row("project_enabled", "project_enabled", "A project was enabled or disabled (`data.enabled`)."),
    row("project_paused", "project_paused", "A project was paused or resumed (`data.paused`)."),
    row(
        "project_trusted",
        "project_trusted",
        "A person agreed to configuration that can run programs, or a landing carries that on (`data.landing`).",
    ),
    row("project_removed", "project_removed", "A project is no longer managed."),
    row("project_held", "project_held", "Something stops a project (`data.reason`)."),
    row("project_released", "project_released", "That no longer stops it."),
    row("agent_unusable", "agent_unusable", "An agent could not be started."),
    row("agents_reset", "agents_reset", "Agents that could not be started may be tried again."),
    row(
        "agent_cooled",
        "agent_cooling",
        "No session is started with an agent for a while (`data.cooldown`).",
    ),
    row("agent_locked", "agent_locked", "An agent needs a person before it can work (`data.failure`)."),
    row("agent_freed", "agent_freed", "An agent may be tried again at once (`data.why`)."),
    row("agent_enabled", "agent_enabled", "A person enabled or disabled an agent (`data.enabled`)."),
    row("agent_checked", "agent_checked", "A person had an agent checked (`data.check`)."),
    row("day_began", "day_began", "The user's day began: daily budgets start anew."),
    row(
        "clock_jumped",
        "clock_jumped",
        "The machine slept, or the wall clock was set (`data.by_ms`): no session used that time.",
    ),
    row(
        "session_slept",
        "session_slept",
        "A session was awake for less than was believed while no supervisor looked (`data.by_ms`); less than 0: more.",
    ),
    row("notify_failed", "notify_failed", "A command that `notify` names failed (`data.problem`)."),
    row(
        "effect_panicked",
        "effect_panicked",
        "Something that Paddock did (`data.doing`) panicked, a fault of Paddock itself (`data.problem`); it is tried again.",
    ),
    row("budget_exhausted", "budget_exhausted", "A project has spent what it may in a day (`data.what`)."),
    row("integration_made", "integration_made", "The integration ref of a project exists."),
    row("target_seen", "target_moved", "The target branch was seen at another commit, or gone."),
    row(
        "external_intended",
        "external_started",
        "The integration ref is about to move on to the user's own commits.",
    ),
    row("external_adopted", "external_adopted", "The integration ref moved on to the user's own commits."),
    row("external_abandoned", "external_abandoned", "That move was not possible; nothing moved."),
    row("external_refused", "external_refused", "The user's commits and landed work do not go together."),
    row(
        "adoption_intended",
        "adoption_started",
        "The integration ref is about to be moved to the target branch.",
    ),
    row("adoption_abandoned", "adoption_failed", "That could not be done; nothing moved."),
    row("target_set", "target_set", "A project lands on another branch from now on (`data.branch`)."),
    row("target_adopted", "target_adopted", "A person took the target branch as it is (`queue adopt`)."),
    row("republish_asked", "republish_asked", "A person wants landed work on the target branch again."),
    row("published", "published", "The target branch holds what landed."),
    row(
        "publication_waits",
        "publication_waits",
        "Publishing waits for the user (`data.wait` names the files).",
    ),
    row(
        "collisions_seen",
        "collisions_seen",
        "Other branches than before will not merge with each other or with landed work (`data.collisions`).",
    ),
    row("publication_freed", "publication_freed", "Publishing no longer waits."),
    row("objective_added", "objective_added", "An objective was added."),
    row("objective_edited", "objective_edited", "A person changed what is asked for (`data.spec`)."),
    row("objective_deleted", "objective_deleted", "A person had an objective forgotten."),
    row("scope_widened", "scope_widened", "An objective may change more paths (`data.globs`, `data.by`)."),
    row("human_note", "human_note", "A person wrote something for the next session (`data.note`)."),
    row("objective_approved", "objective_approved", "A person approved an objective (`data.approval`)."),
    row("pause_asked", "pause_asked", "An objective is to be paused when its session ends (`data.asked`)."),
    row("aim_added", "aim_added", "A goal, milestone or phase was added (`data.aim`)."),
    row("aim_edited", "aim_edited", "A person changed a goal, milestone or phase."),
    aim("goal", "planned", "goal_planned", "A goal is no longer the active one."),
    aim("goal", "active", "goal_activated", "A goal is the active one."),
    aim("goal", "completed", "goal_completed", "A goal is reached."),
    aim("milestone", "planned", "milestone_planned", "A milestone is no longer the active one."),
    aim("milestone", "active", "milestone_activated", "A milestone is the active one."),
    aim("milestone", "completed", "milestone_completed", "A milestone is reached."),
    aim("phase", "planned", "phase_planned", "A phase is no longer the active one."),
    aim("phase", "active", "phase_activated", "A phase is the active one."),
    aim("phase", "completed", "phase_completed", "A phase is done."),
    row("aims_ordered", "aims_ordered", "Goals, milestones or phases stand in another order."),
    row("phase_checks_set", "phase_checks_set", "A phase got other checks (`data.checks`, `data.by`)."),
    row("phase_checks_passed", "phase_checks_passed", "Every check of a phase passed."),
    row("phase_checks_failed", "phase_checks_failed", "Checks of a phase failed (`data.failed`)."),
    row("phase_checks_lost", "phase_checks_lost", "A run of a phase's checks told nothing (`data.problem`)."),
    row("plan_asked", "plan_asked", "A person wants a plan now."),
    row(
        "plan_made",
        "plan_made",
        "A planner run brought a plan (`data.plan`); `data.waits`: a person has to approve it.",
    ),
    row("plan_refused", "plan_refused", "A planner run brought a plan with faults (`data.faults`)."),
    row("plan_missed", "plan_missed", "A planner run ended without a plan (`data.problem`)."),
    row(
        "plan_applied",
        "plan_applied",
        "A plan became objectives (`data.objectives`), or the belief that its phase is done (`data.belief`: whose, and what they saw).",
    ),
    row("plan_rejected", "plan_rejected", "A person rejected a plan (`data.note`)."),
    row(
        "planner_held",
        "planner_held",
        "No planner run starts until a person does something (`data.reason`).",
    ),
    row("planner_released", "planner_released", "Planner runs may start again."),
    moved("todo", "objective_todo", "An objective waits for its dependencies again."),
    moved("ready", "objective_ready", "An objective may be dispatched."),
    moved("active", "objective_active", "A session works on an objective."),
    moved("review", "objective_review", "What a session left is judged."),
    moved("queued", "objective_queued", "An objective passed the review and is in the merge queue."),
    moved("done", "objective_done", "An objective is done."),
    moved("needs_review", "needs_review", "A person must decide about an objective (`data.reason`)."),
    moved("paused", "objective_paused", "A person paused an objective."),
    moved("skipped", "objective_skipped", "A person lets dependents go on without an objective."),
    moved("failed", "objective_failed", "A person gave an objective up."),
    moved("cancelled", "objective_cancelled", "A person called an objective off."),
    row("worktree_ordered", "worktree_ordered", "The worktree of an objective is to be made."),
    row("worktree_made", "worktree_made", "It is there."),
    row("worktree_failed", "worktree_failed", "It could not be made, and is tried again."),
    row("worktree_retired", "worktree_retired", "It is to be removed: the work is published."),
    row("worktree_removed", "worktree_removed", "It is gone."),
    row("session_planned", "session_planned", "A session is to start."),
    row("session_started", "session_started", "Its agent runs."),
    row("session_stopping", "session_stopping", "It is asked to stop."),
    row("session_extended", "session_extended", "A person gave it more."),
    row("session_used", "session_used", "What a running session has used so far (`data.usage`)."),
    row("session_exited", "session_exited", "Its processes are gone."),
    row(
        "session_harvested",
        "session_ended",
        "It is over, and what it left was read (`data.end` says how it ended, `data.over` which limits on tokens and USD it was above).",
    ),
    row("entry_queued", "queue_entered", "A branch head, or the user's commits, entered the merge queue."),
    row(
        "guard_asked",
        "guard_asked",
        "An entry changed tests that its scope does not name: the gate runs with these as they were.",
    ),
    row("guard_passed", "guard_passed", "The gate was green with the tests as they were (`data.gate`)."),
    row("guard_given_up", "guard_given_up", "That could not be tried (`data.why`)."),
    row("canary_asked", "canary_asked", "The gate is to be tried on an emptied tree."),
    row(
        "canary_judged",
        "canary_judged",
        "What it said of that (`data.verdict`): green means that it checks nothing.",
    ),
    row(
        "external_judged",
        "external_judged",
        "What the gate says of the user's own commits (`data.verdict`).",
    ),
    row(
        "queue_bypassed",
        "queue_bypassed",
        "The target branch holds work of an objective that did not pass the queue (`data.found`).",
    ),
    row("bypass_accepted", "bypass_accepted", "A person says that it is meant (`queue adopt`)."),
    row("pushed", "pushed", "The target branch is at the user's remote."),
    row("push_waits", "push_waits", "It could not be pushed (`data.wait`), and is tried again."),
    row("candidate_ordered", "merge_started", "The merge of a queue entry is to be made."),
    row("candidate_made", "merge_made", "It is made, in memory."),
    row("candidate_failed", "merge_failed", "It could not be made for an outside reason."),
    row("entry_reset", "queue_reset", "What was made for a queue entry is outdated."),
    row("entry_dropped", "queue_left", "An entry left the queue without landing (`data.why`)."),
    row("queue_held", "queue_held", "The merge queue is held (`data.reason`)."),
    row("queue_released", "queue_released", "The merge queue goes on."),
    row("gate_planned", "gate_started", "A gate run is to start."),
    row("gate_cancelled", "gate_cancelled", "What it runs for is outdated."),
    row("gate_ended", "gate_ended", "It ended (`data.verdict`)."),
    row(
        "slots_measured",
        "slots_measured",
        "How many gate runs at once are worth it (`data.found`), where the project lets Paddock find out.",
    ),
    row(
        "gate_folder_removed",
        "gate_folder_removed",
        "The gate worktree of a slot that is not needed is gone.",
    ),
    row("flake_seen", "flake_seen", "The gate gave one tree two verdicts; nobody is blamed."),
    row("verdict_reused", "verdict_reused", "A tree is green already (`data.gate`): it is not run again."),
    row("landing_intended", "landing_started", "The integration ref is about to move to a merge."),
    row("landed", "landed", "The integration ref moved to it."),
    row("proof_written", "proof_written", "The proof of a landing is written, as a git note."),
    row("landing_abandoned", "landing_abandoned", "It could not; nothing moved."),
];

/// The public types, each once, in the order of the list.
#[must_use]
pub fn public_types() -> Vec<&'static str> {
    TYPES.iter().map(|row| row.public).collect()
}

/// The stored types that may become this public one; empty = there is no such type.
#[must_use]
pub fn stored_kinds(public: &str) -> Vec<&'static str> {
    TYPES.iter().filter(|row| row.public == public).map(|row| row.stored).collect()
}

/// The public type of a stored one; a type that is not in the list is given as it is.
#[must_use]
pub(crate) fn public_type(stored: &str, data: &Value) -> String {
    let text = |key: &str| data.get(key).and_then(Value::as_str);
    let is_one = |wanted: Option<&str>, key: &str| wanted.is_none() || wanted == text(key);
    let found =
        TYPES.iter().find(|row| row.stored == stored && is_one(row.to, "to") && is_one(row.level, "level"));
    found.map_or(stored, |row| row.public).to_owned()
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
    for row in TYPES {
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
    fn every_stored_type_has_a_public_one_and_no_type_is_listed_twice() {
        let source = include_str!("../../model/src/event.rs");
        let list = source.split("pub enum Fact {").nth(1).unwrap().split("\n}\n").next().unwrap();
        let names = list.lines().filter_map(|line| line.strip_prefix("    "));
        let variants = names.filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
        let mut count = 0;
        for variant in variants {
            let name = variant.split([' ', '{', '(', ',']).next().unwrap();
            let stored: String = name.chars().fold(String::new(), |mut text, c| {
                if c.is_ascii_uppercase() && !text.is_empty() {
                    text.push('_');
                }
                text.push(c.to_ascii_lowercase());
                text
            });
            assert!(TYPES.iter().any(|row| row.stored == stored), "{stored} has no public type");
            count += 1;
        }
        assert!(count > 40, "only {count} stored types were found");
        let mut public = public_types();
        public.sort_unstable();
        let all = public.len();
        public.dedup();
        assert_eq!(public.len(), all);
        for status in paddock_model::objective::Status::ALL {
            assert!(TYPES.iter().any(|row| row.to == Some(status.word())), "{status}");
        }
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
