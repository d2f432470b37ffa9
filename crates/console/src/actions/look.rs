//! Actions that show something.

use std::path::PathBuf;

use super::Action;
use crate::Model;
use crate::dialogs::help::Help;
use crate::dialogs::output::Output;
use crate::dialogs::palette::Palette;
use crate::finder::{Finder, FinderKind};
use crate::msg::{Effect, Foreground};
use crate::panes::{self, PaneId};
use paddock_model::answers::Surroundings;
use paddock_report::text::duration;

pub(super) fn help(model: &mut Model, actions: &'static [Action]) -> Vec<Effect> {
    model.open(Box::new(Help::new(actions)));
    Vec::new()
}

pub(super) fn palette(model: &mut Model, actions: &'static [Action], argument: Option<&str>) -> Vec<Effect> {
    let palette = Palette::new(actions, argument.unwrap_or_default());
    model.open(Box::new(palette));
    Vec::new()
}

pub(super) fn find(model: &mut Model, argument: Option<&str>) -> Vec<Effect> {
    model.finder = Some(Finder::new(FinderKind::Find, argument.unwrap_or_default()));
    Vec::new()
}

pub(super) fn filter(model: &mut Model, argument: Option<&str>) -> Vec<Effect> {
    model.finder = Some(Finder::new(FinderKind::Filter, argument.unwrap_or_default()));
    Vec::new()
}

pub(super) fn zoom(model: &mut Model, _argument: Option<&str>) -> Vec<Effect> {
    model.zoomed = !model.zoomed;
    Vec::new()
}

pub(super) fn explain(model: &mut Model, _argument: Option<&str>) -> Vec<Effect> {
    let Some(key) = model.target().objective else { return Vec::new() };
    let Some(one) = model.facts.state.objective(&key) else { return Vec::new() };
    // The limit of a supervisor's `--max-parallel` is not known here, hence `None`.
    let facts = Surroundings {
        supervisor_running: model.facts.supervisor.is_running(),
        now_ms: model.now_ms,
        max_parallel: None,
    };
    let text = match model.answers.why_one(&model.facts.state, one, &facts) {
        None => format!("{} has landed.", key.id),
        Some(reason) => {
            let elapsed = duration(model.now_ms - reason.since_ms);
            format!("{}\n\nUnchanged for {elapsed}.\n\nWhat would clear it: {}", reason.text, reason.clears)
        }
    };
    model.open(Box::new(Output::new(format!("Why {} is {}", key.id, one.status), &text)));
    Vec::new()
}

pub(super) fn diff(model: &mut Model, _argument: Option<&str>) -> Vec<Effect> {
    // The diff shows the selection; the key may have been pressed on another row, such as one of the queue.
    model.pin(model.target());
    model.cover(PaneId::Diff);
    Vec::new()
}

pub(super) fn log(model: &mut Model, _argument: Option<&str>) -> Vec<Effect> {
    model.pin(model.target());
    model.covers.clear();
    model.focus = PaneId::Log;
    Vec::new()
}

pub(super) fn planner_log(model: &mut Model, _argument: Option<&str>) -> Vec<Effect> {
    match panes::log::planners(model).last() {
        Some(newest) => {
            model.session = Some(*newest);
            model.covers.clear();
            model.focus = PaneId::Log;
        }
        None => model.say_no("planner's log: no planner has run yet; `m` plans now".to_owned()),
    }
    Vec::new()
}

pub(super) fn grid(model: &mut Model, _argument: Option<&str>) -> Vec<Effect> {
    panes::grid::open(model);
    Vec::new()
}

pub(super) fn timeline(model: &mut Model, _argument: Option<&str>) -> Vec<Effect> {
    // Opened anew, the timeline starts without the row that was selected last time.
    model.panes.timeline.at = None;
    model.cover(PaneId::Timeline);
    Vec::new()
}

pub(super) fn copy(model: &mut Model, _argument: Option<&str>) -> Vec<Effect> {
    match panes::pane(model.active()).copy(model) {
        Some(copied) => vec![Effect::Copy { text: copied.text, what: copied.what }],
        None => {
            model.say_no("copy: this pane has nothing to copy".to_owned());
            Vec::new()
        }
    }
}

pub(super) fn open(model: &mut Model, _argument: Option<&str>) -> Vec<Effect> {
    match panes::pane(model.active()).paged(model) {
        Some(opened) => vec![opened],
        None => {
            model.say_no("open: this pane has nothing to open; a log or a diff can be opened".to_owned());
            Vec::new()
        }
    }
}

pub(super) fn shell(model: &mut Model, _argument: Option<&str>) -> Vec<Effect> {
    let objective = model.target().objective.and_then(|key| model.facts.state.objective(&key));
    let folder = objective.and_then(|one| one.ready_worktree()).map(|worktree| PathBuf::from(&worktree.path));
    folder.map(|folder| Effect::Foreground(Foreground::Shell(folder))).into_iter().collect()
}

pub(super) fn project(model: &mut Model, argument: Option<&str>) -> Vec<Effect> {
    let slugs: Vec<_> = model.facts.state.projects().map(|project| project.slug.clone()).collect();
    let wanted = match argument {
        Some(named) => slugs.iter().position(|slug| slug.as_str() == named),
        // Without a name the key cycles through the projects.
        None => {
            let at = slugs.iter().position(|slug| Some(slug) == model.project.as_ref());
            Some(at.map_or(0, |at| (at + 1) % slugs.len().max(1)))
        }
    };
    match wanted.and_then(|at| slugs.get(at)) {
        Some(slug) if Some(slug) != model.project.as_ref() => model.show_project(Some(slug.clone())),
        Some(slug) => model.say(format!("{slug} is the only project of this workspace")),
        None => model.say_no("project: there is no project of that name".to_owned()),
    }
    Vec::new()
}

pub(super) fn messages(model: &mut Model, _argument: Option<&str>) -> Vec<Effect> {
    let text: Vec<&str> = model.said.iter().map(String::as_str).collect();
    let text = if text.is_empty() { "There are no messages yet.".to_owned() } else { text.join("\n") };
    model.open(Box::new(Output::new("Messages", &text)));
    Vec::new()
}
