//! `paddock goal`, `paddock milestone` and `paddock phase`.
//!
//! The three levels share one model ([`HierarchyNode`]), so each subcommand becomes a call with its
//! [`Level`].

use clap::{Args, Subcommand};

use super::context::Context;
use super::exit_codes::{Exit, Failure, Outcome};
use super::goal_document::{Export, Import};
use super::goal_show::{RemoveCheck, Show};
use super::output;
use paddock_model::command::Command;
use paddock_model::hierarchy::{HierarchyNode, Level, NodeKey, NodeOrder, Stage};
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
    /// List all goals
    #[command(after_help = "Examples:\n  paddock goal list\n  paddock goal list --json")]
    List(List),
    /// Make a goal the active one, which plans work towards
    #[command(after_help = "Examples:\n  paddock goal activate a-shop-that-people-trust")]
    Activate(Named),
    /// Mark a goal complete
    #[command(after_help = "Examples:\n  paddock goal complete a-shop-that-people-trust")]
    Complete(Named),
    /// Change a goal's title or description
    #[command(after_help = "Examples:\n  paddock goal edit a-shop-that-people-trust --title 'A safe shop'")]
    Edit(EditGoal),
    /// Show a goal with what is below it
    #[command(after_help = "Examples:\n  paddock goal show a-shop-that-people-trust")]
    Show(Show),
    /// Delete a goal and everything below it
    #[command(after_help = "Examples:\n  paddock goal delete a-shop-that-people-trust")]
    Delete(Named),
    /// Create and update goals, milestones and phases from a Markdown document
    Import(Import),
    /// Print goals, milestones and phases as a Markdown document
    Export(Export),
}

#[derive(Debug, Subcommand)]
pub(super) enum Milestone {
    /// Add a milestone to a goal
    #[command(after_help = "Examples:
  paddock milestone add 'Payments work'
  paddock milestone add 'Payments work' --goal a-safe-shop")]
    Add(AddMilestone),
    /// List all milestones
    #[command(after_help = "Examples:\n  paddock milestone list")]
    List(List),
    /// Make a milestone the active one
    #[command(after_help = "Examples:\n  paddock milestone activate payments-work")]
    Activate(Named),
    /// Mark a milestone complete
    #[command(after_help = "Examples:\n  paddock milestone complete payments-work")]
    Complete(Named),
    /// Change a milestone's title, description or goal
    #[command(after_help = "Examples:\n  paddock milestone edit payments-work --goal a-safe-shop")]
    Edit(EditMilestone),
    /// Show a milestone with what is below it
    #[command(after_help = "Examples:\n  paddock milestone show payments-work")]
    Show(Show),
    /// Delete a milestone and everything below it
    #[command(after_help = "Examples:\n  paddock milestone delete payments-work")]
    Delete(Named),
}

#[derive(Debug, Subcommand)]
pub(super) enum Phase {
    /// Add a phase to a milestone
    #[command(after_help = "Examples:
  paddock phase add 'The payment form'
  paddock phase add 'The payment form' --milestone payments-work")]
    Add(AddPhase),
    /// List all phases
    #[command(after_help = "Examples:\n  paddock phase list")]
    List(List),
    /// Make a phase the active one, which is planned and worked on
    #[command(after_help = "Examples:\n  paddock phase activate the-payment-form")]
    Activate(Named),
    /// Mark a phase complete
    #[command(after_help = "Examples:\n  paddock phase complete the-payment-form")]
    Complete(Named),
    /// Change a phase's title, description or milestone
    #[command(after_help = "Examples:\n  paddock phase edit the-payment-form --milestone payments-work")]
    Edit(EditPhase),
    /// Show a phase with what is below it and its checks
    #[command(after_help = "Examples:\n  paddock phase show the-payment-form")]
    Show(Show),
    /// Delete a phase; its objectives stay
    #[command(after_help = "Examples:\n  paddock phase delete the-payment-form")]
    Delete(Named),
    /// Remove a check of a phase, yours or the planner's
    #[command(after_help = "Examples:\n  paddock phase show the-payment-form\n  paddock phase remove-check \
                            the-payment-form 2")]
    RemoveCheck(RemoveCheck),
}

