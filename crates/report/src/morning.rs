//! The morning report: what landed, what waits for a person, what was spent, and that no recorded work is
//! lost.

use std::collections::BTreeMap;

use serde::Serialize;

use super::status::{NeedStatus, need_status};
use super::text::{duration, harmless, rfc3339};
use paddock_model::answers::Answers;
use paddock_model::budget::used_since_ms;
use paddock_model::needs::{Need, NeedKind};
use paddock_model::objective::{Objective, Status};
use paddock_model::project::Project;
use paddock_model::session::{ProcessEnd, Session, SessionStatus};
use paddock_model::state::State;
use paddock_model::usage::{Tokens, dollars};

/// The morning report on all projects.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Report {
    pub version: u32,
    pub since: String,
    pub until: String,
    pub projects: Vec<ProjectReport>,
}

/// The morning report on one project.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ProjectReport {
    pub slug: String,
    pub name: String,
    /// Landings whose exact tree passed the gate.
    pub landed: Vec<LandedReport>,
    /// Landings without a gate.
    pub landed_unverified: Vec<LandedReport>,
    /// What waits for a person now.
    pub waiting: Vec<Waiting>,
    /// Recorded work that cannot be found in the repository. A healthy workspace has none.
    pub lost: Vec<String>,
    pub spent: SpentReport,
    /// Number of sessions by status.
    pub sessions: BTreeMap<&'static str, u32>,
    /// Number of objectives that are not done and do not wait for a person.
    pub open: usize,
}

/// A landing.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct LandedReport {
    pub objective: String,
    pub title: String,
    pub commit: String,
    pub at: String,
    pub published_at: Option<String>,
    /// Whether the landing's proof is written.
    pub proof: bool,
}

/// Something that waits for a person.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Waiting {
    /// Objective that waits; `None` when the project itself or its queue waits.
    pub objective: Option<String>,
    pub title: String,
    pub code: String,
    pub text: String,
    pub since: String,
    pub clears: String,
    /// Kind of the subject, as in `status --json`.
    pub about: &'static str,
}

/// Usage of sessions; an unknown amount is null, never zero.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct SpentReport {
    pub sessions: u32,
    pub session_minutes: u64,
    pub tokens: Option<u64>,
    pub usd: Option<f64>,
    /// Number of sessions that ended without reporting their tokens; `usd_unknown` counts likewise.
    pub tokens_unknown: u32,
    pub usd_unknown: u32,
}

fn waits(state: &State, need: &Need) -> Waiting {
    let NeedStatus { code, text, since, clears, about, objective, .. } = need_status(need);
    let title = match &need.kind {
        NeedKind::Objective(key) => state.objective(key).map(|objective| objective.spec.title.clone()),
        _ => None,
    };
    Waiting { objective, title: title.unwrap_or_default(), code, text, since, clears, about }
}

/// Returns the report on a project for the time from `since_ms` on. `lost` lists recorded work that the
/// caller could not find in the repository.
#[must_use]
pub fn project(
    state: &State,
    answers: &Answers,
    project: &Project,
    (since_ms, now_ms): (i64, i64),
    lost: Vec<String>,
) -> ProjectReport {
    let mut report = ProjectReport {
        slug: project.slug.to_string(),
        name: project.settings.name.clone(),
        landed: Vec::new(),
        landed_unverified: Vec::new(),
        waiting: (answers.needs)(state, &project.slug).iter().map(|need| waits(state, need)).collect(),
        lost,
        spent: SpentReport::default(),
        sessions: BTreeMap::new(),
        open: 0,
    };
    for objective in state.objectives_of(&project.slug) {
        add_objective(&mut report, project, objective, since_ms);
    }
    let of_project = |session: &&Session| session.objective.project == project.slug;
    // A session that began before the time counts if it ended after it; `used_since_ms` then takes only the
    // part after it.
    let ran = |session: &&Session| session.finished_ms.is_none_or(|ended| ended >= since_ms);
    for session in state.sessions().filter(of_project).filter(ran) {
        add_session(&mut report, session, since_ms, now_ms);
    }
    let spent = &mut report.spent;
    // No amount yet means zero only if every session reported its usage; otherwise the amount stays unknown.
    spent.tokens = spent.tokens.or((spent.tokens_unknown == 0).then_some(0));
    spent.usd = spent.usd.or((spent.usd_unknown == 0).then_some(0.0));
    report.landed.sort_by(|a, b| a.at.cmp(&b.at));
    report.landed_unverified.sort_by(|a, b| a.at.cmp(&b.at));
    report
}

