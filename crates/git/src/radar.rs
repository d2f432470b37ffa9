//! The conflict radar: merges in memory of every live branch against the integration tip and against each other.
//!
//! Nothing of it lands: the objects that git writes go to a folder of their own, which is removed. What was found
//! is kept, so that a new commit costs its own pairs only. The queue still makes each merge itself; what the radar
//! says decides about order and warnings alone.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use git2::Oid;

use super::error::GitError;
use super::objects::{changed_paths, entry_at};
use super::program::{Call, program_error};
use super::repository::{Repository, object_id, oid};
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;

/// Branches that are compared at once: twice what a large machine keeps at work. The pairs grow with the square.
pub const BRANCHES_MAX: usize = 128;
/// Calls of the git program at once: it needs one processor each, and sessions need theirs.
const CALLS_AT_ONCE: usize = 2;
/// Paths that a collision names.
const PATHS_MAX: usize = 5;

/// A pair of commits that do not merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// The index of the branch.
    pub branch: usize,
    /// The index of the other branch, a higher one; none: the integration tip.
    pub other: Option<usize>,
    /// Files in conflict, at most five.
    pub paths: Vec<RepoPath>,
}

type Pair = (Oid, Oid);

/// What is known of pairs, between two scans.
#[derive(Debug, Default)]
pub struct Radar {
    pairs: HashMap<Pair, Vec<RepoPath>>,
    touches: HashMap<Pair, Touched>,
}

/// What a branch changes since it left the integration ref.
#[derive(Debug, Clone)]
struct Touched {
    base: Option<Oid>,
    paths: BTreeSet<RepoPath>,
    /// Nothing was removed, so that nothing can have been renamed.
    is_plain: bool,
}

impl Radar {
    /// Every pair of these heads that does not merge, and every head that does not merge with the tip. Heads
    /// beyond [`BRANCHES_MAX`] are left out.
    ///
    /// # Errors
    /// When a commit is missing, or git fails for another reason than a conflict.
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
            if let Entry::Vacant(place) = self.touches.entry((tip, *head)) {
                place.insert(touched(&library, tip, *head)?);
            }
        }
        let wanted = self.wanted(tip, &heads);
        let known: HashSet<Pair> = wanted.iter().map(|(pair, ..)| *pair).collect();
        let due: Vec<Pair> = wanted
            .iter()
            .filter(|(pair, ..)| !self.pairs.contains_key(pair))
            .filter(|(pair, ..)| !self.is_clean(tip, *pair))
            .map(|(pair, ..)| *pair)
            .collect();
        self.pairs.retain(|pair, _| known.contains(pair));
        let live: HashSet<Oid> = heads.iter().copied().collect();
        self.touches.retain(|(with, head), _| *with == tip && live.contains(head));
        self.pairs.extend(merged(repository, &due)?);
        let found = wanted.into_iter().filter_map(|(pair, branch, other)| {
            let paths = self.pairs.get(&pair).filter(|paths| !paths.is_empty())?.clone();
            Some(Clash { branch, other, paths })
        });
        Ok(found.collect())
    }

    /// The pairs that can collide at all: a branch without anything of its own collides with nobody.
    fn wanted(&self, tip: Oid, heads: &[Oid]) -> Vec<(Pair, usize, Option<usize>)> {
        let has_work = |head: &Oid| self.touches.get(&(tip, *head)).is_some_and(|t| !t.paths.is_empty());
        let at_work: Vec<usize> = (0..heads.len()).filter(|index| has_work(&heads[*index])).collect();
        let mut wanted = Vec::new();
        for (place, branch) in at_work.iter().copied().enumerate() {
            wanted.push(((tip, heads[branch]), branch, None));
            for other in at_work[place + 1..].iter().copied().filter(|other| heads[*other] != heads[branch]) {
                wanted.push(((heads[branch], heads[other]), branch, Some(other)));
            }
        }
        wanted
    }

    /// Whether two branches that began at the same commit only change or add files, none of which are the same or
    /// lie below each other: such a pair merges whatever is in the files.
    fn is_clean(&self, tip: Oid, (left, right): Pair) -> bool {
        let (Some(left), Some(right)) = (self.touches.get(&(tip, left)), self.touches.get(&(tip, right)))
        else {
            return false;
        };
        let may_compare = left.base.is_some() && left.base == right.base && left.is_plain && right.is_plain;
        may_compare && !meet(&left.paths, &right.paths) && !meet(&right.paths, &left.paths)
    }
}

/// Whether a path of the first is one of the second's, or a folder of one.
fn meet(paths: &BTreeSet<RepoPath>, others: &BTreeSet<RepoPath>) -> bool {
    paths.iter().any(|path| {
        let mut folder = path.as_bytes().to_vec();
        folder.push(b'/');
        let below = RepoPath::new(folder.clone());
        others.contains(path)
            || others.range(below..).next().is_some_and(|next| next.as_bytes().starts_with(&folder))
    })
}

