//! The types of settings.

use paddock_agents::transcript::formats;

/// The type of a key's value, with its allowed range or words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `true` or `false`.
    Flag,
    /// A whole number of at least this minimum.
    Count(i64),
    /// `auto`, or a whole number of at least this minimum.
    AutoOrCount(i64),
    /// `auto`, or a list of folders and globs.
    AutoOrFolders,
    /// `auto`, or `junit:` and the path of a report.
    Report,
    /// A number above 0.
    AboveZero,
    /// A number of at least 0.
    FromZero,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// The name of a transcript format, or `jsonl:` and the path of a field.
    Format,
    /// A text.
    Text,
    /// A slug or an id: 1 to 63 characters of `a-z`, `0-9`, `_` and `-`.
    Id,
    /// A list of texts.
    Texts,
    /// A list of globs.
    Globs,
    /// A list of public event types.
    Events,
    /// A command: a text, or a list of its words.
    Command,
    /// A map from names of variables to their values.
    Variables,
    /// A section with keys of its own.
    Section,
    /// A list of sections.
    Sections,
}

/// Regular expression that a slug or an id must match.
pub(crate) const ID_PATTERN: &str = "^[a-z0-9][a-z0-9_-]{0,62}$";

impl Kind {
    /// Returns the allowed words; empty for types that allow any value.
    pub(crate) fn words(self) -> Vec<&'static str> {
        match self {
            Self::OneOf(words) => words.to_vec(),
            Self::Format => formats().map(|(name, _)| name).collect(),
            _ => Vec::new(),
        }
    }

    /// Describes the allowed values in the words of a fault ("must be …").
    pub(crate) fn expected(self) -> String {
        match self {
            Self::Flag => "true or false".to_owned(),
            Self::Count(least) => format!("a whole number from {least}"),
            Self::AutoOrCount(least) => format!("auto or a whole number from {least}"),
            Self::AutoOrFolders => "auto or a list of folders".to_owned(),
            Self::Report => "auto or the text junit:PATH".to_owned(),
            Self::AboveZero => "a number above 0".to_owned(),
            Self::FromZero => "a number from 0".to_owned(),
            Self::OneOf(_) => format!("one of {}", self.words().join(", ")),
            Self::Format => format!("one of {} or jsonl:FIELD", self.words().join(", ")),
            Self::Text | Self::Id => "a text".to_owned(),
            Self::Texts | Self::Globs | Self::Events | Self::Sections => "a list".to_owned(),
            Self::Command => "a text or a list of texts".to_owned(),
            Self::Variables | Self::Section => "a map of keys".to_owned(),
        }
    }

    /// Describes the allowed values in the words of the reference, with Markdown.
    pub(crate) fn shown(self) -> String {
        match self {
            Self::OneOf(_) | Self::Format => {
                let mut words: Vec<String> = self.words().iter().map(|word| format!("`{word}`")).collect();
                words.extend((self == Self::Format).then(|| "`jsonl:FIELD`".to_owned()));
                words.join(", ")
            }
            Self::AutoOrCount(least) => format!("`auto` or a whole number from {least}"),
            Self::AutoOrFolders => "`auto` or a list of folders and globs".to_owned(),
            Self::Report => "`auto` or `junit:PATH`".to_owned(),
            Self::Id => {
                "1 to 63 characters of `a-z`, `0-9`, `_`, `-`; begins with a letter or digit".to_owned()
            }
            Self::Texts => "a list of texts".to_owned(),
            Self::Globs => "a list of globs".to_owned(),
            Self::Events => "a list of event types".to_owned(),
            Self::Variables => "a map of names to texts".to_owned(),
            Self::Section => "a section".to_owned(),
            Self::Sections => "a list of sections".to_owned(),
            _ => self.expected(),
        }
    }
}
