//! The refs and the stash of the user while sessions run: what the repository held before the first of them
//! is written down, and what changed is recorded, kept, and put back where a session took it.
//!
//! All worktrees of a repository share its refs and its stash, so an agent can delete a branch of the user or
//! pop the user's stash. Nothing is held for a moved ref: the user may have moved it in a way that leaves no
//! trace.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::clock::now_ms;
use super::world::{Site, World};
use paddock_engine::input::Input;
use paddock_git::{GitError, HEAD, Repository, SalvageOrder, StashEntry, UserRefs, changed_refs};
use paddock_model::ids::{ObjectId, ProjectSlug, SessionId};
use paddock_model::refs::{MovedRef, StashTaken};
use paddock_model::session::Salvage;
use paddock_os::files::{Flush, PRIVATE_FILE_MODE, make_private_dir, write_atomic};
use paddock_os::plain;

/// Least time between two records of moved refs. A process that moves refs all the time must not fill the
/// log; what it did until then is in the next record.
const RECORD_INTERVAL: Duration = Duration::from_secs(5);
/// Entries of the stash that are watched, the newest.
const STASHES_MAX: usize = 200;
/// Files of a stash that a finding names.
const FILES_MAX: usize = 20;

/// What is known of each project, behind a lock of its own: a slow repository must not hold up another.
pub(super) type Befores = Mutex<HashMap<ProjectSlug, Arc<Mutex<Watched>>>>;

/// What the supervisor knows of a project's refs.
#[derive(Default)]
pub(super) struct Watched {
    /// What the repository held before the sessions that run; `None` until it is read from its file.
    before: Option<Before>,
    stamp: Option<u64>,
    recorded: Option<Instant>,
}

/// What a repository held before sessions began, or when a change was last recorded. Kept in a file, since
/// sessions outlive a supervisor.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Before {
    /// When the first of the sessions began, in Unix seconds.
    since_s: i64,
    /// The sessions that began since.
    sessions: BTreeSet<u64>,
    /// Those that have ended as well.
    ran: BTreeSet<u64>,
    refs: UserRefs,
    /// The stash's entries, oldest first.
    stashes: Vec<StashEntry>,
}

/// What a session left, as far as its stash is concerned.
pub(super) struct Left<'a> {
    pub(super) session: SessionId,
    pub(super) objective: &'a str,
    pub(super) branch: &'a str,
    pub(super) head: &'a ObjectId,
    /// Commit that keeps its uncommitted work.
    pub(super) salvage: Option<&'a ObjectId>,
}

/// What a harvest found about the stash.
#[derive(Default)]
pub(super) struct Stashed {
    pub(super) taken: Vec<StashTaken>,
    /// Work that the session had stashed.
    pub(super) salvage: Option<Salvage>,
}

/// Writes down what the repository holds before a session runs. An error only means that this session is not
/// watched: it must not keep the session from running.
pub(super) fn begin(world: &World, site: &Site, repository: &Repository, session: SessionId) {
    let watched = watched(world, site);
    let mut watch = Watch::new(world, site, repository, &watched);
    let begun = watch.compare(true).and_then(|()| {
        if watch.before.sessions.is_empty() {
            watch.renew()?;
        }
        watch.before.sessions.insert(session.0);
        watch.before.ran.insert(session.0);
        watch.save();
        Ok(())
    });
    if let Err(error) = begun {
        tracing::warn!(project = %site.slug, %error, "the refs cannot be watched for this session");
    }
}

/// Compares the refs with what they were, if sessions run and something has changed.
pub(super) fn look(world: &World, repository: &Repository, site: &Site) {
    let watched = watched(world, site);
    let mut watch = Watch::new(world, site, repository, &watched);
    if let Err(error) = watch.compare(false) {
        tracing::warn!(project = %site.slug, %error, "the refs cannot be compared");
    }
}

/// Compares the refs after a session, salvages what it stashed, and puts back what it took from the stash.
///
/// # Errors
/// Fails if the repository cannot be read or written.
pub(super) fn harvest(
    world: &World,
    site: &Site,
    repository: &Repository,
    left: &Left<'_>,
) -> Result<Stashed, GitError> {
    let watched = watched(world, site);
    let mut watch = Watch::new(world, site, repository, &watched);
    // A ref of the user's that cannot be read must not keep the session's work from being judged.
    if let Err(error) = watch.compare(true) {
        tracing::warn!(project = %site.slug, %error, "the refs cannot be compared");
    }
    let stashed = watch.settle_stash(left)?;
    watch.before.sessions.remove(&left.session.0);
    watch.close_if_over()?;
    Ok(stashed)
}