fn touched(library: &git2::Repository, tip: Oid, head: Oid) -> Result<Touched, GitError> {
    let base = match library.merge_base(tip, head) {
        Ok(base) => Some(base),
        Err(error) if error.code() == git2::ErrorCode::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    let before = base.map(|base| library.find_commit(base)?.tree()).transpose()?;
    let after = library.find_commit(head)?.tree()?;
    let paths = changed_paths(library, before.as_ref().map(git2::Tree::id), Some(after.id()))?;
    let is_plain = paths.iter().all(|path| entry_at(&after, path).is_some());
    Ok(Touched { base, paths, is_plain })
}

/// The conflicting paths of each pair; none where it merges.
fn merged(repository: &Repository, pairs: &[Pair]) -> Result<Vec<(Pair, Vec<RepoPath>)>, GitError> {
    if pairs.is_empty() {
        return Ok(Vec::new());
    }
    let share = pairs.len().div_ceil(CALLS_AT_ONCE).max(32);
    let parts: Vec<Result<Vec<_>, GitError>> = thread::scope(|scope| {
        let calls: Vec<_> =
            pairs.chunks(share).map(|part| scope.spawn(move || merge_each(repository, part))).collect();
        let broken = || GitError::Unexpected("a merge of the radar broke off".to_owned());
        calls.into_iter().map(|call| call.join().unwrap_or_else(|_| Err(broken()))).collect()
    });
    let mut found = Vec::with_capacity(pairs.len());
    for part in parts {
        found.extend(part?);
    }
    Ok(found)
}

fn merge_each(repository: &Repository, pairs: &[Pair]) -> Result<Vec<(Pair, Vec<RepoPath>)>, GitError> {
    let folder = Quarantine::new(repository)?;
    let input: String = pairs.iter().map(|(left, right)| format!("{left} {right}\n")).collect();
    let output = Call::new(repository)
        .variable("GIT_OBJECT_DIRECTORY", &folder.0)
        .variable("GIT_ALTERNATE_OBJECT_DIRECTORIES", repository.common_dir().join("objects"))
        .args(["merge-tree", "--write-tree", "--stdin", "--name-only", "--no-messages"])
        .args(["--allow-unrelated-histories"])
        .output_with_input(input.into_bytes())?;
    if !output.status.success() {
        return Err(program_error("merge-tree --stdin".to_owned(), &output));
    }
    let found = outcomes(&output.stdout);
    match found.len() == pairs.len() {
        true => Ok(pairs.iter().copied().zip(found).collect()),
        false => Err(GitError::Unexpected("git did not answer for every merge of the radar".to_owned())),
    }
}

/// Reads `status NUL tree NUL [path NUL]* NUL` for each merge.
fn outcomes(output: &[u8]) -> Vec<Vec<RepoPath>> {
    let mut fields = output.split(|byte| *byte == 0);
    let mut found = Vec::new();
    while let Some(status) = fields.next().filter(|status| !status.is_empty()) {
        let _tree = fields.next();
        let named: Vec<&[u8]> = fields.by_ref().take_while(|field| !field.is_empty()).collect();
        let mut paths: Vec<RepoPath> = named.into_iter().take(PATHS_MAX).map(RepoPath::new).collect();
        if status != b"1" && paths.is_empty() {
            paths.push(RepoPath::new("."));
        }
        found.push(paths);
    }
    found
}

/// A folder for objects that nobody keeps, in the git directory: the same file system, and no other's place.
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
        // What cannot be removed now is at the next start, by `clear_radar`.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What a killed predecessor left of its quarantines. Nobody else may be at work in the repository.
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
    /// The branches of these that exist, with their heads.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub fn heads_of(&self, branches: &[String]) -> Result<Vec<(usize, ObjectId)>, GitError> {
        let library = self.library()?;
        let mut found = Vec::new();
        for (index, branch) in branches.iter().enumerate() {
            if let Ok(head) = library.refname_to_id(&format!("refs/heads/{branch}")) {
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
        let found = outcomes(output);
        assert_eq!(found.len(), 3);
        assert_eq!(found[0], [RepoPath::new("a b"), RepoPath::new("c")]);
        assert!(found[1].is_empty());
        assert_eq!(found[2], [RepoPath::new(".")]);
    }

    #[test]
    fn a_file_meets_a_folder_of_its_name() {
        let paths = |names: &[&str]| names.iter().map(|name| RepoPath::new(*name)).collect::<BTreeSet<_>>();
        assert!(meet(&paths(&["a"]), &paths(&["a/b"])));
        assert!(meet(&paths(&["a", "x"]), &paths(&["a"])));
        assert!(!meet(&paths(&["a/b"]), &paths(&["a/c", "a", "a.b"])));
    }
}
