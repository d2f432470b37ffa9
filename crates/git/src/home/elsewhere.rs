//! What commits name and git keeps elsewhere comes home after them: files of git LFS, commits of submodules.
//! What does not is recorded with its path, for the review.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;

use git2::Oid;

use super::fault::{Fault, shown};
use super::frame::{self, Frame, Kind};
use super::lfs::LfsStore;
use super::limits::{LEFT_MAX, Limits};
use super::named::{Named, Thing, named, thing};
use super::needs::{ASKED_MAX, Found, Needs, Wanted};
use super::place::PlaceHome;
use super::pointer::Pointer;
use super::record::Home;
use super::settle::INTEGRATION;
use super::submodules::ModuleStore;
use super::talk::Reported;
use crate::error::GitError;
use crate::modules::{DEPTH_MAX, Declared, absolute_url, declared, submodules_of};
use crate::objects::Leaf;
use crate::repository::{object_id, oid};
use crate::snapshot::Snapshot;
use paddock_model::facts::LeftBehind;
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;

/// What is noted of something that stays behind: what it is, and of a submodule the path.
type Key = (Thing, Option<RepoPath>);

/// Where a submodule comes from.
#[derive(Debug, Clone)]
struct Origin {
    /// The url of its remote; empty if none is known.
    url: String,
    /// What the project's own commits name: the submodule, or the one that holds it.
    key: Key,
}

/// What the commits that came home need beyond themselves, and what has become of it.
pub(crate) struct Elsewhere<'a> {
    place: &'a PlaceHome<'a>,
    limits: &'a Limits,
    library: git2::Repository,
    lfs: LfsStore<'a>,
    /// Files that are to come, with the first path of each.
    files: BTreeMap<Pointer, RepoPath>,
    /// Commits of submodules that are to come.
    commits: BTreeMap<Wanted, Origin>,
    /// Those that were looked for, each with the way to its repository.
    looked_for: BTreeSet<(Vec<String>, Oid)>,
    /// What does not come, and why: for files by what they are, for submodules also by their paths.
    left: BTreeMap<Key, String>,
}

impl<'a> Elsewhere<'a> {
    /// Reads from the project what the commits of a place name anew; `before` is what came home before, which
    /// is not looked at again unless this is the `last` time.
    pub(crate) fn read(
        place: &'a PlaceHome<'a>,
        limits: &'a Limits,
        (before, home): (Option<&Home>, &Home),
        last: bool,
    ) -> Result<Self, Fault> {
        let library = place.repository.library()?;
        let mut hidden = integration(&library)?;
        if !last {
            hidden.extend(tips(&library, before)?);
        }
        let found = named(&library, &tips(&library, [home])?, &hidden)?;
        let mut elsewhere = Self {
            place,
            limits,
            library,
            lfs: LfsStore::new(place.repository, place.name),
            files: BTreeMap::new(),
            commits: BTreeMap::new(),
            looked_for: BTreeSet::new(),
            left: BTreeMap::new(),
        };
        elsewhere.sort(found)?;
        Ok(elsewhere)
    }

    /// Finds out what the project lacks.
    fn sort(&mut self, found: Vec<Named>) -> Result<(), GitError> {
        let mut modules: BTreeMap<Oid, BTreeMap<RepoPath, Declared>> = BTreeMap::new();
        let mut bytes = 0_u64;
        for Named { thing, path, by } in found {
            match thing {
                Thing::File(file) if self.files.contains_key(&file) || self.lfs.has(&file) => {}
                Thing::File(file) => {
                    let (max, all) = (self.limits.lfs_file_bytes, self.limits.lfs_bytes);
                    bytes = bytes.saturating_add(file.size);
                    if file.size > max || bytes > all {
                        bytes = bytes.saturating_sub(file.size);
                        let reason = format!(
                            "has {} bytes, and at most {max} of one file and {all} of all come home",
                            file.size
                        );
                        self.leave_file(file, &reason);
                    } else {
                        self.files.insert(file, path);
                    }
                }
                Thing::Commit(commit) => {
                    let modules = match modules.entry(by) {
                        Entry::Occupied(known) => known.into_mut(),
                        Entry::Vacant(new) => new.insert(declared(&self.library, by)?),
                    };
                    let module = modules.get(&path).cloned();
                    self.want(commit, path, module)?;
                }
            }
        }
        Ok(())
    }

    /// Notes a commit of a submodule that a commit of the project names.
    fn want(&mut self, commit: Oid, path: RepoPath, module: Option<Declared>) -> Result<(), GitError> {
        let key = (Thing::Commit(commit), Some(path.clone()));
        let Some(Declared { name, url }) = module else {
            let reason = "a repository that `.gitmodules` does not name, so nobody can fetch it; add it with `git \
                          submodule add`, or take it out";
            self.left.insert(key, reason.to_owned());
            return Ok(());
        };
        let url = absolute_url(&self.library, &url)?;
        self.look_for(vec![name], path, commit, Origin { url, key })
    }

