//! The facts of an objective, as lines of text.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::data::evidence::finding_line;
use crate::panes::objectives::columns::{cost, elapsed_ms};
use crate::theme::Theme;
use crate::{Model, text};
use paddock_model::answers::Surroundings;
use paddock_model::ids::ObjectiveKey;
use paddock_model::objective::{Feedback, Objective, Status};
use paddock_model::usage::usd_of;
use paddock_report::text::counted;

/// Builds lines of text, wrapped to a width.
pub(crate) struct Sheet<'t> {
    /// Lines so far.
    pub lines: Vec<Line<'static>>,
    columns: usize,
    theme: &'t Theme,
}

/// Columns of the labels at the left.
const LABEL: usize = 10;

impl<'t> Sheet<'t> {
    /// Creates an empty sheet of this many columns.
    #[must_use]
    pub(crate) fn new(columns: usize, theme: &'t Theme) -> Self {
        Self { lines: Vec::new(), columns: columns.max(16), theme }
    }

    /// Adds a text.
    pub(crate) fn text(&mut self, words: &str, style: Style) {
        for line in text::wrap(words, self.columns) {
            self.lines.push(Line::from(Span::styled(line, style)));
        }
    }

    /// Adds a label and, to its right, a text.
    pub(crate) fn fact(&mut self, label: &str, words: &str, style: Style) {
        for (number, line) in text::wrap(words, self.columns - LABEL).into_iter().enumerate() {
            let label = if number == 0 { label } else { "" };
            let label = Span::styled(text::fit(label, LABEL), self.theme.dim);
            self.lines.push(Line::from(vec![label, Span::styled(line, style)]));
        }
    }

    /// Adds an item of a list, with its mark.
    pub(crate) fn point(&mut self, mark: &str, mark_style: Style, words: &str, style: Style) {
        let indent = text::width(mark) + 1;
        for (number, line) in text::wrap(words, self.columns.saturating_sub(indent)).into_iter().enumerate() {
            let mark = if number == 0 { format!("{mark} ") } else { " ".repeat(indent) };
            self.lines.push(Line::from(vec![Span::styled(mark, mark_style), Span::styled(line, style)]));
        }
    }

    /// Adds a heading, with a blank line before it.
    pub(crate) fn heading(&mut self, words: &str) {
        if !self.lines.is_empty() {
            self.lines.push(Line::default());
        }
        self.lines.push(Line::from(Span::styled(words.to_owned(), self.theme.strong)));
    }
}

/// Returns the facts of an objective: state, history, criteria, dependencies, description.
#[must_use]
pub(crate) fn lines(model: &Model, one: &Objective, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut sheet = Sheet::new(columns, theme);
    status_facts(model, one, &mut sheet, theme);
    history(model, one, &mut sheet, theme);
    if !one.spec.acceptance_criteria.is_empty() {
        sheet.heading("Done when");
        let done = one.status == Status::Done;
        let mark = if done { theme.glyphs.landed } else { theme.glyphs.ready };
        let style = if done { theme.landed } else { theme.dim };
        for criterion in &one.spec.acceptance_criteria {
            sheet.point(mark, style, criterion, theme.plain);
        }
    }
    dependencies(model, one, &mut sheet, theme);
    if !one.spec.description.trim().is_empty() {
        sheet.heading("Description");
        sheet.text(one.spec.description.trim(), theme.plain);
    }
    sheet.lines
}

