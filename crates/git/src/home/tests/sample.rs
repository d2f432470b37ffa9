//! A project and a place that borrows its objects.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use git2::{FileMode, Oid, build::TreeUpdateBuilder};

use crate::bounded::OutputMode;
use crate::home::bring::take;
use crate::home::fault::Fault;
use crate::home::frame::{self, Kind};
use crate::home::limits::Limits;
use crate::home::pack::{Packed, index};
use crate::home::place::PlaceHome;
use crate::home::record::Home;
use crate::home::serve::{Order, serve};
use crate::home::talk::{Bring, Tags};
use crate::process::Process;
use crate::repository::{Repository, object_id};

pub(super) const BRANCH: &str = "paddock/o/work";

pub(super) struct Sample {
    folder: tempfile::TempDir,
    pub(super) repository: Repository,
    pub(super) limits: Limits,
}

impl Sample {
    /// Makes a project with one commit, and a place whose work branch is there.
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let project = git2::Repository::init_bare(at("project")).unwrap();
        commit(&project, Some("refs/heads/main"), &[], &[("a", "1\n"), ("d/b", "2\n")]);
        project.set_head("refs/heads/main").unwrap();
        let repository = Repository::open(&at("project")).unwrap();
        fs::create_dir_all(at("shadows/o-1")).unwrap();
        let sample = Self { folder, repository, limits: Limits::default() };
        sample.make_place();
        sample
    }

    fn make_place(&self) {
        let base = self.base();
        self.repository.set_ref(&work(), None, &object_id(base).unwrap(), "test").unwrap();
        git2::Repository::init(self.place()).unwrap();
        let alternates = self.place().join(".git/objects/info/alternates");
        fs::create_dir_all(alternates.parent().unwrap()).unwrap();
        fs::write(alternates, format!("{}\n", self.store().display())).unwrap();
        fs::write(self.place().join(".git/HEAD"), format!("ref: {}\n", work())).unwrap();
        let library = self.library();
        library.reference(&work(), base, true, "test").unwrap();
        Home::begin(&self.shadow(), &object_id(base).unwrap()).unwrap();
    }

    pub(super) fn place(&self) -> PathBuf {
        self.folder.path().join("place")
    }

    pub(super) fn shadow(&self) -> PathBuf {
        self.folder.path().join("shadows/o-1")
    }

    pub(super) fn store(&self) -> PathBuf {
        self.repository.common_dir().join("objects")
    }

    /// Opens the place's repository, as the agent's git would.
    pub(super) fn library(&self) -> git2::Repository {
        git2::Repository::open(self.place()).unwrap()
    }

    pub(super) fn base(&self) -> Oid {
        self.repository.library().unwrap().refname_to_id("refs/heads/main").unwrap()
    }

    /// Commits on the work branch of the place.
    pub(super) fn work(&self, files: &[(&str, &str)]) -> Oid {
        let library = self.library();
        let parent = library.refname_to_id(&work()).unwrap();
        commit(&library, Some(&work()), &[parent], files)
    }

    pub(super) fn home(&self) -> PlaceHome<'_> {
        // The paths have to outlive the borrow, and the test ends soon.
        let leak = |path: PathBuf| -> &'static Path { Box::leak(path.into_boxed_path()) };
        PlaceHome {
            repository: &self.repository,
            folder: leak(self.place()),
            shadow: leak(self.shadow()),
            branch: BRANCH,
            objective: "o",
            name: "o-1",
        }
    }

    pub(super) fn order(&self) -> Order {
        Order { folder: self.place(), branch: BRANCH.to_owned(), stores: vec![self.store()] }
    }

    /// Returns what the place's side answers.
    pub(super) fn answer(&self, last: bool) -> Vec<u8> {
        let mut request = Vec::new();
        let Limits { blob_bytes, other_bytes, objects, .. } = self.limits;
        let bring = Bring { last, blob_bytes, other_bytes, objects };
        frame::write(&mut request, Kind::Bring, &bring, &serde_json::to_vec(&Tags::new()).unwrap()).unwrap();
        let mut answer = Vec::new();
        serve(&self.order(), &mut request.as_slice(), &mut answer).unwrap();
        answer
    }

    /// Takes an answer in.
    pub(super) fn take(&self, answer: &[u8], last: bool) -> Result<Home, Fault> {
        take(&self.home(), &mut &answer[..], &self.limits, last)
    }

    pub(super) fn bring(&self) -> Home {
        self.take(&self.answer(false), false).unwrap()
    }

    /// Brings and returns the fault, after a look at whether the project is as it was.
    pub(super) fn fault(&self, answer: &[u8]) -> String {
        let before = self.state();
        let fault = self.take(answer, true).unwrap_err();
        assert_eq!(self.state(), before);
        text(fault)
    }

    /// Returns what the project holds: refs, packs, loose objects, quarantine, shadow.
    pub(super) fn state(&self) -> BTreeMap<String, String> {
        let mut found = self.refs();
        let common = self.repository.common_dir();
        for folder in [
            common.join("objects"),
            common.join("objects/pack"),
            common.join("paddock/quarantine"),
            self.shadow(),
        ] {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                found.insert(entry.path().display().to_string(), "there".to_owned());
            }
        }
        found
    }

    pub(super) fn refs(&self) -> BTreeMap<String, String> {
        let library = self.repository.library().unwrap();
        let refs = library.references().unwrap().flatten();
        let value = |reference: git2::Reference<'_>| {
            Some((reference.name().ok()?.to_owned(), reference.target()?.to_string()))
        };
        refs.filter_map(value).collect()
    }

    pub(super) fn has(&self, id: Oid) -> bool {
        self.repository.library().unwrap().odb().unwrap().exists(id)
    }

    /// Runs git in the project.
    pub(super) fn git(&self, arguments: &[&str]) -> String {
        git(self.repository.common_dir(), arguments)
    }

    /// Checks the project's objects and refs.
    pub(super) fn fsck(&self) {
        let said = self.git(&["fsck", "--strict", "--no-dangling"]);
        assert_eq!(said, "", "git fsck");
    }
}

