//! Faults of repositories: stale locks, garbage collection, traps and tricks, with the built binary.

use std::fs;
use std::path::{Path, PathBuf};

use paddock_testkit::git::{commit_all, git};
use paddock_testkit::{Sandbox, until};

/// Asserts that every object that a ref needs is in the repository.
fn is_whole(repository: &Path) {
    git(repository, &["fsck", "--connectivity-only", "--no-dangling", "--no-progress"]);
}

#[test]
fn locks_left_in_paddocks_folders_are_removed_and_the_users_is_waited_for() {
    let place = Sandbox::scripted("workspace");
    let gate = "lock=$(git rev-parse --git-dir)/index.lock; test ! -e $lock; touch $lock";
    let repository = place.simple(&format!("verify:\n  - {{name: tests, run: '{gate}'}}\n"));
    place.script(
        "one",
        "lock=$(git rev-parse --git-dir)\n\
         if [ \"$PADDOCK_SESSION\" = 1 ]; then touch $lock/index.lock $lock/HEAD.lock; exit 1; fi\n\
         echo one > one.txt; git add .; git commit --quiet -m One\n",
    );
    place.objectives(&["one", "two < one"]);
    let integration = repository.join(".git/refs/paddock/integration");
    fs::create_dir_all(&integration).unwrap();
    fs::write(integration.join("main.lock"), "").unwrap();
    // Paddock must not remove a lock in the user's own checkout: it waits and names it.
    let lock = repository.join(".git/index.lock");
    fs::write(&lock, "").unwrap();
    let mut running = place.supervisor(&[]);
    running.heard_of("objective_done", "two");
    let waits = place.status("p");
    assert_eq!(waits["integration"]["ahead"], 2, "{waits}");
    let text = place.good(&["status"]);
    assert!(text.contains("index.lock exists: a git command is running there, or one was killed"), "{text}");
    fs::remove_file(&lock).unwrap();
    until("it is published", || place.status("p")["integration"]["ahead"] == 0);
    running.stop();
    place.nobody_is_left();
    assert_eq!(git(&repository, &["status", "--porcelain"]), "");
    assert_eq!(fs::read(repository.join("two.txt")).unwrap(), b"by two\n");
}

/// `git gc --prune=now` and `git repack -ad` run while an agent works, a gate runs, work is queued, and
/// something is salvaged. No object that Paddock needs may be pruned, and repacked objects must be found.
/// (git itself can prune an object that was written and has no ref yet. Paddock cannot prevent that.)
#[test]
fn garbage_collection_during_work_prunes_nothing_that_is_needed() {
    let place = Sandbox::scripted("workspace");
    let (go, gate) = (place.path("go"), place.path("gate-go"));
    let verify = format!("touch {0}.at; while ! [ -e {0} ]; do sleep 0.05; done", gate.display());
    let repository = place.simple(&format!(
        "max_parallel_sessions: 4\nrecovery: {{max_retries: 0}}\nverify: [{{name: tests, run: \"{verify}\"}}]\n"
    ));
    place.script(
        "working",
        &format!(
            "echo 1 > working.txt; git add .; git commit --quiet -m 1; echo 2 > working.txt; git add .\n\
             touch {0}.at; while ! [ -e {0} ]; do sleep 0.05; done; git commit --quiet -m 2\n",
            go.display()
        ),
    );
    place.script("left", "echo kept > left.txt; exit 1\n");
    place.objectives(&["one", "two", "working", "left"]);
    let mut running = place.supervisor(&[]);
    running.heard_of("needs_review", "left");
    until("an agent works and a gate runs", || {
        ["go.at", "gate-go.at"].iter().all(|name| place.path(name).exists())
    });
    until("both others are queued", || {
        ["one", "two"].iter().all(|id| place.status_of(id)["status"] == "queued")
    });
    git(&repository, &["gc", "--prune=now", "--quiet"]);
    git(&repository, &["repack", "-a", "-d", "-q"]);
    git(&repository, &["prune", "--expire=now"]);
    for file in [&go, &gate] {
        fs::write(file, "").unwrap();
    }
    for id in ["one", "two", "working"] {
        until("the objective has landed", || place.status_of(id)["status"] == "done");
    }
    git(&repository, &["gc", "--prune=now", "--quiet"]);
    assert_eq!(git(&repository, &["show", "refs/paddock/salvage/left/4:left.txt"]), "kept");
    running.stop();
    assert_eq!(place.until_idle(), 3);
    place.nobody_is_left();
    is_whole(&repository);
    place.good(&["verify"]);
    assert_eq!(git(&repository, &["show", "main:working.txt"]), "2");
    assert_eq!(place.starts().len(), 4, "a session had to work again: {}", place.status("p")["objectives"]);
}

