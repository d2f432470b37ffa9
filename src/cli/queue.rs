//! `paddock queue`: lists the merge queue, and gives orders about it and about publishing.

use std::time::{Duration, Instant};

use clap::{Args, Subcommand};

use super::context::Context;
use super::exit_codes::{Exit, Failure, Outcome};
use super::{output, status};
use paddock_ipc::workspace_lock::is_running;
use paddock_model::command::Command;
use paddock_model::ids::ProjectSlug;
use paddock_model::operate::Order;
use paddock_model::path::RepoPath;
use paddock_model::side_runs::{Pull, PullStage};
use paddock_report::status::{ProjectStatus, VerdictStatus};
use paddock_report::text::{harmless, table};

/// Longest wait for the fetch of a pull. It continues after that.
const FETCH_PATIENCE: Duration = Duration::from_secs(60);
/// Pause between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

#[derive(Debug, Subcommand)]
pub(super) enum Queue {
    /// List what is queued to land, and what waits to be published
    #[command(after_help = "Examples:\n  paddock queue list\n  paddock queue list --json")]
    List(List),
    /// Hold the queue: nothing lands until you release it
    #[command(after_help = "Examples:\n  paddock queue hold\n  paddock --project web queue hold")]
    Hold,
    /// Release the queue after a hold
    #[command(after_help = "Examples:\n  paddock queue release")]
    Release,
    /// Remove an objective from the queue; it then waits for your decision
    #[command(after_help = "Examples:\n  paddock queue drop fix-the-login --note 'wait for the release'")]
    Drop(Drop),
    /// Put an objective at the end of the queue again
    #[command(after_help = "Examples:\n  paddock queue requeue fix-the-login")]
    Requeue(Requeue),
    /// Run the gate on an emptied tree; if it passes there, it checks nothing
    #[command(after_help = "Examples:\n  paddock queue canary\n  paddock --project web queue canary")]
    Canary,
    /// Run the gate on the newest landed work in a new folder without caches
    #[command(after_help = "Examples:\n  paddock queue recheck\n  paddock --project web queue recheck")]
    Recheck,
    /// Accept the target branch as it is: rewritten, or with commits that bypassed the queue
    #[command(after_help = "Examples:\n  paddock queue adopt")]
    Adopt,
    /// Restore landed work on the target branch
    #[command(after_help = "Examples:\n  paddock queue republish")]
    Republish,
    /// Publish landed work to the target branch now
    #[command(after_help = "Examples:\n  paddock queue publish")]
    Publish,
    /// Fetch what others pushed, merge it with landed work through the gate, and push
    #[command(after_help = "Examples:\n  paddock queue pull\n  paddock --project web queue pull")]
    Pull,
}

