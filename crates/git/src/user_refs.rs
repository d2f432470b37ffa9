//! The refs that belong to the user: read as a whole, compared, and kept when they move or go.
//!
//! They are read from their files and not through libgit2: what an agent can write may be a pipe or a folder,
//! and thousands of refs must cost no more than their files.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::error::GitError;
use super::program::{Call, program_error};
use super::refs::{commit_of, keep_ref};
use super::repository::{Repository, check_there};
use super::target::admin_folders;
use super::worktree::MARKER_FILE;
use paddock_model::ids::ObjectId;
use paddock_model::refs::MovedRef;
use paddock_os::plain;

/// Name under which the HEAD of the user's own checkout is in the table.
pub const HEAD: &str = "HEAD";
/// Prefix of the refs that keep the earlier values of the user's refs. The name of the ref without `refs/`
/// and the short id follow.
const KEPT: &str = "refs/paddock/kept/refs/";
/// Refs that keep what the user's refs hold while sessions run. They are Paddock's alone and go with the
/// sessions.
pub(crate) const PINNED: &str = "refs/paddock/pinned/";
/// Refs that are kept so. A repository with more is rare, and every ref costs a file.
const PINNED_MAX: usize = 2_000;
/// Largest file of a loose ref that is read, in bytes. A name can be long, an id has 64 characters.
const LOOSE_BYTES_MAX: u64 = 4 * 1024;
/// Largest file of packed refs that is read, in bytes: about a million refs.
const PACKED_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// Part of a reflog that is read, in bytes: its newest thousands of lines.
const REFLOG_BYTES_MAX: u64 = 1024 * 1024;
/// Part of a kept symbolic ref's name; what the ref named, without `refs/`, follows.
const SYMBOLIC: &str = "@to";
/// Refs below these names are Paddock's own, a worktree's own, or watched elsewhere.
const NOT_USERS: [&str; 8] = [
    "refs/heads/paddock/",
    "refs/paddock/",
    "refs/notes/paddock",
    "refs/stash",
    "refs/bisect/",
    "refs/worktree/",
    "refs/rewritten/",
    "refs/prefetch/",
];

/// The user's refs: what each name holds, an id or `ref: NAME`.
pub type UserRefs = BTreeMap<String, String>;

/// A value of one of the user's refs that Paddock keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRef {
    /// Ref that keeps the value.
    pub reference: String,
    /// Name of the user's ref.
    pub name: String,
    /// The value: the id of an object, or `ref: NAME`.
    pub value: String,
}

fn is_users(name: &str) -> bool {
    !NOT_USERS.iter().any(|prefix| name.starts_with(prefix))
}

impl Repository {
    /// Returns all refs of the user, and the HEAD of the user's checkout.
    ///
    /// # Errors
    /// Fails if a folder of refs or the packed refs cannot be read.
    pub fn user_refs(&self) -> Result<UserRefs, GitError> {
        let mut found = UserRefs::new();
        // Loose refs first: git packs a ref before it removes its file, so in the other order a ref could be
        // missed.
        for (folder, _) in self.ref_folders()? {
            for entry in entries(&folder)? {
                let Some(name) = self.ref_name(&entry) else { continue };
                if is_users(&name)
                    && let Some(value) = read_plain(&entry, LOOSE_BYTES_MAX).as_deref().and_then(value_of)
                {
                    found.insert(name, value);
                }
            }
        }
        let packed = read_plain(&self.common_dir().join("packed-refs"), PACKED_BYTES_MAX).unwrap_or_default();
        for line in packed.lines().filter(|line| !line.starts_with(['#', '^'])) {
            if let Some((value, name)) = line.split_once(' ').filter(|(_, name)| is_users(name)) {
                found.entry(name.to_owned()).or_insert_with(|| value.to_owned());
            }
        }
        if self.main_worktree().is_some()
            && let Some(head) = read_plain(&self.common_dir().join(HEAD), LOOSE_BYTES_MAX)
        {
            found.extend(value_of(&head).map(|value| (HEAD.to_owned(), value)));
        }
        check_there(self.common_dir())?;
        Ok(found)
    }

    /// Returns a number that changes when git changes a ref. Git puts each ref in place by a rename, which
    /// changes its folder; so no file of a ref has to be read.
    ///
    /// # Errors
    /// Fails if a folder of refs cannot be read.
    pub fn refs_stamp(&self) -> Result<u64, GitError> {
        let mut hasher = DefaultHasher::new();
        self.ref_folders()?.hash(&mut hasher);
        for file in ["packed-refs", HEAD, "refs/stash", "logs/refs/stash"] {
            stamp(&self.common_dir().join(file)).hash(&mut hasher);
        }
        Ok(hasher.finish())
    }

