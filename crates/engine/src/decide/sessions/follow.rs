//! What follows when a session has ended: it depends on how the session ended and on what the review found.
//!
//! Recovery has three levels: a correction session, a wider scope, a person.
//! [`crate::decide::sessions::retries`] has the bounds that make every chain of sessions end.
//!
//! # What follows a session
//!
//! | the session ended | then |
//! |---|---|
//! | `completed` | review. Passed: the queue. Nothing to land: done. Findings: a correction session, which is a retry |
//! | `partial`, `over_budget` | a follow-up session; after two in a row without an accepted commit: needs_review |
//! | `blocked`, `killed` | needs_review |
//! | `failed`, `stalled` | a correction session after a backoff, at most `recovery.max_retries` times |
//! | `failed` before any work, and was to continue a conversation | a session of the same kind, in a new conversation |
//! | `interrupted`, `lost` | a session of the same kind; the second `lost` in a row costs a retry |
//! | before its agent, because the set-up failed | another try after a pause, without a retry (`set_up`) |
//! | in any way, after `recovery.max_sessions` sessions | needs_review |
//!
//! An agent that cannot be started is marked unusable for its project until the settings change or a
//! supervisor starts. The objective then uses the worker's next agent, or says that there is none.

use crate::decide::scribe::Scribe;
use crate::decide::sessions::ends::{Outcome, own_failure};
use crate::decide::sessions::marks;
use crate::decide::sessions::retries::{human, repeat, retry, retry_with};
use crate::decide::sessions::set_up;
use crate::review::{self, Terms};
use crate::setback::has_crashed_at_once;
use paddock_model::cut;
use paddock_model::event::Fact;
use paddock_model::facts::HarvestFacts;
use paddock_model::failure::{FailureClass, Remedy};
use paddock_model::finding::FindingCode;
use paddock_model::ids::ObjectiveKey;
use paddock_model::keeper::KeeperRemedy;
use paddock_model::objective::{Cause, Feedback, NextSession, Objective, Status};
use paddock_model::path::RepoPath;
use paddock_model::reason::ReasonCode;
use paddock_model::session::{Exit, Session, SessionEnd, SessionKind, SessionStatus};
use paddock_model::settings::{ProjectSettings, Role};
use paddock_model::summary::SummaryStatus;
use paddock_model::train::Subject;

/// Attempts to submit a session in a row before a person is asked.
const SETUP_FAILURES_MAX: u32 = 2;

/// Feedback to an agent that exited with status 0 and left nothing.
const NOTHING_DONE: &str = "no commit was made and no summary given";

/// Feedback to an agent whose summary claims commits that do not exist.
const CLAIMED_ONLY: &str = "the summary claims commits, but none was made";

/// Advice to an agent whose conversation did not fit into its model's context.
const SMALLER: &str = "Work in smaller steps: read only what you need, do not print whole files or long \
                       outputs, and commit each step";

/// The next step of an objective.
enum Due {
    /// The branch enters the merge queue.
    Queue,
    /// Nothing is left to land.
    Done,
    /// Another session that does not cost a retry.
    Again(SessionKind, Option<Feedback>),
    /// A correction session, which costs a retry (level 1).
    Retry(SessionKind, Feedback),
    /// Another try of the set-up, which failed in this way and not by the objective's fault.
    SetUp(String),
    /// A decision by a person (level 3).
    Human(ReasonCode, String),
}

pub(in crate::decide) fn follow(
    scribe: &mut Scribe<'_>,
    key: &ObjectiveKey,
    session: &Session,
    outcome: &Outcome,
) {
    if let (Some(problem), true) = (&outcome.problem, outcome.facts.is_none()) {
        let text = format!("the work of session {} could not be read: {problem}", session.id);
        return human(scribe, key, ReasonCode::HarvestFailed, text);
    }
    note_unusable_agent(scribe, key, session);
    if let Some(facts) = &outcome.facts {
        marks::note(scribe, key, facts);
    }
    if follow_failure(scribe, key, session, outcome) {
        return;
    }
    let is_widened = crate::decide::sessions::recover::widen(scribe, key, outcome);
    let Some(objective) = scribe.state.objective(key) else { return };
    // With what the harvest has recorded about it.
    let harvested = scribe.state.session(session.id).unwrap_or(session);
    let due = match outcome.end {
        SessionEnd::Completed => completed(scribe, objective, harvested, outcome, is_widened),
        // Only the scope had stopped the agent, and the scope is wide enough now.
        SessionEnd::Blocked if is_widened => Due::Again(SessionKind::FollowUp, follow_up(harvested, outcome)),
        SessionEnd::Partial
        | SessionEnd::OverBudget
        | SessionEnd::Blocked
        | SessionEnd::Failed
        | SessionEnd::Stalled
        | SessionEnd::Interrupted
        | SessionEnd::Lost
        | SessionEnd::Killed => not_completed(scribe, objective, harvested, outcome),
    };
    execute(scribe, key, session, due, outcome.facts.as_deref());
}

