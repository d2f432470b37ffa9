//! Objects that no ref leads to yet, safe from a collection that runs at this moment.
//!
//! `git gc --prune=now` removes every loose object that no ref led to when it looked, also one that was written
//! since and that a ref leads to by now. A pack with a file that keeps it is left alone by `git gc`, `git repack`
//! and `git prune`. So the objects are written into such a pack, too, before a ref leads to them. It goes with the
//! first one that is made later than any collection takes: the loose objects are safe then.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use git2::Oid;

use super::error::GitError;
use super::gate_folder::clear;
use super::program::flush_path;
use super::repository::Repository;
use paddock_os::files::{create_private_dir, make_private_dir, move_into_place, random_hex};
use paddock_os::{plain, processes};

/// Mode of packs and their indexes, as git makes them.
const PACK_MODE: u32 = 0o444;

/// First line of the files that keep these packs. The ids of the objects follow.
const KEEP: &str = "paddock keeps what it makes";
/// Beginning of the names of folders in which packs are made.
const ASIDE: &str = "kept-";
/// Time after which no collection runs any more that began before a ref led to the objects.
const COLLECTION_MAX: Duration = Duration::from_secs(30 * 60);

/// Writes objects of the repository into a pack that collections leave alone, flushed to disk.
///
/// # Errors
/// Fails if an object was removed meanwhile, or the pack cannot be written. The caller makes the objects again.
pub(crate) fn keep_objects(
    repository: &Repository,
    library: &git2::Repository,
    objects: &BTreeSet<Oid>,
) -> Result<(), GitError> {
    let mut builder = library.packbuilder()?;
    for id in objects {
        builder.insert_object(*id, None)?;
    }
    let top = repository.own_folder()?.join("quarantine");
    make_private_dir(&top).map_err(GitError::io(&top))?;
    let name = random_hex(8).map_err(GitError::io(&top))?;
    let folder = Aside(top.join(format!("{ASIDE}{}-{name}", std::process::id())));
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
    let ids = objects.iter().map(|id| format!("{id}\n"));
    let text: String = std::iter::once(format!("{KEEP}\n")).chain(ids).collect();
    fs::write(&keep, text).map_err(GitError::io(&keep))?;
    for ending in ["pack", "idx"] {
        let from = folder.0.join(format!("pack-{name}.{ending}"));
        flush_path(&from)?;
        move_into_place(&from, &packs.join(format!("pack-{name}.{ending}"))).map_err(GitError::io(&from))?;
    }
    sweep(repository, COLLECTION_MAX);
    Ok(())
}

/// Returns whether a folder is one in which a process made a pack that has ended. Other workspaces may work on the
/// same repository at this moment.
fn is_left(folder: &str) -> bool {
    let maker = folder.strip_prefix(ASIDE).and_then(|rest| rest.split_once('-'));
    maker.is_some_and(|(pid, _)| pid.parse().map_or(true, |pid| processes::name(pid).is_none()))
}

/// Removes the packs that are older than `age`, and the folders that killed processes left. A pack whose objects
/// are not all loose stays as any other pack.
fn sweep(repository: &Repository, age: Duration) {
    let top = repository.common_dir().join("paddock/quarantine");
    for entry in fs::read_dir(top).into_iter().flatten().flatten() {
        if is_left(&entry.file_name().to_string_lossy()) {
            drop(clear(&entry.path()));
        }
    }
    let objects = repository.common_dir().join("objects");
    for entry in fs::read_dir(objects.join("pack")).into_iter().flatten().flatten() {
        let keep = entry.path();
        let is_old = || entry.metadata().and_then(|facts| facts.modified()).ok()?.elapsed().ok();
        if keep.extension().is_none_or(|ending| ending != "keep") || is_old().is_none_or(|old| old < age) {
            continue;
        }
        let text = plain::read_to_string(&keep).unwrap_or_default();
        let mut lines = text.lines();
        if lines.next() != Some(KEEP) {
            continue;
        }
        let is_loose = |id: &str| {
            id.split_at_checked(2).is_some_and(|(folder, name)| objects.join(folder).join(name).is_file())
        };
        let endings: &[&str] = if lines.all(is_loose) { &["idx", "pack", "keep"] } else { &["keep"] };
        for ending in endings {
            // What stays is looked at again by the next sweep.
            drop(fs::remove_file(keep.with_extension(ending)));
        }
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

    /// A repository with one commit.
    fn sample() -> (tempfile::TempDir, git2::Repository, Oid) {
        let folder = tempfile::tempdir().unwrap();
        let library = git2::Repository::init(folder.path()).unwrap();
        let by = git2::Signature::now("Ada", "ada@localhost").unwrap();
        let tree = library.find_tree(library.treebuilder(None).unwrap().write().unwrap()).unwrap();
        let first = library.commit(Some("HEAD"), &by, &by, "First", &tree, &[]).unwrap();
        drop(tree);
        (folder, library, first)
    }

    #[test]
    fn what_no_ref_leads_to_survives_a_collection_as_long_as_it_is_kept() {
        let (folder, library, first) = sample();
        let parent = library.find_commit(first).unwrap();
        let (by, tree) = (parent.author(), parent.tree().unwrap());
        let alone = library.commit(None, &by, &by, "Alone", &tree, &[&parent]).unwrap();
        let repository = Repository::open(folder.path()).unwrap();
        let collect = || {
            for words in [["prune", "--expire=now"], ["repack", "-adq"], ["gc", "--prune=now"]] {
                let mut git = Command::new("git");
                git.current_dir(folder.path()).args(words).env("GIT_CONFIG_GLOBAL", "/dev/null");
                assert!(git.output().unwrap().status.success());
            }
        };
        keep_objects(&repository, &library, &BTreeSet::from([alone])).unwrap();
        collect();
        let is_there = || repository.library().unwrap().find_commit(alone).is_ok();
        assert!(is_there());
        sweep(&repository, COLLECTION_MAX);
        collect();
        assert!(is_there(), "a collection may still run");
        sweep(&repository, Duration::ZERO);
        collect();
        assert!(!is_there(), "nothing keeps it any more");
        let library = repository.library().unwrap();
        assert!(keep_objects(&repository, &library, &BTreeSet::from([alone])).is_err());
        let left = fs::read_dir(folder.path().join(".git/paddock/quarantine")).unwrap().count();
        assert_eq!(left, 0);
    }

    #[test]
    fn packs_do_not_pile_up() {
        let (folder, library, first) = sample();
        let repository = Repository::open(folder.path()).unwrap();
        keep_objects(&repository, &library, &BTreeSet::from([first])).unwrap();
        let packs = || fs::read_dir(folder.path().join(".git/objects/pack")).unwrap().count();
        let left = folder.path().join(".git/paddock/quarantine/kept-0-left-by-a-killed-process");
        fs::create_dir(&left).unwrap();
        let at_work = format!("kept-{}-at-work", std::os::unix::process::parent_id());
        let at_work = left.with_file_name(at_work);
        fs::create_dir(&at_work).unwrap();
        assert_eq!(packs(), 3);
        sweep(&repository, Duration::ZERO);
        assert_eq!(packs(), 0);
        assert!(!left.exists() && at_work.exists());
        assert!(repository.library().unwrap().find_commit(first).is_ok());
    }
}
