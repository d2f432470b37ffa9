//! Deciding: an input and the state give events and effects. It cannot fail, and asks nothing else.
//!
//! [`step`] records what came in, then runs the phases in their order until nothing more follows: Harvest and Review
//! where a session's leavings come in ([`harvest`]), then Merge ([`merge`], with [`publish`]), Unlock ([`unlock`]),
//! Planner ([`phases`], then [`planner`]), Apply (where objectives come in: [`plans`], [`objectives`]) and Dispatch
//! ([`dispatch`]).
//!
//! The files stand in layers. One names items of its own layer and of those below it, and no two name each other.
//!
//! | layer | files |
//! |---|---|
//! | routing | this one, [`inputs`], [`commands`] |
//! | orders, ends, questions | [`operate`], [`plans`], [`import`], [`projects`], [`queue_orders`], [`session_orders`], [`gate_ends`], [`lifecycle`], [`settle`] |
//! | repository | [`target`], [`retarget`], [`watch`], [`bypass`], [`mod@outstanding`], [`panics`] |
//! | sessions | [`harvest`], [`follow`], [`recover`], [`sessions`], [`budgets`], [`health`], [`dispatch`], [`unlock`] |
//! | queue | [`queue`], [`merge`], [`blame`], [`side_runs`], [`disk_space`], [`folders`], [`proofs`], [`publish`], [`push`] |
//! | plans | [`planner`], [`phases`], [`objectives`], [`hierarchy`] |
//! | hands that several need | [`send_back`], [`retries`], [`entries`], [`gates`], [`holds`], [`stops`], [`pausing`], [`scopes`], [`refusals`] |
//! | words and values | [`ends`], [`resume`], [`wording`] |
//! | the only hand that writes | [`scribe`], [`memo`] |

mod blame;
mod budgets;
mod bypass;
mod commands;
mod disk_space;
mod dispatch;
mod ends;
mod entries;
mod folders;
mod follow;
mod gate_ends;
mod gates;
mod harvest;
mod health;
mod hierarchy;
mod holds;
mod import;
mod inputs;
mod lifecycle;
mod memo;
mod merge;
mod objectives;
mod operate;
mod outstanding;
mod panics;
mod pausing;
mod phases;
mod planner;
mod plans;
mod projects;
mod proofs;
mod publish;
mod push;
mod queue;
mod queue_orders;
mod recover;
mod refusals;
mod resume;
mod retarget;
mod retries;
mod scopes;
mod scribe;
mod send_back;
mod session_orders;
mod sessions;
mod settle;
mod side_runs;
mod stops;
mod target;
mod unlock;
mod watch;
mod wording;

use super::effect::Effect;
use super::input::Input;
use paddock_model::command::Reply;
use paddock_model::event::Event;
use paddock_model::state::State;

pub(super) use dispatch::{OVERTAKEN_MAX, taken_slots};
pub use memo::Memo;
pub use outstanding::outstanding;
pub(super) use planner::work_at_hand;
pub use planner::{Stand, stand};
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
    let reply = inputs::take(&mut scribe, input);
    for _ in 0..ROUNDS_MAX {
        let before = scribe.progress();
        budgets::run(&mut scribe);
        disk_space::run(&mut scribe);
        side_runs::guards(&mut scribe);
        merge::run(&mut scribe);
        publish::run(&mut scribe);
        push::run(&mut scribe);
        proofs::run(&mut scribe);
        side_runs::run(&mut scribe);
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
