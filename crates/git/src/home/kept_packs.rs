//! Packs that came home from a place. Files beside them keep them while the place lives, so that `git gc` and
//! `git repack` leave them to us, and we may join them at any moment.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::GitError;
use crate::program::flush_path;
use crate::repository::Repository;
use paddock_os::plain;

/// First words of the files that keep our packs.
const KEEP: &str = "paddock brings home from ";
/// Largest pack that is joined with others, in bytes.
const JOINED_BYTES_MAX: u64 = 16 << 20;
/// git's index over several packs: it names packs, so none of them may go.
const MULTI_PACK_INDEX: &str = "multi-pack-index";

/// The packs of one place in the project's objects.
#[derive(Debug)]
pub(crate) struct KeptPacks {
    folder: PathBuf,
    text: String,
}

impl KeptPacks {
    /// Returns the packs of a place in an object store.
    pub(crate) fn new(objects: &Path, name: &str) -> Self {
        let folder = objects.join("pack");
        Self { folder, text: format!("{KEEP}{name}\n") }
    }

    /// Writes the file that keeps a pack. Returns the folder of packs.
    pub(crate) fn keep(&self, name: &str) -> Result<PathBuf, GitError> {
        fs::create_dir_all(&self.folder).map_err(GitError::io(&self.folder))?;
        let file = self.folder.join(format!("{name}.keep"));
        fs::write(&file, &self.text).map_err(GitError::io(&file))?;
        Ok(self.folder.clone())
    }

    /// Returns the packs that are to be joined with a new one of this size, without their endings. Each pack
    /// that stays is more than twice as large as all smaller ones together, so their number is the logarithm
    /// of their size.
    pub(crate) fn small_ones(&self, new_bytes: u64) -> Vec<PathBuf> {
        if self.folder.join(MULTI_PACK_INDEX).exists() {
            return Vec::new();
        }
        let bytes = |pack: &PathBuf| fs::metadata(pack.with_extension("pack")).ok().map(|facts| facts.len());
        let mut packs: Vec<(u64, PathBuf)> =
            self.all().into_iter().filter_map(|pack| Some((bytes(&pack)?, pack))).collect();
        packs.sort_unstable();
        let mut sum = new_bytes;
        let mut found = Vec::new();
        for (bytes, pack) in packs {
            if bytes > sum.saturating_mul(2) || sum.saturating_add(bytes) > JOINED_BYTES_MAX {
                break;
            }
            sum += bytes;
            found.push(pack);
        }
        found
    }

    /// Returns every pack of this place, without its ending.
    fn all(&self) -> Vec<PathBuf> {
        keep_files(&self.folder)
            .into_iter()
            .filter(|(_, text)| *text == self.text)
            .map(|(pack, _)| pack)
            .collect()
    }

    /// Removes a pack whose objects another pack has.
    pub(crate) fn remove(pack: &Path) -> Result<(), GitError> {
        // Readers find a pack by its index; the file that keeps it goes last.
        ["idx", "pack", "keep"].iter().try_for_each(|ending| remove(&pack.with_extension(ending)))
    }

    /// Flushes the names of the packs.
    pub(crate) fn flush(&self) -> Result<(), GitError> {
        match flush_path(&self.folder) {
            Err(GitError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(()),
            flushed => flushed,
        }
    }

    /// Removes what a crash left: packs of this place that came into the folder in part.
    pub(crate) fn mend(&self) -> Result<(), GitError> {
        let is_whole =
            |pack: &PathBuf| ["pack", "idx"].iter().all(|ending| pack.with_extension(ending).exists());
        self.all().iter().filter(|pack| !is_whole(pack)).try_for_each(|pack| Self::remove(pack))
    }

    /// Lets `git gc` treat the packs of this place as any other; refs lead to what they hold.
    pub(crate) fn let_go(&self) -> Result<(), GitError> {
        self.all().iter().try_for_each(|pack| remove(&pack.with_extension("keep")))
    }
}

/// Lets go of the packs of every place whose shadow is gone from the folder of shadows.
pub(crate) fn let_go_of_the_gone(repository: &Repository, shadows: &Path) -> Result<(), GitError> {
    for (pack, text) in keep_files(&repository.common_dir().join("objects/pack")) {
        let name = text.strip_prefix(KEEP).map(str::trim_end);
        if name.is_some_and(|name| !name.is_empty() && !shadows.join(name).exists()) {
            remove(&pack.with_extension("keep"))?;
        }
    }
    Ok(())
}

/// Returns every kept pack, without its ending, with the text of the file that keeps it.
fn keep_files(folder: &Path) -> Vec<(PathBuf, String)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let keeps = entries.filter(|file| file.extension().is_some_and(|ending| ending == "keep"));
    keeps.filter_map(|file| Some((file.with_extension(""), plain::read_to_string(&file).ok()?))).collect()
}

fn remove(file: &Path) -> Result<(), GitError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(GitError::io(file)(error)),
        _ => Ok(()),
    }
}