fn add_objective(report: &mut ProjectReport, project: &Project, objective: &Objective, since_ms: i64) {
    match objective.status {
        Status::Todo | Status::Ready | Status::Active | Status::Review | Status::Queued => report.open += 1,
        Status::NeedsReview
        | Status::Paused
        | Status::Done
        | Status::Skipped
        | Status::Failed
        | Status::Cancelled => {}
    }
    let Some(landed) = objective.landed.as_ref().filter(|landed| landed.at_ms >= since_ms) else { return };
    // An objective can be done without a commit, if there was nothing to land.
    let Some(commit) = &landed.commit else { return };
    let line = LandedReport {
        objective: objective.key.id.to_string(),
        title: objective.spec.title.clone(),
        commit: commit.to_string(),
        at: rfc3339(landed.at_ms),
        published_at: landed.published_at_ms.map(rfc3339),
        // The project lists the landings whose proof is still due; every other landing has one.
        proof: !project.unproven.iter().any(|unproven| unproven.commit == *commit),
    };
    match landed.verified {
        true => report.landed.push(line),
        false => report.landed_unverified.push(line),
    }
}

fn add_session(report: &mut ProjectReport, session: &Session, since_ms: i64, now_ms: i64) {
    *report.sessions.entry(session.status.word()).or_default() += 1;
    let spent = &mut report.spent;
    spent.sessions += 1;
    spent.session_minutes += u64::try_from(used_since_ms(session, since_ms, now_ms) / 60_000).unwrap_or(0);
    let usage = &session.account.usage;
    let has_run = session.process.as_ref().is_some_and(ProcessEnd::has_run);
    // A running session may still report its usage, and one whose agent never ran used nothing: neither is
    // unknown.
    let is_over = matches!(session.status, SessionStatus::Ended(_)) && has_run;
    match usage.tokens.map(Tokens::total) {
        Some(tokens) => *spent.tokens.get_or_insert(0) += tokens,
        None => spent.tokens_unknown += u32::from(is_over),
    }
    match usage.usd_micros {
        Some(micros) => *spent.usd.get_or_insert(0.0) += dollars(micros),
        None => spent.usd_unknown += u32::from(is_over),
    }
}

/// Returns the usage in words.
fn spent(spent: &SpentReport) -> String {
    let mut parts = vec![format!("{} sessions, {} min", spent.sessions, spent.session_minutes)];
    let unknown = |count: u32| if count == 0 { String::new() } else { format!(" (unknown of {count})") };
    parts.push(match spent.tokens {
        Some(tokens) => format!("{tokens} tokens{}", unknown(spent.tokens_unknown)),
        None => "tokens unknown".to_owned(),
    });
    parts.push(match spent.usd {
        Some(usd) => format!("${usd:.2}{}", unknown(spent.usd_unknown)),
        None => "cost unknown".to_owned(),
    });
    parts.join(", ")
}

/// Renders the report for people, as Markdown or as plain text.
#[must_use]
pub fn text(report: &Report, markdown: bool, now_ms: i64) -> String {
    let head = |level: usize, text: &str| match markdown {
        true => format!("{} {text}\n\n", "#".repeat(level)),
        false => format!("{text}\n"),
    };
    let item = |text: String| {
        let shown = harmless(&text);
        if markdown { format!("- {shown}\n") } else { format!("    {shown}\n") }
    };
    let gap = if markdown { "\n" } else { "" };
    let mut all = head(1, &format!("Paddock from {} to {}", report.since, report.until));
    for project in &report.projects {
        all.push_str(&head(2, &harmless(&format!("{} ({})", project.slug, project.name))));
        let mut section = |title: String, items: Vec<String>| {
            let title = if markdown { head(3, &title) } else { format!("  {title}\n") };
            all.push_str(&title);
            let is_listed = !items.is_empty();
            items.into_iter().for_each(|line| all.push_str(&item(line)));
            all.push_str(if is_listed { gap } else { "" });
        };
        let landed = |line: &LandedReport| {
            // Ten digits are unambiguous in most repositories; `report --json` has all of them.
            let commit: String = line.commit.chars().take(10).collect();
            let published = if line.published_at.is_some() { "" } else { ", not published" };
            let proof = if line.proof { "" } else { ", proof not written yet" };
            format!("{} {commit}  {}{published}{proof}", line.objective, line.title)
        };
        let waits = |wait: &Waiting| {
            let who = wait.objective.clone().unwrap_or_else(|| "project".to_owned());
            // The report holds times as text, so that its JSON needs no second form.
            let since = wait.since.parse::<jiff::Timestamp>().map_or(now_ms, jiff::Timestamp::as_millisecond);
            let since = duration((now_ms - since).max(0));
            format!("{who}: {} (for {since}); {}", wait.text, wait.clears)
        };
        section(
            format!("landed, verified: {}", project.landed.len()),
            project.landed.iter().map(landed).collect(),
        );
        let unverified = &project.landed_unverified;
        section(format!("landed, unverified: {}", unverified.len()), unverified.iter().map(landed).collect());
        section(
            format!("waiting for you: {}", project.waiting.len()),
            project.waiting.iter().map(waits).collect(),
        );
        section(format!("lost: {}", project.lost.len()), project.lost.clone());
        section(format!("still open: {}", project.open), Vec::new());
        section(format!("spent: {}", spent(&project.spent)), Vec::new());
    }
    all
}