fn status_facts(model: &Model, one: &Objective, sheet: &mut Sheet<'_>, theme: &Theme) {
    let look = theme.objective(one);
    sheet.text(&one.spec.title, theme.strong);
    let since = text::short_time(model.now_ms - one.since_ms);
    sheet.point(look.glyph, look.style, &format!("{} for {since}", look.word), look.style);
    let surroundings = Surroundings {
        supervisor_running: model.facts.supervisor.is_running(),
        now_ms: model.now_ms,
        max_parallel: None,
    };
    if let Some(reason) = model.answers.why_one(&model.facts.state, one, &surroundings) {
        let style = if one.status == Status::NeedsReview { theme.needs } else { theme.plain };
        sheet.fact("why", &reason.text, style);
        sheet.fact("clears", &reason.clears, theme.plain);
    }
    if let Some(landed) = &one.landed {
        // An objective without a change is done without a landing commit.
        let commit = landed.commit.as_ref().map_or("nothing to land", |commit| commit.short());
        let verified = if landed.verified { "verified by the gate" } else { "not verified by a gate" };
        sheet.fact("landed", &format!("{commit}, {verified}"), theme.plain);
        let published = landed.published_at_ms.map(|at| text::short_time(model.now_ms - at));
        let published = published.map_or_else(|| "not yet".to_owned(), |ago| format!("{ago} ago"));
        sheet.fact("published", &published, theme.plain);
    }
    let spec = &one.spec;
    let scope = if spec.path_scope.is_empty() { "everything".to_owned() } else { spec.path_scope.join(", ") };
    sheet.fact("scope", &scope, theme.plain);
    sheet.fact("worker", spec.worker.as_str(), theme.plain);
    if spec.priority != 0 {
        sheet.fact("priority", &spec.priority.to_string(), theme.plain);
    }
    sheet.fact("budget", &budget(model, one), theme.plain);
    let spent = elapsed_ms(model, one).map_or_else(|| theme.glyphs.dash.to_owned(), text::short_time);
    let cost = cost(model, one).map(|usd| format!(", {}", usd_of(usd))).unwrap_or_default();
    let sessions = counted(one.sessions.len(), "session");
    let retries = if one.retries == 1 { "1 retry".to_owned() } else { format!("{} retries", one.retries) };
    sheet.fact("so far", &format!("{sessions}, {retries}, {spent}{cost}"), theme.plain);
    sheet.fact("branch", &one.branch(), theme.plain);
}

/// Returns the budget of each session in words. Limits that the objective does not set are the project's.
fn budget(model: &Model, one: &Objective) -> String {
    let defaults =
        model.facts.state.project(&one.key.project).map(|project| &project.settings.session_defaults);
    let commits = one.spec.max_commits.or(defaults.map(|settings| settings.max_commits));
    let minutes = one.spec.max_minutes.or(defaults.map(|settings| settings.max_minutes));
    let number = |number: Option<u32>| number.map_or_else(|| "?".to_owned(), |number| number.to_string());
    format!("{} commits, {} minutes a session", number(commits), number(minutes))
}

fn dependencies(model: &Model, one: &Objective, sheet: &mut Sheet<'_>, theme: &Theme) {
    let state = &model.facts.state;
    let mut list = |title: &str, keys: Vec<ObjectiveKey>| {
        let found: Vec<&Objective> = keys.iter().filter_map(|key| state.objective(key)).collect();
        if found.is_empty() {
            return;
        }
        sheet.heading(title);
        for other in found {
            let look = theme.objective(other);
            sheet.point(look.glyph, look.style, &format!("{}  {}", other.key.id, look.word), theme.plain);
        }
    };
    let key = |id: &_| ObjectiveKey { project: one.key.project.clone(), id: Clone::clone(id) };
    list("Needs", one.spec.depends_on.iter().map(key).collect());
    list("Needed by", state.dependents(&one.key).iter().map(key).collect());
}

fn history(model: &Model, one: &Objective, sheet: &mut Sheet<'_>, theme: &Theme) {
    if let Some(note) = &one.operated.note {
        sheet.heading("Note for the next session");
        sheet.text(&note.text, theme.plain);
    }
    if let Some(feedback) = &one.next.feedback {
        sheet.heading("Feedback for the next session");
        sheet.text(&describe_feedback(feedback), theme.plain);
    }
    if !one.history.is_empty() {
        sheet.heading("History");
        for line in &one.history {
            sheet.point(theme.glyphs.dot, theme.dim, line, theme.plain);
        }
    }
    // Only the findings of the newest session: older ones may have been dealt with since.
    if let Some(last) = one.sessions.last().and_then(|id| model.facts.state.session(*id))
        && let Some(harvest) = &last.harvest
        && !harvest.findings.is_empty()
    {
        sheet.heading("Review findings");
        for finding in &harvest.findings {
            sheet.point(theme.glyphs.failed, theme.failed, &finding_line(finding), theme.plain);
        }
    }
}

/// Returns the feedback for the next session in words.
#[must_use]
pub(crate) fn describe_feedback(feedback: &Feedback) -> String {
    match feedback {
        Feedback::Findings(findings) => {
            findings.iter().map(|finding| finding.text.as_str()).collect::<Vec<_>>().join("; ")
        }
        Feedback::Gate { command, outcome, gate } => format!("gate run {gate} failed: {command}, {outcome}"),
        Feedback::Conflict { paths, .. } => {
            let paths: Vec<String> = paths.iter().map(ToString::to_string).collect();
            format!("the branch conflicts in {}", paths.join(", "))
        }
        Feedback::Ended { session, outcome } => format!("session {session}: {outcome}"),
        Feedback::FollowUp { session, notes } => format!("session {session} left: {notes}"),
        Feedback::Rejected { note } => format!("sent back: {note}"),
    }
}
