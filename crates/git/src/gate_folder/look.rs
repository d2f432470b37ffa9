//! Comparing a gate folder with its commit while the gate runs: once after each command, which is also the
//! look before the next one.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::super::error::GitError;
use super::super::repository::{Repository, oid};
use super::super::tampering::is_gate_file;
use super::super::worktree::{Place, write_if_other};
use super::checkout::Checkout;
use super::compare::Comparison;
use super::conversion::Conversion;
use super::hold::{no_own_repository, now};
use super::kept::KeptFolders;
use super::record::{Known, SetUp, index_file};
use super::submodules::{Inspected, Submodules};
use super::table::{Seen, StatTrust};
use super::tree::{Tracked, is_below, name, parent};
use super::walk::{Survey, Walk};
use super::{GatePlace, MARKER};
use paddock_model::gate::ChangedFiles;
use paddock_model::ids::ObjectId;
use paddock_model::path::RepoPath;
use paddock_model::scope::Globs;

/// Most untracked paths that a look names.
const LEFT_MAX: usize = 20;

/// Names by which test runners find their configuration. A new file of such a name changes what the next
/// command tests.
const RUNNER_FILES: [&str; 8] = [
    ".rspec",
    "conftest.py",
    "noxfile.py",
    "pytest.ini",
    "sitecustomize.py",
    "tox.ini",
    "usercustomize.py",
    ".config/nextest.toml",
];

/// Beginnings of such names.
const RUNNER_PREFIXES: [&str; 6] =
    [".mocharc.", "jest.config.", "karma.conf.", "phpunit.xml", "playwright.config.", "vitest.config."];

/// What a look compares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookOrder {
    /// The gate folder.
    pub place: GatePlace,
    /// Folder of the repository.
    pub repo_root: PathBuf,
    /// The gate folder's own git directory.
    pub git_dir: PathBuf,
    /// Commit that the folder holds.
    pub commit: ObjectId,
    /// As in [`super::HoldOrder::kept`].
    pub kept: Vec<String>,
    /// Patterns of tests, and of files by which the gate judges.
    pub gate_patterns: Vec<String>,
    /// Paths that the gate's commands may name, from [`crate::gate_paths`].
    pub gate_paths: Vec<String>,
    /// Whether the set-up ran before, not a command of the gate.
    pub is_set_up: bool,
    /// Whether changed files are to be written again, because another command follows.
    pub must_mend: bool,
    /// What git may run, from the record of trust: see [`Repository::agreeing`].
    #[serde(default)]
    pub agreed: BTreeMap<String, String>,
}

/// What a look found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// Tracked files that differed from the commit; `None` if there were none.
    pub changed: Option<ChangedFiles>,
    /// Untracked paths that the set-up left outside of what is kept, at most twenty. They are gone in the
    /// next run, so the set-up must make them again.
    pub left: Vec<RepoPath>,
    /// Submodules that a command moved to another commit or emptied.
    pub wrong_submodules: Vec<RepoPath>,
}

/// Compares a gate folder with the commit that it holds, and writes changed files again if the order asks for
/// it. After the set-up, submodules that it filled are remembered.
///
/// # Errors
/// [`GitError::Submodule`] if the set-up brought a submodule to another commit, or if a command did and
/// another command follows; [`GitError::NotHeld`] if a file cannot be written again; else whatever git or the
/// file system reports. The run then says nothing about the commit.
pub fn look(order: &LookOrder, trust: StatTrust) -> Result<Looked, GitError> {
    let repository = Repository::open(&order.repo_root)?.agreeing(order.agreed.clone());
    if order.must_mend {
        repository.refuse_needed(&order.commit)?;
    }
    let folder = order.place.folder.as_path();
    let unknown = |what: &str| GitError::Unexpected(format!("nobody knows {what} {}", folder.display()));
    let mut known = Known::read(&order.place.private).ok_or_else(|| unknown("what was in"))?;
    let library = repository.library()?;
    let tree = library.find_commit(oid(&order.commit)?)?.tree_id();
    if known.table.of != tree.to_string() {
        return Err(unknown("this commit in"));
    }
    if order.must_mend {
        no_own_repository(folder)?;
        Place { repository: &repository, path: folder, marker: MARKER }.repair(&order.git_dir)?;
    }
    let tracked = Tracked::read(&library, tree)?;
    let kept = KeptFolders::new(&order.kept, &index_file(&order.place.private))?.on_disk(folder)?;
    let looked_ns = now(folder)?;
    let walk = Walk { root: folder, tracked: &tracked, kept: &kept, table: &known.table, trust };
    let survey = walk.survey()?;
    let checkout =
        Checkout { repository: &repository, git_dir: &order.git_dir, folder, private: &order.place.private };
    let conversion = match survey.populated.is_empty() {
        true => Conversion::default(),
        false => Conversion::read(&checkout)?,
    };
    let looking = Looking { order, checkout, tracked: &tracked, conversion: &conversion, trust };
    let (looked, right) = looking.look(survey, &mut known)?;
    // What changed at the time of the last look, or later, is read at every look until a newer one is stored.
    let is_recent = |seen: &Seen| seen.stat.changed_ns >= known.table.looked_ns;
    if order.is_set_up || known.table.entries != right || right.values().any(is_recent) {
        known.table.entries = right;
        known.table.looked_ns = looked_ns;
        known.write(&order.place.private)?;
    }
    Ok(looked)
}

