//! Finding on disk what the list of kept folders names.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::ops::Bound;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::rules::is_glob;
use super::table::{Kind, Stat};
use crate::error::GitError;
use paddock_model::path::RepoPath;
use paddock_model::scope::Globs;

/// Folders above a match of a glob with `**`, at most.
const DEPTH_MAX: usize = 5;

/// A list of kept folders, ready to be compared with paths.
pub(super) struct KeptFolders {
    plain: BTreeSet<RepoPath>,
    globs: Globs,
    searches: Vec<Search>,
    /// Tracked files. They are read only if there are globs: a plain path with tracked files is not in the
    /// list.
    tracked: BTreeSet<RepoPath>,
}

/// Where matches of a glob can lie.
struct Search {
    /// Folder that all matches lie in.
    start: RepoPath,
    /// Parts of a match's path, at most.
    depth: usize,
}

impl KeptFolders {
    /// Takes the list from [`super::kept_folders`], and the private index of the gate folder that says what is
    /// tracked. A missing index tracks nothing.
    ///
    /// # Errors
    /// Fails if a glob or the index cannot be read.
    pub(super) fn new(kept: &[String], index: &Path) -> Result<Self, GitError> {
        let (globs, plain): (Vec<&String>, Vec<&String>) = kept.iter().partition(|text| is_glob(text));
        let tracked = if globs.is_empty() { BTreeSet::new() } else { tracked(index)? };
        Ok(Self {
            plain: plain.into_iter().map(|text| RepoPath::from(text.as_str())).collect(),
            searches: globs.iter().map(|glob| Search::new(glob)).collect(),
            globs: Globs::new(&globs).map_err(|error| GitError::Unexpected(error.to_string()))?,
            tracked,
        })
    }

    /// Returns whether the list names this very path, and not by a glob.
    pub(super) fn names(&self, path: &RepoPath) -> bool {
        self.plain.contains(path)
    }

    /// Returns whether this very path is kept. Paths in a kept folder are not asked for.
    pub(super) fn has(&self, path: &RepoPath) -> bool {
        self.names(path) || (self.globs.matches(path.as_bytes()) && !self.is_tracked(path))
    }

    fn is_tracked(&self, path: &RepoPath) -> bool {
        let below = RepoPath::new([path.as_bytes(), b"/"].concat());
        let mut next = self.tracked.range((Bound::Included(&below), Bound::Unbounded));
        self.tracked.contains(path)
            || next.next().is_some_and(|next| next.as_bytes().starts_with(below.as_bytes()))
    }

    /// Returns the topmost kept paths that exist below `top`. A path that leads through a link is none.
    ///
    /// # Errors
    /// Fails if the file system reports an error.
    pub(super) fn on_disk(&self, top: &Path) -> Result<BTreeSet<RepoPath>, GitError> {
        let mut found = BTreeSet::new();
        for path in &self.plain {
            let full = top.join(path.as_path());
            if leads_through_folders(top, path).map_err(GitError::io(&full))?
                && Stat::read(&full).map_err(GitError::io(&full))?.is_some()
            {
                found.insert(path.clone());
            }
        }
        for search in &self.searches {
            self.search(top, search, &mut found)?;
        }
        let is_nested = |path: &RepoPath| above(path).any(|above| found.contains(&above));
        Ok(found.iter().filter(|path| !is_nested(path)).cloned().collect())
    }

    fn search(&self, top: &Path, search: &Search, found: &mut BTreeSet<RepoPath>) -> Result<(), GitError> {
        let start = top.join(search.start.as_path());
        let is_folder = |path: &Path| matches!(Stat::read(path), Ok(Some(stat)) if stat.kind == Kind::Folder);
        if !leads_through_folders(top, &search.start).map_err(GitError::io(&start))? || !is_folder(&start) {
            return Ok(());
        }
        let mut due = vec![search.start.clone()];
        while let Some(folder) = due.pop() {
            // A folder that cannot be read cannot be kept; the next hold repairs it.
            let Ok(entries) = fs::read_dir(top.join(folder.as_path())) else { continue };
            for entry in entries.flatten().filter(|entry| entry.file_name() != ".git") {
                let path = joined(&folder, entry.file_name().as_bytes());
                if self.has(&path) {
                    found.insert(path);
                } else if parts(&path) < search.depth && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    due.push(path);
                }
            }
        }
        Ok(())
    }
}