/// Script of an agent that sets every key, hook and attribute by which git runs programs, in the shared git
/// directory.
const TRAPS: &str = r#"
sprung="touch $home/sprung"
common=$(git rev-parse --git-common-dir)
trap_() { git config "$1" "$2"; }
echo one > one.txt; git add one.txt; git commit --quiet -m One
trap_ core.fsmonitor "$sprung"
trap_ core.hooksPath "$common/evil"
trap_ filter.evil.clean "$sprung; cat"
trap_ filter.evil.smudge "$sprung; cat"
trap_ filter.evil.process "$sprung"
trap_ merge.evil.driver "$sprung"
trap_ merge.default evil
trap_ diff.external "$sprung"
trap_ diff.evil.textconv "$sprung"
trap_ diff.evil.command "$sprung"
trap_ core.sshCommand "$sprung"
trap_ core.gitProxy "$sprung"
trap_ core.askPass "$sprung"
trap_ core.editor "$sprung"
trap_ core.pager "$sprung"
trap_ sequence.editor "$sprung"
trap_ gpg.program "$sprung"
trap_ credential.helper "!$sprung"
trap_ alias.merge "!$sprung"
trap_ alias.st "!$sprung"
trap_ include.path "$home/included"
trap_ url.ext::sh.insteadOf "."
trap_ remote...url "ext::$sprung"
trap_ remote...uploadpack "$sprung"
trap_ uploadpack.packObjectsHook "$sprung"
trap_ hook.evil.command "$sprung"
trap_ hook.evil.event "reference-transaction"
printf '[core]\n\tfsmonitor = %s\n' "$sprung" > "$home/included"
mkdir -p "$common/evil" "$common/info"
for hook in post-checkout post-merge reference-transaction pre-merge-commit post-index-change pre-push; do
  printf '#!/bin/sh\n%s\n' "$sprung" > "$common/hooks/$hook"
  cp "$common/hooks/$hook" "$common/evil/$hook"
  chmod +x "$common/hooks/$hook" "$common/evil/$hook"
done
echo '* filter=evil diff=evil merge=evil' > "$common/info/attributes"
rm -f "$home/sprung"
"#;

#[test]
fn no_program_that_an_agent_configured_is_run_and_each_is_named() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("workplace: worktree\nverify: [{name: tests, run: \"true\"}]\n");
    let config = repository.join(".git/config");
    let before = fs::read(&config).unwrap();
    place.script("one", TRAPS);
    place.objectives(&["one", "two < one"]);
    let end = place.until_idle();
    place.nobody_is_left();
    assert!(!place.path("sprung").exists(), "a trap was sprung");
    assert_eq!(end, 3, "{}", place.status("p"));
    assert_eq!(fs::read(repository.join("a.txt")).unwrap(), b"a\n");
    let explained = place.outcome(&["explain"]).1 + &place.outcome(&["doctor"]).1;
    for name in [
        "core.fsmonitor",
        "core.hookspath",
        "filter.evil.clean",
        "merge.evil.driver",
        "merge.default",
        "diff.external",
        "diff.evil.textconv",
        "core.sshcommand",
        "gpg.program",
        "credential.helper",
        "alias.st",
        "include.path",
        "insteadof",
        "uploadpack",
        "hook.evil.command",
        "core.editor",
        "post-checkout",
        "info/attributes",
    ] {
        assert!(explained.contains(name), "{name} is not named: {explained}");
    }
    // Once the changes are undone, work continues by itself.
    fs::write(&config, before).unwrap();
    fs::remove_dir_all(repository.join(".git/hooks")).unwrap();
    fs::remove_file(repository.join(".git/info/attributes")).unwrap();
    assert_eq!(place.until_idle(), 0, "{}", place.status("p"));
    assert!(!place.path("sprung").exists(), "a trap was sprung");
    assert_eq!(fs::read(repository.join("two.txt")).unwrap(), b"by two\n");
}

