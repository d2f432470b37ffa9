//! Parts of the lines of events: what a value of a fact says in words.

use serde::Serialize;

use super::super::evidence;
use super::super::text::counted;
use paddock_model::agent::{Check, length};
use paddock_model::bypass::BypassFacts;
use paddock_model::event::Dropped;
use paddock_model::facts::Collision;
use paddock_model::gate::{CommandResult, Verdict};
use paddock_model::ids::{AgentId, EntryId, GateId, ObjectId, ObjectiveId, SessionId};
use paddock_model::refs::MovedRef;
use paddock_model::session::{Harvest, Over, ProcessEnd, SessionBudget, SessionEnd};
use paddock_model::train::{Candidate, Subject};
use paddock_model::usage::{Usage, usd_text};

/// Most entries of git's configuration that a line names.
const ENTRIES_SHOWN_MAX: usize = 6;
/// Refs that the line of an event names.
const REFS_SHOWN_MAX: usize = 3;

/// Returns the word that a value of an enum is stored as.
pub(super) fn stored(value: &impl Serialize) -> Option<String> {
    serde_json::to_value(value).ok()?.as_str().map(str::to_owned)
}

/// First why Paddock stopped it, if it did.
pub(super) fn exited(process: &ProcessEnd) -> String {
    let stop = process.stop.as_ref().and_then(stored).map(|stop| format!("{stop}; "));
    stop.unwrap_or_default() + &process.exit.to_string()
}

pub(super) fn commit(id: &ObjectId) -> String {
    id.as_str().chars().take(10).collect()
}

pub(super) fn agent_and(agent: &AgentId, details: &str) -> String {
    match details.is_empty() {
        true => agent.to_string(),
        false => format!("{agent}, {details}"),
    }
}

pub(super) fn checked(agent: &AgentId, check: &Check) -> String {
    match &check.failure {
        _ if check.ok => format!("{agent} works"),
        Some(failure) => format!("{agent} failed, {failure}"),
        None => format!("{agent} failed"),
    }
}

/// Returns the bypassing commits, each with the objective whose work it holds.
pub(super) fn bypassed(found: &BypassFacts) -> String {
    let named = found.commits.iter().map(|one| format!("{} of {}", commit(&one.commit), one.objective));
    named.collect::<Vec<_>>().join(", ")
}

/// Returns the colliding pairs of branches.
pub(super) fn collided(collisions: &[Collision]) -> String {
    let name = |with: &Option<ObjectiveId>| with.as_ref().map_or("landed work", |id| id.as_str()).to_owned();
    let pairs: Vec<String> =
        collisions.iter().map(|one| format!("{} and {}", one.objective, name(&one.with))).collect();
    if pairs.is_empty() { "none any more".to_owned() } else { pairs.join(", ") }
}

/// Returns the direction and the length of a jump of the clock.
pub(super) fn jumped(by_ms: i64) -> String {
    let way = if by_ms < 0 { "back" } else { "forward" };
    format!("{way} by {}", length(by_ms.saturating_abs()))
}

pub(super) fn planned(objectives: usize, waits: bool) -> String {
    let count = counted(objectives, "objective");
    if waits { format!("{count}, waiting for a person's approval") } else { count }
}

pub(super) fn raised(budget: &SessionBudget) -> String {
    let commits = counted(budget.max_commits as usize, "commit");
    let tokens = budget.max_tokens.map(|tokens| format!("{tokens} tokens"));
    let usd = budget.max_usd_micros.map(usd_text);
    let fixed = [Some(commits), Some(format!("{} min", budget.max_minutes))];
    fixed.into_iter().chain([tokens, usd]).flatten().collect::<Vec<_>>().join(", ")
}

