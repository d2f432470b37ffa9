//! `paddock objective`: adds, lists and shows objectives. `operate` has the orders about one of them.

use clap::{Args, Subcommand};

use super::context::Context;
use super::exit_codes::{Exit, Failure, Outcome};
use super::objective_orders::{Operate, phase_id, siblings};
use super::{goal, lengths, output, status};
use paddock_config::plan_file::scope_fault;
use paddock_model::command::Command;
use paddock_model::ids::{self, ObjectiveId, ObjectiveKey, ProjectSlug};
use paddock_model::objective::{Objective as Found, ObjectiveSpec};
use paddock_model::plan::DEFAULT_WORKER;
use paddock_model::state::State;
use paddock_report::evidence::{self, EvidenceStatus, evidence_status};
use paddock_report::status::{ObjectiveStatus, ProjectStatus};
use paddock_report::text::{cut, harmless, rfc3339, table};

#[derive(Debug, Subcommand)]
pub(super) enum Objective {
    /// Add an objective: a piece of work for an agent
    #[command(after_help = "Examples:
  paddock objective add --title 'Fix the login' --scope 'src/login/**'
  paddock objective add --title 'Write docs' --depends-on fix-the-login --criteria 'every flag is documented'")]
    Add(Box<Add>),
    /// List objectives
    #[command(after_help = "Examples:
  paddock objective list
  paddock objective list --status needs_review --json")]
    List(List),
    /// Show an objective, its sessions, and why it is not moving
    #[command(
        after_help = "Examples:\n  paddock objective show fix-the-login\n  paddock objective show web/fix-the-login --json"
    )]
    Show(Show),
    #[command(flatten)]
    Operate(Operate),
}

#[derive(Debug, Args)]
pub(super) struct Add {
    /// Title, one line of any text
    #[arg(long)]
    title: String,
    /// Description of the work, for the agent
    #[arg(short, long, default_value = "", hide_default_value = true)]
    description: String,
    /// Acceptance criterion; repeatable
    #[arg(long, value_name = "TEXT")]
    criteria: Vec<String>,
    /// Glob of paths that the objective may change; repeatable; default: every path
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    scope: Vec<String>,
    /// Objective that must be done first; repeatable
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    depends_on: Vec<String>,
    /// Worker whose agents do the work
    #[arg(long, default_value = DEFAULT_WORKER)]
    worker: String,
    /// Priority; higher runs and lands first
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    priority: i32,
    /// Maximum number of commits per session
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_commits: Option<u32>,
    /// Maximum minutes per session, or with a unit (90m, 1h30m)
    #[arg(long, value_name = "TIME", value_parser = lengths::whole_minutes)]
    max_minutes: Option<u32>,
    /// File or other source that the agent should read; repeatable
    #[arg(long, value_name = "REF")]
    refs: Vec<String>,
    /// Phase that the objective belongs to
    #[arg(long)]
    phase: Option<String>,
    /// Id; default: made from the title
    #[arg(long)]
    id: Option<String>,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// State of the objectives to list; default: all states
    #[arg(long, value_name = "STATE")]
    status: Option<String>,
    /// Output as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// Objective: ID or PROJECT/ID
    id: String,
    /// Output as JSON
    #[arg(long)]
    json: bool,
}

impl Objective {
    pub(super) fn execute(self, context: &Context) -> Outcome {
        match self {
            Self::Add(add) => add.execute(context),
            Self::List(list) => list.execute(context),
            Self::Show(show) => show.execute(context),
            Self::Operate(operate) => operate.execute(context),
        }
    }
}

impl Add {
    fn execute(self, context: &Context) -> Outcome {
        let state = context.state()?;
        let project = context.project(&state, None)?;
        if self.title.trim().is_empty() {
            return Err(Failure::usage("the title is empty: say in one line what is to be done"));
        }
        for glob in &self.scope {
            if let Some(fault) = scope_fault(glob) {
                return Err(Failure::usage(format!("--scope {glob:?}: {fault}")));
            }
        }
        // The id is derived from the state as read here; the supervisor refuses it if it was taken meanwhile.
        let id = match &self.id {
            Some(id) => ObjectiveId::new(id.as_str())?,
            None => free_id(&state, &project, &self.title)?,
        };
        let depends_on = siblings(&self.depends_on, &project)?;
        let guessed = (self.id.is_none() && !self.title.is_ascii()).then(|| id.clone());
        let json = self.json;
        let spec = ObjectiveSpec {
            title: self.title,
            description: self.description,
            acceptance_criteria: self.criteria,
            path_scope: self.scope,
            depends_on,
            context_refs: self.refs,
            worker: self.worker.into(),
            priority: self.priority,
            max_commits: self.max_commits,
            max_minutes: self.max_minutes,
            phase: self.phase.as_deref().map(phase_id),
        };
        let answer = context.ask(Command::ObjectivesAdd { project, objectives: vec![(id, spec)] })?;
        match json {
            true => output::json(&answer)?,
            false => output::line(&answer.text)?,
        }
        if let Some(id) = guessed {
            output::note(&goal::made_from_title(id.as_str()));
        }
        Ok(Exit::Good)
    }
}