/// Compares the refs after a session that has no branch, such as a planner's.
pub(super) fn end(world: &World, site: &Site, repository: &Repository, session: SessionId) {
    let watched = watched(world, site);
    let mut watch = Watch::new(world, site, repository, &watched);
    let ended = watch.compare(true).and_then(|()| {
        watch.before.sessions.remove(&session.0);
        watch.close_if_over()
    });
    if let Err(error) = ended {
        tracing::warn!(project = %site.slug, %error, "the refs cannot be compared");
    }
}

fn watched(world: &World, site: &Site) -> Arc<Mutex<Watched>> {
    let mut all = world.before.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(all.entry(site.slug.clone()).or_default())
}

/// One comparison, under the project's lock.
struct Watch<'a> {
    world: &'a World,
    site: &'a Site,
    repository: &'a Repository,
    file: PathBuf,
    before: Before,
    watched: std::sync::MutexGuard<'a, Watched>,
}

impl<'a> Watch<'a> {
    fn new(
        world: &'a World,
        site: &'a Site,
        repository: &'a Repository,
        watched: &'a Arc<Mutex<Watched>>,
    ) -> Self {
        let watched = watched.lock().unwrap_or_else(PoisonError::into_inner);
        let file = world.workspace.runtime().join("refs").join(format!("{}.json", site.slug));
        let read = || {
            let bytes = plain::read(&file).ok()?;
            serde_json::from_slice(&bytes).ok()
        };
        let before = watched.before.clone().or_else(read).unwrap_or_default();
        Self { world, site, repository, file, before, watched }
    }

    /// Remembers what the repository holds now, as it is before the next session.
    fn renew(&mut self) -> Result<(), GitError> {
        self.unpin();
        self.before = Before {
            since_s: now_ms() / 1_000,
            refs: self.repository.user_refs()?,
            stashes: self.stashes()?,
            ..Before::default()
        };
        for entry in &self.before.stashes {
            self.repository.pin_stash(entry)?;
        }
        self.pin(&self.before.refs);
        self.watched.stamp = None;
        Ok(())
    }

    /// Removes the refs that kept what was there before. They stay while another process has locked the packed
    /// refs, and are removed the next time.
    fn unpin(&self) {
        if let Err(error) = self.repository.unpin_all() {
            tracing::warn!(project = %self.site.slug, %error, "refs that keep what was before stay for now");
        }
    }

    /// Keeps what refs hold. One that leads nowhere must not keep the others from being watched.
    fn pin(&self, refs: &UserRefs) {
        if let Err(error) = self.repository.pin_refs(refs) {
            tracing::warn!(project = %self.site.slug, %error, "what the refs hold cannot be kept for now");
        }
    }

    /// Returns the newest entries of the stash, oldest first.
    fn stashes(&self) -> Result<Vec<StashEntry>, GitError> {
        let all = self.repository.stashes()?;
        let from = all.len().saturating_sub(STASHES_MAX);
        Ok(all[from..].to_vec())
    }

    /// Keeps what is known, in memory and in the file. A file that cannot be written matters only to a
    /// supervisor that comes after this one.
    fn save(&mut self) {
        let folder = self.file.parent().map_or(Ok(()), make_private_dir);
        let written = folder.and_then(|()| {
            let bytes = serde_json::to_vec(&self.before)?;
            write_atomic(&self.file, &bytes, PRIVATE_FILE_MODE, Flush::Later)
        });
        if let Err(error) = written {
            tracing::warn!(file = %self.file.display(), %error, "what the refs were cannot be written down");
        }
        self.watched.before = Some(self.before.clone());
    }

