//! The diff of an objective's branch: the changed files with their counts, then the lines.

mod state;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::log::named;
use super::{Copied, Heading, Pane, PaneId, Reaction, Verb, scrolled, teach};
use crate::finder::FinderKind;
use crate::log::Matcher;
use crate::msg::{Effect, Foreground, Job};
use crate::theme::Theme;
use crate::{Model, layout, text};
use paddock_git::{DiffLineKind, Difference, GitError, Range, Repository};
use paddock_model::objective::Status;

pub(crate) use state::Local;
use state::Wanted;

/// Bytes of a diff that are read, at most. A shell in the worktree shows the rest.
const SHOWN_MAX_BYTES: usize = 2 << 20;

pub(crate) struct Diff;

/// Returns the request for the diff of the selected objective.
fn wanted(model: &Model) -> Option<Wanted> {
    let one = model.facts.state.objective(model.default_target().objective.as_ref()?)?;
    let project = model.facts.state.project(&one.key.project)?;
    let landed = one.landed.as_ref().and_then(|landed| landed.commit.clone());
    // A landed branch has no difference to the integration ref any more: its landing is shown instead.
    let range = match landed {
        Some(commit) => Range::Landing(commit),
        None => Range::Branch { base: project.integration_ref(), branch: one.branch() },
    };
    let sessions = one.sessions.iter().filter_map(|id| model.facts.state.session(*id));
    // Each ended session may have added commits.
    let over = sessions.filter(|session| !session.status.is_open()).count();
    // The facts do not say when a working session commits: the diff is made again every ten seconds.
    let is_active = one.status == Status::Active;
    let age = (over, one.head.clone(), is_active.then_some(model.now_ms / 10_000));
    Some(Wanted {
        objective: one.key.clone(),
        repo_root: project.settings.repo_root.clone().into(),
        range,
        age,
    })
}

/// Starts a job that makes the diff of the selected objective, unless it was made already.
pub(crate) fn settle(model: &mut Model) -> Vec<Effect> {
    let Some(wanted) = wanted(model) else { return Vec::new() };
    let local = &mut model.panes.diff;
    if local.asked.as_ref() == Some(&wanted) {
        return Vec::new();
    }
    // A newer diff of the same objective keeps the position.
    if local.asked.as_ref().is_none_or(|asked| asked.objective != wanted.objective) {
        local.top = 0;
    }
    local.asked = Some(wanted.clone());
    vec![Effect::Job(Job::new(format!("diff {}", wanted.objective.id), move |_| {
        let made = Repository::open(&wanted.repo_root)
            .and_then(|repository| repository.difference(&wanted.range, SHOWN_MAX_BYTES));
        Box::new(move |model: &mut Model| {
            let local = &mut model.panes.diff;
            // A late answer to an earlier request is dropped: the newer job's answer may be here already.
            if local.asked.as_ref() == Some(&wanted) {
                local.got = Some((wanted, made));
            }
            Vec::new()
        })
    }))]
}

/// Returns the last diff of the selected objective. An outdated one is shown until the next is made.
fn got(model: &Model) -> Option<&Result<Option<Difference>, GitError>> {
    let wanted = wanted(model)?;
    let (of, got) = model.panes.diff.got.as_ref()?;
    // Compared by objective only, so that the pane does not go blank every ten seconds.
    (of.objective == wanted.objective).then_some(got)
}

fn line_style(kind: DiffLineKind, theme: &Theme) -> Style {
    match kind {
        DiffLineKind::File => theme.strong,
        DiffLineKind::Hunk => theme.dim,
        DiffLineKind::Added => theme.landed,
        DiffLineKind::Removed => theme.failed,
        DiffLineKind::Context => theme.plain,
    }
}

/// Returns a line of the pane: first the list of files, then the diff.
fn line(difference: &Difference, at: usize, theme: &Theme) -> Option<Vec<(String, Style)>> {
    if let Some(file) = difference.files.get(at) {
        let count = |sign: &str, count: Option<usize>| {
            count.map_or_else(|| sign.to_owned(), |n| format!("{sign}{n}"))
        };
        let minus = if theme.glyphs.ascii { "-" } else { "−" };
        return Some(vec![
            (text::fit_right(&count("+", file.added), 6), theme.landed),
            (text::fit_right(&count(minus, file.removed), 7), theme.failed),
            (format!("  {}", file.path), theme.plain),
        ]);
    }
    let at = at - difference.files.len();
    if let Some((kind, text)) = difference.lines.get(at) {
        // A tab has no width of its own on the screen.
        return Some(vec![(text.replace('\t', "    "), line_style(*kind, theme))]);
    }
    let is_end = at == difference.lines.len() && difference.is_cut;
    is_end.then(|| vec![("… the diff is longer; `!` opens a shell in the worktree".to_owned(), theme.dim)])
}

fn lines_of(difference: &Difference) -> usize {
    difference.files.len() + difference.lines.len() + usize::from(difference.is_cut)
}

/// Returns the search and the counts in words: `/ token: n N  3 files  +41 −12`.
#[must_use]
pub(crate) fn summary(model: &Model) -> Option<String> {
    let Some(Ok(Some(difference))) = got(model) else { return None };
    let sum = |count: fn(&paddock_git::FileChange) -> Option<usize>| -> usize {
        difference.files.iter().filter_map(count).sum()
    };
    let (added, removed) = (sum(|file| file.added), sum(|file| file.removed));
    let minus = if model.theme.glyphs.ascii { "-" } else { "−" };
    let files = paddock_report::text::counted(difference.files.len(), "file");
    let search_words = model.panes.diff.find.as_ref().map(|find| {
        let result = if model.panes.diff.not_found { "not found" } else { "n N" };
        format!("/ {}: {result}  ", named(find))
    });
    Some(format!("{}{files}  +{added} {minus}{removed}", search_words.unwrap_or_default()))
}

