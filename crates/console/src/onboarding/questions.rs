//! The questions: what was found above them, the answers below.

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
/// The columns of what stands before a fact.
const NAME: u16 = 13;
/// No wider: lines are to be read.
const COLUMNS_MAX: u16 = 100;
/// Minutes that a gate command may take which was typed here.
const TIMEOUT_MINUTES: u32 = 20;
/// The longest name that is made of a command.
const NAME_MAX: usize = 24;

/// A repository, as it was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Its folder.
    pub root: PathBuf,
    /// Where worktrees will be made.
    pub worktrees: PathBuf,
    /// The workspace.
    pub workspace: PathBuf,
    /// Whether that has to be made.
    pub is_new_workspace: bool,
    /// What it will be called in commands.
    pub slug: String,
    /// The branch that HEAD is on.
    pub branch: String,
    /// The proposed gate.
    pub gate: Vec<GateCommand>,
    /// The file that the gate was proposed from; empty: none.
    pub gate_from: String,
    /// Commands that the repository's own file gives, for people: agreed to with the last yes.
    pub own_commands: Vec<String>,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answers {
    /// The branch that work is published to.
    pub branch: String,
    /// The gate; empty = none, or that of the repository's own file.
    pub gate: Vec<GateCommand>,
    /// The title of the first goal; empty = none yet.
    pub goal: String,
    /// Its description.
    pub description: String,
}

/// What the loop is to have done.
#[derive(Debug)]
pub(super) enum Wish {
    Look,
    CarryOut(Answers),
}

/// Everything that is on the screen.
#[derive(Default)]
pub struct State {
    found: Option<Found>,
    problem: Option<Refused>,
    agents: Option<Vec<AgentSeen>>,
    form: Option<Form>,
    is_working: bool,
    is_done: bool,
    wishes: Vec<Wish>,
}

impl State {
    pub(super) fn is_done(&self) -> bool {
        self.is_done
    }

    pub(super) fn is_working(&self) -> bool {
        self.is_working && !self.is_done
    }

    pub(super) fn wishes(&mut self) -> Vec<Wish> {
        std::mem::take(&mut self.wishes)
    }

