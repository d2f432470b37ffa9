//! `paddock demo`: a complete run on a new sample repository, with the scripted agent, without API keys or
//! network.

mod make;

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;

use super::context::Context;
use super::exit_codes::{Exit, Failure, Outcome};
use super::{console, output, run};
use paddock_config::Workspace;
use paddock_console::commands::CommandLine;
use paddock_git::is_tracked;
use paddock_model::objective::Status;
use paddock_report::lineage::Lineage;
use paddock_report::text::{counted, harmless};
use paddock_supervisor::Options;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  paddock demo
  paddock demo --dir /tmp/demo --seed 7
  paddock --root /tmp/demo/workspace status   inspect the demo afterwards")]
pub(super) struct Demo {
    /// Folder for the demo, new or empty; default: a new temporary folder
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Seed for the duration of the sessions
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Output events as JSON lines
    #[arg(long)]
    json: bool,
}

impl Demo {
    /// Runs the demo in a console that knows these commands, or on plain lines if `console` is `None`.
    pub(super) fn execute(self, console: Option<Vec<CommandLine>>) -> Outcome {
        let folder = make::folder(self.dir.as_deref())?;
        output::note(&format!("the demo is in {}; the folder is kept", folder.display()));
        let repository = folder.join("hello");
        make::repository(&repository)?;
        // A workspace of its own: the user's must not fill with demos.
        let workspace = Workspace::init(&folder.join("workspace"), is_tracked)?;
        let context = Context::in_workspace(workspace, Some(make::SLUG))?;
        make::project(&context, &repository)?;
        make::plan(&context, self.seed)?;
        // The demo's objectives are fixed: a planner would only add to them.
        if let Some(commands) = console {
            return console::show(&context, vec!["--no-planner".to_owned()], commands);
        }
        let options = Options {
            project: context.project.clone(),
            once: false,
            until_idle: true,
            duration: None,
            max_parallel: None,
            poll_seconds: None,
            planner_cooldown: None,
            no_planner: true,
        };
        let begun = Instant::now();
        let end = paddock_supervisor::run(
            &context.workspace,
            &context.environment,
            &options,
            run::printer(self.json, Lineage::from_state(&context.state()?)),
        )?;
        summary(&context, &repository, begun)?;
        Ok(Exit::from(end))
    }
}

fn summary(context: &Context, repository: &std::path::Path, begun: Instant) -> Result<(), Failure> {
    let state = context.state()?;
    let total = state.objectives().count();
    let landed = state.objectives().filter(|objective| objective.status == Status::Done).count();
    // Landed and published differ where the target branch could not move, for example over changes in a
    // checkout.
    let published = |objective: &&paddock_model::objective::Objective| {
        objective.landed.as_ref().is_some_and(|landed| landed.published_at_ms.is_some())
    };
    let published = state.objectives().filter(published).count();
    let sessions = counted(state.sessions().count(), "session");
    let seconds = begun.elapsed().as_secs();
    output::note("");
    output::note(&format!(
        "{landed} of {total} objectives landed, {published} published, {sessions}, {seconds} s"
    ));
    let root = context.workspace.root().display();
    for objective in state.objectives().filter(|objective| objective.status == Status::NeedsReview) {
        let id = &objective.key.id;
        let why = objective.reason.as_ref().map_or("", |reason| reason.text.as_str());
        output::note(&format!("{id} waits for you: {}", harmless(why)));
        output::note(&format!("  paddock --root '{root}' objective retry {id} --note \"it costs nothing\""));
        output::note(&format!("  paddock --root '{root}' explain {id}"));
    }
    output::note("inspect the demo:");
    output::note(&format!("  git -C '{}' log --first-parent --oneline", repository.display()));
    output::note(&format!("  paddock --root '{}' status", context.workspace.root().display()));
    output::note(&format!(
        "  paddock --root '{}' objective show farewell",
        context.workspace.root().display()
    ));
    Ok(())
}
