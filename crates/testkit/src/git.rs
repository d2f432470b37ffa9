//! Runs the git program as a user does, but without the configuration of this machine.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::bounded;
use crate::wait::DEADLINE;

/// Returns a git command in this folder, by `Someone <someone@localhost>`, with the repository's
/// configuration alone.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut git = Command::new("git");
    // Tests can run inside a git hook, whose variables point at the repository of that hook.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
        git.env_remove(name);
    }
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("LC_ALL", "C");
    git.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_EDITOR", "true").current_dir(folder);
    for setting in ["user.name=Someone", "user.email=someone@localhost", "protocol.file.allow=always"] {
        git.args(["-c", setting]);
    }
    git.args(arguments);
    git
}

/// Runs git, which must succeed. Returns its standard output without the last line end.
pub fn git(folder: &Path, arguments: &[&str]) -> String {
    text(bytes(folder, arguments))
}

/// Runs git, which must succeed. Returns the bytes of its standard output.
pub fn bytes(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    succeed(&mut command(folder, arguments))
}

/// Runs git, which must fail.
pub fn git_fails(folder: &Path, arguments: &[&str]) {
    let output = bounded::output_of(&mut command(folder, arguments));
    assert!(!output.status.success(), "git {arguments:?} did not fail");
}

/// Runs a git command, which must succeed, and returns its standard output. Runs the command again if it
/// failed because Paddock was publishing at the same time.
pub fn succeed(git: &mut Command) -> Vec<u8> {
    let begun = Instant::now();
    let mut output = bounded::output_of(git);
    while met_a_publication(&output) && begun.elapsed() < DEADLINE {
        std::thread::sleep(Duration::from_millis(5));
        output = bounded::output_of(git);
    }
    assert!(output.status.success(), "{git:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Returns output as text, without the last line end.
pub fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap().trim_end_matches('\n').to_owned()
}

/// Returns whether git failed without changing anything because Paddock was publishing into the same
/// checkout. Publishing locks the index for a moment, and a commit that began just before finds its branch at
/// another commit. A user would try again.
fn met_a_publication(git: &Output) -> bool {
    let problem = String::from_utf8_lossy(&git.stderr);
    ["index.lock': File exists", "cannot lock ref 'HEAD': is at"].iter().any(|words| problem.contains(words))
}

/// Makes an empty repository in a new folder, on this branch.
pub fn init(folder: &Path, branch: &str) {
    fs::create_dir_all(folder).unwrap();
    git(folder, &["init", "--quiet"]);
    git(folder, &["symbolic-ref", "HEAD", &format!("refs/heads/{branch}")]);
}

/// Commits everything. Returns the new commit.
pub fn commit_all(repository: &Path, message: &str) -> String {
    git(repository, &["add", "--all"]);
    git(repository, &["commit", "--quiet", "--message", message]);
    git(repository, &["rev-parse", "HEAD"])
}

/// Writes one file and commits this file alone, even if other files are changed. Returns the new commit.
pub fn commit_file(repository: &Path, file: &str, text: &str) -> String {
    fs::write(repository.join(file), text).unwrap();
    git(repository, &["add", "--", file]);
    git(repository, &["commit", "--quiet", "--message", &format!("Change {file} by hand"), "--", file]);
    git(repository, &["rev-parse", "HEAD"])
}

/// Every file of a checkout with its mode and bytes, and git's index and HEAD.
pub type Snapshot = BTreeMap<PathBuf, (u32, Vec<u8>)>;

/// Returns everything of a checkout that must not change behind a user's back.
pub fn snapshot(checkout: &Path) -> Snapshot {
    let mut found = files(checkout);
    let git_dir = PathBuf::from(git(checkout, &["rev-parse", "--absolute-git-dir"]));
    for name in ["index", "HEAD"] {
        if let Ok(bytes) = fs::read(git_dir.join(name)) {
            found.insert(PathBuf::from(format!(".git/{name}")), (0, bytes));
        }
    }
    found
}

/// Returns every file below a folder with its mode and bytes, except `.git`. A link has its target as bytes,
/// and mode 0.
pub fn files(folder: &Path) -> Snapshot {
    let mut found = Snapshot::new();
    let mut due = vec![folder.to_owned()];
    while let Some(folder) = due.pop() {
        for entry in fs::read_dir(&folder).unwrap().flatten() {
            let (path, facts) = (entry.path(), fs::symlink_metadata(entry.path()).unwrap());
            if entry.file_name() == ".git" {
                continue;
            } else if facts.is_dir() {
                due.push(path);
            } else if facts.is_symlink() {
                let target = fs::read_link(&path).unwrap().to_str().unwrap().as_bytes().to_vec();
                found.insert(path, (0, target));
            } else {
                found.insert(path.clone(), (facts.permissions().mode(), fs::read(&path).unwrap()));
            }
        }
    }
    found
}
