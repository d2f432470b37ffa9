//! Reading the commits of the integration ref for `verify`.

use std::collections::BTreeSet;

use git2::Sort;

use super::error::GitError;
use super::harvest::new_commits;
use super::objects::changed_paths;
use super::repository::{Repository, object_id, oid};
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;

/// Trailer of a commit whose tree passed the gate.
pub(crate) const VERIFIED_TRAILER: &str = "Paddock-Verified";

/// The parts of a commit that a proof refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitRecord {
    /// The commit.
    pub commit: ObjectId,
    /// Its tree.
    pub tree: ObjectId,
    /// Parents, first parent first.
    pub parents: Vec<ObjectId>,
    /// First line of the message, at most 200 characters.
    pub summary: String,
    /// Value of the trailer `Paddock-Verified`, as the message has it.
    pub verified_trailer: Option<String>,
    /// Committer's time, in seconds since 1970.
    pub time_s: i64,
}

impl Repository {
    /// Returns the record of a commit.
    ///
    /// # Errors
    /// Fails if there is no such commit.
    pub fn commit_record(&self, commit: &ObjectId) -> Result<CommitRecord, GitError> {
        record_of(&self.library()?.find_commit(oid(commit)?)?)
    }

    /// Returns the first-parent commits of `tip` that `start` does not contain, newest first.
    ///
    /// # Errors
    /// Fails if the repository cannot be read.
    pub fn first_parents(&self, tip: &ObjectId, start: &ObjectId) -> Result<Vec<CommitRecord>, GitError> {
        let library = self.library()?;
        let mut walk = library.revwalk()?;
        walk.push(oid(tip)?)?;
        walk.hide(oid(start)?)?;
        // The merges of a batch's members are not landings of their own.
        walk.simplify_first_parent()?;
        walk.map(|id| record_of(&library.find_commit(id?)?)).collect()
    }

    /// Returns the commits that `to` has beyond `from`, over all parents.
    ///
    /// # Errors
    /// Fails if the repository cannot be read.
    pub fn commits_between(&self, from: &ObjectId, to: &ObjectId) -> Result<BTreeSet<ObjectId>, GitError> {
        new_commits(&self.library()?, to, &[from])?.into_iter().map(object_id).collect()
    }

    /// Returns the first lines of the newest first-parent commits that `tip` has beyond `head` and that
    /// change one of `paths`.
    ///
    /// # Errors
    /// Fails if the repository cannot be read.
    pub fn landed_on(
        &self,
        tip: &ObjectId,
        head: &ObjectId,
        paths: &[RepoPath],
        limit: usize,
    ) -> Result<Vec<String>, GitError> {
        let library = self.library()?;
        let mut walk = library.revwalk()?;
        walk.set_sorting(Sort::TOPOLOGICAL)?;
        walk.push(oid(tip)?)?;
        walk.hide(oid(head)?)?;
        walk.simplify_first_parent()?;
        let mut found = Vec::new();
        for id in walk {
            let commit = library.find_commit(id?)?;
            let parent = commit.parents().next().map(|parent| parent.tree_id());
            let changed = changed_paths(&library, parent, Some(commit.tree_id()))?;
            if paths.iter().any(|path| changed.contains(path)) {
                found.push(record_of(&commit)?.summary);
            }
            if found.len() >= limit {
                break;
            }
        }
        Ok(found)
    }
}

fn record_of(commit: &git2::Commit<'_>) -> Result<CommitRecord, GitError> {
    let message = String::from_utf8_lossy(commit.message_raw_bytes()).into_owned();
    let prefix = format!("{VERIFIED_TRAILER}: ");
    // Trailers are the last paragraph. An agent can write the same words anywhere else in a message.
    let trailer = message.trim_end().lines().rev().take_while(|line| !line.is_empty());
    let trailer = trailer.filter_map(|line| line.strip_prefix(&prefix)).next();
    Ok(CommitRecord {
        commit: object_id(commit.id())?,
        tree: object_id(commit.tree_id())?,
        parents: commit.parent_ids().map(object_id).collect::<Result<_, _>>()?,
        summary: message.lines().next().unwrap_or_default().chars().take(200).collect(),
        verified_trailer: trailer.map(|text| text.trim().to_owned()),
        time_s: commit.time().seconds(),
    })
}
