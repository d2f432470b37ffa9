//! Compares the tests of a candidate with those of its base.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use paddock_model::evidence::GoneHow;

use super::clue::clue;
use super::report::{JUNIT, Ran, Report, Status};

/// Runners that name the tests in some of their default outputs only: of a single file, of slow tests.
const NAMING_VARIES: [&str; 2] = ["jest", "vitest"];

/// Most names that are compared with each other by their endings.
const ENDINGS_MAX: usize = 500;

/// How a candidate's tests differ from those of the base.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Tests that passed and that no run of the base has, sorted.
    pub added: Vec<String>,
    /// Tests that passed in each run of the base and do not pass any more, sorted.
    pub gone: Vec<(String, GoneHow)>,
    /// Tests that are missing under their name, and one that passed whose last part is the same: the old and
    /// the new name. They are in neither of the other lists.
    pub moved: Vec<(String, String)>,
    /// Runners whose summary each run of the base printed and the candidate did not, or that began and did not
    /// end, sorted.
    pub silent: Vec<String>,
    /// Runners that named the tests in each run of the base and now only count them, sorted.
    pub nameless: Vec<String>,
    /// Number of tests by which fewer passed, as far as names do not say which.
    pub fewer: u64,
    /// Number of failures that the output shows beyond those that it shows on the base.
    pub failures: u64,
}

impl Difference {
    /// Returns whether no test is missing and no failure shows: nothing speaks against the candidate.
    #[must_use]
    pub fn is_harmless(&self) -> bool {
        self.gone.is_empty()
            && self.silent.is_empty()
            && self.nameless.is_empty()
            && self.fewer == 0
            && self.failures == 0
    }
}

/// Compares a candidate with one or two runs of its base. A test was there only if it passed in all of them,
/// so what differs between them does not count. Without a base, only failures and runners that did not end
/// are found.
#[must_use]
pub fn compare(bases: &[Report], candidate: &Report) -> Difference {
    let mut difference = Difference::default();
    let shown = bases.iter().map(Report::failures).max().unwrap_or(0);
    difference.failures = candidate.failures().saturating_sub(shown);
    let known: BTreeSet<&String> = bases.iter().flat_map(|base| &base.unfinished).collect();
    let mut silent: BTreeSet<String> =
        candidate.unfinished.iter().filter(|runner| !known.contains(runner)).cloned().collect();
    let mut junit_gone = 0;
    for (runner, rans) in in_all(bases) {
        let Some(ran) = candidate.runners.get(runner) else {
            if rans.iter().any(|base| base.counts.total() > 0) {
                silent.insert(runner.to_owned());
                difference.gone.extend(there(&rans).map(|name| (name.to_owned(), GoneHow::Missing)));
            }
            continue;
        };
        if is_forged(&rans, ran) {
            silent.insert(runner.to_owned());
        }
        let before = difference.gone.len();
        compare_runner(runner, &rans, ran, &mut difference);
        if runner == JUNIT {
            junit_gone = difference.gone.len() - before;
        }
    }
    // The summary beside a JUnit report counts the same tests.
    difference.fewer = difference.fewer.saturating_sub(u64::try_from(junit_gone).unwrap_or(u64::MAX));
    difference.added = added(bases, candidate);
    pair_moved(&mut difference);
    difference.gone.sort();
    difference.silent = silent.into_iter().collect();
    difference
}

/// Returns the runners that each run of the base has, with what each run has of them.
fn in_all(bases: &[Report]) -> Vec<(&str, Vec<&Ran>)> {
    let Some((first, others)) = bases.split_first() else { return Vec::new() };
    let mut found = Vec::new();
    for (runner, ran) in &first.runners {
        let rest: Option<Vec<&Ran>> = others.iter().map(|base| base.runners.get(runner)).collect();
        if let Some(mut rans) = rest {
            rans.insert(0, ran);
            found.push((runner.as_str(), rans));
        }
    }
    found
}

/// Returns the tests that passed in each run of the base.
fn there<'b>(rans: &[&'b Ran]) -> impl Iterator<Item = &'b str> {
    let (first, others) = (rans.first().copied(), rans.get(1..).unwrap_or_default().to_vec());
    first
        .into_iter()
        .flat_map(|ran| ran.names(Status::Passed))
        .filter(move |name| others.iter().all(|other| other.tests.get(*name) == Some(&Status::Passed)))
}

/// Returns whether the base shows the progress of the runner and the candidate shows nothing but a summary.
fn is_forged(rans: &[&Ran], ran: &Ran) -> bool {
    is_backed(rans) && ran.counts.passed > 0 && ran.backed == 0
}

