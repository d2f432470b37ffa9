//! What the set-up of a worktree made: files that are nobody's work.
//!
//! The worktree is looked at before the set-up command (`worktree.setup`) and after it. What the command
//! changed or made in between is kept as a [`Baseline`] in the worktree's git directory. As long as an agent
//! does not change it further, it is neither uncommitted work nor salvaged, and a branch that commits it does
//! not land.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use git2::{ObjectType, Oid};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::GitError;
use super::ignore_rules::IgnoreRules;
use super::repository::{Repository, oid};
use super::snapshot::Snapshot;
use super::status::{Inside, UsersRules};
use super::untracked::{Top, tops};
use super::worktree::Worktree;
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;
use paddock_os::files::{Flush, PRIVATE_FILE_MODE, write_atomic};
use paddock_os::plain;

/// File in a worktree's git directory with the state before the set-up. It stays until a set-up ends well.
const BEFORE_FILE: &str = "paddock-before-setup.json";
/// File in a worktree's git directory with what the set-up made.
const BASELINE_FILE: &str = "paddock-setup.json";
/// File in a worktree's git directory with the rules that keep what the set-up made out of `git add --all`.
const RULES_FILE: &str = "paddock-exclude";
/// Bytes of one of these files that are read, at most.
const FILE_BYTES_MAX: usize = 64 << 20;
/// Files below one new folder from which on one rule hides the folder, and not a rule each of them.
const WIDE_FILES_MIN: usize = 100;
/// Rules written at most: git compares every path with each of them.
const RULES_MAX: usize = 500;
/// Paths that are named to the user, at most.
const NAMED_MAX: usize = 20;
/// Size in bytes up to which a text is also known with other line ends, in which git may commit it.
const TEXT_BYTES_MAX: usize = 4 << 20;
/// Folders of dependencies: everything in one that the set-up made is the set-up's, also what an agent adds.
const GROUNDS: &[&str] = &[
    "node_modules",
    "bower_components",
    ".venv",
    "venv",
    ".tox",
    ".nox",
    "__pycache__",
    ".gradle",
    "Pods",
    "vendor",
    "target",
    ".direnv",
    ".devenv",
    ".bundle",
    "elm-stuff",
    "_build",
    "deps",
];

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Seen {
    /// Nothing.
    Absent,
    /// A file: the id of its content, and the id of the same text with plain line ends.
    File(String, Option<String>),
    /// A symbolic link: the id of its target.
    Link(String),
    /// A repository of its own, or anything else.
    Other,
}

impl Seen {
    fn at(file: &Path) -> Self {
        let Ok(facts) = fs::symlink_metadata(file) else { return Self::Absent };
        if facts.is_symlink() {
            let target = fs::read_link(file).unwrap_or_default();
            let id = Oid::hash_object(ObjectType::Blob, target.as_os_str().as_encoded_bytes());
            return id.map_or(Self::Other, |id| Self::Link(id.to_string()));
        }
        if !facts.is_file() {
            return Self::Other;
        }
        let Ok(id) = Oid::hash_file(ObjectType::Blob, file) else { return Self::Other };
        let is_short = facts.len() <= TEXT_BYTES_MAX as u64;
        let text = if is_short { plain::read(file).unwrap_or_default() } else { Vec::new() };
        Self::File(id.to_string(), plain_lines(&text).map(|id| id.to_string()))
    }

    /// Returns whether a commit holds just this at the path.
    fn is_entry(&self, entry: Option<(Oid, i32)>) -> bool {
        let is = |id: &str, found: Oid| found.to_string() == id;
        match (self, entry) {
            (Self::Absent, found) => found.is_none(),
            (Self::Link(id), Some((found, 0o120_000))) => is(id, found),
            (Self::File(id, plain), Some((found, 0o100_644 | 0o100_755))) => {
                is(id, found) || plain.as_ref().is_some_and(|id| is(id, found))
            }
            _ => false,
        }
    }
}

