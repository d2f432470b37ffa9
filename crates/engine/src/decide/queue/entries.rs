//! Entries of the merge queue: adding and dropping them.

use crate::decide::queue::gates::cancel;
use crate::decide::scribe::Scribe;
use paddock_model::event::{Dropped, Fact};
use paddock_model::gate::GateRun;
use paddock_model::ids::{GateId, ObjectId, ProjectSlug};
use paddock_model::objective::Objective;
use paddock_model::train::{Entry, Subject};

/// Adds an objective to the merge queue, pinned at this head.
pub(in crate::decide) fn enqueue(
    scribe: &mut Scribe<'_>,
    objective: &Objective,
    head: ObjectId,
    is_approved: bool,
) {
    let key = &objective.key;
    let Some(project) = scribe.state.project(&key.project) else { return };
    let (entry, priority) = (project.train.next_entry, objective.spec.priority);
    let (project, subject) = (key.project.clone(), Subject::Objective(key.id.clone()));
    let operated = &objective.operated;
    let is_approved = is_approved || operated.approvals.last().is_some_and(|approval| approval.head == head);
    let guarded = operated.guarded.clone().filter(|(of, _)| *of == head && !is_approved);
    scribe.record(Fact::EntryQueued { project: project.clone(), entry, subject, head, priority });
    // The tamper guard of this head stays due, or leaving the queue and entering it again would skip the
    // guard. Only a person's approval of this head waives it.
    if let Some((_, paths)) = guarded {
        scribe.record(Fact::GuardAsked { project, entry, paths });
    }
}

/// Drops an entry and cancels the gate runs that include it.
pub(in crate::decide) fn drop_entry(
    scribe: &mut Scribe<'_>,
    project: &ProjectSlug,
    entry: &Entry,
    why: Dropped,
) {
    cancel_gates(scribe, project, entry);
    let (project, subject) = (project.clone(), entry.subject.clone());
    scribe.record(Fact::EntryDropped { project, entry: entry.id, subject, why });
}

/// Takes an objective out of the merge queue, if it is in it.
pub(in crate::decide) fn withdraw(scribe: &mut Scribe<'_>, objective: &Objective) {
    let key = &objective.key;
    let project = scribe.state.project(&key.project);
    let Some(entry) = project.and_then(|project| project.train.entry_of(&key.id)).cloned() else { return };
    drop_entry(scribe, &key.project, &entry, Dropped::Withdrawn);
}

/// Drops the entry of the user's own commits, unless it is for the commit `keep`: the target branch has moved
/// on.
pub(in crate::decide) fn drop_users_entry(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    keep: Option<&ObjectId>,
) {
    let Some(project) = scribe.state.project(slug) else { return };
    let outdated =
        project.train.entries.iter().find(|e| e.subject == Subject::Target && Some(&e.head) != keep);
    let Some(entry) = outdated.cloned() else { return };
    drop_entry(scribe, slug, &entry, Dropped::Superseded);
}

/// Cancels the gate runs that include an entry.
pub(in crate::decide) fn cancel_gates(scribe: &mut Scribe<'_>, project: &ProjectSlug, entry: &Entry) {
    let has_entry = |run: &&GateRun| {
        run.project == *project && !run.cancelled && run.purpose.entries().contains(&entry.id)
    };
    let runs: Vec<GateId> = scribe.state.open_gates().filter(has_entry).map(|run| run.id).collect();
    for gate in runs {
        cancel(scribe, project, gate);
    }
}
