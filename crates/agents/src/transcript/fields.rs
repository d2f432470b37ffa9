//! Any program that prints one JSON event per line, with the agent's words in a known field:
//! `transcript: jsonl:message.content`.

use serde_json::Value;

use super::json;
use super::line::LineKind;
use super::narrator::Narrator;
use super::pen::{Lines, Pen};
use super::plain::Plain;
use super::splitter::Splitter;
use super::{Format, Reading, Setting, Stream};
use crate::summary;
use paddock_model::session::Exit;

/// Beginning of the format's name; the path of the field follows.
pub(super) const PREFIX: &str = "jsonl:";

/// Limit on an event, in bytes.
const EVENT_MAX_BYTES: usize = 8 << 20;
/// Longest path, in keys.
const KEYS_MAX: usize = 16;

/// Returns the keys of a path such as `message.content`; `None` if it is no path.
pub(super) fn keys(path: &str) -> Option<Vec<String>> {
    let keys: Vec<String> = path.split('.').map(str::to_owned).collect();
    let is_key = |key: &String| !key.is_empty() && !key.contains(char::is_whitespace);
    (keys.len() <= KEYS_MAX && keys.iter().all(is_key)).then_some(keys)
}

/// A reader of the events.
#[derive(Debug)]
pub(super) struct Fields {
    keys: Vec<String>,
    out: Splitter,
    /// Reads standard error, and the exit status.
    plain: Plain,
    narrator: Narrator,
    /// The texts without anything between them: a program may print each message in pieces.
    pieces: Narrator,
}

impl Fields {
    pub(super) fn new(keys: Vec<String>) -> Self {
        Self {
            keys,
            out: Splitter::new(EVENT_MAX_BYTES),
            plain: Plain::default(),
            narrator: Narrator::default(),
            pieces: Narrator::default(),
        }
    }

    fn line(&mut self, line: &[u8], pen: &mut Pen<'_>) {
        let Ok(event) = serde_json::from_slice::<Value>(line) else {
            return pen.line(LineKind::Note, &String::from_utf8_lossy(line));
        };
        for text in texts(&event, &self.keys) {
            self.narrator.say(&text, pen);
            self.pieces.words.add(&text);
        }
    }

    fn lines(
        &mut self,
        setting: &Setting,
        lines: &mut Lines,
        read: impl FnOnce(&mut Splitter, &mut Vec<Vec<u8>>),
    ) {
        let mut whole = Vec::new();
        read(&mut self.out, &mut whole);
        let mut pen = Pen { setting, lines, at_ms: None };
        whole.iter().for_each(|line| self.line(line, &mut pen));
    }
}

/// Returns the texts at a path. A list on the way stands for each of its elements.
fn texts(value: &Value, keys: &[String]) -> Vec<String> {
    match (value, keys) {
        (Value::Array(all), [_, ..]) => all.iter().flat_map(|one| texts(one, keys)).collect(),
        (_, [key, rest @ ..]) => value.get(key).map(|one| texts(one, rest)).unwrap_or_default(),
        (_, []) => Some(json::content(value)).filter(|text| !text.is_empty()).into_iter().collect(),
    }
}

impl Format for Fields {
    fn push(&mut self, stream: Stream, bytes: &[u8], setting: &Setting, lines: &mut Lines) {
        match stream {
            Stream::Err => self.plain.push(stream, bytes, setting, lines),
            Stream::Out => self.lines(setting, lines, |out, whole| {
                out.push(bytes, |line, _| whole.push(line.to_vec()));
            }),
        }
    }

    fn end(&mut self, setting: &Setting, lines: &mut Lines) {
        self.lines(setting, lines, |out, whole| out.finish(|line, _| whole.push(line.to_vec())));
        self.plain.end(setting, lines);
    }

    fn reading(&self, exit: Option<&Exit>, setting: &Setting) -> Reading {
        let (messages, pieces) = (self.narrator.words.all(), self.pieces.words.all());
        let is_whole = summary::has_block(messages) || !summary::has_block(pieces);
        let said = if is_whole { messages } else { pieces };
        let last = if is_whole { self.narrator.words.last() } else { pieces };
        let failure = self.plain.reading(exit, setting).failure;
        Reading { final_text: last.to_owned(), said: said.to_owned(), failure, ..Reading::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Reader;
    use super::*;
    use jiff::tz::TimeZone;

    fn read(transcript: &str, text: &str) -> (Reading, Vec<String>) {
        let mut reader = Reader::new(transcript, Setting { now_ms: 0, zone: TimeZone::UTC });
        reader.push(Stream::Out, text.as_bytes());
        let (reading, lines) = reader.finish(Some(&Exit::Code(0)));
        (reading, lines.into_iter().map(|line| line.text).collect())
    }

    #[test]
    fn the_words_are_in_the_named_field_alone() {
        let text = "{\"message\":{\"content\":\"one\"}}\n{\"other\":\"no\"}\nstarting\n\
                    {\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"two\"}]}}\n";
        let (reading, lines) = read("jsonl:message.content", text);
        assert_eq!((reading.said.as_str(), reading.final_text.as_str()), ("one\ntwo", "two"));
        assert_eq!(lines, ["one", "starting", "two"]);
        let (reading, _) = read("jsonl:choices.text", "{\"choices\":[{\"text\":\"a\"},{\"text\":\"b\"}]}\n");
        assert_eq!(reading.said, "a\nb");
    }

    #[test]
    fn a_summary_in_pieces_is_found() {
        let block = "---SESSION_SUMMARY---\nstatus: partial\nsummary: x\n---END_SESSION_SUMMARY---\n";
        let pieces = block.as_bytes().chunks(7).map(|piece| {
            let piece = serde_json::to_string(&String::from_utf8_lossy(piece)).unwrap();
            format!("{{\"delta\":{piece}}}\n")
        });
        let (reading, _) = read("jsonl:delta", &pieces.collect::<String>());
        assert!(summary::find(&reading.said, "").is_some(), "{}", reading.said);
    }
}
