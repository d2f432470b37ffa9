//! Actions that change which work is done, and how.

use super::decide::still_open;
use super::order;
use crate::Model;
use crate::dialogs::confirm::Confirm;
use crate::dialogs::{extend, goal, objective, priority, scope};
use crate::msg::Effect;
use paddock_model::command::Command;
use paddock_model::objective::Status;
use paddock_model::operate::Order;

pub(super) fn goal_add(model: &mut Model, _argument: Option<&str>) -> Vec<Effect> {
    let opened = goal::open(model);
    model.open_or_say(opened)
}

pub(super) fn objective_add(model: &mut Model, _argument: Option<&str>) -> Vec<Effect> {
    let opened = objective::open(model);
    model.open_or_say(opened)
}

pub(super) fn widen(model: &mut Model, argument: Option<&str>) -> Vec<Effect> {
    let Some(key) = model.target().objective else { return Vec::new() };
    if let Some(globs) = argument {
        let globs = globs.split_whitespace().map(str::to_owned).collect();
        return vec![order(&key, Order::Expand { globs }, "widen the scope of")];
    }
    let dialog = scope::open(model, key);
    model.open(dialog);
    Vec::new()
}

pub(super) fn pause(model: &mut Model, _argument: Option<&str>) -> Vec<Effect> {
    let Some(key) = model.target().objective else { return Vec::new() };
    // A pause of an active objective takes effect when its session ends; until then the key withdraws it.
    let is_paused = model
        .facts
        .state
        .objective(&key)
        .is_some_and(|one| one.status == Status::Paused || one.operated.pause_asked);
    match is_paused {
        true => vec![order(&key, Order::Resume, "resume")],
        false => vec![order(&key, Order::Pause, "pause")],
    }
}

pub(super) fn pause_project(model: &mut Model, _argument: Option<&str>) -> Vec<Effect> {
    let Some(project) = model.shown_project() else { return Vec::new() };
    // The command names the wanted state instead of toggling it: the same key in two consoles does no harm.
    let (slug, paused) = (project.slug.clone(), !project.paused);
    let doing = format!("{} {slug}", if paused { "pause" } else { "resume" });
    vec![Effect::ask(Command::ProjectPause { project: slug, paused }, doing)]
}

pub(super) fn hold(model: &mut Model, _argument: Option<&str>) -> Vec<Effect> {
    let Some(project) = model.shown_project() else { return Vec::new() };
    let slug = project.slug.clone();
    match project.train.held.is_some() {
        true => vec![Effect::ask(Command::QueueRelease { project: slug }, "release the queue")],
        false => vec![Effect::ask(Command::QueueHold { project: slug }, "hold the queue")],
    }
}

pub(super) fn set_priority(model: &mut Model, argument: Option<&str>) -> Vec<Effect> {
    let Some(key) = model.target().objective else { return Vec::new() };
    match argument.map(str::parse) {
        Some(Ok(priority)) => return vec![order(&key, Order::Prioritize { priority }, "prioritize")],
        Some(Err(_)) => model.say_no("priority: enter a whole number".to_owned()),
        None => {
            let dialog = priority::open(model, key);
            model.open(dialog);
        }
    }
    Vec::new()
}

pub(super) fn prioritize(model: &mut Model, by: i32) -> Vec<Effect> {
    let Some(key) = model.target().objective else { return Vec::new() };
    let Some(one) = model.facts.state.objective(&key) else { return Vec::new() };
    // The order carries the resulting number, so two presses before the first answer have the effect of one.
    let priority = one.spec.priority.saturating_add(by);
    vec![order(&key, Order::Prioritize { priority }, "prioritize")]
}

pub(super) fn extend(model: &mut Model, argument: Option<&str>) -> Vec<Effect> {
    let Some(session) = model.target().session else { return Vec::new() };
    if let Some(text) = argument {
        let numbers: Result<Vec<u32>, _> = text.split_whitespace().map(str::parse).collect();
        let (minutes, commits) = match numbers.as_deref() {
            Ok([minutes]) => (*minutes, 0),
            Ok([minutes, commits]) => (*minutes, *commits),
            _ => {
                model.say_no("extend: enter minutes, then commits, for example `15 2`".to_owned());
                return Vec::new();
            }
        };
        let command = Command::SessionExtend { session, minutes, commits, tokens: 0, usd_micros: 0 };
        return vec![Effect::ask(command, format!("extend session {session}"))];
    }
    let dialog = extend::open(model, session);
    model.open(dialog);
    Vec::new()
}

pub(super) fn kill(model: &mut Model, _argument: Option<&str>) -> Vec<Effect> {
    let Some(id) = model.target().session else { return Vec::new() };
    let Some(session) = model.facts.state.session(id) else { return Vec::new() };
    let lines = vec![
        format!("The {} session by {} and all its processes are killed.", session.kind, session.agent),
        "Its commits and files are kept. The objective then waits for you.".to_owned(),
    ];
    let title = format!("Kill session {id} on {}?", session.objective.id);
    // The session may end while the dialog is open, so look again when the person confirms.
    let confirmed = move |model: &Model| match model.facts.state.session(id) {
        Some(session) if session.status.is_open() => {
            Ok(vec![Effect::ask(Command::SessionKill { session: id }, format!("kill session {id}"))])
        }
        _ => Err(format!("session {id} has ended already").into()),
    };
    model.open(Box::new(Confirm::new(title, lines, "Kill", Box::new(confirmed))));
    Vec::new()
}

pub(super) fn cancel(model: &mut Model, _argument: Option<&str>) -> Vec<Effect> {
    let Some(key) = model.target().objective else { return Vec::new() };
    let lines = vec![
        format!("{} is cancelled: its session is stopped, its branch stays.", key.id),
        "Its dependents wait until you skip or retry it.".to_owned(),
    ];
    let title = format!("Cancel objective {}?", key.id);
    let confirmed =
        move |model: &Model| still_open(model, &key).map(|()| vec![order(&key, Order::Cancel, "cancel")]);
    model.open(Box::new(Confirm::new(title, lines, "Yes, cancel it", Box::new(confirmed))));
    Vec::new()
}

pub(super) fn start(_model: &mut Model, _argument: Option<&str>) -> Vec<Effect> {
    vec![Effect::StartSupervisor]
}
