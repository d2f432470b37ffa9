//! The repository that own places have as `origin`.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use paddock_git::{ORIGIN_FOLDER, PUSH_REFUSED, follow_origin, has_origin, remove_origin};
use paddock_model::ids::ObjectId;

use super::support::{Home, commit_all, git, git_output, head, read, write};

const INTEGRATION: &str = "refs/paddock/integration/master";

/// Points the integration ref to the commit that is checked out, and lets the origin follow.
fn follow(home: &Home) -> PathBuf {
    git(&home.root, &["update-ref", INTEGRATION, "HEAD"]);
    follow_origin(&home.repository(), &home.place("project"), "master", INTEGRATION).unwrap()
}

/// Makes a repository of its own that borrows the project's objects, on a branch with one commit.
fn own_place(home: &Home, origin: &Path) -> PathBuf {
    let place = home.place("project/task");
    std::fs::create_dir_all(&place).unwrap();
    git(&place, &["init", "-q", "-b", "paddock/task/work"]);
    let objects = home.root.join(".git/objects");
    write(&place, ".git/objects/info/alternates", &format!("{}\n", objects.display()));
    git(&place, &["reset", "-q", "--hard", head(&home.root).as_str()]);
    git(&place, &["remote", "add", "origin", origin.to_str().unwrap()]);
    write(&place, "work", "mine");
    commit_all(&place, "work");
    place
}

fn land(home: &Home, name: &str) -> ObjectId {
    write(&home.root, name, "landed\n");
    commit_all(&home.root, name)
}

/// Returns everything below a folder: what it is, its mode, and its content or where it leads.
fn listing(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let facts = path.symlink_metadata().unwrap();
        let text = match facts.is_file() {
            true => String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned(),
            false => format!("{:?}", facts.file_type()),
        };
        found.insert(path.clone(), format!("{:o} {text}", facts.permissions().mode()));
        if facts.is_dir() {
            found.extend(listing(&path));
        }
    }
    found
}

#[test]
fn a_place_fetches_and_rebases_on_what_has_landed() {
    let home = Home::new();
    let origin = follow(&home);
    let place = own_place(&home, &origin);
    let landed = land(&home, "first");
    assert_eq!(follow(&home), origin);
    git(&place, &["fetch", "-q"]);
    git(&place, &["rebase", "-q", "origin/master"]);
    assert_eq!(git(&place, &["rev-parse", "HEAD~1"]), landed.as_str());
    assert_eq!(read(&place, "first"), "landed\n");
    let landed = land(&home, "second");
    follow(&home);
    git(&place, &["pull", "-q", "--rebase", "origin", "master"]);
    assert_eq!(git(&place, &["rev-parse", "HEAD~1"]), landed.as_str());
    assert_eq!(git(&place, &["ls-remote", "--symref", "origin", "HEAD"]).lines().count(), 2);
}

#[test]
fn a_push_is_refused_with_a_sentence_and_leaves_nothing() {
    let home = Home::new();
    let origin = follow(&home);
    let place = own_place(&home, &origin);
    let hooks = home.place("hooks");
    std::fs::create_dir(&hooks).unwrap();
    git(&place, &["config", "core.hooksPath", hooks.to_str().unwrap()]);
    let before = listing(&origin);
    let user = format!("[core]\n\thooksPath = {}\n", hooks.display());
    write(&home.place(""), "gitconfig", &user);
    for arguments in [
        &["push", "origin", "HEAD:master"][..],
        &["push", "--force", "origin", "HEAD"],
        &["push", "origin", ":master"],
        &["-c", "core.hooksPath=/dev/null", "push", "--no-verify", "origin", "HEAD:refs/tags/v1"],
    ] {
        let mut push = paddock_testkit::git::command(&place, arguments);
        // Also where the user's own configuration leads git to other hooks.
        let output = push.env("GIT_CONFIG_GLOBAL", home.place("gitconfig")).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(PUSH_REFUSED), "{arguments:?}: {said}");
    }
    follow(&home);
    assert_eq!(listing(&origin), before);
}

