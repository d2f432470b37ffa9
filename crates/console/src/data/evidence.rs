//! Describes an objective that failed or waits for a person:
//! the attempts so far, and the evidence against its work.

use paddock_model::finding::Finding;
use paddock_model::ids::GateId;
use paddock_model::objective::{Feedback, Objective};
use paddock_model::path::RepoPath;
use paddock_model::session::{Session, SessionStatus};
use paddock_model::state::State;
use paddock_report::text::counted;

/// Number of paths that a line names.
const PATHS_MAX: usize = 3;

/// Returns one line about the attempts so far; `None` if no session has worked on the objective.
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

/// Returns the newest session of an objective.
#[must_use]
pub(crate) fn last_session<'s>(state: &'s State, objective: &Objective) -> Option<&'s Session> {
    objective.sessions.last().and_then(|id| state.session(*id))
}

/// Returns the review's findings in the work of the newest session.
#[must_use]
pub(crate) fn findings<'s>(state: &'s State, objective: &Objective) -> &'s [Finding] {
    let harvest = last_session(state, objective).and_then(|session| session.harvest.as_ref());
    harvest.map_or(&[], |harvest| harvest.findings.as_slice())
}

/// Formats a finding with its first paths as one line.
#[must_use]
pub(crate) fn finding_line(finding: &Finding) -> String {
    let more = finding.more_paths as usize;
    match paths(&finding.paths, more).filter(|_| !finding.names_its_paths()) {
        Some(paths) => format!("{}: {paths}", finding.text),
        None => finding.text.clone(),
    }
}

/// Formats the first paths and the number of the others; `None` if there are no paths. `more` counts paths
/// that the finding itself left out.
#[must_use]
pub(crate) fn paths(paths: &[RepoPath], more: usize) -> Option<String> {
    let named: Vec<String> = paths.iter().take(PATHS_MAX).map(ToString::to_string).collect();
    let rest = paths.len().saturating_sub(PATHS_MAX) + more;
    let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    (!named.is_empty()).then(|| format!("{}{rest}", named.join(", ")))
}

/// Returns the feedback that the next session reads in its prompt, line by line.
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
            let mut lines = vec![format!("session {session} left these notes for the next one:")];
            // Notes can be long; their first lines say what is left to do.
            lines.extend(notes.lines().filter(|line| !line.trim().is_empty()).take(4).map(str::to_owned));
            lines
        }
        Feedback::Rejected { note } => vec![format!("rejected before: {note}")],
    }
}

/// Returns the evidence against an objective's work, most important first: the review's findings, the
/// feedback of the gate or of a person, the agent's failure and summary, uncommitted files.
#[must_use]
pub(crate) fn evidence(state: &State, objective: &Objective) -> Vec<String> {
    let mut lines: Vec<String> = findings(state, objective).iter().map(finding_line).collect();
    let feedback = objective.next.feedback.as_ref().map(feedback_lines).unwrap_or_default();
    // Feedback of the review repeats its findings.
    lines.extend(feedback.into_iter().filter(|line| !lines.contains(line)).collect::<Vec<_>>());
    if let Some(session) = last_session(state, objective) {
        // What the agent says about itself comes last: it explains, but proves nothing.
        if let Some(failure) = &session.account.failure {
            lines.push(format!("{}: {}", session.agent, failure.text));
        }
        if let Some(harvest) = &session.harvest {
            let first_line = harvest.summary.lines().find(|line| !line.trim().is_empty());
            lines.extend(first_line.map(|line| format!("{} says: {}", session.agent, line.trim())));
            lines.extend(harvest.salvage.as_ref().map(|salvage| {
                format!("uncommitted work in {} is kept", counted(salvage.paths as usize, "file"))
            }));
        }
    }
    lines
}

/// Returns the gate run that sent the objective back. Its output has the details.
#[must_use]
pub(crate) fn failed_gate(objective: &Objective) -> Option<GateId> {
    match &objective.next.feedback {
        Some(Feedback::Gate { gate, .. }) => Some(*gate),
        _ => None,
    }
}
