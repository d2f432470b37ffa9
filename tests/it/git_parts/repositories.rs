//! Opening repositories, their facts, relations of commits, refs, and configuration that can run programs.

use std::os::unix::fs::PermissionsExt;

use paddock_git::{CasOutcome, GitError, Relation, Repository, difference};
use paddock_model::ids::ObjectId;

use super::support::{Home, commit_all, git, head, user, write};

#[test]
fn every_repository_that_cannot_be_used_is_refused_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str| Repository::open(&folder.path().join(name)).unwrap_err();
    assert!(matches!(open("absent"), GitError::Missing(_)));
    std::fs::create_dir(folder.path().join("plain")).unwrap();
    assert!(matches!(open("plain"), GitError::NotARepository(_)));
    git(folder.path(), &["init", "-q", "empty"]);
    assert!(matches!(open("empty"), GitError::WithoutCommits(_)));
    git(folder.path(), &["init", "-q", "--object-format=sha256", "sha256"]);
    // As git 2.45 and newer write it.
    git(folder.path(), &["init", "-q", "reftable"]);
    let config = folder.path().join("reftable/.git/config");
    let old = std::fs::read_to_string(&config).unwrap();
    let new = old.replace("repositoryformatversion = 0", "repositoryformatversion = 1");
    std::fs::write(&config, new + "[extensions]\n\trefstorage = reftable\n").unwrap();
    for (name, word) in [("sha256", "sha256"), ("reftable", "reftable")] {
        let error = open(name);
        assert!(matches!(&error, GitError::Unsupported { what, .. } if what.contains(word)), "{error}");
    }
    git(folder.path(), &["init", "-q", "strange"]);
    git(&folder.path().join("strange"), &["config", "core.repositoryFormatVersion", "1"]);
    git(&folder.path().join("strange"), &["config", "extensions.partialClone", "origin"]);
    assert!(open("strange").to_string().contains("partial clone"));
}

#[test]
fn a_shallow_clone_is_refused_until_its_history_is_whole() {
    let home = Home::new();
    commit_all(&home.root, "second");
    let url = format!("file://{}", home.root.display());
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["clone", "-q", "--depth", "1", &url, "clone"]);
    let clone = folder.path().join("clone");
    let refused = Repository::open(&clone).unwrap_err().to_string();
    assert!(refused.contains("a shallow clone") && refused.contains("git fetch --unshallow"), "{refused}");
    git(&clone, &["fetch", "-q", "--unshallow"]);
    Repository::open(&clone).unwrap();
}

#[test]
fn facts_name_the_branch_the_user_and_a_branch_that_is_in_the_way() {
    let home = Home::on_branch("release/1.0");
    git(&home.root, &["config", "user.name", "Ada"]);
    git(&home.root, &["config", "user.email", "ada@example.org"]);
    let facts = home.repository().facts().unwrap();
    assert_eq!(facts.head_branch.as_deref(), Some("release/1.0"));
    assert_eq!(facts.user_identity, Some(("Ada".to_owned(), "ada@example.org".to_owned())));
    assert!(!facts.bare && !facts.has_paddock_branch);
    assert_eq!(facts.common_dir, home.root.join(".git"));
    git(&home.root, &["branch", "paddock"]);
    assert!(home.repository().facts().unwrap().has_paddock_branch);
}

#[test]
fn relations_tell_four_ways_apart_and_a_missing_commit_is_an_error() {
    let home = Home::new();
    let first = head(&home.root);
    let second = commit_all(&home.root, "second");
    git(&home.root, &["checkout", "-q", "-b", "side", first.as_str()]);
    write(&home.root, "side", "x");
    let side = commit_all(&home.root, "side");
    let repository = home.repository();
    let relation = |a: &ObjectId, b: &ObjectId| repository.relation(a, b).unwrap();
    assert_eq!(relation(&first, &first), Relation::Same);
    assert_eq!(relation(&first, &second), Relation::Ancestor);
    assert_eq!(relation(&second, &first), Relation::Descendant);
    assert_eq!(relation(&second, &side), Relation::Diverged);
    assert!(repository.relation(&first, &ObjectId::new("1".repeat(40)).unwrap()).is_err());
}

