//! Bringing a gate folder to a commit: afterwards it holds exactly what git writes for it, and what is kept.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::sync::PoisonError;

use git2::Oid;

use super::super::error::GitError;
use super::super::modules::lend_modules;
use super::super::remove::{Removal, discard, finish_removal};
use super::super::repository::{Repository, oid};
use super::super::whole::named;
use super::super::worktree::{MARKER_FILE, Place, Worktree, absolute, lock_of, write_if_other};
use super::checkout::Checkout;
use super::clear::{open_up, remove};
use super::compare::Comparison;
use super::conversion::{Conversion, attributes};
use super::kept::KeptFolders;
use super::record::{Known, Record, forget, index_file};
use super::submodules::{LFS_POINTER, Submodules};
use super::table::{Kind, Stat, StatTrust, clock_of};
use super::tree::{Tracked, is_below};
use super::walk::{Survey, Walk};
use super::{GatePlace, MARKER};
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;
use paddock_os::files::make_private_dir;
use paddock_os::plain;

/// Most bytes of a file that can be a pointer of git LFS.
const POINTER_BYTES_MAX: u64 = 1024;

/// What a gate folder is to hold.
#[derive(Debug, Clone, Copy)]
pub struct HoldOrder<'a> {
    /// Commit to check out.
    pub commit: &'a ObjectId,
    /// What stays while git ignores it, from [`super::kept_folders`].
    pub kept: &'a [String],
    /// Whether the folder is to be made anew in any case.
    pub start_from_nothing: bool,
    /// Whether `stat` data may replace reading a file.
    pub trust: StatTrust,
}

/// A gate folder that holds its commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The folder as a worktree.
    pub worktree: Worktree,
    /// Whether the folder was made anew, so that nothing is in it but the commit's files.
    pub from_nothing: bool,
    /// Whether submodules that the set-up filled are empty now, so that it has to run again.
    pub submodules_emptied: bool,
    /// Kept paths that are there, all of which git ignores.
    ignored: BTreeSet<RepoPath>,
}

/// Brings a gate folder to a commit. Afterwards every tracked file is what git writes for it, submodules are
/// empty or at their commits, and nothing else is there but what is kept. No process may run in the folder.
///
/// The folder is made anew if there is none, if nothing is known about it, if a crash interrupted an earlier
/// call, if the order asks for it, or if git may convert unchanged files in another way than it did.
///
/// # Errors
/// [`GitError::Foreign`] if something lies there that Paddock did not make; [`GitError::NotHeld`] or
/// [`GitError::LfsMissing`] if files are not what the commit says all the same; else whatever git or the file
/// system reports. No gate may run in the folder then.
pub fn hold(repository: &Repository, place: &GatePlace, order: &HoldOrder<'_>) -> Result<Held, GitError> {
    let held = hold_files(repository, place, order)?;
    // After the submodules that are not at their commits were emptied, and before the set-up fills them.
    lend_modules(repository, &held.worktree.git_dir, &held.worktree.path, order.commit)?;
    Ok(held)
}

/// Brings the folder to the commit, but for its submodules' repositories.
fn hold_files(repository: &Repository, place: &GatePlace, order: &HoldOrder<'_>) -> Result<Held, GitError> {
    let path = absolute(&place.folder)?;
    repository.refuse_needed(order.commit)?;
    make_private_dir(&place.private).map_err(GitError::io(&place.private))?;
    let known = Known::read(&place.private);
    if let Some(known) = known.as_ref().filter(|known| known.record.folder == path) {
        reclaim(repository, &path, &known.record)?;
    }
    let at = Place { repository, path: &path, marker: MARKER };
    let existing = {
        let lock = lock_of(repository.common_dir());
        let _one_at_a_time = lock.lock().unwrap_or_else(PoisonError::into_inner);
        at.existing()?
    };
    let holding = |git_dir| {
        let checkout = Checkout { repository, git_dir, folder: &path, private: &place.private };
        Holding::new(checkout, order)
    };
    if let (Some(git_dir), Some(known), false) = (&existing, known, order.start_from_nothing) {
        match holding(git_dir)?.reuse(known) {
            Ok(Some(held)) => return Ok(held),
            Ok(None) => {}
            // A new folder would lack the same files.
            Err(error @ GitError::LfsMissing { .. }) => return Err(error),
            // Nor would it have space.
            Err(error) if error.is_disk_full() => return Err(error),
            // Whatever a run left there that stands in git's way does not stand in a new folder.
            Err(error) => tracing::info!(%error, folder = %path.display(), "a gate folder is made anew"),
        }
    }
    forget(&place.private)?;
    let index = index_file(&place.private);
    remove(&index).map_err(GitError::io(&index))?;
    match existing {
        Some(_) => drop(discard(repository, &path)?),
        // A removal that was killed after git had forgotten the folder.
        None => finish_removal(repository, &path)?,
    }
    let git_dir = {
        let lock = lock_of(repository.common_dir());
        let _one_at_a_time = lock.lock().unwrap_or_else(PoisonError::into_inner);
        at.make(None, &["--detach", "--no-checkout", order.commit.as_str()])?
    };
    holding(&git_dir)?.anew()
}

