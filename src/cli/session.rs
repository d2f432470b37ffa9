//! `paddock session`: lists, shows, kills and extends sessions.

use clap::{Args, Subcommand};

use super::context::Context;
use super::error::CliError;
use super::exit_codes::{Exit, Failure, Outcome};
use super::session_log::Log;
use super::{lengths, output, status};
use paddock_model::command::Command;
use paddock_model::ids::SessionId;
use paddock_model::session::Session as Found;
use paddock_model::state::State;
use paddock_report::text::{harmless, rfc3339, table};
use paddock_runner::slot_of;

#[derive(Debug, Subcommand)]
pub(super) enum Session {
    /// List the sessions of the last 24 hours, and all open ones
    #[command(after_help = "Examples:\n  paddock session list\n  paddock session list --all --json")]
    List(List),
    /// Show a session: its result, commits, findings and usage
    #[command(after_help = "Examples:\n  paddock session show 7\n  paddock session show 7 --json")]
    Show(Show),
    /// Print the output of a session's agent
    #[command(after_help = "Examples:
  paddock session log 7
  paddock session log 7 -f            follow until the session ends
  paddock session log 7 --stderr --raw > err.bin")]
    Log(Log),
    /// Kill a session; its objective then waits for your decision
    #[command(after_help = "Examples:\n  paddock session kill 7")]
    Kill(Kill),
    /// Extend a session's limits: minutes, commits, tokens, dollars
    #[command(after_help = "Examples:
  paddock session extend 7 --minutes 15
  paddock session extend 7 --commits 3 --usd 2.50")]
    Extend(Extend),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Include sessions older than 24 hours
    #[arg(long)]
    all: bool,
    /// Output as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// Number of the session
    number: u64,
    /// Output as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Kill {
    /// Number of the session
    number: u64,
}

#[derive(Debug, Args)]
pub(super) struct Extend {
    /// Number of the session
    number: u64,
    /// Additional minutes, or with a unit (1h, 90m)
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = lengths::more_minutes)]
    minutes: u32,
    /// Additional commits
    #[arg(long, value_name = "C", default_value_t = 0)]
    commits: u32,
    /// Additional tokens
    #[arg(long, value_name = "T", default_value_t = 0)]
    tokens: u64,
    /// Additional US dollars
    #[arg(long, value_name = "D", value_parser = dollars, default_value = "0")]
    usd: u64,
}

/// Parses an amount of US dollars as millionths. Fails if the text is not an amount.
fn dollars(text: &str) -> Result<u64, CliError> {
    // Money is counted in whole millionths of a dollar: sums of fractions would not be exact.
    let amount = text.trim_start_matches('$').parse().ok().and_then(paddock_model::usage::micros);
    amount.ok_or_else(|| CliError::NotDollars(text.to_owned()))
}

impl Session {
    pub(super) fn execute(self, context: &Context) -> Outcome {
        match self {
            Self::List(list) => return list.execute(context),
            Self::Show(show) => return show.execute(context),
            Self::Log(log) => return log.execute(context),
            Self::Kill(kill) => {
                context.ask_and_say(Command::SessionKill { session: SessionId(kill.number) })?;
            }
            Self::Extend(Extend { number, minutes, commits, tokens, usd: usd_micros }) => {
                // All have defaults, so clap cannot require one of them.
                if (minutes, commits, tokens, usd_micros) == (0, 0, 0, 0) {
                    let text = "name at least one of --minutes M, --commits C, --tokens T, --usd D";
                    return Err(Failure::usage(text));
                }
                let session = SessionId(number);
                let more = Command::SessionExtend { session, minutes, commits, tokens, usd_micros };
                context.ask_and_say(more)?;
            }
        }
        Ok(Exit::Good)
    }
}

/// Finds a session by its number. Fails if there is none.
pub(super) fn find(state: &State, number: u64) -> Result<&Found, Failure> {
    state.session(SessionId(number)).ok_or_else(|| {
        Failure::error(format!("there is no session {number}; `paddock session list` shows them"))
    })
}

impl List {
    fn execute(self, context: &Context) -> Outcome {
        let document = status::build(context, &context.state()?, self.all);
        if self.json {
            let sessions: Vec<_> =
                document.projects.iter().flat_map(|project| project.sessions.iter()).collect();
            output::json(&sessions)?;
            return Ok(Exit::Good);
        }
        let with_slug = document.projects.len() > 1;
        let mut rows = Vec::new();
        for project in &document.projects {
            for session in &project.sessions {
                let objective = match with_slug {
                    true => format!("{}/{}", project.slug, session.objective.as_deref().unwrap_or("-")),
                    false => session.objective.clone().unwrap_or_else(|| "-".to_owned()),
                };
                rows.push((
                    session.id,
                    vec![
                        session.id.to_string(),
                        objective,
                        session.kind.to_owned(),
                        session.agent.to_string(),
                        session.status.to_owned(),
                        format!("{}/{} commits", session.commits, session.budget.max_commits),
                        session.started_at.clone().unwrap_or_default(),
                    ],
                ));
            }
        }
        // Sessions come grouped by project; people expect the order in which they started.
        rows.sort_by_key(|(id, _)| *id);
        let rows: Vec<Vec<String>> = rows.into_iter().map(|(_, row)| row).collect();
        if rows.is_empty() && !self.all {
            output::note("no session in the last 24 hours; --all shows older sessions");
        }
        output::print(&table(&rows, 0))?;
        Ok(Exit::Good)
    }
}

