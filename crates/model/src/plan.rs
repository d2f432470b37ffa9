//! A plan: what a planner, or a person in its format, proposes to do (SPEC 6).

use serde::{Deserialize, Serialize};

use super::ids::{ObjectiveId, WorkerId};
use super::objective::ObjectiveSpec;
use super::scope::OverlapCache;

/// The worker of an objective that names none.
pub const DEFAULT_WORKER: &str = "implementer";

/// How a phase is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckType {
    /// By a shell command.
    Shell,
}

/// A check that a phase is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseCheck {
    /// For people.
    pub description: String,
    /// How.
    pub check_type: CheckType,
    /// The command.
    pub check_command: String,
    /// What its output must contain; empty = anything.
    pub expected: String,
}

/// What a planned objective's session may use; none = the project's default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PlannedBudget {
    /// Commits.
    pub max_commits: Option<u32>,
    /// Minutes.
    pub max_minutes: Option<u32>,
}

/// An objective as a plan proposes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedObjective {
    /// Its id, new in the project.
    pub id: ObjectiveId,
    /// A line for people.
    pub title: String,
    /// What is to be done.
    pub description: String,
    /// When it is done.
    pub acceptance_criteria: Vec<String>,
    /// Globs of what it may change; empty = everything.
    pub path_scope: Vec<String>,
    /// Ids of this plan or existing ones.
    pub depends_on: Vec<ObjectiveId>,
    /// What its session should read.
    pub context_refs: Vec<String>,
    /// Who does it.
    pub worker_id: WorkerId,
    /// High goes first.
    pub priority: i32,
    /// What its session may use.
    pub session_budget: PlannedBudget,
}

impl PlannedObjective {
    /// What it asks for, in no phase yet.
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

/// A whole plan.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PlanDocument {
    /// Why so.
    pub reasoning: String,
    /// How to know that the phase is done.
    pub phase_checks: Vec<PhaseCheck>,
    /// What to do; none = the phase is believed done.
    pub objectives: Vec<PlannedObjective>,
}

impl PlanDocument {
    /// Whether it has neither an objective nor a check: the belief that the phase is done.
    #[must_use]
    pub fn asks_nothing(&self) -> bool {
        self.objectives.is_empty() && self.phase_checks.is_empty()
    }
}

/// Warnings of one kind that a plan may give: one is enough to look at it.
const WARNINGS_MAX: usize = 20;

/// Objectives of a plan whose scopes may meet in a file although neither waits for the other: they are worked on
/// one after the other, or run into conflicts where the project lets them.
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
            let Ok(Some(met)) = overlaps.overlap(&a.path_scope, &b.path_scope, shared) else { continue };
            if warnings.len() == WARNINGS_MAX {
                warnings.push("and more scopes overlap without an order between them".to_owned());
                return warnings;
            }
            let what = format!("the scopes of {} and {} overlap without an order between them", a.id, b.id);
            warnings.push(format!("{what}: {met}"));
        }
    }
    warnings
}

/// What an objective waits for, directly or through others.
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

/// A cycle among new objectives, as their places along it with the first one again at the end.
///
/// `edges[n]` are the places of what objective `n` depends on; all are below `edges.len()`.
#[must_use]
pub fn find_cycle(edges: &[Vec<usize>]) -> Option<Vec<usize>> {
    let mut done = vec![false; edges.len()];
    for start in 0..edges.len() {
        // Each step on the path remembers how many of its dependencies were followed.
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
    fn scopes_that_overlap_are_a_warning_unless_one_waits_for_the_other() {
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
    fn a_cycle_is_found_wherever_it_hangs_and_a_diamond_is_none() {
        assert_eq!(find_cycle(&[vec![1, 2], vec![3], vec![3], vec![]]), None);
        assert_eq!(find_cycle(&[vec![1], vec![2], vec![1]]), Some(vec![1, 2, 1]));
        assert_eq!(find_cycle(&[vec![0]]), Some(vec![0, 0]));
        assert_eq!(find_cycle(&[]), None);
    }
}
