//! git's part: switching a gate folder to a commit, and writing single files again.
//!
//! Code under test can write the worktree's git directory. So nothing in there is trusted: what git does not
//! need is removed, and the index is replaced by the private copy before git reads it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;

use super::super::error::GitError;
use super::super::program::{CHECKOUT_TIME_MAX, Call, program_error};
use super::super::repository::Repository;
use super::super::space::checkout_error;
use super::super::worktree::write_if_other;
use super::clear::remove;
use super::record::{Record, index_file};
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;
use paddock_os::files::{Flush, PRIVATE_FILE_MODE, make_private, write_atomic};
use paddock_os::plain;

/// Files of a worktree's git directory that tie it to the repository. Paddock's own begin with `paddock`.
const TIES: [&str; 4] = ["HEAD", "gitdir", "commondir", "locked"];

/// A gate folder as git sees it.
#[derive(Clone, Copy)]
pub(super) struct Checkout<'a> {
    pub(super) repository: &'a Repository,
    pub(super) git_dir: &'a Path,
    pub(super) folder: &'a Path,
    pub(super) private: &'a Path,
}

impl<'a> Checkout<'a> {
    /// Returns a call in which neither the user's settings nor the index can hide a file.
    pub(super) fn call(&self) -> Call<'a> {
        Call::new(self.repository)
            .in_worktree(self.git_dir, self.folder)
            .whole()
            .setting("core.untrackedCache", "false")
            .setting("core.splitIndex", "false")
            .setting("index.sparse", "false")
            // libgit2 reads the private index, too.
            .setting("index.skipHash", "false")
            .setting("core.trustctime", "true")
            .setting("core.checkStat", "default")
            .limit(CHECKOUT_TIME_MAX)
    }

    /// Runs a call on the private index with input and returns its output. Fails unless it ends with one of
    /// the `accepted` statuses.
    pub(super) fn answer<'w>(
        &self,
        arguments: impl Iterator<Item = &'w str>,
        input: Vec<u8>,
        accepted: &[i32],
    ) -> Result<Vec<u8>, GitError> {
        let words: Vec<&str> = arguments.collect();
        let call = self.call().variable("GIT_INDEX_FILE", index_file(self.private)).args(&words);
        let output = call.output_with_input(input)?;
        match output.status.code() {
            Some(code) if accepted.contains(&code) => Ok(output.stdout),
            _ => Err(program_error(words.join(" "), &output)),
        }
    }

    /// Removes everything from the worktree's git directory that code under test may have left there, except
    /// what the set-up made.
    pub(super) fn purge(&self, record: &Record) -> Result<(), GitError> {
        let modules = self.git_dir.join("modules");
        for entry in fs::read_dir(self.git_dir).map_err(GitError::io(self.git_dir))? {
            let entry = entry.map_err(GitError::io(self.git_dir))?;
            let (name, path) = (entry.file_name(), entry.path());
            let kind = entry.file_type().map_err(GitError::io(&path))?;
            let is_ours = name.as_encoded_bytes().starts_with(b"paddock");
            let is_tie = TIES.iter().any(|tie| name == *tie);
            let is_modules = kind.is_dir() && path == modules;
            if !(kind.is_file() && (is_ours || is_tie) || is_modules) {
                remove(&path).map_err(GitError::io(&path))?;
            }
        }
        if modules.is_dir() {
            let of_the_set_up: BTreeSet<_> = record
                .submodules
                .values()
                .filter_map(|set_up| set_up.git_dir.strip_prefix(&modules).ok()?.iter().next())
                .collect();
            for entry in fs::read_dir(&modules).map_err(GitError::io(&modules))? {
                let entry = entry.map_err(GitError::io(&modules))?;
                if !of_the_set_up.contains(entry.file_name().as_os_str()) {
                    remove(&entry.path()).map_err(GitError::io(&entry.path()))?;
                }
            }
        }
        Ok(())
    }

    /// Checks the commit out and stores the index that results. The index starts as the private copy; without
    /// one it starts empty, and every file is written.
    pub(super) fn switch(&self, commit: &ObjectId) -> Result<(), GitError> {
        // A HEAD that leads nowhere would fail the checkout, which moves HEAD in any case.
        write_if_other(&self.git_dir.join("HEAD"), &format!("{commit}\n"))?;
        let lock = self.private.join("index.lock");
        remove(&lock).map_err(GitError::io(&lock))?;
        if index_file(self.private).exists() {
            self.restore_index()?;
        }
        self.call()
            .args(["checkout", "--quiet", "--force", "--detach", commit.as_str()])
            .run()
            .map_err(|error| checkout_error(self.repository, self.folder, commit.as_str(), error))?;
        copy_index(&self.git_dir.join("index"), &index_file(self.private), PRIVATE_FILE_MODE)
    }

    /// Makes the worktree's own index the private one again.
    pub(super) fn restore_index(&self) -> Result<(), GitError> {
        let own = self.git_dir.join("index");
        for file in [self.git_dir.join("index.lock"), own.clone()] {
            remove(&file).map_err(GitError::io(&file))?;
        }
        copy_index(&index_file(self.private), &own, 0o644)
    }

    /// Writes the files of the private index at `paths`. Nothing may lie there.
    pub(super) fn write_files(&self, paths: &[&RepoPath]) -> Result<(), GitError> {
        if paths.is_empty() {
            return Ok(());
        }
        let input = paths.iter().flat_map(|path| [path.as_bytes(), b"\0"].concat()).collect();
        let lock = self.private.join("index.lock");
        remove(&lock).map_err(GitError::io(&lock))?;
        let arguments = ["checkout-index", "--quiet", "--force", "-u", "-z", "--stdin"];
        self.answer(arguments.into_iter(), input, &[0]).map_err(|error| {
            // The commit that `switch` has checked out.
            let head = plain::read_to_string(self.git_dir.join("HEAD")).unwrap_or_default();
            checkout_error(self.repository, self.folder, head.trim(), error)
        })?;
        self.close_index()
    }

    /// Brings the `stat` data of the private index up to date, so that the next checkout writes nothing that
    /// is right, and gives the worktree the same index.
    pub(super) fn refresh(&self) -> Result<(), GitError> {
        // Status 1: files differ. The caller has compared them itself.
        self.answer(["update-index", "-q", "--refresh"].into_iter(), Vec::new(), &[0, 1])?;
        self.close_index()?;
        self.restore_index()
    }

    /// Closes the private index to other users, after git has written it with the user's mask.
    fn close_index(&self) -> Result<(), GitError> {
        let index = index_file(self.private);
        make_private(&index).map_err(GitError::io(&index))
    }

    /// Returns which of the paths git ignores.
    pub(super) fn ignored(&self, paths: &[RepoPath]) -> Result<BTreeSet<RepoPath>, GitError> {
        if paths.is_empty() {
            return Ok(BTreeSet::new());
        }
        // git takes a name that begins with a colon for a pattern, unless something stands before it.
        let input = paths.iter().flat_map(|path| [b"./", path.as_bytes(), b"\0"].concat()).collect();
        // Status 1: none is ignored.
        let output = self.answer(["check-ignore", "-z", "--stdin"].into_iter(), input, &[0, 1])?;
        let listed = output.split(|byte| *byte == 0).filter_map(|path| path.strip_prefix(b"./"));
        Ok(listed.map(RepoPath::new).collect())
    }
}

/// Copies an index atomically, with its modification time: git takes entries that are not older than their
/// index for possibly changed.
pub(super) fn copy_index(from: &Path, to: &Path, mode: u32) -> Result<(), GitError> {
    let facts = fs::metadata(from).map_err(GitError::io(from))?;
    let bytes = plain::read(from).map_err(GitError::io(from))?;
    write_atomic(to, &bytes, mode, Flush::Later).map_err(GitError::io(to))?;
    let keep_time = || File::options().write(true).open(to)?.set_modified(facts.modified()?);
    keep_time().map_err(GitError::io(to))
}
