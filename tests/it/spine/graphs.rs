//! Dependency graphs: chains, fans, diamonds and layers land completely, each objective after its
//! dependencies.

use std::fs;
use std::path::Path;

use paddock_testkit::{Sandbox, count, is, place_of};
use serde_json::Value;

type Planned = (String, Vec<String>, String, String);

/// An objective that fails unless the files of its dependencies are there, and then commits its own.
fn objective(id: &str, depends_on: &[String]) -> Planned {
    let mut script = String::new();
    for dependency in depends_on {
        script += &format!("test \"$(cat work/{dependency}.txt)\" = {dependency}\n");
    }
    script += &format!("commit work/{id}.txt {id}\nover");
    (id.to_owned(), depends_on.to_vec(), format!("work/{id}.txt"), script)
}

fn all_land_in_order(place: &Sandbox, repository: &Path, objectives: &[Planned]) -> Vec<Value> {
    place.plan(objectives);
    let events = place.idle(0);
    for (id, depends_on, ..) in objectives {
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
    place.is_tidy(repository, objectives.len());
    one_merge_each(place, repository, objectives);
    assert_eq!(place.run(&["run", "--no-tui", "--until-idle"]).0, 0, "a second run finds nothing to do");
    events
}

/// Asserts that each objective has exactly one merge on the first-parent line, with its trailers.
fn one_merge_each(place: &Sandbox, repository: &Path, objectives: &[Planned]) {
    let format = "--format=%P|%s|%(trailers:key=Paddock-Objective,valueonly,separator=)|%(trailers:key=Paddock-Session,valueonly,separator=)";
    let log = place.git(repository, &["log", "--first-parent", format, "main"]);
    for (id, ..) in objectives {
        let subject = format!("|Merge objective '{id}' [{id}]|{id}|");
        let merges: Vec<&str> = log.lines().filter(|line| line.contains(&subject)).collect();
        assert_eq!(merges.len(), 1, "{id}: {log}");
        assert_eq!(merges[0].split('|').next().unwrap().split(' ').count(), 2, "{id} is a merge of two");
        assert!(merges[0].rsplit('|').next().unwrap().parse::<u64>().is_ok(), "{}", merges[0]);
    }
}

/// Returns the largest number of sessions that ran at once.
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
    let objectives: Vec<Planned> = (0..10).map(|n| objective(&ids[n], &before(n))).collect();
    let events = all_land_in_order(&place, &repository, &objectives);
    assert_eq!(most_at_once(&events), 1);
}

#[test]
fn a_fan_of_forty_fills_eight_slots_and_lands() {
    let place = Sandbox::new();
    let repository = place.project("fan", "max_parallel_sessions: 8");
    let mut objectives = vec![objective("root", &[])];
    objectives.extend(names("leaf", 40).iter().map(|id| objective(id, &["root".to_owned()])));
    for (id, _, _, script) in &mut objectives[1..] {
        // No session ends before eight have begun, so the test does not depend on speed.
        let meet =
            format!("touch $NOTES/at.{id}; until test $(ls $NOTES/at.* | wc -l) -ge 8; do sleep 0.02; done");
        *script = format!("{meet}\n{script}");
    }
    let events = all_land_in_order(&place, &repository, &objectives);
    assert_eq!(most_at_once(&events), 8);
}

#[test]
fn diamonds_land_and_each_join_has_both_sides() {
    let place = Sandbox::new();
    let repository = place.project("diamonds", "max_parallel_sessions: 4");
    let mut objectives = vec![objective("top0", &[])];
    for n in 0..3 {
        let (top, left, right) = (format!("top{n}"), format!("left{n}"), format!("right{n}"));
        objectives.push(objective(&left, std::slice::from_ref(&top)));
        objectives.push(objective(&right, std::slice::from_ref(&top)));
        objectives.push(objective(&format!("top{}", n + 1), &[top, left, right]));
    }
    all_land_in_order(&place, &repository, &objectives);
}

#[test]
fn five_layers_of_eight_land_layer_on_layer() {
    let place = Sandbox::new();
    let repository = place.project("layers", "max_parallel_sessions: 8");
    let mut objectives = Vec::new();
    for layer in 0..5_i32 {
        for n in 0..8 {
            let below = (0..3).map(|step| format!("n{}-{}", layer - 1, (n + step * 3) % 8));
            let below: Vec<String> = if layer == 0 { vec![] } else { below.collect() };
            objectives.push(objective(&format!("n{layer}-{n}"), &below));
        }
    }
    all_land_in_order(&place, &repository, &objectives);
}

#[test]
fn a_worktree_is_made_of_the_files_of_one_before_and_nothing_is_left_of_it() {
    let place = Sandbox::new();
    let repository = place.project("pool", "verify: [{name: tests, run: 'true'}]");
    let known = repository.join(".git/paddock/pool").display().to_string();
    let scripts = [
        // What the next one must not find.
        ("a", "echo out > .gitignore; mkdir -p out/in; echo mine > out/in/x".to_owned()),
        // By now the worktree of `a` is removed, or is about to be.
        (
            "b",
            format!(
                "until ls {known}/*/*/ready.json; do sleep 0.02; done\n\
                 ls -i ../_pool/*/README.md | cut -d' ' -f1 > $NOTES/kept"
            ),
        ),
        ("c", "ls -i README.md | cut -d' ' -f1 > $NOTES/used; ls > $NOTES/found".to_owned()),
    ];
    let mut before: Vec<String> = Vec::new();
    let objectives = scripts.map(|(id, script)| {
        let after = std::mem::replace(&mut before, vec![id.to_owned()]);
        (
            id.to_owned(),
            after,
            "{*.txt,.gitignore}".to_owned(),
            format!("{script}\ncommit {id}.txt {id}\nover"),
        )
    });
    place.plan(&objectives);
    place.idle(0);
    let note = |name: &str| fs::read_to_string(place.note(name)).unwrap();
    assert_eq!(note("kept"), note("used"), "`c` works with the files of `a`");
    assert_eq!(note("found").split_whitespace().collect::<Vec<_>>(), ["README.md", "a.txt", "b.txt"]);
    place.is_tidy(&repository, 3);
}
