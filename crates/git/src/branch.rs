//! A whole branch, commit by commit: secrets that its history would land, and whose commits its paths are.

use std::collections::{BTreeMap, BTreeSet};

use git2::{Commit, Oid};

use super::error::GitError;
use super::harvest::{COMMITS_MAX, facts_of, new_commits};
use super::objects::entry_at;
use super::repository::{Repository, object_id, oid};
use crate::secrets::scan;
use paddock_model::facts::SecretFact;
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;

/// Of one file this much of its beginning is searched, in bytes: nobody writes a larger one by hand.
const SCAN_BYTES_MAX: usize = 4 << 20;
/// Secrets that are told of.
const SECRETS_MAX: usize = 20;

/// What the commits of a branch add up to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BranchFacts {
    /// Secrets in any of its commits, whether a later one removes them or not.
    pub secrets: Vec<SecretFact>,
    /// The paths that only commits of the sessions given change.
    pub own_paths: Vec<RepoPath>,
}

/// Reads every commit of a branch that is not on the integration ref. `sessions` are stretches of it, from a
/// start that is not part of it to an end that is; `own_paths` are what only commits of theirs change.
///
/// # Errors
/// When the repository cannot be read.
pub fn read_branch(
    repository: &Repository,
    integration: &ObjectId,
    head: &ObjectId,
    sessions: &[(ObjectId, ObjectId)],
) -> Result<BranchFacts, GitError> {
    let library = repository.library()?;
    let mut own = BTreeSet::new();
    for (from, to) in sessions {
        // What was rewritten and collected since is no part of the branch either.
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

/// Kinds, texts and lines of the secrets in a file.
type InFile = Vec<(&'static str, Vec<u8>, usize)>;

struct Secrets<'r> {
    library: &'r git2::Repository,
    /// Files that were searched, by object: most commits change few of them.
    seen: BTreeMap<Oid, InFile>,
    found: Vec<SecretFact>,
}

impl Secrets<'_> {
    /// Searches what a commit adds: a secret that any of its parents holds at that path came from elsewhere.
    fn read(&mut self, commit: &Commit<'_>, paths: &[RepoPath]) -> Result<(), GitError> {
        let id = object_id(commit.id())?;
        let tree = commit.tree()?;
        for path in paths {
            let Some((blob, _)) = entry_at(&tree, path) else { continue };
            let new = self.in_file(blob);
            if new.is_empty() {
                continue;
            }
            let mut old = BTreeSet::new();
            for parent in commit.parents() {
                if let Some((blob, _)) = entry_at(&parent.tree()?, path) {
                    old.extend(self.in_file(blob).into_iter().map(|(_, text, _)| text));
                }
            }
            for (kind, _, line) in new.into_iter().filter(|(_, text, _)| !old.contains(text)) {
                self.add(&id, Some(path.clone()), kind, line);
            }
        }
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

    fn in_file(&mut self, blob: Oid) -> InFile {
        if let Some(known) = self.seen.get(&blob) {
            return known.clone();
        }
        // What is no file (a submodule's commit) holds nothing.
        let found = self.library.find_blob(blob).map(|blob| {
            let content = blob.content();
            let content = &content[..content.len().min(SCAN_BYTES_MAX)];
            scan(content).iter().map(|hit| (hit.kind, hit.text.to_vec(), hit.line)).collect()
        });
        let found: InFile = found.unwrap_or_default();
        self.seen.insert(blob, found.clone());
        found
    }
}