/// Derives an id from a title that no objective of the project has yet.
fn free_id(state: &State, project: &ProjectSlug, title: &str) -> Result<ObjectiveId, Failure> {
    let is_taken = |id: &str| {
        let id = ObjectiveId::new(id);
        id.is_ok_and(|id| state.objective(&ObjectiveKey { project: project.clone(), id }).is_some())
    };
    Ok(ObjectiveId::new(ids::free_id(title, "objective", is_taken))?)
}

impl List {
    fn execute(self, context: &Context) -> Outcome {
        let state = context.state()?;
        // A misspelt state would match nothing and look like an empty list.
        if let Some(status) = &self.status {
            let words: Vec<&str> =
                paddock_model::objective::Status::ALL.iter().map(|status| status.word()).collect();
            if !words.contains(&status.as_str()) {
                return Err(Failure::usage(format!(
                    "there is no state {status:?}; the states are: {}",
                    words.join(", ")
                )));
            }
        }
        let document = status::build(context, &state, false);
        let is_wanted = |one: &&ObjectiveStatus| self.status.as_ref().is_none_or(|word| one.status == word);
        if self.json {
            let mut all = Vec::new();
            for project in &document.projects {
                for objective in project.objectives.iter().filter(is_wanted) {
                    all.push(with_project(project, objective));
                }
            }
            output::json(&all)?;
            return Ok(Exit::Good);
        }
        // Without a prefix an id can be pasted into the next command; with several projects it may be
        // ambiguous.
        let with_slug = document.projects.len() > 1;
        let mut rows = Vec::new();
        for project in &document.projects {
            rows.extend(project.objectives.iter().filter(is_wanted).map(|one| row(project, one, with_slug)));
        }
        if rows.is_empty() {
            output::note("no objective found; `paddock objective add --title TEXT` adds one");
        }
        output::print(&table(&rows, 0))?;
        Ok(Exit::Good)
    }
}

fn with_project(project: &ProjectStatus, objective: &ObjectiveStatus) -> serde_json::Value {
    let mut value = serde_json::to_value(objective).unwrap_or_default();
    if let Some(map) = value.as_object_mut() {
        map.insert("project".to_owned(), project.slug.clone().into());
    }
    value
}

fn row(project: &ProjectStatus, objective: &ObjectiveStatus, with_slug: bool) -> Vec<String> {
    let id = match with_slug {
        true => format!("{}/{}", project.slug, objective.id),
        false => objective.id.clone(),
    };
    // Cut, so that a row stays on one line of a usual terminal; `show` has the whole texts.
    let reason = objective.reason.as_ref().map_or("", |reason| reason.text.as_str());
    vec![id, objective.status.to_owned(), cut(&harmless(&objective.title), 40), cut(&harmless(reason), 80)]
}

impl Show {
    fn execute(self, context: &Context) -> Outcome {
        let state = context.state()?;
        let key = context.objective(&state, &self.id)?;
        // With all sessions: those of the last 24 hours would not explain an old objective.
        let document = status::build(context, &state, true);
        let project = document.projects.iter().find(|project| project.slug == key.project.as_str());
        let found = project
            .and_then(|project| project.objectives.iter().find(|one| one.id == key.id.as_str()))
            .zip(project);
        let (Some((shown, project)), Some(objective)) = (found, state.objective(&key)) else {
            return Err(Failure::error(format!("{key} is not in the project that --project names")));
        };
        if self.json {
            let mut value = with_project(project, shown);
            if let Some(map) = value.as_object_mut() {
                map.insert("spec".to_owned(), serde_json::to_value(&objective.spec).unwrap_or_default());
                map.insert("history".to_owned(), serde_json::json!(objective.history));
                map.insert("evidence".to_owned(), serde_json::json!(evidence_of(objective, &state)));
            }
            output::json(&value)?;
            return Ok(Exit::Good);
        }
        output::print(&describe(objective, shown, project, &state))?;
        Ok(Exit::Good)
    }
}

