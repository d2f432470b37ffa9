//! How a session ended, derived from the facts about it.

use crate::input::Problem;
use paddock_model::facts::HarvestFacts;
use paddock_model::failure::{Failure, FailureClass, Remedy};
use paddock_model::finding::Finding;
use paddock_model::session::{Exit, ProcessEnd, Session, SessionEnd, Stop};
use paddock_model::summary::{SessionSummary, SummaryStatus};

/// A session's end and the result of its review.
pub(in crate::decide) struct Outcome {
    pub(in crate::decide) end: SessionEnd,
    /// Faults that the review found.
    pub(in crate::decide) findings: Vec<Finding>,
    /// Facts that the session left. `None` if they could not be read.
    pub(in crate::decide) facts: Option<Box<HarvestFacts>>,
    /// Why the facts could not be read or reviewed.
    pub(in crate::decide) problem: Option<Problem>,
}

/// Returns how a session ended. The sources are, in this order: why the process was stopped, the agent's own
/// error, the exit status, git, and the summary. The summary comes last, since an agent's claim never
/// overrides a fact.
pub(in crate::decide) fn end_of(process: Option<&ProcessEnd>, facts: &HarvestFacts) -> SessionEnd {
    let Some(process) = process else { return SessionEnd::Lost };
    if let Some(end) = stopped_end(process) {
        // An agent that stalls while it waits for its provider has met a limit.
        let limit = facts.account.failure.as_ref().filter(|failure| counts(process.stop, failure));
        return if end == SessionEnd::Stalled { limit.map_or(end, failed_end) } else { end };
    }
    if let Some(failure) = &facts.account.failure {
        return failed_end(failure);
    }
    // How a program ends that did not end by itself says nothing.
    let exit = if process.stop == Some(Stop::Finished) { &Exit::Code(0) } else { &process.exit };
    match (exit, &facts.summary) {
        // The disk was full when the logs were written. With a summary the end of the output is there, so the
        // exit status counts; without one, the summary may be the part that was lost.
        (Exit::DiskFull(0), Some(_)) | (Exit::Code(0), _) => {}
        (Exit::DiskFull(_), _) => return SessionEnd::Interrupted,
        _ => return SessionEnd::Failed,
    }
    match &facts.summary {
        Some(summary) => claimed_end(summary),
        None if facts.commits.is_empty() => SessionEnd::Failed,
        None => SessionEnd::Completed,
    }
}

/// Returns how a session ended whose facts could not be read.
pub(in crate::decide) fn end_without_facts(session: &Session) -> SessionEnd {
    match &session.process {
        None => SessionEnd::Lost,
        Some(process) => stopped_end(process).unwrap_or(SessionEnd::Failed),
    }
}

/// Returns the agent's own failure, unless the session was stopped for another reason: the agent's last
/// message is about the stop then.
pub(in crate::decide) fn own_failure<'f>(session: &Session, facts: &'f HarvestFacts) -> Option<&'f Failure> {
    let stop = session.process.as_ref()?.stop;
    facts.account.failure.as_ref().filter(|failure| counts(stop, failure))
}

/// Returns whether a failure that an agent reported counts although its session was stopped for this reason.
pub(in crate::decide) fn counts(stop: Option<Stop>, failure: &Failure) -> bool {
    match stop {
        None | Some(Stop::Waiting | Stop::Finished) => true,
        // The last that the agent said was that it waits for its provider: that is why it was silent.
        Some(Stop::Stalled) => failure.class.remedy() == Remedy::CoolDown,
        Some(
            Stop::Minutes
            | Stop::Commits
            | Stop::Tokens
            | Stop::Cost
            | Stop::DayBudget
            | Stop::Human
            | Stop::Shutdown,
        ) => false,
    }
}

/// Returns how a session ended whose agent failed in this way.
pub(in crate::decide) fn failed_end(failure: &Failure) -> SessionEnd {
    match failure.class.remedy() {
        // The failure is about the agent and not about the work, so it must not cost a retry.
        Remedy::CoolDown => SessionEnd::Interrupted,
        Remedy::Human if failure.class == FailureClass::Authentication => SessionEnd::Interrupted,
        Remedy::Human | Remedy::Smaller | Remedy::Retry => SessionEnd::Failed,
    }
}

/// Returns how a session ended that was stopped. `None` if it ended by itself, or had finished.
pub(in crate::decide) fn stopped_end(process: &ProcessEnd) -> Option<SessionEnd> {
    process.stop.and_then(|stop| match stop {
        Stop::Minutes | Stop::Commits | Stop::Tokens | Stop::Cost | Stop::DayBudget => {
            Some(SessionEnd::OverBudget)
        }
        Stop::Stalled => Some(SessionEnd::Stalled),
        Stop::Human => Some(SessionEnd::Killed),
        Stop::Shutdown | Stop::Waiting => Some(SessionEnd::Interrupted),
        Stop::Finished => None,
    })
}

fn claimed_end(summary: &SessionSummary) -> SessionEnd {
    match summary.status {
        SummaryStatus::Completed if summary.needs_follow_up => SessionEnd::Partial,
        SummaryStatus::Completed => SessionEnd::Completed,
        SummaryStatus::Partial => SessionEnd::Partial,
        SummaryStatus::Blocked => SessionEnd::Blocked,
    }
}
