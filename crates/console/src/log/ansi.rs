//! Turns output of agents into styled text that is safe to show: colours and weights are kept, every other
//! escape sequence and control character is removed.

use ratatui::style::{Color, Modifier, Style};

use paddock_agents::terminal::{Decoder, Sink, seven_bit};
use paddock_report::text::is_harmful;

/// Columns between tab stops.
const TAB: usize = 8;

/// Text in one style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Text without control characters.
    pub text: String,
    /// Foreground, background and weight.
    pub style: Style,
}

/// Returns a line as runs of styled text. Text before a carriage return is left out, as a terminal would have
/// overwritten it. Invalid UTF-8 shows as replacement characters.
#[must_use]
pub(crate) fn runs(bytes: &[u8]) -> Vec<Run> {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    // Most lines are printable ASCII and need no decoder.
    if bytes.iter().all(|byte| (0x20..0x7f).contains(byte)) {
        let text = String::from_utf8_lossy(bytes).into_owned();
        return if text.is_empty() { Vec::new() } else { vec![Run { text, style: Style::default() }] };
    }
    let (mut decoder, mut painter) = (Decoder::default(), Painter::default());
    decoder.push(seven_bit(&String::from_utf8_lossy(bytes)).as_bytes(), &mut painter);
    decoder.finish(&mut painter);
    painter.close();
    painter.runs
}

/// Collects the runs of one line from the decoder.
#[derive(Debug, Default)]
struct Painter {
    runs: Vec<Run>,
    /// Text of the run that is being collected.
    text: String,
    style: Style,
    /// Characters since the beginning of the line, for tab stops. Wide characters count as one, which moves a
    /// tab stop after them; they are rare there.
    column: usize,
}

impl Sink for Painter {
    fn text(&mut self, character: char) {
        // Bidirectional controls and the like could make a line read differently from what it is.
        if !is_harmful(character) {
            self.text.push(character);
            self.column += 1;
        }
    }

    fn control(&mut self, control: char) {
        match control {
            // Programs redraw progress bars with carriage returns; the last state is the one to show.
            '\r' => {
                self.runs.clear();
                self.text.clear();
                self.column = 0;
            }
            '\t' => {
                let blanks = TAB - self.column % TAB;
                self.text.extend(std::iter::repeat_n(' ', blanks));
                self.column += blanks;
            }
            _ => {}
        }
    }

    fn style(&mut self, numbers: &[u16]) {
        self.close();
        let mut rest = numbers;
        while let Some((&first, after)) = rest.split_first() {
            rest = self.apply(first, after);
        }
    }
}

impl Painter {
    /// Ends the current run.
    fn close(&mut self) {
        if !self.text.is_empty() {
            self.runs.push(Run { text: std::mem::take(&mut self.text), style: self.style });
        }
    }

    /// Applies one number of a "select graphic rendition" sequence. Returns the numbers that are left: an
    /// extended colour takes some of those after it.
    fn apply<'n>(&mut self, number: u16, after: &'n [u16]) -> &'n [u16] {
        let style = self.style;
        self.style = match number {
            0 => Style::default(),
            1 => style.add_modifier(Modifier::BOLD),
            2 => style.add_modifier(Modifier::DIM),
            3 => style.add_modifier(Modifier::ITALIC),
            4 => style.add_modifier(Modifier::UNDERLINED),
            7 => style.add_modifier(Modifier::REVERSED),
            9 => style.add_modifier(Modifier::CROSSED_OUT),
            22 => without(style, Modifier::BOLD | Modifier::DIM),
            23 => without(style, Modifier::ITALIC),
            24 => without(style, Modifier::UNDERLINED),
            27 => without(style, Modifier::REVERSED),
            29 => without(style, Modifier::CROSSED_OUT),
            30..=37 => style.fg(basic(number - 30)),
            39 => Style { fg: None, ..style },
            40..=47 => style.bg(basic(number - 40)),
            49 => Style { bg: None, ..style },
            90..=97 => style.fg(basic(number - 90 + 8)),
            100..=107 => style.bg(basic(number - 100 + 8)),
            38 | 48 => {
                let (color, rest) = extended(after);
                if let Some(color) = color {
                    self.style = if number == 38 { style.fg(color) } else { style.bg(color) };
                }
                return rest;
            }
            // Blinking text distracts, and hidden text could hide what an agent does.
            _ => style,
        };
        after
    }
}

