//! What commits in an own place name and git keeps elsewhere comes home with them: files of git LFS, and commits
//! of submodules.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use paddock_git::{
    Helper, Home as Brought, HomeLimits, PlaceHome, Repository, WorktreeSpec, add_worktree, lend_modules,
};
use paddock_model::facts::LeftBehind;
use paddock_model::ids::ObjectId;
use sha2::{Digest as _, Sha256};

use super::support::{Home, commit_all, git, git_output, head, read, write};

const BRANCH: &str = "paddock/task/work";
const FILE: [&str; 3] = ["-c", "protocol.file.allow=always", "submodule"];

/// A project with a place of its own on the branch of `task`.
struct Own {
    home: Home,
    repository: Repository,
    place: PathBuf,
    shadow: PathBuf,
    limits: HomeLimits,
}

impl Own {
    fn new(home: Home) -> Self {
        let (place, shadow) = (home.place("task"), home.place("shadow"));
        std::fs::create_dir_all(&place).unwrap();
        std::fs::create_dir_all(&shadow).unwrap();
        let base = head(&home.root);
        git(&home.root, &["update-ref", "refs/paddock/integration/master", base.as_str()]);
        git(&home.root, &["update-ref", &format!("refs/heads/{BRANCH}"), base.as_str()]);
        git(&place, &["init", "-q", "-b", BRANCH]);
        let objects = home.root.join(".git/objects");
        write(&place, ".git/objects/info/alternates", &format!("{}\n", objects.display()));
        git(&place, &["reset", "-q", "--hard", base.as_str()]);
        Brought::begin(&shadow, &base).unwrap();
        let repository = home.repository();
        Self { home, repository, place, shadow, limits: HomeLimits::default() }
    }

    fn bring(&self, last: bool) -> Brought {
        let place = PlaceHome {
            repository: &self.repository,
            folder: &self.place,
            shadow: &self.shadow,
            branch: BRANCH,
            objective: "task",
            name: "place",
        };
        let command = Helper::command(Path::new(env!("CARGO_BIN_EXE_paddock")), &place);
        let mut helper = Helper::start_command(command, &place, self.limits).unwrap();
        let home = helper.bring(&place, last).unwrap();
        assert_eq!(git(&self.home.root, &["rev-parse", BRANCH]), head(&self.place).as_str());
        assert_eq!(Some(home.clone()), Brought::read(&self.shadow));
        home
    }

    /// Brings home for the last time, and returns what stays behind.
    fn missing(&self) -> Vec<(String, String)> {
        let text = |left: LeftBehind| (left.path.to_string(), left.reason);
        self.bring(true).missing.into_iter().map(text).collect()
    }

    fn common_dir(&self) -> &Path {
        self.repository.common_dir()
    }
}

/// Returns the text of a pointer, and where git LFS keeps its file below a git directory.
fn pointer(content: &str) -> (String, String) {
    let hash: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    let text =
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{hash}\nsize {}\n", content.len());
    (text, format!("lfs/objects/{}/{}/{hash}", &hash[..2], &hash[2..4]))
}

/// Commits a pointer, whose file the place has unless it is said not to.
fn commit_pointer(own: &Own, path: &str, content: &str, has: bool) -> String {
    let (text, file) = pointer(content);
    write(&own.place, path, &text);
    if has {
        write(&own.place.join(".git"), &file, content);
    }
    commit_all(&own.place, path);
    file
}

#[test]
fn files_of_lfs_come_home_and_those_that_are_nowhere_are_named() {
    let own = Own::new(Home::new());
    write(&own.place, ".gitattributes", "*.bin filter=lfs\n");
    let first = commit_pointer(&own, "a.bin", "first\n", true);
    assert_eq!(own.bring(false).missing, []);
    assert_eq!(read(own.common_dir(), &first), "first\n");
    let lost = commit_pointer(&own, "dir/lost.bin", "lost\n", false);
    // Not filtered by git LFS, so nobody expects more than its text.
    commit_pointer(&own, "sample.txt", "a sample\n", false);
    let other = commit_pointer(&own, "other.txt", "another\n", true);
    assert_eq!(own.bring(false).missing, []);
    assert_eq!(read(own.common_dir(), &other), "another\n");
    let missing = own.missing();
    let [(path, reason)] = missing.as_slice() else { panic!("{missing:?}") };
    assert_eq!(path, "dir/lost.bin");
    assert!(
        reason.contains("5 bytes) is not in .git/lfs of the folder, and the project lacks it"),
        "{reason}"
    );
    // Once it is there, it comes, although its commit came long ago.
    write(&own.place.join(".git"), &lost, "lost\n");
    assert_eq!(own.missing(), []);
    assert_eq!(read(own.common_dir(), &lost), "lost\n");
    // The project's own files are not asked for again.
    std::fs::remove_dir_all(own.place.join(".git/lfs")).unwrap();
    assert_eq!(own.missing(), []);
}

