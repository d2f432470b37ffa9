//! Draws a form.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use super::{Field, Form, Kind};
use crate::theme::Theme;
use crate::{Model, text};

/// Greatest number of quoted rows.
const QUOTED_MAX: usize = 8;
/// Greatest number of completions that are shown: a row holds no more.
const SHOWN_MAX: usize = 12;
/// Greatest number of rows of an error.
const PROBLEM_MAX: usize = 4;

/// A field with the line below it.
struct Block {
    /// Index of the field.
    field: usize,
    /// Height of the field, in rows, without the line below it.
    rows: u16,
    /// The line below the field, and whether it is a fault; otherwise it lists completions.
    below: Option<(String, bool)>,
}

impl Form {
    fn label_columns(&self) -> u16 {
        let widest = self.fields.iter().map(|field| text::width(field.name)).max().unwrap_or(0);
        if self.is_bare() { 0 } else { u16::try_from(widest).unwrap_or(0) + 1 }
    }

    /// Returns whether the form has a single field, which is drawn without its label.
    fn is_bare(&self) -> bool {
        self.fields.len() == 1
    }

    fn quoted_rows(&self, columns: u16, most: usize) -> Vec<String> {
        let width = usize::from(columns.saturating_sub(2));
        let mut rows: Vec<String> = self.quoted.iter().flat_map(|line| text::wrap(line, width)).collect();
        if rows.len() > most {
            // One more than is cut off: the row that says so takes the place of another.
            let more = rows.len() - most + 1;
            rows.truncate(most.saturating_sub(1));
            rows.push(format!("… {more} more lines"));
        }
        rows
    }

    fn problem_rows(&self, columns: u16) -> Vec<String> {
        let Some(shown) = &self.problem else { return Vec::new() };
        let mut rows = text::wrap(shown, usize::from(columns));
        rows.truncate(PROBLEM_MAX);
        rows
    }

    fn blocks(&self, model: &Model, columns: u16) -> Vec<Block> {
        let field_columns = columns.saturating_sub(self.label_columns() + 2);
        let block = |(index, field): (usize, &Field)| {
            let below = match field.fault(model) {
                Some(fault) => Some((fault, true)),
                None if index == self.focus => completions(field),
                None => None,
            };
            Block { field: index, rows: field.rows(field_columns), below }
        };
        self.fields.iter().enumerate().map(block).collect()
    }

    /// Returns the height of the form, in rows.
    pub(super) fn rows(&self, model: &Model, columns: u16) -> u16 {
        let quoted = self.quoted_rows(columns, QUOTED_MAX).len();
        let quoted = if quoted > 0 { quoted + 1 } else { 0 };
        let problem = self.problem_rows(columns).len();
        let blocks = self.blocks(model, columns);
        let fields: u16 = blocks.iter().map(|block| block.rows + u16::from(block.below.is_some())).sum();
        // Reserve a row for a fault or completions that may appear,
        // so that the dialog does not jump while one types.
        let may = self.fields.iter().any(Field::has_below);
        let spare = u16::from(may && blocks.iter().all(|block| block.below.is_none()));
        // Two more: a blank row and the row of buttons.
        u16::try_from(quoted + problem).unwrap_or(0) + fields + spare + 2
    }

    pub(super) fn draw(&self, model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let problem = self.problem_rows(area.width);
        let foot = u16::try_from(problem.len()).unwrap_or(0) + 1;
        // On a low screen the quoted text gets at most half, so that the focused field stays visible.
        let quoted_max = usize::from(area.height.saturating_sub(foot + 2) / 2);
        let mut y = area.y;
        for line in self.quoted_rows(area.width, QUOTED_MAX.min(quoted_max)) {
            let bar = if theme.glyphs.ascii { "|" } else { "▏" };
            text::put(buf, area.x, y, 1, bar, theme.dim);
            text::put(buf, area.x + 2, y, area.width.saturating_sub(2), &line, theme.dim);
            y += 1;
        }
        y += u16::from(y > area.y);
        let inner = Rect { y, height: area.bottom().saturating_sub(y + foot), ..area };
        self.draw_fields(model, inner, buf, theme);
        for (index, line) in problem.iter().rev().enumerate() {
            let up = u16::try_from(index).unwrap_or(0) + 2;
            text::put(buf, area.x, area.bottom().saturating_sub(up), area.width, line, theme.failed);
        }
        self.draw_buttons(model, area, buf, theme);
    }

