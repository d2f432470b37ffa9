//! The state of the console itself: what is shown, selected, typed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::ahead::Ahead;
use super::commands::CommandLine;
use super::data::{Digest, Facts};
use super::dialogs::Dialog;
use super::error::Refused;
use super::finder::Finder;
use super::keymap::Keymap;
use super::msg::Effect;
use super::panes::{Locals, PaneId, Target};
use super::theme::Theme;
use paddock_config::Workspace;
use paddock_model::answers::Answers;
use paddock_model::ids::{ObjectiveKey, ProjectSlug, SessionId};
use paddock_model::objective::Status;
use paddock_model::project::Project;
use paddock_report::text::counted;

/// How long a message stays in the footer.
const NOTE_MS: i64 = 6_000;
/// How many messages are kept for reading again.
const SAID_MAX: usize = 200;

/// A message in the footer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What is said.
    pub text: String,
    /// Whether it is about something that was not done.
    pub is_no: bool,
    /// Until when, in Unix milliseconds.
    pub until_ms: i64,
}

/// Everything the views are made from.
pub struct Model {
    /// What happened and what is.
    pub facts: Facts,
    /// The engine's answers to what is asked of that.
    pub answers: Answers,
    /// What is derived from that for the shown project.
    pub digest: Digest,
    /// Unix milliseconds.
    pub now_ms: i64,
    /// When the day began for the user, in Unix milliseconds.
    pub day_ms: i64,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// The workspace; none in tests that need none.
    pub workspace: Option<Workspace>,
    /// The project that is shown.
    pub project: Option<ProjectSlug>,
    /// The objective that is selected.
    pub selected: Option<ObjectiveKey>,
    /// The project in which something was selected: from then on only a person's keys select something else.
    pub selected_in: Option<ProjectSlug>,
    /// The session that was chosen; none: the newest of the selected objective.
    pub session: Option<SessionId>,
    /// The pane of the main screen that has the focus.
    pub focus: PaneId,
    /// Whether that pane has the whole screen.
    pub zoomed: bool,
    /// Panes that lie over the main screen, the last one on top.
    pub covers: Vec<PaneId>,
    /// What the panes remember.
    pub panes: Locals,
    /// Open dialogs, the last one on top.
    pub dialogs: Vec<Box<dyn Dialog>>,
    /// What was typed while a dialog waited for an answer.
    pub ahead: Ahead,
    /// What was typed into dialogs that were closed by `Esc`.
    pub drafts: BTreeMap<String, String>,
    /// The line in which a text to be found is typed.
    pub finder: Option<Finder>,
    /// The message in the footer.
    pub note: Option<Note>,
    /// What was said so far, oldest first.
    pub said: VecDeque<String>,
    /// What the supervisor was asked and has not answered.
    pub asking: Vec<String>,
    /// The keys.
    pub keymap: Keymap,
    /// How everything looks.
    pub theme: Theme,
    /// The commands of the command line.
    pub commands: Vec<CommandLine>,
    /// Whether the mouse is reported.
    pub mouse: bool,
    /// Whether the terminal has the focus, as far as it tells.
    pub away: bool,
    /// Needs that were rung for.
    pub rung: BTreeSet<String>,
}

impl Model {
    /// Nothing is known yet. The answers cannot be left out: without them nothing would ever wait for a person. Nor
    /// can the keys: without them no key would mean anything.
    #[must_use]
    pub fn new(answers: Answers, keymap: Keymap) -> Self {
        Self {
            answers,
            keymap,
            facts: Default::default(),
            digest: Default::default(),
            now_ms: Default::default(),
            day_ms: Default::default(),
            size: Default::default(),
            workspace: Default::default(),
            project: Default::default(),
            selected: Default::default(),
            selected_in: Default::default(),
            session: Default::default(),
            focus: Default::default(),
            zoomed: Default::default(),
            covers: Default::default(),
            panes: Default::default(),
            dialogs: Default::default(),
            ahead: Default::default(),
            drafts: Default::default(),
            finder: Default::default(),
            note: Default::default(),
            said: Default::default(),
            asking: Default::default(),
            theme: Default::default(),
            commands: Default::default(),
            mouse: Default::default(),
            away: Default::default(),
            rung: Default::default(),
        }
    }

    /// The pane that keys go to.
    #[must_use]
    pub fn active(&self) -> PaneId {
        self.covers.last().copied().unwrap_or(self.focus)
    }

    /// The selected objective with its chosen or newest session. Of a session that works for another or for
    /// none, as a planner's does, it is what that one works for: its log is what is on the screen.
    #[must_use]
    pub(crate) fn default_target(&self) -> Target {
        let chosen = self.session.and_then(|id| self.facts.state.session(id));
        let objective = chosen.map(|session| session.objective.clone()).or_else(|| self.selected.clone());
        let objective = objective.filter(|key| self.facts.state.objective(key).is_some());
        let newest = objective
            .as_ref()
            .and_then(|key| self.facts.state.objective(key))
            .and_then(|one| one.sessions.last().copied());
        Target { objective, session: self.session.or(newest), gate: None }
    }

