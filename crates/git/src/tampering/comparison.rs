//! Compares the trees at both ends of a branch, file by file.

use std::collections::{BTreeMap, BTreeSet};

use git2::{Oid, Tree};

use super::super::objects::entry_at;
use super::added::Added;
use super::follow::Gate;
use super::found::{Found, first_gone};
use super::moved::{Collected, is_collected, similar};
use super::scan::{Language, scan};
use super::{gate_scripts, inline, manifest, settings, structure};
use paddock_model::path::RepoPath;
use paddock_model::scope::Globs;
use paddock_model::tamper::{How, Part, Tampered, is_runner_file};

/// Size in bytes above which a file is only compared as a whole. Nobody writes a larger test.
const TEXT_BYTES_MAX: usize = 1 << 20;
/// Added tests that a deleted one is compared with.
const CANDIDATES_MAX: usize = 50;

/// Comparison of the trees at both ends of a branch.
pub(super) struct Comparison<'a> {
    pub library: &'a git2::Repository,
    pub before: &'a Tree<'a>,
    pub after: &'a Tree<'a>,
    pub tests: &'a Globs,
    pub gate: &'a Gate,
}

impl Comparison<'_> {
    /// Returns what the branch did, for the guard to know, in the order of the paths.
    pub(super) fn changes(&self, changed: &BTreeSet<RepoPath>, max: usize) -> Vec<Tampered> {
        let moved = self.moved(changed);
        let mut found = Vec::new();
        for path in changed {
            let change = match moved.get(path) {
                Some(change) => change.clone().map(|change| change.into_fact(path.clone(), Part::Tests)),
                None => self.change_of(path, changed),
            };
            found.extend(change);
            if found.len() >= max {
                break;
            }
        }
        found
    }

    fn is_test(&self, path: &RepoPath) -> bool {
        self.tests.matches(path.as_bytes()) || self.gate.tests.contains(path)
    }

    /// Returns what a path is to the guard, or `None` if the guard ignores it.
    fn part(&self, path: &RepoPath) -> Option<Part> {
        let text = path.to_string();
        if self.gate.files.contains(path) {
            return Some(Part::Gate);
        }
        let name = settings::split(&text).1;
        if is_runner_file(&text)
            && !name.eq_ignore_ascii_case("makefile")
            && !name.eq_ignore_ascii_case("justfile")
        {
            return Some(Part::Settings);
        }
        if self.is_doubtful(path) {
            return Some(Part::Gate);
        }
        if self.is_test(path) {
            return Some(Part::Tests);
        }
        // Rust has tests in files of code, too.
        name.ends_with(".rs").then_some(Part::Inline)
    }

    /// Returns whether a file may take part in the gate, or be what is checked. The gate is tried with the
    /// earlier version.
    fn is_doubtful(&self, path: &RepoPath) -> bool {
        let text = path.to_string();
        let (folder, name) = settings::split(&text);
        let is_program = self.gate.on_path.contains(folder) && self.gate.words.contains(name);
        !self.gate.files.contains(path) && (is_program || self.gate.doubtful.contains(path))
    }

    fn text(&self, id: Oid) -> Option<String> {
        let blob = self.library.find_blob(id).ok().filter(|blob| blob.size() <= TEXT_BYTES_MAX)?;
        std::str::from_utf8(blob.content()).ok().map(str::to_owned)
    }

    fn lossy(&self, id: Oid) -> String {
        let blob = self.library.find_blob(id).ok().filter(|blob| blob.size() <= TEXT_BYTES_MAX);
        blob.map(|blob| String::from_utf8_lossy(blob.content()).into_owned()).unwrap_or_default()
    }

    /// Returns the tests that were moved, with what the move did to them.
    fn moved(&self, changed: &BTreeSet<RepoPath>) -> BTreeMap<RepoPath, Option<Found>> {
        let is_file = |mode: i32| matches!(mode, 0o100_644 | 0o100_755);
        let blob = |tree: &Tree<'_>, path: &RepoPath| entry_at(tree, path).filter(|(_, mode)| is_file(*mode));
        let added: Vec<(&RepoPath, Oid)> = changed
            .iter()
            .filter(|path| entry_at(self.before, path).is_none())
            .filter_map(|path| blob(self.after, path).map(|(id, _)| (path, id)))
            .collect();
        let is_gone =
            |path: &&RepoPath| self.part(path) == Some(Part::Tests) && entry_at(self.after, path).is_none();
        let gone = changed.iter().filter(is_gone);
        let pairs = gone.filter_map(|path| {
            let (before, _) = blob(self.before, path)?;
            Some((path.clone(), self.move_of(path, before, &added)?))
        });
        pairs.collect()
    }

    /// Returns what a move did to a test that is gone from its path, if an added file has its content.
    fn move_of(&self, path: &RepoPath, before: Oid, added: &[(&RepoPath, Oid)]) -> Option<Option<Found>> {
        let judged = |to: &RepoPath| match self.is_test(to) {
            true => is_collected(&path.to_string(), &to.to_string()),
            false => Collected::No,
        };
        let now = |to: &RepoPath| Found::text(How::Changed, 1, &format!("now {to}"));
        let same = added.iter().filter(|(_, id)| *id == before).map(|(to, _)| *to);
        // Any copy that is found is enough.
        let best = same.map(|to| (to, judged(to))).min_by_key(|(_, collected)| rank(*collected));
        match best {
            Some((_, Collected::Yes)) => return Some(None),
            Some((to, Collected::Perhaps)) => return Some(Some(now(to))),
            Some((_, Collected::No)) | None => {}
        }
        let text = self.text(before)?;
        let tests = added.iter().filter(|(to, _)| self.is_test(to) && judged(to) != Collected::No);
        let mut alike = tests.take(CANDIDATES_MAX).filter_map(|(to, id)| {
            let found = similar(path, &text, &self.text(*id)?)?;
            Some(found.or_else(|| (judged(to) == Collected::Perhaps).then(|| now(to))))
        });
        alike.next().or_else(|| best.map(|(to, _)| Some(Found::whole(How::MovedAway(to.clone())))))
    }

    /// Returns what the branch did to one path, if the guard has to know.
    fn change_of(&self, path: &RepoPath, changed: &BTreeSet<RepoPath>) -> Option<Tampered> {
        let fact = |part: Part, found: Found| Some(found.into_fact(path.clone(), part));
        let before = entry_at(self.before, path).filter(|(_, mode)| *mode != 0o040_000);
        let Some((before, mode)) = before else {
            let (part, found) = self.added(path)?;
            return fact(part, found);
        };
        let after = entry_at(self.after, path);
        if let Some((part, found)) = self.shared(path, before, after) {
            return fact(part, found);
        }
        let part = self.part(path)?;
        let found = match after {
            // Deleting code together with the tests in it is ordinary work.
            None if part == Part::Inline => None,
            // Without its settings a runner has its defaults; the gate is tried with them.
            None if part == Part::Settings => Some(Found::text(How::Changed, 1, "deleted")),
            None | Some((_, 0o040_000)) => Some(self.deleted(before)),
            Some((_, 0o120_000)) if mode != 0o120_000 && part != Part::Inline => {
                Some(Found::whole(How::Muted("it is a symbolic link now".to_owned())))
            }
            Some((after, now)) if after == before => mode_change(part, mode, now),
            Some((after, now)) => {
                self.compared(part, path, (before, after)).or_else(|| mode_change(part, mode, now))
            }
        }?;
        if part == Part::Gate && self.is_doubtful(path) {
            return fact(part, Found { how: How::Changed, ..found });
        }
        if part == Part::Inline && matches!(found.how, How::Fewer(..)) && self.is_moved_out(before, changed) {
            return None;
        }
        fact(part, found)
    }

    fn deleted(&self, before: Oid) -> Found {
        let text = self.text(before).unwrap_or_default();
        let line = text.lines().enumerate().find(|(_, line)| {
            ["def test", "fn ", "it(", "test(", "func Test", "@Test"].iter().any(|mark| line.contains(mark))
        });
        match line {
            Some((at, line)) => Found::text(How::Deleted, u32::try_from(at + 1).unwrap_or(u32::MAX), line),
            None => Found::whole(How::Deleted),
        }
    }

    /// Returns whether the functions of a file's tests are in an added file of tests.
    fn is_moved_out(&self, before: Oid, changed: &BTreeSet<RepoPath>) -> bool {
        let text = self.lossy(before);
        let lines = scan(Language::Rust, &text);
        let mut wanted = lines.iter().filter(|line| line.code.contains("assert"));
        let is_new =
            |path: &&RepoPath| path.as_bytes().ends_with(b".rs") && entry_at(self.before, path).is_none();
        let added: Vec<String> = changed
            .iter()
            .filter(is_new)
            .filter_map(|path| self.text(entry_at(self.after, path)?.0))
            .collect();
        !added.is_empty() && wanted.all(|line| added.iter().any(|text| text.contains(&line.text)))
    }

    /// Returns what an added file does to existing tests, if it affects them.
    fn added(&self, path: &RepoPath) -> Option<(Part, Found)> {
        let (id, mode) = entry_at(self.after, path)?;
        let text = if mode == 0o160_000 { String::new() } else { self.lossy(id) };
        let has = |path: &str| entry_at(self.before, &RepoPath::from(path)).is_some();
        let (name, is_test) = (path.to_string(), self.is_test(path));
        Added { path: &name, text: &text, gate: self.gate, is_test, has: &has }.change()
    }

    /// Returns what the branch did to a file of which only a part concerns tests. A file that is gone, or too
    /// large, counts as one without that part.
    fn shared(&self, path: &RepoPath, before: Oid, after: Option<(Oid, i32)>) -> Option<(Part, Found)> {
        let name = path.to_string();
        let (old, new) = (self.lossy(before), after.map(|(id, _)| self.lossy(id)).unwrap_or_default());
        if settings::split(&name).1 == "package.json" {
            let none = BTreeSet::new();
            let reached = self.gate.manifests.get(path).unwrap_or(&none);
            let found = manifest::compare(reached, &old, &new)?;
            let part = if found.how == How::GateChanged { Part::Gate } else { Part::Settings };
            return Some((part, found));
        }
        if !settings::is_shared(&name) {
            return None;
        }
        let folder = settings::split(&name).0;
        let has = |file: &str| {
            let path = if folder.is_empty() { file.to_owned() } else { format!("{folder}/{file}") };
            entry_at(self.before, &RepoPath::from(path)).is_some()
        };
        settings::compare(&name, &old, &new, has).map(|found| (Part::Settings, found))
    }

    fn compared(&self, part: Part, path: &RepoPath, (before, after): (Oid, Oid)) -> Option<Found> {
        let (Some(old), new) = (self.text(before), self.text(after)) else {
            // A file that is too large, or no text: it changed, and nothing more is known.
            return match part {
                Part::Gate => Some(Found::whole(How::GateChanged)),
                Part::Tests | Part::Settings => Some(Found::whole(How::Changed)),
                Part::Inline => None,
            };
        };
        let Some(new) = new else {
            return Some(Found::whole(match part {
                Part::Gate => How::GateChanged,
                Part::Tests | Part::Settings | Part::Inline => {
                    How::Muted("it is no text in UTF-8 any more".to_owned())
                }
            }));
        };
        let language = Language::from_path(&path.to_string(), &old);
        match part {
            Part::Gate => gate_scripts::compare(language, &old, &new),
            Part::Tests => structure::compare(language, &old, &new),
            Part::Inline => inline::compare(&old, &new),
            Part::Settings => {
                structure::compare(language, &old, &new).or_else(|| changed_settings(language, &old, &new))
            }
        }
    }
}

