//! The changes of a branch or a landing, for people.

use git2::{DiffFindOptions, DiffFormat, DiffOptions, Patch};

use super::error::GitError;
use super::repository::{Repository, oid};
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;

/// Size in bytes above which a file is shown as changed, but not line by line.
const FILE_MAX_BYTES: i64 = 4 << 20;
/// Maximum number of files listed.
const FILES_MAX: usize = 2_000;

/// What to compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Range {
    /// A branch with the commit at which it left a ref.
    Branch {
        /// Full name of the ref.
        base: String,
        /// Name of the branch, without `refs/heads/`.
        branch: String,
    },
    /// A landing with its first parent.
    Landing(ObjectId),
}

/// A changed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Path; the new one if the file moved.
    pub path: RepoPath,
    /// Number of lines added; `None` if the file is not text.
    pub added: Option<usize>,
    /// Number of lines removed; `None` if the file is not text.
    pub removed: Option<usize>,
}

/// Kind of a line in a diff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiffLineKind {
    /// Header of a file.
    File,
    /// Header of a hunk.
    Hunk,
    /// Added line.
    Added,
    /// Removed line.
    Removed,
    /// Unchanged line.
    Context,
}

/// A diff, up to a limit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// Abbreviated id of the newer commit.
    pub head: String,
    /// Changed files.
    pub files: Vec<FileChange>,
    /// Lines with their kinds; bytes that are not UTF-8 are replaced.
    pub lines: Vec<(DiffLineKind, String)>,
    /// Whether files or lines were left out.
    pub is_cut: bool,
}

impl Repository {
    /// Returns what a branch or a landing changes, with at most `max_bytes` of lines. Returns `None` if the
    /// branch does not exist.
    ///
    /// # Errors
    /// Fails if objects cannot be read.
    pub fn difference(&self, range: &Range, max_bytes: usize) -> Result<Option<Difference>, GitError> {
        let library = self.library()?;
        let (before, after) = match range {
            Range::Branch { base, branch } => {
                let Ok(head) = library.find_reference(&format!("refs/heads/{branch}")) else {
                    return Ok(None);
                };
                let (head, base) = (head.peel_to_commit()?, library.find_reference(base)?.peel_to_commit()?);
                let forked = library.merge_base(base.id(), head.id())?;
                (Some(library.find_commit(forked)?.tree()?), head)
            }
            Range::Landing(commit) => {
                let commit = library.find_commit(oid(commit)?)?;
                let before = if commit.parent_count() > 0 { Some(commit.parent(0)?.tree()?) } else { None };
                (before, commit)
            }
        };
        let mut options = DiffOptions::new();
        options.max_size(FILE_MAX_BYTES).ignore_submodules(true).indent_heuristic(true);
        let tree = after.tree()?;
        let mut diff = library.diff_tree_to_tree(before.as_ref(), Some(&tree), Some(&mut options))?;
        // Exact renames only: comparing the contents of a thousand files takes minutes.
        diff.find_similar(Some(DiffFindOptions::new().renames(true).exact_match_only(true)))?;
        let head: String = after.id().to_string().chars().take(10).collect();
        let mut found = Difference { head, ..Difference::default() };
        files(&diff, &mut found)?;
        lines(&diff, max_bytes, &mut found)?;
        Ok(Some(found))
    }
}

fn files(diff: &git2::Diff<'_>, found: &mut Difference) -> Result<(), GitError> {
    found.is_cut = diff.deltas().len() > FILES_MAX;
    for (number, delta) in diff.deltas().enumerate().take(FILES_MAX) {
        let file = delta.new_file();
        let path = file.path_bytes().or(delta.old_file().path_bytes()).unwrap_or_default().to_vec();
        // libgit2 returns no patch for a file that is binary or too large.
        let counts = Patch::from_diff(diff, number)?.map(|patch| patch.line_stats()).transpose()?;
        let (added, removed) =
            counts.map_or((None, None), |(_, added, removed)| (Some(added), Some(removed)));
        found.files.push(FileChange { path: RepoPath::new(path), added, removed });
    }
    Ok(())
}

/// Collapses git's five header lines of a file into a blank line and one line, `path  (change)`.
fn header(delta: &git2::DiffDelta<'_>) -> [(DiffLineKind, String); 2] {
    let path =
        |file: git2::DiffFile<'_>| RepoPath::new(file.path_bytes().unwrap_or_default().to_vec()).to_string();
    let (old, new) = (path(delta.old_file()), path(delta.new_file()));
    let modes = (delta.old_file().mode(), delta.new_file().mode());
    let text = match delta.status() {
        git2::Delta::Added => format!("{new}  (new)"),
        git2::Delta::Deleted => format!("{old}  (deleted)"),
        git2::Delta::Renamed => format!("{new}  (was {old})"),
        _ if modes.0 != modes.1 => format!("{new}  (mode {:?} to {:?})", modes.0, modes.1),
        _ => new,
    };
    [(DiffLineKind::Context, String::new()), (DiffLineKind::File, text)]
}

fn lines(diff: &git2::Diff<'_>, max_bytes: usize, found: &mut Difference) -> Result<(), GitError> {
    let mut bytes = 0;
    let mut is_cut = false;
    let mut lines = Vec::new();
    let printed = diff.print(DiffFormat::Patch, |delta, _, line| {
        // Headers do not count against the limit: every file of a cut diff keeps at least its own.
        if line.origin() == 'F' {
            lines.extend(header(&delta));
            return true;
        }
        bytes += line.content().len();
        if bytes > max_bytes {
            is_cut = true;
            return false;
        }
        let text = String::from_utf8_lossy(line.content());
        let kind = match line.origin() {
            'H' => DiffLineKind::Hunk,
            // `>` and `<` mark a line end that was added or removed at the end of the file.
            '+' | '>' => DiffLineKind::Added,
            '-' | '<' => DiffLineKind::Removed,
            _ => DiffLineKind::Context,
        };
        let sign = match kind {
            DiffLineKind::Added => "+",
            DiffLineKind::Removed => "-",
            DiffLineKind::Context => " ",
            DiffLineKind::File | DiffLineKind::Hunk => "",
        };
        for part in text.trim_end_matches('\n').split('\n') {
            lines.push((kind, format!("{sign}{part}")));
        }
        true
    });
    // libgit2 reports an error if the callback stops the printing, as it does at the limit.
    if !is_cut {
        printed?;
    }
    found.is_cut |= is_cut;
    found.lines = lines;
    Ok(())
}
