//! Texts inside JSON: some programs print their events as JSON in a form that no reader knows. What the agent
//! says is in strings then, with escaped line breaks, and perhaps in pieces.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::summary;

/// Limit on the fields whose pieces are joined; events of a program have far fewer.
const FIELDS_MAX: usize = 64;

/// Returns the text with the strings of its JSON after the lines that hold them, so that a block inside a string
/// is found as if it had been printed. If there is no block even so, the strings of equal fields are joined: they
/// may be the pieces of one text.
pub(super) fn unfolded(text: &str) -> String {
    let mut all = String::with_capacity(text.len());
    let mut is_json = false;
    for line in text.lines() {
        all.push_str(line);
        all.push('\n');
        // A line that is JSON, or a line of JSON in several lines (`"text": "…"`), or an event of a stream.
        let json = line.trim_start().trim_start_matches("data:").trim_start();
        if json.starts_with(['{', '[', '"']) {
            is_json = true;
            literals(json).filter(|text| is_whole(text)).for_each(|text| {
                all.push_str(&text);
                all.push('\n');
            });
        }
    }
    if is_json && !summary::has_block(&all) {
        let joined = joined(text);
        joined.values().filter(|text| summary::has_block(text)).for_each(|text| all.push_str(text));
    }
    all
}

/// Returns whether a string is a text of its own: with line breaks, and without a part of a block.
fn is_whole(text: &str) -> bool {
    let has_mark = text.contains(summary::BEGIN) || text.contains(summary::END);
    text.contains('\n') && (!has_mark || summary::has_block(text))
}

/// Iterates over the decoded string literals of a line.
fn literals(line: &str) -> impl Iterator<Item = String> {
    let mut rest = line;
    std::iter::from_fn(move || {
        loop {
            let begin = rest.find('"')?;
            let length = literal_length(&rest[begin..])?;
            let literal = &rest[begin..begin + length];
            rest = &rest[begin + length..];
            if let Ok(text) = serde_json::from_str::<String>(literal) {
                return Some(text);
            }
        }
    })
}

/// Returns the length of the literal at the beginning, with its quotes; `None` if it does not end.
fn literal_length(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// Returns the strings of the JSON lines, joined by the path of their field.
fn joined(text: &str) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    for line in text.lines() {
        let json = line.trim_start().trim_start_matches("data:").trim();
        if let Ok(value) = serde_json::from_str::<Value>(json) {
            gather(&value, &mut String::new(), &mut fields);
        }
    }
    fields
}

fn gather(value: &Value, path: &mut String, fields: &mut BTreeMap<String, String>) {
    let length = path.len();
    match value {
        Value::String(text) if fields.len() < FIELDS_MAX || fields.contains_key(path.as_str()) => {
            fields.entry(path.clone()).or_default().push_str(text);
        }
        Value::Array(all) => all.iter().for_each(|one| gather(one, path, fields)),
        Value::Object(all) => {
            for (key, one) in all {
                path.push('.');
                path.push_str(key);
                gather(one, path, fields);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use paddock_model::summary::SummaryStatus;

    const BLOCK: &str = r"---SESSION_SUMMARY---\nstatus: blocked\nsummary: no\n---END_SESSION_SUMMARY---";

    fn status(text: &str) -> Option<SummaryStatus> {
        summary::find(&unfolded(text), "").map(|found| found.status)
    }

    #[test]
    fn a_summary_inside_any_string_of_json_is_found() {
        let blocked = Some(SummaryStatus::Blocked);
        for text in [
            format!("{{\"type\":\"say\",\"text\":\"I stop.\\n{BLOCK}\"}}\n{{\"type\":\"end\"}}\n"),
            format!("{{\"events\":[{{\"a\":{{\"b\":\"{BLOCK}\"}}}}]}}"),
            format!("{{\n  \"result\": \"{BLOCK}\",\n  \"ok\": true\n}}\n"),
            format!("data: {{\"text\": \"\\\"quoted\\\"\\n{BLOCK}\"}}\n\n"),
        ] {
            assert_eq!(status(&text), blocked, "{text}");
        }
        let (begin, end) = BLOCK.split_at(30);
        let pieces = format!("{{\"delta\":\"ok\\n{begin}\"}}\n{{\"n\":1}}\n{{\"delta\":\"{end}\"}}\n");
        assert_eq!(status(&pieces), blocked);
    }

    #[test]
    fn what_the_agent_prints_after_it_counts_and_nonsense_is_harmless() {
        let plain = "---SESSION_SUMMARY---\nstatus: completed\nsummary: yes\n---END_SESSION_SUMMARY---\n";
        let both = format!("{{\"log\":\"{BLOCK}\"}}\n{plain}");
        assert_eq!(status(&both), Some(SummaryStatus::Completed));
        for text in ["{\"", "\"\\", "[\"\\u12\",\"a\\nb\"]", "data:{", "{\"a\":\"é\\n登\"}"] {
            assert_eq!(status(text), None, "{text}");
        }
    }
}