/// Returns the id that a text with CRLF line ends has after git's conversion; `None` for any other content.
fn plain_lines(text: &[u8]) -> Option<Oid> {
    let has_pair = text.windows(2).any(|pair| pair == b"\r\n");
    if !has_pair || text.contains(&0) {
        return None;
    }
    let mut plain = Vec::with_capacity(text.len());
    for (at, byte) in text.iter().enumerate() {
        if *byte != b'\r' || text.get(at + 1) != Some(&b'\n') {
            plain.push(*byte);
        }
    }
    Oid::hash_object(ObjectType::Blob, &plain).ok()
}

/// What a look at a worktree shows.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Look {
    /// Changed and untracked paths that no rule of the commit hides.
    files: Vec<(RepoPath, Seen)>,
    /// The highest untracked paths, hidden ones too.
    tops: Vec<Top>,
}

/// What the set-up of a worktree made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Baseline {
    /// Tracked files that it changed, and files that it left where no rule hides them.
    files: BTreeMap<RepoPath, Seen>,
    /// Folders of dependencies that it made, which count as a whole, with a slash at the end.
    grounds: BTreeSet<RepoPath>,
    /// Other new folders with many files. They only shorten the rules.
    wide: BTreeSet<RepoPath>,
    /// The highest paths that it made and that a rule hides.
    hidden: BTreeSet<RepoPath>,
    /// The paths that the user sees named.
    left: Vec<RepoPath>,
}

/// What a branch commits of what the set-up made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetUpLeft {
    /// The first files that the set-up changed or left. Folders end in `/`.
    pub left: Vec<RepoPath>,
    /// Paths that the branch changes to exactly what the set-up had made.
    pub committed: Vec<RepoPath>,
    /// Paths that the branch adds where the set-up had made something else.
    pub changed: Vec<RepoPath>,
}

impl Baseline {
    /// Reads what the set-up of a worktree made; nothing if it left no record.
    pub(crate) fn load(git_dir: &Path) -> Self {
        let mut baseline: Self = read(&git_dir.join(BASELINE_FILE)).unwrap_or_default();
        // A session can write the record of another one's worktree: it must not hide whole folders of work.
        baseline.grounds.retain(is_of_dependencies);
        baseline
    }

    /// Returns whether what stands at a path is as the set-up left it.
    pub(crate) fn is_untouched(&self, root: &Path, path: &RepoPath) -> bool {
        if self.is_in_ground(path) {
            return true;
        }
        self.files.get(path).is_some_and(|seen| *seen == Seen::at(&root.join(path.as_path())))
    }

    fn is_in_ground(&self, path: &RepoPath) -> bool {
        self.grounds.iter().any(|ground| path.as_bytes().starts_with(ground.as_bytes()))
    }

    /// Returns whether a path is one that the set-up made where a rule hides it, or below one.
    fn is_hidden(&self, path: &RepoPath) -> bool {
        self.hidden.iter().any(|top| {
            let rest = path.as_bytes().strip_prefix(top.as_bytes());
            rest.is_some_and(|rest| rest.is_empty() || top.as_bytes().ends_with(b"/"))
        })
    }

    /// Sorts the paths that a branch changes.
    pub(crate) fn judge(
        &self,
        library: &git2::Repository,
        integration: &ObjectId,
        head: &ObjectId,
        paths: &[RepoPath],
    ) -> Result<SetUpLeft, GitError> {
        let mut found = SetUpLeft { left: self.left.clone(), ..SetUpLeft::default() };
        if *self == Self::default() {
            return Ok(found);
        }
        let tree = Snapshot::of_commit(library, oid(head)?)?;
        let before = match library.merge_base(oid(integration)?, oid(head)?) {
            Ok(base) => Snapshot::of_commit(library, base)?,
            Err(_) => Snapshot::new(library, None),
        };
        for path in paths {
            let entry = tree.entry(path);
            let is_new = before.entry(path).is_none() && entry.is_some();
            match self.files.get(path) {
                Some(seen) if seen.is_entry(entry) => found.committed.push(path.clone()),
                // A tracked file that somebody changed further is theirs.
                Some(_) if is_new => found.changed.push(path.clone()),
                Some(_) => {}
                None if is_new && (self.is_in_ground(path) || self.is_hidden(path)) => {
                    found.changed.push(path.clone());
                }
                None => {}
            }
        }
        Ok(found)
    }

