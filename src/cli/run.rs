//! `paddock run`: the supervisor in the foreground, one line per event.

use std::io::Write;
use std::time::Duration;

use clap::Args;

use super::context::Context;
use super::exit_codes::{Exit, Failure, Outcome};
use super::lengths;
use super::output;
use paddock_engine::decide::{Memo, waiting};
use paddock_ipc::EventLine;
use paddock_ipc::workspace_lock::is_running;
use paddock_model::ids::ProjectSlug;
use paddock_model::needs::{Need, NeedKind};
use paddock_model::stored::StoredEvent;
use paddock_report::lineage::Lineage;
use paddock_report::text::harmless;
use paddock_report::{event_lines, event_types};
use paddock_supervisor::Options;

/// Maximum number of names in the closing line; `paddock status` lists all.
const NAMED_MAX: usize = 10;

#[derive(Debug, Default, Args)]
#[command(after_help = "Examples:
  paddock run --no-tui
  paddock run --no-tui --until-idle --json
  paddock run --no-tui --duration-minutes 8h --max-parallel 4

Exit status:
  0    all work is done and published as configured, and all started goals are complete
       (with --no-planner goals do not count); or the run was asked to stop; or its
       cycle or time was over, and the next run continues without you
  3    something waits for you: `paddock status` lists it under \"needs you\"
  4    nothing waits for you, but not everything is done
  1    an error; 2 wrong usage; 130 interrupted")]
pub(super) struct Run {
    /// Run one cycle, then exit; sessions continue under their keepers
    #[arg(long)]
    once: bool,
    /// Exit when nothing runs and nothing can move without a person
    #[arg(long)]
    until_idle: bool,
    /// Time after which to stop gracefully, as `supervisor stop` does: minutes, or with a unit (8h, 90m, 1h30m)
    #[arg(long, value_name = "TIME", value_parser = lengths::minutes)]
    duration_minutes: Option<Duration>,
    /// Maximum number of sessions at once, instead of every project's own setting
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_parallel: Option<u32>,
    /// Maximum seconds between two cycles when nothing happens; default: PADDOCK_POLL_SECONDS, else 20
    #[arg(long, value_name = "TIME", value_parser = poll_seconds)]
    poll_seconds: Option<u64>,
    /// Minimum seconds between planner runs; default: PADDOCK_PLANNER_COOLDOWN, else 300
    #[arg(long, value_name = "TIME", value_parser = lengths::whole_seconds)]
    planner_cooldown: Option<u64>,
    /// Start no planner: objectives come from people only
    #[arg(long)]
    no_planner: bool,
    /// Print what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Output events as JSON lines
    #[arg(long)]
    json: bool,
    /// Start a session of its own, so that signals of the terminal do not reach a supervisor in the
    /// background
    #[arg(long, hide = true)]
    detached: bool,
}

/// Parses the pause between two cycles: from a second to a year.
fn poll_seconds(text: &str) -> Result<u64, String> {
    let seconds = lengths::whole_seconds(text)?;
    match (1..=31_536_000).contains(&seconds) {
        true => Ok(seconds),
        false => Err(format!("{text:?} is not between 1 second and 365 days")),
    }
}

/// Returns a function that prints each event when it is recorded. It ignores a closed standard output: the
/// supervisor must not stop because `| head` has.
///
/// `lineage` is what is known of the hierarchy before the first of these events.
pub(super) fn printer(json: bool, mut lineage: Lineage) -> Box<dyn FnMut(&StoredEvent) + Send> {
    Box::new(move |event| {
        let line = lineage.publish(EventLine::from(event));
        let text = if json { event_types::json(&line) } else { event_lines::human(&line) };
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{text}").and_then(|()| out.flush());
    })
}

impl Run {
    /// Returns whether the output is asked for, so that a console in its place would be of no use.
    pub(super) fn prints(&self) -> bool {
        self.dry_run || self.json
    }

    /// Returns the flags as arguments for a supervisor that the console starts in the background.
    ///
    /// `--json` and `--dry-run` open no console.
    pub(super) fn arguments(&self) -> Vec<String> {
        let flags =
            [("--once", self.once), ("--until-idle", self.until_idle), ("--no-planner", self.no_planner)];
        let numbers = [
            ("--max-parallel", self.max_parallel.map(u64::from)),
            ("--poll-seconds", self.poll_seconds),
            ("--planner-cooldown", self.planner_cooldown),
        ];
        let flags = flags.iter().filter(|(_, is_set)| *is_set).map(|(name, _)| (*name).to_owned());
        let numbers = numbers.iter().filter_map(|(name, value)| value.map(|value| format!("{name}={value}")));
        let duration =
            self.duration_minutes.map(|length| format!("--duration-minutes={}s", length.as_secs_f64()));
        flags.chain(numbers).chain(duration).collect()
    }

