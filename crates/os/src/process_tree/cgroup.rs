//! A control group (v2) for each job, where this process may make one below its own. Elsewhere jobs silently
//! go without.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A control group made by Paddock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cgroup {
    path: PathBuf,
}

/// Returns the folder of this process's own v2 group, also on hybrid mounts.
fn own_group() -> Option<PathBuf> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    locate(&groups, &mounts)
}

/// Finds the folder from the texts of `/proc/self/cgroup` and `/proc/self/mountinfo`.
fn locate(groups: &str, mounts: &str) -> Option<PathBuf> {
    // The line of v2 has hierarchy id 0 and no controllers.
    let own = Path::new(groups.lines().find_map(|line| line.strip_prefix("0::"))?);
    mounts.lines().find_map(|line| {
        // Optional fields of unknown number end with a lone dash; the type of the file system comes after it.
        let (before, after) = line.split_once(" - ")?;
        let mut fields = before.split(' ').skip(3);
        let (root, mounted) = (fields.next()?, fields.next()?);
        let is_v2 = after.split(' ').next() == Some("cgroup2");
        // In a container the mount may show only a part of the hierarchy, whose root the line names.
        let below = own.strip_prefix(root).ok().filter(|_| is_v2)?;
        Some(Path::new(mounted).join(below))
    })
}

/// Writes to a control file of a group.
fn put(path: &Path, text: &str) -> io::Result<()> {
    // Without `create`: where the path is no group any more, this must not make an ordinary file.
    OpenOptions::new().write(true).open(path)?.write_all(text.as_bytes())
}

impl Cgroup {
    /// Makes a group. Returns `None` if that is not permitted, or if the kernel cannot kill a group as a
    /// whole.
    #[must_use]
    pub fn create(name: &str) -> Option<Self> {
        let path = own_group()?.join(format!("paddock-{name}"));
        fs::create_dir(&path).ok()?;
        let group = Self { path };
        // A process that may make a group may still lack permission to move into it. `cgroup.kill` exists
        // since Linux 5.14.
        let usable = ["cgroup.kill", "cgroup.procs"]
            .iter()
            .all(|file| OpenOptions::new().write(true).open(group.path.join(file)).is_ok());
        if !usable {
            group.remove();
            return None;
        }
        Some(group)
    }

    /// Returns the group at a path from a job's claim. `None` if there is no such group, or if Paddock cannot
    /// have made it: a damaged claim must not get another group killed.
    #[must_use]
    pub fn recorded(path: &str) -> Option<Self> {
        let path = PathBuf::from(path);
        let ours = path.file_name()?.to_str()?.starts_with("paddock-");
        (ours && path.join("cgroup.procs").is_file()).then_some(Self { path })
    }

    /// Returns the folder of the group.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Moves this process into the group at `path`. Returns whether that succeeded.
    pub fn enter(path: &Path) -> bool {
        // "0" stands for the writing process.
        put(&path.join("cgroup.procs"), "0").is_ok()
    }

    /// Returns the folders of this group and of all groups below it, parents before children.
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

    /// Returns the processes in this group and in the groups below it.
    #[must_use]
    pub(crate) fn pids(&self) -> Vec<i32> {
        let texts =
            self.folders().into_iter().filter_map(|dir| fs::read_to_string(dir.join("cgroup.procs")).ok());
        texts
            .flat_map(|text| text.lines().filter_map(|line| line.parse().ok()).collect::<Vec<i32>>())
            .collect()
    }

    /// Kills every process in the group. The kernel does so atomically, so no fork escapes.
    pub(crate) fn kill(&self) {
        // Fails only if the group is gone already. The scan that follows finds what is left.
        let _ = put(&self.path.join("cgroup.kill"), "1");
    }

    /// Removes the group with the empty groups below it.
    pub fn remove(&self) {
        // Children before parents: a group with groups below it cannot be removed.
        for folder in self.folders().into_iter().rev() {
            // A group that still holds a process stays; `doctor` and the next boot remove it.
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
