//! Effects: the work that follows from committed events.
//!
//! Each effect becomes one job of the executor, and reports its outcome as an input. After a restart every
//! effect whose outcome is not recorded runs again. Each one therefore finds out by itself whether it has
//! happened already: see "Reconciled by" in the docs of its function, and the table below.
//!
//! Each file has an `Order`, the data that its job needs, copied out of the state on the kernel's thread, and
//! a function that runs on an executor thread.
//!
//! # How each effect is reconciled
//!
//! After a restart `decide::outstanding` lists every effect without a recorded outcome. Running one again is
//! safe, because it finds out whether it has happened:
//!
//! | effect | how it finds out |
//! |---|---|
//! | MakeIntegration | the ref exists; after `TargetSet`: it is at the tip |
//! | Look | changes nothing |
//! | MoveExternal | the ref is at the user's commit (done) or at the old tip (not done) |
//! | AdoptTarget | the ref is anywhere but at the tip that the effect was ordered for |
//! | MakeWorktree | git's record of it with Paddock's marker inside; half-made ones are repaired |
//! | RemoveWorktree | a missing folder is removed; late commits and uncommitted files get refs first |
//! | StartSession | `session.json` exists: the keeper's lock and claim lead to it; an unclaimed job is fenced by creating `claim.json` and ends as `lost` |
//! | StopSession, ExtendSession | `control.json` is replaced, never added to |
//! | Harvest | reads only, except for refs that keep what would be lost, and the stash, which is compared with what it was |
//! | MakeCandidate | makes the chain of merges again; an answer for other members or another tip is ignored |
//! | StartGate, StopGate | like sessions, in `runtime/gates/<n>` |
//! | CompareTests | reads only; ordered again by the queue's next plan |
//! | RemoveGateFolder | a missing folder is removed; nothing is removed that is in use |
//! | KeepCaches | is not ordered again: without it later runs start from older caches |
//! | PrepareTree | makes a tree for a side run; the same inputs give the same tree |
//! | Push | without force: a remote that holds the commit has it |
//! | FetchRemote | fetched and compared again |
//! | ForwardTarget | a fast-forward that can be tried at any time |
//! | Land | compare-and-swap: the ref is at the candidate or beyond (done), at the old tip (not done; a member whose branch moved leaves the queue first), elsewhere (the queue is held) |
//! | WriteProof | the same landing gives the same note; due until `proof_written` is recorded, every half minute |
//! | StartSession, Harvest of a planner | like other sessions; its worktree is made anew each time, and salvaged and removed by the harvest |
//! | ReadChecks | reads only; due while a phase waits for a run that is over (`progress.checking`) |
//! | Publish | a fast-forward that can be tried at any time |

mod attempts;
mod bypass;
mod candidates;
mod checks;
mod compare;
mod copying;
mod environment;
mod evidence;
mod gate_output;
mod gate_places;
mod gates;
mod harvest;
mod landings;
mod origin;
mod planning;
mod proofs;
mod remote;
mod seeding;
mod sessions;
mod side_runs;
mod targets;
mod transcripts;
mod worktrees;

use std::sync::Arc;

use super::agreement::Known;
use super::executor::{ExecutorKey, Job};
use super::world::{Site, World};
use paddock_engine::effect::Effect;
use paddock_model::ids::{GateId, ObjectiveKey, ProjectSlug, SessionId};
use paddock_model::session::SessionKind;
use paddock_model::state::State;

pub(super) use attempts::clear_locks;
pub use copying::copy_into;
pub(super) use environment::Variables;
pub use gate_output::command_results;
pub(super) use gate_output::{watch, watched};
pub(super) use gates::{Ended, ended};
pub use planning::planner_prompt;
pub(super) use sessions::{exit_of_last, never_began, process_end, stop_signal};
pub(super) use targets::look;
pub use targets::{LFS_REMEDY, lfs_text};

