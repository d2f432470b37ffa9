//! Review of facts: scope, protected paths, and uncommitted files.

use std::fs;

use paddock_testkit::Sandbox;
use paddock_testkit::git::git;

/// Makes an agent that runs `first` in its first session and `then` in every later one.
fn two_sessions(place: &Sandbox, first: &str, then: &str) {
    place.script("one", &format!("if [ \"$PADDOCK_SESSION\" = 1 ]; then\n{first}\nelse\n{then}\nfi\n"));
}

const WORK: &str = "echo one > one.txt; git add .; git commit --quiet -m One";

fn kinds(place: &Sandbox) -> Vec<String> {
    place.starts().into_iter().map(|(.., kind)| kind).collect()
}

/// Asserts that a first session that also changes `path` is corrected: the prompt of the second one names the
/// path, it undoes the change, and the work lands.
fn corrected(lines: &str, path: &str, says: &str) {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple(lines);
    let folder = path.rsplit_once('/').map_or(".", |(folder, _)| folder);
    let first = format!("mkdir -p '{folder}'; echo x > '{path}'\n{WORK}");
    two_sessions(&place, &first, &format!("git rm --quiet '{path}'; git commit --quiet -m 'Take it back'"));
    let scope = if says.contains("scope") { "one : one.txt" } else { "one : **" };
    place.objectives(&[scope]);
    assert_eq!(place.until_idle(), 0);
    place.nobody_is_left();
    assert_eq!(kinds(&place), ["work", "correction"]);
    let prompt = place.prompt(2);
    assert!(prompt.contains(says) && prompt.contains(path), "{prompt}");
    assert_eq!(git(&repository, &["show", "main:one.txt"]), "one");
    let names = git(&repository, &["ls-tree", "--name-only", "-r", "-z", "main"]);
    assert!(!names.split('\0').any(|name| name == path), "{names}");
}

#[test]
fn a_file_out_of_scope_is_corrected_and_the_work_lands() {
    corrected("", "elsewhere/x.rs", "which is outside the scope");
}

#[test]
fn a_protected_file_is_corrected_and_the_work_lands() {
    corrected("integrator_only_patterns: [\"文档/**\"]\n", "文档/x.md", "which is protected");
}

#[test]
fn the_projects_own_configuration_is_always_protected() {
    corrected("", ".paddock/project.yaml", "which is protected");
}

#[test]
fn a_change_that_is_reverted_within_the_session_passes() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("");
    let first = format!(
        "echo x > b.txt; git commit --quiet -a -m Wrong\ngit revert --no-edit HEAD > /dev/null\n{WORK}"
    );
    place.script("one", &first);
    place.objectives(&["one"]);
    assert_eq!(place.until_idle(), 0);
    place.nobody_is_left();
    assert_eq!(kinds(&place), ["work"]);
    assert_eq!(git(&repository, &["show", "main:b.txt"]), "b");
}

#[test]
fn when_retries_are_spent_a_person_is_asked_with_the_reason() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("recovery: {max_retries: 1}\n");
    place.script("one", "echo x >> b.txt; git commit --quiet -a -m Wrong\n");
    place.objectives(&["one", "two < one"]);
    assert_eq!(place.until_idle(), 3);
    place.nobody_is_left();
    let one = place.status_of("one");
    assert_eq!((&one["status"], &one["reason"]["code"]), (&"needs_review".into(), &"retries_spent".into()));
    let text = one["reason"]["text"].as_str().unwrap();
    assert!(text.contains("changed `b.txt`, which is outside the scope `one.txt`"), "{text}");
    assert_eq!(place.status_of("two")["status"], "todo");
    assert_eq!(git(&repository, &["show", "main:b.txt"]), "b");
    git(&repository, &["rev-parse", "--verify", "paddock/one/work"]);
}

#[test]
fn forgotten_changes_are_salvaged_and_corrected() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("");
    fs::write(repository.join(".env"), "SECRET=1\n").unwrap();
    let first = "grep -q SECRET .env; echo one > one.txt; echo '说明' > '忘 了.txt'; echo changed > b.txt";
    two_sessions(&place, first, &format!("rm '忘 了.txt'; git checkout --quiet b.txt; {WORK}"));
    place.objectives(&["one"]);
    assert_eq!(place.until_idle(), 0);
    place.nobody_is_left();
    assert_eq!(kinds(&place), ["work", "correction"]);
    let prompt = place.prompt(2);
    assert!(
        prompt.contains("uncommitted") && prompt.contains("忘 了.txt") && prompt.contains("b.txt"),
        "{prompt}"
    );
    let salvage = "refs/paddock/salvage/one/1";
    let names = git(&repository, &["-c", "core.quotePath=false", "ls-tree", "--name-only", salvage]);
    assert_eq!(names.lines().collect::<Vec<_>>(), [".gitignore", "a.txt", "b.txt", "one.txt", "忘 了.txt"]);
    assert_eq!(git(&repository, &["show", &format!("{salvage}:b.txt")]), "changed");
    assert_eq!(git(&repository, &["ls-tree", "--name-only", "main", ".env"]), "");
}