    /// Returns the rules by which git passes over what the set-up made.
    fn rules(&self) -> Vec<u8> {
        let untracked = self.files.iter().filter(|(_, seen)| !matches!(seen, Seen::Absent));
        let is_wide =
            |path: &RepoPath| self.wide.iter().any(|top| path.as_bytes().starts_with(top.as_bytes()));
        let mut lines: Vec<Vec<u8>> = self.grounds.iter().chain(&self.wide).map(rule).collect();
        lines.extend(untracked.filter(|(path, _)| !is_wide(path)).map(|(path, _)| rule(path)));
        lines.retain(|line| !line.contains(&b'\n'));
        lines.truncate(RULES_MAX);
        let mut text = lines.join(&b'\n');
        text.push(b'\n');
        text
    }
}

/// Returns the rule that hides exactly this path.
fn rule(path: &RepoPath) -> Vec<u8> {
    let mut line = b"/".to_vec();
    for byte in path.as_bytes() {
        if b"*?[]\\!# ".contains(byte) {
            line.push(b'\\');
        }
        line.push(*byte);
    }
    line
}

/// Returns the file of rules for `core.excludesFile` of the agents in a worktree, which holds the user's own
/// rules, too. Makes it if there is none.
///
/// # Errors
/// Fails if the file cannot be written.
pub fn exclude_file(repository: &Repository, worktree: &Worktree) -> Result<PathBuf, GitError> {
    let file = worktree.git_dir.join(RULES_FILE);
    if fs::symlink_metadata(&file).is_err() {
        write_rules(repository, worktree, &Baseline::load(&worktree.git_dir))?;
    }
    Ok(file)
}

fn write_rules(repository: &Repository, worktree: &Worktree, baseline: &Baseline) -> Result<(), GitError> {
    let file = worktree.git_dir.join(RULES_FILE);
    let mut text = IgnoreRules::text_for(&repository.library()?).unwrap_or_default();
    if !text.is_empty() && !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    text.extend(baseline.rules());
    write_atomic(&file, &text, PRIVATE_FILE_MODE, Flush::Later).map_err(GitError::io(&file))
}

/// Records the state of a worktree before its set-up. Keeps the record of an earlier set-up that did not end
/// well: what that one left half made is a set-up's, too.
///
/// # Errors
/// Fails if the worktree cannot be read or the record cannot be written.
pub fn begin_set_up(repository: &Repository, worktree: &Worktree) -> Result<(), GitError> {
    let file = worktree.git_dir.join(BEFORE_FILE);
    if fs::symlink_metadata(&file).is_ok_and(|facts| facts.is_file()) {
        return Ok(());
    }
    write(&file, &look(repository, worktree)?)
}

/// Records what the set-up of a worktree made since [`begin_set_up`]. Returns the first tracked files that it
/// changed, and the first of what it made where no rule ignores it.
///
/// # Errors
/// Fails if the worktree cannot be read or the record cannot be written.
pub fn end_set_up(repository: &Repository, worktree: &Worktree) -> Result<Vec<RepoPath>, GitError> {
    let before_file = worktree.git_dir.join(BEFORE_FILE);
    let before: Look = read(&before_file).unwrap_or_default();
    let baseline = compare(before, look(repository, worktree)?, &Baseline::load(&worktree.git_dir), worktree);
    write(&worktree.git_dir.join(BASELINE_FILE), &baseline)?;
    write_rules(repository, worktree, &baseline)?;
    match fs::remove_file(&before_file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(GitError::io(&before_file)(error)),
        _ => Ok(baseline.left),
    }
}

