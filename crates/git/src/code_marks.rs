//! Lines of a branch's code that look as if they were written for the gate and not for the users.
//!
//! Only lines that the branch adds count, outside of tests, of documents and of what others wrote. A mark
//! never rejects work, so a line that is read wrongly costs a look by a person.

mod aliases;
mod place;
mod rule;
mod rules;
mod scan;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use git2::{ErrorCode, Oid, Patch};

use super::error::GitError;
use super::objects::{blob_bytes, blob_within, changed_paths};
use super::repository::{Repository, oid};
use super::snapshot::Snapshot;
use crate::source_text::{Language, Source};
use paddock_model::cut;
use paddock_model::ids::ObjectId;
use paddock_model::marks::{Mark, MarkKind};
use paddock_model::path::RepoPath;
use paddock_model::scope::Globs;
use scan::{Scanned, scan};

/// Size in bytes above which a file is not read. Nobody writes a larger one by hand.
const TEXT_BYTES_MAX: usize = 1 << 20;
/// Most changed files that are read.
const FILES_MAX: usize = 2_000;
/// Most bytes that are read of all files.
const ALL_BYTES_MAX: usize = 32 << 20;
/// Most marks of one kind that are collected before the most important ones are kept.
const OF_A_KIND_MAX: usize = 200;

