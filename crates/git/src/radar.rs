//! The conflict radar: merges every live branch in memory with the integration tip and with every other
//! branch.
//!
//! Nothing that the radar merges lands: git writes the objects to a folder of their own, which is removed.
//! Results are kept between scans, so that a new commit costs only the pairs it is part of. The queue makes
//! every merge again by itself; the radar's results decide only about order and warnings.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use git2::Oid;

use super::error::GitError;
use super::objects::changed_paths;
use super::obstacles::refuse_ref;
use super::program::{Call, program_error};
use super::repository::{Repository, object_id, oid};
use super::snapshot::Snapshot;
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;

/// Maximum number of branches compared: twice what a large machine keeps at work. The number of pairs grows
/// with the square.
pub const BRANCHES_MAX: usize = 128;
/// Number of git processes in parallel: each takes one processor, and sessions need theirs.
const CALLS_AT_ONCE: usize = 2;
/// Maximum number of paths that a clash names.
const PATHS_MAX: usize = 5;

/// A pair of commits that do not merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// Index of the branch.
    pub branch: usize,
    /// Index of the other branch, the higher of the two; `None` for the integration tip.
    pub other: Option<usize>,
    /// Files in conflict, at most five.
    pub paths: Vec<RepoPath>,
}

type Pair = (Oid, Oid);

/// Results that are kept between two scans.
#[derive(Debug, Default)]
pub struct Radar {
    /// Files in conflict of each pair; empty if it merges.
    pairs: HashMap<Pair, Vec<RepoPath>>,
    /// Changes of each head, by tip and head.
    touches: HashMap<Pair, Touched>,
}

/// The changes of a branch since it left the integration ref.
#[derive(Debug, Clone)]
struct Touched {
    base: Option<Oid>,
    paths: BTreeSet<RepoPath>,
    /// Whether no path was removed, so that none can have been renamed.
    is_plain: bool,
}

impl Radar {
    /// Returns every pair of `heads` that does not merge, and every head that does not merge with the tip.
    /// Leaves out heads beyond [`BRANCHES_MAX`].
    ///
    /// # Errors
    /// Fails if a commit is missing, or if git fails for another reason than a conflict.
    pub fn scan(
        &mut self,
        repository: &Repository,
        tip: &ObjectId,
        heads: &[ObjectId],
    ) -> Result<Vec<Clash>, GitError> {
        let library = repository.library()?;
        let tip = oid(tip)?;
        let heads: Vec<Oid> = heads.iter().take(BRANCHES_MAX).map(oid).collect::<Result<_, _>>()?;
        for head in &heads {
            // The tip is a part of the key: when it moves, a branch's own changes start somewhere else.
            if let Entry::Vacant(place) = self.touches.entry((tip, *head)) {
                place.insert(touched(&library, tip, *head)?);
            }
        }
        let candidate_pairs = self.candidate_pairs(tip, &heads);
        let known: HashSet<Pair> = candidate_pairs.iter().map(|(pair, ..)| *pair).collect();
        let due: Vec<Pair> = candidate_pairs
            .iter()
            .filter(|(pair, ..)| !self.pairs.contains_key(pair))
            .filter(|(pair, ..)| !self.is_clean(tip, *pair))
            .map(|(pair, ..)| *pair)
            .collect();
        // Commits never change, so results stay true for as long as their commits are of interest; the rest
        // goes, to bound the memory.
        self.pairs.retain(|pair, _| known.contains(pair));
        let live: HashSet<Oid> = heads.iter().copied().collect();
        self.touches.retain(|(with, head), _| *with == tip && live.contains(head));
        self.pairs.extend(merged(repository, &due)?);
        let found = candidate_pairs.into_iter().filter_map(|(pair, branch, other)| {
            let paths = self.pairs.get(&pair).filter(|paths| !paths.is_empty())?.clone();
            Some(Clash { branch, other, paths })
        });
        Ok(found.collect())
    }

