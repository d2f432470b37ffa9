//! Own places: what a session finds in one, what keeps it whole, and how it goes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use paddock_git::{
    GitError, Removal, SalvageOrder, Upstream, Worktree, WorktreeSpec, add_worktree, bring_forward,
    find_worktree, finish_removal, follow_origin, mend_worktree, own_places, remove_worktree, salvage,
    worktree_status,
};
use paddock_model::ids::ObjectId;

use super::support::{Home, commit_all, git, git_output, head, read, user, write};

const INTEGRATION: &str = "refs/paddock/integration/master";

impl Home {
    fn own_spec(&self, id: &str) -> WorktreeSpec {
        git(&self.root, &["update-ref", INTEGRATION, "HEAD"]);
        let folder = self.place("x").parent().unwrap().to_owned();
        fs::create_dir_all(&folder).unwrap();
        let origin = follow_origin(&self.repository(), &folder, "master", INTEGRATION).unwrap();
        WorktreeSpec { own: Some(Upstream { origin, branch: "master".to_owned() }), ..self.spec(id) }
    }

    fn own(&self, id: &str) -> Worktree {
        let worktree = add_worktree(&self.repository(), &self.own_spec(id)).unwrap();
        assert!(worktree.is_own);
        worktree
    }

    fn status(&self, worktree: &Worktree) -> Vec<String> {
        let found = worktree_status(&self.repository(), worktree, &[]).unwrap();
        found.iter().map(ToString::to_string).collect()
    }
}

fn mend(home: &Home, worktree: &Worktree) -> Result<(), GitError> {
    mend_worktree(&home.repository(), worktree, &head(&home.root), false)
}

#[test]
fn git_works_inside_and_nothing_leaves() {
    let home = Home::new();
    git(&home.root, &["tag", "-a", "v1", "-m", "one"]);
    git(&home.root, &["tag", "light"]);
    git(&home.root, &["config", "user.name", "Ada \"the\\first\""]);
    git(&home.root, &["config", "core.pager", "planted"]);
    git(&home.root, &["config", "filter.x.clean", "planted"]);
    commit_all(&home.root, "two");
    let place = home.own("task");
    assert_eq!(git(&place.path, &["status", "--porcelain=v2", "--branch"]).lines().count(), 2);
    assert_eq!(git(&place.path, &["symbolic-ref", "HEAD"]), "refs/heads/paddock/task/work");
    assert_eq!(head(&place.path), head(&home.root));
    assert!(git(&place.path, &["describe"]).starts_with("v1-1-g"));
    assert_eq!(git(&place.path, &["cat-file", "-t", "v1"]), "tag");
    assert_eq!(git(&place.path, &["config", "--local", "user.name"]), "Ada \"the\\first\"");
    assert!(!git_output(&place.path, &["config", "core.pager"]).status.success());
    assert!(!git_output(&place.path, &["config", "filter.x.clean"]).status.success());
    // Commits, branches, the stash and tags stay in the place.
    let refs = git(&home.root, &["for-each-ref"]);
    write(&place.path, "src/new.rs", "new\n");
    commit_all(&place.path, "work");
    git(&place.path, &["branch", "other"]);
    git(&place.path, &["tag", "mine"]);
    write(&place.path, "src/a.rs", "stashed\n");
    git(&place.path, &["stash", "-q"]);
    assert_eq!(git(&home.root, &["for-each-ref"]), refs);
    assert!(git(&home.root, &["stash", "list"]).is_empty());
    assert_eq!(git(&place.path, &["log", "--format=%s"]), "work\ntwo\nstart");
    // The place is found by Paddock's own record, of which git knows nothing.
    let found = find_worktree(&home.repository(), &place.path, &place.branch).unwrap();
    assert_eq!((found.git_dir, found.is_own), (place.git_dir.clone(), true));
    assert_eq!(git(&home.root, &["worktree", "list"]).lines().count(), 1);
    assert_eq!(own_places(&home.repository()).unwrap()[0].path, place.path);
    git(&place.path, &["fetch", "-q"]);
    git(&place.path, &["rebase", "-q", "origin/master"]);
}

#[test]
fn what_a_place_borrows_survives_every_collection_in_the_project() {
    let home = Home::new();
    commit_all(&home.root, "soon gone");
    git(&home.root, &["tag", "-a", "v1", "-m", "one"]);
    let place = home.own("task");
    // The user throws everything away that the place rests on.
    git(&home.root, &["tag", "-d", "v1"]);
    git(&home.root, &["reset", "-q", "--hard", "HEAD~1"]);
    git(&home.root, &["update-ref", INTEGRATION, "HEAD"]);
    git(&home.root, &["branch", "-D", "paddock/task/work"]);
    git(&home.root, &["update-ref", "-d", "refs/paddock/made/task"]);
    git(&home.root, &["reflog", "expire", "--expire=now", "--all"]);
    git(&home.root, &["gc", "-q", "--prune=now"]);
    git(&home.root, &["repack", "-adq"]);
    git(&home.root, &["prune", "--expire=now"]);
    git(&place.path, &["fsck", "--full", "--strict"]);
    assert_eq!(git(&place.path, &["log", "--format=%s"]), "soon gone\nstart");
    assert_eq!(git(&place.path, &["cat-file", "-t", "v1"]), "tag");
    git(&place.path, &["gc", "-q", "--prune=now"]);
    git(&place.path, &["fsck", "--full", "--strict"]);
}

