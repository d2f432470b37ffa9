//! Commits on the user's branch that come from a work branch and never passed the queue. Git does not say who moved
//! a branch; it says where a commit was first.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use git2::{Oid, Sort};

use super::error::GitError;
use super::repository::{Repository, object_id, oid};
use super::target::admin_folders;
use super::worktree::MARKER_FILE;
use paddock_model::ids::ObjectId;

/// Commits that are looked at on either side; so many at once are for a person to read.
const COMMITS_MAX: usize = 2_000;
/// So much of the end of a log is read, in bytes.
const LOG_BYTES_MAX: u64 = 256 * 1024;
/// Where the work branches are, below the folder of branches.
const WORK: &str = "refs/heads/paddock";

/// A commit on the user's branch that was an objective's first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bypassing {
    /// The objective's id, as its branch or worktree names it.
    pub objective: String,
    /// The commit.
    pub commit: ObjectId,
    /// The first line of its message.
    pub summary: String,
}

/// A log of git: where something has been, oldest first, each with its time in seconds since 1970.
type Log = Vec<(Oid, i64)>;

/// When something had a commit first, in seconds since 1970; by commit.
type Seen = BTreeMap<Oid, i64>;

impl Repository {
    /// The commits that the target branch has beyond the integration commit and that an objective's branch or
    /// worktree had before it, oldest first, as far as their logs tell. One that the objective only took over from the
    /// user's branch is not among them.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub fn bypassing(
        &self,
        target_branch: &str,
        tip: &ObjectId,
        target: &ObjectId,
    ) -> Result<Vec<Bypassing>, GitError> {
        let library = self.library()?;
        let tip = oid(tip)?;
        let new = beyond(&library, oid(target)?, tip)?;
        if new.is_empty() {
            return Ok(Vec::new());
        }
        let of_target = read_log(&self.common_dir().join("logs/refs/heads").join(target_branch));
        let at_target = seen(&library, tip, &of_target)?;
        let wanted: BTreeSet<Oid> = new.iter().copied().collect();
        let mut found: BTreeMap<Oid, String> = BTreeMap::new();
        for (objective, log) in self.work_logs()? {
            for (commit, at) in seen(&library, tip, &log)? {
                // Where the user's branch keeps no log, nothing says that it was the first.
                let is_first = at_target.get(&commit).is_none_or(|there| at <= *there);
                if wanted.contains(&commit) && is_first {
                    found.entry(commit).or_insert_with(|| objective.clone());
                }
            }
        }
        let ordered = new.iter().rev().filter_map(|id| Some((id, found.remove(id)?)));
        ordered.map(|(id, objective)| described(&library, *id, objective)).collect()
    }

    /// Where each objective's branch and worktree have been: the branches as they are, and what their logs say.
    fn work_logs(&self) -> Result<Vec<(String, Log)>, GitError> {
        let common = self.common_dir();
        let mut found = Vec::new();
        for admin in admin_folders(self)? {
            let marker = fs::read_to_string(admin.join(MARKER_FILE)).unwrap_or_default();
            // Those of gates and planners are at whatever they look at.
            if let Some((_, objective)) = marker.split_once('/') {
                found.push((objective.to_owned(), read_log(&admin.join("logs/HEAD"))));
            }
        }
        let library = self.library()?;
        for reference in library.references_glob(&format!("{WORK}/*/work"))? {
            let reference = reference?;
            let Some(name) = reference.name().ok().map(str::to_owned) else { continue };
            let objective = name.strip_prefix(WORK).and_then(|rest| rest.trim_matches('/').split_once('/'));
            let Some((objective, _)) = objective else { continue };
            let mut log = read_log(&common.join("logs").join(&name));
            if log.is_empty() {
                // Without a log it counts as older than anything.
                log.extend(reference.target().map(|head| (head, i64::MIN)));
            }
            found.push((objective.to_owned(), log));
        }
        Ok(found)
    }
}

/// The commits beyond the tip, newest first.
fn beyond(library: &git2::Repository, head: Oid, tip: Oid) -> Result<Vec<Oid>, GitError> {
    let mut walk = library.revwalk()?;
    walk.set_sorting(Sort::TOPOLOGICAL)?;
    walk.push(head)?;
    walk.hide(tip)?;
    Ok(walk.take(COMMITS_MAX).collect::<Result<_, _>>()?)
}

/// When each commit beyond the tip was first held by what this is the log of. Every commit is visited once, however
/// long the log is.
fn seen(library: &git2::Repository, tip: Oid, log: &[(Oid, i64)]) -> Result<Seen, GitError> {
    // What was there once may be gone for good.
    let is_there = |id: &Oid| library.find_commit(*id).is_ok();
    let ids: BTreeSet<Oid> = log.iter().map(|(id, _)| *id).filter(is_there).collect();
    let mut walk = library.revwalk()?;
    ids.iter().try_for_each(|id| walk.push(*id))?;
    walk.hide(tip)?;
    let within: BTreeSet<Oid> = walk.take(COMMITS_MAX).collect::<Result<_, _>>()?;
    let mut known = Seen::new();
    for (id, at) in log {
        let mut due = vec![*id];
        while let Some(id) = due.pop() {
            if !within.contains(&id) || known.contains_key(&id) {
                continue;
            }
            known.insert(id, *at);
            due.extend(library.find_commit(id)?.parent_ids());
        }
    }
    Ok(known)
}

/// The commits of a log of git, oldest first, each with its time. Whoever writes it is not to be trusted: what is no
/// such line says nothing.
fn read_log(path: &Path) -> Log {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LOG_BYTES_MAX)))?;
        let mut bytes = Vec::new();
        file.take(LOG_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let is_file = fs::symlink_metadata(path).is_ok_and(|facts| facts.is_file());
    let text = if is_file { read().unwrap_or_default() } else { String::new() };
    text.lines().filter_map(of_line).collect()
}

/// `OLD NEW NAME <MAIL> SECONDS ZONE\tMESSAGE`.
fn of_line(line: &str) -> Option<(Oid, i64)> {
    let head = line.split('\t').next()?;
    let id = Oid::from_str(head.split(' ').nth(1)?).ok().filter(|id| !id.is_zero())?;
    let seconds = head.rsplit(' ').nth(1)?.parse().ok()?;
    Some((id, seconds))
}

fn described(library: &git2::Repository, id: Oid, objective: String) -> Result<Bypassing, GitError> {
    let commit = library.find_commit(id)?;
    let summary = commit.summary_bytes().map(String::from_utf8_lossy).unwrap_or_default();
    let summary = summary.chars().take(200).collect();
    Ok(Bypassing { objective, commit: object_id(id)?, summary })
}