    /// Records what changed since, if sessions run. Without `is_full`, only if something can have changed and
    /// the last record is not too recent.
    fn compare(&mut self, is_full: bool) -> Result<(), GitError> {
        let before = self.before.sessions.len();
        // A session that began after the site was read is not among the open ones.
        let (open, last) = (&self.site.open, self.site.last_session);
        self.before.sessions.retain(|id| *id > last || open.contains(&SessionId(*id)));
        if self.before.sessions.is_empty() {
            return if before > 0 { self.close_if_over() } else { Ok(()) };
        }
        let is_recent = self.watched.recorded.is_some_and(|at| at.elapsed() < RECORD_INTERVAL);
        let stamp = self.repository.refs_stamp()?;
        if !is_full && (is_recent || self.watched.stamp == Some(stamp)) {
            return Ok(());
        }
        let now = self.repository.user_refs()?;
        self.watched.stamp = Some(stamp);
        self.note_stashes()?;
        let target = format!("refs/heads/{}", self.site.target_branch);
        // Paddock moves the target branch, and looks at it on its own.
        let mut moved = changed_refs(&self.before.refs, &now, |name| name == target);
        if !moved.is_empty() {
            let own = self.repository.own_moves(self.before.since_s);
            let published = [&self.site.published, &self.site.tip].map(|commit| commit.as_str().to_owned());
            moved.retain(|one| !is_explained(one, &own, &now, &published));
        }
        if self.before.refs != now {
            let known = &self.before.refs;
            let changed = now.iter().filter(|(name, value)| known.get(*name) != Some(*value));
            self.pin(&changed.map(|(name, value)| (name.clone(), value.clone())).collect());
            self.before.refs = now;
            self.record(moved)?;
            self.save();
        }
        Ok(())
    }

    /// Watches what the user stashes while sessions run.
    fn note_stashes(&mut self) -> Result<(), GitError> {
        // What a session stashes is judged at its end. A detached HEAD is a session's more often than not.
        let is_sessions = |entry: &StashEntry| {
            ["On paddock/", "WIP on paddock/", "On (no branch)", "WIP on (no branch)"]
                .iter()
                .any(|begin| entry.message().starts_with(begin))
        };
        let mut new = self.stashes()?;
        new.retain(|entry| !has(&self.before.stashes, entry) && !is_sessions(entry));
        if new.is_empty() {
            return Ok(());
        }
        for entry in &new {
            self.repository.pin_stash(entry)?;
        }
        self.before.stashes.extend(new);
        self.save();
        Ok(())
    }

    /// Keeps the earlier values and reports the change.
    fn record(&mut self, mut moved: Vec<MovedRef>) -> Result<(), GitError> {
        if moved.is_empty() {
            return Ok(());
        }
        // A fetch moves thousands of refs of remotes, and can bring them again: only those that are named are
        // kept.
        let is_remote = |one: &MovedRef| one.name.starts_with("refs/remotes/");
        moved.sort_by_key(|one| (one.before.is_none(), is_remote(one)));
        for (place, one) in moved.iter_mut().enumerate() {
            if place >= MovedRef::NAMED_MAX && is_remote(one) {
                continue;
            }
            if let Some(value) = &one.before
                && one.kept.is_none()
            {
                one.kept = self.repository.keep_user_ref(&one.name, value)?;
            }
        }
        let total = u64::try_from(moved.len()).unwrap_or(u64::MAX);
        moved.truncate(MovedRef::NAMED_MAX);
        let Before { sessions, ran, .. } = &self.before;
        let sessions = if sessions.is_empty() { ran } else { sessions };
        let sessions = sessions.iter().copied().map(SessionId).collect();
        let project = self.site.slug.clone();
        self.world.report(Input::RefsMoved { project, sessions, refs: moved, total });
        self.watched.recorded = Some(Instant::now());
        Ok(())
    }

