//! Colours and glyphs. The default takes the terminal's own sixteen colours and never paints the background, so
//! that it is readable on light and dark; a state is always glyph and word, colour only repeats it.

mod file;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;

use paddock_model::objective::{Objective, Status};

/// How a state looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    /// One column.
    pub glyph: &'static str,
    /// The word.
    pub word: &'static str,
    /// Its colour.
    pub style: Style,
}

/// The glyphs that are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Glyphs {
    pub ascii: bool,
    pub landed: &'static str,
    pub working: &'static str,
    pub queued: &'static str,
    pub ready: &'static str,
    pub waiting: &'static str,
    pub needs: &'static str,
    pub failed: &'static str,
    pub set_aside: &'static str,
    pub selected: &'static str,
    pub bar_full: &'static str,
    pub bar_empty: &'static str,
    pub dash: &'static str,
    pub dot: &'static str,
    pub arrow: &'static str,
    pub critical: &'static str,
    pub border: border::Set<'static>,
}

/// Glyphs of a terminal with UTF-8.
pub(crate) const UNICODE: Glyphs = Glyphs {
    ascii: false,
    landed: "●",
    working: "●",
    queued: "●",
    ready: "○",
    waiting: "·",
    needs: "▲",
    failed: "✗",
    set_aside: "‖",
    selected: "▌",
    bar_full: "█",
    bar_empty: "░",
    dash: "–",
    dot: "·",
    arrow: "▸",
    critical: "★",
    border: border::ROUNDED,
};

/// Glyphs of any terminal.
pub const ASCII: Glyphs = Glyphs {
    ascii: true,
    landed: "*",
    working: "@",
    queued: "=",
    ready: "o",
    waiting: ".",
    needs: "!",
    failed: "x",
    set_aside: "-",
    selected: ">",
    bar_full: "#",
    bar_empty: ".",
    dash: "-",
    dot: ".",
    arrow: ">",
    critical: "*",
    border: border::Set {
        top_left: "+",
        top_right: "+",
        bottom_left: "+",
        bottom_right: "+",
        vertical_left: "|",
        vertical_right: "|",
        horizontal_top: "-",
        horizontal_bottom: "-",
    },
};

/// Everything that decides how the console looks.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the meanings of the colours, one each")]
pub struct Theme {
    pub glyphs: Glyphs,
    pub plain: Style,
    pub dim: Style,
    pub strong: Style,
    pub border: Style,
    pub border_focus: Style,
    pub title: Style,
    pub title_focus: Style,
    pub landed: Style,
    pub working: Style,
    pub queued: Style,
    pub needs: Style,
    pub failed: Style,
    pub waiting: Style,
    pub selected: Style,
    pub selected_dim: Style,
    pub key: Style,
    pub found: Style,
}

impl Default for Theme {
    fn default() -> Self {
        let color = |color| Style::new().fg(color);
        // Bright black is invisible on some backgrounds; a terminal that cannot dim shows it plain.
        let dim = Style::new().add_modifier(Modifier::DIM);
        Self {
            glyphs: UNICODE,
            plain: Style::new(),
            dim,
            strong: Style::new().add_modifier(Modifier::BOLD),
            border: dim,
            border_focus: Style::new(),
            title: Style::new(),
            title_focus: Style::new().add_modifier(Modifier::BOLD),
            landed: color(Color::Green),
            working: color(Color::Cyan),
            queued: color(Color::Blue),
            needs: color(Color::Yellow).add_modifier(Modifier::BOLD),
            failed: color(Color::Red),
            waiting: dim,
            selected: Style::new().add_modifier(Modifier::REVERSED),
            selected_dim: Style::new().add_modifier(Modifier::BOLD),
            key: Style::new().add_modifier(Modifier::BOLD),
            found: Style::new().add_modifier(Modifier::REVERSED),
        }
    }
}

impl Theme {
    /// Without any colour: words, glyphs, bold and reverse only.
    #[must_use]
    pub fn colourless() -> Self {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        let plain = Style::new();
        Self { landed: plain, working: plain, queued: plain, needs: bold, failed: bold, ..Self::default() }
    }

    /// How an objective's state looks: what had nothing to land has not landed.
    #[must_use]
    pub(crate) fn objective(&self, one: &Objective) -> Look {
        let look = self.status(one.status);
        let has_nothing_landed = one.status == Status::Done && !one.has_landed();
        if has_nothing_landed { Look { word: "done", ..look } } else { look }
    }

    /// How a state looks.
    #[must_use]
    pub(crate) fn status(&self, status: Status) -> Look {
        let glyphs = &self.glyphs;
        let (glyph, word, style) = match status {
            Status::Todo => (glyphs.waiting, "todo", self.waiting),
            Status::Ready => (glyphs.ready, "ready", self.plain),
            Status::Active => (glyphs.working, "active", self.working),
            Status::Review => (glyphs.working, "review", self.working),
            Status::Queued => (glyphs.queued, "queued", self.queued),
            Status::Done => (glyphs.landed, "landed", self.landed),
            Status::NeedsReview => (glyphs.needs, "needs you", self.needs),
            Status::Paused => (glyphs.set_aside, "paused", self.dim),
            Status::Skipped => (glyphs.set_aside, "skipped", self.dim),
            Status::Failed => (glyphs.failed, "failed", self.failed),
            Status::Cancelled => (glyphs.failed, "cancelled", self.dim),
        };
        Look { glyph, word, style }
    }

    /// Marks a row as the selected one.
    pub(crate) fn select(&self, buf: &mut Buffer, row: Rect, focused: bool) {
        let row = row.intersection(buf.area);
        buf.set_style(row, if focused { self.selected } else { self.selected_dim });
        if row.width > 0 && row.height > 0 {
            buf[(row.x, row.y)].set_symbol(self.glyphs.selected);
        }
    }
}
