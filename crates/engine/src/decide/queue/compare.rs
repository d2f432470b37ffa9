//! Comparisons of a candidate's tests with those on its base.

use crate::decide::scribe::Scribe;
use crate::effect::Compare;
use crate::input::Problem;
use paddock_model::event::Fact;
use paddock_model::evidence::{Comparison, Outcome};
use paddock_model::ids::ProjectSlug;

/// The tests of a run were compared with those on the base, or could not be.
pub(in crate::decide) fn answered(
    scribe: &mut Scribe<'_>,
    slug: &ProjectSlug,
    wanted: &Compare,
    result: Result<Box<Comparison>, Problem>,
) {
    scribe.mark(slug);
    let Ok(comparison) = result else { return };
    scribe.record(Fact::TestsCompared {
        project: slug.clone(),
        gate: wanted.gate,
        bases: wanted.bases.clone(),
        base_tree: wanted.base_tree.clone(),
        entries: wanted.entries.clone(),
        comparison,
        outcome: Outcome::Kept,
    });
}
