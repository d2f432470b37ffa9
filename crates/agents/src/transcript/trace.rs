//! Stack traces on standard error: dozens of lines that say less than the error before them.

use super::line::LineKind;
use super::pen::Pen;

/// Counts the lines of the stack trace that is being read. They stay in the raw log.
#[derive(Debug, Default)]
pub(super) struct Trace {
    lines: u32,
}

impl Trace {
    /// Returns whether a line belongs to a stack trace, which then is not shown line by line.
    pub(super) fn takes(&mut self, line: &str) -> bool {
        let is_indented = line.starts_with([' ', '\t']) && !line.trim().is_empty();
        // Node prints frames, and the fields of the error in braces after them; Python has a headline.
        let begins = (is_indented && line.trim_start().starts_with("at "))
            || line.starts_with("Traceback (most recent call last)");
        let goes_on = self.lines > 0 && (is_indented || matches!(line.trim_end(), "}" | "]" | "})" | "]}"));
        let takes = begins || goes_on;
        self.lines += u32::from(takes);
        takes
    }

    /// Ends the stack trace, if there is one: a line says how long it was.
    pub(super) fn close(&mut self, pen: &mut Pen<'_>) {
        match std::mem::take(&mut self.lines) {
            0 => {}
            1 => pen.line(LineKind::Note, "[1 line of a stack trace left out]"),
            lines => pen.line(LineKind::Note, &format!("[{lines} lines of a stack trace left out]")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Reader, Setting, Stream};
    use jiff::tz::TimeZone;

    fn shown(transcript: &str, stream: Stream, text: &str) -> Vec<String> {
        let mut reader = Reader::new(transcript, Setting { now_ms: 0, zone: TimeZone::UTC });
        reader.push(stream, text.as_bytes());
        reader.finish(None).1.into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn a_stack_trace_is_one_line_and_the_error_before_it_stays() {
        let text = "Attempt 1 failed: _ApiError: x\n    at a (file:1)\n    at async b (file:2) {\n  status: 500\n}\n\
                    Attempt 2 failed: _ApiError: x\n    at a (file:1)\n";
        let expected = [
            "Attempt 1 failed: _ApiError: x",
            "[4 lines of a stack trace left out]",
            "Attempt 2 failed: _ApiError: x",
            "[1 line of a stack trace left out]",
        ];
        assert_eq!(shown("gemini", Stream::Err, text), expected);
        let text = "Traceback (most recent call last):\n  File \"a.py\", line 1\nValueError: bad\n";
        assert_eq!(
            shown("codex", Stream::Err, text),
            ["[2 lines of a stack trace left out]", "ValueError: bad"]
        );
    }

    #[test]
    fn a_message_in_pieces_is_shown_in_whole_lines() {
        let piece = |text: &str| {
            format!("{{\"type\":\"message\",\"role\":\"assistant\",\"delta\":true,\"content\":{text:?}}}\n")
        };
        let text = [piece("Hel"), piece("lo wor"), piece("ld\nand mo"), piece("re")].concat();
        assert_eq!(shown("gemini", Stream::Out, &text), ["Hello world", "and more"]);
    }
}