#[test]
fn a_file_of_lfs_is_taken_only_if_it_is_what_its_name_says() {
    let mut own = Own::new(Home::new());
    write(&own.place, ".gitattributes", "*.bin filter=lfs\n");
    let outside = own.home.place("outside");
    write(&own.home.place(""), "outside", "linked\n");
    let replaced = |file: &str| {
        let path = own.place.join(".git").join(file);
        std::fs::remove_file(&path).unwrap();
        path
    };
    let other = commit_pointer(&own, "other.bin", "honest\n", true);
    write(&own.place.join(".git"), &other, "forged\n");
    let short = commit_pointer(&own, "short.bin", "whole\n", true);
    write(&own.place.join(".git"), &short, "who");
    let linked = commit_pointer(&own, "linked.bin", "linked\n", true);
    symlink(&outside, replaced(&linked)).unwrap();
    let pipe = commit_pointer(&own, "pipe.bin", "piped\n", true);
    assert!(Command::new("mkfifo").arg(replaced(&pipe)).status().unwrap().success());
    let good = commit_pointer(&own, "good.bin", "good\n", true);
    let large = commit_pointer(&own, "large.bin", "larger than the limit\n", true);
    own.limits.lfs_file_bytes = 10;
    let found = own.missing();
    let said = |path: &str| &found.iter().find(|(found, _)| found == path).unwrap().1;
    assert_eq!(found.len(), 5, "{found:?}");
    assert!(said("other.bin").contains("something else than its name says"), "{found:?}");
    assert!(said("short.bin").contains("has 3 bytes in .git/lfs of the folder instead of 6"), "{found:?}");
    assert!(said("linked.bin").contains("cannot be read"), "{found:?}");
    assert!(said("pipe.bin").contains("a named pipe"), "{found:?}");
    assert!(said("large.bin").contains("has 22 bytes, and at most 10"), "{found:?}");
    for absent in [other, short, linked, pipe, large] {
        assert!(!own.common_dir().join(&absent).exists(), "{absent}");
    }
    assert_eq!(read(own.common_dir(), &good), "good\n");
    assert_eq!(std::fs::read_dir(own.common_dir().join("lfs/tmp")).unwrap().count(), 0);
    // What is no longer at the tip keeps nothing from landing.
    git(&own.place, &["rm", "-q", "other.bin", "short.bin", "linked.bin", "pipe.bin", "large.bin"]);
    commit_all(&own.place, "gone");
    assert_eq!(own.missing(), []);
}

/// A project with the submodule `lib/sub`, which the user has checked out or not, and an own place in which it
/// is filled.
fn with_submodule(is_checked_out: bool) -> Own {
    let home = Home::new();
    let sub = home.root.with_file_name("sub");
    std::fs::create_dir(&sub).unwrap();
    git(&sub, &["init", "-q", "-b", "master"]);
    write(&sub, "value.txt", "1\n");
    commit_all(&sub, "start");
    git(&home.root, &[&FILE[..], &["-q", "add", "../sub", "lib/sub"]].concat());
    commit_all(&home.root, "submodule");
    if !is_checked_out {
        git(&home.root, &["submodule", "-q", "deinit", "--force", "lib/sub"]);
        std::fs::remove_dir_all(home.root.join(".git/modules")).unwrap();
    }
    git(&home.root, &["config", "remote.origin.url", home.root.to_str().unwrap()]);
    let own = Own::new(home);
    git(&own.place, &["config", "remote.origin.url", own.home.root.to_str().unwrap()]);
    fill(&own.place);
    own
}

fn fill(folder: &Path) {
    git(folder, &[&FILE[..], &["-q", "update", "--init"]].concat());
}

/// Commits in the submodule of a place, and takes that into the place's branch.
fn bump(own: &Own, text: &str) -> ObjectId {
    let sub = own.place.join("lib/sub");
    write(&sub, "value.txt", text);
    let commit = commit_all(&sub, text);
    commit_all(&own.place, "bump");
    commit
}

