//! What a command reported of its tests: runners, names and counts.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use paddock_model::evidence::{Source, Tests};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Name of the runner of tests that a JUnit report names.
pub(crate) const JUNIT: &str = "JUnit";
/// Most names that a report keeps. Further tests are only counted.
pub(crate) const NAMES_MAX: usize = 200_000;

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Status {
    /// It ran and passed.
    #[serde(rename = "p")]
    Passed,
    /// It did not run, or its failure was expected.
    #[serde(rename = "s")]
    Skipped,
    /// It failed.
    #[serde(rename = "f")]
    Failed,
}

/// Numbers of tests by how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
    /// Tests that did not run, or whose failure was expected.
    pub skipped: u64,
}

impl Counts {
    /// Returns the number of all tests.
    #[must_use]
    pub fn total(self) -> u64 {
        self.passed.saturating_add(self.failed).saturating_add(self.skipped)
    }

    /// Counts one more test.
    pub fn add(&mut self, status: Status) {
        let field = match status {
            Status::Passed => &mut self.passed,
            Status::Failed => &mut self.failed,
            Status::Skipped => &mut self.skipped,
        };
        *field = field.saturating_add(1);
    }

    /// Adds the numbers of another summary.
    pub fn add_all(&mut self, other: Self) {
        self.passed = self.passed.saturating_add(other.passed);
        self.failed = self.failed.saturating_add(other.failed);
        self.skipped = self.skipped.saturating_add(other.skipped);
    }
}

/// The tests of one runner, over all its summaries in one output.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ran {
    /// Sums of the summaries.
    pub counts: Counts,
    /// Tests that passed by summaries whose progress was printed as well: the sign or line of each test or file
    /// before it. A program can print a summary of its own; where the base has the progress, one without it
    /// does not count.
    pub backed: u64,
    /// Normalised names of the tests that the runner named. A name that occurs again has ` #2` after it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tests: BTreeMap<String, Status>,
    /// Whether the names are too many to be kept, so that only the counts are known.
    #[serde(skip_serializing_if = "is_false")]
    pub is_cut: bool,
    /// How the tests of a name ended that occurred more than once.
    #[serde(skip)]
    repeated: Repeated,
}

/// A counter that does not take part in comparisons of reports.
#[derive(Debug, Clone, Default)]
struct Repeated(HashMap<String, Counts>);

impl PartialEq for Repeated {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Repeated {}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

impl Ran {
    /// Adds a test. `max` is the number of names that may be kept.
    fn name(&mut self, name: String, status: Status, max: usize) {
        if self.is_cut {
            return;
        }
        if self.tests.len() >= max {
            // Some names would look like all names.
            (self.is_cut, self.tests) = (true, BTreeMap::new());
            return;
        }
        let (name, first) = match self.tests.entry(name) {
            Entry::Vacant(free) => {
                free.insert(status);
                return;
            }
            Entry::Occupied(taken) => (taken.key().clone(), *taken.get()),
        };
        // Those that passed have the first numbers, then those that were skipped: the numbers must not depend on
        // the order in which the tests of one name end.
        let counts = self.repeated.0.entry(name.clone()).or_insert_with(|| {
            let mut counts = Counts::default();
            counts.add(first);
            counts
        });
        counts.add(status);
        let mut last = 0;
        for (class, count) in [
            (Status::Passed, counts.passed),
            (Status::Skipped, counts.skipped),
            (Status::Failed, counts.failed),
        ] {
            last += count;
            // One more test before them moves the last place of each class by one.
            if class >= status && count > 0 {
                let place = if last == 1 { name.clone() } else { format!("{name} #{last}") };
                self.tests.insert(place, class);
            }
        }
    }

    /// Returns the names of the tests that ended so, sorted.
    pub fn names(&self, status: Status) -> impl Iterator<Item = &str> {
        self.tests.iter().filter(move |(_, one)| **one == status).map(|(name, _)| name.as_str())
    }

    /// Returns the numbers of the tests that are named.
    #[must_use]
    pub fn named(&self) -> Counts {
        let mut counts = Counts::default();
        self.tests.values().for_each(|status| counts.add(*status));
        counts
    }

    /// Returns whether the runner named tests that passed, so that a missing name is a missing test.
    #[must_use]
    pub fn is_named(&self) -> bool {
        self.tests.values().any(|status| *status == Status::Passed)
    }

    /// Returns the numbers that count: where tests are named, no more than the named ones passed.
    #[must_use]
    pub fn shown(&self) -> Counts {
        let named = self.named();
        let failed = self.counts.failed.max(named.failed);
        let skipped = self.counts.skipped.max(named.skipped);
        match named.passed {
            0 => Counts { failed, skipped, ..self.counts },
            passed => Counts { passed: passed.min(self.counts.passed), failed, skipped },
        }
    }
}

/// What the output of one command, or a report that it wrote, says of its tests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// The tests of each runner whose summary, or whose tests, were read, by the runner's name.
    pub runners: BTreeMap<String, Ran>,
    /// Runners that began and printed no summary, or one with fewer tests than they had announced.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub unfinished: BTreeSet<String>,
    /// The first runner whose summary counts no test that ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_none: Option<String>,
    /// Whether a test ran somewhere.
    has_run: bool,
    /// Failures in lines that belong to no summary.
    #[serde(skip_serializing_if = "is_zero")]
    stray_failures: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

impl Report {
    /// Records a summary: its numbers, and how many tests the runner says that it ran.
    pub(crate) fn summary_line(&mut self, runner: &str, counts: Counts, ran: u64) {
        self.backed_line(runner, counts, ran, true);
    }

