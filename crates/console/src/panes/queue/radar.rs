//! The conflict radar: a triangle that shows which branches will conflict.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::text;
use crate::theme::Theme;
use paddock_model::answers::Answers;
use paddock_model::ids::ObjectiveId;
use paddock_model::project::Project;
use paddock_model::train::Subject;

/// Branches in the triangle, at most.
const BRANCHES_MAX: usize = 12;

/// Returns the branches that are compared: those in the queue, then others that have a conflict.
fn branches<'p>(answers: &Answers, project: &'p Project) -> Vec<&'p ObjectiveId> {
    let queued = (answers.in_order)(&project.train).into_iter().filter_map(|entry| match &entry.subject {
        Subject::Objective(id) => Some(id),
        Subject::Target | Subject::Remote => None,
    });
    let mut all: Vec<&ObjectiveId> = queued.collect();
    for found in &project.collisions {
        for id in std::iter::once(&found.objective).chain(&found.with) {
            if !all.contains(&id) {
                all.push(id);
            }
        }
    }
    all.truncate(BRANCHES_MAX);
    all
}

/// Returns the rows that the radar takes; 0 if no conflict is known.
#[must_use]
pub(super) fn rows(answers: &Answers, project: &Project) -> u16 {
    let count = branches(answers, project).len();
    // Heading and legend take a row each.
    match project.collisions.is_empty() || count == 0 {
        true => 0,
        false => u16::try_from(count + 2).unwrap_or(0),
    }
}

/// Draws the radar: one row for each branch, with a column for landed work and one for each branch in the
/// rows above.
pub(super) fn draw(answers: &Answers, project: &Project, area: Rect, buf: &mut Buffer, theme: &Theme) {
    let all = branches(answers, project);
    let names = all.iter().map(|id| text::width(id.as_str())).max().unwrap_or(0).min(28);
    let names = u16::try_from(names).unwrap_or(0).max(15);
    let width = area.width.saturating_sub(2);
    let taken = text::put(buf, area.x + 1, area.y, width, "conflict radar", theme.strong);
    let legend = format!("   {} merges   x will conflict", theme.glyphs.dot);
    text::put(buf, area.x + 1 + taken, area.y, width.saturating_sub(taken), &legend, theme.dim);
    let landed = project.collisions.iter().filter(|found| found.with.is_none());
    let landed: Vec<&ObjectiveId> = landed.map(|found| &found.objective).collect();
    for (row, id) in all.iter().enumerate() {
        let y = area.y + 1 + u16::try_from(row).unwrap_or(0);
        if y >= area.bottom() {
            return;
        }
        text::put(buf, area.x + 1, y, names, id.as_str(), theme.plain);
        let mut x = area.x + 1 + names + 1;
        let before = all[..row].iter().map(|other| project.do_collide(id, other));
        for collides in std::iter::once(landed.contains(id)).chain(before) {
            let (glyph, style) = if collides { ("x", theme.failed) } else { (theme.glyphs.dot, theme.dim) };
            text::put(buf, x, y, 1, glyph, style);
            x += 2;
        }
        let other_side = |with: Option<&ObjectiveId>| match with {
            None => "what has landed".to_owned(),
            Some(with) => with.to_string(),
        };
        let paths = project.collisions.iter().filter(|found| found.objective == **id);
        let paths: Vec<String> = paths
            .map(|found| {
                // Two files are enough to recognize the conflict, and all must fit into one row.
                let files: Vec<String> = found.paths.iter().take(2).map(ToString::to_string).collect();
                format!("{} in {}", other_side(found.with.as_ref()), files.join(", "))
            })
            .collect();
        let x = area.x + 1 + names + 1 + u16::try_from(2 * all.len()).unwrap_or(0) + 2;
        text::put(buf, x, y, area.right().saturating_sub(x + 1), &paths.join("; "), theme.dim);
    }
    let y = area.y + 1 + u16::try_from(all.len()).unwrap_or(0);
    if y < area.bottom() {
        let x = area.x + 1 + names + 1;
        let up = if theme.glyphs.ascii { "^ landed work" } else { "↑ landed work" };
        text::put(buf, x, y, area.right().saturating_sub(x + 1), up, theme.dim);
    }
}