    /// Returns the folders that can hold refs of the user, and when each changed.
    fn ref_folders(&self) -> Result<Vec<(PathBuf, Stamp)>, GitError> {
        let mut folders = vec![self.common_dir().join("refs")];
        let mut found = Vec::new();
        while let Some(folder) = folders.pop() {
            let stamp = stamp(&folder);
            for entry in entries(&folder)? {
                // Links are not followed, in folders as in files.
                let is_folder = fs::symlink_metadata(&entry).is_ok_and(|facts| facts.is_dir());
                let name = self.ref_name(&entry).map(|name| format!("{name}/"));
                if is_folder && name.is_some_and(|name| is_users(&name)) {
                    folders.push(entry);
                }
            }
            found.push((folder, stamp));
        }
        found.sort();
        Ok(found)
    }

    fn ref_name(&self, path: &Path) -> Option<String> {
        let name = path.strip_prefix(self.common_dir()).ok()?.to_str()?;
        (!name.ends_with(".lock")).then(|| name.to_owned())
    }

    /// Returns the commits to which the user's own checkouts moved since a time in Unix seconds, as their
    /// reflogs have them. A move of a branch to one of them was made there.
    #[must_use]
    pub fn own_moves(&self, since_s: i64) -> std::collections::BTreeSet<String> {
        let own = self.main_worktree().map(|_| self.common_dir().to_owned());
        let linked = admin_folders(self).unwrap_or_default().into_iter();
        // Paddock marks its own worktrees; all others are the user's.
        let linked = linked.filter(|folder| fs::symlink_metadata(folder.join(MARKER_FILE)).is_err());
        let logs = own.into_iter().chain(linked).filter_map(|folder| tail(&folder.join("logs/HEAD")));
        let mut found = std::collections::BTreeSet::new();
        for log in logs {
            for line in log.lines() {
                let Some((facts, _)) = line.split_once('\t') else { continue };
                let time: Option<i64> = facts.rsplit(' ').nth(1).and_then(|text| text.parse().ok());
                if time.is_some_and(|time| time >= since_s) {
                    found.extend(facts.split(' ').nth(1).map(str::to_owned));
                }
            }
        }
        found
    }

    /// Keeps a value of a user's ref, so that `git gc` does not remove it. Returns the ref that keeps it;
    /// `None` if the object is gone.
    ///
    /// # Errors
    /// Fails if the ref cannot be written.
    pub fn keep_user_ref(&self, name: &str, value: &str) -> Result<Option<String>, GitError> {
        let library = self.library()?;
        let folder = format!("{KEPT}{}", name.strip_prefix("refs/").unwrap_or(name));
        if let Some(target) = value.strip_prefix("ref: ") {
            // A plain ref whose name says where the symbolic one led. A symbolic one would dangle once its
            // branch is gone, and git would warn of it.
            let target_name = target.strip_prefix("refs/").unwrap_or(target);
            let kept = format!("{folder}/{SYMBOLIC}/{target_name}");
            let Some(commit) = commit_of(&library, target)? else { return Ok(None) };
            keep_ref(&library, &kept, &commit)?;
            return Ok(Some(kept));
        }
        let Ok(id) = ObjectId::new(value) else { return Ok(None) };
        if git2::Oid::from_str(value).is_ok_and(|id| library.find_object(id, None).is_err()) {
            return Ok(None);
        }
        let kept = format!("{folder}/{}", id.short());
        match keep_ref(&library, &kept, &id) {
            Ok(()) => Ok(Some(kept)),
            // Another kept ref has the name of a folder of this one.
            Err(_) => {
                let kept = format!("{KEPT}{}/{}", name.replace('/', "-"), id.short());
                keep_ref(&library, &kept, &id)?;
                Ok(Some(kept))
            }
        }
    }

    /// Keeps what these refs hold while sessions run, so that neither a deletion nor `git gc` right after it
    /// loses anything. Symbolic refs are left out, and refs of remotes, which can be fetched again.
    ///
    /// # Errors
    /// Fails if git cannot write the refs, for example because one of them leads to a missing object.
    pub fn pin_refs(&self, refs: &UserRefs) -> Result<(), GitError> {
        let is_own = |name: &str| name.starts_with("refs/") && !name.starts_with("refs/remotes/");
        let own = refs.iter().filter(|(name, value)| is_own(name) && !value.starts_with("ref: "));
        let lines: String = own
            .take(PINNED_MAX)
            .map(|(name, value)| format!("update {PINNED}{} {value}\n", &name["refs/".len()..]))
            .collect();
        self.update_refs(lines)
    }

