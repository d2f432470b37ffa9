//! A keeper's sign of life: the change time of a file in its job's folder.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, utimensat};

use paddock_os::files::{Flush, PRIVATE_FILE_MODE, create_private, write_atomic};

/// The file that a keeper touches. Keepers of the first build have none.
pub(crate) const BEAT_FILE: &str = "beat";
/// A file that the supervisor writes and removes, to learn whether a keeper could write.
const PROBE_FILE: &str = "beat.probe";

/// Gives a sign of life. An error is ignored: the supervisor judges a keeper by its signs of life only where
/// it can write to the folder itself.
pub(crate) fn beat(dir: &Path) {
    let path = dir.join(BEAT_FILE);
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let times = Timestamps { last_access: now, last_modification: now };
    // By name and without following a link: the agent may have put anything in the file's place.
    if utimensat(CWD, &path, &times, AtFlags::SYMLINK_NOFOLLOW).is_err() {
        let _ = create_private(&path);
    }
}

/// Returns the time of the last sign of life, in the kernel's units: only a difference means anything. `None`
/// without one.
pub(crate) fn last(dir: &Path) -> Option<(i64, i64)> {
    let facts = fs::symlink_metadata(dir.join(BEAT_FILE)).ok()?;
    Some((facts.ctime(), facts.ctime_nsec()))
}

/// Returns whether the folder can be written to. Where it cannot, a keeper is silent, or late with its
/// record, through no fault of its own.
pub(crate) fn is_writable(dir: &Path) -> bool {
    let path = dir.join(PROBE_FILE);
    // As large as a record may be: a full disk may have room for a few bytes.
    let written = write_atomic(&path, &[b' '; 16 * 1024], PRIVATE_FILE_MODE, Flush::Later);
    written.and_then(|()| fs::remove_file(&path)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_beat_is_seen_and_a_link_in_the_files_place_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (dir, strange) = (folder.path().join("job"), folder.path().join("strange"));
        fs::create_dir(&dir).unwrap();
        assert_eq!(last(&dir), None);
        beat(&dir);
        let first = last(&dir);
        assert!(first.is_some());
        let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while last(&dir) == first && std::time::Instant::now() < until {
            beat(&dir);
        }
        assert_ne!(last(&dir), first);
        fs::remove_file(dir.join(BEAT_FILE)).unwrap();
        std::os::unix::fs::symlink(&strange, dir.join(BEAT_FILE)).unwrap();
        beat(&dir);
        assert!(!strange.exists());
        assert!(is_writable(&dir) && !is_writable(&folder.path().join("gone")));
    }
}
