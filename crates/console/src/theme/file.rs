//! Chooses the theme: from the terminal's abilities, then the user's theme.yaml, then the workspace's.

use std::path::PathBuf;

use ratatui::style::{Color, Modifier, Style};

use super::{ASCII, Theme, UNICODE};
use paddock_config::error::nearest;
use paddock_config::words::{self, Entry, fault};
use paddock_config::{ConfigError, Environment};

type Field = (&'static str, fn(&mut Theme) -> &mut Style);

/// The styles that a file can set, by name.
const FIELDS: &[Field] = &[
    ("plain", |theme| &mut theme.plain),
    ("dim", |theme| &mut theme.dim),
    ("strong", |theme| &mut theme.strong),
    ("border", |theme| &mut theme.border),
    ("border-focus", |theme| &mut theme.border_focus),
    ("title", |theme| &mut theme.title),
    ("title-focus", |theme| &mut theme.title_focus),
    ("landed", |theme| &mut theme.landed),
    ("working", |theme| &mut theme.working),
    ("queued", |theme| &mut theme.queued),
    ("needs", |theme| &mut theme.needs),
    ("failed", |theme| &mut theme.failed),
    ("waiting", |theme| &mut theme.waiting),
    ("selected", |theme| &mut theme.selected),
    ("selected-dim", |theme| &mut theme.selected_dim),
    ("key", |theme| &mut theme.key),
    ("found", |theme| &mut theme.found),
];

impl Theme {
    /// Returns the theme for this terminal, with the settings of the files, and the files' faults.
    #[must_use]
    pub(crate) fn load(files: &[(PathBuf, String)], environment: &Environment) -> (Self, Vec<ConfigError>) {
        // Set but empty counts as unset, as no-color.org defines it.
        let is_set = |name: &str| environment.get(name).is_some_and(|value| !value.is_empty());
        let is_dumb = environment.get("TERM") == Some("dumb");
        let is_plain = is_dumb || is_set("NO_COLOR");
        let mut theme = if is_plain { Self::colourless() } else { Self::default() };
        // ASCII and colours are independent: a terminal may lack UTF-8 and still show colours.
        if is_dumb || is_set("PADDOCK_ASCII") || !speaks_utf8(environment) {
            theme.glyphs = ASCII;
        }
        let mut faults = Vec::new();
        for (path, shown) in files {
            let (entries, wrong) = words::read(path, shown);
            faults.extend(wrong);
            faults.extend(theme.read(&entries, shown, is_plain));
        }
        (theme, faults)
    }

    /// Applies the entries of a file. Returns their faults. If
    /// `is_plain`, colours are ignored and only weights apply.
    fn read(&mut self, entries: &[Entry], file: &str, is_plain: bool) -> Vec<ConfigError> {
        let mut faults = Vec::new();
        for entry in entries {
            let text: Vec<&str> = entry.words.iter().flat_map(|(word, _)| word.split_whitespace()).collect();
            let report =
                |problem: String, right: String| fault(file, entry.place, &entry.name, problem, Some(right));
            // The only entry that is not a style.
            if entry.name == "glyphs" {
                match text[..] {
                    ["ascii"] => self.glyphs = ASCII,
                    ["unicode"] => self.glyphs = UNICODE,
                    _ => faults.push(report(
                        "`glyphs` has an unknown value".to_owned(),
                        "use `ascii` or `unicode`".to_owned(),
                    )),
                }
                continue;
            }
            let Some((_, field)) = FIELDS.iter().find(|(name, _)| *name == entry.name) else {
                let names: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).chain(["glyphs"]).collect();
                let right = match nearest(&entry.name, &names) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the styles are: {}", names.join(", ")),
                };
                let shown: String = entry.name.chars().take(60).collect();
                faults.push(report(format!("a theme has no style `{shown}`"), right));
                continue;
            };
            match style(&text) {
                // NO_COLOR wins over a file: the person set it for this terminal.
                Ok(style) if is_plain => *field(self) = Style { fg: None, bg: None, ..style },
                Ok(style) => *field(self) = style,
                Err(UnknownStyle(word)) => {
                    let right = "use a colour (green, bright-red, #rrggbb, 0-255), on-COLOUR, bold, dim, \
                                 italic, underlined, reversed, default";
                    faults.push(report(format!("{word:?} is not a colour or a weight"), right.to_owned()));
                }
            }
        }
        faults
    }
}

