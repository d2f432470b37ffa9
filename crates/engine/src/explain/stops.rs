//! What stops an objective together with everything beside it.

use paddock_model::answers::Surroundings;
use paddock_model::objective::Objective;
use paddock_model::project::Project;
use paddock_model::reason::{Reason, ReasonCode};

/// A reason that holds since the objective moved last.
pub(super) fn reason(
    objective: &Objective,
    code: ReasonCode,
    text: impl Into<String>,
    clears: &str,
) -> Reason {
    Reason::new(code, objective.since_ms, text, clears)
}

/// What stops the whole project, if anything does: only a person, or the world outside, changes that.
pub(super) fn project_stop(project: &Project, objective: &Objective) -> Option<Reason> {
    if !project.is_enabled() {
        let clears = format!("`paddock project enable {}`, and `enabled: true` in its file", project.slug);
        return Some(reason(objective, ReasonCode::ProjectDisabled, "its project is disabled", &clears));
    }
    project.dispatch_hold().cloned()
}

/// Only a supervisor moves anything.
pub(super) fn stopped(objective: &Objective, facts: &Surroundings) -> Option<Reason> {
    let text = "no supervisor runs in this workspace";
    (!facts.supervisor_running)
        .then(|| reason(objective, ReasonCode::NoSupervisor, text, "`paddock run --no-tui` starts one"))
}
