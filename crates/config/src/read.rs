//! Reads values of each type from nodes, within the range that the row of the key allows.

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error;

use super::reader::{Section, glob_fault, meant};
use super::settings_table::{Key, Kind, Setting, Usual};
use super::yaml::{Node, Value};
use paddock_agents::transcript::is_format;
use paddock_model::plan::CheckType;
use paddock_model::settings::{
    ApprovalRule, OverlapRule, PublishRule, Role, ScopeLevel, ScopeRule, Slots, StdinRule, Strategy,
    TestsRule, Workplace,
};

/// A type that a setting may have.
pub(super) trait Read: Sized {
    /// Reads the value of a node. Returns `None`, and adds a fault, if the row does not allow the value.
    fn read(section: &Section<'_>, setting: &Setting, node: &Node) -> Option<Self>;
}

impl Section<'_> {
    /// Reads the value of a key. Returns `None` if it is not given, or, with a fault, if it is not allowed.
    pub(crate) fn given<T: Read>(&self, key: &Key<T>) -> Option<T> {
        T::read(self, key, self.get(key)?)
    }

    /// Reads the value of a key, or returns its default. After a fault the default only lets the reading
    /// continue; the file is not used.
    pub(crate) fn value<T: Read>(&self, key: &Usual<T>) -> T {
        self.given(key).unwrap_or_else(|| key.default())
    }
}

fn wrong<T>(section: &Section<'_>, setting: &Setting, node: &Node) -> Option<T> {
    section.wrong(setting.name(), node, &setting.kind.expected());
    None
}

impl Read for bool {
    fn read(section: &Section<'_>, setting: &Setting, node: &Node) -> Option<Self> {
        match node.value {
            Value::Bool(value) => Some(value),
            _ => wrong(section, setting, node),
        }
    }
}

fn whole<N: TryFrom<i64>>(setting: &Setting, node: &Node) -> Option<N> {
    match (&node.value, setting.kind) {
        (Value::Int(number), Kind::Count(least) | Kind::AutoOrCount(least)) if *number >= least => {
            N::try_from(*number).ok()
        }
        _ => None,
    }
}

impl Read for u32 {
    fn read(section: &Section<'_>, setting: &Setting, node: &Node) -> Option<Self> {
        whole(setting, node).or_else(|| wrong(section, setting, node))
    }
}

impl Read for u64 {
    fn read(section: &Section<'_>, setting: &Setting, node: &Node) -> Option<Self> {
        whole(setting, node).or_else(|| wrong(section, setting, node))
    }
}

impl Read for Slots {
    fn read(section: &Section<'_>, setting: &Setting, node: &Node) -> Option<Self> {
        match &node.value {
            Value::Text(text) if text == "auto" => Some(Self::Auto),
            _ => whole(setting, node).map(Self::Count).or_else(|| wrong(section, setting, node)),
        }
    }
}

impl Read for f64 {
    fn read(section: &Section<'_>, setting: &Setting, node: &Node) -> Option<Self> {
        let number = match node.value {
            #[expect(clippy::cast_precision_loss, reason = "no amount is near 2^53")]
            Value::Int(number) => Some(number as f64),
            Value::Float(number) => Some(number),
            _ => None,
        };
        // YAML has `.inf` and `.nan`. A limit of infinity is written as null here.
        let is_right = |n: &f64| n.is_finite() && (*n > 0.0 || setting.kind == Kind::FromZero && *n == 0.0);
        number.filter(is_right).or_else(|| wrong(section, setting, node))
    }
}

impl Read for String {
    fn read(section: &Section<'_>, setting: &Setting, node: &Node) -> Option<Self> {
        match setting.kind {
            // A row of type `String` may still allow only certain words.
            Kind::Format => match &node.value {
                Value::Text(text) if is_format(text) => Some(text.clone()),
                _ => word(section, setting, node).map(str::to_owned),
            },
            Kind::OneOf(_) => word(section, setting, node).map(str::to_owned),
            _ => section.text_of(setting.name(), node),
        }
    }
}

impl Read for Vec<String> {
    fn read(section: &Section<'_>, setting: &Setting, node: &Node) -> Option<Self> {
        let Value::List(items) = &node.value else { return wrong(section, setting, node) };
        let mut read = Self::new();
        for (at, item) in items.iter().enumerate() {
            let key = format!("{}[{at}]", setting.name());
            // The other items are still read, so that all faults of a list are reported at once.
            let Some(text) = section.text_of(&key, item) else { continue };
            if let (Kind::Globs, Some((problem, right))) = (setting.kind, glob_fault(&text)) {
                section.fault(&key, item.place, problem, right);
            }
            read.push(text);
        }
        Some(read)
    }
}

/// Reads one of the row's words. Returns `None`, and adds a fault with the nearest word, for any other text.
fn word<'n>(section: &Section<'_>, setting: &Setting, node: &'n Node) -> Option<&'n str> {
    let words = setting.kind.words();
    let Value::Text(text) = &node.value else { return wrong(section, setting, node) };
    if words.contains(&text.as_str()) {
        return Some(text);
    }
    let problem = format!("`{}` cannot be {text:?}", section.key(setting.name()));
    section.fault(setting.name(), node.place, problem, Some(meant(text, &words)));
    None
}

/// Implements [`Read`] for enums of the model whose serialized words are those of project files.
macro_rules! words_are_read {
    ($($type:ty),*) => {$(
        impl Read for $type {
            fn read(section: &Section<'_>, setting: &Setting, node: &Node) -> Option<Self> {
                let text = word(section, setting, node)?;
                // The row's words are the enum's; a test reads every word of every row.
                Self::deserialize(IntoDeserializer::<Error>::into_deserializer(text)).ok()
            }
        }
    )*};
}
words_are_read!(
    ApprovalRule,
    CheckType,
    OverlapRule,
    Workplace,
    PublishRule,
    Role,
    ScopeLevel,
    ScopeRule,
    StdinRule,
    Strategy,
    TestsRule
);
