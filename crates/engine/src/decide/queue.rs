//! What is heard of merges, gate runs and landings.

use super::follow::retry;
use super::gates;
use super::harvest::cut;
use super::merge::{cancel_gates, hold, hold_until};
use super::scribe::Scribe;
use crate::effect::Effect;
use crate::input::{CandidateAnswer, ChainMade, LandingAnswer};
use paddock_model::event::{Dropped, Fact};
use paddock_model::finding::{Finding, FindingCode};
use paddock_model::gate::{CommandResult, GateRun, Purpose, Verdict, verdict_of};
use paddock_model::ids::{GateId, ObjectId, ObjectiveId, ObjectiveKey, ProjectSlug};
use paddock_model::objective::{Cause, Feedback, Status};
use paddock_model::path::RepoPath;
use paddock_model::project::PublicationWait;
use paddock_model::reason::{Reason, ReasonCode};
use paddock_model::session::SessionKind;
use paddock_model::train::{Candidate, Entry, Landing, Subject, Train};
use paddock_model::verdicts::contradicted;

/// Between two tries of a merge or landing that failed for an outside reason, in milliseconds, times the
/// tries so far.
const OUTSIDE_BACKOFF_MS: i64 = 3_000;
/// Conflicting paths that an event names.
const PATHS_MAX: usize = 20;

fn entry_of(scribe: &Scribe<'_>, project: &ProjectSlug, id: u64) -> Option<Entry> {
    scribe.state.project(project)?.train.entry(id).cloned()
}

fn key(project: &ProjectSlug, id: &ObjectiveId) -> ObjectiveKey {
    ObjectiveKey { project: project.clone(), id: id.clone() }
}

fn has_gate(scribe: &Scribe<'_>, project: &ProjectSlug) -> bool {
    scribe.state.project(project).is_some_and(|project| !project.settings.verify.is_empty())
}

/// Whether this is what is being made: members, tip, and for which end.
fn is_awaited(train: &Train, members: &[u64], onto: &ObjectId, ahead: bool) -> bool {
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
    members: &[u64],
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
        // Tried again it would be the same: a person has to see to the key.
        CandidateAnswer::Unsigned(problem) => {
            failed(scribe, project, &entry, problem.clone(), ahead);
            let text = format!("merges are to be signed (`sign: true`), and {problem}");
            hold(scribe, project, ReasonCode::SigningFailed, &text);
        }
    }
}

/// Merges that were made are recorded before the entries that have none leave the queue.
fn made_answered(
    scribe: &mut Scribe<'_>,
    project: &ProjectSlug,
    first: &Entry,
    onto: &ObjectId,
    ahead: bool,
    made: ChainMade,
) {
    // The gate was taken away meanwhile: a message that says "verified" must not land without one.
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
                apart: made.apart,
                ahead,
            });
        }
        None => scribe.record(Fact::EntryReset { project: project.clone(), entry: first.id }),
    }
    // What is landing is judged where it lands: taken out here, nobody would hear of how that went.
    let is_landing = |scribe: &Scribe<'_>, id: u64| {
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
            let mut paths = conflict.paths;
            paths.truncate(PATHS_MAX);
            conflicts(scribe, project, &entry, paths, &conflict.text);
        }
    }
}

/// A branch was seen at this head: one that is queued with another is judged again.
pub(super) fn branch_seen(scribe: &mut Scribe<'_>, objective: &ObjectiveKey, head: &ObjectId) {
    let train = scribe.state.project(&objective.project).map(|project| &project.train);
    let entry = train.and_then(|train| train.entry_of(&objective.id).filter(|e| !train.is_landing(e.id)));
    if let Some(entry) = entry.filter(|entry| entry.head != *head).cloned() {
        scribe.mark(&objective.project);
        head_moved(scribe, &objective.project, &entry);
    }
}

fn failed(scribe: &mut Scribe<'_>, project: &ProjectSlug, entry: &Entry, problem: String, ahead: bool) {
    let again_ms = scribe.now_ms + OUTSIDE_BACKOFF_MS * i64::from(entry.build_failures + 1);
    let (project, entry) = (project.clone(), entry.id);
    scribe.record(Fact::CandidateFailed { project, entry, problem, again_ms, ahead });
}

fn drop_entry(scribe: &mut Scribe<'_>, project: &ProjectSlug, entry: &Entry, why: Dropped) {
    cancel_gates(scribe, project, entry);
    let (project, subject) = (project.clone(), entry.subject.clone());
    scribe.record(Fact::EntryDropped { project, entry: entry.id, subject, why });
}

