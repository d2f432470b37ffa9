//! `paddock doctor`: checks everything that Paddock depends on, and says what to do about each fault.
//!
//! Each file below `doctor/` checks one area and returns [`Finding`]s; nothing is changed without `--rebuild`
//! or `--restore`, and nothing but git's records is run without `--setup` or `--agents`.

mod database;
mod finding;
mod gate;
mod machine;
mod projects;
mod restore;
mod terminal;

use clap::Args;
use paddock_model::ids::AgentId;
use serde::Serialize;

use super::context::Context;
use super::exit_codes::{Exit, Failure, Outcome};
use super::set_up;
use super::{agent, output};
use finding::{Finding, Level};
use paddock_ipc::workspace_lock::is_running;
use paddock_model::project::Project;
use paddock_model::state::State;
use paddock_report::agents::{AgentStatus, CheckStatus};
use paddock_report::text::{harmless, table};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  paddock doctor
  paddock doctor --agents             also check every agent with a one-word prompt
  paddock doctor --json
  paddock doctor --restore            replace a damaged database by its newest copy
  paddock doctor --rebuild            compute the state from the events again, and correct the stored rows")]
pub(super) struct Doctor {
    /// Check every installed agent with a one-word prompt, which takes a few seconds and tokens each
    #[arg(long)]
    agents: bool,
    /// Run worktree.setup of each project once, in a worktree that is thrown away, and show what it changes
    #[arg(long)]
    setup: bool,
    /// Compare the stored state with the events, and correct rows that differ
    #[arg(long)]
    rebuild: bool,
    /// Replace a damaged database by its newest intact copy and all later events that can still be read
    #[arg(long, conflicts_with = "rebuild")]
    restore: bool,
    /// Output as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Document {
    version: u32,
    ok: bool,
    findings: Vec<Finding>,
}

impl Doctor {
    pub(super) fn execute(self, context: &Context) -> Outcome {
        if self.rebuild {
            database::rebuild(context)?;
        }
        if self.restore {
            restore::restore(context)?;
        }
        // From the ground up: a fault of the machine or the database often explains those that follow.
        let mut findings = machine::check(context);
        findings.extend(workspace(context));
        findings.extend(database::check(context));
        // A state that cannot be loaded is reported by `database::check`; the other checks run with an empty
        // one.
        let state = context.state().unwrap_or_default();
        findings.extend(projects::check(context, &state));
        findings.extend(set_ups(context, &state, self.setup)?);
        let checks = match self.agents {
            true => agent::check_all(context, &state)?,
            false => Vec::new(),
        };
        findings.extend(agents(&agent::statuses(context, &state), &checks));
        findings.extend(terminal::check());
        let ok = !findings.iter().any(|finding| finding.level == Level::Error);
        if self.json {
            output::json(&Document { version: 1, ok, findings })?;
        } else {
            output::print(&shown(&findings))?;
        }
        Ok(if ok { Exit::Good } else { Exit::Error })
    }
}

/// Runs the set-up of each project's worktrees once, or says how that is done.
fn set_ups(context: &Context, state: &State, runs: bool) -> Result<Vec<Finding>, Failure> {
    let mut found = Vec::new();
    let meant = |project: &&Project| context.project.as_ref().is_none_or(|slug| *slug == project.slug);
    for project in state.projects().filter(meant) {
        let Some(command) = &project.settings.worktree.setup else { continue };
        let area = format!("project {}", project.slug);
        if !runs {
            let text = format!(
                "worktree.setup (`{}`) was not run now; `paddock doctor --setup` runs it once in a worktree that is \
                 thrown away, and shows what it changes",
                harmless(command)
            );
            found.push(Finding::note(&area, text));
            continue;
        }
        let mut tried = set_up::run(context, &project.slug, false)?.unwrap_or_default();
        let remedy =
            "repair the command, or what it needs; its settings are under `worktree` in the project file";
        found.push(match tried.fault.take() {
            Some(fault) => {
                Finding::error(&area, format!("worktree.setup fails: {}", harmless(&fault)), remedy)
            }
            None => Finding::good(&area, "worktree.setup ends well"),
        });
        found.extend(set_up::lines(&tried).into_iter().map(|line| Finding::note(&area, line)));
    }
    Ok(found)
}