/// Acts on a failure of the agent for which neither a repeat nor a retry helps. Returns whether it did.
fn follow_failure(scribe: &mut Scribe<'_>, key: &ObjectiveKey, session: &Session, outcome: &Outcome) -> bool {
    let failure = outcome.facts.as_ref().and_then(|facts| own_failure(session, facts)).cloned();
    let Some(failure) = failure.filter(|_| outcome.end != SessionEnd::Completed) else { return false };
    match failure.class.remedy() {
        // Another agent of the worker may be logged in: only if there is none does the objective need a
        // person. The session that was due stays due, so that nothing is lost when the agent is freed.
        Remedy::Human if failure.class == FailureClass::Authentication => {
            let Some(objective) = scribe.state.objective(key) else { return false };
            let next = NextSession { kind: session.kind, costs_retry: false, ..objective.next.clone() };
            match crate::decide::sessions::health::nobody_left(scribe, key, &session.agent, &failure) {
                Some(reason) => {
                    scribe.move_to(key, Status::NeedsReview, Cause::HumanDue, Some(reason), Some(next))
                }
                None => return false,
            };
        }
        Remedy::Human => {
            let text = format!("session {}: the agent {} was {failure}", session.id, session.agent);
            human(scribe, key, ReasonCode::AgentRefused, text);
        }
        Remedy::Smaller => {
            let outcome = format!("{failure}. {SMALLER}");
            let feedback = Feedback::Ended { session: session.id, outcome };
            retry_with(scribe, key, SessionKind::Correction, feedback, true);
        }
        Remedy::CoolDown | Remedy::Retry => return false,
    }
    true
}

/// Marks an agent that could not be started as unusable, so that the next session goes to another agent.
fn note_unusable_agent(scribe: &mut Scribe<'_>, key: &ObjectiveKey, session: &Session) {
    let own_end = session.process.as_ref().filter(|process| process.stop.is_none());
    if let Some(Exit::NotStarted(problem)) = own_end.map(|process| &process.exit) {
        let (project, agent) = (key.project.clone(), session.agent.clone());
        let known = scribe.state.project(&project).map(|project| &project.unusable_agents);
        // Sessions that were started in parallel all fail in the same way; one record is enough.
        if known.is_some_and(|agents| agents.contains_key(&agent)) {
            return;
        }
        scribe.record(Fact::AgentUnusable { project, agent, problem: problem.clone() });
    }
}

/// Returns the notes that a session which stopped early left for the next one.
fn follow_up(session: &Session, outcome: &Outcome) -> Option<Feedback> {
    let summary = outcome.facts.as_ref().and_then(|facts| facts.summary.as_ref());
    let notes = summary.map_or("", |summary| summary.follow_up_notes.trim());
    Some(Feedback::FollowUp { session: session.id, notes: cut::start(notes, 3_000).to_owned() })
}

fn completed(
    scribe: &Scribe<'_>,
    objective: &Objective,
    session: &Session,
    outcome: &Outcome,
    is_widened: bool,
) -> Due {
    if let Some(problem) = &outcome.problem {
        return Due::Human(ReasonCode::HarvestFailed, format!("the review could not be made: {problem}"));
    }
    // Before all else: a correction would land what it keeps.
    if let Some(taken) = outcome.findings.iter().find(|finding| finding.code == FindingCode::StashTaken) {
        let id = &objective.key.id;
        let text = format!(
            "{}; `paddock objective approve {id}` lets it land, `paddock objective reject {id} --note TEXT` \
             sends the work back",
            taken.text
        );
        return Due::Human(ReasonCode::StashTaken, text);
    }
    if let Some(text) = removed_tests(scribe, objective, outcome) {
        return Due::Human(ReasonCode::TestsRemoved, text);
    }
    if !outcome.findings.is_empty() && !is_widened {
        return Due::Retry(SessionKind::Correction, Feedback::Findings(outcome.findings.clone()));
    }
    let Some(facts) = &outcome.facts else { return Due::Done };
    if !has_nothing_of_its_own(scribe, objective, facts) {
        let project = scribe.state.project(&objective.key.project);
        return match project.and_then(|project| marks::question(project, objective, facts)) {
            Some(text) => Due::Human(ReasonCode::Marked, text),
            None => Due::Queue,
        };
    }
    let role = scribe
        .state
        .project(&objective.key.project)
        .map_or(Role::Implementer, |project| role_of(&project.settings, objective));
    let claimed = facts.summary.as_ref().filter(|s| s.status == SummaryStatus::Completed);
    let outcome = match claimed.map(|summary| summary.commits_made.unwrap_or(0)) {
        // A summary never overrides facts.
        Some(commits) if commits > 0 => format!("{CLAIMED_ONLY} ({commits})"),
        // An implementer that left nothing and says nothing has probably failed. Other roles may end without
        // a commit.
        None if role == Role::Implementer => NOTHING_DONE.to_owned(),
        _ => return Due::Done,
    };
    Due::Retry(SessionKind::Correction, Feedback::Ended { session: session.id, outcome })
}

