//! One event as one line for people.

use serde::Serialize;

use super::events;
use super::text::{counted, harmless, rfc3339};
use paddock_ipc::EventLine;
use paddock_model::agent::length;
use paddock_model::bypass::BypassFacts;
use paddock_model::event::{Dropped, Fact};
use paddock_model::ids::{AgentId, ObjectId};
use paddock_model::session::{Harvest, Over, SessionEnd};
use paddock_model::train::{Candidate, Subject};
use paddock_model::usage::Usage;

/// The line: time of day, what it is about, and what happened. The line has its public type.
#[must_use]
pub fn human(line: &EventLine) -> String {
    let time = match line.at.parse::<jiff::Timestamp>() {
        Ok(at) => at.to_zoned(jiff::tz::TimeZone::system()).strftime("%H:%M:%S").to_string(),
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

/// What happened, without when and to what. Of a line whose fact this program does not know, its type alone.
#[must_use]
pub fn said(line: &EventLine) -> String {
    let words = line.kind.replace('_', " ");
    match events::fact(line).and_then(|fact| more(&fact)) {
        Some(more) => format!("{words}: {more}"),
        None => words,
    }
}

/// What a fact says besides its type.
fn more(fact: &Fact) -> Option<String> {
    match fact {
        Fact::SupervisorStarted { pid, .. } | Fact::SessionStarted { pid, .. } => {
            Some(format!("process {pid}"))
        }
        Fact::SupervisorStopped { mode } => stored(mode),
        Fact::ProjectEnabled { enabled, .. } => Some(yes_or_no(*enabled)),
        Fact::ProjectPaused { paused, .. } => Some(yes_or_no(*paused)),
        Fact::ProjectHeld { reason, .. }
        | Fact::PlannerHeld { reason, .. }
        | Fact::QueueHeld { reason, .. } => Some(reason.text.clone()),
        Fact::AgentUnusable { agent, problem, .. } => Some(of_agent(agent, problem)),
        Fact::AgentCooled { agent, cooldown, .. } => {
            let until = rfc3339(cooldown.until_ms);
            Some(of_agent(agent, &format!("until {until}: {}", cooldown.failure)))
        }
        Fact::AgentLocked { agent, failure, .. } => Some(of_agent(agent, &failure.text)),
        Fact::AgentFreed { agent, why } => Some(of_agent(agent, why)),
        Fact::AgentEnabled { agent, enabled, .. } => Some(of_agent(agent, &yes_or_no(*enabled))),
        Fact::AgentChecked { agent, check } => Some(of_agent(agent, &yes_or_no(check.ok))),
        Fact::ClockJumped { by_ms } | Fact::SessionSlept { by_ms, .. } => Some(jumped(*by_ms)),
        Fact::BudgetExhausted { limit, .. } => Some(limit.clone()),
        Fact::NotifyFailed { problem, .. }
        | Fact::EffectPanicked { problem, .. }
        | Fact::ExternalAbandoned { problem, .. }
        | Fact::AdoptionAbandoned { problem, .. }
        | Fact::PhaseChecksLost { problem, .. }
        | Fact::PlanMissed { problem, .. }
        | Fact::WorktreeFailed { problem, .. }
        | Fact::CandidateFailed { problem, .. }
        | Fact::LandingAbandoned { problem, .. } => Some(problem.clone()),
        Fact::IntegrationMade { tip, .. } => Some(commit(tip)),
        Fact::ExternalAdopted { to, .. } | Fact::TargetAdopted { to, .. } | Fact::Published { to, .. } => {
            Some(commit(to))
        }
        Fact::TargetSet { branch, .. } => Some(branch.clone()),
        Fact::PublicationWaits { wait, .. } => Some(wait.text.clone()),
        Fact::QueueBypassed { found, .. } => Some(bypassed(found)),
        Fact::ObjectiveAdded { spec, .. } => Some(spec.title.clone()),
        Fact::ObjectiveMoved { reason, .. } => reason.as_ref().map(|reason| reason.text.clone()),
        Fact::SessionPlanned { plan, .. } => {
            Some(format!("{} by {}, attempt {}", stored(&plan.kind)?, plan.agent, plan.attempt))
        }
        Fact::SessionStopping { stop, .. } => stored(stop),
        Fact::SessionUsed { usage, .. } => Some(used(usage)),
        Fact::SessionExited { process, .. } => Some(match process {
            Some(process) => process.exit.to_string(),
            None => "without a record".to_owned(),
        }),
        Fact::SessionHarvested { end, harvest, over, problem, .. } => {
            Some(ended(*end, harvest.as_ref(), over, problem.as_deref()))
        }
        Fact::EntryQueued { subject, .. } => Some(queued(subject)),
        Fact::EntryDropped { subject, why, .. } => Some(format!("{}, {}", queued(subject), dropped(why))),
        Fact::GatePlanned { gate, .. } | Fact::GateCancelled { gate, .. } => Some(format!("run {gate}")),
        Fact::GateEnded { gate, verdict, .. } => Some(format!("run {gate} is {}", verdict.words())),
        Fact::Landed { subject, candidate, verified, .. } => Some(landed(subject, candidate, *verified)),
        // Their type says it all, or the objective, session or project that stands before it.
        Fact::ProjectAdded { .. }
        | Fact::ProjectConfigured { .. }
        | Fact::ProjectTrusted { .. }
        | Fact::ProjectRemoved { .. }
        | Fact::ProjectReleased { .. }
        | Fact::AgentsReset { .. }
        | Fact::DayBegan { .. }
        | Fact::TargetSeen { .. }
        | Fact::ExternalIntended { .. }
        | Fact::ExternalRefused { .. }
        | Fact::AdoptionIntended { .. }
        | Fact::RepublishAsked { .. }
        | Fact::CollisionsSeen { .. }
        | Fact::PublicationFreed { .. }
        | Fact::ObjectiveEdited { .. }
        | Fact::ObjectiveDeleted { .. }
        | Fact::ScopeWidened { .. }
        | Fact::HumanNote { .. }
        | Fact::ObjectiveApproved { .. }
        | Fact::PauseAsked { .. }
        | Fact::NodeAdded { .. }
        | Fact::NodeEdited { .. }
        | Fact::NodeMoved { .. }
        | Fact::NodesOrdered { .. }
        | Fact::PhaseChecksSet { .. }
        | Fact::PhaseChecksPassed { .. }
        | Fact::PhaseChecksFailed { .. }
        | Fact::PlanAsked { .. }
        | Fact::PlanMade { .. }
        | Fact::PlanRefused { .. }
        | Fact::PlanApplied { .. }
        | Fact::PlanRejected { .. }
        | Fact::PlannerReleased { .. }
        | Fact::WorktreeOrdered { .. }
        | Fact::WorktreeMade { .. }
        | Fact::WorktreeRetired { .. }
        | Fact::WorktreeRemoved { .. }
        | Fact::SessionExtended { .. }
        | Fact::GuardAsked { .. }
        | Fact::GuardPassed { .. }
        | Fact::GuardGivenUp { .. }
        | Fact::CanaryAsked { .. }
        | Fact::CanaryJudged { .. }
        | Fact::ExternalJudged { .. }
        | Fact::BypassAccepted { .. }
        | Fact::Pushed { .. }
        | Fact::PushWaits { .. }
        | Fact::CandidateOrdered { .. }
        | Fact::CandidateMade { .. }
        | Fact::EntryReset { .. }
        | Fact::QueueReleased { .. }
        | Fact::SlotsMeasured { .. }
        | Fact::GateFolderRemoved { .. }
        | Fact::FlakeSeen { .. }
        | Fact::VerdictReused { .. }
        | Fact::LandingIntended { .. }
        | Fact::ProofWritten { .. } => None,
    }
}

/// The word under which a value of a closed list is stored.
fn stored(value: &impl Serialize) -> Option<String> {
    serde_json::to_value(value).ok()?.as_str().map(str::to_owned)
}

fn yes_or_no(flag: bool) -> String {
    if flag { "yes" } else { "no" }.to_owned()
}

fn commit(id: &ObjectId) -> String {
    id.as_str().chars().take(10).collect()
}

fn of_agent(agent: &AgentId, what: &str) -> String {
    match what.is_empty() {
        true => agent.to_string(),
        false => format!("{agent}, {what}"),
    }
}

/// Whose commits, and which.
fn bypassed(found: &BypassFacts) -> String {
    let named = found.commits.iter().map(|one| format!("{} of {}", commit(&one.commit), one.objective));
    named.collect::<Vec<_>>().join(", ")
}

/// Which way, and how far.
fn jumped(by_ms: i64) -> String {
    let way = if by_ms < 0 { "back" } else { "on" };
    format!("{way} by {}", length(by_ms.saturating_abs()))
}

fn used(usage: &Usage) -> String {
    let tokens = usage.tokens.map(|tokens| format!("{} tokens", tokens.total()));
    let usd = usage.usd().map(|usd| format!("${usd:.2}"));
    [tokens, usd].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn ended(end: SessionEnd, harvest: Option<&Harvest>, over: &[Over], problem: Option<&str>) -> String {
    let commits = counted(harvest.map_or(0, |harvest| harvest.commits as usize), "commit");
    let first = harvest.and_then(|harvest| harvest.findings.first()).map(|finding| finding.text.as_str());
    let problem = problem.or(first).map(|problem| format!("; {problem}")).unwrap_or_default();
    let over: Vec<&str> = over.iter().map(|over| over.words()).collect();
    let over = match over.is_empty() {
        true => String::new(),
        false => format!(", above its limit of {}", over.join(" and ")),
    };
    format!("{}, {commits}{over}{problem}", end.word())
}

fn queued(subject: &Subject) -> String {
    match subject {
        Subject::Objective(id) => id.to_string(),
        Subject::Target => "the user's own commits".to_owned(),
    }
}

fn landed(subject: &Subject, candidate: &Candidate, verified: bool) -> String {
    match subject {
        Subject::Objective(id) => {
            let note = if verified { "" } else { ", unverified" };
            format!("{id} as {}{note}", commit(&candidate.commit))
        }
        Subject::Target => queued(subject),
    }
}

fn dropped(why: &Dropped) -> &'static str {
    match why {
        Dropped::Red => "red",
        Dropped::Conflict { .. } => "conflict",
        Dropped::HeadMoved => "head moved",
        Dropped::Refused(_) => "refused",
        Dropped::Superseded => "superseded",
        Dropped::Withdrawn => "withdrawn",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use paddock_model::ids::{EntryId, ObjectiveId, ProjectSlug};
    use paddock_model::reason::{Reason, ReasonCode};

    fn line(kind: &str, fact: &Fact) -> EventLine {
        EventLine {
            version: 1,
            seq: 1,
            at: "2026-01-31T09:30:00Z".to_owned(),
            kind: kind.to_owned(),
            project: Some("web".to_owned()),
            objective: None,
            session: None,
            data: serde_json::to_value(fact).unwrap()["data"].clone(),
        }
    }

    fn web() -> ProjectSlug {
        ProjectSlug::new("web").unwrap()
    }

    #[test]
    fn what_happened_is_said_on_one_harmless_line() {
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
    fn what_a_newer_supervisor_tells_of_is_shown_by_its_type() {
        let asked = Fact::PlanAsked { project: web() };
        assert!(human(&line("dance", &asked)).ends_with("dance"));
        let of_another_shape = Fact::SupervisorStarted { pid: 1, version: "2".to_owned() };
        assert!(human(&line("queue_held", &of_another_shape)).ends_with("queue held"));
    }
}
