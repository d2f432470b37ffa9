//! Rows of the list: headings, objectives, and runs of finished objectives folded into one row.

use std::collections::BTreeSet;

use super::Node;

/// Shortest run of finished nodes that is folded. A shorter one would hide more than it saves.
const RUN_MIN: usize = 3;

/// One row of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// A heading.
    Heading {
        /// The group that it names, as in [`Node::group`].
        group: u32,
        /// Whether the group has a heading further up already. Dependencies between groups can split a group.
        again: bool,
    },
    /// One node.
    Node(u32),
    /// Finished nodes that no unfinished node needs, folded into one row.
    Folded(Vec<u32>),
}

impl Row {
    /// Returns the nodes of the row.
    #[must_use]
    pub(crate) fn nodes(&self) -> &[u32] {
        match self {
            Self::Heading { .. } => &[],
            Self::Node(at) => std::slice::from_ref(at),
            Self::Folded(nodes) => nodes,
        }
    }

    /// Returns whether the row can be selected.
    #[must_use]
    pub(crate) fn is_selectable(&self) -> bool {
        !matches!(self, Self::Heading { .. })
    }
}

/// Options for [`rows`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Folds {
    /// Whether runs of finished nodes are folded.
    pub is_on: bool,
    /// Nodes that a person unfolded.
    pub shown: BTreeSet<u32>,
    /// Whether headings are shown.
    pub has_headings: bool,
}

/// Returns the rows of the list. `order` is the result of [`super::order()`].
///
/// A node is folded only if it and all nodes that need it are
/// done. The direct needs of unfinished work stay visible.
#[must_use]
pub fn rows(nodes: &[Node], order: &[u32], folds: &Folds) -> Vec<Row> {
    let mut is_needed = vec![false; nodes.len()];
    for node in nodes.iter().filter(|node| !node.is_done) {
        for &need in &node.needs {
            if let Some(flag) = is_needed.get_mut(need as usize) {
                *flag = true;
            }
        }
    }
    let folds_away = |at: u32| {
        let index = at as usize;
        folds.is_on && nodes[index].is_done && !is_needed[index] && !folds.shown.contains(&at)
    };
    let mut out = Vec::with_capacity(order.len());
    let mut run: Vec<u32> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut group = None;
    for &at in order {
        let heading = nodes[at as usize].group;
        let is_new = folds.has_headings && group != Some(heading);
        // A fold never spans a heading, and ends before a node that is shown.
        if is_new || !folds_away(at) {
            flush(&mut run, &mut out);
        }
        if is_new {
            group = Some(heading);
            out.push(Row::Heading { group: heading, again: !seen.insert(heading) });
        }
        if folds_away(at) { run.push(at) } else { out.push(Row::Node(at)) }
    }
    flush(&mut run, &mut out);
    out
}

/// Moves a run of finished nodes into the rows, folded if it is long enough.
fn flush(run: &mut Vec<u32>, out: &mut Vec<Row>) {
    let run = std::mem::take(run);
    if run.len() >= RUN_MIN {
        out.push(Row::Folded(run));
    } else {
        out.extend(run.into_iter().map(Row::Node));
    }
}
