//! The one place that parses YAML: into nodes with their line and column.
//!
//! Deserializing into typed structs would stop at the first fault and lose the key. With nodes, all faults of
//! a file are reported at once, each with its place.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::{DuplicateKeyPolicy, Location, Spanned};

use super::error::Place;

/// A value of a YAML document with its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub place: Place,
    pub value: Value,
}

/// A value of a YAML document.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    /// Pairs in the order of the file. A key that is given twice is in the list twice.
    Map(Vec<(Key, Node)>),
}

/// A key of a map with its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    pub place: Place,
    pub text: String,
}

impl Value {
    /// Describes the value for a message ("must be a list, not …").
    pub(crate) fn kind(&self) -> String {
        match self {
            Self::Null => "nothing".to_owned(),
            Self::Bool(value) => format!("`{value}`"),
            Self::Int(value) => format!("the number {value}"),
            Self::Float(value) => format!("the number {value}"),
            Self::Text(text) if text.chars().count() <= 40 => format!("the text {text:?}"),
            // A long text would bury the message.
            Self::Text(_) => "a text".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) => "a map".to_owned(),
        }
    }
}

impl Node {
    /// Returns whether both have the same content, whatever the places and the order of keys.
    pub(crate) fn says_same(&self, other: &Self) -> bool {
        match (&self.value, &other.value) {
            (Value::List(one), Value::List(other)) => {
                one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.says_same(other))
            }
            (Value::Map(one), Value::Map(other)) => {
                one.len() == other.len()
                    && one.iter().all(|(key, node)| {
                        other.iter().any(|(known, value)| known.text == key.text && node.says_same(value))
                    })
            }
            (one, other) => one == other,
        }
    }
}

/// Makes a node of a JSON value, without places: `serde_json` does not give any.
pub(super) fn from_json(json: serde_json::Value) -> Node {
    use serde_json::Value as Json;
    let key = |text| Key { place: Place::default(), text };
    let value = match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(value),
        Json::Number(number) => match number.as_i64() {
            Some(value) => Value::Int(value),
            None => Value::Float(number.as_f64().unwrap_or(f64::INFINITY)),
        },
        Json::String(text) => Value::Text(text),
        Json::Array(items) => Value::List(items.into_iter().map(from_json).collect()),
        Json::Object(pairs) => {
            Value::Map(pairs.into_iter().map(|(name, value)| (key(name), from_json(value))).collect())
        }
    };
    Node { place: Place::default(), value }
}

/// An error in the syntax of a YAML text.
#[derive(Debug)]
pub(super) struct SyntaxError {
    pub place: Place,
    pub message: String,
}

/// Parses a document. An empty text is null. Fails at the first error in the syntax.
pub(super) fn parse(text: &str) -> Result<Node, SyntaxError> {
    let mut options = serde_yaml::Options::default();
    // `yes` and `no` are texts, as in YAML 1.2: a country or a name must not become a boolean.
    options.strict_booleans = true;
    // The parser's own error for a duplicate has no key, so both pairs are passed on and `Section` reports
    // them.
    options.duplicate_keys = DuplicateKeyPolicy::PassThrough;
    // Infinity is refused by the reader of numbers, which knows the key.
    options.non_finite_float_policy = serde_yaml::options::NonFiniteFloatPolicy::PassThrough;
    match serde_yaml::from_str_with_options::<Spanned<Value>>(text, options) {
        Ok(spanned) => Ok(Node { place: place(&spanned.referenced), value: spanned.value }),
        Err(error) => {
            let place = error.location().map(|location| place(&location)).unwrap_or_default();
            let whole = error.without_snippet().to_string();
            // The parser's message repeats the place, which `ConfigError` shows already, and gives advice
            // about its API.
            let message = whole.lines().next().unwrap_or_default();
            let message = message.split(" at line ").next().unwrap_or_default();
            let message = message.split("; use from_str").next().unwrap_or_default();
            let message = message.trim_end_matches([' ', ',', ':']).to_owned();
            Err(SyntaxError { place, message })
        }
    }
}

fn place(location: &Location) -> Place {
    Place { line: location.line(), column: location.column() }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(Self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        // No allowed value comes near this limit, so a larger one is refused in either form.
        Ok(Value::Int(i64::try_from(value).unwrap_or(i64::MAX)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Spanned<Value>>()? {
            list.push(Node { place: place(&item.referenced), value: item.value });
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        // A list of pairs and not a map: the order is kept for messages, and duplicates are kept for their
        // fault.
        while let Some(key) = pairs.next_key::<Spanned<String>>()? {
            let value = pairs.next_value::<Spanned<Value>>()?;
            let key = Key { place: place(&key.referenced), text: key.value };
            map.push((key, Node { place: place(&value.referenced), value: value.value }));
        }
        Ok(Value::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_know_their_kind_and_place() {
        let node = parse("\u{feff}a: 1\nb: [yes, \"no\", true, ~]\nc:\n  d: 中文\n  d: 1.5\n").unwrap();
        let Value::Map(pairs) = node.value else { panic!("no map") };
        assert_eq!(pairs[0].1.value, Value::Int(1));
        let Value::List(list) = &pairs[1].1.value else { panic!("no list") };
        let kinds: Vec<Value> = list.iter().map(|node| node.value.clone()).collect();
        let text = |text: &str| Value::Text(text.to_owned());
        assert_eq!(kinds, [text("yes"), text("no"), Value::Bool(true), Value::Null]);
        assert_eq!((list[2].place.line, list[2].place.column), (2, 16));
        let Value::Map(inner) = &pairs[2].1.value else { panic!("no map") };
        assert_eq!(inner.len(), 2, "both pairs of a duplicate come through");
        assert_eq!((inner[1].0.place.line, inner[1].0.place.column), (5, 3));
    }

    #[test]
    fn a_syntax_error_has_a_place() {
        let error = parse("a: [1,\nb: 2\n").unwrap_err();
        assert!(error.place.line >= 1 && !error.message.is_empty(), "{error:?}");
        assert!(!error.message.contains("line "), "{error:?}");
    }
}
