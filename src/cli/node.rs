//! `paddock goal`, `paddock milestone` and `paddock phase`.

use clap::{Args, Subcommand};

use super::context::Context;
use super::exit::{Exit, Failure, Outcome};
use super::goal_document::{Export, Import};
use super::output;
use paddock_model::command::Command;
use paddock_model::hierarchy::{HierarchyNode, Level, NodeKey, NodeOrder};
use paddock_model::ids::{self, NodeId, ProjectSlug};
use paddock_model::state::State;
use paddock_report::status::node_status;
use paddock_report::text::{cut, harmless, table};

#[derive(Debug, Subcommand)]
pub(super) enum Goal {
    /// Add a goal
    #[command(after_help = "Examples:
  paddock goal add 'A shop that people trust' -d 'Payments are safe, pages load at once'")]
    Add(AddGoal),
    /// All goals with their milestones and phases
    #[command(after_help = "Examples:\n  paddock goal list\n  paddock goal list --json")]
    List(List),
    /// Work towards this one from now on
    #[command(after_help = "Examples:\n  paddock goal activate a-shop-that-people-trust")]
    Activate(Named),
    /// It is reached
    #[command(after_help = "Examples:\n  paddock goal complete a-shop-that-people-trust")]
    Complete(Named),
    /// Change its title or description
    #[command(after_help = "Examples:\n  paddock goal edit a-shop-that-people-trust --title 'A safe shop'")]
    Edit(EditGoal),
    /// Bring goals, milestones and phases to what a Markdown document says
    Import(Import),
    /// All of them as a Markdown document
    Export(Export),
}

#[derive(Debug, Subcommand)]
pub(super) enum Milestone {
    /// Add a milestone to a goal
    #[command(after_help = "Examples:
  paddock milestone add 'Payments work'
  paddock milestone add 'Payments work' --goal a-safe-shop")]
    Add(AddMilestone),
    /// All milestones
    #[command(after_help = "Examples:\n  paddock milestone list")]
    List(List),
    /// Work on this one from now on
    #[command(after_help = "Examples:\n  paddock milestone activate payments-work")]
    Activate(Named),
    /// It is reached
    #[command(after_help = "Examples:\n  paddock milestone complete payments-work")]
    Complete(Named),
    /// Change its title, description or goal
    #[command(after_help = "Examples:\n  paddock milestone edit payments-work --goal a-safe-shop")]
    Edit(EditMilestone),
}

#[derive(Debug, Subcommand)]
pub(super) enum Phase {
    /// Add a phase to a milestone
    #[command(after_help = "Examples:
  paddock phase add 'The payment form'
  paddock phase add 'The payment form' --milestone payments-work")]
    Add(AddPhase),
    /// All phases
    #[command(after_help = "Examples:\n  paddock phase list")]
    List(List),
    /// Work on this one from now on
    #[command(after_help = "Examples:\n  paddock phase activate the-payment-form")]
    Activate(Named),
    /// It is done
    #[command(after_help = "Examples:\n  paddock phase complete the-payment-form")]
    Complete(Named),
    /// Change its title, description or milestone
    #[command(after_help = "Examples:\n  paddock phase edit the-payment-form --milestone payments-work")]
    Edit(EditPhase),
}

