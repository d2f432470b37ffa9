//! Where the body of a test ends.

use crate::source_text::Language;
use paddock_model::cut;

/// Bytes of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) from: usize,
    pub(super) to: usize,
}

/// Most bytes of a body that are read. What is behind them does not count.
const BODY_BYTES_MAX: usize = 64 << 10;

/// Returns whether the layout of a language is part of its meaning.
pub(super) fn is_layout(language: Language) -> bool {
    matches!(language, Language::Python | Language::Settings)
}

/// Returns the range up to the end of the first block in braces, or up to a `;` before one.
pub(super) fn block(bare: &str, from: usize) -> Range {
    let mut depth = 0_usize;
    ended(bare, from, |byte| {
        match byte {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => {
                let was_in = depth > 0;
                depth = depth.saturating_sub(1);
                return byte == b'}' && (depth == 0 || !was_in);
            }
            b';' => return depth == 0,
            _ => {}
        }
        false
    })
}

/// Returns the range up to the parenthesis that closes the call in which `from` is.
pub(super) fn call(bare: &str, from: usize) -> Range {
    let mut depth = 1_usize;
    ended(bare, from, |byte| {
        match byte {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    })
}

fn ended(bare: &str, from: usize, mut is_end: impl FnMut(u8) -> bool) -> Range {
    let bytes = bare.as_bytes();
    let rest = bytes.get(from..).unwrap_or_default();
    let rest = &rest[..rest.len().min(BODY_BYTES_MAX)];
    let end = rest.iter().position(|byte| is_end(*byte)).map_or(rest.len(), |at| at + 1);
    bounded(bare, from, from + end)
}

/// Returns the rest of the line and the lines below it that are indented more than the line of `keyword`.
pub(super) fn indented(code: &str, keyword: usize, from: usize) -> Range {
    let line = code[..keyword].rfind('\n').map_or(0, |at| at + 1);
    let depth = indent(&code[line..]);
    let mut to = line_end(code, from);
    // The signature of a function may span lines, whose last line is as little indented as the first.
    let mut is_open = opened(&code[from..to]);
    while to < code.len() && to - from < BODY_BYTES_MAX {
        let (begin, end) = (to + 1, line_end(code, (to + 1).min(code.len())));
        let text = code.get(begin..end).unwrap_or_default();
        let is_closing = is_open && text.trim_start().starts_with([')', ']', '}']);
        if !text.trim().is_empty() && indent(text) <= depth && !is_closing {
            break;
        }
        is_open &= !is_closing;
        to = end.max(to + 1);
    }
    bounded(code, from, to)
}

/// Returns the rest of the line.
pub(super) fn line(code: &str, from: usize) -> Range {
    bounded(code, from, line_end(code, from))
}

fn bounded(text: &str, from: usize, to: usize) -> Range {
    let to = to.min(text.len()).max(from);
    // Not within a character.
    let to = text.len() - cut::end(text, text.len() - to).len();
    Range { from, to }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}

fn opened(text: &str) -> bool {
    let count = |signs: [char; 3]| text.matches(signs).count();
    count(['(', '[', '{']) > count([')', ']', '}'])
}

fn line_end(text: &str, from: usize) -> usize {
    text.as_bytes()
        .get(from..)
        .and_then(|rest| rest.iter().position(|byte| *byte == b'\n'))
        .map_or(text.len(), |at| from + at)
}
