//! Orders that send an objective back to work or on to the queue: retry, approve, reject.

use crate::decide::queue::entries::enqueue;
use crate::decide::refusals::{Done, check_not_done, check_not_landing, refuse};
use crate::decide::scribe::Scribe;
use crate::decide::sessions::stops::open_session;
use paddock_model::command::Refusal;
use paddock_model::event::Fact;
use paddock_model::finding::{Finding, FindingCode};
use paddock_model::ids::{ObjectId, Person};
use paddock_model::objective::{Cause, Feedback, NextSession, Objective, Status, WorktreeStage};
use paddock_model::operate::Approval;
use paddock_model::reason::{Reason, ReasonCode};
use paddock_model::session::{Harvest, Session, SessionEnd, SessionKind, SessionStatus};

pub(super) fn retry(
    scribe: &mut Scribe<'_>,
    objective: &Objective,
    note: Option<String>,
    by: &Person,
) -> Done {
    check_not_done(objective)?;
    let (key, id) = (&objective.key, &objective.key.id);
    // Only these states have no step of their own that a retry would cut short.
    let advice = match objective.status {
        Status::NeedsReview | Status::Failed | Status::Skipped | Status::Cancelled => None,
        Status::Paused => Some(format!("it is paused: `paddock objective resume {id}`")),
        Status::Active => Some("a session works on it: `paddock session kill N` stops that".to_owned()),
        Status::Queued => {
            Some(format!("it is in the merge queue: `paddock objective escalate {id}` takes it out"))
        }
        Status::Todo | Status::Ready | Status::Review | Status::Done => {
            Some(format!("it is {}, which needs no retry: `paddock explain {id}`", objective.status))
        }
    };
    if let Some(advice) = advice {
        return refuse(format!("{id} cannot be retried now; {advice}"));
    }
    check_worktree_stays(objective)?;
    let next = next_after(scribe, objective);
    let stopping = open_session(scribe, objective).map(|session| session.id);
    let note_hint = if note.is_some() { "; the note is in its prompt" } else { "" };
    if let Some(note) = note {
        scribe.record(Fact::HumanNote { objective: key.clone(), by: by.clone(), note });
    }
    let kind = next.kind;
    scribe.move_to(key, Status::Ready, Cause::Human, None, Some(next));
    let when = stopping.map_or_else(String::new, |session| format!(" when session {session} has ended"));
    Ok(format!("{id} is ready for a {kind} session{when}{note_hint}"))
}

/// Fails while the objective's worktree is being removed: a session must not start in a folder that is about
/// to go.
fn check_worktree_stays(objective: &Objective) -> Result<(), Refusal> {
    let is_going = objective.worktree.as_ref().is_some_and(|w| w.stage == WorktreeStage::Removing);
    match is_going {
        true => {
            refuse(format!("the worktree of {} is being removed; ask again in a moment", objective.key.id))
        }
        false => Ok(()),
    }
}

fn last_session<'s>(scribe: &'s Scribe<'_>, objective: &Objective) -> Option<&'s Session> {
    objective.sessions.last().and_then(|id| scribe.state.session(*id))
}

/// Returns the session that a retry starts: the session that was due and did not finish; otherwise one that
/// repairs the findings of the review; otherwise one that continues the work.
fn next_after(scribe: &Scribe<'_>, objective: &Objective) -> NextSession {
    let Some(last) = last_session(scribe, objective) else { return NextSession::default() };
    // Without a worktree the branch is gone, too, and the work begins again.
    if objective.worktree.is_none() {
        return NextSession::default();
    }
    let due = &objective.next;
    // With its retries or sessions spent, the session that was due has never started.
    let is_spent = objective
        .reason
        .as_ref()
        .is_some_and(|reason| matches!(reason.code, ReasonCode::RetriesSpent | ReasonCode::SessionsSpent));
    let is_unfinished = last.status != SessionStatus::Ended(SessionEnd::Completed) || last.kind != due.kind;
    let (kind, feedback) = match findings(last) {
        _ if is_spent || (is_unfinished && due.feedback.is_some()) => (due.kind, due.feedback.clone()),
        [] => (SessionKind::FollowUp, None),
        found => (SessionKind::Correction, Some(Feedback::Findings(found.to_vec()))),
    };
    NextSession { kind, feedback, not_before_ms: None, costs_retry: false, smaller: false }
}