#[test]
fn uncommitted_work_is_seen_and_salvaged_as_in_a_worktree() {
    let home = Home::new();
    let place = home.own("task");
    assert!(home.status(&place).is_empty());
    write(&place.path, "src/a.rs", "changed\n");
    write(&place.path, "new.txt", "new\n");
    write(&place.path, "hidden.log", "ignored\n");
    fs::remove_file(place.path.join("README.md")).unwrap();
    assert_eq!(home.status(&place), ["README.md", "new.txt", "src/a.rs"]);
    // Nothing of the place's own configuration hides a file.
    git(&place.path, &["config", "core.excludesFile", "/dev/null"]);
    write(&place.path, ".git/info/exclude", "*\n");
    write(&place.path, ".git/info/attributes", "* filter=planted\n");
    git(&place.path, &["config", "filter.planted.clean", "touch planted"]);
    assert_eq!(home.status(&place), ["README.md", "new.txt", "src/a.rs"]);
    let order = SalvageOrder {
        objective: "task".into(),
        session: 1,
        exclude: Vec::new(),
        identity: user(),
        time_s: 1_700_000_000,
    };
    let kept = salvage(&home.repository(), &place, &order).unwrap().unwrap();
    assert_eq!(git(&home.root, &["show", &format!("{}:new.txt", kept.reference)]), "new");
    assert!(!place.path.join("planted").exists());
}

#[test]
fn a_place_keeps_its_kind_and_its_path() {
    let home = Home::new();
    let worktree = home.worktree("old");
    assert!(!add_worktree(&home.repository(), &home.own_spec("old")).unwrap().is_own);
    assert!(worktree.git_dir.starts_with(home.root.join(".git/worktrees")));
    let place = home.own("new");
    write(&place.path, "left.txt", "work\n");
    let again = home.worktree("new");
    assert!(again.is_own && again.reused);
    assert_eq!(read(&again.path, "left.txt"), "work\n");
    // Another objective cannot take its place.
    let mut other = home.own_spec("third");
    other.path.clone_from(&place.path);
    assert!(matches!(add_worktree(&home.repository(), &other), Err(GitError::Foreign { .. })));
}

#[test]
fn a_deleted_or_half_made_place_is_made_anew_from_what_came_home() {
    let home = Home::new();
    let place = home.own("task");
    fs::remove_dir_all(&place.path).unwrap();
    let again = home.own("task");
    assert!(!again.reused);
    git(&again.path, &["status"]);
    // A crash before the marker: the intent alone says whose it is.
    let name = again.git_dir.join("paddock");
    fs::remove_file(&name).unwrap();
    let id =
        git2::Oid::hash_object(git2::ObjectType::Blob, again.path.as_os_str().as_encoded_bytes()).unwrap();
    write(&home.root.join(".git/paddock/making"), &id.to_string(), "project/task");
    write(&again.path, "half.txt", "half\n");
    let third = home.own("task");
    assert!(!third.reused && !third.path.join("half.txt").exists());
    git(&third.path, &["fsck"]);
}

#[test]
fn a_place_that_leads_elsewhere_changes_nothing_there() {
    let home = Home::new();
    let place = home.own("task");
    let dot_git = place.path.join(".git");
    let before = git(&home.root, &["for-each-ref"]);
    let links: [(&str, PathBuf); 3] = [
        ("refs", home.root.join(".git/refs")),
        ("objects/info/alternates", home.root.join(".git/config")),
        ("HEAD", home.root.join(".git/HEAD")),
    ];
    for (name, to) in &links {
        let at = dot_git.join(name);
        if at.is_dir() { fs::remove_dir_all(&at) } else { fs::remove_file(&at) }.unwrap();
        symlink(to, &at).unwrap();
    }
    let config = read(&home.root, ".git/config");
    mend(&home, &place).unwrap();
    assert_eq!(git(&home.root, &["for-each-ref", "--exclude=refs/paddock/places"]), before_places(&before));
    assert_eq!(read(&home.root, ".git/config"), config);
    assert_eq!(read(&home.root, ".git/HEAD"), "ref: refs/heads/master\n");
    git(&place.path, &["status"]);
    // Without a repository of its own there is nothing to give to.
    fs::remove_dir_all(&dot_git).unwrap();
    symlink(home.root.join(".git"), &dot_git).unwrap();
    let error = mend(&home, &place).unwrap_err();
    assert!(matches!(error, GitError::Foreign { .. }), "{error}");
}