/// Removes the gate folder, or a planner's, at `dir` with everything in it. No process may run in the folder.
///
/// # Errors
/// [`GitError::Foreign`] if something lies there that Paddock did not make, else whatever the file system
/// reports.
pub fn remove_gate(repository: &Repository, dir: &Path) -> Result<Removal, GitError> {
    let path = absolute(dir)?;
    let place = Place { repository, path: &path, marker: MARKER };
    if path.is_dir() && place.existing()?.is_none() {
        return Err(GitError::Foreign {
            what: format!("the folder {}", path.display()),
            way_out: "remove it yourself if nobody needs it".to_owned(),
        });
    }
    discard(repository, &path)
}

/// Removes what a cache brought back and git does not ignore in this commit: a fresh clone would show it as
/// untracked. No process may run in the folder.
///
/// # Errors
/// Fails if git or the file system reports an error.
pub fn remove_unignored(
    repository: &Repository,
    held: &Held,
    place: &GatePlace,
    kept: &[String],
) -> Result<(), GitError> {
    let folder = held.worktree.path.as_path();
    let on_disk = KeptFolders::new(kept, &index_file(&place.private))?.on_disk(folder)?;
    let found: Vec<RepoPath> = on_disk.difference(&held.ignored).cloned().collect();
    let git_dir = &held.worktree.git_dir;
    let checkout = Checkout { repository, git_dir, folder, private: &place.private };
    let ignored = checkout.ignored(&found)?;
    for path in found.iter().filter(|path| !ignored.contains(*path)) {
        let full = folder.join(path.as_path());
        remove(&full).map_err(GitError::io(&full))?;
    }
    Ok(())
}

/// Ties a known gate folder to the repository again, whatever code under test did to the files that do so.
/// Without this, one run could make every later run fail.
fn reclaim(repository: &Repository, path: &Path, record: &Record) -> Result<(), GitError> {
    match Stat::read(path).map_err(GitError::io(path))? {
        None => return Ok(()),
        Some(stat) if stat.kind == Kind::Folder => open_up(path, &stat).map_err(GitError::io(path))?,
        // A link that replaced the folder: what it leads to is not touched.
        Some(_) => return remove(path).map_err(GitError::io(path)),
    }
    no_own_repository(path)?;
    let git_dir = &record.git_dir;
    let is_worktree = git_dir.parent() == Some(&repository.common_dir().join("worktrees"));
    if is_worktree && is_folder(git_dir) {
        let dot_git = path.join(".git");
        write_if_other(&git_dir.join("gitdir"), &format!("{}\n", dot_git.display()))?;
        return write_if_other(&git_dir.join(MARKER_FILE), MARKER);
    }
    // git has forgotten the folder, but the record says whose it is.
    remove(path).map_err(GitError::io(path))
}

/// Removes a repository that code under test made in place of git's own file.
pub(super) fn no_own_repository(folder: &Path) -> Result<(), GitError> {
    let dot_git = folder.join(".git");
    if is_folder(&dot_git) { remove(&dot_git).map_err(GitError::io(&dot_git)) } else { Ok(()) }
}

fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|facts| facts.is_dir())
}