fn findings(session: &Session) -> &[Finding] {
    session.harvest.as_ref().map_or(&[], |harvest| harvest.findings.as_slice())
}

pub(super) fn reject(
    scribe: &mut Scribe<'_>,
    objective: &Objective,
    note: Option<String>,
    is_final: bool,
    by: &Person,
) -> Done {
    let (key, id) = (&objective.key, &objective.key.id);
    check_not_done(objective)?;
    if objective.status != Status::NeedsReview {
        let status = objective.status;
        return refuse(format!(
            "{id} is {status}: only what needs review can be rejected; `paddock objective escalate {id}` \
             brings it there"
        ));
    }
    let Some(note) = note else { return refuse("say what is wrong with it: --note TEXT") };
    if is_final {
        let clears = format!("`paddock objective retry {id}` takes it up again");
        let text = format!("{by} gave it up: {note}");
        let reason = Reason::new(ReasonCode::Human, scribe.now_ms, text, clears);
        scribe.move_to(key, Status::Failed, Cause::Human, Some(reason), None);
        return Ok(format!("{id} is given up; its branch stays"));
    }
    check_worktree_stays(objective)?;
    // Without any work there is nothing to correct: the note goes to a first session.
    let is_new = objective.sessions.is_empty() || objective.worktree.is_none();
    let next = match is_new {
        true => {
            scribe.record(Fact::HumanNote { objective: key.clone(), by: by.clone(), note });
            NextSession::default()
        }
        false => NextSession {
            kind: SessionKind::Correction,
            feedback: Some(Feedback::Rejected { note }),
            not_before_ms: None,
            costs_retry: false,
            smaller: false,
        },
    };
    scribe.move_to(key, Status::Ready, Cause::Human, None, Some(next));
    Ok(format!("{id} goes back to work; the note is in its prompt"))
}

pub(super) fn approve(
    scribe: &mut Scribe<'_>,
    objective: &Objective,
    note: Option<String>,
    seen: Option<ObjectId>,
    by: &Person,
) -> Done {
    admit(scribe, objective, (note, seen), by, true)
}

/// Puts an objective back into the queue without approving it: its tamper guard, if it had one, is due again.
pub(super) fn put_back(scribe: &mut Scribe<'_>, objective: &Objective, by: &Person) -> Done {
    admit(scribe, objective, (None, None), by, false)
}

/// Returns the number of commits that the objective's sessions left, as far as they could be read.
fn commits_of(scribe: &Scribe<'_>, objective: &Objective) -> u32 {
    let sessions = objective.sessions.iter().filter_map(|id| scribe.state.session(*id));
    sessions.filter_map(|session| session.harvest.as_ref()).map(|harvest| harvest.commits).sum()
}

