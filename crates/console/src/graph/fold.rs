//! Lines of the list: headings, objectives, and runs of finished ones folded into one.

use std::collections::BTreeSet;

use super::Node;

/// A finished run is folded from this length on; a shorter one would hide more than it saves.
const RUN_MIN: usize = 3;

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// A heading.
    Heading {
        /// Which one.
        group: u32,
        /// Whether it has stood further up already: dependencies lead back to it.
        again: bool,
    },
    /// One node.
    Node(u32),
    /// Nodes that are done and that nothing unfinished waits for, as one line.
    Folded(Vec<u32>),
}

impl Row {
    /// The nodes of the line.
    #[must_use]
    pub(crate) fn nodes(&self) -> &[u32] {
        match self {
            Self::Heading { .. } => &[],
            Self::Node(at) => std::slice::from_ref(at),
            Self::Folded(nodes) => nodes,
        }
    }

    /// Whether it can be selected.
    #[must_use]
    pub(crate) fn is_selectable(&self) -> bool {
        !matches!(self, Self::Heading { .. })
    }
}

/// What is folded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Folds {
    /// Whether finished runs are folded at all.
    pub is_on: bool,
    /// Nodes that a person unfolded.
    pub shown: BTreeSet<u32>,
    /// Whether there are headings.
    pub has_headings: bool,
}

/// The lines for nodes in this order (as [`super::order()`] gives it).
///
/// A node is folded away when it is done and so is everything that needs it: what unfinished work rests on
/// stays in sight.
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
        if is_new || !folds_away(at) {
            close(&mut run, &mut out);
        }
        if is_new {
            group = Some(heading);
            out.push(Row::Heading { group: heading, again: !seen.insert(heading) });
        }
        if folds_away(at) { run.push(at) } else { out.push(Row::Node(at)) }
    }
    close(&mut run, &mut out);
    out
}

fn close(run: &mut Vec<u32>, out: &mut Vec<Row>) {
    let run = std::mem::take(run);
    if run.len() >= RUN_MIN {
        out.push(Row::Folded(run));
    } else {
        out.extend(run.into_iter().map(Row::Node));
    }
}