/// Returns the gate run that an objective landed by, with its tests.
fn evidence_of(objective: &Found, state: &State) -> Option<EvidenceStatus> {
    evidence_status(state.gate(objective.landed.as_ref()?.gate?)?)
}

/// Returns the rows about gate runs: of the landing, or of the objective's place in the queue.
fn gate_rows(
    objective: &Found,
    shown: &ObjectiveStatus,
    project: &ProjectStatus,
    state: &State,
) -> Vec<Vec<String>> {
    let row = |name: String, text: &str| vec![name, harmless(text)];
    if let Some(found) = evidence_of(objective, state) {
        let mut rows = vec![row(format!("gate run {}", found.run), &found.text)];
        rows.extend(found.differences.iter().map(|line| row("differs".to_owned(), line)));
        rows.extend(
            found.tests_changed.iter().map(|file| row("differs".to_owned(), &evidence::changed(file))),
        );
        return rows;
    }
    let entries = project.queue.iter().filter(|entry| entry.objective.as_ref() == Some(&shown.id));
    let mut rows = Vec::new();
    for run in entries.flat_map(|entry| &entry.verdicts) {
        rows.push(row(format!("gate run {}", run.run), &format!("{}: {}", run.purpose, run.text)));
        rows.extend(run.differences.iter().map(|line| row("differs".to_owned(), line)));
    }
    rows
}

fn describe(objective: &Found, shown: &ObjectiveStatus, project: &ProjectStatus, state: &State) -> String {
    let mut rows = vec![
        vec!["objective".to_owned(), objective.key.to_string()],
        vec!["title".to_owned(), harmless(&objective.spec.title)],
        vec!["state".to_owned(), shown.status.to_owned()],
    ];
    let mut add = |name: &str, value: String| rows.push(vec![name.to_owned(), value]);
    if let Some(reason) = &shown.reason {
        add("because", harmless(&reason.text));
        add("since", reason.since.clone());
        add("clears", harmless(&reason.clears));
    }
    let dependents: Vec<&str> = state.dependents(&objective.key).iter().map(ObjectiveId::as_str).collect();
    let lists = [
        ("depends on", shown.depends_on.join(", ")),
        ("dependents", dependents.join(", ")),
        ("scope", shown.path_scope.join(", ")),
        ("refs", objective.spec.context_refs.join(", ")),
    ];
    // Empty lists are left out: most objectives have no dependents and no refs.
    lists
        .into_iter()
        .filter(|(_, list)| !list.is_empty())
        .for_each(|(name, list)| add(name, harmless(&list)));
    add("worker", harmless(objective.spec.worker.as_str()));
    add("priority", shown.priority.to_string());
    shown.branch.iter().for_each(|branch| add("branch", branch.clone()));
    shown.worktree.iter().for_each(|path| add("worktree", harmless(path)));
    for session in project.sessions.iter().filter(|session| session.objective.as_ref() == Some(&shown.id)) {
        let exit = session.exit.as_ref().map(|exit| format!(" ({})", exit.text)).unwrap_or_default();
        let (kind, status, agent) = (session.kind, session.status, &session.agent);
        add(&format!("session {}", session.id), harmless(&format!("{kind} by {agent}: {status}{exit}")));
    }
    if let Some(landed) = &shown.landed {
        let commit = landed.commit.as_deref().unwrap_or("nothing to land");
        let verified = if landed.verified { "" } else { ", unverified" };
        add("landed", format!("{commit} at {}{verified}", landed.at));
        add("published", landed.published_at.clone().unwrap_or_else(|| "not yet".to_owned()));
    }
    gate_rows(objective, shown, project, state).into_iter().for_each(|row| rows.push(row));
    let mut add = |name: &str, value: String| rows.push(vec![name.to_owned(), value]);
    if let Some(note) = &objective.operated.note {
        add("note", harmless(&note.text));
    }
    for approval in &objective.operated.approvals {
        let note = approval.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
        add("approved", harmless(&format!("by {} at {}{note}", approval.by, rfc3339(approval.at_ms))));
    }
    for mark in objective.operated.marked.iter().flat_map(|(_, marks)| marks) {
        add("marked", harmless(&mark.to_string()));
    }
    for criterion in &objective.spec.acceptance_criteria {
        add("criterion", harmless(criterion));
    }
    // The description comes last and below the table: it may be pages long.
    let mut text = table(&rows, 0);
    if !objective.spec.description.trim().is_empty() {
        text.push('\n');
        for line in objective.spec.description.lines() {
            text.push_str(&format!("  {}\n", harmless(line)));
        }
    }
    text
}
