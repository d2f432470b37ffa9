//! What stands in the `.git` folder of an own place.
//!
//! A session can put anything in the place of these files, links that lead into the project's own repository
//! among them; so everything is written through [`Beneath`].

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::super::error::GitError;
use super::super::execution::agreed_hooks;
use super::super::repository::Repository;
use super::super::worktree::Upstream;
use super::borrowed::GivenRef;
use super::settings;
use paddock_model::ids::ObjectId;
use paddock_os::beneath::Beneath;
use paddock_os::plain;

/// Mode of what is written; the umask takes away from it, as from git's own files.
const FILE_MODE: u32 = 0o666;
/// Files of the project's `info` folder that steer which files git sees and how it writes them. They are
/// agreed to, or hold the project.
const INFO_FILES: [&str; 2] = ["exclude", "attributes"];

/// The `.git` folder of an own place.
pub(super) struct DotGit {
    beneath: Beneath,
}

impl DotGit {
    /// Makes the folder of a new place.
    pub(super) fn create(place: &Path) -> Result<Self, GitError> {
        let folder = place.join(".git");
        fs::create_dir_all(&folder).map_err(GitError::io(&folder))?;
        Self::open(place)
    }

    /// Opens the folder of a place that exists.
    ///
    /// # Errors
    /// [`GitError::Foreign`] if something else than a folder stands there.
    pub(super) fn open(place: &Path) -> Result<Self, GitError> {
        let folder = place.join(".git");
        match Beneath::open(&folder) {
            Ok(beneath) => Ok(Self { beneath }),
            Err(error) => Err(GitError::Foreign {
                what: format!("what stands at {} ({error})", folder.display()),
                way_out:
                    "its session replaced the repository of its place; move the folder of the place away, \
                          and Paddock makes it anew from what came home"
                        .to_owned(),
            }),
        }
    }

    /// Writes everything that a new repository needs.
    pub(super) fn fill(
        &self,
        repository: &Repository,
        upstream: &Upstream,
        refs: &[GivenRef],
    ) -> Result<(), GitError> {
        for folder in ["objects/info", "objects/pack", "refs/heads", "refs/tags", "info", "hooks"] {
            self.beneath.make_folder(Path::new(folder)).map_err(self.fault(folder))?;
        }
        self.write("config", &settings::text(repository, upstream)?)?;
        self.borrow(repository)?;
        self.write("packed-refs", &packed_refs(refs))?;
        for name in INFO_FILES {
            let file = repository.common_dir().join("info").join(name);
            if let Ok(text) = plain::read(&file) {
                self.write(&format!("info/{name}"), &text)?;
            }
        }
        for (name, file) in agreed_hooks(repository)? {
            let text = plain::read(&file).map_err(GitError::io(&file))?;
            let mode = fs::metadata(&file).map_err(GitError::io(&file))?.permissions().mode();
            let to = format!("hooks/{name}");
            self.beneath.write(Path::new(&to), &text, mode & 0o777).map_err(self.fault(&to))?;
        }
        Ok(())
    }

    /// Makes the repository borrow the project's objects, and nobody else's.
    pub(super) fn borrow(&self, repository: &Repository) -> Result<(), GitError> {
        self.write("objects/info/alternates", &alternates(repository)?)
    }

    /// Moves a ref, whatever the place's own repository has there.
    pub(super) fn set_ref(&self, name: &str, commit: &ObjectId) -> Result<(), GitError> {
        self.write(name, format!("{commit}\n").as_bytes())
    }

    /// Puts HEAD on a branch.
    pub(super) fn set_head(&self, branch: &str) -> Result<(), GitError> {
        self.write("HEAD", format!("ref: refs/heads/{branch}\n").as_bytes())
    }

    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), GitError> {
        self.beneath.write(Path::new(name), bytes, FILE_MODE).map_err(self.fault(name))
    }

    pub(super) fn read(&self, name: &str, bytes_max: u64) -> Result<Option<Vec<u8>>, GitError> {
        self.beneath.read(Path::new(name), bytes_max).map_err(self.fault(name))
    }

    pub(super) fn remove(&self, name: &str) -> Result<(), GitError> {
        self.beneath.remove(Path::new(name)).map_err(self.fault(name))
    }

    fn fault(&self, name: &str) -> impl FnOnce(std::io::Error) -> GitError {
        let path = self.beneath.path().join(name);
        move |source| GitError::Io { path, source }
    }
}

/// Returns the text by which a place borrows the project's objects. git follows the project's own alternates
/// from there.
///
/// # Errors
/// Fails if the path has a line end: git has no way to write it that libgit2 reads as well.
fn alternates(repository: &Repository) -> Result<Vec<u8>, GitError> {
    let folder = repository.common_dir().join("objects");
    let bytes = folder.as_os_str().as_encoded_bytes();
    if bytes.contains(&b'\n') {
        return Err(GitError::Unsupported {
            what: format!("an own place for the repository {folder:?}, whose path has a line end,"),
            way_out: "use `workplace: worktree`, or move the repository".to_owned(),
        });
    }
    Ok([bytes, b"\n"].concat())
}

fn packed_refs(refs: &[GivenRef]) -> Vec<u8> {
    let mut text = b"# pack-refs with: peeled fully-peeled sorted \n".to_vec();
    for GivenRef { name, id, peeled } in refs {
        text.extend(format!("{id} {name}\n").into_bytes());
        text.extend(peeled.iter().flat_map(|peeled| format!("^{peeled}\n").into_bytes()));
    }
    text
}