#[derive(Debug, Args)]
pub(super) struct New {
    /// Title, one line of any text
    title: String,
    /// Description, for the planner and for people
    #[arg(short, long, default_value = "", hide_default_value = true)]
    description: String,
    /// Id; default: made from the title
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
    /// Goal that the milestone belongs to; default: the active goal
    #[arg(long, value_name = "ID")]
    goal: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct AddPhase {
    #[command(flatten)]
    new: New,
    /// Milestone that the phase belongs to; default: the active milestone
    #[arg(long, value_name = "ID")]
    milestone: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Changes {
    /// Id, as `list` shows it
    id: String,
    /// Title, one line of any text
    #[arg(long)]
    title: Option<String>,
    /// Description, for the planner and for people
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
    /// Goal that the milestone belongs to
    #[arg(long, value_name = "ID")]
    goal: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct EditPhase {
    #[command(flatten)]
    changes: Changes,
    /// Milestone that the phase belongs to
    #[arg(long, value_name = "ID")]
    milestone: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Named {
    /// Id, as `list` shows it
    id: String,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Output as JSON
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
            Self::Show(show) => show.execute(context, level),
            Self::Delete(named) => order(context, level, &named.id, NodeOrder::Delete),
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
            Self::Show(show) => show.execute(context, level),
            Self::Delete(named) => order(context, level, &named.id, NodeOrder::Delete),
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
            Self::Show(show) => show.execute(context, level),
            Self::Delete(named) => order(context, level, &named.id, NodeOrder::Delete),
            Self::RemoveCheck(check) => check.execute(context),
        }
    }
}

fn add(context: &Context, level: Level, new: New, parent: Option<String>) -> Outcome {
    let state = context.state()?;
    let project = context.project(&state, None)?;
    let is_guessed = new.id.is_none() && !new.title.is_ascii();
    let id = match new.id {
        Some(id) => NodeId::new(id)?,
        None => free_id(&state, &project, level, &new.title)?,
    };
    // Without a parent the supervisor takes the active node of the level above.
    let parent = parent.map(NodeId::new).transpose()?;
    let order = NodeOrder::Add { title: new.title, description: new.description, parent };
    context.ask_and_say(Command::Node { node: NodeKey { project, level, id: id.clone() }, order })?;
    if is_guessed {
        output::note(&made_from_title(id.as_str()));
    }
    Ok(Exit::Good)
}

/// Returns the hint about an id that was made from a title in another script, whose spelling a person may want
/// to choose.
pub(super) fn made_from_title(id: &str) -> String {
    format!("the id {id} is made from the title; `--id` gives another")
}

/// Derives an id from a title that no node of this level has yet.
fn free_id(state: &State, project: &ProjectSlug, level: Level, title: &str) -> Result<NodeId, Failure> {
    let key = |id: &NodeId| NodeKey { project: project.clone(), level, id: id.clone() };
    id_for(level, title, |id| state.node(&key(id)).is_none())
}

/// Derives an id from a title for which `is_free` returns true. Fails if no valid id can be made.
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
        return Err(Failure::usage(format!(
            "nothing to change was given; `paddock {level} edit --help` lists what can be changed"
        )));
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

/// Returns the failure of a name that no node of the level has.
pub(super) fn unknown(state: &State, key: &NodeKey) -> Failure {
    let of_level = state.nodes_of(&key.project).filter(|node| node.key.level == key.level);
    let known: Vec<&str> = of_level.map(|node| node.key.id.as_str()).collect();
    let (level, id) = (key.level, &key.id);
    Failure::error(match known.is_empty() {
        true => format!("there is no {level} {id}; `paddock {level} add TITLE` adds one"),
        false => format!("there is no {level} {id}; there is: {}", known.join(", ")),
    })
}

fn show(context: &Context, level: Level, list: &List) -> Outcome {
    let state = context.state()?;
    let project = context.project(&state, None)?;
    let mut nodes: Vec<&HierarchyNode> =
        state.nodes_of(&project).filter(|node| node.key.level == level).collect();
    // In the order of the hierarchy, as in an exported document.
    nodes.sort_by_key(|node| node.place());
    if list.json {
        let all: Vec<_> = nodes.iter().map(|node| node_status(node)).collect();
        output::json(&all)?;
        return Ok(Exit::Good);
    }
    if nodes.is_empty() {
        output::note(&format!("there is no {level} yet; `paddock {level} add TITLE` adds one"));
    }
    let row = |node: &&HierarchyNode| {
        let parent = node.parent.as_ref().map(ToString::to_string).unwrap_or_default();
        let mut row = vec![node.key.id.to_string(), node.stage.word().to_owned()];
        // A goal has no parent, and no empty column for one.
        row.extend(level.parent().map(|_| parent));
        row.push(cut(&harmless(&node.title), 60));
        row
    };
    output::print(&table(&nodes.iter().map(row).collect::<Vec<_>>(), 0))?;
    let active = nodes.iter().find(|node| node.stage == Stage::Active);
    if let (Some(active), Some(next)) = (active, active.and_then(|active| state.next_after(active))) {
        output::note(&format!(
            "{} is active; {next} begins by itself once it is complete, and `paddock {level} activate {next}` begins it \
             now",
            active.key.id,
            next = next.key.id
        ));
    }
    Ok(Exit::Good)
}
