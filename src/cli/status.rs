//! `paddock status`: shows what runs, what waits for a person and what has landed.

use clap::Args;

use super::context::Context;
use super::exit_codes::{Exit, Failure, Outcome};
use super::output;
use paddock_config::{Workspace, changes};
use paddock_model::ids::{GateId, SessionId};
use paddock_model::session::Session;
use paddock_model::state::State;

use paddock_ipc::workspace_lock::is_running;
use paddock_report::status::{SessionStatus, StatusDocument, View, document};
use paddock_report::status_text;
use paddock_runner::slot_of;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  paddock status
  paddock --project web status
  paddock status --json | jq '.projects[].objectives[] | select(.status == \"needs_review\")'")]
pub(super) struct Status {
    /// Output as one JSON document
    #[arg(long)]
    json: bool,
    /// Include sessions older than 24 hours
    #[arg(long)]
    all: bool,
}

/// Returns the time now, in Unix milliseconds.
pub(super) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Builds the status document of a state, as of now. `all` includes sessions older than a day.
pub(super) fn build(context: &Context, state: &State, all: bool) -> StatusDocument {
    let mut document = document(&view(context, state, all), context.project.as_ref());
    for project in &mut document.projects {
        project.sessions.iter_mut().for_each(|session| add_slot(context, session));
        for gate in project.queue.iter_mut().filter_map(|entry| entry.gate.as_mut()) {
            gate.job_slot = slot_of(&context.workspace.gate_dir(GateId(gate.run)));
        }
    }
    document
}

/// Returns a session as the status document shows it.
pub(super) fn session(context: &Context, state: &State, session: &Session) -> SessionStatus {
    let mut listed = paddock_report::status::session_status(&view(context, state, true), session);
    add_slot(context, &mut listed);
    listed
}

/// Adds the slot of a session that runs. That of an earlier one may be another job's by now.
fn add_slot(context: &Context, session: &mut SessionStatus) {
    if session.pid.is_some() {
        session.job_slot = slot_of(&context.workspace.session_dir(SessionId(session.id)));
    }
}

fn view<'s>(context: &Context, state: &'s State, all: bool) -> View<'s> {
    let now = jiff::Zoned::now();
    // The day's budget counts from the user's own midnight.
    let day_ms = now.start_of_day().map_or(0, |day| day.timestamp().as_millisecond());
    View {
        state,
        answers: &paddock_engine::ANSWERS,
        workspace: context.workspace.root().to_path_buf(),
        supervisor: is_running(&context.workspace.runtime()),
        now_ms: now.timestamp().as_millisecond(),
        day_ms,
        all,
    }
}

/// Prints, once per workspace, how this build treats existing projects differently from the build before.
fn print_changes(workspace: &Workspace) -> Result<(), Failure> {
    let unseen = changes::unseen(&workspace.changes_file());
    if unseen.is_empty() {
        return Ok(());
    }
    let mut text = "\nnew in this build of Paddock (shown once; CHANGELOG.md has the rest):\n".to_owned();
    unseen.iter().for_each(|change| text.push_str(&format!("  - {change}\n")));
    output::print(&text)?;
    // A workspace that cannot be written shows the changes again next time, which is better than no status.
    drop(changes::remember(&workspace.changes_file()));
    Ok(())
}

impl Status {
    pub(super) fn execute(self, context: &Context) -> Outcome {
        let state = context.state()?;
        let document = build(context, &state, self.all);
        match self.json {
            true => output::json(&document)?,
            false => {
                output::print(&status_text::render(&document, now_ms()))?;
                print_changes(&context.workspace)?;
            }
        }
        Ok::<Exit, Failure>(Exit::Good)
    }
}
