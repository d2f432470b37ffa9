//! Access to the fields of events. A field that is missing or has another type than expected is never an
//! error.

use jiff::Timestamp;
use serde_json::Value;

/// Returns the text at this pointer; empty if there is none.
pub(super) fn text<'v>(event: &'v Value, pointer: &str) -> &'v str {
    event.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

/// Returns the number at this pointer.
pub(super) fn number(event: &Value, pointer: &str) -> Option<f64> {
    event.pointer(pointer)?.as_f64()
}

/// Returns the count at this pointer; `None` if it is negative or not a number.
pub(super) fn count(event: &Value, pointer: &str) -> Option<u64> {
    let value = event.pointer(pointer)?;
    // Agents written in JavaScript may print a whole number as a float.
    let from_float = || value.as_f64().filter(|v| (0.0..1e15).contains(v)).map(|v| v as u64);
    value.as_u64().or_else(from_float)
}

/// Returns whether the field exists and is true.
pub(super) fn flag(event: &Value, pointer: &str) -> bool {
    event.pointer(pointer).and_then(Value::as_bool).unwrap_or(false)
}

/// Returns the elements of the list at this pointer; empty if it is not a list.
pub(super) fn list<'v>(event: &'v Value, pointer: &str) -> &'v [Value] {
    event.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Iterates over the pairs of the object at this pointer.
pub(super) fn pairs<'v>(event: &'v Value, pointer: &str) -> impl Iterator<Item = (&'v String, &'v Value)> {
    event.pointer(pointer).and_then(Value::as_object).into_iter().flatten()
}

/// Returns the time at this pointer, which is RFC 3339 text or a number of milliseconds since 1970.
pub(super) fn time_ms(event: &Value, pointer: &str) -> Option<i64> {
    let value = event.pointer(pointer)?;
    let from_text = |text: &str| text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond);
    value.as_str().and_then(from_text).or_else(|| value.as_i64().filter(|ms| *ms > 0))
}

/// Returns the text of a content field: a text, or a list of blocks with texts.
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
