//! Programs that git's configuration names: what nobody agreed to is off and named, and holds only work that
//! needs it. git LFS works without a question.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use paddock_testkit::git::{commit_all, git};
use paddock_testkit::{Sandbox, count};
use serde_json::Value;

const GATE: &str = "workplace: worktree\nverify: [{name: tests, run: \"true\"}]\n";

/// An agent's script that configures programs which no file needs, adds a remote and makes its worktree sparse.
const UNNEEDED: &str = r#"
sprung="touch $home/sprung"
echo one > one.txt; git add one.txt; git commit --quiet -m One
git config filter.evil.smudge "$sprung; cat"
git config merge.evil.driver "$sprung"
git config lfs.customtransfer.evil.path "$sprung"
git config lfs.standalonetransferagent evil
git remote add elsewhere "ext::$sprung"
git sparse-checkout set --no-cone '/*'; git sparse-checkout disable
printf '[filter "own"]\n\tclean = %s\n' "$sprung" >> "$GIT_CONFIG_GLOBAL"
git config core.editor "$sprung"
rm -f "$home/sprung"
"#;

fn off(event: &Value) -> Vec<&str> {
    event["data"]["entries"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
}

#[test]
fn what_no_file_needs_is_off_and_named_once_and_work_goes_on() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple(GATE);
    place.script("one", UNNEEDED);
    place.objectives(&["one", "two < one"]);
    assert_eq!(place.until_idle(), 0, "{}", place.status("p"));
    place.nobody_is_left();
    assert!(!place.path("sprung").exists(), "a program ran");
    assert_eq!(fs::read(repository.join("two.txt")).unwrap(), b"by two\n");
    let wanted = [
        "config core.editor",
        "config filter.evil.smudge",
        "config lfs.customtransfer.evil.path",
        "config lfs.standalonetransferagent",
        "config merge.evil.driver",
        "global filter.own.clean",
    ];
    let events = place.events();
    let named: Vec<&Value> = events.iter().filter(|event| event["type"] == "config_switched_off").collect();
    assert_eq!(off(named.last().unwrap()), wanted);
    assert_eq!(count(&events, "project_held", "*"), 0);
    let (_, doctor) = place.outcome(&["doctor"]);
    let status = place.good(&["status"]);
    let shown = place.json(&["project", "show", "p", "--json"]);
    for name in wanted {
        assert!(doctor.contains(name), "{name}: {doctor}");
        let key = name.split_once(' ').unwrap().1;
        let listed = shown["git_configuration"].as_array().unwrap();
        assert!(listed.iter().any(|entry| entry["key"] == key && entry["state"] != "used"), "{key}: {shown}");
    }
    assert!(status.contains("switched off until `paddock project trust p`: config core.editor"), "{status}");
    // Looking again says nothing new. Agreeing ends it.
    let before = named.len();
    assert_eq!(place.until_idle(), 0);
    place.good(&["project", "trust", "p"]);
    assert_eq!(place.until_idle(), 0);
    let events = place.events();
    let named: Vec<&Value> = events.iter().filter(|event| event["type"] == "config_switched_off").collect();
    assert_eq!((named.len(), off(named.last().unwrap()).len()), (before + 1, 0));
}

#[test]
fn a_filter_of_the_repository_that_a_file_needs_waits_for_an_agreement() {
    let place = Sandbox::scripted("workspace");
    let repository = place.checkout("repo", "main");
    let program = format!("touch '{}'; tr a-z A-Z", place.path("ran").display());
    git(&repository, &["config", "filter.up.smudge", &program]);
    git(&repository, &["config", "filter.up.clean", "tr A-Z a-z"]);
    fs::write(repository.join(".gitattributes"), "*.up filter=up\n").unwrap();
    fs::write(repository.join("word.up"), "loud\n").unwrap();
    commit_all(&repository, "A file with a filter");
    drop(fs::remove_file(place.path("ran")));
    let (_, said) = place.outcome(&["project", "add", repository.to_str().unwrap(), "--slug", "p", "--yes"]);
    assert!(
        said.contains("stay off: filter.up.smudge, filter.up.clean") && said.contains("project trust p"),
        "{said}"
    );
    fs::remove_file(place.project_file("p")).unwrap();
    place.good(&["project", "remove", "p"]);
    place.register("p", &repository, "verify: [{name: tests, run: \"grep -q LOUD word.up\"}]\n");
    place.objectives(&["one"]);
    assert_eq!(place.until_idle(), 3);
    place.good(&["status"]);
    place.outcome(&["doctor"]);
    assert!(!place.path("ran").exists(), "the filter ran before anybody agreed to it");
    let reasons = place.status("p")["reasons"].to_string();
    assert!(reasons.contains("untrusted") && reasons.contains("filter=up for word.up"), "{reasons}");
    place.good(&["project", "trust", "p"]);
    assert_eq!(place.until_idle(), 0, "{}", place.status("p"));
    assert!(place.path("ran").exists());
}