/// Returns what was made between two looks, together with what an earlier set-up made and is still there.
fn compare(before: Look, after: Look, earlier: &Baseline, worktree: &Worktree) -> Baseline {
    let known: BTreeMap<RepoPath, Seen> = before.files.into_iter().collect();
    let known_tops: BTreeSet<&RepoPath> = before.tops.iter().map(|top| &top.path).collect();
    let mut made = Baseline::default();
    let mut left: BTreeSet<RepoPath> = BTreeSet::new();
    let files: Vec<(RepoPath, Seen)> = after
        .files
        .into_iter()
        .filter(|(path, seen)| {
            let is_earlier = earlier.files.get(path) == Some(seen) || earlier.is_in_ground(path);
            known.get(path) != Some(seen) || is_earlier
        })
        .collect();
    let was_made = |top: &Top| {
        let is_below = |path: &RepoPath| path.as_bytes().starts_with(top.path.as_bytes());
        earlier.grounds.contains(&top.path)
            || earlier.hidden.contains(&top.path)
            || earlier.files.keys().any(is_below)
    };
    for top in after.tops.iter().filter(|top| !known_tops.contains(&top.path) || was_made(top)) {
        let inside =
            files.iter().filter(|(path, _)| path.as_bytes().starts_with(top.path.as_bytes())).count();
        match inside {
            0 => drop(made.hidden.insert(top.path.clone())),
            _ if top.is_folder && is_of_dependencies(&top.path) => {
                left.insert(top.path.clone());
                made.grounds.insert(top.path.clone());
            }
            _ if top.is_folder && inside >= WIDE_FILES_MIN => {
                left.insert(top.path.clone());
                made.wide.insert(top.path.clone());
            }
            _ => drop(left.insert(top.path.clone())),
        }
    }
    let tops: Vec<&RepoPath> = after.tops.iter().map(|top| &top.path).collect();
    for (path, seen) in files {
        if made.is_in_ground(&path) {
            continue;
        }
        let is_below_top = tops.iter().any(|top| path.as_bytes().starts_with(top.as_bytes()));
        if !is_below_top {
            left.insert(path.clone());
        }
        made.files.insert(path, seen);
    }
    tracing::debug!(worktree = %worktree.path.display(), files = made.files.len(), "the set-up's files are known");
    made.left = left.into_iter().take(NAMED_MAX).collect();
    made
}

fn is_of_dependencies(folder: &RepoPath) -> bool {
    let name = folder.as_path().file_name().unwrap_or_default();
    GROUNDS.iter().any(|known| name == *known) || name.as_encoded_bytes().ends_with(b".egg-info")
}

fn look(repository: &Repository, worktree: &Worktree) -> Result<Look, GitError> {
    let mut inside = Inside::open(repository, worktree)?;
    let mut paths = inside.staged()?;
    paths.extend(inside.unstaged_of_session(worktree, UsersRules::Pass)?);
    let any_case = inside.library.config()?.get_bool("core.ignoreCase").unwrap_or(false);
    let tops = tops(&worktree.path, &inside.index, any_case)?;
    let seen = |path: RepoPath| {
        let seen = Seen::at(&worktree.path.join(path.as_path()));
        (path, seen)
    };
    Ok(Look { files: paths.into_iter().map(seen).collect(), tops })
}

fn read<T: DeserializeOwned>(file: &Path) -> Option<T> {
    let facts = fs::symlink_metadata(file).ok().filter(fs::Metadata::is_file)?;
    if facts.len() > FILE_BYTES_MAX as u64 {
        return None;
    }
    serde_json::from_slice(&plain::read(file).ok()?).ok()
}

fn write(file: &Path, content: &impl Serialize) -> Result<(), GitError> {
    let text = serde_json::to_vec(content).map_err(|error| GitError::Unexpected(error.to_string()))?;
    write_atomic(file, &text, PRIVATE_FILE_MODE, Flush::Later).map_err(GitError::io(file))
}
