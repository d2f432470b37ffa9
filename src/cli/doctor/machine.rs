//! Checks of the machine: git, free disk space, limits, and the way to kill process trees.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::finding::Finding;
use crate::cli::context::Context;
use paddock_git::program::{GIT_VERSION_ATTRIBUTES, GIT_VERSION_MIN, check_version, merges_by_attributes};
use paddock_os::open_files::{OPEN_FILES_ENOUGH, OPEN_FILES_MIN, within_reach};
use paddock_os::process_tree::kill_method;

/// Minimum number of inotify watches: enough for a few repositories with many branches.
const WATCHES_MIN: u64 = 8_192;
/// Minimum number of inotify instances: one per project and one for project files, and the user's other
/// programs use some.
const INSTANCES_MIN: u64 = 64;

pub(super) fn check(context: &Context) -> Vec<Finding> {
    let mut found = vec![version(), git(), killing(), open_files()];
    found.extend(inotify());
    found.extend(disk(context));
    found
}

fn version() -> Finding {
    Finding::good("paddock", env!("CARGO_PKG_VERSION"))
}

fn git() -> Finding {
    match check_version() {
        Ok(version) if merges_by_attributes(&version) => Finding::good("git", version),
        Ok(version) => Finding::warning(
            "git",
            format!(
                "{version} merges without .gitattributes: merge drivers, `merge=union` and `-merge` have no effect"
            ),
            format!("install git {GIT_VERSION_ATTRIBUTES} or newer if a repository uses them"),
        ),
        Err(error) => {
            Finding::error("git", error.to_string(), format!("install git {GIT_VERSION_MIN} or newer"))
        }
    }
}

fn killing() -> Finding {
    let method = kill_method();
    Finding::good("process trees", format!("killed by {}; what can escape: {}", method.name, method.escapes))
}

/// Checks the limit of open files that a supervisor can reach: it raises its own limit up to the hard limit,
/// and does not start if that is too low.
fn open_files() -> Finding {
    let area = "open files";
    let Some(limit) = within_reach() else { return Finding::good(area, "no limit") };
    let text = format!("at most {limit} per process");
    let remedy = format!("raise the hard limit, `ulimit -Hn`, to {OPEN_FILES_ENOUGH} or more");
    match limit {
        _ if limit < OPEN_FILES_MIN => {
            Finding::error(area, format!("{text}; no supervisor starts below {OPEN_FILES_MIN}"), remedy)
        }
        _ if limit < OPEN_FILES_ENOUGH => Finding::warning(area, text, remedy),
        _ => Finding::good(area, format!("{limit} per process")),
    }
}

/// Checks the limits of inotify. Returns nothing on systems without inotify.
fn inotify() -> Vec<Finding> {
    let read = |name: &str| -> Option<u64> {
        let path = Path::new("/proc/sys/fs/inotify").join(name);
        std::fs::read_to_string(path).ok()?.trim().parse().ok()
    };
    let least = [("max_user_watches", WATCHES_MIN), ("max_user_instances", INSTANCES_MIN)];
    let finding = |(name, least): (&str, u64)| {
        let value = read(name)?;
        let text = format!("{name} is {value}");
        Some(match value < least {
            true => {
                let remedy = format!(
                    "sudo sysctl fs.inotify.{name}={least}; without watches Paddock sees changes only when it polls"
                );
                Finding::warning("inotify", text, remedy)
            }
            false => Finding::good("inotify", text),
        })
    };
    least.into_iter().filter_map(finding).collect()
}

/// Checks free disk space, once per file system.
fn disk(context: &Context) -> Vec<Finding> {
    // The workspace comes first and gets the highest limit of all projects: every session writes its logs
    // there.
    let mut places: Vec<(PathBuf, f64)> = vec![(context.workspace.root().to_path_buf(), 1.0)];
    for project in context.state().unwrap_or_default().projects() {
        let least = project.settings.disk.min_free_gb;
        places[0].1 = places[0].1.max(least);
        for folder in [&project.settings.repo_root, &project.settings.worktrees_root] {
            places.push((PathBuf::from(folder), least));
        }
    }
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for (path, least) in places {
        // `worktrees_root` is made on first use; until then its parent tells the file system.
        let Some(there) = path.ancestors().find(|folder| folder.exists()) else { continue };
        let Ok(facts) = rustix::fs::statvfs(there) else { continue };
        // Workspace, repository and worktrees are usually on one file system.
        if !seen.insert(facts.f_fsid) {
            continue;
        }
        let free = facts.f_bavail as f64 * facts.f_frsize as f64 / 1e9;
        let text = format!("{free:.1} GB free at {}", there.display());
        found.push(match free < least {
            true => {
                let remedy = "free disk space, or lower `disk.min_free_gb`".to_owned();
                Finding::error("disk", format!("{text}; nothing new starts below {least} GB"), remedy)
            }
            false => Finding::good("disk", text),
        });
    }
    found
}
