//! Compares the trees at both ends of a branch, file by file.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use git2::Oid;

use super::super::objects::blob_within;
use super::super::snapshot::Snapshot;
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
/// Added files among which these are sought, so that a branch of many deleted and many added files does not cost
/// the product of both.
const LOOKED_AT_MAX: usize = 1_000;
/// Bytes of added code in which deleted tests are sought. What is not found counts as deleted.
const CODE_BYTES_MAX: usize = 8 << 20;

/// Comparison of the trees at both ends of a branch.
pub(super) struct Comparison<'a, 'r> {
    pub library: &'a git2::Repository,
    pub before: &'a Snapshot<'r>,
    pub after: &'a Snapshot<'r>,
    pub tests: &'a Globs,
    pub gate: &'a Gate,
}

impl Comparison<'_, '_> {
    /// Returns what the branch did, for the guard to know, in the order of the paths.
    pub(super) fn changes(&self, changed: &BTreeSet<RepoPath>, max: usize) -> Vec<Tampered> {
        let added = AddedFiles::new(self, changed);
        let mut found = Vec::new();
        for path in changed {
            let change = match self.moved(path, &added) {
                Some(change) => change.map(|change| change.into_fact(path.clone(), Part::Tests)),
                None => self.change_of(path, &added),
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
        let blob = blob_within(self.library, id, TEXT_BYTES_MAX)?;
        std::str::from_utf8(blob.content()).ok().map(str::to_owned)
    }

    fn lossy(&self, id: Oid) -> String {
        let blob = blob_within(self.library, id, TEXT_BYTES_MAX);
        blob.map(|blob| String::from_utf8_lossy(blob.content()).into_owned()).unwrap_or_default()
    }

    /// Returns what a move did to a test that is gone from its path: `Some(None)` if nothing, `None` if no
    /// added file has its content.
    fn moved(&self, path: &RepoPath, added: &AddedFiles<'_>) -> Option<Option<Found>> {
        let (before, mode) = self.before.entry(path)?;
        let is_gone = is_file(mode) && self.after.entry(path).is_none();
        if !is_gone || self.part(path) != Some(Part::Tests) {
            return None;
        }
        let judged = |to: &RepoPath| match self.is_test(to) {
            true => is_collected(&path.to_string(), &to.to_string()),
            false => Collected::No,
        };
        let now = |to: &RepoPath| Found::text(How::Changed, 1, &format!("now {to}"));
        // Any copy that is found is enough.
        let best = added.copies(before, path).map(|to| (to, judged(to)));
        let best = best.min_by_key(|(_, collected)| rank(*collected));
        match best {
            Some((_, Collected::Yes)) => return Some(None),
            Some((to, Collected::Perhaps)) => return Some(Some(now(to))),
            Some((_, Collected::No)) | None => {}
        }
        let text = self.text(before)?;
        let tests = added.tests.iter().take(LOOKED_AT_MAX).filter(|(to, _)| judged(to) != Collected::No);
        let mut alike = tests.take(CANDIDATES_MAX).filter_map(|(to, id)| {
            let found = similar(path, &text, &self.text(*id)?)?;
            Some(found.or_else(|| (judged(to) == Collected::Perhaps).then(|| now(to))))
        });
        alike.next().or_else(|| best.map(|(to, _)| Some(Found::whole(How::MovedAway(to.clone())))))
    }

    /// Returns what the branch did to one path, if the guard has to know.
    fn change_of(&self, path: &RepoPath, added: &AddedFiles<'_>) -> Option<Tampered> {
        let fact = |part: Part, found: Found| Some(found.into_fact(path.clone(), part));
        let before = self.before.entry(path).filter(|(_, mode)| *mode != 0o040_000);
        let Some((before, mode)) = before else {
            let (part, found) = self.added(path)?;
            return fact(part, found);
        };
        let after = self.after.entry(path);
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
        if part == Part::Inline && matches!(found.how, How::Fewer(..)) && self.is_moved_out(before, added) {
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
    fn is_moved_out(&self, before: Oid, added: &AddedFiles<'_>) -> bool {
        let text = self.lossy(before);
        let lines = scan(Language::Rust, &text);
        let mut wanted = lines.iter().filter(|line| line.code.contains("assert"));
        let code = added.rust_code(self);
        !code.is_empty() && wanted.all(|line| code.iter().any(|text| text.contains(&line.text)))
    }

    /// Returns what an added file does to existing tests, if it affects them.
    fn added(&self, path: &RepoPath) -> Option<(Part, Found)> {
        let (id, mode) = self.after.entry(path)?;
        let text = if mode == 0o160_000 { String::new() } else { self.lossy(id) };
        let has = |path: &str| self.before.entry(&RepoPath::from(path)).is_some();
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
            self.before.entry(&RepoPath::from(path)).is_some()
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

/// The files that a branch adds, as candidates for where tests have gone.
struct AddedFiles<'c> {
    /// By content.
    by_id: BTreeMap<Oid, Vec<&'c RepoPath>>,
    /// Those that are tests.
    tests: Vec<(&'c RepoPath, Oid)>,
    /// Those with code in Rust.
    rust: Vec<Oid>,
    /// Texts of `rust`, once somebody asks for them.
    code: OnceCell<Vec<String>>,
}

impl<'c> AddedFiles<'c> {
    fn new(comparison: &Comparison<'_, '_>, changed: &'c BTreeSet<RepoPath>) -> Self {
        let (mut by_id, mut tests, mut rust) = (BTreeMap::<_, Vec<_>>::new(), Vec::new(), Vec::new());
        for path in changed.iter().filter(|path| comparison.before.entry(path).is_none()) {
            let Some((id, mode)) = comparison.after.entry(path) else { continue };
            if path.as_bytes().ends_with(b".rs") {
                rust.push(id);
            }
            if is_file(mode) {
                by_id.entry(id).or_default().push(path);
                tests.extend(comparison.is_test(path).then_some((path, id)));
            }
        }
        Self { by_id, tests, rust, code: OnceCell::new() }
    }

    /// Returns added files with this content: those with the name of `path` first, and not all of them if
    /// there are very many.
    fn copies(&self, id: Oid, path: &RepoPath) -> impl Iterator<Item = &'c RepoPath> {
        let all = self.by_id.get(&id).map_or(&[][..], Vec::as_slice);
        let name = |path: &RepoPath| path.as_bytes().rsplit(|byte| *byte == b'/').next().map(<[u8]>::to_vec);
        let own = name(path);
        let near = all.iter().take(LOOKED_AT_MAX).filter(move |to| name(to) == own);
        near.take(CANDIDATES_MAX).chain(all.iter().take(CANDIDATES_MAX)).copied()
    }

    /// Returns the texts of the added files in Rust, read once.
    fn rust_code(&self, comparison: &Comparison<'_, '_>) -> &[String] {
        self.code.get_or_init(|| {
            let mut left = CODE_BYTES_MAX;
            let texts = self.rust.iter().filter_map(|id| comparison.text(*id));
            texts
                .take_while(|text| {
                    let fits = left.checked_sub(text.len());
                    left = fits.unwrap_or(0);
                    fits.is_some()
                })
                .collect()
        })
    }
}

fn is_file(mode: i32) -> bool {
    matches!(mode, 0o100_644 | 0o100_755)
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
