//! A plan: what a planner, or a person in its format, proposes to do (SPEC 6).

use serde::{Deserialize, Serialize};

use super::ids::ObjectiveId;

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
    pub worker_id: String,
    /// High goes first.
    pub priority: i32,
    /// What its session may use.
    pub session_budget: PlannedBudget,
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

    #[test]
    fn a_cycle_is_found_wherever_it_hangs_and_a_diamond_is_none() {
        assert_eq!(find_cycle(&[vec![1, 2], vec![3], vec![3], vec![]]), None);
        assert_eq!(find_cycle(&[vec![1], vec![2], vec![1]]), Some(vec![1, 2, 1]));
        assert_eq!(find_cycle(&[vec![0]]), Some(vec![0, 0]));
        assert_eq!(find_cycle(&[]), None);
    }
}
