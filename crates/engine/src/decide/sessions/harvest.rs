//! Harvest and Review: the facts that a session left are recorded and reviewed.

use crate::decide::scribe::Scribe;
use crate::decide::sessions::ends::{Outcome, end_of, end_without_facts, own_failure};
use crate::decide::sessions::estimate::with_estimate;
use crate::decide::sessions::follow::follow;
use crate::decide::sessions::pausing::pause_now;
use crate::decide::sessions::set_up;
use crate::decide::target::watch::repository_failed;
use crate::effect::Effect;
use crate::input::Problem;
use crate::review::{Terms, review};
use paddock_model::cut;
use paddock_model::event::Fact;
use paddock_model::facts::HarvestFacts;
use paddock_model::finding::Finding;
use paddock_model::ids::{ObjectiveKey, ProjectSlug, SessionId};
use paddock_model::objective::{Cause, Status};
use paddock_model::session::{Checkpoint, Harvest, Over, Session, SessionEnd, SessionStatus, Stop};
use paddock_model::state::State;
use paddock_model::usage::Account;

/// Commits of a session that are kept in the state; the repository has all of them.
const CHECKPOINTS_MAX: usize = 20;
/// Bytes kept of an agent's own summary.
const WORDS_MAX_BYTES: usize = 2_000;

pub(in crate::decide) fn harvested(
    scribe: &mut Scribe<'_>,
    id: SessionId,
    facts: Result<Box<HarvestFacts>, Problem>,
) {
    let Some(session) = scribe.state.session(id).cloned() else { return };
    match session.status {
        SessionStatus::Harvesting => first_harvest(scribe, &session, facts),
        SessionStatus::Ended(_) => harvested_again(scribe, &session, facts),
        SessionStatus::Starting | SessionStatus::Running | SessionStatus::Stopping => {}
    }
}

/// The repository of a session cannot be used at all: it is away, or something stands in the place of its
/// files. The session is not judged. Its project is held, and the session is harvested once the repository is
/// back.
pub(in crate::decide) fn waits(scribe: &mut Scribe<'_>, id: SessionId, problem: Problem) {
    let Some(session) = scribe.state.session(id) else { return };
    let project = session.objective.project.clone();
    scribe.memo.harvest_waits.insert(id);
    repository_failed(scribe, &project, problem);
}

/// Orders the harvests that waited for a repository.
pub(in crate::decide) fn repository_is_back(scribe: &mut Scribe<'_>, project: &ProjectSlug) {
    let is_here = |id: &SessionId| {
        scribe.state.session(*id).is_some_and(|session| session.objective.project == *project)
    };
    let back: Vec<SessionId> = scribe.memo.harvest_waits.iter().filter(|id| is_here(id)).copied().collect();
    for session in back {
        scribe.memo.harvest_waits.remove(&session);
        scribe.order(Effect::Harvest { session });
    }
}

fn first_harvest(scribe: &mut Scribe<'_>, session: &Session, facts: Result<Box<HarvestFacts>, Problem>) {
    let key = session.objective.clone();
    let health = scribe.state.agent_health(&session.agent);
    if health.is_some_and(|health| health.untried_since(scribe.now_ms).is_some()) {
        // This session may have been the agent's probe: sessions of any project wait for its outcome.
        scribe.mark_all();
    }
    let outcome = match facts {
        Err(problem) => {
            let end = end_without_facts(session);
            record(scribe, session, end, None, Some(problem.clone()), session.account.clone());
            Outcome { end, findings: Vec::new(), facts: None, problem: Some(problem) }
        }
        Ok(facts) => {
            set_up::note_left(scribe, &key.project, &facts.set_up.left);
            let end = end_of(session.process.as_ref(), &facts);
            // What the agent ran into was not its own doing, and must not cost a retry.
            let is_excused =
                end == SessionEnd::Failed && scribe.memo.without_repository.contains(&session.id);
            let end = if is_excused { SessionEnd::Interrupted } else { end };
            let (findings, problem) = judge(scribe, session, &facts);
            let harvest = condense(&facts, &findings);
            let account = account(scribe.state, session, facts.account.clone());
            record(scribe, session, end, Some(harvest), problem.clone(), account);
            Outcome { end, findings, facts: Some(facts), problem }
        }
    };
    scribe.memo.live.remove(&session.id);
    scribe.memo.without_repository.remove(&session.id);
    let has_waited = session.process.as_ref().is_some_and(|process| process.stop == Some(Stop::Waiting));
    let failure = outcome.facts.as_ref().and_then(|facts| own_failure(session, facts));
    // A session that was stopped because its agent waits for a limit has put the agent into a cooldown
    // already.
    if let Some(failure) = failure.filter(|_| !has_waited) {
        crate::decide::sessions::health::note(scribe, session, failure);
    }
    if is_in(scribe, &key, Status::Active) {
        scribe.move_to(&key, Status::Review, Cause::SessionHarvested, None, None);
    }
    // An objective that was set aside during the session may be ready again by now. It could not start before
    // this session was over, so dispatch has to look at the project.
    scribe.mark(&key.project);
    if is_in(scribe, &key, Status::Review) && !pause_now(scribe, &key) {
        follow(scribe, &key, session, &outcome);
    }
}

/// A second harvest of a session: the branch moved while it was queued, or the objective was paused before
/// anything followed from the session. The branch is reviewed as it is now.
fn harvested_again(scribe: &mut Scribe<'_>, session: &Session, facts: Result<Box<HarvestFacts>, Problem>) {
    let Some(objective) = scribe.state.objective(&session.objective) else { return };
    if objective.status != Status::Review {
        return;
    }
    // After a pause, the session's real end still decides what follows. After a moved head it does not: the
    // session has been followed up once, so only the new commits count.
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
            // A person may have committed to the branch and approved that head before Paddock saw it. The
            // approval covers exactly this head.
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

/// Returns the account from the transcript's end. Usage that is missing there is taken from the last report
/// while the session ran: an agent that was killed wrote no final record. A cost that it
/// would have reported is estimated.
pub(in crate::decide) fn account(state: &State, session: &Session, mut account: Account) -> Account {
    let reported = &session.account.usage;
    account.usage.tokens = account.usage.tokens.or(reported.tokens);
    account.usage.usd_micros = account.usage.usd_micros.or(reported.usd_micros);
    account.usage.model = account.usage.model.or_else(|| reported.model.clone());
    account.usage = with_estimate(state, session, account.usage);
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
