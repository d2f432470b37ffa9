//! The git program as a user runs it, and what a user would miss.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use super::DEADLINE;
use super::crossing::crossed_a_publication;

fn output(repository: &Path, arguments: &[&str]) -> Output {
    let mut git = Command::new("git");
    git.arg("-C").arg(repository);
    git.args([
        "-c",
        "user.name=Someone",
        "-c",
        "user.email=someone@localhost",
        "-c",
        "protocol.file.allow=always",
    ]);
    git.args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    git.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_EDITOR", "true").env_remove("GIT_DIR");
    git.output().unwrap()
}

/// Standard output without the last line's end.
pub fn git(repository: &Path, arguments: &[&str]) -> String {
    String::from_utf8(bytes(repository, arguments)).unwrap().trim_end_matches('\n').to_owned()
}

/// Standard output as it is.
pub fn bytes(repository: &Path, arguments: &[&str]) -> Vec<u8> {
    let mut found = output(repository, arguments);
    let begun = Instant::now();
    while crossed_a_publication(&found) && begun.elapsed() < DEADLINE {
        std::thread::sleep(Duration::from_millis(5));
        found = output(repository, arguments);
    }
    assert!(found.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&found.stderr));
    found.stdout
}

pub fn git_fails(repository: &Path, arguments: &[&str]) {
    assert!(!output(repository, arguments).status.success(), "git {arguments:?} did not fail");
}

pub fn commit_all(repository: &Path, message: &str) -> String {
    git(repository, &["add", "--all"]);
    git(repository, &["commit", "--quiet", "--message", message]);
    git(repository, &["rev-parse", "HEAD"])
}

/// Writes one file and commits it alone, wherever else the checkout is dirty.
pub fn commit_file(repository: &Path, file: &str, text: &str) -> String {
    fs::write(repository.join(file), text).unwrap();
    git(repository, &["add", "--", file]);
    git(repository, &["commit", "--quiet", "--message", &format!("Change {file} by hand"), "--", file]);
    git(repository, &["rev-parse", "HEAD"])
}

/// Every file of a checkout with its mode and bytes, the index, and HEAD.
pub type Snapshot = BTreeMap<PathBuf, (u32, Vec<u8>)>;

pub fn snapshot(checkout: &Path) -> Snapshot {
    let mut found = Snapshot::new();
    let mut due = vec![checkout.to_owned()];
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
    let git_dir = PathBuf::from(git(checkout, &["rev-parse", "--absolute-git-dir"]));
    for name in ["index", "HEAD"] {
        if let Ok(bytes) = fs::read(git_dir.join(name)) {
            found.insert(PathBuf::from(format!(".git/{name}")), (0, bytes));
        }
    }
    found
}
