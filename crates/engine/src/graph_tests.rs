use proptest::prelude::*;

use super::*;

fn graph(nodes: &[(&'static str, &[&'static str])]) -> Graph<&'static str> {
    Graph::from_edges(nodes.iter().map(|(node, after)| (*node, after.to_vec())))
}

#[test]
fn a_cycle_is_printed_from_its_first_node_back_to_it() {
    let found = graph(&[("d", &["a"]), ("a", &["b"]), ("b", &["c"]), ("c", &["a", "d"])]).find_cycle();
    assert_eq!(found.unwrap().to_string(), "a -> b -> c -> a");
    assert_eq!(graph(&[("x", &["x"])]).find_cycle().unwrap().to_string(), "x -> x");
    assert_eq!(graph(&[("a", &[]), ("b", &["a"]), ("c", &["a", "b"])]).find_cycle(), None);
}

#[test]
fn unknown_dependencies_are_named() {
    let graph = graph(&[("a", &["nope"]), ("b", &[])]);
    assert_eq!(graph.unknown_dependencies(), [Unknown { node: "a", dependency: "nope" }]);
}

#[test]
fn the_critical_path_counts_the_longest_chain_of_dependents() {
    let graph = graph(&[("a", &[]), ("b", &["a"]), ("c", &["b"]), ("d", &["a"]), ("e", &[])]);
    let lengths = graph.critical_path();
    assert_eq!(lengths, BTreeMap::from([("a", 3), ("b", 2), ("c", 1), ("d", 1), ("e", 1)]));
}

#[test]
fn ten_thousand_nodes_in_one_chain_are_no_trouble() {
    let chain = (0..10_000_u32).map(|n| (n, if n == 0 { vec![] } else { vec![n - 1] }));
    let graph = Graph::from_edges(chain);
    assert_eq!(graph.find_cycle(), None);
    assert_eq!(graph.critical_path()[&0], 10_000);
}

fn any_edges() -> impl Strategy<Value = Vec<(u8, Vec<u8>)>> {
    prop::collection::vec(prop::collection::vec(0_u8..12, 0..3), 12)
        .prop_map(|all| all.into_iter().enumerate().map(|(n, after)| (n as u8, after)).collect())
}

/// Returns whether every node can be finished after its dependencies: repeatedly removing the nodes without
/// open dependencies removes all of them.
fn can_be_finished(nodes: &[(u8, Vec<u8>)]) -> bool {
    let mut done = BTreeSet::new();
    loop {
        let next =
            nodes.iter().find(|(n, after)| !done.contains(n) && after.iter().all(|d| done.contains(d)));
        match next {
            Some((n, _)) => _ = done.insert(*n),
            None => return done.len() == nodes.len(),
        }
    }
}

proptest! {
    #[test]
    fn a_cycle_is_found_exactly_when_not_all_can_be_finished(nodes in any_edges()) {
        let graph = Graph::from_edges(nodes.clone());
        let found = graph.find_cycle();
        prop_assert_eq!(found.is_none(), can_be_finished(&nodes));
        if let Some(Cycle(way)) = found {
            let distinct: BTreeSet<_> = way.iter().collect();
            prop_assert_eq!(distinct.len(), way.len());
            for (index, node) in way.iter().enumerate() {
                let next = way[(index + 1) % way.len()];
                prop_assert!(nodes[usize::from(*node)].1.contains(&next));
            }
        }
    }

    #[test]
    fn chains_grow_by_one_from_dependent_to_dependency(nodes in any_edges()) {
        let nodes: Vec<_> = nodes.into_iter()
            .map(|(n, after)| (n, after.into_iter().filter(|&d| d < n).collect::<Vec<_>>()))
            .collect();
        let graph = Graph::from_edges(nodes.clone());
        let lengths = graph.critical_path();
        for (node, &length) in &lengths {
            let dependents = nodes.iter().filter(|(_, after)| after.contains(node));
            let behind = dependents.map(|(n, _)| lengths[n]).max().unwrap_or(0);
            prop_assert_eq!(length, behind + 1);
        }
    }
}
