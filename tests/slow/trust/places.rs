//! Branch names, folders and files of every kind; repositories that cannot be used; files and branches that
//! are moved or deleted by hand under a running supervisor.

use std::fs;
use std::path::Path;

use paddock_testkit::git::{bytes, commit_all, commit_file, git};
use paddock_testkit::{Sandbox, Supervisor, until};

/// Asserts that an objective lands with these names of workspace, repository folder and branch.
fn lands(workspace: &str, folder: &str, branch: &str) {
    let place = Sandbox::scripted(workspace);
    let repository = place.checkout(folder, branch);
    place.register("p", &repository, "verify:\n  - {name: there, run: test -e one.txt}\n");
    place.objectives(&["one"]);
    assert_eq!(place.until_idle(), 0, "{folder}");
    place.nobody_is_left();
    assert_eq!(fs::read(repository.join("one.txt")).unwrap(), b"by one\n");
    let integration = format!("refs/paddock/integration/{branch}");
    assert_eq!(git(&repository, &["rev-parse", branch]), git(&repository, &["rev-parse", &integration]));
    assert_eq!(git(&repository, &["status", "--porcelain"]), "");
}

#[test]
fn any_branch_name_and_any_folder_works() {
    lands("work space", "a repo", "master");
    lands("it's \"here\"", "it's a \"repo\" $HOME", "release/1.0");
    lands("工作区", "仓库 一", "主干");
}

/// Script of an agent that commits every kind of file that git can hold.
const KINDS: &str = r#"
mkdir -p '目录 一' sub
echo 中文 > '目录 一/文件 名.txt'
echo quoted > "it's \"quoted\".txt"
echo newline > "$(printf 'new\nline.txt')"
printf 'latin' > "$(printf 'caf\351.txt')"
printf 'one\r\ntwo\r\n' > crlf.txt
printf 'text\r\nmore\r\n' > windows.bat
printf '\000\001\377' > binary.bin
: > empty
echo '#!/bin/sh' > run.sh; chmod 755 run.sh
chmod 644 was-executable
ln -s 'no where' link; ln -sf b.txt old-link
git -C module fetch --quiet origin && git -C module checkout --quiet "$(cat ../../next 2>/dev/null || cat "$home/next")"
git add --all; git commit --quiet -m Kinds
git rev-parse 'HEAD^{tree}' > "$home/tree"
"#;

/// Names that differ only in case, and names with line breaks, quotes and escape sequences: in files that
/// land, are in the way of publishing, or are left uncommitted.
#[test]
fn names_of_every_kind_are_shown_whole_and_lose_nothing() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("verify: [{name: t, run: \"true\"}]\nrecovery: {max_retries: 0}\n");
    let odd = "odd=$(printf 'odd\\ndir\\t\"q\" \\351'); back=$(printf 'back\\\\slash\"quote')\n";
    place.script("case", "echo A > Case.txt; echo a > case.txt; git add --all; git commit --quiet -m Case\n");
    let work = "mkdir \"$odd\"; echo 1 > \"$odd/$(printf 'x\\n\\033[31m')\"; echo 2 > \"$back\"\n\
                git add --all; git commit --quiet -m Odd\n";
    place.script("odd", &format!("{odd}{work}"));
    place.script("left", &format!("{odd}echo kept > \"$odd left\"\n"));
    place.objectives(&["case : **", "odd : **", "left : **"]);
    fs::write(repository.join("back\\slash\"quote"), "mine").unwrap();
    assert_eq!(place.until_idle(), 3);
    let waits = place.status("p")["integration"]["waiting_for"].clone();
    assert_eq!(waits, serde_json::json!(["back\\slash\"quote"]));
    fs::remove_file(repository.join("back\\slash\"quote")).unwrap();
    assert_eq!(place.until_idle(), 3);
    place.nobody_is_left();
    assert_eq!(git(&repository, &["status", "--porcelain"]), "");
    assert_eq!(fs::read(repository.join("Case.txt")).unwrap(), b"A\n");
    assert_eq!(fs::read(repository.join("case.txt")).unwrap(), b"a\n");
    for id in ["case", "odd"] {
        assert_eq!(place.status_of(id)["status"], "done", "{}", place.status_of(id));
    }
    // Uncommitted files are salvaged with their names byte for byte.
    assert!(place.good(&["salvage", "list"]).contains("odd\\ndir"), "{}", place.good(&["salvage", "list"]));
    let salvaged = git(&repository, &["for-each-ref", "--format=%(refname)", "refs/paddock/salvage/left"]);
    let names = bytes(&repository, &["ls-tree", "-z", "--name-only", &salvaged]);
    assert!(names.split(|byte| *byte == 0).any(|name| name == b"odd\ndir\t\"q\" \xe9 left"), "{names:?}");
}

