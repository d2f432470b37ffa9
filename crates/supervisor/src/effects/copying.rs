//! Copies the files of `worktree.copy` from the repository's folder into a new worktree.
//!
//! A name means one file, one link, or everything in a folder; a pattern means the files that match it and
//! that git does not track. Links are made again as links and never followed. What was copied is recorded in
//! the worktree's git directory: prompts name it, and it is nobody's work.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::super::error::EffectError;
use paddock_git::{Repository, Worktree};
use paddock_model::path::RepoPath;
use paddock_model::scope::Globs;
use paddock_os::files::{Flush, PRIVATE_FILE_MODE, write_atomic};
use paddock_os::plain;

/// File in a worktree's git directory that says what was copied.
const RECORD_FILE: &str = "paddock-copied.json";
/// Files that are copied into one worktree, at most.
const FILES_MAX: usize = 10_000;
/// Files and folders that are looked at for one worktree, at most.
const VISITED_MAX: usize = 500_000;
/// Folders that no pattern looks into: a set-up fills them, and a half-filled one would be in its way.
const PASSED_OVER: &[&str] = &["node_modules", ".venv", "venv", "target", ".git"];

/// What was copied into a worktree.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Copied {
    /// The files and links.
    pub(super) paths: Vec<RepoPath>,
    /// Entries of `worktree.copy` that stand for nothing, each with the reason if it is another one.
    pub(super) missed: Vec<String>,
}

impl Copied {
    /// Reads what was copied into a worktree; `None` for one of an earlier build.
    pub(super) fn read(worktree: &Worktree) -> Option<Self> {
        serde_json::from_slice(&plain::read(worktree.git_dir.join(RECORD_FILE)).ok()?).ok()
    }

    /// Returns the paths that are left out of everything that looks for work: the recorded ones, and the
    /// settings' own names, which is all that earlier builds copied.
    pub(super) fn excluded(worktree: &Worktree, names: &[String]) -> Vec<String> {
        let mut excluded: Vec<String> = names.iter().filter(|name| !is_pattern(name)).cloned().collect();
        let recorded = Self::read(worktree).unwrap_or_default().paths;
        excluded.extend(recorded.iter().map(ToString::to_string));
        excluded
    }
}

/// Returns whether an entry is a pattern and not the name of a file or folder.
pub(super) fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?', '[', '{'])
}

/// Copies what the entries stand for, and records it. Leaves alone what the worktree has already.
///
/// # Errors
/// Fails if an entry leads out of the repository, a link in the worktree leads a copy elsewhere, or a file
/// cannot be copied.
pub(super) fn copy(
    repository: &Repository,
    worktree: &Worktree,
    root: &Path,
    names: &[String],
) -> Result<Copied, EffectError> {
    let mut copying = Copying { repository, root, to: &worktree.path, done: BTreeSet::new(), visited: 0 };
    let mut missed = Vec::new();
    for name in names {
        if !copying.copy(name)? {
            missed.push(name.clone());
        }
    }
    let is_full = copying.done.len() >= FILES_MAX || copying.visited >= VISITED_MAX;
    if is_full {
        missed.push(format!("what comes after {} copies", copying.done.len()));
    }
    let copied = Copied { paths: copying.done.into_iter().collect(), missed };
    let file = worktree.git_dir.join(RECORD_FILE);
    let text = serde_json::to_vec(&copied)?;
    write_atomic(&file, &text, PRIVATE_FILE_MODE, Flush::Later).map_err(EffectError::at(&file))?;
    Ok(copied)
}

/// Copies what the entries of `worktree.copy` stand for from `root` into a worktree. Returns the entries that
/// stand for nothing.
///
/// # Errors
/// Fails if an entry leads out of the repository or a file cannot be copied.
pub fn copy_into(
    repository: &Repository,
    worktree: &Worktree,
    root: &Path,
    names: &[String],
) -> Result<Vec<String>, EffectError> {
    let copied = copy(repository, worktree, root, names)?;
    Ok(if is_default(names) { Vec::new() } else { copied.missed })
}

/// Returns whether the entries are the built-in ones: nobody has asked for them, so nobody misses them.
pub(super) fn is_default(names: &[String]) -> bool {
    names == [".env"]
}

struct Copying<'a> {
    repository: &'a Repository,
    /// The user's checkout.
    root: &'a Path,
    to: &'a Path,
    done: BTreeSet<RepoPath>,
    visited: usize,
}