impl Search {
    fn new(glob: &str) -> Self {
        let all: Vec<&str> = glob.split('/').collect();
        let plain = all.iter().take_while(|part| !is_glob(part)).count();
        let depth = if glob.contains("**") { DEPTH_MAX + 1 } else { all.len() };
        Self { start: RepoPath::from(all[..plain].join("/").as_str()), depth }
    }
}

fn tracked(index: &Path) -> Result<BTreeSet<RepoPath>, GitError> {
    if !index.is_file() {
        return Ok(BTreeSet::new());
    }
    Ok(git2::Index::open(index)?.iter().map(|entry| RepoPath::new(entry.path)).collect())
}

/// Returns whether every part above a path, below `top`, is a folder itself and not a link to one.
pub(super) fn leads_through_folders(top: &Path, path: &RepoPath) -> io::Result<bool> {
    for above in above(path) {
        match Stat::read(&top.join(above.as_path()))? {
            Some(stat) if stat.kind == Kind::Folder => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// Returns the paths above a path, the topmost first.
pub(super) fn above(path: &RepoPath) -> impl Iterator<Item = RepoPath> {
    let bytes = path.as_bytes();
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    ends.map(|end| RepoPath::new(&bytes[..end]))
}

/// Returns the path of an entry of a folder; the empty path is the top.
pub(super) fn joined(folder: &RepoPath, name: &[u8]) -> RepoPath {
    if folder.as_bytes().is_empty() {
        return RepoPath::new(name);
    }
    RepoPath::new([folder.as_bytes(), b"/", name].concat())
}

fn parts(path: &RepoPath) -> usize {
    above(path).count() + 1
}

#[cfg(test)]
mod tests {
    use super::super::samples::put;
    use super::*;

    fn found(top: &Path, kept: &[&str]) -> Vec<String> {
        let kept: Vec<String> = kept.iter().map(|text| (*text).to_owned()).collect();
        let folders = KeptFolders::new(&kept, &top.join("index")).unwrap();
        folders.on_disk(top).unwrap().into_iter().map(String::from).collect()
    }

    #[test]
    fn globs_are_found_where_they_can_lie_and_never_behind_links() {
        let folder = tempfile::tempdir().unwrap();
        let (top, outside) = (folder.path().join("top"), folder.path().join("outside"));
        put(&outside, "target/x", "x");
        for path in [
            "target/x",
            "a/target/x",
            "a/b.egg-info",
            "src/p.egg-info/x",
            "a/target/a/target",
            ".git/target/x",
        ] {
            put(&top, path, "x");
        }
        put(&top, "1/2/3/4/5/target/x", "x");
        put(&top, "1/2/3/4/5/6/target/x", "x");
        std::os::unix::fs::symlink(&outside, top.join("link")).unwrap();
        std::os::unix::fs::symlink(&outside, top.join("a/out")).unwrap();
        assert_eq!(found(&top, &["target", "link/target", "no", "a/x"]), ["target"]);
        assert_eq!(found(&top, &["**/target"]), ["1/2/3/4/5/target", "a/target", "target"]);
        assert_eq!(found(&top, &["*.egg-info", "src/*.egg-info"]), ["src/p.egg-info"]);
        assert_eq!(found(&top, &["link/*", "a/o*"]), ["a/out"], "a link itself may be kept");
        assert_eq!(found(&top, &["a", "**/target"]), ["1/2/3/4/5/target", "a", "target"]);
    }

    #[test]
    fn a_match_of_a_glob_with_tracked_files_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let library = git2::Repository::init(folder.path()).unwrap();
        for path in ["a/build/x", "b/build/x", "b/build-x"] {
            put(folder.path(), path, "x");
        }
        let mut index = library.index().unwrap();
        index.add_path(Path::new("b/build/x")).unwrap();
        index.write().unwrap();
        let folders = KeptFolders::new(&["*/build*".to_owned()], &folder.path().join(".git/index")).unwrap();
        let found: Vec<String> =
            folders.on_disk(folder.path()).unwrap().into_iter().map(String::from).collect();
        assert_eq!(found, ["a/build", "b/build-x"]);
    }
}