    /// Records a summary, and whether the progress before it was read.
    pub(crate) fn backed_line(&mut self, runner: &str, counts: Counts, ran: u64, is_backed: bool) {
        let mine = self.ran(runner);
        mine.counts.add_all(counts);
        if is_backed {
            mine.backed = mine.backed.saturating_add(counts.passed);
        }
        match ran {
            0 if self.first_none.is_none() => self.first_none = Some(runner.to_owned()),
            0 => {}
            _ => self.has_run = true,
        }
    }

    /// Records a test that a runner named. The name must be normalised.
    pub(crate) fn test(&mut self, runner: &str, name: String, status: Status) {
        let others: usize = self.runners.values().map(|ran| ran.tests.len()).sum();
        let ran = self.ran(runner);
        let max = NAMES_MAX.saturating_sub(others.saturating_sub(ran.tests.len()));
        ran.name(name, status, max);
    }

    /// Records failures that no summary counts.
    pub(crate) fn stray_failures(&mut self, count: u64) {
        self.stray_failures = self.stray_failures.saturating_add(count);
    }

    /// Records that a runner began and did not end as it should.
    pub(crate) fn unfinished(&mut self, runner: &str) {
        self.unfinished.insert(runner.to_owned());
    }

    /// Records that a runner named too many tests, so that only their numbers are known.
    pub(crate) fn cut(&mut self, runner: &str) {
        let ran = self.ran(runner);
        (ran.is_cut, ran.tests) = (true, BTreeMap::new());
    }

    fn ran(&mut self, runner: &str) -> &mut Ran {
        // Names of runners are few; a lookup first saves the allocation per test.
        if !self.runners.contains_key(runner) {
            self.runners.insert(runner.to_owned(), Ran::default());
        }
        self.runners.entry(runner.to_owned()).or_default()
    }

    /// Adds what another report says, such as a JUnit file beside the output.
    pub fn merge(&mut self, other: Self) {
        for (runner, ran) in other.runners {
            let mine = self.ran(&runner);
            mine.counts.add_all(ran.counts);
            mine.backed = mine.backed.saturating_add(ran.backed);
            for (name, status) in ran.tests {
                self.test(&runner, name, status);
            }
            if ran.is_cut {
                self.cut(&runner);
            }
        }
        self.unfinished.extend(other.unfinished);
        self.first_none = self.first_none.take().or(other.first_none);
        self.has_run |= other.has_run;
        self.stray_failures(other.stray_failures);
    }

    /// Returns the first runner that reported no test, unless a test ran somewhere.
    #[must_use]
    pub fn nothing_ran(&self) -> Option<&str> {
        self.first_none.as_deref().filter(|_| !self.has_run)
    }

    /// Returns the number of failures that the output shows, also where no summary can be read.
    #[must_use]
    pub fn failures(&self) -> u64 {
        let shown = self.runners.values().map(|ran| ran.shown().failed);
        shown.fold(self.stray_failures, u64::saturating_add)
    }

    /// Returns how many names are kept.
    #[must_use]
    pub fn names_len(&self) -> usize {
        self.runners.values().map(|ran| ran.tests.len()).sum()
    }

    /// Returns the evidence for people and the proof. A JUnit report counts alone: the summaries beside it
    /// count the same tests.
    #[must_use]
    pub fn summary(&self) -> Tests {
        let junit = self.runners.get(JUNIT);
        let counted: Vec<&Ran> = match junit {
            Some(ran) => vec![ran],
            None => self.runners.values().collect(),
        };
        if counted.is_empty() {
            return Tests::untold();
        }
        let mut counts = Counts::default();
        counted.iter().for_each(|ran| counts.add_all(ran.shown()));
        let is_named = |ran: &&Ran| ran.is_named() || ran.counts.passed == 0;
        let has_names = counted.iter().any(|ran| ran.is_named());
        let source = match junit {
            Some(_) => Source::Junit,
            None if has_names && counted.iter().all(is_named) => Source::Runner,
            None => Source::Count,
        };
        Tests {
            passed: counts.passed,
            failed: counts.failed,
            skipped: counts.skipped,
            source,
            runners: self.runners.keys().cloned().collect(),
            names_sha256: has_names.then(|| names_sha256(&counted)),
        }
    }
}

/// Returns the SHA-256 of the sorted names of the tests that passed, one per line, in hexadecimal digits.
fn names_sha256(counted: &[&Ran]) -> String {
    let mut names: Vec<&str> = counted.iter().flat_map(|ran| ran.names(Status::Passed)).collect();
    names.sort_unstable();
    let mut hash = Sha256::new();
    for name in names {
        hash.update(name.as_bytes());
        hash.update(b"\n");
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
