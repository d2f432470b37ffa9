//! What a place has and the project lacks: the objects that the place's refs lead to.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, ObjectType, Odb, OdbLookupFlags, Oid};

use super::check::{Link, check, word};
use super::limits::DEPTH_MAX;
use super::place_refs::file;
use super::talk::Bring;
use paddock_model::path::RepoPath;

/// Largest file of alternates that is read, in bytes.
const ALTERNATES_BYTES_MAX: u64 = 64 << 10;
/// The tree without entries and the file without bytes. git knows them although no store has them.
const BUILT_IN: [(&str, ObjectType); 2] = [
    ("4b825dc642cb6eb9a060e54bf8d69288fbee4904", ObjectType::Tree),
    ("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391", ObjectType::Blob),
];

/// The object stores of a place and of its project.
pub(crate) struct Stores {
    project: Odb<'static>,
    /// The place's own objects, and those that it borrows.
    place: Odb<'static>,
}

/// An object that is to come home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct New {
    pub(crate) id: Oid,
    pub(crate) kind: ObjectType,
}

impl Stores {
    /// Opens the stores, if the place borrows from the project's and from nothing else.
    ///
    /// # Errors
    /// What is wrong, as a sentence without its end.
    pub(crate) fn open(git_dir: &Path, stores: &[PathBuf]) -> Result<Self, String> {
        let objects = git_dir.join("objects");
        if !std::fs::symlink_metadata(&objects).is_ok_and(|facts| facts.is_dir()) {
            return Err(".git/objects is no folder".to_owned());
        }
        refuse_other_alternates(&objects, stores)?;
        let project = odb(stores)?;
        let place = odb(std::slice::from_ref(&objects))?;
        // libgit2 has read the file itself meanwhile.
        refuse_other_alternates(&objects, stores)?;
        Ok(Self { project, place })
    }

    /// Opens the stores of a submodule: its repository in the place, and what the project has of it.
    ///
    /// # Errors
    /// What is wrong, as the second half of a sentence whose subject is the submodule.
    pub(crate) fn of_module(git_dir: &Path, store: Option<&Path>) -> Result<Self, String> {
        let objects = git_dir.join("objects");
        let stores: Vec<PathBuf> = store.map(Path::to_owned).into_iter().collect();
        // One that git cloned borrows nothing; one that was lent to the place borrows from the project's.
        let check = || match std::fs::symlink_metadata(objects.join("info/alternates")) {
            Ok(_) => refuse_other_alternates(&objects, &stores)
                .map_err(|_| "has a repository that borrows objects from elsewhere".to_owned()),
            Err(_) => Ok(()),
        };
        if !std::fs::symlink_metadata(&objects).is_ok_and(|facts| facts.is_dir()) {
            return Err("has a repository without a folder of objects".to_owned());
        }
        check()?;
        let (project, place) = (odb(&stores)?, odb(std::slice::from_ref(&objects))?);
        check()?;
        Ok(Self { project, place })
    }

    /// Returns whether the project has the object.
    pub(crate) fn is_home(&self, id: Oid) -> bool {
        self.project.exists_ext(id, OdbLookupFlags::NO_REFRESH)
    }

    /// Returns the size and the kind of an object of the place.
    pub(crate) fn header(&self, id: Oid) -> Result<(usize, ObjectType), String> {
        match self.place.read_header(id) {
            Ok(header) => Ok(header),
            Err(error) => built_in(id).map(|kind| (0, kind)).ok_or_else(|| missing(&error)),
        }
    }

    /// Reads an object of the place.
    pub(crate) fn read(&self, id: Oid) -> Result<Vec<u8>, String> {
        match self.place.read(id) {
            Ok(object) => Ok(object.data().to_vec()),
            Err(error) => built_in(id).map(|_| Vec::new()).ok_or_else(|| missing(&error)),
        }
    }
}

fn built_in(id: Oid) -> Option<ObjectType> {
    let text = id.to_string();
    BUILT_IN.iter().find(|(known, _)| *known == text).map(|(_, kind)| *kind)
}

/// Says why an object could not be read.
fn missing(error: &git2::Error) -> String {
    match error.code() {
        ErrorCode::NotFound => "does not exist".to_owned(),
        _ => format!("cannot be read ({})", error.message()),
    }
}

fn odb(folders: &[PathBuf]) -> Result<Odb<'static>, String> {
    let fault = |error: &git2::Error| format!("an object store cannot be read ({})", error.message());
    let odb = Odb::new().map_err(|error| fault(&error))?;
    for folder in folders {
        let Some(folder) = folder.to_str() else {
            return Err(format!("the path of the object store {} is not UTF-8", folder.display()));
        };
        odb.add_disk_alternate(folder).map_err(|error| fault(&error))?;
    }
    Ok(odb)
}

/// Refuses a place that borrows objects from elsewhere than the project.
fn refuse_other_alternates(objects: &Path, stores: &[PathBuf]) -> Result<(), String> {
    let found = file(&objects.join("info/alternates"), ALTERNATES_BYTES_MAX);
    let found = found.map_err(|reason| format!(".git/objects/info/alternates {reason}"))?;
    let Some(found) = found else {
        return Err(".git/objects/info/alternates is missing".to_owned());
    };
    let lines = found.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    match lines.eq(stores.iter().map(|store| store.as_os_str().as_encoded_bytes())) {
        true => Ok(()),
        false => Err(".git/objects/info/alternates leads elsewhere than to the project".to_owned()),
    }
}

