//! Harvest and Review: what a session left is judged by facts.

use super::ends::{Outcome, end_of, end_without_facts, own_failure};
use super::follow::follow;
use super::pausing::pause_now;
use super::scribe::Scribe;
use crate::input::Problem;
use crate::review::{Terms, review};
use paddock_model::cut;
use paddock_model::event::Fact;
use paddock_model::facts::HarvestFacts;
use paddock_model::finding::Finding;
use paddock_model::ids::{ObjectiveKey, SessionId};
use paddock_model::objective::{Cause, Status};
use paddock_model::session::{Checkpoint, Harvest, Over, Session, SessionEnd, SessionStatus};
use paddock_model::usage::Account;

/// Checkpoints kept of a session in the state; all of them are in the repository.
const CHECKPOINTS_MAX: usize = 20;
/// Bytes of an agent's own words kept.
const WORDS_MAX_BYTES: usize = 2_000;

pub(super) fn harvested(scribe: &mut Scribe<'_>, id: SessionId, facts: Result<Box<HarvestFacts>, Problem>) {
    let Some(session) = scribe.state.session(id).cloned() else { return };
    match session.status {
        SessionStatus::Harvesting => first_harvest(scribe, &session, facts),
        SessionStatus::Ended(_) => again(scribe, &session, facts),
        SessionStatus::Starting | SessionStatus::Running | SessionStatus::Stopping => {}
    }
}

fn first_harvest(scribe: &mut Scribe<'_>, session: &Session, facts: Result<Box<HarvestFacts>, Problem>) {
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
    if is_in(scribe, &key, Status::Review) && !pause_now(scribe, &key) {
        follow(scribe, &key, session, &outcome);
    }
}

/// The branch moved while it was queued, or it was paused before anything followed from its session: it is
/// judged as it is now.
fn again(scribe: &mut Scribe<'_>, session: &Session, facts: Result<Box<HarvestFacts>, Problem>) {
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
    problem: Option<Problem>,
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
        over: Over::exceeded(&session.budget, &account.usage),
        problem: problem.map(Problem::into_text),
        account: Box::new(account),
    });
}

fn judge(scribe: &Scribe<'_>, session: &Session, facts: &HarvestFacts) -> (Vec<Finding>, Option<Problem>) {
    let project = scribe.state.project(&session.objective.project);
    let objective = scribe.state.objective(&session.objective);
    let (Some(project), Some(objective)) = (project, objective) else { return (Vec::new(), None) };
    let terms = Terms::new(project, objective);
    match review(facts, &terms) {
        Ok(findings) => (findings, None),
        Err(error) => (Vec::new(), Some(Problem::new(error))),
    }
}

/// What the transcript told at its end; of usage, what was told while it ran when the end says nothing of it.
fn account(session: &Session, facts: &HarvestFacts) -> Account {
    let (mut account, known) = (facts.account.clone(), &session.account.usage);
    account.usage.tokens = account.usage.tokens.or(known.tokens);
    account.usage.usd_micros = account.usage.usd_micros.or(known.usd_micros);
    account.usage.model = account.usage.model.or_else(|| known.model.clone());
    account
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
        summary: cut::start(words, WORDS_MAX_BYTES).to_owned(),
        summary_lenient: facts.summary.as_ref().is_some_and(|summary| summary.lenient),
    }
}
