//! Decisions: an input and the state give events, effects and, for a command, a reply.
//!
//! [`step`] first routes the input to the module that records it, then runs the phases until a round changes
//! nothing. Recording an input already includes Harvest and Review ([`harvest`], [`follow`]) and, where
//! objectives are added, Apply ([`plans`], [`objectives`]). The phases are Merge ([`merge`], [`publish`]),
//! Unlock ([`unlock`]), Planner ([`phases`], [`planner`]) and Dispatch ([`dispatch`]); [`step`] says why they
//! run in this order.
//!
//! Modules are layered: a module uses its own layer and the layers below it, and no two modules use each
//! other.
//!
//! | layer | module | concern |
//! |---|---|---|
//! | routing | [`inputs`] | which module records an input |
//! | | [`commands`] | which module answers a command |
//! | commands and questions | [`operate`] | orders about one objective: retry, approve, pause, edit … |
//! | | [`plans`] | plans from a planner or a person: judged, approved, applied |
//! | | [`import`] | goals, milestones and phases from a document |
//! | | [`projects`], [`queue_orders`], [`session_orders`] | orders about a project, its queue, a session |
//! | | [`gate_ends`] | the end of a gate run |
//! | | [`lifecycle`] | a supervisor starts or stops |
//! | | [`settle`] | whether anything still moves, and when the next timer is due |
//! | repository | [`target`] | where the user's target branch is, and what follows |
//! | | [`retarget`] | which branch a project lands on |
//! | | [`watch`] | project files, repositories, git configuration, collisions |
//! | | [`bypass`] | work that reached the target branch past the queue |
//! | | [`mod@outstanding`] | effects to order again after a restart |
//! | | [`panics`] | effects that panicked |
//! | sessions | [`harvest`] | the facts that a session left: recorded and reviewed |
//! | | [`follow`] | what follows when a session has ended |
//! | | [`recover`] | scopes that recovery widens |
//! | | [`sessions`] | worktrees and running sessions |
//! | | [`budgets`] | limits of a session and of a project's day |
//! | | [`health`] | cooldowns and logins of agents |
//! | | [`dispatch`], [`unlock`] | which objectives start, and which may |
//! | queue | [`merge`] | executes the queue's plan |
//! | | [`queue`] | answers about merges and landings |
//! | | [`blame`] | consequences of a gate that is not green |
//! | | [`side_runs`] | gate runs in parallel with the queue: tamper guard, canary |
//! | | [`disk_space`], [`folders`] | a full disk under the gate; gate worktrees |
//! | | [`proofs`], [`publish`], [`push`] | what follows a landing |
//! | plans | [`planner`] | when a planner run starts |
//! | | [`phases`] | a phase's checks, and when it is reached |
//! | | [`objectives`], [`hierarchy`] | adding objectives; goals, milestones and phases |
//! | shared steps | [`send_back`], [`retries`] | a branch goes back to work; the next session, or a person |
//! | | [`entries`], [`gates`] | queue entries; gate runs |
//! | | [`holds`], [`stops`], [`pausing`] | hold and release; stop a session; pause an objective |
//! | | [`scopes`], [`refusals`] | overlapping scopes; refused commands |
//! | values | [`ends`], [`resume`], [`wording`] | how a session ended; whether it resumes; phrases |
//! | writing | [`scribe`], [`memo`] | the only writer of the state; what a running supervisor remembers |

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
pub(super) use planner::remaining_work;
pub use planner::{PlannerState, planner_state};
use scribe::Scribe;
pub use settle::{Settled, next_timer, settled, waiting};

/// Rounds of the phases after one input, at most.
///
/// A round runs only if the round before it recorded or ordered something, and every chain of events ends at
/// an effect whose answer has to be awaited. A handful of rounds is therefore the most that occurs; the bound
/// keeps a faulty phase from looping for ever.
const ROUNDS_MAX: usize = 16;

/// What follows from an input.
#[derive(Debug, Default)]
pub struct Decision {
    /// Events to store, already applied to the state. They must be stored before anything else happens.
    pub events: Vec<Event>,
    /// Effects to execute once the events are stored.
    pub effects: Vec<Effect>,
    /// Answer to a command, to be sent once the events are stored. `None` for every other input.
    pub reply: Option<Reply>,
}

/// Applies one input to the state and returns what follows from it.
///
/// The events are applied to `state` before this returns. If the caller cannot store them, the state in
/// memory is ahead of the one on disk, so the process must end.
pub fn step(state: &mut State, memo: &mut Memo, input: Input, now_ms: i64) -> Decision {
    memo.seen_ms = now_ms;
    let is_tick = matches!(input, Input::Tick | Input::Started { .. });
    // `next_timer` ignores timers that were due at the last tick. After the clock was set back, a tick in
    // what is now the future must not hide the timers before it, hence the minimum.
    memo.ticked_ms = if is_tick { now_ms } else { memo.ticked_ms.min(now_ms) };
    let mut scribe = Scribe::new(state, memo, now_ms);
    let reply = inputs::take(&mut scribe, input);
    for _ in 0..ROUNDS_MAX {
        let before = scribe.progress();
        // Holds come first: a spent budget or a full disk decides whether the later phases may start
        // anything.
        budgets::run(&mut scribe);
        disk_space::run(&mut scribe);
        // An entry that waits for its tamper guard blocks its own turn, so the guard gets a gate slot before
        // the queue does.
        side_runs::guards(&mut scribe);
        merge::run(&mut scribe);
        publish::run(&mut scribe);
        push::run(&mut scribe);
        proofs::run(&mut scribe);
        // The canary only uses a slot that the queue left free.
        side_runs::run(&mut scribe);
        folders::run(&mut scribe);
        // A landing above may have met dependencies: its dependents become ready before dispatch looks for
        // work.
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
