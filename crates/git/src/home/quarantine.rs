//! Where a pack waits until all of it is checked, and how it enters the project's objects.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::thread;

use super::pack::{Packed, index};
use crate::error::GitError;
use crate::program::flush_path;
use crate::repository::Repository;
use paddock_os::fail_points::fail_point;
use paddock_os::files::{create_private, create_private_dir, make_private_dir, mode_of};
use paddock_os::plain;

/// First words of the files that keep our packs while no ref leads to them.
const KEEP: &str = "paddock brings home from ";
/// Permissions of a pack, as git gives them: nobody writes to it again.
const PACK_MODE: u32 = 0o444;

/// The folder in which the objects of one place are checked. It has the layout of an object store, so that what
/// is in it can be read before it is in the project.
#[derive(Debug)]
pub(crate) struct Quarantine {
    folder: PathBuf,
    objects: PathBuf,
    keep_text: String,
}

impl Quarantine {
    /// Makes an empty folder for a place; removes what a crash left there.
    pub(crate) fn open(repository: &Repository, name: &str) -> Result<Self, GitError> {
        Self::for_store(repository, name, &repository.common_dir().join("objects"))
    }

    /// Like [`Self::open`], for a pack that is to enter another store than the project's own.
    pub(crate) fn for_store(repository: &Repository, name: &str, objects: &Path) -> Result<Self, GitError> {
        let top = repository.own_folder()?.join("quarantine");
        make_private_dir(&top).map_err(GitError::io(&top))?;
        // git prunes what begins with `tmp_`.
        let folder = top.join(format!("home-{name}"));
        clear(&folder)?;
        Ok(Self { folder, objects: objects.to_owned(), keep_text: format!("{KEEP}{name}\n") })
    }

    /// Returns the folder, which is an object store of its own.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the file of the pack.
    pub(crate) fn pack(&self) -> Result<File, GitError> {
        let file = self.folder.join("pack/home.pack");
        create_private_dir(&self.folder).map_err(GitError::io(&self.folder))?;
        create_private_dir(&self.folder.join("pack")).map_err(GitError::io(&self.folder))?;
        create_private(&file).map_err(GitError::io(&file))
    }

    /// Makes a file beside the pack.
    pub(crate) fn file(&self, name: &str) -> Result<(PathBuf, File), GitError> {
        let file = self.folder.join(name);
        create_private_dir(&self.folder).map_err(GitError::io(&self.folder))?;
        let made = create_private(&file).map_err(GitError::io(&file))?;
        Ok((file, made))
    }

    /// Gives the pack its name and its index, inside the quarantine.
    pub(crate) fn complete(&self, objects: &mut [Packed], checksum: &[u8; 20]) -> Result<String, GitError> {
        let hex: String = checksum.iter().map(|byte| format!("{byte:02x}")).collect();
        let name = format!("pack-{hex}");
        let pack = self.folder.join("pack");
        let (from, to) = (pack.join("home.pack"), pack.join(format!("{name}.pack")));
        fs::rename(&from, &to).map_err(GitError::io(&from))?;
        let file = pack.join(format!("{name}.idx"));
        let mut made = create_private(&file).map_err(GitError::io(&file))?;
        made.write_all(&index(objects, checksum)).map_err(GitError::io(&file))?;
        Ok(name)
    }

    /// Moves the complete pack into the project's objects, flushed, with a file that keeps it until refs do.
    pub(crate) fn release(&self, name: &str) -> Result<(), GitError> {
        let from = |ending: &str| self.folder.join("pack").join(format!("{name}.{ending}"));
        let to = |ending: &str| self.objects.join("pack").join(format!("{name}.{ending}"));
        flush_both(&from("pack"), &from("idx"))?;
        fail_point!("home.packed");
        let folder = self.objects.join("pack");
        fs::create_dir_all(&folder).map_err(GitError::io(&folder))?;
        // First: from its first moment on, `git gc` and `git repack` must leave the pack alone.
        fs::write(to("keep"), &self.keep_text).map_err(GitError::io(&to("keep")))?;
        fail_point!("home.kept");
        // As readable as the folder that it goes to.
        let mode = PACK_MODE & mode_of(&folder);
        for ending in ["pack", "idx"] {
            let (from, to) = (from(ending), to(ending));
            set_mode(&from, mode)?;
            fs::rename(&from, &to).map_err(GitError::io(&to))?;
        }
        flush_path(&folder)
    }

    /// Lets `git gc` treat the packs of this place as any other, now that refs lead to them. Also those that
    /// an earlier bring left when it was killed.
    pub(crate) fn unkeep(&self) -> Result<(), GitError> {
        let folder = self.objects.join("pack");
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(GitError::io(&folder)(error)),
        };
        for entry in entries.flatten() {
            let file = entry.path();
            let is_keep = file.extension().is_some_and(|ending| ending == "keep");
            if is_keep && plain::read_to_string(&file).is_ok_and(|text| text == self.keep_text) {
                remove(&file)?;
            }
        }
        Ok(())
    }
}

impl Drop for Quarantine {
    fn drop(&mut self) {
        // What cannot be removed now is removed before the next bring.
        let _ = clear(&self.folder);
    }
}

fn clear(folder: &Path) -> Result<(), GitError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(GitError::io(folder)(error)),
        _ => Ok(()),
    }
}

fn remove(file: &Path) -> Result<(), GitError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(GitError::io(file)(error)),
        _ => Ok(()),
    }
}

fn set_mode(file: &Path, mode: u32) -> Result<(), GitError> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(file, fs::Permissions::from_mode(mode)).map_err(GitError::io(file))
}

/// Flushes two files at once: the file system joins both into one write of its journal.
fn flush_both(one: &Path, other: &Path) -> Result<(), GitError> {
    thread::scope(|scope| {
        let first = scope.spawn(|| flush_path(one));
        let second = flush_path(other);
        let first = first.join();
        first.unwrap_or_else(|_| {
            Err(GitError::Unexpected("a thread that flushes a pack panicked".to_owned()))
        })?;
        second
    })
}
