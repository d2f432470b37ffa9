//! `paddock objective retry`, `approve` and the other orders about one objective.
//!
//! This file only parses: `engine::decide::operate` decides whether an order is possible and says what to do
//! instead.

use clap::{Args, Subcommand};

use super::context::Context;
use super::exit_codes::{Exit, Failure, Outcome};
use super::{lengths, output};
use paddock_config::plan_file::scope_fault;
use paddock_git::{Repository, work_head};
use paddock_model::command::Command;
use paddock_model::ids::{NodeId, ObjectId, ObjectiveId, ObjectiveKey, ProjectSlug, WorkerId};
use paddock_model::operate::{Order, SpecEdit};
use paddock_model::state::State;

#[derive(Debug, Subcommand)]
pub(super) enum Operate {
    /// Retry an objective with a new session; its count of retries starts at zero again
    #[command(after_help = "Examples:
  paddock objective retry fix-the-login
  paddock objective retry fix-the-login --note 'the tests need a running database: use the fake one'")]
    Retry(Noted),
    /// Approve an objective despite the review: it enters the merge queue, and the gate must still pass
    #[command(after_help = "Examples:
  paddock objective approve fix-the-login
  paddock objective approve fix-the-login --note 'the change to Cargo.toml is wanted'")]
    Approve(Noted),
    /// Reject an objective: send it back with a note, or give it up
    #[command(after_help = "Examples:
  paddock objective reject fix-the-login --note 'passwords are logged'
  paddock objective reject fix-the-login --note 'not worth it' --final")]
    Reject(Reject),
    /// Skip an objective: its dependents start without it
    #[command(after_help = "Examples:\n  paddock objective skip fix-the-login")]
    Skip(Named),
    /// Pause an objective; a running session continues to its end
    #[command(after_help = "Examples:\n  paddock objective pause fix-the-login")]
    Pause(Named),
    /// Resume an objective from the state in which it was paused
    #[command(after_help = "Examples:\n  paddock objective resume fix-the-login")]
    Resume(Named),
    /// Cancel an objective: its session is stopped, its branch stays
    #[command(after_help = "Examples:\n  paddock objective cancel fix-the-login")]
    Cancel(Named),
    /// Stop work on an objective until a person decides about it
    #[command(after_help = "Examples:
  paddock objective escalate fix-the-login --note 'wait for the new API'")]
    Escalate(Noted),
    /// Add globs to the scope of an objective
    #[command(after_help = "Examples:\n  paddock objective expand fix-the-login 'src/session/**' Cargo.toml")]
    Expand(Expand),
    /// Set the priority of an objective; higher starts first and lands first
    #[command(
        after_help = "Examples:\n  paddock objective prioritize fix-the-login 10\n  paddock objective prioritize fix-the-login -5"
    )]
    Prioritize(Prioritize),
    /// Edit an objective's title, description, criteria, scope and limits
    #[command(after_help = "Examples:
  paddock objective edit fix-the-login --criteria 'a wrong password is refused' --max-minutes 60
  paddock objective edit fix-the-login --depends-on ''      depends on nothing any more")]
    Edit(Box<Edit>),
    /// Delete an objective that has no dependents and no branch
    #[command(after_help = "Examples:\n  paddock objective delete fix-the-login")]
    Delete(Named),
}