/// One folder that is brought to a commit, once it exists and has a git directory.
pub(super) struct Holding<'a> {
    checkout: Checkout<'a>,
    order: &'a HoldOrder<'a>,
    library: git2::Repository,
    tree: Oid,
    tracked: Tracked,
    /// Time at which the call began.
    began_ns: i128,
}

impl<'a> Holding<'a> {
    pub(super) fn new(checkout: Checkout<'a>, order: &'a HoldOrder<'a>) -> Result<Self, GitError> {
        let library = checkout.repository.library()?;
        let tree = library.find_commit(oid(order.commit)?)?.tree_id();
        let tracked = Tracked::read(&library, tree)?;
        let began_ns = now(checkout.folder)?;
        Ok(Self { checkout, order, library, tree, tracked, began_ns })
    }

    /// Brings a known folder to the commit. Returns `None` if it has to be made anew.
    pub(super) fn reuse(&self, mut known: Known) -> Result<Option<Held>, GitError> {
        self.checkout.purge(&known.record)?;
        let conversion = Conversion::read(&self.checkout)?;
        if !known.reach(&self.library, self.tree, &conversion)? {
            return Ok(None);
        }
        // Until the new state is stored, a crash leaves a folder of which nothing is known.
        forget(self.checkout.private)?;
        self.open_folders(&known)?;
        self.bring(known, &conversion, false).map(Some)
    }

    /// Fills a folder that holds nothing.
    pub(super) fn anew(&self) -> Result<Held, GitError> {
        self.checkout.purge(&Record::default())?;
        let conversion = Conversion::read(&self.checkout)?;
        self.bring(Known::default(), &conversion, true)
    }

    /// Lets git into the tracked folders that a run closed.
    fn open_folders(&self, known: &Known) -> Result<(), GitError> {
        let mut no_folders: Vec<RepoPath> = Vec::new();
        let is_folder = |entry: &(&RepoPath, _)| -> bool {
            let (_, seen): &(&RepoPath, &super::table::Seen) = entry;
            seen.stat.kind == Kind::Folder
        };
        // Outer folders come first.
        for (path, _) in known.table.entries.iter().filter(is_folder) {
            if no_folders.iter().any(|outer| is_below(path, outer)) {
                continue;
            }
            let full = self.checkout.folder.join(path.as_path());
            match Stat::read(&full).map_err(GitError::io(&full))? {
                Some(stat) if stat.kind == Kind::Folder => {
                    open_up(&full, &stat).map_err(GitError::io(&full))?;
                }
                _ => no_folders.push(path.clone()),
            }
        }
        Ok(())
    }

    fn bring(&self, mut known: Known, conversion: &Conversion, from_nothing: bool) -> Result<Held, GitError> {
        self.checkout.switch(self.order.commit).map_err(explain_lfs)?;
        // Taken before the walk: what changes later is read again at the next look.
        let looked_ns = now(self.checkout.folder)?;
        let kept = KeptFolders::new(self.order.kept, &index_file(self.checkout.private))?;
        let walk = Walk {
            root: self.checkout.folder,
            tracked: &self.tracked,
            kept: &kept.on_disk(self.checkout.folder)?,
            table: &known.table,
            trust: self.order.trust,
        };
        let mut survey = walk.survey()?;
        // First of all: where names differ by case alone, a stranger and a file of the commit are the same.
        for path in &survey.strangers {
            self.remove(path)?;
        }
        let comparison =
            Comparison { checkout: self.checkout, tracked: &self.tracked, known: &known, conversion };
        let compared = comparison.compare(std::mem::take(&mut survey.files))?;
        let mut right = compared.right;
        right.extend(comparison.mend(&compared.wrong)?);
        let has_renewed = comparison.renew_times(&mut right, self.began_ns)?;
        let ignored = self.remove_unkept(&survey)?;
        comparison.restore_folders(&mut right)?;
        if has_renewed || !compared.wrong.is_empty() {
            self.checkout.refresh()?;
        }
        self.check_pointers(&known, conversion)?;
        let submodules = Submodules { checkout: self.checkout, conversion, trust: self.order.trust };
        let emptied = submodules.hold(&survey.populated, &self.tracked, &mut known.record)?;
        known.table.of = self.tree.to_string();
        known.table.looked_ns = looked_ns;
        known.table.entries = right;
        known.record = Record {
            folder: self.checkout.folder.to_owned(),
            git_dir: self.checkout.git_dir.to_owned(),
            conversion: conversion.fingerprint.clone(),
            submodules: known.record.submodules,
            made: std::collections::BTreeMap::new(),
        };
        known.write(self.checkout.private)?;
        let worktree = Worktree {
            path: self.checkout.folder.to_owned(),
            git_dir: self.checkout.git_dir.to_owned(),
            branch: String::new(),
            reused: !from_nothing,
            is_own: false,
        };
        Ok(Held { worktree, from_nothing, submodules_emptied: emptied, ignored })
    }