/// People set `core.bare` by mistake, too. Publishing would then move the branch under the checked-out files.
#[test]
fn a_repository_that_is_made_bare_holds_its_project_and_the_checkout_stays_as_it_is() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("workplace: worktree\n");
    place.script("one", "echo x > a.txt; git commit --quiet -a -m One; git config core.bare true\n");
    place.objectives(&["one : a.txt"]);
    assert_eq!(place.until_idle(), 3);
    let text = place.outcome(&["explain"]).1;
    assert!(text.contains("core.bare"), "{text}");
    git(&repository, &["config", "core.bare", "false"]);
    assert_eq!(place.until_idle(), 0);
    place.nobody_is_left();
    assert_eq!(git(&repository, &["status", "--porcelain"]), "");
    assert_eq!(fs::read(repository.join("a.txt")).unwrap(), b"x\n");
}

/// libgit2 ignores `refs/replace`, and the git program follows it. If review and merge saw different objects,
/// commits would land that nobody reviewed.
#[test]
fn an_object_that_is_replaced_is_reviewed_and_landed_in_its_original_form() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("");
    place.script(
        "one",
        "echo good > a.txt; git commit --quiet -a -m Good\n\
         good=$(git rev-parse HEAD)\n\
         echo evil > a.txt; git commit --quiet -a -m Evil\n\
         evil=$(git rev-parse HEAD)\n\
         git reset --quiet --hard $good; git update-ref refs/replace/$good $evil\n",
    );
    place.objectives(&["one : a.txt"]);
    assert_eq!(place.until_idle(), 0);
    place.nobody_is_left();
    git(&repository, &["for-each-ref", "refs/replace"]);
    let landed = git(&repository, &["--no-replace-objects", "show", "main:a.txt"]);
    assert_eq!(landed, "good");
    assert_eq!(fs::read(repository.join("a.txt")).unwrap(), b"good\n");
}