#[test]
fn commits_of_submodules_come_home_and_new_places_and_gates_find_them() {
    for is_checked_out in [true, false] {
        let own = with_submodule(is_checked_out);
        let commit = bump(&own, "2\n");
        assert_eq!(own.bring(false).missing, []);
        let module = own.common_dir().join("modules/lib/sub");
        let kept = git(&module, &["for-each-ref", "--format=%(objectname)", "refs/paddock/kept/task"]);
        assert_eq!(kept, commit.as_str());
        git(&module, &["gc", "-q", "--prune=now"]);
        git(&module, &["fsck", "--strict"]);
        let later = bump(&own, "3\n");
        assert_eq!(own.missing(), []);
        git(&module, &["cat-file", "-e", later.as_str()]);
        assert!(
            !module
                .join("objects/pack")
                .read_dir()
                .unwrap()
                .any(|entry| { entry.unwrap().path().extension().is_some_and(|ending| ending == "keep") })
        );
        // New folders find the commit, which the remote does not have: a worktree, and another own place.
        let tip = head(&own.place);
        let worktree =
            add_worktree(&own.repository, &WorktreeSpec { base: tip.clone(), ..own.home.spec("next") });
        fill(&worktree.unwrap().path);
        assert_eq!(read(&own.home.place("next"), "lib/sub/value.txt"), "3\n");
        let other = own.home.place("other");
        git(&own.home.root, &["clone", "-q", "--shared", "-b", BRANCH, ".", other.to_str().unwrap()]);
        git(&other, &["config", "remote.origin.url", own.home.root.to_str().unwrap()]);
        lend_modules(&own.repository, &other.join(".git"), &other, &tip).unwrap();
        fill(&other);
        assert_eq!(read(&other, "lib/sub/value.txt"), "3\n");
        // So does the user's own checkout, once the work is there.
        git(&own.home.root, &["merge", "-q", "--ff-only", tip.as_str()]);
        fill(&own.home.root);
        assert_eq!(read(&own.home.root, "lib/sub/value.txt"), "3\n");
        let url = git(&module, &["config", "remote.origin.url"]);
        assert_eq!(Path::new(&url), own.home.root.with_file_name("sub"), "{is_checked_out}");
    }
}

#[test]
fn a_new_submodule_comes_home_with_the_commit_that_adds_it() {
    let own = with_submodule(true);
    let new = own.place.join("vendor/new");
    std::fs::create_dir_all(&new).unwrap();
    git(&new, &["init", "-q", "-b", "master"]);
    write(&new, "value.txt", "new\n");
    let commit = commit_all(&new, "start");
    let module = "[submodule \"new\"]\n\tpath = vendor/new\n\turl = https://example.org/new.git\n";
    let modules = read(&own.place, ".gitmodules") + module;
    write(&own.place, ".gitmodules", &modules);
    commit_all(&own.place, "add");
    assert_eq!(own.missing(), []);
    let module = own.common_dir().join("modules/new");
    git(&module, &["cat-file", "-e", commit.as_str()]);
    assert_eq!(git(&module, &["config", "remote.origin.url"]), "https://example.org/new.git");
    assert!(!module.join("hooks").exists());
}

