//! A control group (v2) of the job's own, where this process may make one below its own; silently none elsewhere.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A control group made by Paddock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cgroup {
    path: PathBuf,
}

/// Where this process's own v2 group is mounted (also on hybrid mounts).
fn own_group() -> Option<PathBuf> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    locate(&groups, &mounts)
}

fn locate(groups: &str, mounts: &str) -> Option<PathBuf> {
    let own = Path::new(groups.lines().find_map(|line| line.strip_prefix("0::"))?);
    mounts.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let mut fields = before.split(' ').skip(3);
        let (root, mounted) = (fields.next()?, fields.next()?);
        let is_v2 = after.split(' ').next() == Some("cgroup2");
        let below = own.strip_prefix(root).ok().filter(|_| is_v2)?;
        Some(Path::new(mounted).join(below))
    })
}

/// Never makes a file: a group that is gone must not come back as a folder with a file in it.
fn put(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.write_all(text.as_bytes())
}

impl Cgroup {
    /// Makes the group, if that is permitted and it can be killed as a whole.
    #[must_use]
    pub fn create(name: &str) -> Option<Self> {
        let path = own_group()?.join(format!("paddock-{name}"));
        fs::create_dir(&path).ok()?;
        let group = Self { path };
        // Permission to make a group is not permission to move into it.
        let usable = ["cgroup.kill", "cgroup.procs"]
            .iter()
            .all(|file| OpenOptions::new().write(true).open(group.path.join(file)).is_ok());
        if !usable {
            group.remove();
            return None;
        }
        Some(group)
    }

    /// The group that a claim names; only a folder that Paddock itself can have made.
    #[must_use]
    pub fn recorded(path: &str) -> Option<Self> {
        let path = PathBuf::from(path);
        let ours = path.file_name()?.to_str()?.starts_with("paddock-");
        (ours && path.join("cgroup.procs").is_file()).then_some(Self { path })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Moves this process into it.
    pub fn enter(path: &Path) -> bool {
        put(&path.join("cgroup.procs"), "0").is_ok()
    }

    fn folders(&self) -> Vec<PathBuf> {
        let mut found = vec![self.path.clone()];
        let mut next = 0;
        while let Some(folder) = found.get(next).cloned() {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            found.extend(entries.map(|entry| entry.path()).filter(|path| path.is_dir()));
            next += 1;
        }
        found
    }

    /// The processes in it and in groups below it.
    #[must_use]
    pub(crate) fn pids(&self) -> Vec<i32> {
        let texts =
            self.folders().into_iter().filter_map(|dir| fs::read_to_string(dir.join("cgroup.procs")).ok());
        texts
            .flat_map(|text| text.lines().filter_map(|line| line.parse().ok()).collect::<Vec<i32>>())
            .collect()
    }

    /// Kills everything in it, without a race with forks.
    pub(crate) fn kill(&self) {
        // Only fails when the group is gone already; the scan that follows sees what is left.
        let _ = put(&self.path.join("cgroup.kill"), "1");
    }

    /// Removes it with the empty groups below it.
    pub fn remove(&self) {
        for folder in self.folders().into_iter().rev() {
            // A group that still holds a process stays; `doctor` and the next boot take it away.
            let _ = fs::remove_dir(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_group_is_found_on_pure_hybrid_and_bound_mounts() {
        let hybrid = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
                      41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:1 - cgroup2 cgroup2 rw";
        let found = locate("4:memory:/x\n0::/user/a\n", hybrid);
        assert_eq!(found, Some(PathBuf::from("/sys/fs/cgroup/unified/user/a")));
        let bound = "41 31 0:38 /user /sys/fs/cgroup rw - cgroup2 cgroup2 rw";
        assert_eq!(locate("0::/user/a\n", bound), Some(PathBuf::from("/sys/fs/cgroup/a")));
        assert_eq!(locate("0::/other\n", bound), None);
        assert_eq!(locate("4:memory:/x\n", hybrid), None);
    }
}