/// Returns the entries of a merge. Earlier builds stored only the first entry and no list of members.
pub(super) fn entries(first: EntryId, members: &[EntryId]) -> String {
    match members {
        [] | [_] => format!("entry {first}"),
        several => {
            format!("entries {}", several.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
        }
    }
}

pub(super) fn used(usage: &Usage) -> String {
    let tokens = usage.tokens.map(|tokens| format!("{} tokens", tokens.total()));
    let usd = usage.usd_text();
    [tokens, usd].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

pub(super) fn ended(
    end: SessionEnd,
    harvest: Option<&Harvest>,
    over: &[Over],
    problem: Option<&str>,
) -> String {
    let commits = counted(harvest.map_or(0, |harvest| harvest.commits as usize), "commit");
    let found = harvest.iter().flat_map(|harvest| &harvest.findings).map(|finding| finding.text.as_str());
    let problem: String = match problem {
        Some(problem) => format!("; {problem}"),
        None => found.map(|text| format!("; {text}")).collect(),
    };
    let over: Vec<&str> = over.iter().map(|over| over.words()).collect();
    let over = match over.is_empty() {
        true => String::new(),
        false => format!(", above its limit of {}", over.join(" and ")),
    };
    format!("{}, {commits}{over}{problem}", end.word())
}

/// Returns the verdict of a run with its tests, and what a command that passed has changed. A command that is
/// red for its changes says so in its outcome.
pub(super) fn gate_ended(gate: GateId, verdict: Verdict, results: &[CommandResult]) -> String {
    let green = results.iter().filter(|result| result.verdict() == Verdict::Green);
    let changed = green.filter_map(|result| Some((&result.name, result.changed.as_ref()?)));
    let changed: String = changed.map(|(name, changed)| format!("; {name} changed {changed}")).collect();
    let tests = evidence::reported_tests(results).map(|tests| format!(", {tests}")).unwrap_or_default();
    format!("run {gate} is {}{tests}{changed}", evidence::code_of(verdict, results).words())
}

pub(super) fn rechecked(judged: &ObjectId, verdict: Verdict, landings: u64) -> String {
    let since = match (verdict, landings) {
        (Verdict::Green, _) | (_, 0) => String::new(),
        (_, 1) => ", after 1 landing".to_owned(),
        (_, count) => format!(", after {count} landings"),
    };
    format!("{} is {} from nothing{since}", commit(judged), verdict.words())
}

pub(super) fn queued(subject: &Subject) -> String {
    match subject {
        Subject::Objective(id) => id.to_string(),
        Subject::Target => "the user's own commits".to_owned(),
        Subject::Remote => "the commits of the remote".to_owned(),
    }
}

pub(super) fn landed(subject: &Subject, candidate: &Candidate, verified: bool) -> String {
    match subject {
        Subject::Objective(id) => {
            let note = if verified { "" } else { ", unverified" };
            format!("{id} as {}{note}", commit(&candidate.commit))
        }
        Subject::Target | Subject::Remote => queued(subject),
    }
}

pub(super) fn dropped(why: &Dropped) -> &'static str {
    match why {
        Dropped::Red => "red",
        Dropped::Conflict { .. } => "conflict",
        Dropped::HeadMoved => "head moved",
        Dropped::Refused(_) => "refused",
        Dropped::Superseded => "superseded",
        Dropped::Withdrawn => "withdrawn",
    }
}

/// Names the first entries of git's configuration that are off.
pub(super) fn switched_off(entries: &[String]) -> String {
    let shown = entries.iter().take(ENTRIES_SHOWN_MAX).cloned().collect::<Vec<_>>().join(", ");
    match entries.len().saturating_sub(ENTRIES_SHOWN_MAX) {
        _ if entries.is_empty() => "nothing any more".to_owned(),
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Names the first refs that changed, and the sessions that ran.
pub(super) fn moved_refs(sessions: &[SessionId], refs: &[MovedRef], total: u64) -> String {
    // What was lost is named; of new refs, of which a fetch brings thousands, only if there is nothing else.
    let (lost, made): (Vec<&MovedRef>, Vec<&MovedRef>) = refs.iter().partition(|one| one.before.is_some());
    let shown = if lost.is_empty() { &made } else { &lost };
    let mut parts: Vec<String> = shown.iter().take(REFS_SHOWN_MAX).map(ToString::to_string).collect();
    match usize::try_from(total).unwrap_or(usize::MAX) - parts.len() {
        0 => {}
        more => parts.push(format!("and {more} more")),
    }
    let sessions: Vec<String> = sessions.iter().map(ToString::to_string).collect();
    let word = if sessions.len() == 1 { "session" } else { "sessions" };
    format!("{}; {word} {} ran", parts.join("; "), sessions.join(", "))
}