fn rank(collected: Collected) -> u8 {
    match collected {
        Collected::Yes => 0,
        Collected::Perhaps => 1,
        Collected::No => 2,
    }
}

/// Returns the change of a file whose content is the same, but which is no longer executable, or no longer a
/// file.
fn mode_change(part: Part, before: i32, after: i32) -> Option<Found> {
    let how = match part {
        Part::Gate => How::GateChanged,
        Part::Tests | Part::Settings => How::Changed,
        Part::Inline => return None,
    };
    // A file that can be executed now takes nothing away.
    let is_harmless = before == after || (before, after) == (0o100_644, 0o100_755);
    (!is_harmless).then(|| Found { how, line: None, was: Some(format!("mode {before:o} is now {after:o}")) })
}

/// Returns the change of settings that has no mark: any line may matter.
fn changed_settings(language: Language, before: &str, after: &str) -> Option<Found> {
    // In a `conftest.py` new fixtures are as harmless as new tests.
    if language == Language::Python {
        return None;
    }
    let codes =
        |text: &str| scan(language, text).into_iter().map(|line| line.code + &line.text).collect::<Vec<_>>();
    if codes(before) == codes(after) {
        return None;
    }
    let gone = first_gone(before, after).or_else(|| first_gone(after, before));
    Some(gone.map_or(Found::whole(How::Changed), |(line, was)| Found::text(How::Changed, line, was)))
}
