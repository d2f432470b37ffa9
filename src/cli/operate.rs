//! `paddock objective retry`, `approve` and the other orders about one objective.

use clap::{Args, Subcommand};

use super::context::Context;
use super::exit::{Exit, Failure, Outcome};
use super::output;
use paddock_config::plan_file::scope_fault;
use paddock_git::Repository;
use paddock_model::command::Command;
use paddock_model::ids::{NodeId, ObjectId, ObjectiveId, ObjectiveKey, ProjectSlug, WorkerId};
use paddock_model::operate::{Order, SpecEdit};
use paddock_model::state::State;

#[derive(Debug, Subcommand)]
pub(super) enum Operate {
    /// Let another session work on it, with recovery starting afresh
    #[command(after_help = "Examples:
  paddock objective retry fix-the-login
  paddock objective retry fix-the-login --note 'the tests need a running database: use the fake one'")]
    Retry(Noted),
    /// Let it into the merge queue whatever the review said; the gate still holds
    #[command(after_help = "Examples:
  paddock objective approve fix-the-login
  paddock objective approve fix-the-login --note 'the change to Cargo.toml is wanted'")]
    Approve(Noted),
    /// Send it back with what is wrong, or give it up
    #[command(after_help = "Examples:
  paddock objective reject fix-the-login --note 'passwords are logged'
  paddock objective reject fix-the-login --note 'not worth it' --final")]
    Reject(Reject),
    /// Let what depends on it go on without it
    #[command(after_help = "Examples:\n  paddock objective skip fix-the-login")]
    Skip(Named),
    /// Set it aside; a running session goes on to its end
    #[command(after_help = "Examples:\n  paddock objective pause fix-the-login")]
    Pause(Named),
    /// Go on from where it was paused
    #[command(after_help = "Examples:\n  paddock objective resume fix-the-login")]
    Resume(Named),
    /// Call it off; its session is stopped, its branch stays
    #[command(after_help = "Examples:\n  paddock objective cancel fix-the-login")]
    Cancel(Named),
    /// Have a person decide
    #[command(after_help = "Examples:
  paddock objective escalate fix-the-login --note 'wait for the new API'")]
    Escalate(Noted),
    /// Let it change more paths
    #[command(after_help = "Examples:\n  paddock objective expand fix-the-login 'src/session/**' Cargo.toml")]
    Expand(Expand),
    /// Higher goes first, in dispatch and in the merge queue
    #[command(
        after_help = "Examples:\n  paddock objective prioritize fix-the-login 10\n  paddock objective prioritize fix-the-login -5"
    )]
    Prioritize(Prioritize),
    /// Change what is asked for
    #[command(after_help = "Examples:
  paddock objective edit fix-the-login --criteria 'a wrong password is refused' --max-minutes 60
  paddock objective edit fix-the-login --depends-on ''      depends on nothing any more")]
    Edit(Box<Edit>),
    /// Forget it; only without dependents and without a branch
    #[command(after_help = "Examples:\n  paddock objective delete fix-the-login")]
    Delete(Named),
}

#[derive(Debug, Args)]
pub(super) struct Named {
    /// ID or PROJECT/ID
    id: String,
    /// The answer as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Noted {
    #[command(flatten)]
    named: Named,
    /// Why; after retry it is in the next session's prompt
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Reject {
    #[command(flatten)]
    named: Named,
    /// What is wrong; it is in the next session's prompt
    #[arg(long, value_name = "TEXT")]
    note: String,
    /// Give it up for good
    #[arg(long = "final")]
    is_final: bool,
}

#[derive(Debug, Args)]
pub(super) struct Expand {
    #[command(flatten)]
    named: Named,
    /// What it may change, too
    #[arg(required = true, value_name = "GLOB")]
    globs: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct Prioritize {
    #[command(flatten)]
    named: Named,
    /// Its priority
    #[arg(value_name = "N", allow_negative_numbers = true)]
    priority: i32,
}

#[derive(Debug, Args)]
pub(super) struct Edit {
    #[command(flatten)]
    named: Named,
    /// One line; any text
    #[arg(long)]
    title: Option<String>,
    /// What is to be done
    #[arg(short, long)]
    description: Option<String>,
    /// When it is done; all of them; '' = none
    #[arg(long, value_name = "TEXT")]
    criteria: Option<Vec<String>>,
    /// Globs of what it may change; all of them; '' = everything
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    scope: Option<Vec<String>>,
    /// What must be done first; all of them; '' = nothing
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    depends_on: Option<Vec<String>>,
    /// Who does it
    #[arg(long)]
    worker: Option<String>,
    /// Higher goes first
    #[arg(long, allow_negative_numbers = true)]
    priority: Option<i32>,
    /// Commits a session may make
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_commits: Option<u32>,
    /// Minutes a session may run
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_minutes: Option<u32>,
    /// Files or places to read; all of them; '' = none
    #[arg(long, value_name = "REF")]
    refs: Option<Vec<String>>,
    /// The phase it belongs to; '' = none
    #[arg(long)]
    phase: Option<String>,
}

impl Operate {
    pub(super) fn execute(self, context: &Context) -> Outcome {
        let state = context.state()?;
        let order = |order| move |_: &ObjectiveKey| -> Result<Order, Failure> { Ok(order) };
        match self {
            Self::Retry(Noted { named, note }) => named.order(context, &state, order(Order::Retry { note })),
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

/// Where the branch is as the person sees it: they may have committed there themselves.
fn branch_head(state: &State, key: &ObjectiveKey) -> Option<ObjectId> {
    let project = state.project(&key.project)?;
    let branch = state.objective(key)?.branch();
    // What cannot be read now is judged by what was recorded.
    let repository = Repository::open(project.settings.repo_root.as_ref()).ok()?;
    repository.commit_of(&format!("refs/heads/{branch}")).ok().flatten()
}

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
        let depends_on = filled(self.depends_on);
        self.named.order(context, state, |key| {
            let depends_on = depends_on.map(|list| siblings(&list, &key.project)).transpose()?;
            Ok(Order::Edit { edit: Box::new(SpecEdit { depends_on, ..edit }) })
        })
    }
}

/// Ids of a project's objectives, with or without the project before them.
pub(super) fn siblings(list: &[String], project: &ProjectSlug) -> Result<Vec<ObjectiveId>, Failure> {
    let prefix = format!("{project}/");
    let own = |id: &String| ObjectiveId::new(id.strip_prefix(prefix.as_str()).unwrap_or(id));
    Ok(list.iter().map(own).collect::<Result<_, _>>()?)
}

/// A phase's id; its title will do, too.
pub(super) fn phase_id(text: &str) -> String {
    match NodeId::new(text) {
        Ok(id) => id.to_string(),
        Err(_) => paddock_model::ids::nearest_id(text),
    }
}
