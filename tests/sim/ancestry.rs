//! Ancestry of commits in modelled repositories.

use std::collections::BTreeSet;

use paddock_model::ids::ObjectId;

/// Returns whether `old` is `new` or an ancestor of it. `of` returns a commit's generation and its parents;
/// the generation is larger than that of each parent, so the search need not go below that of `old`.
pub(crate) fn is_in<'c, G: PartialOrd>(
    old: &ObjectId,
    new: &'c ObjectId,
    of: impl Fn(&ObjectId) -> (G, &'c [ObjectId]),
) -> bool {
    let (floor, _) = of(old);
    let mut seen = BTreeSet::new();
    let mut todo = vec![new];
    while let Some(id) = todo.pop() {
        if id == old {
            return true;
        }
        let (generation, parents) = of(id);
        if generation > floor && seen.insert(id) {
            todo.extend(parents);
        }
    }
    false
}