impl Copying<'_> {
    /// Copies what an entry stands for. Returns whether it stands for anything.
    fn copy(&mut self, name: &str) -> Result<bool, EffectError> {
        let plain_name = name.trim_start_matches("./").trim_end_matches('/');
        let path = Path::new(plain_name);
        let is_inside = path.components().all(|part| matches!(part, Component::Normal(_)));
        if !is_inside || path.components().any(|part| part.as_os_str() == ".git") {
            return Err(EffectError::CopyLeadsOut(name.to_owned()));
        }
        // A folder of the user's checkout may be a link to a place outside.
        if self.leads_through_link(path) {
            return Ok(false);
        }
        match fs::symlink_metadata(self.root.join(path)) {
            Ok(found) if found.is_dir() => self.folder(path, None),
            Ok(found) if found.is_file() || found.is_symlink() => self.one(path).map(|()| true),
            _ if is_pattern(plain_name) => self.pattern(plain_name),
            _ => Ok(false),
        }
    }

    fn leads_through_link(&self, path: &Path) -> bool {
        path.ancestors().skip(1).any(|parent| self.root.join(parent).is_symlink() && parent != Path::new(""))
    }

    fn pattern(&mut self, pattern: &str) -> Result<bool, EffectError> {
        let Ok(globs) = Globs::new(&[pattern]) else { return Ok(false) };
        // Everything that can match is below the part in front of the first wildcard.
        let front: PathBuf = Path::new(pattern)
            .components()
            .take_while(|part| !is_pattern(&part.as_os_str().to_string_lossy()))
            .collect();
        if self.leads_through_link(&front.join("x")) || !self.root.join(&front).is_dir() {
            return Ok(false);
        }
        let tracked = self.repository.tracked_paths()?;
        self.folder(&front, Some((&globs, &tracked)))
    }

    /// Copies what is in a folder and, with a pattern, what matches it and is not tracked.
    fn folder(
        &mut self,
        folder: &Path,
        wanted: Option<(&Globs, &BTreeSet<RepoPath>)>,
    ) -> Result<bool, EffectError> {
        let mut found = false;
        let mut due = vec![folder.to_owned()];
        while let Some(folder) = due.pop() {
            let Ok(entries) = fs::read_dir(self.root.join(&folder)) else { continue };
            for entry in entries.flatten() {
                self.visited += 1;
                if self.visited >= VISITED_MAX || self.done.len() >= FILES_MAX {
                    return Ok(found);
                }
                let (name, path) = (entry.file_name(), folder.join(entry.file_name()));
                let Ok(kind) = entry.file_type() else { continue };
                if kind.is_dir() {
                    let is_passed_over = match wanted {
                        Some(_) => PASSED_OVER.iter().any(|known| name == *known),
                        None => name == ".git",
                    };
                    // Another repository inside is not this one's.
                    let is_repository = fs::symlink_metadata(entry.path().join(".git")).is_ok();
                    if !is_passed_over && !is_repository {
                        due.push(path);
                    }
                    continue;
                }
                let inner = RepoPath::new(path.as_os_str().as_bytes());
                let is_wanted = wanted.is_none_or(|(globs, tracked)| {
                    globs.matches(inner.as_bytes()) && !tracked.contains(&inner)
                });
                if is_wanted && name != ".git" && (kind.is_file() || kind.is_symlink()) {
                    self.one(&path)?;
                    found = true;
                }
            }
        }
        Ok(found)
    }

    /// Copies one file or link, unless the worktree has it.
    fn one(&mut self, path: &Path) -> Result<(), EffectError> {
        let name = || path.display().to_string();
        let (source, target) = (self.root.join(path), self.to.join(path));
        if target.symlink_metadata().is_ok() {
            return Ok(());
        }
        // The checked-out files may be an agent's work, and a folder among them a link to a place outside.
        let parents = target.ancestors().skip(1).take_while(|parent| *parent != self.to);
        if let Some(link) = parents.filter(|parent| parent.is_symlink()).last() {
            return Err(EffectError::CopyThroughLink { name: name(), link: link.to_owned() });
        }
        let problem = |source| EffectError::Copy { name: name(), source };
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(problem)?;
        }
        copy_new(&source, &target).map_err(problem)?;
        self.done.insert(RepoPath::new(path.as_os_str().as_bytes()));
        Ok(())
    }
}

/// Copies a file with its mode, or a link with its target, to a new place.
fn copy_new(source: &Path, target: &Path) -> io::Result<()> {
    if source.is_symlink() {
        return symlink(fs::read_link(source)?, target);
    }
    let mut from = plain::open(source)?;
    // `create_new` replaces nothing and follows no link in the last part of the path, unlike `fs::copy`.
    let mode = from.metadata()?.permissions().mode() & 0o777;
    let mut to = OpenOptions::new().write(true).create_new(true).mode(mode).open(target)?;
    io::copy(&mut from, &mut to).map(drop)
}
