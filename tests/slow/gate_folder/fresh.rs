//! The oracle: the same commands in a fresh clone of the commit.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use paddock_testkit::{bounded, until};
use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, test_kill_process_group, waitpgid};

/// An entry of a working tree.
#[derive(PartialEq, Eq)]
enum Entry {
    File(Vec<u8>, u32),
    Link(PathBuf),
    Other,
}

/// Returns whether every command succeeds in a fresh clone of the repository's `main`, and their output. The
/// clone has these settings.
///
/// Between two commands the files of the commit are put back, as Paddock does: without that, a command that
/// formats the code would be judged by what it left to the next. Processes that a command left are killed, as
/// the keeper does. Everything else stays as the command left it.
pub(super) fn is_green(
    repository: &Path,
    clone: &Path,
    settings: &[String],
    setup: Option<&str>,
    commands: &[String],
) -> (bool, String) {
    let mut git = Command::new("git");
    // Neither copies anything that the commands could see.
    git.args(["clone", "--quiet", "--shared", "--template="]);
    for setting in settings {
        git.args(["-c", setting]);
    }
    let made = bounded::output_of(git.arg(repository).arg(clone));
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let listed = Command::new("git").args(["ls-files", "-s", "-z"]).current_dir(clone).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let entries = listed.split_terminator('\0').filter(|entry| !entry.starts_with("160000"));
    let paths: Vec<&str> = entries.map(|entry| entry.split_once('\t').unwrap().1).collect();
    let whole: BTreeMap<&str, Entry> =
        paths.iter().map(|path| (*path, read(&clone.join(path)).unwrap())).collect();
    let mut output = String::new();
    for command in setup.into_iter().chain(commands.iter().map(String::as_str)) {
        for (path, entry) in &whole {
            put_back(clone, path, entry);
        }
        let (succeeded, text) = run(clone, command);
        output += &text;
        if !succeeded {
            return (false, output);
        }
    }
    (true, output)
}

fn run(clone: &Path, command: &str) -> (bool, String) {
    // Reaps what the command leaves. The first process of a container may reap nothing, and what it does not
    // reap counts as part of the group for ever.
    paddock_os::process_tree::become_subreaper();
    let log = clone.with_extension("log");
    let file = fs::File::create(&log).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(clone).process_group(0).stdin(Stdio::null());
    let mut child = shell.stderr(file.try_clone().unwrap()).stdout(file).spawn().unwrap();
    let group = Pid::from_child(&child);
    let succeeded = child.wait().unwrap().success();
    // Fails if nothing is left of it.
    let _ = kill_process_group(group, Signal::KILL);
    until("nothing of the command lives", || {
        while waitpgid(group, WaitOptions::NOHANG).is_ok_and(|reaped| reaped.is_some()) {}
        test_kill_process_group(group).is_err()
    });
    (succeeded, fs::read_to_string(log).unwrap())
}

fn read(path: &Path) -> Option<Entry> {
    let facts = fs::symlink_metadata(path).ok()?;
    Some(match facts.file_type() {
        kind if kind.is_file() => Entry::File(fs::read(path).unwrap(), facts.permissions().mode() & 0o7777),
        kind if kind.is_symlink() => Entry::Link(fs::read_link(path).unwrap()),
        _ => Entry::Other,
    })
}

fn put_back(clone: &Path, path: &str, entry: &Entry) {
    let mut folder = clone.to_owned();
    let full = clone.join(path);
    for part in Path::new(path).parent().unwrap() {
        folder.push(part);
        if !fs::symlink_metadata(&folder).is_ok_and(|facts| facts.is_dir()) {
            remove(&folder);
            fs::create_dir(&folder).unwrap();
        }
    }
    if read(&full).as_ref() == Some(entry) {
        return;
    }
    remove(&full);
    match entry {
        Entry::File(bytes, mode) => {
            fs::write(&full, bytes).unwrap();
            fs::set_permissions(&full, fs::Permissions::from_mode(*mode)).unwrap();
        }
        Entry::Link(target) => symlink(target, &full).unwrap(),
        Entry::Other => unreachable!("a commit holds files and links"),
    }
}

fn remove(path: &Path) {
    let removed = match fs::symlink_metadata(path) {
        Ok(facts) if facts.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    removed.unwrap();
}

/// Deletes a clone and what belongs to it.
pub(super) fn forget(clone: &Path) {
    // A process that was killed a moment ago may still hold a file open, which does no harm.
    let deleted = paddock_testkit::within(Duration::from_secs(5), || fs::remove_dir_all(clone).is_ok());
    assert!(deleted, "{} stays", clone.display());
}
