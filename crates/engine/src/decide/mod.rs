//! Deciding: an input and the state give events and effects. It cannot fail, and asks nothing else.
//!
//! [`step`] records what came in, then runs the phases of SPEC 3 in their order until nothing more follows:
//! Harvest and Review where a session's leavings come in ([`harvest`]), then Merge ([`merge`], with
//! [`publish`]), Unlock ([`unlock`]), Planner ([`phases`], then [`planner`]), Apply (where objectives come in:
//! [`plans`], [`commands`]) and Dispatch ([`dispatch`]).

mod asides;
mod blame;
mod budgets;
mod bypass;
mod commands;
mod dispatch;
mod folders;
mod follow;
mod gates;
mod harvest;
mod health;
mod hierarchy;
mod import;
mod lifecycle;
mod merge;
mod operate;
mod outstanding;
mod panics;
mod phases;
mod planner;
mod plans;
mod proofs;
mod publish;
mod push;
mod queue;
mod recover;
mod resume;
mod retarget;
mod room;
mod scribe;
mod sessions;
mod settle;
mod target;
mod unlock;
mod watch;

use super::effect::Effect;
use super::input::Input;
use paddock_model::command::Reply;
use paddock_model::event::Event;
use paddock_model::state::State;

pub(super) use dispatch::{OVERTAKEN_MAX, taken_slots};
pub use outstanding::outstanding;
pub(super) use planner::work_at_hand;
pub use planner::{Stand, stand};
pub use scribe::Memo;
use scribe::Scribe;
pub use settle::{Settled, next_timer, settled, waiting};

/// Rounds of the phases after one input. Every round needs an event of the round before, and every chain of
/// events ends at an effect that has to be awaited, so a handful is the most there can be.
const ROUNDS_MAX: usize = 16;

/// What follows from an input.
#[derive(Debug, Default)]
pub struct Decision {
    /// Recorded before anything else follows.
    pub events: Vec<Event>,
    /// Carried out once the events are safe.
    pub effects: Vec<Effect>,
    /// Given once the events are safe.
    pub reply: Option<Reply>,
}

/// Takes one input. The state has the events applied when this returns; whoever calls it must not let the
/// process go on when they cannot be stored.
pub fn step(state: &mut State, memo: &mut Memo, input: Input, now_ms: i64) -> Decision {
    memo.seen_ms = now_ms;
    let is_tick = matches!(input, Input::Tick | Input::Started { .. });
    memo.ticked_ms = if is_tick { now_ms } else { memo.ticked_ms.min(now_ms) };
    let mut scribe = Scribe::new(state, memo, now_ms);
    let reply = take(&mut scribe, input);
    for _ in 0..ROUNDS_MAX {
        let before = scribe.progress();
        budgets::run(&mut scribe);
        room::run(&mut scribe);
        asides::guards(&mut scribe);
        merge::run(&mut scribe);
        publish::run(&mut scribe);
        push::run(&mut scribe);
        proofs::run(&mut scribe);
        asides::run(&mut scribe);
        folders::run(&mut scribe);
        unlock::run(&mut scribe);
        phases::run(&mut scribe);
        planner::run(&mut scribe);
        dispatch::run(&mut scribe);
        if scribe.progress() == before {
            break;
        }
    }
    let (events, effects) = scribe.finish();
    Decision { events, effects, reply }
}