/// Commits a tree with a folder named `$1`, which `git add` would refuse.
const TRICK: &str = "
trick() {
  blob=$(echo 'run me' | git hash-object -w --stdin)
  inner=$(printf '100755 blob %s\\tconfig\\n' $blob | git mktree)
  tree=$( (git ls-tree HEAD; printf '040000 tree %s\\t%s\\n' $inner \"$1\") | git mktree)
  git update-ref HEAD $(git commit-tree -p HEAD -m \"Trick $1\" $tree)
}
";

/// git refuses to check out such a tree. If one landed, no worktree could be made after it.
#[test]
fn a_link_in_place_of_gitmodules_never_lands_even_if_a_person_approves_it() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("workplace: worktree\nrecovery: {max_retries: 0}\n");
    let trick = |name: &str| {
        format!(
            "blob=$(printf '../../etc/passwd' | git hash-object -w --stdin)\n\
             tree=$( (git ls-tree HEAD; printf '120000 blob %s\\t{name}\\n' $blob) | git mktree)\n\
             git update-ref HEAD $(git commit-tree -p HEAD -m Link $tree)\n"
        )
    };
    for (id, name) in [("plain", ".gitmodules"), ("upper", ".GitModules")] {
        place.script(id, &trick(name));
    }
    place.objectives(&["plain : **", "upper : **", "fine : fine.txt"]);
    assert_eq!(place.until_idle(), 3);
    for id in ["plain", "upper"] {
        let (code, said) = place.outcome(&["objective", "approve", id, "--note", "let it pass"]);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("as a symbolic link: git accepts nothing but a file there"), "{said}");
    }
    assert_eq!(place.until_idle(), 3);
    place.nobody_is_left();
    assert_eq!(
        place.status_of("fine")["status"],
        "done",
        "other objectives are held up: {}",
        place.status("p")
    );
    assert_eq!(git(&repository, &["status", "--porcelain"]), "");
}

/// A git that is killed at the end of a merge, a commit or a packing leaves these locks. While the branch
/// cannot move, none of the user's files may change, and everything that needs no lock continues.
#[test]
fn locks_of_branches_left_in_the_users_repository_are_waited_for_and_named() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("verify: [{name: tests, run: \"true\"}]\n");
    place.objectives(&["one", "two < one"]);
    git(&repository, &["pack-refs", "--all"]);
    for name in ["HEAD.lock", "packed-refs.lock"] {
        fs::write(repository.join(".git").join(name), "").unwrap();
    }
    let mut running = place.supervisor(&["--poll-seconds", "1"]);
    running.heard_of("objective_done", "two");
    for (lock, next) in [("HEAD.lock", Some("refs/heads/main.lock")), ("main.lock", None)] {
        until("`status` names the lock", || {
            place.good(&["status"]).contains(&format!("{lock} exists: a git command is running there"))
        });
        assert_eq!(git(&repository, &["status", "--porcelain"]), "", "no file was moved without its branch");
        if let Some(next) = next {
            fs::write(repository.join(".git").join(next), "").unwrap();
            fs::remove_file(repository.join(".git/HEAD.lock")).unwrap();
        }
    }
    fs::remove_file(repository.join(".git/refs/heads/main.lock")).unwrap();
    until("the work is published", || place.status("p")["integration"]["ahead"] == 0);
    // `packed-refs.lock` is no hindrance: loose branches are deleted in spite of it.
    until("the work branches are gone", || git(&repository, &["branch", "--list", "paddock/*"]).is_empty());
    running.stop();
    place.nobody_is_left();
    assert_eq!(fs::read(repository.join("two.txt")).unwrap(), b"by two\n");
    assert!(repository.join(".git/packed-refs.lock").exists(), "Paddock removed a lock that is not its own");
}

#[test]
fn names_that_mean_the_git_directory_never_land() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("recovery: {max_retries: 0}\nverify: [{name: tests, run: \"true\"}]\n");
    let tricks = [("lower", ".git"), ("upper", ".GIT"), ("short", "git~1"), ("hfs", ".g\u{200c}it")];
    let mut wanted: Vec<String> = Vec::new();
    for (id, name) in tricks {
        place.script(id, &format!("{TRICK}trick '{name}'\n"));
        wanted.push(format!("{id} : **"));
    }
    wanted.push("fine : fine.txt".to_owned());
    let before = fs::read(repository.join(".git/config")).unwrap();
    place.objectives(&wanted.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(place.until_idle(), 3, "{}", place.status("p")["objectives"]);
    place.nobody_is_left();
    for (id, name) in tricks {
        let objective = place.status_of(id);
        assert_eq!(objective["status"], "needs_review", "{objective}");
        let text = objective["reason"]["text"].as_str().unwrap();
        assert!(text.contains("git directory") || text.contains("invalid path"), "{name}: {text}");
    }
    assert_eq!(
        place.status_of("fine")["status"],
        "done",
        "other objectives are held up: {}",
        place.status("p")
    );
    assert_eq!(fs::read(repository.join(".git/config")).unwrap(), before);
}