#[derive(Debug, Args)]
pub(super) struct Drop {
    /// Objective: ID or PROJECT/ID
    id: String,
    /// Reason
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Requeue {
    /// Objective: ID or PROJECT/ID
    id: String,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Output as JSON
    #[arg(long)]
    json: bool,
}

impl Queue {
    pub(super) fn execute(self, context: &Context) -> Outcome {
        let make: fn(ProjectSlug) -> Command = match self {
            Self::List(list) => return list.execute(context),
            Self::Drop(Drop { id, note }) => return order(context, &id, Order::Drop { note }),
            Self::Requeue(Requeue { id }) => return order(context, &id, Order::Requeue),
            Self::Canary => |project| Command::QueueCanary { project },
            Self::Recheck => |project| Command::AskRecheck { project },
            Self::Hold => |project| Command::QueueHold { project },
            Self::Release => |project| Command::QueueRelease { project },
            Self::Adopt => |project| Command::QueueAdopt { project },
            Self::Republish => |project| Command::QueueRepublish { project },
            Self::Publish => |project| Command::QueuePublish { project },
            Self::Pull => return pull(context),
        };
        let project = context.project(&context.state()?, None)?;
        context.ask_and_say(make(project))?;
        Ok(Exit::Good)
    }
}

/// Orders a pull and waits until the fetch is over, or for [`FETCH_PATIENCE`].
fn pull(context: &Context) -> Outcome {
    let project = context.project(&context.state()?, None)?;
    context.ask_and_say(Command::QueuePull { project: project.clone() })?;
    let give_up_at = Instant::now() + FETCH_PATIENCE;
    loop {
        let state = context.state()?;
        let pull = state.project(&project).and_then(|found| found.pushing.pull.clone());
        let is_over = !matches!(&pull, Some(pull) if pull.stage == PullStage::Fetching);
        if is_over || Instant::now() >= give_up_at {
            return pulled(context, pull.as_ref());
        }
        std::thread::sleep(LOOK_PAUSE);
    }
}

/// Says what the fetch found. Fails if it failed.
fn pulled(context: &Context, pull: Option<&Pull>) -> Outcome {
    let next = match is_running(&context.workspace.runtime()) {
        Some(_) => "`paddock queue list` shows how far it is",
        None => "the next `paddock run` does it",
    };
    let text = match pull.map(|pull| &pull.stage) {
        None => "landed work holds all of it".to_owned(),
        Some(PullStage::Merged) => format!("landed work holds all of it; the push is left: {next}"),
        Some(PullStage::Fetching) => format!("the fetch is not over yet: {next}"),
        Some(PullStage::Forwarding(head)) => format!("the target branch moves to {}: {next}", head.short()),
        Some(PullStage::Merging(head)) => {
            format!("{} is to be merged with landed work, through the gate: {next}", head.short())
        }
        Some(PullStage::Failed(failure)) => {
            let named = |file: &RepoPath| format!("\n  {file}");
            let files: String = failure.files.iter().map(named).collect();
            let text = format!("{}; nothing was changed{files}", failure.text);
            return Err(Failure::error(format!("{text}\n`paddock explain` says what to do")));
        }
    };
    output::line(&text)?;
    Ok(Exit::Good)
}

fn order(context: &Context, id: &str, order: Order) -> Outcome {
    let objective = context.objective(&context.state()?, id)?;
    // The user's name is recorded with the order.
    let by = context.environment.person();
    context.ask_and_say(Command::Objective { objective, order, by })?;
    Ok(Exit::Good)
}

impl List {
    fn execute(self, context: &Context) -> Outcome {
        let document = status::build(context, &context.state()?, false);
        if self.json {
            let queues: Vec<_> = document
                .projects
                .iter()
                .map(|project| {
                    serde_json::json!({
                        "project": project.slug, "integration": project.integration,
                        "reasons": project.reasons, "queue": project.queue,
                        "radar": project.radar, "canary": project.canary,
                        "gate_slots": project.gate_slots, "recheck": project.recheck,
                        "upstream": project.upstream, "pull": project.pull
                    })
                })
                .collect();
            output::json(&queues)?;
            return Ok(Exit::Good);
        }
        for project in &document.projects {
            print_queue(project)?;
        }
        Ok(Exit::Good)
    }
}

/// Prints the queue of a project, and below it everything that keeps landings or publishing from moving.
fn print_queue(project: &ProjectStatus) -> Result<(), Failure> {
    let mut text = format!("{}\n", project.slug);
    let row = |entry: &paddock_report::status::QueueStatus| {
        let of_people = if entry.subject == "remote" { "(commits of others)" } else { "(your own commits)" };
        let name = entry.objective.clone().unwrap_or_else(|| of_people.to_owned());
        let gate = entry.gate.as_ref().map_or_else(String::new, |gate| format!("gate run {}", gate.run));
        let eta = entry.eta_seconds.map_or_else(String::new, |seconds| format!("about {seconds} s"));
        let state = entry.state.to_owned();
        vec![entry.position.to_string(), name, state, gate, eta, entry.since.clone()]
    };
    let rows: Vec<Vec<String>> = project.queue.iter().map(row).collect();
    match rows.is_empty() {
        true => text.push_str("  nothing is queued\n"),
        // The table has one line for each entry; below it go the entry's runs.
        false => {
            for (line, entry) in table(&rows, 2).lines().zip(&project.queue) {
                text.push_str(&format!("{line}\n"));
                entry.verdicts.iter().for_each(|run| text.push_str(&run_lines(run)));
            }
        }
    }
    if let Some(landing) = &project.landing {
        let (name, evidence) = (harmless(&landing.objective), &landing.evidence);
        text.push_str(&format!("  last landing: {name}, gate run {} {}\n", evidence.run, evidence.text));
        text.push_str(&difference_lines(&evidence.differences));
    }
    if let Some(gate) = &project.gate_slots {
        text.push_str(&format!("  gate slots: {} ({})\n", gate.slots, gate.why));
    }
    if let Some(run) = project.recheck.as_ref().and_then(|recheck| recheck.run) {
        text.push_str(&format!("  gate run {run}: the newest landed work, in a new folder without caches\n"));
    }
    if project.integration.ahead > 0 {
        text.push_str(&format!("  landed, not published yet: {}\n", project.integration.ahead));
    }
    if let Some(upstream) = &project.upstream {
        text.push_str(&format!("  {}\n", harmless(&upstream.text)));
    }
    if let Some(pull) = project.pull.as_ref().filter(|pull| pull.problem.is_none()) {
        let again = if pull.round > 1 { format!(" (fetch {})", pull.round) } else { String::new() };
        text.push_str(&format!("  bringing in what others pushed: {}{again}\n", pull.state));
    }
    for one in &project.radar {
        let other = one.with.as_deref().unwrap_or("what has landed");
        let paths = harmless(&one.paths.join(", "));
        text.push_str(&format!("  radar: {} will collide with {other} in {paths}\n", one.objective));
    }
    for reason in &project.reasons {
        let (what, clears) = (harmless(&reason.text), harmless(&reason.clears));
        text.push_str(&format!("  {}: {what}\n    → {clears}\n", reason.code));
    }
    // Files in the user's checkout that a publication would overwrite.
    for file in &project.integration.waiting_for {
        text.push_str(&format!("    {}\n", harmless(file)));
    }
    output::print(&text)
}

/// Returns a finished gate run and what differs from the base, as lines below its entry.
fn run_lines(run: &VerdictStatus) -> String {
    let text = format!("      run {} {}: {}\n", run.run, run.purpose, run.text);
    text + &difference_lines(&run.differences)
}

fn difference_lines(differences: &[String]) -> String {
    differences.iter().map(|line| format!("        {}\n", harmless(line))).collect()
}