/// Returns the project that an effect works for, and what it does, in words for people.
pub(super) fn describe(state: &State, effect: &Effect) -> (Option<ProjectSlug>, String) {
    let of_session = |session: &SessionId, what: &str| {
        let objective = state.session(*session).map(|session| session.objective.clone());
        let of = objective.as_ref().map(|key| format!(" of {key}")).unwrap_or_default();
        (objective.map(|key| key.project), format!("{what} session {session}{of}"))
    };
    let of_gate = |gate: &GateId, what: &str| {
        (state.gate(*gate).map(|run| run.project.clone()), format!("{what} gate run {gate}"))
    };
    let of_objective =
        |key: &ObjectiveKey, what: &str| (Some(key.project.clone()), format!("{what} the worktree of {key}"));
    let of_project = |project: &ProjectSlug, what: &str| (Some(project.clone()), what.to_owned());
    match effect {
        Effect::MakeIntegration { project, .. } => of_project(project, "making the integration ref"),
        Effect::Look { project } => of_project(project, "looking at the target branch"),
        Effect::MoveExternal { project, .. } => of_project(project, "following the user's commits"),
        Effect::AdoptTarget { project, .. } => of_project(project, "adopting the target branch"),
        Effect::MakeWorktree { objective, .. } => of_objective(objective, "making"),
        Effect::RemoveWorktree { objective } => of_objective(objective, "removing"),
        Effect::StartSession { session } => of_session(session, "starting"),
        Effect::StopSession { session, .. } => of_session(session, "stopping"),
        Effect::ExtendSession { session } => of_session(session, "extending"),
        Effect::Harvest { session } => of_session(session, "harvesting"),
        Effect::MakeCandidate { project, .. } => of_project(project, "merging queued work in memory"),
        Effect::PrepareTree { project, .. } => of_project(project, "making a tree for the gate"),
        Effect::Push { project, .. } => of_project(project, "pushing the target branch"),
        Effect::FetchRemote { project, .. } => of_project(project, "fetching the remote's branch"),
        Effect::ForwardTarget { project, .. } => of_project(project, "moving the target branch forward"),
        Effect::StartGate { gate } => of_gate(gate, "starting"),
        Effect::ReadChecks { gate } => of_gate(gate, "reading the checks of"),
        Effect::StopGate { gate } => of_gate(gate, "stopping"),
        Effect::CompareTests { project, .. } => of_project(project, "comparing tests with the base"),
        Effect::KeepCaches { gate } => of_gate(gate, "keeping the caches of"),
        Effect::RemoveGateFolder { project, .. } => of_project(project, "removing a gate's folder"),
        Effect::Land { project, .. } => of_project(project, "landing"),
        Effect::WriteProof { project, .. } => of_project(project, "writing a proof"),
        Effect::Publish { project, .. } => of_project(project, "publishing"),
    }
}

