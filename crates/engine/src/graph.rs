//! The graph of dependencies: its cycles, and the length of the chain of dependents behind each node.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

/// A cycle of dependencies: each node depends on the next, and the last on the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cycle<K>(pub Vec<K>);

impl<K: fmt::Display> fmt::Display for Cycle<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for key in &self.0 {
            write!(f, "{key} -> ")?;
        }
        match self.0.first() {
            Some(first) => write!(f, "{first}"),
            None => Ok(()),
        }
    }
}

/// A dependency on a node that does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unknown<K> {
    /// Node that has the dependency.
    pub node: K,
    /// Name that no node has.
    pub dependency: K,
}

/// A graph of nodes and their dependencies.
#[derive(Debug, Clone)]
pub(crate) struct Graph<K> {
    /// An edge goes from a node to each of its dependencies.
    edges: DiGraph<K, ()>,
    places: BTreeMap<K, NodeIndex>,
    unknown: Vec<Unknown<K>>,
}

impl<K: Ord + Clone> Graph<K> {
    /// Returns the graph of these nodes and their dependencies. A node given twice has the dependencies of
    /// both.
    pub(crate) fn from_edges(nodes: impl IntoIterator<Item = (K, Vec<K>)>) -> Self {
        let mut wanted: BTreeMap<K, BTreeSet<K>> = BTreeMap::new();
        for (node, dependencies) in nodes {
            wanted.entry(node).or_default().extend(dependencies);
        }
        let mut edges = DiGraph::with_capacity(wanted.len(), wanted.len());
        let places: BTreeMap<K, NodeIndex> =
            wanted.keys().map(|key| (key.clone(), edges.add_node(key.clone()))).collect();
        let mut unknown = Vec::new();
        for (node, dependencies) in wanted {
            let from = places[&node];
            for dependency in dependencies {
                match places.get(&dependency) {
                    Some(&to) => _ = edges.add_edge(from, to, ()),
                    None => unknown.push(Unknown { node: node.clone(), dependency }),
                }
            }
        }
        Self { edges, places, unknown }
    }

    /// Returns the dependencies on nodes that do not exist, in order.
    #[must_use]
    pub(crate) fn unknown_dependencies(&self) -> &[Unknown<K>] {
        &self.unknown
    }

    /// Returns a cycle, if there is one: the shortest cycle through the smallest node that is in any cycle.
    /// The choice makes the message the same in every run.
    #[must_use]
    pub(crate) fn find_cycle(&self) -> Option<Cycle<K>> {
        let start = kosaraju_scc(&self.edges)
            .into_iter()
            // A component of one node is a cycle only if the node depends on itself.
            .filter(|group| group.len() > 1 || self.edges.contains_edge(group[0], group[0]))
            .filter_map(|group| group.into_iter().min())
            .min()?;
        self.shortest_cycle_through(start)
    }

    fn shortest_cycle_through(&self, start: NodeIndex) -> Option<Cycle<K>> {
        // Breadth first, so that the first way back to the start is a shortest one.
        let mut came_from: BTreeMap<NodeIndex, NodeIndex> = BTreeMap::new();
        let mut waiting = VecDeque::from([start]);
        while let Some(node) = waiting.pop_front() {
            for next in self.edges.neighbors(node) {
                if next == start {
                    let mut way = vec![node];
                    while let Some(&before) = way.last().and_then(|last| came_from.get(last)) {
                        way.push(before);
                    }
                    way.reverse();
                    return Some(Cycle(way.into_iter().map(|place| self.edges[place].clone()).collect()));
                }
                if let std::collections::btree_map::Entry::Vacant(entry) = came_from.entry(next) {
                    entry.insert(node);
                    waiting.push_back(next);
                }
            }
        }
        None
    }

    /// Returns, for every node, the length of the longest chain of dependents that begins with it, the node
    /// itself included.
    ///
    /// The nodes of a cycle never start. They count as one step in parallel, so that the length stays finite.
    #[must_use]
    pub(crate) fn critical_path(&self) -> BTreeMap<K, u32> {
        let groups = kosaraju_scc(&self.edges);
        let mut group_of = vec![0; self.edges.node_count()];
        for (number, group) in groups.iter().enumerate() {
            for place in group {
                group_of[place.index()] = number;
            }
        }
        // `kosaraju_scc` returns components with dependencies first. Going backwards, the lengths of all
        // dependents are known before the node's own is computed.
        let mut length = vec![1_u32; self.edges.node_count()];
        for group in groups.iter().rev() {
            for &place in group {
                let behind = self
                    .edges
                    .neighbors_directed(place, petgraph::Direction::Incoming)
                    .filter(|other| group_of[other.index()] != group_of[place.index()])
                    .map(|other| length[other.index()])
                    .max();
                length[place.index()] = 1 + behind.unwrap_or(0);
            }
        }
        self.places.iter().map(|(key, place)| (key.clone(), length[place.index()])).collect()
    }
}

#[cfg(test)]
#[path = "graph_tests.rs"]
mod tests;