/// Collects what the refs of a place lead to and the project lacks.
pub(crate) struct Walk<'a> {
    stores: &'a Stores,
    limits: &'a Bring,
    /// Called now and then, since a walk may take long.
    pulse: &'a mut dyn FnMut() -> std::io::Result<()>,
    seen: HashSet<Oid>,
    found: Vec<New>,
}

/// Why a tip does not come home.
pub(crate) enum Stop {
    /// A sentence's second half.
    Fault(String),
    /// The pipe is closed.
    Pipe(std::io::Error),
}

/// An object that is to be looked at.
struct Due {
    id: Oid,
    kind: Option<ObjectType>,
    /// The object that names it; `None` for a tip.
    by: Option<New>,
    /// Its path, if it is in a tree.
    path: Vec<u8>,
    depth: usize,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(
        stores: &'a Stores,
        limits: &'a Bring,
        pulse: &'a mut dyn FnMut() -> std::io::Result<()>,
    ) -> Self {
        Self { stores, limits, pulse, seen: HashSet::new(), found: Vec::new() }
    }

    /// Adds what a tip leads to; all of it, or nothing. `kind` is what the ref has to lead to.
    ///
    /// # Errors
    /// Names the first object that is missing, wrong or too large.
    pub(crate) fn add(&mut self, tip: Oid, kind: Option<ObjectType>) -> Result<(), Stop> {
        let before = self.found.len();
        let mut due = vec![Due { id: tip, kind, by: None, path: Vec::new(), depth: 0 }];
        let mut looked = Vec::new();
        let mut added = Ok(());
        while let Some(next) = due.pop() {
            added = self.look(&next, &mut due, &mut looked);
            if added.is_err() {
                break;
            }
        }
        if added.is_err() {
            for id in looked {
                self.seen.remove(&id);
            }
            self.found.truncate(before);
        }
        added
    }

    /// Returns what was found.
    pub(crate) fn finish(self) -> Vec<New> {
        self.found
    }

    fn look(&mut self, due: &Due, more: &mut Vec<Due>, looked: &mut Vec<Oid>) -> Result<(), Stop> {
        if self.seen.contains(&due.id) {
            return Ok(());
        }
        if self.stores.is_home(due.id) {
            // Of a tip the kind is checked, of all others by the supervisor.
            return match due.by {
                None => self.kind_of(due).map(|_| ()),
                Some(_) => Ok(()),
            };
        }
        (self.pulse)().map_err(Stop::Pipe)?;
        let (size, kind) = self.kind_of(due)?;
        let size = u64::try_from(size).unwrap_or(u64::MAX);
        let is_blob = kind == ObjectType::Blob;
        let max = if is_blob { self.limits.blob_bytes } else { self.limits.other_bytes };
        if size > max {
            return Err(fault(due, &format!("has {size} bytes, and at most {max} come home")));
        }
        if self.found.len() >= usize::try_from(self.limits.objects).unwrap_or(usize::MAX) {
            return Err(Stop::Fault(format!("leads to more than {} new objects", self.limits.objects)));
        }
        self.seen.insert(due.id);
        looked.push(due.id);
        let new = New { id: due.id, kind };
        self.found.push(new);
        if is_blob {
            return Ok(());
        }
        let data = self.stores.read(due.id).map_err(|reason| fault(due, &reason))?;
        let mut named = |link: Link<'_>| {
            let mut path = due.path.clone();
            if !link.name.is_empty() {
                if !path.is_empty() {
                    path.push(b'/');
                }
                path.extend_from_slice(link.name);
            }
            // A submodule's commit belongs to another repository.
            if let Some(kind) = link.kind {
                let depth = if kind == ObjectType::Commit { 0 } else { due.depth + 1 };
                more.push(Due { id: link.id, kind: Some(kind), by: Some(new), path, depth });
            }
        };
        check(kind, &data, &mut named).map_err(|reason| fault(due, &reason))?;
        match due.depth > DEPTH_MAX {
            true => Err(fault(due, &format!("lies more than {DEPTH_MAX} folders deep"))),
            false => Ok(()),
        }
    }

    /// Returns size and kind of an object, if it is of the kind that it is named as.
    fn kind_of(&self, due: &Due) -> Result<(usize, ObjectType), Stop> {
        let (size, kind) = self.stores.header(due.id).map_err(|reason| fault(due, &reason))?;
        match due.kind.is_none_or(|wanted| wanted == kind) {
            true => Ok((size, kind)),
            false => Err(fault(due, &format!("is a {}", word(kind)))),
        }
    }
}

/// Says which object is at fault, and what names it.
fn fault(due: &Due, reason: &str) -> Stop {
    let what = word(due.kind.unwrap_or(ObjectType::Any));
    let path = match due.path.is_empty() {
        true => String::new(),
        false => format!(" (`{}`)", RepoPath::new(due.path.clone())),
    };
    Stop::Fault(match due.by {
        None => format!("leads to the {what} {}, which {reason}", due.id),
        Some(by) => {
            format!(
                "leads to the {} {}, which names the {what} {}{path}, which {reason}",
                word(by.kind),
                by.id,
                due.id
            )
        }
    })
}
