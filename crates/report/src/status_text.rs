//! The status document as text for people: first what needs them, then what is in progress.

use super::status::{NodeStatus, ObjectiveStatus, ProjectStatus, RefsMovedStatus, StatusDocument};
use super::text::{counted, cut, duration, harmless, table};
use paddock_model::usage::usd_of;

/// Columns after which a reason is cut; `objective show` prints the whole reason.
const REASON_WIDTH_MAX: usize = 160;

/// Columns after which the title of a goal, milestone or phase is cut.
const TITLE_WIDTH_MAX: usize = 60;

/// Differences of the newest landing's tests that are shown, at most.
const DIFFERENCES_MAX: usize = 5;

/// Renders the document as text, with times relative to `now_ms`.
#[must_use]
pub fn render(document: &StatusDocument, now_ms: i64) -> String {
    let mut out = match (document.supervisor.running, document.supervisor.pid) {
        (true, Some(pid)) => format!("supervisor: running (process {pid})"),
        (true, None) => "supervisor: running".to_owned(),
        (false, _) => "supervisor: not running (`paddock run --no-tui` starts one)".to_owned(),
    };
    out.push_str(&format!("   workspace: {}\n", harmless(&document.workspace)));
    if document.projects.is_empty() {
        out.push_str("no projects yet: `paddock project add PATH` registers a repository\n");
    }
    for project in &document.projects {
        out.push('\n');
        out.push_str(&project_text(project, now_ms));
    }
    out
}

fn ago(rfc3339: &str, now_ms: i64) -> String {
    match rfc3339.parse::<jiff::Timestamp>() {
        Ok(at) => duration(now_ms - at.as_millisecond()),
        Err(_) => rfc3339.to_owned(),
    }
}

fn project_text(project: &ProjectStatus, now_ms: i64) -> String {
    let mut out = header(project);
    out.push_str(&goal(project));
    out.push_str(&section("needs you", &needs_you(project, now_ms)));
    out.push_str(&section("running", &running(project, now_ms)));
    out.push_str(&section("queue", &queue(project, now_ms)));
    out.push_str(&section("waiting", &blocked(project)));
    out.push_str(&gate(project));
    out.push_str(&switched_off(project));
    out.push_str(&worktrees(project));
    out.push_str(&moved(project));
    if let Some(upstream) = &project.upstream {
        out.push_str(&format!("  {}\n", harmless(&upstream.text)));
    }
    let counts: Vec<String> = paddock_model::objective::Status::ALL
        .iter()
        .filter_map(|status| project.counts.get(status.word()).map(|count| (status.word(), *count)))
        .filter(|(_, count)| *count > 0)
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    let counts = if counts.is_empty() { "none yet".to_owned() } else { counts.join(", ") };
    out + &format!("  objectives: {counts}\n")
}

/// Names git configuration that is switched off, on one line.
fn switched_off(project: &ProjectStatus) -> String {
    match project.git_configuration_off.as_slice() {
        [] => String::new(),
        names => {
            let names = cut(&harmless(&names.join(", ")), REASON_WIDTH_MAX);
            format!(
                "  git configuration switched off until `paddock project trust {}`: {names}\n",
                project.slug
            )
        }
    }
}

/// Names what the preparation of worktrees leaves or misses, on a line each.
fn worktrees(project: &ProjectStatus) -> String {
    let line = |what: &str, names: &[String]| match names {
        [] => String::new(),
        names => format!("  {what}: {}\n", cut(&harmless(&names.join(", ")), REASON_WIDTH_MAX)),
    };
    line("worktree.setup leaves, as nobody's work", &project.set_up_leaves)
        + &line("worktree.copy copies nothing for", &project.copies_missed)
}

/// Names refs of the user that changed while sessions ran, on one line.
fn moved(project: &ProjectStatus) -> String {
    match moved_title(&project.refs_moved) {
        None => String::new(),
        Some(title) => {
            let names = cut(&harmless(&project.refs_moved.names.join(", ")), REASON_WIDTH_MAX);
            format!("  {title}: {names}\n")
        }
    }
}

/// Returns how many refs of the user changed, and what restores them; `None` if none did.
pub(super) fn moved_title(moved: &RefsMovedStatus) -> Option<String> {
    let total = usize::try_from(moved.total).unwrap_or(usize::MAX);
    let text = "changed while sessions ran (`paddock salvage list` restores what is not back)";
    (total > 0).then(|| format!("{} of yours {text}", counted(total, "ref")))
}

fn header(project: &ProjectStatus) -> String {
    let total: usize = project.counts.values().sum();
    let done = project.counts.get("done").copied().unwrap_or(0);
    let open = project.sessions.iter().filter(|session| session.finished_at.is_none()).count();
    let ahead = match project.integration.ahead {
        0 => String::new(),
        ahead => format!(", {ahead} not published"),
    };
    // Most projects have no name but their slug, which need not be shown twice.
    let name = match project.name == project.slug {
        true => project.slug.clone(),
        false => format!("{} ({})", project.slug, harmless(&project.name)),
    };
    let budget = &project.budget;
    let mut spent = vec![format!("{} min", budget.session_minutes.used.unwrap_or(0))];
    // Zero amounts are left out, to keep the line short.
    spent.extend(budget.tokens.used.filter(|used| *used > 0).map(|used| format!("{used} tokens")));
    spent.extend(budget.usd.used.filter(|used| *used > 0.0).map(usd_of));
    let spent = spent.join(", ");
    format!(
        "{name}  {}  {done}/{total} done{ahead}  {open}/{} running  {} queued  {}  {spent} today\n",
        project.state,
        project.slots,
        project.queue.len(),
        match project.target_branch.as_str() {
            "" => "no target branch".to_owned(),
            branch => format!("on {}", harmless(branch)),
        }
    )
}

