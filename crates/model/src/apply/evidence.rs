//! Changes by what gate runs reported of their tests.

use crate::evidence::{KnownComparison, Outcome, TestedTree};
use crate::gate::{Compared, GateRun, Purpose, Verdict};
use crate::ids::{GateId, ProjectSlug};
use crate::project::Project;
use crate::state::State;

/// A comparison, as its event describes it.
pub(super) struct NewComparison {
    pub(super) compared: Compared,
    pub(super) known: KnownComparison,
}

impl State {
    /// Remembers that the tests of a tree are known from this run. A red run stops at its first failure; it
    /// counts only where nothing else may be known.
    pub(super) fn remember_tests(&mut self, project: &ProjectSlug, run: &GateRun) {
        let is_base = run.purpose.is_on_base() || run.purpose == Purpose::External;
        let counts = match run.verdict {
            Some(Verdict::Green) => true,
            Some(Verdict::Red) => is_base,
            Some(Verdict::NotEvaluated) | None => false,
        };
        if counts && run.results.iter().any(|result| result.tests.is_some()) {
            self.change(project, |p| tested(p, run));
        }
    }

    /// Returns whether a run says what it reported of tests. Landings name only such runs: the rows that earlier
    /// builds wrote name none, and the fold of their events has to give the same rows.
    pub(super) fn has_evidence(&self, gate: GateId) -> bool {
        self.gates.get(&gate).is_some_and(|run| run.results.iter().any(|result| result.tests.is_some()))
    }

    pub(super) fn compare_tests(&mut self, project: &ProjectSlug, new: NewComparison) {
        let NewComparison { compared, mut known } = new;
        let Some(run) = self.gates.get(&known.gate) else { return };
        (known.tree, known.terms) = (run.tree.clone(), run.terms.clone());
        self.change_gate(known.gate, |run| run.compared = Some(Box::new(compared)));
        self.change(project, |p| keep(&mut p.compared, known));
    }
}

fn tested(project: &mut Project, run: &GateRun) {
    let is_same = |known: &TestedTree| known.tree == run.tree && known.terms == run.terms;
    let found = project.tested.iter().position(is_same).map(|place| project.tested.remove(place));
    let mut known = found.unwrap_or_else(|| TestedTree {
        tree: run.tree.clone(),
        terms: run.terms.clone(),
        gates: Vec::new(),
    });
    known.gates.push(run.id);
    let excess = known.gates.len().saturating_sub(TestedTree::RUNS_MAX);
    known.gates.drain(..excess);
    project.tested.push(known);
    let excess = project.tested.len().saturating_sub(TestedTree::TREES_MAX);
    project.tested.drain(..excess);
}

/// Adds a comparison. It replaces the earlier one of the same trees, and counts the runs after which the
/// candidate may not land.
fn keep(comparisons: &mut Vec<KnownComparison>, mut new: KnownComparison) {
    let is_same = |old: &KnownComparison| {
        old.tree == new.tree && old.base_tree == new.base_tree && old.terms == new.terms
    };
    let earlier = comparisons.iter().position(is_same).map(|place| comparisons.remove(place));
    new.faults = match earlier {
        _ if new.outcome.may_land() => 0,
        // The same run compared again, with more runs on the base.
        Some(earlier) if earlier.gate == new.gate => earlier.faults.max(1),
        Some(earlier) => earlier.faults.saturating_add(1),
        None => 1,
    };
    comparisons.push(new);
    let excess = comparisons.len().saturating_sub(TestedTree::TREES_MAX);
    comparisons.drain(..excess);
}

/// Forgets the comparisons after which something may not land: a person says that the cause is repaired.
pub(super) fn forget_faults(project: &mut Project) {
    project.compared.retain(|known| known.outcome == Outcome::Kept);
}
