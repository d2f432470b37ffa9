//! Finding commits on the user's branch that come from a work branch and never passed the queue. Git does not
//! record who moved a branch, but its logs show where a commit was first.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use git2::{Oid, Sort};

use super::error::GitError;
use super::repository::{Repository, object_id, oid};
use super::target::admin_folders;
use super::worktree::MARKER_FILE;
use paddock_model::ids::ObjectId;
use paddock_os::plain;

/// Maximum number of commits read on each side; a person has to look at more.
const COMMITS_MAX: usize = 2_000;
/// Number of bytes read at the end of a log.
const LOG_BYTES_MAX: u64 = 256 * 1024;
/// Folder of refs that holds the work branches.
const WORK: &str = "refs/heads/paddock";

/// A commit on the user's branch that an objective had first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bypassing {
    /// Id of the objective, as its branch or worktree names it.
    pub objective: String,
    /// The commit.
    pub commit: ObjectId,
    /// First line of the commit's message, at most 200 characters.
    pub summary: String,
}

/// A reflog: the commits that a ref held, oldest first, each with its time in seconds since 1970.
type Log = Vec<(Oid, i64)>;

/// Time at which a ref first held each commit, in seconds since 1970.
type Seen = BTreeMap<Oid, i64>;

impl Repository {
    /// Returns the commits that the target branch has beyond the integration commit and that, according to
    /// git's logs, an objective's branch or worktree had first; oldest first. Leaves out commits that the
    /// objective took over from the user's branch.
    ///
    /// # Errors
    /// Fails if the repository cannot be read.
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
        let target_log = read_log(&self.common_dir().join("logs/refs/heads").join(target_branch));
        let at_target = seen(&library, tip, &target_log)?;
        let wanted: BTreeSet<Oid> = new.iter().copied().collect();
        let mut found: BTreeMap<Oid, String> = BTreeMap::new();
        for (objective, log) in self.work_logs()? {
            for (commit, at) in seen(&library, tip, &log)? {
                // If the user's branch has no log (a bare repository keeps none by default), nothing shows
                // that it had the commit first.
                let is_first = at_target.get(&commit).is_none_or(|there| at <= *there);
                if wanted.contains(&commit) && is_first {
                    // Several objectives may have had a commit, by merging each other; one name is enough for
                    // the notice.
                    found.entry(commit).or_insert_with(|| objective.clone());
                }
            }
        }
        let ordered = new.iter().rev().filter_map(|id| Some((id, found.remove(id)?)));
        ordered.map(|(id, objective)| describe(&library, *id, objective)).collect()
    }

    /// Returns the commits that each objective's branch and worktree have held, as their logs say.
    fn work_logs(&self) -> Result<Vec<(String, Log)>, GitError> {
        let common = self.common_dir();
        let mut found = Vec::new();
        for admin in admin_folders(self)? {
            let marker = plain::read_to_string(admin.join(MARKER_FILE)).unwrap_or_default();
            // Worktrees of gates and planners have no objective in their marker, and check out other commits.
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
                // A branch without a log counts as older than anything, so that its head is still found.
                log.extend(reference.target().map(|head| (head, i64::MIN)));
            }
            found.push((objective.to_owned(), log));
        }
        Ok(found)
    }
}

/// Returns the commits that `head` has beyond `tip`, newest first.
fn beyond(library: &git2::Repository, head: Oid, tip: Oid) -> Result<Vec<Oid>, GitError> {
    let mut walk = library.revwalk()?;
    walk.set_sorting(Sort::TOPOLOGICAL)?;
    walk.push(head)?;
    walk.hide(tip)?;
    Ok(walk.take(COMMITS_MAX).collect::<Result<_, _>>()?)
}

/// Returns when the ref of a log first held each commit beyond the tip. Visits every commit once, however
/// long the log is: a long reflog of a busy branch must not make each look slower.
fn seen(library: &git2::Repository, tip: Oid, log: &[(Oid, i64)]) -> Result<Seen, GitError> {
    // A commit in an old entry may have been garbage-collected.
    let is_there = |id: &Oid| library.find_commit(*id).is_ok();
    let ids: BTreeSet<Oid> = log.iter().map(|(id, _)| *id).filter(is_there).collect();
    let mut walk = library.revwalk()?;
    ids.iter().try_for_each(|id| walk.push(*id))?;
    walk.hide(tip)?;
    let within: BTreeSet<Oid> = walk.take(COMMITS_MAX).collect::<Result<_, _>>()?;
    let mut known = Seen::new();
    for (id, at) in log {
        // The log is in the order of time, so the first entry that reaches a commit has its time.
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

/// Reads the end of a reflog. Agents can write to it, so lines of another form are skipped, and a link or
/// pipe in its place counts as empty.
fn read_log(path: &Path) -> Log {
    let read = || -> std::io::Result<String> {
        let mut file = plain::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LOG_BYTES_MAX)))?;
        let mut bytes = Vec::new();
        file.take(LOG_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let is_file = fs::symlink_metadata(path).is_ok_and(|facts| facts.is_file());
    // An unreadable log counts as empty: without it the notice is missing, and nothing else depends on it.
    let text = if is_file { read().unwrap_or_default() } else { String::new() };
    text.lines().filter_map(parse_line).collect()
}

/// Parses a line: `OLD NEW NAME <MAIL> SECONDS ZONE\tMESSAGE`.
fn parse_line(line: &str) -> Option<(Oid, i64)> {
    let head = line.split('\t').next()?;
    let id = Oid::from_str(head.split(' ').nth(1)?).ok().filter(|id| !id.is_zero())?;
    let seconds = head.rsplit(' ').nth(1)?.parse().ok()?;
    Some((id, seconds))
}

fn describe(library: &git2::Repository, id: Oid, objective: String) -> Result<Bypassing, GitError> {
    let commit = library.find_commit(id)?;
    let summary = commit.summary_bytes().map(String::from_utf8_lossy).unwrap_or_default();
    let summary = summary.chars().take(200).collect();
    Ok(Bypassing { objective, commit: object_id(id)?, summary })
}
