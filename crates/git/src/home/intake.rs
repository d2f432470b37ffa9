//! Taking a pack in: every object is checked and written anew into the quarantine, and whatever it names must
//! be in the pack or in the project.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufWriter};
use std::path::Path;

use git2::{ObjectType, Odb, Oid};
use sha1_checked::Digest as _;

use super::check::{Link, check, modules, word};
use super::fault::{Fault, Named};
use super::limits::{DEPTH_MAX, Limits};
use super::pack::read::{PackReader, Refused};
use super::pack::{PackWriter, Packed, object_hash};
use super::quarantine::Quarantine;
use crate::error::GitError;
use crate::repository::{Repository, oid};
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;

/// Largest `.gitmodules` that is read, in bytes.
const MODULES_BYTES_MAX: usize = 1 << 20;

fn refused<T>(reason: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Place(reason.into()))
}

/// The project's objects, and those of the pack that was taken in.
pub(crate) struct Intake {
    project: Odb<'static>,
    limits: Limits,
    new: HashMap<Oid, ObjectType>,
    packed: Vec<Packed>,
    /// What objects of the pack name: the kind that it has to be, and what names it first.
    named: HashMap<Oid, (ObjectType, Oid)>,
    /// Folders of the pack, each with the folders that it names.
    folders: HashMap<Oid, Vec<Oid>>,
    /// Blobs that are a `.gitmodules`.
    modules: HashSet<Oid>,
    /// Name of the pack in the quarantine.
    pack: Option<String>,
}

impl Intake {
    /// Opens the project's objects.
    pub(crate) fn new(repository: &Repository, limits: Limits) -> Result<Self, Fault> {
        Self::of_store(&repository.common_dir().join("objects"), limits)
    }

    /// Opens the store that a pack is to enter.
    pub(crate) fn of_store(objects: &Path, limits: Limits) -> Result<Self, Fault> {
        let Some(path) = objects.to_str() else {
            return refused("the path of the project's objects is not UTF-8");
        };
        let project = Odb::new().map_err(GitError::Library)?;
        project.add_disk_alternate(path).map_err(GitError::Library)?;
        Ok(Self {
            project,
            limits,
            new: HashMap::new(),
            packed: Vec::new(),
            named: HashMap::new(),
            folders: HashMap::new(),
            modules: HashSet::new(),
            pack: None,
        })
    }

    /// Reads a whole pack into the quarantine, and with it a tree that names the `staged` blobs, so that a ref
    /// can keep them. Returns that tree.
    pub(crate) fn pack(
        &mut self,
        input: &mut dyn BufRead,
        quarantine: &Quarantine,
        staged: &[ObjectId],
    ) -> Result<Option<Oid>, Fault> {
        let limits = self.limits;
        let mut reader = PackReader::new(input, limits).map_err(wrong)?;
        let kept = kept_tree(staged)?;
        let count = reader.left().saturating_add(u32::from(kept.is_some()));
        let file = BufWriter::with_capacity(64 << 10, quarantine.pack()?);
        let ours = |error| ours(quarantine, error);
        let mut writer = PackWriter::new(file, count).map_err(ours)?;
        while let Some(header) = reader.header().map_err(wrong)? {
            self.object(&mut reader, header, &mut writer).map_err(|fault| match fault {
                // The error of the file that is written: the pipe's own errors carry no mark.
                Fault::Pipe(error) if is_ours(&error) => ours(error),
                fault => fault,
            })?;
        }
        reader.finish().map_err(wrong)?;
        self.complete(writer, kept.as_ref(), quarantine)?;
        self.check_connected()?;
        self.check_depth()?;
        self.check_modules(quarantine)?;
        Ok(kept.map(|(id, _)| id))
    }

    /// Makes a pack of nothing but the tree that names the `staged` blobs, unless the project has it.
    pub(crate) fn keep(
        &mut self,
        quarantine: &Quarantine,
        staged: &[ObjectId],
    ) -> Result<Option<Oid>, Fault> {
        let Some((id, data)) = kept_tree(staged)? else { return Ok(None) };
        if !self.has(id) {
            let file = BufWriter::new(quarantine.pack()?);
            let writer = PackWriter::new(file, 1).map_err(|error| ours(quarantine, error))?;
            self.complete(writer, Some(&(id, data)), quarantine)?;
            self.check_connected()?;
        }
        Ok(Some(id))
    }