/// Returns the question to a person about tests that the work removes, if that is all that speaks against it.
fn removed_tests(scribe: &Scribe<'_>, objective: &Objective, outcome: &Outcome) -> Option<String> {
    let (project, facts) = (scribe.state.project(&objective.key.project)?, outcome.facts.as_ref()?);
    let terms = Terms::new(project, objective);
    review::removed_tests(facts, &terms, &outcome.findings).ok().flatten()
}

/// Returns whether the branch has nothing of its own to land: it is where it began, or only followed what
/// others landed. Merging such a branch would land an empty commit whose two parents are the same.
fn has_nothing_of_its_own(scribe: &Scribe<'_>, objective: &Objective, facts: &HarvestFacts) -> bool {
    let is_untouched = objective.worktree.as_ref().is_some_and(|worktree| worktree.base == facts.head);
    let has_commits = |session: &Session| session.harvest.as_ref().is_some_and(|found| found.commits > 0);
    let has_committed = objective.sessions.iter().filter_map(|id| scribe.state.session(*id)).any(has_commits);
    is_untouched || (facts.commits.is_empty() && facts.net_paths.is_empty() && !has_committed)
}

fn not_completed(scribe: &Scribe<'_>, objective: &Objective, session: &Session, outcome: &Outcome) -> Due {
    let end = outcome.end;
    let exit = session.process.as_ref().map(|process| &process.exit);
    let how = match exit {
        // "failed (exit status 0)" would contradict itself.
        Some(exit @ Exit::Code(0)) if end == SessionEnd::Failed => format!("{NOTHING_DONE} ({exit})"),
        Some(exit) => format!("{end} ({exit})"),
        None => end.to_string(),
    };
    let how = match outcome.facts.as_ref().and_then(|facts| own_failure(session, facts)) {
        Some(failure) => format!("{how}: {failure}"),
        None => how,
    };
    let how = match session.trouble.filter(|trouble| trouble.remedy == KeeperRemedy::Killed) {
        Some(trouble) => format!("{how}: {trouble}; do not stop or kill processes that you did not start"),
        None => how,
    };
    let ended = Feedback::Ended { session: session.id, outcome: how.clone() };
    let summary = outcome.facts.as_ref().and_then(|facts| facts.summary.as_ref());
    match end {
        // Follow-up sessions cost no retry, so their number needs a bound of its own.
        SessionEnd::Partial | SessionEnd::OverBudget if objective.stopped_in_a_row >= 2 => {
            let text = "two sessions in a row stopped early without a new commit that passed the review";
            Due::Human(ReasonCode::NoProgress, text.to_owned())
        }
        SessionEnd::Partial | SessionEnd::OverBudget => {
            Due::Again(SessionKind::FollowUp, follow_up(session, outcome))
        }
        SessionEnd::Blocked => {
            let words = summary.map_or("", |summary| summary.summary.trim());
            Due::Human(
                ReasonCode::AgentBlocked,
                format!("the agent says that it is blocked: {}", cut::start(words, 500).to_owned()),
            )
        }
        SessionEnd::Killed => {
            Due::Human(ReasonCode::Killed, format!("session {} was killed by a person", session.id))
        }
        // One lost session costs nothing: a crash of the machine is no fault of the work. A second one in a
        // row costs a retry, so that this cannot repeat for ever.
        SessionEnd::Lost if objective.lost_in_a_row >= 2 => Due::Retry(SessionKind::Correction, ended),
        SessionEnd::Interrupted | SessionEnd::Lost => {
            Due::Again(session.kind, objective.next.feedback.clone())
        }
        SessionEnd::Failed | SessionEnd::Stalled | SessionEnd::Completed => {
            failed(scribe, objective, session, exit, ended)
        }
    }
}

