//! How a value of each type is read from a node, by what the row of its key allows.

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error;

use super::reader::{Section, glob_fault, meant};
use super::table::{Key, Kind, Setting, Usual};
use super::yaml::{Node, Value};
use paddock_model::plan::CheckType;
use paddock_model::settings::{
    ApprovalRule, OverlapRule, PublishRule, Role, ScopeLevel, ScopeRule, Slots, StdinRule, Strategy,
};

/// A type that a setting may have.
pub(super) trait Read: Sized {
    /// The value of a node; none, and a fault, if it is not what the row allows.
    fn read(section: &Section<'_>, setting: &Setting, node: &Node) -> Option<Self>;
}

impl Section<'_> {
    /// The value of a key, if it is given and right.
    pub(crate) fn given<T: Read>(&self, key: &Key<T>) -> Option<T> {
        T::read(self, key, self.get(key)?)
    }

    /// The value of a key, else its default.
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
        let is_right = |n: &f64| n.is_finite() && (*n > 0.0 || setting.kind == Kind::FromZero && *n == 0.0);
        number.filter(is_right).or_else(|| wrong(section, setting, node))
    }
}

impl Read for String {
    fn read(section: &Section<'_>, setting: &Setting, node: &Node) -> Option<Self> {
        match setting.kind {
            Kind::OneOf(_) | Kind::Format => word(section, setting, node).map(str::to_owned),
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
            let Some(text) = section.text_of(&key, item) else { continue };
            if let (Kind::Globs, Some((problem, right))) = (setting.kind, glob_fault(&text)) {
                section.fault(&key, item.place, problem, right);
            }
            read.push(text);
        }
        Some(read)
    }
}

/// One of the row's words.
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

/// The enums of the model whose words project files use as they are.
macro_rules! words_are_read {
    ($($type:ty),*) => {$(
        impl Read for $type {
            fn read(section: &Section<'_>, setting: &Setting, node: &Node) -> Option<Self> {
                let text = word(section, setting, node)?;
                // A test reads every word of every row, so that this cannot fail.
                Self::deserialize(IntoDeserializer::<Error>::into_deserializer(text)).ok()
            }
        }
    )*};
}
words_are_read!(
    ApprovalRule,
    CheckType,
    OverlapRule,
    PublishRule,
    Role,
    ScopeLevel,
    ScopeRule,
    StdinRule,
    Strategy
);