/// A folder becomes a link to a folder outside, and later commits write below it.
#[test]
fn a_link_in_place_of_a_folder_never_leads_a_write_outside() {
    let place = Sandbox::scripted("workspace");
    let repository = place.checkout("repo", "main");
    fs::create_dir(repository.join("d")).unwrap();
    fs::write(repository.join("d/x.txt"), "x\n").unwrap();
    fs::write(repository.join("d/note.log"), "ignored\n").unwrap();
    commit_all(&repository, "A folder");
    let outside = place.path("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("x.txt"), "theirs\n").unwrap();
    fs::write(repository.join("secret.env"), "KEY=1\n").unwrap();
    fs::write(repository.join(".git/info/exclude"), "secret.env\nnest/\n").unwrap();
    fs::create_dir(repository.join("nest")).unwrap();
    fs::write(repository.join("nest/deep.env"), "KEY=2\n").unwrap();
    place.register(
        "p",
        &repository,
        "workplace: worktree\nworktree: {copy: [secret.env, nest/deep.env]}\nverify: [{name: tests, run: \"ls > listing.log\"}]\n",
    );
    let link = outside.display();
    place.script("link", &format!("git rm -rq d; ln -s '{link}' d; git add d; git commit --quiet -m Link\n"));
    place.script(
        "back",
        "rm d; mkdir d; echo mine > d/x.txt; echo new > d/y.txt; git add d; git commit --quiet -m Back\n",
    );
    // Its branch has links at the places to which files are copied. When its worktree is made again, copying
    // must not follow them.
    place.script(
        "copies",
        &format!(
            "if [ \"$PADDOCK_SESSION_KIND\" = work ]; then\n\
               rm -rf nest secret.env; ln -s '{link}' nest; ln -s '{link}/planted' secret.env\n\
               git add -f nest secret.env; git commit --quiet -m Links; cd /; rm -rf \"$PADDOCK_WORKTREE\"; exit 1\n\
             fi\n"
        ),
    );
    place.objectives(&["link : **", "back < link : **", "copies < back : **"]);
    let before = snapshot_of(&outside);
    // The user's checkout has an ignored file of their own in the folder that becomes a link.
    let mut running = place.supervisor(&[]);
    running.heard_of("objective_done", "back");
    running.stop();
    place.outcome(&["run", "--no-tui", "--until-idle"]);
    place.nobody_is_left();
    assert_eq!(snapshot_of(&outside), before, "something was written outside");
    assert_eq!(fs::read(repository.join("d/x.txt")).unwrap(), b"mine\n");
    assert!(!repository.join("d").is_symlink());
    let copies = place.status_of("copies");
    assert_eq!(copies["status"], "needs_review", "{copies}");
}

fn snapshot_of(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found: Vec<(PathBuf, Vec<u8>)> = fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| (entry.path(), fs::read(entry.path()).unwrap_or_default()))
        .collect();
    found.sort();
    found
}

/// The agent replaces its worktree by a link to a folder of the user.
#[test]
fn a_link_in_place_of_a_worktree_is_named_and_its_target_is_untouched() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("");
    let theirs = place.path("theirs");
    fs::create_dir(&theirs).unwrap();
    fs::write(theirs.join("diary.txt"), "mine alone\n").unwrap();
    let before = snapshot_of(&theirs);
    place.script(
        "one",
        &format!(
            "if [ \"$PADDOCK_SESSION\" = 1 ]; then echo one > one.txt; git add .; git commit --quiet -m One; cd /\n\
             rm -rf \"$PADDOCK_WORKTREE\"; ln -s '{}' \"$PADDOCK_WORKTREE\"; exit 0; fi\n\
             echo more >> one.txt; git add .; git commit --quiet -m More\n",
            theirs.display()
        ),
    );
    place.objectives(&["one", "two"]);
    assert_eq!(place.until_idle(), 3);
    place.nobody_is_left();
    let objective = place.status_of("one");
    let text = objective["reason"]["text"].as_str().unwrap();
    assert!(text.contains("the symbolic link ") && text.contains("remove the link"), "{text}");
    assert_eq!(snapshot_of(&theirs), before);
    assert_eq!(
        git(&repository, &["log", "--all", "--format=%s", "--", "diary.txt"]),
        "",
        "the user's file is in a commit"
    );
    assert_eq!(place.status_of("two")["status"], "done");
    // Follows the remedy in the message.
    fs::remove_file(place.path("p-wt/p/one")).unwrap();
    place.good(&["objective", "retry", "one"]);
    assert_eq!(place.until_idle(), 0, "{}", place.status_of("one"));
    place.nobody_is_left();
    assert_eq!(git(&repository, &["show", "main:one.txt"]), "one\nmore");
    assert_eq!(snapshot_of(&theirs), before);
}

