//! What is known of an objective that went wrong: what was tried, and what speaks against it.

use paddock_model::finding::Finding;
use paddock_model::ids::GateId;
use paddock_model::objective::{Feedback, Objective};
use paddock_model::path::RepoPath;
use paddock_model::session::{Session, SessionStatus};
use paddock_model::state::State;
use paddock_report::text::counted;

/// Paths named in one line.
const PATHS_MAX: usize = 3;

/// What was tried so far, in one sentence; none when nothing was.
#[must_use]
pub(crate) fn tried(state: &State, objective: &Objective) -> Option<String> {
    let last = last_session(state, objective)?;
    let mut parts = vec![counted(objective.sessions.len(), "session")];
    if objective.retries > 0 {
        parts.push(match objective.retries {
            1 => "1 retry".to_owned(),
            more => format!("{more} retries"),
        });
    }
    if objective.expansions > 0 {
        parts.push(format!("scope widened {}", counted(objective.expansions as usize, "time")));
    }
    let (kind, agent) = (last.kind, &last.agent);
    let end = match last.status {
        SessionStatus::Ended(end) => end.word().replace('_', " "),
        SessionStatus::Starting
        | SessionStatus::Running
        | SessionStatus::Stopping
        | SessionStatus::Harvesting => last.status.word().to_owned(),
    };
    let commits = last.harvest.as_ref().map_or(0, |harvest| harvest.commits as usize);
    parts.push(format!("last: {kind} by {agent}, {end}, {}", counted(commits, "commit")));
    Some(parts.join(" · "))
}

/// The newest session of an objective.
#[must_use]
pub(crate) fn last_session<'s>(state: &'s State, objective: &Objective) -> Option<&'s Session> {
    objective.sessions.last().and_then(|id| state.session(*id))
}

/// What review found in what the last session left.
#[must_use]
pub(crate) fn findings<'s>(state: &'s State, objective: &Objective) -> &'s [Finding] {
    let harvest = last_session(state, objective).and_then(|session| session.harvest.as_ref());
    harvest.map_or(&[], |harvest| harvest.findings.as_slice())
}

/// A finding in one line, its first paths named.
#[must_use]
pub(crate) fn finding_line(finding: &Finding) -> String {
    let more = finding.more_paths as usize;
    match paths(&finding.paths, more) {
        Some(paths) => format!("{}: {paths}", finding.text),
        None => finding.text.clone(),
    }
}

/// A few paths in one line; none when there are none.
#[must_use]
pub(crate) fn paths(paths: &[RepoPath], more: usize) -> Option<String> {
    let named: Vec<String> = paths.iter().take(PATHS_MAX).map(ToString::to_string).collect();
    let rest = paths.len().saturating_sub(PATHS_MAX) + more;
    let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    (!named.is_empty()).then(|| format!("{}{rest}", named.join(", ")))
}

/// What the next session would be told, line by line.
#[must_use]
pub(crate) fn feedback_lines(feedback: &Feedback) -> Vec<String> {
    match feedback {
        Feedback::Findings(findings) => findings.iter().map(finding_line).collect(),
        Feedback::Gate { command, outcome, gate } => vec![format!("gate run {gate}: {command}: {outcome}")],
        Feedback::Conflict { paths: files, text } => {
            let files = paths(files, 0).unwrap_or_default();
            let mut lines = vec![format!("conflict in {files}")];
            lines.extend(text.lines().filter(|line| !line.trim().is_empty()).take(2).map(str::to_owned));
            lines
        }
        Feedback::Ended { session, outcome } => vec![format!("session {session}: {outcome}")],
        Feedback::FollowUp { session, notes } => {
            let mut lines = vec![format!("session {session} left for the next one:")];
            lines.extend(notes.lines().filter(|line| !line.trim().is_empty()).take(4).map(str::to_owned));
            lines
        }
        Feedback::Rejected { note } => vec![format!("sent back before: {note}")],
    }
}

/// What speaks against an objective, the most telling first: what review found, what the gate said, what its
/// agent said, what was left uncommitted.
#[must_use]
pub(crate) fn evidence(state: &State, objective: &Objective) -> Vec<String> {
    let mut lines: Vec<String> = findings(state, objective).iter().map(finding_line).collect();
    let reported = objective.next.feedback.as_ref().map(feedback_lines).unwrap_or_default();
    lines.extend(reported.into_iter().filter(|line| !lines.contains(line)).collect::<Vec<_>>());
    if let Some(session) = last_session(state, objective) {
        if let Some(failure) = &session.account.failure {
            lines.push(format!("{}: {}", session.agent, failure.text));
        }
        if let Some(harvest) = &session.harvest {
            let said = harvest.summary.lines().find(|line| !line.trim().is_empty());
            lines.extend(said.map(|line| format!("{} says: {}", session.agent, line.trim())));
            lines.extend(harvest.salvage.as_ref().map(|salvage| {
                format!("uncommitted work in {} is kept", counted(salvage.paths as usize, "file"))
            }));
        }
    }
    lines
}

/// The gate run that sent it back, whose output says more.
#[must_use]
pub(crate) fn failed_gate(objective: &Objective) -> Option<GateId> {
    match &objective.next.feedback {
        Some(Feedback::Gate { gate, .. }) => Some(*gate),
        _ => None,
    }
}
