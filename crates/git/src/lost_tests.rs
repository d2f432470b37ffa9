//! Which tests a candidate takes away, by reading both trees: the definitions of tests in changed files.

mod definitions;

use std::collections::{BTreeMap, BTreeSet};

use git2::{DiffOptions, Oid, Patch};

use super::error::GitError;
use super::objects::{blob_within, changed_paths};
use super::repository::{Repository, oid};
use super::snapshot::Snapshot;
use definitions::{Body, Definition, definitions};
use paddock_model::evidence::ChangedTest;
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;
use paddock_model::scope::Globs;

/// Size in bytes above which a file is not read. Nobody writes a larger test.
const TEXT_BYTES_MAX: usize = 1 << 20;
/// Most changed files that are read. A candidate that changes more tests needs a person in any case.
const FILES_MAX: usize = 2_000;
/// Most bytes that are read of all changed files: the lines by which they differ stay in memory.
const ALL_BYTES_MAX: usize = 128 << 20;

/// Tests of one file of the base that the candidate lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostIn {
    /// The file, as the base names it.
    pub file: RepoPath,
    /// Names of the tests without what they are in: functions, titles, or the file itself for a script.
    pub names: Vec<String>,
    /// Whether the candidate does not have the file.
    pub is_deleted: bool,
}

/// Which definitions of tests the base has and the candidate lacks, or has elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LostTests {
    /// Files with tests that the candidate lacks, in the order of their paths.
    pub files: Vec<LostIn>,
    /// Tests with the same body under another name or in another file: the old and the new name.
    pub renamed: Vec<(String, String)>,
    /// Files of the base with tests that the candidate changes or lacks.
    pub touched: Vec<RepoPath>,
    /// What the candidate takes out of each changed file, and what it adds: whole lines. Tests may be listed
    /// in a form that no definition shows.
    pub edited: Vec<Edited>,
}

/// The lines by which a changed file differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The file, as the base names it.
    pub file: RepoPath,
    /// Lines that only the base has.
    pub removed: String,
    /// Lines that only the candidate has.
    pub added: String,
}

impl Edited {
    /// Returns whether a name occurs in the removed lines and not in the added ones.
    #[must_use]
    pub fn takes_out(&self, name: &str) -> bool {
        has_word(&self.removed, name) && !has_word(&self.added, name)
    }
}

/// Files that have another path and the same content. A runner may name a file that no definition shows.
#[derive(Default)]
struct Moves {
    gone: Vec<(RepoPath, Oid)>,
    new: BTreeMap<Oid, RepoPath>,
}

impl Moves {
    fn see(&mut self, file: &RepoPath, before: Option<(Oid, i32)>, after: Option<(Oid, i32)>) {
        match (before, after) {
            (Some((id, _)), None) => self.gone.push((file.clone(), id)),
            (None, Some((id, _))) => drop(self.new.insert(id, file.clone())),
            _ => {}
        }
    }

    fn pairs(self) -> impl Iterator<Item = (String, String)> {
        let Self { gone, mut new } = self;
        gone.into_iter().filter_map(move |(old, id)| Some((old.to_string(), new.remove(&id)?.to_string())))
    }
}

/// Returns whether a text holds a name, and not as a part of a longer one.
fn has_word(text: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    !name.is_empty()
        && text.match_indices(name).any(|(at, _)| {
            let (before, after) = (&text[..at], &text[at + name.len()..]);
            !before.ends_with(is_part) && !after.starts_with(is_part)
        })
}

/// Returns the lines by which two versions of a file differ.
fn edited(file: &RepoPath, before: Option<&[u8]>, after: Option<&[u8]>) -> Option<Edited> {
    let (before, after) =
        (String::from_utf8_lossy(before?), String::from_utf8_lossy(after.unwrap_or_default()));
    let (old, new): (BTreeSet<&str>, BTreeSet<&str>) = (before.lines().collect(), after.lines().collect());
    let only = |these: &BTreeSet<&str>, others: &BTreeSet<&str>| -> String {
        these.difference(others).flat_map(|line| [*line, "\n"]).collect()
    };
    Some(Edited { file: file.clone(), removed: only(&old, &new), added: only(&new, &old) })
}

/// The definitions in one changed file, before and after.
struct Changed {
    file: RepoPath,
    is_deleted: bool,
    before: Vec<Definition>,
    after: Vec<Definition>,
}