    /// Writes the tree of staged blobs, if there is one, and the end of the pack.
    fn complete(
        &mut self,
        mut writer: PackWriter<BufWriter<File>>,
        kept: Option<&(Oid, Vec<u8>)>,
        quarantine: &Quarantine,
    ) -> Result<(), Fault> {
        let ours = |error| ours(quarantine, error);
        if let Some((id, data)) = kept {
            self.add(*id, ObjectType::Tree, data)?;
            writer.begin(ObjectType::Tree, u64::try_from(data.len()).unwrap_or(u64::MAX)).map_err(ours)?;
            writer.data(data).map_err(ours)?;
            self.packed.push(writer.end(*id, ObjectType::Tree).map_err(ours)?);
        }
        let (file, checksum) = writer.finish().map_err(ours)?;
        drop(file);
        self.pack = Some(quarantine.complete(&mut self.packed, &checksum)?);
        Ok(())
    }

    /// Takes one object: checks it and writes it.
    fn object(
        &mut self,
        reader: &mut PackReader<'_>,
        (kind, size): (ObjectType, u64),
        writer: &mut PackWriter<impl io::Write>,
    ) -> Result<(), Fault> {
        writer.begin(kind, size).map_err(marked)?;
        let mut data = Vec::new();
        let mut to = |piece: &[u8]| {
            if kind != ObjectType::Blob {
                data.extend_from_slice(piece);
            }
            writer.data(piece).map_err(mark)
        };
        let id = reader.object((kind, size), &mut to).map_err(wrong)?;
        self.add(id, kind, &data)?;
        self.packed.push(writer.end(id, kind).map_err(marked)?);
        Ok(())
    }