    /// Removes the refs of [`Self::pin_refs`] and [`Self::pin_stash`].
    ///
    /// # Errors
    /// Fails if git cannot delete the refs.
    pub fn unpin_all(&self) -> Result<(), GitError> {
        let library = self.library()?;
        let mut lines = String::new();
        for reference in library.references_glob(&format!("{PINNED}*"))? {
            if let Ok(name) = reference?.name() {
                lines.push_str(&format!("delete {name}\n"));
            }
        }
        self.update_refs(lines)
    }

    /// Updates many refs with one call of git.
    fn update_refs(&self, lines: String) -> Result<(), GitError> {
        if lines.is_empty() {
            return Ok(());
        }
        let output = Call::new(self)
            .args(["update-ref", "--no-deref", "--stdin"])
            .output_with_input(lines.into_bytes())?;
        match output.status.success() {
            true => Ok(()),
            false => Err(program_error("update-ref --stdin".to_owned(), &output)),
        }
    }

    /// Returns the kept values of the user's refs that these refs do not hold now.
    ///
    /// # Errors
    /// Fails if the refs cannot be read.
    pub fn kept_refs(&self) -> Result<Vec<KeptRef>, GitError> {
        let (library, now) = (self.library()?, self.user_refs()?);
        let mut found = Vec::new();
        for reference in library.references_glob(&format!("{KEPT}*"))? {
            let reference = reference?;
            let (Ok(full), Some(id)) = (reference.name(), reference.target()) else { continue };
            let Some(rest) = full.strip_prefix(KEPT) else { continue };
            let (name, value) = match rest.split_once(&format!("/{SYMBOLIC}/")) {
                Some((name, target)) => (name, format!("ref: refs/{target}")),
                None => match rest.rsplit_once('/') {
                    Some((name, _)) => (name, id.to_string()),
                    None => continue,
                },
            };
            let name = if name == HEAD { name.to_owned() } else { format!("refs/{name}") };
            if now.get(&name) != Some(&value) {
                found.push(KeptRef { reference: full.to_owned(), name, value });
            }
        }
        Ok(found)
    }
}

/// Returns how the user's refs differ, what moved and went before what came. Names in `but_not` are left out.
#[must_use]
pub fn changed_refs(before: &UserRefs, after: &UserRefs, but_not: impl Fn(&str) -> bool) -> Vec<MovedRef> {
    let mut found = Vec::new();
    let moved = |name: &String, before: Option<&String>, after: Option<&String>| MovedRef {
        name: name.clone(),
        before: before.cloned(),
        after: after.cloned(),
        kept: None,
    };
    for (name, value) in before.iter().filter(|(name, _)| !but_not(name)) {
        let now = after.get(name);
        if now != Some(value) {
            found.push(moved(name, Some(value), now));
        }
    }
    let made = after.iter().filter(|(name, _)| !before.contains_key(*name) && !but_not(name));
    found.extend(made.map(|(name, value)| moved(name, None, Some(value))));
    found
}

type Stamp = (u64, i64, i64, u64);

/// Returns what changes when the file or folder does; zeros if it does not exist.
fn stamp(path: &Path) -> Stamp {
    fs::symlink_metadata(path)
        .map_or((0, 0, 0, 0), |facts| (facts.ino(), facts.ctime(), facts.ctime_nsec(), facts.size()))
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, GitError> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(entries.flatten().map(|entry| entry.path()).collect()),
        // Git removes folders that have become empty.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(GitError::Io { path: folder.to_owned(), source }),
    }
}

/// Reads a plain file of at most `max` bytes. `None` for anything else: nothing is waited for.
pub(crate) fn read_plain(path: &Path, max: u64) -> Option<String> {
    let file = plain::open_itself(path).ok()?;
    let facts = file.metadata().ok().filter(|facts| facts.len() <= max)?;
    let mut bytes = Vec::with_capacity(usize::try_from(facts.len()).unwrap_or(0));
    file.take(max).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads the end of a plain file.
fn tail(path: &Path) -> Option<String> {
    use std::os::unix::fs::FileExt;
    let file = plain::open_itself(path).ok()?;
    let length = file.metadata().ok()?.len();
    let from = length.saturating_sub(REFLOG_BYTES_MAX);
    let mut bytes = vec![0; usize::try_from(length - from).ok()?];
    let read = file.read_at(&mut bytes, from).ok()?;
    bytes.truncate(read);
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Returns the value of a loose ref's text: an id, or `ref: NAME`. `None` for anything else.
fn value_of(text: &str) -> Option<String> {
    let text = text.trim_end();
    let is_id =
        |text: &str| matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_id(text) || text.starts_with("ref: ")).then(|| text.to_owned())
}
