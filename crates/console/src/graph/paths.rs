//! What belongs to the selection, and which chain is the longest.

use super::Node;

/// How a node stands to the selected one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Kin {
    /// It is the selected one, or the selected one needs it, directly or through others.
    pub is_above: bool,
    /// It is the selected one, or needs it, directly or through others.
    pub is_below: bool,
}

impl Kin {
    /// Whether it is the selected one, or has to do with it.
    #[must_use]
    pub(crate) fn is_any(self) -> bool {
        self.is_above || self.is_below
    }

    /// Of two nodes folded into one line.
    #[must_use]
    pub(crate) fn or(self, other: Self) -> Self {
        Self { is_above: self.is_above || other.is_above, is_below: self.is_below || other.is_below }
    }
}

/// For every node how it stands to the selected ones. `order` is [`super::order()`]'s.
#[must_use]
pub(crate) fn kin(nodes: &[Node], order: &[u32], selected: &[u32]) -> Vec<Kin> {
    let mut kin = vec![Kin::default(); nodes.len()];
    for &at in selected {
        if let Some(kin) = kin.get_mut(at as usize) {
            *kin = Kin { is_above: true, is_below: true };
        }
    }
    let needs = |at: u32| nodes[at as usize].needs.iter().filter(|&&need| (need as usize) < nodes.len());
    // Needs come before what needs them: one sweep each way.
    for &at in order {
        kin[at as usize].is_below |= needs(at).any(|&need| kin[need as usize].is_below);
    }
    for &at in order.iter().rev() {
        if kin[at as usize].is_above {
            for &need in needs(at) {
                kin[need as usize].is_above = true;
            }
        }
    }
    kin
}

/// The longest chain of unfinished nodes, each needing the one before: what the end waits for whatever else
/// goes well. Empty when no two unfinished nodes depend on each other. Of equal chains the one whose nodes
/// stand further up.
#[must_use]
pub fn critical(nodes: &[Node], order: &[u32]) -> Vec<u32> {
    let mut length = vec![0_u32; nodes.len()];
    let mut next: Vec<Option<u32>> = vec![None; nodes.len()];
    for &at in order.iter().rev() {
        let node = &nodes[at as usize];
        if node.is_done {
            continue;
        }
        length[at as usize] += 1;
        let behind = length[at as usize];
        for &need in &node.needs {
            // Held until its own turn: one is added then. Later ones in this sweep stand further up.
            if let Some(of_need) = length.get_mut(need as usize).filter(|of_need| behind >= **of_need) {
                *of_need = behind;
                next[need as usize] = Some(at);
            }
        }
    }
    let unfinished = order.iter().filter(|&&at| !nodes[at as usize].is_done);
    let first = unfinished.copied().rev().max_by_key(|&at| length[at as usize]);
    let mut chain: Vec<u32> = Vec::new();
    let mut at = first.filter(|&at| length[at as usize] > 1);
    while let Some(here) = at.filter(|_| chain.len() < nodes.len()) {
        chain.push(here);
        at = next[here as usize];
    }
    chain
}