#[test]
fn a_damaged_object_stops_only_the_objective_that_needs_it() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("workplace: worktree\nrecovery: {max_retries: 0}\n");
    place.script(
        "one",
        "echo one > one.txt; git add .; git commit --quiet -m One\n\
         tree=$(git rev-parse HEAD^{tree}); common=$(git rev-parse --git-common-dir)\n\
         file=$common/objects/$(echo $tree | cut -c1-2)/$(echo $tree | cut -c3-)\n\
         chmod u+w $file; echo damaged > $file\n",
    );
    place.objectives(&["one", "two"]);
    assert_eq!(place.until_idle(), 3);
    place.nobody_is_left();
    let objective = place.status_of("one");
    assert_eq!(objective["status"], "needs_review", "{objective}");
    assert_eq!(place.status_of("two")["status"], "done", "{}", place.status_of("two"));
    assert_eq!(git(&repository, &["show", "main:two.txt"]), "by two");
}

/// After a move the project names its remedy. Once `repo_root` is corrected, work continues, including the
/// retry of a session that had ended.
#[test]
fn a_repository_that_moved_for_good_is_used_again_once_repo_root_is_corrected() {
    let place = Sandbox::scripted("workspace");
    let repository = place.simple("");
    place.script("one", "echo one > one.txt; git add .; git commit --quiet -m One; exit 1\n");
    place.objectives(&["one"]);
    let mut running = place.supervisor(&[]);
    running.heard_of("objective_ready", "one");
    running.stop();
    let moved = place.path("moved here");
    fs::rename(&repository, &moved).unwrap();
    assert_ne!(place.until_idle(), 0);
    let said = place.outcome(&["explain"]).1 + &place.outcome(&["status"]).1;
    assert!(said.contains("correct `repo_root`"), "{said}");
    let file = place.root().join("projects/p.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let text = text.replace(repository.to_str().unwrap(), moved.to_str().unwrap());
    fs::write(&file, text).unwrap();
    place.script("one", "echo more >> one.txt; git add .; git commit --quiet -m More\n");
    assert_eq!(place.until_idle(), 0, "{}", place.status("p"));
    place.nobody_is_left();
    assert_eq!(git(&moved, &["show", "main:one.txt"]), "one\nmore");
}

#[test]
fn hooks_of_the_user_never_run_for_paddocks_own_acts() {
    let place = Sandbox::scripted("workspace");
    let repository = place.checkout("repo", "main");
    let mark = place.path("hooks-run");
    for hook in ["post-checkout", "post-merge", "reference-transaction", "pre-merge-commit", "pre-auto-gc"] {
        let file = repository.join(".git/hooks").join(hook);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        // The hook notes its run and fails, except for commands of agents and of the user.
        let text = format!(
            "#!/bin/sh\n[ -z \"$PADDOCK_SESSION$GIT_EDITOR_OF_USER\" ] || exit 0\necho {hook} >> '{}'\nexit 1\n",
            mark.display()
        );
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    place.register("p", &repository, "verify: [{name: tests, run: \"true\"}]\n");
    place.objectives(&["one", "two < one"]);
    assert_eq!(place.until_idle(), 0, "{}", place.status("p"));
    place.nobody_is_left();
    assert_eq!(fs::read_to_string(mark).unwrap_or_default(), "");
    assert_eq!(fs::read(repository.join("two.txt")).unwrap(), b"by two\n");
}