/// The protocol of `filter.NAME.process`: each file is kept in a store, and its place is taken by a pointer.
const LFS: &str = r##"#!/usr/bin/env python3
import hashlib, os, sys
store = os.environ["HOME"] + "/store/"
i, o = sys.stdin.buffer, sys.stdout.buffer
def packet():
    n = int(i.read(4) or b"0000", 16)
    return i.read(n - 4) if n else None
def packets():
    return list(iter(packet, None))
def send(*lines):
    for line in lines:
        for at in range(0, len(line), 60000):
            part = line[at:at + 60000]
            o.write(b"%04x" % (len(part) + 4) + part)
    o.write(b"0000"); o.flush()
packets(); send(b"git-filter-server\n", b"version=2\n")
packets(); send(b"capability=clean\n", b"capability=smudge\n")
while True:
    head = packets()
    if not head: break
    data = b"".join(packets())
    if b"command=clean\n" in head:
        name = hashlib.sha256(data).hexdigest()
        open(store + name, "wb").write(data)
        data = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n" % (name.encode(), len(data))
    elif data.startswith(b"version https://git-lfs"):
        data = open(store + data.split(b"sha256:")[1].split()[0].decode(), "rb").read()
    send(b"status=success\n"); send(data); send()
"##;

fn lfs(place: &Sandbox) -> String {
    fs::create_dir_all(place.path("bin")).unwrap();
    fs::create_dir_all(place.path("store")).unwrap();
    let program = place.path("bin/git-lfs");
    fs::write(&program, LFS).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let standard = "[filter \"lfs\"]\n\tclean = git-lfs clean -- %f\n\tsmudge = git-lfs smudge -- %f\n\tprocess = \
                    git-lfs filter-process\n\trequired = true\n";
    let file = place.path("gitconfig");
    let before = fs::read_to_string(&file).unwrap_or_default();
    fs::write(file, before + standard).unwrap();
    format!("{}:{}", place.path("bin").display(), std::env::var("PATH").unwrap())
}

fn git_with(place: &Sandbox, path: &str, repository: &Path, arguments: &[&str]) -> String {
    let mut git = place.program("git");
    let output = git.env("PATH", path).arg("-C").arg(repository).args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn files_in_git_lfs_go_through_worktree_gate_and_landing() {
    let place = Sandbox::scripted("workspace");
    // The project exists before git LFS is set up: its filters need no agreement.
    let repository =
        place.simple("workplace: worktree\nverify: [{name: tests, run: \"grep -q heavy big.bin\"}]\n");
    let path = lfs(&place);
    fs::write(repository.join(".gitattributes"), "*.bin filter=lfs -text\n").unwrap();
    fs::write(repository.join("big.bin"), "heavy 1\n").unwrap();
    git_with(&place, &path, &repository, &["add", "--all"]);
    git_with(&place, &path, &repository, &["commit", "--quiet", "-m", "A large file"]);
    let pointer = git_with(&place, &path, &repository, &["show", "HEAD:big.bin"]);
    assert!(pointer.starts_with("version https://git-lfs"), "{pointer}");
    place.script(
        "one",
        "grep -q 'heavy 1' big.bin || exit 1\necho 'heavy 2' > big.bin; git commit --quiet -a -m Heavier\n\
         git config lfs.customtransfer.evil.path 'touch sprung'\n",
    );
    place.objectives(&["one : big.bin"]);
    let mut run = place.paddock(&["run", "--no-tui", "--until-idle", "--no-planner"]);
    let output = run.env("PATH", &path).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?} {}", place.status("p"));
    assert_eq!(fs::read_to_string(repository.join("big.bin")).unwrap(), "heavy 2\n");
    let pointer = git_with(&place, &path, &repository, &["show", "main:big.bin"]);
    assert!(pointer.starts_with("version https://git-lfs"), "{pointer}");
    assert_eq!(place.status("p")["git_configuration_off"][0], "config lfs.customtransfer.evil.path");
}
