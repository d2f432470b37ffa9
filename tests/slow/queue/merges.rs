//! Merges that are hard for git, and files whose kind and bytes must survive a landing.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use paddock_testkit::{Sandbox, count, is};

#[test]
fn executable_bits_symlinks_and_submodules_come_through_byte_for_byte() {
    let place = Sandbox::new();
    let other = place.repository("other");
    let sub = place.git(&other, &["rev-parse", "HEAD"]);
    let repository = place.project(
        "bits",
        "workplace: worktree\nverify: [{name: tests, run: 'test -x run.sh && test -L link'}]",
    );
    let script = format!(
        "printf '#!/bin/sh\\n\\0\\377' > run.sh; chmod +x run.sh; ln -s 'no where' link; mkdir sub\n\
         git add --all; git update-index --add --cacheinfo 160000,{sub},sub; git commit -q -m bits\nover"
    );
    place.objective("work", &script, &[]);
    place.idle(0);
    let listed = place.git(&repository, &["ls-tree", "-r", "main"]);
    let has = |text: &str| listed.lines().any(|line| line.starts_with(text));
    assert!(has("100755 blob") && has("120000 blob") && has(&format!("160000 commit {sub}")), "{listed}");
    assert_eq!(fs::read(repository.join("run.sh")).unwrap(), b"#!/bin/sh\n\0\xff");
    assert!(fs::metadata(repository.join("run.sh")).unwrap().permissions().mode() & 0o111 != 0);
    assert_eq!(fs::read_link(repository.join("link")).unwrap().to_str().unwrap(), "no where");
}

/// Two objectives start from the same commit; `one` lands before `two` commits. Returns the sandbox, the
/// number of landings, and the number of conflict sessions.
fn meet(first: &str, second: &str) -> (Sandbox, usize, usize) {
    let place = Sandbox::new();
    let repository = place.project("meet", "verify: []\nmax_parallel_sessions: 2\npath_conflicts: allow");
    for name in ["dir/a.txt", "dir/b.txt", "file.txt"] {
        let file = repository.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "one\ntwo\nthree\nfour\nfive\nsix\nseven\n").unwrap();
    }
    place.git(&repository, &["add", "--all"]);
    place.git(&repository, &["commit", "--quiet", "--message", "Files"]);
    // The run records this commit as the base of both objectives.
    place.idle(0);
    let begin = "touch $NOTES/begun.$PADDOCK_OBJECTIVE";
    let wait = "wait_for $NOTES/begun.one; wait_for $NOTES/begun.two";
    place.objective("one", &format!("{begin}; {wait}\n{first}\nover"), &["--priority", "5"]);
    let last = format!(
        "if test $PADDOCK_SESSION_KIND = conflict; then git merge -q -X ours refs/paddock/integration/main || true; \
         git checkout -q -f --ours . 2>/dev/null || true; git add --all; git commit -q -m solved || true; else\n\
         {begin}; {wait}; wait_for $NOTES/landed\n{second}\nfi\nover"
    );
    place.objective("two", &last, &[]);
    let mut supervisor = place.supervisor(&["--until-idle"]);
    supervisor.wait("landed", "one");
    fs::write(place.note("landed"), "").unwrap();
    supervisor.end();
    let events = supervisor.events();
    let kinds = events.iter().filter(|event| is(event, "session_planned", "two"));
    let conflicts = kinds.filter(|event| event["data"]["plan"]["kind"] == "conflict").count();
    let landed = count(&events, "landed", "*");
    (place, landed, conflicts)
}

#[test]
fn a_file_renamed_on_one_side_and_changed_on_the_other_merges_by_itself() {
    let change = "sed -i s/seven/SEVEN/ file.txt; git commit -qam change";
    let (place, landed, conflicts) = meet("git mv file.txt moved.txt; git commit -qm move", change);
    assert_eq!((landed, conflicts), (2, 0));
    let text = place.git(&place.path("meet"), &["show", "main:moved.txt"]);
    assert!(text.contains("SEVEN"), "{text}");
}

#[test]
fn a_file_renamed_to_two_names_is_a_conflict_for_a_session() {
    let first = "git mv file.txt left.txt; git commit -qm left";
    let (_place, landed, conflicts) = meet(first, "git mv file.txt right.txt; git commit -qm right");
    assert_eq!(conflicts, 1);
    assert_eq!(landed, 2);
}

#[test]
fn a_file_changed_on_one_side_and_deleted_on_the_other_is_a_conflict_for_a_session() {
    let (_place, landed, conflicts) =
        meet("git rm -q file.txt; git commit -qm gone", "echo more >> file.txt; git commit -qam more");
    assert_eq!((landed, conflicts), (2, 1));
}

#[test]
fn a_file_added_to_a_renamed_folder_moves_with_it_or_is_a_conflict() {
    let first = "git mv dir moved; git commit -qm move";
    let (place, _, conflicts) = meet(first, "commit dir/c.txt");
    let listed = place.git(&place.path("meet"), &["ls-tree", "-r", "--name-only", "main"]);
    assert!(conflicts == 1 || listed.contains("moved/c.txt"), "{listed}");
}
