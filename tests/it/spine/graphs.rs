//! Chains, fans, diamonds and layers: all land, in order, on what they depend on.

use std::path::Path;

use paddock_testkit::{Sandbox, count, is, place_of};
use serde_json::Value;

type Node = (String, Vec<String>, String, String);

/// An objective that fails unless its dependencies' files are there, then writes its own.
fn node(id: &str, depends_on: &[String]) -> Node {
    let mut script = String::new();
    for dependency in depends_on {
        script += &format!("test \"$(cat work/{dependency}.txt)\" = {dependency}\n");
    }
    script += &format!("commit work/{id}.txt {id}\nover");
    (id.to_owned(), depends_on.to_vec(), format!("work/{id}.txt"), script)
}

fn all_land_in_order(place: &Sandbox, repository: &Path, nodes: &[Node]) -> Vec<Value> {
    place.plan(nodes);
    let events = place.idle(0);
    for (id, depends_on, ..) in nodes {
        let begins = place_of(&events, "session_started", id);
        for dependency in depends_on {
            assert!(
                place_of(&events, "landed", dependency) < begins,
                "{id} began before {dependency} landed"
            );
        }
        assert_eq!(count(&events, "session_started", id), 1, "{id} needed one session");
        assert_eq!(count(&events, "landed", id), 1, "{id} landed once");
        assert_eq!(place.git(repository, &["show", &format!("main:work/{id}.txt")]), *id);
        assert!(repository.join(format!("work/{id}.txt")).is_file(), "the user's checkout follows");
    }
    place.is_tidy(repository, nodes.len());
    one_merge_each(place, repository, nodes);
    assert_eq!(place.run(&["run", "--no-tui", "--until-idle"]).0, 0, "a second run finds nothing to do");
    events
}

/// Every first-parent commit is the merge of one objective and says so.
fn one_merge_each(place: &Sandbox, repository: &Path, nodes: &[Node]) {
    let format = "--format=%P|%s|%(trailers:key=Paddock-Objective,valueonly,separator=)|%(trailers:key=Paddock-Session,valueonly,separator=)";
    let log = place.git(repository, &["log", "--first-parent", format, "main"]);
    for (id, ..) in nodes {
        let subject = format!("|Merge objective '{id}' [{id}]|{id}|");
        let merges: Vec<&str> = log.lines().filter(|line| line.contains(&subject)).collect();
        assert_eq!(merges.len(), 1, "{id}: {log}");
        assert_eq!(merges[0].split('|').next().unwrap().split(' ').count(), 2, "{id} is a merge of two");
        assert!(merges[0].rsplit('|').next().unwrap().parse::<u64>().is_ok(), "{}", merges[0]);
    }
}

/// The most sessions that ran at once.
fn most_at_once(events: &[Value]) -> usize {
    let (mut now, mut most) = (0_usize, 0);
    for event in events {
        if is(event, "session_planned", "*") {
            now += 1;
        } else if is(event, "session_ended", "*") {
            now -= 1;
        }
        most = most.max(now);
    }
    most
}

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{prefix}{n}")).collect()
}

#[test]
fn a_chain_of_ten_lands_one_on_the_other() {
    let place = Sandbox::new();
    let repository = place.project("chain", "");
    let ids = names("link", 10);
    let before = |n: usize| if n == 0 { vec![] } else { ids[..n].to_vec() };
    let nodes: Vec<Node> = (0..10).map(|n| node(&ids[n], &before(n))).collect();
    let events = all_land_in_order(&place, &repository, &nodes);
    assert_eq!(most_at_once(&events), 1);
}

#[test]
fn a_fan_of_forty_fills_eight_slots_and_lands() {
    let place = Sandbox::new();
    let repository = place.project("fan", "max_parallel_sessions: 8");
    let mut nodes = vec![node("root", &[])];
    nodes.extend(names("leaf", 40).iter().map(|id| node(id, &["root".to_owned()])));
    for (id, _, _, script) in &mut nodes[1..] {
        // Nobody goes on before eight have begun.
        let meet =
            format!("touch $NOTES/at.{id}; until test $(ls $NOTES/at.* | wc -l) -ge 8; do sleep 0.02; done");
        *script = format!("{meet}\n{script}");
    }
    let events = all_land_in_order(&place, &repository, &nodes);
    assert_eq!(most_at_once(&events), 8);
}

#[test]
fn diamonds_land_with_both_sides_in_what_joins_them() {
    let place = Sandbox::new();
    let repository = place.project("diamonds", "max_parallel_sessions: 4");
    let mut nodes = vec![node("top0", &[])];
    for n in 0..3 {
        let (top, left, right) = (format!("top{n}"), format!("left{n}"), format!("right{n}"));
        nodes.push(node(&left, std::slice::from_ref(&top)));
        nodes.push(node(&right, std::slice::from_ref(&top)));
        nodes.push(node(&format!("top{}", n + 1), &[top, left, right]));
    }
    all_land_in_order(&place, &repository, &nodes);
}

#[test]
fn five_layers_of_eight_land_layer_on_layer() {
    let place = Sandbox::new();
    let repository = place.project("layers", "max_parallel_sessions: 8");
    let mut nodes = Vec::new();
    for layer in 0..5_i32 {
        for n in 0..8 {
            let below = (0..3).map(|step| format!("n{}-{}", layer - 1, (n + step * 3) % 8));
            let below: Vec<String> = if layer == 0 { vec![] } else { below.collect() };
            nodes.push(node(&format!("n{layer}-{n}"), &below));
        }
    }
    all_land_in_order(&place, &repository, &nodes);
}