    /// Salvages and removes the entries that the session made, and puts back those that it took.
    fn settle_stash(&mut self, left: &Left<'_>) -> Result<Stashed, GitError> {
        let now = self.repository.stashes()?;
        let mut stashed = Stashed::default();
        let is_watched = !self.before.sessions.is_empty();
        // Without a watch, an entry of before is one that is there now.
        let before = if is_watched { self.before.stashes.clone() } else { now.clone() };
        let mut own = Vec::new();
        for entry in now.iter().filter(|entry| !has(&before, entry) || !is_watched) {
            if self.repository.is_stash_of(entry, left.branch, left.head, &self.site.tip)? {
                let salvage = self.repository.salvage_stash(entry, &self.salvage_order(left))?;
                stashed.salvage.get_or_insert_with(|| condensed(salvage));
                own.push(entry.clone());
            }
        }
        let mut back = Vec::new();
        for (place, entry) in before.iter().rev().enumerate() {
            if has(&own, entry) {
                continue;
            }
            let is_gone = !has(&now, entry);
            let trees = (left.head, &self.site.tip);
            let in_branch = self.repository.stash_in(entry, trees, None)?;
            let found = self.repository.stash_in(entry, trees, left.salvage)?;
            // A file or two can be the same by chance. An entry that is still there was used only if the
            // branch has all of it.
            let is_used = !is_gone && in_branch.files > 0 && in_branch.same.len() == in_branch.files;
            let is_taken = is_gone && !found.alike.is_empty();
            if is_taken {
                back.push(entry.clone());
            }
            if is_used || (is_taken && !in_branch.alike.is_empty()) {
                let name = format!("stash@{{{place}}} '{}'", entry.message());
                let paths = in_branch.alike.into_iter().take(FILES_MAX).collect();
                stashed.taken.push(StashTaken { entry: name, put_back: is_taken, paths });
            }
        }
        if !own.is_empty() || !back.is_empty() {
            self.rewrite(&before, &now, &own, &back)?;
        }
        Ok(stashed)
    }

    /// Writes the list of the stash without what the session made, and with what it took in its old place.
    fn rewrite(
        &mut self,
        before: &[StashEntry],
        now: &[StashEntry],
        own: &[StashEntry],
        back: &[StashEntry],
    ) -> Result<(), GitError> {
        let stays = |entry: &&StashEntry| !has(own, entry) && (has(now, entry) || has(back, entry));
        let new = now.iter().filter(|entry| !has(before, entry) && !has(own, entry));
        let wanted: Vec<StashEntry> = before.iter().filter(stays).chain(new).cloned().collect();
        if !self.repository.set_stashes(now, &wanted)? {
            return Err(GitError::Locked("refs/stash, which changed meanwhile".to_owned()));
        }
        Ok(())
    }

    fn salvage_order(&self, left: &Left<'_>) -> SalvageOrder {
        SalvageOrder {
            objective: left.objective.to_owned(),
            session: left.session.0,
            exclude: Vec::new(),
            identity: self.world.identity(self.repository),
            time_s: now_ms() / 1_000,
        }
    }

    /// Once no session runs that could have taken it, keeps and records what is gone from the stash, and
    /// forgets what the repository held.
    fn close_if_over(&mut self) -> Result<(), GitError> {
        if self.before.sessions.is_empty() {
            let now = self.repository.stashes()?;
            let mut gone = Vec::new();
            for (place, entry) in self.before.stashes.iter().rev().enumerate() {
                // The user popped it at home: that is no loss.
                if has(&now, entry) || self.repository.is_stash_in_checkout(entry)? {
                    continue;
                }
                gone.push(MovedRef {
                    name: format!("stash@{{{place}}} '{}'", entry.message()),
                    before: Some(entry.commit.as_str().to_owned()),
                    after: None,
                    kept: Some(self.repository.keep_stash(entry)?),
                });
            }
            self.record(gone)?;
            self.unpin();
            self.before = Before::default();
        }
        self.save();
        Ok(())
    }
}

/// Returns whether a list has an entry. Its line can change: git writes the lines anew, or loses them.
fn has(list: &[StashEntry], entry: &StashEntry) -> bool {
    list.iter().any(|one| one.commit == entry.commit)
}

/// Returns whether a person moved the ref: the user's own checkout moved to the same commit, or Paddock
/// published and pushed it.
fn is_explained(one: &MovedRef, own: &BTreeSet<String>, now: &UserRefs, published: &[String]) -> bool {
    let Some(after) = &one.after else { return false };
    if one.name.starts_with("refs/remotes/") && published.contains(after) {
        return true;
    }
    // `HEAD` names a branch, which holds the commit.
    let commit = match after.strip_prefix("ref: ").filter(|_| one.name == HEAD) {
        Some(branch) => now.get(branch),
        None => Some(after),
    };
    let is_checkouts = one.name == HEAD || one.name.starts_with("refs/heads/");
    is_checkouts && commit.is_some_and(|commit| own.contains(commit))
}

fn condensed(salvage: paddock_git::Salvage) -> Salvage {
    Salvage {
        reference: salvage.reference,
        commit: salvage.commit,
        paths: u32::try_from(salvage.paths.len()).unwrap_or(u32::MAX),
        left: Vec::new(),
    }
}