/// Runs git in a folder. Returns all that it says.
pub(super) fn git(folder: &Path, arguments: &[&str]) -> String {
    let process = Process::isolated().folder(folder).args(arguments);
    let process = process.remove(["GIT_GRAFT_FILE"]).variables([
        ("GIT_AUTHOR_NAME", "a"),
        ("GIT_AUTHOR_EMAIL", "a@b"),
        ("GIT_COMMITTER_NAME", "a"),
        ("GIT_COMMITTER_EMAIL", "a@b"),
    ]);
    let output = process.run(Vec::new(), Duration::from_secs(600), OutputMode::Whole).unwrap().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "git {arguments:?}: {said}");
    said
}

pub(super) fn work() -> String {
    format!("refs/heads/{BRANCH}")
}

pub(super) fn text(fault: Fault) -> String {
    match fault {
        Fault::Named(text) => format!("named: {text}"),
        Fault::Place(text) => format!("refused: {text}"),
        Fault::Pipe(error) => format!("pipe: {error}"),
        Fault::Project(error) => format!("error: {error}"),
    }
}

/// Makes a commit whose tree is that of its first parent with these files.
pub(super) fn commit(
    library: &git2::Repository,
    reference: Option<&str>,
    parents: &[Oid],
    files: &[(&str, &str)],
) -> Oid {
    let parents: Vec<git2::Commit<'_>> = parents.iter().map(|id| library.find_commit(*id).unwrap()).collect();
    let mut update = TreeUpdateBuilder::new();
    for (path, text) in files {
        update.upsert(*path, library.blob(text.as_bytes()).unwrap(), FileMode::Blob);
    }
    let empty = library.treebuilder(None).unwrap().write().unwrap();
    let tree = match parents.first() {
        Some(parent) => parent.tree().unwrap(),
        None => library.find_tree(empty).unwrap(),
    };
    let tree = library.find_tree(update.create_updated(library, &tree).unwrap()).unwrap();
    let signature = git2::Signature::new("a", "a@b", &git2::Time::new(1, 0)).unwrap();
    let parents: Vec<&git2::Commit<'_>> = parents.iter().collect();
    library.commit(reference, &signature, &signature, "m", &tree, &parents).unwrap()
}

/// Puts a pack of deltas into the place, each against an object that is named by its id, and lets the work
/// branch lead to the first.
pub(super) fn put_delta(sample: &Sample, deltas: &[(&str, Oid)]) {
    let delta = miniz_oxide::deflate::compress_to_vec_zlib(&[1, 1, 1, b'x'], 1);
    let mut pack = b"PACK\0\0\0\x02".to_vec();
    pack.extend(u32::try_from(deltas.len()).unwrap().to_be_bytes());
    let mut packed = Vec::new();
    for (id, base) in deltas {
        let offset = u64::try_from(pack.len()).unwrap();
        let id = Oid::from_str(id).unwrap();
        packed.push(Packed { id, kind: git2::ObjectType::Commit, offset, crc: 0 });
        pack.push(7 << 4 | 4);
        pack.extend(base.as_bytes());
        pack.extend(&delta);
    }
    let checksum = [7; 20];
    pack.extend(checksum);
    let folder = sample.place().join(".git/objects/pack");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("pack-1.pack"), pack).unwrap();
    fs::write(folder.join("pack-1.idx"), index(&mut packed, &checksum)).unwrap();
    fs::write(sample.place().join(".git").join(work()), deltas[0].0).unwrap();
}
