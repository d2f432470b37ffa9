//! The public type of each kind of event, with what it means.

use super::EventType;
use paddock_model::event::FactKind;
use paddock_model::hierarchy::{Level, Stage};
use paddock_model::objective::Status;

/// Returns the public types of a stored type: one, except for moves, which are published by where they lead.
pub(super) fn types_of(kind: FactKind) -> Vec<EventType> {
    let one = |public, description| vec![EventType { kind, to: None, level: None, public, description }];
    match kind {
        FactKind::SupervisorStarted => one("supervisor_started", "A supervisor started."),
        FactKind::SupervisorStopped => one(
            "supervisor_stopped",
            "A supervisor stopped in an orderly way (`data.mode`: `graceful`, `now` or `leave`).",
        ),
        FactKind::FilePutBack => one(
            "file_put_back",
            "A file that Paddock works with was deleted or replaced while it was in use, and was put back: the \
             database, the workspace's lock or a repository's claim (`data.path`; a file that had taken its place is \
             kept as `data.kept`).",
        ),
        FactKind::ProjectAdded => one("project_added", "A project was added."),
        FactKind::ProjectConfigured => one("project_configured", "The settings of a project changed."),
        FactKind::ProjectEnabled => {
            one("project_enabled", "A project was enabled or disabled (`data.enabled`).")
        }
        FactKind::ProjectPaused => one("project_paused", "A project was paused or resumed (`data.paused`)."),
        FactKind::ProjectTrusted => one(
            "project_trusted",
            "A person trusted configuration that can run programs, or a landing carried that trust over (`data.landing`).",
        ),
        FactKind::ConfigSwitchedOff => one(
            "config_switched_off",
            "Git configuration that can run programs and that nobody agreed to is switched off (`data.entries`); empty once nothing is any more.",
        ),
        FactKind::SetUpLeft => one(
            "set_up_left",
            "The set-up of worktrees changes tracked files, or leaves files that no rule ignores (`data.paths`): they count as nobody's work and do not land.",
        ),
        FactKind::CopiesMissed => one(
            "copies_missed",
            "Entries of `worktree.copy` stand for no file (`data.entries`); empty once each stands for one.",
        ),
        FactKind::ProjectRemoved => {
            one("project_removed", "A project was removed; Paddock no longer manages its repository.")
        }
        FactKind::ProjectHeld => one("project_held", "A project was put on hold (`data.reason`)."),
        FactKind::ProjectReleased => one("project_released", "A hold of a project ended (`data.code`)."),
        FactKind::AgentUnusable => one("agent_unusable", "An agent could not be started (`data.problem`)."),
        FactKind::AgentMayPlan => one(
            "agent_may_plan",
            "A person said whether an agent may plan for a project (`data.agent`, `data.may_plan`).",
        ),
        FactKind::AgentsReset => {
            one("agents_reset", "Agents of a project that could not be started may be tried again.")
        }
        FactKind::AgentCooled => one(
            "agent_cooling",
            "An agent cools down: no session starts with it for a while (`data.cooldown`).",
        ),
        FactKind::AgentLocked => {
            one("agent_locked", "An agent needs a person before it can work (`data.failure`).")
        }
        FactKind::AgentFreed => one("agent_freed", "An agent may be used again at once (`data.why`)."),
        FactKind::AgentEnabled => {
            one("agent_enabled", "A person enabled or disabled an agent (`data.enabled`).")
        }
        FactKind::AgentChecked => {
            one("agent_checked", "An agent was checked at a person's request (`data.check`).")
        }
        FactKind::DayBegan => one("day_began", "The user's day began; daily budgets start at zero."),
        FactKind::ClockJumped => one(
            "clock_jumped",
            "The wall clock jumped (`data.by_ms`): the machine slept, or somebody set the clock. No session is charged for that time.",
        ),
        FactKind::SessionSlept => one(
            "session_slept",
            "The awake time of a session was corrected by its keeper's count: `data.by_ms` less than assumed while no supervisor ran (negative: more).",
        ),
        FactKind::KeeperStopped => one(
            "keeper_stopped",
            "The keeper of a session (`data.session`) or gate run (`data.gate`) did not work, usually because the agent or gate stopped it; `data.trouble` says what was wrong and what Paddock did.",
        ),
        FactKind::NotifyFailed => one("notify_failed", "A `notify` command failed (`data.problem`)."),
        FactKind::EffectPanicked => one(
            "effect_panicked",
            "Paddock panicked during an action (`data.doing`, `data.problem`), which is a bug in Paddock; it tries the action again.",
        ),
        FactKind::FileBlocked => one(
            "file_blocked",
            "Something else than a file, such as a named pipe (`data.what`), stands at `data.path`, where Paddock or git reads a file. It was not read, and each is named once while a supervisor runs.",
        ),
        FactKind::WorkHangs => one(
            "work_hangs",
            "An action of Paddock (`data.doing`) has been going on for `data.seconds`, far longer than it ever takes: a disk or a program does not answer. Other projects and sessions go on.",
        ),
        FactKind::BudgetExhausted => {
            one("budget_exhausted", "A project used up a daily budget (`data.what`).")
        }
        FactKind::IntegrationMade => one("integration_made", "The integration ref of a project was created."),
        FactKind::TargetSeen => {
            one("target_moved", "The target branch was found at another commit, or missing.")
        }
        FactKind::ExternalIntended => {
            one("external_started", "Paddock is about to move the integration ref to the user's own commits.")
        }
        FactKind::ExternalAdopted => {
            one("external_adopted", "The integration ref moved to the user's own commits.")
        }
        FactKind::ExternalAbandoned => one(
            "external_abandoned",
            "The integration ref could not be moved to the user's own commits (`data.problem`); no ref moved.",
        ),
        FactKind::ExternalRefused => one(
            "external_refused",
            "The user's own commits cannot be combined with landed work; publishing waits.",
        ),
        FactKind::AdoptionIntended => one(
            "adoption_started",
            "Paddock is about to move the integration ref to the target branch, as a person asked (`queue adopt`).",
        ),
        FactKind::AdoptionAbandoned => one(
            "adoption_failed",
            "The integration ref could not be moved to the target branch (`data.problem`); no ref moved.",
        ),
        FactKind::TargetSet => one("target_set", "A project got another target branch (`data.branch`)."),
        FactKind::TargetAdopted => one(
            "target_adopted",
            "The integration ref moved to the target branch, as a person asked (`queue adopt`).",
        ),
        FactKind::RepublishAsked => {
            one("republish_asked", "A person asked for landed work to be published again.")
        }
        FactKind::Published => {
            one("published", "Landed work was published: the target branch holds `data.to`.")
        }
        FactKind::PublicationWaits => {
            one("publication_waits", "Publishing waits for the user; `data.wait` names the files in the way.")
        }
        FactKind::CollisionsSeen => one(
            "collisions_seen",
            "The set of branches that conflict with each other or with landed work changed (`data.collisions`).",
        ),
        FactKind::PublicationFreed => one("publication_freed", "Publishing no longer waits for the user."),
        FactKind::ObjectiveAdded => one("objective_added", "An objective was added."),
        FactKind::ObjectiveEdited => one("objective_edited", "A person edited an objective (`data.spec`)."),
        FactKind::ObjectiveDeleted => one("objective_deleted", "A person deleted an objective."),
        FactKind::ScopeWidened => {
            one("scope_widened", "The scope of an objective got more paths (`data.globs`, `data.by`).")
        }
        FactKind::HumanNote => {
            one("human_note", "A person left a note for the next session of an objective (`data.note`).")
        }
        FactKind::ObjectiveApproved => {
            one("objective_approved", "A person approved an objective (`data.approval`).")
        }
        FactKind::PauseAsked => one(
            "pause_asked",
            "A person asked to pause an objective when its session ends, or withdrew that (`data.asked`).",
        ),
        FactKind::NodeAdded => one("aim_added", "A goal, milestone or phase was added (`data.aim`)."),
        FactKind::NodeEdited => one("aim_edited", "A person edited a goal, milestone or phase (`data.aim`)."),
        FactKind::NodeDeleted => {
            one("aim_deleted", "A person deleted a goal, milestone or phase (`data.aim`).")
        }
        FactKind::PhaseCheckRemoved => {
            one("phase_check_removed", "A person removed a check of a phase (`data.check`).")
        }
        FactKind::NodeMoved => {
            Level::ALL.iter().flat_map(|level| Stage::ALL.iter().map(|to| node(*level, *to))).collect()
        }
        FactKind::NodesOrdered => {
            one("aims_ordered", "The order of goals, milestones or phases changed (`data.order`).")
        }
        FactKind::PhaseChecksSet => {
            one("phase_checks_set", "The checks of a phase were set (`data.checks`, `data.by`).")
        }
        FactKind::PhaseChecksPassed => one("phase_checks_passed", "Every check of a phase passed."),
        FactKind::PhaseChecksFailed => {
            one("phase_checks_failed", "Checks of a phase failed (`data.failed`).")
        }
        FactKind::PhaseChecksLost => {
            one("phase_checks_lost", "A run of a phase's checks ended without a result (`data.problem`).")
        }
        FactKind::PlanAsked => one("plan_asked", "A person asked for a plan."),
        FactKind::PlanMade => one(
            "plan_made",
            "A planner session delivered a plan (`data.plan`); if `data.waits` is true, the plan waits for a person's approval.",
        ),
        FactKind::PlanRefused => one(
            "plan_refused",
            "A planner session delivered a plan with faults (`data.faults`); nothing of the plan is used.",
        ),
        FactKind::PlanMissed => {
            one("plan_missed", "A planner session ended without a plan (`data.problem`).")
        }
        FactKind::PlanApplied => one(
            "plan_applied",
            "A plan was applied: its objectives were added (`data.objectives`), or its phase is believed done (`data.belief` says by whom, and on what grounds).",
        ),
        FactKind::PlanRejected => one("plan_rejected", "A person rejected a plan (`data.note`)."),
        FactKind::PlannerHeld => {
            one("planner_held", "No planner session starts until a person acts (`data.reason`).")
        }
        FactKind::PlannerReleased => one("planner_released", "Planner sessions may start again."),
        FactKind::ObjectiveMoved => Status::ALL.iter().copied().map(moved).collect(),
        FactKind::WorktreeOrdered => {
            one("worktree_ordered", "Paddock is about to make the worktree of an objective.")
        }
        FactKind::WorktreeMade => one("worktree_made", "The worktree of an objective was made."),
        FactKind::WorktreeFailed => one(
            "worktree_failed",
            "The worktree of an objective could not be made (`data.problem`); Paddock tries again.",
        ),
        FactKind::WorktreeRetired => one(
            "worktree_retired",
            "The worktree of an objective is to be removed, because the work is published.",
        ),
        FactKind::WorktreeRemoved => one("worktree_removed", "The worktree of an objective was removed."),
        FactKind::SessionPlanned => {
            one("session_planned", "Paddock is about to start a session (`data.plan`).")
        }
        FactKind::SessionStarted => one("session_started", "A session started: its agent runs."),
        FactKind::SessionStopping => one("session_stopping", "A session was asked to stop (`data.stop`)."),
        FactKind::SessionExtended => {
            one("session_extended", "A person raised the budget of a session (`data.budget`).")
        }
        FactKind::SessionUsed => {
            one("session_used", "The usage of a running session so far was recorded (`data.usage`).")
        }
        FactKind::SessionExited => {
            one("session_exited", "The processes of a session ended (`data.process`).")
        }
        FactKind::SessionHarvested => one(
            "session_ended",
            "A session ended and its work was collected (`data.end` says how it ended, `data.over` which limits on tokens and USD it exceeded).",
        ),
        FactKind::MarksFound => one(
            "marks_found",
            "The work of an objective has lines that look as if they were written for the gate (`data.marks`); \
             empty if it has none any more.",
        ),
        FactKind::EntryQueued => {
            one("queue_entered", "A branch head, or the user's own commits, entered the merge queue.")
        }
        FactKind::GuardAsked => one(
            "guard_asked",
            "A queue entry changed tests that its scope does not name; the gate is to run with the original tests.",
        ),
        FactKind::GuardPassed => {
            one("guard_passed", "The gate passed with the original tests (`data.gate`).")
        }
        FactKind::GuardGivenUp => one(
            "guard_given_up",
            "An earlier build could not run the gate with the original tests (`data.why`); the work \
                 took its turn without that run.",
        ),
        FactKind::CanaryAsked => one(
            "canary_asked",
            "The gate is to run on an emptied tree, which shows whether the gate checks anything.",
        ),
        FactKind::CanaryJudged => one(
            "canary_judged",
            "The gate ran on an emptied tree (`data.verdict`); green means that the gate checks nothing.",
        ),
        FactKind::RecheckAsked => one(
            "recheck_asked",
            "A person asked to run the gate on the newest landed tree in a new folder without caches.",
        ),
        FactKind::RecheckJudged => one(
            "recheck_judged",
            "The gate judged a landed commit in a new folder without caches (`data.verdict`); if it is not green, `data.doubtful` names the landings since the last such run.",
        ),
        FactKind::ExternalJudged => {
            one("external_judged", "The gate judged the user's own commits (`data.verdict`).")
        }
        FactKind::QueueBypassed => one(
            "queue_bypassed",
            "The target branch holds work of an objective that did not pass the merge queue (`data.found`).",
        ),
        FactKind::RefsMoved => one(
            "refs_moved",
            "Refs of yours, or entries of your stash, changed while sessions ran (`data.sessions`), and nothing in your checkouts explains it. `data.refs` names at most 50 of `data.total`; `data.refs[].kept` keeps what was there, and `salvage list` shows it.",
        ),
        FactKind::BypassAccepted => {
            one("bypass_accepted", "A person accepted work that bypassed the merge queue (`queue adopt`).")
        }
        FactKind::Pushed => one("pushed", "The target branch was pushed to the user's remote."),
        FactKind::PushWaits => {
            one("push_waits", "The target branch could not be pushed (`data.wait`); Paddock tries again.")
        }
        FactKind::PullAsked => one(
            "pull_started",
            "The remote's branch is about to be fetched (`queue pull`); `data.round` above 1: again, as somebody pushed meanwhile.",
        ),
        FactKind::RemoteFetched => one(
            "remote_fetched",
            "The remote's branch was fetched (`data.fetched`) and compared with landed work (`data.relation`).",
        ),
        FactKind::PullFailed => one(
            "pull_failed",
            "What others pushed was not brought in, and nothing was changed (`data.failure`).",
        ),
        FactKind::UpstreamSeen => one(
            "upstream_seen",
            "The branch that the target branch follows, as last fetched, holds commits that the target branch lacks (`data.upstream`); null: no longer.",
        ),
        FactKind::CandidateOrdered => {
            one("merge_started", "Paddock is about to merge queue entries, in memory.")
        }
        FactKind::CandidateMade => one("merge_made", "The merge of queue entries was made, in memory."),
        FactKind::CandidateFailed => one(
            "merge_failed",
            "The merge of queue entries could not be made, for a reason outside the branches (`data.problem`); Paddock tries again.",
        ),
        FactKind::EntryReset => one("queue_reset", "The merge of a queue entry became outdated."),
        FactKind::EntryDropped => {
            one("queue_left", "An entry left the merge queue without landing (`data.why`).")
        }
        FactKind::QueueHeld => one("queue_held", "The merge queue was put on hold (`data.reason`)."),
        FactKind::QueueReleased => one("queue_released", "The merge queue continues."),
        FactKind::GatePlanned => one("gate_started", "Paddock is about to start a gate run."),
        FactKind::GateCancelled => {
            one("gate_cancelled", "A gate run was cancelled, because its result is no longer needed.")
        }
        FactKind::GateEnded => one("gate_ended", "A gate run ended (`data.verdict`)."),
        FactKind::SlotsMeasured => one(
            "slots_measured",
            "Paddock measured how many gate runs in parallel pay off (`data.found`), because `queue.slots` is `auto`.",
        ),
        FactKind::GateFolderRemoved => {
            one("gate_folder_removed", "The gate worktree of an unused slot was removed.")
        }
        FactKind::FlakeSeen => {
            one("flake_seen", "The gate gave one tree two different verdicts; nobody is blamed.")
        }
        FactKind::TestsCompared => one(
            "tests_compared",
            "The tests that a green run reported were compared with those on the base (`data.outcome`).",
        ),
        FactKind::VerdictReused => one(
            "verdict_reused",
            "A gate run was skipped, because the same tree is green already (`data.gate`).",
        ),
        FactKind::LandingIntended => {
            one("landing_started", "Paddock is about to move the integration ref to a merge.")
        }
        FactKind::Landed => one("landed", "A queue entry landed: the integration ref moved to its merge."),
        FactKind::ProofWritten => one("proof_written", "The proof of a landing was written, as a git note."),
        FactKind::LandingAbandoned => {
            one("landing_abandoned", "Landing failed (`data.problem`); no ref moved.")
        }
    }
}

