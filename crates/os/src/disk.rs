//! The free space of file systems.

use std::path::Path;

/// Free bytes below which a disk counts as full.
const FULL_BYTES: u64 = 1 << 20;
/// Free inodes below which a disk counts as full.
const FULL_INODES: u64 = 16;

/// The free space of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Free {
    /// Free bytes for users without special rights.
    pub bytes: u64,
    /// Free inodes; `None` where inodes are made as they are needed.
    pub inodes: Option<u64>,
}

impl Free {
    /// Returns the free space on the disk of a folder, or of its nearest parent that exists. `None` if the
    /// file system gives no answer.
    #[must_use]
    pub fn at(folder: &Path) -> Option<Self> {
        let folder = folder.ancestors().find(|path| path.is_dir())?;
        let stat = rustix::fs::statvfs(folder).ok()?;
        let inodes = (stat.f_files > 0).then_some(stat.f_favail);
        Some(Self { bytes: stat.f_bavail.saturating_mul(stat.f_frsize), inodes })
    }

    /// Returns whether so little is free that programs fail.
    #[must_use]
    pub fn is_full(self) -> bool {
        self.bytes < FULL_BYTES || self.inodes.is_some_and(|inodes| inodes < FULL_INODES)
    }

    /// Returns whether there is more than there was, by as much as is worth another try.
    #[must_use]
    pub fn is_more_than(self, before: Self) -> bool {
        self.bytes > before.bytes.saturating_add(FULL_BYTES)
            || self.inodes.zip(before.inodes).is_some_and(|(now, then)| now > then + FULL_INODES)
    }
}

/// Returns whether the file system of the folder is full. One that gives no answer does not count as full.
#[must_use]
pub fn is_full(folder: &Path) -> bool {
    Free::at(folder).is_some_and(Free::is_full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_counts_as_freed_only_if_it_is_worth_another_try() {
        let free = |bytes, inodes| Free { bytes, inodes };
        assert!(!free(FULL_BYTES, Some(20)).is_more_than(free(0, Some(20))));
        assert!(free(FULL_BYTES + 1, Some(20)).is_more_than(free(0, Some(20))));
        assert!(free(0, Some(100)).is_more_than(free(0, Some(20))));
        assert!(free(FULL_BYTES - 1, None).is_full() && free(FULL_BYTES, Some(FULL_INODES - 1)).is_full());
    }
}