/// A word that is neither a colour nor a weight.
struct UnknownStyle<'w>(&'w str);

fn style<'w>(words: &[&'w str]) -> Result<Style, UnknownStyle<'w>> {
    let mut style = Style::new();
    for word in words {
        let modifier = match *word {
            "default" => continue,
            "bold" => Some(Modifier::BOLD),
            "dim" => Some(Modifier::DIM),
            "italic" => Some(Modifier::ITALIC),
            "underlined" => Some(Modifier::UNDERLINED),
            "reversed" => Some(Modifier::REVERSED),
            _ => None,
        };
        // ratatui calls the bright colours `light-…`.
        let colour = |name: &str| name.replace("bright-", "light-").parse::<Color>();
        style = match (modifier, word.strip_prefix("on-")) {
            (Some(modifier), _) => style.add_modifier(modifier),
            (None, Some(name)) => style.bg(colour(name).map_err(|_| UnknownStyle(word))?),
            (None, None) => style.fg(colour(word).map_err(|_| UnknownStyle(word))?),
        };
    }
    Ok(style)
}

/// Returns whether the locale uses UTF-8. Without a locale, as in containers and many services, assumes that
/// it does: their terminals support UTF-8.
fn speaks_utf8(environment: &Environment) -> bool {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| environment.get(name).filter(|value| !value.is_empty()));
    set.is_none_or(|value| {
        let value = value.to_ascii_lowercase();
        value.contains("utf-8") || value.contains("utf8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn themed(variables: &[(&str, &str)]) -> Theme {
        Theme::load(&[], &Environment::from_variables(variables.iter().copied())).0
    }

    #[test]
    fn a_terminal_gets_only_what_it_can_show() {
        assert_eq!(themed(&[("LANG", "C.UTF-8")]), Theme::default());
        assert_eq!(themed(&[]).glyphs, UNICODE);
        assert_eq!(themed(&[("LANG", "C")]).glyphs, ASCII);
        assert_eq!(themed(&[("LANG", "C"), ("LC_ALL", "zh_CN.utf8")]).glyphs, UNICODE);
        assert_eq!(themed(&[("PADDOCK_ASCII", "1")]).glyphs, ASCII);
        assert_eq!(themed(&[("NO_COLOR", "1")]), Theme::colourless());
        assert_eq!(themed(&[("NO_COLOR", "")]), Theme::default());
        assert_eq!(themed(&[("TERM", "dumb")]), Theme { glyphs: ASCII, ..Theme::colourless() });
    }

    #[test]
    fn a_file_sets_styles_and_its_faults_are_reported() {
        let text =
            "landed: bright-green bold\nneeds: '#ffaa00'\nglyphs: ascii\nfailde: red\nqueued: blurple\n";
        let (entries, _) = words::parse(text, "theme.yaml");
        let mut theme = Theme::default();
        let faults: Vec<String> =
            theme.read(&entries, "theme.yaml", false).iter().map(ToString::to_string).collect();
        assert_eq!(theme.landed, Style::new().fg(Color::LightGreen).add_modifier(Modifier::BOLD));
        assert_eq!(theme.needs, Style::new().fg(Color::Rgb(255, 170, 0)));
        assert_eq!(theme.glyphs, ASCII);
        assert!(
            faults[0].contains("theme.yaml:4:1: a theme has no style `failde`; did you mean `failed`?"),
            "{faults:?}"
        );
        assert!(faults[1].contains("\"blurple\" is not a colour or a weight; use a colour"), "{faults:?}");
        let mut plain = Theme::colourless();
        plain.read(&entries, "theme.yaml", true);
        assert_eq!(plain.landed, Style::new().add_modifier(Modifier::BOLD));
    }
}
