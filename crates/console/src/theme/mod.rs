//! Colours and glyphs. The default theme uses the terminal's own sixteen colours
//! and never sets a background, so that it is readable on light and dark terminals.
//! A state is always shown by glyph and word; its colour only repeats it.

mod file;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;

use paddock_model::objective::{Objective, Status};

/// The appearance of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    /// The glyph, one column wide.
    pub glyph: &'static str,
    /// The word for the state.
    pub word: &'static str,
    /// The style of glyph and word.
    pub style: Style,
}

/// The glyphs of a theme.
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

/// Glyphs for terminals with UTF-8.
pub(crate) const UNICODE: Glyphs = Glyphs {
    ascii: false,
    // Three states share a glyph. The word next to it tells them apart, also without colours.
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

/// Glyphs for any terminal.
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

/// The glyphs and styles that the console draws with.
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
        // Dim instead of bright black, which is invisible on some
        // backgrounds. A terminal that cannot dim shows plain text.
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
    /// Returns the theme without colours: it uses only words, glyphs, bold, dim and reverse.
    #[must_use]
    pub fn colourless() -> Self {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        let plain = Style::new();
        // Bold marks the two states that a person must not overlook.
        Self { landed: plain, working: plain, queued: plain, needs: bold, failed: bold, ..Self::default() }
    }

    /// Returns the look of an objective's state. A finished
    /// objective that had nothing to land is `done`, not `landed`.
    #[must_use]
    pub(crate) fn objective(&self, one: &Objective) -> Look {
        let look = self.status(one.status);
        let has_nothing_landed = one.status == Status::Done && !one.has_landed();
        if has_nothing_landed { Look { word: "done", ..look } } else { look }
    }

    /// Returns the look of a state.
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

    /// Draws a row as selected; `focused` says whether its pane has the focus.
    pub(crate) fn select(&self, buf: &mut Buffer, row: Rect, focused: bool) {
        let row = row.intersection(buf.area);
        buf.set_style(row, if focused { self.selected } else { self.selected_dim });
        // The glyph shows the selection even where a terminal ignores the style.
        if row.width > 0 && row.height > 0 {
            buf[(row.x, row.y)].set_symbol(self.glyphs.selected);
        }
    }
}
