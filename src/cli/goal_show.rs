//! `paddock goal show`, `milestone show` and `phase show`: one of them with what is below it and, for a phase,
//! its checks.

use clap::Args;
use serde::Serialize;

use super::context::Context;
use super::exit_codes::{Exit, Failure, Outcome};
use super::{goal, output};
use paddock_model::command::Command;
use paddock_model::hierarchy::{HierarchyNode, Level, NodeKey, NodeOrder};
use paddock_model::ids::{NodeId, ProjectSlug};
use paddock_model::plan::PhaseCheck;
use paddock_model::state::State;
use paddock_report::status::{NodeStatus, node_status};
use paddock_report::text::{harmless, table};

#[derive(Debug, Args)]
pub(super) struct Show {
    /// Id, as `list` shows it
    id: String,
    /// Output as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct RemoveCheck {
    /// Id of the phase
    id: String,
    /// Number of the check, as `phase show` lists it
    number: usize,
}

/// A goal, milestone or phase with what is below it, for scripts.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    node: NodeStatus,
    children: Vec<NodeStatus>,
    /// Ids of the phase's objectives.
    objectives: Vec<String>,
}

impl Show {
    pub(super) fn execute(self, context: &Context, level: Level) -> Outcome {
        let state = context.state()?;
        let project = context.project(&state, None)?;
        let node = find(&state, &project, level, &self.id)?;
        let mut below: Vec<&HierarchyNode> = state
            .nodes_of(&project)
            .filter(|one| one.key.level.parent() == Some(level) && one.parent.as_ref() == Some(&node.key.id))
            .collect();
        below.sort_by_key(|one| one.place());
        let is_own = |phase: Option<&str>| level == Level::Phase && phase == Some(node.key.id.as_str());
        let own = state.objectives_of(&project).filter(|one| is_own(one.spec.phase.as_deref()));
        let objectives: Vec<(String, String)> =
            own.map(|one| (one.key.id.to_string(), one.status.to_string())).collect();
        if self.json {
            output::json(&Shown {
                node: node_status(node),
                children: below.iter().map(|one| node_status(one)).collect(),
                objectives: objectives.into_iter().map(|(id, _)| id).collect(),
            })?;
            return Ok(Exit::Good);
        }
        let mut text = format!("{level} {}  {}  {}\n", node.key.id, node.stage.word(), harmless(&node.title));
        if !node.description.trim().is_empty() {
            let lines = node.description.trim().lines().map(|line| format!("  {}\n", harmless(line)));
            text.push_str(&format!("\n{}", lines.collect::<String>()));
        }
        let row = |one: &&HierarchyNode| {
            let (id, stage) = (one.key.id.to_string(), one.stage.word().to_owned());
            vec![one.key.level.word().to_owned(), id, stage, harmless(&one.title)]
        };
        text.push_str(&section("below it", &below.iter().map(row).collect::<Vec<_>>()));
        let rows: Vec<Vec<String>> = objectives.into_iter().map(|(id, status)| vec![id, status]).collect();
        text.push_str(&section("objectives", &rows));
        text.push_str(&section("checks", &checks(node)));
        output::print(&text)?;
        if !node.progress.all_checks().is_empty() {
            output::note(&format!("`paddock phase remove-check {} NUMBER` removes a check", node.key.id));
        }
        Ok(Exit::Good)
    }
}

fn section(title: &str, rows: &[Vec<String>]) -> String {
    if rows.is_empty() { String::new() } else { format!("\n  {title}\n{}", table(rows, 4)) }
}

/// Returns a row for each check of a phase: its number, who wrote it, its command and its description.
fn checks(node: &HierarchyNode) -> Vec<Vec<String>> {
    let all = node_status(node).checks.into_iter();
    let row = |check: paddock_report::status::PhaseCheckStatus| {
        let expected = match check.expected.as_str() {
            "" => String::new(),
            expected => format!("output contains {expected:?}"),
        };
        let said = [check.description, expected].map(|text| harmless(&text));
        vec![
            check.number.to_string(),
            check.by.to_owned(),
            harmless(&check.check_command),
            said.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; "),
        ]
    };
    all.map(row).collect()
}

impl RemoveCheck {
    pub(super) fn execute(self, context: &Context) -> Outcome {
        let state = context.state()?;
        let project = context.project(&state, None)?;
        let node = find(&state, &project, Level::Phase, &self.id)?;
        let all = node.progress.all_checks();
        let check: Option<&PhaseCheck> = self.number.checked_sub(1).and_then(|at| all.get(at));
        let Some(check) = check else {
            let text = match all.len() {
                0 => format!("the phase {} has no checks", self.id),
                count => format!(
                    "the phase {0} has the checks 1 to {count}; `paddock phase show {0}` lists them",
                    self.id
                ),
            };
            return Err(Failure::error(text));
        };
        // The check itself is sent: the planner may have replaced the list in the meantime.
        let order = NodeOrder::RemoveCheck { check: check.clone() };
        context.ask_and_say(Command::Node { node: node.key.clone(), order })?;
        Ok(Exit::Good)
    }
}

fn find<'s>(
    state: &'s State,
    project: &ProjectSlug,
    level: Level,
    id: &str,
) -> Result<&'s HierarchyNode, Failure> {
    let key = NodeKey { project: project.clone(), level, id: NodeId::new(id)? };
    state.node(&key).ok_or_else(|| goal::unknown(state, &key))
}
