//! Snapshots of whole frames: the fixture at every size, with styles, without colours and in ASCII.
//! `INSTA_UPDATE=always cargo test --test it console::` writes them anew. Read the difference as a user
//! would.

use paddock_console::Model;
use paddock_console::theme::{ASCII, Theme};
use ratatui::style::{Color, Modifier};

use super::fixture::{Log, select};
use super::keys::press;
use super::screen::{frame_of, text_in, text_of};

/// Returns the text of a frame, followed by a line for each styled stretch: row, columns, colours, modifiers,
/// text.
fn with_looks(model: &Model) -> String {
    let buf = frame_of(model);
    let mut out = text_in(&buf);
    let width = usize::from(buf.area.width);
    for (y, row) in buf.content.chunks(width).enumerate() {
        let mut x = 0;
        while x < width {
            let look = (row[x].fg, row[x].bg, row[x].modifier);
            let end = (x..width).find(|&at| (row[at].fg, row[at].bg, row[at].modifier) != look);
            let end = end.unwrap_or(width);
            let text: String = row[x..end].iter().map(ratatui::buffer::Cell::symbol).collect();
            let is_plain = look == (Color::Reset, Color::Reset, Modifier::empty());
            if !is_plain && !text.trim().is_empty() {
                let (fg, bg, modifier) = look;
                let bg = if bg == Color::Reset { String::new() } else { format!(" on {bg}") };
                let text: String = text.trim_end().chars().take(24).collect();
                out.push_str(&format!("{y:>2} {x:>3}-{end:<3} {fg}{bg} {modifier:?} {text:?}\n"));
            }
            x = end;
        }
    }
    out
}

/// Compares a screen with its snapshot. Times of day are masked, as they depend on the time zone of the
/// machine.
macro_rules! keep {
    ($shown:expr) => {
        insta::with_settings!({ filters => vec![(r"\d\d:\d\d(:\d\d)?", "[time]")] }, {
            insta::assert_snapshot!($shown);
        });
    };
}

#[test]
fn eighty_by_twenty_four() {
    keep!(with_looks(&Log::evening().model((80, 24))));
}

#[test]
fn a_hundred_and_twenty_by_forty() {
    keep!(with_looks(&Log::evening().model((120, 40))));
}

#[test]
fn two_hundred_by_fifty() {
    keep!(with_looks(&Log::evening().model((200, 50))));
}

#[test]
fn the_least_size() {
    keep!(text_of(&Log::evening().model((60, 15))));
}

fn colourless(size: (u16, u16)) -> String {
    let mut model = Log::evening().model(size);
    model.theme = Theme::colourless();
    let shown = with_looks(&model);
    let looks = shown.lines().skip(usize::from(size.1));
    for line in looks {
        assert!(line.contains(" Reset "), "a colour is left: {line}");
    }
    shown
}

#[test]
fn without_colours_80() {
    keep!(colourless((80, 24)));
}

#[test]
fn without_colours_120() {
    keep!(colourless((120, 40)));
}

#[test]
fn without_colours_200() {
    keep!(colourless((200, 50)));
}

fn ascii(size: (u16, u16)) -> String {
    let mut model = Log::evening().model(size);
    model.theme = Theme { glyphs: ASCII, ..Theme::colourless() };
    let shown = text_of(&model);
    let strange: Vec<char> = shown.chars().filter(|letter| !letter.is_ascii()).collect();
    // Text of people and agents stays as they wrote it; only Paddock's own glyphs must be ASCII.
    let is_theirs = |letter: &char| matches!(letter, '\u{4e00}'..='\u{9fff}' | '：');
    assert!(strange.iter().all(is_theirs), "{strange:?} are not ASCII");
    shown
}

#[test]
fn in_ascii_80() {
    keep!(ascii((80, 24)));
}

#[test]
fn in_ascii_120() {
    keep!(ascii((120, 40)));
}

#[test]
fn in_ascii_200() {
    keep!(ascii((200, 50)));
}

#[test]
fn a_confirmation() {
    let mut model = Log::evening().model((80, 24));
    select(&mut model, "auth-tokens");
    press(&mut model, "x");
    keep!(text_of(&model));
}

#[test]
fn help_is_searched_and_the_palette_finds_by_a_few_letters() {
    let mut model = Log::evening().model((100, 30));
    select(&mut model, "auth-tokens");
    press(&mut model, "? / k i l l");
    let help = text_of(&model);
    assert!(help.contains("x              Kill the session; its commits and files are kept"), "{help}");
    assert!(!help.contains("Add a goal"), "{help}");
    press(&mut model, "esc esc : k i");
    let palette = text_of(&model);
    let first = palette.lines().find(|line| line.contains('▌') && line.contains("kill"));
    assert!(first.is_some_and(|line| line.contains("Kill the session")), "{palette}");
}