fn take(scribe: &mut Scribe<'_>, input: Input) -> Option<Reply> {
    match input {
        Input::Command(command) => return Some(commands::take(scribe, *command)),
        Input::Started { pid, version } => lifecycle::started(scribe, pid, version),
        Input::Stop(mode) => lifecycle::stop(scribe, mode),
        Input::Stopped(mode) => lifecycle::stopped(scribe, mode),
        Input::Tick => scribe.mark_all(),
        Input::DayBegan { since_ms } => budgets::day_began(scribe, since_ms),
        Input::ClockJumped { by_ms } => budgets::clock_jumped(scribe, by_ms),
        Input::ConfigRead { project, settings } => watch::config_read(scribe, &project, settings),
        Input::TargetKeyRead { project, key } => retarget::key_read(scribe, &project, key.as_ref()),
        Input::IntegrationMade { project, tip } => watch::integration_made(scribe, &project, tip),
        Input::RepositoryFailed { project, problem } => {
            scribe.memo.unlooked.remove(&project);
            watch::repository_failed(scribe, &project, &problem);
        }
        Input::RepositoryFine { project } => watch::repository_fine(scribe, &project),
        Input::AgreementCarried { project, carried } => watch::agreement_carried(scribe, project, carried),
        Input::TrustRead { project, trust } => watch::trust_read(scribe, &project, &trust),
        Input::HoldSeen { project, code, text, clears } => {
            watch::hold_seen(scribe, &project, code, text, clears);
        }
        Input::TargetLooked { project, facts } => {
            if scribe.memo.unlooked.remove(&project) {
                scribe.mark(&project);
            }
            target::looked(scribe, &project, &facts);
        }
        Input::BypassSeen { project, found } => bypass::seen(scribe, &project, found),
        Input::CollisionsSeen { project, collisions: seen } => watch::collisions_seen(scribe, &project, seen),
        Input::ExternalMoved { project, to, result } => target::moved(scribe, &project, &to, result),
        Input::TargetAdopted { project, result } => target::adopted(scribe, &project, result),
        Input::WorktreeAnswered { objective, epoch, result } => {
            sessions::worktree_answered(scribe, &objective, epoch, result);
        }
        Input::WorktreeRemoved { objective, late } => sessions::worktree_removed(scribe, &objective, late),
        Input::SessionStarted { session, pid } => sessions::started(scribe, session, pid),
        Input::SessionAwake { session, awake_ms } => budgets::awake(scribe, session, awake_ms),
        Input::SessionRefused { session, problem } => sessions::refused(scribe, session, problem),
        Input::SessionExited { session, process } => sessions::exited(scribe, session, Some(process)),
        Input::SessionLost { session } => sessions::exited(scribe, session, None),
        Input::CommitsSeen { session, commits } => sessions::commits_seen(scribe, session, commits),
        Input::Panicked(what) => panics::panicked(scribe, what),
        Input::NotifyFailed { project, run, problem } => watch::notify_failed(scribe, project, run, problem),
        Input::SessionTold { session, usage, waits } => budgets::told(scribe, session, usage, waits),
        Input::Harvested { session, facts } => harvest::harvested(scribe, session, facts),
        Input::CandidateAnswered { project, members, onto, ahead, answer } => {
            queue::candidate_answered(scribe, &project, &members, &onto, ahead, answer);
        }
        Input::BranchSeen { objective, head } => queue::branch_seen(scribe, &objective, &head),
        Input::ExternalSeen { project, commit, tree } => {
            target::external_seen(scribe, project, (commit, tree));
        }
        Input::TreePrepared { project, aside, result } => asides::prepared(scribe, &project, aside, result),
        Input::RoomSeen { project, free } => room::seen(scribe, &project, &free),
        Input::GateFolderRemoved { project, slot, result } => {
            folders::removed(scribe, &project, slot, &result);
        }
        Input::PushAnswered { project, commit, result } => push::answered(scribe, &project, &commit, result),
        Input::GateExited { gate, results } => queue::gate_exited(scribe, gate, results),
        Input::ChecksRead { gate, failed } => phases::checks_read(scribe, gate, failed),
        Input::PlanRead { session, facts } => plans::read(scribe, session, facts),
        Input::LandingAnswered { project, entry, commit, answer } => {
            queue::landing_answered(scribe, &project, entry, &commit, answer);
        }
        Input::ProofWritten { project, commit, result } => proofs::written(scribe, &project, &commit, result),
        Input::PublishAnswered { project, to, answer } => publish::answered(scribe, &project, &to, answer),
    }
    None
}
