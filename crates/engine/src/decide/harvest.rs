//! Harvest and Review: what a session left is judged by facts.

use super::follow::{Outcome, follow};
use super::operate;
use super::scribe::Scribe;
use crate::review::{Terms, review};
use paddock_model::event::Fact;
use paddock_model::facts::HarvestFacts;
use paddock_model::failure::{Failure, FailureClass, Remedy};
use paddock_model::finding::Finding;
use paddock_model::ids::{ObjectiveKey, SessionId};
use paddock_model::objective::{Cause, Objective, Status};
use paddock_model::project::Project;
use paddock_model::session::{
    Checkpoint, Exit, Harvest, Over, ProcessEnd, Session, SessionEnd, SessionStatus, Stop,
};
use paddock_model::settings::{ProjectSettings, Role};
use paddock_model::summary::{SessionSummary, SummaryStatus};
use paddock_model::usage::Account;

/// Checkpoints kept of a session in the state; all of them are in the repository.
const CHECKPOINTS_MAX: usize = 20;
/// Bytes of an agent's own words kept.
const WORDS_MAX_BYTES: usize = 2_000;

pub(super) fn harvested(scribe: &mut Scribe<'_>, id: SessionId, facts: Result<Box<HarvestFacts>, String>) {
    let Some(session) = scribe.state.session(id).cloned() else { return };
    match session.status {
        SessionStatus::Harvesting => first_harvest(scribe, &session, facts),
        SessionStatus::Ended(_) => again(scribe, &session, facts),
        SessionStatus::Starting | SessionStatus::Running | SessionStatus::Stopping => {}
    }
}

fn first_harvest(scribe: &mut Scribe<'_>, session: &Session, facts: Result<Box<HarvestFacts>, String>) {
    let key = session.objective.clone();
    let health = scribe.state.agent_health(&session.agent);
    if health.is_some_and(|health| health.untried_since(scribe.now_ms).is_some()) {
        // Others, in any project, may have waited for how this one fares.
        scribe.mark_all();
    }
    let outcome = match facts {
        Err(problem) => {
            let end = end_without_facts(session);
            record(scribe, session, end, None, Some(problem.clone()), session.account.clone());
            Outcome { end, findings: Vec::new(), facts: None, problem: Some(problem) }
        }
        Ok(facts) => {
            let end = end_of(session.process.as_ref(), &facts);
            let (findings, problem) = judge(scribe, session, &facts);
            let harvest = condense(&facts, &findings);
            let account = account(session, &facts);
            record(scribe, session, end, Some(harvest), problem.clone(), account);
            Outcome { end, findings, facts: Some(facts), problem }
        }
    };
    scribe.memo.live.remove(&session.id);
    let was_stopped = session.process.as_ref().is_some_and(|process| process.stop.is_some());
    let failure = outcome.facts.as_ref().and_then(|facts| own_failure(session, facts));
    // Of one that was stopped because its agent waits, it was noted then.
    if let Some(failure) = failure.filter(|_| !was_stopped) {
        super::health::note(scribe, session, failure);
    }
    if is_in(scribe, &key, Status::Active) {
        scribe.move_to(&key, Status::Review, Cause::SessionHarvested, None, None);
    }
    // One that was set aside meanwhile may have been sent back to work: this session was in its way.
    scribe.mark(&key.project);
    if is_in(scribe, &key, Status::Review) && !operate::pause_now(scribe, &key) {
        follow(scribe, &key, session, &outcome);
    }
}

/// The branch moved while it was queued, or it was paused before anything followed from its session: it is
/// judged as it is now.
fn again(scribe: &mut Scribe<'_>, session: &Session, facts: Result<Box<HarvestFacts>, String>) {
    let Some(objective) = scribe.state.objective(&session.objective) else { return };
    if objective.status != Status::Review {
        return;
    }
    let end = match session.status {
        SessionStatus::Ended(end) if objective.operated.unfollowed => end,
        SessionStatus::Starting
        | SessionStatus::Running
        | SessionStatus::Stopping
        | SessionStatus::Harvesting
        | SessionStatus::Ended(_) => SessionEnd::Completed,
    };
    let approved = objective.operated.approvals.last().map(|approval| approval.head.clone());
    let outcome = match facts {
        Err(problem) => Outcome { end, findings: Vec::new(), facts: None, problem: Some(problem) },
        Ok(facts) => {
            let (mut findings, problem) = judge(scribe, session, &facts);
            // A person approved exactly this head, before Paddock had seen it.
            if approved.as_ref() == Some(&facts.head) {
                findings.retain(|finding| !finding.code.may_be_approved());
            }
            Outcome { end, findings, facts: Some(facts), problem }
        }
    };
    follow(scribe, &session.objective, session, &outcome);
}

fn is_in(scribe: &Scribe<'_>, key: &ObjectiveKey, status: Status) -> bool {
    scribe.state.objective(key).is_some_and(|objective| objective.status == status)
}

fn record(
    scribe: &mut Scribe<'_>,
    session: &Session,
    end: SessionEnd,
    harvest: Option<Harvest>,
    problem: Option<String>,
    account: Account,
) {
    let over_commits = harvest.as_ref().is_some_and(|h| h.commits > session.budget.max_commits);
    let objective = session.objective.clone();
    scribe.record(Fact::SessionHarvested {
        objective,
        session: session.id,
        end,
        harvest,
        over_commits,
        over: Over::of(&session.budget, &account.usage),
        problem,
        account: Box::new(account),
    });
}

