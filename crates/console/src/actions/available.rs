//! Checks whether an action is available now, and says why not.
//!
//! The supervisor checks every command again. These checks exist so that the console can explain a refusal
//! without asking it, and can dim what is not available. The matches name every status, so that a new one
//! does not compile until each action has decided about it.

use crate::Model;
use crate::error::Refused;
use crate::panes::{needs, pane, plan};
use paddock_model::objective::{Objective, Status};

type Available = Result<(), Refused>;

pub(super) fn always(_model: &Model) -> Available {
    Ok(())
}

pub(super) fn project(model: &Model) -> Available {
    match &model.project {
        Some(_) => Ok(()),
        None => Err("there is no project yet; `paddock project add PATH` registers one".into()),
    }
}

pub(super) fn stopped(model: &Model) -> Available {
    match model.facts.supervisor.is_running() {
        true => Err("the supervisor is running already".into()),
        false => Ok(()),
    }
}

/// Returns the objective that actions apply to, or the pane's reason why there is none.
fn target(model: &Model) -> Result<&Objective, Refused> {
    let key = model.target().objective.ok_or_else(|| pane(model.active()).why_none(model))?;
    model.facts.state.objective(&key).ok_or_else(|| format!("objective {} no longer exists", key.id).into())
}

pub(super) fn objective(model: &Model) -> Available {
    target(model).map(drop)
}

/// A planner's session has a log but no objective.
pub(super) fn log(model: &Model) -> Available {
    match model.target().session {
        Some(_) => Ok(()),
        None => objective(model),
    }
}

pub(super) fn retry(model: &Model) -> Available {
    let one = target(model)?;
    match one.status {
        Status::Done => Err(format!("{} has landed", one.key.id).into()),
        Status::Active => Err(format!("a session is working on {}; `x` kills it", one.key.id).into()),
        Status::Todo | Status::Ready => Err(format!("{} waits for its session already", one.key.id).into()),
        Status::Review
        | Status::Queued
        | Status::NeedsReview
        | Status::Paused
        | Status::Skipped
        | Status::Failed
        | Status::Cancelled => Ok(()),
    }
}

fn waiting_plan(model: &Model) -> Available {
    match plan::waiting(model) {
        Some(_) => Ok(()),
        None => Err("no plan waits for your approval".into()),
    }
}

pub(super) fn approve(model: &Model) -> Available {
    if needs::asked_planner(model).is_some() {
        return Ok(());
    }
    if needs::is_plan(model) {
        return waiting_plan(model);
    }
    let one = target(model)?;
    let status = one.status;
    match status {
        Status::NeedsReview | Status::Review => Ok(()),
        Status::Todo
        | Status::Ready
        | Status::Active
        | Status::Queued
        | Status::Done
        | Status::Paused
        | Status::Skipped
        | Status::Failed
        | Status::Cancelled => Err(format!(
            "{} is {status}: only an objective that waits for you or is in review can be approved",
            one.key.id
        )
        .into()),
    }
}

pub(super) fn reject(model: &Model) -> Available {
    if needs::asked_planner(model).is_some() {
        return Ok(());
    }
    if needs::is_plan(model) {
        return waiting_plan(model);
    }
    let one = target(model)?;
    let status = one.status;
    match status {
        Status::NeedsReview | Status::Review | Status::Queued => Ok(()),
        Status::Todo
        | Status::Ready
        | Status::Active
        | Status::Done
        | Status::Paused
        | Status::Skipped
        | Status::Failed
        | Status::Cancelled => Err(format!("{} is {status}: it has no work to send back", one.key.id).into()),
    }
}

pub(super) fn set_aside(model: &Model) -> Available {
    let one = target(model)?;
    if one.status == Status::Done {
        return Err(format!("{} has landed", one.key.id).into());
    }
    Ok(())
}

pub(super) fn pause(model: &Model) -> Available {
    let one = target(model)?;
    match one.status {
        Status::Done => Err(format!("{} has landed", one.key.id).into()),
        Status::Skipped | Status::Failed | Status::Cancelled => {
            Err(format!("{} is {}: `r` retries it", one.key.id, one.status).into())
        }
        Status::Todo
        | Status::Ready
        | Status::Active
        | Status::Review
        | Status::Queued
        | Status::NeedsReview
        | Status::Paused => Ok(()),
    }
}

pub(super) fn session(model: &Model) -> Available {
    let target = model.target();
    let id = target.session.ok_or_else(|| match target.objective {
        Some(key) => format!("no session is selected: none has worked on {} yet", key.id),
        None => pane(model.active()).why_none(model),
    })?;
    let session = model.facts.state.session(id).ok_or_else(|| format!("session {id} no longer exists"))?;
    match session.status.is_open() {
        true => Ok(()),
        false => Err(format!("session {id} has ended: {}", session.status.word()).into()),
    }
}

pub(super) fn worktree(model: &Model) -> Available {
    let one = target(model)?;
    match one.ready_worktree() {
        Some(_) => Ok(()),
        None => Err(format!("{} has no worktree", one.key.id).into()),
    }
}
