//! The header: is it working, does it need me, is it within budget. In words.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::data::SupervisorSeen;
use super::theme::Theme;
use super::{Model, text};

fn working<'a>(model: &Model, theme: &Theme) -> Vec<Span<'a>> {
    let digest = &model.digest;
    let glyphs = &theme.glyphs;
    let span = |text: String, style: Style| vec![Span::styled(text, style)];
    match &model.facts.supervisor {
        SupervisorSeen::Unknown => span("…".to_owned(), theme.dim),
        SupervisorSeen::Starting => span(format!("{} starting", glyphs.ready), theme.dim),
        SupervisorSeen::Stopped { .. } => span(format!("{} supervisor stopped", glyphs.failed), theme.failed),
        SupervisorSeen::Running { .. } if model.shown_project().is_some_and(|project| project.paused) => {
            span(format!("{} paused", glyphs.aside), theme.needs)
        }
        SupervisorSeen::Running { .. } if digest.running + digest.gates > 0 => {
            span(format!("{} working {}/{}", glyphs.working, digest.running, digest.slots), theme.working)
        }
        SupervisorSeen::Running { .. } => span(format!("{} idle", glyphs.ready), theme.plain),
    }
}

fn spent(model: &Model) -> Option<String> {
    let spent = model.digest.spent;
    let budget = model.shown_project().map(|project| &project.settings.budget);
    if let Some(usd) = spent.usd {
        let limit = budget.and_then(|budget| budget.usd).map(|limit| format!("/{limit:.0}"));
        return Some(format!("${usd:.2}{}", limit.unwrap_or_default()));
    }
    let limit = budget.and_then(|budget| budget.session_minutes);
    let limit = limit.map(|limit| format!("/{limit}")).unwrap_or_default();
    Some(format!("{}{limit} min today", spent.minutes))
}

/// Draws it.
pub fn view(model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
    let digest = &model.digest;
    let name = model.project.as_ref().map_or("no project", |slug| slug.as_str());
    let gap = || Span::raw("   ");
    let mut line = vec![Span::raw(" ")];
    if area.width >= 100 {
        line.extend([Span::styled("paddock", theme.dim), Span::raw("  ")]);
    }
    line.extend([Span::styled(text::cut(name, 24), theme.strong), Span::raw("  ")]);
    line.extend(working(model, theme));
    line.extend([gap(), Span::raw(format!("queue {}", digest.queue))]);
    line.push(gap());
    line.push(match digest.needs.len() {
        0 => Span::styled("nothing needs you", theme.dim),
        count => Span::styled(format!("{} {count} needs you", theme.glyphs.needs), theme.needs),
    });
    if let Some(spent) = spent(model) {
        line.extend([gap(), Span::raw(spent)]);
    }
    text::put_line(buf, area.x, area.y, area.width, &Line::from(line));
    let landed = format!("{}/{} landed", digest.landed, digest.total);
    text::put_right(buf, area, 1, &landed, theme.landed);
}
