//! What a branch changes, for people.

use git2::{DiffFindOptions, DiffFormat, DiffOptions, Patch};

use super::error::GitError;
use super::repository::{Repository, oid};
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;

/// Files larger than this, in bytes, are shown as changed but not line by line.
const FILE_MAX_BYTES: i64 = 4 << 20;
/// Files named at most.
const FILES_MAX: usize = 2_000;

/// What is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Range {
    /// A branch (without `refs/heads/`) against where it left a ref.
    Branch {
        /// The ref.
        base: String,
        /// The branch.
        branch: String,
    },
    /// A landing against what it landed on.
    Landing(ObjectId),
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Its path; its new one when it moved.
    pub path: RepoPath,
    /// Lines added; none when it is not text.
    pub added: Option<usize>,
    /// Lines removed.
    pub removed: Option<usize>,
}

/// A line of a diff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiffLineKind {
    /// Begins a file.
    File,
    /// Begins a hunk.
    Hunk,
    /// Added.
    Added,
    /// Removed.
    Removed,
    /// Neither.
    Context,
}

/// The whole of it, as far as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// The commit that was looked at, shortened.
    pub head: String,
    /// The files.
    pub files: Vec<FileChange>,
    /// The lines, with what they are; bytes that are no text are replaced.
    pub lines: Vec<(DiffLineKind, String)>,
    /// Whether there is more than is shown.
    pub is_cut: bool,
}

impl Repository {
    /// What a branch or a landing changes, up to so many bytes of it; none when there is no such branch.
    ///
    /// # Errors
    /// When objects cannot be read.
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
        // Exact renames only: comparing contents of a thousand files takes minutes.
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
        let counts = Patch::from_diff(diff, number)?.map(|patch| patch.line_stats()).transpose()?;
        let (added, removed) =
            counts.map_or((None, None), |(_, added, removed)| (Some(added), Some(removed)));
        found.files.push(FileChange { path: RepoPath::new(path), added, removed });
    }
    Ok(())
}

/// What git says of a file in five lines, in one: a blank, its path, and what became of it.
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
    // The callback's no is an error to the library.
    if !is_cut {
        printed?;
    }
    found.is_cut |= is_cut;
    found.lines = lines;
    Ok(())
}