#[test]
fn refs_move_only_from_what_is_expected() {
    let home = Home::new();
    let (first, repository, name) = (head(&home.root), home.repository(), "refs/paddock/integration/a");
    let second = commit_all(&home.root, "second");
    assert_eq!(repository.commit_of(name).unwrap(), None);
    assert_eq!(repository.set_ref(name, None, &first, "t").unwrap(), CasOutcome::Done);
    let found = CasOutcome::Modified { found: Some(first.clone()) };
    assert_eq!(repository.set_ref(name, None, &second, "t").unwrap(), found);
    assert_eq!(repository.set_ref(name, Some(&second), &second, "t").unwrap(), found);
    assert_eq!(repository.set_ref(name, Some(&first), &second, "t").unwrap(), CasOutcome::Done);
    assert_eq!(
        repository.delete_ref(name, &first).unwrap(),
        CasOutcome::Modified { found: Some(second.clone()) }
    );
    assert_eq!(repository.delete_ref(name, &second).unwrap(), CasOutcome::Done);
    let gone = CasOutcome::Modified { found: None };
    assert_eq!(repository.set_ref(name, Some(&second), &second, "t").unwrap(), gone);
    assert!(!git(&home.root, &["config", "--list", "--local"]).contains("fsync"));
}

#[test]
fn exactly_one_of_many_concurrent_swaps_wins() {
    let home = Home::new();
    let name = "refs/paddock/integration/many";
    let start = head(&home.root);
    let commits: Vec<ObjectId> = (0..8).map(|n| commit_all(&home.root, &format!("c{n}"))).collect();
    let repository = home.repository();
    repository.set_ref(name, None, &start, "t").unwrap();
    let swap = |commit: &ObjectId| repository.set_ref(name, Some(&start), commit, "t").unwrap();
    let wins = std::thread::scope(|scope| {
        let threads: Vec<_> = commits.iter().map(|commit| scope.spawn(|| swap(commit))).collect();
        threads
            .into_iter()
            .filter(|_| true)
            .map(|t| t.join().unwrap())
            .filter(|o| *o == CasOutcome::Done)
            .count()
    });
    assert_eq!(wins, 1);
    let fresh = "refs/paddock/integration/fresh";
    let create = |commit: &ObjectId| repository.set_ref(fresh, None, commit, "t").unwrap();
    let makers = std::thread::scope(|scope| {
        let threads: Vec<_> = commits.iter().map(|commit| scope.spawn(|| create(commit))).collect();
        threads.into_iter().map(|t| t.join().unwrap()).filter(|o| *o == CasOutcome::Done).count()
    });
    assert_eq!(makers, 1);
}

/// Deleting a packed ref rewrites `packed-refs`, which holds all of them. libgit2 wrote what it had read
/// before another program packed again, and so brought old values of other refs back.
#[test]
fn no_ref_goes_back_where_others_pack_while_branches_are_deleted() {
    let home = Home::new();
    let name = "refs/paddock/integration/many";
    let start = head(&home.root);
    let commits: Vec<ObjectId> = (0..4).map(|n| commit_all(&home.root, &format!("c{n}"))).collect();
    let repository = home.repository();
    repository.set_ref(name, None, &start, "t").unwrap();
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(std::sync::atomic::Ordering::SeqCst) {
                git(&home.root, &["pack-refs", "--all", "--prune"]);
            }
        });
        let mut at = start;
        let faults = (0..150).find_map(|n| {
            let branch = format!("refs/heads/paddock/b{n}/work");
            repository.set_ref(&branch, None, &at, "t").unwrap();
            // The branch must be packed when it is deleted; the other thread packs too, but not always in
            // time.
            git(&home.root, &["pack-refs", "--all", "--prune"]);
            let next = &commits[n % commits.len()];
            let moved = repository.set_ref(name, Some(&at), next, "t").unwrap();
            let deleted = repository.delete_ref(&branch, &at).unwrap();
            let found = (repository.commit_of(name).unwrap(), repository.commit_of(&branch).unwrap());
            at = next.clone();
            let is_right = (&moved, &deleted) == (&CasOutcome::Done, &CasOutcome::Done);
            let is_there = found == (Some(at.clone()), None);
            (!is_right || !is_there).then(|| format!("{n}: {moved:?}, {deleted:?}, {found:?} for {at:?}"))
        });
        is_over.store(true, std::sync::atomic::Ordering::SeqCst);
        assert_eq!(faults, None);
    });
}

/// A killed `git pack-refs` leaves `packed-refs.lock`. It must not stop refs that are not packed.
#[test]
fn a_loose_ref_is_deleted_while_packed_refs_are_locked() {
    let home = Home::new();
    let (loose, packed) = ("refs/heads/paddock/loose/work", "refs/heads/paddock/packed/work");
    let start = head(&home.root);
    let repository = home.repository();
    repository.set_ref(packed, None, &start, "t").unwrap();
    git(&home.root, &["pack-refs", "--all", "--prune"]);
    repository.set_ref(loose, None, &start, "t").unwrap();
    std::fs::write(home.root.join(".git/packed-refs.lock"), "").unwrap();
    assert_eq!(repository.delete_ref(loose, &start).unwrap(), CasOutcome::Done);
    assert_eq!(repository.commit_of(loose).unwrap(), None);
    let refused = repository.delete_ref(packed, &start).unwrap_err();
    assert!(matches!(&refused, GitError::Locked(name) if name == packed), "{refused}");
    assert_eq!(repository.commit_of(packed).unwrap(), Some(start));
}