    fn options(&self, context: &Context) -> Options {
        Options {
            project: context.project.clone(),
            once: self.once,
            until_idle: self.until_idle,
            duration: self.duration_minutes,
            max_parallel: self.max_parallel,
            poll_seconds: self.poll_seconds,
            planner_cooldown: self.planner_cooldown,
            no_planner: self.no_planner,
        }
    }

    pub(super) fn execute(self, context: &Context, hints: bool) -> Outcome {
        if self.detached {
            // `setsid` fails only for the leader of a process group. A child of the console is none; a
            // shell's job is one, and keeps its terminal.
            let _ = rustix::process::setsid();
        }
        let options = self.options(context);
        // A dry run changes nothing, and where a supervisor runs already, `run` fails below.
        let is_first = !self.dry_run && is_running(&context.workspace.runtime()).is_none();
        let state = if is_first { context.state()? } else { context.load()? };
        context.named_project(&state)?;
        if self.dry_run {
            return self.print_dry_run(context, &options);
        }
        let end = paddock_supervisor::run(
            &context.workspace,
            &context.environment,
            &options,
            printer(self.json, Lineage::from_state(&state)),
        )?;
        let exit = Exit::from(end);
        if hints && matches!(exit, Exit::NeedsHuman | Exit::Stuck) {
            say_what_waits(context, exit, &options)?;
        }
        Ok(exit)
    }
}

impl Run {
    /// Prints what a supervisor would record now: with `--json` in the form of the events of a run.
    fn print_dry_run(&self, context: &Context, options: &Options) -> Outcome {
        let events = paddock_supervisor::dry_run(&context.workspace, &context.environment, options)?;
        let mut lineage = Lineage::from_state(&context.state()?);
        for event in &events {
            let line = lineage.publish(EventLine::from(event));
            match self.json {
                true => output::line(&event_types::json(&line))?,
                false => output::line(&format!("would record {} {}", event.kind, harmless(&event.data)))?,
            }
        }
        if events.is_empty() && !self.json {
            output::line("nothing would be done now")?;
        }
        Ok(Exit::Good)
    }
}

fn say_what_waits(context: &Context, exit: Exit, options: &Options) -> Result<(), Failure> {
    let state = context.state()?;
    // The same view as the supervisor's that has just ended, or this line and the exit code would disagree.
    let mut memo = Memo::working(context.project.clone(), None);
    memo.planner_cooldown_ms = (!options.no_planner).then_some(0);
    let mut names: Vec<String> = Vec::new();
    if exit == Exit::NeedsHuman {
        names.extend(waiting(&state, &memo).iter().map(name));
    } else {
        // Stuck: name the open objectives, or, if the projects have none, the projects (a goal is not
        // reached).
        let covered = |project: &ProjectSlug| memo.covers(project);
        let open =
            state.objectives().filter(|one| covered(&one.key.project) && !one.status.frees_dependents());
        names.extend(open.map(|objective| objective.key.to_string()));
        if names.is_empty() {
            let projects = state.projects().filter(|project| project.is_enabled() && covered(&project.slug));
            names.extend(projects.map(|project| format!("project {}", project.slug)));
        }
    }
    // One thing can need a person for several reasons, which `status` lists.
    names.dedup();
    output::note(&format!("{}: `paddock status` says why", waits_line(&names, exit == Exit::NeedsHuman)));
    Ok(())
}

/// Names the objective, agent or project that a need is about.
fn name(need: &Need) -> String {
    match &need.kind {
        NeedKind::Objective(key) => key.to_string(),
        NeedKind::Agent(id) => format!("agent {id}"),
        _ => format!("project {}", need.project),
    }
}

/// Says in one line what waits for a person or is stuck: the first few by name, the others as a number.
fn waits_line(names: &[String], for_you: bool) -> String {
    let mut who = names.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => "a project".clone_into(&mut who),
        all if all > NAMED_MAX => who.push_str(&format!(" and {} more", all - NAMED_MAX)),
        _ => {}
    }
    let what = match (for_you, names.len() > 1) {
        (true, false) => "waits for you",
        (true, true) => "wait for you",
        (false, false) => "is stuck",
        (false, true) => "are stuck",
    };
    format!("{who} {what}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_is_named_and_the_rest_is_counted() {
        let names: Vec<String> = (1..=12).map(|n| format!("shop/o{n}")).collect();
        assert_eq!(waits_line(&[], true), "a project waits for you");
        assert_eq!(waits_line(&names[..1], true), "shop/o1 waits for you");
        assert_eq!(waits_line(&names[..2], false), "shop/o1, shop/o2 are stuck");
        assert!(waits_line(&names, true).ends_with("shop/o10 and 2 more wait for you"));
    }
}