#[test]
fn files_of_every_kind_land_byte_for_byte() {
    let place = Sandbox::scripted("workspace");
    let module = place.checkout("module", "main");
    let repository = place.checkout("repo", "main");
    git(&repository, &["submodule", "--quiet", "add", module.to_str().unwrap(), "module"]);
    git(&repository, &["submodule", "--quiet", "add", module.to_str().unwrap(), "unchanged"]);
    fs::write(repository.join(".gitattributes"), "*.bat text eol=crlf\n*.bin -text\n").unwrap();
    fs::write(repository.join("was-executable"), "#!/bin/sh\n").unwrap();
    std::os::unix::fs::symlink("a.txt", repository.join("old-link")).unwrap();
    git(&repository, &["add", "--all"]);
    git(&repository, &["update-index", "--chmod=+x", "was-executable"]);
    git(&repository, &["commit", "--quiet", "--message", "Begin with kinds"]);
    git(&repository, &["checkout", "--quiet", "--", "."]);
    fs::write(place.path("next"), commit_file(&module, "a.txt", "next\n")).unwrap();
    place.register("p", &repository, "worktree: {setup: \"git submodule --quiet update --init\"}\n");
    place.script("one", KINDS);
    place.objectives(&["one : **"]);
    assert_eq!(place.until_idle(), 0);
    place.nobody_is_left();
    let made = fs::read_to_string(place.path("tree")).unwrap();
    let listing = |tree: &str| bytes(&repository, &["ls-tree", "-r", "-z", tree]);
    assert_eq!(listing("main"), listing(made.trim()));
    assert_eq!(git(&repository, &["rev-parse", "main^{tree}"]), made.trim());
    let next = fs::read_to_string(place.path("next")).unwrap();
    assert!(git(&repository, &["ls-tree", "main", "module"]).contains(&format!("160000 commit {next}")));
    assert!(!git(&repository, &["ls-tree", "main", "unchanged"]).contains(&next));
    assert_eq!(fs::read(repository.join("windows.bat")).unwrap(), b"text\r\nmore\r\n");
    assert_eq!(fs::read(repository.join("crlf.txt")).unwrap(), b"one\r\ntwo\r\n");
    // Paddock moves the link, but leaves the user's checkout of the submodule alone.
    assert_eq!(git(&repository, &["status", "--porcelain", "--ignore-submodules=all"]), "");
}

fn refused(place: &Sandbox, repository: &Path, words: &[&str]) {
    let (code, said) = place.outcome(&["project", "add", repository.to_str().unwrap(), "--slug", "p"]);
    assert_eq!(code, 1, "{said}");
    for word in words {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert!(!place.root().join("projects/p.yaml").exists(), "the refused project left its file");
}

#[test]
fn repositories_that_cannot_be_used_are_refused_with_reason_and_remedy() {
    let place = Sandbox::scripted("workspace");
    let repository = place.checkout("repo", "main");
    git(&repository, &["checkout", "--quiet", "--detach"]);
    refused(&place, &repository, &["on no branch", "--target-branch"]);
    let empty = place.path("empty");
    fs::create_dir(&empty).unwrap();
    git(&empty, &["init", "--quiet"]);
    refused(&place, &empty, &["commit"]);
    let sha256 = place.path("sha256");
    fs::create_dir(&sha256).unwrap();
    git(&sha256, &["init", "--quiet", "--object-format=sha256"]);
    fs::write(sha256.join("a"), "a").unwrap();
    commit_all(&sha256, "Begin");
    refused(&place, &sha256, &["sha256"]);
    git(&repository, &["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", repository.display());
    let partial = place.path("partial");
    git(&repository, &["clone", "--quiet", "--filter=blob:none", &url, partial.to_str().unwrap()]);
    refused(&place, &partial, &["partial clone"]);
    refused(&place, &place.path("nowhere"), &["nowhere"]);
    refused(&place, &place.root().join("projects"), &["repository"]);
}

#[test]
fn a_repository_that_is_moved_away_holds_only_its_project_until_it_is_back() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("");
    let other = place.checkout("other", "main");
    place.register("q", &other, "");
    place.objectives(&["one"]);
    let mut running = place.supervisor(&["--poll-seconds", "1"]);
    running.heard_of("worktree_removed", "one");
    fs::rename(&repository, place.path("away")).unwrap();
    let held = running.heard("project_held");
    assert_eq!(held["project"], "p");
    assert!(held["data"]["reason"]["text"].as_str().unwrap().contains("repo"), "{held}");
    assert_eq!(place.status("p")["state"], "broken");
    place.objectives_of("p", &["two"]);
    place.objectives_of("q", &["three"]);
    running.heard_of("worktree_removed", "three");
    assert_eq!(place.status_of("two")["status"], "ready");
    fs::rename(place.path("away"), &repository).unwrap();
    running.next("the release", |event| {
        event["type"] == "project_released" && event["data"]["code"] == "repository_broken"
    });
    running.heard_of("worktree_removed", "two");
    assert_eq!(fs::read(repository.join("two.txt")).unwrap(), b"by two\n");
    running.stop();
    place.nobody_is_left();
}

fn waits_for_go(place: &Sandbox, then: &str) {
    let go = place.path("go");
    place.script("one", &format!("while ! [ -e '{}' ]; do sleep 0.05; done\n{then}", go.display()));
}

#[test]
fn a_worktree_deleted_by_hand_under_a_session_is_made_again() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("");
    place.script(
        "one",
        "if [ \"$PADDOCK_SESSION\" = 1 ]; then cd /; rm -rf \"$PADDOCK_WORKTREE\"; exit 1; fi\n\
         echo one > one.txt; git add .; git commit --quiet -m One\n",
    );
    place.objectives(&["one"]);
    assert_eq!(place.until_idle(), 0, "{}", place.status_of("one"));
    place.nobody_is_left();
    assert_eq!(git(&repository, &["show", "main:one.txt"]), "one");
}

