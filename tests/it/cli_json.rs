//! What `--json` prints: a JSON document, whatever the state of the workspace.

use std::collections::BTreeSet;
use std::fs;

use paddock_testkit::Sandbox;
use serde_json::Value;

/// Read commands with `--json`, with arguments for the workspace of the tests.
const READS: [&str; 30] = [
    "agent check",
    "agent list",
    "config show",
    "config validate",
    "doctor",
    "events",
    "explain",
    "explain one",
    "goal list",
    "goal show shop",
    "milestone list",
    "milestone show first",
    "objective list",
    "objective show one",
    "phase list",
    "phase show begin",
    "plan show",
    "project list",
    "project show",
    "queue list",
    "report",
    "salvage list",
    "session list",
    "session list --all",
    "session show 1",
    "status",
    "status --all",
    "supervisor status",
    "template list",
    "verify",
];
/// Commands with `--json` that change something, or that run for long.
const OTHERS: [&str; 8] =
    ["demo", "goal import", "objective add", "objective retry", "plan", "plan apply", "plan now", "run"];

/// Runs each read command, which must print JSON, or nothing if it fails. Returns those that printed some.
fn read_all(place: &Sandbox) -> BTreeSet<&'static str> {
    let mut printed = BTreeSet::new();
    for command in READS {
        let mut arguments: Vec<&str> = command.split(' ').collect();
        arguments.push("--json");
        let (code, stdout, stderr) = place.run(&arguments);
        // `events` prints one document per line, and so none where there is no event.
        let is_json = serde_json::from_str::<Value>(&stdout).is_ok()
            || (command == "events"
                && stdout.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
        let is_refused = stdout.is_empty() && code != 0 && !stderr.is_empty();
        assert!(is_json || is_refused, "{command}: {code}\n{stdout}{stderr}");
        printed.extend(is_json.then_some(command));
    }
    printed
}

#[test]
fn each_read_command_prints_json_in_every_state_of_the_workspace() {
    let place = Sandbox::new();
    let of_nothing = read_all(&place);
    for command in
        ["agent list", "config validate", "doctor", "explain", "project list", "queue list", "status"]
    {
        assert!(of_nothing.contains(command), "{command} in an empty workspace: {of_nothing:?}");
    }
    place.project("web", "verify: []");
    place.objective("one", "commit one.txt\nover", &[]);
    place.idle(0);
    let goals = place.root().join("goals.md");
    fs::write(&goals, "# Goal: Shop\n## Milestone: First\n### Phase: Begin\n").unwrap();
    place.good(&["goal", "import", goals.to_str().unwrap()]);
    let of_work = read_all(&place);
    assert_eq!(of_work.len(), READS.len(), "{of_work:?}");
    // A project file that cannot be read: what was read last is still shown.
    fs::write(place.root().join("projects/web.yaml"), "slug: [\n").unwrap();
    let broken = read_all(&place);
    assert_eq!(broken, of_work);
    let shown = place.json(&["session", "show", "1", "--json"]);
    let listed = &place.json(&["status", "--all", "--json"])["projects"][0]["sessions"][0];
    assert_eq!(&shown["listed"], listed);
    for (name, value) in listed.as_object().unwrap() {
        assert!(shown.get(name).is_some(), "{name}: {value}");
    }
}

/// Returns each command, by its full name, whose help has `--json`.
fn with_json(place: &Sandbox, command: &[&str], found: &mut BTreeSet<String>) {
    let help = place.good(&[command, &["--help"]].concat());
    if !command.is_empty() && help.contains("--json") && help.contains("Output") {
        found.insert(command.join(" "));
    }
    let mut lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = lines.by_ref().take_while(|line| !line.is_empty());
    let names: Vec<&str> = names
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    for name in names {
        with_json(place, &[command, &[name]].concat(), found);
    }
}

#[test]
fn no_command_with_json_is_left_out_here() {
    let place = Sandbox::new();
    let mut found = BTreeSet::new();
    with_json(&place, &[], &mut found);
    let known = |name: &String| {
        OTHERS.contains(&name.as_str()) || READS.iter().any(|read| read.starts_with(name.as_str()))
    };
    let unknown: Vec<&String> = found.iter().filter(|name| !known(name)).collect();
    assert!(unknown.is_empty() && found.contains("queue list"), "{unknown:?} of {found:?}");
}
