//! The user's index of repositories: which workspace has a project for which repository, so that `paddock`
//! finds the workspace from inside the repository.
//!
//! The index is a folder in the user's data folder, with one small file per repository and workspace: no two
//! writers share a file. It is a hint and nothing more. A reader asks the workspace itself, and removes
//! entries that are not true any more; the next run of that workspace writes them again if they are.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::environment::Environment;
use super::project_file;
use super::workspace::{IsTracked, Workspace};
use paddock_model::ids::ProjectSlug;
use paddock_os::files::{Flush, PRIVATE_FILE_MODE, make_private_dir, write_atomic};
use paddock_os::plain;

/// Name of the folder, in the folder of the user's own workspace.
const FOLDER: &str = "repositories";
/// Maximum size of an entry in bytes: two paths and a slug.
const ENTRY_BYTES_MAX: u64 = 64 << 10;
/// Maximum number of entries that one lookup reads: the others belong to other repositories.
const ENTRIES_MAX: usize = 10_000;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    version: u32,
    /// Git directory of the repository.
    common_dir: String,
    /// Folder of the workspace.
    workspace: String,
    /// Slug of the project.
    project: ProjectSlug,
}

/// A workspace that has a project for a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Managed {
    /// The workspace.
    pub workspace: Workspace,
    /// The project that names the repository.
    pub project: ProjectSlug,
}

fn folder(environment: &Environment) -> Option<PathBuf> {
    Some(Workspace::own(environment).ok()?.join(FOLDER))
}

/// Returns the beginning of the names of a repository's entries.
fn prefix(common_dir: &str) -> String {
    let digest = Sha256::digest(common_dir.as_bytes());
    digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

/// Notes that a workspace has a project for the repository with this git directory. An index that cannot be
/// written is named in the log and otherwise ignored.
pub fn note(environment: &Environment, workspace: &Workspace, common_dir: &Path, project: &ProjectSlug) {
    let (Some(folder), Some(common_dir), Some(root)) =
        (folder(environment), common_dir.to_str(), workspace.root().to_str())
    else {
        return;
    };
    let entry = Entry {
        version: 1,
        common_dir: common_dir.to_owned(),
        workspace: root.to_owned(),
        project: project.clone(),
    };
    // By the workspace's id, so that one that was moved replaces its entry.
    let id: String = workspace.id().chars().filter(char::is_ascii_alphanumeric).take(32).collect();
    let file = folder.join(format!("{}-{id}.json", prefix(common_dir)));
    if read(&file).as_ref() == Some(&entry) {
        return;
    }
    let write = || -> io::Result<()> {
        make_private_dir(&folder)?;
        write_atomic(&file, &serde_json::to_vec(&entry)?, PRIVATE_FILE_MODE, Flush::Later)
    };
    match write() {
        Ok(()) => sweep(&folder),
        Err(error) => {
            tracing::warn!(%error, file = %file.display(), "the index of repositories cannot be written");
        }
    }
}

/// Removes entries of workspaces that are gone: nothing ever asks for most of those.
fn sweep(folder: &Path) {
    for file in fs::read_dir(folder).into_iter().flatten().flatten().take(ENTRIES_MAX) {
        let file = file.path();
        let is_gone = |entry: Entry| !Path::new(&entry.workspace).join("runtime/workspace.json").exists();
        if read(&file).is_some_and(is_gone) {
            drop(fs::remove_file(&file));
        }
    }
}

/// Reads an entry. Returns `None` for whatever is none.
fn read(file: &Path) -> Option<Entry> {
    let is_small =
        fs::symlink_metadata(file).is_ok_and(|facts| facts.is_file() && facts.len() <= ENTRY_BYTES_MAX);
    let bytes = is_small.then(|| plain::read(file).ok()).flatten()?;
    let read = serde_json::from_slice(&bytes);
    read.inspect_err(|error| tracing::warn!(%error, file = %file.display(), "no entry of the index")).ok()
}

/// Returns the workspaces that have a project for the repository with this git directory, sorted by folder.
///
/// Only what holds now counts: the workspace exists and is trusted, and the file of its project names the
/// repository. `common_dir_of` returns the git directory of the repository in a folder; the caller passes it
/// in, as this crate does not read repositories.
pub fn find(
    environment: &Environment,
    common_dir: &Path,
    is_tracked: IsTracked,
    common_dir_of: &dyn Fn(&Path) -> Option<PathBuf>,
) -> Vec<Managed> {
    let Some((folder, text)) = folder(environment).zip(common_dir.to_str()) else { return Vec::new() };
    let prefix = prefix(text);
    let files = fs::read_dir(&folder).into_iter().flatten().flatten().take(ENTRIES_MAX);
    let files = files.filter(|file| file.file_name().to_string_lossy().starts_with(&prefix));
    let mut found: Vec<Managed> = Vec::new();
    for file in files.map(|file| file.path()) {
        let Some(entry) = read(&file).filter(|entry| entry.common_dir == text) else { continue };
        let workspace = Workspace::open(Path::new(&entry.workspace), is_tracked).ok();
        let managed = workspace.and_then(|workspace| {
            let root = project_file::repo_root_of(&workspace, &workspace.project_file(&entry.project))?;
            let names_it = common_dir_of(&root).as_deref() == Some(common_dir);
            names_it.then_some(Managed { workspace, project: entry.project })
        });
        match managed {
            Some(managed) if !found.contains(&managed) => found.push(managed),
            Some(_) => {}
            // Not true any more. One that cannot be removed is found untrue again next time.
            None => drop(fs::remove_file(&file)),
        }
    }
    found.sort_by(|one, other| one.workspace.root().cmp(other.workspace.root()));
    found
}