fn conflicts(
    scribe: &mut Scribe<'_>,
    project: &ProjectSlug,
    entry: &Entry,
    paths: Vec<RepoPath>,
    text: &str,
) {
    drop_entry(scribe, project, entry, Dropped::Conflict { paths: paths.clone() });
    match &entry.subject {
        Subject::Objective(id) => {
            let feedback = Feedback::Conflict { paths, text: cut(text, 2_000) };
            retry(scribe, &key(project, id), SessionKind::Conflict, feedback);
        }
        Subject::Target => {
            let text = "your commits on the target branch conflict with landed work";
            refuse_external(scribe, project, entry, "conflict", paths, text);
        }
    }
}

/// The queue goes on; publishing waits, and a person is told the ways out.
fn refuse_external(
    scribe: &mut Scribe<'_>,
    project: &ProjectSlug,
    entry: &Entry,
    code: &str,
    files: Vec<RepoPath>,
    text: &str,
) {
    let Some(found) = scribe.state.project(project) else { return };
    let (reference, branch) = (found.integration_ref(), found.settings.target_branch.clone());
    let text = format!("{text}; merge {reference} into {branch} yourself, and publishing goes on");
    scribe.record(Fact::ExternalRefused { project: project.clone(), target: entry.head.clone() });
    let wait = PublicationWait { code: code.to_owned(), files, text, since_ms: scribe.now_ms };
    scribe.record(Fact::PublicationWaits { project: project.clone(), wait });
}

/// The branch moved since its head was pinned: the entry is dropped and the branch judged again.
fn head_moved(scribe: &mut Scribe<'_>, project: &ProjectSlug, entry: &Entry) {
    drop_entry(scribe, project, entry, Dropped::HeadMoved);
    let Subject::Objective(id) = &entry.subject else { return };
    let key = key(project, id);
    scribe.move_to(&key, Status::Review, Cause::HeadMoved, None, None);
    let last = scribe.state.objective(&key).and_then(|objective| objective.sessions.last().copied());
    if let Some(session) = last {
        scribe.order(Effect::Harvest { session });
    }
}

pub(super) fn gate_exited(scribe: &mut Scribe<'_>, id: GateId, results: Option<Vec<CommandResult>>) {
    let Some(gate) = scribe.state.gate(id).cloned() else { return };
    let Some(project) = scribe.state.project(&gate.project) else { return };
    if gate.finished_ms.is_some() {
        return;
    }
    let results = results.unwrap_or_default();
    let commands = if gate.commands.is_empty() { &project.settings.verify } else { &gate.commands };
    let verdict = verdict_of(&results, commands.len());
    let is_check = matches!(gate.purpose, Purpose::Phase { .. });
    let known = contradicted(&project.verdicts, &gate.tree, &gate.terms, verdict).filter(|_| !is_check);
    let earlier = known.map(|known| known.gate);
    scribe.mark(&gate.project);
    let project = gate.project.clone();
    scribe.record(Fact::GateEnded { project: project.clone(), gate: id, verdict, results });
    if let (Some(earlier), false) = (earlier, gate.cancelled) {
        scribe.record(Fact::FlakeSeen { project, tree: gate.tree, earlier, gate: id });
    }
    gates::ended(scribe, id);
}

/// It failed alone on a green base: the branch is sent back with what failed.
pub(super) fn red(scribe: &mut Scribe<'_>, gate: &GateRun, entry: &Entry, failed: &CommandResult) {
    drop_entry(scribe, &gate.project, entry, Dropped::Red);
    match &entry.subject {
        Subject::Objective(id) => {
            let (command, outcome) = (failed.name.clone(), failed.outcome());
            let feedback = Feedback::Gate { gate: gate.id.0, command, outcome };
            retry(scribe, &key(&gate.project, id), SessionKind::Correction, feedback);
        }
        Subject::Target => {
            let text =
                format!("the gate command {} is red on your commits merged with landed work", failed.name);
            refuse_external(scribe, &gate.project, entry, "red", Vec::new(), &text);
        }
    }
}