    /// Draws the fields, scrolled so that the focused one is visible.
    fn draw_fields(&self, model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let blocks = self.blocks(model, area.width);
        let height = |block: &Block| block.rows + u16::from(block.below.is_some());
        let before: u16 = blocks.iter().take_while(|block| block.field < self.focus).map(height).sum();
        // 0 while a button has the focus: `before` is then the whole height, which shows the last fields.
        let own = blocks.get(self.focus).map_or(0, height);
        let total: u16 = blocks.iter().map(height).sum();
        let most = total.saturating_sub(area.height);
        let least = (before + own).saturating_sub(area.height).min(most);
        // Scroll as little as possible: keep the old top if the focused field is visible with it.
        let top = self.top.get().clamp(least, before.max(least)).min(most);
        self.top.set(top);
        let mut row: u16 = 0;
        for block in &blocks {
            let (from, to) = (row.max(top), (row + block.rows).min(top + area.height));
            if from < to {
                let place = Rect { y: area.y + from - top, height: to - from, ..area };
                self.draw_field(block, place, buf, theme);
            }
            row += block.rows;
            if let Some((below, is_fault)) = &block.below {
                if (top..top + area.height).contains(&row) {
                    let x = area.x + self.label_columns() + 2;
                    let style = if *is_fault { theme.failed } else { theme.dim };
                    text::put(buf, x, area.y + row - top, area.right().saturating_sub(x), below, style);
                }
                row += 1;
            }
        }
    }

    fn draw_field(&self, block: &Block, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let Some(field) = self.fields.get(block.field) else { return };
        let is_focused = block.field == self.focus;
        let label = self.label_columns();
        if label > 0 {
            let style = if is_focused { theme.strong } else { theme.dim };
            text::put(buf, area.x, area.y, label, field.name, style);
        }
        let bar = match (theme.glyphs.ascii, is_focused) {
            (true, _) => "|",
            (false, true) => "┃",
            (false, false) => "│",
        };
        for y in area.y..area.bottom() {
            text::put(buf, area.x + label, y, 1, bar, if is_focused { theme.strong } else { theme.dim });
        }
        let x = area.x + label + 2;
        let place = Rect { x, width: area.right().saturating_sub(x), ..area };
        match &field.kind {
            Kind::Choice { options, at } => {
                let chosen = options.get(*at).map_or("", String::as_str);
                let (left, right) = if theme.glyphs.ascii { ("<", ">") } else { ("‹", "›") };
                let shown = if chosen.is_empty() { "none" } else { chosen };
                let style = if is_focused { theme.strong } else { theme.plain };
                let shown = format!("{left} {shown} {right}");
                text::put(buf, place.x, place.y, place.width, &shown, style);
            }
            // Without the focus, the text area does not draw the whole placeholder, so draw it here.
            _ if field.area.is_empty() && !is_focused => {
                let hint = field.area.placeholder_text().to_owned();
                text::put(buf, place.x, place.y, place.width, &hint, theme.dim);
            }
            _ => (&field.area).render(place, buf),
        }
    }

    fn draw_buttons(&self, model: &Model, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let y = area.bottom().saturating_sub(1);
        if let Some(doing) = &self.waiting_for {
            let words = format!("asking the supervisor: {doing} …{}", model.ahead.described());
            text::put(buf, area.x, y, area.width, &words, theme.working);
            return;
        }
        let mut x = area.x;
        for (index, name) in self.buttons.iter().copied().chain(["Cancel"]).enumerate() {
            let style = if self.button() == Some(index) { theme.selected } else { theme.plain };
            let columns = area.right().saturating_sub(x);
            x += text::put(buf, x, y, columns, &format!("[ {name} ]"), style) + 2;
        }
        let hint = "Alt-Enter sends";
        if usize::from(area.right().saturating_sub(x)) > text::width(hint) {
            text::put_right(buf, Rect { y, height: 1, ..area }, 0, hint, theme.dim);
        }
    }
}

/// Returns the line that lists the completions of a field, if there are any.
fn completions(field: &Field) -> Option<(String, bool)> {
    let found = field.completions();
    let found: Vec<&str> = found.into_iter().take(SHOWN_MAX).collect();
    (!found.is_empty()).then(|| (format!("Tab: {}", found.join("  ")), false))
}