#[test]
fn whatever_was_written_into_it_is_put_right() {
    let home = Home::new();
    let origin = follow(&home);
    let right = listing(&origin);
    let outside = home.place("outside");
    std::fs::create_dir(&outside).unwrap();
    write(&outside, "precious", "mine");
    let config = origin.join("config");
    let mode = |mode| std::fs::Permissions::from_mode(mode);
    let replace = |name: &str| {
        let path = origin.join(name);
        match path.is_dir() {
            true => std::fs::remove_dir_all(&path).unwrap(),
            false => std::fs::remove_file(&path).unwrap(),
        }
        path
    };
    let attacks: [(&str, &dyn Fn()); 12] = [
        ("a setting", &|| write(&origin, "config", "[uploadpack]\n\tpackObjectsHook = touch /tmp/x\n")),
        ("no hook", &|| std::fs::remove_file(origin.join("hooks/pre-receive")).unwrap()),
        ("a hook that does not run", &|| {
            std::fs::set_permissions(origin.join("hooks/pre-receive"), mode(0o644)).unwrap();
        }),
        ("another hook", &|| write(&origin, "hooks/update", "#!/bin/sh\n")),
        ("a link for a file", &|| symlink(outside.join("precious"), replace("config")).unwrap()),
        ("a link for a folder", &|| symlink(&outside, replace("refs/heads")).unwrap()),
        ("a pipe", &|| {
            assert!(Command::new("mkfifo").arg(replace("HEAD")).status().unwrap().success());
        }),
        ("a folder for a file", &|| std::fs::create_dir_all(replace("config").join("a/b")).unwrap()),
        ("a lock and packed refs", &|| {
            write(&origin, "refs/heads/master.lock", "");
            git(&origin, &["update-ref", "refs/heads/other", head(&home.root).as_str()]);
            git(&origin, &["pack-refs", "--all"]);
        }),
        ("objects of its own", &|| drop(git(&origin, &["hash-object", "-w", "config"]))),
        ("a lie", &|| write(&origin, "refs/heads/master", &format!("{}\n", "1".repeat(40)))),
        ("a link for all of it", &|| {
            std::fs::remove_dir_all(&origin).unwrap();
            symlink(&outside, &origin).unwrap();
        }),
    ];
    for (what, attack) in attacks {
        attack();
        assert_ne!(listing(&origin), right, "{what}");
        follow(&home);
        assert_eq!(listing(&origin), right, "{what}");
        assert_eq!(listing(&outside).len(), 1, "{what}");
    }
    assert_eq!(read(&outside, "precious"), "mine");
    assert!(config.is_file());
    assert_eq!(git(&home.root, &["for-each-ref", "refs/paddock/borrowed"]), "");
}

#[test]
fn a_call_that_changes_nothing_writes_nothing() {
    let home = Home::new();
    let origin = follow(&home);
    let times = |folder: &Path| {
        let found = listing(folder).into_keys();
        found.map(|path| path.symlink_metadata().unwrap().modified().unwrap()).collect::<Vec<_>>()
    };
    let before = times(&origin);
    follow(&home);
    assert_eq!(times(&origin), before);
}

#[test]
fn a_tip_that_the_next_one_does_not_follow_stays_in_the_project() {
    let home = Home::new();
    follow(&home);
    let lost = land(&home, "lost");
    let origin = follow(&home);
    git(&home.root, &["reset", "-q", "--hard", "HEAD~1"]);
    land(&home, "other");
    follow(&home);
    let kept = git(&home.root, &["for-each-ref", "--format=%(refname)", "refs/paddock/borrowed"]);
    assert_eq!(kept, format!("refs/paddock/borrowed/{lost}"));
    git(&home.root, &["reflog", "expire", "--expire=now", "--all"]);
    git(&home.root, &["gc", "-q", "--prune=now"]);
    git(&home.root, &["cat-file", "-e", lost.as_str()]);
    // A tip that is in the history of the next one is kept by it.
    land(&home, "further");
    follow(&home);
    assert_eq!(git(&home.root, &["for-each-ref", "refs/paddock/borrowed"]).lines().count(), 1);
    assert_eq!(git(&origin, &["rev-parse", "master"]), head(&home.root).as_str());
}

#[test]
fn another_target_branch_takes_the_place_of_the_first() {
    let home = Home::new();
    let origin = follow(&home);
    let folder = home.place("project");
    let other = "refs/paddock/integration/master/2.0";
    let tip = land(&home, "release");
    git(&home.root, &["update-ref", "-d", INTEGRATION]);
    git(&home.root, &["update-ref", other, tip.as_str()]);
    follow_origin(&home.repository(), &folder, "master/2.0", other).unwrap();
    assert_eq!(git(&origin, &["for-each-ref", "--format=%(refname)"]), "refs/heads/master/2.0");
    assert_eq!(git(&origin, &["symbolic-ref", "HEAD"]), "refs/heads/master/2.0");
    let error = follow_origin(&home.repository(), &folder, "master", INTEGRATION).unwrap_err().to_string();
    assert_eq!(error, format!("{INTEGRATION} does not exist"));
    let error = follow_origin(&home.repository(), &folder, "../x", other).unwrap_err().to_string();
    assert_eq!(error, "`../x` is no name of a branch");
    assert!(has_origin(&folder));
    remove_origin(&folder).unwrap();
    remove_origin(&folder).unwrap();
    assert!(!has_origin(&folder) && !folder.join(ORIGIN_FOLDER).exists());
}

#[test]
fn objects_that_the_project_borrows_itself_are_found() {
    let home = Home::new();
    let (base, second) = (home.place("base"), home.place("second"));
    git(&home.root, &["clone", "-q", "--bare", ".", base.to_str().unwrap()]);
    git(&home.root, &["clone", "-q", "--shared", base.to_str().unwrap(), second.to_str().unwrap()]);
    // Relative to the object folder of the project, as git documents it.
    write(&second, ".git/objects/info/alternates", "../../../base/objects\n");
    git(&second, &["update-ref", INTEGRATION, "HEAD"]);
    let repository = paddock_git::Repository::open(&second).unwrap();
    let origin = follow_origin(&repository, &home.place("project"), "master", INTEGRATION).unwrap();
    assert_eq!(git(&origin, &["rev-parse", "master^{tree}"]).len(), 40);
    let fsck = git_output(&origin, &["fsck", "--strict"]);
    assert!(fsck.status.success(), "{fsck:?}");
}
