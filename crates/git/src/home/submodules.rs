//! Commits of submodules: the place sends those that the project lacks, and each enters the repository of its
//! submodule as strictly as the work enters the project.

use std::fs;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use git2::ObjectType;

use super::fault::Fault;
use super::frame::{self, Kind};
use super::intake::Intake;
use super::limits::{Limits, SHALLOW_BYTES_MAX};
use super::needs::{Found, Wanted};
use super::pack_stream::PackStream;
use super::place::PlaceHome;
use super::place_refs::file;
use super::quarantine::Quarantine;
use super::send::{pulse, send_pack};
use super::talk::{Bring, Reported};
use super::walk::{New, Stop, Stores, Walk};
use crate::error::GitError;
use crate::gate_folder::clear as remove_tree;
use crate::modules::{KEPT, existing, make, place_of};
use crate::obstacles::refuse_in_repository;
use crate::refs::keep_ref;
use crate::repository::oid;
use paddock_model::ids::ObjectId;

/// Sends one commit with everything that the project lacks of it, or why the place has none. Runs on the
/// place's side.
pub(crate) fn send(
    folder: &Path,
    git_dir: &Path,
    wanted: &Wanted,
    limits: &Bring,
    output: &mut dyn Write,
) -> io::Result<()> {
    let mut last = Instant::now();
    let found = collect(folder, git_dir, wanted, limits, &mut || pulse(&mut last, output));
    let (stores, news) = match found {
        Ok(Some(found)) => found,
        Ok(None) => return frame::write(output, Kind::Submodule, &Found { at_remote: true }, &[]),
        Err(Stop::Pipe(error)) => return Err(error),
        Err(Stop::Fault(reason)) => {
            return frame::write(output, Kind::Left, &Reported { path: String::new(), reason }, &[]);
        }
    };
    frame::write(output, Kind::Submodule, &Found { at_remote: false }, &[])?;
    match send_pack(&news, &stores, output)? {
        Ok(()) => Ok(()),
        Err(reason) => frame::write(output, Kind::Fault, &Reported { path: String::new(), reason }, &[]),
    }
}

/// Returns what is to be sent. `None` if only the remote has all of it.
fn collect(
    folder: &Path,
    git_dir: &Path,
    wanted: &Wanted,
    limits: &Bring,
    pulse: &mut dyn FnMut() -> io::Result<()>,
) -> Result<Option<(Stores, Vec<New>)>, Stop> {
    let module = repository_of(folder, git_dir, wanted).map_err(Stop::Fault)?;
    let commit = oid(&wanted.commit).map_err(|error| Stop::Fault(error.to_string()))?;
    let shallow = file(&module.join("shallow"), SHALLOW_BYTES_MAX)
        .map_err(|reason| Stop::Fault(format!("has a repository whose file `shallow` {reason}")))?;
    if let Some(shallow) = shallow.filter(|text| !text.is_empty()) {
        let name = wanted.commit.as_str().as_bytes();
        return match shallow.split(|byte| *byte == b'\n').any(|line| line == name) {
            true => Ok(None),
            false => Err(Stop::Fault("has a repository that is a shallow clone".to_owned())),
        };
    }
    let stores = Stores::of_module(&module, wanted.store.as_deref()).map_err(Stop::Fault)?;
    if stores.header(commit).is_err() {
        return Err(Stop::Fault("has a repository in the folder that lacks it".to_owned()));
    }
    let mut walk = Walk::new(&stores, limits, pulse);
    walk.add(commit, Some(ObjectType::Commit))?;
    let news = walk.finish();
    Ok(Some((stores, news)))
}

/// Returns where a place keeps the repository of a submodule: below `.git/modules`, or in the submodule's own
/// folder if somebody made it there.
fn repository_of(folder: &Path, git_dir: &Path, wanted: &Wanted) -> Result<PathBuf, String> {
    let short = |problem: String| {
        let place = format!("{}/", folder.display());
        format!("has no repository in the folder: {}", problem.replace(&place, ""))
    };
    if let Some(found) = existing(git_dir, &wanted.names).map_err(short)? {
        return Ok(found);
    }
    let inside = folder.join(wanted.path.as_path()).join(".git");
    match fs::symlink_metadata(&inside).is_ok_and(|facts| facts.is_dir()) {
        true => Ok(inside),
        false => Err("has no repository in the folder".to_owned()),
    }
}

/// Held while a submodule's repository is made: two places can bring the first commit of one.
static MAKING: Mutex<()> = Mutex::new(());

/// A submodule's repository in the project.
pub(crate) struct ModuleStore {
    path: PathBuf,
    is_new: bool,
}

impl ModuleStore {
    /// Opens the repository of a submodule, if the project has it.
    ///
    /// # Errors
    /// Says what stands in its place, or why it cannot be read.
    pub(crate) fn existing(place: &PlaceHome<'_>, names: &[String]) -> Result<Option<Self>, String> {
        let Some(path) = existing(place.repository.common_dir(), names)? else { return Ok(None) };
        refuse_in_repository(&path).map_err(|error| error.to_string())?;
        let store = Self { path, is_new: false };
        store.library().map_err(|error| format!("{} cannot be read: {error}", store.path.display()))?;
        Ok(Some(store))
    }

    /// Returns its folder of objects.
    pub(crate) fn objects(&self) -> PathBuf {
        self.path.join("objects")
    }

    /// Opens libgit2 on it.
    pub(crate) fn library(&self) -> Result<git2::Repository, GitError> {
        Ok(git2::Repository::open_bare(&self.path)?)
    }

    /// Opens the repository of a submodule; makes it with `url` as its origin if there is none.
    pub(crate) fn open_or_make(place: &PlaceHome<'_>, names: &[String], url: &str) -> Result<Self, Fault> {
        let _one_at_a_time = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
        let foreign = |problem: String| {
            Fault::Project(GitError::Foreign {
                what: problem,
                way_out: "put the submodule's repository in its place, or remove it; then retry".to_owned(),
            })
        };
        if let Some(store) = Self::existing(place, names).map_err(foreign)? {
            return Ok(store);
        }
        let path = place_of(place.repository.common_dir(), names);
        make(&path, url, None)?;
        Ok(Self { path, is_new: true })
    }

    /// Takes a pack, and keeps the commit that was asked for.
    pub(crate) fn take(
        &self,
        place: &PlaceHome<'_>,
        input: &mut dyn BufRead,
        commit: &ObjectId,
        limits: &Limits,
    ) -> Result<(), Fault> {
        let objects = self.objects();
        let quarantine = Quarantine::for_store(place, &objects)?;
        let mut intake = Intake::of_store(&objects, *limits)?;
        intake.pack(&mut PackStream::new(input, 0), &quarantine, &[])?;
        intake.check_tip("the submodule", commit, Some(ObjectType::Commit))?;
        if let Some(name) = intake.pack_name() {
            quarantine.release(name)?;
        }
        self.keep(place, commit)?;
        quarantine.kept().let_go()?;
        Ok(())
    }

    /// Keeps a commit that the repository has.
    pub(crate) fn keep(&self, place: &PlaceHome<'_>, commit: &ObjectId) -> Result<(), GitError> {
        let library = self.library()?;
        keep_ref(&library, &format!("{KEPT}{}/{}", place.objective, commit.short()), commit)
    }

    /// Removes the repository again if nothing came into it.
    pub(crate) fn give_up(self) {
        if self.is_new {
            // What stays is an empty repository with the submodule's own url, as git makes it.
            let _ = remove_tree(&self.path);
        }
    }
}
