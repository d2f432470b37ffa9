//! Objects that no ref leads to yet, safe from a collection that runs at this moment.
//!
//! `git gc --prune=now` removes every loose object that no ref led to when it looked, also one that was written
//! since. A pack with a file that keeps it is left alone by `git gc`, `git repack` and `git prune`; the file goes
//! once a ref leads to the objects.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use git2::Oid;

use super::error::GitError;
use super::gate_folder::clear;
use super::program::flush_path;
use super::repository::Repository;
use paddock_os::files::{create_private_dir, make_private_dir, move_into_place, random_hex};

/// Mode of packs and their indexes, as git makes them.
const PACK_MODE: u32 = 0o444;

/// A pack that is kept as long as this value lives.
#[derive(Debug)]
pub(crate) struct KeptPack {
    keep: PathBuf,
}

impl KeptPack {
    /// Writes objects of the repository into a pack, flushed to disk.
    ///
    /// # Errors
    /// Fails if an object was removed meanwhile, or the pack cannot be written. The caller makes the objects
    /// again.
    pub(crate) fn write(
        repository: &Repository,
        library: &git2::Repository,
        objects: &BTreeSet<Oid>,
    ) -> Result<Self, GitError> {
        let mut builder = library.packbuilder()?;
        for id in objects {
            builder.insert_object(*id, None)?;
        }
        let top = repository.own_folder()?.join("quarantine");
        make_private_dir(&top).map_err(GitError::io(&top))?;
        let name = random_hex(8).map_err(GitError::io(&top))?;
        let folder = Aside(top.join(format!("kept-{name}")));
        create_private_dir(&folder.0).map_err(GitError::io(&folder.0))?;
        builder.write(&folder.0, PACK_MODE)?;
        let name = builder
            .name()
            .ok()
            .flatten()
            .ok_or_else(|| GitError::Unexpected("a pack that was written has no name".to_owned()))?;
        let packs = repository.common_dir().join("objects/pack");
        fs::create_dir_all(&packs).map_err(GitError::io(&packs))?;
        let keep = packs.join(format!("pack-{name}.keep"));
        fs::write(&keep, "paddock keeps what it makes\n").map_err(GitError::io(&keep))?;
        let kept = Self { keep };
        for ending in ["pack", "idx"] {
            let from = folder.0.join(format!("pack-{name}.{ending}"));
            flush_path(&from)?;
            move_into_place(&from, &packs.join(format!("pack-{name}.{ending}")))
                .map_err(GitError::io(&from))?;
        }
        Ok(kept)
    }
}

impl Drop for KeptPack {
    fn drop(&mut self) {
        // One that stays only keeps a small pack from being joined with others.
        drop(fs::remove_file(&self.keep));
    }
}

/// A folder that is removed in the end.
struct Aside(PathBuf);

impl Drop for Aside {
    fn drop(&mut self) {
        drop(clear(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn what_no_ref_leads_to_survives_a_collection_as_long_as_it_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let library = git2::Repository::init(folder.path()).unwrap();
        let by = git2::Signature::now("Ada", "ada@localhost").unwrap();
        let tree = library.find_tree(library.treebuilder(None).unwrap().write().unwrap()).unwrap();
        let first = library.commit(Some("HEAD"), &by, &by, "First", &tree, &[]).unwrap();
        let parent = library.find_commit(first).unwrap();
        let alone = library.commit(None, &by, &by, "Alone", &tree, &[&parent]).unwrap();
        let repository = Repository::open(folder.path()).unwrap();
        let collect = || {
            for words in [["prune", "--expire=now"], ["repack", "-adq"], ["gc", "--prune=now"]] {
                let mut git = Command::new("git");
                git.current_dir(folder.path()).args(words).env("GIT_CONFIG_GLOBAL", "/dev/null");
                assert!(git.output().unwrap().status.success());
            }
        };
        let kept = KeptPack::write(&repository, &library, &BTreeSet::from([alone])).unwrap();
        collect();
        let is_there = || repository.library().unwrap().find_commit(alone).is_ok();
        assert!(is_there());
        drop(kept);
        collect();
        assert!(!is_there(), "nothing keeps it any more");
        assert!(
            KeptPack::write(&repository, &repository.library().unwrap(), &BTreeSet::from([alone])).is_err()
        );
        let left = fs::read_dir(folder.path().join(".git/paddock/quarantine")).unwrap().count();
        assert_eq!(left, 0);
    }
}
