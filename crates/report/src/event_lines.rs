//! The line that people read for an event.

mod details;

use super::event_types;
use super::evidence;
use super::text::{counted, harmless, rfc3339};
use details::{
    agent_and, bypassed, checked, collided, commit, dropped, ended, entries, exited, gate_ended, jumped,
    landed, moved_refs, planned, queued, raised, rechecked, stored, switched_off, used,
};
use paddock_ipc::EventLine;
use paddock_model::event::Fact;

/// Returns the line for a published event: the time of day, the subject, and what happened.
#[must_use]
pub fn human(line: &EventLine) -> String {
    let time = match line.at.parse::<jiff::Timestamp>() {
        Ok(at) => at.to_zoned(jiff::tz::TimeZone::system()).strftime("%H:%M:%S").to_string(),
        // A time that cannot be read is shown as it is: an odd line is better than none.
        Err(_) => line.at.clone(),
    };
    let mut about = match (&line.project, &line.objective) {
        (Some(project), Some(objective)) => format!("{project}/{objective}"),
        (Some(project), None) => project.clone(),
        _ => "paddock".to_owned(),
    };
    if let Some(session) = line.session {
        about.push_str(&format!(" #{session}"));
    }
    harmless(&format!("{time}  {about:<28}  {}", said(line)))
}

/// Returns what happened, without the time and the subject. If a newer supervisor wrote the event and this
/// program does not know its fact, returns the words of the type alone.
#[must_use]
pub fn said(line: &EventLine) -> String {
    let words = event_types::fact(line).map_or_else(Words::default, |fact| words(&fact));
    let headline = words.headline.unwrap_or_else(|| line.kind.replace('_', " "));
    match words.details {
        Some(details) => format!("{headline}: {details}"),
        None => headline,
    }
}

/// What the line of a fact says.
#[derive(Default)]
struct Words {
    /// What happened. `None` if the words of the fact's type say it. They would mislead if one type stands for
    /// two opposite things, or if its stored name, which scripts rely on, is not the word that people know.
    headline: Option<String>,
    /// What the fact adds to that.
    details: Option<String>,
}

