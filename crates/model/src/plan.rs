//! Plans: what a planner proposes to do, or a person in the same format.

use serde::{Deserialize, Serialize};

use super::ids::{ObjectiveId, WorkerId};
use super::objective::ObjectiveSpec;
use super::scope::OverlapCache;

/// Worker of an objective that names none.
pub const DEFAULT_WORKER: &str = "implementer";

/// Kind of a phase's check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckType {
    /// By a shell command.
    Shell,
}

/// A check that shows whether a phase is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseCheck {
    /// Description for people.
    pub description: String,
    /// Kind of the check.
    pub check_type: CheckType,
    /// Shell command.
    pub check_command: String,
    /// Text that the output must contain; empty = any output.
    pub expected: String,
}

impl PhaseCheck {
    /// Returns whether both check the same, whatever their descriptions.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.check_command == other.check_command && self.expected == other.expected
    }
}

/// Limits of a planned objective's session; `None` = the project's default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PlannedBudget {
    /// Largest number of commits.
    pub max_commits: Option<u32>,
    /// Longest duration in minutes.
    pub max_minutes: Option<u32>,
}

/// An objective in a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedObjective {
    /// Id, which must be new in the project.
    pub id: ObjectiveId,
    /// Title, one line.
    pub title: String,
    /// Description of the work.
    pub description: String,
    /// Conditions that must hold when the objective is done.
    pub acceptance_criteria: Vec<String>,
    /// Globs of the paths that it may change; empty = every path.
    pub path_scope: Vec<String>,
    /// Ids of dependencies, from the plan or from the project.
    pub depends_on: Vec<ObjectiveId>,
    /// Files and places that the agent's prompt points to.
    pub context_refs: Vec<String>,
    /// Worker that does the work.
    pub worker_id: WorkerId,
    /// Priority; a higher number goes first.
    pub priority: i32,
    /// Limits of its session.
    pub session_budget: PlannedBudget,
}

impl PlannedObjective {
    /// Returns the id and the specification, which names no phase yet.
    #[must_use]
    pub fn into_spec(self) -> (ObjectiveId, ObjectiveSpec) {
        let spec = ObjectiveSpec {
            title: self.title,
            description: self.description,
            acceptance_criteria: self.acceptance_criteria,
            path_scope: self.path_scope,
            depends_on: self.depends_on,
            context_refs: self.context_refs,
            worker: self.worker_id,
            priority: self.priority,
            max_commits: self.session_budget.max_commits,
            max_minutes: self.session_budget.max_minutes,
            phase: None,
        };
        (self.id, spec)
    }
}

/// A plan for a phase.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PlanDocument {
    /// Why the planner proposes this.
    pub reasoning: String,
    /// Checks that show whether the phase is done.
    pub phase_checks: Vec<PhaseCheck>,
    /// What is to be done; empty = the planner believes that the phase is done.
    pub objectives: Vec<PlannedObjective>,
}

impl PlanDocument {
    /// Returns whether the plan has neither objectives nor checks.
    #[must_use]
    pub fn asks_nothing(&self) -> bool {
        self.objectives.is_empty() && self.phase_checks.is_empty()
    }
}

/// Largest number of warnings of one kind. One is enough to make a person look at the plan.
const WARNINGS_MAX: usize = 20;

