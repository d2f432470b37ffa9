//! Answers about merges and landings of the queue.

#[cfg(test)]
mod bed;
pub(super) mod blame;
pub(super) mod compare;
pub(super) mod disk_space;
pub(super) mod entries;
pub(super) mod folders;
pub(super) mod gate_ends;
pub(super) mod gates;
pub(super) mod holds;
pub(super) mod merge;
pub(super) mod orders;
pub(super) mod proofs;
pub(super) mod publish;
pub(super) mod pull;
pub(super) mod push;
pub(super) mod recheck;
pub(super) mod side_runs;

use super::scribe::Scribe;
use super::wording::integration_of;
use crate::decide::queue::entries::drop_entry;
use crate::decide::queue::holds::{hold_queue, hold_queue_until};
use crate::decide::sessions::send_back::conflicts;
use crate::effect::Effect;
use crate::input::{CandidateAnswer, ChainMade, LandingAnswer, Problem};
use paddock_model::event::{Dropped, Fact};
use paddock_model::ids::{EntryId, ObjectId, ObjectiveId, ObjectiveKey, ProjectSlug};
use paddock_model::objective::{Cause, Status};
use paddock_model::reason::{Reason, ReasonCode};
use paddock_model::train::{Candidate, Entry, Landing, Subject, Train};

/// Pause after a merge or landing that failed for an outside reason, in milliseconds, times the failures so
/// far.
const OUTSIDE_BACKOFF_MS: i64 = 3_000;

fn entry_of(scribe: &Scribe<'_>, project: &ProjectSlug, id: EntryId) -> Option<Entry> {
    scribe.state.project(project)?.train.entry(id).cloned()
}

fn key(project: &ProjectSlug, id: &ObjectiveId) -> ObjectiveKey {
    ObjectiveKey { project: project.clone(), id: id.clone() }
}

fn has_gate(scribe: &Scribe<'_>, project: &ProjectSlug) -> bool {
    scribe.state.project(project).is_some_and(|project| !project.settings.verify.is_empty())
}

/// Returns whether the answer belongs to the order of now: the same members, the same tip, the same purpose.
///
/// The answer to an earlier order may arrive after the queue was planned anew. Its chain is on another tip or
/// has other members, and must not pass for the current one.
fn is_awaited(train: &Train, members: &[EntryId], onto: &ObjectId, ahead: bool) -> bool {
    // A merge ahead of its turn belongs to its entry, not to the chain.
    if ahead {
        let entry = members.first().and_then(|id| train.entry(*id));
        let order = entry.and_then(|entry| entry.ahead.as_ref());
        return order.is_some_and(|order| order.candidate.is_none() && order.onto == *onto);
    }
    let chain = train.chain.as_ref().filter(|chain| chain.is_building);
    chain.is_some_and(|chain| chain.onto == *onto && chain.asked == members)
}

pub(super) fn candidate_answered(
    scribe: &mut Scribe<'_>,
    project: &ProjectSlug,
    members: &[EntryId],
    onto: &ObjectId,
    ahead: bool,
    answer: CandidateAnswer,
) {
    let train = scribe.state.project(project).map(|project| &project.train);
    let Some(train) = train.filter(|train| is_awaited(train, members, onto, ahead)) else { return };
    let Some(entry) = members.first().and_then(|id| train.entry(*id)).cloned() else { return };
    scribe.mark(project);
    match answer {
        CandidateAnswer::Made(made) => made_answered(scribe, project, &entry, onto, ahead, *made),
        CandidateAnswer::Failed(problem) => failed(scribe, project, &entry, problem, ahead),
        // The next try would fail in the same way: a person has to look after the key.
        CandidateAnswer::Unsigned(problem) => {
            failed(scribe, project, &entry, problem.clone(), ahead);
            let text = format!("merges have to be signed (`sign: true`), and {problem}");
            hold_queue(scribe, project, ReasonCode::SigningFailed, &text);
        }
    }
}

