//! Whether a commit has a file that needs a driver which is switched off.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::super::error::GitError;
use super::super::objects::blob_within;
use super::super::program::Call;
use super::super::repository::{Repository, oid};
use super::switch::Drivers;
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;
use paddock_os::plain;

/// A file that needs a driver which nobody agreed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// The attribute with its value: `filter=NAME` or `merge=NAME`.
    pub attribute: String,
    /// The first file that has it.
    pub path: RepoPath,
}

/// Size above which git passes over a file of attributes, in bytes.
const ATTRIBUTES_BYTES_MAX: usize = 100 << 20;

/// Returns a file of a commit whose attributes name one of the drivers.
pub(super) fn needed(
    repository: &Repository,
    commit: &ObjectId,
    drivers: &Drivers,
) -> Result<Option<Needed>, GitError> {
    if drivers.is_empty() || !is_mentioned(repository, commit, drivers)? {
        return Ok(None);
    }
    for (path, attribute, value) in attributes_of(repository, commit, None)? {
        let names = if attribute == b"filter" { &drivers.filters } else { &drivers.merges };
        if names.contains(&value) {
            let attribute = [attribute.as_slice(), b"=", &value].concat();
            let attribute = String::from_utf8_lossy(&attribute).into_owned();
            return Ok(Some(Needed { attribute, path }));
        }
    }
    Ok(None)
}

impl Repository {
    /// Returns those of the paths that git LFS filters in a commit.
    ///
    /// # Errors
    /// Fails if the attributes of the commit cannot be read.
    pub(crate) fn lfs_paths(
        &self,
        commit: &ObjectId,
        paths: &[RepoPath],
    ) -> Result<BTreeSet<RepoPath>, GitError> {
        let drivers = Drivers::of_lfs();
        if paths.is_empty() || !is_mentioned(self, commit, &drivers)? {
            return Ok(BTreeSet::new());
        }
        let input = paths.iter().flat_map(|path| [path.as_bytes(), b"\0"]).flatten().copied().collect();
        let found = attributes_of(self, commit, Some(input))?;
        let is_lfs =
            |(_, attribute, value): &Attribute| attribute == b"filter" && drivers.filters.contains(value);
        Ok(found.into_iter().filter(is_lfs).map(|(path, ..)| path).collect())
    }
}

/// A path, the name of an attribute, and its value.
type Attribute = (RepoPath, Vec<u8>, Vec<u8>);

/// Returns the attributes that name drivers, of all files of a commit, or of `files`, each with a NUL after it.
fn attributes_of(
    repository: &Repository,
    commit: &ObjectId,
    files: Option<Vec<u8>>,
) -> Result<Vec<Attribute>, GitError> {
    // git says which files have the attributes. It reads the commit's own attribute files from an index; git
    // 2.39 cannot read them from a commit.
    let index = Index(unique(&repository.own_folder()?.join("attributes"))?);
    let call = || Call::new(repository).whole().variable("GIT_INDEX_FILE", &index.0);
    call().args(["read-tree", commit.as_str()]).run()?;
    let files = files.map_or_else(|| call().args(["ls-files", "-z"]).run(), Ok)?;
    let arguments = ["check-attr", "--cached", "-z", "--stdin", "filter", "merge"];
    let output = call().args(arguments).output_with_input(files)?;
    if !output.status.success() {
        return Err(super::super::program::program_error("check-attr".to_owned(), &output));
    }
    let mut fields = output.stdout.split(|byte| *byte == 0);
    let mut found = Vec::new();
    while let (Some(path), Some(attribute), Some(value)) = (fields.next(), fields.next(), fields.next()) {
        // So says git of a file that no line of attributes names.
        if value != b"unspecified" {
            found.push((RepoPath::new(path), attribute.to_vec(), value.to_vec()));
        }
    }
    Ok(found)
}

/// Returns whether any attribute file of the commit, or outside of it, mentions one of the drivers. Answers
/// for most commits without a git process.
fn is_mentioned(repository: &Repository, commit: &ObjectId, drivers: &Drivers) -> Result<bool, GitError> {
    let words = |attribute: &str, names: &BTreeSet<Vec<u8>>| -> Vec<Vec<u8>> {
        names.iter().map(|name| [attribute.as_bytes(), b"=", name].concat()).collect()
    };
    let words = [words("filter", &drivers.filters), words("merge", &drivers.merges)].concat();
    let mentions = |text: &[u8]| {
        let mut tokens = text.split(u8::is_ascii_whitespace);
        tokens.any(|token| words.iter().any(|word| word == token))
    };
    for file in super::attribute_files(repository)? {
        if plain::read(file).is_ok_and(|text| mentions(&text)) {
            return Ok(true);
        }
    }
    let library = repository.library()?;
    let mut due = vec![library.find_commit(oid(commit)?)?.tree_id()];
    while let Some(id) = due.pop() {
        for entry in &library.find_tree(id)? {
            let kind = entry.kind();
            if kind == Some(git2::ObjectType::Tree) {
                due.push(entry.id());
            }
            let is_file = kind == Some(git2::ObjectType::Blob);
            // On some file systems git finds the file under another spelling.
            let is_named = is_file && entry.name_bytes().eq_ignore_ascii_case(b".gitattributes");
            // git passes over a larger file. One that cannot be read may mention anything.
            let text = || blob_within(&library, entry.id(), ATTRIBUTES_BYTES_MAX);
            if is_named && text().is_none_or(|blob| mentions(blob.content())) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// An index of its own, removed when it is no longer needed.
struct Index(PathBuf);

impl Drop for Index {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

/// Makes a folder, and returns a path in it that no other call uses.
fn unique(folder: &std::path::Path) -> Result<PathBuf, GitError> {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    fs::create_dir_all(folder).map_err(GitError::io(folder))?;
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    Ok(folder.join(format!("{}-{number}.index", std::process::id())))
}