    /// Checks an object, and notes what it names.
    fn add(&mut self, id: Oid, kind: ObjectType, data: &[u8]) -> Result<(), Fault> {
        if self.new.insert(id, kind).is_some() {
            return refused(format!("its pack has the object {id} twice"));
        }
        let (named, modules) = (&mut self.named, &mut self.modules);
        let (mut folders, mut other) = (Vec::new(), None);
        let mut note = |link: Link<'_>| {
            let Some(kind) = link.kind else { return };
            let (before, _) = *named.entry(link.id).or_insert((kind, id));
            if before != kind {
                other = Some(link.id);
            }
            if kind == ObjectType::Tree {
                folders.push(link.id);
            }
            if kind == ObjectType::Blob && RepoPath::new(link.name).must_be_no_link() {
                modules.insert(link.id);
            }
        };
        let checked = check(kind, data, &mut note);
        if kind == ObjectType::Tree {
            self.folders.insert(id, folders);
        }
        match (checked, other) {
            (Err(reason), _) => refused(format!("the {} {id} {reason}", word(kind))),
            (Ok(()), Some(other)) => refused(format!("its pack names {other} as two kinds of object")),
            (Ok(()), None) => Ok(()),
        }
    }

    /// Returns the kind of an object that the pack or the project has.
    fn kind(&self, id: Oid) -> Option<ObjectType> {
        self.new.get(&id).copied().or_else(|| self.project.read_header(id).ok().map(|(_, kind)| kind))
    }

    fn check_connected(&self) -> Result<(), Fault> {
        for (id, (kind, by)) in &self.named {
            let end = match self.kind(*id) {
                Some(found) if found == *kind => continue,
                Some(found) => format!("is a {}", word(found)),
                None => "does not exist".to_owned(),
            };
            let what = self.new.get(by).map_or("object", |kind| word(*kind));
            return refused(format!("the {what} {by} names the {} {id}, which {end}", word(*kind)));
        }
        Ok(())
    }

    /// Refuses folders that are nested so deeply that programs which recurse would fail.
    fn check_depth(&self) -> Result<(), Fault> {
        let mut depths: HashMap<Oid, usize> = HashMap::new();
        for top in self.folders.keys() {
            // Each folder is opened once and counted when all that it names are.
            let mut due = vec![(*top, false)];
            while let Some((id, is_open)) = due.pop() {
                let Some(below) = self.folders.get(&id).filter(|_| !depths.contains_key(&id)) else {
                    continue;
                };
                if is_open {
                    let deepest = below.iter().filter_map(|id| depths.get(id)).max();
                    depths.insert(id, deepest.map_or(1, |depth| depth + 1));
                } else {
                    due.push((id, true));
                    due.extend(below.iter().map(|id| (*id, false)));
                }
            }
            if depths.get(top).is_some_and(|depth| *depth > DEPTH_MAX) {
                return refused(format!("the tree {top} nests more than {DEPTH_MAX} folders"));
            }
        }
        Ok(())
    }

    /// Checks each `.gitmodules` that a new tree names.
    fn check_modules(&self, quarantine: &Quarantine) -> Result<(), Fault> {
        if self.modules.is_empty() {
            return Ok(());
        }
        let Some(path) = quarantine.folder().to_str() else {
            return refused("the path of the quarantine is not UTF-8");
        };
        self.project.add_disk_alternate(path).map_err(GitError::Library)?;
        for id in &self.modules {
            let (size, _) = self.project.read_header(*id).map_err(GitError::Library)?;
            if size > MODULES_BYTES_MAX {
                return refused(format!("the .gitmodules {id} has {size} bytes"));
            }
            let object = self.project.read(*id).map_err(GitError::Library)?;
            modules(object.data()).or_else(|reason| refused(format!("the .gitmodules {id} {reason}")))?;
        }
        Ok(())
    }

    /// Checks that a tip is there and of the kind that its ref asks for.
    pub(crate) fn check_tip(&self, name: &str, id: &ObjectId, kind: Option<ObjectType>) -> Result<(), Fault> {
        match self.kind(oid(id)?) {
            None => refused(format!("{name} leads to the object {id}, which does not exist")),
            Some(found) if kind.is_some_and(|kind| kind != found) => {
                refused(format!("{name} leads to {id}, which is a {}", word(found)))
            }
            Some(_) => Ok(()),
        }
    }

    /// Returns whether an object is in the pack or in the project.
    pub(crate) fn has(&self, id: Oid) -> bool {
        self.new.contains_key(&id) || self.project.exists(id)
    }

    /// Returns the name of the pack that is to be released from the quarantine.
    pub(crate) fn pack_name(&self) -> Option<&str> {
        self.pack.as_deref()
    }
}

/// Turns an error of a file in quarantine into ours.
fn ours(quarantine: &Quarantine, error: io::Error) -> Fault {
    Fault::Project(GitError::io(quarantine.folder())(error))
}

/// Makes the tree that keeps blobs which no commit has. `None` for no blobs.
fn kept_tree(staged: &[ObjectId]) -> Result<Option<(Oid, Vec<u8>)>, Fault> {
    if staged.is_empty() {
        return Ok(None);
    }
    let mut ids: Vec<&ObjectId> = staged.iter().collect();
    ids.sort_unstable();
    ids.dedup();
    let mut data = Vec::new();
    for id in ids {
        data.extend(format!("100644 {id}\0").as_bytes());
        data.extend(oid(id)?.as_bytes());
    }
    let mut hash = object_hash(ObjectType::Tree, u64::try_from(data.len()).unwrap_or(u64::MAX));
    hash.update(&data);
    let id = Oid::from_bytes(&hash.finalize()).map_err(GitError::Library)?;
    Ok(Some((id, data)))
}

/// An error of the file in quarantine, so that it is not taken for one of the pipe.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Ours(io::Error);

fn mark(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), Ours(error))
}

fn marked(error: io::Error) -> Fault {
    Fault::Pipe(mark(error))
}

fn is_ours(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Ours>)
}

fn wrong(refused: Refused) -> Fault {
    match refused {
        Refused::Pack(reason) => Fault::Place(format!("its pack {reason}")),
        Refused::Io(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<Named>()) {
            Some(Named(reason)) => Fault::Named(reason.clone()),
            None => Fault::Pipe(error),
        },
    }
}