#[derive(Debug, Args)]
pub(super) struct New {
    /// One line; any text
    title: String,
    /// What it is about
    #[arg(short, long, default_value = "", hide_default_value = true)]
    description: String,
    /// Its id; default: made of the title
    #[arg(long)]
    id: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct AddGoal {
    #[command(flatten)]
    new: New,
}

#[derive(Debug, Args)]
pub(super) struct AddMilestone {
    #[command(flatten)]
    new: New,
    /// The goal it belongs to; default: the active one
    #[arg(long, value_name = "ID")]
    goal: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct AddPhase {
    #[command(flatten)]
    new: New,
    /// The milestone it belongs to; default: the active one
    #[arg(long, value_name = "ID")]
    milestone: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Changes {
    /// Its id
    id: String,
    /// One line; any text
    #[arg(long)]
    title: Option<String>,
    /// What it is about
    #[arg(short, long)]
    description: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct EditGoal {
    #[command(flatten)]
    changes: Changes,
}

#[derive(Debug, Args)]
pub(super) struct EditMilestone {
    #[command(flatten)]
    changes: Changes,
    /// The goal it belongs to
    #[arg(long, value_name = "ID")]
    goal: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct EditPhase {
    #[command(flatten)]
    changes: Changes,
    /// The milestone it belongs to
    #[arg(long, value_name = "ID")]
    milestone: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Named {
    /// Its id
    id: String,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Goal {
    pub(super) fn execute(self, context: &Context) -> Outcome {
        let level = Level::Goal;
        match self {
            Self::Add(AddGoal { new }) => add(context, level, new, None),
            Self::List(list) => show(context, level, &list),
            Self::Activate(named) => order(context, level, &named.id, NodeOrder::Activate),
            Self::Complete(named) => order(context, level, &named.id, NodeOrder::Complete),
            Self::Edit(EditGoal { changes }) => edit(context, level, changes, None),
            Self::Import(import) => import.execute(context),
            Self::Export(export) => export.execute(context),
        }
    }
}

impl Milestone {
    pub(super) fn execute(self, context: &Context) -> Outcome {
        let level = Level::Milestone;
        match self {
            Self::Add(AddMilestone { new, goal }) => add(context, level, new, goal),
            Self::List(list) => show(context, level, &list),
            Self::Activate(named) => order(context, level, &named.id, NodeOrder::Activate),
            Self::Complete(named) => order(context, level, &named.id, NodeOrder::Complete),
            Self::Edit(EditMilestone { changes, goal }) => edit(context, level, changes, goal),
        }
    }
}

impl Phase {
    pub(super) fn execute(self, context: &Context) -> Outcome {
        let level = Level::Phase;
        match self {
            Self::Add(AddPhase { new, milestone }) => add(context, level, new, milestone),
            Self::List(list) => show(context, level, &list),
            Self::Activate(named) => order(context, level, &named.id, NodeOrder::Activate),
            Self::Complete(named) => order(context, level, &named.id, NodeOrder::Complete),
            Self::Edit(EditPhase { changes, milestone }) => edit(context, level, changes, milestone),
        }
    }
}

fn add(context: &Context, level: Level, new: New, parent: Option<String>) -> Outcome {
    let state = context.state()?;
    let project = context.project(&state, None)?;
    let id = match new.id {
        Some(id) => NodeId::new(id)?,
        None => free_id(&state, &project, level, &new.title)?,
    };
    let parent = parent.map(NodeId::new).transpose()?;
    let order = NodeOrder::Add { title: new.title, description: new.description, parent };
    context.ask_and_say(Command::Node { node: NodeKey { project, level, id }, order })?;
    Ok(Exit::Good)
}

/// The nearest id of a title that none of this level has yet.
fn free_id(state: &State, project: &ProjectSlug, level: Level, title: &str) -> Result<NodeId, Failure> {
    let key = |id: &NodeId| NodeKey { project: project.clone(), level, id: id.clone() };
    id_for(level, title, |id| state.node(&key(id)).is_none())
}

/// The nearest id of a title that is free.
pub(super) fn id_for(
    level: Level,
    title: &str,
    is_free: impl Fn(&NodeId) -> bool,
) -> Result<NodeId, Failure> {
    let is_taken = |id: &str| NodeId::new(id).is_ok_and(|id| !is_free(&id));
    Ok(NodeId::new(ids::free_id(title, level.word(), is_taken))?)
}

fn edit(context: &Context, level: Level, changes: Changes, parent: Option<String>) -> Outcome {
    if changes.title.is_none() && changes.description.is_none() && parent.is_none() {
        return Err(Failure::usage(format!("say what to change: `paddock {level} edit --help` lists it")));
    }
    let parent = parent.map(NodeId::new).transpose()?;
    let change = NodeOrder::Edit { title: changes.title, description: changes.description, parent };
    order(context, level, &changes.id, change)
}

fn order(context: &Context, level: Level, id: &str, order: NodeOrder) -> Outcome {
    let project = context.project(&context.state()?, None)?;
    let node = NodeKey { project, level, id: NodeId::new(id)? };
    context.ask_and_say(Command::Node { node, order })?;
    Ok(Exit::Good)
}

fn show(context: &Context, level: Level, list: &List) -> Outcome {
    let state = context.state()?;
    let project = context.project(&state, None)?;
    let mut nodes: Vec<&HierarchyNode> =
        state.nodes_of(&project).filter(|node| node.key.level == level).collect();
    nodes.sort_by_key(|node| node.place());
    if list.json {
        let all: Vec<_> = nodes.iter().map(|node| node_status(node)).collect();
        output::json(&all)?;
        return Ok(Exit::Good);
    }
    if nodes.is_empty() {
        output::note(&format!("there is none yet; `paddock {level} add TITLE` adds one"));
    }
    let row = |node: &&HierarchyNode| {
        let parent = node.parent.as_ref().map(ToString::to_string).unwrap_or_default();
        let mut row = vec![node.key.id.to_string(), node.stage.word().to_owned()];
        row.extend(level.parent().map(|_| parent));
        row.push(cut(&harmless(&node.title), 60));
        row
    };
    output::print(&table(&nodes.iter().map(row).collect::<Vec<_>>(), 0))?;
    Ok(Exit::Good)
}