fn without(style: Style, modifier: Modifier) -> Style {
    Style { add_modifier: style.add_modifier - modifier, ..style }
}

/// Reads an extended colour (`5;n` or `2;r;g;b`), and returns the numbers after it.
fn extended(numbers: &[u16]) -> (Option<Color>, &[u16]) {
    let byte = |number: u16| u8::try_from(number).unwrap_or(u8::MAX);
    match numbers {
        [5, index, rest @ ..] => (Some(Color::Indexed(byte(*index))), rest),
        [2, red, green, blue, rest @ ..] => (Some(Color::Rgb(byte(*red), byte(*green), byte(*blue))), rest),
        // The length of an unknown form is unknown, too: the rest of the sequence is dropped.
        _ => (None, &[]),
    }
}

fn basic(index: u16) -> Color {
    const COLORS: [Color; 16] = [
        Color::Black,
        Color::Red,
        Color::Green,
        Color::Yellow,
        Color::Blue,
        Color::Magenta,
        Color::Cyan,
        Color::Gray,
        Color::DarkGray,
        Color::LightRed,
        Color::LightGreen,
        Color::LightYellow,
        Color::LightBlue,
        Color::LightMagenta,
        Color::LightCyan,
        Color::White,
    ];
    COLORS.get(usize::from(index)).copied().unwrap_or(Color::Reset)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(bytes: &[u8]) -> String {
        runs(bytes).into_iter().map(|run| run.text).collect()
    }

    fn shown(text: &str) -> Vec<(String, Style)> {
        runs(text.as_bytes()).into_iter().map(|run| (run.text, run.style)).collect()
    }

    #[test]
    fn colours_and_weights_are_kept() {
        let red = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
        let found = shown("a\u{1b}[31;1mred\u{1b}[22m thin\u{1b}[0m b\n");
        let expected = [
            ("a", Style::new()),
            ("red", red),
            (" thin", without(red, Modifier::BOLD)),
            (" b", Style::new()),
        ];
        assert_eq!(found, expected.map(|(text, style)| (text.to_owned(), style)));
        assert_eq!(shown("\u{1b}[38;5;208mx")[0].1, Style::new().fg(Color::Indexed(208)));
        assert_eq!(
            shown("\u{1b}[48;2;1;2;3;4mx")[0].1,
            Style::new().bg(Color::Rgb(1, 2, 3)).add_modifier(Modifier::UNDERLINED)
        );
        assert_eq!(shown("\u{1b}[mx")[0].1, Style::new());
    }

    #[test]
    fn no_other_sequence_reaches_the_terminal() {
        let bad = "x\u{1b}[2J\u{1b}[10;10H\u{1b}]0;title\u{7}y\u{1b}]52;c;aGk=\u{1b}\\z\u{1b}P1$r\u{1b}\\\u{1b}[?25l\u{7}\u{8}\u{0}\u{9b}31mq\u{202e}\u{1b}c\u{1b}[>4;2m";
        let found: String = shown(bad).into_iter().map(|(text, _)| text).collect();
        assert_eq!(found, "xyzq");
        assert_eq!(plain(bad.as_bytes()), "xyzq");
    }

    #[test]
    fn overwritten_text_is_left_out_and_tabs_are_blanks() {
        assert_eq!(plain(b"10%\r20%\r100% done\r\n"), "100% done");
        assert_eq!(plain(b"a\tb\n"), "a       b");
        assert_eq!(plain(b"plain\n"), "plain");
    }

    #[test]
    fn bytes_that_are_not_utf8_show_as_replacement_characters() {
        assert_eq!(plain(b"a\xff\xe7\x99\n"), "a\u{fffd}\u{fffd}");
    }

    include!("../../../agents/src/terminal/sequences.rs");

    #[test]
    fn no_sequence_leaks_into_a_row() {
        for (bytes, text) in SEQUENCES {
            assert_eq!(plain(bytes), *text, "{:?}", String::from_utf8_lossy(bytes));
            for end in 0..bytes.len() {
                assert!(plain(&bytes[..end]).chars().all(|letter| !is_harmful(letter)));
            }
        }
    }
}