fn workspace(context: &Context) -> Vec<Finding> {
    let area = "workspace";
    let mut found = vec![Finding::good(area, context.workspace.root().display().to_string())];
    found.push(match is_running(&context.workspace.runtime()) {
        Some(holder) => {
            let pid = holder.pid.map(|pid| format!(" as process {pid}")).unwrap_or_default();
            Finding::good("supervisor", format!("runs{pid}"))
        }
        None => Finding::note("supervisor", "none runs here; `paddock run --no-tui` starts one"),
    });
    for path in [
        context.workspace.runtime(),
        context.workspace.db().to_path_buf(),
        context.workspace.root().join(".env"),
    ] {
        found.extend(open_to_others(&path));
    }
    found
}

/// Warns if other users of this machine can read or change the file or folder.
fn open_to_others(path: &std::path::Path) -> Option<Finding> {
    use std::os::unix::fs::PermissionsExt;
    let mode = path.metadata().ok()?.permissions().mode() & 0o777;
    let shown = path.display();
    (mode & 0o077 != 0).then(|| {
        let text = format!("{shown} is open to other users (mode {mode:03o})");
        Finding::warning("workspace", text, format!("chmod go= '{shown}'"))
    })
}

fn agents(all: &[AgentStatus], checks: &[(AgentId, CheckStatus)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for agent in all {
        let area = format!("agent {}", agent.id);
        let check = checks.iter().find(|(id, _)| *id == agent.id).map(|(_, check)| check);
        findings.push(match (check, agent.state) {
            (Some(check), _) if check.ok => {
                let version = check.version.clone().unwrap_or_default();
                Finding::good(&area, format!("works ({} ms) {version}", check.latency_ms))
            }
            (Some(check), _) => {
                let error = check.error.as_ref();
                let text = error.map_or_else(String::new, |error| format!("{}: {}", error.class, error.text));
                let remedy = match error.map(|error| error.class.as_str()) {
                    Some("authentication") => format!("log in: run {} once by hand", agent.program),
                    _ => format!("run {} by hand and read its output", agent.program),
                };
                Finding::error(&area, text, remedy)
            }
            // Without a check only what is recorded can be shown: health is kept per agent for the whole
            // workspace.
            (None, "not_found") => Finding::note(&area, agent.reason.clone().unwrap_or_default()),
            (None, "ready") => {
                Finding::good(&area, format!("{} is installed; `--agents` checks it", agent.program))
            }
            (None, "locked") => {
                let remedy = format!("log in, then `paddock agent check {}`", agent.id);
                Finding::error(&area, agent.reason.clone().unwrap_or_default(), remedy)
            }
            (None, "unusable") => {
                let remedy = format!("correct `command_template` of {} in the project file", agent.id);
                Finding::error(&area, agent.reason.clone().unwrap_or_default(), remedy)
            }
            (None, word) => {
                let until = agent.until.as_ref().map(|until| format!(" until {until}")).unwrap_or_default();
                let why = agent.reason.clone().unwrap_or_default();
                Finding::note(&area, format!("{word}{until}: {why}"))
            }
        });
    }
    // A missing agent is a note, because nobody has all of them installed; having none is the error.
    let usable = all.iter().any(|agent| matches!(agent.state, "ready" | "cooling"));
    if !usable {
        let remedy = "install a coding agent, or add one of your own under `agents` in the project file";
        findings.push(Finding::error("agents", "no agent is usable", remedy));
    }
    findings
}

fn shown(findings: &[Finding]) -> String {
    let mut rows = Vec::new();
    for finding in findings {
        let mark = match finding.level {
            Level::Good => "ok",
            Level::Note => "note",
            Level::Warning => "warning",
            Level::Error => "ERROR",
        };
        rows.push(vec![mark.to_owned(), finding.area.clone(), harmless(&finding.text)]);
        let remedy = finding.remedy.iter();
        rows.extend(
            remedy.map(|remedy| vec![String::new(), String::new(), format!("-> {}", harmless(remedy))]),
        );
    }
    table(&rows, 0)
}