/// Records the merges, then takes the entries that have no merge out of the queue. The record names the first
/// member, which may be one of those.
fn made_answered(
    scribe: &mut Scribe<'_>,
    project: &ProjectSlug,
    first: &Entry,
    onto: &ObjectId,
    ahead: bool,
    made: ChainMade,
) {
    // The project's gate may have been removed while the chain was made. A commit message that says
    // "verified" must not land without a gate run.
    let is_fit = !made.sealed || has_gate(scribe, project);
    match made.links.last().filter(|_| is_fit) {
        Some(last) => {
            let candidate = Candidate {
                onto: onto.clone(),
                onto_tree: made.onto_tree.clone(),
                commit: last.commit.clone(),
                tree: last.tree.clone(),
                sealed: made.sealed,
            };
            scribe.record(Fact::CandidateMade {
                project: project.clone(),
                entry: first.id,
                candidate,
                links: made.links,
                separate: made.separate,
                ahead,
            });
        }
        None => scribe.record(Fact::EntryReset { project: project.clone(), entry: first.id }),
    }
    // An entry that is landing stays: without it the answer of the landing would be ignored. The landing
    // itself checks the head again.
    let is_landing = |scribe: &Scribe<'_>, id: EntryId| {
        scribe.state.project(project).is_some_and(|project| project.train.is_landing(id))
    };
    for id in made.moved {
        if let Some(entry) = entry_of(scribe, project, id).filter(|entry| !is_landing(scribe, entry.id)) {
            head_moved(scribe, project, &entry);
        }
    }
    for conflict in made.conflicts {
        let entry = entry_of(scribe, project, conflict.entry);
        if let Some(entry) = entry.filter(|entry| !is_landing(scribe, entry.id)) {
            conflicts(scribe, project, &entry, conflict.paths, &conflict.text);
        }
    }
}

/// A branch was seen at this head. If it is queued with another head, its review is out of date and is made
/// again.
pub(super) fn branch_seen(scribe: &mut Scribe<'_>, objective: &ObjectiveKey, head: &ObjectId) {
    let train = scribe.state.project(&objective.project).map(|project| &project.train);
    let entry = train.and_then(|train| train.entry_of(&objective.id).filter(|e| !train.is_landing(e.id)));
    if let Some(entry) = entry.filter(|entry| entry.head != *head).cloned() {
        scribe.mark(&objective.project);
        head_moved(scribe, &objective.project, &entry);
    }
}

fn failed(scribe: &mut Scribe<'_>, project: &ProjectSlug, entry: &Entry, problem: Problem, ahead: bool) {
    let again_ms = scribe.now_ms + OUTSIDE_BACKOFF_MS * i64::from(entry.build_failures + 1);
    let (project, entry) = (project.clone(), entry.id);
    scribe.record(Fact::CandidateFailed { project, entry, problem: problem.into_text(), again_ms, ahead });
}

/// Drops an entry whose branch moved after its head was pinned, and has the branch reviewed again: only
/// reviewed commits may land.
fn head_moved(scribe: &mut Scribe<'_>, project: &ProjectSlug, entry: &Entry) {
    drop_entry(scribe, project, entry, Dropped::HeadMoved);
    let Subject::Objective(id) = &entry.subject else { return };
    let key = key(project, id);
    scribe.move_to(&key, Status::Review, Cause::HeadMoved, None, None);
    // The second harvest reads the new head and reviews it (`harvest::harvested_again`).
    let last = scribe.state.objective(&key).and_then(|objective| objective.sessions.last().copied());
    if let Some(session) = last {
        scribe.order(Effect::Harvest { session });
    }
}