/// One call of [`look`], once everything is read.
struct Looking<'a> {
    order: &'a LookOrder,
    checkout: Checkout<'a>,
    tracked: &'a Tracked,
    conversion: &'a Conversion,
    trust: StatTrust,
}

impl Looking<'_> {
    /// Returns what was found, and the new entries of the table.
    fn look(
        &self,
        mut survey: Survey,
        known: &mut Known,
    ) -> Result<(Looked, BTreeMap<RepoPath, Seen>), GitError> {
        let mut changed = Vec::new();
        let wrong_submodules = self.submodules(&survey, known, &mut changed)?;
        self.runner_files(&survey, known, &mut changed)?;
        let comparison =
            Comparison { checkout: self.checkout, tracked: self.tracked, known, conversion: self.conversion };
        let compared = comparison.compare(std::mem::take(&mut survey.files))?;
        changed.extend(compared.wrong.keys().cloned());
        let mut right = compared.right;
        if self.order.must_mend {
            // A crash between writing the files and storing the table leaves a table that is still true: it
            // says what must be there.
            right.extend(comparison.mend(&compared.wrong)?);
            comparison.restore_folders(&mut right)?;
            if !compared.wrong.is_empty() {
                write_if_other(&self.checkout.git_dir.join("HEAD"), &format!("{}\n", self.order.commit))?;
                self.checkout.restore_index()?;
            }
        }
        for (path, seen) in &known.table.entries {
            // What stays wrong is compared with the same at the next look.
            if !right.contains_key(path) {
                right.insert(path.clone(), seen.clone());
            }
        }
        let left = if self.order.is_set_up { self.left(&survey)? } else { Vec::new() };
        Ok((Looked { changed: self.report(changed)?, left, wrong_submodules }, right))
    }

    /// Compares the submodules that the set-up filled. Adds their changed files to `changed` and returns
    /// those that are not at their commit.
    fn submodules(
        &self,
        survey: &Survey,
        known: &mut Known,
        changed: &mut Vec<RepoPath>,
    ) -> Result<Vec<RepoPath>, GitError> {
        let submodules =
            Submodules { checkout: self.checkout, conversion: self.conversion, trust: self.trust };
        if self.order.is_set_up {
            known.record.submodules.clear();
            for path in &survey.populated {
                let Some(commit) = self.tracked.submodules.get(path) else { continue };
                let found = submodules.inspect(path, *commit)?;
                refuse(path, &found)?;
                known.record.submodules.extend(found.filled);
            }
            return Ok(Vec::new());
        }
        let mut misplaced = Vec::new();
        let set_up: Vec<(&RepoPath, &SetUp)> = known.record.submodules.iter().collect();
        for (path, _) in &set_up {
            // Submodules inside others are compared with the outer ones.
            let Some(commit) = self.tracked.submodules.get(*path) else { continue };
            let mut found = match survey.populated.contains(path) {
                true => submodules.inspect(path, *commit)?,
                false => Inspected::default(),
            };
            // Nobody looked into one that is at another commit.
            let was_read = !found.misplaced.contains_key(*path);
            for (inner, _) in set_up.iter().filter(|(inner, _)| inner == path || is_below(inner, path)) {
                let is_known = found.filled.contains_key(*inner) || found.misplaced.contains_key(*inner);
                if was_read && !is_known {
                    found.misplaced.insert((*inner).clone(), "it is empty".to_owned());
                }
            }
            // Those that a command filled itself are its own affair.
            found.misplaced.retain(|inner, _| known.record.submodules.contains_key(inner));
            if self.order.must_mend {
                if !found.misplaced.is_empty() {
                    refuse(path, &found)?;
                }
                submodules.mend(path, &found.wrong)?;
            }
            changed.extend(found.wrong.into_keys());
            misplaced.extend(found.misplaced.into_keys());
        }
        Ok(misplaced)
    }

    /// Adds new configuration of test runners to `changed`. What the set-up made is only remembered.
    fn runner_files(
        &self,
        survey: &Survey,
        known: &mut Known,
        changed: &mut Vec<RepoPath>,
    ) -> Result<(), GitError> {
        let mut found = BTreeMap::new();
        for path in &survey.strangers {
            let folder = parent(path);
            let is_beside_files = folder.as_bytes().is_empty() || self.tracked.folders.contains(&folder);
            if !is_beside_files {
                continue;
            }
            let inner = RepoPath::new([path.as_bytes(), b"/nextest.toml"].concat());
            for path in [path, &inner] {
                let full = self.checkout.folder.join(path.as_path());
                if is_runner_file(path)
                    && let Some(seen) = Seen::read(&full).map_err(GitError::io(&full))?
                {
                    found.insert(path.clone(), seen.content);
                }
            }
        }
        if self.order.is_set_up {
            known.record.made = found;
            return Ok(());
        }
        let is_new = |(path, content): &(RepoPath, [u8; 32])| known.record.made.get(path) != Some(content);
        changed.extend(found.into_iter().filter(is_new).map(|(path, _)| path));
        Ok(())
    }

    /// Returns the untracked paths that the next run will not have.
    fn left(&self, survey: &Survey) -> Result<Vec<RepoPath>, GitError> {
        let ignored = self.checkout.ignored(&survey.kept)?;
        let unignored = survey.kept.iter().filter(|path| !ignored.contains(*path));
        let is_cache = |path: &&RepoPath| name(path) == b"__pycache__";
        let left = survey.strangers.iter().chain(unignored).filter(|path| !is_cache(path));
        Ok(left.take(LEFT_MAX).cloned().collect())
    }

    /// Returns the report on changed files: those by which the gate judges come first.
    fn report(&self, changed: Vec<RepoPath>) -> Result<Option<ChangedFiles>, GitError> {
        let broken = |error: paddock_model::scope::ScopeError| GitError::Unexpected(error.to_string());
        let patterns = Globs::new(&self.order.gate_patterns).map_err(broken)?;
        let named: Vec<RepoPath> =
            self.order.gate_paths.iter().map(|path| RepoPath::from(path.as_str())).collect();
        let is_gate = |path: &RepoPath| {
            patterns.matches(path.as_bytes())
                || (named.contains(path) && is_gate_file(path.as_bytes()))
                // Only new ones get here untracked.
                || (is_runner_file(path) && !self.tracked.files.contains_key(path))
        };
        let count = u64::try_from(changed.len()).unwrap_or(u64::MAX);
        let (mut paths, others): (Vec<_>, Vec<_>) = changed.into_iter().partition(is_gate);
        let judges = !paths.is_empty();
        paths.extend(others);
        paths.truncate(ChangedFiles::NAMED_MAX);
        // A set-up may change anything: it is all written again before the gate begins.
        let is_gate = judges && !self.order.is_set_up;
        Ok(if count == 0 { None } else { Some(ChangedFiles { paths, count, is_gate }) })
    }
}

/// Fails if a submodule, or one inside it, differs from its commit.
fn refuse(top: &RepoPath, found: &Inspected) -> Result<(), GitError> {
    let problem = match (found.misplaced.first_key_value(), found.wrong.keys().next()) {
        (Some((path, problem)), _) if path == top => problem.clone(),
        (Some((path, problem)), _) => format!("{path} inside: {problem}"),
        (None, Some(path)) => format!("{path} differs"),
        (None, None) => return Ok(()),
    };
    Err(GitError::Submodule { path: top.to_string(), problem })
}

fn is_runner_file(path: &RepoPath) -> bool {
    let Ok(text) = std::str::from_utf8(path.as_bytes()) else { return false };
    let last = text.rsplit('/').next().unwrap_or(text);
    let is_named = |name: &&str| match name.contains('/') {
        true => text == *name || text.strip_suffix(*name).is_some_and(|front| front.ends_with('/')),
        false => last == *name,
    };
    RUNNER_FILES.iter().any(is_named) || RUNNER_PREFIXES.iter().any(|p| last.starts_with(p))
}