/// Names the active goal with its phase and the number of its checks, and the goal that begins after it.
fn goal(project: &ProjectStatus) -> String {
    let title = |node: &NodeStatus| node.title.as_deref().map(|title| cut(&harmless(title), TITLE_WIDTH_MAX));
    let Some(goal) = title(&project.goal) else { return String::new() };
    let mut titles: Vec<String> =
        [&project.milestone, &project.phase].into_iter().filter_map(title).collect();
    titles.insert(0, goal);
    // A goal that was not divided is its own milestone and phase.
    titles.dedup();
    let mut out = format!("  goal: {}", titles.join(" > "));
    if let (Some(phase), count @ 1..) = (&project.phase.id, project.phase.checks.len()) {
        out.push_str(&format!(" ({}: `paddock phase show {phase}`)", counted(count, "check")));
    }
    if let Some(next) = title(&project.next_goal) {
        out.push_str(&format!("; next: {next}"));
    }
    out.push('\n');
    out
}

fn section(title: &str, rows: &[Vec<String>]) -> String {
    match rows.is_empty() {
        true => String::new(),
        false => format!("  {title}\n{}", table(rows, 4)),
    }
}

fn needs_you(project: &ProjectStatus, now_ms: i64) -> Vec<Vec<String>> {
    // The second line of a need begins under its text, in the fourth column.
    let below = |text: String| vec![String::new(), String::new(), String::new(), text];
    let mut rows = Vec::new();
    for need in &project.needs {
        let found =
            need.objective.as_ref().and_then(|id| project.objectives.iter().find(|one| one.id == *id));
        let (name, code) = match found {
            Some(objective) => (objective.id.clone(), objective.status.to_owned()),
            None => ("(project)".to_owned(), need.code.clone()),
        };
        let text = cut(&harmless(&need.text), REASON_WIDTH_MAX);
        rows.push(vec![name, code, ago(&need.since, now_ms), text]);
        rows.push(below(match found {
            Some(objective) => format!("→ {}", advice(project, objective)),
            None => format!("→ {}", harmless(&need.clears)),
        }));
        // Only this need is about files, which the integration lists.
        let is_of_files = need.code == "publication_waits";
        let files = project.integration.waiting_for.iter().filter(|_| is_of_files);
        rows.extend(files.map(|file| below(format!("- {}", harmless(file)))));
    }
    rows
}

fn advice(project: &ProjectStatus, objective: &ObjectiveStatus) -> String {
    let mut advice = format!("paddock objective show {}/{}", project.slug, objective.id);
    if let Some(session) = objective.sessions.last() {
        advice.push_str(&format!("; paddock session log {session}"));
    }
    advice
}

fn running(project: &ProjectStatus, now_ms: i64) -> Vec<Vec<String>> {
    let open = project.sessions.iter().filter(|session| session.finished_at.is_none());
    open.map(|session| {
        vec![
            format!("#{}", session.id),
            session.objective.clone().unwrap_or_else(|| "-".to_owned()),
            session.kind.to_owned(),
            session.agent.to_string(),
            session.status.to_owned(),
            session.started_at.as_ref().map(|at| ago(at, now_ms)).unwrap_or_default(),
        ]
    })
    .collect()
}

fn queue(project: &ProjectStatus, now_ms: i64) -> Vec<Vec<String>> {
    let row = |entry: &super::status::QueueStatus| {
        let name = entry.objective.clone().unwrap_or_else(|| "(your own commits)".to_owned());
        vec![entry.position.to_string(), name, entry.state.to_owned(), ago(&entry.since, now_ms)]
    };
    project.queue.iter().map(row).collect()
}

/// Returns the newest landing with its tests, and a line for each gate command of which only the exit status is
/// known.
fn gate(project: &ProjectStatus) -> String {
    let mut out = String::new();
    if let Some(landing) = &project.landing {
        let (name, evidence) = (harmless(&landing.objective), &landing.evidence);
        out.push_str(&format!("  last landing: {name}, gate run {} {}\n", evidence.run, evidence.text));
        for line in evidence.differences.iter().take(DIFFERENCES_MAX) {
            out.push_str(&format!("    {}\n", cut(&harmless(line), REASON_WIDTH_MAX)));
        }
    }
    for command in project.gate.iter().filter(|command| command.exit_only) {
        let name = harmless(&command.name);
        out.push_str(&format!(
            "  gate command {name}: green, exit status only (`paddock doctor` says how it can report more)\n"
        ));
    }
    out
}

/// Returns the objectives that are neither running nor queued, with the reasons, in a limited number of rows:
/// a large plan would push everything else off the screen.
fn blocked(project: &ProjectStatus) -> Vec<Vec<String>> {
    const ROWS_MAX: usize = 12;
    let waits = |objective: &&ObjectiveStatus| matches!(objective.status, "todo" | "ready" | "review");
    let all: Vec<&ObjectiveStatus> = project.objectives.iter().filter(waits).collect();
    let row = |objective: &&ObjectiveStatus| {
        let text = objective.reason.as_ref().map_or("", |reason| reason.text.as_str());
        vec![objective.id.clone(), objective.status.to_owned(), cut(&harmless(text), REASON_WIDTH_MAX)]
    };
    let mut rows: Vec<Vec<String>> = all.iter().take(ROWS_MAX).map(row).collect();
    if all.len() > ROWS_MAX {
        let more = format!("and {} more: paddock objective list", all.len() - ROWS_MAX);
        rows.push(vec!["…".to_owned(), String::new(), more]);
    }
    rows
}
