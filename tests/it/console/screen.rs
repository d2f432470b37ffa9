//! Frames as text, and promises that hold at every size.

use paddock_console::panes::{MAIN, PaneId};
use paddock_console::{Model, frame};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::fixture::Log;
use super::keys::press;

/// Draws the model.
pub(super) fn frame_of(model: &Model) -> Buffer {
    let (width, height) = model.size;
    let mut buf = Buffer::empty(Rect { x: 0, y: 0, width, height });
    frame::draw(model, &mut buf);
    buf
}

/// Returns the text of the model's frame, one line per row.
pub(super) fn text_of(model: &Model) -> String {
    text_in(&frame_of(model))
}

/// Returns the text of a frame, one line per row.
pub(super) fn text_in(buf: &Buffer) -> String {
    let rows = buf.content.chunks(usize::from(buf.area.width));
    let mut out = String::new();
    for row in rows {
        // A wide character occupies two cells; the second one is empty and must not become a blank.
        let mut skip = 0;
        let mut line = String::new();
        for cell in row {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            line.push_str(cell.symbol());
            skip = unicode_width::UnicodeWidthStr::width(cell.symbol()).saturating_sub(1);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[test]
fn the_header_shows_work_needs_and_cost() {
    let model = Log::evening().model((120, 40));
    let text = text_of(&model);
    let header = text.lines().next().unwrap();
    for part in ["shop-api", "working 2/6", "queue 1", "▲ 1 needs you", "/600 min today", "1/8 landed"] {
        assert!(header.contains(part), "{part:?} is not in {header:?}");
    }
    let narrow = text_of(&Log::evening().model((80, 24)));
    let header = narrow.lines().next().unwrap();
    for part in ["shop-api", "2/6", "queue 1", "▲ 1 needs you", "1/8 landed"] {
        assert!(header.contains(part), "{part:?} is not in {header:?}");
    }
}

#[test]
fn a_screen_that_is_too_small_says_so_and_growing_brings_everything_back() {
    let mut model = Log::evening().model((120, 40));
    let before = text_of(&model);
    super::fixture::send(&mut model, paddock_console::Msg::Resized(59, 15));
    assert!(text_of(&model).contains("Paddock needs 60×15"));
    super::fixture::send(&mut model, paddock_console::Msg::Resized(60, 15));
    assert!(text_of(&model).contains("Objectives"));
    super::fixture::send(&mut model, paddock_console::Msg::Resized(120, 40));
    assert_eq!(text_of(&model), before);
}

#[test]
fn nothing_is_drawn_outside_and_nothing_panics_at_any_size() {
    let dialogs = ["?", ":", "a", "o", "r", "E", "X", "q"];
    for width in [1, 59, 60, 80, 99, 120, 250] {
        for height in [1, 14, 15, 24, 29, 40, 80] {
            let mut model = Log::evening().model((width, height));
            drop(frame_of(&model));
            for pane in MAIN {
                for zoomed in [false, true] {
                    (model.focus, model.zoomed) = (pane, zoomed);
                    drop(frame_of(&model));
                }
            }
            for cover in [PaneId::Objective, PaneId::Diff, PaneId::Grid, PaneId::Timeline] {
                model.cover(cover);
                drop(frame_of(&model));
            }
            model.covers.clear();
            for key in dialogs {
                super::fixture::select(&mut model, "billing-webhook");
                press(&mut model, key);
                drop(frame_of(&model));
                model.dialogs.clear();
            }
        }
    }
}
