//! One reader per runner, and the tests that a runner has named so far.

pub(crate) mod ctest;
pub(crate) mod dotnet;
pub(crate) mod go;
pub(crate) mod java;
pub(crate) mod libtest;
pub(crate) mod nextest;
pub(crate) mod prove;
pub(crate) mod pytest;
pub(crate) mod ruby;
pub(crate) mod script;
pub(crate) mod tap;
pub(crate) mod tree;
pub(crate) mod tree_summaries;
pub(crate) mod unittest;

use std::collections::{HashMap, HashSet};

use super::names::normalised;
use super::report::{Counts, NAMES_MAX, Report, Status};

/// Reads the lines of one runner.
pub(crate) trait Reader {
    /// Reads a line without the white space at its end. Returns whether the line is one of this runner, so
    /// that no other reader needs to see it.
    fn line(&mut self, line: &str, report: &mut Report) -> bool;

    /// Records what is open when the output ends.
    fn finish(&mut self, _report: &mut Report) {}
}

/// Tests that a runner has named since it began.
#[derive(Default)]
pub(crate) struct Named {
    tests: Vec<(String, Status)>,
    /// Places of the names that were set.
    places: HashMap<String, usize>,
    /// Places of the tests whose subtests came before them.
    parents: Vec<usize>,
    is_cut: bool,
}

impl Named {
    /// Adds a test, also if one of this name is there.
    pub(crate) fn push(&mut self, name: &str, status: Status) {
        if self.tests.len() < NAMES_MAX {
            self.tests.push((normalised(name), status));
        } else {
            self.is_cut = true;
        }
    }

    /// Adds a test, or the worse end of a test that is named several times.
    pub(crate) fn set(&mut self, name: &str, status: Status) {
        self.put(name, |before| before.max(status), status);
    }

    /// Adds a test, or the last end of a test that is tried several times.
    pub(crate) fn set_last(&mut self, name: &str, status: Status) {
        self.put(name, |_| status, status);
    }

    fn put(&mut self, name: &str, again: impl Fn(Status) -> Status, first: Status) {
        let name = normalised(name);
        if let Some(place) = self.places.get(&name) {
            self.tests[*place].1 = again(self.tests[*place].1);
        } else if self.tests.len() < NAMES_MAX {
            self.places.insert(name.clone(), self.tests.len());
            self.tests.push((name, first));
        } else {
            self.is_cut = true;
        }
    }

    /// Adds a test whose subtests came before it.
    pub(crate) fn push_parent(&mut self, name: &str, status: Status) {
        self.parents.push(self.tests.len());
        self.push(name, status);
    }

    /// Forgets the tests that have subtests.
    pub(crate) fn forget_parents(&mut self) {
        let parents: HashSet<usize> = std::mem::take(&mut self.parents).into_iter().collect();
        let mut place = 0;
        self.tests.retain(|_| {
            place += 1;
            !parents.contains(&(place - 1))
        });
        self.places.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tests.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Returns the numbers of the tests.
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.tests.iter().for_each(|(_, status)| counts.add(*status));
        counts
    }

    /// Moves the tests into the report.
    pub(crate) fn flush(&mut self, runner: &str, report: &mut Report) {
        let named = std::mem::take(self);
        for (name, status) in named.tests {
            report.test(runner, name, status);
        }
        if named.is_cut {
            report.cut(runner);
        }
    }

    /// Moves the tests of a runner that printed no summary into the report, with their numbers.
    pub(crate) fn flush_unfinished(&mut self, runner: &str, report: &mut Report) {
        let counts = self.counts();
        if counts.total() > 0 {
            report.summary_line(runner, counts, counts.total());
        }
        self.flush(runner, report);
        report.unfinished(runner);
    }
}