pub(super) fn landing_answered(
    scribe: &mut Scribe<'_>,
    project: &ProjectSlug,
    id: EntryId,
    commit: &ObjectId,
    answer: LandingAnswer,
) {
    let train = scribe.state.project(project).map(|project| &project.train);
    let landing = train.and_then(|train| train.landing.clone());
    // The answer to an earlier landing with the same first member says nothing about this one.
    let is_answered =
        |landing: &Landing| landing.members.first() == Some(&id) && landing.candidate.commit == *commit;
    let Some(landing) = landing.filter(is_answered) else { return };
    let Some(entry) = entry_of(scribe, project, id) else { return };
    scribe.mark(project);
    match answer {
        LandingAnswer::Landed => landed(scribe, project, &landing),
        LandingAnswer::Moved { found } => {
            let at = found.map_or_else(|| "gone".to_owned(), |commit| format!("at {}", commit.short()));
            let problem = format!("the integration ref is {at}, not where Paddock left it");
            // Somebody else moved a ref that only Paddock moves. Nothing lands until a person has looked at
            // it.
            abandon(scribe, project, &entry, &problem);
            let (reference, tip) = integration_of(scribe.state.project(project));
            let clears = format!(
                "find out who moved it (`git reflog show {reference}`), put it back with `git update-ref \
                 {reference} {tip}`, then `paddock --project {project} queue release`; or `paddock project \
                 set-target {project} BRANCH` if work is to land on another branch"
            );
            let reason = Reason::new(ReasonCode::SelfCheck, scribe.now_ms, problem, clears);
            hold_queue_until(scribe, project, reason);
        }
        // Any member's branch may have moved. Only that entry leaves the queue; the others are chained again.
        LandingAnswer::HeadMoved { entry: moved } => {
            abandon(scribe, project, &entry, "the branch has moved since its head was pinned");
            if let Some(moved) = entry_of(scribe, project, moved) {
                head_moved(scribe, project, &moved);
            }
        }
        // The queue's own promise would be broken, so nothing may land until a person has understood why.
        LandingAnswer::SelfCheckFailed(problem) => {
            abandon(scribe, project, &entry, problem.text());
            let name = name_of(&entry);
            let clears = format!(
                "nothing landed; compare the commits and files named here with the branch of {name}, take it \
                 out with `paddock queue drop {name}`, then `paddock --project {project} queue release` \
                 makes every merge anew"
            );
            let reason = Reason::new(ReasonCode::SelfCheck, scribe.now_ms, problem.into_text(), clears);
            hold_queue_until(scribe, project, reason);
        }
        // Counted like a failed merge: the queue is held after `BUILD_FAILURES_MAX` of them.
        LandingAnswer::Failed(problem) => {
            abandon(scribe, project, &entry, problem.text());
            failed(scribe, project, &entry, problem, false);
        }
    }
    // The target branch was not acted upon while the landing was in progress (`target::looked`).
    scribe.order(Effect::Look { project: project.clone() });
}

fn name_of(entry: &Entry) -> String {
    match &entry.subject {
        Subject::Objective(id) => id.to_string(),
        Subject::Target => "your own commits".to_owned(),
        Subject::Remote => "the commits of the remote".to_owned(),
    }
}

fn abandon(scribe: &mut Scribe<'_>, project: &ProjectSlug, entry: &Entry, problem: &str) {
    scribe.record(Fact::LandingAbandoned {
        project: project.clone(),
        entry: entry.id,
        problem: problem.to_owned(),
    });
}

/// Records one event for each member. The members share one commit, and so one proof.
fn landed(scribe: &mut Scribe<'_>, project: &ProjectSlug, landing: &Landing) {
    let candidate = &landing.candidate;
    for id in &landing.members {
        let Some(entry) = entry_of(scribe, project, *id) else { continue };
        if entry.subject.is_of_people() {
            scribe.memo.pulling.remove(project);
        }
        scribe.record(Fact::Landed {
            project: project.clone(),
            entry: entry.id,
            subject: entry.subject.clone(),
            candidate: candidate.clone(),
            head: entry.head.clone(),
            verified: landing.gate.is_some(),
            gate: landing.gate,
            members: landing.members.clone(),
        });
        if let Subject::Objective(id) = &entry.subject {
            scribe.move_to(&key(project, id), Status::Done, Cause::Landed, None, None);
        }
    }
    // Only what a landed run left may reach later runs: no branch can plant a file for another one. If the
    // order is lost, later runs start from older caches.
    if let Some(gate) = landing.gate {
        scribe.order(Effect::KeepCaches { gate });
    }
    scribe.order(Effect::WriteProof { project: project.clone(), commit: candidate.commit.clone() });
}
