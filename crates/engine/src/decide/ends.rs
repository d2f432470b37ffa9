//! How a session ended, from what is known of it.

use crate::input::Problem;
use paddock_model::facts::HarvestFacts;
use paddock_model::failure::{Failure, FailureClass, Remedy};
use paddock_model::finding::Finding;
use paddock_model::session::{Exit, ProcessEnd, Session, SessionEnd, Stop};
use paddock_model::summary::{SessionSummary, SummaryStatus};

/// A session's end with what review made of it.
pub(super) struct Outcome {
    pub(super) end: SessionEnd,
    pub(super) findings: Vec<Finding>,
    pub(super) facts: Option<Box<HarvestFacts>>,
    pub(super) problem: Option<Problem>,
}

/// How a session ended: from process facts, exit status, git and the summary, in this order. A summary never
/// overrides facts.
pub(super) fn end_of(process: Option<&ProcessEnd>, facts: &HarvestFacts) -> SessionEnd {
    let Some(process) = process else { return SessionEnd::Lost };
    if let Some(end) = stopped_end(process) {
        return end;
    }
    if let Some(failure) = &facts.account.failure {
        return failed_end(failure);
    }
    match (&process.exit, &facts.summary) {
        // What it said at its end may be what could not be kept.
        (Exit::DiskFull(0), Some(_)) | (Exit::Code(0), _) => {}
        (Exit::DiskFull(_), _) => return SessionEnd::Interrupted,
        _ => return SessionEnd::Failed,
    }
    match &facts.summary {
        Some(summary) => said(summary),
        None if facts.commits.is_empty() => SessionEnd::Failed,
        None => SessionEnd::Completed,
    }
}

pub(super) fn end_without_facts(session: &Session) -> SessionEnd {
    match &session.process {
        None => SessionEnd::Lost,
        Some(process) => stopped_end(process).unwrap_or(SessionEnd::Failed),
    }
}

/// Why the agent failed, unless it was stopped for another reason: then its last words are about that.
pub(super) fn own_failure<'f>(session: &Session, facts: &'f HarvestFacts) -> Option<&'f Failure> {
    let stop = session.process.as_ref()?.stop;
    facts.account.failure.as_ref().filter(|_| stop.is_none() || stop == Some(Stop::Waiting))
}

/// How a session ended whose agent failed for this reason.
pub(super) fn failed_end(failure: &Failure) -> SessionEnd {
    match failure.class.remedy() {
        Remedy::CoolDown => SessionEnd::Interrupted,
        Remedy::Human if failure.class == FailureClass::Authentication => SessionEnd::Interrupted,
        Remedy::Human | Remedy::Smaller | Remedy::Retry => SessionEnd::Failed,
    }
}

/// How a session ended that was stopped; none: nothing stopped it.
pub(super) fn stopped_end(process: &ProcessEnd) -> Option<SessionEnd> {
    process.stop.map(|stop| match stop {
        Stop::Minutes | Stop::Commits | Stop::Tokens | Stop::Cost | Stop::DayBudget => SessionEnd::OverBudget,
        Stop::Stalled => SessionEnd::Stalled,
        Stop::Human => SessionEnd::Killed,
        Stop::Shutdown | Stop::Waiting => SessionEnd::Interrupted,
    })
}

fn said(summary: &SessionSummary) -> SessionEnd {
    match summary.status {
        SummaryStatus::Completed if summary.needs_follow_up => SessionEnd::Partial,
        SummaryStatus::Completed => SessionEnd::Completed,
        SummaryStatus::Partial => SessionEnd::Partial,
        SummaryStatus::Blocked => SessionEnd::Blocked,
    }
}