fn judge(scribe: &Scribe<'_>, session: &Session, facts: &HarvestFacts) -> (Vec<Finding>, Option<String>) {
    let project = scribe.state.project(&session.objective.project);
    let objective = scribe.state.objective(&session.objective);
    let (Some(project), Some(objective)) = (project, objective) else { return (Vec::new(), None) };
    let terms = terms_of(project, objective);
    match review(facts, &terms) {
        Ok(findings) => (findings, None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    }
}

/// What an objective's work is judged by.
pub(super) fn terms_of<'s>(project: &'s Project, objective: &'s Objective) -> Terms<'s> {
    Terms {
        settings: &project.settings,
        path_scope: &objective.spec.path_scope,
        grown_scope: &objective.operated.grown_scope,
    }
}

pub(super) fn role_of(settings: &ProjectSettings, objective: &Objective) -> Role {
    settings.worker(&objective.spec.worker).map_or(Role::Implementer, |worker| worker.role)
}

/// What the transcript told at its end; of usage, what was told while it ran when the end says nothing of it.
fn account(session: &Session, facts: &HarvestFacts) -> Account {
    let (mut account, known) = (facts.account.clone(), &session.account.usage);
    account.usage.tokens = account.usage.tokens.or(known.tokens);
    account.usage.usd_micros = account.usage.usd_micros.or(known.usd_micros);
    account.usage.model = account.usage.model.or_else(|| known.model.clone());
    account
}

/// Why the agent failed, unless it was stopped for another reason: then its last words are about that.
pub(super) fn own_failure<'f>(session: &Session, facts: &'f HarvestFacts) -> Option<&'f Failure> {
    let stop = session.process.as_ref()?.stop;
    facts.account.failure.as_ref().filter(|_| stop.is_none() || stop == Some(Stop::Waiting))
}

fn end_without_facts(session: &Session) -> SessionEnd {
    match &session.process {
        None => SessionEnd::Lost,
        Some(process) => stopped_end(process).unwrap_or(SessionEnd::Failed),
    }
}

/// How a session ended whose agent failed for this reason.
pub(super) fn failed_end(failure: &Failure) -> SessionEnd {
    match failure.class.remedy() {
        Remedy::CoolDown => SessionEnd::Interrupted,
        Remedy::Human if failure.class == FailureClass::Authentication => SessionEnd::Interrupted,
        Remedy::Human | Remedy::Smaller | Remedy::Retry => SessionEnd::Failed,
    }
}

pub(super) fn stopped_end(process: &ProcessEnd) -> Option<SessionEnd> {
    process.stop.map(|stop| match stop {
        Stop::Minutes | Stop::Commits | Stop::Tokens | Stop::Cost | Stop::DayBudget => SessionEnd::OverBudget,
        Stop::Stalled => SessionEnd::Stalled,
        Stop::Human => SessionEnd::Killed,
        Stop::Shutdown | Stop::Waiting => SessionEnd::Interrupted,
    })
}

/// How a session ended: from process facts, exit status, git and the summary, in this order. A summary never
/// overrides facts (SPEC 1.2, 5.3).
fn end_of(process: Option<&ProcessEnd>, facts: &HarvestFacts) -> SessionEnd {
    let Some(process) = process else { return SessionEnd::Lost };
    if let Some(end) = stopped_end(process) {
        return end;
    }
    if let Some(failure) = &facts.account.failure {
        return failed_end(failure);
    }
    match (&process.exit, &facts.summary) {
        // What it said at its end may be what could not be kept.
        (Exit::DiskFull(0), Some(_)) | (Exit::Code(0), _) => {}
        (Exit::DiskFull(_), _) => return SessionEnd::Interrupted,
        _ => return SessionEnd::Failed,
    }
    match &facts.summary {
        Some(summary) => said(summary),
        None if facts.commits.is_empty() => SessionEnd::Failed,
        None => SessionEnd::Completed,
    }
}

fn said(summary: &SessionSummary) -> SessionEnd {
    match summary.status {
        SummaryStatus::Completed if summary.needs_follow_up => SessionEnd::Partial,
        SummaryStatus::Completed => SessionEnd::Completed,
        SummaryStatus::Partial => SessionEnd::Partial,
        SummaryStatus::Blocked => SessionEnd::Blocked,
    }
}

fn condense(facts: &HarvestFacts, findings: &[Finding]) -> Harvest {
    let newest = facts.commits.iter().rev().take(CHECKPOINTS_MAX).rev();
    let checkpoint = |commit: &paddock_model::facts::CommitFacts| Checkpoint {
        commit: commit.commit.clone(),
        summary: commit.summary.chars().take(200).collect(),
        paths: commit.paths,
    };
    let words = facts.summary.as_ref().map_or("", |summary| summary.summary.trim());
    Harvest {
        head: facts.head.clone(),
        commits: u32::try_from(facts.commits.len()).unwrap_or(u32::MAX),
        checkpoints: newest.map(checkpoint).collect(),
        salvage: facts.salvage.clone(),
        findings: findings.to_vec(),
        summary: cut(words, WORDS_MAX_BYTES),
        summary_lenient: facts.summary.as_ref().is_some_and(|summary| summary.lenient),
    }
}

/// The text, cut at a character's boundary to at most so many bytes.
pub(super) fn cut(text: &str, max_bytes: usize) -> String {
    let end = (0..=max_bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text[..end.unwrap_or(0)].to_owned()
}