#[test]
fn a_submodule_that_cannot_come_home_is_named_with_its_path() {
    let own = with_submodule(true);
    let module = own.place.join(".git/modules/lib/sub");
    let aside = own.home.place("aside");
    let nowhere = "1234567890123456789012345678901234567890";
    bump(&own, "2\n");
    std::fs::rename(&module, &aside).unwrap();
    let away = || {
        drop(std::fs::remove_file(&module));
        drop(std::fs::remove_dir_all(&module));
    };
    let attacks: [(&str, &dyn Fn()); 4] = [
        ("modules/lib/sub is no folder", &|| symlink(&aside, &module).unwrap()),
        ("modules/lib/sub is no folder", &|| {
            assert!(Command::new("mkfifo").arg(&module).status().unwrap().success());
        }),
        ("has a repository in the folder that lacks it", &|| {
            std::fs::create_dir_all(module.join("objects")).unwrap();
            write(&module, "HEAD", "nonsense");
        }),
        ("borrows objects from elsewhere", &|| {
            write(&module, "HEAD", "nonsense");
            write(&module, "objects/info/alternates", &format!("{}\n", aside.join("objects").display()));
        }),
    ];
    let refs = git(&own.common_dir().join("modules/lib/sub"), &["for-each-ref"]);
    for (problem, attack) in attacks {
        attack();
        let missing = own.missing();
        let [(path, reason)] = missing.as_slice() else { panic!("{problem}: {missing:?}") };
        assert_eq!(path, "lib/sub");
        assert!(reason.contains(problem) && reason.contains("push it to its remote first"), "{reason}");
        away();
    }
    assert_eq!(git(&own.common_dir().join("modules/lib/sub"), &["for-each-ref"]), refs);
    std::fs::rename(&aside, &module).unwrap();
    assert_eq!(own.missing(), []);
    // Something else where the project keeps the submodule: the rest of the work comes home.
    let own_module = own.common_dir().join("modules/lib/sub");
    let moved = own.home.place("moved");
    let latest = bump(&own, "3\n");
    std::fs::rename(&own_module, &moved).unwrap();
    for attack in [&(|| symlink(&moved, &own_module).unwrap()) as &dyn Fn(), &|| {
        std::fs::create_dir_all(own_module.join("objects")).unwrap();
        write(&own_module, "HEAD", "nonsense");
        assert!(Command::new("mkfifo").arg(own_module.join("config")).status().unwrap().success());
    }] {
        attack();
        let missing = own.missing();
        assert!(missing.len() == 1 && missing[0].1.contains("in the project is broken"), "{missing:?}");
        drop(std::fs::remove_file(&own_module));
        drop(std::fs::remove_dir_all(&own_module));
    }
    std::fs::rename(&moved, &own_module).unwrap();
    assert_eq!(own.missing(), []);
    git(&own_module, &["cat-file", "-e", latest.as_str()]);
    // A repository that was committed by mistake, and a commit that was never made.
    for (path, name) in [("stray", "stray"), ("lib/sub", "moved")] {
        let entry = format!("160000,{nowhere},{path}");
        git(&own.place, &["update-index", "--add", "--cacheinfo", &entry]);
        git(&own.place, &["commit", "-q", "-m", name]);
    }
    let missing = own.missing();
    let [(first, lost), (second, stray)] = missing.as_slice() else { panic!("{missing:?}") };
    assert_eq!((first.as_str(), second.as_str()), ("lib/sub", "stray"));
    assert!(
        lost.contains("in the folder that lacks it") && stray.contains("`.gitmodules` does not name"),
        "{missing:?}"
    );
}

#[test]
fn a_shallow_clone_of_a_submodule_is_left_to_its_remote() {
    let own = with_submodule(true);
    let sub = own.home.root.with_file_name("sub");
    write(&sub, "value.txt", "2\n");
    let upstream = commit_all(&sub, "upstream");
    let module = own.place.join("lib/sub");
    git(&module, &["fetch", "-q", "--depth", "1", &format!("file://{}", sub.display()), "master"]);
    git(&module, &["checkout", "-q", upstream.as_str()]);
    commit_all(&own.place, "upstream");
    assert_eq!(own.missing(), []);
    bump(&own, "3\n");
    let missing = own.missing();
    assert!(missing.len() == 1 && missing[0].1.contains("a shallow clone"), "{missing:?}");
    let fsck = git_output(&own.home.root, &["fsck", "--strict"]);
    assert!(fsck.status.success(), "{fsck:?}");
}

#[test]
fn commits_of_submodules_inside_submodules_come_home_too() {
    let own = with_submodule(true);
    let recursive = [&FILE[..], &["-q", "update", "--init", "--recursive"]].concat();
    let (outer, inner) = (own.place.join("lib/sub"), own.place.join("lib/sub/inner"));
    // Another copy of the same repository, inside it.
    git(
        &outer,
        &[
            &FILE[..],
            &["-q", "add", "--name", "in", own.home.root.with_file_name("sub").to_str().unwrap(), "inner"],
        ]
        .concat(),
    );
    write(&inner, "value.txt", "inside\n");
    let commit = commit_all(&inner, "inside");
    bump(&own, "outside\n");
    let (there, aside) = (own.place.join(".git/modules/lib/sub/modules/in"), own.home.place("aside"));
    std::fs::rename(&there, &aside).unwrap();
    let missing = own.missing();
    let [(path, reason)] = missing.as_slice() else { panic!("{missing:?}") };
    assert!(path == "lib/sub" && reason.starts_with("`lib/sub/inner` in it, whose commit"), "{missing:?}");
    std::fs::rename(&aside, &there).unwrap();
    assert_eq!(own.missing(), []);
    let module = own.common_dir().join("modules/lib/sub/modules/in");
    git(&module, &["cat-file", "-e", commit.as_str()]);
    let spec = WorktreeSpec { base: head(&own.place), ..own.home.spec("next") };
    let worktree = add_worktree(&own.repository, &spec).unwrap();
    git(&worktree.path, &recursive);
    assert_eq!(read(&worktree.path, "lib/sub/inner/value.txt"), "inside\n");
    assert_eq!(read(&worktree.path, "lib/sub/value.txt"), "outside\n");
}
