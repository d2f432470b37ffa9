//! The screen: facts about the repository above, the questions below.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{AgentSeen, News};
use crate::ahead::Typed;
use crate::dialogs::form::{Fault, Field, Form, Values};
use crate::dialogs::{Dialog, Step};
use crate::error::Refused;
use crate::theme::Theme;
use crate::{Model, text};
use paddock_model::ids::nearest_id;
use paddock_model::settings::GateCommand;

const BRANCH: &str = "Branch";
const GATE: &str = "Gate";
const GOAL: &str = "First goal";
/// Width of the names before the facts, in columns.
const NAME: u16 = 13;
/// Greatest width of the text, in columns. Longer lines are hard to read.
const COLUMNS_MAX: u16 = 100;
/// Time limit of a gate command that was typed here, in minutes.
const TIMEOUT_MINUTES: u32 = 20;
/// Longest name that is made from a gate command, in bytes.
const NAME_MAX: usize = 24;

/// Facts about the repository.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Folder of the repository.
    pub root: PathBuf,
    /// Folder in which worktrees will be created.
    pub worktrees: PathBuf,
    /// Folder of the workspace.
    pub workspace: PathBuf,
    /// Whether the workspace has to be created.
    pub is_new_workspace: bool,
    /// Name of the project in commands.
    pub slug: String,
    /// The branch that HEAD points to.
    pub branch: String,
    /// The proposed gate commands.
    pub gate: Vec<GateCommand>,
    /// The file from which the gate was proposed; empty if there is none.
    pub gate_from: String,
    /// Commands from the repository's own project file, for display. Start agrees to run them.
    pub own_commands: Vec<String>,
}

/// The answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answers {
    /// The branch to which work is published.
    pub branch: String,
    /// The gate commands; if empty, those of the repository's own file, or none.
    pub gate: Vec<GateCommand>,
    /// The title of the first goal; empty if none is added yet.
    pub goal: String,
    /// The description of the first goal.
    pub description: String,
}

/// An operation that the loop has to start.
#[derive(Debug)]
pub(super) enum Request {
    Look,
    Execute(Answers),
}

/// The state of the screen. The dialog and the loop share it.
#[derive(Default)]
pub struct State {
    found: Option<Found>,
    problem: Option<Refused>,
    agents: Option<Vec<AgentSeen>>,
    form: Option<Form>,
    /// Whether Start was pressed and the setup runs.
    is_working: bool,
    is_done: bool,
    requests: Vec<Request>,
}

impl State {
    pub(super) fn is_done(&self) -> bool {
        self.is_done
    }

    pub(super) fn is_working(&self) -> bool {
        self.is_working && !self.is_done
    }

    pub(super) fn take_requests(&mut self) -> Vec<Request> {
        std::mem::take(&mut self.requests)
    }

    pub(super) fn take(&mut self, model: &Model, news: News) {
        match news {
            News::Agents(agents) => self.agents = Some(agents),
            News::Looked(Err(problem)) => (self.problem, self.form) = (Some(problem), None),
            // The form is built only now, since the facts are its default answers.
            News::Looked(Ok(found)) => {
                self.form = Some(form(model, &found));
                (self.found, self.problem) = (Some(found), None);
            }
            News::Executed(Ok(())) => self.is_done = true,
            // The form shows the error like a refusal of the supervisor, with all answers kept.
            News::Executed(Err(problem)) => {
                self.is_working = false;
                if let Some(form) = &mut self.form {
                    let _ = form.answered(model, Err(problem));
                }
            }
        }
    }

    fn has_own_gate(&self) -> bool {
        self.found.as_ref().is_some_and(|found| !found.own_commands.is_empty())
    }
}

/// Returns the gate commands of these lines. A line that equals a proposed command keeps its name and all other
/// settings; other names are made from the line and numbered if taken.
fn gate(lines: &[String], proposed: &[GateCommand]) -> Vec<GateCommand> {
    let mut commands: Vec<GateCommand> = Vec::new();
    for line in lines {
        // An unchanged line keeps the name that the proposal gave it, such as `tests`.
        let known = proposed.iter().find(|one| one.run == *line);
        let base = known.map_or_else(|| short_name(line), |one| one.name.clone());
        let is_taken = |name: &String| commands.iter().any(|had| had.name == *name);
        let free = (1..).map(|number| if number == 1 { base.clone() } else { format!("{base}-{number}") });
        let name = free.into_iter().find(|name| !is_taken(name)).unwrap_or(base);
        let new = || GateCommand::new("", line.clone(), TIMEOUT_MINUTES);
        commands.push(GateCommand { name, ..known.cloned().unwrap_or_else(new) });
    }
    commands
}