/// Returns why the search is not used as a pattern, if it is not.
#[must_use]
pub(crate) fn caveat(model: &Model) -> Option<String> {
    model.panes.diff.find.as_ref()?.caveat().map(str::to_owned)
}

/// Draws the diff of the selected objective.
pub(crate) fn draw(model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
    let difference = match got(model) {
        None => return teach(&["Comparing …"], area, buf, theme),
        Some(Err(problem)) => {
            return teach(&["The branch cannot be compared:", &problem.to_string()], area, buf, theme);
        }
        Some(Ok(None)) => {
            let words = "The objective has no branch yet: no session has worked on it.";
            return teach(&[words], area, buf, theme);
        }
        Some(Ok(Some(difference))) if difference.files.is_empty() => {
            return teach(&["The branch changes nothing."], area, buf, theme);
        }
        Some(Ok(Some(difference))) => difference,
    };
    let local = &model.panes.diff;
    let count = lines_of(difference);
    let height = usize::from(area.height);
    let top = scrolled(local.top, local.top, height, count).min(count.saturating_sub(height));
    local.bottom_top.set(count.saturating_sub(height));
    for (y, at) in (area.y..area.bottom()).zip(top..count) {
        let mut x = area.x + 1;
        for (words, style) in line(difference, at, theme).unwrap_or_default() {
            let is_found = local.find.as_ref().is_some_and(|find| find.matches(&words));
            let style = if is_found { style.patch(theme.found) } else { style };
            x += text::put(buf, x, y, area.right().saturating_sub(x), &words, style);
        }
    }
}

/// Applies a verb to the diff. Returns false if the diff does not use it.
pub(crate) fn steer(model: &mut Model, height: u16, verb: &Verb) -> bool {
    let bottom = model.panes.diff.bottom_top.get();
    // The diff may have become shorter since the position was set.
    let top = model.panes.diff.top.min(bottom);
    let step = |by: i32| top.saturating_add_signed(by as isize).min(bottom);
    let to = match verb {
        Verb::Move(by) => step(*by),
        Verb::Page(by) => step(by * i32::from(height.max(3) - 2)),
        Verb::Top => 0,
        Verb::Bottom => bottom,
        Verb::Find(pattern) => {
            // Sent with every letter typed: the line at the top counts as long as it matches.
            model.panes.diff.find = Matcher::new(pattern);
            search(model, top, 1, true)
        }
        Verb::Found(by) => search(model, top, *by, false),
        _ => return false,
    };
    model.panes.diff.top = to.min(bottom);
    true
}

/// Searches from `top` on and returns the line of the next match, or `top` if there is none.
fn search(model: &mut Model, top: usize, by: i32, is_here: bool) -> usize {
    let found = found(model, top, by, is_here);
    model.panes.diff.not_found = found.is_none();
    found.unwrap_or(top)
}

/// Returns the next line that matches, once around the diff. `is_here` includes the line `from` itself.
fn found(model: &Model, from: usize, by: i32, is_here: bool) -> Option<usize> {
    let Some(Ok(Some(difference))) = got(model) else { return None };
    let find = model.panes.diff.find.as_ref()?;
    let has = |at: &usize| {
        line(difference, *at, &model.theme).unwrap_or_default().iter().any(|(words, _)| find.matches(words))
    };
    let count = lines_of(difference);
    match by > 0 {
        // Once around, so that a match above the position is found, too.
        true => (from + usize::from(!is_here)..count).find(has).or_else(|| (0..from).find(has)),
        false => (0..from).rev().find(has).or_else(|| (from..count).rev().find(has)),
    }
}

/// Returns the diff as text, `None` if it is empty or not made yet.
#[must_use]
pub(crate) fn whole(model: &Model) -> Option<String> {
    let Some(Ok(Some(difference))) = got(model) else { return None };
    let lines: Vec<String> = difference.lines.iter().map(|(_, line)| text::clean(line)).collect();
    (!lines.is_empty()).then(|| lines.join("\n") + "\n")
}

impl Pane for Diff {
    fn name(&self) -> &'static str {
        "Diff"
    }

    fn heading(&self, model: &Model) -> Heading {
        let key = model.default_target().objective;
        let left = key.map(|key| key.id.to_string()).unwrap_or_default();
        Heading { left, right: summary(model).unwrap_or_default() }
    }

    fn view(&self, model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        draw(model, area, buf, theme);
    }

    fn on(&self, model: &mut Model, verb: Verb) -> Reaction {
        let height = layout::inside(model, PaneId::Diff).map_or(20, |area| area.height);
        if steer(model, height, &verb) { Reaction::done() } else { Reaction::Ignored }
    }

    fn caveat(&self, model: &Model, _kind: FinderKind) -> Option<String> {
        caveat(model)
    }

    fn hints(&self, _model: &Model) -> Vec<&'static str> {
        vec!["next", "open", "copy", "shell", "approve", "reject", "retry", "out"]
    }

    fn copy(&self, model: &Model) -> Option<Copied> {
        Some(Copied { text: whole(model)?, what: "the diff".to_owned() })
    }

    fn paged(&self, model: &Model) -> Option<Effect> {
        whole(model).map(|text| Effect::Foreground(Foreground::Page(text)))
    }

    fn settle(&self, model: &mut Model) -> Vec<Effect> {
        settle(model)
    }
}