#[derive(Debug, Args)]
pub(super) struct Named {
    /// Objective: ID or PROJECT/ID
    id: String,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Noted {
    #[command(flatten)]
    named: Named,
    /// Reason; after `retry` the next session reads it in its prompt
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Reject {
    #[command(flatten)]
    named: Named,
    /// What is wrong; the next session reads it in its prompt
    #[arg(long, value_name = "TEXT")]
    note: String,
    /// Give the objective up for good
    #[arg(long = "final")]
    is_final: bool,
}

#[derive(Debug, Args)]
pub(super) struct Expand {
    #[command(flatten)]
    named: Named,
    /// Glob of further paths that the objective may change
    #[arg(required = true, value_name = "GLOB")]
    globs: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct Prioritize {
    #[command(flatten)]
    named: Named,
    /// Priority; may be negative
    #[arg(value_name = "N", allow_negative_numbers = true)]
    priority: i32,
}

#[derive(Debug, Args)]
pub(super) struct Edit {
    #[command(flatten)]
    named: Named,
    /// Title, one line of any text
    #[arg(long)]
    title: Option<String>,
    /// Description of the work, for the agent
    #[arg(short, long)]
    description: Option<String>,
    /// Acceptance criterion; repeatable, replaces all; '' = none
    #[arg(long, value_name = "TEXT")]
    criteria: Option<Vec<String>>,
    /// Glob of paths that the objective may change; repeatable, replaces all; '' = every path
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    scope: Option<Vec<String>>,
    /// Objective that must be done first; repeatable, replaces all; '' = none
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    depends_on: Option<Vec<String>>,
    /// Worker whose agents do the work
    #[arg(long)]
    worker: Option<String>,
    /// Priority; higher runs and lands first
    #[arg(long, allow_negative_numbers = true)]
    priority: Option<i32>,
    /// Maximum number of commits per session
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_commits: Option<u32>,
    /// Maximum minutes per session, or with a unit (90m, 1h30m)
    #[arg(long, value_name = "TIME", value_parser = lengths::whole_minutes)]
    max_minutes: Option<u32>,
    /// File or other source that the agent should read; repeatable, replaces all; '' = none
    #[arg(long, value_name = "REF")]
    refs: Option<Vec<String>>,
    /// Phase that the objective belongs to; '' = none
    #[arg(long)]
    phase: Option<String>,
}

impl Operate {
    pub(super) fn execute(self, context: &Context) -> Outcome {
        let state = context.state()?;
        let order = |order| move |_: &ObjectiveKey| -> Result<Order, Failure> { Ok(order) };
        match self {
            Self::Retry(Noted { named, note }) => named.order(context, &state, order(Order::Retry { note })),
            // The only order that needs a fact from the repository: which commits the person has seen.
            Self::Approve(Noted { named, note }) => named
                .order(context, &state, |key| Ok(Order::Approve { note, head: branch_head(&state, key) })),
            Self::Reject(Reject { named, note, is_final }) => {
                named.order(context, &state, order(Order::Reject { note, is_final }))
            }
            Self::Skip(named) => named.order(context, &state, order(Order::Skip)),
            Self::Pause(named) => named.order(context, &state, order(Order::Pause)),
            Self::Resume(named) => named.order(context, &state, order(Order::Resume)),
            Self::Cancel(named) => named.order(context, &state, order(Order::Cancel)),
            Self::Escalate(Noted { named, note }) => {
                named.order(context, &state, order(Order::Escalate { note }))
            }
            Self::Expand(Expand { named, globs }) => {
                // Checked before the supervisor is asked, for a message that names the argument.
                globs.iter().try_for_each(|glob| check_glob("", glob))?;
                named.order(context, &state, order(Order::Expand { globs }))
            }
            Self::Prioritize(Prioritize { named, priority }) => {
                named.order(context, &state, order(Order::Prioritize { priority }))
            }
            Self::Edit(edit) => edit.execute(context, &state),
            Self::Delete(named) => named.order(context, &state, order(Order::Delete)),
        }
    }
}

fn check_glob(flag: &str, glob: &str) -> Result<(), Failure> {
    match scope_fault(glob) {
        Some(fault) => Err(Failure::usage(format!("{flag}{glob:?}: {fault}"))),
        None => Ok(()),
    }
}

impl Named {
    fn order(
        self,
        context: &Context,
        state: &State,
        make: impl FnOnce(&ObjectiveKey) -> Result<Order, Failure>,
    ) -> Outcome {
        let objective = context.objective(state, &self.id)?;
        let order = make(&objective)?;
        let answer =
            context.ask(Command::Objective { objective, order, by: context.environment.person() })?;
        match self.json {
            true => output::json(&answer)?,
            false => output::line(&answer.text)?,
        }
        Ok(Exit::Good)
    }
}

/// Returns the head of the objective's branch as the person sees it.
///
/// A person may have committed there. The approval names this head, so that the queue accepts exactly these
/// commits and none that come later.
fn branch_head(state: &State, key: &ObjectiveKey) -> Option<ObjectId> {
    let project = state.project(&key.project)?;
    let branch = state.objective(key)?.branch();
    // Without a head the approval is for the recorded one.
    let repository = Repository::open(project.settings.repo_root.as_ref()).ok()?;
    work_head(&repository, &branch).ok().flatten()
}

/// Drops empty texts: `--scope ''` is how a list is emptied.
fn filled(list: Option<Vec<String>>) -> Option<Vec<String>> {
    list.map(|list| list.into_iter().filter(|text| !text.is_empty()).collect())
}

impl Edit {
    fn execute(self, context: &Context, state: &State) -> Outcome {
        let scope = filled(self.scope);
        scope.iter().flatten().try_for_each(|glob| check_glob("--scope ", glob))?;
        let edit = SpecEdit {
            title: self.title,
            description: self.description,
            acceptance_criteria: filled(self.criteria),
            path_scope: scope,
            depends_on: None,
            context_refs: filled(self.refs),
            worker: self.worker.map(WorkerId::from),
            priority: self.priority,
            max_commits: self.max_commits,
            max_minutes: self.max_minutes,
            phase: self.phase.as_deref().map(phase_id),
        };
        // Dependencies become ids only once the objective's project is known.
        let depends_on = filled(self.depends_on);
        self.named.order(context, state, |key| {
            let depends_on = depends_on.map(|list| siblings(&list, &key.project)).transpose()?;
            Ok(Order::Edit { edit: Box::new(SpecEdit { depends_on, ..edit }) })
        })
    }
}

/// Parses ids of a project's objectives, with or without the project before them.
pub(super) fn siblings(list: &[String], project: &ProjectSlug) -> Result<Vec<ObjectiveId>, Failure> {
    let prefix = format!("{project}/");
    let own = |id: &String| ObjectiveId::new(id.strip_prefix(prefix.as_str()).unwrap_or(id));
    Ok(list.iter().map(own).collect::<Result<_, _>>()?)
}

/// Returns a phase's id; text that is no id is taken for a title.
pub(super) fn phase_id(text: &str) -> String {
    match NodeId::new(text) {
        Ok(id) => id.to_string(),
        Err(_) => paddock_model::ids::nearest_id(text),
    }
}