#[test]
fn a_worktree_deleted_by_hand_before_its_next_session_is_made_again() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("");
    place.script(
        "one",
        "[ \"$PADDOCK_SESSION\" != 1 ] || exit 1\necho one > one.txt; git add .; git commit --quiet -m One\n",
    );
    place.objectives(&["one"]);
    let mut running = place.supervisor(&[]);
    running.heard_of("objective_ready", "one");
    // A retry waits a second before its session starts, which is enough time to delete the worktree.
    fs::remove_dir_all(place.path("p-wt/p/one")).unwrap();
    running.heard_of("objective_done", "one");
    running.stop();
    place.nobody_is_left();
    assert_eq!(git(&repository, &["show", "main:one.txt"]), "one");
}

/// Queues one objective in a held queue.
fn queued(place: &Sandbox) -> Supervisor {
    place.good(&["queue", "hold"]);
    place.objectives(&["one"]);
    let mut running = place.supervisor(&[]);
    running.heard_of("objective_queued", "one");
    running
}

#[test]
fn a_branch_deleted_by_hand_while_it_is_queued_is_salvaged_and_its_objective_runs_again() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("workplace: worktree\n");
    let mut running = queued(&place);
    git(&repository, &["update-ref", "-d", "refs/heads/paddock/one/work"]);
    place.good(&["queue", "release"]);
    let left = running.heard("queue_left");
    assert_eq!(left["data"]["why"], "head_moved");
    running.heard_of("worktree_removed", "one");
    running.stop();
    place.nobody_is_left();
    assert_eq!(git(&repository, &["show", "refs/paddock/salvage/one/1:one.txt"]), "by one");
    assert_eq!(git(&repository, &["show", "main:one.txt"]), "by one");
    assert_eq!(place.starts().len(), 2);
}

#[test]
fn a_branch_moved_by_hand_while_it_is_queued_is_reviewed_again() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("");
    let mut running = queued(&place);
    let worktree = place.path("p-wt/p/one");
    commit_file(&worktree, "one.txt", "by hand\n");
    place.good(&["queue", "release"]);
    running.heard_of("objective_review", "one");
    running.heard_of("worktree_removed", "one");
    running.stop();
    place.nobody_is_left();
    assert_eq!(git(&repository, &["show", "main:one.txt"]), "by hand");
}

#[test]
fn a_branch_moved_by_hand_out_of_its_scope_does_not_land() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("recovery: {max_retries: 0}\n");
    let mut running = queued(&place);
    commit_file(&place.path("p-wt/p/one"), "b.txt", "by hand\n");
    place.good(&["queue", "release"]);
    running.heard_of("needs_review", "one");
    running.stop();
    place.nobody_is_left();
    assert_eq!(git(&repository, &["show", "main:b.txt"]), "b");
}

#[test]
fn a_session_killed_by_a_person_leaves_its_work_on_the_branch() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("");
    waits_for_go(&place, "");
    place.objectives(&["one"]);
    let mut running = place.supervisor(&[]);
    until("the agent runs", || place.starts().len() == 1);
    let mine = commit_file(&place.path("p-wt/p/one"), "one.txt", "one\n");
    place.good(&["session", "kill", "1"]);
    running.heard_of("needs_review", "one");
    running.stop();
    place.nobody_is_left();
    assert_eq!(git(&repository, &["rev-parse", "paddock/one/work"]), mine);
}

#[test]
fn a_supervisor_whose_workspace_is_moved_away_ends() {
    let place = Sandbox::scripted("workspace");
    place.simple("");
    let mut running = place.supervisor(&["--poll-seconds", "1"]);
    fs::rename(place.root(), place.path("elsewhere")).unwrap();
    assert_eq!(running.finish().0, 1);
}