impl Repository {
    /// Returns the definitions of tests that the base has and the candidate lacks. A test whose body is found
    /// under another name or in another file is not lost.
    ///
    /// # Errors
    /// Fails if a commit is missing.
    pub fn lost_tests(&self, onto: &ObjectId, candidate: &ObjectId) -> Result<LostTests, GitError> {
        let library = self.library()?;
        let before = Snapshot::of_commit(&library, oid(onto)?)?;
        let after = Snapshot::of_commit(&library, oid(candidate)?)?;
        let (mut changed, mut edits, mut moves) = (Vec::new(), Vec::new(), Moves::default());
        let mut bytes_left = ALL_BYTES_MAX;
        for file in changed_paths(&library, before.id(), after.id())?.into_iter().take(FILES_MAX) {
            let (old, new) = (text_at(&library, &before, &file), text_at(&library, &after, &file));
            let bytes = [&old, &new].into_iter().flatten().map(Vec::len).sum();
            let Some(rest) = bytes_left.checked_sub(bytes) else { break };
            bytes_left = rest;
            moves.see(&file, before.entry(&file), after.entry(&file));
            edits.extend(edited(&file, old.as_deref(), new.as_deref()));
            let read = |text: Option<Vec<u8>>| {
                text.map(|text| definitions(file.as_bytes(), &text)).unwrap_or_default()
            };
            let (is_deleted, before, after) = (after.entry(&file).is_none(), read(old), read(new));
            if !before.is_empty() || !after.is_empty() {
                changed.push(Changed { file, is_deleted, before, after });
            }
        }
        let mut lost = compare(&changed);
        lost.renamed.extend(moves.pairs());
        Ok(LostTests { edited: edits, ..lost })
    }

    /// Returns the files that match `tests` and that the candidate changes, removes or adds, each with the
    /// beginning of its diff, and the number of further ones. Changed and removed files come first, so that
    /// added ones do not hide them.
    ///
    /// # Errors
    /// Fails if a commit is missing.
    pub fn changed_tests(
        &self,
        onto: &ObjectId,
        candidate: &ObjectId,
        tests: &Globs,
    ) -> Result<(Vec<ChangedTest>, u64), GitError> {
        let library = self.library()?;
        let before = Snapshot::of_commit(&library, oid(onto)?)?;
        let after = Snapshot::of_commit(&library, oid(candidate)?)?;
        let changed = changed_paths(&library, before.id(), after.id())?;
        let (old, new): (Vec<RepoPath>, Vec<RepoPath>) = changed
            .into_iter()
            .filter(|path| tests.matches(path.as_bytes()))
            .partition(|path| before.entry(path).is_some());
        let all = old.len() + new.len();
        let mut found = Vec::new();
        for path in old.into_iter().chain(new).take(ChangedTest::FILES_MAX) {
            found.push(changed_test(&library, &before, &after, path)?);
        }
        let more = all - found.len();
        Ok((found, more as u64))
    }
}

/// Returns the content of a file that is not too large; `None` if there is none.
fn text_at(library: &git2::Repository, tree: &Snapshot<'_>, path: &RepoPath) -> Option<Vec<u8>> {
    Some(blob_within(library, tree.entry(path)?.0, TEXT_BYTES_MAX)?.content().to_vec())
}

fn changed_test(
    library: &git2::Repository,
    before: &Snapshot<'_>,
    after: &Snapshot<'_>,
    path: RepoPath,
) -> Result<ChangedTest, GitError> {
    let is_added = before.entry(&path).is_none();
    let (old, new) = (text_at(library, before, &path), text_at(library, after, &path));
    let is_read = |tree: &Snapshot<'_>, text: &Option<Vec<u8>>| tree.entry(&path).is_none() || text.is_some();
    let (mut added, mut removed, mut diff) = (0, 0, String::new());
    if is_read(before, &old) && is_read(after, &new) {
        let mut options = DiffOptions::new();
        options.indent_heuristic(true);
        let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
        let mut patch = Patch::from_buffers(&old, None, &new, None, Some(&mut options))?;
        let (_, plus, minus) = patch.line_stats()?;
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        (added, removed) = (number(plus), number(minus));
        if !is_added {
            let text = patch.to_buf()?;
            diff = hunks(&String::from_utf8_lossy(&text));
        }
    }
    Ok(ChangedTest { path, added, removed, diff })
}

/// Returns the beginning of a patch without its header, in whole lines.
fn hunks(patch: &str) -> String {
    let start = if patch.starts_with("@@") { 0 } else { patch.find("\n@@").map_or(patch.len(), |at| at + 1) };
    let mut text = String::new();
    for line in patch[start..].split_inclusive('\n') {
        if text.len() + line.len() > ChangedTest::DIFF_BYTES_MAX {
            break;
        }
        text.push_str(line);
    }
    text
}

