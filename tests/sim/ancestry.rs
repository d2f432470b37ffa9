//! Which commit of a modelled repository leads to which.

use std::collections::BTreeSet;

use paddock_model::ids::ObjectId;

/// Whether the first commit is the second, or an ancestor of it. `of` gives a commit's generation, which is larger than
/// that of each parent, and its parents.
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