    /// Returns the pairs that can conflict at all. A branch without changes of its own conflicts with none.
    fn candidate_pairs(&self, tip: Oid, heads: &[Oid]) -> Vec<(Pair, usize, Option<usize>)> {
        let has_work = |head: &Oid| self.touches.get(&(tip, *head)).is_some_and(|t| !t.paths.is_empty());
        let at_work: Vec<usize> = (0..heads.len()).filter(|index| has_work(&heads[*index])).collect();
        let mut candidate_pairs = Vec::new();
        for (place, branch) in at_work.iter().copied().enumerate() {
            candidate_pairs.push(((tip, heads[branch]), branch, None));
            for other in at_work[place + 1..].iter().copied().filter(|other| heads[*other] != heads[branch]) {
                candidate_pairs.push(((heads[branch], heads[other]), branch, Some(other)));
            }
        }
        candidate_pairs
    }

    /// Returns whether a pair merges for certain: both branches left the ref at the same commit, only change
    /// or add files, and touch no common path, nor a path below one of the other's. Such a pair needs no git
    /// process, and most pairs are such.
    fn is_clean(&self, tip: Oid, (left, right): Pair) -> bool {
        let (Some(left), Some(right)) = (self.touches.get(&(tip, left)), self.touches.get(&(tip, right)))
        else {
            return false;
        };
        // With a removed path, git may detect a rename and apply the other branch's change at the new name.
        let may_compare = left.base.is_some() && left.base == right.base && left.is_plain && right.is_plain;
        may_compare && !overlap(&left.paths, &right.paths) && !overlap(&right.paths, &left.paths)
    }
}

/// Returns whether a path of the first set is in the second, or is a folder of a path there.
fn overlap(paths: &BTreeSet<RepoPath>, others: &BTreeSet<RepoPath>) -> bool {
    paths.iter().any(|path| {
        let mut folder = path.as_bytes().to_vec();
        folder.push(b'/');
        // The set is sorted by bytes, so the first path at or after `folder/` is below the folder if any is.
        let below = RepoPath::new(folder.clone());
        others.contains(path)
            || others.range(below..).next().is_some_and(|next| next.as_bytes().starts_with(&folder))
    })
}

/// Returns the changes of a head since it left the tip's history.
fn touched(library: &git2::Repository, tip: Oid, head: Oid) -> Result<Touched, GitError> {
    let base = match library.merge_base(tip, head) {
        Ok(base) => Some(base),
        Err(error) if error.code() == git2::ErrorCode::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    let before = base.map(|base| library.find_commit(base)).transpose()?.map(|base| base.tree_id());
    let after = Snapshot::of_commit(library, head)?;
    let paths = changed_paths(library, before, after.id())?;
    let is_plain = paths.iter().all(|path| after.entry(path).is_some());
    Ok(Touched { base, paths, is_plain })
}

/// Merges each pair and returns its files in conflict; empty if it merges.
fn merged(repository: &Repository, pairs: &[Pair]) -> Result<Vec<(Pair, Vec<RepoPath>)>, GitError> {
    if pairs.is_empty() {
        return Ok(Vec::new());
    }
    // At least 32 pairs per call, so that a few pairs start one process only.
    let share = pairs.len().div_ceil(CALLS_AT_ONCE).max(32);
    let parts: Vec<Result<Vec<_>, GitError>> = thread::scope(|scope| {
        let calls: Vec<_> =
            pairs.chunks(share).map(|part| scope.spawn(move || merge_each(repository, part))).collect();
        let broken = || GitError::Unexpected("a thread that predicts conflicts panicked".to_owned());
        calls.into_iter().map(|call| call.join().unwrap_or_else(|_| Err(broken()))).collect()
    });
    let mut found = Vec::with_capacity(pairs.len());
    for part in parts {
        found.extend(part?);
    }
    Ok(found)
}

/// Merges pairs with one git process.
fn merge_each(repository: &Repository, pairs: &[Pair]) -> Result<Vec<(Pair, Vec<RepoPath>)>, GitError> {
    let folder = Quarantine::new(repository)?;
    let input: String = pairs.iter().map(|(left, right)| format!("{left} {right}\n")).collect();
    let output = Call::new(repository)
        // New objects go to the folder; existing ones are read from the repository.
        .variable("GIT_OBJECT_DIRECTORY", &folder.0)
        .variable("GIT_ALTERNATE_OBJECT_DIRECTORIES", repository.common_dir().join("objects"))
        .args(["merge-tree", "--write-tree", "--stdin", "--name-only", "--no-messages"])
        .args(["--allow-unrelated-histories"])
        .output_with_input(input.into_bytes())?;
    if !output.status.success() {
        return Err(program_error("merge-tree --stdin".to_owned(), &output));
    }
    let found = parse_outcomes(&output.stdout);
    match found.len() == pairs.len() {
        true => Ok(pairs.iter().copied().zip(found).collect()),
        false => {
            Err(GitError::Unexpected("`git merge-tree --stdin` did not answer for every merge".to_owned()))
        }
    }
}

/// Parses the output of `merge-tree --stdin`: `status NUL tree NUL [path NUL]* NUL` for each merge.
fn parse_outcomes(output: &[u8]) -> Vec<Vec<RepoPath>> {
    let mut fields = output.split(|byte| *byte == 0);
    let mut found = Vec::new();
    while let Some(status) = fields.next().filter(|status| !status.is_empty()) {
        let _tree = fields.next();
        let named: Vec<&[u8]> = fields.by_ref().take_while(|field| !field.is_empty()).collect();
        let mut paths: Vec<RepoPath> = named.into_iter().take(PATHS_MAX).map(RepoPath::new).collect();
        // Status 1 is a clean merge here. A conflict without a named file must still count as one.
        if status != b"1" && paths.is_empty() {
            paths.push(RepoPath::new("."));
        }
        found.push(paths);
    }
    found
}

/// A folder for objects that nobody keeps. In the git directory, because it has to be on the same file
/// system, and nobody else puts anything there.
struct Quarantine(PathBuf);

impl Quarantine {
    fn new(repository: &Repository) -> Result<Self, GitError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = repository.own_folder()?.join(format!("radar-{}-{number}", std::process::id()));
        fs::create_dir(&folder).map_err(GitError::io(&folder))?;
        Ok(Self(folder))
    }
}