/// Where a definition is: number of the file, number of the definition in it.
type Place = (usize, usize);

/// Compares the definitions of all changed files.
fn compare(changed: &[Changed]) -> LostTests {
    let (mut lost, mut fresh) = (Vec::new(), Fresh::default());
    for (number, file) in changed.iter().enumerate() {
        let (gone, new) = apart(&file.before, &file.after);
        lost.extend(gone.into_iter().map(|at| (number, at)));
        new.into_iter().for_each(|at| fresh.add(changed, (number, at)));
    }
    // The same name is looked for first, so that a moved test does not count as a renamed one.
    let mut renamed = BTreeMap::new();
    for by_name in [true, false] {
        lost.retain(|place: &Place| {
            let old = &changed[place.0].before[place.1];
            let Some(new) = fresh.take(changed, old, place.0, by_name) else { return true };
            renamed.insert(*place, (old.name.clone(), new));
            false
        });
    }
    let mut files: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (number, at) in lost {
        files.entry(number).or_default().push(changed[number].before[at].name.clone());
    }
    let lost_in = |(number, names): (usize, Vec<String>)| {
        let Changed { file, is_deleted, .. } = &changed[number];
        LostIn { file: file.clone(), names, is_deleted: *is_deleted }
    };
    let touched = changed.iter().filter(|file| !file.before.is_empty()).map(|file| file.file.clone());
    LostTests {
        files: files.into_iter().map(lost_in).collect(),
        renamed: renamed.into_values().collect(),
        touched: touched.collect(),
        edited: Vec::new(),
    }
}

/// Returns which definitions are only before, and which are only after. A name that occurs several times
/// counts as often.
fn apart(before: &[Definition], after: &[Definition]) -> (Vec<usize>, Vec<usize>) {
    let mut left: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, definition) in after.iter().enumerate() {
        left.entry(&definition.name).or_default().push(at);
    }
    let mut gone = Vec::new();
    for (at, definition) in before.iter().enumerate() {
        let same = left.get_mut(definition.name.as_str());
        let found = same.and_then(|places| {
            // Of several tests with this name, the one with the same body.
            let exact = places.iter().position(|at| after[*at].body == definition.body);
            (!places.is_empty()).then(|| places.remove(exact.unwrap_or(0)))
        });
        if found.is_none() {
            gone.push(at);
        }
    }
    (gone, left.into_values().flatten().collect())
}

/// Definitions that only the candidate has, by body and name, and by body alone.
#[derive(Default)]
struct Fresh {
    by_name: BTreeMap<(Body, String), BTreeSet<Place>>,
    by_body: BTreeMap<Body, BTreeSet<Place>>,
}

impl Fresh {
    fn add(&mut self, changed: &[Changed], place: Place) {
        let Definition { name, body } = &changed[place.0].after[place.1];
        self.by_name.entry((*body, name.clone())).or_default().insert(place);
        self.by_body.entry(*body).or_default().insert(place);
    }

