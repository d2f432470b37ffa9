//! A row of the table, and the typed keys that the reader uses.
//!
//! A key carries the type of its value, so that the reader cannot read `recovery.max_retries` as a text.

use std::marker::PhantomData;
use std::ops::Deref;

use serde::Serialize;

use super::Kind;

/// The description of one key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    /// Key with its path: `enabled`, `recovery.max_retries`, `agents[].id`.
    pub path: &'static str,
    /// Type and range of its value.
    pub kind: Kind,
    /// Unit of its number; empty for other types.
    pub unit: &'static str,
    /// Meaning, in whole sentences.
    pub meaning: &'static str,
    /// Value for the example file and the tests, as YAML; empty if the default serves as the example.
    pub example: &'static str,
    /// Consequence if the key is not given.
    pub unset: Unset,
    /// Path of its field in the settings, relative to the item in a list; empty if it is the path of the key.
    field: &'static str,
    /// Whether the repository's own `.paddock/project.yaml` may give it too.
    pub is_shared: bool,
}

/// Consequence if a key is not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unset {
    /// The file has a fault: the key is required.
    Required,
    /// The default value of its [`Usual`] holds.
    Usual,
    /// The value is null, with this meaning.
    Null(&'static str),
    /// The value comes from elsewhere, as these words say.
    From(&'static str),
}

impl Setting {
    /// Returns the key's own name, the last part of the path.
    pub(crate) fn name(&self) -> &'static str {
        self.path.rsplit('.').next().unwrap_or(self.path)
    }

    /// Returns the path of the section or of the list's items that the key is in; empty for a top-level key.
    pub(crate) fn parent(&self) -> &'static str {
        self.path.rsplit_once('.').map_or("", |(parent, _)| parent)
    }

    /// Returns the path of the key's field in the settings, relative to the item in a list.
    pub(crate) fn field(&self) -> &'static str {
        match self.field {
            "" => self.path.rsplit_once("[].").map_or(self.path, |(_, below)| below),
            field => field,
        }
    }
}

/// A row without the type of its value, so that rows of all types fit into one list.
pub(crate) trait Row: Sync {
    /// Returns the description of the key.
    fn setting(&self) -> &Setting;
    /// Returns the default value as JSON, or `None` if the row has no default.
    fn usual(&self) -> Option<serde_json::Value>;
}

/// A key whose value is a `T`.
#[derive(Debug)]
pub(crate) struct Key<T> {
    setting: Setting,
    // `fn() -> T` and not `T`: a static must be `Sync` whatever `T` is.
    value: PhantomData<fn() -> T>,
}

/// The type of a section: a map of keys that have rows of their own.
#[derive(Debug)]
pub(crate) struct Map;

/// A key with a default value.
#[derive(Debug)]
pub(crate) struct Usual<T> {
    key: Key<T>,
    // A function, since a static cannot hold a `Vec` with contents.
    default: fn() -> T,
}

/// Makes a key that must be given, unless [`Key::null`], [`Key::from`] or [`Key::or`] say otherwise.
pub(crate) const fn key<T>(path: &'static str, kind: Kind) -> Key<T> {
    let setting = Setting {
        path,
        kind,
        unit: "",
        meaning: "",
        example: "",
        unset: Unset::Required,
        field: "",
        is_shared: false,
    };
    Key { setting, value: PhantomData }
}

impl<T> Key<T> {
    const fn with(setting: Setting) -> Self {
        Self { setting, value: PhantomData }
    }

    pub(super) const fn means(self, meaning: &'static str) -> Self {
        Self::with(Setting { meaning, ..self.setting })
    }

    pub(super) const fn unit(self, unit: &'static str) -> Self {
        Self::with(Setting { unit, ..self.setting })
    }

    pub(super) const fn example(self, example: &'static str) -> Self {
        Self::with(Setting { example, ..self.setting })
    }

    pub(super) const fn field(self, field: &'static str) -> Self {
        Self::with(Setting { field, ..self.setting })
    }

    pub(super) const fn shared(self) -> Self {
        Self::with(Setting { is_shared: true, ..self.setting })
    }

    /// Allows null, with this meaning.
    pub(super) const fn null(self, meaning: &'static str) -> Self {
        Self::with(Setting { unset: Unset::Null(meaning), ..self.setting })
    }

    /// Says where the value comes from if the key is not given.
    pub(super) const fn from(self, words: &'static str) -> Self {
        Self::with(Setting { unset: Unset::From(words), ..self.setting })
    }

    /// Gives the key a default value.
    pub(super) const fn or(self, default: fn() -> T) -> Usual<T> {
        Usual { key: Self::with(Setting { unset: Unset::Usual, ..self.setting }), default }
    }
}

impl<T> Usual<T> {
    /// Returns the default value.
    pub(crate) fn default(&self) -> T {
        (self.default)()
    }
}

impl<T> Deref for Key<T> {
    type Target = Setting;

    fn deref(&self) -> &Setting {
        &self.setting
    }
}

impl<T> Deref for Usual<T> {
    type Target = Key<T>;

    fn deref(&self) -> &Key<T> {
        &self.key
    }
}

impl<T> Row for Key<T> {
    fn setting(&self) -> &Setting {
        &self.setting
    }

    fn usual(&self) -> Option<serde_json::Value> {
        None
    }
}

impl<T: Serialize> Row for Usual<T> {
    fn setting(&self) -> &Setting {
        &self.key.setting
    }

    fn usual(&self) -> Option<serde_json::Value> {
        serde_json::to_value(self.default()).ok()
    }
}

/// Formats a value as one line of YAML.
pub(crate) fn inline(value: &serde_json::Value) -> String {
    use serde_json::Value;
    // Any other text is quoted: `yes`, `1.0` or a `:` would not be read back as the same text.
    let is_plain = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        // `5`, not `5.0`, for a whole number.
        Value::Number(number) => {
            number.as_f64().map_or_else(|| number.to_string(), |float| float.to_string())
        }
        other => other.to_string(),
    }
}
