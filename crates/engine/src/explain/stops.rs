//! Reasons that stop an objective together with its whole project or workspace.

use paddock_model::answers::Surroundings;
use paddock_model::objective::{Objective, Status};
use paddock_model::project::Project;
use paddock_model::reason::{Reason, ReasonCode};

/// Returns a reason that holds since the objective's last move.
pub(super) fn reason(
    objective: &Objective,
    code: ReasonCode,
    text: impl Into<String>,
    clears: &str,
) -> Reason {
    Reason::new(code, objective.since_ms, text, clears)
}

/// Returns the reason that stops the whole project, if there is one. Such a reason does not end by itself.
pub(super) fn project_stop(project: &Project, objective: &Objective) -> Option<Reason> {
    if !project.is_enabled() {
        let clears = format!("`paddock project enable {}`, and `enabled: true` in its file", project.slug);
        return Some(reason(objective, ReasonCode::ProjectDisabled, "its project is disabled", &clears));
    }
    let set_up = || project.set_up_hold().filter(|_| waits_for_set_up(objective));
    project.dispatch_hold().or_else(set_up).cloned()
}

/// Returns whether an objective cannot start before the set-up command works.
fn waits_for_set_up(objective: &Objective) -> bool {
    objective.status == Status::Ready && objective.needs_set_up()
}

/// Returns the reason that no supervisor runs. Without one, nothing moves.
pub(super) fn stopped(objective: &Objective, facts: &Surroundings) -> Option<Reason> {
    let text = "no supervisor runs in this workspace";
    (!facts.supervisor_running)
        .then(|| reason(objective, ReasonCode::NoSupervisor, text, "`paddock run --no-tui` starts one"))
}
