//! `paddock supervisor`: shows whether a supervisor runs, and stops it.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::context::Context;
use super::exit_codes::{Exit, Outcome};
use super::output;
use paddock_ipc::workspace_lock::is_running;
use paddock_model::command::{Command, StopMode};

/// Interval between two checks whether the supervisor has exited.
const POLL_PAUSE: Duration = Duration::from_millis(50);

#[derive(Debug, Subcommand)]
pub(super) enum Supervisor {
    /// Show whether a supervisor runs in this workspace
    #[command(after_help = "Examples:\n  paddock supervisor status\n  paddock supervisor status --json")]
    Status(Status),
    /// Stop the supervisor, and wait until it has exited
    #[command(after_help = "Examples:
  paddock supervisor stop           ask sessions to stop, and harvest their work
  paddock supervisor stop --now     kill sessions
  paddock supervisor stop --leave   leave sessions running; the next supervisor finds them")]
    Stop(Stop),
}

#[derive(Debug, Args)]
pub(super) struct Status {
    /// Output as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Stop {
    /// Kill sessions instead of asking them to stop
    #[arg(long, conflicts_with = "leave")]
    now: bool,
    /// Leave sessions running under their keepers
    #[arg(long)]
    leave: bool,
}

impl Supervisor {
    pub(super) fn execute(self, context: &Context) -> Outcome {
        match self {
            Self::Status(status) => status.execute(context),
            Self::Stop(stop) => stop.execute(context),
        }
    }
}

impl Status {
    fn execute(self, context: &Context) -> Outcome {
        let holder = is_running(&context.workspace.runtime());
        if self.json {
            let (pid, since) = holder.as_ref().map_or((None, None), |one| (one.pid, one.since.clone()));
            output::json(&serde_json::json!({ "running": holder.is_some(), "pid": pid, "since": since }))?;
            return Ok(Exit::Good);
        }
        match holder {
            Some(holder) => output::line(&format!("a supervisor runs: {holder}"))?,
            None => output::line("no supervisor runs; `paddock run --no-tui` starts one")?,
        }
        Ok(Exit::Good)
    }
}

impl Stop {
    fn execute(self, context: &Context) -> Outcome {
        let Some(holder) = is_running(&context.workspace.runtime()) else {
            // Not an error: the wanted state is reached, and scripts may stop twice.
            output::line("no supervisor runs")?;
            return Ok(Exit::Good);
        };
        let mode = match (self.now, self.leave) {
            (true, _) => StopMode::Now,
            (_, true) => StopMode::Leave,
            _ => StopMode::Graceful,
        };
        context.ask_and_say(Command::SupervisorStop { mode })?;
        // The answer comes before the supervisor has exited. A new supervisor may start at once, hence the
        // process id: waiting for "none runs" could last for ever.
        while is_running(&context.workspace.runtime()).is_some_and(|now| now.pid == holder.pid) {
            std::thread::sleep(POLL_PAUSE);
        }
        output::line("the supervisor has exited")?;
        Ok(Exit::Good)
    }
}