#[test]
fn configuration_that_can_run_programs_is_noticed_and_harmless_changes_are_not() {
    let home = Home::new();
    let repository = home.repository();
    let before = repository.execution_config().unwrap();
    let changes = || difference(&before, &repository.execution_config().unwrap());
    for (key, value) in [
        ("user.email", "agent@example.org"),
        ("alias.st", "status"),
        ("merge.conflictStyle", "diff3"),
        ("branch.master.description", "x"),
        ("rerere.enabled", "true"),
    ] {
        git(&home.root, &["config", key, value]);
    }
    home.worktree("task");
    repository.set_ref("refs/paddock/integration/x", None, &head(&home.root), "t").unwrap();
    assert_eq!(changes(), Vec::<String>::new());
    git(&home.root, &["config", "filter.evil.smudge", "touch /tmp/x"]);
    assert_eq!(changes(), ["config filter.evil.smudge was added"]);
    git(&home.root, &["config", "--unset", "filter.evil.smudge"]);
    for key in ["merge.evil.driver", "diff.external", "core.hooksPath", "gpg.ssh.program", "url.x.insteadOf"]
    {
        git(&home.root, &["config", key, "evil"]);
        assert_eq!(changes().len(), 1, "{key}: {:?}", changes());
        git(&home.root, &["config", "--unset", key]);
    }
    write(&home.root, ".git/more", "[core]\n\tfsmonitor = evil\n");
    git(&home.root, &["config", "include.path", "more"]);
    assert_eq!(changes(), ["config core.fsmonitor was added", "config include.path was added"]);
    git(&home.root, &["config", "--unset", "include.path"]);
    write(&home.root, ".git/hooks/post-merge", "#!/bin/sh\n");
    write(&home.root, ".git/info/attributes", "* filter=x\n");
    assert_eq!(changes(), ["hook post-merge was added", "info/attributes was added"]);
    let with_hook = repository.execution_config().unwrap();
    let hook = home.root.join(".git/hooks/post-merge");
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(
        difference(&with_hook, &repository.execution_config().unwrap()),
        ["hook post-merge was changed"]
    );
}

#[test]
fn no_secret_of_a_remote_is_kept() {
    let home = Home::new();
    git(&home.root, &["remote", "add", "origin", "https://user:hunter2@example.org/x.git"]);
    let config = home.repository().execution_config().unwrap();
    assert!(config.entries.contains_key("config remote.origin.url"), "{config:?}");
    assert!(!serde_json::to_string(&config).unwrap().contains("hunter2"));
}

#[test]
fn a_note_is_kept_for_its_commit() {
    let home = Home::new();
    let (repository, commit) = (home.repository(), head(&home.root));
    assert_eq!(repository.note_of(&commit).unwrap(), None);
    for text in ["{\"version\":1}", "{\"version\":1,\"b\":\"二\"}"] {
        repository.write_note(&commit, text, &user(), 1_700_000_000).unwrap();
        assert_eq!(repository.note_of(&commit).unwrap().as_deref(), Some(text));
    }
    assert!(git(&home.root, &["notes", "--ref", "paddock", "show"]).contains("二"));
}

#[test]
fn nothing_of_a_repository_that_is_moved_away_counts_as_removed() {
    let home = Home::new();
    git(&home.root, &["config", "filter.own.clean", "cat"]);
    let repository = home.repository().agreeing(home.all_agreed());
    std::fs::rename(&home.root, home.root.with_file_name("away")).unwrap();
    let common_dir = repository.common_dir().display().to_string();
    let errors = [
        repository.execution_config().map(drop),
        repository.configured().map(drop),
        repository.needed([&head(&home.root.with_file_name("away"))].into_iter()).map(drop),
        repository.user_refs().map(drop),
        repository.commit_of("refs/heads/master").map(drop),
        repository.stashes().map(drop),
    ];
    for (at, found) in errors.into_iter().enumerate() {
        let error = found.expect_err(&format!("question {at}")).to_string();
        assert!(error.contains(&common_dir) || error.contains("repo"), "question {at}: {error}");
    }
}