#[test]
fn a_copied_file_is_neither_committed_nor_salvaged() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("worktree: {copy: [\"settings.local\"]}\n");
    fs::write(repository.join("settings.local"), "mine\n").unwrap();
    let first = format!("grep -q mine settings.local; echo more >> settings.local; {WORK}");
    two_sessions(&place, &first, "git rm --quiet --cached settings.local; git commit --quiet -m Without");
    place.objectives(&["one : **"]);
    assert_eq!(place.until_idle(), 0);
    place.nobody_is_left();
    assert_eq!(kinds(&place), ["work", "correction"]);
    assert!(place.prompt(2).contains("settings.local"));
    assert_eq!(git(&repository, &["ls-tree", "--name-only", "main", "settings.local"]), "");
    assert_eq!(git(&repository, &["for-each-ref", "refs/paddock/salvage/"]), "");
    assert_eq!(fs::read(repository.join("settings.local")).unwrap(), b"mine\n");
}

/// Lands work with a script that also `makes` something that must not be deleted. Asserts that `finds` is
/// under `runtime/kept` once the worktree is gone.
fn kept(place: &Sandbox, makes: &str, finds: &str) {
    let repository = place.simple("");
    place
        .script("one", &format!("echo one > one.txt; git add one.txt; git commit --quiet -m One\n{makes}\n"));
    place.objectives(&["one"]);
    let mut running = place.supervisor(&[]);
    running.heard_of("worktree_removed", "one");
    running.stop();
    place.nobody_is_left();
    assert_eq!(git(&repository, &["show", "main:one.txt"]), "one");
    let folders: Vec<_> = fs::read_dir(place.root().join("runtime/kept")).unwrap().flatten().collect();
    assert_eq!(folders.len(), 1);
    assert!(folders[0].path().join(finds).exists());
    assert!(!place.path("p-wt/p/one").exists());
}

#[test]
fn a_nested_repository_is_kept_when_the_worktree_goes() {
    // An ignored name, so that review does not ask for a correction.
    kept(&Sandbox::scripted("workspace"), "mkdir x.log; git init --quiet x.log/repo", "x.log/repo/.git");
}

#[test]
fn a_file_too_large_to_salvage_is_never_deleted_with_its_worktree() {
    let place = Sandbox::scripted("workspace");
    // The file must appear after the harvest, so the worktree is kept until the user publishes.
    let repository = place.simple("land: {publish: manual}\n");
    place.script("one", "echo one > one.txt; git add one.txt; git commit --quiet -m One\n");
    place.objectives(&["one"]);
    let mut running = place.supervisor(&[]);
    running.heard_of("objective_done", "one");
    let worktree = place.status_of("one")["worktree"].as_str().unwrap().to_owned();
    let large = fs::File::create(format!("{worktree}/large.bin")).unwrap();
    large.set_len(60 << 20).unwrap();
    fs::write(format!("{worktree}/small.txt"), "small\n").unwrap();
    place.good(&["queue", "publish"]);
    running.heard_of("worktree_removed", "one");
    running.stop();
    place.nobody_is_left();
    let folders: Vec<_> = fs::read_dir(place.root().join("runtime/kept")).unwrap().flatten().collect();
    assert_eq!(folders.len(), 1);
    assert_eq!(folders[0].path().join("large.bin").metadata().unwrap().len(), 60 << 20);
    assert_eq!(git(&repository, &["show", "refs/paddock/salvage/one/1:small.txt"]), "small");
}

#[test]
fn a_large_file_left_by_an_agent_is_listed_and_left_in_place() {
    let place = Sandbox::scripted("workspace");
    place.simple("");
    let first = format!("{WORK}; truncate -s 60M large.bin");
    two_sessions(&place, &first, "[ \"$(stat -c %s large.bin)\" = 62914560 ]; rm large.bin");
    place.objectives(&["one"]);
    assert_eq!(place.until_idle(), 0);
    place.nobody_is_left();
    assert_eq!(kinds(&place), ["work", "correction"]);
    assert!(place.prompt(2).contains("large.bin"));
    let events = place.events();
    let ended = events.iter().find(|event| event["type"] == "session_ended").unwrap();
    assert_eq!(ended["data"]["harvest"]["salvage"]["left"], serde_json::json!(["large.bin"]));
}
