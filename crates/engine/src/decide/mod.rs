//! Decisions: an input and the state give events, effects and, for a command, a reply.
//!
//! [`step`] first routes the input to the module that records it, then runs the phases until a round changes
//! nothing; it says why they run in their order. Recording an input already includes Harvest and Review
//! ([`sessions::harvest`], [`sessions::follow`]) and, where objectives are added, Apply ([`plans`],
//! [`plans::objectives`]). The phases are Merge ([`queue::merge`], [`queue::publish`]), Unlock
//! ([`sessions::unlock`]), Planner ([`plans::phases`], [`plans::planner`]) and Dispatch
//! ([`sessions::dispatch`]).
//!
//! Folders group modules by what they decide about: [`sessions`], [`queue`], [`plans`], [`target`] (the user's
//! branch), and [`operate`] (people's orders about one objective).
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
//! | | [`plans::import`] | goals, milestones and phases from a document |
//! | | [`projects`], [`queue::orders`], [`sessions::orders`] | orders about a project, its queue, a session |
//! | | [`queue::gate_ends`] | the end of a gate run |
//! | | [`lifecycle`] | a supervisor starts or stops |
//! | | [`settle`] | whether anything still moves, and when the next timer is due |
//! | repository | [`target`] | where the user's target branch is, and what follows |
//! | | [`target::retarget`] | which branch a project lands on |
//! | | [`target::watch`] | project files, repositories, git configuration, collisions |
//! | | [`target::bypass`] | work that reached the target branch past the queue |
//! | | [`mod@outstanding`] | effects to order again after a restart |
//! | | [`panics`] | effects that panicked |
//! | | [`hangs`] | what Paddock waits for in vain |
//! | sessions | [`sessions::harvest`] | the facts that a session left: recorded and reviewed |
//! | | [`sessions::follow`] | what follows when a session has ended |
//! | | [`sessions::recover`] | scopes that recovery widens |
//! | | [`sessions`] | worktrees and running sessions |
//! | | [`sessions::budgets`] | limits of a session and of a project's day |
//! | | [`sessions::health`] | cooldowns and logins of agents |
//! | | [`sessions::dispatch`], [`sessions::unlock`] | which objectives start, and which may |
//! | queue | [`queue::merge`] | executes the queue's plan |
//! | | [`queue`] | answers about merges and landings |
//! | | [`queue::blame`] | consequences of a gate that is not green |
//! | | [`queue::side_runs`] | gate runs in parallel with the queue: tamper guard, canary |
//! | | [`queue::recheck`] | the daily gate run on a landed tree from nothing |
//! | | [`queue::disk_space`], [`queue::folders`] | a full disk under the gate; gate worktrees |
//! | | [`queue::proofs`], [`queue::publish`], [`queue::push`] | what follows a landing |
//! | plans | [`plans::planner`] | when a planner run starts |
//! | | [`plans::phases`] | a phase's checks, and when it is reached |
//! | | [`plans::objectives`], [`plans::hierarchy`] | adding objectives; goals, milestones and phases |
//! | shared steps | [`sessions::send_back`], [`sessions::retries`] | a branch goes back to work; the next session, or a person |
//! | | [`queue::entries`], [`queue::gates`] | queue entries; gate runs |
//! | | [`queue::holds`], [`sessions::stops`], [`sessions::pausing`] | hold and release; stop a session; pause an objective |
//! | | [`scopes`], [`refusals`] | overlapping scopes; refused commands |
//! | values | [`sessions::ends`], [`sessions::resume`], [`wording`] | how a session ended; whether it resumes; phrases |
//! | writing | [`scribe`], [`memo`] | the only writer of the state; what a running supervisor remembers |

mod commands;
mod hangs;
mod inputs;
mod lifecycle;
mod memo;
mod operate;
mod outstanding;
mod panics;
mod plans;
mod projects;
mod queue;
mod refusals;
mod scopes;
mod scribe;
mod sessions;
mod settle;
mod target;
mod wording;

use super::effect::Effect;
use super::input::Input;
use paddock_model::command::Reply;
use paddock_model::event::Event;
use paddock_model::state::State;

pub use memo::Memo;
pub use outstanding::outstanding;
pub(super) use plans::planner::remaining_work;
pub use plans::planner::{PlannerState, planner_state};
use scribe::Scribe;
pub(super) use sessions::dispatch::{OVERTAKEN_MAX, taken_slots};
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
        sessions::budgets::run(&mut scribe);
        queue::disk_space::run(&mut scribe);
        // An entry that waits for its tamper guard blocks its own turn, so the guard gets a gate slot before
        // the queue does.
        queue::side_runs::guards(&mut scribe);
        queue::merge::run(&mut scribe);
        // The queue has left it the next slot, and a run that it lands now keeps its folder until then.
        queue::recheck::run(&mut scribe);
        queue::publish::run(&mut scribe);
        queue::pull::run(&mut scribe);
        queue::push::run(&mut scribe);
        queue::proofs::run(&mut scribe);
        // The canary only uses a slot that the queue left free.
        queue::side_runs::run(&mut scribe);
        queue::folders::run(&mut scribe);
        // A landing above may have met dependencies: its dependents become ready before dispatch looks for
        // work.
        sessions::unlock::run(&mut scribe);
        plans::phases::run(&mut scribe);
        plans::planner::run(&mut scribe);
        sessions::dispatch::run(&mut scribe);
        if scribe.progress() == before {
            break;
        }
    }
    let (events, effects) = scribe.finish();
    Decision { events, effects, reply }
}