/// The gate is red on its merge with the tests as they were before it changed them: it is sent back with that.
pub(super) fn tampered(scribe: &mut Scribe<'_>, run: &GateRun, entry: &Entry, paths: &[RepoPath]) {
    drop_entry(scribe, &run.project, entry, Dropped::Red);
    let Subject::Objective(id) = &entry.subject else { return };
    let outcome = run.results.iter().find(|result| result.verdict() != Verdict::Green);
    let what = outcome.map_or_else(
        || "the gate could not be run".to_owned(),
        |result| format!("the gate command {} says otherwise ({})", result.name, result.outcome()),
    );
    let text = format!(
        "the branch changes tests that were there, and with these as they were {what}, on its merge (gate run {0}; its \
         output is in runtime/gates/{0}). Make the work pass them as they were; where it needs them changed, stop \
         and say so: a person has to name these files in the scope",
        run.id
    );
    let (code, paths) = (FindingCode::Tampered, paths.iter().take(PATHS_MAX).cloned().collect());
    let finding = Finding { code, text, paths, more_paths: 0 };
    retry(scribe, &key(&run.project, id), SessionKind::Correction, Feedback::Findings(vec![finding]));
}

pub(super) fn landing_answered(
    scribe: &mut Scribe<'_>,
    project: &ProjectSlug,
    id: u64,
    commit: &ObjectId,
    answer: LandingAnswer,
) {
    let train = scribe.state.project(project).map(|project| &project.train);
    let landing = train.and_then(|train| train.landing.clone());
    // An answer to an earlier landing with the same first member says nothing of this one.
    let is_meant = |of: &Landing| of.members.first() == Some(&id) && of.candidate.commit == *commit;
    let Some(landing) = landing.filter(is_meant) else { return };
    let Some(entry) = entry_of(scribe, project, id) else { return };
    scribe.mark(project);
    match answer {
        LandingAnswer::Landed => landed(scribe, project, &landing),
        LandingAnswer::Moved { found } => {
            let at = found.map_or_else(|| "gone".to_owned(), |commit| format!("at {}", commit.short()));
            let problem = format!("the integration ref is {at}, not where Paddock left it");
            abandon(scribe, project, &entry, problem.clone());
            let (reference, tip) = integration_of(scribe, project);
            let clears = format!(
                "find out who moved it (`git reflog show {reference}`), put it back with `git update-ref {reference} \
                 {tip}`, then `paddock --project {project} queue release`; or `paddock project set-target {project} \
                 BRANCH` if work is to land on another branch"
            );
            let reason = Reason::new(ReasonCode::SelfCheck, scribe.now_ms, problem, clears);
            hold_until(scribe, project, reason);
        }
        LandingAnswer::HeadMoved { entry: moved } => {
            let problem = "the branch has moved since its head was pinned".to_owned();
            abandon(scribe, project, &entry, problem);
            if let Some(moved) = entry_of(scribe, project, moved) {
                head_moved(scribe, project, &moved);
            }
        }
        LandingAnswer::SelfCheckFailed(problem) => {
            abandon(scribe, project, &entry, problem.clone());
            let name = name_of(&entry);
            let clears = format!(
                "nothing landed; compare what it names with the branch of {name}, `paddock queue drop {name}` takes it \
                 out, then `paddock --project {project} queue release`: every merge is made anew"
            );
            let reason = Reason::new(ReasonCode::SelfCheck, scribe.now_ms, problem, clears);
            hold_until(scribe, project, reason);
        }
        LandingAnswer::Failed(problem) => {
            abandon(scribe, project, &entry, problem.clone());
            failed(scribe, project, &entry, problem, false);
        }
    }
    scribe.order(Effect::Look { project: project.clone() });
}

pub(super) fn integration_of(scribe: &Scribe<'_>, slug: &ProjectSlug) -> (String, String) {
    let project = scribe.state.project(slug);
    project.map_or_else(Default::default, |project| {
        (project.integration_ref(), project.integration.tip.to_string())
    })
}

fn name_of(entry: &Entry) -> String {
    match &entry.subject {
        Subject::Objective(id) => id.to_string(),
        Subject::Target => "your own commits".to_owned(),
    }
}

fn abandon(scribe: &mut Scribe<'_>, project: &ProjectSlug, entry: &Entry, problem: String) {
    scribe.record(Fact::LandingAbandoned { project: project.clone(), entry: entry.id, problem });
}

/// One event for each member; together they are one commit, and one proof.
fn landed(scribe: &mut Scribe<'_>, project: &ProjectSlug, landing: &Landing) {
    let candidate = &landing.candidate;
    for id in &landing.members {
        let Some(entry) = entry_of(scribe, project, *id) else { continue };
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
    scribe.order(Effect::WriteProof { project: project.clone(), commit: candidate.commit.clone() });
}