fn short_name(line: &str) -> String {
    // An id is ASCII, so cutting it by bytes is safe.
    let near = nearest_id(line);
    let short = near[..near.len().min(NAME_MAX)].trim_end_matches('-');
    if short.is_empty() { "gate".to_owned() } else { short.to_owned() }
}

fn form(model: &Model, found: &Found) -> Form {
    let lines: Vec<&str> = found.gate.iter().map(|one| one.run.as_str()).collect();
    let fields = vec![
        Field::line(BRANCH, "the branch to which work is published").with(&found.branch),
        Field::area(GATE, "one command per line; empty: work lands unverified", 2, 6).with(&lines.join("\n")),
        Field::area(GOAL, "optional: the goal; its first line is the title", 3, 8),
    ];
    // The form needs a branch; gate and goal may stay empty.
    // It returns no effects: `key` below reads its values.
    let refuse_blank = |_: &Model, values: &Values, _: usize| match values.get(BRANCH).is_empty() {
        true => Err(Fault::new(BRANCH, "enter the branch to which work is published")),
        false => Ok(Vec::new()),
    };
    Form::new(model, "", "onboarding", fields, vec!["Start"], refuse_blank)
}

/// The screen, as a dialog that fills it.
pub(crate) struct Questions {
    state: Rc<RefCell<State>>,
}

impl Questions {
    /// Creates the screen for this state.
    #[must_use]
    pub(crate) fn new(state: Rc<RefCell<State>>) -> Self {
        Self { state }
    }
}

fn answers(values: &Values, found: &Found) -> Answers {
    let goal = values.get(GOAL);
    let (title, description) = goal.split_once('\n').unwrap_or((goal, ""));
    Answers {
        branch: values.get(BRANCH).to_owned(),
        gate: gate(&values.lines(GATE), &found.gate),
        goal: title.trim().to_owned(),
        description: description.trim().to_owned(),
    }
}

