//! Where a pack waits until all of it is checked, and how it enters the project's objects.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::thread;

use super::kept_packs::KeptPacks;
use super::pack::{Packed, index, join};
use super::place::PlaceHome;
use crate::error::GitError;
use crate::program::flush_path;
use paddock_os::clear::remove_own;
use paddock_os::fail_points::fail_point;
use paddock_os::files::{create_private, create_private_dir, make_private_dir, mode_of};

/// Permissions of a pack, as git gives them: nobody writes to it again.
const PACK_MODE: u32 = 0o444;

/// The folder in which the objects of one place are checked. It has the layout of an object store, so that what
/// is in it can be read before it is in the project.
#[derive(Debug)]
pub(crate) struct Quarantine {
    folder: PathBuf,
    kept: KeptPacks,
}

impl Quarantine {
    /// Makes an empty folder for a place; removes what a crash left there.
    pub(crate) fn open(place: &PlaceHome<'_>) -> Result<Self, GitError> {
        Self::for_store(place, &place.repository.common_dir().join("objects"))
    }

    /// Like [`Self::open`], for a pack that is to enter another store than the project's own.
    pub(crate) fn for_store(place: &PlaceHome<'_>, objects: &Path) -> Result<Self, GitError> {
        let top = place.repository.own_folder()?.join("quarantine");
        make_private_dir(&top).map_err(GitError::io(&top))?;
        // git prunes what begins with `tmp_`.
        let folder = top.join(format!("home-{}", place.name));
        remove_own(&folder).map_err(GitError::io(&folder))?;
        Ok(Self { folder, kept: KeptPacks::new(objects, place.name) })
    }

    /// Returns the folder, which is an object store of its own.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the file of the pack.
    pub(crate) fn pack(&self) -> Result<File, GitError> {
        create_private_dir(&self.folder).map_err(GitError::io(&self.folder))?;
        create_private_dir(&self.folder.join("pack")).map_err(GitError::io(&self.folder))?;
        let file = self.folder.join("pack/home.pack");
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

    /// Joins the pack with small ones that came home before. Returns the name of the pack that has all, and
    /// the packs that it makes superfluous.
    fn joined(&self, name: &str) -> Result<(String, Vec<PathBuf>), GitError> {
        let new = self.folder.join("pack").join(name);
        let olds = self.kept.small_ones(bytes_of(&new));
        if olds.is_empty() {
            return Ok((name.to_owned(), olds));
        }
        let packs: Vec<&Path> = olds.iter().map(PathBuf::as_path).chain([new.as_path()]).collect();
        let mut file = self.pack()?;
        match join(&packs, &mut file) {
            Ok((mut objects, checksum)) => Ok((self.complete(&mut objects, &checksum)?, olds)),
            // Joining only saves time: the packs stay as they are.
            Err(error) => {
                tracing::debug!(%error, "packs of a place are not joined");
                Ok((name.to_owned(), Vec::new()))
            }
        }
    }

    /// Moves the complete pack into the project's objects, with a file that keeps it. Its content is flushed.
    /// Its new name is flushed at the end of a session ([`Self::flush_names`]): until then the place has
    /// everything as well, and a file system that orders its renames never has the ref without the pack.
    pub(crate) fn release(&self, name: &str) -> Result<(), GitError> {
        let (name, olds) = self.joined(name)?;
        let from = |ending: &str| self.folder.join("pack").join(format!("{name}.{ending}"));
        flush_both(&from("pack"), &from("idx"))?;
        fail_point!("home.packed");
        // First: from its first moment on, `git gc` and `git repack` must leave the pack alone.
        let folder = self.kept.keep(&name)?;
        fail_point!("home.kept");
        // As readable as the folder that it goes to.
        let mode = PACK_MODE & mode_of(&folder);
        for ending in ["pack", "idx"] {
            let (from, to) = (from(ending), folder.join(format!("{name}.{ending}")));
            set_mode(&from, mode)?;
            fs::rename(&from, &to).map_err(GitError::io(&to))?;
        }
        // A pack that was joined with nothing new has the name that it had.
        olds.iter().filter(|old| !old.ends_with(&name)).try_for_each(|old| KeptPacks::remove(old))
    }

    /// Flushes the names of all packs that came home.
    pub(crate) fn flush_names(&self) -> Result<(), GitError> {
        self.kept.flush()
    }

    /// Returns the packs of the place.
    pub(crate) fn kept(&self) -> &KeptPacks {
        &self.kept
    }
}

impl Drop for Quarantine {
    fn drop(&mut self) {
        // What cannot be removed now is removed before the next bring.
        let _ = remove_own(&self.folder);
    }
}

fn bytes_of(pack: &Path) -> u64 {
    fs::metadata(pack.with_extension("pack")).map_or(0, |facts| facts.len())
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