/// Returns what the line of a fact says.
fn words(fact: &Fact) -> Words {
    let said = |headline: String, details: Option<String>| Words { headline: Some(headline), details };
    let details = match fact {
        Fact::SupervisorStarted { pid, .. } | Fact::SessionStarted { pid, .. } => {
            Some(format!("process {pid}"))
        }
        Fact::SupervisorStopped { mode } => stored(mode),
        Fact::FilePutBack { path, was_replaced, kept } => {
            let what = if *was_replaced { "replaced" } else { "deleted" };
            let kept = kept.iter().map(|kept| format!("; the other file is kept as {kept}"));
            Some(format!("{path} was {what} while it was in use{}", kept.collect::<String>()))
        }
        Fact::ProjectReleased { code, .. } => stored(code),
        Fact::ProjectHeld { reason, .. }
        | Fact::PlannerHeld { reason, .. }
        | Fact::QueueHeld { reason, .. } => Some(reason.text.clone()),
        Fact::AgentUnusable { agent, problem, .. } => Some(agent_and(agent, problem)),
        Fact::AgentCooled { agent, cooldown, .. } => {
            let until = rfc3339(cooldown.until_ms);
            Some(agent_and(agent, &format!("until {until}: {}", cooldown.failure)))
        }
        Fact::AgentLocked { agent, failure, .. } => Some(agent_and(agent, &failure.text)),
        Fact::AgentFreed { agent, why } => Some(agent_and(agent, why)),
        Fact::AgentEnabled { agent, enabled: false, .. } => {
            return said("agent disabled".to_owned(), Some(agent.to_string()));
        }
        Fact::AgentEnabled { agent, .. } => Some(agent.to_string()),
        Fact::AgentMayPlan { agent, may_plan, .. } => {
            Some(agent_and(agent, if *may_plan { "may plan" } else { "does not plan" }))
        }
        Fact::AgentChecked { agent, check } => Some(checked(agent, check)),
        Fact::ClockJumped { by_ms } | Fact::SessionSlept { by_ms, .. } => Some(jumped(*by_ms)),
        Fact::RefsMoved { sessions, refs, total, .. } => {
            return said(
                format!("{} of yours changed", counted(usize::try_from(*total).unwrap_or(usize::MAX), "ref")),
                Some(moved_refs(sessions, refs, *total)),
            );
        }
        Fact::KeeperStopped { gate: Some(gate), trouble, .. } => Some(format!("gate run {gate}: {trouble}")),
        Fact::KeeperStopped { trouble, .. } => Some(trouble.to_string()),
        Fact::BudgetExhausted { limit, .. } => Some(limit.clone()),
        Fact::ConfigSwitchedOff { entries, .. } => Some(switched_off(entries)),
        Fact::CopiesMissed { entries, .. } => {
            let names = entries.join(", ");
            let text = if names.is_empty() { "nothing any more".to_owned() } else { names };
            return said("worktree.copy copies nothing for".to_owned(), Some(text));
        }
        Fact::SetUpLeft { paths, .. } => {
            let names: Vec<String> = paths.iter().map(ToString::to_string).collect();
            return said(
                "worktree.setup leaves changes".to_owned(),
                Some(format!("{}: nobody's work, and never landed", names.join(", "))),
            );
        }
        Fact::FileBlocked { path, what, doing, .. } => {
            Some(format!("{path}: {what} stands where a file is read ({doing}); it was not read"))
        }
        Fact::WorkHangs { doing, seconds, .. } => {
            Some(format!("{doing}: for {} minutes by now", seconds / 60))
        }
        Fact::NotifyFailed { problem, .. }
        | Fact::EffectPanicked { problem, .. }
        | Fact::ExternalAbandoned { problem, .. }
        | Fact::AdoptionAbandoned { problem, .. }
        | Fact::PlanMissed { problem, .. }
        | Fact::WorktreeFailed { problem, .. }
        | Fact::CandidateFailed { problem, .. }
        | Fact::LandingAbandoned { problem, .. } => Some(problem.clone()),
        Fact::IntegrationMade { tip: to, .. }
        | Fact::ExternalIntended { to, .. }
        | Fact::ExternalAdopted { to, .. }
        | Fact::ExternalRefused { target: to, .. }
        | Fact::TargetAdopted { to, .. }
        | Fact::Published { to, .. }
        | Fact::ProofWritten { commit: to, .. } => Some(commit(to)),
        Fact::TargetSeen { target, .. } => {
            Some(target.as_ref().map_or_else(|| "the branch is gone".to_owned(), commit))
        }
        Fact::TargetSet { branch, .. } => Some(branch.clone()),
        Fact::PublicationWaits { wait, .. } => Some(wait.text.clone()),
        Fact::Pushed { remote, commit: pushed, .. } => Some(format!("{} to {remote}", commit(pushed))),
        Fact::PushWaits { wait, .. } => Some(wait.text.clone()),
        Fact::PullAsked { round: 1, .. } => return said("bringing in what others pushed".to_owned(), None),
        Fact::PullAsked { round, .. } => {
            return said(format!("somebody pushed meanwhile: fetching again ({round})"), None);
        }
        Fact::RemoteFetched { fetched, .. } => Some(format!("{} at {}", fetched.name, commit(&fetched.head))),
        Fact::PullFailed { failure, .. } => Some(failure.text.clone()),
        Fact::UpstreamSeen { upstream: None, .. } => {
            return said("the target branch is no longer behind what was fetched".to_owned(), None);
        }
        Fact::UpstreamSeen { upstream: Some(upstream), .. } => {
            return said(upstream.sentence("the target branch"), None);
        }
        Fact::CollisionsSeen { collisions, .. } => Some(collided(collisions)),
        Fact::QueueBypassed { found, .. } => Some(bypassed(found)),
        Fact::ObjectiveAdded { spec, .. } | Fact::ObjectiveEdited { spec, .. } => Some(spec.title.clone()),
        Fact::NodeAdded { node, title, .. } => {
            return said(format!("{} added", node.level), Some(title.clone()));
        }
        Fact::NodeEdited { node, title, .. } => {
            return said(format!("{} edited", node.level), Some(title.clone()));
        }
        Fact::NodeDeleted { node, title, .. } => {
            return said(format!("{} deleted", node.level), Some(title.clone()));
        }
        Fact::PhaseCheckRemoved { node, check, .. } => Some(format!("{}, {}", node.id, check.check_command)),
        Fact::NodesOrdered { level, .. } => return said(format!("{level}s reordered"), None),
        Fact::NodeMoved { node, .. } => Some(node.id.to_string()),
        Fact::PhaseChecksSet { node, checks, .. } => {
            Some(format!("{}, {}", node.id, counted(checks.len(), "check")))
        }
        Fact::PhaseChecksPassed { node, gate, .. } => Some(format!("{}, run {gate}", node.id)),
        Fact::PhaseChecksFailed { node, gate, failed, .. } => {
            Some(format!("{}, {} in run {gate}", node.id, counted(failed.len(), "check")))
        }
        Fact::PhaseChecksLost { node, problem, .. } => Some(format!("{}, {problem}", node.id)),
        Fact::PlanMade { plan, waits, .. } => Some(planned(plan.objectives.len(), *waits)),
        Fact::PlanRefused { faults, .. } => Some(counted(faults.len(), "fault")),
        Fact::PlanApplied { belief: Some(_), .. } => Some("the phase is believed done".to_owned()),
        Fact::PlanApplied { objectives, .. } => Some(counted(objectives.len(), "objective")),
        Fact::ScopeWidened { globs, .. } => Some(globs.join(", ")),
        Fact::ObjectiveMoved { reason, .. } => reason.as_ref().map(|reason| reason.text.clone()),
        Fact::SessionPlanned { plan, .. } => {
            stored(&plan.kind).map(|kind| format!("{kind} by {}, attempt {}", plan.agent, plan.attempt))
        }
        Fact::SessionStopping { stop, .. } => stored(stop),
        Fact::SessionExtended { objective, budget, .. } => {
            return said(format!("budget raised for {}", objective.id), Some(raised(budget)));
        }
        Fact::SessionUsed { usage, .. } => Some(used(usage)),
        Fact::SessionExited { process, .. } => Some(match process {
            Some(process) => exited(process),
            None => "without a record".to_owned(),
        }),
        Fact::SessionHarvested { end, harvest, over, problem, .. } => {
            Some(ended(*end, harvest.as_ref(), over, problem.as_deref()))
        }
        Fact::MarksFound { marks, .. } => Some(counted(marks.len(), "marked place")),
        Fact::EntryQueued { subject, entry, .. } => Some(format!("{} as entry {entry}", queued(subject))),
        Fact::CandidateOrdered { entry, members, .. } | Fact::LandingIntended { entry, members, .. } => {
            Some(entries(*entry, members))
        }
        Fact::CandidateMade { entry, links, .. } => {
            Some(entries(*entry, &links.iter().map(|link| link.entry).collect::<Vec<_>>()))
        }
        Fact::EntryReset { entry, .. } | Fact::GuardAsked { entry, .. } => Some(format!("entry {entry}")),
        Fact::GuardPassed { entry, gate, .. } | Fact::VerdictReused { entry, gate, .. } => {
            Some(format!("entry {entry}, run {gate}"))
        }
        Fact::GuardGivenUp { entry, why, .. } => Some(format!("entry {entry}, {why}")),
        Fact::CanaryJudged { verdict, .. } => Some(verdict.words().to_owned()),
        Fact::RecheckJudged { commit: judged, verdict, landings, .. } => {
            Some(rechecked(judged, *verdict, *landings))
        }
        Fact::ExternalJudged { commit: judged, verdict, .. } => {
            Some(format!("{} is {}", commit(judged), verdict.words()))
        }
        Fact::EntryDropped { subject, why, .. } => Some(format!("{}, {}", queued(subject), dropped(why))),
        Fact::GatePlanned { gate, .. } | Fact::GateCancelled { gate, .. } => Some(format!("run {gate}")),
        Fact::GateEnded { gate, verdict, results, .. } => Some(gate_ended(*gate, *verdict, results)),
        Fact::SlotsMeasured { found, .. } => Some(counted(found.slots as usize, "slot")),
        Fact::GateFolderRemoved { slot, .. } => Some(format!("slot {slot}")),
        Fact::FlakeSeen { earlier, gate, .. } => {
            Some(format!("runs {earlier} and {gate} differ on one tree"))
        }
        Fact::TestsCompared { gate, comparison, outcome, .. } => {
            Some(evidence::compared(*gate, comparison, *outcome))
        }
        Fact::Landed { subject, candidate, verified, .. } => Some(landed(subject, candidate, *verified)),
        Fact::ProjectEnabled { enabled: false, .. } => return said("project disabled".to_owned(), None),
        Fact::ProjectPaused { paused: false, .. } => return said("project resumed".to_owned(), None),
        Fact::PauseAsked { asked: false, .. } => return said("pause withdrawn".to_owned(), None),
        // The type says it all, together with the project, objective or session that the line names before
        // it. Texts of people (notes) are left out, because they can be long; `events --json` has them.
        Fact::ProjectAdded { .. }
        | Fact::ProjectEnabled { .. }
        | Fact::ProjectPaused { .. }
        | Fact::ProjectConfigured { .. }
        | Fact::ProjectTrusted { .. }
        | Fact::ProjectRemoved { .. }
        | Fact::AgentsReset { .. }
        | Fact::DayBegan { .. }
        | Fact::AdoptionIntended { .. }
        | Fact::RepublishAsked { .. }
        | Fact::PublicationFreed { .. }
        | Fact::ObjectiveDeleted { .. }
        | Fact::HumanNote { .. }
        | Fact::ObjectiveApproved { .. }
        | Fact::PauseAsked { .. }
        | Fact::PlanAsked { .. }
        | Fact::PlanRejected { .. }
        | Fact::PlannerReleased { .. }
        | Fact::WorktreeOrdered { .. }
        | Fact::WorktreeMade { .. }
        | Fact::WorktreeRetired { .. }
        | Fact::WorktreeRemoved { .. }
        | Fact::CanaryAsked { .. }
        | Fact::RecheckAsked { .. }
        | Fact::BypassAccepted { .. }
        | Fact::QueueReleased { .. } => None,
    };
    Words { headline: None, details }
}

