//! Fields of events, whatever is missing or of another type than expected.

use jiff::Timestamp;
use serde_json::Value;

/// The text at that pointer; empty when there is none.
pub(super) fn text<'v>(event: &'v Value, pointer: &str) -> &'v str {
    event.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

/// The number at that pointer.
pub(super) fn number(event: &Value, pointer: &str) -> Option<f64> {
    event.pointer(pointer)?.as_f64()
}

/// The count at that pointer; none for what is negative or no number.
pub(super) fn count(event: &Value, pointer: &str) -> Option<u64> {
    let value = event.pointer(pointer)?;
    // Agents written in JavaScript print whole numbers as they like.
    let from_float = || value.as_f64().filter(|v| (0.0..1e15).contains(v)).map(|v| v as u64);
    value.as_u64().or_else(from_float)
}

/// Whether the field is there and true.
pub(super) fn flag(event: &Value, pointer: &str) -> bool {
    event.pointer(pointer).and_then(Value::as_bool).unwrap_or(false)
}

/// The elements of the list at that pointer; none of them when it is no list.
pub(super) fn list<'v>(event: &'v Value, pointer: &str) -> &'v [Value] {
    event.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The pairs of the object at that pointer.
pub(super) fn pairs<'v>(event: &'v Value, pointer: &str) -> impl Iterator<Item = (&'v String, &'v Value)> {
    event.pointer(pointer).and_then(Value::as_object).into_iter().flatten()
}

/// The time at that pointer, as RFC 3339 text or in milliseconds since 1970.
pub(super) fn time_ms(event: &Value, pointer: &str) -> Option<i64> {
    let value = event.pointer(pointer)?;
    let from_text = |text: &str| text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond);
    value.as_str().and_then(from_text).or_else(|| value.as_i64().filter(|ms| *ms > 0))
}

/// What a program gave as content: a text, or a list of blocks with texts.
pub(super) fn content(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            let texts = blocks.iter().map(|block| block.as_str().unwrap_or_else(|| text(block, "/text")));
            texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}