/// Puts an objective into the queue. `seen` is the head that the person looked at, if they gave one.
fn admit(
    scribe: &mut Scribe<'_>,
    objective: &Objective,
    (note, seen): (Option<String>, Option<ObjectId>),
    by: &Person,
    is_approved: bool,
) -> Done {
    check_may_be_approved(scribe, objective)?;
    let (key, id) = (&objective.key, &objective.key.id);
    // Only a reviewed head can be approved: a person can waive most findings, but not a search for secrets
    // that was never made.
    let reviewed = objective.head.clone().filter(|_| !objective.operated.unjudged);
    let Some((pinned, harvest)) = reviewed.zip(last_harvest(scribe, objective)) else {
        return refuse(format!(
            "the work on {id} could not be read or reviewed, so it may hold secrets; `paddock objective \
             retry {id}` starts another session on it"
        ));
    };
    // The queue enters with the reviewed head. If the person saw a newer one, the queue finds the branch
    // moved, has it reviewed, and the approval counts for exactly the head that they saw.
    let head = seen.unwrap_or_else(|| pinned.clone());
    // The head may also lie behind the base, if a session that was to start from the base never ran.
    let is_bare = head == pinned && commits_of(scribe, objective) == 0;
    if is_bare || objective.worktree.as_ref().is_some_and(|worktree| worktree.base == head) {
        return refuse(format!(
            "{id} has no commit to land; `paddock objective reject {id} --note TEXT` sends it back, `skip \
             {id}` lets its dependents go on without it"
        ));
    }
    // Secrets, copied files and reserved names never land, even if a person approves them.
    let never = harvest.findings.iter().filter(|finding| !finding.code.may_be_approved());
    let never: Vec<Finding> = never.cloned().collect();
    if !never.is_empty() {
        return refuse(format!(
            "{id} cannot be approved: {}; `paddock objective reject {id} --note TEXT` sends it back",
            texts(&never)
        ));
    }
    let salvage = harvest.salvage.map(|salvage| salvage.reference);
    let kept = salvage.as_ref().map_or_else(String::new, |reference| {
        format!("; files that were not committed do not land, and are kept as {reference}")
    });
    let mut overrides = harvest.findings;
    overrides.extend(missing_tests(objective));
    let in_spite_of = match overrides.len() {
        0 => String::new(),
        _ => format!(" in spite of: {}", texts(&overrides)),
    };
    let at_ms = scribe.now_ms;
    if is_approved {
        let approval = Approval { by: by.clone(), at_ms, note, head, overrides, salvage };
        scribe.record(Fact::ObjectiveApproved { objective: key.clone(), approval: Box::new(approval) });
    }
    scribe.move_to(key, Status::Queued, Cause::Human, None, None);
    enqueue(scribe, objective, pinned, is_approved);
    Ok(format!("{id} is in the merge queue{in_spite_of}; the gate still holds{kept}"))
}

/// Returns what the person who approves has been shown about missing tests. The approval covers that, and no
/// tests that go missing later.
fn missing_tests(objective: &Objective) -> Vec<Finding> {
    let asked = objective.reason.as_ref().filter(|reason| reason.code == ReasonCode::TestsRemoved);
    let mut found: Vec<Finding> = asked
        .map(|reason| Finding::new(FindingCode::FewerTests, reason.text.clone(), Vec::new()))
        .into_iter()
        .collect();
    if let Some(Feedback::Findings(findings)) = &objective.next.feedback {
        found.extend(findings.iter().filter(|finding| finding.code == FindingCode::FewerTests).cloned());
    }
    found
}

fn texts(findings: &[Finding]) -> String {
    let texts: Vec<&str> = findings.iter().map(|finding| finding.text.as_str()).collect();
    texts.join("; ")
}

fn last_harvest(scribe: &Scribe<'_>, objective: &Objective) -> Option<Harvest> {
    last_session(scribe, objective)?.harvest.clone()
}

fn check_may_be_approved(scribe: &Scribe<'_>, objective: &Objective) -> Result<(), Refusal> {
    check_not_done(objective)?;
    check_not_landing(scribe, objective)?;
    let id = &objective.key.id;
    match objective.status {
        Status::NeedsReview | Status::Review => {}
        Status::Queued => return refuse(format!("{id} is in the merge queue already")),
        Status::Todo
        | Status::Ready
        | Status::Active
        | Status::Done
        | Status::Paused
        | Status::Skipped
        | Status::Failed
        | Status::Cancelled => {
            let status = objective.status;
            return refuse(format!(
                "{id} is {status}: only what needs review can be approved; `paddock objective escalate {id}` \
                 brings it there"
            ));
        }
    }
    // Its session may have been stopped by an escalation and still be ending: its last commits are not
    // reviewed yet.
    if let Some(session) = open_session(scribe, objective) {
        let session = session.id;
        return refuse(format!("session {session} of {id} has not ended yet; ask again when it has"));
    }
    match objective.ready_worktree() {
        Some(_) => Ok(()),
        None if objective.sessions.is_empty() => {
            refuse(format!("no session has worked on {id}; `paddock objective retry {id}` starts one"))
        }
        None => refuse(format!(
            "the worktree of {id} is gone, and its work with it; `paddock objective retry {id}` begins again"
        )),
    }
}