fn before_places(refs: &str) -> String {
    refs.lines().filter(|line| !line.contains("refs/paddock/places/")).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_place_without_work_follows_the_tip_and_is_given_what_moved() {
    let home = Home::new();
    let place = home.own("task");
    write(&home.root, "src/a.rs", "newer\n");
    let tip = commit_all(&home.root, "newer");
    assert!(bring_forward(&home.repository(), &place, &tip).unwrap());
    mend_worktree(&home.repository(), &place, &tip, true).unwrap();
    assert_eq!(head(&place.path), tip);
    assert_eq!(read(&place.path, "src/a.rs"), "newer\n");
    assert!(git(&place.path, &["status", "--porcelain"]).is_empty());
    assert_eq!(git(&place.path, &["rev-parse", "origin/master"]), tip.to_string());
}

#[test]
fn a_branch_that_somebody_deleted_begins_again_and_what_it_held_is_kept() {
    let home = Home::new();
    let place = home.own("task");
    git(&home.root, &["update-ref", "-d", "refs/heads/paddock/task/work"]);
    mend(&home, &place).unwrap();
    assert_eq!(head(&place.path), head(&home.root));
    let kept = git(&home.root, &["for-each-ref", "--format=%(objectname)", "refs/paddock/kept/task"]);
    assert_eq!(kept, head(&home.root).to_string());
}

#[test]
fn what_a_crash_left_of_a_removed_place_goes_with_the_next_try() {
    let home = Home::new();
    let place = home.own("task");
    fs::remove_file(place.git_dir.join("paddock")).unwrap();
    finish_removal(&home.repository(), &place.path).unwrap();
    assert!(place.git_dir.is_dir(), "a place that is there is left alone");
    fs::remove_dir_all(&place.path).unwrap();
    finish_removal(&home.repository(), &place.path).unwrap();
    assert!(!place.git_dir.exists());
    assert_eq!(git(&home.root, &["for-each-ref", "refs/paddock/places"]), "");
}

#[test]
fn a_removed_place_leaves_no_ref_and_no_shadow() {
    let home = Home::new();
    git(&home.root, &["tag", "-a", "v1", "-m", "one"]);
    let (place, other) = (home.own("task"), home.own("other"));
    git(&home.root, &["pack-refs", "--all"]);
    mend(&home, &place).unwrap();
    let removal = remove_worktree(&home.repository(), &place, &home.place("kept")).unwrap();
    assert_eq!(removal, Removal::Deleted);
    assert!(!place.path.exists() && !place.git_dir.exists());
    let left = git(&home.root, &["for-each-ref", "--format=%(refname)", "refs/paddock/places"]);
    assert_eq!(left.lines().count(), 1, "{left}");
    assert!(left.contains(other.git_dir.file_name().unwrap().to_str().unwrap()));
    // A repository inside may be somebody's work.
    git(&other.path, &["init", "-q", "inner"]);
    let removal = remove_worktree(&home.repository(), &other, &home.place("kept")).unwrap();
    let Removal::Kept { path } = removal else { panic!("{removal:?}") };
    assert!(path.join("inner/.git").is_dir());
    let last = home.own("last");
    git(&home.root, &["tag", "-d", "v1"]);
    remove_worktree(&home.repository(), &last, &home.place("kept")).unwrap();
    let given = git(&home.root, &["for-each-ref", "refs/paddock/borrowed"]);
    assert_eq!(given, "", "with the last place goes what all were given");
    git(&path, &["fsck"]);
}

#[test]
fn repositories_of_every_kind_have_own_places() {
    let home = Home::new();
    write(&home.root, "sub/deep/file.txt", "text\n");
    write(&home.root, "run.sh", "#!/bin/sh\n");
    symlink("run.sh", home.root.join("link")).unwrap();
    git(&home.root, &["add", "."]);
    git(&home.root, &["update-index", "--chmod=+x", "run.sh"]);
    let tip = commit_all(&home.root, "files");
    git(&home.root, &["sparse-checkout", "set", "src"]);
    let place = home.own("sparse");
    assert!(place.path.join("sub/deep/file.txt").is_file(), "a place is whole");
    assert!(git(&place.path, &["status", "--porcelain"]).is_empty());
    assert_eq!(fs::read_link(place.path.join("link")).unwrap(), Path::new("run.sh"));
    let bare = home.root.with_file_name("bare.git");
    git(&home.root, &["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    git(&bare, &["update-ref", INTEGRATION, "HEAD"]);
    let repository = paddock_git::Repository::open(&bare).unwrap();
    let folder = home.root.with_file_name("bare-places");
    fs::create_dir(&folder).unwrap();
    let origin = follow_origin(&repository, &folder, "master", INTEGRATION).unwrap();
    let spec = WorktreeSpec {
        path: folder.join("task"),
        own: Some(Upstream { origin, branch: "master".to_owned() }),
        base: tip.clone(),
        ..home.spec("task")
    };
    let place = add_worktree(&repository, &spec).unwrap();
    assert_eq!(head(&place.path), tip);
    assert!(git(&place.path, &["status", "--porcelain"]).is_empty());
    let _: ObjectId = commit_all(&place.path, "more");
}
