//! What stands in the repository that own places have as `origin`, file by file.

use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::super::error::GitError;
use super::super::gate_folder::clear as remove_tree;
use super::PUSH_REFUSED;
use paddock_model::ids::ObjectId;
use paddock_os::files::{Flush, write_atomic};
use paddock_os::plain;

/// Configuration of the repository. It names the hooks itself, because `core.hooksPath` in the user's own
/// configuration would lead git to others. Nothing is packed or pruned in it.
const CONFIG: &str = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n\
                      \thooksPath = hooks\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n\
                      [receive]\n\tautogc = false\n";

/// Mode of a file, and of the hook.
const FILE_MODE: u32 = 0o644;
const PROGRAM_MODE: u32 = 0o755;
/// The part of a mode that has to be right: the rest depends on the user's umask.
const OWNER_BITS: u32 = 0o700;

/// Most bytes of a file that are compared: more than any of these files has.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// The files of the repository, and the folders that hold them.
pub(super) struct Layout {
    files: Vec<File>,
    folders: BTreeSet<PathBuf>,
}

/// A file and what it must hold.
struct File {
    path: PathBuf,
    bytes: Vec<u8>,
    mode: u32,
}

impl Layout {
    /// Returns the layout for one branch at one commit.
    ///
    /// # Errors
    /// [`GitError::Unexpected`] if git's files cannot hold the name of the branch or the project's path.
    pub(super) fn new(common_dir: &Path, branch: &str, tip: &ObjectId) -> Result<Self, GitError> {
        let head = format!("refs/heads/{branch}");
        if !git2::Reference::is_valid_name(&head) {
            return Err(GitError::Unexpected(format!("`{branch}` is no name of a branch")));
        }
        let objects = common_dir.join("objects");
        let mut alternates = objects.as_os_str().as_bytes().to_vec();
        if alternates.contains(&b'\n') {
            let place = objects.display();
            return Err(GitError::Unexpected(format!(
                "no repository can borrow the objects in {place:?}: the path has a line break"
            )));
        }
        alternates.push(b'\n');
        let hook = format!("#!/bin/sh\necho '{PUSH_REFUSED}' >&2\nexit 1\n");
        let file = |path: &str, bytes: Vec<u8>, mode| File { path: PathBuf::from(path), bytes, mode };
        let files = vec![
            file("config", CONFIG.into(), FILE_MODE),
            file("objects/info/alternates", alternates, FILE_MODE),
            file("hooks/pre-receive", hook.into(), PROGRAM_MODE),
            file(&head, format!("{tip}\n").into(), FILE_MODE),
            // git takes a folder for a repository only if it has a HEAD, so it comes last.
            file("HEAD", format!("ref: {head}\n").into(), FILE_MODE),
        ];
        let parents = files.iter().flat_map(|file| file.path.ancestors().skip(1));
        let folders = parents.map(Path::to_owned).collect();
        Ok(Self { files, folders })
    }

    /// Makes the repository at `root` hold exactly these files.
    pub(super) fn establish(&self, root: &Path) -> Result<(), GitError> {
        // A folder sorts before what lies in it.
        for folder in &self.folders {
            let path = below(root, folder);
            put_folder(&path).map_err(GitError::io(&path))?;
        }
        for file in &self.files {
            let path = root.join(&file.path);
            file.put(&path).map_err(GitError::io(&path))?;
        }
        for folder in &self.folders {
            self.clear(root, folder)?;
        }
        Ok(())
    }

    /// Removes from a folder what does not belong there.
    fn clear(&self, root: &Path, folder: &Path) -> Result<(), GitError> {
        let path = below(root, folder);
        for entry in fs::read_dir(&path).map_err(GitError::io(&path))? {
            let name = folder.join(entry.map_err(GitError::io(&path))?.file_name());
            let belongs = self.folders.contains(&name) || self.files.iter().any(|file| file.path == name);
            if !belongs {
                let path = root.join(&name);
                remove_tree(&path).map_err(GitError::io(&path))?;
            }
        }
        Ok(())
    }
}

impl File {
    /// Makes the file at `path` what it must be. Readers see the old content or the new one.
    fn put(&self, path: &Path) -> std::io::Result<()> {
        if self.is_at(path) {
            return Ok(());
        }
        if path.symlink_metadata().is_ok_and(|facts| facts.is_dir()) {
            remove_tree(path)?;
        }
        // A link, a pipe or another file is replaced, never written through.
        write_atomic(path, &self.bytes, self.mode, Flush::Later)
    }

    fn is_at(&self, path: &Path) -> bool {
        let mode = |facts: &fs::Metadata| facts.permissions().mode() & OWNER_BITS;
        let is_alike = |facts: &fs::Metadata| facts.is_file() && mode(facts) == self.mode & OWNER_BITS;
        path.symlink_metadata().is_ok_and(|facts| is_alike(&facts))
            && content(path).is_ok_and(|found| found == self.bytes)
    }
}

/// Returns the path of a folder of the repository. Joining an empty path would append a slash, by which the
/// system follows a link.
fn below(root: &Path, folder: &Path) -> PathBuf {
    if folder.as_os_str().is_empty() { root.to_owned() } else { root.join(folder) }
}

/// Makes a folder that its owner can use, whatever stands there.
fn put_folder(path: &Path) -> std::io::Result<()> {
    let is_fine =
        |facts: &fs::Metadata| facts.is_dir() && facts.permissions().mode() & OWNER_BITS == OWNER_BITS;
    match path.symlink_metadata() {
        Ok(facts) if is_fine(&facts) => return Ok(()),
        Ok(_) => remove_tree(path)?,
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    fs::create_dir_all(path)
}

/// Returns the beginning of a file that is no link.
fn content(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    plain::open_itself(path)?.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Returns the commit that HEAD of a repository leads to, as far as its loose files say so. They are an
/// agent's to write, so the commit need not exist.
pub(super) fn tip_of(root: &Path) -> Option<ObjectId> {
    let text = |name: &str| String::from_utf8(content(&root.join(name)).ok()?).ok();
    let head = text("HEAD")?;
    let name = head.strip_prefix("ref: ")?.trim_end();
    if !name.starts_with("refs/heads/") || !git2::Reference::is_valid_name(name) {
        return None;
    }
    ObjectId::new(text(name)?.trim_end()).ok()
}