/// Endings of documents and of data.
const DOCUMENTS: &[&str] = &[
    ".md", ".rst", ".txt", ".adoc", ".org", ".tex", ".html", ".css", ".svg", ".csv", ".lock", ".sum", ".map",
    ".snap", ".po", ".min.js", ".d.ts",
];
/// Files that list dependencies, as programs write them.
const LISTS: &[&str] = &["package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "composer.lock"];
/// Folders with the code of others.
const OF_OTHERS: &[&str] = &["vendor", "vendored", "third_party", "node_modules", "site-packages"];

/// Test runners of Python, whose names no module of a project should have.
const RUNNERS: &[&str] = &["unittest", "pytest", "_pytest", "nose", "nose2", "doctest", "pluggy"];
/// Modules that Python loads by itself.
const CUSTOMIZED: &[&str] = &["sitecustomize", "usercustomize"];

impl Repository {
    /// Returns the marks of the branch with this head, in the order of their paths and lines: at most
    /// [`Mark::COUNT_MAX`], those first that a run on the tests of the base does not settle.
    ///
    /// # Errors
    /// Fails if a commit is missing.
    pub fn marks(
        &self,
        integration: &ObjectId,
        head: &ObjectId,
        tests: &Globs,
    ) -> Result<Vec<Mark>, GitError> {
        let library = self.library()?;
        let (integration, head) = (oid(integration)?, oid(head)?);
        let base = match library.merge_base(integration, head) {
            Ok(base) => Some(library.find_commit(base)?.tree_id()),
            // Unrelated histories: the branch added everything.
            Err(error) if error.code() == ErrorCode::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        let (base, after) = (Snapshot::new(&library, base), Snapshot::of_commit(&library, head)?);
        let changed = changed_paths(&library, base.id(), after.id())?;
        let blob = |tree: &Snapshot<'_>, path: &RepoPath| tree.entry(path).map(|(id, _)| id);
        let before = |path: &RepoPath| blob(&base, path);
        // A file that only moved adds nothing.
        let gone: BTreeSet<Oid> =
            changed.iter().filter(|path| blob(&after, path).is_none()).filter_map(before).collect();
        let (mut read, mut found) = (Vec::new(), Vec::new());
        let is_read = |path: &&RepoPath| !tests.matches(path.as_bytes()) && is_code(path);
        for path in changed.iter().filter(is_read).take(FILES_MAX) {
            let Some(new) = blob(&after, path).filter(|id| !gone.contains(id)) else { continue };
            read.extend(blob_bytes(&library, new).map(|bytes| (path, before(path), new, bytes)));
        }
        // Changed files first, then small ones: a heap of added text must not hide them. By size alone, so that
        // one file is in memory at a time.
        read.sort_by_key(|(_, old, _, bytes)| (old.is_none(), *bytes));
        let mut left = ALL_BYTES_MAX;
        for (path, old, new, bytes) in read {
            let Some(new) = text(&library, new) else { continue };
            let Some(rest) = left.checked_sub(bytes) else { break };
            left = rest;
            let old = old.and_then(|id| text(&library, id)).unwrap_or_default();
            found.extend(in_file(path, &old, &new)?);
        }
        Ok(most_important(found))
    }
}

fn text(library: &git2::Repository, id: Oid) -> Option<Vec<u8>> {
    Some(blob_within(library, id, TEXT_BYTES_MAX)?.content().to_vec())
}

/// Returns whether a file may hold code of this project.
fn is_code(path: &RepoPath) -> bool {
    let path = String::from_utf8_lossy(path.as_bytes()).to_lowercase();
    let name = path.rsplit('/').next().unwrap_or_default();
    // Tests of Perl, wherever they are.
    let is_test = name.ends_with(".t");
    // A program reads it, although it ends like a document.
    let is_build = name == "cmakelists.txt";
    is_build
        || !is_test
            && !DOCUMENTS.iter().any(|ending| name.ends_with(ending))
            && !LISTS.contains(&name)
            && !path.split('/').any(|part| OF_OTHERS.contains(&part))
}

fn in_file(path: &RepoPath, before: &[u8], after: &[u8]) -> Result<Vec<Mark>, GitError> {
    let Some(language) = Language::from_file(path.as_bytes(), after) else { return Ok(Vec::new()) };
    let (added, removed) = lines(before, after)?;
    let source = Source::new(language, after);
    let name = String::from_utf8_lossy(path.as_bytes());
    let scanned = Scanned { path: &name, language, source: &source, is_script: after.starts_with(b"#!") };
    let text = String::from_utf8_lossy(after);
    let all: Vec<&str> = text.split('\n').collect();
    let mut found: Vec<Mark> = shadow(&name, before, &all).into_iter().collect();
    let mut seen = BTreeSet::new();
    for hit in scan(&scanned) {
        let Some(line) = (hit.first..=hit.last).find(|line| added.contains(line)) else { continue };
        let text = all.get(line.saturating_sub(1)).map_or("", |line| line.trim());
        // A line that only moved within its file was there before. An exit may have moved to where it counts.
        let counts_anywhere = matches!(hit.kind, MarkKind::LeavesEarly | MarkKind::TestTwin);
        if (!counts_anywhere && removed.contains(text)) || !seen.insert((line, hit.kind)) {
            continue;
        }
        found.push(Mark { path: path.clone(), ..mark(&name, line, hit.kind, text) });
    }
    Ok(found)
}

fn mark(path: &str, line: usize, kind: MarkKind, text: &str) -> Mark {
    let line = u32::try_from(line).unwrap_or(u32::MAX);
    Mark { path: RepoPath::new(path), line, kind, text: cut::start(text, Mark::TEXT_MAX_BYTES).to_owned() }
}

/// Returns a mark for an added module that an interpreter loads in place of a test runner, or by itself.
fn shadow(path: &str, before: &[u8], lines: &[&str]) -> Option<Mark> {
    let parts: Vec<&str> = path.split('/').collect();
    let stem = parts.last()?.strip_suffix(".py")?;
    let is_folder = parts.iter().rev().skip(1).any(|part| RUNNERS.contains(part));
    let is_shadow = RUNNERS.contains(&stem) || is_folder || CUSTOMIZED.contains(&stem);
    let text = lines.iter().map(|line| line.trim()).find(|line| !line.is_empty()).unwrap_or_default();
    (before.is_empty() && is_shadow).then(|| mark(path, 1, MarkKind::ReplacesChecks, text))
}

/// Returns the numbers of the added lines, from 1, and the removed lines.
fn lines(before: &[u8], after: &[u8]) -> Result<(BTreeSet<usize>, BTreeSet<String>), GitError> {
    let patch = Patch::from_buffers(before, None, after, None, None)?;
    let (mut added, mut removed) = (BTreeSet::new(), BTreeSet::new());
    for hunk in 0..patch.num_hunks() {
        for at in 0..patch.num_lines_in_hunk(hunk)? {
            let line = patch.line_in_hunk(hunk, at)?;
            match (line.origin(), line.new_lineno()) {
                ('+', Some(number)) => drop(added.insert(number as usize)),
                ('-', _) => {
                    removed.insert(String::from_utf8_lossy(line.content()).trim().to_owned());
                }
                _ => {}
            }
        }
    }
    // A file with bytes that git takes for binary has no hunks, but an interpreter may run it.
    if patch.num_hunks() == 0 && before != after {
        added.extend(1..=after.split(|byte| *byte == b'\n').count());
    }
    Ok((added, removed))
}

/// Keeps one mark a line, and the most important ones if there are too many.
fn most_important(mut found: Vec<Mark>) -> Vec<Mark> {
    let mut counts: BTreeMap<MarkKind, usize> = BTreeMap::new();
    found.sort_by(|one, other| (&one.path, one.line, one.kind).cmp(&(&other.path, other.line, other.kind)));
    found.dedup_by(|one, other| one.path == other.path && one.line == other.line);
    found.retain(|mark| {
        let count = counts.entry(mark.kind).or_default();
        *count += 1;
        *count <= OF_A_KIND_MAX
    });
    // Many harmless marks must not hide another one.
    found.sort_by_key(|mark| mark.kind.is_settled_by_isolation());
    found.truncate(Mark::COUNT_MAX);
    found.sort_by(|one, other| (&one.path, one.line).cmp(&(&other.path, other.line)));
    found
}
