//! A row of the table, and the typed keys through which the reader reads it.

use std::marker::PhantomData;
use std::ops::Deref;

use serde::Serialize;

use super::Kind;

/// Everything there is to say about one key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    /// The key with its path: `enabled`, `recovery.max_retries`, `agents[].id`.
    pub path: &'static str,
    /// Its type and range.
    pub kind: Kind,
    /// The unit of its numbers; empty where it has none.
    pub unit: &'static str,
    /// What it means, in whole sentences.
    pub meaning: &'static str,
    /// A value for the example file and the tests, as YAML; empty where the default serves.
    pub example: &'static str,
    /// What holds when the key is not given.
    pub unset: Unset,
    /// The path of its field in the settings where that is not its own; in a list, from the item on.
    field: &'static str,
    /// Whether the repository's own `.paddock/project.yaml` may give it too.
    pub is_shared: bool,
}

/// What holds when a key is not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unset {
    /// It must be given.
    Required,
    /// The default value of its [`Usual`].
    Usual,
    /// Null, which means this.
    Null(&'static str),
    /// What these words say.
    From(&'static str),
}

impl Setting {
    /// The last part of the path.
    pub(crate) fn name(&self) -> &'static str {
        self.path.rsplit('.').next().unwrap_or(self.path)
    }

    /// The path of the section or of the list's items that hold it; empty for the file.
    pub(crate) fn parent(&self) -> &'static str {
        self.path.rsplit_once('.').map_or("", |(parent, _)| parent)
    }

    /// The path of its field in the settings; in a list, from the item on.
    pub(crate) fn field(&self) -> &'static str {
        match self.field {
            "" => self.path.rsplit_once("[].").map_or(self.path, |(_, below)| below),
            field => field,
        }
    }
}

/// A row whose type is not known.
pub(crate) trait Row: Sync {
    /// What there is to say about the key.
    fn setting(&self) -> &Setting;
    /// The default value as JSON, where the row has one.
    fn usual(&self) -> Option<serde_json::Value>;
}

/// A key that is read as a `T`.
#[derive(Debug)]
pub(crate) struct Key<T> {
    setting: Setting,
    value: PhantomData<fn() -> T>,
}

/// A section: a map of keys with rows of their own.
#[derive(Debug)]
pub(crate) struct Map;

/// A key with a default value.
#[derive(Debug)]
pub(crate) struct Usual<T> {
    key: Key<T>,
    default: fn() -> T,
}

/// A key that must be given, as long as nothing else is said of it.
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

    /// The key may be null, which means this.
    pub(super) const fn null(self, meaning: &'static str) -> Self {
        Self::with(Setting { unset: Unset::Null(meaning), ..self.setting })
    }

    /// Where the value comes from when the key is not given.
    pub(super) const fn from(self, words: &'static str) -> Self {
        Self::with(Setting { unset: Unset::From(words), ..self.setting })
    }

    /// The value that holds when the key is not given.
    pub(super) const fn or(self, default: fn() -> T) -> Usual<T> {
        Usual { key: Self::with(Setting { unset: Unset::Usual, ..self.setting }), default }
    }
}

impl<T> Usual<T> {
    /// The default value.
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

/// A value in one line of YAML.
pub(crate) fn inline(value: &serde_json::Value) -> String {
    use serde_json::Value;
    let is_plain = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        // A whole number is written as people write it.
        Value::Number(number) => {
            number.as_f64().map_or_else(|| number.to_string(), |float| float.to_string())
        }
        other => other.to_string(),
    }
}
