//! The state of the console: facts, selection, open dialogs, typed text.

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

/// How long a message stays in the footer, in milliseconds.
const NOTE_MS: i64 = 6_000;
/// How many earlier messages the `messages` action can show.
const SHOWN_MESSAGES_MAX: usize = 200;

/// A message in the footer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The text of the message.
    pub text: String,
    /// Whether it reports a refusal or a failure, which is drawn as a warning.
    pub is_no: bool,
    /// When it disappears, in Unix milliseconds.
    pub until_ms: i64,
}

/// The whole state of the console. Views read it; [`update()`](crate::update::update) changes it.
pub struct Model {
    /// The workspace's state, recent events and gauges.
    pub facts: Facts,
    /// The engine's functions that answer questions about the facts.
    pub answers: Answers,
    /// Values derived from the facts for the shown project.
    pub digest: Digest,
    /// The current time in Unix milliseconds, set by the loop.
    pub now_ms: i64,
    /// The last midnight in the user's time zone, in Unix milliseconds.
    pub day_ms: i64,
    /// Size of the terminal: columns, rows.
    pub size: (u16, u16),
    /// The workspace; `None` in tests that need none.
    pub workspace: Option<Workspace>,
    /// The shown project; `None` while there is none.
    pub project: Option<ProjectSlug>,
    /// The selected objective. Actions about an objective are refused while there is none.
    pub selected: Option<ObjectiveKey>,
    /// The project for which an objective was preselected. Once
    /// it is set, only a person's keys change the selection.
    pub selected_in: Option<ProjectSlug>,
    /// The session that a person chose; `None` stands for the newest one of the selected objective.
    pub session: Option<SessionId>,
    /// The focused pane of the main screen.
    pub focus: PaneId,
    /// Whether the focused pane fills the whole screen.
    pub zoomed: bool,
    /// Panes that cover the main screen, the topmost last.
    pub covers: Vec<PaneId>,
    /// The state of each pane, such as its scroll position.
    pub panes: Locals,
    /// Open dialogs, the topmost last.
    pub dialogs: Vec<Box<dyn Dialog>>,
    /// Keys and pastes that arrived while a dialog waited for an answer.
    pub ahead: Ahead,
    /// Text of forms that were closed with `Esc`, by the name of the draft.
    pub drafts: BTreeMap<String, String>,
    /// The search line at the bottom, while a person types into it.
    pub finder: Option<Finder>,
    /// The message in the footer.
    pub note: Option<Note>,
    /// Earlier messages of the footer, oldest first.
    pub said: VecDeque<String>,
    /// Commands that the supervisor has not answered yet, as [`Effect::Ask`] describes them.
    pub asking: Vec<String>,
    /// Which key runs which action.
    pub keymap: Keymap,
    /// Colours and glyphs.
    pub theme: Theme,
    /// The commands of the command line, for the palette.
    pub commands: Vec<CommandLine>,
    /// Whether the terminal reports the mouse.
    pub mouse: bool,
    /// Whether the terminal has lost the focus. Stays false where the terminal does not report it.
    pub away: bool,
    /// Needs that have rung the bell already, so that none rings twice.
    pub rung: BTreeSet<String>,
}

impl Model {
    /// Creates a model without facts. `answers` and `keymap` have no default: without answers no objective
    /// would ever wait for a person, and without a keymap no key would do anything.
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

    /// Returns the pane that receives keys: the topmost cover, else the focused pane.
    #[must_use]
    pub fn active(&self) -> PaneId {
        self.covers.last().copied().unwrap_or(self.focus)
    }

    /// Returns the selected objective and its chosen or newest session. If a session of another objective, or
    /// a planner's, is chosen, returns the objective of that session: its log is the one on the screen.
    #[must_use]
    pub(crate) fn default_target(&self) -> Target {
        let chosen = self.session.and_then(|id| self.facts.state.session(id));
        // A planner's session names an id that no objective has; the filter below removes it.
        let objective = chosen.map(|session| session.objective.clone()).or_else(|| self.selected.clone());
        let objective = objective.filter(|key| self.facts.state.objective(key).is_some());
        let newest = objective
            .as_ref()
            .and_then(|key| self.facts.state.objective(key))
            .and_then(|one| one.sessions.last().copied());
        Target { objective, session: self.session.or(newest), gate: None }
    }