/// Returns a warning for each pair of objectives whose scopes overlap while neither depends on the other.
/// Such a pair runs one after the other, or ends in conflicts if the project allows overlaps.
#[must_use]
pub fn unordered_overlaps(
    plan: &PlanDocument,
    shared: &[String],
    overlaps: &mut OverlapCache,
) -> Vec<String> {
    let all = &plan.objectives;
    let place = |id: &ObjectiveId| all.iter().position(|objective| objective.id == *id);
    let edges: Vec<Vec<usize>> =
        all.iter().map(|objective| objective.depends_on.iter().filter_map(place).collect()).collect();
    let before: Vec<Vec<bool>> = (0..all.len()).map(|start| reached(&edges, start)).collect();
    let mut warnings = Vec::new();
    for right in 0..all.len() {
        for left in (0..right).filter(|left| !before[right][*left] && !before[*left][right]) {
            let (a, b) = (&all[left], &all[right]);
            // No warning about scopes that cannot be compared: dispatch counts them as overlapping.
            let Ok(Some(met)) = overlaps.overlap(&a.path_scope, &b.path_scope, shared) else { continue };
            if warnings.len() == WARNINGS_MAX {
                warnings
                    .push("more scopes overlap, of objectives that do not depend on each other".to_owned());
                return warnings;
            }
            let what =
                format!("the scopes of {} and {} overlap, and neither depends on the other", a.id, b.id);
            warnings.push(format!("{what}: {met}"));
        }
    }
    warnings
}

/// Returns which objectives `start` depends on, directly or through others.
fn reached(edges: &[Vec<usize>], start: usize) -> Vec<bool> {
    let mut seen = vec![false; edges.len()];
    let mut waiting = edges[start].clone();
    while let Some(next) = waiting.pop() {
        if !std::mem::replace(&mut seen[next], true) {
            waiting.extend(&edges[next]);
        }
    }
    seen
}

/// Returns a cycle among new objectives as indices, with the first one repeated at the end; `None` if there
/// is no cycle.
///
/// `edges[n]` holds the indices of the dependencies of objective `n`, all below `edges.len()`. The search
/// does not recurse, so that a long chain of dependencies cannot overflow the stack.
#[must_use]
pub fn find_cycle(edges: &[Vec<usize>]) -> Option<Vec<usize>> {
    let mut done = vec![false; edges.len()];
    for start in 0..edges.len() {
        // Each step of the path stores how many of its dependencies were followed already.
        let mut path = vec![(start, 0)];
        while let Some((at, followed)) = path.last().copied() {
            let next = if done[at] { None } else { edges[at].get(followed).copied() };
            let Some(next) = next else {
                done[at] = true;
                path.pop();
                continue;
            };
            if let Some(last) = path.last_mut() {
                last.1 += 1;
            }
            // The next node is on the path already: the path from there on is a cycle.
            if let Some(begin) = path.iter().position(|(seen, _)| *seen == next) {
                let mut cycle: Vec<usize> = path[begin..].iter().map(|(seen, _)| *seen).collect();
                cycle.push(next);
                return Some(cycle);
            }
            path.push((next, 0));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objective(id: &str, scope: &str, depends_on: &[&str]) -> PlannedObjective {
        PlannedObjective {
            id: ObjectiveId::new(id).unwrap(),
            title: id.to_owned(),
            description: String::new(),
            acceptance_criteria: Vec::new(),
            path_scope: vec![scope.to_owned()],
            depends_on: depends_on.iter().map(|id| ObjectiveId::new(*id).unwrap()).collect(),
            context_refs: Vec::new(),
            worker_id: DEFAULT_WORKER.into(),
            priority: 0,
            session_budget: PlannedBudget::default(),
        }
    }

    #[test]
    fn overlapping_scopes_are_a_warning_unless_one_depends_on_the_other() {
        let objectives = vec![
            objective("a", "src/**", &[]),
            objective("b", "docs/**", &["a"]),
            objective("c", "src/main.rs", &["b"]),
            objective("d", "src/lib.rs", &[]),
        ];
        let plan = PlanDocument { objectives, ..PlanDocument::default() };
        let found = unordered_overlaps(&plan, &[], &mut OverlapCache::default());
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("a and d overlap"), "{found:?}");
    }

    #[test]
    fn cycles_are_found_and_diamonds_are_none() {
        assert_eq!(find_cycle(&[vec![1, 2], vec![3], vec![3], vec![]]), None);
        assert_eq!(find_cycle(&[vec![1], vec![2], vec![1]]), Some(vec![1, 2, 1]));
        assert_eq!(find_cycle(&[vec![0]]), Some(vec![0, 0]));
        assert_eq!(find_cycle(&[]), None);
    }
}
