//! The git program as a user runs it, without the configuration of this machine.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::bounded;
use crate::wait::DEADLINE;

/// A git command in this folder, by `Someone <someone@localhost>`, with the configuration of the repository alone.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut git = Command::new("git");
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

/// Runs git and gives its standard output without the last line's end. It must succeed.
pub fn git(folder: &Path, arguments: &[&str]) -> String {
    text(bytes(folder, arguments))
}

/// Runs git and gives its standard output as it is. It must succeed.
pub fn bytes(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    succeed(&mut command(folder, arguments))
}

/// Runs git, which must fail.
pub fn git_fails(folder: &Path, arguments: &[&str]) {
    let output = bounded::output_of(&mut command(folder, arguments));
    assert!(!output.status.success(), "git {arguments:?} did not fail");
}

/// Runs a git command and gives its standard output. It must succeed, and is run again where it met a publication.
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

/// Output as text, without the last line's end.
pub fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap().trim_end_matches('\n').to_owned()
}

/// Whether a user's git met a publication into its checkout, and changed nothing: the index is locked for a moment
/// then, and a commit that was begun just before finds its branch elsewhere. A user tries again.
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

/// Commits everything; the new commit.
pub fn commit_all(repository: &Path, message: &str) -> String {
    git(repository, &["add", "--all"]);
    git(repository, &["commit", "--quiet", "--message", message]);
    git(repository, &["rev-parse", "HEAD"])
}

/// Writes one file and commits it alone, also where the checkout is dirty elsewhere; the new commit.
pub fn commit_file(repository: &Path, file: &str, text: &str) -> String {
    fs::write(repository.join(file), text).unwrap();
    git(repository, &["add", "--", file]);
    git(repository, &["commit", "--quiet", "--message", &format!("Change {file} by hand"), "--", file]);
    git(repository, &["rev-parse", "HEAD"])
}

/// Every file of a checkout with its mode and bytes, the index, and HEAD.
pub type Snapshot = BTreeMap<PathBuf, (u32, Vec<u8>)>;

/// What a user would miss if it changed.
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

/// Every file below a folder with its mode and bytes, `.git` left out. Of a link, its target with mode 0.
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
