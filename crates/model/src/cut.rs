//! Cutting text to a number of bytes at a character boundary. The crate `report` cuts text to columns of the
//! screen.

/// Returns the start of a text, at most `max_bytes` long.
#[must_use]
pub fn start(text: &str, max_bytes: usize) -> &str {
    let end = (0..=max_bytes.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or(0)]
}

/// Returns the end of a text, at most `max_bytes` long.
#[must_use]
pub fn end(text: &str, max_bytes: usize) -> &str {
    let from = text.len().saturating_sub(max_bytes);
    let from = (from..=text.len()).find(|at| text.is_char_boundary(*at));
    &text[from.unwrap_or(text.len())..]
}

/// Returns the start of a text, at most `max_bytes` long. If anything is missing, it ends with `…`.
#[must_use]
pub fn marked(text: &str, max_bytes: usize) -> String {
    match text.len() > max_bytes {
        true => format!("{}…", start(text, max_bytes.saturating_sub('…'.len_utf8()))),
        false => text.to_owned(),
    }
}

/// Returns the start and the end of a text, together about `max_bytes` long. The line between them says how
/// much is missing.
#[must_use]
pub fn middle_out(text: &str, max_bytes: usize) -> String {
    if text.len() <= max_bytes {
        return text.to_owned();
    }
    let (head, tail) = (start(text, max_bytes / 2), end(text, max_bytes / 2));
    let missing = text.len() - head.len() - tail.len();
    format!("{head}\n… {missing} bytes left out …\n{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_are_at_character_boundaries() {
        let text = "登录页面";
        assert_eq!((start(text, 7), end(text, 7)), ("登录", "页面"));
        assert_eq!((start(text, 2), end(text, 2)), ("", ""));
        assert_eq!((start(text, 99), end(text, 99)), (text, text));
        assert_eq!((marked(text, 9).as_str(), marked(text, 12).as_str()), ("登录…", text));
        assert_eq!(middle_out(text, 7), "登\n… 6 bytes left out …\n面");
    }
}
