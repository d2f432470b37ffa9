//! Reading a whole branch commit by commit: secrets that its history would land, and the paths that only some
//! of its commits change.

use std::collections::{BTreeMap, BTreeSet};

use git2::{Commit, Oid};

use super::error::GitError;
use super::harvest::{COMMITS_MAX, facts_of, new_commits};
use super::repository::{Repository, object_id, oid};
use super::snapshot::Snapshot;
use crate::secrets::scan;
use paddock_model::facts::SecretFact;
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;

/// Bytes searched at the beginning of each file. Nobody writes a larger file by hand.
const SCAN_BYTES_MAX: usize = 4 << 20;
/// Maximum number of secrets reported.
const SECRETS_MAX: usize = 20;

/// Facts about the commits of a branch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BranchFacts {
    /// Secrets that any commit adds, even if a later commit removes them: the history lands, too.
    pub secrets: Vec<SecretFact>,
    /// Paths that no commit changes other than those of the given sessions.
    pub own_paths: Vec<RepoPath>,
}

/// Reads every commit of a branch that is not on the integration ref. `sessions` are ranges of commits; each
/// begins after its first commit and ends with its second. `own_paths` of the result are the paths that only
/// commits in these ranges change.
///
/// # Errors
/// Fails if the repository cannot be read.
pub fn read_branch(
    repository: &Repository,
    integration: &ObjectId,
    head: &ObjectId,
    sessions: &[(ObjectId, ObjectId)],
) -> Result<BranchFacts, GitError> {
    let library = repository.library()?;
    let mut own = BTreeSet::new();
    for (from, to) in sessions {
        // A commit that was rewritten and garbage-collected is no part of the branch either.
        if library.find_commit(oid(from)?).is_ok() && library.find_commit(oid(to)?).is_ok() {
            own.extend(new_commits(&library, to, &[from, integration])?);
        }
    }
    let mut secrets = Secrets { library: &library, seen: BTreeMap::new(), found: Vec::new() };
    let (mut by_own, mut by_others) = (BTreeSet::new(), BTreeSet::new());
    for id in new_commits(&library, head, &[integration])?.into_iter().take(COMMITS_MAX) {
        let commit = library.find_commit(id)?;
        let facts = facts_of(&library, &commit, true)?;
        secrets.read(&commit, &facts.paths)?;
        let paths = if own.contains(&id) { &mut by_own } else { &mut by_others };
        paths.extend(facts.paths);
    }
    let own_paths = by_own.difference(&by_others).cloned().collect();
    Ok(BranchFacts { secrets: secrets.found, own_paths })
}

/// Kind, text and line of each secret in a file.
type SecretsInFile = Vec<(&'static str, Vec<u8>, usize)>;

/// The search for secrets over the commits of a branch.
struct Secrets<'r> {
    library: &'r git2::Repository,
    /// Results by object: most commits change few files.
    seen: BTreeMap<Oid, SecretsInFile>,
    found: Vec<SecretFact>,
}

impl Secrets<'_> {
    /// Searches what a commit adds. A secret that a parent holds at the same path came with that parent.
    fn read(&mut self, commit: &Commit<'_>, paths: &[RepoPath]) -> Result<(), GitError> {
        let id = object_id(commit.id())?;
        let tree = Snapshot::new(self.library, Some(commit.tree_id()));
        let parents: Vec<Snapshot<'_>> =
            commit.parents().map(|parent| Snapshot::new(self.library, Some(parent.tree_id()))).collect();
        for path in paths {
            let Some((blob, _)) = tree.entry(path) else { continue };
            let new = self.in_file(blob);
            if new.is_empty() {
                continue;
            }
            // Texts are compared, not lines: a secret that only moves within its file is not new.
            let mut old = BTreeSet::new();
            for parent in &parents {
                if let Some((blob, _)) = parent.entry(path) {
                    old.extend(self.in_file(blob).into_iter().map(|(_, text, _)| text));
                }
            }
            for (kind, _, line) in new.into_iter().filter(|(_, text, _)| !old.contains(text)) {
                self.add(&id, Some(path.clone()), kind, line);
            }
        }
        // Messages are pushed with the history, too.
        for found in scan(commit.message_raw_bytes()) {
            self.add(&id, None, found.kind, found.line);
        }
        Ok(())
    }

    fn add(&mut self, commit: &ObjectId, path: Option<RepoPath>, kind: &str, line: usize) {
        if self.found.len() < SECRETS_MAX {
            let (commit, kind) = (commit.clone(), kind.to_owned());
            self.found.push(SecretFact { commit, path, kind, line: u32::try_from(line).unwrap_or(u32::MAX) });
        }
    }

    fn in_file(&mut self, blob: Oid) -> SecretsInFile {
        if let Some(known) = self.seen.get(&blob) {
            return known.clone();
        }
        // A submodule's entry is no blob and holds nothing.
        let found = self.library.find_blob(blob).map(|blob| {
            let content = blob.content();
            let content = &content[..content.len().min(SCAN_BYTES_MAX)];
            scan(content).iter().map(|hit| (hit.kind, hit.text.to_vec(), hit.line)).collect()
        });
        let found: SecretsInFile = found.unwrap_or_default();
        self.seen.insert(blob, found.clone());
        found
    }
}