    /// Notes a commit of a submodule, unless the project has it, and those of the submodules inside it.
    fn look_for(
        &mut self,
        names: Vec<String>,
        path: RepoPath,
        commit: Oid,
        origin: Origin,
    ) -> Result<(), GitError> {
        if names.len() > DEPTH_MAX || !self.looked_for.insert((names.clone(), commit)) {
            return Ok(());
        }
        let id = object_id(commit)?;
        let store = match ModuleStore::existing(self.place, &names) {
            Ok(store) => store,
            // It would have nowhere to go. The rest of the work comes home.
            Err(problem) => {
                let reason =
                    format!("its repository in the project is broken ({problem}); repair or remove it");
                self.left.insert(origin.key, reason);
                return Ok(());
            }
        };
        if let Some(store) = &store
            && store.library()?.find_commit(commit).is_ok()
        {
            // Kept, so that a gate finds it, also if nobody pushed it yet.
            store.keep(self.place, &id)?;
            return self.look_inside(&names, &path, commit, &origin.key);
        }
        let store = store.map(|store| store.objects());
        self.commits.insert(Wanted { names, path, commit: id, store }, origin);
        Ok(())
    }

    /// Looks for what a commit of a submodule names in turn.
    fn look_inside(
        &mut self,
        names: &[String],
        path: &RepoPath,
        commit: Oid,
        key: &Key,
    ) -> Result<(), GitError> {
        let Ok(Some(store)) = ModuleStore::existing(self.place, names) else { return Ok(()) };
        let library = store.library()?;
        for (inner, module, commit) in submodules_of(&library, commit)? {
            let path = RepoPath::new([path.as_bytes(), b"/", inner.as_bytes()].concat());
            let origin = Origin { url: absolute_url(&library, &module.url)?, key: key.clone() };
            self.look_for([names, &[module.name]].concat(), path, commit, origin)?;
        }
        Ok(())
    }

    /// Returns what is to be asked for next. `None` when all of it has been.
    pub(crate) fn next(&mut self) -> Option<Needs> {
        let files: Vec<Pointer> = self.files.keys().take(ASKED_MAX).copied().collect();
        let commits: Vec<Wanted> = self.commits.keys().take(ASKED_MAX).cloned().collect();
        (!files.is_empty() || !commits.is_empty()).then_some(Needs { files, commits })
    }

    /// Takes the answer to one request.
    ///
    /// # Errors
    /// Fails if what comes is no answer, or if the project cannot be written.
    pub(crate) fn take(&mut self, needs: &Needs, input: &mut dyn BufRead) -> Result<(), Fault> {
        for file in &needs.files {
            let frame = next_frame(input)?;
            let taken = match frame.kind {
                Kind::Lfs => self.lfs.take(input, &frame, file)?,
                _ => Err(reason_of(&frame)?),
            };
            self.files.remove(file);
            if let Err(reason) = taken {
                self.leave_file(*file, &reason);
            }
        }
        for wanted in &needs.commits {
            let Some(origin) = self.commits.remove(wanted) else { continue };
            if let Err(reason) = self.take_commit(wanted, &origin, input)? {
                let which = match wanted.names.len() {
                    1 => "the submodule's commit".to_owned(),
                    _ => format!("`{}` in it, whose commit", wanted.path),
                };
                let reason = format!(
                    "{which} {} is in none of this machine's copies (the submodule {reason}); push it to its remote \
                     first",
                    wanted.commit.short()
                );
                self.left.insert(origin.key, reason);
            }
        }
        match next_frame(input)?.kind {
            Kind::Done => Ok(()),
            _ => Err(Fault::Pipe(frame::malformed("more than was asked for"))),
        }
    }

    /// Takes one commit of a submodule. The inner error says why it does not come.
    fn take_commit(
        &mut self,
        wanted: &Wanted,
        origin: &Origin,
        input: &mut dyn BufRead,
    ) -> Result<Result<(), String>, Fault> {
        let frame = next_frame(input)?;
        if frame.kind != Kind::Submodule {
            return Ok(Err(reason_of(&frame)?));
        }
        let found: Found = frame.header().map_err(Fault::Pipe)?;
        if frame.length > 0 {
            return Err(Fault::Pipe(frame::malformed("a body where none belongs")));
        }
        if found.at_remote {
            return Ok(Ok(()));
        }
        let store = ModuleStore::open_or_make(self.place, &wanted.names, &origin.url)?;
        match store.take(self.place, input, &wanted.commit, self.limits) {
            Ok(()) => {
                self.look_inside(&wanted.names, &wanted.path, oid(&wanted.commit)?, &origin.key)?;
                Ok(Ok(()))
            }
            Err(fault) => {
                store.give_up();
                match fault {
                    Fault::Named(reason) => Ok(Err(reason)),
                    fault => Err(fault),
                }
            }
        }
    }

