//! Renders screens as text, with letters for their styles.

use std::fmt::Write;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use unicode_width::UnicodeWidthStr;

use crate::Model;
use crate::frame::{self, draw};
use crate::panes::{MAIN, PaneId, pane};
use crate::theme::{ASCII, Theme};

/// Draws one frame.
pub(super) fn buffer(model: &mut Model, columns: u16, rows: u16) -> Buffer {
    model.size = (columns, rows);
    let mut buf = Buffer::empty(Rect { x: 0, y: 0, width: columns, height: rows });
    draw(model, &mut buf);
    buf
}

/// Renders a frame: every row, followed by a row with the letters of its styles if it has any.
pub(crate) fn screen(model: &mut Model, columns: u16, rows: u16) -> String {
    show(&buffer(model, columns, rows))
}

/// Renders a pane with its frame when it fills the whole screen.
pub(crate) fn pane_alone(model: &mut Model, pane: PaneId, columns: u16, rows: u16) -> String {
    model.covers.clear();
    match MAIN.contains(&pane) {
        true => (model.focus, model.zoomed) = (pane, true),
        false => model.cover(pane),
    }
    let whole = buffer(model, columns, rows + 2);
    part(&whole, Rect { x: 0, y: 1, width: columns, height: rows })
}

/// Renders one of the six panes without its frame, in this size, as part of the main screen.
pub(crate) fn pane_beside(model: &mut Model, id: PaneId, columns: u16, rows: u16) -> String {
    (model.zoomed, model.focus, model.size) = (false, id, (120, 40));
    model.covers.clear();
    let area = Rect { x: 0, y: 0, width: columns, height: rows };
    let mut buf = Buffer::empty(area);
    pane(id).view(model, area, &mut buf, &model.theme);
    show(&buf)
}

/// Renders the topmost dialog with nothing behind it.
pub(crate) fn dialog_alone(model: &mut Model, columns: u16, rows: u16) -> String {
    model.size = (columns, rows);
    let mut buf = Buffer::empty(Rect { x: 0, y: 0, width: columns, height: rows });
    frame::dialog(model, &mut buf, &model.theme);
    show(&buf)
}

fn part(buf: &Buffer, area: Rect) -> String {
    let mut out = Buffer::empty(area);
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            out[(x, y)] = buf[(x, y)].clone();
        }
    }
    show(&out)
}

/// The themes in which every pane and dialog is tested.
pub(crate) fn looks() -> [(&'static str, Theme); 3] {
    [
        ("colour", Theme::default()),
        ("no_color", Theme::colourless()),
        ("ascii", Theme { glyphs: ASCII, ..Theme::colourless() }),
    ]
}

/// Replaces the digits of times of day, which depend on the time zone of the machine.
fn timeless(line: &str) -> String {
    let mut letters: Vec<char> = line.chars().collect();
    let is_time = |at: usize, all: &[char]| {
        let digit = |index: usize| all.get(index).is_some_and(char::is_ascii_digit);
        let before = at.checked_sub(1).is_none_or(|index| !all[index].is_ascii_digit() || all[index] == ':');
        before
            && digit(at)
            && digit(at + 1)
            && all.get(at + 2) == Some(&':')
            && digit(at + 3)
            && digit(at + 4)
    };
    for at in 0..letters.len() {
        if is_time(at, &letters) {
            for index in [at, at + 1, at + 3, at + 4] {
                letters[index] = 'H';
            }
        }
    }
    letters.into_iter().collect()
}

fn letter_of(style: Style) -> char {
    let has = |modifier| style.add_modifier.contains(modifier);
    let color = match style.fg {
        None | Some(Color::Reset) => ' ',
        Some(Color::Green) => 'g',
        Some(Color::Cyan) => 'c',
        Some(Color::Blue) => 'l',
        Some(Color::Yellow) => 'y',
        Some(Color::Red) => 'r',
        Some(Color::DarkGray) => 'd',
        Some(Color::Magenta) => 'm',
        Some(_) => '?',
    };
    match () {
        () if has(Modifier::REVERSED) => 'R',
        () if has(Modifier::DIM) => 'd',
        () if has(Modifier::BOLD) && color == ' ' => 'b',
        () if has(Modifier::BOLD) => color.to_ascii_uppercase(),
        () => color,
    }
}

fn show(buf: &Buffer) -> String {
    let mut out = String::new();

    for y in buf.area.top()..buf.area.bottom() {
        let (mut line, mut styles) = (String::new(), String::new());
        let mut skip = 0;
        for x in buf.area.left()..buf.area.right() {
            let cell = &buf[(x, y)];
            styles.push(letter_of(cell.style()));
            if skip > 0 {
                skip -= 1;
                continue;
            }
            line.push_str(cell.symbol());
            skip = cell.symbol().width().saturating_sub(1);
        }
        let _ = writeln!(out, "{}", timeless(line.trim_end()));
        if !styles.trim().is_empty() {
            let _ = writeln!(out, "~{}", styles.trim_end());
        }
    }
    out
}