    /// Takes a definition with the same body, in the same file if there is one, and returns its name.
    fn take(&mut self, changed: &[Changed], old: &Definition, file: usize, by_name: bool) -> Option<String> {
        let places = match by_name {
            true => self.by_name.get(&(old.body, old.name.clone())),
            false => self.by_body.get(&old.body),
        }?;
        let place = *places.range((file, 0)..(file + 1, 0)).next().or_else(|| places.first())?;
        let name = changed[place.0].after[place.1].name.clone();
        self.by_body.get_mut(&old.body)?.remove(&place);
        self.by_name.get_mut(&(old.body, name.clone()))?.remove(&place);
        Some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(file: &str, before: &str, after: Option<&str>) -> Changed {
        let read = |text: &str| definitions(file.as_bytes(), text.as_bytes());
        Changed {
            file: RepoPath::new(file),
            is_deleted: after.is_none(),
            before: read(before),
            after: after.map(read).unwrap_or_default(),
        }
    }

    fn lost(files: &[Changed]) -> Vec<(String, Vec<String>)> {
        let found = compare(files).files;
        found.into_iter().map(|lost| (lost.file.to_string(), lost.names)).collect()
    }

    const A: &str = "def test_a():\n    assert a() == 1\n\ndef test_b():\n    assert b() == 2\n";

    #[test]
    fn a_removed_test_is_lost_and_an_added_or_changed_one_is_not() {
        let without = "def test_a():\n    assert a() == 3\n\ndef test_c():\n    assert 1\n";
        assert_eq!(
            lost(&[changed("t.py", A, Some(without))]),
            [("t.py".to_owned(), vec!["test_b".to_owned()])]
        );
        assert!(lost(&[changed("t.py", A, Some(&format!("{A}\ndef test_c(): pass\n")))]).is_empty());
        assert_eq!(lost(&[changed("t.py", A, None)])[0].1, ["test_a", "test_b"]);
    }

    #[test]
    fn a_commented_out_test_is_lost() {
        let commented = A.replace("def test_b", "# def test_b").replace("    assert b", "    # assert b");
        assert_eq!(lost(&[changed("t.py", A, Some(&commented))])[0].1, ["test_b"]);
    }

    #[test]
    fn a_test_with_the_same_body_elsewhere_is_not_lost() {
        let renamed = compare(&[changed("t.py", A, Some(&A.replace("test_b", "test_sum")))]);
        assert_eq!(renamed.renamed, [("test_b".to_owned(), "test_sum".to_owned())]);
        assert!(renamed.files.is_empty());
        let moved = compare(&[changed("t.py", A, None), changed("u/t.py", "", Some(A))]);
        assert!(moved.files.is_empty());
        assert_eq!((moved.renamed.len(), moved.touched), (2, vec![RepoPath::new("t.py")]));
        // With another body it is another test.
        let other = A.replace("def test_b():\n    assert b() == 2", "def test_sum():\n    assert True");
        assert_eq!(lost(&[changed("t.py", A, Some(&other))])[0].1, ["test_b"]);
        // An assertion that moved into a block is another body.
        let inner = "def test_c():\n    if x:\n        y()\n    assert b()\n";
        let outer = "def test_d():\n    if x:\n        y()\n        assert b()\n";
        assert_eq!(lost(&[changed("t.py", inner, Some(outer))])[0].1, ["test_c"]);
    }

    #[test]
    fn two_tests_with_one_body_do_not_stand_for_each_other() {
        let two = "it('a', () => { f(1) });\nit('b', () => { f(1) });\n";
        let one = "it('c', () => { f(1) });\n";
        assert_eq!(lost(&[changed("a.test.js", two, Some(one))])[0].1, ["b"]);
    }

    #[test]
    fn two_commits_are_compared() {
        let sample = crate::sample_trees::SampleTrees::new();
        let old = "#[test]\nfn one() { a() }\n#[test]\nfn two() { b() }\n";
        let base = sample.commit(
            None,
            &[
                ("src/a.rs", Some(old)),
                ("tests/b.py", Some(A)),
                ("tests/c.txt", Some("data\n")),
                ("README.md", Some("x\n")),
            ],
        );
        let added: Vec<(String, String)> =
            (0..ChangedTest::FILES_MAX).map(|n| (format!("tests/a{n}.py"), "x = 1\n".to_owned())).collect();
        let mut files = vec![
            ("src/a.rs", Some("#[test]\nfn one() { a() }\n")),
            ("tests/b.py", None),
            ("tests/c.txt", Some("other\n")),
            ("README.md", Some("y\n")),
        ];
        files.extend(added.iter().map(|(path, text)| (path.as_str(), Some(text.as_str()))));
        let head = sample.commit(Some(&base), &files);
        let lost = sample.repository.lost_tests(&base, &head).unwrap();
        let reported: Vec<(String, Vec<String>, bool)> =
            lost.files.into_iter().map(|lost| (lost.file.to_string(), lost.names, lost.is_deleted)).collect();
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            reported,
            [
                ("src/a.rs".to_owned(), names(&["two"]), false),
                ("tests/b.py".to_owned(), names(&["test_a", "test_b"]), true),
            ]
        );
        let tests = Globs::new(&["tests/**"]).unwrap();
        let (changed, more) = sample.repository.changed_tests(&base, &head, &tests).unwrap();
        assert_eq!((changed.len(), more), (ChangedTest::FILES_MAX, 2));
        assert_eq!(changed[0].path, RepoPath::new("tests/b.py"));
        assert_eq!((changed[0].added, changed[0].removed), (0, 5));
        assert_eq!(changed[1].diff, "@@ -1 +1 @@\n-data\n+other\n");
        assert_eq!((changed[2].added, changed[2].diff.as_str()), (1, ""));
        assert_eq!(sample.repository.lost_tests(&base, &base).unwrap(), LostTests::default());
    }
}