    pub(super) fn take(&mut self, model: &Model, news: News) {
        match news {
            News::Agents(agents) => self.agents = Some(agents),
            News::Looked(Err(problem)) => (self.problem, self.form) = (Some(problem), None),
            News::Looked(Ok(found)) => {
                self.form = Some(form(model, &found));
                (self.found, self.problem) = (Some(found), None);
            }
            News::CarriedOut(Ok(())) => self.is_done = true,
            News::CarriedOut(Err(problem)) => {
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

/// The commands of lines, named as they were proposed where they are the same.
fn gate(lines: &[String], proposed: &[GateCommand]) -> Vec<GateCommand> {
    let mut commands: Vec<GateCommand> = Vec::new();
    for line in lines {
        let known = proposed.iter().find(|one| one.run == *line);
        let base = known.map_or_else(|| short_name(line), |one| one.name.clone());
        let is_taken = |name: &String| commands.iter().any(|had| had.name == *name);
        let free = (1..).map(|number| if number == 1 { base.clone() } else { format!("{base}-{number}") });
        let name = free.into_iter().find(|name| !is_taken(name)).unwrap_or(base);
        let command =
            GateCommand { name, run: line.clone(), timeout_minutes: TIMEOUT_MINUTES, timeout_seconds: 0 };
        commands.push(command);
    }
    commands
}

fn short_name(line: &str) -> String {
    let near = nearest_id(line);
    let short = near[..near.len().min(NAME_MAX)].trim_end_matches('-');
    if short.is_empty() { "gate".to_owned() } else { short.to_owned() }
}

fn form(model: &Model, found: &Found) -> Form {
    let lines: Vec<&str> = found.gate.iter().map(|one| one.run.as_str()).collect();
    let fields = vec![
        Field::line(BRANCH, "the branch that work is published to").with(&found.branch),
        Field::area(GATE, "commands, one on a line; none: work lands unverified", 2, 6)
            .with(&lines.join("\n")),
        Field::area(GOAL, "what is to be reached; the first line is its title; may be empty", 3, 8),
    ];
    let refuse_blank = |_: &Model, values: &Values, _: usize| match values.get(BRANCH).is_empty() {
        true => Err(Fault::new(BRANCH, "say which branch work is published to")),
        false => Ok(Vec::new()),
    };
    Form::new(model, "", "onboarding", fields, vec!["Start"], refuse_blank)
}

/// The screen as a dialog that covers everything.
pub(crate) struct Questions {
    state: Rc<RefCell<State>>,
}

impl Questions {
    /// The screen of this state.
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

/// What was found, line by line.
fn facts(state: &State, theme: &Theme) -> Vec<Fact> {
    let mut facts: Vec<Fact> = Vec::new();
    if let Some(found) = &state.found {
        facts.push(("repository", format!("{}  as `{}`", found.root.display(), found.slug), theme.plain));
        let new = if found.is_new_workspace { "  (will be made)" } else { "" };
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
            let words = "these come from .paddock/project.yaml of the repository: starting agrees to them";
            facts.push(("", words.to_owned(), theme.dim));
        }
        let said = match (found.gate_from.is_empty(), found.gate.is_empty()) {
            (false, false) => {
                format!("proposed from {}; it runs here on everything that is to land", found.gate_from)
            }
            _ if state.has_own_gate() => "leave it empty to use the repository's own".to_owned(),
            _ => "nothing was recognised: say how its tests are run".to_owned(),
        };
        facts.push(("gate", said, theme.dim));
    }
    facts
}

fn agents(state: &State, theme: &Theme) -> Fact {
    let Some(agents) = &state.agents else { return ("agents", "looking …".to_owned(), theme.dim) };
    let named = |agent: &AgentSeen| match &agent.version {
        Some(version) => format!("{} {version}", agent.id),
        None => agent.id.to_string(),
    };
    let all: Vec<String> = agents.iter().map(named).collect();
    match all.is_empty() {
        true => {
            let words = "none was found on PATH: install one (claude, codex, kimi, …); work waits until then";
            ("agents", words.to_owned(), theme.needs)
        }
        false => ("agents", all.join("   "), theme.plain),
    }
}

const WELCOME: &str = "Agents do objectives in worktrees of their own; only what passes the gate lands on your \
                       branch. Nothing is written before you press Start.";

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
        if area.height > 18 {
            y += 1;
        }
        for line in text::wrap(WELCOME, usize::from(area.width)) {
            text::put(buf, area.x, y, area.width, &line, theme.dim);
            y += 1;
        }
        y += 1;
        for (name, said, style) in facts(&state, theme) {
            if y >= area.bottom() {
                return;
            }
            text::put(buf, area.x, y, NAME, name, theme.dim);
            let room = area.width.saturating_sub(NAME);
            for line in text::wrap(&said, usize::from(room)).into_iter().take(2) {
                text::put(buf, area.x + NAME, y, room, &line, style);
                y += 1;
            }
        }
        y += 1;
        let room = area.bottom().saturating_sub(y);
        match (&state.form, &state.problem) {
            (_, Some(problem)) => {
                for (y, line) in (y..area.bottom()).zip(text::wrap(problem.why(), usize::from(area.width))) {
                    text::put(buf, area.x, y, area.width, &line, theme.failed);
                }
            }
            (Some(form), None) => {
                let (_, rows) = form.size(model);
                form.view(model, Rect { y, height: room.min(rows), ..area }, buf, theme);
                if state.is_working {
                    let y = y + room.min(rows).saturating_sub(1);
                    text::put(buf, area.x, y, area.width, &text::fit("setting up …", 40), theme.working);
                }
            }
            (None, None) => {
                text::put(buf, area.x, y, area.width, "looking at the repository …", theme.dim);
            }
        }
    }

    fn key(&mut self, model: &Model, key: KeyEvent) -> Step {
        let mut state = self.state.borrow_mut();
        let is_ctrl_c = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
        if is_ctrl_c {
            return Step::Close;
        }
        if state.is_working {
            return Step::Stay;
        }
        let Some(form) = &mut state.form else {
            return match key.code {
                KeyCode::Esc | KeyCode::Char('q') => Step::Close,
                KeyCode::Char('r') => {
                    state.problem = None;
                    state.wishes.push(Wish::Look);
                    Step::Stay
                }
                _ => Step::Stay,
            };
        };
        match form.key(model, key) {
            Step::Close => Step::Close,
            // Nothing stands against the answers.
            Step::Done(_) => {
                let values = form.values();
                let answers = answers(&values, state.found.as_ref().unwrap_or(&Found::default()));
                state.is_working = true;
                state.wishes.push(Wish::CarryOut(answers));
                Step::Stay
            }
            _ => Step::Stay,
        }
    }

    fn ahead(&mut self, model: &Model, typed: &Typed) -> bool {
        self.state.borrow_mut().form.as_mut().is_some_and(|form| form.ahead(model, typed))
    }

    fn waits_for(&self) -> Option<&str> {
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
        hints.retain(|(key, _)| *key != "Esc");
        hints.push(("Esc", "leave, nothing is written"));
        hints
    }

    fn is_full(&self) -> bool {
        true
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