impl Show {
    fn execute(self, context: &Context) -> Outcome {
        let state = context.state()?;
        let session = find(&state, self.number)?;
        if self.json {
            output::json(&recorded(context, &state, session)?)?;
            return Ok(Exit::Good);
        }
        output::print(&describe(context, session))?;
        Ok(Exit::Good)
    }
}

/// Returns the whole recorded session, with more than the table shows, and with the fields that every list of
/// sessions has. Where the record has a field of the same name, that one stays; `listed` holds all of the list's.
fn recorded(context: &Context, state: &State, session: &Found) -> Result<serde_json::Value, Failure> {
    let as_json = |error: serde_json::Error| Failure::error(error.to_string());
    let listed = status::session(context, state, session);
    let listed = serde_json::to_value(listed).map_err(as_json)?;
    let mut value = serde_json::to_value(session).map_err(as_json)?;
    if let (Some(record), Some(fields)) = (value.as_object_mut(), listed.as_object()) {
        for (name, field) in fields {
            record.entry(name).or_insert_with(|| field.clone());
        }
        record.insert("listed".to_owned(), listed);
    }
    Ok(value)
}

/// Adds rows for the agent's own report: model, usage, failure, conversation. Usage that was not reported is
/// unknown, not zero.
fn describe_account(session: &Found, add: &mut impl FnMut(&str, String)) {
    let (account, usage) = (&session.account, &session.account.usage);
    usage.model.iter().for_each(|model| add("model", model.clone()));
    if let Some(tokens) = usage.tokens {
        let parts = format!("{} read, {} from cache, {} written", tokens.input, tokens.cached, tokens.output);
        add("tokens", format!("{} ({parts})", tokens.total()));
    } else if !session.status.is_open() {
        // While a session runs its agent may still report them.
        add("tokens", "unknown".to_owned());
    }
    match usage.usd_text() {
        Some(usd) if usage.usd_is_estimate => {
            add("cost", format!("{usd} (estimated: the agent was stopped before it reported it)"));
        }
        Some(usd) => add("cost", usd),
        None if session.status.is_open() => {}
        None => add("cost", "unknown".to_owned()),
    }
    if let Some(failure) = &account.failure {
        add("failure", failure.to_string());
        failure.reset_ms.iter().for_each(|at_ms| add("until", rfc3339(*at_ms)));
    }
    account.agent_session.iter().for_each(|id| add("conversation", id.clone()));
    if let Some(resume) = &session.resume {
        add("resumes", format!("the conversation of session {}", resume.session));
    }
}

fn describe(context: &Context, session: &Found) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut add = |name: &str, value: String| rows.push(vec![name.to_owned(), harmless(&value)]);
    add("session", session.id.to_string());
    add(
        "objective",
        // A planner run names a reserved id in place of an objective, which would only confuse here.
        match session.objective.id.is_planner() {
            true => format!("{} (planning)", session.objective.project),
            false => session.objective.to_string(),
        },
    );
    add("kind", format!("{}, attempt {}", session.kind, session.attempt));
    add("agent", format!("{} as {}", session.agent, session.worker));
    add("state", session.status.word().to_owned());
    session.pid.iter().for_each(|pid| add("process", pid.to_string()));
    session.started_ms.iter().for_each(|at_ms| add("started", rfc3339(*at_ms)));
    session.finished_ms.iter().for_each(|at_ms| add("finished", rfc3339(*at_ms)));
    add("budget", format!("{} commits, {} min", session.budget.max_commits, session.budget.max_minutes));
    session.process.iter().for_each(|process| add("exit", process.words(&session.budget)));
    if let Some(harvest) = &session.harvest {
        add("commits", harvest.commits.to_string());
        for checkpoint in &harvest.checkpoints {
            add("", format!("{} {}", checkpoint.commit.short(), checkpoint.summary));
        }
        for finding in &harvest.findings {
            add("finding", finding.text.clone());
            finding.paths.iter().for_each(|path| add("", path.to_string()));
        }
        if let Some(salvage) = &harvest.salvage {
            add("salvaged", format!("{} paths under {}", salvage.paths, salvage.reference));
        }
        harvest.summary.lines().for_each(|line| add("summary", line.to_owned()));
    }
    describe_account(session, &mut add);
    let slot = slot_of(&context.workspace.session_dir(session.id));
    slot.iter().for_each(|slot| add("slot", slot.to_string()));
    add("folder", context.workspace.session_dir(session.id).display().to_string());
    table(&rows, 0)
}