    /// Returns what the work branch, or HEAD, needs at its tip and what stayed behind. What has landed before
    /// is left out: no session of this objective brought it.
    ///
    /// # Errors
    /// Fails if a commit cannot be read.
    pub(crate) fn left_behind(&self, home: &Home) -> Result<Vec<LeftBehind>, Fault> {
        if self.left.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = BTreeSet::new();
        let heads: BTreeSet<&ObjectId> = home.branch.iter().chain(&home.head.commit).collect();
        for head in heads {
            let mut here = self.left_at(oid(head)?)?;
            let files: Vec<RepoPath> = here
                .iter()
                .filter(|(_, thing, _)| matches!(thing, Thing::File(_)))
                .map(|(path, ..)| path.clone())
                .collect();
            if !files.is_empty() {
                // A text that only looks like a pointer, as in a test of git LFS, stands for nothing.
                let real = self.place.repository.lfs_paths(head, &files)?;
                here.retain(|(path, thing, _)| matches!(thing, Thing::Commit(_)) || real.contains(path));
            }
            found.extend(here.into_iter().map(|(path, _, reason)| LeftBehind { path, reason }));
        }
        Ok(found.into_iter().take(LEFT_MAX).collect())
    }

    /// Returns the paths of a commit that need something which stayed behind.
    fn left_at(&self, head: Oid) -> Result<Vec<(RepoPath, Thing, String)>, GitError> {
        let mut landed = Vec::new();
        for tip in integration(&self.library)? {
            landed.push(Snapshot::of_commit(&self.library, tip)?);
        }
        let base = landed.first().and_then(Snapshot::id);
        let tree = self.library.find_commit(head)?.tree_id();
        let changed = crate::objects::changed_leaves(&self.library, base, Some(tree))?;
        let is_landed = |path: &RepoPath, leaf: Leaf| {
            landed.iter().any(|landed| landed.entry(path) == Some((leaf.id, leaf.mode)))
        };
        let mut found = Vec::new();
        for (path, leaf) in changed {
            let Some(leaf) = leaf.filter(|leaf| !is_landed(&path, *leaf)) else { continue };
            if let Some(thing) = thing(&self.library, leaf) {
                found.extend(self.left.get(&key(thing, &path)).map(|reason| (path, thing, reason.clone())));
            }
        }
        Ok(found)
    }

    fn leave_file(&mut self, file: Pointer, reason: &str) {
        let short: String = file.to_string().chars().take(12).collect();
        let reason =
            format!("its content (git LFS {short}, {} bytes) {reason}, and the project lacks it", file.size);
        self.left.insert((Thing::File(file), None), reason);
    }
}

/// Returns how something that stays behind is noted.
fn key(thing: Thing, path: &RepoPath) -> Key {
    (thing, matches!(thing, Thing::Commit(_)).then(|| path.clone()))
}

/// Returns the commits that the refs of a place lead to, as far as the project has them.
fn tips<'h>(
    library: &git2::Repository,
    homes: impl IntoIterator<Item = &'h Home>,
) -> Result<Vec<Oid>, GitError> {
    let mut found = BTreeSet::new();
    for home in homes {
        let stashes = home.stashes.iter().map(|entry| &entry.commit);
        let all = home.branch.iter().chain(&home.head.commit).chain(home.refs.values()).chain(stashes);
        for id in all {
            // A tag leads to its commit, and a ref to a blob names nothing.
            let commit = library.find_object(oid(id)?, None).and_then(|object| object.peel_to_commit());
            found.extend(commit.map(|commit| commit.id()));
        }
    }
    Ok(found.into_iter().collect())
}

fn integration(library: &git2::Repository) -> Result<Vec<Oid>, GitError> {
    let refs = library.references_glob(INTEGRATION)?;
    Ok(refs.flatten().filter_map(|reference| reference.peel_to_commit().ok()).map(|tip| tip.id()).collect())
}

/// Returns the next frame that says something.
fn next_frame(input: &mut dyn BufRead) -> Result<Frame, Fault> {
    loop {
        let frame = frame::read(input).map_err(Fault::Pipe)?;
        let frame = frame.ok_or_else(|| Fault::Pipe(std::io::ErrorKind::UnexpectedEof.into()))?;
        match (frame.kind, frame.length) {
            (Kind::Alive, 0) => {}
            _ => return Ok(frame),
        }
    }
}

/// Returns the reason why something stays in the place.
fn reason_of(frame: &Frame) -> Result<String, Fault> {
    match (frame.kind, frame.length) {
        (Kind::Left, 0) => Ok(shown(&frame.header::<Reported>().map_err(Fault::Pipe)?.reason)),
        _ => Err(Fault::Pipe(frame::malformed("another answer than to what was asked"))),
    }
}