type Fact = (&'static str, String, Style);

/// Returns the facts, line by line.
fn facts(state: &State, theme: &Theme) -> Vec<Fact> {
    let mut facts: Vec<Fact> = Vec::new();
    if let Some(found) = &state.found {
        facts.push(("repository", format!("{}  as `{}`", found.root.display(), found.slug), theme.plain));
        let new = if found.is_new_workspace { "  (will be created)" } else { "" };
        facts.push(("workspace", format!("{}{new}", found.workspace.display()), theme.plain));
        facts.push(("worktrees", found.worktrees.display().to_string(), theme.plain));
    }
    facts.push(agents(state, theme));
    if let Some(found) = &state.found {
        facts.extend(found.own_commands.iter().enumerate().map(|(index, command)| {
            let name = if index == 0 { "runs" } else { "" };
            (name, command.clone(), theme.needs)
        }));
        if state.has_own_gate() {
            let words = "from .paddock/project.yaml in the repository; Start agrees to run them";
            facts.push(("", words.to_owned(), theme.dim));
        }
        let hint = match (found.gate_from.is_empty(), found.gate.is_empty()) {
            (false, false) => {
                let is_isolated = found.gate.iter().any(|one| one.isolated);
                let isolated = if is_isolated { ", also with the tests as they were" } else { "" };
                let from = &found.gate_from;
                format!("proposed from {from}; every change must pass it before it lands{isolated}")
            }
            _ if state.has_own_gate() => {
                "leave empty to use the gate of the repository's own file".to_owned()
            }
            _ => "no build tool was recognised: enter the commands that run the tests".to_owned(),
        };
        facts.push(("gate", hint, theme.dim));
    }
    facts
}

fn agents(state: &State, theme: &Theme) -> Fact {
    let Some(agents) = &state.agents else { return ("agents", "searching PATH …".to_owned(), theme.dim) };
    let named = |agent: &AgentSeen| match &agent.version {
        Some(version) => format!("{} {version}", agent.id),
        None => agent.id.to_string(),
    };
    let all: Vec<String> = agents.iter().map(named).collect();
    match all.is_empty() {
        true => {
            let words = "none found on PATH: install one (claude, codex, kimi, …); work waits until then";
            ("agents", words.to_owned(), theme.needs)
        }
        false => ("agents", all.join("   "), theme.plain),
    }
}

const WELCOME: &str = "Agents work on objectives in separate worktrees; only work that passes the gate lands on \
                       your branch. Nothing is written before you press Start.";

impl Dialog for Questions {
    fn title(&self, _model: &Model) -> String {
        "Paddock: take this repository under management?".to_owned()
    }

    fn size(&self, model: &Model) -> (u16, u16) {
        model.size
    }

    fn view(&self, model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let state = self.state.borrow();
        let area = Rect { x: area.x + 1, width: area.width.saturating_sub(2).min(COLUMNS_MAX), ..area };
        let mut y = area.y;
        // A blank row at the top only where the form does not need it.
        if area.height > 18 {
            y += 1;
        }
        for line in text::wrap(WELCOME, usize::from(area.width)) {
            text::put(buf, area.x, y, area.width, &line, theme.dim);
            y += 1;
        }
        y += 1;
        for (name, fact, style) in facts(&state, theme) {
            if y >= area.bottom() {
                return;
            }
            text::put(buf, area.x, y, NAME, name, theme.dim);
            let columns = area.width.saturating_sub(NAME);
            // At most two rows for a fact, so that long paths do not push the form off a low screen.
            for line in text::wrap(&fact, usize::from(columns)).into_iter().take(2) {
                text::put(buf, area.x + NAME, y, columns, &line, style);
                y += 1;
            }
        }
        y += 1;
        let height = area.bottom().saturating_sub(y);
        match (&state.form, &state.problem) {
            (_, Some(problem)) => {
                for (y, line) in (y..area.bottom()).zip(text::wrap(problem.why(), usize::from(area.width))) {
                    text::put(buf, area.x, y, area.width, &line, theme.failed);
                }
            }
            (Some(form), None) => {
                let (_, rows) = form.size(model);
                form.view(model, Rect { y, height: height.min(rows), ..area }, buf, theme);
                // Over the form's row of buttons, which cannot be pressed now.
                if state.is_working {
                    let y = y + height.min(rows).saturating_sub(1);
                    text::put(buf, area.x, y, area.width, &text::fit("setting up …", 40), theme.working);
                }
            }
            (None, None) => {
                text::put(buf, area.x, y, area.width, "inspecting the repository …", theme.dim);
            }
        }
    }

    fn key(&mut self, model: &Model, key: KeyEvent) -> Step {
        let mut state = self.state.borrow_mut();
        let is_ctrl_c = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
        // Ctrl-C leaves at any time, all other keys have to wait for the setup.
        if is_ctrl_c {
            return Step::Close;
        }
        if state.is_working {
            return Step::Stay;
        }
        // Without a form the repository was not inspected yet, or cannot be managed.
        let Some(form) = &mut state.form else {
            return match key.code {
                KeyCode::Esc | KeyCode::Char('q') => Step::Close,
                KeyCode::Char('r') => {
                    state.problem = None;
                    state.requests.push(Request::Look);
                    Step::Stay
                }
                _ => Step::Stay,
            };
        };
        match form.key(model, key) {
            Step::Close => Step::Close,
            // The form has checked the answers; it closes only in
            // `Step::Done`, which this dialog turns into a request.
            Step::Done(_) => {
                let values = form.values();
                let answers = answers(&values, state.found.as_ref().unwrap_or(&Found::default()));
                state.is_working = true;
                state.requests.push(Request::Execute(answers));
                Step::Stay
            }
            _ => Step::Stay,
        }
    }

    fn ahead(&mut self, model: &Model, typed: &Typed) -> bool {
        self.state.borrow_mut().form.as_mut().is_some_and(|form| form.ahead(model, typed))
    }

    fn waits_for(&self) -> Option<&str> {
        // No command of that name is ever sent. The name makes
        // `ahead` keep the keys that are typed during the setup.
        self.state.borrow().is_working.then_some("set up")
    }

    fn paste(&mut self, model: &Model, pasted: &str) -> Step {
        if let Some(form) = &mut self.state.borrow_mut().form {
            let _ = form.paste(model, pasted);
        }
        Step::Stay
    }

    fn hints(&self, model: &Model) -> Vec<(&'static str, &'static str)> {
        let state = self.state.borrow();
        let mut hints = match (&state.form, &state.problem) {
            (Some(form), None) => form.hints(model),
            (_, Some(_)) => vec![("r", "look again")],
            (None, None) => Vec::new(),
        };
        // The form keeps a draft on Esc; here Esc leaves for good.
        hints.retain(|(key, _)| *key != "Esc");
        hints.push(("Esc", "leave without changes"));
        hints
    }

    fn is_full(&self) -> bool {
        true
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