impl Drop for Quarantine {
    fn drop(&mut self) {
        // `clear_radar` removes at the next start what cannot be removed now.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Removes the folders that a killed process has left. No other process may work in the repository.
pub fn clear_radar(repository: &Repository) {
    let Ok(folder) = repository.own_folder() else { return };
    let Ok(entries) = fs::read_dir(&folder) else { return };
    let is_left =
        |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"radar-"));
    for path in entries.flatten().map(|entry| entry.path()).filter(|path| is_left(path)) {
        if let Err(error) = fs::remove_dir_all(&path) {
            tracing::debug!(%error, path = %path.display(), "a folder of the radar stays");
        }
    }
}

impl Repository {
    /// Returns the heads of those branches that exist, with the index of each branch.
    ///
    /// # Errors
    /// Fails if the repository cannot be read.
    pub fn heads_of(&self, branches: &[String]) -> Result<Vec<(usize, ObjectId)>, GitError> {
        let library = self.library()?;
        let mut found = Vec::new();
        for (index, branch) in branches.iter().enumerate() {
            let name = format!("refs/heads/{branch}");
            // A branch that cannot be read is left out: its harvest says why.
            if refuse_ref(library.commondir(), &name).is_ok()
                && let Ok(head) = library.refname_to_id(&name)
            {
                found.push((index, object_id(head)?));
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_one_merge_after_the_other() {
        let output = b"0\0tree\0a b\0c\0\x001\0tree\0\x000\0tree\0\0";
        let found = parse_outcomes(output);
        assert_eq!(found.len(), 3);
        assert_eq!(found[0], [RepoPath::new("a b"), RepoPath::new("c")]);
        assert!(found[1].is_empty());
        assert_eq!(found[2], [RepoPath::new(".")]);
    }

    #[test]
    fn a_file_overlaps_a_folder_of_its_name() {
        let paths = |names: &[&str]| names.iter().map(|name| RepoPath::new(*name)).collect::<BTreeSet<_>>();
        assert!(overlap(&paths(&["a"]), &paths(&["a/b"])));
        assert!(overlap(&paths(&["a", "x"]), &paths(&["a"])));
        assert!(!overlap(&paths(&["a/b"]), &paths(&["a/c", "a", "a.b"])));
    }
}
