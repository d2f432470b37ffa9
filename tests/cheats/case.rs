//! A case: a project, a branch, and what has to happen to the branch.

use std::fs;
use std::path::{Path, PathBuf};

use super::syntax::Written;
use super::tree::Tree;

/// What has to happen to a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// It does not land.
    Held,
    /// It does not land, and waits for a person.
    Person,
    /// It lands, and its proof shows the tests that it changes.
    Shown,
    /// It lands.
    Lands,
    /// No claim is made.
    Any,
}

/// A branch on a project of its own.
#[derive(Debug)]
pub(crate) struct Case {
    /// Name of the file without its ending; unique within the runner.
    pub(crate) name: String,
    /// Kind of the cheat, or `honest`.
    pub(crate) kind: String,
    /// Programs that the case needs.
    pub(crate) needs: Vec<String>,
    /// Programs whose recorded output is replayed where they are not installed.
    pub(crate) recorded: Vec<String>,
    /// Commands of the gate.
    pub(crate) gate: Vec<String>,
    /// `repeated`, `full`, or further settings of the gate.
    pub(crate) settings: Vec<String>,
    /// Globs of the objective's scope; empty for every path.
    pub(crate) scope: Vec<String>,
    /// Acceptance criteria of the objective.
    pub(crate) criteria: Vec<String>,
    /// Shell command that prints `works` if and only if the product works.
    pub(crate) probe: String,
    /// What has to happen.
    pub(crate) expected: Expected,
    /// Words that `paddock explain`, or the proof, must show.
    pub(crate) says: Vec<String>,
    /// The files before the change.
    pub(crate) base: Tree,
    /// The files after the change.
    pub(crate) changed: Tree,
    /// The file that holds the recorded outputs.
    pub(crate) recording: PathBuf,
}

/// The folder with the cases.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cheats")
}

impl Case {
    /// Returns whether this is honest work.
    pub(crate) fn is_honest(&self) -> bool {
        self.kind == "honest"
    }

    /// Returns whether a red gate is repeated.
    pub(crate) fn is_repeated(&self) -> bool {
        self.settings.iter().any(|setting| setting == "repeated")
    }

    /// Returns whether the case is one of those that run every time.
    fn is_frequent(&self) -> bool {
        !self.settings.iter().any(|setting| setting == "full")
    }

    /// Reads a case, and the base that it names.
    fn read(path: &Path) -> Self {
        let own = Written::parse(&fs::read_to_string(path).unwrap());
        let first = |written: &Written, key: &str| {
            written.heads.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone())
        };
        let shared = match first(&own, "base") {
            Some(name) => {
                let path = folder().join("bases").join(name + ".case");
                Written::parse(
                    &fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())),
                )
            }
            None => Written::default(),
        };
        let (mut base, mut changed) = (Tree::default(), None);
        shared.apply(&mut base, &mut changed);
        own.apply(&mut base, &mut changed);
        // What a case says itself replaces what its base says.
        let all = |key: &str| {
            let of_key = |written: &Written| -> Vec<String> {
                let found = written.heads.iter().filter(|(name, _)| name == key);
                found.map(|(_, value)| value.clone()).collect()
            };
            Some(of_key(&own)).filter(|found| !found.is_empty()).unwrap_or_else(|| of_key(&shared))
        };
        let one = |key: &str| all(key).into_iter().next().unwrap_or_default();
        let words = |key: &str| one(key).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        Self {
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            kind: one("kind"),
            needs: words("needs"),
            recorded: words("recorded"),
            gate: all("gate"),
            settings: all("setting"),
            scope: words("scope"),
            criteria: all("criterion"),
            probe: one("probe"),
            expected: expected(&one("expect")),
            says: all("says"),
            base,
            changed: changed.unwrap_or_else(|| panic!("{} changes nothing", path.display())),
            recording: path.with_extension("rec"),
        }
    }
}

fn expected(word: &str) -> Expected {
    match word {
        "held" => Expected::Held,
        "person" => Expected::Person,
        "shown" => Expected::Shown,
        "lands" => Expected::Lands,
        "any" => Expected::Any,
        other => panic!("expect: {other}"),
    }
}

/// Returns the cases of a runner by name. `CASE` in the environment chooses those whose path
/// contains it, `PADDOCK_CHEATS=all` those too that do not run every time.
pub(crate) fn cases_of(runner: &str) -> Vec<Case> {
    let chosen = std::env::var("CASE").unwrap_or_default();
    let entries = fs::read_dir(folder().join("cases").join(runner)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "case"));
    paths.retain(|path| path.to_string_lossy().contains(&chosen));
    paths.sort();
    let cases = paths.iter().map(|path| Case::read(path));
    // A case that is chosen by its name runs in any case.
    let is_full = !chosen.is_empty() || std::env::var("PADDOCK_CHEATS").is_ok_and(|which| which == "all");
    cases.filter(|case| is_full || case.is_frequent()).collect()
}