#[cfg(test)]
mod tests {
    use super::*;
    use paddock_model::gate::{CommandResult, Verdict};
    use paddock_model::ids::{EntryId, GateId, ObjectId, ObjectiveId, ProjectSlug};
    use paddock_model::reason::{Reason, ReasonCode};
    use paddock_model::train::{Candidate, Subject};

    fn line(kind: &str, fact: &Fact) -> EventLine {
        EventLine {
            version: 1,
            seq: 1,
            at: "2026-01-31T09:30:00Z".to_owned(),
            kind: kind.to_owned(),
            project: Some("web".to_owned()),
            objective: None,
            session: None,
            phase: None,
            goal: None,
            data: serde_json::to_value(fact).unwrap()["data"].clone(),
        }
    }

    fn web() -> ProjectSlug {
        ProjectSlug::new("web").unwrap()
    }

    #[test]
    fn an_event_is_one_line_without_control_characters() {
        let reason = Reason::new(ReasonCode::QueueHeld, 0, "tests\nfailed \u{1b}[2J", "");
        let held = Fact::QueueHeld { project: web(), reason };
        let shown = human(&line("queue_held", &held));
        assert!(shown.ends_with("queue held: tests failed \\u{1b}[2J"), "{shown}");
        let id = |digit: &str| ObjectId::new(digit.repeat(40)).unwrap();
        let landed = Fact::Landed {
            project: web(),
            entry: EntryId(1),
            subject: Subject::Objective(ObjectiveId::new("cart").unwrap()),
            candidate: Candidate {
                onto: id("a"),
                onto_tree: id("b"),
                commit: id("c"),
                tree: id("d"),
                sealed: false,
            },
            head: id("e"),
            verified: false,
            gate: None,
            members: Vec::new(),
        };
        assert!(human(&line("landed", &landed)).ends_with("landed: cart as cccccccccc, unverified"));
    }