fn is_failed(session: &Session) -> bool {
    session.status == SessionStatus::Ended(SessionEnd::Failed)
}

fn failed(
    scribe: &Scribe<'_>,
    objective: &Objective,
    session: &Session,
    exit: Option<&Exit>,
    ended: Feedback,
) -> Due {
    match exit {
        // The agent is marked unusable (`note_unusable_agent`), so the repeat goes to another one.
        Some(Exit::NotStarted(_)) => Due::Again(session.kind, objective.next.feedback.clone()),
        Some(Exit::SetupFailed(how)) if !is_own_set_up(scribe, objective, session) => Due::SetUp(how.clone()),
        Some(Exit::SetupFailed(how)) if session.started_ms.is_some() => {
            let text = format!(
                "worktree.setup fails here, while it works for other objectives ({how}); its output: `paddock \
                 session log {0}`, and `--stderr`",
                session.id
            );
            Due::Human(ReasonCode::SetupFailed, text)
        }
        Some(Exit::SetupFailed(how)) if objective.setup_failures >= SETUP_FAILURES_MAX => {
            // A session that never started was refused by Paddock itself.
            let text = match session.started_ms {
                Some(_) => format!(
                    "worktree.setup failed twice ({how}); its output: `paddock session log {0}`, and `--stderr`",
                    session.id
                ),
                None => format!("session {} could not be started: {how}", session.id),
            };
            Due::Human(ReasonCode::SetupFailed, text)
        }
        Some(Exit::SetupFailed(_)) => Due::Again(session.kind, objective.next.feedback.clone()),
        // The agent does not have the conversation any more that it was to continue. The next session begins
        // a new one (`resume`), so this cannot repeat.
        _ if session.resume.is_some() && is_failed(session) && has_crashed_at_once(session) => {
            Due::Again(session.kind, objective.next.feedback.clone())
        }
        _ => Due::Retry(SessionKind::Correction, ended),
    }
}

/// Returns whether a failed set-up is the objective's own affair.
fn is_own_set_up(scribe: &Scribe<'_>, objective: &Objective, session: &Session) -> bool {
    let Some(project) = scribe.state.project(&objective.key.project) else { return true };
    // What could not be submitted ran no command.
    let first = session.started_ms.and_then(|_| set_up::first_failed(scribe, objective));
    set_up::is_own(project, objective, first)
}

fn execute(
    scribe: &mut Scribe<'_>,
    key: &ObjectiveKey,
    session: &Session,
    due: Due,
    facts: Option<&HarvestFacts>,
) {
    match due {
        Due::Queue => {
            if let Some(facts) = facts {
                enqueue(scribe, key, facts);
            }
        }
        Due::Done => {
            scribe.move_to(key, Status::Done, Cause::NothingToLand, None, None);
            crate::decide::queue::publish::retire(scribe, key);
        }
        Due::Again(kind, feedback) => repeat(scribe, key, kind, feedback),
        Due::Retry(kind, feedback) => retry(scribe, key, kind, feedback),
        Due::SetUp(how) => set_up::try_again(scribe, key, session, &how),
        Due::Human(code, text) => human(scribe, key, code, text),
    }
}

fn enqueue(scribe: &mut Scribe<'_>, key: &ObjectiveKey, facts: &HarvestFacts) {
    let Some(project) = scribe.state.project(&key.project) else { return };
    let entry = project.train.next_entry;
    let priority = scribe.state.objective(key).map_or(0, |objective| objective.spec.priority);
    scribe.move_to(key, Status::Queued, Cause::ReviewPassed, None, None);
    let (project, subject) = (key.project.clone(), Subject::Objective(key.id.clone()));
    let guarded = guarded_paths(scribe, key, facts);
    scribe.record(Fact::EntryQueued {
        project: project.clone(),
        entry,
        subject,
        head: facts.head.clone(),
        priority,
    });
    if !guarded.is_empty() {
        scribe.record(Fact::GuardAsked { project, entry, paths: guarded });
    }
}

/// Returns the files that have to be as they were when the gate judges the work.
fn guarded_paths(scribe: &Scribe<'_>, key: &ObjectiveKey, facts: &HarvestFacts) -> Vec<RepoPath> {
    let (Some(project), Some(objective)) = (scribe.state.project(&key.project), scribe.state.objective(key))
    else {
        return Vec::new();
    };
    marks::isolated_paths(project, objective, facts)
}

fn role_of(settings: &ProjectSettings, objective: &Objective) -> Role {
    settings.worker(&objective.spec.worker).map_or(Role::Implementer, |worker| worker.role)
}
