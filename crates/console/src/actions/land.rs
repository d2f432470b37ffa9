//! Actions about plans, publishing, and a target branch that was rewritten or bypassed the queue.

use crate::Model;
use crate::dialogs::confirm::Confirm;
use crate::dialogs::judge;
use crate::error::Refused;
use crate::msg::Effect;
use crate::panes::{PaneId, plan};
use paddock_model::bypass;
use paddock_model::command::Command;
use paddock_model::ids::{AgentId, ProjectSlug};
use paddock_model::reason::ReasonCode;

/// Shows the plan that waits for approval, or asks the planner for one.
pub(super) fn plan_now(model: &mut Model, _argument: Option<&str>) -> Vec<Effect> {
    if plan::waiting(model).is_some() {
        model.cover(PaneId::Plan);
        return Vec::new();
    }
    let Some(project) = model.project.clone() else { return Vec::new() };
    vec![Effect::ask(Command::PlanNow { project }, "plan now")]
}

/// Answers whether an agent, whose settings say nothing about it, may plan.
pub(super) fn let_plan(model: &Model, agent: AgentId, may_plan: bool) -> Vec<Effect> {
    let Some(project) = model.project.clone() else { return Vec::new() };
    let verb = if may_plan { "let it plan" } else { "keep it from planning" };
    vec![Effect::ask(Command::AgentMayPlan { project, agent, may_plan }, verb)]
}

pub(super) fn approve_plan(model: &mut Model) -> Vec<Effect> {
    let Some(project) = model.project.clone() else { return Vec::new() };
    // The plan is gone once it is approved, and its pane would be empty.
    model.covers.retain(|cover| *cover != PaneId::Plan);
    vec![Effect::ask(Command::PlanApprove { project }, "approve the plan")]
}

pub(super) fn reject_plan(model: &mut Model, argument: Option<&str>) -> Vec<Effect> {
    let Some(project) = model.project.clone() else { return Vec::new() };
    if let Some(note) = argument.map(str::trim).filter(|note| !note.is_empty()) {
        let command = Command::PlanReject { project, note: note.to_owned() };
        return vec![Effect::ask(command, "reject the plan")];
    }
    let dialog = judge::reject_plan(model, project);
    model.open(dialog);
    Vec::new()
}

pub(super) fn publish(model: &mut Model, _argument: Option<&str>) -> Vec<Effect> {
    let Some(project) = model.project.clone() else { return Vec::new() };
    vec![Effect::ask(Command::QueuePublish { project }, "publish")]
}

pub(super) fn may_publish(model: &Model) -> Result<(), Refused> {
    let project = model.shown_project().ok_or("there is no project yet")?;
    match project.integration.unpublished.is_empty() {
        true => Err("all landed work is published already".into()),
        false => Ok(()),
    }
}

/// Fails unless the target branch no longer contains what was published.
pub(super) fn is_rewritten(model: &Model) -> Result<(), Refused> {
    let project = model.shown_project().ok_or("there is no project yet")?;
    // `queue adopt` and `queue republish` clear these two holds.
    let codes = [ReasonCode::TargetRewritten, ReasonCode::TargetMissing];
    match codes.iter().any(|code| project.holds.contains_key(code)) {
        true => Ok(()),
        false => Err(format!("{} was not rewritten", project.settings.target_branch).into()),
    }
}

/// Fails unless the target branch was changed in a way that a person has to accept.
pub(super) fn may_adopt(model: &Model) -> Result<(), Refused> {
    match is_bypassed(model) {
        true => Ok(()),
        false => is_rewritten(model),
    }
}

fn is_bypassed(model: &Model) -> bool {
    model.shown_project().is_some_and(|project| bypass::reason(project).is_some())
}

/// Asks to accept work that reached the target branch without passing the queue, as the user's own commits.
fn accept_bypass(model: &mut Model) -> Vec<Effect> {
    let Some(project) = model.shown_project() else { return Vec::new() };
    let (slug, branch) = (project.slug.clone(), project.settings.target_branch.clone());
    let lines = vec![
        format!("Branch {branch} of {slug} contains work that did not pass the merge queue."),
        "Paddock will treat it as your own commits, which the gate checks.".to_owned(),
    ];
    let confirmed = move |model: &Model| {
        let command = Command::QueueAdopt { project: slug.clone() };
        may_adopt(model).map(|()| vec![Effect::ask(command, "accept the branch as it is")])
    };
    let title = "Accept this work?".to_owned();
    model.open(Box::new(Confirm::new(title, lines, "Accept", Box::new(confirmed))));
    Vec::new()
}

pub(super) fn adopt(model: &mut Model, _argument: Option<&str>) -> Vec<Effect> {
    // One command serves both cases; the dialog has to say which of them the person accepts.
    if is_rewritten(model).is_err() {
        return accept_bypass(model);
    }
    let what = "Landings that it no longer contains are lost; their objectives wait for you.";
    let made: fn(ProjectSlug) -> Command = |project| Command::QueueAdopt { project };
    ask(model, ("Accept the branch as it is?", what, "Accept"), ("adopt the branch", made))
}

pub(super) fn republish(model: &mut Model, _argument: Option<&str>) -> Vec<Effect> {
    let what = "Landed work is published again, on top of the branch as it is now.";
    let made: fn(ProjectSlug) -> Command = |project| Command::QueueRepublish { project };
    ask(model, ("Publish landed work again?", what, "Publish"), ("republish", made))
}

/// Asks for confirmation before a command about a rewritten target branch.
fn ask(
    model: &mut Model,
    (title, what, yes): (&str, &str, &'static str),
    (doing, made): (&'static str, fn(ProjectSlug) -> Command),
) -> Vec<Effect> {
    let Some(project) = model.shown_project() else { return Vec::new() };
    let (slug, branch) = (project.slug.clone(), project.settings.target_branch.clone());
    let lines = vec![format!("Branch {branch} of {slug} was rewritten or deleted."), what.to_owned()];
    let confirmed =
        move |model: &Model| is_rewritten(model).map(|()| vec![Effect::ask(made(slug.clone()), doing)]);
    model.open(Box::new(Confirm::new(title.to_owned(), lines, yes, Box::new(confirmed))));
    Vec::new()
}