/// Turns an effect into a job and the key to run it under. Returns `None` if the effect's subject is gone
/// from the state: a project that was removed, for one.
pub(super) fn job(world: &Arc<World>, state: &State, effect: &Effect) -> Option<(ExecutorKey, Job)> {
    let shared = Arc::clone(world);
    match effect.clone() {
        Effect::MakeIntegration { project, at } => {
            let (site, known) = (Site::find(state, &project)?, Known::from_state(state, &project)?);
            let make = move || targets::make_integration(&shared, &site, &at, &known);
            Some((ExecutorKey::Refs(project), Box::new(make)))
        }
        Effect::Look { project } => {
            let site = Site::find(state, &project)?;
            // A look that is ordered and has not begun will see everything that this one would.
            if !world.claim_look(&project) {
                return None;
            }
            Some((ExecutorKey::Refs(project), Box::new(move || look(&shared, &site))))
        }
        Effect::MoveExternal { project, from, to } => {
            let site = Site::find(state, &project)?;
            Some((
                ExecutorKey::Refs(project),
                Box::new(move || targets::move_external(&shared, &site, &from, &to)),
            ))
        }
        Effect::AdoptTarget { project, from, landed } => {
            let site = Site::find(state, &project)?;
            Some((
                ExecutorKey::Refs(project),
                Box::new(move || targets::adopt(&shared, &site, &from, &landed)),
            ))
        }
        Effect::Publish { project, published, to, create } => {
            let site = Site::find(state, &project)?;
            let order = targets::Publication { published, to, create };
            Some((ExecutorKey::Refs(project), Box::new(move || targets::publish(&shared, &site, &order))))
        }
        Effect::MakeCandidate { project, members, onto, ahead } => {
            let order = candidates::Order::from_state(state, &project, members, onto, ahead)?;
            Some((ExecutorKey::Refs(project), Box::new(move || candidates::make(&shared, &order))))
        }
        Effect::PrepareTree { project, side_tree } => {
            let order = side_runs::Order::from_state(state, &project, side_tree)?;
            Some((ExecutorKey::Refs(project), Box::new(move || side_runs::prepare(&shared, &order))))
        }
        Effect::Push { project, remote, commit } => {
            let order = remote::Push { site: Site::find(state, &project)?, remote, commit };
            Some((ExecutorKey::Push(project), Box::new(move || remote::push_out(&shared, &order))))
        }
        Effect::FetchRemote { project, tip } => {
            let order = remote::Fetch::from_state(state, &project, tip)?;
            Some((ExecutorKey::Push(project), Box::new(move || remote::fetch(&shared, &order))))
        }
        Effect::ForwardTarget { project, published, to } => {
            let site = Site::find(state, &project)?;
            let order = targets::Publication { published, to, create: false };
            Some((ExecutorKey::Refs(project), Box::new(move || remote::forward(&shared, &site, &order))))
        }
        Effect::Land { project, entry } => {
            let order = landings::Order::from_state(state, &project, entry)?;
            Some((ExecutorKey::Refs(project), Box::new(move || landings::land(&shared, &order))))
        }
        Effect::WriteProof { project, commit } => {
            // `None` as well if the proof is written by now: the landing is no longer among the unproven
            // ones.
            let order = proofs::Order::from_state(state, &project, &commit)?;
            Some((ExecutorKey::Proofs(project), Box::new(move || proofs::write(&shared, &order))))
        }
        Effect::MakeWorktree { objective, epoch } => {
            let order = worktrees::Order::from_state(state, &objective, epoch)?;
            let key = ExecutorKey::Worktrees(objective.project);
            Some((key, Box::new(move || worktrees::make(&shared, &order))))
        }
        Effect::RemoveWorktree { objective } => {
            // The answer to a removal carries no epoch.
            let order = worktrees::Order::from_state(state, &objective, 0)?;
            let key = ExecutorKey::Worktrees(objective.project);
            Some((key, Box::new(move || worktrees::remove(&shared, &order))))
        }
        Effect::StartSession { session } => {
            let order = sessions::Order::from_state(state, session)?;
            Some((ExecutorKey::Session(session), Box::new(move || sessions::start(&shared, &order))))
        }
        Effect::StopSession { session, stop, now } => Some((
            ExecutorKey::Session(session),
            Box::new(move || sessions::stop(&shared, session, stop, now)),
        )),
        Effect::ExtendSession { session } => {
            let minutes = state.session(session)?.budget.max_minutes;
            Some((
                ExecutorKey::Session(session),
                Box::new(move || sessions::extend(&shared, session, minutes)),
            ))
        }
        // A planner has no objective and no branch: only its plan is read.
        Effect::Harvest { session } if state.session(session)?.kind == SessionKind::Planner => {
            let order = planning::Order::from_state(state, session)?;
            Some((ExecutorKey::Session(session), Box::new(move || planning::harvest(&shared, &order))))
        }
        Effect::Harvest { session } => {
            let order = harvest::Order::from_state(state, session)?;
            Some((ExecutorKey::Session(session), Box::new(move || harvest::harvest(&shared, &order))))
        }
        Effect::StartGate { gate } => {
            let order = gates::Order::from_state(state, gate)?;
            let key = gates::slot_key(state.gate(gate)?);
            Some((key, Box::new(move || gates::start(&shared, &order))))
        }
        Effect::CompareTests { project, wanted } => {
            let order = compare::Order::from_state(state, &project, wanted)?;
            Some((ExecutorKey::Comparing(project), Box::new(move || compare::compare(&shared, &order))))
        }
        Effect::ReadChecks { gate } => {
            let order = checks::Order::from_state(state, gate)?;
            let key = ExecutorKey::GateWorktree(order.project.clone(), order.slot);
            Some((key, Box::new(move || checks::read(&shared, &order))))
        }
        Effect::RemoveGateFolder { project, slot } => {
            let order = gates::Folder::from_state(state, &project, slot)?;
            let key = ExecutorKey::GateWorktree(project, slot);
            Some((key, Box::new(move || gates::remove_folder(&shared, &order))))
        }
        Effect::KeepCaches { gate } => {
            // Under the key of the slot, so that no later run has begun to work in its folder.
            let (key, order) = gates::Landed::from_state(state, gate)?;
            Some((key, Box::new(move || gates::keep_caches(&shared, &order))))
        }
        Effect::StopGate { gate } => {
            // Under the key of the start, so that the stop cannot overtake it.
            let key = gates::slot_key(state.gate(gate)?);
            Some((key, Box::new(move || gates::stop(&shared, gate))))
        }
    }
}