/// Returns the public type of an objective's move, which is named after the state that the move leads to.
pub(super) fn moved(to: Status) -> EventType {
    let (public, description) = match to {
        Status::Todo => ("objective_todo", "An objective waits for its dependencies again."),
        Status::Ready => ("objective_ready", "An objective is ready for a session."),
        Status::Active => ("objective_active", "A session works on an objective."),
        Status::Review => ("objective_review", "The work of an objective is under review."),
        Status::Queued => ("objective_queued", "An objective passed its review and is in the merge queue."),
        Status::Done => ("objective_done", "An objective is done."),
        Status::NeedsReview => ("needs_review", "An objective needs a person's decision (`data.reason`)."),
        Status::Paused => ("objective_paused", "A person paused an objective."),
        Status::Skipped => ("objective_skipped", "A person skipped an objective; its dependents may start."),
        Status::Failed => ("objective_failed", "A person marked an objective as failed."),
        Status::Cancelled => ("objective_cancelled", "A person cancelled an objective."),
    };
    EventType { kind: FactKind::ObjectiveMoved, to: Some(to.word()), level: None, public, description }
}

/// Returns the public type of a hierarchy node's move, which is named after the node's level and its new
/// stage.
pub(super) fn node(level: Level, to: Stage) -> EventType {
    let (public, description) = match (level, to) {
        (Level::Goal, Stage::Planned) => ("goal_planned", "A goal is no longer active; it is planned again."),
        (Level::Goal, Stage::Active) => ("goal_activated", "A goal became active."),
        (Level::Goal, Stage::Completed) => ("goal_completed", "A goal was completed."),
        (Level::Milestone, Stage::Planned) => {
            ("milestone_planned", "A milestone is no longer active; it is planned again.")
        }
        (Level::Milestone, Stage::Active) => ("milestone_activated", "A milestone became active."),
        (Level::Milestone, Stage::Completed) => ("milestone_completed", "A milestone was completed."),
        (Level::Phase, Stage::Planned) => {
            ("phase_planned", "A phase is no longer active; it is planned again.")
        }
        (Level::Phase, Stage::Active) => ("phase_activated", "A phase became active."),
        (Level::Phase, Stage::Completed) => ("phase_completed", "A phase was completed."),
    };
    EventType {
        kind: FactKind::NodeMoved,
        to: Some(to.word()),
        level: Some(level.word()),
        public,
        description,
    }
}
