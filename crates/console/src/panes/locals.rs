//! The states of all panes.

/// The states of the panes, kept in the model.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "a field per pane")]
pub struct Locals {
    pub objectives: super::objectives::Local,
    pub log: super::log::Local,
    pub queue: super::queue::Local,
    pub needs: super::needs::Local,
    pub events: super::events::Local,
    pub objective: super::objective::Local,
    pub diff: super::diff::Local,
    pub grid: super::grid::Local,
    pub timeline: super::timeline::Local,
    pub plan: super::plan::Local,
}
