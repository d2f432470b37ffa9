//! The Merge phase: carries out what the queue's plan asks for.

use super::blame;
use super::gates;
use super::scribe::Scribe;
use crate::domain::effect::Effect;
use crate::domain::event::Fact;
use crate::domain::gate::Purpose;
use crate::domain::ids::{GateId, ProjectSlug};
use crate::domain::judge::{Rules, terms_of};
use crate::domain::reason::{Reason, ReasonCode};
use crate::domain::train::{Action, Candidate, Entry, Stage, View, plan};

/// Tries of a merge that cannot be made for an outside reason before the queue is held.
const BUILD_FAILURES_MAX: u32 = 5;

pub(super) fn run(scribe: &mut Scribe<'_>) {
    if scribe.memo.is_passive {
        return;
    }
    for project in scribe.marked() {
        // Every action changes the entry's stage, so the plan after it is another one.
        while one_round(scribe, &project) {}
    }
}

fn one_round(scribe: &mut Scribe<'_>, slug: &ProjectSlug) -> bool {
    let Some(project) = scribe.state.project(slug) else { return false };
    let is_free = project.train.held.is_none()
        && project.landing_hold().is_none()
        && !project.integration.is_moving_to_target();
    let may_move = is_free && project.is_workable() && scribe.memo.stopping.is_none();
    let has_gate = !project.settings.verify.is_empty();
    let (train, tip) = (&project.train, &project.integration.tip);
    let terms = terms_of(&project.settings.verify);
    let (verdicts, flaky_retries) = (&project.verdicts, project.settings.queue.flaky_retries);
    let rules = Rules { verdicts, terms: &terms, flaky_retries, now_ms: scribe.now_ms };
    let actions = plan(&View { train, tip, has_gate, may_move, rules });
    let mut has_acted = false;
    for action in actions {
        has_acted |= act(scribe, slug, &action);
    }
    has_acted
}

fn entry(scribe: &Scribe<'_>, project: &ProjectSlug, id: u64) -> Option<Entry> {
    scribe.state.project(project)?.train.entry(id).cloned()
}

fn act(scribe: &mut Scribe<'_>, project: &ProjectSlug, action: &Action) -> bool {
    let Some(entry) = entry(scribe, project, action.entry()) else { return false };
    match action {
        Action::Build(_) => build(scribe, project, &entry),
        Action::Gate(_) => gate(scribe, project, &entry, false),
        Action::GateBase(_) => gate(scribe, project, &entry, true),
        Action::Reuse(_, gate) => {
            let (project, entry, gate) = (project.clone(), entry.id, *gate);
            scribe.record(Fact::VerdictReused { project, entry, gate });
            true
        }
        Action::Blame(_) => blame::send_back(scribe, project, &entry),
        Action::HoldRed(_, gate) => blame::hold_red(scribe, project, *gate),
        Action::HoldNotEvaluated(_) => blame::hold_not_evaluated(scribe, project, &entry),
        Action::Land(_) => land(scribe, project, &entry),
        Action::Reset(_) => reset(scribe, project, &entry),
    }
}

fn build(scribe: &mut Scribe<'_>, project: &ProjectSlug, entry: &Entry) -> bool {
    if entry.build_failures >= BUILD_FAILURES_MAX {
        let text = "a merge could not be made or landed although it was tried again and again";
        return hold(scribe, project, ReasonCode::RepositoryBroken, text);
    }
    let Some(tip) = scribe.state.project(project).map(|p| p.integration.tip.clone()) else { return false };
    scribe.record(Fact::CandidateOrdered { project: project.clone(), entry: entry.id, onto: tip.clone() });
    scribe.order(Effect::MakeCandidate {
        project: project.clone(),
        entry: entry.id,
        subject: entry.subject.clone(),
        head: entry.head.clone(),
        onto: tip,
    });
    true
}

fn gate(scribe: &mut Scribe<'_>, project: &ProjectSlug, entry: &Entry, on_base: bool) -> bool {
    let Stage::Built(candidate) = &entry.stage else { return false };
    let entries = vec![entry.id];
    let wanted = match on_base {
        true => gates::Wanted {
            purpose: Purpose::Base { entries },
            commit: candidate.onto.clone(),
            tree: candidate.onto_tree.clone(),
            commands: Vec::new(),
        },
        false => gates::Wanted {
            purpose: Purpose::Candidate { entries },
            commit: candidate.commit.clone(),
            tree: candidate.tree.clone(),
            commands: Vec::new(),
        },
    };
    gates::start(scribe, project, wanted).is_some()
}

fn land(scribe: &mut Scribe<'_>, project: &ProjectSlug, entry: &Entry) -> bool {
    let (candidate, gate): (Candidate, Option<GateId>) = match &entry.stage {
        Stage::Built(candidate) => (candidate.clone(), None),
        Stage::Passed { candidate, gate } => (candidate.clone(), *gate),
        _ => return false,
    };
    let project = project.clone();
    scribe.record(Fact::LandingIntended { project: project.clone(), entry: entry.id, candidate, gate });
    scribe.order(Effect::Land { project, entry: entry.id });
    true
}

/// Gives up what was made for an entry; a gate run that works on it is stopped.
pub(super) fn reset(scribe: &mut Scribe<'_>, project: &ProjectSlug, entry: &Entry) -> bool {
    cancel_gate(scribe, project, entry);
    scribe.record(Fact::EntryReset { project: project.clone(), entry: entry.id });
    true
}

/// Stops the gate run that works on an entry, if one does.
pub(super) fn cancel_gate(scribe: &mut Scribe<'_>, project: &ProjectSlug, entry: &Entry) {
    if let Stage::Gating { gate, .. } = &entry.stage {
        gates::cancel(scribe, project, *gate);
    }
}

/// Holds the queue until a person releases it.
pub(super) fn hold(scribe: &mut Scribe<'_>, project: &ProjectSlug, code: ReasonCode, text: &str) -> bool {
    let clears = format!("mend it, then `paddock --project {project} queue release`");
    hold_until(scribe, project, Reason::new(code, scribe.now_ms, text, clears))
}

/// Holds the queue with a reason of its own; it goes on by what that names.
pub(super) fn hold_until(scribe: &mut Scribe<'_>, project: &ProjectSlug, reason: Reason) -> bool {
    let is_held = scribe.state.project(project).is_some_and(|project| project.train.held.is_some());
    if !is_held {
        scribe.record(Fact::QueueHeld { project: project.clone(), reason });
    }
    !is_held
}