    /// Removes what a rule would keep but git does not ignore, and makes the folders of submodules.
    /// Returns what stays of it.
    fn remove_unkept(&self, survey: &Survey) -> Result<BTreeSet<RepoPath>, GitError> {
        // Asked after everything else is right: another file may say what to ignore.
        let ignored = self.checkout.ignored(&survey.kept)?;
        for path in survey.kept.iter().filter(|path| !ignored.contains(*path)) {
            self.remove(path)?;
        }
        // Inner folders first; one that holds something kept stays.
        for path in survey.searched.iter().rev() {
            if !ignored.iter().any(|kept| is_below(kept, path)) {
                self.remove(path)?;
            }
        }
        for path in self.tracked.submodules.keys() {
            // git makes an empty folder for each.
            let full = self.checkout.folder.join(path.as_path());
            fs::create_dir_all(&full).map_err(GitError::io(&full))?;
        }
        Ok(ignored)
    }

    fn remove(&self, path: &RepoPath) -> Result<(), GitError> {
        let full = self.checkout.folder.join(path.as_path());
        remove(&full).map_err(GitError::io(&full))
    }

    /// Fails if git LFS should have replaced a pointer by the file that it stands for.
    fn check_pointers(&self, known: &Known, conversion: &Conversion) -> Result<(), GitError> {
        if !conversion.fetches_lfs || leaves_pointers(self.checkout.folder) {
            return Ok(());
        }
        // What git wrote in an earlier call was checked then.
        let written = self.tracked.files.keys().filter(|path| known.expected(path).is_none());
        let pointers: Vec<&RepoPath> =
            written.filter(|path| is_pointer(&self.checkout.folder.join(path.as_path()))).collect();
        let attributes = attributes(&self.checkout, pointers.iter().copied())?;
        let is_lfs = |path: &&RepoPath| {
            let filter = attributes.get(*path).and_then(|attributes| attributes.get("filter"));
            filter.is_some_and(|filter| filter == "lfs")
        };
        let missing: Vec<&RepoPath> = pointers.into_iter().filter(is_lfs).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(GitError::LfsMissing { count: missing.len(), files: named(&missing) })
    }
}

/// Returns the time of now by the clock of the file system that holds the folder.
pub(super) fn now(folder: &Path) -> Result<i128, GitError> {
    clock_of(folder).map_err(GitError::io(folder))
}

/// Returns whether the repository's own file for git LFS leaves files out.
fn leaves_pointers(folder: &Path) -> bool {
    let text = plain::read_to_string(folder.join(".lfsconfig")).unwrap_or_default().to_ascii_lowercase();
    text.contains("fetchexclude") || text.contains("fetchinclude")
}

fn is_pointer(file: &Path) -> bool {
    if !fs::symlink_metadata(file).is_ok_and(|facts| facts.is_file() && facts.len() <= POINTER_BYTES_MAX) {
        return false;
    }
    let mut start = vec![0; LFS_POINTER.len()];
    plain::open(file).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == LFS_POINTER
}

/// Says what to do when git LFS could not get a file.
fn explain_lfs(error: GitError) -> GitError {
    let GitError::Program { stderr, .. } = &error else { return error };
    let missing = stderr.lines().filter_map(|line| {
        let line = line.strip_suffix(": smudge filter lfs failed")?;
        Some(RepoPath::new(line.trim_start_matches("fatal: ").trim_start_matches("error: ")))
    });
    let missing: Vec<RepoPath> = missing.collect();
    if missing.is_empty() {
        return error;
    }
    GitError::LfsMissing { count: missing.len(), files: named(&missing.iter().collect::<Vec<_>>()) }
}
