//! The form that adds a goal, with optional milestones.

use super::Dialog;
use super::form::{Fault, Field, Form, Values};
use crate::Model;
use crate::error::Refused;
use crate::msg::Effect;
use paddock_model::command::Command;
use paddock_model::hierarchy::{Level, NodeKey, NodeOrder};
use paddock_model::ids::{IdError, NodeId, ProjectSlug, free_id};
use paddock_model::state::State;

const TITLE: &str = "Title";
const DESCRIPTION: &str = "Description";
const MILESTONES: &str = "Milestones";

/// Returns the commands that add a goal and its milestones. The
/// goal comes first, since each milestone names its parent.
///
/// # Errors
/// Fails if no id can be made from a title.
pub fn commands(
    state: &State,
    project: &ProjectSlug,
    (title, description): (&str, &str),
    milestones: &[String],
) -> Result<Vec<Command>, IdError> {
    // Ids of this form are not in the state yet; two equal milestones must still get different ones.
    let mut taken = Vec::new();
    let mut add = |level: Level, title: &str, description: &str, parent: Option<NodeId>| {
        let is_taken = |id: &str| {
            let key = |id| NodeKey { project: project.clone(), level, id };
            let is_known = NodeId::new(id).is_ok_and(|id| state.node(&key(id)).is_some());
            is_known || taken.contains(&(level, id.to_owned()))
        };
        let id = free_id(title, level.word(), is_taken);
        taken.push((level, id.clone()));
        let id = NodeId::new(id)?;
        let node = NodeKey { project: project.clone(), level, id: id.clone() };
        let (title, description) = (title.to_owned(), description.to_owned());
        Ok::<_, IdError>((id, Command::Node { node, order: NodeOrder::Add { title, description, parent } }))
    };
    let (goal, command) = add(Level::Goal, title, description, None)?;
    let mut commands = vec![command];
    for milestone in milestones {
        commands.push(add(Level::Milestone, milestone, "", Some(goal.clone()))?.1);
    }
    Ok(commands)
}

fn send(model: &Model, project: &ProjectSlug, values: &Values) -> Result<Vec<Effect>, Fault> {
    let title = values.get(TITLE);
    if title.is_empty() {
        return Err(Fault::new(TITLE, "a goal needs a title"));
    }
    let milestones = values.lines(MILESTONES);
    let goal = (title, values.get(DESCRIPTION));
    let commands = commands(&model.facts.state, project, goal, &milestones)?;
    // The form sends them one at a time: a milestone is refused if its goal is not there yet.
    let asks = commands.into_iter().map(|command| {
        let doing = if let Command::Node { node, .. } = &command {
            format!("add {} {}", node.level, node.id)
        } else {
            "add a goal".to_owned()
        };
        Effect::ask(command, doing)
    });
    Ok(asks.collect())
}

/// Returns the form.
///
/// # Errors
/// Fails if there is no project.
pub fn open(model: &Model) -> Result<Box<dyn Dialog>, Refused> {
    let project = model.project.clone().ok_or("there is no project yet")?;
    // One goal is active at a time, so the person should know that a new one has to wait.
    let active = model
        .facts
        .state
        .active_line(&project)
        .goal
        .map(|goal| format!("“{}” is the active goal; the new one waits for its turn.", goal.title));
    let fields = vec![
        Field::line(TITLE, "the goal, in one line"),
        Field::area(DESCRIPTION, "optional: what it means, and how to tell that it is done", 4, 12),
        Field::area(MILESTONES, "optional: one milestone per line", 2, 8),
    ];
    let quoted = active.into_iter().collect();
    let title = format!("Add a goal to {project}");
    let send = move |model: &Model, values: &Values, _: usize| send(model, &project, values);
    Ok(Form::new(model, title, "goal", fields, vec!["Add"], send).quoting(quoted).boxed())
}
