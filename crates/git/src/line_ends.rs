//! Files that git takes for changed right after it checked them out.
//!
//! A blob with CRLF line ends whose attributes ask for conversion (`eol=crlf`, `text=auto`) differs from what
//! git would make of its own checkout. Nobody can make such a worktree clean without a commit of that file, so
//! it is compared with what a checkout writes.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::error::GitError;
use super::objects::blob_within;
use super::program::{CHECKOUT_TIME_MAX, Call};
use super::repository::Repository;
use super::status::Inside;
use super::worktree::Worktree;
use paddock_model::path::RepoPath;
use paddock_os::plain;

/// Size in bytes above which a file counts as changed without a closer look.
const FILE_BYTES_MAX: usize = 16 << 20;

/// Returns those of the paths whose files are exactly what a checkout of the index writes. git is asked only
/// about files that differ from their blobs in nothing but line ends.
pub(crate) fn as_checked_out(
    repository: &Repository,
    worktree: &Worktree,
    inside: &Inside,
    paths: &BTreeSet<RepoPath>,
) -> BTreeSet<RepoPath> {
    let candidates: Vec<&RepoPath> =
        paths.iter().filter(|path| differs_in_line_ends(worktree, inside, path)).collect();
    if candidates.is_empty() {
        return BTreeSet::new();
    }
    let folder = Folder(worktree.git_dir.join(format!("paddock-checkout-{}", std::process::id())));
    match checked_out(repository, worktree, &folder, &candidates) {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(%error, "the files of a checkout could not be compared");
            BTreeSet::new()
        }
    }
}

fn checked_out(
    repository: &Repository,
    worktree: &Worktree,
    folder: &Folder,
    candidates: &[&RepoPath],
) -> Result<BTreeSet<RepoPath>, GitError> {
    fs::create_dir_all(&folder.0).map_err(GitError::io(&folder.0))?;
    let names: Vec<u8> = candidates.iter().flat_map(|path| [path.as_bytes(), b"\0"].concat()).collect();
    let prefix = format!("--prefix={}/", folder.0.display());
    let call = Call::new(repository).in_worktree(&worktree.git_dir, &worktree.path).whole();
    let call = call.limit(CHECKOUT_TIME_MAX).args(["checkout-index", "-z", "--stdin", "--force", &prefix]);
    let output = call.output_with_input(names)?;
    if !output.status.success() {
        return Err(super::program::program_error("checkout-index".to_owned(), &output));
    }
    let is_same = |path: &&&RepoPath| {
        let (made, found) = (folder.0.join(path.as_path()), worktree.path.join(path.as_path()));
        matches!((plain::read(made), plain::read(found)), (Ok(made), Ok(found)) if made == found)
    };
    Ok(candidates.iter().filter(is_same).map(|path| (*path).clone()).collect())
}

/// Returns whether a tracked file differs from its blob, and in its line ends alone.
fn differs_in_line_ends(worktree: &Worktree, inside: &Inside, path: &RepoPath) -> bool {
    let Some(entry) = inside.index.get_path(path.as_path(), 0) else { return false };
    let file = worktree.path.join(path.as_path());
    let is_small = |facts: fs::Metadata| facts.is_file() && facts.len() <= FILE_BYTES_MAX as u64;
    if !fs::symlink_metadata(&file).is_ok_and(is_small) {
        return false;
    }
    let (Ok(found), Some(blob)) =
        (plain::read(&file), blob_within(&inside.library, entry.id, FILE_BYTES_MAX))
    else {
        return false;
    };
    without_returns(&found).eq(without_returns(blob.content()))
}

/// Returns the bytes without those carriage returns that end a line.
fn without_returns(text: &[u8]) -> impl Iterator<Item = u8> {
    text.iter()
        .enumerate()
        .filter(|(at, byte)| **byte != b'\r' || text.get(at + 1) != Some(&b'\n'))
        .map(|(_, byte)| *byte)
}

/// A folder that is removed when it is no longer needed.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}