fn is_backed(rans: &[&Ran]) -> bool {
    rans.iter().all(|base| base.backed > 0 && base.backed == base.counts.passed)
}

fn compare_runner(runner: &str, rans: &[&Ran], ran: &Ran, difference: &mut Difference) {
    let is_base_named = rans.iter().all(|base| base.is_named());
    // Without any test that passed, the names of those that failed or were skipped are all there is.
    let has_names = ran.is_named() || ran.counts.passed == 0;
    let mut gone = 0;
    if is_base_named && has_names && !ran.is_cut {
        for name in there(rans) {
            let how = match ran.tests.get(name) {
                Some(Status::Passed) => continue,
                Some(Status::Skipped) => GoneHow::Skipped,
                Some(Status::Failed) => GoneHow::Failed,
                None => GoneHow::Missing,
            };
            difference.gone.push((name.to_owned(), how));
            gone += 1;
        }
    } else if is_base_named && !ran.is_cut && !NAMING_VARIES.contains(&runner) {
        difference.nameless.push(runner.to_owned());
    }
    // If all are named on both sides, the names have said everything.
    let is_complete = |one: &Ran| one.named().passed >= one.counts.passed;
    if rans.iter().all(|base| is_complete(base)) && is_complete(ran) {
        return;
    }
    let base = rans.iter().map(|base| base.counts.passed).min().unwrap_or(0);
    let passed = if is_backed(rans) { ran.backed } else { ran.counts.passed };
    let fewer = base.saturating_sub(passed).saturating_sub(gone);
    difference.fewer = difference.fewer.saturating_add(fewer);
}

/// Returns the tests that passed and that no run of the base has. Where the base only counts, no test is
/// known to be new.
fn added(bases: &[Report], candidate: &Report) -> Vec<String> {
    let mut added = Vec::new();
    for (runner, ran) in &candidate.runners {
        let known: Vec<&Ran> = bases.iter().filter_map(|base| base.runners.get(runner)).collect();
        if bases.is_empty() || known.iter().any(|base| !base.is_named() && base.counts.passed > 0) {
            continue;
        }
        let new =
            ran.names(Status::Passed).filter(|name| known.iter().all(|base| !base.tests.contains_key(*name)));
        added.extend(new.map(str::to_owned));
    }
    added.sort();
    added
}

/// Takes out tests that are missing under their name and passed under another one with the same last part.
fn pair_moved(difference: &mut Difference) {
    let is_missing = |how: GoneHow| how == GoneHow::Missing;
    if difference.added.is_empty() || !difference.gone.iter().any(|(_, how)| is_missing(*how)) {
        return;
    }
    let mut new: HashMap<String, Vec<String>> = HashMap::new();
    for name in difference.added.iter().rev() {
        new.entry(leaf(name)).or_default().push(name.clone());
    }
    let mut moved = BTreeMap::new();
    difference.gone.retain(|(name, how)| {
        let found = is_missing(*how).then(|| new.get_mut(&leaf(name)).and_then(Vec::pop)).flatten();
        match found {
            Some(to) => moved.insert(name.clone(), to).is_some(),
            None => true,
        }
    });
    pair_endings(difference, &mut moved);
    let taken: BTreeSet<&String> = moved.values().collect();
    difference.added.retain(|name| !taken.contains(name));
    difference.moved = moved.into_iter().collect();
}

/// Returns the last part of a name with its parameters.
fn leaf(name: &str) -> String {
    let parameters = name.find('[').map_or("", |at| &name[at..]);
    format!("{}{parameters}", clue(name).leaf)
}

/// Pairs names without a sign between suite and test, such as those of mocha's TAP: one ends with the other.
fn pair_endings(difference: &mut Difference, moved: &mut BTreeMap<String, String>) {
    if difference.gone.len() > ENDINGS_MAX || difference.added.len() > ENDINGS_MAX {
        return;
    }
    let taken: BTreeSet<&String> = moved.values().collect();
    let mut free: Vec<&String> = difference.added.iter().filter(|name| !taken.contains(name)).collect();
    let ends = |long: &str, short: &str| long.strip_suffix(short).is_some_and(|rest| rest.ends_with(' '));
    let mut found = Vec::new();
    difference.gone.retain(|(name, how)| {
        let is_pair = |new: &&String| ends(name, new) || ends(new, name);
        let place = free.iter().position(is_pair).filter(|_| *how == GoneHow::Missing);
        let Some(place) = place else { return true };
        found.push((name.clone(), free.remove(place).clone()));
        false
    });
    moved.extend(found);
}