    /// Selects a pane's target, so that the pane that is shown next acts on the same objective and session.
    pub(crate) fn pin(&mut self, target: Target) {
        if target.objective.is_some() {
            self.select(target.objective);
        }
        self.session = target.session;
    }

    /// Selects an objective and, with it, its newest session.
    pub fn select(&mut self, objective: Option<ObjectiveKey>) {
        // Selecting the same objective again keeps the session that a person chose.
        if self.selected != objective {
            (self.selected, self.session) = (objective, None);
        }
    }

    /// Returns the shown project.
    #[must_use]
    pub(crate) fn shown_project(&self) -> Option<&Project> {
        self.facts.state.project(self.project.as_ref()?)
    }

    /// Switches to a project. Clears the selection and closes all covers.
    pub(crate) fn show_project(&mut self, project: Option<ProjectSlug>) {
        (self.project, self.selected, self.session) = (project, None, None);
        self.selected_in = None;
        self.covers.clear();
        self.refresh();
    }

    /// Covers the main screen with a pane; moves it to the top if it is a cover already.
    pub fn cover(&mut self, pane: PaneId) {
        self.covers.retain(|open| *open != pane);
        self.covers.push(pane);
    }

    /// Opens a dialog on top of the others.
    pub fn open(&mut self, dialog: Box<dyn Dialog>) {
        self.dialogs.push(dialog);
    }

    /// Opens a dialog, or shows in the footer why it cannot be opened.
    pub(crate) fn open_or_say(&mut self, opened: Result<Box<dyn Dialog>, Refused>) -> Vec<Effect> {
        match opened {
            Ok(dialog) => self.open(dialog),
            Err(why) => self.say_no(why.to_string()),
        }
        Vec::new()
    }

    /// Returns the text that was typed into a form of this name and not sent.
    #[must_use]
    pub(crate) fn draft(&self, name: &str) -> Option<&str> {
        self.drafts.get(name).map(String::as_str)
    }

    /// Shows a message in the footer.
    pub(crate) fn say(&mut self, text: String) {
        self.put_note(text, false);
    }

    /// Shows a refusal or a failure in the footer.
    pub(crate) fn say_no(&mut self, text: String) {
        self.put_note(text, true);
    }

    fn put_note(&mut self, text: String, is_no: bool) {
        self.said.push_back(text.clone());
        if self.said.len() > SHOWN_MESSAGES_MAX {
            self.said.pop_front();
        }
        self.note = Some(Note { text, is_no, until_ms: self.now_ms + NOTE_MS });
    }

    /// Returns whether a session, a gate run or a landing is in progress, in any project.
    #[must_use]
    pub(crate) fn is_in_progress(&self) -> bool {
        let state = &self.facts.state;
        // Without a supervisor the state may still list sessions
        // that ran when the last one died, so it must be running.
        let is_landing = state.projects().any(|project| project.train.landing.is_some());
        self.facts.supervisor.is_running()
            && (is_landing || state.open_sessions().next().is_some() || state.open_gates().next().is_some())
    }

    /// Returns a sentence that counts the sessions, gate runs and landings in progress.
    #[must_use]
    pub(crate) fn in_progress(&self) -> String {
        let state = &self.facts.state;
        let sessions = counted(state.open_sessions().count(), "session");
        let gates = counted(state.open_gates().count(), "gate run");
        let landing = state.projects().filter(|project| project.train.landing.is_some()).count();
        let landing = if landing > 0 { " and a landing" } else { "" };
        format!("In progress: {sessions}, {gates}{landing}.")
    }

    /// Returns whether the screen shows elapsed times, which must be redrawn every second.
    #[must_use]
    pub(crate) fn is_ticking(&self) -> bool {
        self.is_in_progress()
    }

    /// Recomputes the digest, and drops a selection whose objective no longer exists.
    pub(crate) fn refresh(&mut self) {
        let is_there = self.project.as_ref().is_some_and(|slug| self.facts.state.project(slug).is_some());
        // Before the first load every project seems to be missing; the remembered one has to survive that.
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
        // Preselect once per project. Later an objective that disappears leaves nothing selected: if the next
        // row took its place, a key that is already on its way would act on the wrong objective.
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
        // A project without objectives does not count: its first objective is preselected when it appears.
        if self.selected.is_some() || !has_any {
            self.selected_in = self.project.clone().filter(|_| has_any);
        }
    }
}

/// Returns the rank of a status for the preselection: an objective that waits for a person comes first.
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