    #[test]
    fn an_event_of_a_newer_supervisor_is_shown_by_its_type() {
        let asked = Fact::PlanAsked { project: web() };
        assert!(human(&line("dance", &asked)).ends_with("dance"));
        let other_shape = Fact::SupervisorStarted { pid: 1, version: "2".to_owned() };
        assert!(human(&line("queue_held", &other_shape)).ends_with("queue held"));
    }
    #[test]
    fn a_line_names_its_subject_in_the_words_that_people_know() {
        use paddock_model::hierarchy::{Level, NodeKey};
        use paddock_model::ids::NodeId;
        let node = NodeKey { project: web(), level: Level::Goal, id: NodeId::new("shop").unwrap() };
        let (title, description, parent) = ("A shop".to_owned(), String::new(), None);
        let added = Fact::NodeAdded { project: web(), node, title, description, parent };
        assert_eq!(said(&line("aim_added", &added)), "goal added: A shop");
        let resumed = Fact::ProjectPaused { project: web(), paused: false };
        assert_eq!(said(&line("project_paused", &resumed)), "project resumed");
        let started = Fact::CandidateOrdered {
            project: web(),
            entry: EntryId(3),
            onto: ObjectId::new("a".repeat(40)).unwrap(),
            members: vec![EntryId(3), EntryId(4)],
            ahead: false,
        };
        assert_eq!(said(&line("merge_started", &started)), "merge started: entries 3, 4");
    }

    #[test]
    fn a_green_run_says_which_files_its_commands_changed() {
        use paddock_model::gate::ChangedFiles;
        use paddock_model::path::RepoPath;
        use paddock_model::session::Exit;
        let changed = ChangedFiles { paths: vec![RepoPath::new("Cargo.lock")], count: 3, is_gate: false };
        let result = CommandResult {
            took_ms: 1,
            changed: Some(changed),
            ..CommandResult::new("tests", Exit::Code(0))
        };
        let ended = Fact::GateEnded {
            project: web(),
            gate: GateId(4),
            verdict: Verdict::Green,
            results: vec![result],
            from_nothing: true,
        };
        assert_eq!(
            said(&line("gate_ended", &ended)),
            "gate ended: run 4 is green, exit status only; tests changed Cargo.lock and 2 more"
        );
        let judged = Fact::RecheckJudged {
            project: web(),
            gate: Some(GateId(4)),
            commit: ObjectId::new("a".repeat(40)).unwrap(),
            verdict: Verdict::Red,
            doubtful: Vec::new(),
            landings: 2,
        };
        let shown = said(&line("recheck_judged", &judged));
        assert_eq!(shown, "recheck judged: aaaaaaaaaa is red from nothing, after 2 landings");
    }
}
