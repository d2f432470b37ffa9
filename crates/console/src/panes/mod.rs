//! The panes, one file each, and the table of all panes. The state of a pane is in a file of its own
//! (`state.rs`), so that the model depends on the states but not on the panes.

pub(crate) mod budgets;
pub(crate) mod diff;
pub(crate) mod events;
pub(crate) mod grid;
mod id;
mod list;
mod locals;
pub(crate) mod log;
pub(crate) mod needs;
pub(crate) mod objective;
pub(crate) mod objectives;
mod pane;
pub(crate) mod plan;
pub(crate) mod queue;
pub(crate) mod timeline;

#[cfg(test)]
mod tests;

pub use id::{MAIN, PaneId, Target};
pub(crate) use list::{chosen, gone, scrolled, stepped, teach};
pub use locals::Locals;
pub(crate) use pane::{Copied, Heading, Pane, Reaction, Verb};

use super::Model;
use crate::log::{LogId, watch};
use crate::msg::Effect;

/// Returns the pane with this id.
#[must_use]
pub(crate) fn pane(id: PaneId) -> &'static dyn Pane {
    match id {
        PaneId::Objectives => &objectives::Objectives,
        PaneId::Log => &log::Log,
        PaneId::Queue => &queue::Queue,
        PaneId::Budgets => &budgets::Budgets,
        PaneId::Needs => &needs::Needs,
        PaneId::Events => &events::Events,
        PaneId::Objective => &objective::ObjectiveView,
        PaneId::Diff => &diff::Diff,
        PaneId::Grid => &grid::Grid,
        PaneId::Timeline => &timeline::Timeline,
        PaneId::Plan => &plan::Plan,
    }
}

/// Lets the panes on the screen fetch their data, and follows the logs that they show.
pub(crate) fn settle(model: &mut Model, visible: &[PaneId]) -> Vec<Effect> {
    let mut effects = Vec::new();
    for id in visible {
        // Before the logs are collected: settling may change which session a pane shows.
        effects.extend(pane(*id).settle(model));
    }
    let shown: Vec<Vec<LogId>> = visible.iter().filter_map(|id| pane(*id).logs(model)).collect();
    // If no pane shows logs (a cover is open), the logs shown last are still followed: they are likely to be
    // shown again soon, and would then have to catch up first.
    if !shown.is_empty() {
        let mut wanted = shown.concat();
        // Sorted, so that an unchanged set compares as unchanged.
        wanted.sort();
        wanted.dedup();
        effects.extend(watch(model, &wanted));
    }
    effects
}

impl Model {
    /// Returns what actions act upon now: the target of the focused pane.
    #[must_use]
    pub fn target(&self) -> Target {
        pane(self.active()).target(self)
    }
}