    /// Makes what the actions act upon the selection, before going elsewhere.
    pub(crate) fn pin(&mut self, target: Target) {
        if target.objective.is_some() {
            self.select(target.objective);
        }
        self.session = target.session;
    }

    /// Selects an objective; its newest session is the one that is shown.
    pub fn select(&mut self, objective: Option<ObjectiveKey>) {
        if self.selected != objective {
            (self.selected, self.session) = (objective, None);
        }
    }

    /// The project that is shown.
    #[must_use]
    pub(crate) fn shown_project(&self) -> Option<&Project> {
        self.facts.state.project(self.project.as_ref()?)
    }

    /// Shows a project.
    pub(crate) fn show_project(&mut self, project: Option<ProjectSlug>) {
        (self.project, self.selected, self.session) = (project, None, None);
        self.selected_in = None;
        self.covers.clear();
        self.refresh();
    }

    /// Lays a pane over the main screen.
    pub fn cover(&mut self, pane: PaneId) {
        self.covers.retain(|open| *open != pane);
        self.covers.push(pane);
    }

    /// Opens a dialog.
    pub fn open(&mut self, dialog: Box<dyn Dialog>) {
        self.dialogs.push(dialog);
    }

    /// Opens a dialog, or says why it cannot be opened.
    pub(crate) fn open_or_say(&mut self, opened: Result<Box<dyn Dialog>, Refused>) -> Vec<Effect> {
        match opened {
            Ok(dialog) => self.open(dialog),
            Err(why) => self.say_no(why.to_string()),
        }
        Vec::new()
    }

    /// What was typed into a dialog of this name and not sent.
    #[must_use]
    pub(crate) fn draft(&self, name: &str) -> Option<&str> {
        self.drafts.get(name).map(String::as_str)
    }

    /// Says something in the footer.
    pub(crate) fn say(&mut self, text: String) {
        self.put_note(text, false);
    }

    /// Says that something was not done.
    pub(crate) fn say_no(&mut self, text: String) {
        self.put_note(text, true);
    }

    fn put_note(&mut self, text: String, is_no: bool) {
        self.said.push_back(text.clone());
        if self.said.len() > SAID_MAX {
            self.said.pop_front();
        }
        self.note = Some(Note { text, is_no, until_ms: self.now_ms + NOTE_MS });
    }

    /// Whether sessions, gates or a landing are in progress, in any project.
    #[must_use]
    pub(crate) fn is_in_progress(&self) -> bool {
        let state = &self.facts.state;
        let is_landing = state.projects().any(|project| project.train.landing.is_some());
        self.facts.supervisor.is_running()
            && (is_landing || state.open_sessions().next().is_some() || state.open_gates().next().is_some())
    }

    /// The same in words.
    #[must_use]
    pub(crate) fn in_progress(&self) -> String {
        let state = &self.facts.state;
        let sessions = counted(state.open_sessions().count(), "session");
        let gates = counted(state.open_gates().count(), "gate run");
        let landing = state.projects().filter(|project| project.train.landing.is_some()).count();
        let landing = if landing > 0 { " and a landing" } else { "" };
        format!("In progress: {sessions}, {gates}{landing}.")
    }

    /// Whether numbers on the screen change with time alone.
    #[must_use]
    pub(crate) fn is_ticking(&self) -> bool {
        self.is_in_progress()
    }

    /// Brings what is derived up to date with the facts.
    pub(crate) fn refresh(&mut self) {
        let is_there = self.project.as_ref().is_some_and(|slug| self.facts.state.project(slug).is_some());
        if !is_there && self.facts.is_loaded {
            self.project = self.facts.state.projects().next().map(|project| project.slug.clone());
        }
        self.digest =
            Digest::new(&self.facts, &self.answers, self.project.as_ref(), (self.now_ms, self.day_ms));
        let project = self.project.as_ref();
        let is_gone = |key: &ObjectiveKey| self.facts.state.objective(key).is_none();
        if self.selected.as_ref().is_some_and(is_gone) {
            (self.selected, self.session) = (None, None);
        }
        // What was selected and is gone leaves nothing selected: a key would act on what took its place.
        if self.selected.is_none() && self.selected_in != self.project {
            let mut all: Vec<_> = project
                .into_iter()
                .flat_map(|slug| self.facts.state.objectives_of(slug))
                .map(|one| (one.added_seq, one.status, &one.key))
                .collect();
            all.sort_by_key(|(seq, status, _)| (urgency(*status), *seq));
            self.selected = all.first().map(|(_, _, key)| (*key).clone());
            self.session = None;
        }
        let has_any = project.is_some_and(|slug| self.facts.state.objectives_of(slug).next().is_some());
        if self.selected.is_some() || !has_any {
            self.selected_in = self.project.clone().filter(|_| has_any);
        }
    }
}

/// What a person wants to see first when nothing was chosen yet.
fn urgency(status: Status) -> u8 {
    match status {
        Status::NeedsReview => 0,
        Status::Active => 1,
        Status::Queued | Status::Review | Status::Ready => 2,
        Status::Todo
        | Status::Done
        | Status::Paused
        | Status::Skipped
        | Status::Failed
        | Status::Cancelled => 3,
    }
}
